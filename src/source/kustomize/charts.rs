//! Renders `helmCharts` of kustomizations, and the generator with that name. kustomize would run
//! helm; here the charts are rendered first, and kustomize gets the results as resources.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::graph::{KustomizationNode, text_of};
use super::{entries, strings};
use crate::source::LoadedSource;
use crate::source::chart::{
    self, Capabilities, Chart, ChartOptions, ChartReference, FetchedChart, Inline, lay_over,
    not_fetched, values_of_files,
};
use crate::source::render::{FileNames, Rendering, workspace, write};
use crate::yaml;

/// The kind of the generator.
const GENERATOR: &str = "HelmChartInflationGenerator";

/// An entry of `helmCharts` (`sigs.k8s.io/kustomize/api/types`, `HelmChart`).
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::source) struct HelmChartEntry {
    name: String,
    repo: String,
    version: String,
    release_name: String,
    namespace: String,
    values_file: String,
    additional_values_files: Vec<String>,
    values_inline: Option<Value>,
    values_merge: String,
    #[serde(rename = "includeCRDs")]
    include_crds: bool,
    api_versions: Vec<String>,
    kube_version: String,
    chart_home: String,
}

impl HelmChartEntry {
    /// Returns the directory of the chart, if it is next to the kustomization.
    fn folder(&self, directory: &Path) -> Option<PathBuf> {
        let home = match self.chart_home.as_str() {
            "" => "charts",
            home => home,
        };
        let home = directory.join(home);
        let versioned = home
            .join(format!("{}-{}", self.name, self.version))
            .join(&self.name);
        let folders = [home.join(&self.name), versioned];
        let mut there = folders.iter().filter(|f| f.join(chart::FILE).is_file());
        there.next()?.canonicalize().ok()
    }

    /// Returns the files that it reads, as written.
    fn files(&self) -> impl Iterator<Item = &String> {
        let own = Some(&self.values_file).filter(|file| !file.is_empty());
        own.into_iter().chain(&self.additional_values_files)
    }
}

/// Removes the charts from the fields of a kustomization, and returns the files that they use.
///
/// # Errors
/// Fails if an entry cannot be parsed.
pub(super) fn take(
    directory: &Path,
    fields: &mut Map<String, Value>,
) -> Result<(Vec<HelmChartEntry>, Vec<PathBuf>), String> {
    let globals = fields.remove("helmGlobals").unwrap_or_default();
    let home = globals.get("chartHome").and_then(Value::as_str);
    let mut charts = Vec::new();
    let mut files = Vec::new();
    let mut add = |value: &Value| {
        let entry = serde_json::from_value::<HelmChartEntry>(value.clone());
        let mut entry = entry.map_err(|_| {
            "cannot read an entry of helmCharts: check the types of its \
                fields"
                .to_owned()
        })?;
        if entry.chart_home.is_empty() {
            entry.chart_home = home.unwrap_or_default().to_owned();
        }
        charts.push(entry);
        Ok::<(), String>(())
    };
    let listed = fields.remove("helmCharts").unwrap_or_default();
    entries(&listed).try_for_each(&mut add)?;
    if let Some(Value::Array(generators)) = fields.get_mut("generators") {
        let mut others = Vec::new();
        for entry in std::mem::take(generators) {
            let file = entry.as_str().map(|entry| directory.join(entry));
            let file = file.and_then(|file| file.canonicalize().ok());
            match file.as_deref().and_then(generated) {
                Some(all) => {
                    all.iter().try_for_each(&mut add)?;
                    files.extend(file);
                }
                None => others.push(entry),
            }
        }
        *generators = others;
    }
    for entry in &charts {
        for file in entry.files() {
            let found = directory.join(file).canonicalize();
            files
                .push(found.map_err(|_| format!("helmCharts names {file}, which does not exist"))?);
        }
        files.extend(entry.folder(directory).map(|chart| chart.join(chart::FILE)));
    }
    Ok((charts, files))
}

/// Returns the charts in the settings of generators; `None` if there are other generators.
fn generated(file: &Path) -> Option<Vec<Value>> {
    let text = text_of(file)?;
    let documents = yaml::parse(&text).documents.into_iter();
    let documents: Vec<Value> = documents
        .map(|document| document.value)
        .filter(|value| !value.is_null())
        .collect();
    let is_chart = |value: &Value| value.get("kind").is_some_and(|kind| kind == GENERATOR);
    (!documents.is_empty() && documents.iter().all(is_chart)).then_some(documents)
}

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
    fn extracts_charts_from_fields_and_generators() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |file: &str, text: &str| std::fs::write(folder.path().join(file), text).unwrap();
        write(
            "chart.yaml",
            "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: a}\nname: \
             one\n",
        );
        write(
            "other.yaml",
            "apiVersion: builtin\nkind: ConfigMapGenerator\n",
        );
        let fields = json!({
            "helmGlobals": {"chartHome": "shared"},
            "helmCharts": [{"name": "two", "valuesInline": {"a": 1}}],
            "generators": ["chart.yaml", "other.yaml"],
        });
        let Value::Object(mut fields) = fields else {
            return;
        };
        let (charts, files) = take(folder.path(), &mut fields).unwrap();
        let names: Vec<(&str, &str)> = charts
            .iter()
            .map(|chart| (&*chart.name, &*chart.chart_home))
            .collect();
        assert_eq!(names, [("two", "shared"), ("one", "shared")]);
        assert_eq!(files.len(), 1);
        assert_eq!(Value::Object(fields), json!({"generators": ["other.yaml"]}));
    }

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
