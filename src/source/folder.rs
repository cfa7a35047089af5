//! Temporary directories, which are removed when they are dropped or a signal ends the run. The
//! next run removes those of a killed run.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use tempfile::TempDir;

use crate::signals::AtEnd;

/// The prefix of their names, which no other program uses.
const PREFIX: &str = ".driftctl-of-a-run-";

/// The minimum age at which another run removes a directory, because it is locked only after it was
/// created.
const AGE: Duration = Duration::from_secs(60);

/// A temporary folder.
#[derive(Debug)]
pub(in crate::source) struct ManifestFolder {
    /// Without links, as some programs require.
    path: PathBuf,
    // Cancelled before the folder is removed.
    _at_end: AtEnd,
    _directory: TempDir,
    /// The lock by which other runs see that the directory is in use. The system releases it when
    /// the process ends in any way.
    _lock: Option<File>,
}

impl ManifestFolder {
    /// Creates one in the system's temporary directory, private to the user.
    pub fn temporary() -> io::Result<Self> {
        static SWEPT: Once = Once::new();
        SWEPT.call_once(|| sweep(&std::env::temp_dir()));
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let directory = builder.tempdir()?;
        let path = directory.path().canonicalize()?;
        let at_end = path.clone();
        Ok(Self {
            _lock: locked(&path),
            path,
            _at_end: AtEnd::run(move || {
                // Nothing can report the error any more.
                let _ = fs::remove_dir_all(at_end);
            }),
            _directory: directory,
        })
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Locks a directory; returns `None` if another process has locked it, or the system has no locks.
fn locked(folder: &Path) -> Option<File> {
    let folder = File::open(folder).ok()?;
    folder.try_lock().ok()?;
    Some(folder)
}

/// Removes the directories of killed runs. Directories that cannot be removed, or belong to other
/// users, stay.
fn sweep(among: &Path) {
    for entry in fs::read_dir(among).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if is_ours && is_left(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Returns whether a directory is the user's, and no run uses it any more.
fn is_left(folder: &Path) -> bool {
    let Ok(found) = folder.symlink_metadata() else {
        return false;
    };
    let age = found.modified().ok().and_then(|at| at.elapsed().ok());
    found.is_dir() && is_own(&found) && age.is_some_and(|age| age > AGE) && locked(folder).is_some()
}

#[cfg(unix)]
fn is_own(found: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    found.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn is_own(_: &fs::Metadata) -> bool {
    true
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn directories_are_private_and_those_of_killed_runs_are_removed() {
        let ours = ManifestFolder::temporary().unwrap();
        let mode = ours.path().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let among = tempfile::tempdir().unwrap();
        let make = |name: &str, is_old: bool| {
            let folder = among.path().join(name);
            fs::create_dir(&folder).unwrap();
            if is_old {
                let long_ago = SystemTime::now() - Duration::from_secs(3600);
                File::open(&folder).unwrap().set_modified(long_ago).unwrap();
            }
            folder
        };
        let left = make(&format!("{PREFIX}a"), true);
        let used = make(&format!("{PREFIX}b"), true);
        let new = make(&format!("{PREFIX}c"), false);
        let other = make("driftctl-report", true);
        let lock = locked(&used).unwrap();
        sweep(among.path());
        let there = [&left, &used, &new, &other].map(|folder| folder.exists());
        assert_eq!(there, [false, true, true, true]);
        drop(lock);
        sweep(among.path());
        assert!(!used.exists());
    }
}
