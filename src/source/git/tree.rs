//! Reads the files of a commit from the object database. Nothing is checked out, so no filter and
//! no hook runs, and links are followed only within the commit.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use gix::ObjectId;
use gix::object::Kind as ObjectKind;
use gix::objs::tree::EntryKind;

use super::repository::{Commit, Repository};
use crate::source::read;
use crate::source::tree::{ResolvedPath, Tree, TreeEntry, TreeEntryKind};

/// The length limit of a link's target, as in Linux (`PATH_MAX`).
const LONGEST_LINK: usize = 4096;

/// The limit on links in a path, as in Linux (`MAXSYMLINKS`).
const MOST_LINKS: usize = 40;

/// The tree of a commit. Paths are relative to the root of the repository, which is the empty path.
pub(super) struct CommitTree<'r> {
    repository: &'r Repository,
    commit: &'r Commit,
    directories: Mutex<HashMap<ObjectId, Arc<Directory>>>,
}

type Directory = Vec<(OsString, GitNode)>;

#[derive(Clone, Copy)]
struct GitNode {
    kind: TreeEntryKind,
    id: ObjectId,
}

impl<'r> CommitTree<'r> {
    /// Returns the tree of this commit.
    pub fn new(repository: &'r Repository, commit: &'r Commit) -> Self {
        Self {
            repository,
            commit,
            directories: Mutex::default(),
        }
    }

    /// Returns the entries of a tree object, sorted by name.
    fn directory(&self, id: ObjectId) -> io::Result<Arc<Directory>> {
        let known = || {
            self.directories
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(directory) = known().get(&id) {
            return Ok(Arc::clone(directory));
        }
        let bytes = self.object(id, ObjectKind::Tree)?;
        let mut entries = Vec::new();
        for entry in gix::objs::TreeRefIter::from_bytes(&bytes, id.kind()) {
            let entry = entry.map_err(|_| io::Error::other("its directory is damaged"))?;
            entries.push(named(entry)?);
        }
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        let directory = Arc::new(entries);
        known().insert(id, Arc::clone(&directory));
        Ok(directory)
    }

    fn object(&self, id: ObjectId, kind: ObjectKind) -> io::Result<Vec<u8>> {
        self.repository.with(|repository| {
            let header = repository.try_find_header(id).map_err(damaged)?;
            let header = header.ok_or_else(|| {
                io::Error::other(
                    "the commit names it, but the clone does not have it: clone without --filter",
                )
            })?;
            if header.kind() != kind {
                return Err(io::Error::other("its object is of another type"));
            }
            if header.size() > read::MAX_BYTES {
                return Err(io::Error::other(read::too_large()));
            }
            let object = repository.find_object(id).map_err(damaged)?;
            Ok(object.detach().data)
        })
    }

    /// Returns what is at a path without links.
    fn node(&self, canonical: &Path) -> io::Result<GitNode> {
        let mut node = self.root();
        for part in canonical.components() {
            node = self.child(node, part.as_os_str())?;
        }
        Ok(node)
    }

    fn root(&self) -> GitNode {
        GitNode {
            kind: TreeEntryKind::Directory,
            id: self.commit.tree,
        }
    }

    fn child(&self, node: GitNode, name: &std::ffi::OsStr) -> io::Result<GitNode> {
        if node.kind == TreeEntryKind::Submodule {
            return Err(io::Error::other(
                "it is in a submodule, whose files are not part of the commit: name it as a path \
                 with --ref to read it from the submodule's own repository",
            ));
        }
        if node.kind != TreeEntryKind::Directory {
            return Err(io::ErrorKind::NotFound.into());
        }
        let directory = self.directory(node.id)?;
        let at = directory.binary_search_by(|(other, _)| other.as_os_str().cmp(name));
        let found = at.ok().and_then(|at| directory.get(at));
        found
            .map(|(_, node)| *node)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Returns the bytes of a file.
    ///
    /// # Errors
    /// Fails if the file does not exist or cannot be read.
    pub fn bytes(&self, canonical: &Path) -> io::Result<Vec<u8>> {
        let node = self.node(canonical)?;
        self.object(node.id, ObjectKind::Blob)
    }

    fn target(&self, link: GitNode) -> io::Result<PathBuf> {
        let bytes = self.object(link.id, ObjectKind::Blob)?;
        if bytes.len() > LONGEST_LINK || bytes.contains(&0) {
            return Err(io::Error::other("its target is not a path"));
        }
        let target = gix::path::from_byte_slice(&bytes);
        let target = target.map_err(|_| io::Error::other("its target is not a path"))?;
        Ok(target.to_owned())
    }
}

impl Tree for CommitTree<'_> {
    fn resolve(&self, path: &Path) -> io::Result<ResolvedPath> {
        // The remaining parts, the next one last.
        let mut ahead = parts(path);
        let mut way: Vec<(OsString, GitNode)> = Vec::new();
        let mut links = 0;
        while let Some(part) = ahead.pop() {
            match part {
                PathPart::Up if way.pop().is_none() => return Ok(outside(path)),
                PathPart::Up => {}
                PathPart::Root => return Ok(outside(path)),
                PathPart::Name(name) => {
                    let here = way.last().map_or_else(|| self.root(), |(_, node)| *node);
                    let node = self.child(here, &name)?;
                    if node.kind != TreeEntryKind::Link {
                        way.push((name, node));
                        continue;
                    }
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(io::Error::other("it leads through too many links"));
                    }
                    ahead.extend(parts(&self.target(node)?));
                }
            }
        }
        Ok(ResolvedPath {
            kind: way
                .last()
                .map_or(TreeEntryKind::Directory, |(_, node)| node.kind),
            canonical: way.into_iter().map(|(name, _)| name).collect(),
        })
    }

