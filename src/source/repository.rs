//! The repository that GitOps objects speak of: paths in them start at its root.

use std::path::{Path, PathBuf};

/// A repository on disk.
#[derive(Debug, Clone)]
pub(super) struct Repository {
    /// Its root, without links.
    pub root: PathBuf,
}

impl Repository {
    /// The repository at `given`, or else the Git repository around `start`.
    ///
    /// # Errors
    /// When there is none, in words for the user.
    pub fn find(given: Option<&Path>, start: &Path) -> Result<Self, String> {
        if let Some(given) = given {
            let root = given.canonicalize().ok().filter(|root| root.is_dir());
            let message = || format!("--repo-root: {} is no directory", given.display());
            return root.map(|root| Self { root }).ok_or_else(message);
        }
        let start = start
            .canonicalize()
            .map_err(|_| format!("{} does not exist", start.display()))?;
        let mut around = start.ancestors();
        let root = around.find(|directory| directory.join(".git").exists());
        let root = root.map(|root| Self {
            root: root.to_owned(),
        });
        root.ok_or_else(|| {
            format!(
                "there is no Git repository around {}: say with --repo-root where paths start",
                start.display()
            )
        })
    }

    /// A path in the repository, without links.
    ///
    /// # Errors
    /// When it does not exist, or leads out of the repository.
    pub fn path(&self, path: &str) -> Result<PathBuf, String> {
        let relative = path.trim_start_matches('/');
        let found = self.root.join(relative).canonicalize().map_err(|_| {
            format!(
                "there is no {path} in {}: is this the repository that it speaks of?",
                self.root.display()
            )
        })?;
        if found.starts_with(&self.root) {
            Ok(found)
        } else {
            Err(format!("{path} leads out of {}", self.root.display()))
        }
    }

    /// Whether a repository's address is one that Git fetches this one from; `None` when Git
    /// names none.
    pub fn is_at(&self, address: &str) -> Option<bool> {
        // Read as text: nothing that a configuration names is to be run.
        let config = std::fs::read_to_string(self.root.join(".git/config")).ok()?;
        let urls = config
            .lines()
            .filter_map(|line| line.trim().strip_prefix("url"))
            .filter_map(|rest| rest.trim_start().strip_prefix('='));
        let urls: Vec<String> = urls.map(bare).collect();
        (!urls.is_empty()).then(|| urls.contains(&bare(address)))
    }
}

/// An address without what differs between the ways to reach it.
fn bare(address: &str) -> String {
    let address = address.trim();
    let address = address.split_once("://").map_or(address, |(_, rest)| rest);
    let address = match address.split_once('@') {
        Some((user, rest)) if !user.contains('/') => rest,
        _ => address,
    };
    let address = address.trim_end_matches('/').trim_end_matches(".git");
    address.replace(':', "/").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_repository_are_the_same() {
        for address in [
            "https://github.com/Org/repo.git",
            "git@github.com:org/repo.git",
            "ssh://git@github.com/org/repo",
            "https://user:token@github.com/org/repo/",
        ] {
            assert_eq!(bare(address), "github.com/org/repo", "{address}");
        }
    }

    #[test]
    fn paths_stay_within() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("repo/.git")).unwrap();
        std::fs::create_dir_all(root.join("repo/apps")).unwrap();
        let repository = Repository::find(None, &root.join("repo/apps")).unwrap();
        assert_eq!(repository.root, root.join("repo"));
        assert!(repository.path("./apps").is_ok());
        assert!(repository.path("/apps").is_ok());
        assert!(repository.path("../").unwrap_err().contains("leads out"));
        assert!(
            repository
                .path("nowhere")
                .unwrap_err()
                .contains("no nowhere")
        );
    }
}
