//! Reads manifests in a commit of a Git repository.

mod above;
mod blame;
mod export;
mod handles;
mod pages;
mod repository;
mod root;
mod tree;

use std::path::{Component, Path, PathBuf};

use super::files::{OnDisk, read_all};
use super::render::Rendering;
use super::tree::{Tree, TreeEntryKind};
use super::walk::{Bounds, Walk, WalkEntry};
use super::{LoadedSource, Source, chart, kustomization, plan};
use crate::cluster::Live;

pub use above::{CommitFile, before_branch, file_above};
pub use blame::blame;
pub(super) use export::Export;
pub use pages::pages;
pub(super) use repository::comparable_address;
pub use repository::{Commit, GitError, Repository};
pub use root::around;
use tree::CommitTree;

/// Returns whether the last commit has something at a path, which need not exist on disk.
pub(super) fn is_in_head(path: &Path) -> bool {
    let Ok((repository, below)) = Repository::containing(path) else {
        return false;
    };
    let head = repository.resolve("HEAD");
    head.is_ok_and(|commit| {
        CommitTree::new(&repository, &commit)
            .resolve(&below)
            .is_ok()
    })
}

/// Files and directories as they are in a commit, regardless of the work tree.
///
/// They are read by the same rules as [`Files`](super::FilesSource), from Git objects: nothing is
/// checked out, and no program that the repository names runs.
#[derive(Debug)]
pub struct Git {
    repository: Repository,
    commit: Commit,
    arguments: Vec<GitArgument>,
    untrusted: bool,
    rendering: Option<Rendering>,
}

#[derive(Debug)]
struct GitArgument {
    /// The path as the user names it.
    name: PathBuf,
    /// The path below the root of the repository.
    path: PathBuf,
}

impl Git {
    /// Returns file system paths, at a revision of the repository that contains them. They need not
    /// exist any more.
    ///
    /// # Errors
    /// Fails if they are in no repository, or in several, or if it does not have the revision.
    pub fn at(revision: &str, paths: &[PathBuf]) -> Result<Self, GitError> {
        let here = PathBuf::from(".");
        let (first, others) = match paths.split_first() {
            Some((first, others)) => (first, others),
            None => (&here, &[][..]),
        };
        let (repository, path) = Repository::containing(first)?;
        let mut arguments = vec![GitArgument {
            name: first.clone(),
            path,
        }];
        for name in others {
            let (other, path) = Repository::containing(name)?;
            if other.root() != repository.root() {
                return Err(GitError::Several {
                    first: first.display().to_string(),
                    second: name.display().to_string(),
                });
            }
            let name = name.clone();
            arguments.push(GitArgument { name, path });
        }
        let commit = repository.resolve(revision)?;
        Ok(Self {
            repository,
            commit,
            arguments,
            untrusted: false,
            rendering: None,
        })
    }

    /// Returns `main:deploy`: a path below the root of the repository around the current directory;
    /// below the current directory itself if it begins with a dot, as in Git.
    ///
    /// # Errors
    /// Fails like [`Git::at`].
    pub fn at_path(revision: &str, path: &Path) -> Result<Self, GitError> {
        let from_here = matches!(
            path.components().next(),
            Some(Component::CurDir | Component::ParentDir)
        );
        if from_here {
            return Self::at(revision, &[path.to_owned()]);
        }
        let (repository, below) = Repository::containing(Path::new("."))?;
        let commit = repository.resolve(revision)?;
        let up: PathBuf = below.components().map(|_| Component::ParentDir).collect();
        let argument = GitArgument {
            name: up.join(path),
            path: path.to_owned(),
        };
        Ok(Self {
            repository,
            commit,
            arguments: vec![argument],
            untrusted: false,
            rendering: None,
        })
    }

    /// Applies the limits for an untrusted author, which no ordinary tree reaches.
    pub fn untrusted(self, untrusted: bool) -> Self {
        Self { untrusted, ..self }
    }

