//! Decides which files of a tree are rendered, and which are read as plain manifests. No file is
//! used for both, because a file and its rendering are two different declarations.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::kustomization::has_name;
use super::kustomize::{Graph, KustomizationNode, has_file};
use super::render::FileNames;
use super::walk::{Bounds, WalkEntry, found_on_disk};
use super::{LoadedSource, chart};

/// How a tree is read.
#[derive(Default)]
pub(super) struct SourcePlan {
    /// The files that are read as plain manifests.
    pub raw: Vec<WalkEntry>,
    /// The kustomizations to build.
    pub builds: Vec<RenderRoot>,
    /// The charts to render.
    pub charts: Vec<RenderRoot>,
    /// The files that are left out, with the reasons.
    pub remarks: LoadedSource,
}

/// An argument that names something on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SourceArgument {
    /// The user's name for it.
    pub name: PathBuf,
    /// The path.
    pub path: PathBuf,
}

/// A directory to render.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RenderRoot {
    /// Without links.
    pub directory: PathBuf,
    /// The name of the argument that led to it.
    pub argument: PathBuf,
}

/// Decides how to read the files and directories that the arguments name.
///
/// If an argument names a kustomization or chart, it is rendered, and nothing else below it is
/// read. In a tree with kustomizations, those that no other one in the tree uses are built. Files
/// that any of them uses are not read again, nor are files next to them, which kustomize ignores
/// too. Nothing outside `within` is opened.
pub(super) fn plan(
    arguments: &[SourceArgument],
    found: Vec<WalkEntry>,
    within: Option<&Path>,
) -> SourcePlan {
    let mut graph = Graph::within(within);
    let named = named_roots(arguments, &mut graph);
    let charts = named_charts(arguments, &named);
    // The bases of a named one are part of it, wherever they are.
    let of_named: BTreeSet<PathBuf> = graph.below(named.keys().cloned()).into_keys().collect();
    let is_own = |directory: &PathBuf| {
        !is_below(directory, &named)
            && !is_below(directory, &charts)
            && !of_named.contains(directory)
    };
    let within = found.iter().filter_map(directory_of_kustomization);
    let within: BTreeSet<PathBuf> = within.filter(is_own).collect();
    let mut plan = SourcePlan::default();
    let roots = roots(&within, &mut graph);
    let names = |directory: &Path| argument_of(directory, arguments);
    for (directory, argument) in &named {
        plan.builds.push(RenderRoot {
            directory: directory.clone(),
            argument: argument.clone(),
        });
    }
    for (directory, argument) in &charts {
        plan.charts.push(RenderRoot {
            directory: directory.clone(),
            argument: argument.clone(),
        });
    }
    for directory in &roots {
        plan.builds.push(RenderRoot {
            directory: directory.clone(),
            argument: names(directory),
        });
    }
    let all = within.iter().chain(named.keys()).cloned();
    let nodes = graph.below(all);
    let used: BTreeSet<&PathBuf> = nodes.values().flat_map(|node| &node.files).collect();
    for file in found {
        let WalkEntry::File {
            name, canonical, ..
        } = &file
        else {
            plan.raw.push(file);
            continue;
        };
        let parent = canonical.parent().unwrap_or(Path::new("/"));
        if used.contains(canonical) || nodes.values().any(|node| node.file == *canonical) {
            unused_component(name, canonical, &roots, &named, &nodes, &mut plan.remarks);
        } else if is_below(canonical, &charts) {
            // A chart is rendered from its files.
        } else if let Some(root) = root_above(canonical, &named) {
            plan.remarks.skip(name, no_part_of(&called(&named[root])));
        } else if nodes.contains_key(parent) {
            let reason = "it is next to a kustomization that does not use it";
            plan.remarks.skip(name, reason);
        } else {
            plan.raw.push(file);
        }
    }
    plan
}

/// Reports the files below a rendered kustomization that neither it nor its bases use.
pub(super) fn report_unused(directory: &Path, names: &FileNames, within: &Path) -> LoadedSource {
    let mut loaded = LoadedSource::default();
    let mut graph = Graph::within(Some(within));
    let nodes = graph.below([directory.to_owned()]);
    let used: BTreeSet<&PathBuf> = nodes.values().flat_map(|node| &node.files).collect();
    // Errors in files that are not read do not matter.
    let (found, _) = found_on_disk(directory, names, Bounds::default());
    for file in &found {
        let WalkEntry::File {
            name, canonical, ..
        } = file
        else {
            continue;
        };
        if !used.contains(canonical) && nodes.values().all(|node| node.file != *canonical) {
            loaded.skip(name, no_part_of(&names.of(directory)));
        }
    }
    loaded
}

