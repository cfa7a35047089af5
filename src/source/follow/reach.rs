//! Finds the files that GitOps objects lead to, without rendering anything.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::scan::{GitOpsCandidate, GitOpsScan};
use crate::model::{items_at, text_or_empty};
use crate::source::checkout::Checkouts;
use crate::source::kustomize::{Graph, has_file};
use crate::source::{argo, chart, flux};

/// The files and directories that an object leads to.
#[derive(Debug, Default, Clone)]
pub(super) struct ReachedPaths {
    /// The files that it applies.
    pub files: BTreeSet<PathBuf>,
    /// The directories that it owns: a file in them that is not applied is disabled, and does not
    /// belong to another object.
    pub folders: BTreeSet<PathBuf>,
}

impl ReachedPaths {
    fn holds(&self, file: &Path) -> bool {
        self.files.contains(file)
    }

    fn is_above(&self, file: &Path) -> bool {
        self.holds(file) || self.folders.iter().any(|folder| file.starts_with(folder))
    }
}

/// The candidates that each candidate leads to.
#[derive(Debug)]
pub(super) struct ReachMap {
    /// The reach of each candidate, in the order of candidates.
    pub reaches: Vec<ReachedPaths>,
    /// The candidates that no other one applies: the roots.
    pub roots: Vec<usize>,
    /// Candidates in a directory that another one owns that are not applied.
    pub switched_off: Vec<usize>,
}

impl ReachMap {
    /// Finds out which candidate leads to which.
    pub fn of(
        scan: &GitOpsScan,
        root: &Path,
        checkouts: &Checkouts<'_>,
        sources: &flux::FluxSources<'_>,
    ) -> Self {
        let mut reading = DirectoryReader {
            scan,
            graph: Graph::within(Some(root)),
            known: HashMap::new(),
        };
        let reaches: Vec<ReachedPaths> = scan
            .candidates
            .iter()
            .map(
                |candidate| match flux::is_foreign(&candidate.found, sources, checkouts) {
                    true => ReachedPaths::default(),
                    false => reading.of(candidate, root, checkouts),
                },
            )
            .collect();
        let count = scan.candidates.len();
        let leads = |from: usize, to: usize| reaches[from].holds(&scan.candidates[to].file);
        let next: Vec<Vec<usize>> = (0..count)
            .map(|from| (0..count).filter(|to| leads(from, *to)).collect())
            .collect();
        let below: Vec<BTreeSet<usize>> = (0..count).map(|from| closure(from, &next)).collect();
        let mut roots = Vec::new();
        for one in 0..count {
            let file = &scan.candidates[one].file;
            let above = (0..count).filter(|other| {
                *other != one
                    && !below[one].contains(other)
                    && (below[*other].contains(&one) || reaches[*other].is_above(file))
            });
            if above.count() > 0 {
                continue;
            }
            // Of candidates that lead to each other, use the one that the bootstrap creates.
            let circle: Vec<usize> = (0..count)
                .filter(|other| below[one].contains(other) && below[*other].contains(&one))
                .collect();
            let best = circle.iter().copied().min_by_key(|member| {
                let candidate = &scan.candidates[*member];
                (!candidate.is_implied, !is_bootstrap(candidate), *member)
            });
            if best.is_none_or(|best| best == one) {
                roots.push(one);
            }
        }
        let active: BTreeSet<usize> = roots
            .iter()
            .flat_map(|root| below[*root].iter().copied().chain([*root]))
            .collect();
        let switched_off = (0..count).filter(|one| !active.contains(one)).collect();
        Self {
            reaches,
            roots,
            switched_off,
        }
    }

    /// Returns the roots that lead to a candidate in `wanted`, and all files between them.
    pub fn leading_to(&self, wanted: &BTreeSet<usize>, scan: &GitOpsScan) -> BTreeSet<usize> {
        let mut leading = wanted.clone();
        loop {
            let more: Vec<usize> = (0..self.reaches.len())
                .filter(|one| !leading.contains(one))
                .filter(|one| {
                    let mut wanted = leading.iter();
                    wanted.any(|wanted| self.reaches[*one].holds(&scan.candidates[*wanted].file))
                })
                .collect();
            if more.is_empty() {
                return leading;
            }
            leading.extend(more);
        }
    }
}

/// Returns whether an object is what `flux bootstrap` creates.
fn is_bootstrap(candidate: &GitOpsCandidate) -> bool {
    candidate.found.metadata("name") == "flux-system"
}

fn closure(from: usize, next: &[Vec<usize>]) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let mut queue = next[from].clone();
    while let Some(one) = queue.pop() {
        if seen.insert(one) {
            queue.extend(&next[one]);
        }
    }
    seen
}

