//! A tree of named files, on disk or in a commit.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::read;

/// The kind of an entry in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TreeEntryKind {
    /// A directory.
    Directory,
    /// A file.
    File,
    /// A link.
    Link,
    /// A repository within a repository; a commit has only the ID of its commit.
    Submodule,
    /// A device, a socket or a pipe.
    Other,
    /// A path outside the tree, where links may lead.
    Outside,
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TreeEntry {
    pub name: OsString,
    pub kind: TreeEntryKind,
}

/// A path with all links resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResolvedPath {
    /// The path without links.
    pub canonical: PathBuf,
    /// The kind of its target; never a link.
    pub kind: TreeEntryKind,
}

/// A tree of named files. Through this interface, files on disk and in commits are read by the same
/// rules.
pub(super) trait Tree: Sync {
    /// Resolves every link in a path.
    ///
    /// # Errors
    /// Fails with `NotFound` if nothing exists at the path, or with other errors.
    fn resolve(&self, path: &Path) -> io::Result<ResolvedPath>;

    /// Returns the entries of a directory, in any order; `canonical` contains no links.
    ///
    /// # Errors
    /// Fails if they cannot be read.
    fn list(&self, canonical: &Path) -> io::Result<Vec<TreeEntry>>;

    /// Returns the bytes of a file; `canonical` contains no links.
    ///
    /// # Errors
    /// Fails with a message for the user.
    fn read(&self, canonical: &Path) -> Result<Vec<u8>, String>;

    /// Returns the reason of an error, as a message for the user.
    fn reason(&self, error: &io::Error) -> String {
        read::reason(error)
    }
}

/// The file system.
pub(super) struct Disk;

impl Tree for Disk {
    fn resolve(&self, path: &Path) -> io::Result<ResolvedPath> {
        let canonical = path.canonicalize()?;
        let kind = kind_of(fs::metadata(&canonical)?.file_type());
        Ok(ResolvedPath { canonical, kind })
    }

    fn list(&self, canonical: &Path) -> io::Result<Vec<TreeEntry>> {
        let entries = fs::read_dir(canonical)?.map(|entry| {
            let entry = entry?;
            Ok(TreeEntry {
                name: entry.file_name(),
                kind: kind_of(entry.file_type()?),
            })
        });
        entries.collect()
    }

    fn read(&self, canonical: &Path) -> Result<Vec<u8>, String> {
        read::file(canonical)
    }
}

fn kind_of(kind: fs::FileType) -> TreeEntryKind {
    if kind.is_dir() {
        TreeEntryKind::Directory
    } else if kind.is_file() {
        TreeEntryKind::File
    } else if kind.is_symlink() {
        TreeEntryKind::Link
    } else {
        TreeEntryKind::Other
    }
}
