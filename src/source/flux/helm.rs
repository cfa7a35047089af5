//! Reads the chart reference of a HelmRelease (`helm-controller/api/v2`), and finds the chart.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::sources::{FluxSources, target};
use super::spec::{CommonMetadata, SourceRef};
use crate::source::checkout::{Checkout, Checkouts};
use crate::source::gitops::{GitOpsObject, without_nulls};
use crate::source::render::ChartReference;

/// The supported fields of a HelmRelease's `spec`.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReleaseSpec {
    chart: Option<ChartTemplate>,
    chart_ref: Option<SourceRef>,
    pub target_namespace: String,
    post_renderers: Vec<PostRenderer>,
    upgrade: Upgrade,
    pub common_metadata: CommonMetadata,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
struct ChartTemplate {
    spec: ChartSpec,
}

/// A chart reference, in a HelmRelease or in a HelmChart.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ChartSpec {
    chart: String,
    version: String,
    source_ref: SourceRef,
    values_files: Vec<String>,
    ignore_missing_values_files: bool,
    reconcile_strategy: String,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
struct Upgrade {
    crds: String,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
struct PostRenderer {
    kustomize: Option<KustomizeRenderer>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct KustomizeRenderer {
    patches: Vec<Value>,
    patches_strategic_merge: Vec<Value>,
    images: Vec<Value>,
}

/// The location of a chart.
pub(in crate::source) enum ChartAt {
    /// In this repository.
    Here {
        directory: PathBuf,
        checkout: Arc<Checkout>,
        /// The files that replace its values.
        values: Vec<PathBuf>,
        /// Whether each change of its files is deployed, rather than only version changes.
        each_revision: bool,
    },
    /// Remote.
    Elsewhere {
        reference: ChartReference,
        /// The files in it that replace its values.
        values: Vec<String>,
    },
    /// Unknown, with the reason.
    Unknown(String),
}

impl ReleaseSpec {
    /// Parses the spec of a HelmRelease; fields that cannot be parsed are empty.
    pub fn of(release: &GitOpsObject) -> Option<Self> {
        let spec = release.value.get("spec").cloned().unwrap_or(json!({}));
        serde_json::from_value(without_nulls(spec)).ok()
    }

    /// Returns whether the definitions of custom resources are updated with the chart.
    pub fn updates_crds(&self) -> bool {
        self.upgrade.crds == "CreateReplace"
    }

    /// Returns the requested version, if there is one.
    pub fn version(&self) -> &str {
        self.chart
            .as_ref()
            .map_or("", |chart| chart.spec.version.as_str())
    }

    /// Returns the post-renderers, in order, as fields of kustomizations.
    pub fn post_renderers(&self) -> Vec<Map<String, Value>> {
        let kustomize = self.post_renderers.iter();
        let kustomize = kustomize.filter_map(|renderer| renderer.kustomize.as_ref());
        let fields = kustomize.map(|kustomize| {
            let merged = kustomize.patches_strategic_merge.iter();
            let merged = merged.map(|patch| json!({"patch": patch.to_string()}));
            let patches = kustomize.patches.iter().map(|patch| {
                // Flux supports only these; kustomize would load files as well.
                let fields = ["patch", "target"].into_iter();
                let fields =
                    fields.filter_map(|field| Some((field.to_owned(), patch.get(field)?.clone())));
                Value::Object(fields.collect())
            });
            let patches: Vec<Value> = merged.chain(patches).collect();
            let mut fields = Map::new();
            for (field, list) in [("patches", &patches), ("images", &kustomize.images)] {
                if !list.is_empty() {
                    fields.insert(field.to_owned(), json!(list));
                }
            }
            fields
        });
        fields.filter(|fields| !fields.is_empty()).collect()
    }

