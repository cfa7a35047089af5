//! Folders of our own, which go when they are dropped or a signal ends the run. Those of a run that
//! was killed go with the next run.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use tempfile::TempDir;

use crate::signals::AtEnd;

/// What the names of these folders begin with. No folder of anyone else's does.
const PREFIX: &str = ".driftctl-of-a-run-";

/// How old a folder must be before another run removes it: it is locked a moment after it is made.
const AGE: Duration = Duration::from_secs(60);

/// A folder of our own.
#[derive(Debug)]
pub(in crate::source) struct Folder {
    /// Without links, as some programs insist on.
    path: PathBuf,
    // Called off before the folder goes.
    _at_end: AtEnd,
    _directory: TempDir,
    /// Says to other runs that someone uses the folder. The system takes it back from a process
    /// that ends, whatever ends it.
    _lock: Option<File>,
}

impl Folder {
    /// Makes one among the system's temporary files, for the user's eyes only.
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
                // There is nobody left to be told.
                let _ = fs::remove_dir_all(at_end);
            }),
            _directory: directory,
        })
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Locks a folder; `None` where someone else has, or the system has no such locks.
fn locked(folder: &Path) -> Option<File> {
    let folder = File::open(folder).ok()?;
    folder.try_lock().ok()?;
    Some(folder)
}

/// Removes the folders of runs that were killed. What cannot be removed, or is another user's,
/// stays.
fn sweep(among: &Path) {
    for entry in fs::read_dir(among).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if is_ours && is_left(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Returns whether a folder is the user's, and no run uses it any more.
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
    fn folders_are_private_and_those_of_killed_runs_go() {
        let ours = Folder::temporary().unwrap();
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
