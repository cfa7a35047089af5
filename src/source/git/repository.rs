//! Finds repositories, and resolves revisions to commits.
//!
//! A repository may come from someone else, and Git's configuration can name programs to run
//! (`core.fsmonitor`, filters, hooks). So only the repository's own configuration is read, none of
//! it is trusted, no file that it includes is opened, and only objects are ever read. A directory
//! that merely looks like a bare repository is not one: it may have been committed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix::bstr::ByteSlice;
use jiff::Timestamp;

use super::handles::Handles;
use super::root::around;
use crate::model::SourceRevision;
use crate::source::read;

/// Why a revision cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// No directory above a path contains `.git`.
    #[error(
        "{path} is not in a Git repository: name a path in one, or leave out the revision to read \
         the files from disk"
    )]
    NoRepository {
        /// The path as the user names it.
        path: String,
    },
    /// A directory above a path looks like a bare repository.
    #[error(
        "{path} is in what looks like a bare Git repository, which is not read, because anyone \
         could have committed it: if it is yours, `git clone` it and name a path in the clone"
    )]
    Bare {
        /// The path as the user names it.
        path: String,
    },
    /// The repository cannot be opened.
    #[error("cannot read the Git repository {root}: {why}")]
    Broken {
        /// The directory that contains `.git`.
        root: String,
        /// What is wrong with it.
        why: String,
    },
    /// Text that cannot be a revision.
    #[error("{revision:?} is not a Git revision: {why}")]
    Malformed {
        /// The revision.
        revision: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A revision that the repository does not have.
    #[error("the Git repository {root} has no commit {revision:?}{hint}")]
    Unknown {
        /// The directory that contains `.git`.
        root: String,
        /// The revision.
        revision: String,
        /// Suggestions, or how to get it.
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
    /// Paths of one run that are in several repositories.
    #[error("{first} and {second} are in different Git repositories: compare one at a time")]
    Several {
        /// A path in the one.
        first: String,
        /// A path in the other.
        second: String,
    },
}

/// The files of a repository that are read to open it.
const READ_FIRST: [&str; 6] = [
    "HEAD",
    "commondir",
    "config",
    "config.worktree",
    "packed-refs",
    "shallow",
];

/// A Git repository on disk, of which only objects and references are read.
#[derive(Debug)]
pub struct Repository {
    root: PathBuf,
    handles: Handles,
}

/// A commit, resolved from a revision.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Its full ID.
    pub id: Arc<str>,
    /// When it was made, RFC 3339.
    pub time: Option<String>,
    /// The user's name for it.
    pub name: String,
    pub(in crate::source) tree: gix::ObjectId,
}

impl Commit {
    /// Returns the short ID.
    pub(in crate::source) fn short(&self) -> &str {
        self.id.get(..12).unwrap_or(&self.id)
    }

    /// Returns its data for the report.
    pub fn revision(&self) -> SourceRevision {
        SourceRevision {
            name: self.name.clone(),
            commit: self.id.to_string(),
            time: self.time.clone(),
        }
    }
}

impl Repository {
    /// Returns the repository that contains a path, which need not exist, and the path below its
    /// root.
    ///
    /// # Errors
    /// Fails if the path is not in a repository, or the repository cannot be opened.
    pub fn containing(path: &Path) -> Result<(Self, PathBuf), GitError> {
        let none = || {
            let is_bare = is_in_bare(path);
            let path = path.display().to_string();
            match is_bare {
                true => GitError::Bare { path },
                false => GitError::NoRepository { path },
            }
        };
        let (root, below) = around(path).ok_or_else(none)?;
        Ok((Self::open(&root)?, below))
    }

    /// Returns the repository whose `.git` is in this directory.
    ///
    /// # Errors
    /// Fails if it cannot be opened.
    pub fn open(root: &Path) -> Result<Self, GitError> {
        let broken = |why: String| GitError::Broken {
            root: root.display().to_string(),
            why,
        };
        // Reading a pipe would never end.
        let irregular = READ_FIRST.iter().find(|name| {
            let file = root.join(".git").join(name).metadata();
            file.is_ok_and(|file| !file.is_file())
        });
        if let Some(name) = irregular {
            return Err(broken(format!(".git/{name} is not a regular file")));
        }
        // Reduced trust ignores all configuration that could do harm, regardless of who owns the
        // files. It also limits objects, to less than a file on disk may have.
        let largest = format!("gitoxide.objects.allocLimit={}", 2 * read::MAX_BYTES);
        let options = gix::open::Options::isolated()
            .with(gix::sec::Trust::Reduced)
            .config_overrides([largest]);
        let repository = options
            .open(root.join(".git"))
            .map_err(|error| broken(error.to_string()))?;
        Ok(Self {
            root: root.to_owned(),
            handles: Handles::new(repository),
        })
    }

    /// Returns the directory that contains `.git`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Resolves a revision to a commit: a branch, a tag, an ID, `HEAD~3`, `origin/main`.
    ///
    /// # Errors
    /// Fails if the revision does not exist. The error suggests similar names, or says what a
    /// shallow clone lacks.
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

