//! Random edits of live objects, as people make them.

use driftctl::model::{FieldPath, PathElement};
use driftctl::schema::{Field, ListKind, ScalarType, Schema, Type, TypeId, Zero, is_zero};
use serde_json::{Value, json};

use super::cluster::{Cluster, Pair};
use super::dice::Dice;
use super::managers::{fields_of, give, take};
use super::spot::{Spot, spots};

/// The kinds of edits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Edit {
    /// Another value for a leaf.
    Flip,
    /// A new key in a map, item in a list or field in a struct.
    Add,
    /// The removal of something that the manifest declares.
    Drop,
}

/// An edit, and its path.
pub struct Edited {
    pub pair: Pair,
    pub path: FieldPath,
    pub what: String,
}

/// Makes a random edit; `None` if the randomly chosen place cannot be edited.
pub fn make(cluster: &Cluster, pair: &Pair, edit: Edit, dice: &mut Dice) -> Option<Edited> {
    let (schema, root) = cluster.schema_of(&pair.live);
    let editor = Editor { schema, root, pair };
    let edited = match edit {
        Edit::Flip => editor.flip(dice),
        Edit::Add => editor.add(dice),
        Edit::Drop => editor.drop(dice),
    }?;
    (edited.pair.live != pair.live).then_some(edited)
}

struct Editor<'a> {
    schema: &'a Schema,
    root: Option<TypeId>,
    pair: &'a Pair,
}

