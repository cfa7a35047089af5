//! What kustomizations lead to: each other, files, and other machines.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{entries, is_kustomization, strings, used_files};
use crate::source::read;
use crate::yaml;

/// The names that kustomize looks for, in its order
/// (`sigs.k8s.io/kustomize/api/konfig`, `RecognizedKustomizationFileNames`).
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", super::BARE_NAME];

/// Lists whose entries are files or directories to read objects from.
const COLLECTING: [&str; 6] = [
    "resources",
    "bases",
    "components",
    "generators",
    "transformers",
    "validators",
];

/// The lists among them whose entries may be run.
const PLUGINS: [&str; 3] = ["generators", "transformers", "validators"];

/// Fields that make kustomize run helm.
const HELM: [&str; 2] = ["helmCharts", "helmChartInflationGenerator"];

/// Marks a function, which would be run as a program or in a container.
const FUNCTION: &str = "config.kubernetes.io/function";

/// One kustomization.
#[derive(Debug, Default)]
pub(in crate::source) struct Kustomization {
    /// Its file, without links.
    pub file: PathBuf,
    /// What it says; empty when it cannot be read.
    pub fields: Map<String, Value>,
    /// Whether it only is a part of others (`kind: Component`).
    pub is_component: bool,
    /// The directories that it builds upon, without links.
    pub directories: BTreeSet<PathBuf>,
    /// The files that it uses, without links.
    pub files: BTreeSet<PathBuf>,
    /// What it names that lies on another machine.
    pub(super) remote: Vec<String>,
    /// Why it cannot be built, whoever asks.
    pub(super) problem: Option<String>,
}

impl Kustomization {
    /// The kustomization of a directory; `None` if there is none, or Flux's object of that name.
    pub fn read(directory: &Path) -> Option<Self> {
        let file = file_in(directory)?;
        let mut kustomization = Self {
            file: file.clone(),
            ..Self::default()
        };
        match fields(&file) {
            Ok(Some(fields)) => kustomization.take(directory, fields),
            Ok(None) => return None,
            Err(problem) => kustomization.problem = Some(problem),
        }
        Some(kustomization)
    }

    fn take(&mut self, directory: &Path, fields: Map<String, Value>) {
        self.is_component = fields.get("kind").is_some_and(|kind| kind == "Component");
        if let Some(field) = HELM.iter().find(|field| fields.contains_key(**field)) {
            self.problem = Some(format!(
                "{field} would make kustomize fetch and run a chart, which driftctl does not let \
                 it do: run `kustomize build --enable-helm` and pipe what it prints into \
                 `driftctl diff -`"
            ));
        }
        let list = |field: &str| fields.get(field).into_iter().flat_map(entries);
        for field in COLLECTING {
            for entry in list(field).filter_map(Value::as_str) {
                self.reference(directory, field, entry);
            }
        }
        for field in PLUGINS {
            let inline = list(field).filter_map(Value::as_str);
            for entry in inline.filter(|entry| is_inline(entry)) {
                self.plugin(directory, field, entry);
            }
        }
        for (entry, _) in used_files(&fields) {
            self.reference(directory, "", entry);
        }
        for entry in fields.get("crds").into_iter().flat_map(strings) {
            self.reference(directory, "", entry);
        }
        self.fields = fields;
    }

    fn reference(&mut self, directory: &Path, field: &str, entry: &str) {
        if is_inline(entry) {
            return;
        }
        let is_remote = is_remote(entry);
        if is_remote {
            self.remote.push(entry.to_owned());
        }
        let Ok(path) = directory.join(entry).canonicalize() else {
            if !field.is_empty() && !is_remote {
                // kustomize would take it for the address of a repository next.
                let problem = format!("{field} names {entry}, which does not exist");
                self.problem.get_or_insert(problem);
            }
            return;
        };
        if path.is_dir() {
            self.directories.insert(path);
            return;
        }
        if PLUGINS.contains(&field)
            && let Some(text) = text_of(&path)
        {
            self.plugin(directory, field, &text);
        }
        self.files.insert(path);
    }

    /// Takes note of the files that a plugin reads, and refuses one that would run another program.
    fn plugin(&mut self, directory: &Path, field: &str, text: &str) {
        let is_plugin = |value: &Value| {
            let annotations = value.pointer("/metadata/annotations");
            let is_function = annotations.is_some_and(|all| all.get(FUNCTION).is_some());
            let is_builtin = value
                .get("apiVersion")
                .is_some_and(|version| version == "builtin");
            let is_chart = value
                .get("kind")
                .is_some_and(|kind| kind == "HelmChartInflationGenerator");
            !value.is_null() && (is_function || is_chart || !is_builtin)
        };
        let documents = yaml::parse(text).documents;
        for document in &documents {
            for file in files_of_builtin(&document.value) {
                self.reference(directory, "", file);
            }
        }
        if documents.iter().any(|document| is_plugin(&document.value)) {
            self.problem = Some(format!(
                "{field} holds a plugin or a function, which would run another program; driftctl \
                 does not let it: run kustomize yourself and pipe what it prints into `driftctl \
                 diff -`"
            ));
        }
    }

