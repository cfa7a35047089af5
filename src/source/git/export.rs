//! Copies a commit's files to disk, for renderers, which read only directories.
//!
//! The bytes are those of Git objects. It is not a checkout: filters, hooks and attributes are
//! ignored, and a link is created only if its target is in the same commit.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::repository::{Commit, Repository};
use super::tree::CommitTree;
use crate::source::folder::ManifestFolder;
use crate::source::render::{private_file, relative_to};
use crate::source::tree::{Tree, TreeEntryKind};
use crate::source::walk::{Bounds, OUTSIDE, SUBMODULE};

/// The size limit of a copy, in bytes.
const MOST: u64 = 1 << 30;

/// A copy of a commit's files, which is removed when it is dropped.
#[derive(Debug)]
pub(in crate::source) struct Export {
    /// The directory of the root of the repository, without links.
    pub root: PathBuf,
    /// The paths below the root that are not copied, with the reasons.
    pub left_out: BTreeMap<PathBuf, String>,
    _folder: ManifestFolder,
}

/// The files to copy, by paths below the root.
#[derive(Default)]
struct ExportPlan {
    directories: Vec<PathBuf>,
    files: Vec<PathBuf>,
    links: Vec<PathBuf>,
    left_out: BTreeMap<PathBuf, String>,
}

impl Export {
    /// Copies the files of a commit.
    ///
    /// # Errors
    /// Fails if there are more than `bounds` allow, or they cannot be written.
    pub fn of(repository: &Repository, commit: &Commit, bounds: &Bounds) -> Result<Self, String> {
        let tree = CommitTree::new(repository, commit);
        let mut plan = ExportPlan::of(&tree, bounds)?;
        let folder = ManifestFolder::temporary().map_err(|error| unwritten(&error))?;
        let root = folder.path().to_owned();
        for below in &plan.directories {
            fs::create_dir_all(root.join(below)).map_err(|error| unwritten(&error))?;
        }
        let copied = AtomicU64::new(0);
        let results: Vec<Result<(), ExportError>> = plan
            .files
            .par_iter()
            .map(|below| copy(&tree, below, &root, &copied))
            .collect();
        for (below, result) in plan.files.iter().zip(results) {
            match result {
                Ok(()) => {}
                Err(ExportError::One(why)) => {
                    plan.left_out.insert(below.clone(), why);
                }
                Err(ExportError::All(why)) => return Err(why),
            }
        }
        for below in &plan.links {
            if let Err(why) = link(&tree, below, &root) {
                plan.left_out.insert(below.clone(), why);
            }
        }
        Ok(Self {
            root,
            left_out: plan.left_out,
            _folder: folder,
        })
    }
}

impl ExportPlan {
    fn of(tree: &CommitTree<'_>, bounds: &Bounds) -> Result<Self, String> {
        let mut plan = Self::default();
        let mut ahead = vec![(PathBuf::new(), 0)];
        let mut entries = 0;
        while let Some((directory, depth)) = ahead.pop() {
            if depth > bounds.depth {
                return Err(format!(
                    "directories are nested more than {} levels deep",
                    bounds.depth
                ));
            }
            let listed = tree.list(&directory).map_err(|error| tree.reason(&error))?;
            entries += listed.len();
            if entries > bounds.entries {
                return Err(format!(
                    "the commit has more than {} files and directories, which is too many to \
                     render",
                    bounds.entries
                ));
            }
            for entry in listed {
                let below = directory.join(&entry.name);
                match entry.kind {
                    TreeEntryKind::Directory => ahead.push((below, depth + 1)),
                    TreeEntryKind::File => plan.files.push(below),
                    TreeEntryKind::Link => plan.links.push(below),
                    TreeEntryKind::Submodule => {
                        plan.left_out.insert(below, SUBMODULE.to_owned());
                    }
                    TreeEntryKind::Other | TreeEntryKind::Outside => {}
                }
            }
            plan.directories.push(directory);
        }
        Ok(plan)
    }
}

/// An error that prevented copying.
enum ExportError {
    /// It affects one file.
    One(String),
    /// It affects all files.
    All(String),
}

fn copy(
    tree: &CommitTree<'_>,
    below: &Path,
    root: &Path,
    copied: &AtomicU64,
) -> Result<(), ExportError> {
    let bytes = tree.bytes(below);
    let bytes = bytes.map_err(|error| ExportError::One(tree.reason(&error)))?;
    let before = copied.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    if before + bytes.len() as u64 > MOST {
        return Err(ExportError::All(format!(
            "the commit has more than {} MiB, which is too much to render",
            MOST >> 20
        )));
    }
    // Some file systems ignore case in names: nothing is overwritten.
    let file = private_file(&root.join(below));
    match file.and_then(|mut file| file.write_all(&bytes)) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(ExportError::One(
            "another file's name differs only in case, which this file system cannot distinguish"
                .to_owned(),
        )),
        Err(error) => Err(ExportError::All(unwritten(&error))),
    }
}

/// Creates a link directly to the final target of the commit's link.
fn link(tree: &CommitTree<'_>, below: &Path, root: &Path) -> Result<(), String> {
    let target = tree
        .resolve(below)
        .map_err(|_| "the target of this link is not in the commit".to_owned())?;
    match target.kind {
        TreeEntryKind::File | TreeEntryKind::Directory => {}
        TreeEntryKind::Submodule => return Err(SUBMODULE.to_owned()),
        _ => return Err(OUTSIDE.to_owned()),
    }
    let at = root.join(below);
    let from = at.parent().unwrap_or(root);
    make_link(&relative_to(&root.join(target.canonical), from), &at)
        .map_err(|error| unwritten(&error))
}

#[cfg(unix)]
fn make_link(target: &Path, at: &Path) -> io::Result<()> {
    let target = if target.as_os_str().is_empty() {
        Path::new(".")
    } else {
        target
    };
    std::os::unix::fs::symlink(target, at)
}

#[cfg(not(unix))]
fn make_link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn unwritten(error: &io::Error) -> String {
    format!("cannot copy the commit's files for the renderer: {error}")
}