    /// Returns the commit at which the history of `HEAD` left that of a revision; the revision
    /// itself if none is known, as in a shallow clone.
    ///
    /// # Errors
    /// Fails if the revision does not stand for a commit.
    pub fn merge_base(&self, revision: &str) -> Result<Commit, GitError> {
        let other = self.resolve(revision)?;
        let base = self.with(|handle| {
            let id = |commit: &str| gix::ObjectId::from_hex(commit.as_bytes()).ok();
            let head = commit(handle, "HEAD").ok()?;
            let base = handle.merge_base(id(&head.id)?, id(&other.id)?).ok()??;
            Some(base.detach().to_string())
        });
        match base {
            Some(base) => self.resolve(&base),
            None => Ok(other),
        }
    }

    /// Returns the addresses of the remotes, as the configuration has them.
    pub fn addresses(&self) -> Vec<String> {
        let remotes = self.remotes().into_iter();
        remotes.map(|(_, address)| address).collect()
    }

    /// Returns the name of the remote with an address, in any notation.
    pub fn remote_at(&self, address: &str) -> Option<String> {
        let wanted = comparable_address(address);
        let mut remotes = self.remotes().into_iter();
        let (name, _) = remotes.find(|(_, url)| comparable_address(url) == wanted)?;
        Some(name)
    }

    /// Returns the remotes by name, each with its addresses.
    fn remotes(&self) -> Vec<(String, String)> {
        self.with(|handle| {
            let config = handle.config_snapshot();
            let sections = config.plumbing().sections_by_name("remote");
            let remotes = sections.into_iter().flatten().flat_map(|section| {
                let name = section.header().subsection_name().map(ToString::to_string);
                let urls = section.values("url").into_iter();
                urls.filter_map(move |url| Some((name.clone()?, url.to_string())))
            });
            remotes.collect()
        })
    }

    /// Returns a handle, with its own caches.
    pub(super) fn with<T>(&self, act: impl FnOnce(&gix::Repository) -> T) -> T {
        self.handles.with(act)
    }
}

/// Returns an address without the parts that differ between protocols.
pub(in crate::source) fn comparable_address(address: &str) -> String {
    let address = address.trim();
    let address = address.split_once("://").map_or(address, |(_, rest)| rest);
    let address = match address.split_once('@') {
        Some((user, rest)) if !user.contains('/') => rest,
        _ => address,
    };
    let address = address.trim_end_matches('/').trim_end_matches(".git");
    address.replace(':', "/").to_ascii_lowercase()
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

/// Returns whether a directory above a path looks like a repository without a work tree.
fn is_in_bare(path: &Path) -> bool {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut above = path.ancestors();
    above.any(looks_bare)
}

fn looks_bare(directory: &Path) -> bool {
    let is_directory = |name: &str| directory.join(name).is_dir();
    directory.join("HEAD").is_file() && is_directory("objects") && is_directory("refs")
}

/// Refuses revisions that a program could take for an option or a command.
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

/// Returns a hint for a revision that does not exist.
fn hint(repository: &gix::Repository, revision: &str) -> String {
    let begins = revision_name(revision);
    let has_beginning = begins != revision && repository.rev_parse_single(begins).is_ok();
    let near = near_names(repository, revision);
    let near = match near.as_slice() {
        _ if has_beginning => format!(": {begins} exists, but has no such ancestor"),
        [] => String::new(),
        near => format!(": did you mean {}?", near.join(" or ")),
    };
    let is_question = near.ends_with('?');
    let lacks = "the clone is shallow and lacks older commits and other branches: run `git fetch \
                 --unshallow`, or check out with `fetch-depth: 0` in CI";
    match repository.is_shallow().unwrap_or(false) {
        true if is_question => format!("{near} If not, {lacks}"),
        true => format!("{near}; {lacks}"),
        false if near.is_empty() => ": run `git fetch` first, or check its name".to_owned(),
        false => near,
    }
}

/// Returns the name that a revision begins with: `main` for `main~2`.
fn revision_name(revision: &str) -> &str {
    let end = revision.find(['~', '^', '@', ':']);
    &revision[..end.unwrap_or(revision.len())]
}

/// Returns the names of branches and tags that are similar to a revision, the most similar first.
fn near_names(repository: &gix::Repository, revision: &str) -> Vec<String> {
    const AT_MOST: usize = 3;
    let asked = revision_name(revision);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_addresses_in_different_notations() {
        for address in [
            "https://github.com/Org/repo.git",
            "git@github.com:org/repo.git",
            "ssh://git@github.com/org/repo",
            "https://user:token@github.com/org/repo/",
        ] {
            assert_eq!(
                comparable_address(address),
                "github.com/org/repo",
                "{address}"
            );
        }
    }

    #[test]
    fn refuses_revisions_that_look_like_options() {
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
}
