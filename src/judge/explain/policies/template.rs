//! The effect of a policy on an object: a template of the values that it writes, some of which are
//! computed when the policy runs.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Fields that identify list items, the most common first.
const KEYS: [&str; 8] = [
    "name",
    "mountPath",
    "devicePath",
    "containerPort",
    "port",
    "topologyKey",
    "ip",
    "key",
];

/// A value that a policy writes, as far as it is known without running the policy.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueTemplate {
    /// A computed value, which may be anything.
    Any,
    /// A text that is computed between these pieces.
    Text(Vec<String>),
    /// A known value.
    Value(Value),
    /// An object with these fields.
    Object(BTreeMap<String, ValueTemplate>),
    /// A list with these items.
    List(Vec<ValueTemplate>),
    /// A list whose item at an index is written into. A list without that item stays as it is.
    Item(usize, Box<ValueTemplate>),
    /// One of these, depending on a condition.
    OneOf(Vec<ValueTemplate>),
}

/// What a computed value is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComputedValues {
    /// The live one.
    Live,
    /// None, unless the policy writes how it begins.
    Unknown,
}

impl ValueTemplate {
    /// Writes the template over a declared value.
    pub fn write(&self, declared: &mut Value, live: &Value, computed: ComputedValues) {
        match self {
            Self::Any => {
                if !live.is_null() && computed == ComputedValues::Live {
                    *declared = live.clone();
                }
            }
            Self::Text(pieces) => {
                let begins = pieces.first().is_some_and(|piece| !piece.is_empty());
                let is_known = begins || computed == ComputedValues::Live;
                if is_known && live.as_str().is_some_and(|text| consists_of(text, pieces)) {
                    *declared = live.clone();
                }
            }
            Self::Value(value) => *declared = value.clone(),
            Self::OneOf(alternatives) => {
                // The condition is unknown; the live value shows which branch was taken.
                let written = alternatives.iter().map(|one| {
                    let mut copy = declared.clone();
                    one.write(&mut copy, live, computed);
                    copy
                });
                let written: Vec<Value> = written.collect();
                let taken = written.iter().find(|copy| is_within(copy, live));
                if let Some(taken) = taken.or(written.first()) {
                    *declared = taken.clone();
                }
            }
            Self::Object(fields) => {
                if !declared.is_object() {
                    *declared = Value::Object(Map::new());
                }
                let Value::Object(declared) = declared else {
                    return;
                };
                for (name, field) in fields {
                    write_field(declared, name, field, live, computed);
                }
            }
            Self::List(items) => {
                if !declared.is_array() {
                    *declared = Value::Array(Vec::new());
                }
                if let Value::Array(declared) = declared {
                    items
                        .iter()
                        .for_each(|item| write_item(declared, item, live, computed));
                }
            }
            Self::Item(index, item) => {
                if let Some(one) = declared.get_mut(*index) {
                    let live = live_partner(one, *index, live);
                    item.write(one, live, computed);
                }
            }
        }
    }

    /// Returns the template as a value, if it is completely known.
    fn known(&self) -> Option<&Value> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }
}

fn write_field(
    declared: &mut Map<String, Value>,
    name: &str,
    field: &ValueTemplate,
    live: &Value,
    computed: ComputedValues,
) {
    let add_only = name
        .strip_prefix("+(")
        .and_then(|rest| rest.strip_suffix(')'));
    let name = add_only.unwrap_or(name);
    // Kyverno's conditional anchors select objects and write nothing.
    if name.starts_with(['(', '<', '^', '=', 'X']) && name.ends_with(')') {
        return;
    }
    if add_only.is_some() && declared.contains_key(name) {
        return;
    }
    let live = live.get(name).unwrap_or(&Value::Null);
    let mut value = declared.get(name).cloned().unwrap_or_default();
    field.write(&mut value, live, computed);
    if !value.is_null() {
        declared.insert(name.to_owned(), value);
    }
}

/// Returns the live item with the key of a declared one, or the one at its index if it has no key.
fn live_partner<'a>(declared: &Value, index: usize, live: &'a Value) -> &'a Value {
    let identity = KEYS
        .iter()
        .find_map(|key| Some((*key, declared.get(*key)?)));
    let found = match identity {
        Some((key, identity)) => live
            .as_array()
            .and_then(|items| items.iter().find(|one| one.get(key) == Some(identity))),
        None => live.get(index),
    };
    found.unwrap_or(&Value::Null)
}

