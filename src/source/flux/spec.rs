//! What a Kustomization of Flux says, as far as it matters here
//! (`kustomize-controller/api/v1/kustomization_types.go`).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::rules::Ignore;

/// `spec` of a Kustomization.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    pub path: String,
    pub source_ref: SourceRef,
    pub target_namespace: String,
    pub name_prefix: String,
    pub name_suffix: String,
    pub patches: Vec<Value>,
    pub images: Vec<Value>,
    pub components: Vec<String>,
    pub ignore_missing_components: bool,
    pub common_metadata: CommonMetadata,
    pub post_build: Option<PostBuild>,
    pub ignore: Vec<Ignore>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SourceRef {
    pub kind: String,
    pub name: String,
    pub namespace: String,
}

impl SourceRef {
    /// Whether the source is a Git repository. One that is not named is taken for one.
    pub fn is_git(&self) -> bool {
        matches!(self.kind.as_str(), "GitRepository" | "")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CommonMetadata {
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PostBuild {
    pub substitute: BTreeMap<String, String>,
    pub substitute_from: Vec<SubstituteFrom>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SubstituteFrom {
    pub kind: String,
    pub name: String,
    pub optional: bool,
}
