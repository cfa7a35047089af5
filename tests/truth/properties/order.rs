//! Returns objects in another order.

use driftctl::schema::{ListKind, Type};
use serde_json::Value;

use super::cluster::{Cluster, Pair};
use super::dice::Dice;
use super::spot::{Spot, spots};

/// Returns the lists of an object with a wanted kind and at least two items.
fn lists(cluster: &Cluster, object: &Value, wanted: impl Fn(&ListKind) -> bool) -> Vec<Spot> {
    let (schema, root) = cluster.schema_of(object);
    let mut lists = spots(schema, root, object);
    lists.retain(|spot| {
        let items = object.pointer(&spot.pointer).and_then(Value::as_array);
        let is_wanted = spot.ty.is_some_and(|ty| match schema.get(ty) {
            Type::List { kind, .. } => wanted(kind),
            _ => false,
        });
        is_wanted && items.is_some_and(|items| items.len() > 1)
    });
    lists
}

/// Shuffles the items of associative lists and sets; the innermost first, while their paths are
/// still valid.
pub fn mix(cluster: &Cluster, object: &mut Value, dice: &mut Dice) {
    let lists = lists(cluster, object, |kind| *kind != ListKind::Atomic);
    for spot in lists.iter().rev() {
        if let Some(Value::Array(items)) = object.pointer_mut(&spot.pointer) {
            dice.shuffle(items);
        }
    }
}

/// Returns the live objects with one declared atomic list reversed.
pub fn reversed(cluster: &Cluster, pair: &Pair) -> Vec<Value> {
    let declared = lists(cluster, &pair.manifest.value(), |kind| {
        *kind == ListKind::Atomic
    });
    let live = lists(cluster, &pair.live, |kind| *kind == ListKind::Atomic);
    let is_declared = |spot: &&Spot| declared.iter().any(|other| other.path == spot.path);
    let turned = live.iter().filter(is_declared).filter_map(|spot| {
        let mut turned = pair.live.clone();
        let items = turned.pointer_mut(&spot.pointer)?.as_array_mut()?;
        items.reverse();
        (turned != pair.live).then_some(turned)
    });
    turned.collect()
}

/// Returns the JSON text of a value with the keys of every object reversed.
pub fn backwards(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let field = |(name, value)| format!("{}: {}", Value::from(name), backwards(value));
            let fields = fields.iter().map(|(name, value)| (name.clone(), value));
            let fields: Vec<String> = fields.rev().map(field).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(backwards).collect();
            format!("[{}]", items.join(", "))
        }
        value => value.to_string(),
    }
}
