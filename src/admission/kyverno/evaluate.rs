//! Evaluates JMESPath as Kyverno does: a missing key is an error.

use serde_json::{Map, Value, json};

use super::functions;
use super::jmes::{JmesFailure, equal_values};
use super::parse::JmesExpression;

type EvaluationResult = Result<Value, JmesFailure>;

/// Returns the value, or `null` if a key does not exist.
fn null_if_missing(found: EvaluationResult) -> EvaluationResult {
    match found {
        Err(JmesFailure::NotFound(_)) => Ok(Value::Null),
        other => other,
    }
}

/// Returns the value, or `null` after an error.
fn null_if_failed(found: EvaluationResult) -> EvaluationResult {
    match found {
        Err(JmesFailure::NotFound(_) | JmesFailure::Error(_)) => Ok(Value::Null),
        other => other,
    }
}

/// Returns whether a value counts as false.
pub fn is_false(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Number(_) => false,
    }
}

/// Evaluates an expression on a value.
pub fn evaluate(expression: &JmesExpression, value: &Value) -> EvaluationResult {
    match expression {
        JmesExpression::Current => Ok(value.clone()),
        JmesExpression::Literal(literal) => Ok(literal.clone()),
        JmesExpression::Field(name) => match value {
            Value::Object(fields) => {
                let field = fields.get(name).cloned();
                field.ok_or_else(|| JmesFailure::NotFound(name.clone()))
            }
            _ => Ok(Value::Null),
        },
        JmesExpression::Index(at) => Ok(match value {
            Value::Array(items) => at_index(items, *at).cloned().unwrap_or_default(),
            _ => Value::Null,
        }),
        JmesExpression::Slice(parts) => match value {
            Value::Array(items) => slice(items, *parts),
            _ => Ok(Value::Null),
        },
        JmesExpression::Chain(left, right) => evaluate(right, &evaluate(left, value)?),
        JmesExpression::Pipe(left, right) => {
            let left = null_if_missing(evaluate(left, value))?;
            null_if_missing(evaluate(right, &left))
        }
        JmesExpression::Each(left, right) => {
            let items = match evaluate(left, value) {
                Err(JmesFailure::NotFound(_)) => Value::Null,
                other => other?,
            };
            each(&items, right)
        }
        JmesExpression::Values(left, right) => {
            of_values(null_if_failed(evaluate(left, value))?, right)
        }
        JmesExpression::Filter(left, right, condition) => {
            filtered(null_if_failed(evaluate(left, value))?, condition, right)
        }
        JmesExpression::Flatten(left) => Ok(flat(null_if_failed(evaluate(left, value))?)),
        JmesExpression::Or(left, right) => {
            let left = null_if_missing(evaluate(left, value))?;
            match is_false(&left) {
                true => null_if_missing(evaluate(right, value)),
                false => Ok(left),
            }
        }
        JmesExpression::And(left, right) => {
            let left = null_if_missing(evaluate(left, value))?;
            match is_false(&left) {
                true => Ok(left),
                false => evaluate(right, value),
            }
        }
        JmesExpression::Not(of) => Ok(json!(is_false(&null_if_missing(evaluate(of, value))?))),
        JmesExpression::Compare(sign, left, right) => {
            let left = null_if_missing(evaluate(left, value))?;
            let right = null_if_missing(evaluate(right, value))?;
            Ok(compare(sign, &left, &right))
        }
        JmesExpression::Call(name, args) => called(name, args, value),
        JmesExpression::List(items) => {
            if value.is_null() {
                return Ok(Value::Null);
            }
            let items: Result<Vec<Value>, JmesFailure> = items
                .iter()
                .map(|item| null_if_missing(evaluate(item, value)))
                .collect();
            Ok(Value::Array(items?))
        }
        JmesExpression::Map(fields) => {
            if value.is_null() {
                return Ok(Value::Null);
            }
            let mut map = Map::new();
            for (name, field) in fields {
                map.insert(name.clone(), null_if_missing(evaluate(field, value))?);
            }
            Ok(Value::Object(map))
        }
        JmesExpression::Reference(_) => Err(JmesFailure::Cannot(
            "an expression reference is not a value".to_owned(),
        )),
    }
}

