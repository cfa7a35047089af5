//! What manifests are in: a tree of named files, be it on disk or in a commit.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::read;

/// What an entry of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It has entries of its own.
    Directory,
    /// It holds bytes.
    File,
    /// It leads somewhere else.
    Link,
    /// A repository within a repository, of which a commit holds the name only.
    Submodule,
    /// A device, a socket, a pipe.
    Other,
    /// What links lead to that leave the tree altogether.
    Outside,
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub name: OsString,
    pub kind: Kind,
}

/// What a path means when every link in it was followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolved {
    /// The path without links.
    pub canonical: PathBuf,
    /// What is there; never a link.
    pub kind: Kind,
}

/// A tree of named files. Files and commits are read by the same rules, and this is everything that
/// the rules need to know of either.
pub(super) trait Tree: Sync {
    /// Follows every link in a path.
    ///
    /// # Errors
    /// `NotFound` where there is nothing, and others.
    fn resolve(&self, path: &Path) -> io::Result<Resolved>;

    /// Returns the entries of a directory, in any order; `canonical` holds no links.
    ///
    /// # Errors
    /// Fails if they cannot be read.
    fn list(&self, canonical: &Path) -> io::Result<Vec<Entry>>;

    /// Returns the bytes of a file; `canonical` holds no links.
    ///
    /// # Errors
    /// In words for the user: what cannot be read, and why.
    fn read(&self, canonical: &Path) -> Result<Vec<u8>, String>;

    /// Returns why something cannot be read, in words for the user.
    fn reason(&self, error: &io::Error) -> String {
        read::reason(error)
    }
}

/// The file system.
pub(super) struct Disk;

impl Tree for Disk {
    fn resolve(&self, path: &Path) -> io::Result<Resolved> {
        let canonical = path.canonicalize()?;
        let kind = kind_of(fs::metadata(&canonical)?.file_type());
        Ok(Resolved { canonical, kind })
    }

    fn list(&self, canonical: &Path) -> io::Result<Vec<Entry>> {
        let entries = fs::read_dir(canonical)?.map(|entry| {
            let entry = entry?;
            Ok(Entry {
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

fn kind_of(kind: fs::FileType) -> Kind {
    if kind.is_dir() {
        Kind::Directory
    } else if kind.is_file() {
        Kind::File
    } else if kind.is_symlink() {
        Kind::Link
    } else {
        Kind::Other
    }
}
