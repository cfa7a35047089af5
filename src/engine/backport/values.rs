//! Makes changes in the value of a manifest.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::model::{Change, FieldPath, ManifestStep, PathElement};
use crate::patch;

/// Returns the path from a document to an object in it: to the document itself, or to an item of a
/// list. An item of a typed list (`ConfigMapList`) may omit its type.
pub(super) fn way_to(document: &Value, object: &Value) -> Option<Vec<ManifestStep>> {
    if document == object || document == &without_type(object) {
        return Some(Vec::new());
    }
    let items = document.get("items")?.as_array()?;
    items.iter().enumerate().find_map(|(index, item)| {
        let mut way = vec![
            ManifestStep::Field("items".to_owned()),
            ManifestStep::Index(index),
        ];
        way.extend(way_to(item, object)?);
        Some(way)
    })
}

/// Returns an object without its type.
pub(super) fn without_type(object: &Value) -> Value {
    let mut bare = object.clone();
    if let Some(fields) = bare.as_object_mut() {
        fields.retain(|name, _| name != "apiVersion" && name != "kind");
    }
    bare
}

/// Returns the manifest with one field set to its live value, or removed; `None` if the field has
/// no place in the manifest.
pub(super) fn with_live_value(
    manifest: &Value,
    change: &Change,
    live: Option<&Value>,
) -> Option<Value> {
    let mut changed = manifest.clone();
    let (path, live) = written(manifest, &change.path, live)?;
    set_value(&mut changed, &path.0, live.as_ref())?;
    Some(changed)
}

/// Returns the manifest with several fields set to their live values, or removed; `None` if one has
/// no place in the manifest.
pub(super) fn with_live_values<'c>(
    manifest: &Value,
    changes: impl IntoIterator<Item = &'c Change>,
) -> Option<Value> {
    let mut changed = manifest.clone();
    for change in changes {
        let (path, live) = written(&changed, &change.path, change.live.as_ref())?;
        set_value(&mut changed, &path.0, live.as_ref())?;
    }
    Some(changed)
}

/// Moves an added list item to the place that it has in the live list: containers start in order,
/// and the next apply of the manifest would move it otherwise.
pub(super) fn move_as_live(manifest: &mut Value, path: &FieldPath, live: &Value) -> Option<()> {
    let (element, list) = path.0.split_last()?;
    let PathElement::Key(keys) = element else {
        return None;
    };
    let found = patch::find(live, &FieldPath(list.to_vec())).ok()?;
    let live = found?.1.as_array()?;
    let items = value_at(manifest, list)?.as_array_mut()?;
    let is_meant = |item: &Value| patch::is_named_by(item, element);
    let (from, at) = (
        items.iter().position(is_meant)?,
        live.iter().position(is_meant)?,
    );
    let item = items.remove(from);
    let place_of = |live: &Value| {
        let is_same = |item: &Value| {
            keys.keys()
                .all(|name| match (item.get(name), live.get(name)) {
                    (Some(one), Some(other)) => one == other,
                    _ => true, // defaulted in one of them
                })
        };
        items.iter().position(is_same)
    };
    let before = live.get(..at)?.iter().rev().find_map(place_of);
    let after = || live.get(at + 1..)?.iter().find_map(place_of);
    let to = before.map(|before| before + 1).or_else(after);
    items.insert(to.unwrap_or(items.len()), item);
    Some(())
}

fn value_at<'v>(value: &'v mut Value, path: &[PathElement]) -> Option<&'v mut Value> {
    path.iter().try_fold(value, |value, element| match element {
        PathElement::Field(name) => value.get_mut(name),
        PathElement::Index(index) => value.get_mut(*index),
        element => {
            let mut items = value.as_array_mut()?.iter_mut();
            items.find(|item| patch::is_named_by(item, element))
        }
    })
}

