//! Finds the files that arguments name.
//!
//! Files on disk and files in a commit are found by the same rules. They may be in an untrusted
//! tree, so links are followed only below the named directory, only regular files are opened, and
//! each file is read once even if it has several names.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::LoadedSource;
use super::kustomization::BARE_NAME;
use super::render::FileNames;
use super::tree::{Disk, ResolvedPath, Tree, TreeEntryKind};
use crate::model::nearest;
use crate::policy::{BASELINE_NAME, CONFIG_NAME};

/// The file extensions of manifests, as kubectl knows them (`kubectl/pkg/cmd/util`,
/// `resource.FileExtensions`).
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WalkEntry {
    /// A regular file.
    File {
        /// The path as the user names it.
        name: String,
        /// The same as a path.
        path: PathBuf,
        /// The path to open, which contains no links.
        canonical: PathBuf,
    },
    /// Standard input.
    Stdin,
    /// An open file descriptor, such as a shell's `<(command)`.
    Descriptor(PathBuf),
}

/// The limits of a walk.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    /// The depth limit of directories, because commits can nest them without limit.
    pub depth: usize,
    /// The limit on entries. A commit of a few bytes can contain billions of them, because equal
    /// directories are stored once.
    pub entries: usize,
    /// The size limit of a file, in bytes.
    pub bytes: usize,
    /// The directory that must contain everything, without links; `None` for anywhere.
    pub root: Option<PathBuf>,
    /// Why links are left out; `None` to follow them.
    pub no_links: Option<&'static str>,
    /// Whether hidden directories are walked too, except for Git's own.
    pub hidden: bool,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            depth: 128,
            entries: 1_000_000,
            bytes: usize::MAX,
            root: None,
            no_links: None,
            hidden: false,
        }
    }
}

impl Bounds {
    /// Returns limits for an untrusted tree, which no ordinary tree exceeds.
    pub fn untrusted_limits(root: Option<PathBuf>) -> Self {
        Self {
            depth: 32,
            entries: 50_000,
            bytes: 16 << 20,
            root,
            no_links: None,
            // kubectl applies what is in them.
            hidden: true,
        }
    }
}

/// Collects the files and streams that the arguments name, each once.
pub(super) struct Walk<'t> {
    tree: &'t dyn Tree,
    bounds: Bounds,
    found: Vec<WalkEntry>,
    /// The files and directories found so far, without links.
    seen: HashSet<PathBuf>,
    entries: usize,
    /// The number of paths that were named so far.
    arguments: usize,
    stdin: bool,
    /// Errors, and files that are left out.
    loaded: LoadedSource,
}

/// A position in the tree.
#[derive(Clone, Copy)]
struct WalkPosition<'p> {
    /// The path as the user names it.
    name: &'p Path,
    /// The same without links.
    canonical: &'p Path,
    depth: usize,
}

/// Entries to visit after the others of a directory.
#[derive(Default)]
struct DeferredEntries {
    links: Vec<(PathBuf, PathBuf)>,
    hidden: Vec<(PathBuf, PathBuf)>,
}

impl<'t> Walk<'t> {
    /// Returns a walk through a tree, before its start.
    pub fn through(tree: &'t dyn Tree, bounds: Bounds) -> Self {
        Self {
            tree,
            bounds,
            found: Vec::new(),
            seen: HashSet::new(),
            entries: 0,
            arguments: 0,
            stdin: false,
            loaded: LoadedSource::default(),
        }
    }

    /// Returns the files found, sorted by argument and path, and the errors.
    pub fn finish(self) -> (Vec<WalkEntry>, LoadedSource) {
        (self.found, self.loaded)
    }

    /// Adds a stream, if an argument names one.
    pub fn stream(&mut self, argument: &Path) -> bool {
        if is_stdin(argument) {
            if !self.stdin {
                self.found.push(WalkEntry::Stdin);
            }
            self.stdin = true;
        } else if is_descriptor(argument) {
            self.found.push(WalkEntry::Descriptor(argument.to_owned()));
        } else {
            return false;
        }
        true
    }