    /// Returns whether a file with matching bytes would be read.
    pub(super) fn holds(&self, is_wanted: impl Fn(&[u8]) -> bool) -> bool {
        let tree = CommitTree::new(&self.repository, &self.commit);
        let bounds = match self.untrusted {
            true => Bounds::untrusted_limits(None),
            false => Bounds::default(),
        };
        let mut walk = Walk::through(&tree, bounds);
        for argument in &self.arguments {
            walk.argument(&argument.name, &argument.path);
        }
        let (found, _) = walk.finish();
        found.iter().any(|found| match found {
            WalkEntry::File { canonical, .. } => {
                tree.read(canonical).is_ok_and(|bytes| is_wanted(&bytes))
            }
            WalkEntry::Stdin | WalkEntry::Descriptor(_) => false,
        })
    }

    /// Returns the commit that is read.
    pub fn commit(&self) -> &Commit {
        &self.commit
    }

    /// Renders directories that are not plain manifests. Renderers read files on disk, so they get
    /// copies.
    #[must_use]
    pub fn rendered(self, rendering: Option<Rendering>) -> Self {
        Self { rendering, ..self }
    }

    /// Reads the files; this needs no cluster.
    pub fn read(&self) -> LoadedSource {
        self.read_with(None)
    }

    fn read_with(&self, live: Option<&dyn Live>) -> LoadedSource {
        let tree = CommitTree::new(&self.repository, &self.commit);
        let bounds = if self.untrusted {
            Bounds::untrusted_limits(None)
        } else {
            Bounds::default()
        };
        let mut walk = Walk::through(&tree, bounds.clone());
        for argument in &self.arguments {
            walk.argument(&argument.name, &argument.path);
        }
        let (found, loaded) = walk.finish();
        let rendering = self.rendering.as_ref();
        let mut loaded = match rendering.filter(|_| self.has_to_be_rendered(&tree, &found)) {
            Some(rendering) => self.render(found, rendering, &bounds, live, loaded),
            None => read_all(
                &tree,
                &found,
                bounds.bytes,
                [self.untrusted; 2],
                None,
                loaded,
            ),
        };
        for manifest in &mut loaded.manifests {
            manifest.origin.revision = Some(self.commit.id.clone());
        }
        loaded.revisions.push(self.commit.revision());
        loaded
    }

    fn has_to_be_rendered(&self, tree: &CommitTree<'_>, found: &[WalkEntry]) -> bool {
        let is_kustomization = |found: &WalkEntry| match found {
            WalkEntry::File { path, .. } => kustomization::has_name(path),
            WalkEntry::Stdin | WalkEntry::Descriptor(_) => false,
        };
        let is_chart = |argument: &GitArgument| {
            let file = tree.resolve(&argument.path.join(chart::FILE));
            file.is_ok_and(|file| file.kind == TreeEntryKind::File)
        };
        found.iter().any(is_kustomization) || self.arguments.iter().any(is_chart)
    }

    /// Renders a copy of the commit.
    fn render(
        &self,
        found: Vec<WalkEntry>,
        rendering: &Rendering,
        bounds: &Bounds,
        live: Option<&dyn Live>,
        mut loaded: LoadedSource,
    ) -> LoadedSource {
        let export = match Export::of(&self.repository, &self.commit, bounds) {
            Ok(export) => export,
            Err(message) => {
                loaded.error(&self.commit.name, message);
                return loaded;
            }
        };
        let on_disk = |found| match found {
            WalkEntry::File {
                name,
                path,
                canonical,
            } => WalkEntry::File {
                name,
                path,
                canonical: export.root.join(canonical),
            },
            stream => stream,
        };
        let arguments = self.arguments.iter().map(|argument| plan::SourceArgument {
            name: argument.name.clone(),
            path: export.root.join(&argument.path),
        });
        let tree = OnDisk {
            arguments: arguments.collect(),
            most: bounds.bytes,
            within: Some(export.root.clone()),
            copy: Some((export.root.clone(), self.repository.root().to_owned())),
        };
        let found = found.into_iter().map(on_disk).collect();
        tree.read(found, rendering, live, loaded)
    }
}

impl Source for Git {
    fn load(&self, live: &dyn Live) -> LoadedSource {
        self.read_with(Some(live))
    }
}
