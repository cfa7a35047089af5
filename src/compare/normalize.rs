//! What a manifest means before any schema is asked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// Rewrites a manifest into the form that the API server makes of it, where that form is a matter
/// of the kind and not of a field's type.
///
/// - A Secret's `stringData` becomes `data`, and wins over a key of the same name
///   (`k8s.io/api/core/v1`, `Secret.StringData`).
/// - A namespace on a cluster-scoped object is dropped, as kubectl does.
/// - A ReplicationController or Job without labels takes those of its template
///   (`pkg/apis/core/v1/defaults.go`, `pkg/apis/batch/v1/defaults.go`).
pub fn normalize(declared: &Value, namespaced: bool) -> Value {
    let mut declared = declared.clone();
    if !namespaced && let Some(Value::Object(metadata)) = declared.get_mut("metadata") {
        metadata.remove("namespace");
    }
    let is = |field: &str, value: &str| declared.get(field).is_some_and(|v| v == value);
    let is_secret = is("kind", "Secret") && is("apiVersion", "v1");
    let takes_labels = (is("kind", "ReplicationController") && is("apiVersion", "v1"))
        || (is("kind", "Job") && is("apiVersion", "batch/v1"));
    if is_secret {
        encode_string_data(&mut declared);
    }
    if takes_labels {
        take_template_labels(&mut declared);
    }
    declared
}

fn take_template_labels(workload: &mut Value) {
    let of_template = workload.pointer("/spec/template/metadata/labels").cloned();
    let metadata = workload.get_mut("metadata").and_then(Value::as_object_mut);
    if let (Some(labels @ Value::Object(_)), Some(metadata)) = (of_template, metadata) {
        let own = metadata.get("labels").and_then(Value::as_object);
        if own.is_none_or(Map::is_empty) {
            metadata.insert("labels".to_owned(), labels);
        }
    }
}

fn encode_string_data(secret: &mut Value) {
    let Some(secret) = secret.as_object_mut() else {
        return;
    };
    let Some(Value::Object(plain)) = secret.remove("stringData") else {
        return;
    };
    let data = secret
        .entry("data")
        .or_insert_with(|| Value::Object(Map::new()));
    if data.is_null() {
        *data = Value::Object(Map::new());
    }
    let Some(data) = data.as_object_mut() else {
        return;
    };
    for (key, value) in plain {
        // Anything but text is refused by the server; it is kept as it is, and so differs.
        let encoded = match value {
            Value::String(text) => Value::String(STANDARD.encode(text)),
            Value::Null => Value::String(String::new()),
            other => other,
        };
        data.insert(key, encoded);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn string_data_wins_over_data() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret",
            "data": {"a": "eA==", "b": "eA=="}, "stringData": {"b": "y"}});
        let meant = normalize(&secret, true);
        assert_eq!(meant["data"], json!({"a": "eA==", "b": "eQ=="}));
        assert!(meant.get("stringData").is_none());
    }

    #[test]
    fn malformed_secrets_are_survived() {
        for secret in [
            json!({"apiVersion": "v1", "kind": "Secret", "stringData": 3}),
            json!({"apiVersion": "v1", "kind": "Secret", "data": 3, "stringData": {"a": "b"}}),
            json!({"apiVersion": "v1", "kind": "Secret", "data": null, "stringData": {"a": 1}}),
            json!({"kind": "Secret"}),
            json!(null),
        ] {
            normalize(&secret, false);
        }
    }

    #[test]
    fn a_namespace_on_a_cluster_scoped_object_is_dropped() {
        let role = json!({"kind": "ClusterRole", "metadata": {"name": "a", "namespace": "b"}});
        assert_eq!(normalize(&role, false)["metadata"], json!({"name": "a"}));
        assert_eq!(normalize(&role, true), role);
    }
}
