//! Evaluates the expressions of one policy for one object.

use serde_json::{Value, json};

use super::cel::{CelFailure, Engine};
use super::{RuleOutcome, RuleResult, check, kyverno};
use crate::model::{items_at, text_or_empty};

/// The key of the input for expressions whose field names are requested.
const ANALYZE: &str = "analyze";

/// The server rejects messages of expressions that are longer, or have several lines.
const LONGEST: usize = 5 << 10;

/// Returns the input that requests the field names of expressions.
pub fn analysis(expressions: &[String]) -> Value {
    json!({ANALYZE: expressions})
}

/// Evaluates a policy, both as JSON, and returns a JSON list of [`RuleResult`]s; or of
/// [`Names`](check::ExpressionNames) if the input requests the field names of expressions. The
/// caller sets the limits: an expression may take long.
pub fn run(policy: &str, input: &str) -> String {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (policy, input) = (read(policy), read(input));
    let said = match input.get(ANALYZE).and_then(Value::as_array) {
        Some(expressions) => {
            let expressions = expressions.iter().filter_map(Value::as_str);
            let expressions: Vec<String> = expressions.map(str::to_owned).collect();
            serde_json::to_string(&check::analyze(&policy, &expressions))
        }
        None if kyverno::is_policy(&policy) => {
            serde_json::to_string(&kyverno::answers(&policy, &input))
        }
        None => serde_json::to_string(&answers(&policy, &input)),
    };
    said.unwrap_or_else(|_| "[]".to_owned())
}

/// Evaluates the validations of a policy.
pub fn answers(policy: &Value, input: &Value) -> Vec<RuleResult> {
    let engine = Engine::of(policy, input);
    let fails = policy
        .pointer("/spec/failurePolicy")
        .and_then(Value::as_str)
        != Some("Ignore");
    if let Some(answer) = excluded(&engine, policy, fails) {
        return vec![answer];
    }
    items_at(policy, "/spec/validations")
        .iter()
        .enumerate()
        .map(|(at, validation)| {
            let rule = format!("validations[{at}]");
            validate(&engine, validation, rule, fails)
        })
        .collect()
}

/// Evaluates the match conditions: if one is false, it excludes the object, whatever the others
/// return.
fn excluded(engine: &Engine, policy: &Value, fails: bool) -> Option<RuleResult> {
    let mut failed: Option<RuleResult> = None;
    let conditions = items_at(policy, "/spec/matchConditions").iter();
    for condition in conditions {
        let name = text_or_empty(condition, "/name");
        let expression = text_or_empty(condition, "/expression");
        let answer = |says: RuleOutcome, message: String| RuleResult {
            rule: format!("matchConditions[{name}]"),
            says,
            message,
            field: Vec::new(),
        };
        match engine.boolean(expression) {
            Ok(true) => {}
            Ok(false) => return Some(answer(RuleOutcome::NotMatched, String::new())),
            Err(CelFailure::Cannot(why)) => failed = Some(answer(RuleOutcome::Cannot, why)),
            Err(CelFailure::Error(why)) => {
                let says = if fails {
                    RuleOutcome::Violates
                } else {
                    RuleOutcome::NotMatched
                };
                failed.get_or_insert_with(|| answer(says, why));
            }
        }
    }
    failed
}

fn validate(engine: &Engine, validation: &Value, rule: String, fails: bool) -> RuleResult {
    let expression = text_or_empty(validation, "/expression").trim();
    let answer = |says: RuleOutcome, message: String| RuleResult {
        rule,
        says,
        message,
        field: field_of(expression),
    };
    match engine.boolean(expression) {
        Ok(true) => answer(RuleOutcome::Pass, String::new()),
        Ok(false) => answer(
            RuleOutcome::Violates,
            message(engine, validation, expression),
        ),
        Err(CelFailure::Cannot(why)) => answer(RuleOutcome::Cannot, why),
        Err(CelFailure::Error(why)) if fails => answer(
            RuleOutcome::Violates,
            format!("the expression fails, which refuses the object (failurePolicy Fail): {why}"),
        ),
        Err(CelFailure::Error(_)) => answer(RuleOutcome::Pass, String::new()),
    }
}

fn message(engine: &Engine, validation: &Value, expression: &str) -> String {
    let worked_out = validation.get("messageExpression").and_then(Value::as_str);
    let worked_out = worked_out.and_then(|expression| engine.text(expression).ok());
    worked_out
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty() && text.len() <= LONGEST && !text.contains('\n'))
        .or_else(|| Some(text_or_empty(validation, "/message").trim().to_owned()))
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| format!("failed expression: {expression}"))
}

/// Returns the longest field of `object` that an expression names, as path elements.
fn field_of(expression: &str) -> Vec<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut longest = Vec::new();
    for (at, _) in expression.match_indices("object.") {
        let before = expression.get(..at).and_then(|text| text.chars().last());
        if before.is_some_and(|c| is_word(c) || c == '.') {
            continue;
        }
        let rest = expression.get(at + "object.".len()..).unwrap_or_default();
        let end = rest
            .find(|c: char| !(is_word(c) || c == '.'))
            .unwrap_or(rest.len());
        let (named, after) = rest.split_at(end);
        let mut parts: Vec<String> = named.split('.').map(str::to_owned).collect();
        if after.starts_with('(') {
            // The last one is a function.
            parts.pop();
        }
        parts.retain(|part| !part.is_empty());
        // The namespace usually decides whether a rule applies, and seldom what it requires.
        let is_identity = matches!(&parts[..], [first, last]
            if first == "metadata" && (last == "namespace" || last == "name"));
        if parts.len() > longest.len() && (!is_identity || longest.is_empty())
            || longest == ["metadata", "namespace"] && parts.len() == 2
        {
            longest = parts;
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_longest_field_of_an_expression() {
        let field = |text: &str| field_of(text).join(".");
        assert_eq!(field("object.spec.replicas <= 5"), "spec.replicas");
        assert_eq!(
            field("oldObject.spec.a.b == 1 || has(object.spec.x)"),
            "spec.x"
        );
        assert_eq!(
            field("object.spec.template.spec.containers.all(c, c.x)"),
            "spec.template.spec.containers"
        );
        assert_eq!(field("true"), "");
        assert_eq!(
            field("object.metadata.namespace == 'x' ? object.spec.replicas <= 2 : true"),
            "spec.replicas"
        );
        assert_eq!(
            field("object.metadata.namespace == 'x'"),
            "metadata.namespace"
        );
    }
}
