//! Knows the ClusterRoles that the API server aggregates into `admin`, `edit` and `view`
//! (`plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go` in Kubernetes).
//!
//! The API server restores what was removed from them, but leaves what was added. So a rule counts as
//! its own only if it grants nothing that such a role never grants.

use serde_json::{Value, json};

use crate::model::items_at;

/// The resources that the roles speak of, by API group.
const RESOURCES: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "bindings",
            "configmaps",
            "endpoints",
            "events",
            "limitranges",
            "namespaces",
            "persistentvolumeclaims",
            "pods",
            "replicationcontrollers",
            "resourcequotas",
            "secrets",
            "serviceaccounts",
            "services",
        ],
    ),
    (
        "apps",
        &[
            "controllerrevisions",
            "daemonsets",
            "deployments",
            "replicasets",
            "statefulsets",
        ],
    ),
    ("authorization.k8s.io", &["localsubjectaccessreviews"]),
    ("autoscaling", &["horizontalpodautoscalers"]),
    ("batch", &["cronjobs", "jobs", "scheduledjobs"]),
    ("coordination.k8s.io", &["leases"]),
    ("discovery.k8s.io", &["endpointslices"]),
    ("events.k8s.io", &["events"]),
    (
        "extensions",
        &[
            "daemonsets",
            "deployments",
            "ingresses",
            "networkpolicies",
            "replicasets",
            "replicationcontrollers",
        ],
    ),
    ("networking.k8s.io", &["ingresses", "networkpolicies"]),
    ("policy", &["poddisruptionbudgets"]),
    ("rbac.authorization.k8s.io", &["rolebindings", "roles"]),
    (
        "resource.k8s.io",
        &["resourceclaims", "resourceclaimtemplates"],
    ),
];

const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["create", "delete", "deletecollection", "patch", "update"];

/// What only `admin` grants, by group.
const FOR_ADMIN: &[&str] = &["authorization.k8s.io", "rbac.authorization.k8s.io"];

/// What `view` does not grant, because it leads to more permissions.
const NOT_FOR_VIEW: &[&str] = &[
    "pods/attach",
    "pods/exec",
    "pods/portforward",
    "pods/proxy",
    "secrets",
    "serviceaccounts/token",
    "services/proxy",
];

/// A ClusterRole that the API server aggregates into another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultRole {
    /// `system:aggregate-to-admin`
    Admin,
    /// `system:aggregate-to-edit`
    Edit,
    /// `system:aggregate-to-view`
    View,
}

impl DefaultRole {
    /// Returns the role of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "system:aggregate-to-admin" => Some(Self::Admin),
            "system:aggregate-to-edit" => Some(Self::Edit),
            "system:aggregate-to-view" => Some(Self::View),
            _ => None,
        }
    }

    /// Returns the labels that the API server gives the role. Others may have been added, so that
    /// more roles select it.
    pub fn labels(self) -> Value {
        let into = match self {
            Self::Admin => "admin",
            Self::Edit => "edit",
            Self::View => "view",
        };
        let label = format!("rbac.authorization.k8s.io/aggregate-to-{into}");
        let mut labels = json!({"kubernetes.io/bootstrapping": "rbac-defaults"});
        labels[label] = json!("true");
        labels
    }

    /// Returns whether the role may have a rule.
    pub fn may_have(self, rule: &Value) -> bool {
        let texts = |field: &str| -> Vec<&str> {
            let items = items_at(rule, field).iter();
            items.map(|item| item.as_str().unwrap_or("*")).collect()
        };
        let (groups, resources) = (texts("/apiGroups"), texts("/resources"));
        let verbs = texts("/verbs");
        let mut pairs = groups.iter().flat_map(|group| {
            let resources = resources.iter();
            resources.map(move |resource| (*group, *resource))
        });
        items_at(rule, "/nonResourceURLs").is_empty()
            && !groups.is_empty()
            && pairs.all(|(group, resource)| {
                let mut verbs = verbs.iter();
                self.grants(group, resource) && verbs.all(|verb| self.allows(resource, verb))
            })
    }

    fn grants(self, group: &str, resource: &str) -> bool {
        let base = resource.split('/').next().unwrap_or_default();
        let mut known = RESOURCES.iter();
        let is_known = known.any(|(of, names)| *of == group && names.contains(&base));
        let is_for_it = match self {
            Self::Admin => true,
            Self::Edit => !FOR_ADMIN.contains(&group),
            Self::View => !FOR_ADMIN.contains(&group) && !NOT_FOR_VIEW.contains(&resource),
        };
        is_known && is_for_it
    }

    fn allows(self, resource: &str, verb: &str) -> bool {
        let writes =
            WRITE.contains(&verb) || (verb == "impersonate" && resource == "serviceaccounts");
        READ.contains(&verb) || (self != Self::View && writes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(group: &str, resource: &str, verb: &str) -> Value {
        json!({"apiGroups": [group], "resources": [resource], "verbs": [verb]})
    }

    #[test]
    fn a_rule_is_its_own_only_if_such_a_role_grants_it() {
        let (admin, edit, view) = (DefaultRole::Admin, DefaultRole::Edit, DefaultRole::View);
        assert!(view.may_have(&rule("", "pods", "get")));
        assert!(view.may_have(&rule("apps", "deployments/scale", "watch")));
        assert!(!view.may_have(&rule("", "pods", "delete")));
        assert!(!view.may_have(&rule("", "secrets", "get")));
        assert!(!view.may_have(&rule("", "pods/exec", "get")));
        assert!(edit.may_have(&rule("", "secrets", "get")));
        assert!(edit.may_have(&rule("", "serviceaccounts", "impersonate")));
        assert!(!edit.may_have(&rule("", "users", "impersonate")));
        assert!(!edit.may_have(&rule("rbac.authorization.k8s.io", "roles", "create")));
        assert!(admin.may_have(&rule("rbac.authorization.k8s.io", "roles", "create")));
        assert!(!admin.may_have(&rule("rbac.authorization.k8s.io", "roles", "escalate")));
        assert!(!admin.may_have(&rule("rbac.authorization.k8s.io", "clusterroles", "get")));
        for (group, resource, verb) in [("*", "pods", "get"), ("", "*", "get"), ("", "pods", "*")] {
            assert!(!admin.may_have(&rule(group, resource, verb)));
        }
        assert!(!admin.may_have(&json!({"nonResourceURLs": ["/metrics"], "verbs": ["get"]})));
    }
}
