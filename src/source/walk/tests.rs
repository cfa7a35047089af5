//! Walks through trees that cannot be created on disk.

use super::super::tree::TreeEntry;
use super::*;

/// A tree of directories, each with several files, some of which cannot be listed.
struct TestTree {
    directories: usize,
    files: usize,
    /// The error for listing directories with this name.
    gone: Option<(&'static str, io::ErrorKind)>,
}

impl Tree for TestTree {
    fn resolve(&self, path: &Path) -> io::Result<ResolvedPath> {
        Ok(ResolvedPath {
            canonical: path.to_owned(),
            kind: TreeEntryKind::Directory,
        })
    }

    fn list(&self, canonical: &Path) -> io::Result<Vec<TreeEntry>> {
        if let Some((name, error)) = self.gone
            && canonical.ends_with(name)
        {
            return Err(error.into());
        }
        let is_top = canonical == Path::new("/deploy");
        let directories = if is_top { self.directories } else { 0 };
        let directories = (0..directories).map(|n| (format!("d{n}"), TreeEntryKind::Directory));
        let files = (0..self.files).map(|n| (format!("f{n}.yaml"), TreeEntryKind::File));
        let entries = directories.chain(files);
        let entries = entries.map(|(name, kind)| TreeEntry {
            name: name.into(),
            kind,
        });
        Ok(entries.collect())
    }

    fn read(&self, _: &Path) -> Result<Vec<u8>, String> {
        Ok(Vec::new())
    }
}

fn walked(tree: &TestTree, bounds: Bounds) -> (usize, Vec<String>) {
    let mut walk = Walk::through(tree, bounds);
    walk.argument(Path::new("deploy"), Path::new("/deploy"));
    let (found, loaded) = walk.finish();
    let errors = loaded.errors.iter();
    let errors = errors.map(|error| format!("{}: {}", error.place, error.message));
    (found.len(), errors.collect())
}

#[test]
fn a_directory_that_disappears_during_the_walk_is_an_error() {
    for (kind, expected) in [
        (io::ErrorKind::NotFound, "no such file or directory"),
        (io::ErrorKind::PermissionDenied, "permission denied"),
        (io::ErrorKind::NotADirectory, "cannot be read"),
    ] {
        let tree = TestTree {
            directories: 3,
            files: 2,
            gone: Some(("d1", kind)),
        };
        let (found, errors) = walked(&tree, Bounds::default());
        assert_eq!(found, 6, "{errors:?}");
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(
            errors[0].starts_with(&format!("deploy/d1: {expected}")),
            "{errors:?}"
        );
    }
}

#[test]
fn limits_the_number_of_entries() {
    let tree = TestTree {
        directories: 100,
        files: 999,
        gone: None,
    };
    let (found, errors) = walked(&tree, Bounds::default());
    assert_eq!((found, errors.len()), (100_899, 0));
    let (found, errors) = walked(&tree, Bounds::untrusted_limits(None));
    assert!(found < 50_000 && errors.len() == 1, "{found} {errors:?}");
    assert!(errors[0].contains("more than 50000 files and directories"));
}