/// Reads directories, each once.
struct DirectoryReader<'s> {
    scan: &'s GitOpsScan,
    graph: Graph,
    known: HashMap<(PathBuf, bool), ReachedPaths>,
}

impl DirectoryReader<'_> {
    fn of(
        &mut self,
        candidate: &GitOpsCandidate,
        root: &Path,
        checkouts: &Checkouts<'_>,
    ) -> ReachedPaths {
        let found = &candidate.found;
        let mut reach = ReachedPaths::default();
        let mut add = |part: ReachedPaths| {
            reach.files.extend(part.files);
            reach.folders.extend(part.folders);
        };
        if flux::is_kustomization(found) {
            if let Some(directory) = below(root, text_or_empty(&found.value, "/spec/path")) {
                for component in strings(&found.value, "/spec/components") {
                    if let Ok(component) = directory.join(component).canonicalize() {
                        add(self.directory(&component, true));
                    }
                }
                add(self.directory(&directory, true));
            }
            return reach;
        }
        let applications = match argo::is_set(found) {
            true => argo::expand(&found.value, checkouts, None).unwrap_or_default(),
            false => vec![found.value.clone()],
        };
        for application in &applications {
            for (path, recurses) in argo::paths(application, checkouts) {
                if let Some(directory) = below(root, &path) {
                    add(self.directory(&directory, recurses));
                }
            }
        }
        reach
    }

    /// Returns the files that a tool reads in a directory; if it is neither a kustomization nor a
    /// chart, including all directories below it.
    fn directory(&mut self, directory: &Path, recurses: bool) -> ReachedPaths {
        let key = (directory.to_owned(), recurses);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let reach = self.read(directory, recurses);
        self.known.insert(key, reach.clone());
        reach
    }

    fn read(&mut self, directory: &Path, recurses: bool) -> ReachedPaths {
        let mut reach = ReachedPaths::default();
        if has_file(directory) {
            reach.folders.insert(directory.to_owned());
            reach.files = self.built([directory.to_owned()], &mut reach.folders);
            // Directories of bases also own the files next to them.
            let outside = reach
                .folders
                .iter()
                .filter(|one| !one.starts_with(directory));
            let outside = outside.filter(|one| !directory.starts_with(one));
            let beside = outside.filter_map(|one| one.parent());
            let beside = beside.filter(|one| !directory.starts_with(one));
            let beside: Vec<PathBuf> = beside.map(Path::to_owned).collect();
            reach.folders.extend(beside);
            return reach;
        }
        let is_chart = directory.join(chart::FILE).is_file();
        if recurses || is_chart {
            reach.folders.insert(directory.to_owned());
        }
        let below: Vec<&PathBuf> = self
            .scan
            .files
            .iter()
            .map(|(file, _)| file)
            .filter(|file| file.starts_with(directory))
            .filter(|file| recurses || is_chart || file.parent() == Some(directory))
            .collect();
        let kustomizations: Vec<PathBuf> = self
            .scan
            .kustomizations
            .iter()
            .filter(|found| recurses && !is_chart && found.starts_with(directory))
            .cloned()
            .collect();
        let is_raw = |file: &&&PathBuf| !kustomizations.iter().any(|k| file.starts_with(k));
        reach
            .files
            .extend(below.iter().filter(is_raw).map(|file| (*file).clone()));
        let is_inner = |one: &PathBuf| {
            let mut others = kustomizations.iter();
            others.any(|other| other != one && one.starts_with(other))
        };
        let outermost: Vec<PathBuf> = kustomizations
            .iter()
            .filter(|one| !is_inner(one))
            .cloned()
            .collect();
        let built = self.built(outermost, &mut reach.folders);
        reach.files.extend(built);
        reach
    }

    /// Collects the files of kustomizations; their directories go to `folders`.
    fn built(
        &mut self,
        directories: impl IntoIterator<Item = PathBuf>,
        folders: &mut BTreeSet<PathBuf>,
    ) -> BTreeSet<PathBuf> {
        let nodes = self.graph.below(directories);
        folders.extend(nodes.keys().cloned());
        let all = nodes.values();
        all.flat_map(|node| node.files.iter().chain([&node.file]))
            .cloned()
            .collect()
    }
}

/// Returns a path below a directory, without links, if it exists.
fn below(root: &Path, path: &str) -> Option<PathBuf> {
    let path = path.trim_start_matches('/');
    let found = root.join(path).canonicalize().ok()?;
    (found.starts_with(root) && found.is_dir()).then_some(found)
}

fn strings<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v str> {
    items_at(value, pointer).iter().filter_map(Value::as_str)
}
