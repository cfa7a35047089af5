//! Gives ownership back to the field manager that uses server-side apply.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::PatchJob;
use crate::model::PathElement;
use crate::patch::{JsonPointer, PatchOperation};

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
    job: &PatchJob,
) -> Option<Vec<PatchOperation>> {
    let entries = live.pointer("/metadata/managedFields")?.as_array()?;
    let is = |entry: &Value, manager: &str, operation: &str| {
        entry["manager"] == manager
            && entry["operation"] == operation
            && entry["subresource"].as_str().unwrap_or_default().is_empty()
    };
    let our_place = entries.iter().position(|entry| is(entry, ours, "Update"));
    let ours = our_place.and_then(|place| entries.get(place));
    let version = ours.map(|ours| &ours["apiVersion"]);
    let mut of_applier = entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| is(entry, applier, "Apply"));
    let first = of_applier.clone().next();
    let same_version = of_applier.find(|(_, entry)| Some(&entry["apiVersion"]) == version);
    let of_applier = same_version.or(first);
    let their_fields = of_applier.map_or(&Value::Null, |(_, theirs)| &theirs["fieldsV1"]);
    let mut returned = ours.map_or(Value::Null, |ours| {
        declared_part(&ours["fieldsV1"], &job.wanted, their_fields, false)
    });
    if returned.is_null() {
        returned = Value::Object(Map::new());
    }
    add_empty_ones(&mut returned, job);
    let metadata = || JsonPointer::default().field("metadata");
    let place = |index: usize| metadata().field("managedFields").index(index);
    let read_version = live.pointer("/metadata/resourceVersion")?.clone();
    let mut operations = vec![PatchOperation::Test(
        metadata().field("resourceVersion"),
        read_version,
    )];
    let Some((their_place, _)) = of_applier else {
        // It owned nothing but these fields, and left no entry without them.
        if returned.as_object().is_none_or(Map::is_empty) {
            return None;
        }
        let mut theirs = ours?.clone();
        theirs["manager"] = applier.into();
        theirs["operation"] = "Apply".into();
        theirs["fieldsV1"] = returned;
        operations.push(PatchOperation::Replace(place(our_place?), theirs));
        return Some(operations);
    };
    leave_string_data(&mut returned, their_fields);
    let mut merged = their_fields.clone();
    merge(&mut merged, returned);
    if merged != *their_fields {
        let at = place(their_place).field("fieldsV1");
        operations.push(PatchOperation::Replace(at, merged));
    }
    let left = |entry: &Value| {
        entry["operation"] == "Update"
            && entry["subresource"].as_str().unwrap_or_default().is_empty()
            && is_left_over(&entry["fieldsV1"], job)
    };
    // The last ones first, so that the others keep their places.
    let gone = entries.iter().enumerate().rev();
    let gone = gone.filter(|(at, entry)| Some(*at) == our_place || left(entry));
    operations.extend(gone.map(|(at, _)| PatchOperation::Remove(place(at))));
    (operations.len() > 1).then_some(operations)
}

/// Returns the patch that gives an object an entry of its applier when nobody owns anything of it:
/// after everything that managers owned was removed, the server does not follow who writes. The
/// next server-side apply would conflict with `before-first-apply`.
pub fn restore_applier_entry(
    live: &Value,
    (applier, applies): (&str, bool),
    job: &PatchJob,
    now: Timestamp,
) -> Option<Vec<PatchOperation>> {
    let entries = live.pointer("/metadata/managedFields");
    if entries
        .and_then(Value::as_array)
        .is_some_and(|entries| !entries.is_empty())
    {
        return None;
    }
    let mut fields = Value::Object(Map::new());
    for edit in &job.edits {
        let Some(to) = edit.to.as_ref().filter(|to| !to.is_null()) else {
            continue;
        };
        add(&mut fields, &edit.path.0, field_set(to, !applies), !applies);
    }
    if fields.as_object().is_none_or(Map::is_empty) {
        return None;
    }
    let entry = json!({
        "manager": applier,
        "operation": if applies { "Apply" } else { "Update" },
        "apiVersion": live.get("apiVersion")?,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    });
    let metadata = || JsonPointer::default().field("metadata");
    let version = live.pointer("/metadata/resourceVersion")?.clone();
    Some(vec![
        PatchOperation::Test(metadata().field("resourceVersion"), version),
        PatchOperation::Add(metadata().field("managedFields"), json!([entry])),
    ])
}

