//! Counts how many declared fields a manager owns.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::model::{FieldSet, PathElement};

/// Returns how many of the declared fields a set contains.
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
            let mut index = None;
            let covered = items.iter().filter_map(|item| {
                let below = find_alike(set, item)
                    .or_else(|| index.get_or_insert_with(|| ItemIndex::of(set)).find(item))?;
                Some(coverage(below, item))
            });
            covered.sum()
        }
        _ => usize::from(set.member),
    }
}

/// The limit on items that are searched one by one, before an index is built.
const FEW: usize = 16;

/// Returns the part of a small set about a list item that has all of its keys, if all items have
/// the same keys.
fn find_alike<'s>(set: &'s FieldSet, item: &Value) -> Option<&'s FieldSet> {
    if set.items.len() > FEW {
        return None;
    }
    let mut shape = None;
    let mut found = None;
    for (element, below) in &set.items {
        let PathElement::Key(keys) = element else {
            return None;
        };
        if !keys.keys().eq(shape.get_or_insert(keys).keys()) {
            return None;
        }
        if keys
            .iter()
            .all(|(name, value)| item.get(name) == Some(value))
        {
            found = Some(below);
        }
    }
    found
}

/// An index of the items of a set, by their keys in a manifest.
struct ItemIndex<'s> {
    set: &'s FieldSet,
    /// The key fields that identify items; usually there is one such set.
    shapes: BTreeSet<Vec<&'s str>>,
    /// The items by the first of their keys, built when items leave keys out.
    partial: RefCell<HashMap<Vec<&'s str>, HashMap<String, &'s FieldSet>>>,
}

impl<'s> ItemIndex<'s> {
    fn of(set: &'s FieldSet) -> Self {
        let names = set.items.keys().filter_map(|segment| match segment {
            PathElement::Key(keys) => Some(keys.keys().map(String::as_str).collect()),
            _ => None,
        });
        Self {
            set,
            shapes: names.collect(),
            partial: RefCell::default(),
        }
    }

    /// Returns the part of the set about a list item. Keys that the manifest leaves to be defaulted
    /// are ignored.
    fn find(&self, item: &Value) -> Option<&'s FieldSet> {
        for shape in &self.shapes {
            let is_written = |name: &&&str| item.get(**name).is_some();
            let names: Vec<&str> = shape.iter().filter(is_written).copied().collect();
            let written = names
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), item.get(*name)?.clone())));
            let written: BTreeMap<String, Value> = written.collect();
            let found = if names.len() == shape.len() {
                self.set.items.get(&PathElement::Key(written))
            } else {
                self.find_by_some(names, &PathElement::Key(written))
            };
            if found.is_some() {
                return found;
            }
        }
        self.set.items.get(&PathElement::Value(item.clone()))
    }

    fn find_by_some(&self, names: Vec<&'s str>, written: &PathElement) -> Option<&'s FieldSet> {
        let mut partial = self.partial.borrow_mut();
        let by_some = partial.entry(names).or_insert_with_key(|names| {
            let mut items: Vec<(String, String, &FieldSet)> = self
                .set
                .items
                .iter()
                .filter_map(|(segment, below)| {
                    let PathElement::Key(keys) = segment else {
                        return None;
                    };
                    let some = names
                        .iter()
                        .map(|name| Some(((*name).to_owned(), keys.get(*name)?.clone())));
                    let some: BTreeMap<String, Value> = some.collect::<Option<_>>()?;
                    Some((
                        PathElement::Key(some).to_string(),
                        segment.to_string(),
                        below,
                    ))
                })
                .collect();
            // Among several, the first by name: the last one into the map stays.
            items.sort_by(|a, b| b.1.cmp(&a.1));
            items
                .into_iter()
                .map(|(some, _, below)| (some, below))
                .collect()
        });
        by_some.get(&written.to_string()).copied()
    }
}

/// Returns how many fields are declared, without those that identify the object and that nobody
/// owns.
pub fn declared_fields(declared: &Value) -> usize {
    let has = |within: Option<&Value>, name: &&str| within.is_some_and(|at| at.get(name).is_some());
    let metadata = declared.get("metadata");
    let top = ["apiVersion", "kind"].iter();
    let top = top.filter(|name| has(Some(declared), name)).count();
    let named = ["name", "namespace"].iter();
    let named = named.filter(|name| has(metadata, name)).count();
    leaves(declared).saturating_sub(top + named)
}

/// Counts the single values in a value; an empty map or list counts as one.
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
    fn items_that_leave_keys_to_be_defaulted_are_found() {
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
