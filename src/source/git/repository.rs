//! Finds repositories, and the commits that revisions mean.
//!
//! A repository may come from somebody else, and Git's own configuration can name programs to run
//! (`core.fsmonitor`, filters, hooks). So only the repository's own configuration is read, none of
//! it is trusted, no file that it includes is opened, and objects are all that is ever looked at.
//! A directory that merely looks like a bare repository is none: it may have been committed.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use gix::bstr::ByteSlice;
use jiff::Timestamp;

use super::handles::Handles;
use crate::model::Revision;
use crate::source::read;

/// Why a revision cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// No directory above a path holds `.git`.
    #[error(
        "{path} lies in no Git repository: name a path within one, or leave the revision out to \
         read the files as they lie"
    )]
    NoRepository {
        /// The path as the user names it.
        path: String,
    },
    /// The repository cannot be opened.
    #[error("the Git repository {root} cannot be read: {why}")]
    Broken {
        /// The directory that holds `.git`.
        root: String,
        /// What is wrong with it.
        why: String,
    },
    /// A text that can be no revision.
    #[error("{revision:?} is no Git revision: {why}")]
    Malformed {
        /// What was given.
        revision: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A revision that the repository does not have.
    #[error("the Git repository {root} has no commit {revision:?}{hint}")]
    Unknown {
        /// The directory that holds `.git`.
        root: String,
        /// What was given.
        revision: String,
        /// What may have been meant, or how to get it.
        hint: String,
    },
    /// A file of a commit that cannot be read.
    #[error("cannot read {file}: {why}")]
    File {
        /// The revision and the path, as Git writes them.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// Paths of one run that lie in several repositories.
    #[error("{first} and {second} lie in different Git repositories: compare one at a time")]
    Several {
        /// A path in the one.
        first: String,
        /// A path in the other.
        second: String,
    },
}

/// A Git repository on disk, of which only objects and references are read.
#[derive(Debug)]
pub struct Repository {
    root: PathBuf,
    handles: Handles,
}

/// A commit that a revision means.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Its id, in full.
    pub id: Arc<str>,
    /// When it was made, RFC 3339.
    pub time: Option<String>,
    /// What the user called it.
    pub name: String,
    pub(super) tree: gix::ObjectId,
}

impl Commit {
    /// The id as people write it.
    pub(super) fn short(&self) -> &str {
        self.id.get(..12).unwrap_or(&self.id)
    }

    /// What the report says of it.
    pub fn revision(&self) -> Revision {
        Revision {
            name: self.name.clone(),
            commit: self.id.to_string(),
            time: self.time.clone(),
        }
    }
}

impl Repository {
    /// The repository that a path lies in, which need not exist, and the path below its root.
    ///
    /// # Errors
    /// When it lies in none, or in one that cannot be opened.
    pub fn containing(path: &Path) -> Result<(Self, PathBuf), GitError> {
        let none = || GitError::NoRepository {
            path: path.display().to_string(),
        };
        let absolute = absolute(path).ok_or_else(none)?;
        let root = absolute
            .ancestors()
            .find(|ancestor| ancestor.join(".git").symlink_metadata().is_ok())
            .ok_or_else(none)?;
        let below = absolute.strip_prefix(root).unwrap_or(Path::new(""));
        Ok((Self::open(root)?, below.to_owned()))
    }

    fn open(root: &Path) -> Result<Self, GitError> {
        // Reduced trust leaves aside all configuration that could do harm, whoever owns the files.
        // It also bounds objects, at less than what a file on disk may be.
        let largest = format!("gitoxide.objects.allocLimit={}", 2 * read::MAX_BYTES);
        let options = gix::open::Options::isolated()
            .with(gix::sec::Trust::Reduced)
            .config_overrides([largest]);
        let repository = options
            .open(root.join(".git"))
            .map_err(|error| GitError::Broken {
                root: root.display().to_string(),
                why: error.to_string(),
            })?;
        Ok(Self {
            root: root.to_owned(),
            handles: Handles::new(repository),
        })
    }

    /// The directory that holds `.git`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The commit that a revision means: a branch, a tag, an id, `HEAD~3`, `origin/main`.
    ///
    /// # Errors
    /// When it means none; with names that resemble it, or what a shallow clone lacks.
    pub fn resolve(&self, revision: &str) -> Result<Commit, GitError> {
        check(revision)?;
        self.with(|handle| {
            commit(handle, revision).map_err(|_| GitError::Unknown {
                root: self.root.display().to_string(),
                revision: revision.to_owned(),
                hint: hint(handle, revision),
            })
        })
    }

