//! Every node of an object, with its address in all the forms that are needed.

use std::collections::BTreeMap;

use driftctl::model::{FieldPath, PathElement};
use driftctl::schema::{ListKind, Schema, Type, TypeId};
use serde_json::Value;

/// One node of an object.
#[derive(Clone, Debug)]
pub struct Spot {
    /// The path to it.
    pub pointer: String,
    /// The path as in reports.
    pub path: FieldPath,
    /// How many elements of the path have their own owners: not all within an atomic value.
    pub owned: usize,
    /// Its type.
    pub ty: Option<TypeId>,
    /// The type of its parent.
    pub parent: Option<TypeId>,
    /// Whether it is a key field of its list item.
    pub is_key: bool,
}

impl Spot {
    /// Returns the part of the path that has its own owners.
    pub fn owned_path(&self) -> &[PathElement] {
        &self.path.0[..self.owned]
    }
}

/// Returns all nodes of an object except the root.
pub fn spots(schema: &Schema, root: Option<TypeId>, object: &Value) -> Vec<Spot> {
    let mut found = Vec::new();
    let root = Spot {
        pointer: String::new(),
        path: FieldPath::root(),
        owned: 0,
        ty: root,
        parent: None,
        is_key: false,
    };
    below(schema, &root, false, object, &mut found);
    found
}

fn below(schema: &Schema, spot: &Spot, whole: bool, value: &Value, found: &mut Vec<Spot>) {
    let known = spot.ty.map_or(&Type::Any, |ty| schema.get(ty));
    let whole = whole
        || match known {
            Type::Struct { atomic, .. } | Type::Map { atomic, .. } => *atomic,
            Type::List { kind, .. } => *kind == ListKind::Atomic,
            Type::Any => value.is_array(),
            Type::Scalar(_) => true,
        };
    let mut enter =
        |step: String, segment: PathElement, ty: Option<TypeId>, is_key, child: &Value| {
            let mut path = spot.path.clone();
            path.0.push(segment);
            let step = step.replace('~', "~0").replace('/', "~1");
            let next = Spot {
                pointer: format!("{}/{step}", spot.pointer),
                owned: if whole { spot.owned } else { path.0.len() },
                path,
                ty,
                parent: spot.ty,
                is_key,
            };
            found.push(next.clone());
            below(schema, &next, whole, child, found);
        };
    match value {
        Value::Object(fields) => {
            let keys: Vec<&String> = match spot.path.0.last() {
                Some(PathElement::Key(keys)) => keys.keys().collect(),
                _ => Vec::new(),
            };
            for (name, child) in fields {
                let ty = match known {
                    Type::Struct { fields, .. } => fields.get(name.as_str()).map(|f| f.ty),
                    Type::Map { value, .. } => Some(*value),
                    _ => None,
                };
                let is_key = keys.contains(&name);
                enter(
                    name.clone(),
                    PathElement::Field(name.clone()),
                    ty,
                    is_key,
                    child,
                );
            }
        }
        Value::Array(items) => {
            for (index, child) in items.iter().enumerate() {
                let (segment, ty) = match known {
                    Type::List { item, kind } => {
                        (item_segment(schema, *item, kind, index, child), Some(*item))
                    }
                    _ => (PathElement::Index(index), None),
                };
                enter(index.to_string(), segment, ty, false, child);
            }
        }
        _ => {}
    }
}

/// Returns the path element that identifies a list item.
pub fn item_segment(
    schema: &Schema,
    item: TypeId,
    kind: &ListKind,
    index: usize,
    value: &Value,
) -> PathElement {
    match kind {
        ListKind::Atomic => PathElement::Index(index),
        ListKind::Set => PathElement::Value(value.clone()),
        ListKind::Map(keys) => {
            let default = |key: &str| match schema.get(item) {
                Type::Struct { fields, .. } => fields.get(key).and_then(|f| f.default.clone()),
                _ => None,
            };
            let named = keys.iter().filter_map(|key| {
                let value = value.get(&**key).cloned().or_else(|| default(key))?;
                Some((key.to_string(), value))
            });
            PathElement::Key(named.collect::<BTreeMap<_, _>>())
        }
    }
}
