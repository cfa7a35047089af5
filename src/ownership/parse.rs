//! `metadata.managedFields` into [`Ownership`].

use serde_json::{Map, Value};

use crate::model::{FieldSet, ManagerEntry, Operation, Owner, Ownership, PathElement};

/// Reads the managed fields of a live object.
///
/// Entries that cannot be read are left out: they come from the cluster, and an object whose
/// owners are partly unknown is still compared. Empty when the object carries none, which is how
/// `kubectl get -o yaml` prints it.
pub fn ownership_of(live: &Value) -> Ownership {
    let entries = live
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    Ownership {
        entries: entries.iter().filter_map(entry).collect(),
    }
}

fn entry(value: &Value) -> Option<ManagerEntry> {
    let text = |name: &str| {
        let text = value.get(name)?.as_str()?;
        (!text.is_empty()).then(|| text.to_owned())
    };
    let operation = match value.get("operation")?.as_str()? {
        "Apply" => Operation::Apply,
        "Update" => Operation::Update,
        _ => return None,
    };
    let fields = value.get("fieldsV1")?.as_object()?;
    Some(ManagerEntry {
        owner: Owner {
            manager: text("manager").unwrap_or_default(),
            operation,
            subresource: text("subresource"),
            time: text("time"),
            user: None,
        },
        fields: field_set(fields),
    })
}

/// Reads one level of `FieldsV1` (structured-merge-diff `fieldpath/serialize.go`). An empty node
/// is a member of the set; a node with children is one only if it says so by `.`.
fn field_set(node: &Map<String, Value>) -> FieldSet {
    let mut set = FieldSet {
        member: node.is_empty(),
        ..FieldSet::default()
    };
    for (key, below) in node {
        if key == "." {
            set.member = true;
            continue;
        }
        let below = below.as_object().map(field_set).unwrap_or_default();
        match segment(key) {
            Some(PathElement::Field(name)) => {
                set.fields.insert(name, below);
            }
            Some(item) => {
                set.items.insert(item, below);
            }
            None => {}
        }
    }
    set
}

/// One path element (structured-merge-diff `fieldpath/serialize-pe.go`).
fn segment(key: &str) -> Option<PathElement> {
    let (tag, rest) = key.split_once(':')?;
    match tag {
        "f" => Some(PathElement::Field(rest.to_owned())),
        "k" => match serde_json::from_str(rest).ok()? {
            Value::Object(keys) => Some(PathElement::Key(keys.into_iter().collect())),
            _ => None,
        },
        "v" => serde_json::from_str(rest).ok().map(PathElement::Value),
        "i" => rest.parse().ok().map(PathElement::Index),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::FieldPath;

    fn live() -> Value {
        json!({"metadata": {"managedFields": [
            {"manager": "kubectl-edit", "operation": "Update", "time": "2026-01-01T00:00:00Z",
             "fieldsType": "FieldsV1", "fieldsV1": {
                "f:metadata": {"f:finalizers": {".": {}, "v:\"hold\"": {}}},
                "f:spec": {
                    "f:selector": {},
                    "f:containers": {"k:{\"name\":\"app\"}": {".": {}, "f:image": {}}},
                    "f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {"f:name": {}}},
                },
             }},
            {"manager": "broken", "operation": "Frobnicate"},
            "not even an object",
        ]}})
    }

    fn owns(path: &str) -> bool {
        !ownership_of(&live())
            .owners_of(&path.parse::<FieldPath>().unwrap(), 0)
            .is_empty()
    }

    #[test]
    fn every_kind_of_path_element_is_found() {
        assert!(owns(".spec.containers[name=\"app\"].image"));
        assert!(owns(".spec.containers[name=\"app\"]"));
        assert!(owns(".metadata.finalizers[=\"hold\"]"));
        assert!(owns(".spec.ports[port=80,protocol=\"TCP\"].name"));
        assert!(!owns(".spec.ports[port=80,protocol=\"UDP\"].name"));
        assert!(!owns(".spec.containers[name=\"app\"].command"));
    }

    #[test]
    fn a_leaf_covers_what_is_below_it() {
        assert!(owns(".spec.selector[\"app.kubernetes.io/name\"]"));
    }

    #[test]
    fn a_parent_is_touched_by_what_is_below_it() {
        assert!(owns(".spec"));
        assert!(!owns(".data"));
    }

    #[test]
    fn entries_that_cannot_be_read_are_left_out() {
        assert_eq!(ownership_of(&live()).entries.len(), 1);
        assert!(ownership_of(&json!({"metadata": {"managedFields": 3}})).is_empty());
    }
}