/// Merges an item into a list: into the item with the same key, into all items that its pattern
/// matches, or as a new item.
fn write_item(
    declared: &mut Vec<Value>,
    item: &ValueTemplate,
    live: &Value,
    computed: ComputedValues,
) {
    let live_items = live.as_array().map(Vec::as_slice).unwrap_or_default();
    let ValueTemplate::Object(fields) = item else {
        let value = match item {
            ValueTemplate::Value(value) => value,
            _ => return,
        };
        if !declared.contains(value) {
            declared.push(value.clone());
        }
        return;
    };
    let partner = |one: &Value, key: &str| {
        let is_same = |other: &&Value| other.get(key) == one.get(key);
        live_items.iter().find(is_same).cloned().unwrap_or_default()
    };
    if fields.keys().any(|name| name.starts_with('(')) {
        for one in declared.iter_mut() {
            let live = partner(one, "name");
            item.write(one, &live, computed);
        }
        return;
    }
    let key = KEYS
        .iter()
        .find_map(|key| Some((*key, fields.get(*key)?.known()?)));
    let Some((key, identity)) = key else {
        let mut value = Value::Null;
        // An item without a key is taken from the live list if that contains it.
        let found = live_items.iter().find(|live| {
            let mut value = Value::Null;
            item.write(&mut value, live, computed);
            is_within(&value, live)
        });
        item.write(&mut value, found.unwrap_or(&Value::Null), computed);
        if !declared.contains(&value) {
            declared.push(value);
        }
        return;
    };
    let is_meant = |one: &&mut Value| one.get(key) == Some(identity);
    let is_live = |one: &&Value| one.get(key) == Some(identity);
    let live = live_items.iter().find(is_live).unwrap_or(&Value::Null);
    match declared.iter_mut().find(is_meant) {
        Some(one) => item.write(one, live, computed),
        None => {
            let mut one = Value::Null;
            item.write(&mut one, live, computed);
            declared.push(one);
        }
    }
}

/// Returns whether one value contains another.
fn is_within(small: &Value, large: &Value) -> bool {
    match (small, large) {
        (Value::Object(small), Value::Object(large)) => small
            .iter()
            .all(|(name, a)| large.get(name).is_some_and(|b| is_within(a, b))),
        (Value::Array(small), Value::Array(large)) => {
            small.iter().all(|a| large.iter().any(|b| is_within(a, b)))
        }
        (small, large) => small == large,
    }
}

/// Parses a value as written in a policy, where `{{ … }}` is computed when it runs.
pub fn of_value(value: &Value) -> ValueTemplate {
    match value {
        Value::Object(fields) => ValueTemplate::Object(
            fields
                .iter()
                .map(|(name, value)| (name.clone(), of_value(value)))
                .collect(),
        ),
        Value::Array(items) => ValueTemplate::List(items.iter().map(of_value).collect()),
        Value::String(text) if text.contains("{{") => of_pieces(pieces(text)),
        value => ValueTemplate::Value(value.clone()),
    }
}

/// Returns the template of a text that is computed between pieces.
pub fn of_pieces(pieces: Vec<String>) -> ValueTemplate {
    match pieces.iter().all(String::is_empty) {
        true => ValueTemplate::Any,
        false => ValueTemplate::Text(pieces),
    }
}

/// Returns the pieces of a text around `{{ … }}`.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        pieces.push(before.to_owned());
        // A variable may end in the brace of an object.
        rest = after
            .split_once("}}")
            .map_or("", |(_, rest)| rest.trim_start_matches('}'));
    }
    pieces.push(rest.to_owned());
    pieces
}

/// Returns whether a text consists of these pieces, in this order, with anything between them.
fn consists_of(text: &str, pieces: &[String]) -> bool {
    let [first, between @ .., last] = pieces else {
        return pieces.first().is_some_and(|only| only == text);
    };
    let Some(mut rest) = text.strip_prefix(first.as_str()) else {
        return false;
    };
    for piece in between {
        let Some((_, after)) = rest.split_once(piece.as_str()) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last.as_str())
}

