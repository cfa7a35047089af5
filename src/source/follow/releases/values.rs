//! Collects the values of a HelmRelease, and finds out which are secret.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::policy::PointerPattern;
use crate::source::chart::{lay_over, other, values_of_text};
use crate::source::config_values::Values;
use crate::source::flux;

/// The values of a HelmRelease: those from ConfigMaps and Secrets, overridden by inline ones.
#[derive(Debug, Clone)]
pub(super) struct DeclaredValues {
    /// The values.
    pub own: Value,
    /// The same values, with those from Secrets replaced by others.
    pub other: Value,
    /// The strings that come from Secrets.
    pub secret: Vec<String>,
}

impl DeclaredValues {
    /// Collects the values.
    ///
    /// # Errors
    /// Fails if not all of them are known, with the reason.
    pub fn of(release: &Value, values: &Values<'_>) -> Result<Self, String> {
        let namespace = release.pointer("/metadata/namespace");
        let namespace = namespace.and_then(Value::as_str).unwrap_or_default();
        let empty = || Value::Object(Map::new());
        let mut all = Self {
            own: empty(),
            other: empty(),
            secret: Vec::new(),
        };
        let from = release
            .pointer("/spec/valuesFrom")
            .and_then(Value::as_array);
        for entry in from.into_iter().flatten() {
            all.lay_from(entry, namespace, values)?;
        }
        if let Some(own) = release.pointer("/spec/values") {
            lay_over(&mut all.own, own.clone());
            lay_over(&mut all.other, own.clone());
        }
        Ok(all)
    }

    /// Returns whether some values are secret.
    pub fn has_secrets(&self) -> bool {
        !self.secret.is_empty()
    }

    /// Merges the values of a ConfigMap or a Secret into these.
    fn lay_from(
        &mut self,
        entry: &Value,
        namespace: &str,
        values: &Values<'_>,
    ) -> Result<(), String> {
        let text = |field: &str| entry.get(field).and_then(Value::as_str);
        let (Some(kind), Some(name)) = (text("kind"), text("name")) else {
            return Err("their valuesFrom does not name an object".to_owned());
        };
        let is_secret = kind == "Secret";
        let declared = values.declared(kind, namespace, name);
        let encrypted = declared
            .as_ref()
            .is_some_and(crate::source::sops::is_encrypted);
        let declared = declared.filter(|_| !encrypted);
        let object = declared.or_else(|| values.live(kind, namespace, name));
        let is_optional = entry
            .get("optional")
            .is_some_and(|optional| optional == true);
        let Some(object) = object else {
            return match (is_optional, encrypted) {
                (true, _) => Ok(()),
                (false, true) => Err(format!(
                    "a {kind} of their valuesFrom is encrypted by SOPS and is not live"
                )),
                (false, false) => Err(format!(
                    "a {kind} of their valuesFrom is neither declared here nor live"
                )),
            };
        };
        let key = text("valuesKey").unwrap_or("values.yaml");
        let data = flux::data_of(&object, is_secret);
        let written = data.and_then(|mut data| data.remove(key));
        let Some(written) = written else {
            return match is_optional {
                true => Ok(()),
                false => Err(format!("a {kind} of their valuesFrom lacks its key")),
            };
        };
        let part = match text("targetPath").filter(|path| !path.is_empty()) {
            Some(path) => at_path(path, &written)
                .ok_or_else(|| "a targetPath of their valuesFrom cannot be read".to_owned())?,
            // The parser's error quotes values.
            None => values_of_text(&written)
                .map_err(|_| format!("a {kind} of their valuesFrom does not contain YAML"))?,
        };
        if is_secret {
            leaves(&part, &mut self.secret);
            lay_over(&mut self.other, other(&part));
        } else {
            lay_over(&mut self.other, part.clone());
        }
        lay_over(&mut self.own, part);
        Ok(())
    }

    /// Returns the paths of values that are declared but not deployed, as `.image.tag`.
    pub fn not_in(&self, deployed: &Value) -> BTreeSet<String> {
        let mut changed = BTreeSet::new();
        differences(&self.own, deployed, &mut Vec::new(), &mut changed);
        changed
    }
}

