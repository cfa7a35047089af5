//! Names files for the user, without accessing them.

use std::path::{Component, Path, PathBuf};

/// Names files as the user would: relative to the current directory, unless the user named an
/// absolute path.
#[derive(Debug, Clone, Default)]
pub(in crate::source) struct FileNames {
    /// The current directory; `None` for absolute names.
    base: Option<PathBuf>,
    /// A directory that is a copy, with its original: files in it get the names of the originals.
    copy: Option<(PathBuf, PathBuf)>,
}

impl FileNames {
    /// Returns the names for a path as the user gave it.
    pub fn like(given: &Path) -> Self {
        let here = || std::env::current_dir().and_then(|path| path.canonicalize());
        Self {
            base: if given.is_absolute() {
                None
            } else {
                here().ok()
            },
            copy: None,
        }
    }

    /// Returns the same names for the files of a copy. Both paths must be absolute.
    #[must_use]
    pub fn of_copy(self, copy: &Path, original: &Path) -> Self {
        Self {
            copy: Some((copy.to_owned(), original.to_owned())),
            ..self
        }
    }

    /// Returns the original of the directory.
    pub fn original(&self, copy: &Path) -> Option<&Path> {
        let (known, original) = self.copy.as_ref()?;
        (known == copy).then_some(original)
    }

    /// Returns the name of an absolute path.
    pub fn of(&self, path: &Path) -> String {
        let original = self.copy.as_ref().and_then(|(copy, original)| {
            let below = path.strip_prefix(copy).ok()?;
            // Joining an empty path would add a slash.
            Some(match below.as_os_str().is_empty() {
                true => original.clone(),
                false => original.join(below),
            })
        });
        let path = original.as_deref().unwrap_or(path);
        let named = match &self.base {
            Some(base) => relative_to(path, base),
            None => path.to_owned(),
        };
        if named.as_os_str().is_empty() {
            return ".".to_owned();
        }
        named.to_string_lossy().into_owned()
    }

    /// Returns a program's message with the paths of originals instead of copies.
    pub fn in_message(&self, message: &str) -> String {
        match &self.copy {
            Some((copy, original)) => {
                message.replace(&*copy.to_string_lossy(), &original.to_string_lossy())
            }
            None => message.to_owned(),
        }
    }
}

/// Returns the relative path from one absolute path to another; both must be free of `.`, `..` and
/// links.
pub fn relative_to(path: &Path, base: &Path) -> PathBuf {
    let mut to = path.components().peekable();
    let mut from = base.components().peekable();
    while let (Some(a), Some(b)) = (to.peek(), from.peek()) {
        if a != b {
            break;
        }
        to.next();
        from.next();
    }
    from.map(|_| Component::ParentDir).chain(to).collect()
}

/// Returns a path without `.` and `..`, without accessing it.
pub(in crate::source) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_copies_like_their_originals() {
        let names = FileNames {
            base: Some(PathBuf::from("/work/repo")),
            copy: None,
        };
        let names = names.of_copy(Path::new("/tmp/x/tree"), Path::new("/work/repo"));
        assert_eq!(names.of(Path::new("/tmp/x/tree/a/b.yaml")), "a/b.yaml");
        assert_eq!(names.of(Path::new("/work/repo/c.yaml")), "c.yaml");
        let fetched = FileNames::default().of_copy(Path::new("/tmp/x"), Path::new("oci://a/shop"));
        assert_eq!(fetched.of(Path::new("/tmp/x")), "oci://a/shop");
        let message = names.in_message("'/tmp/x/tree/a' must resolve to a file");
        assert_eq!(message, "'/work/repo/a' must resolve to a file");
    }

    #[test]
    fn computes_relative_paths() {
        let way = |path: &str, base: &str| {
            let way = relative_to(Path::new(path), Path::new(base));
            way.to_str().unwrap().to_owned()
        };
        assert_eq!(way("/a/b/c", "/a"), "b/c");
        assert_eq!(way("/a/b", "/a/x/y"), "../../b");
        assert_eq!(way("/a", "/a"), "");
        let normal = |path: &str| normal(Path::new(path)).to_str().unwrap().to_owned();
        assert_eq!(normal("/a/./b/../c"), "/a/c");
        assert_eq!(normal("../a/../../b"), "../../b");
    }
}
