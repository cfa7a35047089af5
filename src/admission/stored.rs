//! Turns a manifest into what the API server would store, which is what policies see.

use serde_json::{Map, Value};

use crate::facts::SERVER_METADATA;
use crate::schema::{Schema, Type, TypeId, Zero, conditional_default, zero_of};

/// Objects that are nested more deeply are returned unchanged.
const MOST_DEEP: usize = 128;

/// Returns a manifest with the server's defaults, and without what the server drops. Returns `None`
/// if the kind is unknown.
pub fn stored(schema: &Schema, manifest: &Value) -> Option<Value> {
    let text = |field: &str| manifest.get(field)?.as_str();
    let ty = schema.kind(text("apiVersion")?, text("kind")?)?;
    let mut object = manifest.clone();
    fill(schema, ty, &mut object, MOST_DEEP);
    strip_nulls(&mut object);
    complete(&mut object);
    Some(object)
}

/// Adds defaults that no schema contains.
fn complete(object: &mut Value) {
    let kind = object.get("kind").and_then(Value::as_str);
    match kind.unwrap_or_default().to_owned().as_str() {
        "Role" | "ClusterRole" => {
            if let Some(fields) = object.as_object_mut() {
                fields.entry("rules").or_insert(Value::Null);
            }
        }
        "Pod" if object.pointer("/spec/hostNetwork") == Some(&Value::Bool(true)) => {
            for list in ["/spec/containers", "/spec/initContainers"] {
                let containers = object.pointer_mut(list).and_then(Value::as_array_mut);
                containers.into_iter().flatten().for_each(open_ports);
            }
        }
        _ => {}
    }
}

/// Copies the ports of a container to the node, as the server does with `hostNetwork`.
fn open_ports(container: &mut Value) {
    let ports = container.get_mut("ports").and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
        if let Some(number) = port.get("containerPort").cloned() {
            port.entry("hostPort").or_insert(number);
        }
    }
}

/// Copies fields from a live object that an update cannot change.
pub fn keep_immutable(object: &mut Value, live: &Value) {
    let Some(fields) = object.as_object_mut() else {
        return;
    };
    match live.get("status") {
        Some(status) => fields.insert("status".to_owned(), status.clone()),
        None => fields.remove("status"),
    };
    let metadata = fields.get_mut("metadata").and_then(Value::as_object_mut);
    if let (Some(metadata), Some(live)) = (metadata, live.get("metadata")) {
        for field in SERVER_METADATA.iter().chain(&["deletionTimestamp"]) {
            match live.get(*field) {
                Some(value) => metadata.insert((*field).to_owned(), value.clone()),
                None => metadata.remove(*field),
            };
        }
    }
}

fn fill(schema: &Schema, ty: TypeId, value: &mut Value, depth: usize) {
    if depth == 0 {
        return;
    }
    match (schema.get(ty), value) {
        (Type::Struct { fields, open, .. }, Value::Object(object)) => {
            if !open {
                object.retain(|name, _| fields.contains_key(name.as_str()) || depth == MOST_DEEP);
            }
            for (name, field) in fields.iter() {
                let dropped = object.get(name).is_some_and(|value| field.drops(value));
                if dropped {
                    object.remove(name);
                }
            }
            // A default may depend on another one: two passes are enough for all existing defaults.
            for _ in 0..2 {
                for (name, field) in fields.iter() {
                    // These defaults do not apply to templates, nor to every Pod.
                    let is_apart = matches!(name, "creationTimestamp" | "hostPort");
                    if object.contains_key(name) || is_apart {
                        continue;
                    }
                    let default = (field.default.clone())
                        .or_else(|| conditional_default(schema, ty, name, object, object))
                        .or_else(|| zero(schema, field.ty, field.zero));
                    if let Some(default) = default {
                        object.insert(name.to_string(), default);
                    }
                }
            }
            for (name, field) in fields.iter() {
                if let Some(value) = object.get_mut(name) {
                    fill(schema, field.ty, value, depth - 1);
                }
            }
        }
        (Type::Map { value: of, .. }, Value::Object(object)) => {
            for value in object.values_mut() {
                fill(schema, *of, value, depth - 1);
            }
        }
        (Type::List { item, .. }, Value::Array(items)) => {
            for value in items {
                fill(schema, *item, value, depth - 1);
            }
        }
        _ => {}
    }
}

/// Returns what is stored for a field that is not set and has no default.
fn zero(schema: &Schema, ty: TypeId, zero: Zero) -> Option<Value> {
    match (zero, schema.get(ty)) {
        (Zero::Struct, _) => Some(Value::Object(Map::new())),
        (Zero::Always, Type::Scalar(scalar)) => Some(zero_of(*scalar)),
        _ => None,
    }
}

/// Removes `null` values, which the server treats as fields that are not set.
fn strip_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(strip_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_nulls),
        _ => {}
    }
}
