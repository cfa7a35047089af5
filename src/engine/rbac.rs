//! Builds minimal Roles for a set of permissions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::cluster::AccessRight;

const GROUP: &str = "rbac.authorization.k8s.io";

/// Returns a Role for each namespace and a ClusterRole for cluster-wide permissions, each with its
/// binding if there is a `subject` (a user name as the API server knows it).
pub fn roles<'r>(
    name: &str,
    rights: impl IntoIterator<Item = &'r AccessRight>,
    subject: Option<&str>,
) -> Vec<Value> {
    let mut by_place: BTreeMap<Option<&str>, Vec<&AccessRight>> = BTreeMap::new();
    for right in rights {
        let place = right.namespace.as_deref();
        by_place.entry(place).or_default().push(right);
    }
    let mut objects = Vec::new();
    for (place, rights) in by_place {
        let mut role = object(kind("Role", place), name, place);
        role["rules"] = rules(&rights).into();
        objects.push(role);
        let Some(subject) = subject else { continue };
        let mut binding = object(kind("RoleBinding", place), name, place);
        binding["roleRef"] = json!({"apiGroup": GROUP, "kind": kind("Role", place), "name": name});
        binding["subjects"] = json!([subject_of(subject)]);
        objects.push(binding);
    }
    objects
}

fn kind(namespaced: &str, place: Option<&str>) -> String {
    match place {
        Some(_) => namespaced.to_owned(),
        None => format!("Cluster{namespaced}"),
    }
}

fn object(kind: String, name: &str, namespace: Option<&str>) -> Value {
    let mut metadata = json!({"name": name});
    if let Some(namespace) = namespace {
        metadata["namespace"] = namespace.into();
    }
    json!({"apiVersion": format!("{GROUP}/v1"), "kind": kind, "metadata": metadata})
}

/// Returns one rule for each group and set of verbs.
fn rules(rights: &[&AccessRight]) -> Vec<Value> {
    let mut verbs: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for right in rights {
        let resource = (right.group.as_str(), right.resource.as_str());
        verbs.entry(resource).or_default().insert(&right.verb);
    }
    let mut resources: BTreeMap<(&str, BTreeSet<&str>), BTreeSet<&str>> = BTreeMap::new();
    for ((group, resource), verbs) in verbs {
        resources
            .entry((group, verbs))
            .or_default()
            .insert(resource);
    }
    resources
        .into_iter()
        .map(|((group, verbs), resources)| {
            json!({"apiGroups": [group], "resources": resources, "verbs": verbs})
        })
        .collect()
}

/// Parses `system:serviceaccount:NAMESPACE:NAME` as a service account, anything else as a user.
fn subject_of(user: &str) -> Value {
    let account = user.strip_prefix("system:serviceaccount:");
    match account.and_then(|account| account.split_once(':')) {
        Some((namespace, name)) => {
            json!({"kind": "ServiceAccount", "name": name, "namespace": namespace})
        }
        None => json!({"apiGroup": GROUP, "kind": "User", "name": user}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(verb: &str, group: &str, resource: &str, namespace: Option<&str>) -> AccessRight {
        AccessRight {
            group: group.to_owned(),
            resource: resource.to_owned(),
            namespace: namespace.map(str::to_owned),
            verb: verb.to_owned(),
        }
    }

    #[test]
    fn grants_permissions_only_in_the_namespaces_that_need_them() {
        let rights = [
            right("get", "", "secrets", Some("shop")),
            right("list", "", "secrets", Some("shop")),
            right("get", "", "configmaps", Some("shop")),
            right("list", "", "configmaps", Some("shop")),
            right("get", "apps", "deployments", Some("shop")),
            right("get", "", "namespaces", None),
        ];
        let roles = roles("driftctl", &rights, Some("system:serviceaccount:ci:bot"));
        let kinds: Vec<_> = roles.iter().map(|role| role["kind"].as_str()).collect();
        let kinds: Vec<_> = kinds.into_iter().flatten().collect();
        let expected = ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];
        assert_eq!(kinds, expected);
        assert_eq!(roles[0]["metadata"].get("namespace"), None);
        let expected = json!([
            {"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": ["get", "list"]},
            {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]},
        ]);
        assert_eq!(roles[2]["rules"], expected);
        let subject = json!({"kind": "ServiceAccount", "name": "bot", "namespace": "ci"});
        assert_eq!(roles[3]["subjects"], json!([subject]));
        assert_eq!(roles[3]["roleRef"]["kind"], "Role");
    }
}
