//! Recognizes the Roles and RoleBindings that the API server creates at start
//! (`plugin/pkg/auth/authorizer/rbac/bootstrappolicy` in Kubernetes).
//!
//! Their names and labels prove little: the API server restores what was removed from them, but
//! leaves what was added. So their content has to be known too.

use serde_json::Value;

use crate::model::{items_at, text_at, text_or_empty};

/// The users whom they grant permissions.
const USERS: &[&str] = &["system:kube-controller-manager", "system:kube-scheduler"];

/// The ServiceAccounts in `kube-system` whom they grant permissions.
const ACCOUNTS: &[&str] = &[
    "bootstrap-signer",
    "cloud-provider",
    "kube-controller-manager",
    "kube-scheduler",
    "leader-election-controller",
    "token-cleaner",
];

/// The beginning of a Role's name, and the resources that it speaks of.
const ROLES: &[(&str, &[&str])] = &[
    ("extension-apiserver-authentication-reader", &["configmaps"]),
    (
        "system::leader-locking-",
        &["configmaps", "endpoints", "leasecandidates", "leases"],
    ),
    (
        "system:controller:bootstrap-signer",
        &["configmaps", "events", "secrets"],
    ),
    ("system:controller:cloud-provider", &["configmaps"]),
    ("system:controller:token-cleaner", &["events", "secrets"]),
];

/// Returns whether a Role or RoleBinding has only what the API server creates.
pub fn has_known_content(object: &Value) -> bool {
    match text_or_empty(object, "/kind") {
        "RoleBinding" => {
            let subjects = items_at(object, "/subjects");
            text_at(object, "/roleRef/kind") == Some("Role")
                && known_resources(text_or_empty(object, "/roleRef/name")).is_some()
                && subjects.iter().all(is_known_subject)
        }
        "Role" => {
            let known = known_resources(text_or_empty(object, "/metadata/name"));
            let mut rules = items_at(object, "/rules").iter();
            known.is_some_and(|known| rules.all(|rule| speaks_of(rule, known)))
        }
        _ => false,
    }
}

fn known_resources(role: &str) -> Option<&'static [&'static str]> {
    let known = ROLES.iter().find(|(name, _)| role.starts_with(name));
    known.map(|(_, resources)| *resources)
}

fn is_known_subject(subject: &Value) -> bool {
    let name = text_or_empty(subject, "/name");
    match text_or_empty(subject, "/kind") {
        "User" => USERS.contains(&name),
        "ServiceAccount" => {
            text_at(subject, "/namespace") == Some("kube-system") && ACCOUNTS.contains(&name)
        }
        _ => false,
    }
}

fn speaks_of(rule: &Value, known: &[&str]) -> bool {
    let mut resources = items_at(rule, "/resources").iter();
    let mut verbs = items_at(rule, "/verbs").iter();
    let is_known = |resource: &Value| resource.as_str().is_some_and(|it| known.contains(&it));
    resources.all(is_known) && verbs.all(|verb| verb.as_str().is_some_and(|verb| verb != "*"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_may_be_added_to_what_the_api_server_creates() {
        let account = |name: &str| json!({"kind": "ServiceAccount", "namespace": "kube-system", "name": name});
        let binding = |subjects: Value| {
            json!({"kind": "RoleBinding", "subjects": subjects,
                "roleRef": {"kind": "Role", "name": "system:controller:token-cleaner"}})
        };
        let user = |name: &str| json!({"kind": "User", "name": name});
        let signer = account("token-cleaner");
        assert!(has_known_content(&binding(json!([signer]))));
        assert!(has_known_content(&binding(json!([user(
            "system:kube-scheduler"
        )]))));
        assert!(!has_known_content(&binding(json!([
            signer,
            user("mallory")
        ]))));
        assert!(!has_known_content(&binding(json!([account("default")]))));
        let role = |resource: &str, verb: &str| {
            json!({"kind": "Role", "metadata": {"name": "system:controller:cloud-provider"},
                "rules": [{"resources": [resource], "verbs": [verb]}]})
        };
        assert!(has_known_content(&role("configmaps", "create")));
        assert!(!has_known_content(&role("secrets", "get")));
        assert!(!has_known_content(&role("configmaps", "*")));
    }
}