/// Calls a function on the values of some expressions.
fn called(name: &str, args: &[JmesExpression], value: &Value) -> EvaluationResult {
    let arg = |arg: &JmesExpression| match arg {
        JmesExpression::Reference(_) => Err(JmesFailure::Cannot(format!(
            "{name} with an expression reference is not supported"
        ))),
        arg => null_if_missing(evaluate(arg, value)),
    };
    let args: Result<Vec<Value>, JmesFailure> = args.iter().map(arg).collect();
    functions::call(name, &args?)
}

/// Evaluates an expression on the values of a map; their order is not fixed.
fn of_values(map: Value, expression: &JmesExpression) -> EvaluationResult {
    match map {
        Value::Object(fields) if fields.len() > 1 => Err(JmesFailure::Cannot(
            "the order of the values of a map is not fixed".to_owned(),
        )),
        Value::Object(fields) => {
            let values = fields.into_iter().map(|(_, value)| value);
            each(&Value::Array(values.collect()), expression)
        }
        _ => Ok(Value::Null),
    }
}

/// Evaluates an expression on the items that meet a condition.
fn filtered(
    list: Value,
    condition: &JmesExpression,
    expression: &JmesExpression,
) -> EvaluationResult {
    let Value::Array(items) = list else {
        return Ok(Value::Null);
    };
    let mut kept = Vec::new();
    for item in items {
        if !is_false(&null_if_missing(evaluate(condition, &item))?) {
            kept.push(item);
        }
    }
    each(&Value::Array(kept), expression)
}

/// Returns a list with the items of the lists in it.
fn flat(list: Value) -> Value {
    let Value::Array(items) = list else {
        return Value::Null;
    };
    let items = items.into_iter().flat_map(|item| match item {
        Value::Array(items) => items,
        item => vec![item],
    });
    Value::Array(items.collect())
}

fn each(items: &Value, expression: &JmesExpression) -> EvaluationResult {
    let Value::Array(items) = items else {
        return Ok(Value::Null);
    };
    let mut collected = Vec::new();
    for item in items {
        let found = null_if_missing(evaluate(expression, item))?;
        if !found.is_null() {
            collected.push(found);
        }
    }
    Ok(Value::Array(collected))
}

fn compare(sign: &str, left: &Value, right: &Value) -> Value {
    match sign {
        "==" => return json!(equal_values(left, right)),
        "!=" => return json!(!equal_values(left, right)),
        _ => {}
    }
    let (Some(left), Some(right)) = (left.as_f64(), right.as_f64()) else {
        return Value::Null;
    };
    json!(match sign {
        "<" => left < right,
        "<=" => left <= right,
        ">" => left > right,
        _ => left >= right,
    })
}

fn at_index(items: &[Value], at: i64) -> Option<&Value> {
    let len = i64::try_from(items.len()).ok()?;
    let at = if at < 0 { at + len } else { at };
    items.get(usize::try_from(at).ok()?)
}

fn slice(items: &[Value], [start, stop, step]: [Option<i64>; 3]) -> EvaluationResult {
    let len = i64::try_from(items.len()).unwrap_or(i64::MAX);
    if step.unwrap_or(1) != 1 {
        return Err(JmesFailure::Cannot(
            "a slice with a step is not supported".to_owned(),
        ));
    }
    let place = |at: i64| {
        if at < 0 {
            (at + len).max(0)
        } else {
            at.min(len)
        }
    };
    let (start, stop) = (place(start.unwrap_or(0)), place(stop.unwrap_or(len)));
    let range = usize::try_from(start).unwrap_or(0)..usize::try_from(stop).unwrap_or(0);
    Ok(Value::Array(
        items.get(range).map(<[Value]>::to_vec).unwrap_or_default(),
    ))
}
