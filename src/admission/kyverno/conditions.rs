//! Preconditions and `deny.conditions`: a key, an operator, a value.

use std::cmp::Ordering;

use serde_json::Value;

use super::jmes::{JmesFailure, equal_values};
use super::text::{Operator, matches, printed, wildcard};
use super::variables::Context;
use crate::schema::{Quantity, nanos};

/// Returns whether conditions hold. An empty list holds.
///
/// # Errors
/// Fails if the result cannot be determined here, or is an error in Kyverno.
pub fn conditions_hold(conditions: &Value, context: &Context) -> Result<bool, JmesFailure> {
    match conditions {
        // The old form: a list in which every condition must hold.
        Value::Array(all) => hold_all(all, context),
        Value::Object(either) => {
            let list = |name: &str| either.get(name).and_then(Value::as_array);
            let mut any = true;
            if let Some(conditions) = list("any") {
                any = false;
                for condition in conditions {
                    if condition_holds(condition, context)? {
                        any = true;
                        break;
                    }
                }
            }
            let all = list("all").map_or(Ok(true), |all| hold_all(all, context))?;
            Ok(any && all)
        }
        _ => Ok(true),
    }
}

fn hold_all(conditions: &[Value], context: &Context) -> Result<bool, JmesFailure> {
    for condition in conditions {
        if !condition_holds(condition, context)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn condition_holds(condition: &Value, context: &Context) -> Result<bool, JmesFailure> {
    let part = |name: &str| context.resolve(condition.get(name).unwrap_or(&Value::Null));
    let (key, value) = (part("key")?, part("value")?);
    let operator = condition.get("operator").and_then(Value::as_str);
    let operator = operator.unwrap_or_default().to_ascii_lowercase();
    let cannot = |why: &str| JmesFailure::Cannot(why.to_owned());
    let answer = match operator.as_str() {
        "equal" | "equals" => equals(&key, &value),
        "notequal" | "notequals" => {
            Some(!equals(&key, &value).ok_or_else(|| cannot("a fraction is compared"))?)
        }
        "in" | "anyin" | "allin" | "notin" | "anynotin" | "allnotin" => {
            search(&operator, &key, &value)
        }
        "greaterthan" | "greaterthanorequals" | "lessthan" | "lessthanorequals" => {
            let holds = |order: Ordering| holds_for(&operator, order);
            numbers(&key, &value).map(|order| order.is_some_and(holds))
        }
        "durationgreaterthan"
        | "durationgreaterthanorequals"
        | "durationlessthan"
        | "durationlessthanorequals" => {
            let operator = operator.trim_start_matches("duration");
            let order = duration(&key).and_then(|key| Some(key.cmp(&duration(&value)?)));
            Some(order.is_some_and(|order| holds_for(operator, order)))
        }
        _ => {
            return Err(JmesFailure::Error(format!(
                "{operator:?} is not an operator"
            )));
        }
    };
    answer.ok_or_else(|| cannot("values of these types are not compared here"))
}

fn holds_for(operator: &str, order: Ordering) -> bool {
    match operator {
        "greaterthan" => order.is_gt(),
        "greaterthanorequals" => order.is_ge(),
        "lessthan" => order.is_lt(),
        _ => order.is_le(),
    }
}

/// Returns a duration in nanoseconds; a number is in seconds.
fn duration(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => Some(i128::from(number.as_i64()?) * 1_000_000_000),
        Value::String(text) => nanos(text),
        _ => None,
    }
}

/// Returns both durations, if one of the values is a duration.
fn durations(key: &Value, value: &Value) -> Option<(i128, i128)> {
    let is_duration = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| text != "0" && nanos(text).is_some())
    };
    if !is_duration(key) && !is_duration(value) {
        return None;
    }
    let of = |value: &Value| match value {
        Value::String(text) if text == "0" => None,
        value => duration(value),
    };
    Some((of(key)?, of(value)?))
}

fn equals(key: &Value, value: &Value) -> Option<bool> {
    Some(match key {
        Value::Null => false,
        Value::Bool(_) => key == value,
        Value::Number(number) => match value {
            Value::Number(other) => number.as_f64() == other.as_f64(),
            Value::String(text) if number.is_f64() => text.parse::<f64>().ok() == number.as_f64(),
            Value::String(text) => match (text.parse::<i64>(), text.parse::<f64>()) {
                (Ok(other), _) => number.as_i64() == Some(other),
                // Whether Kyverno treats a number as whole depends on its source.
                (Err(_), Ok(_)) => return None,
                _ => false,
            },
            _ => false,
        },
        Value::String(text) => {
            if let Some((key, value)) = durations(key, value) {
                return Some(key == value);
            }
            let other = value.as_str();
            if let (Some(amount), Some(other)) = (Quantity::parse_exact(text), other)
                && !other.is_empty()
            {
                return Some(Quantity::parse_exact(other).is_some_and(|other| other == amount));
            }
            other.is_some_and(|pattern| wildcard(pattern, text))
        }
        Value::Array(_) | Value::Object(_) => equal_values(key, value),
    })
}

