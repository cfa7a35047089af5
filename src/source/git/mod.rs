//! Manifests in a commit of a Git repository.

mod above;
mod blame;
mod handles;
mod repository;
mod tree;

use std::path::{Component, Path, PathBuf};

use super::files::read_all;
use super::walk::{Bounds, Walk};
use super::{Loaded, Source};
use crate::cluster::Live;

pub use above::{FileAt, above};
pub use blame::blame;
pub use repository::{Commit, GitError, Repository};
use tree::CommitTree;

/// Files and directories as they are in a commit, whatever the work tree looks like.
///
/// They are read by the same rules as [`Files`](super::Files), from Git's objects: nothing is
/// checked out and no program is run.
#[derive(Debug)]
pub struct Git {
    repository: Repository,
    commit: Commit,
    arguments: Vec<Argument>,
    untrusted: bool,
}

#[derive(Debug)]
struct Argument {
    /// The path as the user names it.
    name: PathBuf,
    /// The path below the root of the repository.
    path: PathBuf,
}

impl Git {
    /// Paths of the file system, as they are at a revision of the repository that they lie in. They
    /// need not exist any more.
    ///
    /// # Errors
    /// When they lie in no repository, or in several, or when it does not have the revision.
    pub fn at(revision: &str, paths: &[PathBuf]) -> Result<Self, GitError> {
        let here = PathBuf::from(".");
        let (first, others) = match paths.split_first() {
            Some((first, others)) => (first, others),
            None => (&here, &[][..]),
        };
        let (repository, path) = Repository::containing(first)?;
        let mut arguments = vec![Argument {
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
            arguments.push(Argument { name, path });
        }
        let commit = repository.resolve(revision)?;
        Ok(Self {
            repository,
            commit,
            arguments,
            untrusted: false,
        })
    }

    /// `main:deploy`: a path below the root of the repository that the current directory lies in;
    /// below the current directory itself when it begins with a dot, as in Git.
    ///
    /// # Errors
    /// As with [`Git::at`].
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
        let argument = Argument {
            name: up.join(path),
            path: path.to_owned(),
        };
        Ok(Self {
            repository,
            commit,
            arguments: vec![argument],
            untrusted: false,
        })
    }

    /// The same, if somebody wrote it who is not trusted: in bounds that no honest tree meets.
    pub fn untrusted(self, untrusted: bool) -> Self {
        Self { untrusted, ..self }
    }

    /// The commit that is read.
    pub fn commit(&self) -> &Commit {
        &self.commit
    }

    /// Reads the files; they need no cluster.
    pub fn read(&self) -> Loaded {
        let tree = CommitTree::new(&self.repository, &self.commit);
        let bounds = if self.untrusted {
            Bounds::tight(None)
        } else {
            Bounds::default()
        };
        let most = bounds.bytes;
        let mut walk = Walk::through(&tree, bounds);
        for argument in &self.arguments {
            walk.argument(&argument.name, &argument.path);
        }
        let (found, loaded) = walk.finish();
        let mut loaded = read_all(&tree, &found, most, loaded);
        for manifest in &mut loaded.manifests {
            manifest.origin.revision = Some(self.commit.id.clone());
        }
        loaded.revisions.push(self.commit.revision());
        loaded
    }
}

impl Source for Git {
    fn load(&self, _: &dyn Live) -> Loaded {
        self.read()
    }
}