fn no_part_of(kustomization: &str) -> String {
    format!("not part of the kustomization {kustomization}, which is rendered")
}

/// Returns the arguments that are kustomizations, by directory, and the names of the directories.
fn named_roots(arguments: &[SourceArgument], graph: &mut Graph) -> BTreeMap<PathBuf, PathBuf> {
    let mut roots = BTreeMap::new();
    for argument in arguments {
        let Ok(mut path) = argument.path.canonicalize() else {
            continue;
        };
        let mut name = argument.name.clone();
        if path.is_file() && has_name(&path) {
            path.pop();
            name.pop();
        }
        if path.is_dir() && graph.at(&path).is_some() {
            roots.insert(path, name);
        }
    }
    roots
}

/// Returns the name of a directory in messages.
fn called(name: &Path) -> String {
    match name.strip_prefix(".").unwrap_or(name) {
        here if here.as_os_str().is_empty() => ".".to_owned(),
        name => name.display().to_string(),
    }
}

/// Does the same for charts. A directory that is both is treated as a kustomization.
fn named_charts(
    arguments: &[SourceArgument],
    kustomizations: &BTreeMap<PathBuf, PathBuf>,
) -> BTreeMap<PathBuf, PathBuf> {
    let charts = arguments.iter().filter_map(|argument| {
        let path = argument.path.canonicalize().ok()?;
        let is_chart = path.join(chart::FILE).is_file() && !kustomizations.contains_key(&path);
        is_chart.then(|| (path, argument.name.clone()))
    });
    charts.collect()
}

/// Returns the directory of a file that has one of kustomize's names.
fn directory_of_kustomization(found: &WalkEntry) -> Option<PathBuf> {
    match found {
        WalkEntry::File {
            path, canonical, ..
        } if has_name(path) => canonical
            .parent()
            .map(Path::to_owned)
            .filter(|directory| has_file(directory)),
        _ => None,
    }
}

/// Returns the kustomizations among these directories that no other one uses. If some use each
/// other in a cycle, one of them is built, so that kustomize reports the cycle.
fn roots(directories: &BTreeSet<PathBuf>, graph: &mut Graph) -> BTreeSet<PathBuf> {
    let mut bases = BTreeSet::new();
    let mut whole = BTreeSet::new();
    for directory in directories {
        let Some(node) = graph.at(directory) else {
            continue;
        };
        bases.extend(node.directories.iter().cloned());
        if !node.is_component {
            whole.insert(directory.clone());
        }
    }
    let mut roots: BTreeSet<PathBuf> = whole.difference(&bases).cloned().collect();
    for directory in &whole {
        if !graph.below(roots.iter().cloned()).contains_key(directory) {
            roots.insert(directory.clone());
        }
    }
    roots
}

/// Leaves out the files of a component that no kustomization here uses, with one message.
fn unused_component(
    name: &str,
    file: &Path,
    roots: &BTreeSet<PathBuf>,
    named: &BTreeMap<PathBuf, PathBuf>,
    nodes: &BTreeMap<PathBuf, &KustomizationNode>,
    remarks: &mut LoadedSource,
) {
    let Some((directory, _)) = nodes.iter().find(|(_, node)| node.file == *file) else {
        return;
    };
    let is_root = roots.contains(directory) || named.contains_key(directory);
    let is_used = nodes
        .values()
        .any(|node| node.directories.contains(directory));
    if !is_root && !is_used {
        let reason = if is_below(directory, named) {
            "a separate kustomization, below one that is rendered: name it to render it"
        } else {
            "a kustomize component that no kustomization here uses"
        };
        remarks.skip(name, reason);
    }
}

fn is_below(directory: &Path, named: &BTreeMap<PathBuf, PathBuf>) -> bool {
    root_above(directory, named).is_some()
}

fn root_above<'n>(path: &Path, named: &'n BTreeMap<PathBuf, PathBuf>) -> Option<&'n PathBuf> {
    named.keys().find(|root| path.starts_with(root))
}

/// Returns the argument that led to a directory.
fn argument_of(directory: &Path, arguments: &[SourceArgument]) -> PathBuf {
    let leads = |argument: &&SourceArgument| {
        let path = argument.path.canonicalize();
        path.is_ok_and(|path| directory.starts_with(path))
    };
    let argument = arguments.iter().find(leads);
    argument.map_or_else(|| PathBuf::from("."), |argument| argument.name.clone())
}
