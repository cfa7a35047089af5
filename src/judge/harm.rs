//! Decides whether an undeclared object could hurt: whether its content grants access or redirects
//! traffic. Only objects that could not are explained by what anyone who creates them can write.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::facts::{
    HARMFUL_FIELDS, HARMFUL_KINDS, HARMLESS_BY_CONTENT, HarmfulValue, content_decides_harm,
};
use crate::model::{
    Change, ChangeKind, FieldPath, ObjectStatus, PathElement, ResourceKey, Severity, items_at,
    text_at,
};
use crate::policy::RuleSet;

/// Blocks of addresses that contain all addresses.
const EVERYWHERE: [&str; 2] = ["0.0.0.0/0", "::/0"];

/// Returns whether an object could hurt. `whole` is the object in full, if it is known: of kinds whose
/// content decides, an object that is not known in full counts as harmful.
pub fn is_harmful(
    key: &ResourceKey,
    metadata: &Value,
    whole: Option<&Value>,
    rules: &RuleSet,
) -> bool {
    match whole {
        None if content_decides_harm(&key.group, &key.kind) => true,
        whole => !harms(key, whole.unwrap_or(metadata), rules).is_empty(),
    }
}

/// Returns what in an object could hurt: paths, or the kind if it does so as a whole.
pub fn harms(key: &ResourceKey, value: &Value, rules: &RuleSet) -> BTreeSet<String> {
    let kind = (key.group.as_str(), key.kind.as_str());
    let mut found = BTreeSet::new();
    let is_severe = rules.whole_severity(key, ObjectStatus::Extra) >= Some(Severity::High);
    let by_content = HARMLESS_BY_CONTENT.contains(&kind);
    if HARMFUL_KINDS.contains(&kind) || (is_severe && !by_content) {
        found.insert(key.kind.clone());
    }
    let fields = HARMFUL_FIELDS.iter();
    for field in fields.filter(|field| (field.group, field.kind) == kind) {
        let mut steps = field.path.iter();
        let at = steps.try_fold(value, |at, step| at.get(*step));
        if at.is_some_and(|at| is_meant(at, field.value)) {
            found.insert(FieldPath::of_fields(field.path).to_string());
        }
    }
    if kind.1 == "NetworkPolicy" {
        found.extend(open_to_all(value));
    }
    if let Some(metadata) = value.get("metadata") {
        for name in ["annotations", "labels"] {
            let path = FieldPath::of_fields(&["metadata", name]);
            let block = metadata.get(name);
            if block.is_some_and(|block| severity(key, &path, block, rules) >= Severity::High) {
                found.insert(path.to_string());
            }
        }
    }
    let fields = value.as_object().into_iter().flatten();
    let content = fields.filter(|(name, _)| !matches!(name.as_str(), "metadata" | "status"));
    for (name, block) in content {
        let mut path = FieldPath::of_fields(&[name]);
        critical(key, &mut path, block, rules, &mut found);
    }
    found
}

fn is_meant(found: &Value, wanted: HarmfulValue) -> bool {
    match wanted {
        HarmfulValue::OneOf(texts) => found.as_str().is_some_and(|text| texts.contains(&text)),
        HarmfulValue::Any => match found {
            Value::Null => false,
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
            Value::Bool(_) | Value::Number(_) => true,
        },
    }
}

/// Returns the directions in which a NetworkPolicy allows traffic to or from everyone.
fn open_to_all(policy: &Value) -> impl Iterator<Item = String> + '_ {
    let directions = [("/spec/ingress", "from"), ("/spec/egress", "to")];
    let open = directions.into_iter().filter(|(list, peers)| {
        let is_open = |rule: &Value| {
            let peers = items_at(rule, &format!("/{peers}"));
            let is_all = |peer: &Value| {
                text_at(peer, "/ipBlock/cidr").is_some_and(|cidr| EVERYWHERE.contains(&cidr))
            };
            peers.is_empty() || peers.iter().any(is_all)
        };
        items_at(policy, list).iter().any(is_open)
    });
    open.map(|(list, _)| list.replace('/', "."))
}

