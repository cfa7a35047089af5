//! Limits what kustomizations may do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::graph::KustomizationNode;
use crate::source::of_git::{REFUSED, is_of_git};

/// The limits of a build.
#[derive(Clone, Copy)]
pub(in crate::source) struct ReadLimits<'l> {
    /// Whether remote files may be fetched.
    pub allow_remote: bool,
    /// The directory that everything must be read from, if there is one.
    pub within: Option<&'l Path>,
    /// Why a file does not exist for the GitOps tool that would read it.
    pub absent: Absent<'l>,
}

/// Returns why a file does not exist for the tool that would read it; `None` if all files exist.
pub(in crate::source) type Absent<'l> = Option<&'l dyn Fn(&Path) -> Option<String>>;

/// Checks that these kustomizations only read files here; returns the file and reason of a refusal.
///
/// # Errors
/// Returns the first refusal, in the order of directories.
pub(in crate::source) fn check(
    nodes: &BTreeMap<PathBuf, &KustomizationNode>,
    limits: ReadLimits<'_>,
) -> Result<(), (PathBuf, String)> {
    // First, because a message about a file elsewhere could quote it.
    for node in nodes.values() {
        is_within(node, limits.within)?;
    }
    for node in nodes.values() {
        let refuse = |message: String| Err((node.file.clone(), message));
        if let Some(problem) = &node.problem {
            return refuse(problem.clone());
        }
        if let (Some(entry), false) = (node.remote.first(), limits.allow_remote) {
            return refuse(format!(
                "{entry} is or may be remote and is not fetched: pass --allow-remote to let \
                 kustomize fetch it"
            ));
        }
        let mut read = node.files.iter().chain(&node.directories);
        if let Some(file) = read.find(|path| is_of_git(path) && !is_of_git(&node.file)) {
            return refuse(format!(
                "it leads to {}, which is {REFUSED}",
                file.display()
            ));
        }
        let mut files = [&node.file].into_iter().chain(&node.files);
        let absent = limits
            .absent
            .and_then(|why| files.find_map(|file| why(file)));
        if let Some(why) = absent {
            return refuse(why);
        }
    }
    Ok(())
}

/// Checks that a kustomization uses only what is below a directory.
fn is_within(node: &KustomizationNode, root: Option<&Path>) -> Result<(), (PathBuf, String)> {
    let Some(root) = root else {
        return Ok(());
    };
    // It may be a link itself.
    let file = node
        .file
        .canonicalize()
        .unwrap_or_else(|_| node.file.clone());
    let mut read = [&file]
        .into_iter()
        .chain(&node.files)
        .chain(&node.directories);
    match read.find(|path| !path.starts_with(root)) {
        Some(outside) => Err((node.file.clone(), leads_out(outside, root))),
        None => Ok(()),
    }
}

/// Returns the error for a path that leads out of a directory.
pub(super) fn leads_out(outside: &Path, root: &Path) -> String {
    format!(
        "it leads to {}, which is outside {}",
        outside.display(),
        root.display()
    )
}