/// Returns a template that writes another one at a JSON Pointer (RFC 6901). A last step of `-` or an
/// index adds an item; an index before it writes into the item that is there.
pub fn at_pointer(pointer: &str, template: ValueTemplate) -> ValueTemplate {
    let steps: Vec<String> = pointer
        .split('/')
        .skip(1)
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect();
    let last = steps.len().saturating_sub(1);
    let backwards = steps.into_iter().enumerate().rev();
    backwards.fold(template, |below, (at, step)| match step.parse::<usize>() {
        Ok(index) if at < last => ValueTemplate::Item(index, Box::new(below)),
        Ok(_) => ValueTemplate::List(vec![below]),
        Err(_) if step == "-" => ValueTemplate::List(vec![below]),
        Err(_) => ValueTemplate::Object(BTreeMap::from([(step, below)])),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(template: &ValueTemplate, declared: Value, live: Value) -> Value {
        let mut declared = declared;
        template.write(&mut declared, &live, ComputedValues::Live);
        declared
    }

    #[test]
    fn a_computed_value_stands_for_any_only_if_that_is_asked_for() {
        let template = of_value(&json!({"a": "{{ x }}", "b": "mirror/{{ y }}", "c": "{{ z }}-c"}));
        let live = json!({"a": "evil", "b": "mirror/web", "c": "evil-c"});
        assert_eq!(written(&template, json!({}), live.clone()), live);
        let mut known = json!({});
        template.write(&mut known, &live, ComputedValues::Unknown);
        assert_eq!(known, json!({"b": "mirror/web"}));
        let other = json!({"a": "evil", "b": "evil/web", "c": "evil"});
        assert_eq!(written(&template, json!({}), other), json!({"a": "evil"}));
    }

    #[test]
    fn merges_list_items_by_key() {
        let template = of_value(&json!({"list": [{"name": "b", "image": "x"}]}));
        assert_eq!(
            written(&template, json!({"list": [{"name": "a"}]}), json!({})),
            json!({"list": [{"name": "a"}, {"name": "b", "image": "x"}]})
        );
        assert_eq!(
            written(
                &template,
                json!({"list": [{"name": "b", "v": 1}]}),
                json!({})
            ),
            json!({"list": [{"name": "b", "v": 1, "image": "x"}]})
        );
    }

    #[test]
    fn supports_the_anchors_of_kyverno() {
        let template = of_value(&json!({"+(a)": "new", "+(b)": "new",
            "list": [{"(name)": "*", "+(v)": 2}]}));
        let declared = json!({"a": "old", "list": [{"name": "x"}, {"name": "y", "v": 1}]});
        assert_eq!(
            written(&template, declared, json!({})),
            json!({"a": "old", "b": "new", "list": [{"name": "x", "v": 2}, {"name": "y", "v": 1}]})
        );
    }

    #[test]
    fn computed_values_are_taken_from_the_live_object() {
        let template = of_value(&json!({"labels": {"team": "{{ request.userInfo.username }}"}}));
        let live = json!({"labels": {"team": "a", "other": "b"}});
        assert_eq!(
            written(&template, json!({}), live),
            json!({"labels": {"team": "a"}})
        );
        assert_eq!(
            written(&template, json!({}), json!({})),
            json!({"labels": {}})
        );
    }

    #[test]
    fn writes_at_pointers_into_objects_and_lists() {
        let template = at_pointer("/metadata/labels/a~1b", ValueTemplate::Value(json!("c")));
        assert_eq!(
            written(&template, json!({}), json!({})),
            json!({"metadata": {"labels": {"a/b": "c"}}})
        );
    }

    #[test]
    fn writes_into_the_item_at_an_index() {
        let template = at_pointer("/list/1/cpu", ValueTemplate::Any);
        let live =
            json!({"list": [{"name": "x", "cpu": 9}, {"name": "b", "cpu": 2}, {"name": "a"}]});
        assert_eq!(
            written(
                &template,
                json!({"list": [{"name": "a"}, {"name": "b"}]}),
                live.clone()
            ),
            json!({"list": [{"name": "a"}, {"name": "b", "cpu": 2}]})
        );
        assert_eq!(
            written(&template, json!({"list": [{"name": "a"}]}), live),
            json!({"list": [{"name": "a"}]})
        );
    }
}
