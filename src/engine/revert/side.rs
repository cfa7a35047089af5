//! Finds what else the server changed because of a write, so that an undo can restore that too.
//!
//! A Service that is no longer a NodePort loses its node ports, and a Deployment that is switched
//! back to RollingUpdate gets defaults that Recreate does not allow.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{BOOKKEEPING, PatchJob, side_effects};
use crate::model::{FieldPath, PathElement};
use crate::patch::PatchOperation;

/// Names that identify the items of lists, the longest first.
const KEYS: [&[&str]; 5] = [
    &["containerPort", "protocol"],
    &["port", "protocol"],
    &["mountPath"],
    &["devicePath"],
    &["name"],
];

/// Returns the lists whose items a job also puts back in order.
pub fn reordered_lists(job: &PatchJob) -> Vec<FieldPath> {
    let operations = job.operations(&job.before).unwrap_or_default();
    let lists: BTreeSet<FieldPath> = operations
        .iter()
        .filter_map(|operation| match operation {
            PatchOperation::Move { to, .. } => path_of(to.parent()?, &job.before),
            _ => None,
        })
        .collect();
    lists.into_iter().collect()
}

/// A field that the server changed by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct SideChange {
    /// Where.
    pub path: FieldPath,
    /// Its value before the write.
    pub before: Option<Value>,
    /// Its value after the write.
    pub after: Option<Value>,
}

/// Returns where the server would change something besides what it is asked to change, and besides
/// the defaults of that.
pub fn side_effects_of(job: &PatchJob, answer: &Value) -> Vec<FieldPath> {
    let effects = side_effects(job, answer);
    let paths = effects
        .iter()
        .filter_map(|pointer| path_of(pointer, answer).or_else(|| path_of(pointer, &job.before)));
    paths.collect()
}

/// Returns what the server changed besides the fields that were written.
pub fn side_changes(job: &PatchJob, answer: &Value) -> Vec<SideChange> {
    let mut found = Vec::new();
    let edits: Vec<&FieldPath> = job.edits.iter().map(|edit| &edit.path).collect();
    let root = FieldPath::root();
    differ([Some(&job.before), Some(answer)], &root, &edits, &mut found);
    found
}

fn differ(
    [before, after]: [Option<&Value>; 2],
    path: &FieldPath,
    edits: &[&FieldPath],
    found: &mut Vec<SideChange>,
) {
    let is_at = |pointer: &&str| {
        let names: Vec<&str> = pointer.split('/').skip(1).collect();
        *path == FieldPath::of_fields(&names)
    };
    let is_bookkeeping = BOOKKEEPING.iter().any(is_at);
    // An edit keeps the whole value at its path.
    let is_written = edits.iter().any(|edit| path.starts_with(edit));
    if before == after || is_bookkeeping || is_written {
        return;
    }
    let is_above = edits.iter().any(|edit| edit.starts_with(path));
    match (before, after) {
        (Some(Value::Object(_)), Some(Value::Object(_)))
        | (None, Some(Value::Object(_)))
        | (Some(Value::Object(_)), None)
            if is_above || before.is_some() && after.is_some() =>
        {
            let sides = [before, after].into_iter().flatten();
            let fields = sides.filter_map(Value::as_object);
            let names: BTreeSet<&String> = fields.flat_map(Map::keys).collect();
            for name in names {
                let sides = [before, after].map(|side| side.and_then(|side| side.get(name)));
                let below = path.child(PathElement::Field(name.clone()));
                differ(sides, &below, edits, found);
            }
        }
        (Some(Value::Array(_)), Some(Value::Array(_)))
        | (Some(Value::Array(_)), None)
        | (None, Some(Value::Array(_)))
            if is_above || before.is_some() && after.is_some() =>
        {
            let [ours, theirs] = [before, after].map(|side| {
                side.and_then(Value::as_array)
                    .map_or(&[][..], Vec::as_slice)
            });
            // An edit of an item knows what identifies it.
            let known = edits
                .iter()
                .filter(|edit| edit.starts_with(path))
                .find_map(|edit| match edit.0.get(path.0.len())? {
                    PathElement::Key(keys) => Some(keys.keys().map(String::as_str).collect()),
                    _ => None,
                });
            let known: Vec<&str> = known.unwrap_or_default();
            let is_by_index = edits.iter().any(|edit| {
                let element = edit.0.get(path.0.len());
                edit.starts_with(path) && matches!(element, Some(PathElement::Index(_)))
            });
            let items = |items: &[Value]| -> Option<Vec<PathElement>> {
                if is_by_index {
                    return Some((0..items.len()).map(PathElement::Index).collect());
                }
                let by_keys = |item| named_by(&known, items, item);
                let named = |item| by_keys(item).or_else(|| item_of(items, item));
                items.iter().map(named).collect()
            };
            match (items(ours), items(theirs)) {
                (Some(names), Some(others)) => {
                    let new = others.iter().filter(|name| !names.contains(name)).cloned();
                    let all: Vec<PathElement> = names.iter().cloned().chain(new).collect();
                    for name in all {
                        let item = |names: &[PathElement], items| {
                            let items: &[Value] = items;
                            let at = names.iter().position(|other| *other == name);
                            at.and_then(|at| items.get(at).cloned())
                        };
                        let (one, other) = (item(&names, ours), item(&others, theirs));
                        let sides = [one.as_ref(), other.as_ref()];
                        differ(sides, &path.child(name), edits, found);
                    }
                }
                _ if is_above => {}
                _ => found.push(SideChange::of(path, before, after)),
            }
        }
        // An empty map or list means the same as none.
        (None, Some(other)) | (Some(other), None) if super::is_empty(other) => {}
        _ => found.push(SideChange::of(path, before, after)),
    }
}

