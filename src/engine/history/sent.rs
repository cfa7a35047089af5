//! Lists the fields that a request sends, from its body. Reports name these paths, without values.

use std::collections::BTreeMap;

use serde_json::Value;

use super::text;
use crate::model::{FieldPath, PathElement};

/// The fields by which patches identify list items, the most specific first.
const KEYS: [&str; 6] = [
    "name",
    "containerPort",
    "port",
    "mountPath",
    "ip",
    "topologyKey",
];

/// Returns the fields that a patch sends: a merge patch, a strategic merge patch, an apply or a
/// JSON Patch.
pub(super) fn paths(body: &Value, kind: &str) -> Vec<FieldPath> {
    let mut found = Vec::new();
    match body {
        Value::Array(operations) => {
            let places = operations
                .iter()
                .filter(|one| text(one, "/op") != Some("test"));
            found.extend(places.filter_map(|one| text(one, "/path").map(of_pointer)));
        }
        _ => collect_paths(body, &mut Vec::new(), &mut found),
    }
    for path in &mut found {
        // The server stores stringData as data.
        if let (Some(PathElement::Field(first)), "Secret") = (path.0.first_mut(), kind)
            && first == "stringData"
        {
            *first = "data".to_owned();
        }
    }
    found.sort_by_key(ToString::to_string);
    found.dedup();
    found
}

/// Returns whether a request changes nothing but `managedFields`.
pub(super) fn is_bookkeeping(paths: &[FieldPath]) -> bool {
    let books = [".metadata.managedFields", ".metadata.resourceVersion"];
    let is_book = |path: &FieldPath| books.iter().any(|book| path.to_string().starts_with(book));
    !paths.is_empty() && paths.iter().all(is_book)
}

/// Returns whether a path is at or below another. An index matches any item, because a patch may
/// identify items by index.
pub(super) fn is_within(path: &FieldPath, whole: &FieldPath) -> bool {
    whole.0.len() <= path.0.len() && whole.0.iter().zip(&path.0).all(|(a, b)| is_same(a, b))
}

fn is_same(a: &PathElement, b: &PathElement) -> bool {
    use PathElement::{Field, Index, Key, Value};
    match (a, b) {
        (Field(a), Field(b)) => a == b,
        // A key of a map may look like a number.
        (Field(name), Index(at)) | (Index(at), Field(name)) => *name == at.to_string(),
        (Index(_), _) | (_, Index(_)) => true,
        (Key(a), Key(b)) => a.iter().all(|(name, value)| {
            let other = b.get(name);
            other.is_none_or(|other| other == value)
        }),
        (Value(a), Value(b)) => a == b,
        _ => false,
    }
}

/// Returns `/spec/ports/0/port` as `.spec.ports[0].port`; for an item that is appended (`-`), the
/// path of the list.
fn of_pointer(pointer: &str) -> FieldPath {
    let parts = pointer.split('/').skip(1);
    let parts = parts.map(|part| part.replace("~1", "/").replace("~0", "~"));
    let parts = parts.take_while(|part| part != "-");
    FieldPath(
        parts
            .map(|part| match part.parse() {
                Ok(at) => PathElement::Index(at),
                Err(_) => PathElement::Field(part),
            })
            .collect(),
    )
}

fn collect_paths(value: &Value, path: &mut Vec<PathElement>, found: &mut Vec<FieldPath>) {
    match value {
        Value::Object(fields) => {
            // Directives of strategic merge patches are not fields.
            let names = fields.iter().filter(|(name, _)| !name.starts_with('$'));
            let named: Vec<_> = names.filter(|(name, _)| !is_identity(path, name)).collect();
            // A map with only a directive, or an item with only its key, is sent as a whole.
            let is_whole = fields.keys().any(|name| name.starts_with('$'));
            let is_item = matches!(path.last(), Some(PathElement::Key(_)));
            let is_sent = fields.is_empty() || is_whole || is_item;
            if named.is_empty() && !path.is_empty() && is_sent {
                found.push(FieldPath(path.clone()));
            }
            for (name, value) in named {
                path.push(PathElement::Field(name.clone()));
                collect_paths(value, path, found);
                path.pop();
            }
        }
        Value::Array(items) => match items.iter().map(key).collect::<Option<Vec<_>>>() {
            Some(keys) if !keys.is_empty() => {
                for (key, item) in keys.into_iter().zip(items) {
                    path.push(PathElement::Key(key));
                    collect_paths(item, path, found);
                    path.pop();
                }
            }
            _ => found.push(FieldPath(path.clone())),
        },
        _ => found.push(FieldPath(path.clone())),
    }
}

