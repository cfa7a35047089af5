//! Counts how many declared fields a manager owns.

use std::cell::OnceCell;
use std::collections::HashMap;

use serde_json::Value;

use crate::model::{FieldSet, KeyIndex, Omitted, PathElement, SHORT, is_identified};

/// Returns how many of the declared fields a field set contains.
pub fn coverage(set: &FieldSet, declared: &Value) -> usize {
    if set.member && set.is_leaf() {
        return leaves(declared);
    }
    match declared {
        Value::Object(fields) => fields
            .iter()
            .filter_map(|(name, value)| Some(coverage(set.fields.get(name)?, value)))
            .sum(),
        Value::Array(items) => {
            let finder = ItemFinder::new(set);
            let covered = items.iter();
            let covered = covered.filter_map(|item| Some(coverage(finder.find(item)?, item)));
            covered.sum()
        }
        _ => usize::from(set.member),
    }
}

/// Returns how many of the declared fields a field set contains that have their declared value live.
/// What is owned as a whole, such as an atomic list, counts only if all of it is as declared.
pub fn coverage_as_declared(set: &FieldSet, declared: &Value, live: &Value) -> usize {
    if set.member && set.is_leaf() {
        return if is_live(declared, live) {
            leaves(declared)
        } else {
            0
        };
    }
    match (declared, live) {
        (Value::Object(fields), Value::Object(live)) => fields
            .iter()
            .filter_map(|(name, value)| {
                let set = set.fields.get(name)?;
                Some(coverage_as_declared(set, value, live.get(name)?))
            })
            .sum(),
        (Value::Array(items), Value::Array(live)) => {
            let finder = ItemFinder::new(set);
            let by_entry = |item| Some((std::ptr::from_ref(finder.find(item)?), item));
            let live: HashMap<*const FieldSet, &Value> = live.iter().filter_map(by_entry).collect();
            let covered = items.iter().filter_map(|item| {
                let set = finder.find(item)?;
                let live = live.get(&std::ptr::from_ref(set))?;
                Some(coverage_as_declared(set, item, live))
            });
            covered.sum()
        }
        _ => usize::from(set.member && is_live(declared, live)),
    }
}

/// Returns whether everything declared is live, with the same items in each list.
fn is_live(declared: &Value, live: &Value) -> bool {
    match (declared, live) {
        (Value::Object(fields), Value::Object(live)) => fields.iter().all(|(name, value)| {
            let live = live.get(name);
            live.map_or(is_unset(value), |live| {
                value.is_null() || is_live(value, live)
            })
        }),
        (Value::Array(items), Value::Array(live)) => {
            items.len() == live.len() && items.iter().zip(live).all(|(a, b)| is_live(a, b))
        }
        (declared, live) => declared == live,
    }
}

/// Returns whether the server may store nothing for a value.
fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Finds the entry of a field set for a list item, by the keys in the manifest. Keys that the
/// manifest omits match any value.
struct ItemFinder<'s> {
    set: &'s FieldSet,
    /// The items of a large set, and an index of their keys.
    index: OnceCell<(Vec<&'s FieldSet>, KeyIndex)>,
}

impl<'s> ItemFinder<'s> {
    fn new(set: &'s FieldSet) -> Self {
        let index = OnceCell::new();
        Self { set, index }
    }

    fn find(&self, item: &Value) -> Option<&'s FieldSet> {
        self.find_by_keys(item)
            .or_else(|| self.set.items.get(&PathElement::Value(item.clone())))
    }

    /// Returns the first matching entry in the order of names.
    fn find_by_keys(&self, item: &Value) -> Option<&'s FieldSet> {
        let fields = item.as_object()?;
        if self.set.items.len() < SHORT {
            let mut found = self.set.items.iter().filter(|(element, _)| match element {
                PathElement::Key(keys) => is_identified(item, keys, Omitted::Matches),
                _ => false,
            });
            let one = found.next()?;
            // Names are built only for a tie.
            let others = found.map(|other| (other.0.to_string(), other.1));
            let first = others.min_by(|a, b| a.0.cmp(&b.0));
            let first = first.filter(|(name, _)| *name < one.0.to_string());
            return Some(first.map_or(one.1, |(_, below)| below));
        }
        let (below, index) = self.index.get_or_init(|| self.make_index());
        let first = *index.positions(fields.iter(), Omitted::Matches).first()?;
        below.get(first).copied()
    }

    fn make_index(&self) -> (Vec<&'s FieldSet>, KeyIndex) {
        let keyed = self.set.items.iter();
        let keyed = keyed.filter_map(|(element, below)| match element {
            PathElement::Key(keys) => Some((element, keys, below)),
            _ => None,
        });
        let mut keyed: Vec<_> = keyed.collect();
        keyed.sort_by_cached_key(|(element, ..)| element.to_string());
        let index = keyed.iter().map(|(_, keys, _)| keys.iter());
        let index = KeyIndex::new(index.enumerate());
        (keyed.into_iter().map(|(.., below)| below).collect(), index)
    }
}

/// Returns how many fields are declared, without those that identify the object, which have no
/// owner.
pub fn declared_fields(declared: &Value) -> usize {
    let has = |within: Option<&Value>, name: &&str| within.is_some_and(|at| at.get(name).is_some());
    let metadata = declared.get("metadata");
    let top = ["apiVersion", "kind"].iter();
    let top = top.filter(|name| has(Some(declared), name)).count();
    let named = ["name", "namespace"].iter();
    let named = named.filter(|name| has(metadata, name)).count();
    leaves(declared).saturating_sub(top + named)
}

/// Counts the scalars in a value; an empty map or list counts as one.
pub fn leaves(value: &Value) -> usize {
    match value {
        Value::Object(fields) if !fields.is_empty() => fields.values().map(leaves).sum(),
        Value::Array(items) if !items.is_empty() => items.iter().map(leaves).sum(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ownership::ownership_of;

    #[test]
    fn finds_items_that_omit_keys_with_defaults() {
        let live = json!({"metadata": {"managedFields": [
            {"manager": "a", "operation": "Apply", "fieldsV1": {"f:ports": {
                "k:{\"port\":53,\"protocol\":\"UDP\"}": {"f:name": {}, "f:port": {}},
                "k:{\"port\":53,\"protocol\":\"TCP\"}": {"f:port": {}}}}}]}});
        let covered = |item: Value| {
            let ownership = ownership_of(&live);
            coverage(&ownership.entries[0].fields, &json!({ "ports": [item] }))
        };
        assert_eq!(
            covered(json!({"port": 53, "protocol": "UDP", "name": "x"})),
            2
        );
        assert_eq!(
            covered(json!({"port": 53, "name": "x"})),
            1,
            "the first by name: TCP"
        );
        assert_eq!(covered(json!({"port": 54})), 0);
    }
}
