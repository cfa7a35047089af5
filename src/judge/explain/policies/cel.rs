//! Reads what the expressions of mutating policies write. Expressions are not evaluated: objects
//! and patches that are written as literals are read, and a computed value stands for any value.

use std::collections::BTreeMap;

use serde_json::Value;

use super::template::{ValueTemplate, at_pointer, of_pieces};

/// The depth limit of expressions.
const MOST_DEEP: usize = 64;

/// Returns what an `applyConfiguration` expression writes.
pub fn apply_configuration(expression: &str) -> ValueTemplate {
    parse(expression.trim(), MOST_DEEP)
}

/// Returns what the operations of a `jsonPatch` expression write.
pub fn json_patch(expression: &str) -> Vec<ValueTemplate> {
    operations(&parse(expression.trim(), MOST_DEEP))
}

fn operations(list: &ValueTemplate) -> Vec<ValueTemplate> {
    match list {
        ValueTemplate::List(items) => items.iter().filter_map(operation).collect(),
        ValueTemplate::OneOf(alternatives) => alternatives.iter().flat_map(operations).collect(),
        _ => Vec::new(),
    }
}

fn operation(item: &ValueTemplate) -> Option<ValueTemplate> {
    let ValueTemplate::Object(fields) = item else {
        return None;
    };
    let text = |name: &str| match fields.get(name) {
        Some(ValueTemplate::Value(Value::String(text))) => Some(text.as_str()),
        _ => None,
    };
    matches!(text("op")?, "add" | "replace").then_some(())?;
    Some(at_pointer(text("path")?, fields.get("value")?.clone()))
}

/// Parses one expression.
fn parse(text: &str, depth: usize) -> ValueTemplate {
    let text = text.trim();
    if depth == 0 || text.is_empty() {
        return ValueTemplate::Any;
    }
    if let Some((_, taken, otherwise)) = conditional(text) {
        return ValueTemplate::OneOf(vec![parse(taken, depth - 1), parse(otherwise, depth - 1)]);
    }
    let terms = split(text, '+');
    if terms.len() > 1 {
        return concatenated(&terms, depth);
    }
    if let Some(inner) = enclosed(text, '(', ')') {
        return parse(inner, depth - 1);
    }
    if let Some(literal) = literal(text) {
        return ValueTemplate::Value(literal);
    }
    if let Some(inner) = enclosed(text, '[', ']') {
        let items = split(inner, ',').into_iter();
        let items = items.filter(|item| !item.trim().is_empty());
        return ValueTemplate::List(items.map(|item| parse(item, depth - 1)).collect());
    }
    if let Some(argument) = text
        .strip_prefix("jsonpatch.escapeKey(")
        .and_then(|rest| rest.strip_suffix(')'))
    {
        return match parse(argument, depth - 1) {
            ValueTemplate::Value(Value::String(key)) => {
                ValueTemplate::Value(key.replace('~', "~0").replace('/', "~1").into())
            }
            _ => ValueTemplate::Any,
        };
    }
    let Some(open) = text.find('{') else {
        return ValueTemplate::Any;
    };
    let (name, body) = text.split_at(open);
    let is_type = name
        .trim()
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '`' | '/' | '-'));
    match enclosed(body, '{', '}') {
        Some(fields) if is_type => object(fields, depth),
        _ => ValueTemplate::Any,
    }
}

fn object(fields: &str, depth: usize) -> ValueTemplate {
    let mut known = BTreeMap::new();
    for field in split(fields, ',') {
        if field.trim().is_empty() {
            continue;
        }
        let parts = split(field, ':');
        let Some((name, _)) = parts.split_first() else {
            continue;
        };
        let value = field.get(name.len() + 1..).unwrap_or_default();
        let name = name.trim().trim_start_matches('?').trim().trim_matches('`');
        let name = match literal(name) {
            Some(Value::String(name)) => name,
            // A computed key may be any key.
            _ if !name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c)) =>
            {
                continue;
            }
            _ => name.to_owned(),
        };
        known.insert(name, parse(value, depth - 1));
    }
    ValueTemplate::Object(known)
}

