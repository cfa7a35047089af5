//! The supported fields of a Flux Kustomization
//! (`kustomize-controller/api/v1/kustomization_types.go`).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::rules::Ignore;

/// `spec` of a Kustomization.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KustomizationSpec {
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

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct SourceRef {
    pub kind: String,
    pub name: String,
    pub namespace: String,
}

impl SourceRef {
    /// Returns whether the source is a Git repository, which is the default for a source without a
    /// kind.
    pub fn is_git(&self) -> bool {
        matches!(self.kind.as_str(), "GitRepository" | "")
    }

    /// Returns the namespace of the source, for a Kustomization in `own`.
    pub fn namespace<'n>(&'n self, own: &'n str) -> &'n str {
        match self.namespace.as_str() {
            "" => own,
            namespace => namespace,
        }
    }

    /// Returns the error for a source that is not this repository.
    pub fn is_elsewhere(&self) -> String {
        format!(
            "it reads from {} {}, which is not this repository: compare it where its files are, \
             or name their folder with --repo-root",
            self.kind, self.name
        )
    }
}

#[derive(Debug, Default, Clone, Deserialize)]
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