impl SideChange {
    fn of(path: &FieldPath, before: Option<&Value>, after: Option<&Value>) -> Self {
        Self {
            path: path.clone(),
            before: before.cloned(),
            after: after.cloned(),
        }
    }
}

/// Returns the path of a JSON Pointer, whose items are named as the object has them. `None` if it
/// leads through a list that the object does not have.
fn path_of(pointer: &str, object: &Value) -> Option<FieldPath> {
    let mut path = FieldPath::root();
    let mut value = Some(object);
    for name in pointer.split('/').skip(1) {
        let name = name.replace("~1", "/").replace("~0", "~");
        let element = match value {
            Some(Value::Array(items)) => {
                let index: usize = name.parse().ok()?;
                let item = items.get(index)?;
                value = Some(item);
                item_of(items, item).unwrap_or(PathElement::Index(index))
            }
            _ => {
                value = value.and_then(|value| value.get(&name));
                PathElement::Field(name)
            }
        };
        path = path.child(element);
    }
    Some(path)
}

/// Returns the path element of an item, if names identify it.
fn item_of(items: &[Value], item: &Value) -> Option<PathElement> {
    KEYS.iter().find_map(|names| named_by(names, items, item))
}

/// Returns the path element of an item, if these names identify it.
fn named_by(names: &[&str], items: &[Value], item: &Value) -> Option<PathElement> {
    let keys_of = |item: &Value| -> Option<BTreeMap<String, Value>> {
        let keys = names.iter();
        keys.map(|name| Some(((*name).to_owned(), item.get(*name)?.clone())))
            .collect()
    };
    let keys = keys_of(item).filter(|keys| !keys.is_empty())?;
    let same = items
        .iter()
        .filter(|other| keys_of(other).as_ref() == Some(&keys));
    (same.count() == 1).then_some(PathElement::Key(keys))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::revert::FieldWrite;

    fn changes(
        before: Value,
        path: &str,
        to: impl Into<Option<Value>>,
        after: &Value,
    ) -> Vec<String> {
        let edit = FieldWrite {
            path: path.parse().unwrap(),
            to: to.into(),
            former: Vec::new(),
        };
        let job = PatchJob {
            wanted: after.clone(),
            before,
            edits: vec![edit],
            kept: Vec::new(),
        };
        let found = side_changes(&job, after).into_iter();
        let text = |value: Option<Value>| value.map_or("none".to_owned(), |it| it.to_string());
        found
            .map(|change| {
                format!(
                    "{} {} → {}",
                    change.path,
                    text(change.before),
                    text(change.after)
                )
            })
            .collect()
    }

    #[test]
    fn node_ports_that_a_change_of_type_costs_are_found() {
        let before = json!({"spec": {"type": "NodePort", "ports": [
            {"name": "web", "port": 81, "protocol": "TCP", "nodePort": 31000},
            {"name": "admin", "port": 90, "protocol": "TCP", "nodePort": 32000}]}});
        let after = json!({"spec": {"type": "ClusterIP", "ports": [
            {"name": "web", "port": 81, "protocol": "TCP"},
            {"name": "admin", "port": 90, "protocol": "TCP"}]}});
        assert_eq!(
            changes(before, ".spec.type", json!("ClusterIP"), &after),
            [
                r#".spec.ports[port=81,protocol="TCP"].nodePort 31000 → none"#,
                r#".spec.ports[port=90,protocol="TCP"].nodePort 32000 → none"#,
            ]
        );
    }

    /// An atomic list is not keyed, although its items have names.
    #[test]
    fn a_written_item_of_an_atomic_list_is_not_found() {
        let subjects = |namespace: Option<&str>| {
            let mut subject = json!({"kind": "ServiceAccount", "name": "cart"});
            subject["namespace"] = namespace.into();
            json!({"subjects": [subject]})
        };
        let path = ".subjects[0].namespace";
        let found = changes(subjects(None), path, json!("shop"), &subjects(Some("shop")));
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn what_comes_with_a_map_that_is_emptied_is_found() {
        let before = json!({"metadata": {"generation": 1}, "spec": {
            "strategy": {"type": "Recreate"},
            "containers": [{"name": "a", "image": "x"}]}});
        let after = json!({"metadata": {"generation": 2}, "spec": {
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
            "containers": [{"name": "a", "image": "x"}, {"name": "istio", "image": "y"}]}});
        assert_eq!(
            changes(
                before.clone(),
                ".spec.strategy.type",
                json!("RollingUpdate"),
                &after
            ),
            [
                r#".spec.containers[name="istio"] none → {"image":"y","name":"istio"}"#,
                r#".spec.strategy.rollingUpdate none → {"maxSurge":1}"#,
            ]
        );
        // The edit of the whole holds it.
        let found = changes(
            before,
            ".spec.strategy",
            json!({"type": "RollingUpdate"}),
            &after,
        );
        assert_eq!(found.len(), 1, "{found:?}");
    }

    /// The server counts the changes of a DaemonSet's template, whatever is written.
    #[test]
    fn what_the_server_counts_is_not_found() {
        let object = |image: &str, count: &str| {
            json!({"metadata": {"annotations": {
                "deprecated.daemonset.template.generation": count}}, "spec": {"image": image}})
        };
        let after = object("a:1", "3");
        let found = changes(object("a:2", "2"), ".spec.image", json!("a:1"), &after);
        assert!(found.is_empty(), "{found:?}");
    }

    /// An undo would add the item twice.
    #[test]
    fn a_removed_item_is_not_found_again_under_another_name() {
        let mount = |path: &str| json!({"name": "data", "mountPath": path, "zone": path});
        let kept = json!({"name": "logs", "mountPath": "/logs", "zone": "/logs"});
        let before = json!({"mounts": [kept, mount("/data")], "x": 1});
        let after = json!({"mounts": [kept]});
        for key in [r#"mountPath="/data""#, r#"zone="/data""#] {
            let path = format!(".mounts[{key}]");
            assert_eq!(
                changes(before.clone(), &path, None, &after),
                [".x 1 → none"]
            );
        }
    }

    #[test]
    fn a_list_that_goes_with_its_last_item_is_not_found_as_well() {
        let before = json!({"metadata": {"finalizers": ["a"]}, "mounts": [{"mountPath": "/x"}]});
        let after = json!({"metadata": {}, "mounts": [{"mountPath": "/x"}]});
        let path = r#".metadata.finalizers[="a"]"#;
        assert!(changes(before.clone(), path, None, &after).is_empty());
        let after = json!({"metadata": {"finalizers": ["a"]}});
        let path = r#".mounts[mountPath="/x"]"#;
        assert!(changes(before, path, None, &after).is_empty());
    }

    #[test]
    fn defaults_that_come_with_a_value_are_found() {
        let before = json!({"spec": {"strategy": {"type": "Recreate"}, "replicas": 1}});
        let after = json!({"spec": {"replicas": 1, "strategy": {"type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": "25%"}}}});
        let found = changes(
            before,
            ".spec.strategy.type",
            json!("RollingUpdate"),
            &after,
        );
        assert_eq!(
            found,
            [r#".spec.strategy.rollingUpdate none → {"maxSurge":"25%"}"#]
        );
    }
}
