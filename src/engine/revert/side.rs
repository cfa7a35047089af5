//! Finds what a write made the server change besides, so that an undo can take that back too.
//!
//! A Service that is no NodePort any more loses its node ports, and a Deployment whose strategy is
//! RollingUpdate again gets defaults that Recreate does not allow.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{PatchJob, side_effects};
use crate::model::{FieldPath, PathElement};
use crate::patch;

/// Names that identify the items of lists, the longest first.
const KEYS: [&[&str]; 3] = [
    &["containerPort", "protocol"],
    &["port", "protocol"],
    &["name"],
];

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

/// Returns what the server changed besides what it was asked to change.
pub fn side_changes(job: &PatchJob, answer: &Value) -> Vec<SideChange> {
    let effects = side_effects(job, answer);
    let changes = effects.iter().filter_map(|pointer| {
        let path = path_of(pointer, answer).or_else(|| path_of(pointer, &job.before))?;
        let value = |object| Some(patch::find(object, &path).ok()??.1.clone());
        let (before, after) = (value(&job.before), value(answer));
        (before != after).then_some(SideChange {
            path,
            before,
            after,
        })
    });
    changes.collect()
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
    KEYS.iter().find_map(|names| {
        let keys_of = |item: &Value| -> Option<BTreeMap<String, Value>> {
            let keys = names.iter();
            keys.map(|name| Some(((*name).to_owned(), item.get(*name)?.clone())))
                .collect()
        };
        let keys = keys_of(item)?;
        let same = items
            .iter()
            .filter(|other| keys_of(other).as_ref() == Some(&keys));
        (same.count() == 1).then_some(PathElement::Key(keys))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::revert::Edit;

    fn changes(before: Value, path: &str, to: Value, after: &Value) -> Vec<String> {
        let edit = Edit {
            path: path.parse().unwrap(),
            to: Some(to),
            former: Vec::new(),
        };
        let job = PatchJob {
            wanted: after.clone(),
            before,
            edits: vec![edit],
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
