//! The supported functions of Kyverno's JMESPath.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde_json::{Value, json};

use super::evaluate::{Failure, same};
use super::text::{printed, wildcard};
use crate::schema::{Quantity, nanos};

type Found = Result<Value, Failure>;

fn cannot(name: &str) -> Failure {
    Failure::Cannot(format!("the function {name} is not supported"))
}

/// Calls a function.
pub fn call(name: &str, args: &[Value]) -> Found {
    // Invalid arguments are an error in Kyverno too.
    let wrong = || Failure::Error(format!("{name} does not take these arguments"));
    let text = |at: usize| args.get(at).and_then(Value::as_str).ok_or_else(wrong);
    let list = |at: usize| args.get(at).and_then(Value::as_array).ok_or_else(wrong);
    let map = |at: usize| args.get(at).and_then(Value::as_object).ok_or_else(wrong);
    let count = |wanted: usize| {
        (args.len() == wanted)
            .then_some(())
            .ok_or_else(|| Failure::Error(format!("{name} takes {wanted} arguments")))
    };
    match name {
        "length" => {
            count(1)?;
            Ok(json!(match &args[0] {
                Value::String(text) => text.chars().count(),
                Value::Array(items) => items.len(),
                Value::Object(fields) => fields.len(),
                _ => return Err(wrong()),
            }))
        }
        "contains" => {
            count(2)?;
            Ok(json!(match &args[0] {
                Value::Array(items) => items.iter().any(|item| same(item, &args[1])),
                Value::String(all) => args[1].as_str().is_some_and(|some| all.contains(some)),
                _ => return Err(wrong()),
            }))
        }
        "keys" => {
            count(1)?;
            Ok(map(0)?.keys().cloned().collect())
        }
        "values" => {
            count(1)?;
            match map(0)?.len() {
                0 | 1 => Ok(map(0)?.values().cloned().collect()),
                _ => Err(Failure::Cannot(
                    "the order of the values of a map is not fixed".into(),
                )),
            }
        }
        "not_null" => {
            let found = args.iter().find(|arg| !arg.is_null());
            Ok(found.cloned().unwrap_or_default())
        }
        "type" => {
            count(1)?;
            Ok(json!(match &args[0] {
                Value::Null => "null",
                Value::Bool(_) => "boolean",
                Value::Number(_) => "number",
                Value::String(_) => "string",
                Value::Array(_) => "array",
                Value::Object(_) => "object",
            }))
        }
        "to_string" => {
            count(1)?;
            match &args[0] {
                Value::String(text) => Ok(json!(text)),
                Value::Number(_) | Value::Bool(_) => {
                    Ok(json!(printed(&args[0]).ok_or_else(|| cannot(name))?))
                }
                _ => Err(cannot(name)),
            }
        }
        "to_number" => {
            count(1)?;
            match &args[0] {
                number @ Value::Number(_) => Ok(number.clone()),
                Value::String(text) => match text.parse::<i64>() {
                    Ok(number) => Ok(json!(number)),
                    Err(_) => Ok(text.parse::<f64>().map_or(Value::Null, |n| json!(n))),
                },
                _ => Ok(Value::Null),
            }
        }
        "to_array" => {
            count(1)?;
            Ok(match &args[0] {
                list @ Value::Array(_) => list.clone(),
                other => json!([other]),
            })
        }
        "to_boolean" => {
            count(1)?;
            match text(0)?.to_ascii_lowercase().as_str() {
                "true" => Ok(json!(true)),
                "false" => Ok(json!(false)),
                _ => Err(wrong()),
            }
        }
        "starts_with" => {
            count(2)?;
            Ok(json!(text(0)?.starts_with(text(1)?)))
        }
        "ends_with" => {
            count(2)?;
            Ok(json!(text(0)?.ends_with(text(1)?)))
        }
        "join" => {
            count(2)?;
            let parts: Option<Vec<&str>> = list(1)?.iter().map(Value::as_str).collect();
            Ok(json!(parts.ok_or_else(wrong)?.join(text(0)?)))
        }
        "split" => {
            count(2)?;
            match text(1)? {
                "" => Err(cannot(name)),
                by => Ok(text(0)?.split(by).collect()),
            }
        }
        "to_upper" | "to_lower" => {
            count(1)?;
            let given = text(0)?;
            match given.is_ascii() {
                true if name == "to_upper" => Ok(json!(given.to_ascii_uppercase())),
                true => Ok(json!(given.to_ascii_lowercase())),
                false => Err(cannot(name)),
            }
        }
        "trim" => {
            count(2)?;
            let (given, cut) = (text(0)?, text(1)?);
            Ok(json!(given.trim_matches(|c| cut.contains(c))))
        }
        "trim_prefix" => {
            count(2)?;
            let given = text(0)?;
            Ok(json!(given.strip_prefix(text(1)?).unwrap_or(given)))
        }
        "replace_all" => {
            count(3)?;
            match text(1)? {
                "" => Err(cannot(name)),
                from => Ok(json!(text(0)?.replace(from, text(2)?))),
            }
        }
        "equal_fold" => {
            count(2)?;
            let (one, other) = (text(0)?, text(1)?);
            match one.is_ascii() && other.is_ascii() {
                true => Ok(json!(one.eq_ignore_ascii_case(other))),
                false => Err(cannot(name)),
            }
        }
        "regex_match" => {
            count(2)?;
            let given = printed(&args[1]).ok_or_else(wrong)?;
            let expression = Regex::new(text(0)?).map_err(|_| cannot(name))?;
            match given.is_ascii() || !text(0)?.contains('\\') {
                true => Ok(json!(expression.is_match(&given))),
                false => Err(cannot(name)),
            }
        }
        "pattern_match" => {
            count(2)?;
            let given = printed(&args[1]).ok_or_else(wrong)?;
            Ok(json!(wildcard(text(0)?, &given)))
        }
        "base64_decode" => {
            count(1)?;
            let decoded = STANDARD.decode(text(0)?).map_err(|_| wrong())?;
            Ok(json!(String::from_utf8(decoded).map_err(|_| cannot(name))?))
        }
        "base64_encode" => {
            count(1)?;
            Ok(json!(STANDARD.encode(text(0)?)))
        }
        "add" | "subtract" | "multiply" => {
            count(2)?;
            arithmetic(name, &args[0], &args[1])
        }
        "sum" => {
            count(1)?;
            let mut items = list(0)?.iter();
            let first = items.next().cloned().ok_or_else(wrong)?;
            items.try_fold(first, |sum, item| arithmetic("add", &sum, item))
        }
        "max" | "min" => {
            count(1)?;
            let numbers: Option<Vec<i64>> = list(0)?.iter().map(Value::as_i64).collect();
            let numbers = numbers.ok_or_else(|| cannot(name))?;
            let found = match name {
                "max" => numbers.iter().max(),
                _ => numbers.iter().min(),
            };
            Ok(found.map_or(Value::Null, |number| json!(number)))
        }
        "reverse" => {
            count(1)?;
            Ok(list(0)?.iter().rev().cloned().collect())
        }
        "sort" => {
            count(1)?;
            let texts: Option<Vec<&str>> = list(0)?.iter().map(Value::as_str).collect();
            let mut texts = texts.ok_or_else(|| cannot(name))?;
            texts.sort_unstable();
            Ok(texts.into_iter().collect())
        }
        "merge" => {
            let mut merged = serde_json::Map::new();
            for at in 0..args.len() {
                merged.extend(map(at)?.clone());
            }
            Ok(Value::Object(merged))
        }
        "lookup" => {
            count(2)?;
            Ok(match (&args[0], &args[1]) {
                (Value::Object(fields), Value::String(key)) => {
                    fields.get(key).cloned().unwrap_or_default()
                }
                (Value::Array(items), Value::Number(at)) => at
                    .as_u64()
                    .and_then(|at| items.get(usize::try_from(at).ok()?))
                    .cloned()
                    .unwrap_or_default(),
                _ => return Err(wrong()),
            })
        }
        "items" => {
            count(3)?;
            let (key, value) = (text(1)?, text(2)?);
            Ok(match &args[0] {
                Value::Object(fields) => fields
                    .iter()
                    .map(|(k, v)| json!({key: k, value: v}))
                    .collect(),
                Value::Array(items) => items
                    .iter()
                    .enumerate()
                    .map(|(at, v)| json!({key: at, value: v}))
                    .collect(),
                _ => return Err(wrong()),
            })
        }
        "parse_json" => {
            count(1)?;
            serde_json::from_str(text(0)?).map_err(|_| wrong())
        }
        "truncate" => {
            count(2)?;
            let most = args[1].as_u64().ok_or_else(wrong)?;
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            Ok(json!(text(0)?.chars().take(most).collect::<String>()))
        }
        _ => Err(cannot(name)),
    }
}

/// Calculates with whole numbers, and adds quantities.
fn arithmetic(name: &str, one: &Value, other: &Value) -> Found {
    if let (Some(a), Some(b)) = (one.as_i64(), other.as_i64()) {
        let result = match name {
            "add" => a.checked_add(b),
            "subtract" => a.checked_sub(b),
            _ => a.checked_mul(b),
        };
        return result
            .map(|result| json!(result))
            .ok_or_else(|| cannot(name));
    }
    let (Some(a), Some(b)) = (one.as_str(), other.as_str()) else {
        return Err(cannot(name));
    };
    let is_length = |text: &str| nanos(text).is_some() && Quantity::parse_exact(text).is_none();
    let whole = |text: &str| Quantity::parse_exact(text).and_then(|q| q.to_integer());
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) if name != "multiply" && !is_length(one.as_str().unwrap_or("")) => {
            let result = if name == "add" {
                a.checked_add(b)
            } else {
                a.checked_sub(b)
            };
            let result = result.ok_or_else(|| cannot(name))?;
            Ok(json!(result.to_string()))
        }
        _ => Err(cannot(name)),
    }
}
