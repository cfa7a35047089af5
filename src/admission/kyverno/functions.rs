//! The supported functions of Kyverno's JMESPath.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde_json::{Map, Value, json};

use super::jmes::{JmesFailure, equal_values};
use super::text::{printed, wildcard};
use crate::schema::{Quantity, nanos};

type FunctionResult = Result<Value, JmesFailure>;

fn cannot(name: &str) -> JmesFailure {
    JmesFailure::Cannot(format!("the function {name} is not supported"))
}

/// The arguments of a function call.
struct Call<'a> {
    name: &'a str,
    args: &'a [Value],
}

impl<'a> Call<'a> {
    fn cannot(&self) -> JmesFailure {
        cannot(self.name)
    }

    /// Returns the error for arguments that the function does not accept. Kyverno fails too.
    fn argument_error(&self) -> JmesFailure {
        let name = self.name;
        JmesFailure::Error(format!("{name} does not take these arguments"))
    }

    fn count(&self, wanted: usize) -> Result<(), JmesFailure> {
        let name = self.name;
        match self.args.len() == wanted {
            true => Ok(()),
            false => Err(JmesFailure::Error(format!(
                "{name} takes {wanted} arguments"
            ))),
        }
    }

    fn text(&self, at: usize) -> Result<&'a str, JmesFailure> {
        let text = self.args.get(at).and_then(Value::as_str);
        text.ok_or_else(|| self.argument_error())
    }

    fn list(&self, at: usize) -> Result<&'a Vec<Value>, JmesFailure> {
        let list = self.args.get(at).and_then(Value::as_array);
        list.ok_or_else(|| self.argument_error())
    }

    fn map(&self, at: usize) -> Result<&'a Map<String, Value>, JmesFailure> {
        let map = self.args.get(at).and_then(Value::as_object);
        map.ok_or_else(|| self.argument_error())
    }
}

/// Calls a function.
pub fn call(name: &str, args: &[Value]) -> FunctionResult {
    let call = Call { name, args };
    match name {
        "type" | "to_string" | "to_number" | "to_array" | "to_boolean" | "base64_decode"
        | "base64_encode" | "parse_json" => converted(&call),
        "starts_with" | "ends_with" | "join" | "split" | "to_upper" | "to_lower" | "trim"
        | "trim_prefix" | "replace_all" | "equal_fold" | "regex_match" | "pattern_match"
        | "truncate" => of_text(&call),
        "add" | "subtract" | "multiply" | "sum" | "max" | "min" => of_numbers(&call),
        "length" | "contains" | "keys" | "values" | "not_null" | "reverse" | "sort" | "merge"
        | "lookup" | "items" => of_collection(&call),
        _ => Err(call.cannot()),
    }
}

/// Returns a value as another type.
fn converted(call: &Call<'_>) -> FunctionResult {
    match call.name {
        "type" => {
            call.count(1)?;
            Ok(json!(match &call.args[0] {
                Value::Null => "null",
                Value::Bool(_) => "boolean",
                Value::Number(_) => "number",
                Value::String(_) => "string",
                Value::Array(_) => "array",
                Value::Object(_) => "object",
            }))
        }
        "to_string" => {
            call.count(1)?;
            match &call.args[0] {
                Value::String(text) => Ok(json!(text)),
                Value::Number(_) | Value::Bool(_) => {
                    Ok(json!(printed(&call.args[0]).ok_or_else(|| call.cannot())?))
                }
                _ => Err(call.cannot()),
            }
        }
        "to_number" => {
            call.count(1)?;
            match &call.args[0] {
                number @ Value::Number(_) => Ok(number.clone()),
                Value::String(text) => match text.parse::<i64>() {
                    Ok(number) => Ok(json!(number)),
                    Err(_) => Ok(text.parse::<f64>().map_or(Value::Null, |n| json!(n))),
                },
                _ => Ok(Value::Null),
            }
        }
        "to_array" => {
            call.count(1)?;
            Ok(match &call.args[0] {
                list @ Value::Array(_) => list.clone(),
                other => json!([other]),
            })
        }
        "to_boolean" => {
            call.count(1)?;
            match call.text(0)?.to_ascii_lowercase().as_str() {
                "true" => Ok(json!(true)),
                "false" => Ok(json!(false)),
                _ => Err(call.argument_error()),
            }
        }
        "base64_decode" => {
            call.count(1)?;
            let decoded = STANDARD
                .decode(call.text(0)?)
                .map_err(|_| call.argument_error())?;
            Ok(json!(
                String::from_utf8(decoded).map_err(|_| call.cannot())?
            ))
        }
        "base64_encode" => {
            call.count(1)?;
            Ok(json!(STANDARD.encode(call.text(0)?)))
        }
        "parse_json" => {
            call.count(1)?;
            serde_json::from_str(call.text(0)?).map_err(|_| call.argument_error())
        }
        _ => Err(call.cannot()),
    }
}

