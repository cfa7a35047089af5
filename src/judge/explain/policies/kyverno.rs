//! Reads the mutations of Kyverno's policies (`kyverno.io/v1`).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::admission::Constraints;
use crate::facts::WORKLOADS;
use crate::model::{items_at, text_or_empty};
use crate::yaml;

use super::PolicyMutation;
use super::conditions::MutationCondition;
use super::template::{ValueTemplate, at_pointer, of_value};

/// Returns the mutations of a policy.
pub fn mutations(policy: &Value) -> Vec<PolicyMutation> {
    if policy.pointer("/spec/admission") == Some(&Value::Bool(false)) {
        return Vec::new();
    }
    let rules = items_at(policy, "/spec/rules").iter().enumerate();
    rules
        .flat_map(|(at, rule)| of_rule(policy, rule, at))
        .collect()
}

fn of_rule(policy: &Value, rule: &Value, at: usize) -> Vec<PolicyMutation> {
    let writes = writes(rule);
    if writes.is_empty() {
        return Vec::new();
    }
    let name = format!(
        "{}, rule {}",
        super::named("Kyverno's ClusterPolicy", policy),
        text_or_empty(rule, "/name")
    );
    let of = |kinds: &[String], condition: MutationCondition, writes: Vec<ValueTemplate>| {
        PolicyMutation {
            name: name.clone(),
            matches: vec![Constraints::of_kinds(kinds)],
            condition,
            created: super::created(policy),
            writes,
        }
    };
    let targets = items_at(rule, "/mutate/targets");
    if !targets.is_empty() {
        // It changes other objects than those that it matches.
        let kinds = targets
            .iter()
            .map(|one| text_or_empty(one, "/kind").to_owned());
        let kinds: Vec<String> = kinds.collect();
        return vec![of(&kinds, MutationCondition::Unknown, writes)];
    }
    let each = items_at(rule, "/mutate/foreach");
    let condition = match each.iter().any(|one| one.get("preconditions").is_some()) {
        true => MutationCondition::Unknown,
        false => MutationCondition::of_kyverno(policy, at),
    };
    let lists = items_at(rule, "/match/any").iter();
    let lists = lists.chain(items_at(rule, "/match/all"));
    let filters = lists.chain(rule.get("match"));
    let resources = filters.filter_map(|filter| filter.get("resources"));
    let kinds: Vec<Vec<String>> = resources
        .map(|resources| {
            let kinds = items_at(resources, "/kinds").iter();
            kinds.filter_map(Value::as_str).map(str::to_owned).collect()
        })
        .collect();
    let is_pod = |kind: &String| kind == "Pod" || kind.ends_with("/Pod");
    let are_pods = !kinds.is_empty() && kinds.iter().flatten().all(is_pod);
    // A filter without kinds matches any.
    let all = match kinds.iter().any(Vec::is_empty) {
        true => vec!["*".to_owned()],
        false => kinds.concat(),
    };
    let mut found = vec![of(&all, condition.clone(), writes.clone())];
    if are_pods && kinds.iter().all(|kinds| !kinds.is_empty()) {
        // Kyverno derives rules for workloads from rules for Pods (auto-gen rules).
        let makers = WORKLOADS
            .iter()
            .filter(|workload| !workload.template.is_empty());
        found.extend(makers.map(|workload| {
            let writes = writes
                .iter()
                .map(|template| nested(workload.template, template));
            let kind = workload.kind.to_owned();
            of(&[kind], condition.clone(), writes.collect())
        }));
    }
    found
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

/// Converts a template for a Pod into one for a workload with a pod template.
fn nested(place: &[&str], template: &ValueTemplate) -> ValueTemplate {
    place.iter().rev().fold(template.clone(), |below, step| {
        ValueTemplate::Object(BTreeMap::from([((*step).to_owned(), below)]))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::template::ComputedValues;
    use super::*;

    #[test]
    fn derives_rules_for_workloads_from_rules_for_pods() {
        let policy = json!({"spec": {"rules": [{"match": {"any": [{"resources": {"kinds": ["Pod"]}}]},
            "mutate": {"patchStrategicMerge": {"spec": {"priorityClassName": "low"}}}}]}});
        let found = mutations(&policy);
        assert_eq!(found.len(), 8);
        let mut deployment = json!({"spec": {"replicas": 1}});
        found[2].writes[0].write(&mut deployment, &json!({}), ComputedValues::Live);
        let expected =
            json!({"spec": {"replicas": 1, "template": {"spec": {"priorityClassName": "low"}}}});
        assert_eq!(deployment, expected);
        let validating = json!({"spec": {"rules": [{"match": {}, "validate": {}}]}});
        assert!(mutations(&validating).is_empty());
    }
}