fn severity(key: &ResourceKey, path: &FieldPath, block: &Value, rules: &RuleSet) -> Severity {
    let change = Change {
        path: path.clone(),
        live: Some(block.clone()),
        ..Change::of_whole(ChangeKind::Added)
    };
    rules.severity(key, &change)
}

/// Adds the smallest blocks that are critical. A list counts as a whole.
fn critical(
    key: &ResourceKey,
    path: &mut FieldPath,
    block: &Value,
    rules: &RuleSet,
    found: &mut BTreeSet<String>,
) {
    let is_false = matches!(block, Value::Null | Value::Bool(false));
    if is_false || severity(key, path, block, rules) < Severity::Critical {
        return;
    }
    let before = found.len();
    for (name, below) in block.as_object().into_iter().flatten() {
        path.0.push(PathElement::Field(name.clone()));
        critical(key, path, below, rules, found);
        path.0.pop();
    }
    if found.len() == before {
        found.insert(path.to_string());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::tests::key as key_of;

    fn found(group: &str, kind: &str, content: Value) -> Vec<String> {
        let found = harms(&key_of(group, kind), &content, RuleSet::builtin());
        found.into_iter().collect()
    }

    #[test]
    fn finds_what_grants_access_or_redirects_traffic() {
        let none: [&str; 0] = [];
        assert_eq!(
            found("", "Secret", json!({"type": "Opaque", "data": {"a": "b"}})),
            none
        );
        let token = json!({"type": "kubernetes.io/service-account-token"});
        assert_eq!(found("", "Secret", token), [".type"]);
        let cluster =
            json!({"metadata": {"labels": {"argocd.argoproj.io/secret-type": "cluster"}}});
        assert_eq!(found("", "Secret", cluster).len(), 1);
        let service = |spec: Value| found("", "Service", json!({"spec": spec}));
        assert_eq!(
            service(json!({"type": "ClusterIP", "selector": {"a": "b"}})),
            none
        );
        assert_eq!(service(json!({"type": "NodePort"})), [".spec.type"]);
        assert_eq!(
            service(json!({"externalIPs": ["192.0.2.1"]})),
            [".spec.externalIPs"]
        );
        assert_eq!(found("", "Endpoints", json!({})), ["Endpoints"]);
        assert_eq!(
            found("networking.k8s.io", "Ingress", json!({})),
            ["Ingress"]
        );
        assert_eq!(found("", "ServiceAccount", json!({})), none);
        let role = json!({"metadata": {"annotations": {"eks.amazonaws.com/role-arn": "a"}}});
        assert_eq!(found("", "ServiceAccount", role), [".metadata.annotations"]);
        let pod = |privileged: bool| {
            json!({"spec": {"template": {"spec": {"containers": [
                {"name": "a", "securityContext": {"privileged": privileged}}]}}}})
        };
        assert_eq!(found("apps", "Deployment", pod(false)), none);
        let containers = [".spec.template.spec.containers"];
        assert_eq!(found("apps", "Deployment", pod(true)), containers);
    }

    #[test]
    fn a_network_policy_is_harmless_unless_it_lets_everyone_in_or_out() {
        let policy =
            |spec: Value| found("networking.k8s.io", "NetworkPolicy", json!({"spec": spec}));
        let none: [&str; 0] = [];
        assert_eq!(
            policy(json!({"podSelector": {}, "policyTypes": ["Ingress"]})),
            none
        );
        let some = json!([{"from": [{"podSelector": {"matchLabels": {"a": "b"}}}]}]);
        assert_eq!(policy(json!({ "ingress": some })), none);
        assert_eq!(policy(json!({"ingress": [{}]})), [".spec.ingress"]);
        assert_eq!(policy(json!({"egress": [{"to": []}]})), [".spec.egress"]);
        let all = json!([{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]);
        assert_eq!(policy(json!({ "ingress": all })), [".spec.ingress"]);
    }
}
