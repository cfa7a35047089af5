//! Git's own files in a work tree. They hold credentials where continuous integration fetched the
//! tree, and no manifest is made of them.

use std::path::Path;

/// What is said of a path that leads to them.
pub(super) const REFUSED: &str =
    "part of .git, which may contain credentials: manifests are not read from there";

/// Returns whether a path leads into a folder of Git's own, or to the file that stands for one.
pub(super) fn is_of_git(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == ".git")
}

/// Refuses a chart that is next to such a folder where its author is not trusted: templates read
/// every file of their chart.
///
/// # Errors
/// Fails if it does.
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
