//! Finds the files that arguments mean.
//!
//! Files may lie in a tree that somebody else wrote, so links are followed only beneath the
//! directory that was named, nothing but regular files is opened, and every file is read once
//! under whatever names it has.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::read::reason;
use super::{Loaded, kustomize};

/// The file extensions of manifests, as kubectl knows them (`kubectl/pkg/cmd/util`,
/// `resource.FileExtensions`).
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// A regular file.
    File {
        /// The path as the user names it.
        name: String,
        /// The path to open.
        path: PathBuf,
        /// The path without links.
        canonical: PathBuf,
    },
    /// Standard input.
    Stdin,
    /// An open file descriptor, such as a shell's `<(command)`.
    Descriptor(PathBuf),
}

/// Collects what the arguments mean, each thing once.
#[derive(Default)]
pub(super) struct Walk {
    found: Vec<Found>,
    /// The files and directories that were come by, without links.
    seen: HashSet<PathBuf>,
    stdin: bool,
    /// What is wrong, or left out.
    loaded: Loaded,
}

impl Walk {
    /// The things to read, by argument and then by path, and what is wrong.
    pub fn over(arguments: &[PathBuf]) -> (Vec<Found>, Loaded) {
        let mut walk = Self::default();
        for argument in arguments {
            walk.argument(argument);
        }
        (walk.found, walk.loaded)
    }

    fn argument(&mut self, argument: &Path) {
        if argument == Path::new("-") || argument == Path::new("/dev/stdin") {
            if !self.stdin {
                self.found.push(Found::Stdin);
            }
            self.stdin = true;
            return;
        }
        if is_descriptor(argument) {
            self.found.push(Found::Descriptor(argument.to_owned()));
            return;
        }
        let canonical = match argument.canonicalize() {
            Ok(canonical) => canonical,
            Err(error) => return self.loaded.error(name_of(argument), reason(&error)),
        };
        match fs::metadata(&canonical) {
            Err(error) => self.loaded.error(name_of(argument), reason(&error)),
            Ok(metadata) if metadata.is_dir() => {
                let first = self.found.len();
                self.directory(argument, &canonical, &canonical);
                self.found[first..].sort_by(|a, b| path_of(a).cmp(&path_of(b)));
            }
            Ok(metadata) if metadata.is_file() => self.file(argument, canonical),
            Ok(_) => self.loaded.error(
                name_of(argument),
                "this is neither a file nor a directory: to read a stream, pipe it in and name `-`",
            ),
        }
    }

    /// Adds a file, unless it was come by already.
    fn file(&mut self, path: &Path, canonical: PathBuf) {
        if self.seen.insert(canonical.clone()) {
            self.found.push(Found::File {
                name: name_of(path),
                path: path.to_owned(),
                canonical,
            });
        }
    }

