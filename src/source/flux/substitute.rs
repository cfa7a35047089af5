//! `postBuild` substitution: the variables in what was built.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::yaml;

/// Switches substitution off for an object, as a label or an annotation.
const SWITCH: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// An object with its variables replaced, unless it asks to be left alone.
///
/// # Errors
/// When something in it is an expression that is not known here.
pub fn substitute(object: &Value, variables: &BTreeMap<String, String>) -> Result<Value, String> {
    let is_off = ["labels", "annotations"].iter().any(|map| {
        let map = object
            .get("metadata")
            .and_then(|metadata| metadata.get(map));
        let switch = map.and_then(|map| map.get(SWITCH)).and_then(Value::as_str);
        switch.is_some_and(|value| value.eq_ignore_ascii_case("disabled"))
    });
    if is_off {
        return Ok(object.clone());
    }
    replaced(object, variables)
}

fn replaced(value: &Value, variables: &BTreeMap<String, String>) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) if text.contains("${") => typed(text, expand(text, variables)?),
        Value::Array(items) => {
            let items = items.iter().map(|item| replaced(item, variables));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => {
            let mut replaced_fields = Map::new();
            for (key, value) in fields {
                replaced_fields.insert(expand(key, variables)?, replaced(value, variables)?);
            }
            Value::Object(replaced_fields)
        }
        other => other.clone(),
    })
}

/// Flux replaces variables in the text of the YAML, which is read once more: `${n}` becomes a
/// number if it looks like one, whether or not it was quoted before. Within blocks and quotes, text
/// stays text.
fn typed(before: &str, after: String) -> Value {
    let is_quoted = before.contains('\n')
        || before.contains(": ")
        || before.contains(" #")
        || before.ends_with(':')
        || before.trim() != before
        || before.starts_with(|c: char| "-?:,[]{}#&*!|>'\"%@`".contains(c));
    if is_quoted {
        return Value::String(after);
    }
    let parsed = yaml::parse(&after);
    let mut documents = parsed.documents.into_iter();
    match (parsed.problems.is_empty(), documents.next()) {
        (true, Some(first)) if documents.next().is_none() => first.value,
        (true, None) => Value::Null,
        _ => Value::String(after),
    }
}

/// A text with its variables replaced; what has no value becomes empty, `$$` is `$`
/// (`fluxcd/pkg/envsubst`).
fn expand(text: &str, variables: &BTreeMap<String, String>) -> Result<String, String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$$") {
            expanded.push('$');
            rest = after;
            // What is escaped is no variable.
            if let Some(after) = rest.strip_prefix('{') {
                expanded.push('{');
                rest = after;
            }
        } else if let Some(after) = rest.strip_prefix("${") {
            let end = closing(after).ok_or("a ${ is not closed")?;
            expanded.push_str(&value_of(&after[..end], variables)?);
            rest = &after[end + 1..];
        } else {
            expanded.push('$');
            rest = &rest[1..];
        }
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// Where the brace closes that is open at the start.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// What stands between the braces: a name, or a name and a default.
fn value_of(expression: &str, variables: &BTreeMap<String, String>) -> Result<String, String> {
    let is_part = |c: char| c == '_' || c.is_ascii_alphanumeric();
    let end = expression.find(|c| !is_part(c)).unwrap_or(expression.len());
    let (name, operator) = expression.split_at(end);
    let value = variables.get(name);
    let set = value.filter(|value| !value.is_empty());
    let default = |text: &str| expand(text, variables);
    let by_operator = match operator {
        "" => Some(Ok(value.cloned().unwrap_or_default())),
        "^^" => Some(Ok(value
            .map(|value| value.to_uppercase())
            .unwrap_or_default())),
        ",," => Some(Ok(value
            .map(|value| value.to_lowercase())
            .unwrap_or_default())),
        _ => None,
    };
    let by_default = || {
        for (operators, found) in [([":=", ":-"], set), (["=", "-"], value)] {
            for start in operators {
                if let Some(text) = operator.strip_prefix(start) {
                    return Some(found.map_or_else(|| default(text), |value| Ok(value.clone())));
                }
            }
        }
        None
    };
    let known = by_operator.or_else(by_default);
    known.filter(|_| !name.is_empty()).unwrap_or_else(|| {
        Err("it has a ${…} with more than a name and a default, which is not evaluated here".into())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn variables() -> BTreeMap<String, String> {
        [("name", "cart"), ("n", "3"), ("empty", ""), ("on", "yes")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    #[test]
    fn expressions() {
        for (text, expected) in [
            ("${name}", "cart"),
            ("a-${name}-${n}", "a-cart-3"),
            ("${none}", ""),
            ("${none:=x}", "x"),
            ("${none:-${name}}", "cart"),
            ("${empty:=x}", "x"),
            ("${empty=x}", ""),
            ("${none-x}", "x"),
            ("${name:=x}", "cart"),
            ("${name^^}", "CART"),
            ("$${name}", "${name}"),
            ("$name $", "$name $"),
        ] {
            assert_eq!(expand(text, &variables()).unwrap(), expected, "{text}");
        }
        for text in ["${name:0:1}", "${name/a/b}", "${name", "${}", "${#name}"] {
            assert!(expand(text, &variables()).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_replaced_is_read_again() {
        let object =
            json!({"a": "${n}", "b": "${name}", "c": "x: ${n}", "d": "${on}", "e": "1\n${n}"});
        let expected = json!({"a": 3, "b": "cart", "c": "x: 3", "d": true, "e": "1\n3"});
        assert_eq!(substitute(&object, &variables()).unwrap(), expected);
    }

    #[test]
    fn objects_can_ask_to_be_left_alone() {
        let object = json!({"metadata": {"annotations": {SWITCH: "Disabled"}}, "a": "${n}"});
        assert_eq!(substitute(&object, &variables()).unwrap(), object);
    }
}