/// Returns the field set of a value: of each field of a map, and of a list as a whole. Who updates
/// owns the maps themselves as well.
fn field_set(value: &Value, owns_maps: bool) -> Value {
    let Value::Object(fields) = value else {
        return json!({});
    };
    let below = fields.iter();
    let below = below.map(|(name, value)| (format!("f:{name}"), field_set(value, owns_maps)));
    let mut set: Map<String, Value> = below.collect();
    if owns_maps && !set.is_empty() {
        set.insert(".".to_owned(), json!({}));
    }
    Value::Object(set)
}

/// Adds what is owned at a path.
fn add(set: &mut Value, path: &[PathElement], owned: Value, owns_maps: bool) {
    let name = |element: &PathElement| match element {
        PathElement::Field(name) => Some(format!("f:{name}")),
        PathElement::Key(keys) => Some(format!("k:{}", json!(keys))),
        PathElement::Value(value) => Some(format!("v:{value}")),
        // Its list is owned as a whole.
        PathElement::Index(_) => None,
    };
    let mut place = set;
    for (depth, element) in path.iter().enumerate() {
        let (Some(name), Some(fields)) = (name(element), place.as_object_mut()) else {
            return;
        };
        if owns_maps && depth > 0 && !is_struct(path, depth) {
            fields.insert(".".to_owned(), json!({}));
        }
        place = fields.entry(name).or_insert_with(|| json!({}));
    }
    merge(place, owned);
}

/// Returns whether the value at this depth is `metadata` or `spec`, which nobody owns by itself.
fn is_struct(path: &[PathElement], depth: usize) -> bool {
    let top = matches!(&path[0], PathElement::Field(name) if name == "metadata" || name == "spec");
    depth == 1 && top
}

/// Adds the fields that were written as empty lists and maps: built-in types do not store them, so
/// that they are in no entry of ours.
fn add_empty_ones(returned: &mut Value, job: &PatchJob) {
    let is_empty = |value: &Value| match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    for edit in job
        .edits
        .iter()
        .filter(|edit| edit.to.as_ref().is_some_and(is_empty))
    {
        add(returned, &edit.path.0, json!({}), false);
    }
}

/// Returns whether a field set contains only the map around a field of this job: an editor who added
/// the only field of a map owned the map too, and still does when its field is gone.
fn is_left_over(fields: &Value, job: &PatchJob) -> bool {
    job.edits.iter().any(|edit| {
        let mut around = json!({});
        if let Some((_, above)) = edit
            .path
            .0
            .split_last()
            .filter(|(_, above)| above.len() > 1)
        {
            add(&mut around, above, json!({}), false);
        }
        around == *fields && *fields != json!({})
    })
}

/// Takes out of the data of a Secret what its applier owns as `stringData`.
fn leave_string_data(returned: &mut Value, theirs: &Value) {
    let Some(texts) = theirs.get("f:stringData").and_then(Value::as_object) else {
        return;
    };
    let Some(returned) = returned.as_object_mut() else {
        return;
    };
    if let Some(data) = returned.get_mut("f:data").and_then(Value::as_object_mut) {
        data.retain(|name, _| !texts.contains_key(name));
        if data.is_empty() {
            returned.remove("f:data");
        }
    }
}

