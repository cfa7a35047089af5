//! Gives ownership back to who applies the object.

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
/// if there is nothing to give back. `applied` is what the applier would own after an apply, if that
/// is known: only the server can tell maps from fields of a type, which are not owned by themselves.
pub fn hand_back(
    live: &Value,
    ours: &str,
    applier: &str,
    job: &PatchJob,
    applied: Option<&Value>,
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
    if let Some(applied) = applied {
        own_maps(&mut returned, applied);
    }
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

/// Returns what a manager owns by server-side apply.
pub fn applied_fields<'o>(object: &'o Value, applier: &str) -> Option<&'o Value> {
    let entries = object.pointer("/metadata/managedFields")?.as_array()?;
    let mut entries = entries.iter();
    let is_applier = |entry: &&Value| entry["manager"] == applier && entry["operation"] == "Apply";
    entries.find(is_applier)?.get("fieldsV1")
}

/// Adds the maps themselves that are owned beside what is in them.
fn own_maps(set: &mut Value, applied: &Value) {
    let (Some(set), Some(applied)) = (set.as_object_mut(), applied.as_object()) else {
        return;
    };
    if !set.is_empty() && applied.contains_key(".") {
        set.insert(".".to_owned(), json!({}));
    }
    for (name, below) in set {
        if let Some(applied) = applied.get(name) {
            own_maps(below, applied);
        }
    }
}

/// Returns the patch that gives `applier`, who updates, the maps around fields that were reverted,
/// if all that an editor still owns is such a map: who puts the first field into an emptied map owns
/// the map, and still does when that field is gone. Only `managedFields` changes.
pub fn take_back_maps(live: &Value, applier: &str, job: &PatchJob) -> Option<Vec<PatchOperation>> {
    let entries = live.pointer("/metadata/managedFields")?.as_array()?;
    let updates = |entry: &Value| {
        entry["operation"] == "Update"
            && entry["subresource"].as_str().unwrap_or_default().is_empty()
    };
    let is_applier = |entry: &Value| updates(entry) && entry["manager"] == applier;
    let their_place = entries.iter().position(is_applier)?;
    let theirs = &entries.get(their_place)?["fieldsV1"];
    let mut merged = theirs.clone();
    let mut gone = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        if at == their_place || !updates(entry) {
            continue;
        }
        let map = maps_around(job).find(|(set, _)| *set == entry["fieldsV1"]);
        let Some((_, path)) = map else {
            continue;
        };
        let place = path.iter().try_fold(&mut merged, |set, element| {
            set.get_mut(&element_name(element)?)
        });
        let Some(fields) = place
            .and_then(Value::as_object_mut)
            .filter(|own| !own.is_empty())
        else {
            continue;
        };
        fields.insert(".".to_owned(), json!({}));
        gone.push(at);
    }
    if gone.is_empty() {
        return None;
    }
    let metadata = || JsonPointer::default().field("metadata");
    let place = |index: usize| metadata().field("managedFields").index(index);
    let version = live.pointer("/metadata/resourceVersion")?.clone();
    let mut operations = vec![
        PatchOperation::Test(metadata().field("resourceVersion"), version),
        PatchOperation::Replace(place(their_place).field("fieldsV1"), merged),
    ];
    // The last ones first, so that the others keep their places.
    let gone = gone.into_iter().rev();
    operations.extend(gone.map(|at| PatchOperation::Remove(place(at))));
    Some(operations)
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
    let mut place = set;
    for (depth, element) in path.iter().enumerate() {
        let (Some(name), Some(fields)) = (element_name(element), place.as_object_mut()) else {
            return;
        };
        if owns_maps && depth > 0 && !is_struct(path, depth) {
            fields.insert(".".to_owned(), json!({}));
        }
        place = fields.entry(name).or_insert_with(|| json!({}));
    }
    merge(place, owned);
}

/// Returns the name of a path element in a field set. Items of an atomic list have none: the list is
/// owned as a whole.
fn element_name(element: &PathElement) -> Option<String> {
    match element {
        PathElement::Field(name) => Some(format!("f:{name}")),
        PathElement::Key(keys) => Some(format!("k:{}", json!(keys))),
        PathElement::Value(value) => Some(format!("v:{value}")),
        PathElement::Index(_) => None,
    }
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
    maps_around(job).any(|(around, _)| around == *fields)
}

