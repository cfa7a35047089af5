//! The paths that a search wants, as a tree: each text is read once for all of them.

use std::collections::HashMap;

use super::TextSpan;
use crate::model::{ManifestStep, Position};

/// A node where paths branch; the first is their common start.
pub(super) struct PathBranches(Vec<PathBranch>);

#[derive(Default)]
struct PathBranch {
    fields: HashMap<String, usize>,
    items: HashMap<usize, usize>,
    /// Its place in the text, once known.
    found: Option<Position>,
}

impl PathBranches {
    /// The common start.
    pub const ROOT: usize = 0;

    /// Returns the places of paths within a node, which stands for what was not found.
    pub fn all(&self, paths: &[&[ManifestStep]], node: TextSpan) -> Vec<Position> {
        let place = |path: &&[ManifestStep]| self.found(path).unwrap_or_else(|| node.position());
        paths.iter().map(place).collect()
    }

    pub fn to(paths: &[&[ManifestStep]]) -> Self {
        let mut all = Self(vec![PathBranch::default()]);
        for path in paths {
            let mut at = 0;
            for step in *path {
                at = match all.next(at, step) {
                    Some(next) => next,
                    None => all.add(at, step),
                };
            }
        }
        all
    }

    fn add(&mut self, at: usize, step: &ManifestStep) -> usize {
        let next = self.0.len();
        if let Some(signpost) = self.0.get_mut(at) {
            match step {
                ManifestStep::Field(name) => drop(signpost.fields.insert(name.clone(), next)),
                ManifestStep::Index(index) => drop(signpost.items.insert(*index, next)),
            }
        }
        self.0.push(PathBranch::default());
        next
    }

    fn next(&self, at: usize, step: &ManifestStep) -> Option<usize> {
        match step {
            ManifestStep::Field(name) => self.field(at, name),
            ManifestStep::Index(index) => self.item(at, *index),
        }
    }

    pub fn field(&self, at: usize, name: &str) -> Option<usize> {
        self.0.get(at)?.fields.get(name).copied()
    }

    pub fn item(&self, at: usize, index: usize) -> Option<usize> {
        self.0.get(at)?.items.get(&index).copied()
    }

    /// Sets the position of a path. For a duplicate key, the first counts.
    pub fn set(&mut self, at: usize, place: Position) {
        if let Some(signpost) = self.0.get_mut(at) {
            signpost.found.get_or_insert(place);
        }
    }

    /// Returns whether no path continues from here.
    pub fn is_end(&self, at: usize) -> bool {
        let signpost = self.0.get(at);
        signpost.is_none_or(|signpost| signpost.fields.is_empty() && signpost.items.is_empty())
    }

    /// Sets the place of fields that were not found to a merge that may bring them.
    pub fn place_merged(&mut self, at: usize, place: Position) {
        let fields = self.0.get(at).map(|signpost| &signpost.fields);
        let fields: Vec<usize> = fields
            .into_iter()
            .flat_map(HashMap::values)
            .copied()
            .collect();
        for field in fields {
            self.set(field, place);
        }
    }

    /// Returns the place of a path, or of its deepest ancestor that was found.
    fn found(&self, path: &[ManifestStep]) -> Option<Position> {
        let mut at = 0;
        let mut found = None;
        for step in path {
            let Some(next) = self.next(at, step) else {
                break;
            };
            at = next;
            match self.0.get(at).and_then(|signpost| signpost.found) {
                Some(place) => found = Some(place),
                None => break,
            }
        }
        found
    }
}
