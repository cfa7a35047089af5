//! Finds one file in a commit by searching upwards, as for files of rules.

use std::io;
use std::path::{Path, PathBuf};

use super::repository::{GitError, Repository};
use super::tree::CommitTree;
use crate::source::tree::{Tree, TreeEntryKind};

/// A file of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitFile {
    /// Its path below the root of the repository.
    pub path: PathBuf,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Returns the text of a file at the commit where the history of `HEAD` left that of a revision;
/// `None` if the commit does not have the file.
///
/// # Errors
/// When there is no repository around the file, the repository does not have the revision, or the
/// file is not UTF-8.
pub fn before_branch(revision: &str, file: &Path) -> Result<Option<String>, GitError> {
    let (repository, below) = Repository::containing(file)?;
    let commit = repository.merge_base(revision)?;
    let tree = CommitTree::new(&repository, &commit);
    let broken = |why: String| GitError::File {
        file: format!("{revision}:{}", below.display()),
        why,
    };
    let found = match tree.resolve(&below) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(broken(error.to_string())),
    };
    let bytes = tree.read(&found.canonical).map_err(broken)?;
    let text = String::from_utf8(bytes).map_err(|_| broken("it is not UTF-8".to_owned()))?;
    Ok(Some(
        text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned(),
    ))
}

/// Returns the file with this name in the directory of `start` or above it, up to the root of the
/// repository, at a revision; `None` if the commit has none.
///
/// # Errors
/// Fails if `start` is not in a repository, the repository does not have the revision, or the file
/// cannot be read.
pub fn file_above(
    revision: &str,
    start: &Path,
    name: &str,
) -> Result<Option<CommitFile>, GitError> {
    let (repository, below) = Repository::containing(start)?;
    let commit = repository.resolve(revision)?;
    let tree = CommitTree::new(&repository, &commit);
    let broken = |path: &Path, why: String| GitError::File {
        file: format!("{revision}:{}", path.display()),
        why,
    };
    for directory in below.ancestors() {
        let path = directory.join(name);
        let found = match tree.resolve(&path) {
            Ok(found) => found,
            // `start` may be a file, or not exist at that revision.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(broken(&path, error.to_string())),
        };
        if found.kind != TreeEntryKind::File {
            return Err(broken(&path, "it is not a regular file".to_owned()));
        }
        let bytes = tree.read(&found.canonical);
        let bytes = bytes.map_err(|why| broken(&path, why))?;
        return Ok(Some(CommitFile { path, bytes }));
    }
    Ok(None)
}