    /// Lends a handle, which holds caches of its own.
    pub(super) fn with<T>(&self, act: impl FnOnce(&gix::Repository) -> T) -> T {
        self.handles.with(act)
    }
}

fn commit(repository: &gix::Repository, revision: &str) -> gix::Result<Commit> {
    let object = repository.rev_parse_single(revision)?.object()?;
    let commit = object.peel_to_commit()?;
    let time = Timestamp::from_second(commit.time()?.seconds).ok();
    Ok(Commit {
        id: commit.id.to_string().into(),
        time: time.map(|time| time.to_string()),
        name: revision.to_owned(),
        tree: commit.tree_id()?.detach(),
    })
}

/// Refuses what could be taken for an option or for a command, should it ever meet a program.
fn check(revision: &str) -> Result<(), GitError> {
    let why = if revision.is_empty() {
        "it is empty"
    } else if revision.starts_with('-') {
        "it begins with '-'"
    } else if revision.chars().any(char::is_control) {
        "it holds control characters"
    } else {
        return Ok(());
    };
    Err(GitError::Malformed {
        revision: revision.to_owned(),
        why,
    })
}

/// What helps when a revision is not there.
fn hint(repository: &gix::Repository, revision: &str) -> String {
    let mut hint = String::new();
    let near = near_names(repository, revision);
    if !near.is_empty() {
        hint.push_str(&format!(": did you mean {}?", near.join(" or ")));
    }
    if repository.is_shallow().unwrap_or(false) {
        hint.push_str(
            "; the clone is shallow and lacks older commits and other branches: run `git fetch \
             --unshallow`, or check out with `fetch-depth: 0` in CI",
        );
    } else if near.is_empty() {
        hint.push_str(": `git fetch` it first, or check its name");
    }
    hint
}

/// The names of branches and tags that a revision may be a misspelling of, the nearest first.
fn near_names(repository: &gix::Repository, revision: &str) -> Vec<String> {
    const AT_MOST: usize = 3;
    let end = revision.find(['~', '^', '@', ':']);
    let asked = &revision[..end.unwrap_or(revision.len())];
    let Ok(references) = repository.references() else {
        return Vec::new();
    };
    let Ok(references) = references.all() else {
        return Vec::new();
    };
    let mut near: Vec<(usize, String)> = references
        .flatten()
        .map(|reference| reference.name().shorten().to_str_lossy().into_owned())
        .filter(|name| name != asked)
        .filter_map(|name| {
            let last = name.rsplit('/').next().unwrap_or(&name);
            let distance = strsim::damerau_levenshtein(asked, &name);
            let distance = if last == asked { 0 } else { distance };
            (distance <= 1 + asked.chars().count() / 4).then_some((distance, name))
        })
        .collect();
    near.sort();
    near.dedup();
    near.into_iter()
        .take(AT_MOST)
        .map(|(_, name)| format!("'{name}'"))
        .collect()
}

/// A path from the root of the file system, without `.` and `..`. Links in the directories that
/// exist are followed, so that it begins as the repository's does; the last part is not, since
/// a link may be what is asked for.
fn absolute(path: &Path) -> Option<PathBuf> {
    let mut whole = PathBuf::new();
    for part in std::path::absolute(path).ok()?.components() {
        match part {
            Component::ParentDir => {
                whole = whole.canonicalize().unwrap_or(whole);
                whole.pop();
            }
            Component::CurDir => {}
            _ => whole.push(part),
        }
    }
    let existing = whole.ancestors().skip(1).find(|parent| parent.exists());
    let Some(existing) = existing else {
        return Some(whole);
    };
    let rest = whole.strip_prefix(existing).ok()?;
    Some(existing.canonicalize().ok()?.join(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_an_option_is_no_revision() {
        for (revision, why) in [
            ("--upload-pack=evil", "begins with '-'"),
            ("", "empty"),
            ("main\0", "control"),
            ("main\nevil", "control"),
            ("\u{1b}[31m", "control"),
        ] {
            let message = check(revision).unwrap_err().to_string();
            assert!(message.contains(why), "{message}");
        }
        assert!(check("feature/ünï-ode@{upstream}").is_ok());
    }

    #[test]
    fn paths_need_not_exist() {
        let path = absolute(Path::new("/no/such/../place/x.yaml"));
        assert_eq!(path.unwrap(), Path::new("/no/place/x.yaml"));
    }
}
