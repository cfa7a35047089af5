//! Finds the repository around a path, without opening it.

use std::path::{Component, Path, PathBuf};

/// Returns the root of the Git repository that contains a path, and the path below it. Only the
/// root has to exist; it is the nearest directory with a `.git`. A directory that merely looks like
/// a bare repository is not one, because it may have been committed.
pub fn around(path: &Path) -> Option<(PathBuf, PathBuf)> {
    let absolute = absolute(path)?;
    let root = absolute
        .ancestors()
        .find(|ancestor| ancestor.join(".git").symlink_metadata().is_ok())?;
    let below = absolute.strip_prefix(root).ok()?;
    Some((root.to_owned(), below.to_owned()))
}

/// Returns an absolute path, without `.` and `..`. Links in existing directories are resolved, so
/// that it begins like the repository's path. The last part is not resolved, because it may be a
/// link in the repository.
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
    fn paths_need_not_exist() {
        let path = absolute(Path::new("/no/such/../place/x.yaml"));
        assert_eq!(path.unwrap(), Path::new("/no/place/x.yaml"));
    }

    #[test]
    fn finds_the_nearest_repository() {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().canonicalize().unwrap();
        std::fs::create_dir_all(top.join("a/.git")).unwrap();
        std::fs::create_dir_all(top.join("a/b/.git")).unwrap();
        let found = around(&top.join("a/b/c/d.yaml")).unwrap();
        assert_eq!(found, (top.join("a/b"), PathBuf::from("c/d.yaml")));
        assert_eq!(around(&top.join("a")).unwrap().1, PathBuf::new());
        assert_eq!(around(&top.join("elsewhere")), None);
    }
}