/// Returns the strings and numbers in a value.
fn leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.values().for_each(|value| leaves(value, found)),
        Value::Array(items) => items.iter().for_each(|value| leaves(value, found)),
        Value::String(text) if !text.is_empty() => found.push(text.clone()),
        Value::Number(number) => found.push(number.to_string()),
        _ => {}
    }
}

/// Sets a value at a `targetPath`, as `helm --set` would: `a.b[0].c`.
fn at_path(path: &str, written: &str) -> Option<Value> {
    let mut parts: Vec<(String, Option<usize>)> = Vec::new();
    let mut part = String::new();
    let mut chars = path.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => part.push(chars.next()?),
            '.' => parts.push((std::mem::take(&mut part), None)),
            '[' => {
                let index: String = chars.by_ref().take_while(|c| *c != ']').collect();
                parts.push((std::mem::take(&mut part), Some(index.parse().ok()?)));
                if chars.peek() == Some(&'.') {
                    chars.next();
                    chars.peek()?;
                }
            }
            c => part.push(c),
        }
    }
    if !part.is_empty() {
        parts.push((part, None));
    }
    const LONGEST_LIST: usize = 1_000;
    let mut value = typed(written);
    for (name, index) in parts.into_iter().rev() {
        if let Some(index) = index {
            let mut items = vec![Value::Null; index.min(LONGEST_LIST)];
            items.push(value);
            value = Value::Array(items);
        }
        if !name.is_empty() {
            value = Value::Object(Map::from_iter([(name, value)]));
        }
    }
    value.is_object().then_some(value)
}

/// Parses a value as `helm --set` does. A quoted value is a string.
fn typed(written: &str) -> Value {
    for quote in ['"', '\''] {
        let quoted = written.strip_prefix(quote);
        if let Some(text) = quoted.and_then(|rest| rest.strip_suffix(quote)) {
            return Value::from(text);
        }
    }
    match written {
        "true" => Value::from(true),
        "false" => Value::from(false),
        "null" => Value::Null,
        // A number with a leading zero is a string.
        "0" => Value::from(0),
        text if text.starts_with('0') => Value::from(text),
        text => text.parse::<i64>().map_or(Value::from(text), Value::from),
    }
}

/// Returns the paths of the differences, as `.image.tag`.
fn differences(a: &Value, b: &Value, way: &mut Vec<String>, found: &mut BTreeSet<String>) {
    match (a, b) {
        (Value::Object(a), other) | (other, Value::Object(a))
            if other.is_null() || other.is_object() =>
        {
            let empty = Map::new();
            let b = other.as_object().unwrap_or(&empty);
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let [a, b] = [a, b].map(|side| side.get(key).unwrap_or(&Value::Null));
                way.push(key.clone());
                differences(a, b, way, found);
                way.pop();
            }
        }
        _ if is_same(a, b) => {}
        _ => {
            let pointer = PointerPattern::from(way.clone()).to_string();
            found.insert(pointer.replace('/', "."));
        }
    }
}

/// Returns whether two values are equal, apart from changes that Helm makes to numbers.
fn is_same(a: &Value, b: &Value) -> bool {
    let number = |value: &Value| value.as_f64();
    a == b || number(a).is_some() && number(a) == number(b)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn target_paths_set_one_value() {
        for (path, written, expected) in [
            ("a.b", "5", json!({"a": {"b": 5}})),
            ("a.b", "'5'", json!({"a": {"b": "5"}})),
            ("a.b", "007", json!({"a": {"b": "007"}})),
            ("a\\.b", "true", json!({"a.b": true})),
            ("a[1].b", "x", json!({"a": [null, {"b": "x"}]})),
        ] {
            assert_eq!(at_path(path, written), Some(expected), "{path}");
        }
        assert_eq!(at_path("", "x"), None);
        assert_eq!(at_path("a[x]", "x"), None);
    }
}