    fn list(&self, canonical: &Path) -> io::Result<Vec<TreeEntry>> {
        let directory = self.directory(self.node(canonical)?.id)?;
        let entries = directory.iter().map(|(name, node)| TreeEntry {
            name: name.clone(),
            kind: node.kind,
        });
        Ok(entries.collect())
    }

    fn read(&self, canonical: &Path) -> Result<Vec<u8>, String> {
        let bytes = self.bytes(canonical);
        let bytes = bytes.map_err(|error| self.reason(&error))?;
        // The commit contains nothing else of a submodule.
        read::manifest(bytes).map_err(|_| {
            "this is a Git LFS pointer, and the manifest itself is not in the commit: run `git \
             lfs pull`, and compare the files on disk"
                .to_owned()
        })
    }

    fn reason(&self, error: &io::Error) -> String {
        match error.kind() {
            io::ErrorKind::NotFound => format!(
                "no such path in {} ({}): check the path and the revision",
                self.commit.name,
                self.commit.short()
            ),
            _ => format!("cannot be read from the commit: {error}"),
        }
    }
}

/// A part of a path.
enum PathPart {
    /// The root of the file system, which no commit contains.
    Root,
    Up,
    Name(OsString),
}

/// Returns the parts of a path, the first one last.
fn parts(path: &Path) -> Vec<PathPart> {
    let parts = path.components().rev().filter_map(|part| match part {
        Component::CurDir => None,
        Component::ParentDir => Some(PathPart::Up),
        Component::Normal(name) => Some(PathPart::Name(name.to_owned())),
        Component::RootDir | Component::Prefix(_) => Some(PathPart::Root),
    });
    parts.collect()
}

fn outside(path: &Path) -> ResolvedPath {
    ResolvedPath {
        canonical: path.to_owned(),
        kind: TreeEntryKind::Outside,
    }
}

fn named(entry: gix::objs::tree::EntryRef<'_>) -> io::Result<(OsString, GitNode)> {
    let name = gix::path::from_bstr(entry.filename);
    let name = name.map_err(|_| io::Error::other("a name in it is not text"))?;
    // Git refuses such names on a checkout, but a hand-made commit can contain them.
    let is_plain = matches!(
        name.components().collect::<Vec<_>>()[..],
        [Component::Normal(_)]
    );
    if !is_plain {
        return Err(io::Error::other("a name in it is not a file name"));
    }
    let kind = match entry.mode.kind() {
        EntryKind::Tree => TreeEntryKind::Directory,
        EntryKind::Blob | EntryKind::BlobExecutable => TreeEntryKind::File,
        EntryKind::Link => TreeEntryKind::Link,
        EntryKind::Commit => TreeEntryKind::Submodule,
    };
    let id = entry.oid.to_owned();
    Ok((name.as_os_str().to_owned(), GitNode { kind, id }))
}

fn damaged(_: gix::Error) -> io::Error {
    io::Error::other("its object is damaged: run `git fsck`")
}
