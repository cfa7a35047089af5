//! Hides names in the cluster: the keys of list items that exist only live, and authors.

use serde_json::Value;

use super::HIDDEN;
use crate::model::{FieldPath, ObjectReport, Owner, PathElement};

/// The only key of list items that is shown: containers and variables are identified by it.
const SHOWN: &str = "name";

/// Hides both in a report whose reader must not see what exists only in the cluster. `declared` is the
/// masked manifest.
pub(super) fn hide_live_only(object: &mut ObjectReport, declared: Option<&Value>) {
    for drift in &mut object.drifts {
        path(&mut drift.change.path, declared);
        managers(&mut drift.owners);
    }
    managers(&mut object.owners);
}

fn managers(owners: &mut [Owner]) {
    for owner in owners {
        HIDDEN.clone_into(&mut owner.manager);
        owner.user = None;
    }
}

/// Hides the keys of undeclared items.
fn path(path: &mut FieldPath, declared: Option<&Value>) {
    let mut at = declared;
    for element in &mut path.0 {
        at = at.and_then(|value| below(value, element));
        if at.is_some() {
            continue;
        }
        match element {
            PathElement::Key(keys) => {
                for (_, value) in keys.iter_mut().filter(|(key, _)| *key != SHOWN) {
                    *value = Value::from(HIDDEN);
                }
            }
            PathElement::Value(value) => *value = Value::from(HIDDEN),
            PathElement::Field(_) | PathElement::Index(_) => {}
        }
    }
}

/// Returns the value at a path element.
fn below<'v>(value: &'v Value, element: &PathElement) -> Option<&'v Value> {
    let mut items = value.as_array().into_iter().flatten();
    match element {
        PathElement::Field(name) => value.get(name),
        PathElement::Index(index) => value.get(index),
        PathElement::Value(wanted) => items.find(|item| *item == wanted),
        // A key with a default need not be written.
        PathElement::Key(keys) => items.find(|item| {
            let is_written = keys.keys().any(|key| item.get(key).is_some());
            let mut keys = keys.iter();
            is_written && keys.all(|(key, wanted)| item.get(key).is_none_or(|it| it == wanted))
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hides_keys_of_undeclared_items() {
        let declared = json!({"spec": {"containers": [{
            "name": "app", "ports": [{"containerPort": 80}], "args": ["a"],
        }]}});
        for (given, expected) in [
            (
                r#".spec.containers[name="app"].ports[containerPort=80,protocol="TCP"].hostPort"#,
                r#".spec.containers[name="app"].ports[containerPort=80,protocol="TCP"].hostPort"#,
            ),
            (
                r#".spec.containers[name="app"].ports[containerPort=81,protocol="TCP"]"#,
                r#".spec.containers[name="app"].ports[containerPort="(hidden, live only)",protocol="(hidden, live only)"]"#,
            ),
            (
                r#".spec.containers[name="app"].volumeMounts[mountPath="/secret"].readOnly"#,
                r#".spec.containers[name="app"].volumeMounts[mountPath="(hidden, live only)"].readOnly"#,
            ),
            (
                r#".spec.initContainers[name="x"].image"#,
                r#".spec.initContainers[name="x"].image"#,
            ),
        ] {
            let mut found: FieldPath = given.parse().unwrap();
            path(&mut found, Some(&declared));
            assert_eq!(found.to_string(), expected);
        }
    }
}
