//! Builds objects to test policies on: minimal ones, given ones, and copies of both in which the
//! fields that a policy names are changed.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::names::{ANY, ObjectPath};
use crate::admission::stored;
use crate::schema::{Quantity, ScalarType, Schema, Type, TypeId};

/// An object to start from.
#[derive(Debug, Clone)]
pub struct Base<'s> {
    /// The facts about its kind.
    pub schema: &'s Schema,
    /// Its resource.
    pub plural: String,
    /// Whether it is namespaced.
    pub namespaced: bool,
    /// The object.
    pub object: Value,
}

/// The name of the smallest objects.
pub const SMALLEST: &str = "smallest";

/// Returns a minimal object of a kind that a server might store.
pub fn smallest(api_version: &str, kind: &str, namespace: Option<&str>) -> Value {
    let pod = json!({"containers": [{"name": "app", "image": "example.com/app:1"}]});
    let template = json!({"metadata": {"labels": {"app": "app"}}, "spec": pod});
    let selector = json!({"matchLabels": {"app": "app"}});
    let spec = match kind {
        "Pod" => pod,
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => {
            json!({"selector": selector, "template": template})
        }
        "Job" | "ReplicationController" => json!({"template": template}),
        "CronJob" => {
            json!({"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": template}}})
        }
        "Service" => json!({"ports": [{"port": 80}], "selector": {"app": "app"}}),
        _ => Value::Null,
    };
    let mut object =
        json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": SMALLEST}});
    if let Some(namespace) = namespace {
        object["metadata"]["namespace"] = json!(namespace);
    }
    if !spec.is_null() {
        object["spec"] = spec;
    }
    object
}

/// An object with one field changed, as the server would store it.
#[derive(Debug, Clone)]
pub struct Variant {
    /// The changed field; `None` if the object is unchanged.
    pub path: Option<ObjectPath>,
    /// The object.
    pub object: Value,
}

impl Variant {
    /// Returns the object as it is.
    pub fn unchanged(base: &Base<'_>) -> Self {
        Self {
            path: None,
            object: base.object.clone(),
        }
    }
}

/// Returns copies of the object in which a field that a policy names has each value that may
/// matter.
pub fn variants(base: &Base<'_>, full_path: &[String], literals: &[Value]) -> Vec<Variant> {
    let ty = base.schema.kind(
        base.object["apiVersion"].as_str().unwrap_or_default(),
        base.object["kind"].as_str().unwrap_or_default(),
    );
    let (Some(ty), Some((_, path))) = (ty, full_path.split_first()) else {
        return Vec::new();
    };
    if matches!(path, [only] if only == "kind" || only == "apiVersion") {
        return Vec::new();
    }
    let values = values(base.schema, type_at(base.schema, ty, path), literals);
    let mut values: Vec<Option<Value>> = std::iter::once(None)
        .chain(values.into_iter().map(Some))
        .collect();
    // Name and namespace of an object cannot change.
    if matches!(path, [first, last] if first == "metadata" && (last == "name" || last == "namespace"))
    {
        let is_name = |value: &Option<Value>| {
            let text = value.as_ref().and_then(Value::as_str).unwrap_or_default();
            let is_inner =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
            !text.is_empty() && text.chars().all(is_inner)
        };
        values.retain(is_name);
    }
    // A pod always has containers.
    if path.last().is_some_and(|last| last == "containers") {
        let has_items = |value: &Value| value.as_array().is_some_and(|items| !items.is_empty());
        values.retain(|value| value.as_ref().is_some_and(has_items));
    }
    let mut found: Vec<Variant> = Vec::new();
    for value in values {
        for all in [false, true] {
            let mut object = base.object.clone();
            if !set(&mut object, path, value.as_ref(), all) {
                continue;
            }
            let object = stored(base.schema, &object).unwrap_or(object);
            if object != base.object && !found.iter().any(|known| known.object == object) {
                found.push(Variant {
                    path: Some(full_path.to_vec()),
                    object,
                });
            }
        }
    }
    found
}

/// Returns the part of a path that the type of the object does not have.
pub fn unknown_field(base: &Base<'_>, path: &[String]) -> Option<String> {
    let kind = base.object["kind"].as_str().unwrap_or_default();
    let version = base.object["apiVersion"].as_str().unwrap_or_default();
    let mut ty = base.schema.kind(version, kind)?;
    for (at, part) in path.iter().enumerate().skip(1) {
        ty = match base.schema.get(ty) {
            Type::Struct { fields, open, .. } => match fields.get(part.as_str()) {
                Some(field) => field.ty,
                None if *open => return None,
                None => return Some(format!("{kind} has no field .{}", path[1..=at].join("."))),
            },
            Type::Map { value, .. } => *value,
            Type::List { item, .. } => *item,
            Type::Any | Type::Scalar(_) => return None,
        };
    }
    None
}

