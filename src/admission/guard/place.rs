//! Turns the path of a field into expressions about it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::{FieldPath, PathElement};

/// Reserved words of CEL, which cannot be used to select a field.
const KEYWORDS: [&str; 4] = ["in", "true", "false", "null"];

/// Returns the path up to the last item that can be identified: items of an atomic list cannot, so
/// it ends at the list.
pub fn identifiable(path: &FieldPath) -> FieldPath {
    let is_index = |element: &PathElement| matches!(element, PathElement::Index(_));
    let end = path.0.iter().position(is_index).unwrap_or(path.0.len());
    FieldPath(path.0[..end].to_vec())
}

/// Returns an expression for the value at a path below `root`, for comparing: an optional, or a
/// list if the path goes through one.
pub fn value(root: &str, path: &[PathElement]) -> String {
    descend(root, path, &|chain| chain.to_owned(), ItemHandling::Map)
}

/// Returns an expression that tests whether `leaf` is true for every value at the path.
pub fn for_every_value(root: &str, path: &[PathElement], leaf: &dyn Fn(&str) -> String) -> String {
    descend(root, path, leaf, ItemHandling::All)
}

/// Returns an expression that tests whether `leaf` is true for some value at a path.
pub fn some(root: &str, path: &[PathElement], leaf: &dyn Fn(&str) -> String) -> String {
    descend(root, path, leaf, ItemHandling::Exists)
}

/// The treatment of the items that a path names.
#[derive(Clone, Copy, PartialEq)]
enum ItemHandling {
    Map,
    All,
    Exists,
}

fn descend(
    root: &str,
    path: &[PathElement],
    leaf: &dyn Fn(&str) -> String,
    through: ItemHandling,
) -> String {
    let fields = path
        .iter()
        .take_while(|e| matches!(e, PathElement::Field(_)));
    let fields = fields.count();
    let chain = path[..fields]
        .iter()
        .fold(root.to_owned(), |chain, element| {
            chain + &selection(element)
        });
    let Some((item, rest)) = path[fields..].split_first() else {
        return leaf(&chain);
    };
    let list = match fields {
        0 => chain,
        _ => format!("{chain}.orValue([])"),
    };
    let name = variable(root);
    let is_matching = is_item(&name, item);
    if rest.is_empty() {
        return match through {
            ItemHandling::Map => format!("{list}.filter({name}, {is_matching})"),
            ItemHandling::All => leaf(&format!("{list}.filter({name}, {is_matching})")),
            ItemHandling::Exists => format!("{list}.exists({name}, {is_matching})"),
        };
    }
    let below = descend(&name, rest, leaf, through);
    match through {
        ItemHandling::Map => format!("{list}.filter({name}, {is_matching}).map({name}, {below})"),
        ItemHandling::All => format!("{list}.filter({name}, {is_matching}).all({name}, {below})"),
        ItemHandling::Exists => format!("{list}.exists({name}, {is_matching} && {below})"),
    }
}

/// Returns the variable for list items: a different one for each list on the path.
pub fn variable(root: &str) -> String {
    match root {
        "object" | "oldObject" => "i".to_owned(),
        outer => format!("{outer}i"),
    }
}

/// Returns `.?name`, or `[?'a/b']` for a name that is not an identifier.
fn selection(element: &PathElement) -> String {
    let PathElement::Field(name) = element else {
        return String::new();
    };
    let mut bytes = name.bytes();
    let is_first = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    let is_identifier = bytes.next().is_some_and(is_first)
        && bytes.all(|b| is_first(b) || b.is_ascii_digit())
        && !KEYWORDS.contains(&name.as_str());
    match is_identifier {
        true => format!(".?{name}"),
        false => format!("[?{}]", text(name)),
    }
}

/// Returns the test whether a variable is the item that a path element names.
fn is_item(name: &str, element: &PathElement) -> String {
    match element {
        PathElement::Key(keys) => is_item_with(name, keys),
        PathElement::Value(value) => format!("{name} == {}", literal(value)),
        PathElement::Field(_) | PathElement::Index(_) => "true".to_owned(),
    }
}

