//! Finds which kustomizations a directory is built from, and which use a file.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use walkdir::WalkDir;

use super::graph::Graph;
use crate::source::kustomization::has_name;

/// Returns the kustomizations that a directory is built from, itself first, in breadth-first order:
/// their files and contents.
pub fn layers(directory: &Path) -> Vec<(PathBuf, Map<String, Value>)> {
    let mut graph = Graph::default();
    let mut seen = BTreeSet::new();
    let mut ahead = VecDeque::from([directory.to_owned()]);
    let mut found = Vec::new();
    while let Some(directory) = ahead.pop_front() {
        if !seen.insert(directory.clone()) {
            continue;
        }
        if let Some(node) = graph.at(&directory) {
            ahead.extend(node.directories.iter().cloned());
            found.push((node.file.clone(), node.fields.clone()));
        }
    }
    found
}

/// The kustomizations of a tree that no other one uses, each with everything that it is built from.
#[derive(Debug, Default)]
pub struct Layers {
    outermost: BTreeMap<PathBuf, UsedPaths>,
}

/// The directories and files that a kustomization is built from, itself included.
#[derive(Debug, Default)]
struct UsedPaths {
    directories: BTreeSet<PathBuf>,
    files: BTreeSet<PathBuf>,
}

impl Layers {
    /// Returns those below a directory, which must be free of links.
    pub fn below(root: &Path) -> Self {
        let entries = WalkDir::new(root).into_iter();
        let entries = entries.filter_entry(|entry| entry.file_name() != ".git");
        let files = entries.flatten().filter(|entry| has_name(entry.path()));
        let directories: BTreeSet<PathBuf> = files
            .filter_map(|file| Some(file.path().parent()?.to_owned()))
            .collect();
        let mut graph = Graph::default();
        let mut inner = BTreeSet::new();
        for directory in &directories {
            if let Some(node) = graph.at(directory) {
                inner.extend(node.directories.iter().cloned());
                if node.is_component {
                    inner.insert(directory.clone());
                }
            }
        }
        let outermost = directories.into_iter().filter(|one| !inner.contains(one));
        let uses = |directory: PathBuf| {
            let nodes = graph.below([directory.clone()]);
            let mut uses = UsedPaths::default();
            for (directory, node) in nodes {
                uses.files.insert(node.file.clone());
                uses.files.extend(node.files.iter().cloned());
                uses.directories.insert(directory);
            }
            (directory, uses)
        };
        Self {
            outermost: outermost.map(uses).collect(),
        }
    }

    /// Returns the outermost kustomizations that use a file, except that of a directory.
    pub fn of(&self, file: &Path, but: Option<&Path>) -> Vec<&Path> {
        let others = self.outermost.iter().filter(|(directory, uses)| {
            Some(directory.as_path()) != but && uses.files.contains(file)
        });
        others.map(|(directory, _)| directory.as_path()).collect()
    }
}
