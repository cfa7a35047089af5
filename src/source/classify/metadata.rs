//! Decides from an object's metadata whether it is kept in a cluster.

use serde_json::{Map, Value};

use super::{DocumentClass, error_at};

/// Returns the error for metadata that must be a string but is not, which the API server would
/// refuse.
pub(super) fn not_text(metadata: &Map<String, Value>) -> Option<DocumentClass> {
    let is_text = |value: &Value| value.is_string() || value.is_null();
    for (field, message) in [
        ("name", "metadata.name must be a string: quote it"),
        ("namespace", "metadata.namespace must be a string: quote it"),
        (
            "generateName",
            "metadata.generateName must be a string: quote it",
        ),
    ] {
        if !metadata.get(field).is_none_or(is_text) {
            return Some(error_at(message, &["metadata", field]));
        }
    }
    for (field, message) in [
        ("labels", "labels must be strings: quote the value"),
        (
            "annotations",
            "annotations must be strings: quote the value",
        ),
    ] {
        match metadata.get(field) {
            None | Some(Value::Null) => {}
            Some(Value::Object(values)) => {
                if let Some((key, _)) = values.iter().find(|(_, value)| !is_text(value)) {
                    return Some(error_at(message, &["metadata", field, key]));
                }
            }
            Some(_) => return Some(error_at(message, &["metadata", field])),
        }
    }
    None
}

/// Returns why an object that is applied does not exist in the cluster afterwards, according to its
/// metadata.
pub fn never_applied(metadata: &Map<String, Value>) -> Option<&'static str> {
    let annotation = |key: &str| metadata.get("annotations").and_then(|all| all.get(key));
    if annotation("argocd.argoproj.io/hook").is_some() {
        return Some("an Argo CD hook, which exists only during a sync");
    }
    if annotation("helm.sh/hook").is_some() {
        return Some("a Helm hook, which exists only during an install or upgrade");
    }
    // https://kpt.dev/book/04-using-functions/#specifying-functions-in-the-kptfile
    if annotation("config.kubernetes.io/local-config").is_some_and(|value| value == "true") {
        return Some("marked as local configuration, which is not applied");
    }
    None
}