    /// Returns the path next to a missing one with the most similar name. Names in an untrusted
    /// tree are not shown.
    fn nearest(&self, path: &Path) -> Option<String> {
        if self.bounds.root.is_some() {
            return None;
        }
        let name = path.file_name()?.to_str()?;
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let folder = self.tree.resolve(parent.unwrap_or(Path::new("."))).ok()?;
        let entries = self.tree.list(&folder.canonical).ok()?;
        let names: Vec<&str> = entries
            .iter()
            .filter_map(|entry| entry.name.to_str())
            .collect();
        let meant = nearest(name, names)?;
        Some(path.with_file_name(meant).display().to_string())
    }

    /// Adds the file or directory at `path` in the tree, which the user calls `name`.
    pub fn argument(&mut self, name: &Path, path: &Path) {
        self.arguments += 1;
        let ResolvedPath { canonical, kind } = match self.tree.resolve(path) {
            Ok(resolved) => resolved,
            Err(error) => {
                let mut why = self.tree.reason(&error);
                if let Some(nearest) = self.nearest(path).filter(|_| is_missing(&error)) {
                    let what = why.split(": check the path").next().unwrap_or(&why);
                    why = format!("{what}; did you mean {nearest}?");
                }
                return self.loaded.error(name_of(name), why);
            }
        };
        let root = self.bounds.root.as_ref();
        if root.is_some_and(|root| !canonical.starts_with(root)) {
            return self.loaded.error(name_of(name), NOT_BELOW);
        }
        match kind {
            TreeEntryKind::Directory => {
                let first = self.found.len();
                self.directory(name, &canonical, &canonical);
                self.found[first..].sort_by(|a, b| path_of(a).cmp(&path_of(b)));
            }
            TreeEntryKind::File => self.file(name, canonical),
            TreeEntryKind::Submodule => self.loaded.error(name_of(name), SUBMODULE),
            TreeEntryKind::Outside => self.loaded.error(name_of(name), OUTSIDE),
            TreeEntryKind::Link | TreeEntryKind::Other => self.loaded.error(
                name_of(name),
                "this is neither a file nor a directory: to read a stream, pipe it in and name `-`",
            ),
        }
    }

    /// Adds a file, unless it was already found.
    fn file(&mut self, path: &Path, canonical: PathBuf) {
        if self.seen.insert(canonical.clone()) {
            self.found.push(WalkEntry::File {
                name: name_of(path),
                path: path.to_owned(),
                canonical,
            });
        }
    }

    /// Walks a directory. Links come last, so that a file gets its own name if it has one in the
    /// tree.
    fn directory(&mut self, name: &Path, canonical: &Path, root: &Path) {
        let mut later = DeferredEntries::default();
        let place = WalkPosition {
            name,
            canonical,
            depth: 0,
        };
        self.descend(place, &mut later);
        for (name, canonical) in later.hidden {
            self.hidden(&name, &canonical);
        }
        for (name, path) in later.links {
            self.link(&name, &path, root);
        }
    }

    fn descend(&mut self, place: WalkPosition<'_>, later: &mut DeferredEntries) {
        if !self.seen.insert(place.canonical.to_owned()) {
            return;
        }
        if place.depth > self.bounds.depth {
            let why = format!(
                "directories are nested more than {} levels deep",
                self.bounds.depth
            );
            return self.loaded.error(name_of(place.name), why);
        }
        let mut entries = match self.tree.list(place.canonical) {
            Ok(entries) => entries,
            Err(error) => {
                let why = self.tree.reason(&error);
                return self.loaded.error(name_of(place.name), why);
            }
        };
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        for entry in entries {
            self.entries += 1;
            if self.entries > self.bounds.entries {
                if self.entries == self.bounds.entries + 1 {
                    let why = format!(
                        "more than {} files and directories: name those that hold the manifests",
                        self.bounds.entries
                    );
                    self.loaded.error(name_of(place.name), why);
                }
                return;
            }
            let name = place.name.join(&entry.name);
            let canonical = place.canonical.join(&entry.name);
            self.entry(entry.kind, name, canonical, place.depth + 1, later);
        }
    }