impl Editor<'_> {
    fn spots(&self, object: &Value) -> Vec<Spot> {
        let mut spots = spots(self.schema, self.root, object);
        let is_pod = self.pair.key.kind == "Pod";
        spots.retain(|spot| {
            !(belongs_to_the_server(&spot.path) || is_pod && is_set_at_admission(&spot.path))
        });
        spots
    }

    fn flip(&self, dice: &mut Dice) -> Option<Edited> {
        let live = &self.pair.live;
        let mut leaves = self.spots(live);
        leaves.retain(|spot| is_leaf(live.pointer(&spot.pointer)));
        let spot = dice.pick(&leaves)?;
        let before = live.pointer(&spot.pointer)?;
        let scalar = spot.ty.map(|ty| self.schema.get(ty));
        let after = match scalar {
            Some(Type::Scalar(scalar)) => other(*scalar, before)?,
            _ => other_untyped(before)?,
        };
        let what = format!("{before} became {after}");
        let mut edited = live.clone();
        *edited.pointer_mut(&spot.pointer)? = after;
        self.record_owner(&mut edited, spot);
        Some(self.edited(edited, spot.path.clone(), what))
    }

    /// Makes the person the owner of a changed leaf; a changed key makes another item.
    fn record_owner(&self, edited: &mut Value, spot: &Spot) {
        let is_item = matches!(spot.path.0.last(), Some(PathElement::Value(_)));
        let item = match (spot.is_key, is_item) {
            (true, _) => spot
                .pointer
                .rsplit_once('/')
                .map(|(item, _)| item.to_owned()),
            (_, true) => Some(spot.pointer.clone()),
            _ => None,
        };
        match item {
            Some(pointer) if spot.owned == spot.path.0.len() => {
                let steps = spot.path.0.len() - usize::from(spot.is_key);
                take(edited, &spot.path.0[..steps]);
                let after = spots(self.schema, self.root, edited);
                if let Some(item) = after.iter().find(|item| item.pointer == pointer) {
                    let value = edited.pointer(&pointer).cloned().unwrap_or_default();
                    give(
                        edited,
                        item.owned_path(),
                        fields_of(self.schema, item.ty, &value),
                    );
                }
            }
            _ => {
                take(edited, spot.owned_path());
                give(edited, spot.owned_path(), json!({}));
            }
        }
    }

    fn drop(&self, dice: &mut Dice) -> Option<Edited> {
        let declared = self.spots(&self.pair.manifest.value());
        let live = self.spots(&self.pair.live);
        let spot = dice.pick(&declared)?;
        let written = self.pair.manifest.value();
        let declared = written.pointer(&spot.pointer)?;
        // Values that the server does not store, or always stores, cannot be removed.
        let means_nothing = match spot.parent.map(|ty| self.schema.get(ty)) {
            Some(Type::Struct { fields, .. }) => {
                let name = spot.pointer.rsplit('/').next().unwrap_or_default();
                let field = fields.get(name);
                is_empty(declared) && field.is_some_and(|field| field.zero != Zero::Pointer)
            }
            _ => false,
        };
        if spot.is_key || declared.is_null() || means_nothing {
            return None;
        }
        let there = live.iter().find(|there| there.path == spot.path)?;
        let mut edited = self.pair.live.clone();
        let (parent, last) = there.pointer.rsplit_once('/')?;
        match edited.pointer_mut(parent)? {
            Value::Object(fields) => {
                fields.remove(&last.replace("~1", "/").replace("~0", "~"));
            }
            Value::Array(items) => {
                items.remove(last.parse().ok()?);
            }
            _ => return None,
        }
        take(&mut edited, there.owned_path());
        if there.owned < there.path.0.len() {
            give(&mut edited, there.owned_path(), json!({}));
        }
        Some(self.edited(edited, spot.path.clone(), format!("{declared} is gone")))
    }

    fn add(&self, dice: &mut Dice) -> Option<Edited> {
        let live = &self.pair.live;
        let mut holders = self.spots(live);
        holders.retain(|spot| {
            let value = live.pointer(&spot.pointer);
            value.is_some_and(|value| value.is_object() || value.is_array())
        });
        let spot = dice.pick(&holders)?;
        let holder = live.pointer(&spot.pointer)?;
        let known = spot.ty.map_or(&Type::Any, |ty| self.schema.get(ty));
        let (step, value) = match (known, holder) {
            (Type::Struct { fields, .. }, Value::Object(children)) => {
                let mut open: Vec<_> = fields
                    .iter()
                    .filter(|(name, _)| !children.contains_key(*name))
                    .collect();
                open.sort_by_key(|(name, _)| *name);
                let (name, field) = dice.pick(&open)?;
                (name.to_string(), self.new_value(field)?)
            }
            (Type::Map { value, .. }, Value::Object(_)) => {
                ("added-by-hand".to_owned(), self.new_of_type(*value)?)
            }
            (Type::Any, Value::Object(_)) => ("addedByHand".to_owned(), json!("x")),
            (Type::List { item, kind }, Value::Array(items)) => {
                (items.len().to_string(), self.new_item(*item, kind, items)?)
            }
            (Type::Any, Value::Array(items)) => (items.len().to_string(), items.last()?.clone()),
            _ => return None,
        };
        let mut edited = live.clone();
        match edited.pointer_mut(&spot.pointer)? {
            Value::Object(fields) => _ = fields.insert(step.clone(), value.clone()),
            Value::Array(items) => items.push(value.clone()),
            _ => return None,
        }
        let pointer = format!(
            "{}/{}",
            spot.pointer,
            step.replace('~', "~0").replace('/', "~1")
        );
        let after = spots(self.schema, self.root, &edited);
        let new = after.iter().find(|new| new.pointer == pointer)?;
        if belongs_to_the_server(&new.path)
            || self.pair.key.kind == "Pod" && is_set_at_admission(&new.path)
        {
            return None;
        }
        let fields = if new.owned < new.path.0.len() {
            take(&mut edited, new.owned_path());
            json!({})
        } else {
            fields_of(self.schema, new.ty, &value)
        };
        give(&mut edited, new.owned_path(), fields);
        Some(self.edited(edited, new.path.clone(), format!("{value} was added")))
    }

    /// Returns a value for an unset field that differs from the server's default.
    fn new_value(&self, field: &Field) -> Option<Value> {
        let value = self.new_of_type(field.ty)?;
        (field.default.as_ref() != Some(&value)).then_some(value)
    }

    fn new_of_type(&self, ty: TypeId) -> Option<Value> {
        Some(match self.schema.get(ty) {
            Type::Scalar(ScalarType::Boolean) => json!(true),
            Type::Scalar(ScalarType::Integer | ScalarType::Number | ScalarType::IntOrString) => {
                json!(17)
            }
            Type::Scalar(ScalarType::Quantity) => json!("17Mi"),
            Type::Scalar(ScalarType::Duration) => json!("17s"),
            Type::Scalar(ScalarType::Time) => json!("2026-01-01T00:00:00Z"),
            Type::Scalar(ScalarType::Bytes) => json!("eA=="),
            Type::Scalar(ScalarType::String) => json!("added-by-hand"),
            Type::Map { value, .. } => json!({"added-by-hand": self.new_of_type(*value)?}),
            Type::List { item, .. } => match self.schema.get(*item) {
                Type::Scalar(_) => json!([self.new_of_type(*item)?]),
                _ => return None,
            },
            Type::Struct { .. } | Type::Any => return None,
        })
    }

    /// Returns a new item, similar to the last one.
    fn new_item(&self, item: TypeId, kind: &ListKind, items: &[Value]) -> Option<Value> {
        let mut value = items.last()?.clone();
        match kind {
            ListKind::Atomic => {}
            ListKind::Set => value = self.new_of_type(item)?,
            ListKind::Map(keys) => {
                let key = keys.first()?;
                let other = other_untyped(value.get(&**key)?)?;
                value[&**key] = other;
            }
        }
        (*kind == ListKind::Atomic || !items.contains(&value)).then_some(value)
    }

    fn edited(&self, live: Value, path: FieldPath, what: String) -> Edited {
        Edited {
            pair: Pair {
                live,
                ..self.pair.clone()
            },
            path,
            what,
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Array(items) => items.is_empty(),
        value => is_zero(value),
    }
}