/// Calls a function of texts.
fn of_text(call: &Call<'_>) -> FunctionResult {
    match call.name {
        "starts_with" => {
            call.count(2)?;
            Ok(json!(call.text(0)?.starts_with(call.text(1)?)))
        }
        "ends_with" => {
            call.count(2)?;
            Ok(json!(call.text(0)?.ends_with(call.text(1)?)))
        }
        "join" => {
            call.count(2)?;
            let parts: Option<Vec<&str>> = call.list(1)?.iter().map(Value::as_str).collect();
            Ok(json!(
                parts
                    .ok_or_else(|| call.argument_error())?
                    .join(call.text(0)?)
            ))
        }
        "split" => {
            call.count(2)?;
            match call.text(1)? {
                "" => Err(call.cannot()),
                by => Ok(call.text(0)?.split(by).collect()),
            }
        }
        "to_upper" | "to_lower" => {
            call.count(1)?;
            let given = call.text(0)?;
            match given.is_ascii() {
                true if call.name == "to_upper" => Ok(json!(given.to_ascii_uppercase())),
                true => Ok(json!(given.to_ascii_lowercase())),
                false => Err(call.cannot()),
            }
        }
        "trim" => {
            call.count(2)?;
            let (given, cut) = (call.text(0)?, call.text(1)?);
            Ok(json!(given.trim_matches(|c| cut.contains(c))))
        }
        "trim_prefix" => {
            call.count(2)?;
            let given = call.text(0)?;
            Ok(json!(given.strip_prefix(call.text(1)?).unwrap_or(given)))
        }
        "replace_all" => {
            call.count(3)?;
            match call.text(1)? {
                "" => Err(call.cannot()),
                from => Ok(json!(call.text(0)?.replace(from, call.text(2)?))),
            }
        }
        "equal_fold" => {
            call.count(2)?;
            let (one, other) = (call.text(0)?, call.text(1)?);
            match one.is_ascii() && other.is_ascii() {
                true => Ok(json!(one.eq_ignore_ascii_case(other))),
                false => Err(call.cannot()),
            }
        }
        "regex_match" => matches_regex(call),
        "pattern_match" => {
            call.count(2)?;
            let given = printed(&call.args[1]).ok_or_else(|| call.argument_error())?;
            Ok(json!(wildcard(call.text(0)?, &given)))
        }
        "truncate" => {
            call.count(2)?;
            let most = call.args[1].as_u64().ok_or_else(|| call.argument_error())?;
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            Ok(json!(call.text(0)?.chars().take(most).collect::<String>()))
        }
        _ => Err(call.cannot()),
    }
}

/// Calls a function of numbers and quantities.
fn of_numbers(call: &Call<'_>) -> FunctionResult {
    match call.name {
        "add" | "subtract" | "multiply" => {
            call.count(2)?;
            arithmetic(call.name, &call.args[0], &call.args[1])
        }
        "sum" => {
            call.count(1)?;
            let mut items = call.list(0)?.iter();
            let first = items.next().cloned().ok_or_else(|| call.argument_error())?;
            items.try_fold(first, |sum, item| arithmetic("add", &sum, item))
        }
        "max" | "min" => {
            call.count(1)?;
            let numbers: Option<Vec<i64>> = call.list(0)?.iter().map(Value::as_i64).collect();
            let numbers = numbers.ok_or_else(|| call.cannot())?;
            let found = match call.name {
                "max" => numbers.iter().max(),
                _ => numbers.iter().min(),
            };
            Ok(found.map_or(Value::Null, |number| json!(number)))
        }
        _ => Err(call.cannot()),
    }
}

