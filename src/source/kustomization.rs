//! Recognizes kustomizations, by the name of a file and by its content.

use std::path::Path;

use serde_json::Value;

use crate::model::group_of;

/// The only name of a kustomization without an extension.
pub(super) const BARE_NAME: &str = "Kustomization";

/// The group of kustomize's own files. Flux has a `Kustomization` too, in its own group, and
/// that one is an object.
pub(super) const GROUP: &str = "kustomize.config.k8s.io";

/// Returns whether a file has one of the names that kustomize looks for.
pub(super) fn has_name(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    matches!(
        name,
        Some("kustomization.yaml" | "kustomization.yml" | BARE_NAME)
    )
}

/// Returns whether a document in a file with such a name is kustomize's, which may have no kind.
pub(super) fn is_kustomization(value: &Value) -> bool {
    match value.get("apiVersion") {
        None => value
            .get("kind")
            .is_none_or(|kind| kind == "Kustomization" || kind == "Component" || kind == ""),
        // kustomize accepts an empty document.
        Some(api_version) => api_version
            .as_str()
            .is_some_and(|version| version.is_empty() || group_of(version) == GROUP),
    }
}
