//! Decides whether the conditions of a mutating policy hold for an object.
//!
//! The conditions are evaluated as those of a validating policy that nothing violates: it passes if
//! they hold, and does not match if one of them is false.

use serde_json::{Value, json};

use super::{Evaluate, PolicyInput, RuleOutcome};
use crate::model::{items_at, text_or_empty};

/// Whether a policy applies to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyMatch {
    /// It does.
    Yes,
    /// One of its conditions is false.
    No,
    /// A condition cannot be evaluated here.
    Unknown,
}

/// Returns the conditions of a policy with CEL expressions; `None` if it has none.
pub fn cel_conditions(policy: &Value) -> Option<Value> {
    let spec = policy.get("spec")?;
    (!items_at(spec, "/matchConditions").is_empty()).then(|| {
        json!({"spec": {
            "matchConditions": spec.get("matchConditions"),
            "variables": spec.get("variables"),
            "validations": [{"expression": "true"}],
        }})
    })
}

/// Returns the conditions of one of the rules of a Kyverno policy: what it matches and excludes, and
/// its preconditions. The other rules stay: Kyverno generates rules for the controllers of Pods only
/// if all rules permit it.
pub fn kyverno_conditions(policy: &Value, rule: usize) -> Value {
    let mut policy = policy.clone();
    let rules = policy.pointer_mut("/spec/rules");
    let rules = rules.and_then(Value::as_array_mut);
    for (at, one) in rules.into_iter().flatten().enumerate() {
        if let Some(fields) = one.as_object_mut() {
            fields.remove("validate");
            if at == rule {
                let never = json!({"all": [{"key": 1, "operator": "Equals", "value": 2}]});
                fields.insert(
                    "validate".to_owned(),
                    json!({"deny": {"conditions": never}}),
                );
            }
        }
    }
    for (field, value) in [("apiVersion", "kyverno.io/v1"), ("kind", "ClusterPolicy")] {
        if text_or_empty(&policy, &format!("/{field}")).is_empty()
            && let Some(fields) = policy.as_object_mut()
        {
            fields.insert(field.to_owned(), value.into());
        }
    }
    policy
}

/// Returns whether conditions hold when an object is created or updated. `namespace` is the
/// namespace of the object, if known.
pub fn applies(
    conditions: &Value,
    subject: PolicyInput<'_>,
    namespace: Option<&Value>,
    evaluate: &Evaluate<'_>,
) -> PolicyMatch {
    let text = conditions.to_string();
    let mut is_known = true;
    for old in [None, Some(subject.object)] {
        let subject = PolicyInput { old, ..subject };
        let input = json!({
            "object": subject.object,
            "oldObject": subject.old,
            "namespaceObject": namespace,
            "request": subject.request(),
            "hasNamespace": namespace.is_some() || subject.key.namespace.is_none(),
        });
        let answers = evaluate(&text, &input).unwrap_or_default();
        if answers.iter().any(|one| one.says == RuleOutcome::Pass) {
            return PolicyMatch::Yes;
        }
        let mut all = answers.iter();
        is_known &= !answers.is_empty() && all.all(|one| one.says == RuleOutcome::NotMatched);
    }
    match is_known {
        true => PolicyMatch::No,
        false => PolicyMatch::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::run;
    use crate::model::ResourceKey;

    fn found(conditions: &Value, labels: Value) -> PolicyMatch {
        let key = ResourceKey::new("apps", "Deployment", Some("shop".to_owned()), "cart");
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {
            "name": "cart", "namespace": "shop", "labels": labels}, "spec": {"template": {"spec": {}}}});
        let subject = PolicyInput {
            key: &key,
            api_version: "apps/v1",
            plural: Some("deployments"),
            object: &object,
            old: None,
            subresource: "",
            user: None,
        };
        let evaluate = |policy: &str, input: &Value| {
            serde_json::from_str(&run(policy, &input.to_string())).map_err(|e| e.to_string())
        };
        applies(conditions, subject, None, &evaluate)
    }

    #[test]
    fn a_condition_decides_whether_a_policy_applies() {
        let conditions = |expression: &str| {
            let policy = json!({"spec": {"matchConditions": [
                {"name": "a", "expression": expression}]}});
            cel_conditions(&policy).unwrap()
        };
        let wanted = conditions("object.metadata.?labels.?team.orValue('') == 'a'");
        assert_eq!(found(&wanted, json!({"team": "a"})), PolicyMatch::Yes);
        assert_eq!(found(&wanted, json!({"team": "b"})), PolicyMatch::No);
        let by_user = conditions("request.userInfo.username == 'a'");
        assert_eq!(found(&by_user, json!({})), PolicyMatch::Unknown);
        let updates = conditions("request.operation == 'UPDATE'");
        assert_eq!(found(&updates, json!({})), PolicyMatch::Yes);
        assert_eq!(
            cel_conditions(&json!({"spec": {"matchConditions": []}})),
            None
        );
    }

    #[test]
    fn a_kyverno_rule_applies_to_what_it_matches_under_its_preconditions() {
        let rule = |more: Value| {
            let mut rule = json!({"name": "a",
                "match": {"any": [{"resources": {"kinds": ["Pod"]}}]},
                "mutate": {"patchStrategicMerge": {"spec": {"hostPID": true}}}});
            for (name, value) in more.as_object().unwrap() {
                rule[name] = value.clone();
            }
            kyverno_conditions(&json!({"spec": {"rules": [rule]}}), 0)
        };
        assert_eq!(found(&rule(json!({})), json!({})), PolicyMatch::Yes);
        let excluded = json!({"exclude": {"any": [{"resources": {
            "namespaces": ["shop"], "kinds": ["Pod"]}}]}});
        assert_eq!(found(&rule(excluded), json!({})), PolicyMatch::No);
        let of_services = json!({"match": {"any": [{"resources": {"kinds": ["Service"]}}]}});
        assert_eq!(found(&rule(of_services), json!({})), PolicyMatch::No);
        let both = json!({"match": {"all": [{"resources": {"kinds": ["Deployment"]}},
            {"resources": {"kinds": ["Deployment"], "namespaces": ["other"]}}]}});
        assert_eq!(found(&rule(both), json!({})), PolicyMatch::No);
        let precondition = json!({"preconditions": {"all": [{
            "key": "{{ request.operation }}", "operator": "Equals", "value": "DELETE"}]}});
        assert_eq!(found(&rule(precondition), json!({})), PolicyMatch::No);
        let by_role = json!({"match": {"any": [{"resources": {"kinds": ["Pod"]},
            "clusterRoles": ["admin"]}]}});
        assert_eq!(found(&rule(by_role), json!({})), PolicyMatch::Unknown);
    }
}