fn numbers(key: &Value, value: &Value) -> Option<Option<Ordering>> {
    let float = |value: &Value| match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse::<f64>().ok(),
        _ => None,
    };
    Some(match key {
        Value::Number(_) | Value::String(_) => {
            if let Some((key, value)) = durations(key, value) {
                return Some(Some(key.cmp(&value)));
            }
            if let (Value::String(key), Value::String(value)) = (key, value)
                && let (Some(key), Some(value)) =
                    (Quantity::parse_exact(key), Quantity::parse_exact(value))
            {
                return Some(Some(key.cmp(&value)));
            }
            match (float(key), float(value)) {
                (Some(key), Some(value)) => key.partial_cmp(&value),
                // The value may be a version.
                (None, _) if key.as_str().is_some_and(|text| text.contains('.')) => return None,
                _ => None,
            }
        }
        _ => None,
    })
}

/// Evaluates the operators that search for keys in a list, a text, or a range.
fn search(operator: &str, key: &Value, value: &Value) -> Option<bool> {
    let keys: Vec<String> = match key {
        Value::Array(items) => items.iter().map(printed).collect::<Option<_>>()?,
        Value::Null | Value::Object(_) => return Some(false),
        scalar => vec![printed(scalar)?],
    };
    let is_list = key.is_array();
    let alike = |one: &str, other: &str| wildcard(one, other) || wildcard(other, one);
    let values: Vec<String> = match value {
        Value::Array(items) => items.iter().map(printed).collect::<Option<_>>()?,
        Value::String(text) => {
            let first = keys.first().map(String::as_str).unwrap_or_default();
            let is_range = Operator::of(text).0 == Operator::InRange;
            if !is_list && wildcard(text, first) || is_list && keys.len() == 1 && first == text {
                return Some(!operator.contains("not"));
            }
            if is_range && !matches!(operator, "in" | "notin") {
                let within = |key: &String| matches(&Value::String(key.clone()), value).ok();
                let within: Vec<bool> = keys.iter().map(within).collect::<Option<_>>()?;
                return Some(match (operator, is_list) {
                    ("anyin", _) => within.contains(&true),
                    ("allin", _) => !within.contains(&false),
                    ("anynotin", true) => within.contains(&false),
                    _ => !within.contains(&true),
                });
            }
            match serde_json::from_str::<Value>(text) {
                Ok(Value::Array(items)) => {
                    let items = items.iter().map(|item| item.as_str().map(str::to_owned));
                    items.collect::<Option<_>>()?
                }
                // JSON that is not a list is an error, which counts as false.
                Ok(_) => return Some(false),
                Err(_) if matches!(operator, "in" | "notin") => return Some(false),
                Err(_) => vec![text.clone()],
            }
        }
        Value::Number(_) | Value::Bool(_) if is_list && operator.starts_with("any") => {
            vec![printed(value)?]
        }
        _ => return Some(false),
    };
    // Text is compared unparsed with the items of a JSON list.
    let is_exact = value.is_string() && (!is_list || matches!(operator, "in" | "notin"));
    let found = |key: &String| {
        values.iter().any(|value| match is_exact {
            true => key == value,
            false => alike(key, value),
        })
    };
    if matches!(operator, "in" | "notin") && is_list && !value.is_string() {
        let has_others = [key, value]
            .iter()
            .flat_map(|list| list.as_array().into_iter().flatten())
            .any(|item| !item.is_string());
        if has_others {
            return None;
        }
        let all = keys.iter().all(|key| values.contains(key));
        // With wildcards, and for sets that overlap, the old operators are not exact.
        let has_any = keys.iter().any(found);
        return match (all, has_any) {
            (true, _) => Some(operator == "in"),
            (false, false) => Some(operator == "notin"),
            (false, true) => None,
        };
    }
    Some(match operator {
        "anyin" => keys.iter().any(found),
        "allin" | "in" => keys.iter().all(found),
        "anynotin" => keys.iter().any(|key| !found(key)),
        _ => !keys.iter().any(found),
    })
}