/// Returns the maps around the fields of a job: as the field set that contains only the map, and as
/// path.
fn maps_around(job: &PatchJob) -> impl Iterator<Item = (Value, &[PathElement])> {
    let above = job.edits.iter().filter_map(|edit| edit.path.0.split_last());
    let above = above
        .map(|(_, above)| above)
        .filter(|above| !above.is_empty());
    above.map(|above| {
        let mut around = json!({});
        add(&mut around, above, json!({}), false);
        (around, above)
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
        let patch = hand_back(&live, "driftctl", "kubectl", &job, None).unwrap();
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
        let patch = hand_back(&live, "driftctl", "kubectl", &job, None).unwrap();
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
        let operations =
            hand_back(&live, "driftctl", "kubectl", &job(declared.clone()), None).unwrap();
        let after = apply(&live, &operations).unwrap();
        assert_eq!(
            after["metadata"]["managedFields"],
            json!([{"manager": "kubectl", "operation": "Apply", "apiVersion": "v1", "time": "t",
                "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:a": {}}}}])
        );
        assert_eq!(
            hand_back(&live, "driftctl", "kubectl", &job(json!({})), None),
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
        let patch = hand_back(&live, "driftctl", "argocd", &job(declared.clone()), None).unwrap();
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
        let patch = hand_back(&live, "driftctl", "argocd", &job(declared), None).unwrap();
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
        let patch = hand_back(&live, "driftctl", "argocd", &job, None).unwrap();
        let made = apply(&live, &patch).unwrap();
        assert_eq!(made["metadata"]["managedFields"], json!([applied, other]));
    }

    #[test]
    fn who_updates_gets_a_map_back_that_an_editor_emptied_and_filled() {
        let entry = |manager: &str, fields: Value| json!({"manager": manager, "operation": "Update", "fieldsV1": fields});
        let label = |own: Value| json!({"f:metadata": {"f:labels": own}});
        let left = entry("kubectl-edit", label(json!({})));
        let other = entry("keda", json!({"f:spec": {"f:replicas": {}}}));
        let live = |entries: Value| json!({"metadata": {"resourceVersion": "7", "managedFields": entries}});
        let before = live(json!([
            left,
            entry("helm", label(json!({"f:app": {}}))),
            other
        ]));
        let job = writing(".metadata.labels.app", json!("x"));
        let patch = take_back_maps(&before, "helm", &job).unwrap();
        let made = apply(&before, &patch).unwrap();
        let theirs = entry("helm", label(json!({".": {}, "f:app": {}})));
        assert_eq!(made["metadata"]["managedFields"], json!([theirs, other]));
        assert_eq!(take_back_maps(&made, "helm", &job), None);
        let data = |own: Value| json!({"f:data": own});
        let entries = json!([
            entry("helm", data(json!({"f:a": {}}))),
            entry("edit", data(json!({})))
        ]);
        let patch = take_back_maps(
            &live(entries.clone()),
            "helm",
            &writing(".data.a", json!("1")),
        );
        let made = apply(&live(entries), &patch.unwrap()).unwrap();
        let theirs = entry("helm", data(json!({".": {}, "f:a": {}})));
        assert_eq!(made["metadata"]["managedFields"], json!([theirs]));
        // An editor who owns more, and a map in which the applier owns nothing.
        let more = entry("kubectl-edit", label(json!({".": {}, "f:tier": {}})));
        let applied = entry("helm", label(json!({"f:app": {}})));
        assert_eq!(
            take_back_maps(&live(json!([more, applied])), "helm", &job),
            None
        );
        let elsewhere = entry("helm", json!({"f:data": {"f:app": {}}}));
        assert_eq!(
            take_back_maps(&live(json!([left, elsewhere])), "helm", &job),
            None
        );
    }

    #[test]
    fn a_map_without_a_type_is_owned_as_the_server_says() {
        let applied =
            json!({"f:spec": {"f:size": {}, "f:nested": {".": {}, "f:x": {".": {}, "f:y": {}}}}});
        let live = json!({"metadata": {"resourceVersion": "7", "managedFields": [
            {"manager": "argocd", "operation": "Apply", "fieldsV1": {"f:spec": {"f:size": {}}}},
            {"manager": "driftctl", "operation": "Update", "fieldsV1": {
                "f:spec": {"f:nested": {".": {}, "f:x": {".": {}, "f:y": {}}}}}},
        ]}});
        let job = job(json!({"spec": {"size": 1, "nested": {"x": {"y": 1}}}}));
        let made = |applied: Option<&Value>| {
            let patch = hand_back(&live, "driftctl", "argocd", &job, applied).unwrap();
            let made = apply(&live, &patch).unwrap();
            applied_fields(&made, "argocd").cloned().unwrap()
        };
        assert_eq!(made(Some(&applied)), applied);
        assert_eq!(
            made(None)["f:spec"]["f:nested"],
            json!({"f:x": {"f:y": {}}})
        );
    }

    #[test]
    fn does_not_hand_back_undeclared_fields() {
        let live = json!({"metadata": {"resourceVersion": "7", "managedFields": [
            {"manager": "driftctl", "operation": "Update", "fieldsV1": {"f:a": {}}}]}});
        assert_eq!(
            hand_back(&live, "driftctl", "argocd", &job(json!({"b": 1})), None),
            None
        );
        assert_eq!(
            hand_back(&json!({}), "driftctl", "argocd", &job(json!({})), None),
            None
        );
    }
}