    fn entry(
        &mut self,
        kind: TreeEntryKind,
        name: PathBuf,
        canonical: PathBuf,
        depth: usize,
        later: &mut DeferredEntries,
    ) {
        match kind {
            TreeEntryKind::Directory if self.leaves_out(name.file_name()) => {
                later.hidden.push((name, canonical));
            }
            TreeEntryKind::Directory => {
                let place = WalkPosition {
                    name: &name,
                    canonical: &canonical,
                    depth,
                };
                self.descend(place, later);
            }
            TreeEntryKind::Link => later.links.push((name, canonical)),
            TreeEntryKind::File if is_ours(&name) => self.ours(&name, depth),
            TreeEntryKind::Submodule => self.loaded.error(name_of(&name), SUBMODULE),
            _ if !is_manifest(&name) => {
                if is_nearly_manifest(&name) {
                    self.loaded.skip(
                        name_of(&name),
                        "its extension is not in lower case; kubectl reads only .yaml, .yml and \
                         .json",
                    );
                }
            }
            TreeEntryKind::File => self.file(&name, canonical),
            TreeEntryKind::Other | TreeEntryKind::Outside => {
                self.loaded.error(name_of(&name), IRREGULAR)
            }
        }
    }

    fn leaves_out(&self, directory: Option<&OsStr>) -> bool {
        is_hidden_name(directory) && !(self.bounds.hidden && directory != Some(OsStr::new(".git")))
    }

    /// Skips files of rules and of accepted drift, which are not manifests. In the directory where
    /// the search for rules begins they are skipped silently, unless they are not trusted; those in
    /// directories below apply to other runs.
    fn ours(&mut self, name: &Path, depth: usize) {
        let why = if self.bounds.root.is_some() {
            "rules that come with untrusted manifests are not read"
        } else if depth > 1 || self.arguments > 1 {
            "rules apply only to a run that names their folder first, or one below it"
        } else {
            return;
        };
        self.loaded.skip(name_of(name), why);
    }

    /// Reports that a hidden directory is left out, if it contains files to read. Git's own
    /// directories and those of a mounted ConfigMap, which links next to them lead to, are skipped
    /// silently.
    fn hidden(&mut self, name: &Path, canonical: &Path) {
        let last = name.file_name().unwrap_or_default().to_string_lossy();
        if last == ".git" || last.starts_with("..") {
            return;
        }
        if self.holds_manifests(canonical, 0) {
            self.loaded.skip(
                name_of(name),
                "hidden directories are not read: name this one as an argument to read it",
            );
        }
    }

    fn holds_manifests(&mut self, canonical: &Path, depth: usize) -> bool {
        let Ok(entries) = self.tree.list(canonical) else {
            return false;
        };
        self.entries += entries.len();
        if depth > self.bounds.depth || self.entries > self.bounds.entries {
            return false;
        }
        entries.iter().any(|entry| match entry.kind {
            TreeEntryKind::Directory => {
                self.holds_manifests(&canonical.join(&entry.name), depth + 1)
            }
            _ => is_manifest(Path::new(&entry.name)),
        })
    }