fn concatenated(terms: &[&str], depth: usize) -> ValueTemplate {
    let terms: Vec<ValueTemplate> = terms.iter().map(|term| parse(term, depth - 1)).collect();
    if terms
        .iter()
        .all(|term| matches!(term, ValueTemplate::List(_)))
    {
        let items = terms.into_iter().flat_map(|term| match term {
            ValueTemplate::List(items) => items,
            _ => Vec::new(),
        });
        return ValueTemplate::List(items.collect());
    }
    let text = |term: &ValueTemplate| match term {
        ValueTemplate::Value(Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    // What is added to a text is a text.
    let mut pieces = vec![String::new()];
    for term in &terms {
        match (text(term), pieces.last_mut()) {
            (Some(text), Some(last)) => last.push_str(&text),
            _ => pieces.push(String::new()),
        }
    }
    match terms.iter().all(|term| text(term).is_some()) {
        true => ValueTemplate::Value(pieces.concat().into()),
        false => of_pieces(pieces),
    }
}

/// Parses a string, a number, a boolean or `null`.
fn literal(text: &str) -> Option<Value> {
    match text {
        "true" => return Some(Value::Bool(true)),
        "false" => return Some(Value::Bool(false)),
        "null" => return Some(Value::Null),
        _ => {}
    }
    if let Ok(number) = text.trim_end_matches('u').parse::<i64>() {
        return Some(number.into());
    }
    if let Ok(number) = text.parse::<f64>()
        && text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
    {
        return Some(number.into());
    }
    let (is_raw, quoted) = match text.strip_prefix('r') {
        Some(rest) if rest.starts_with(['"', '\'']) => (true, rest),
        _ => (false, text),
    };
    let quote = quoted.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut value = String::new();
    let mut chars = quoted.chars().skip(1);
    loop {
        match chars.next()? {
            c if c == quote => break,
            '\\' if !is_raw => value.push(match chars.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other => other,
            }),
            c => value.push(c),
        }
    }
    chars.next().is_none().then_some(Value::String(value))
}

/// Returns the text between two brackets that enclose the whole text.
fn enclosed(text: &str, open: char, close: char) -> Option<&str> {
    let inner = text.strip_prefix(open)?.strip_suffix(close)?;
    // Only the last bracket closes the first one.
    let mut depth = 0i32;
    let balanced = outside_texts(inner).all(|(_, c)| {
        depth += i32::from(matches!(c, '(' | '[' | '{')) - i32::from(matches!(c, ')' | ']' | '}'));
        depth >= 0
    });
    (balanced && depth == 0).then_some(inner)
}

/// Splits a text at a separator that is outside brackets and strings.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0i32, 0);
    for (at, c) in outside_texts(text) {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            c if c == separator && depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

/// Splits `CONDITION ? A : B` into its parts.
fn conditional(text: &str) -> Option<(&str, &str, &str)> {
    let (mut depth, mut question, mut nested) = (0i32, None, 0);
    for (at, c) in outside_texts(text) {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            // `.?field` and `[?index]` are not conditionals.
            '?' if depth == 0
                && text
                    .get(..at)
                    .is_some_and(|before| !before.ends_with(['.', '['])) =>
            {
                if question.is_some() {
                    nested += 1;
                } else {
                    question = Some(at);
                }
            }
            ':' if depth == 0 => match question {
                Some(_) if nested > 0 => nested -= 1,
                Some(q) => {
                    return Some((text.get(..q)?, text.get(q + 1..at)?, text.get(at + 1..)?));
                }
                None => return None,
            },
            _ => {}
        }
    }
    None
}

/// Returns the characters outside strings.
fn outside_texts(text: &str) -> impl Iterator<Item = (usize, char)> + '_ {
    let mut quote: Option<char> = None;
    let mut escaped = false;
    text.char_indices().filter(move |(_, c)| match quote {
        Some(end) => {
            if escaped {
                escaped = false;
            } else if *c == '\\' {
                escaped = true;
            } else if *c == end {
                quote = None;
            }
            false
        }
        None if matches!(c, '"' | '\'' | '`') => {
            quote = Some(*c);
            false
        }
        None => true,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::judge::explain::policies::template::of_value;

    #[test]
    fn reads_object_literals() {
        let expression = r#"Object{ metadata: Object.metadata{ labels: Object.metadata.labels{
            costcentre: "platform", `a.b/c`: 'd' } },
            spec: Object.spec{ replicas: 3, paused: true, list: [ Object.spec.list{ name: "x" } ] } }"#;
        assert_eq!(
            apply_configuration(expression),
            of_value(
                &json!({"metadata": {"labels": {"costcentre": "platform", "a.b/c": "d"}},
                "spec": {"replicas": 3, "paused": true, "list": [{"name": "x"}]}})
            )
        );
    }

    #[test]
    fn computed_values_match_any_value() {
        let expression = r#"Object{ metadata: Object.metadata{ labels: {"team": object.metadata.name + "-x",
            "tier": has(object.spec) ? "a" : "b"} } }"#;
        let ValueTemplate::Object(fields) = apply_configuration(expression) else {
            panic!("no object");
        };
        let ValueTemplate::Object(metadata) = &fields["metadata"] else {
            panic!("no metadata");
        };
        let ValueTemplate::Object(labels) = &metadata["labels"] else {
            panic!("no labels");
        };
        let team = [String::new(), "-x".to_owned()];
        assert_eq!(labels["team"], ValueTemplate::Text(team.to_vec()));
        let either = ["a", "b"].map(|text| ValueTemplate::Value(json!(text)));
        assert_eq!(labels["tier"], ValueTemplate::OneOf(either.to_vec()));
    }

    #[test]
    fn reads_each_operation_of_a_patch() {
        let expression = r#"has(object.metadata.labels) ? [JSONPatch{op: "add",
            path: "/metadata/labels/" + jsonpatch.escapeKey("example.com/env"), value: "test"}] : [
            JSONPatch{op: "remove", path: "/spec"},
            JSONPatch{op: "add", path: "/metadata/labels", value: {"example.com/env": "test"}}]"#;
        let label = of_value(&json!({"metadata": {"labels": {"example.com/env": "test"}}}));
        assert_eq!(json_patch(expression), [label.clone(), label]);
    }

    #[test]
    fn malformed_expressions_do_not_panic() {
        let deep = "[".repeat(5_000);
        for text in [
            "",
            "{",
            "}",
            "Object{",
            "Object{a",
            "Object{a:}",
            "\"",
            "a ? b",
            "[,]",
            &deep,
        ] {
            apply_configuration(text);
            json_patch(text);
        }
    }
}