    /// Finds its chart.
    pub fn chart_at(
        &self,
        release: &GitOpsObject,
        sources: &FluxSources<'_>,
        checkouts: &Checkouts<'_>,
    ) -> ChartAt {
        let namespace = release.metadata("namespace");
        match (&self.chart, &self.chart_ref) {
            (Some(chart), _) => of_spec(&chart.spec, namespace, sources, checkouts),
            (None, Some(reference)) => of_reference(reference, namespace, sources, checkouts),
            (None, None) => ChartAt::Unknown("they do not name a chart".to_owned()),
        }
    }
}

/// Returns the chart that another object names.
fn of_reference(
    reference: &SourceRef,
    namespace: &str,
    sources: &FluxSources<'_>,
    checkouts: &Checkouts<'_>,
) -> ChartAt {
    let Some(found) = sources.of_charts(reference, namespace) else {
        return not_found(reference);
    };
    let text = |pointer: &str| {
        let text = found.value.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    match &*reference.kind {
        "OCIRepository" => {
            let url = text("/spec/url");
            let Some((repository, name)) = url.trim_end_matches('/').rsplit_once('/') else {
                return ChartAt::Unknown(
                    "the address of their OCIRepository is not that of a \
                    chart"
                        .into(),
                );
            };
            let digest = Some(text("/spec/ref/digest")).filter(|digest| !digest.is_empty());
            let version = match text("/spec/ref/semver") {
                range if range.is_empty() => text("/spec/ref/tag"),
                range => range,
            };
            let reference = ChartReference {
                repository: repository.to_owned(),
                name: name.to_owned(),
                version,
                digest,
            };
            let values = Vec::new();
            ChartAt::Elsewhere { reference, values }
        }
        "HelmChart" => {
            let spec = found.value.get("spec").cloned().unwrap_or(json!({}));
            match serde_json::from_value::<ChartSpec>(without_nulls(spec)) {
                Ok(spec) => of_spec(&spec, found.metadata("namespace"), sources, checkouts),
                Err(_) => ChartAt::Unknown("cannot read the spec of their HelmChart".to_owned()),
            }
        }
        kind => ChartAt::Unknown(format!("the contents of their {kind} are unknown")),
    }
}

fn not_found(reference: &SourceRef) -> ChartAt {
    let kind = &reference.kind;
    ChartAt::Unknown(format!(
        "the {kind} of their charts is neither declared here nor live"
    ))
}

/// Returns the chart that a spec names.
fn of_spec(
    spec: &ChartSpec,
    namespace: &str,
    sources: &FluxSources<'_>,
    checkouts: &Checkouts<'_>,
) -> ChartAt {
    match &*spec.source_ref.kind {
        "GitRepository" => {
            let here = here(spec, namespace, sources, checkouts);
            here.unwrap_or_else(ChartAt::Unknown)
        }
        "HelmRepository" => {
            let Some(found) = sources.of_charts(&spec.source_ref, namespace) else {
                return not_found(&spec.source_ref);
            };
            let url = found.value.pointer("/spec/url").and_then(Value::as_str);
            let reference = ChartReference {
                repository: url.unwrap_or_default().to_owned(),
                name: spec.chart.clone(),
                version: match spec.version.as_str() {
                    "*" => String::new(),
                    version => version.to_owned(),
                },
                digest: None,
            };
            let values = spec.values_files.clone();
            ChartAt::Elsewhere { reference, values }
        }
        kind => ChartAt::Unknown(format!("the contents of their {kind} are unknown")),
    }
}

/// Returns the chart in this repository.
fn here(
    spec: &ChartSpec,
    namespace: &str,
    sources: &FluxSources<'_>,
    checkouts: &Checkouts<'_>,
) -> Result<ChartAt, String> {
    let elsewhere = || "their charts are in another repository".to_owned();
    if !sources.is_home(&spec.source_ref, namespace) {
        return Err(elsewhere());
    }
    let repository = sources.repository(&spec.source_ref, namespace);
    let target = repository.as_ref().and_then(target);
    if let Some(target) = &target {
        let claimed = checkouts.claim(&target.address, &spec.chart);
        claimed.map_err(|_| elsewhere())?;
    }
    let checkout = checkouts.of(target.as_ref())?;
    let directory = checkout.path(&spec.chart)?;
    let mut values = Vec::new();
    for file in &spec.values_files {
        match checkout.path(file) {
            Ok(file) => values.push(file),
            Err(_) if spec.ignore_missing_values_files => {}
            Err(message) => return Err(message),
        }
    }
    Ok(ChartAt::Here {
        directory,
        checkout,
        values,
        each_revision: spec.reconcile_strategy == "Revision",
    })
}

/// Returns the files in a chart that replace its values.
///
/// # Errors
/// Fails if one of them is not in it.
pub(in crate::source) fn values_in(chart: &Path, files: &[String]) -> Result<Vec<PathBuf>, String> {
    let within = |file: &String| {
        let found = chart.join(file.trim_start_matches('/')).canonicalize().ok();
        let found = found.filter(|found| found.starts_with(chart));
        found.ok_or_else(|| format!("there is no {file} in its chart"))
    };
    files.iter().map(within).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(value: Value) -> ReleaseSpec {
        let found = GitOpsObject {
            value: json!({"spec": value}),
            place: String::new(),
        };
        ReleaseSpec::of(&found).unwrap()
    }

    #[test]
    fn converts_post_renderers_to_kustomizations() {
        let patch = json!({"patch": "a", "target": {"kind": "B"}, "path": "/etc/passwd"});
        let written = spec(json!({"postRenderers": [
            {"kustomize": {"patches": [patch], "images": [{"name": "x", "newTag": "1"}]}},
            {"kustomize": {}},
        ]}));
        let fields = Value::from_iter(written.post_renderers());
        let expected = json!([{
            "patches": [{"patch": "a", "target": {"kind": "B"}}],
            "images": [{"name": "x", "newTag": "1"}],
        }]);
        assert_eq!(fields, expected);
    }

    #[test]
    fn updates_crds_if_configured() {
        assert!(!spec(json!({"install": {"crds": "CreateReplace"}})).updates_crds());
        assert!(spec(json!({"upgrade": {"crds": "CreateReplace"}})).updates_crds());
    }
}
