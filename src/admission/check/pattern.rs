//! Finds out from the text of Kyverno's rules which objects their patterns can reject.

use serde_json::Value;

use super::{CheckedRule, PolicyFlaw};
use crate::model::text_or_empty;

/// Checks the rules of a Kyverno ClusterPolicy or Policy.
pub fn check_kyverno(policy: &Value) -> Vec<CheckedRule> {
    let rules = policy.pointer("/spec/rules").and_then(Value::as_array);
    let rules = rules.into_iter().flatten().enumerate();
    rules
        .filter(|(_, rule)| rule.get("validate").is_some())
        .map(|(index, rule)| check_rule(index, rule))
        .collect()
}

fn check_rule(index: usize, rule: &Value) -> CheckedRule {
    let at = ["spec", "rules", &index.to_string(), "validate"].map(str::to_owned);
    let mut checked = CheckedRule {
        rule: text_or_empty(rule, "/name").to_owned(),
        at: at.into(),
        ..CheckedRule::default()
    };
    let validate = &rule["validate"];
    let one = validate.get("pattern");
    let any = validate.get("anyPattern").and_then(Value::as_array);
    let patterns: Vec<&Value> = one.into_iter().chain(any.into_iter().flatten()).collect();
    if patterns.is_empty() {
        checked.flaw(
            PolicyFlaw::NotDecided,
            "only Kyverno rules with a pattern can be checked here",
        );
        return checked;
    }
    // One pattern that everything matches is enough to pass.
    if let Some(pattern) = patterns.iter().find(|pattern| !can_fail(pattern)) {
        let anchors = anchors(pattern);
        let why = match anchors.is_empty() {
            true => "its pattern requires nothing".to_owned(),
            false => format!(
                "everything it requires is in conditional anchors, which skip objects that do not \
                 match: {}",
                anchors.join(", ")
            ),
        };
        checked.flaw(PolicyFlaw::BlocksNothing, why);
        return checked;
    }
    let kinds = kinds(rule);
    let names_replicas = patterns.iter().any(|pattern| {
        let spec = pattern.get("spec").and_then(Value::as_object);
        spec.is_some_and(|spec| spec.keys().any(|key| bare(key) == "replicas"))
    });
    let is_scaled = |kind: &&String| {
        matches!(
            kind.rsplit('/').next(),
            Some("Deployment" | "StatefulSet" | "ReplicaSet")
        )
    };
    if names_replicas
        && let Some(kind) = kinds.iter().find(is_scaled)
        && !kinds.iter().any(|kind| kind.ends_with("/scale"))
    {
        let why = format!("kubectl scale writes {kind}/scale, which the rule does not match");
        checked.flaw(PolicyFlaw::Bypassed, why);
    }
    checked
}

fn kinds(rule: &Value) -> Vec<String> {
    let list = |pointer: &str| rule.pointer(pointer).and_then(Value::as_array);
    let filters = list("/match/any")
        .into_iter()
        .chain(list("/match/all"))
        .flatten();
    let filters = filters.chain(rule.get("match"));
    let kinds = filters.filter_map(|filter| filter.pointer("/resources/kinds")?.as_array());
    let kinds = kinds.flatten().filter_map(Value::as_str);
    kinds.map(str::to_owned).collect()
}

/// Returns whether anything can fail a pattern. A conditional anchor skips objects that do not
/// match it, and what is skipped passes.
fn can_fail(pattern: &Value) -> bool {
    match pattern {
        Value::Object(fields) => fields.iter().any(|(key, value)| match anchor(key) {
            Some('(') => false,
            Some('X') => true,
            _ => can_fail(value),
        }),
        Value::Array(items) => items.iter().any(can_fail),
        _ => true,
    }
}

/// Returns the character that begins the anchor of a key.
fn anchor(key: &str) -> Option<char> {
    let first = key.chars().next()?;
    let is_anchor = key.ends_with(')') && key.contains('(');
    (is_anchor && "(=^X<+".contains(first)).then_some(match first {
        '<' | '+' => '(',
        first => first,
    })
}

/// Returns a key without its anchor.
fn bare(key: &str) -> &str {
    match anchor(key) {
        Some(_) => key
            .trim_start_matches(['=', '^', 'X', '<', '+'])
            .trim_start_matches('(')
            .trim_end_matches(')'),
        None => key,
    }
}

/// Returns the conditional anchors of a pattern, as written.
fn anchors(pattern: &Value) -> Vec<String> {
    match pattern {
        Value::Object(fields) => {
            let each = fields.iter().flat_map(|(key, value)| match anchor(key) {
                Some('(') => vec![key.clone()],
                _ => anchors(value),
            });
            each.collect()
        }
        Value::Array(items) => items.iter().flat_map(anchors).collect(),
        _ => Vec::new(),
    }
}