/// Returns the part of a field set (`FieldsV1`) that a manifest declares, which is what an apply of
/// the manifest would own. `theirs` is what the applier still owns there; `is_map` says that the
/// fields are known to be entries of a map.
fn declared_part(fields: &Value, declared: &Value, theirs: &Value, is_map: bool) -> Value {
    let mut part = Map::new();
    let Some(fields) = fields.as_object() else {
        return Value::Object(part);
    };
    let is_map = is_map || owns_entries(theirs);
    for (name, below) in fields {
        let is_item = name.starts_with("k:");
        let Some(child) = child(declared, name) else {
            continue;
        };
        let is_entry = is_map && name.starts_with("f:");
        let below = match below.as_object() {
            // Owned as a whole.
            Some(below) if below.is_empty() => Value::Object(Map::new()),
            _ => {
                let their_below = theirs.get(name).unwrap_or(&Value::Null);
                let mut inner = declared_part(below, child, their_below, is_entry);
                let owns_itself = below.get(".").is_some();
                let is_empty = match child {
                    Value::Object(fields) => fields.is_empty(),
                    Value::Null => true,
                    _ => false,
                };
                if let (true, Some(inner)) = (
                    owns_itself && (is_item || is_empty || is_entry),
                    inner.as_object_mut(),
                ) {
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

/// Returns whether the fields of a field set are entries of a map, not fields of a type: an apply
/// owns each entry itself, beside what is in it.
fn owns_entries(set: &Value) -> bool {
    let mut fields = set.as_object().into_iter().flatten();
    fields.any(|(name, below)| name.starts_with("f:") && below.get(".").is_some())
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
    use crate::engine::revert::FieldWrite;
    use crate::patch::apply;

    fn job(wanted: Value) -> PatchJob {
        PatchJob {
            before: Value::Null,
            wanted,
            edits: Vec::new(),
            kept: Vec::new(),
        }
    }

    fn writing(path: &str, to: Value) -> PatchJob {
        let edits = vec![FieldWrite {
            path: path.parse().unwrap(),
            to: Some(to),
            former: Vec::new(),
        }];
        PatchJob {
            edits,
            ..job(Value::Null)
        }
    }

    #[test]
    fn an_object_that_nobody_owns_gets_its_applier_back() {
        let live = json!({"apiVersion": "v1", "metadata": {"resourceVersion": "7"}});
        let now = Timestamp::from_second(0).unwrap();
        let data = writing(".data.a", json!("1"));
        for (applies, expected) in [
            (true, json!({"f:data": {"f:a": {}}})),
            (false, json!({"f:data": {".": {}, "f:a": {}}})),
        ] {
            let patch = restore_applier_entry(&live, ("argocd", applies), &data, now).unwrap();
            let made = apply(&live, &patch).unwrap();
            let entry = &made["metadata"]["managedFields"][0];
            assert_eq!(entry["manager"], "argocd");
            assert_eq!(entry["operation"] == "Apply", applies);
            assert_eq!(entry["fieldsV1"], expected);
            assert_eq!(
                restore_applier_entry(&made, ("argocd", applies), &data, now),
                None
            );
        }
        let whole = writing(".metadata.labels", json!({"app": "x"}));
        let patch = restore_applier_entry(&live, ("helm", false), &whole, now).unwrap();
        let made = apply(&live, &patch).unwrap();
        assert_eq!(
            made["metadata"]["managedFields"][0]["fieldsV1"],
            json!({"f:metadata": {"f:labels": {".": {}, "f:app": {}}}})
        );
    }

    #[test]
    fn what_is_declared_as_empty_is_given_back_although_it_is_not_stored() {
        let live = json!({"metadata": {"resourceVersion": "7", "managedFields": [
            {"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:spec": {"f:a": {}}}}]}});
        let job = writing(".spec.ingress", json!([]));
        let patch = hand_back(&live, "driftctl", "kubectl", &job).unwrap();
        let made = apply(&live, &patch).unwrap();
        let fields = &made["metadata"]["managedFields"][0]["fieldsV1"];
        assert_eq!(*fields, json!({"f:spec": {"f:a": {}, "f:ingress": {}}}));
    }

    #[test]
    fn what_was_applied_as_string_data_does_not_become_data() {
        let live = json!({"metadata": {"resourceVersion": "7", "managedFields": [
            {"manager": "kubectl", "operation": "Apply", "fieldsV1": {
                "f:data": {"f:q": {}}, "f:stringData": {"f:p": {}}}},
            {"manager": "driftctl", "operation": "Update", "fieldsV1": {"f:data": {"f:p": {}}}}]}});
        let job = job(json!({"data": {"p": "eA==", "q": "eQ=="}}));
        let patch = hand_back(&live, "driftctl", "kubectl", &job).unwrap();
        let made = apply(&live, &patch).unwrap();
        let left = &made["metadata"]["managedFields"];
        assert_eq!(left.as_array().unwrap().len(), 1);
        assert_eq!(
            left[0]["fieldsV1"],
            live["metadata"]["managedFields"][0]["fieldsV1"]
        );
    }

    #[test]
    fn adds_an_entry_for_an_applier_that_owned_nothing_else() {
        let live = json!({"metadata": {"resourceVersion": "7", "managedFields": [
            {"manager": "driftctl", "operation": "Update", "apiVersion": "v1", "time": "t",
             "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:a": {}}}},
        ]}});
        let declared = json!({"data": {"a": "1"}});
        let operations = hand_back(&live, "driftctl", "kubectl", &job(declared.clone())).unwrap();
        let after = apply(&live, &operations).unwrap();
        assert_eq!(
            after["metadata"]["managedFields"],
            json!([{"manager": "kubectl", "operation": "Apply", "apiVersion": "v1", "time": "t",
                "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:a": {}}}}])
        );
        assert_eq!(
            hand_back(&live, "driftctl", "kubectl", &job(json!({}))),
            None
        );
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
        let patch = hand_back(&live, "driftctl", "argocd", &job(declared.clone())).unwrap();
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
    fn hands_back_entries_of_maps_together_with_their_content() {
        let live = json!({"metadata": {"resourceVersion": "7", "managedFields": [
            {"manager": "argocd", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {
                "f:spec": {"f:nested": {".": {}, "f:empty": {}}}}},
            {"manager": "driftctl", "operation": "Update", "apiVersion": "v1", "fieldsV1": {
                "f:spec": {"f:nested": {"f:x": {".": {}, "f:y": {}}}}}},
        ]}});
        let declared = json!({"spec": {"nested": {"empty": {}, "x": {"y": 1}}}});
        let patch = hand_back(&live, "driftctl", "argocd", &job(declared)).unwrap();
        let made = apply(&live, &patch).unwrap();
        assert_eq!(
            made["metadata"]["managedFields"][0]["fieldsV1"],
            json!({"f:spec": {"f:nested": {
                ".": {}, "f:empty": {}, "f:x": {".": {}, "f:y": {}}}}})
        );
    }

    #[test]
    fn removes_an_entry_that_owns_only_the_map_around_a_reverted_field() {
        let label = |manager: &str| {
            json!({"manager": manager, "operation": "Update", "fieldsV1": {
                "f:metadata": {"f:labels": {}}}})
        };
        let applied = json!({"manager": "argocd", "operation": "Apply",
            "fieldsV1": {"f:metadata": {"f:labels": {"f:app": {}}}}});
        let ours = json!({"manager": "driftctl", "operation": "Update",
            "fieldsV1": {"f:metadata": {"f:labels": {"f:app": {}}}}});
        let other = json!({"manager": "keda", "operation": "Update",
            "fieldsV1": {"f:metadata": {"f:annotations": {}}}});
        let entries = [label("a"), applied.clone(), label("b"), ours, other.clone()];
        let live = json!({"metadata": {"resourceVersion": "7", "managedFields": entries}});
        let declared = json!({"metadata": {"labels": {"app": "x"}}});
        let job = PatchJob {
            wanted: declared,
            ..writing(".metadata.labels.tier", Value::Null)
        };
        let patch = hand_back(&live, "driftctl", "argocd", &job).unwrap();
        let made = apply(&live, &patch).unwrap();
        assert_eq!(made["metadata"]["managedFields"], json!([applied, other]));
    }

    #[test]
    fn does_not_hand_back_undeclared_fields() {
        let live = json!({"metadata": {"resourceVersion": "7", "managedFields": [
            {"manager": "driftctl", "operation": "Update", "fieldsV1": {"f:a": {}}}]}});
        assert_eq!(
            hand_back(&live, "driftctl", "argocd", &job(json!({"b": 1}))),
            None
        );
        assert_eq!(
            hand_back(&json!({}), "driftctl", "argocd", &job(json!({}))),
            None
        );
    }
}
