//! Folders of our own, which go when they are dropped or a signal ends the run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::signals::AtEnd;

/// A folder of our own.
#[derive(Debug)]
pub(in crate::source) struct Folder {
    /// Without links, as some programs insist on.
    path: PathBuf,
    // Called off before the folder goes.
    _at_end: AtEnd,
    _directory: TempDir,
}

impl Folder {
    /// Makes one among the system's temporary files, for the user's eyes only.
    pub fn temporary() -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("driftctl-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let directory = builder.tempdir()?;
        let path = directory.path().canonicalize()?;
        let at_end = path.clone();
        Ok(Self {
            path,
            _at_end: AtEnd::run(move || {
                // There is nobody left to be told.
                let _ = fs::remove_dir_all(at_end);
            }),
            _directory: directory,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
