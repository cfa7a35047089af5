//! Renders the charts that kustomizations name. kustomize would run
//! helm; here the charts are rendered first, and kustomize gets the results as resources.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::chart_entries::HelmChartEntry;
use super::graph::KustomizationNode;
use super::strings;
use crate::source::LoadedSource;
use crate::source::chart::{Capabilities, Chart, Inline, lay_over, not_fetched, values_of_files};
use crate::source::render::{
    ChartOptions, ChartReference, FetchedChart, FileNames, Rendering, workspace, write,
};

/// The rendered charts of some kustomizations: texts of objects, by directory.
pub(super) type Inflated = BTreeMap<PathBuf, Vec<String>>;

/// Renders the charts of kustomizations. A chart that cannot be rendered is an error at the file of
/// its kustomization, and the other files are still compared.
pub(super) fn inflate(
    nodes: &BTreeMap<PathBuf, &KustomizationNode>,
    names: &FileNames,
    rendering: &Rendering,
    loaded: &mut LoadedSource,
) -> Inflated {
    let mut inflated = Inflated::new();
    for (directory, node) in nodes {
        for entry in &node.charts {
            match entry.rendered(directory, names, rendering, loaded) {
                Ok(text) => inflated.entry(directory.clone()).or_default().push(text),
                Err(message) => loaded.error(names.of(&node.file), message),
            }
        }
    }
    inflated
}

impl HelmChartEntry {
    fn rendered(
        &self,
        directory: &Path,
        names: &FileNames,
        rendering: &Rendering,
        loaded: &mut LoadedSource,
    ) -> Result<String, String> {
        if rendering.untrusted {
            return Err("charts of kustomizations are not rendered with --untrusted".to_owned());
        }
        let fetched;
        let (chart, names): (PathBuf, &FileNames) = match self.folder(directory) {
            Some(chart) => (chart, names),
            None => {
                fetched = self.fetched(rendering)?;
                (fetched.directory.clone(), &fetched.names)
            }
        };
        let workspace = workspace()?;
        let own = workspace.path().join("values.yaml");
        write(&own, &self.values(directory)?.to_string())?;
        let more = self.additional_values_files.iter();
        let more = more.map(|file| directory.join(file));
        let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let options = ChartOptions {
            values: [own].into_iter().chain(more).collect(),
            release: text(&self.release_name),
            namespace: text(&self.namespace),
            ..ChartOptions::default()
        };
        let capabilities = Capabilities {
            kube_version: text(&self.kube_version),
            api_versions: self.api_versions.iter().cloned().collect(),
            namespace: None,
        };
        let chart = Chart {
            directory: &chart,
            names,
            options: &options,
            capabilities: &capabilities,
            inline: Inline::default(),
            with_crds: self.include_crds,
        };
        let mut rendered = chart.load(rendering);
        if let Some(error) = rendered.errors.into_iter().next() {
            return Err(format!("helmCharts, {}: {}", self.name, error.message));
        }
        loaded.warnings.append(&mut rendered.warnings);
        loaded.skipped.append(&mut rendered.skipped);
        loaded.rules.append(&mut rendered.rules);
        // JSON is YAML.
        let objects = rendered.manifests.iter().map(|m| m.value().to_string());
        Ok(objects.collect::<Vec<_>>().join("\n---\n"))
    }

    fn fetched(&self, rendering: &Rendering) -> Result<std::sync::Arc<FetchedChart>, String> {
        if self.repo.is_empty() {
            return Err(format!(
                "there is no chart {} next to the kustomization, and it names no repo",
                self.name
            ));
        }
        let reference = ChartReference {
            repository: self.repo.clone(),
            name: self.name.clone(),
            version: self.version.clone(),
            digest: None,
        };
        let fetched = rendering.charts.get(&reference, rendering);
        fetched.map_err(|why| match rendering.allow_remote {
            true => why,
            // The message is the same for all of them.
            false => format!(
                "a chart in its helmCharts is not available: {}",
                not_fetched(rendering)
            ),
        })
    }

    /// Returns the values in its file and inline values
    /// (`HelmChartInflationGeneratorPlugin.createNewMergedValuesFile`).
    fn values(&self, directory: &Path) -> Result<Value, String> {
        let file = Some(&self.values_file).filter(|file| !file.is_empty());
        let files: Vec<PathBuf> = file.into_iter().map(|file| directory.join(file)).collect();
        let mut values = values_of_files(&files)?;
        let inline = self.values_inline.clone().unwrap_or(json!({}));
        match &*self.values_merge {
            "replace" => values = inline,
            "merge" => {
                let mut below = inline;
                lay_over(&mut below, values);
                values = below;
            }
            "" | "override" => lay_over(&mut values, inline),
            other => {
                return Err(format!(
                    "its valuesMerge is {other}: write merge, override or replace"
                ));
            }
        }
        Ok(values)
    }
}

/// Adds rendered charts to the resources of a kustomization.
pub(super) fn add_resources(fields: &mut Map<String, Value>, files: Vec<String>) {
    if files.is_empty() {
        return;
    }
    let known = fields.get("resources").into_iter().flat_map(strings);
    let resources: Vec<String> = known.map(str::to_owned).chain(files).collect();
    fields.insert("resources".to_owned(), json!(resources));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_values_as_configured() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("v.yaml"), "a: file\nb: file\n").unwrap();
        for (merge, expected) in [
            ("", json!({"a": "inline", "b": "file"})),
            ("merge", json!({"a": "file", "b": "file"})),
            ("replace", json!({"a": "inline"})),
        ] {
            let entry = HelmChartEntry {
                values_file: "v.yaml".to_owned(),
                values_inline: Some(json!({"a": "inline"})),
                values_merge: merge.to_owned(),
                ..HelmChartEntry::default()
            };
            assert_eq!(entry.values(folder.path()), Ok(expected), "{merge}");
        }
    }
}
