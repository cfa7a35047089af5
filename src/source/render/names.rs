//! Paths: how they are called, without looking at the disk.

use std::path::{Component, Path, PathBuf};

/// Calls files as the user would: relative to where they stand, unless they named an absolute path.
#[derive(Debug, Clone, Default)]
pub(in crate::source) struct Names {
    /// Where the user stands; `None` for absolute names.
    base: Option<PathBuf>,
}

impl Names {
    /// The names that go with a path as the user gave it.
    pub fn like(given: &Path) -> Self {
        let here = || std::env::current_dir().and_then(|path| path.canonicalize());
        Self {
            base: if given.is_absolute() {
                None
            } else {
                here().ok()
            },
        }
    }

    /// What an absolute path is called.
    pub fn of(&self, path: &Path) -> String {
        let named = match &self.base {
            Some(base) => relative_to(path, base),
            None => path.to_owned(),
        };
        if named.as_os_str().is_empty() {
            return ".".to_owned();
        }
        named.to_string_lossy().into_owned()
    }
}

/// The way from one absolute path to another; both must be free of `.`, `..` and links.
pub(in crate::source) fn relative_to(path: &Path, base: &Path) -> PathBuf {
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

/// A path without `.` and `..`, by its text alone.
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
    fn ways_between_paths() {
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