/// Returns whether a field only identifies an object or a list item.
fn is_identity(path: &[PathElement], name: &str) -> bool {
    match path {
        [] => matches!(name, "apiVersion" | "kind"),
        [PathElement::Field(metadata)] if metadata == "metadata" => {
            matches!(name, "name" | "namespace" | "uid")
        }
        [.., PathElement::Key(keys)] => keys.contains_key(name),
        _ => false,
    }
}

/// Returns the key of a list item, if it has one.
fn key(item: &Value) -> Option<BTreeMap<String, Value>> {
    let found = KEYS.iter().find_map(|name| {
        let value = item.get(*name)?;
        Some(((*name).to_owned(), value.clone()))
    });
    found.map(|pair| BTreeMap::from([pair]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(body: &Value) -> Vec<String> {
        let paths = paths(body, "Secret");
        paths.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lists_the_paths_of_a_patch_without_values() {
        let body = json!({"kind": "Deployment", "metadata": {"name": "a", "labels": {"b": "c"}},
                          "spec": {"replicas": 3}, "stringData": {"password": "x"}});
        let expected = [".data.password", ".metadata.labels.b", ".spec.replicas"];
        assert_eq!(said(&body), expected);
        let body = json!({"metadata": {"name": "a"}, "spec": {"paused": {}}});
        assert_eq!(said(&body), [".spec.paused"]);
        let body = json!([{"op": "test", "path": "/spec/a", "value": 1},
                          {"op": "add", "path": "/spec/ports/-", "value": {}},
                          {"op": "remove", "path": "/spec/containers/0/image"},
                          {"op": "remove", "path": "/metadata/labels/x~1y"}]);
        let expected = [
            ".metadata.labels[\"x/y\"]",
            ".spec.containers[0].image",
            ".spec.ports",
        ];
        assert_eq!(said(&body), expected);
    }

    #[test]
    fn identifies_list_items_of_a_strategic_patch_by_key() {
        let body = json!({"spec": {"$setElementOrder/containers": [{"name": "api"}],
            "containers": [{"name": "api", "env": [{"name": "A", "value": "1"}]},
                           {"name": "old", "$patch": "delete"}], "args": ["a"]}});
        let expected = [
            ".spec.args",
            ".spec.containers[name=\"api\"].env[name=\"A\"].value",
            ".spec.containers[name=\"old\"]",
        ];
        assert_eq!(said(&body), expected);
    }

    #[test]
    fn an_index_matches_any_item() {
        let is =
            |path: &str, whole: &str| is_within(&path.parse().unwrap(), &whole.parse().unwrap());
        assert!(is(
            ".ports[port=80,protocol=\"TCP\"].name",
            ".ports[port=80]"
        ));
        assert!(!is(
            ".ports[port=80,protocol=\"TCP\"].name",
            ".ports[port=81]"
        ));
        assert!(is(".ports[port=80].name", ".ports[0].name"));
        assert!(is(".data[\"0\"]", ".data[0]"));
        assert!(!is(".data[\"1\"]", ".data[0]"));
        assert!(!is(".spec", ".spec.replicas"));
    }

    #[test]
    fn a_request_that_only_writes_managed_fields_is_bookkeeping() {
        let migrates = json!([{"op": "replace", "path": "/metadata/managedFields", "value": []},
                              {"op": "replace", "path": "/metadata/resourceVersion", "value": "1"}]);
        assert!(is_bookkeeping(&paths(&migrates, "Deployment")));
        assert!(!is_bookkeeping(&[]));
    }
}
