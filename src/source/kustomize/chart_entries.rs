//! Reads the `helmCharts` of kustomizations, and the generator with that name.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::entries;
use crate::source::{chart, read};
use crate::yaml;

/// The kind of the generator.
const GENERATOR: &str = "HelmChartInflationGenerator";

/// An entry of `helmCharts` (`sigs.k8s.io/kustomize/api/types`, `HelmChart`).
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::source) struct HelmChartEntry {
    pub(super) name: String,
    pub(super) repo: String,
    pub(super) version: String,
    pub(super) release_name: String,
    pub(super) namespace: String,
    pub(super) values_file: String,
    pub(super) additional_values_files: Vec<String>,
    pub(super) values_inline: Option<Value>,
    pub(super) values_merge: String,
    #[serde(rename = "includeCRDs")]
    pub(super) include_crds: bool,
    pub(super) api_versions: Vec<String>,
    pub(super) kube_version: String,
    pub(super) chart_home: String,
}

impl HelmChartEntry {
    /// Returns the directory of the chart, if it is next to the kustomization.
    pub(super) fn folder(&self, directory: &Path) -> Option<PathBuf> {
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
    let text = read::text_of(file)?;
    let documents = yaml::parse(&text).documents.into_iter();
    let documents: Vec<Value> = documents
        .map(|document| document.value)
        .filter(|value| !value.is_null())
        .collect();
    let is_chart = |value: &Value| value.get("kind").is_some_and(|kind| kind == GENERATOR);
    (!documents.is_empty() && documents.iter().all(is_chart)).then_some(documents)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
}