    /// Follows a link, if it stays below the root.
    fn link(&mut self, name: &Path, path: &Path, root: &Path) {
        if is_hidden_name(name.file_name()) && !is_manifest(name) {
            return;
        }
        if let Some(why) = self.bounds.no_links {
            // A name without an extension may be that of a directory.
            if is_manifest(name) || name.extension().is_none() {
                self.loaded.skip(name_of(name), why);
            }
            return;
        }
        let ResolvedPath { canonical, kind } = match self.tree.resolve(path) {
            Ok(resolved) => resolved,
            Err(error) => return self.broken_link(name, &error),
        };
        // What is outside a commit is unknown. A name without an extension is assumed to be a
        // directory's.
        let may_be_directory = kind == TreeEntryKind::Outside && name.extension().is_none();
        let may_hold_manifests =
            may_be_directory || matches!(kind, TreeEntryKind::Directory | TreeEntryKind::Submodule);
        if !may_hold_manifests && !is_manifest(name) || self.seen.contains(&canonical) {
            return;
        }
        if kind == TreeEntryKind::Outside || !canonical.starts_with(root) {
            return self.loaded.error(name_of(name), OUTSIDE);
        }
        match kind {
            TreeEntryKind::Directory => self.directory(name, &canonical, root),
            TreeEntryKind::File => self.file(name, canonical),
            TreeEntryKind::Submodule => self.loaded.error(name_of(name), SUBMODULE),
            _ => self.loaded.error(name_of(name), IRREGULAR),
        }
    }

    fn broken_link(&mut self, name: &Path, error: &io::Error) {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "this link is broken: remove it or fix it".to_owned(),
            _ => "this link cannot be followed: does it lead to itself?".to_owned(),
        };
        if is_manifest(name) {
            self.loaded.error(name_of(name), why);
        } else {
            self.loaded.skip(name_of(name), why);
        }
    }
}

/// Returns the files in a directory on disk, which must be free of links.
pub(super) fn found_on_disk(
    directory: &Path,
    names: &FileNames,
    bounds: Bounds,
) -> (Vec<WalkEntry>, LoadedSource) {
    let mut walk = Walk::through(&Disk, bounds);
    walk.argument(Path::new(&names.of(directory)), directory);
    walk.finish()
}

/// Returns the error for a path outside the current directory, if only files below it may be read.
pub(super) const NOT_BELOW: &str = "this leads out of the current directory, but untrusted \
    manifests are read only below it: run driftctl in the directory that contains them";

const IRREGULAR: &str = "this is not a regular file: remove it";

/// Returns the error for a link that is not followed.
pub(super) const OUTSIDE: &str = "this link leads out of the named directory and is not followed: \
    name its target as an argument to read it";

/// Returns the error for a submodule.
pub(super) const SUBMODULE: &str = "this is a submodule, whose files are not part of the commit: \
    compare it on its own, in its own repository";

/// Returns the path as the user names it, without a leading `./`.
fn name_of(path: &Path) -> String {
    let name = path.strip_prefix(".").unwrap_or(path);
    if name.as_os_str().is_empty() {
        return ".".to_owned();
    }
    name.to_string_lossy().into_owned()
}

fn path_of(found: &WalkEntry) -> Option<&Path> {
    match found {
        WalkEntry::File { path, .. } => Some(path),
        WalkEntry::Stdin | WalkEntry::Descriptor(_) => None,
    }
}

/// Returns whether an argument is a stream, and not a path in a tree.
pub(super) fn is_stream(argument: &Path) -> bool {
    is_stdin(argument) || is_descriptor(argument)
}

fn is_stdin(argument: &Path) -> bool {
    argument == Path::new("-") || argument == Path::new("/dev/stdin")
}

/// Returns whether the path can only be that of an open stream.
fn is_descriptor(path: &Path) -> bool {
    path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd")
}

/// Returns whether a file is one of driftctl's own.
fn is_ours(path: &Path) -> bool {
    let name = path.file_name();
    [CONFIG_NAME, BASELINE_NAME]
        .map(OsStr::new)
        .iter()
        .any(|own| name == Some(*own))
}

fn is_manifest(path: &Path) -> bool {
    if path.file_name() == Some(OsStr::new(BARE_NAME)) {
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

/// Returns whether a name is that of a hidden directory: `.git`, directories of editors, the
/// `..data` of a mounted ConfigMap.
fn is_hidden_name(name: Option<&OsStr>) -> bool {
    name.is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Returns whether there is nothing at a path.
fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

#[cfg(test)]
mod tests;
