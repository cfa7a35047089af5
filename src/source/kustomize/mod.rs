//! Kustomizations: the roles that they give to files next to them, and the objects that they build.
//!
//! Without rendering, a patch looks like an object but is not one; it is recognized here.

mod build;
mod chart_entries;
mod charts;
mod fields;
mod graph;
mod layers;
mod limits;
mod origin;
mod private;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::source::LoadedSource;
use crate::source::kustomization::{has_name, is_kustomization};
use crate::source::tree::Tree;
use crate::source::walk::WalkEntry;
use crate::yaml;

pub(super) use build::Build;
pub(super) use graph::{Graph, KustomizationNode, file_in, has_file};
pub use layers::{Layers, layers};

/// Returns the files that kustomizations use as something other than resources, with a description;
/// and a warning if a kustomization does more than collect files.
pub(super) fn survey(
    tree: &dyn Tree,
    found: &[WalkEntry],
    untrusted: bool,
) -> (HashMap<PathBuf, String>, LoadedSource) {
    let mut used = HashMap::new();
    let mut loaded = LoadedSource::default();
    let mut changing = Vec::new();
    for file in found {
        let WalkEntry::File {
            name,
            path,
            canonical,
        } = file
        else {
            continue;
        };
        if !has_name(path) {
            continue;
        }
        // A file that cannot be read is reported later.
        let Some(text) = tree
            .read(canonical)
            .ok()
            .and_then(|bytes| yaml::decode(bytes).ok())
        else {
            continue;
        };
        let directory = canonical.parent().unwrap_or(Path::new(""));
        for document in yaml::parse(&text).documents {
            let Value::Object(fields) = &document.value else {
                continue;
            };
            if !is_kustomization(&document.value) {
                continue;
            }
            for (file, role) in used_files(fields) {
                if let Ok(file) = tree.resolve(&directory.join(file)) {
                    used.insert(
                        file.canonical,
                        format!("a {role} of {name}, not an object itself"),
                    );
                }
            }
            if changes_what_it_collects(fields) {
                changing.push(name);
            }
        }
    }
    if let Some((first, others)) = changing.split_first() {
        let warning = match untrusted {
            true => not_rendered(others),
            false => as_they_lie(first, others),
        };
        loaded.warning(first, warning);
    }
    (used, loaded)
}

/// The limit on kustomizations in a warning, because some trees have hundreds.
const NAMED: usize = 4;

/// Returns the warning about kustomizations that do more than collect files.
fn as_they_lie(first: &str, others: &[&String]) -> String {
    let directory = Path::new(first)
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    format!(
        "the files of this kustomization{} are compared without rendering: to compare what \
         kustomize builds, leave out --no-render, or run `kustomize build {} | driftctl diff -`",
        and_of(others),
        directory.display()
    )
}

/// Returns the same warning for an untrusted author.
fn not_rendered(others: &[&String]) -> String {
    format!(
        "the files of this kustomization{} are compared without rendering, because --untrusted \
         renders nothing: to compare what kustomize builds, pass --render",
        and_of(others)
    )
}

/// Returns a phrase such as ` and of a/kustomization.yaml`.
fn and_of(others: &[&String]) -> String {
    let mut named: Vec<String> = others
        .iter()
        .take(NAMED)
        .map(|name| name.to_string())
        .collect();
    match others.len().saturating_sub(NAMED) {
        0 => {}
        1 => named.push("one more".to_owned()),
        more => named.push(format!("{more} more")),
    }
    match named.split_last() {
        None => String::new(),
        Some((last, [])) => format!(" and of {last}"),
        Some((last, before)) => format!(" and of {} and {last}", before.join(", ")),
    }
}

/// Returns whether building changes the objects in the files that a kustomization lists.
fn changes_what_it_collects(fields: &Map<String, Value>) -> bool {
    fields.iter().any(|(field, value)| match field.as_str() {
        "apiVersion" | "kind" | "metadata" => false,
        "resources" => strings(value).any(|path| path.starts_with("..") || path.contains("://")),
        _ => true,
    })
}

/// Returns the files that a kustomization names, other than its resources, with the role of each.
fn used_files(fields: &Map<String, Value>) -> Vec<(&str, &'static str)> {
    let mut files = Vec::new();
    let list = |field| fields.get(field).into_iter().flat_map(entries);
    for (field, role) in [
        ("patches", "patch"),
        ("patchesStrategicMerge", "patch"),
        ("patchesJson6902", "patch"),
        ("replacements", "replacement"),
        ("configurations", "configuration"),
        ("transformers", "transformer"),
        ("generators", "generator"),
        ("validators", "validator"),
    ] {
        for entry in list(field) {
            let path = entry.as_str().or_else(|| entry.get("path")?.as_str());
            files.extend(path.map(|path| (path, role)));
        }
    }
    for field in ["configMapGenerator", "secretGenerator"] {
        for generator in list(field) {
            let read = graph::files_of_builtin(generator).into_iter();
            files.extend(read.map(|path| (path, "generator's input")));
        }
    }
    for chart in list("helmCharts") {
        let values = chart.get("valuesFile").and_then(Value::as_str);
        let more = chart
            .get("additionalValuesFiles")
            .into_iter()
            .flat_map(strings);
        files.extend(
            values
                .into_iter()
                .chain(more)
                .map(|path| (path, "values file")),
        );
    }
    if let Some(path) = fields
        .get("openapi")
        .and_then(|openapi| openapi.get("path"))
    {
        files.extend(path.as_str().map(|path| (path, "schema")));
    }
    // A patch may be inline in the kustomization, and is not a path then.
    files.retain(|(path, _)| !path.contains('\n'));
    files
}

fn entries(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    entries(value).filter_map(Value::as_str)
}