    /// Walks a directory. Links come after everything else, so that a file is known by its own
    /// name where it has one in the tree.
    fn directory(&mut self, directory: &Path, canonical: &Path, root: &Path) {
        let mut links = Vec::new();
        let mut hidden = Vec::new();
        let entries = WalkDir::new(directory)
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| {
                let is_hidden = is_hidden_directory(entry);
                if is_hidden {
                    hidden.push(entry.path().to_owned());
                }
                !is_hidden
            });
        for entry in entries {
            match entry {
                Ok(entry) => {
                    let below = entry
                        .path()
                        .strip_prefix(directory)
                        .unwrap_or(Path::new(""));
                    let canonical = canonical.join(below);
                    self.entry(&entry, canonical, &mut links);
                }
                Err(error) => self.unreadable(directory, error),
            }
        }
        for path in hidden {
            self.hidden(&path);
        }
        for link in links {
            self.link(&link, root);
        }
    }

    fn entry(&mut self, entry: &DirEntry, canonical: PathBuf, links: &mut Vec<PathBuf>) {
        let path = entry.path();
        let kind = entry.file_type();
        if kind.is_dir() || entry.depth() == 0 {
            self.seen.insert(canonical);
        } else if kind.is_symlink() {
            links.push(path.to_owned());
        } else if !is_manifest(path) {
            if is_nearly_manifest(path) {
                self.loaded.skip(
                    name_of(path),
                    "its extension is not written in lower case, and kubectl reads .yaml, .yml \
                     and .json only",
                );
            }
        } else if kind.is_file() {
            self.file(path, canonical);
        } else {
            self.loaded
                .error(name_of(path), "this is not a regular file: remove it");
        }
    }

    fn unreadable(&mut self, directory: &Path, error: walkdir::Error) {
        let path = error.path().unwrap_or(directory).to_owned();
        let why = error
            .into_io_error()
            .map_or_else(|| "cannot be read".to_owned(), |error| reason(&error));
        self.loaded.error(name_of(&path), why);
    }

    /// Says that a hidden directory is left out, if there is anything to read in it. Git's own
    /// and those of a mounted ConfigMap, which the links beside them lead to, go without saying.
    fn hidden(&mut self, path: &Path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name == ".git" || name.starts_with("..") {
            return;
        }
        let holds_manifests = WalkDir::new(path)
            .into_iter()
            .flatten()
            .any(|entry| !entry.file_type().is_dir() && is_manifest(entry.path()));
        if holds_manifests {
            self.loaded.skip(
                name_of(path),
                "hidden directories are not read: name it as an argument to read it",
            );
        }
    }

    /// Follows a link, if it stays beneath the root.
    fn link(&mut self, link: &Path, root: &Path) {
        if is_hidden_name(link.file_name()) && !is_manifest(link) {
            return;
        }
        let canonical = match link.canonicalize() {
            Ok(canonical) => canonical,
            Err(error) => return self.broken_link(link, &error),
        };
        let Ok(metadata) = fs::metadata(&canonical) else {
            return;
        };
        if !metadata.is_dir() && !is_manifest(link) {
            return;
        }
        if self.seen.contains(&canonical) {
            return;
        }
        if !canonical.starts_with(root) {
            return self.loaded.error(
                name_of(link),
                "this link leads out of the directory that was named, and is not followed: name \
                 its target as an argument to read it",
            );
        }
        if metadata.is_file() {
            self.file(link, canonical);
        } else if !metadata.is_dir() {
            self.loaded
                .error(name_of(link), "this is not a regular file: remove it");
        } else {
            self.directory(link, &canonical, root);
        }
    }

    fn broken_link(&mut self, link: &Path, error: &io::Error) {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "this link leads nowhere: remove it or mend it".to_owned(),
            _ => "this link cannot be followed: does it lead in a circle?".to_owned(),
        };
        if is_manifest(link) {
            self.loaded.error(name_of(link), why);
        } else {
            self.loaded.skip(name_of(link), why);
        }
    }
}

/// The path as the user names it, without a leading `./`, which says nothing.
fn name_of(path: &Path) -> String {
    let name = path.strip_prefix(".").unwrap_or(path);
    if name.as_os_str().is_empty() {
        return ".".to_owned();
    }
    name.to_string_lossy().into_owned()
}

fn path_of(found: &Found) -> Option<&Path> {
    match found {
        Found::File { path, .. } => Some(path),
        Found::Stdin | Found::Descriptor(_) => None,
    }
}

/// Whether opening the path can only mean a stream that is open already.
fn is_descriptor(path: &Path) -> bool {
    path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd")
}

fn is_manifest(path: &Path) -> bool {
    if path.file_name() == Some(OsStr::new(kustomize::BARE_NAME)) {
        return true;
    }
    let extension = path.extension().and_then(OsStr::to_str);
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
}

fn is_nearly_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    extension.is_some_and(|extension| {
        EXTENSIONS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(extension))
    })
}

/// Whether an entry is a hidden directory: `.git`, editors' folders, the `..data` of a mounted
/// ConfigMap.
fn is_hidden_directory(entry: &DirEntry) -> bool {
    entry.depth() > 0 && entry.file_type().is_dir() && is_hidden_name(Some(entry.file_name()))
}

fn is_hidden_name(name: Option<&OsStr>) -> bool {
    name.is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}
