//! Updates the field owners as the API server does for an `Update`.

use driftctl::model::PathElement;
use driftctl::schema::{ListKind, Schema, Type, TypeId};
use serde_json::{Map, Value, json};

use super::spot::item_segment;

/// The field manager of edits in these tests.
pub const PERSON: &str = "kubectl-edit";

fn key(segment: &PathElement) -> String {
    match segment {
        PathElement::Field(name) => format!("f:{name}"),
        PathElement::Key(keys) => format!("k:{}", json!(keys)),
        PathElement::Value(value) => format!("v:{value}"),
        PathElement::Index(index) => format!("i:{index}"),
    }
}

/// Removes a path, and what is below it, from every manager.
pub fn take(live: &mut Value, path: &[PathElement]) {
    let entries = live["metadata"]["managedFields"].as_array_mut();
    for entry in entries.into_iter().flatten() {
        take_from(&mut entry["fieldsV1"], path);
        if path.len() == 2 && path[0] == PathElement::Field("data".to_owned()) {
            let written = [PathElement::Field("stringData".to_owned()), path[1].clone()];
            take_from(&mut entry["fieldsV1"], &written);
        }
    }
}

fn take_from(set: &mut Value, path: &[PathElement]) {
    let (Some(node), Some((first, rest))) = (set.as_object_mut(), path.split_first()) else {
        return;
    };
    if rest.is_empty() {
        node.remove(&key(first));
        return;
    }
    if let Some(child) = node.get_mut(&key(first)) {
        let was_leaf = child.as_object().is_some_and(Map::is_empty);
        take_from(child, rest);
        // A set contains no empty nodes except its members.
        if !was_leaf && child.as_object().is_some_and(Map::is_empty) {
            node.remove(&key(first));
        }
    }
}

/// Makes the person the owner of a path; `fields` is what is below it.
pub fn give(live: &mut Value, path: &[PathElement], fields: Value) {
    let mut set = fields;
    for segment in path.iter().rev() {
        set = json!({ key(segment): set });
    }
    let entry = json!({"manager": PERSON, "operation": "Update", "apiVersion": live["apiVersion"],
        "time": "2026-11-21T12:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": set});
    let metadata = live["metadata"].as_object_mut().unwrap();
    let entries = metadata.entry("managedFields").or_insert(json!([]));
    entries.as_array_mut().unwrap().push(entry);
}

/// Returns the paths of a value that was added as a whole.
pub fn fields_of(schema: &Schema, ty: Option<TypeId>, value: &Value) -> Value {
    let known = ty.map_or(&Type::Any, |ty| schema.get(ty));
    let mut set = Map::new();
    match (known, value) {
        (
            Type::Struct {
                fields,
                atomic: false,
                ..
            },
            Value::Object(children),
        ) => {
            for (name, child) in children {
                let ty = fields.get(name.as_str()).map(|field| field.ty);
                set.insert(format!("f:{name}"), fields_of(schema, ty, child));
            }
        }
        (
            Type::Map {
                value,
                atomic: false,
            },
            Value::Object(children),
        ) => {
            for (name, child) in children {
                set.insert(format!("f:{name}"), fields_of(schema, Some(*value), child));
            }
        }
        (Type::Any, Value::Object(children)) => {
            for (name, child) in children {
                set.insert(format!("f:{name}"), fields_of(schema, None, child));
            }
        }
        (Type::List { item, kind }, Value::Array(items)) if *kind != ListKind::Atomic => {
            for (index, child) in items.iter().enumerate() {
                let segment = item_segment(schema, *item, kind, index, child);
                set.insert(key(&segment), fields_of(schema, Some(*item), child));
            }
        }
        _ => {}
    }
    if !set.is_empty() {
        set.insert(".".to_owned(), json!({}));
    }
    Value::Object(set)
}
