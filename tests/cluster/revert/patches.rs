//! Tests that the patch from a comparison reverts any live edit.

use std::sync::LazyLock;

use driftctl::compare::{ComparisonInput, Explain, KeepFindings, Reason, compare};
use driftctl::model::{ChangeKind, Explanation, FieldPath, Owner, Ownership, PathElement};
use driftctl::ownership::{Appliers, LastSent};
use driftctl::patch::{self, FieldChange, PatchError, apply};
use driftctl::schema::Schema;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Explains the server's own bookkeeping, and nothing else.
struct Bookkeeping;

const KEPT: [&str; 7] = [
    "managedFields",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "selfLink",
    "ownerReferences",
];

impl Explain for Bookkeeping {
    fn explains(&self, path: &FieldPath, _: ChangeKind, _: &[&Owner]) -> Option<Reason> {
        let names: Vec<&str> = path
            .0
            .iter()
            .filter_map(|element| match element {
                PathElement::Field(name) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        let is_kept = match names[..] {
            ["status", ..] => true,
            ["metadata", field, ..] => KEPT.contains(&field),
            _ => false,
        };
        is_kept.then(|| Explanation::ServerManaged.into())
    }
}

/// Returns the object as a manifest that declares all of it.
fn declared(object: &Value) -> Value {
    let mut object = object.clone();
    object.as_object_mut().unwrap().remove("status");
    let metadata = object["metadata"].as_object_mut().unwrap();
    KEPT.iter().for_each(|field| drop(metadata.remove(*field)));
    object
}

/// Returns the drifted paths with their declared values.
fn drift(declared: &Value, live: &Value) -> Vec<(FieldPath, Option<Value>)> {
    let text = |field: &str| declared[field].as_str().unwrap();
    let schema = Schema::builtin();
    let findings = compare(&ComparisonInput {
        declared,
        live,
        schema,
        root: schema.kind(text("apiVersion"), text("kind")),
        ownership: &Ownership::default(),
        appliers: &Appliers::default(),
        sent: &LastSent::default(),
        rules: &Bookkeeping,
        keep: KeepFindings::Drift,
    });
    findings
        .into_iter()
        .map(|finding| (finding.change.path, finding.change.declared))
        .collect()
}

/// Collects the pointers to every value below a value.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, value)| (index.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (name, value) in below {
        let at = format!("{at}/{name}");
        let is_ours = ["/apiVersion", "/kind", "/status", "/metadata/name"]
            .iter()
            .any(|kept| at.starts_with(kept))
            || KEPT
                .iter()
                .any(|field| at.starts_with(&format!("/metadata/{field}")));
        if !is_ours {
            found.push(at.clone());
            places(value, &at, found);
        }
    }
}

/// Makes one edit: changes, removes or adds a value.
fn edit(object: &mut Value, place: usize, how: u8) {
    let mut all = Vec::new();
    places(object, "", &mut all);
    let Some(at) = all.get(place % all.len().max(1)).cloned() else {
        return;
    };
    let (parent, last) = at.rsplit_once('/').unwrap();
    let last = last.replace("~1", "/").replace("~0", "~");
    if matches!(parent, "") && how.is_multiple_of(3) {
        return; // nobody removes whole sections
    }
    let is_key = KEYS.contains(&last.as_str());
    match how % 3 {
        0 if is_key => {}
        0 => match object.pointer_mut(parent) {
            Some(Value::Object(fields)) => drop(fields.remove(&last)),
            Some(Value::Array(items)) => drop(items.remove(last.parse().unwrap())),
            _ => {}
        },
        1 => {
            let place = object.pointer_mut(&at).unwrap();
            match place {
                Value::String(text) => text.push_str("-edited"),
                Value::Number(_) => *place = json!(4711),
                Value::Bool(yes) => *yes = !*yes,
                _ => {}
            }
        }
        _ => match object.pointer_mut(parent) {
            Some(Value::Object(fields)) => {
                let value = fields[&last].clone();
                if value.is_string() {
                    fields.insert(format!("{last}-added"), value);
                }
            }
            Some(Value::Array(items)) => {
                let index: usize = last.parse().unwrap();
                let mut item = items[index].clone();
                match &mut item {
                    Value::Object(fields) => {
                        for value in fields.values_mut() {
                            match value {
                                Value::String(text) => text.push_str("-new"),
                                Value::Number(_) => *value = json!(4712),
                                _ => {}
                            }
                        }
                    }
                    Value::String(text) => text.push_str("-new"),
                    _ => return,
                }
                items.insert(index, item);
            }
            _ => {}
        },
    }
}

/// Keys that identify list items: no server stores an item without them.
const KEYS: [&str; 15] = [
    "apiServerID",
    "containerPort",
    "devicePath",
    "ip",
    "key",
    "mountPath",
    "name",
    "port",
    "protocol",
    "resourceID",
    "rule",
    "topologyKey",
    "type",
    "uid",
    "whenUnsatisfiable",
];

fn objects() -> Vec<Value> {
    let recording = crate::recording();
    let objects = recording["items"].as_array().unwrap().iter();
    let is_declared = |object: &&Value| {
        let text = |field: &str| object[field].as_str().unwrap();
        let known = Schema::builtin().kind(text("apiVersion"), text("kind"));
        known.is_some() && object["metadata"]["annotations"].is_object()
    };
    objects.filter(is_declared).cloned().collect()
}

static OBJECTS: LazyLock<Vec<Value>> = LazyLock::new(objects);

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn reverts_any_live_edit(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<usize>(), any::<u8>()), 1..6),
    ) {
        let before = which.get(&OBJECTS);
        let mut live = before.clone();
        for (place, how) in edits {
            edit(&mut live, place, how);
        }
        let wanted = declared(before);
        let drifted = drift(&wanted, &live);
        let edits: Vec<FieldChange<'_>> = drifted
            .iter()
            .map(|(path, to)| FieldChange { path, to: to.as_ref() })
            .collect();
        let operations = match patch::build(&live, &wanted, &edits) {
            Ok(operations) => operations,
            // Two items with the same name cannot be distinguished, and are left alone.
            Err(PatchError::Ambiguous(_)) => return Ok(()),
            Err(unfit) => return Err(TestCaseError::fail(unfit.to_string())),
        };
        let made = apply(&live, &operations).unwrap();
        let left = drift(&wanted, &made);
        prop_assert!(left.is_empty(), "{drifted:#?} left {left:#?}");
        // The server's bookkeeping is unchanged.
        prop_assert_eq!(&made["metadata"]["managedFields"], &live["metadata"]["managedFields"]);
        prop_assert_eq!(&made["status"], &live["status"]);
        // The patch tests the original values: it does not apply to its own result.
        if operations.iter().any(|operation| operation.changes()) {
            prop_assert!(apply(&made, &operations).is_err(), "{operations:#?} fit twice");
        }
    }
}
