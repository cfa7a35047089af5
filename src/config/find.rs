//! Finds the files that rules are in.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The size limit: more than people write.
const LARGEST: u64 = 16 * 1024 * 1024;

/// A file and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundConfig {
    /// The path to open.
    pub path: PathBuf,
    /// The name for messages: relative to the current directory, if it is below that.
    pub name: String,
}

impl FoundConfig {
    /// Returns the file at a path that the user wrote.
    pub fn named(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            name: path.display().to_string(),
        }
    }

    fn seen_from(here: &Path, path: PathBuf) -> Self {
        let shown = path.strip_prefix(here).unwrap_or(&path);
        Self {
            name: shown.display().to_string(),
            path,
        }
    }
}

/// Searches for a file in the directory of `start` and upwards, to the root of the repository (the
/// directory with `.git` in it), or of the file system.
///
/// # Errors
/// Fails if the current directory cannot be determined.
pub fn find(name: &str, start: &Path) -> Result<Option<FoundConfig>> {
    let here = std::env::current_dir().context("cannot determine the current directory")?;
    let found = upwards(&here, start)
        .into_iter()
        .map(|directory| directory.join(name))
        .find(|path| path.symlink_metadata().is_ok());
    Ok(found.map(|path| FoundConfig::seen_from(&here, path)))
}

/// Returns the directories from that of `start` up to where the search ends.
fn upwards(here: &Path, start: &Path) -> Vec<PathBuf> {
    let start = here.join(start);
    // `../x` is above, not below.
    let start = start.canonicalize().unwrap_or(start);
    let first = if start.is_dir() {
        Some(start.as_path())
    } else {
        start.parent()
    };
    let mut directories = Vec::new();
    for directory in first.into_iter().flat_map(Path::ancestors) {
        directories.push(directory.to_owned());
        if directory.join(".git").symlink_metadata().is_ok() {
            break;
        }
    }
    directories
}

/// Returns where a new file of this name belongs: next to `neighbour`, else at the root of the
/// repository of `start`, else in the current directory if `start` is in it or below, else in the
/// directory of `start`. A search upwards from `start` finds it in each of them.
///
/// # Errors
/// Fails if the current directory cannot be determined.
pub fn new_file(neighbour: Option<&FoundConfig>, name: &str, start: &Path) -> Result<FoundConfig> {
    if let Some(neighbour) = neighbour {
        let path = neighbour.path.with_file_name(name);
        let name = Path::new(&neighbour.name).with_file_name(name);
        return Ok(FoundConfig {
            path,
            name: name.display().to_string(),
        });
    }
    let here = std::env::current_dir().context("cannot determine the current directory")?;
    let directories = upwards(&here, start);
    let root = directories
        .last()
        .filter(|root| root.join(".git").symlink_metadata().is_ok());
    let is_here = |directory: &&PathBuf| here.canonicalize().is_ok_and(|here| here == **directory);
    let place = root.or_else(|| directories.iter().find(is_here));
    let Some(directory) = place.or(directories.first()) else {
        bail!("cannot determine where {name} belongs; name a file");
    };
    Ok(FoundConfig::seen_from(&here, directory.join(name)))
}

/// Returns the text of one of driftctl's own files.
///
/// # Errors
/// Fails if it cannot be read, is not a regular file, is too large, or is not text.
pub fn read_file(found: &FoundConfig) -> Result<String> {
    let read = || -> Result<String> {
        // Reading a pipe or a device would never end.
        if !fs::metadata(&found.path)?.is_file() {
            bail!("it is not a regular file");
        }
        let mut bytes = Vec::new();
        let file = fs::File::open(&found.path)?;
        file.take(LARGEST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LARGEST {
            bail!("it is larger than {} MiB", LARGEST >> 20);
        }
        String::from_utf8(bytes).context("it is not UTF-8 text")
    };
    read().with_context(|| format!("cannot read {}", found.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{BASELINE_NAME, CONFIG_NAME};

    #[test]
    fn stops_searching_at_the_root_of_the_repository() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("repo/.git")).unwrap();
        fs::create_dir_all(root.join("repo/apps/cart")).unwrap();
        fs::write(root.join(CONFIG_NAME), "").unwrap();
        let start = root.join("repo/apps/cart");
        assert_eq!(find(CONFIG_NAME, &start).unwrap(), None);
        let manifest = start.join("deployment.yaml");
        fs::write(&manifest, "").unwrap();
        fs::write(root.join("repo").join(CONFIG_NAME), "").unwrap();
        let found = find(CONFIG_NAME, &manifest).unwrap().unwrap();
        assert_eq!(found.path, root.join("repo").join(CONFIG_NAME));
        fs::write(start.join(CONFIG_NAME), "").unwrap();
        let found = find(CONFIG_NAME, &manifest).unwrap().unwrap();
        assert_eq!(found.path, start.join(CONFIG_NAME), "the nearest one");
    }

    #[test]
    fn places_new_files_next_to_the_config_or_at_the_root() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("repo/.git")).unwrap();
        fs::create_dir_all(root.join("repo/apps")).unwrap();
        let start = root.join("repo/apps");
        let at_root = new_file(None, BASELINE_NAME, &start).unwrap();
        assert_eq!(at_root.path, root.join("repo").join(BASELINE_NAME));
        let config = FoundConfig::named(&start.join(CONFIG_NAME));
        let next = new_file(Some(&config), BASELINE_NAME, &start).unwrap();
        assert_eq!(next.path, start.join(BASELINE_NAME));
    }

    #[test]
    fn reads_regular_files_only() {
        let dir = tempfile::tempdir().unwrap();
        let error = read_file(&FoundConfig::named(dir.path())).unwrap_err();
        assert!(format!("{error:#}").ends_with("it is not a regular file"));
    }
}
