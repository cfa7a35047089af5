//! Copies a repository's files, some of them with edits. Renderers read files, and trying an edit
//! must not change the user's files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use walkdir::WalkDir;

use super::folder::ManifestFolder;

/// The size limit of a copy, in bytes.
const MOST: u64 = 1 << 30;

/// The limit on files.
const MOST_FILES: usize = 200_000;

/// A copy of a directory, which is removed when it is dropped.
#[derive(Debug)]
pub struct Mirror {
    original: PathBuf,
    folder: ManifestFolder,
}

impl Mirror {
    /// Copies a directory, which must be free of links. Git's own files are not copied: the copy
    /// links to them.
    ///
    /// # Errors
    /// Fails if it is too large, or cannot be copied, with a message for the user.
    pub fn of(original: &Path) -> Result<Self, String> {
        let failed = |error: io::Error| {
            let name = original.display();
            format!("cannot copy the files of {name} to render them: {error}")
        };
        let folder = ManifestFolder::temporary().map_err(failed)?;
        let to = folder.path();
        let entries = WalkDir::new(original).min_depth(1).into_iter();
        let entries = entries.filter_entry(|entry| entry.file_name() != ".git");
        let mut files = Vec::new();
        for entry in entries.flatten() {
            let below = entry.path().strip_prefix(original).unwrap_or(entry.path());
            let kind = entry.file_type();
            if kind.is_dir() {
                fs::create_dir_all(to.join(below)).map_err(failed)?;
            } else if kind.is_file() {
                files.push(below.to_owned());
            } else if kind.is_symlink() {
                // Broken links stay broken in the copy.
                let _ = link(entry.path(), original, &to.join(below), to);
            }
            if files.len() > MOST_FILES {
                let name = original.display();
                return Err(format!(
                    "{name} contains more than {MOST_FILES} files, which is too many to render \
                     again; name a folder of a smaller repository"
                ));
            }
        }
        let copied = AtomicU64::new(0);
        let too_large = files.par_iter().any(|below| {
            // A renderer that needs the file reports that it is missing.
            let bytes = fs::copy(original.join(below), to.join(below)).unwrap_or(0);
            copied.fetch_add(bytes, Ordering::Relaxed) + bytes > MOST
        });
        if too_large {
            return Err(format!(
                "{} contains more than {} MiB, which is too much to render again",
                original.display(),
                MOST >> 20
            ));
        }
        if let Some(git) = git_of(original) {
            let text = format!("gitdir: {}\n", git.display());
            fs::write(to.join(".git"), text).map_err(failed)?;
        }
        Ok(Self {
            original: original.to_owned(),
            folder,
        })
    }

    /// Returns the directory of the copy, without links.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the copy of a path that is free of links; `None` if the path is outside the
    /// directory.
    pub fn copy_of(&self, path: &Path) -> Option<PathBuf> {
        let below = path.strip_prefix(&self.original).ok()?;
        Some(self.root().join(below))
    }

    /// Returns the original of a path in the copy.
    pub fn original_of(&self, copy: &Path) -> Option<PathBuf> {
        let below = copy.strip_prefix(self.root()).ok()?;
        Some(self.original.join(below))
    }

    /// Returns the YAML files of the copy that contain all of these words, sorted by name.
    pub fn manifests_with(&self, words: &[&str]) -> Vec<PathBuf> {
        let entries = WalkDir::new(self.root()).sort_by_file_name().into_iter();
        let files = entries.flatten().filter(|entry| {
            let extension = entry.path().extension();
            entry.file_type().is_file()
                && extension.is_some_and(|extension| extension == "yaml" || extension == "yml")
        });
        let holds = |file: &PathBuf| {
            let bytes = super::read::file(file).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            words.iter().all(|word| text.contains(word))
        };
        files.map(|file| file.into_path()).filter(holds).collect()
    }

    /// Returns a program's message with the paths of originals instead of copies.
    pub fn in_message(&self, message: &str) -> String {
        let (copy, original) = (
            self.root().to_string_lossy(),
            self.original.to_string_lossy(),
        );
        message.replace(&*copy, &original)
    }

    /// Changes the text of a file in the copy; `None` restores the original text.
    ///
    /// # Errors
    /// Fails if it cannot be written, with a message for the user.
    pub fn write(&self, path: &Path, text: Option<&str>) -> Result<(), String> {
        let Some(copy) = self.copy_of(path) else {
            return Err(format!("{} is outside the repository", path.display()));
        };
        let write = || match text {
            Some(text) => fs::write(&copy, text),
            None => fs::copy(path, &copy).map(drop),
        };
        write().map_err(|error| format!("cannot write a temporary file: {error}"))
    }
}

/// Returns the `.git` of a work tree.
fn git_of(root: &Path) -> Option<PathBuf> {
    let git = root.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let text = fs::read_to_string(&git).ok()?;
    let path = text.strip_prefix("gitdir:")?.trim();
    root.join(path).canonicalize().ok()
}

/// Creates a link to the copy of the original's target.
#[cfg(unix)]
fn link(from: &Path, root: &Path, at: &Path, copy: &Path) -> io::Result<()> {
    let target = from.canonicalize()?;
    let target = match target.strip_prefix(root) {
        Ok(below) => copy.join(below),
        Err(_) => target,
    };
    std::os::unix::fs::symlink(target, at)
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path, _: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_do_not_change_the_original() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("a/.git")).unwrap();
        fs::write(root.join("a/b.yaml"), "one").unwrap();
        fs::write(root.join("a/.git/config"), "secret").unwrap();
        let mirror = Mirror::of(&root).unwrap();
        let file = root.join("a/b.yaml");
        let copy = mirror.copy_of(&file).unwrap();
        let is = |text: &str| fs::read_to_string(&copy).unwrap() == text;
        assert!(is("one"));
        mirror.write(&file, Some("two")).unwrap();
        assert!(is("two"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "one");
        mirror.write(&file, None).unwrap();
        assert!(is("one"));
        assert!(!mirror.root().join("a/.git").exists());
        assert_eq!(mirror.original_of(&copy), Some(file));
        assert!(mirror.write(Path::new("/elsewhere"), None).is_err());
    }
}
