//! Who applies the manifest, as far as its object can tell.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::{FieldSet, ManagerEntry, Operation, Ownership, Segment};

/// The annotation in which `kubectl apply` keeps what it sent
/// (`k8s.io/api/core/v1/annotation_key_constants.go`).
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The manager of client-side `kubectl apply` (`kubectl/pkg/cmd/apply`).
const CLIENT_SIDE_APPLY: &str = "kubectl-client-side-apply";

/// The configuration that client-side apply sent last, if the object holds one that can be read.
pub fn last_applied(live: &Value) -> Option<Value> {
    let text = live
        .pointer("/metadata/annotations")?
        .get(LAST_APPLIED)?
        .as_str()?;
    serde_json::from_str(text).ok()
}

/// The managers of one object that declare what the manifest declares.
///
/// Whoever declares by `Update` also owns what its requests were defaulted to, so that ownership
/// alone does not make such a value an addition.
#[derive(Debug, Clone, Default)]
pub struct Appliers {
    declarers: Vec<String>,
}

impl Appliers {
    /// Finds the declaring managers of an object.
    ///
    /// `named` are those that the user names; they are believed. Else it is the manager that owns
    /// most of what the manifest declares: a laptop that applied its own variant later owns little
    /// more than what it changed, and a person's edit owns less. On a tie, the one that wrote
    /// first.
    pub fn of(ownership: &Ownership, declared: &Value, named: &[String]) -> Self {
        if !named.is_empty() {
            return Self {
                declarers: named.to_vec(),
            };
        }
        let mut best: Option<(usize, &ManagerEntry)> = None;
        for entry in &ownership.entries {
            if entry.owner.subresource.is_some() {
                continue;
            }
            let covered = coverage(&entry.fields, declared);
            if covered > 0
                && best.is_none_or(|(most, other)| ranks_above(covered, entry, most, other))
            {
                best = Some((covered, entry));
            }
        }
        Self {
            declarers: best
                .map(|(_, entry)| entry.owner.manager.clone())
                .into_iter()
                .collect(),
        }
    }

    /// Whether a manager of this name declares the manifest.
    pub fn include(&self, manager: &str) -> bool {
        self.declarers.iter().any(|declarer| declarer == manager)
    }

    /// Whether the entry is of a manager that declares the manifest.
    pub fn declares(&self, entry: &ManagerEntry) -> bool {
        self.include(&entry.owner.manager)
    }

    /// Whether the entry is client-side apply's, whose defaults last-applied tells from what was
    /// declared.
    pub fn is_client_side_apply(entry: &ManagerEntry) -> bool {
        entry.owner.operation == Operation::Update && entry.owner.manager == CLIENT_SIDE_APPLY
    }
}

fn ranks_above(covered: usize, entry: &ManagerEntry, most: usize, other: &ManagerEntry) -> bool {
    covered > most || (covered == most && entry.owner.time < other.owner.time)
}

/// How many of the declared leaves a set holds.
fn coverage(set: &FieldSet, declared: &Value) -> usize {
    if set.member && set.is_leaf() {
        return leaves(declared);
    }
    match declared {
        Value::Object(fields) => fields
            .iter()
            .filter_map(|(name, value)| Some(coverage(set.fields.get(name)?, value)))
            .sum(),
        Value::Array(items) => {
            let shapes = shapes(set);
            let covered = items.iter().filter_map(|item| {
                let below = owned_item(set, &shapes, item)?;
                Some(coverage(below, item))
            });
            covered.sum()
        }
        _ => usize::from(set.member),
    }
}

/// The names of the key fields that a set tells list items apart by; mostly there is one such set.
fn shapes(set: &FieldSet) -> BTreeSet<Vec<&str>> {
    let names = set.items.keys().filter_map(|segment| match segment {
        Segment::Key(keys) => Some(keys.keys().map(String::as_str).collect()),
        _ => None,
    });
    names.collect()
}

/// What a set holds of a list item. Keys that the manifest leaves to be defaulted are no
/// hindrance.
fn owned_item<'s>(
    set: &'s FieldSet,
    shapes: &BTreeSet<Vec<&str>>,
    item: &Value,
) -> Option<&'s FieldSet> {
    for shape in shapes {
        let written = shape
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), item.get(name)?.clone())));
        let written: BTreeMap<String, Value> = written.collect();
        let found = if written.len() == shape.len() {
            set.items.get(&Segment::Key(written))
        } else {
            let fits = |segment: &Segment| match segment {
                Segment::Key(keys) => written
                    .iter()
                    .all(|(name, value)| keys.get(name) == Some(value)),
                _ => false,
            };
            let fitting = set.items.iter().filter(|(segment, _)| fits(segment));
            let first = fitting.min_by_key(|(segment, _)| segment.to_string());
            first.map(|(_, below)| below)
        };
        if found.is_some() {
            return found;
        }
    }
    set.items.get(&Segment::Value(item.clone()))
}

fn leaves(value: &Value) -> usize {
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

    fn appliers(named: &[&str]) -> (Ownership, Appliers) {
        let live = json!({"metadata": {"managedFields": [
            {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {
                "f:spec": {"f:replicas": {}}}},
            {"manager": "argocd-controller", "operation": "Apply", "fieldsV1": {
                "f:spec": {"f:replicas": {}, "f:paused": {}, "f:selector": {}}}},
        ]}});
        let declared = json!({"spec": {
            "replicas": 1, "paused": false, "selector": {"a": "b", "c": "d"}}});
        let ownership = ownership_of(&live);
        let named: Vec<String> = named.iter().map(|s| (*s).to_owned()).collect();
        let appliers = Appliers::of(&ownership, &declared, &named);
        (ownership, appliers)
    }

    #[test]
    fn the_manager_that_owns_most_of_the_manifest_declares_it() {
        let (ownership, appliers) = appliers(&[]);
        assert!(!appliers.declares(&ownership.entries[0]));
        assert!(appliers.declares(&ownership.entries[1]));
    }

    #[test]
    fn named_managers_are_believed() {
        let (ownership, appliers) = appliers(&["kubectl-edit"]);
        assert!(appliers.declares(&ownership.entries[0]));
        assert!(!appliers.declares(&ownership.entries[1]));
    }

    #[test]
    fn last_applied_is_read_from_the_annotation() {
        let live = json!({"metadata": {"annotations": {LAST_APPLIED: "{\"kind\":\"Pod\"}"}}});
        assert_eq!(last_applied(&live), Some(json!({"kind": "Pod"})));
        let live = json!({"metadata": {"annotations": {LAST_APPLIED: "{"}}});
        assert_eq!(last_applied(&live), None);
    }
}