/// Returns the path as written in the manifest: a Secret's `data` may be under `stringData`.
fn written(
    manifest: &Value,
    path: &FieldPath,
    live: Option<&Value>,
) -> Option<(FieldPath, Option<Value>)> {
    if let (Some(plain), [PathElement::Field(data), PathElement::Field(key)]) =
        (manifest.get("stringData"), &path.0[..])
        && manifest.get("kind") == Some(&json!("Secret"))
        && data == "data"
        && plain.get(key).is_some()
    {
        let mut path = path.clone();
        path.0[0] = PathElement::Field("stringData".to_owned());
        let live = match live {
            None => None,
            Some(live) => {
                let bytes = STANDARD.decode(live.as_str()?).ok()?;
                Some(Value::String(String::from_utf8(bytes).ok()?))
            }
        };
        return Some((path, live));
    }
    Some((path.clone(), live.cloned()))
}

fn set_value(value: &mut Value, path: &[PathElement], live: Option<&Value>) -> Option<()> {
    let Some((first, rest)) = path.split_first() else {
        value.clone_from(live?);
        return Some(());
    };
    match first {
        PathElement::Field(name) => {
            if value.is_null() {
                *value = json!({});
            }
            let fields = value.as_object_mut()?;
            match (rest, live) {
                ([], None) => drop(fields.remove(name)?),
                ([], Some(live)) => drop(fields.insert(name.clone(), live.clone())),
                (rest, Some(_)) => {
                    let empty = match rest.first() {
                        Some(PathElement::Field(_)) => json!({}),
                        _ => json!([]),
                    };
                    let below = fields.entry(name.clone()).or_insert(Value::Null);
                    if below.is_null() {
                        *below = empty;
                    }
                    set_value(below, rest, live)?;
                }
                (rest, None) => set_value(fields.get_mut(name)?, rest, live)?,
            }
        }
        PathElement::Index(index) => {
            let items = value.as_array_mut()?;
            match (rest, live) {
                ([], None) if *index < items.len() => drop(items.remove(*index)),
                ([], Some(live)) if *index == items.len() => items.push(live.clone()),
                _ => set_value(items.get_mut(*index)?, rest, live)?,
            }
        }
        PathElement::Key(keys) => {
            let items = value.as_array_mut()?;
            let is_meant = |item: &Value| {
                item.is_object()
                    && keys
                        .iter()
                        .all(|(name, key)| item.get(name).is_none_or(|written| written == key))
            };
            let mut meant = (0..items.len()).filter(|at| is_meant(&items[*at]));
            let found = meant.next();
            if meant.next().is_some() {
                return None;
            }
            match (found, rest, live) {
                (Some(at), [], None) => drop(items.remove(at)),
                (Some(at), [], Some(live)) => items[at] = live.clone(),
                (Some(at), rest, live) => set_value(&mut items[at], rest, live)?,
                (None, [], Some(live)) => items.push(live.clone()),
                (None, ..) => return None,
            }
        }
        PathElement::Value(meant) => {
            let items = value.as_array_mut()?;
            let found = items.iter().position(|item| item == meant);
            match (found, live) {
                (Some(at), None) => drop(items.remove(at)),
                (None, Some(live)) if rest.is_empty() => items.push(live.clone()),
                _ => return None,
            }
        }
    }
    Some(())
}

/// Fields that the server sets to an empty map, which means the same as omitting them.
const EMPTY: [&str; 2] = ["resources", "securityContext"];

/// The limit on fields of one value that are tried without.
const MOST: usize = 80;

/// Returns the paths of undeclared scalars in a live value that may be defaults of the server.
pub(super) fn droppable(live: &Value, declared: Option<&Value>) -> Vec<Vec<ManifestStep>> {
    let mut found = Vec::new();
    collect(live, declared, &mut Vec::new(), &mut found);
    if found.len() > MOST {
        found.clear();
    }
    found
}

fn collect(
    live: &Value,
    declared: Option<&Value>,
    way: &mut Vec<ManifestStep>,
    found: &mut Vec<Vec<ManifestStep>>,
) {
    match live {
        Value::Object(fields) => {
            for (name, value) in fields {
                way.push(ManifestStep::Field(name.clone()));
                let declared = declared.and_then(|declared| declared.get(name));
                let is_unset = matches!(value, Value::Object(fields) if fields.is_empty())
                    && EMPTY.contains(&name.as_str());
                let is_leaf = !value.is_object() && !value.is_array() || is_unset;
                if is_leaf && declared.is_none() {
                    found.push(way.clone());
                } else {
                    collect(value, declared, way, found);
                }
                way.pop();
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                way.push(ManifestStep::Index(index));
                let declared = declared.and_then(|declared| declared.get(index));
                collect(item, declared, way, found);
                way.pop();
            }
        }
        _ => {}
    }
}

