//! Gives ownership back to the field manager that uses server-side apply.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::patch::{Operation, Pointer};

/// Returns the patch that returns ownership of the fields that `ours` has written to `applier`, as
/// far as the manifest declares them, and removes the entry of `ours`. Only `managedFields`
/// changes.
///
/// Without it, the applier's next apply of another value would conflict with `ours`. Returns `None`
/// if there is nothing to give back.
pub fn hand_back(
    live: &Value,
    ours: &str,
    applier: &str,
    declared: &Value,
) -> Option<Vec<Operation>> {
    let entries = live.pointer("/metadata/managedFields")?.as_array()?;
    let is = |entry: &Value, manager: &str, operation: &str| {
        entry["manager"] == manager
            && entry["operation"] == operation
            && entry["subresource"].as_str().unwrap_or_default().is_empty()
    };
    let our_place = entries.iter().position(|entry| is(entry, ours, "Update"))?;
    let version = &entries.get(our_place)?["apiVersion"];
    let mut of_applier = entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| is(entry, applier, "Apply"));
    let first = of_applier.clone().next();
    let same_version = of_applier.find(|(_, entry)| entry["apiVersion"] == *version);
    let ours = entries.get(our_place)?;
    let returned = declared_part(&ours["fieldsV1"], declared);
    let Some((their_place, theirs)) = same_version.or(first) else {
        // The applier owned only these fields, so it has no entry any more.
        if returned.as_object().is_none_or(Map::is_empty) {
            return None;
        }
        let mut theirs = ours.clone();
        theirs["manager"] = applier.into();
        theirs["operation"] = "Apply".into();
        theirs["fieldsV1"] = returned;
        let metadata = || Pointer::default().field("metadata");
        let version = live.pointer("/metadata/resourceVersion")?.clone();
        return Some(vec![
            Operation::Test(metadata().field("resourceVersion"), version),
            Operation::Replace(metadata().field("managedFields").index(our_place), theirs),
        ]);
    };
    let their_fields = &theirs["fieldsV1"];
    let mut merged = their_fields.clone();
    merge(&mut merged, returned);
    let metadata = || Pointer::default().field("metadata");
    let place = |index: usize| metadata().field("managedFields").index(index);
    let version = live.pointer("/metadata/resourceVersion")?.clone();
    let mut operations = vec![Operation::Test(
        metadata().field("resourceVersion"),
        version,
    )];
    if merged != *their_fields {
        let at = place(their_place).field("fieldsV1");
        operations.push(Operation::Replace(at, merged));
    }
    operations.push(Operation::Remove(place(our_place)));
    Some(operations)
}

/// Returns the part of a field set (`FieldsV1`) that a manifest declares, which is what an apply of
/// the manifest would own.
fn declared_part(fields: &Value, declared: &Value) -> Value {
    let mut part = Map::new();
    let Some(fields) = fields.as_object() else {
        return Value::Object(part);
    };
    for (name, below) in fields {
        let is_item = name.starts_with("k:");
        let Some(child) = child(declared, name) else {
            continue;
        };
        let below = match below.as_object() {
            // Owned as a whole.
            Some(below) if below.is_empty() => Value::Object(Map::new()),
            _ => {
                let mut inner = declared_part(below, child);
                let owns_itself = below.get(".").is_some();
                let is_empty = match child {
                    Value::Object(fields) => fields.is_empty(),
                    Value::Null => true,
                    _ => false,
                };
                if let (true, Some(inner)) =
                    (owns_itself && (is_item || is_empty), inner.as_object_mut())
                {
                    inner.insert(".".to_owned(), Value::Object(Map::new()));
                }
                if inner.as_object().is_some_and(Map::is_empty) {
                    continue;
                }
                inner
            }
        };
        part.insert(name.clone(), below);
    }
    Value::Object(part)
}

/// Returns what an element of `FieldsV1` refers to in a manifest.
fn child<'v>(declared: &'v Value, element: &str) -> Option<&'v Value> {
    let (kind, text) = element.split_once(':')?;
    match kind {
        "f" => declared.get(text),
        "k" => {
            let keys: BTreeMap<String, Value> = serde_json::from_str(text).ok()?;
            let is_meant = |item: &&Value| {
                item.is_object()
                    && keys
                        .iter()
                        .all(|(name, key)| item.get(name).is_none_or(|written| written == key))
            };
            declared.as_array()?.iter().find(is_meant)
        }
        "v" => {
            let value: Value = serde_json::from_str(text).ok()?;
            declared.as_array()?.iter().find(|item| **item == value)
        }
        "i" => declared.get(text.parse::<usize>().ok()?),
        _ => None,
    }
}

fn merge(fields: &mut Value, more: Value) {
    let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), more) else {
        return;
    };
    for (name, below) in more {
        match fields.get_mut(&name) {
            Some(known) => merge(known, below),
            None => {
                fields.insert(name, below);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::patch::apply;

    #[test]
    fn adds_an_entry_for_an_applier_that_owned_nothing_else() {
        let live = json!({"metadata": {"resourceVersion": "7", "managedFields": [
            {"manager": "driftctl", "operation": "Update", "apiVersion": "v1", "time": "t",
             "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:a": {}}}},
        ]}});
        let declared = json!({"data": {"a": "1"}});
        let operations = hand_back(&live, "driftctl", "kubectl", &declared).unwrap();
        let after = apply(&live, &operations).unwrap();
        assert_eq!(
            after["metadata"]["managedFields"],
            json!([{"manager": "kubectl", "operation": "Apply", "apiVersion": "v1", "time": "t",
                "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:a": {}}}}])
        );
        assert_eq!(hand_back(&live, "driftctl", "kubectl", &json!({})), None);
    }

    #[test]
    fn hands_back_declared_fields_and_drops_defaults() {
        let port = "k:{\"containerPort\":80,\"protocol\":\"TCP\"}";
        let live = json!({"metadata": {"resourceVersion": "7", "managedFields": [
            {"manager": "argocd", "operation": "Apply", "apiVersion": "v1",
                "fieldsV1": {"f:spec": {"f:a": {}}}},
            {"manager": "driftctl", "operation": "Update", "apiVersion": "v1", "fieldsV1": {
                "f:metadata": {"f:labels": {".": {}, "f:x": {}, "f:y": {}}},
                "f:spec": {"f:b": {}, "f:c": {}, "f:ports": {port: {
                    ".": {}, "f:containerPort": {}, "f:protocol": {}}}}}},
        ]}});
        let declared = json!({"metadata": {"labels": {"x": "1"}},
            "spec": {"a": 1, "b": 2, "ports": [{"containerPort": 80}]}});
        let patch = hand_back(&live, "driftctl", "argocd", &declared).unwrap();
        let made = apply(&live, &patch).unwrap();
        assert_eq!(
            made["metadata"]["managedFields"],
            json!([{"manager": "argocd", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {
                "f:metadata": {"f:labels": {"f:x": {}}},
                "f:spec": {"f:a": {}, "f:b": {}, "f:ports": {port: {
                    ".": {}, "f:containerPort": {}}}}}}])
        );
    }

    #[test]
    fn does_not_hand_back_undeclared_fields() {
        let live = json!({"metadata": {"resourceVersion": "7", "managedFields": [
            {"manager": "driftctl", "operation": "Update", "fieldsV1": {"f:a": {}}}]}});
        assert_eq!(
            hand_back(&live, "driftctl", "argocd", &json!({"b": 1})),
            None
        );
        assert_eq!(
            hand_back(&json!({}), "driftctl", "argocd", &json!({})),
            None
        );
    }
}