fn is_leaf(value: Option<&Value>) -> bool {
    value.is_some_and(|value| !value.is_object() && !value.is_array() && !value.is_null())
}

/// Returns another value of a type.
fn other(scalar: ScalarType, before: &Value) -> Option<Value> {
    match (scalar, before) {
        (ScalarType::Quantity, Value::String(text)) if text == "17Mi" => Some(json!("18Mi")),
        (ScalarType::Quantity, _) => Some(json!("17Mi")),
        (ScalarType::Duration, _) => Some(json!("17h3m")),
        (ScalarType::Time, _) => Some(json!("2001-02-03T04:05:06Z")),
        (ScalarType::Bytes, Value::String(text)) if text == "b3RoZXI=" => Some(json!("eA==")),
        (ScalarType::Bytes, _) => Some(json!("b3RoZXI=")),
        _ => other_untyped(before),
    }
}

fn other_untyped(before: &Value) -> Option<Value> {
    match before {
        Value::Bool(value) => Some(json!(!value)),
        Value::Number(number) => Some(match number.as_i64() {
            Some(number) => json!(number + 1),
            None => json!(number.as_f64()? + 1.5),
        }),
        Value::String(text) => Some(json!(format!("{text}-by-hand"))),
        _ => None,
    }
}

/// Returns whether nobody can edit a path: it identifies the object, or only the server writes it.
fn belongs_to_the_server(path: &FieldPath) -> bool {
    let Some(PathElement::Field(first)) = path.0.first() else {
        return true;
    };
    let text = path.to_string();
    let kept = [
        // kubectl's annotation of what it sent.
        ".metadata.annotations[\"kubectl.kubernetes.io/last-applied-configuration\"]",
        // The API server restores this field with every request.
        ".metadata.labels[\"kubernetes.io/metadata.name\"]",
    ];
    match (first.as_str(), path.0.get(1)) {
        _ if kept.contains(&text.as_str()) => true,
        // Old clients fill this in; nothing reads it.
        _ if text.ends_with(".metadata.creationTimestamp") => true,
        ("apiVersion" | "kind" | "status", _) => true,
        // An object's metadata as a whole is not edited.
        ("metadata", None) => true,
        ("metadata", Some(PathElement::Field(second))) => {
            !matches!(second.as_str(), "labels" | "annotations" | "finalizers")
        }
        _ => false,
    }
}

/// Returns whether admission sets a field of a new Pod, so that nobody can edit it later.
fn is_set_at_admission(path: &FieldPath) -> bool {
    let text = path.to_string();
    let fields = [".spec.overhead", ".spec.preemptionPolicy", ".spec.priority"];
    fields.iter().any(|field| text.starts_with(field)) || text.contains(".resources.requests")
}