/// Removes a field, and the maps around it that become empty.
pub(super) fn leave_out(value: &mut Value, way: &[ManifestStep]) {
    remove(value, way);
}

/// Removes a field; returns whether the value is empty afterwards.
fn remove(value: &mut Value, way: &[ManifestStep]) -> bool {
    let Some((first, rest)) = way.split_first() else {
        return true;
    };
    match (first, value) {
        (ManifestStep::Field(name), Value::Object(fields)) => {
            let is_gone = fields.get_mut(name).is_none_or(|below| remove(below, rest));
            if is_gone {
                fields.remove(name);
            }
            Map::is_empty(fields)
        }
        (ManifestStep::Index(index), Value::Array(items)) => {
            // An item stays, even if it becomes empty.
            items.get_mut(*index).is_some_and(|item| {
                remove(item, rest);
                false
            })
        }
        _ => false,
    }
}

/// Returns the value at a path.
pub(super) fn lookup<'v>(value: &'v Value, path: &[PathElement]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, element| match element {
        PathElement::Field(name) => value.get(name),
        list => value.get(index_of(value, list)?),
    })
}

/// Returns the index of an item in a list.
pub(super) fn index_of(list: &Value, element: &PathElement) -> Option<usize> {
    let items = list.as_array()?;
    let is_meant = |item: &Value| match element {
        PathElement::Key(keys) => {
            let is_key = |(name, key): (&String, &Value)| {
                item.get(name).is_none_or(|written| written == key)
            };
            item.is_object() && keys.iter().all(is_key)
        }
        PathElement::Value(value) => item == value,
        _ => false,
    };
    match element {
        PathElement::Field(_) => None,
        PathElement::Index(index) => (*index < items.len()).then_some(*index),
        element => {
            let mut meant = (0..items.len()).filter(|at| is_meant(&items[*at]));
            let first = meant.next();
            first.filter(|_| element_is_value(element) || meant.next().is_none())
        }
    }
}

fn element_is_value(element: &PathElement) -> bool {
    matches!(element, PathElement::Value(_))
}

/// Returns a value with another value set at a path, or with the path removed; `None` if the path
/// has no place in it.
pub(super) fn with_at(value: &Value, path: &[PathElement], to: Option<&Value>) -> Option<Value> {
    let mut changed = value.clone();
    set_value(&mut changed, path, to)?;
    Some(changed)
}

/// Returns whether two values are the same except below a path. Items of lists on the path may be
/// reordered: the comparison with the live object shows whether that matters.
pub(super) fn same_but_below(one: &Value, other: &Value, path: &[PathElement]) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return true;
    };
    match (first, one, other) {
        (PathElement::Field(name), Value::Object(one), Value::Object(other)) => {
            let names = one
                .keys()
                .chain(other.keys())
                .filter(|known| *known != name);
            let mut names = names.map(|name| one.get(name) == other.get(name));
            let below = match (one.get(name), other.get(name)) {
                (Some(one), Some(other)) => same_but_below(one, other, rest),
                _ => true,
            };
            below && names.all(|is_same| is_same)
        }
        (element, Value::Array(items), Value::Array(others)) => {
            let (at, to) = (index_of(one, element), index_of(other, element));
            let without = |items: &[Value], at: Option<usize>| -> Vec<Value> {
                let all = items.iter().enumerate();
                let kept = all.filter(|(index, _)| Some(*index) != at);
                kept.map(|(_, item)| item.clone()).collect()
            };
            let mut left = without(others, to);
            let is_same = without(items, at).iter().all(|item| {
                let same = left.iter().position(|other| other == item);
                same.map(|same| left.swap_remove(same)).is_some()
            });
            let below = match (
                at.and_then(|at| items.get(at)),
                to.and_then(|to| others.get(to)),
            ) {
                (Some(one), Some(other)) => same_but_below(one, other, rest),
                _ => true,
            };
            is_same && left.is_empty() && below
        }
        // A value that only one side has may contain nothing but the path to the field.
        (_, Value::Null, _) | (_, _, Value::Null) => true,
        _ => one == other,
    }
}
