//! The supported fields of an Application (`argo-cd/pkg/apis/application/v1alpha1/types.go`).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::policy::RuleSpec;
use crate::source::gitops::without_nulls;

/// `spec` of an Application.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationSpec {
    pub source: Option<ApplicationSource>,
    pub sources: Option<Vec<ApplicationSource>>,
    pub project: String,
    pub destination: Destination,
    pub sync_policy: SyncPolicy,
    pub ignore_differences: Option<Vec<RuleSpec>>,
}

impl ApplicationSpec {
    /// Parses a spec.
    ///
    /// # Errors
    /// Fails if it is not that of an Application.
    pub fn read(written: Value) -> Result<Self, serde_json::Error> {
        let written = without_nulls(written);
        let mut spec: Self = serde_json::from_value(written.clone())?;
        if let Some(source) = &mut spec.source {
            source.written = written["source"].clone();
        }
        for (at, source) in spec.sources.iter_mut().flatten().enumerate() {
            source.written = written["sources"][at].clone();
        }
        Ok(spec)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SyncPolicy {
    pub sync_options: Vec<String>,
    pub managed_namespace_metadata: Option<NamespaceMetadata>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NamespaceMetadata {
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Destination {
    pub namespace: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationSource {
    #[serde(rename = "repoURL")]
    pub repo_url: String,
    pub target_revision: String,
    pub path: String,
    pub chart: String,
    #[serde(rename = "ref")]
    pub reference: String,
    pub directory: Option<DirectorySource>,
    pub kustomize: Option<ArgoKustomize>,
    pub helm: Option<Helm>,
    pub plugin: Option<Value>,
    /// The whole spec, for fields that are looked up by name.
    #[serde(skip)]
    pub written: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DirectorySource {
    pub recurse: bool,
    pub include: String,
    pub exclude: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ArgoKustomize {
    pub name_prefix: String,
    pub name_suffix: String,
    pub namespace: String,
    pub images: Vec<String>,
    pub common_labels: BTreeMap<String, String>,
    pub common_annotations: BTreeMap<String, String>,
    pub common_annotations_envsubst: bool,
    pub label_without_selector: bool,
    pub label_include_templates: bool,
    pub replicas: Vec<Value>,
    pub patches: Vec<Value>,
    pub components: Vec<String>,
    pub ignore_missing_components: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Helm {
    pub release_name: String,
    pub value_files: Vec<String>,
    pub ignore_missing_value_files: bool,
    pub values: String,
    pub values_object: Option<Value>,
    pub parameters: Vec<Parameter>,
    pub file_parameters: Vec<FileParameter>,
    pub skip_crds: bool,
    pub namespace: String,
    pub kube_version: String,
    pub api_versions: Vec<String>,
    pub skip_schema_validation: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Parameter {
    pub name: String,
    pub value: String,
    pub force_string: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct FileParameter {
    pub name: String,
    pub path: String,
}
