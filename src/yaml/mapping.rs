//! Special cases of mappings in Go's YAML: keys that are not strings, and merges.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::scalar::{self, YamlScalar};

/// Returns the key for a value, for keys that are aliases or have anchors.
pub(super) fn key_of(value: &Value) -> Result<String, scalar::Refusal> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(value) => YamlScalar::Bool(*value).into_key(""),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(value), _) => YamlScalar::Int(value).into_key(""),
            (None, Some(value)) => YamlScalar::Float(value).into_key(""),
            (None, None) => YamlScalar::Null.into_key(""),
        },
        Value::Null => YamlScalar::Null.into_key(""),
        Value::Array(_) | Value::Object(_) => Err("a list or mapping cannot be a key"),
    }
}

/// Merges a mapping, or each of a list of mappings. As in Go, merged keys override keys before
/// them, and the first mapping of a list wins.
pub(super) fn merge(
    map: &mut Map<String, Value>,
    merged: &mut BTreeSet<String>,
    value: Value,
) -> Result<(), scalar::Refusal> {
    const REFUSAL: scalar::Refusal = "`<<` merges a mapping or a list of mappings";
    match value {
        Value::Object(from) => {
            for (key, value) in from {
                if map.insert(key.clone(), value).is_none() {
                    merged.insert(key);
                }
            }
            Ok(())
        }
        Value::Array(list) => {
            for from in list.into_iter().rev() {
                if !from.is_object() {
                    return Err(REFUSAL);
                }
                merge(map, merged, from)?;
            }
            Ok(())
        }
        _ => Err(REFUSAL),
    }
}