/// Calls a function of lists and maps.
fn of_collection(call: &Call<'_>) -> FunctionResult {
    match call.name {
        "length" => {
            call.count(1)?;
            Ok(json!(match &call.args[0] {
                Value::String(text) => text.chars().count(),
                Value::Array(items) => items.len(),
                Value::Object(fields) => fields.len(),
                _ => return Err(call.argument_error()),
            }))
        }
        "contains" => {
            call.count(2)?;
            Ok(json!(match &call.args[0] {
                Value::Array(items) => items.iter().any(|item| equal_values(item, &call.args[1])),
                Value::String(all) => call.args[1].as_str().is_some_and(|some| all.contains(some)),
                _ => return Err(call.argument_error()),
            }))
        }
        "keys" => {
            call.count(1)?;
            Ok(call.map(0)?.keys().cloned().collect())
        }
        "values" => {
            call.count(1)?;
            match call.map(0)?.len() {
                0 | 1 => Ok(call.map(0)?.values().cloned().collect()),
                _ => Err(JmesFailure::Cannot(
                    "the order of the values of a map is not fixed".into(),
                )),
            }
        }
        "not_null" => {
            let found = call.args.iter().find(|arg| !arg.is_null());
            Ok(found.cloned().unwrap_or_default())
        }
        "reverse" => {
            call.count(1)?;
            Ok(call.list(0)?.iter().rev().cloned().collect())
        }
        "sort" => {
            call.count(1)?;
            let texts: Option<Vec<&str>> = call.list(0)?.iter().map(Value::as_str).collect();
            let mut texts = texts.ok_or_else(|| call.cannot())?;
            texts.sort_unstable();
            Ok(texts.into_iter().collect())
        }
        "merge" => {
            let mut merged = Map::new();
            for at in 0..call.args.len() {
                merged.extend(call.map(at)?.clone());
            }
            Ok(Value::Object(merged))
        }
        "lookup" => looked_up(call),
        "items" => as_items(call),
        name if name.starts_with("time_") => {
            let texts: Option<Vec<&str>> = call.args.iter().map(Value::as_str).collect();
            super::time::call(name, &texts.ok_or_else(|| call.argument_error())?)
        }
        _ => Err(call.cannot()),
    }
}

/// Returns whether a text matches a regular expression.
fn matches_regex(call: &Call<'_>) -> FunctionResult {
    call.count(2)?;
    let given = printed(&call.args[1]).ok_or_else(|| call.argument_error())?;
    let expression = Regex::new(call.text(0)?).map_err(|_| call.cannot())?;
    match given.is_ascii() || !call.text(0)?.contains('\\') {
        true => Ok(json!(expression.is_match(&given))),
        false => Err(call.cannot()),
    }
}

/// Returns the value of a map or a list at a key.
fn looked_up(call: &Call<'_>) -> FunctionResult {
    call.count(2)?;
    Ok(match (&call.args[0], &call.args[1]) {
        (Value::Object(fields), Value::String(key)) => fields.get(key).cloned().unwrap_or_default(),
        (Value::Array(items), Value::Number(at)) => at
            .as_u64()
            .and_then(|at| items.get(usize::try_from(at).ok()?))
            .cloned()
            .unwrap_or_default(),
        _ => return Err(call.argument_error()),
    })
}

/// Returns the entries of a map or a list as objects.
fn as_items(call: &Call<'_>) -> FunctionResult {
    call.count(3)?;
    let (key, value) = (call.text(1)?, call.text(2)?);
    Ok(match &call.args[0] {
        Value::Object(fields) => fields
            .iter()
            .map(|(k, v)| json!({key: k, value: v}))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, v)| json!({key: at, value: v}))
            .collect(),
        _ => return Err(call.argument_error()),
    })
}

/// Calculates with whole numbers, and adds quantities.
fn arithmetic(name: &str, one: &Value, other: &Value) -> FunctionResult {
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