    /// What `buildMetadata` asks for.
    pub fn build_metadata(&self) -> Vec<&str> {
        let metadata = self.fields.get("buildMetadata");
        metadata.into_iter().flat_map(strings).collect()
    }
}

/// Whether kustomize would take an entry for an address (`kustomize/api/internal/git`,
/// `NewRepoSpecFromURL`; files by `http`). What merely looks like one is refused as well.
pub(in crate::source) fn is_remote(entry: &str) -> bool {
    let lower = entry.to_ascii_lowercase();
    let starts = ["git@", "gh:", "git::", "github.com/", "github.com:", "org-"];
    lower.contains("://")
        || starts[..5].iter().any(|start| lower.starts_with(start))
        || lower.starts_with(starts[5]) && lower.contains("@github.com")
        || lower.contains("?ref=")
        || lower.ends_with(".git")
        || [".git/", ".git?", "_git/"]
            .iter()
            .any(|mark| lower.contains(mark))
}

/// Whether an entry is no path but what a file would hold.
fn is_inline(entry: &str) -> bool {
    entry.contains('\n') || entry.contains("apiVersion")
}

/// The files that one of kustomize's own generators and transformers reads: their settings are
/// those of a kustomization's fields, without the list around them.
pub(super) fn files_of_builtin(settings: &Value) -> Vec<&str> {
    let texts = |field: &str| settings.get(field).into_iter();
    let of_key = |entry: &'_ str| entry.rsplit_once('=').map_or(0, |(key, _)| key.len() + 1);
    let lists = ["files", "envs", "paths"].into_iter().flat_map(texts);
    let lists = lists.flat_map(strings).map(|entry| &entry[of_key(entry)..]);
    let single = ["path", "env"]
        .into_iter()
        .flat_map(texts)
        .filter_map(Value::as_str);
    let replacements = texts("replacements").flat_map(entries);
    let replacements = replacements.filter_map(|entry| entry.get("path")?.as_str());
    lists.chain(single).chain(replacements).collect()
}

fn text_of(file: &Path) -> Option<String> {
    read::file(file)
        .ok()
        .and_then(|bytes| yaml::decode(bytes).ok())
}

/// What a kustomization says; `None` for Flux's object of that name.
fn fields(file: &Path) -> Result<Option<Map<String, Value>>, String> {
    let text = yaml::decode(read::file(file)?).map_err(|problem| problem.to_string())?;
    let parsed = yaml::parse(&text);
    if let Some(problem) = parsed.problems.iter().find(|problem| problem.fatal) {
        return Err(format!("this kustomization cannot be read: {problem}"));
    }
    let mut is_empty = true;
    for document in parsed.documents {
        if document.value.is_null() {
            continue;
        }
        is_empty = false;
        if is_kustomization(&document.value)
            && let Value::Object(fields) = document.value
        {
            return Ok(Some(fields));
        }
    }
    if is_empty {
        return Err("this kustomization is empty".to_owned());
    }
    Ok(None)
}

/// Kustomizations, each read once.
#[derive(Debug, Default)]
pub(in crate::source) struct Graph {
    nodes: HashMap<PathBuf, Option<Kustomization>>,
}

impl Graph {
    /// The kustomization of a directory, which must be free of links.
    pub fn at(&mut self, directory: &Path) -> Option<&Kustomization> {
        self.nodes
            .entry(directory.to_owned())
            .or_insert_with(|| Kustomization::read(directory))
            .as_ref()
    }

    /// The kustomizations below those of `directories`, themselves included, by directory.
    pub fn below(
        &mut self,
        directories: impl IntoIterator<Item = PathBuf>,
    ) -> BTreeMap<PathBuf, &Kustomization> {
        let mut seen = BTreeSet::new();
        let mut queue: VecDeque<PathBuf> = directories.into_iter().collect();
        while let Some(directory) = queue.pop_front() {
            if seen.contains(&directory) {
                continue;
            }
            if let Some(node) = self.at(&directory) {
                queue.extend(node.directories.iter().cloned());
            }
            seen.insert(directory);
        }
        let node = |directory: PathBuf| {
            let node = self.nodes.get(&directory)?.as_ref()?;
            Some((directory, node))
        };
        seen.into_iter().filter_map(node).collect()
    }
}

/// Whether a directory has a file that kustomize would look for, whatever is in it.
pub(in crate::source) fn has_file(directory: &Path) -> bool {
    file_in(directory).is_some()
}

/// The file of a directory that kustomize would take.
pub(in crate::source) fn file_in(directory: &Path) -> Option<PathBuf> {
    let mut files = NAMES.iter().map(|name| directory.join(name));
    files.find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_paths() {
        for remote in [
            "https://github.com/a/b//c?ref=v1",
            "github.com/a/b",
            "git@github.com:a/b.git",
            "ssh://git@example.com/a",
            "git::https://example.com/a",
            "gh:a/b",
            "https://example.com/a.yaml",
            "example.com/a/b.git",
            "example.com/a/_git/b",
            "../a?ref=main",
        ] {
            assert!(is_remote(remote), "{remote}");
        }
        for local in [
            "../base",
            "deployment.yaml",
            ".github/x.yaml",
            "a/github.com/b",
            "a@b.yaml",
        ] {
            assert!(!is_remote(local), "{local}");
        }
    }
}
