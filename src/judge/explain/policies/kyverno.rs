//! Reads the mutations of Kyverno's policies (`kyverno.io/v1`).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::admission::Constraints;
use crate::facts::WORKLOADS;
use crate::yaml;

use super::PolicyMutation;
use super::template::{ValueTemplate, at_pointer, of_value};

/// Returns the mutations of a policy.
pub fn mutations(policy: &Value) -> Vec<PolicyMutation> {
    let rules = policy.pointer("/spec/rules").and_then(Value::as_array);
    let named = super::named("Kyverno's ClusterPolicy", policy);
    let of = |rule: &Value| of_rule(rule, &named);
    rules.into_iter().flatten().flat_map(of).collect()
}

fn of_rule(rule: &Value, policy: &str) -> Vec<PolicyMutation> {
    let writes = writes(rule);
    if writes.is_empty() {
        return Vec::new();
    }
    let rule_name = rule.get("name").and_then(Value::as_str);
    let name = format!("{policy}, rule {}", rule_name.unwrap_or_default());
    let list = |path: &str| rule.pointer(path).and_then(Value::as_array);
    let either = list("/match/any").into_iter().flatten();
    let all = list("/match/all").into_iter().flatten();
    let plain = rule.get("match").into_iter();
    let filters = either.chain(all).chain(plain);
    filters
        .filter_map(|filter| filter.get("resources"))
        .flat_map(|resources| of_resources(resources, &writes, &name))
        .collect()
}

/// Returns the templates that a rule writes.
fn writes(rule: &Value) -> Vec<ValueTemplate> {
    let Some(mutate) = rule.get("mutate") else {
        return Vec::new();
    };
    let each = mutate.get("foreach").and_then(Value::as_array);
    let parts = std::iter::once(mutate).chain(each.into_iter().flatten());
    parts
        .flat_map(|part| {
            let merged = part.get("patchStrategicMerge").map(of_value);
            let patches = part.get("patchesJson6902").and_then(Value::as_str);
            let patches = patches.map(yaml::parse).unwrap_or_default().documents;
            let patches = patches.into_iter().next().map(|document| document.value);
            let patches = patches.unwrap_or_default();
            let operations = patches.as_array().into_iter().flatten();
            let patched: Vec<ValueTemplate> = operations.filter_map(operation).collect();
            merged.into_iter().chain(patched).collect::<Vec<_>>()
        })
        .collect()
}

fn operation(operation: &Value) -> Option<ValueTemplate> {
    let text = |name: &str| operation.get(name)?.as_str();
    matches!(text("op")?, "add" | "replace").then_some(())?;
    let path = text("path").filter(|path| !path.contains("{{"))?;
    Some(at_pointer(path, of_value(operation.get("value")?)))
}

fn of_resources(resources: &Value, writes: &[ValueTemplate], name: &str) -> Vec<PolicyMutation> {
    let texts = |name: &str| {
        let list = resources.get(name).and_then(Value::as_array);
        let texts = list.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect::<Vec<_>>()
    };
    let kinds = texts("kinds");
    let constraints = Constraints::of_kyverno(resources, &kinds);
    let mut found = vec![PolicyMutation {
        name: name.to_owned(),
        matches: vec![constraints],
        writes: writes.to_vec(),
    }];
    if kinds
        .iter()
        .all(|kind| kind == "Pod" || kind.ends_with("/Pod"))
        && !kinds.is_empty()
    {
        // Kyverno derives rules for workloads from rules for Pods (auto-gen rules).
        let makers = WORKLOADS
            .iter()
            .filter(|workload| !workload.template.is_empty());
        found.extend(makers.map(|workload| {
            let writes = writes
                .iter()
                .map(|template| nested(workload.template, template));
            PolicyMutation {
                name: name.to_owned(),
                matches: vec![Constraints::of_kyverno(
                    resources,
                    &[workload.kind.to_owned()],
                )],
                writes: writes.collect(),
            }
        }));
    }
    found
}

/// Converts a template for a Pod into one for a workload with a pod template.
fn nested(place: &[&str], template: &ValueTemplate) -> ValueTemplate {
    place.iter().rev().fold(template.clone(), |below, step| {
        ValueTemplate::Object(BTreeMap::from([((*step).to_owned(), below)]))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn derives_rules_for_workloads_from_rules_for_pods() {
        let policy = json!({"spec": {"rules": [{"match": {"any": [{"resources": {"kinds": ["Pod"]}}]},
            "mutate": {"patchStrategicMerge": {"spec": {"priorityClassName": "low"}}}}]}});
        let found = mutations(&policy);
        assert_eq!(found.len(), 8);
        let mut deployment = json!({"spec": {"replicas": 1}});
        found[2].writes[0].write(&mut deployment, &json!({}));
        let expected =
            json!({"spec": {"replicas": 1, "template": {"spec": {"priorityClassName": "low"}}}});
        assert_eq!(deployment, expected);
        let validating = json!({"spec": {"rules": [{"match": {}, "validate": {}}]}});
        assert!(mutations(&validating).is_empty());
    }
}
