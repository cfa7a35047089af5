//! Finds ways to write an object that bypass a rule.

use std::collections::BTreeSet;

use serde_json::Value;

use super::names::ObjectPath;

/// Returns the ways to write an object that a rule does not check.
pub fn bypass(policy: &Value, paths: &[ObjectPath], expression: &str) -> Option<String> {
    const SCALED: [&str; 4] = [
        "deployments",
        "statefulsets",
        "replicasets",
        "replicationcontrollers",
    ];
    let names = |path: &[&str]| paths.iter().any(|named| named[1..] == *path);
    let rules = policy.pointer("/spec/matchConstraints/resourceRules");
    let rules: Vec<&Value> = rules
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .collect();
    let list = |rule: &Value, field: &str| -> Vec<String> {
        let list = rule
            .get(field)
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let resources: BTreeSet<String> = rules
        .iter()
        .flat_map(|rule| list(rule, "resources"))
        .collect();
    let matches = |resource: &str| {
        let (name, sub) = resource.split_once('/').unwrap_or((resource, ""));
        resources.iter().any(|known| {
            let (known, of) = known.split_once('/').unwrap_or((known, ""));
            (known == "*" || known == name) && (of == "*" || of == sub)
        })
    };
    if names(&["spec", "replicas"]) {
        for scaled in SCALED.iter().filter(|name| matches(name)) {
            let scale = format!("{scaled}/scale");
            if !matches(&scale) {
                return Some(format!(
                    "kubectl scale writes {scale}, which the policy does not match"
                ));
            }
        }
    }
    if paths.iter().any(|path| {
        path.get(2)
            .is_some_and(|part| part == "ephemeralContainers")
    }) && matches("pods")
        && !matches("pods/ephemeralcontainers")
    {
        return Some(
            "kubectl debug writes pods/ephemeralcontainers, which the policy does not match"
                .to_owned(),
        );
    }
    let operations: BTreeSet<String> = rules
        .iter()
        .flat_map(|rule| list(rule, "operations"))
        .collect();
    let does = |operation: &str| operations.contains(operation) || operations.contains("*");
    let uses_old_object = expression.contains("oldObject");
    // Pods and Jobs are rarely updated after they are created.
    let is_edited = resources
        .iter()
        .any(|name| !matches!(name.as_str(), "pods" | "jobs" | "namespaces"));
    match (does("CREATE"), does("UPDATE")) {
        (true, false) if is_edited && !expression.contains("operation") => {
            Some("edits are not checked: it matches CREATE but not UPDATE".to_owned())
        }
        (false, true) if !uses_old_object && !expression.contains("operation") => {
            Some("new objects are not checked: it matches UPDATE but not CREATE".to_owned())
        }
        _ => None,
    }
}
