//! Git's own files in a work tree. They may contain credentials if CI fetched the tree, so they are
//! never read as manifests.

use std::path::Path;

/// The reason for refusing a path to them.
pub(super) const REFUSED: &str =
    "part of .git, which may contain credentials: manifests are not read from there";

/// Returns whether a path is in a `.git` directory, or is a `.git` file.
pub(super) fn is_of_git(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == ".git")
}

/// Refuses a chart with a `.git` directory in it if the author is not trusted, because templates
/// can read every file of their chart.
///
/// # Errors
/// Fails if there is one, with a message for the user.
pub(super) fn beside_chart(chart: &Path) -> Result<(), String> {
    if chart.join(".git").symlink_metadata().is_err() {
        return Ok(());
    }
    Err(
        "templates can read every file of their chart, and this one contains a .git folder, which \
         may hold credentials: with --untrusted, name the commit to render a copy of it (--ref \
         HEAD)"
            .to_owned(),
    )
}
