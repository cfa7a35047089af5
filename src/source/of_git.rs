//! Git's own files in a work tree. They may contain credentials if CI fetched the tree, and are
//! never read as manifests.

use std::path::Path;

/// The reason for a path to them.
pub(super) const REFUSED: &str =
    "part of .git, which may contain credentials: manifests are not read from there";

/// Returns whether a path is in a `.git` folder, or is a `.git` file.
pub(super) fn is_of_git(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == ".git")
}

/// Refuses a chart next to such a folder if its author is not trusted: templates can read every
/// file of their chart.
///
/// # Errors
/// Fails if there is one.
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