fn is_item_with(name: &str, keys: &BTreeMap<String, Value>) -> String {
    let each = keys.iter().map(|(key, value)| {
        let field = selection(&PathElement::Field(key.clone()));
        format!("{name}{field} == optional.of({})", literal(value))
    });
    each.collect::<Vec<_>>().join(" && ")
}

/// Returns the test whether a variable is one of these items.
pub fn is_one_of(name: &str, items: &[PathElement]) -> String {
    let mut key: Option<&str> = None;
    let mut alike = Vec::new();
    for item in items {
        match item {
            PathElement::Value(value) => alike.push(literal(value)),
            PathElement::Field(field) => alike.push(text(field)),
            PathElement::Key(keys) if keys.len() == 1 => {
                let (one, value) = match keys.iter().next() {
                    Some(first) => first,
                    None => continue,
                };
                key = Some(one);
                alike.push(literal(value));
            }
            PathElement::Key(_) | PathElement::Index(_) => {
                let each = items
                    .iter()
                    .map(|item| format!("({})", is_item(name, item)));
                return each.collect::<Vec<_>>().join(" || ");
            }
        }
    }
    let list = format!("[{}]", alike.join(", "));
    match key {
        Some(key) => {
            let field = selection(&PathElement::Field(key.to_owned()));
            format!("{name}{field}.orValue('') in {list}")
        }
        None => format!("{name} in {list}"),
    }
}

/// Returns a value as a CEL literal.
pub fn literal(value: &Value) -> String {
    match value {
        Value::String(value) => text(value),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(literal).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(name, value)| format!("{}: {}", text(name), literal(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Returns text as a CEL literal.
pub fn text(value: &str) -> String {
    let mut written = String::with_capacity(value.len() + 2);
    written.push('\'');
    for c in value.chars() {
        match c {
            '\\' | '\'' => written.extend(['\\', c]),
            '\n' => written.push_str("\\n"),
            c if c.is_control() || u32::from(c) > 0xffff => {
                written.push_str(&format!("\\U{:08x}", u32::from(c)));
            }
            c => written.push(c),
        }
    }
    written.push('\'');
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> FieldPath {
        text.parse().unwrap()
    }

    #[test]
    fn writes_paths_as_expressions() {
        for (written, expected) in [
            (".spec.replicas", "object.?spec.?replicas"),
            (
                ".metadata.labels[\"a/b\"]",
                "object.?metadata.?labels[?'a/b']",
            ),
            (
                ".spec.containers[name=\"api\"].image",
                "object.?spec.?containers.orValue([]).filter(i, i.?name == optional.of('api'))\
                 .map(i, i.?image)",
            ),
            (
                ".spec.c[name=\"a\"].env[name=\"B\"]",
                "object.?spec.?c.orValue([]).filter(i, i.?name == optional.of('a'))\
                 .map(i, i.?env.orValue([]).filter(ii, ii.?name == optional.of('B')))",
            ),
            (
                ".metadata.finalizers[=\"x/y\"]",
                "object.?metadata.?finalizers.orValue([]).filter(i, i == 'x/y')",
            ),
        ] {
            assert_eq!(value("object", &path(written).0), expected);
        }
        let exists = some("object", &path(".a.c[n=1].x").0, &|chain| {
            format!("{chain}.hasValue()")
        });
        assert_eq!(
            exists,
            "object.?a.?c.orValue([]).exists(i, i.?n == optional.of(1) && i.?x.hasValue())"
        );
        assert_eq!(identifiable(&path(".rules[0].verbs[1]")), path(".rules"));
    }

    #[test]
    fn writes_values_as_cel_literals() {
        let value = serde_json::json!({"a'b": ["x\n", 1, 1.5, true, null, "\u{1f600}\u{1}"]});
        assert_eq!(
            literal(&value),
            "{'a\\'b': ['x\\n', 1, 1.5, true, null, '\\U0001f600\\U00000001']}"
        );
    }
}