fn type_at(schema: &Schema, ty: TypeId, path: &[String]) -> Option<TypeId> {
    path.iter().try_fold(ty, |ty, part| match schema.get(ty) {
        Type::Struct { fields, .. } => fields.get(part.as_str()).map(|field| field.ty),
        Type::Map { value, .. } => Some(*value),
        Type::List { item, .. } => Some(*item),
        Type::Any | Type::Scalar(_) => None,
    })
}

/// Returns values that may matter: those that the policy mentions, and neighbouring ones.
fn values(schema: &Schema, ty: Option<TypeId>, literals: &[Value]) -> Vec<Value> {
    let strings = || {
        let mentioned = literals.iter().filter_map(Value::as_str);
        let mut all: BTreeSet<String> = BTreeSet::from(["x".to_owned(), String::new()]);
        for text in mentioned.filter(|text| text.len() <= 253) {
            let plain: String = text
                .replace("[.]", ".")
                .chars()
                .filter(|c| !"^$*+\\()?".contains(*c))
                .collect();
            for text in [text, plain.as_str()] {
                all.extend([text.to_owned(), format!("{text}x"), format!("x{text}")]);
            }
        }
        all.into_iter().map(Value::from).collect::<Vec<_>>()
    };
    let numbers = || {
        let mentioned = literals.iter().filter_map(|literal| match literal {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        });
        let mut all: BTreeSet<i64> = BTreeSet::from([0, 1, 1_000_000]);
        for number in mentioned {
            all.extend([number.saturating_sub(1), number, number.saturating_add(1)]);
        }
        all.into_iter().map(Value::from).collect::<Vec<_>>()
    };
    match ty.map(|ty| schema.get(ty)) {
        Some(Type::Scalar(ScalarType::Boolean)) => vec![json!(true), json!(false)],
        Some(Type::Scalar(ScalarType::Integer | ScalarType::Number)) => numbers(),
        Some(Type::Scalar(ScalarType::IntOrString)) => [numbers(), strings()].concat(),
        Some(Type::Scalar(ScalarType::Quantity)) => {
            let mut all = vec![json!("1m"), json!("1000Gi")];
            let mentioned = literals.iter().filter_map(Value::as_str);
            all.extend(
                mentioned
                    .filter(|text| Quantity::parse_exact(text).is_some())
                    .map(Value::from),
            );
            all
        }
        Some(Type::Scalar(_)) => strings(),
        Some(Type::List { item, .. }) => {
            let items = match schema.get(*item) {
                Type::Scalar(_) => values(schema, Some(*item), literals),
                _ => vec![added()],
            };
            let each = items.into_iter().map(|item| json!([item]));
            std::iter::once(json!([])).chain(each).collect()
        }
        Some(Type::Map { value, .. }) => {
            let keys = literals.iter().filter_map(Value::as_str);
            let keys = keys.filter(|key| !key.is_empty()).chain(["x"]);
            let filled = values(schema, Some(*value), &[]).into_iter().next();
            let filled = filled.unwrap_or_else(|| json!("x"));
            let each = keys.map(|key| json!({key: filled}));
            std::iter::once(json!({})).chain(each).collect()
        }
        Some(Type::Struct { .. }) => vec![json!({})],
        Some(Type::Any) | None => {
            let of_any = [json!(true), json!(false), json!({}), json!([])];
            [of_any.to_vec(), numbers(), strings()].concat()
        }
    }
}

/// Returns one more list item: a container, because most lists in policies are lists of containers.
fn added() -> Value {
    json!({"name": "added", "image": "example.com/added:1"})
}

/// Sets or removes the value at a path, in the first item of each list or in all items. Creates
/// missing parents. Returns whether anything changed.
fn set(object: &mut Value, path: &[String], value: Option<&Value>, all: bool) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return false;
    };
    if first == ANY {
        return set_any(object, rest, value, all);
    }
    if object.is_null() {
        *object = Value::Object(Map::new());
    }
    let Some(fields) = object.as_object_mut() else {
        return false;
    };
    if !rest.is_empty() {
        if value.is_none() && !fields.contains_key(first) {
            return false;
        }
        return set(
            fields.entry(first.clone()).or_insert(Value::Null),
            rest,
            value,
            all,
        );
    }
    match value {
        Some(value) => {
            fields.insert(first.clone(), value.clone());
            true
        }
        None => fields.remove(first).is_some(),
    }
}

fn set_any(object: &mut Value, rest: &[String], value: Option<&Value>, all: bool) -> bool {
    if object.is_null() && value.is_some() {
        *object = json!([added()]);
    }
    let items: Vec<&mut Value> = match object {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(fields) => fields.values_mut().collect(),
        _ => return false,
    };
    let count = if all { items.len() } else { 1 };
    let mut done = false;
    for item in items.into_iter().take(count) {
        done |= match (rest.is_empty(), value) {
            (true, Some(value)) => {
                *item = value.clone();
                true
            }
            (true, None) => false,
            (false, value) => set(item, rest, value, all),
        };
    }
    done
}
