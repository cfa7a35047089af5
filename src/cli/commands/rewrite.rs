//! Rewrites one of driftctl's own files, unless someone else changed it in the meantime.

use anyhow::{Context, Result, ensure};

use crate::cli::report_file;
use crate::config::{self, FoundConfig};

/// A file with its new text.
pub struct FileRewrite {
    file: FoundConfig,
    before: Option<String>,
    after: String,
}

impl FileRewrite {
    /// Returns a file with its current and its new text.
    ///
    /// # Errors
    /// Fails if it cannot be read, or its text cannot be changed.
    pub fn of(
        file: FoundConfig,
        change: impl FnOnce(&str, &FoundConfig) -> Result<String>,
    ) -> Result<Self> {
        let before = read(&file)?;
        let after = change(before.as_deref().unwrap_or_default(), &file)?;
        Ok(Self {
            file,
            before,
            after,
        })
    }

    /// Returns the name of the file.
    pub fn name(&self) -> &str {
        &self.file.name
    }

    /// Writes it.
    ///
    /// # Errors
    /// Fails if it changed after it was read, or cannot be written.
    pub fn write(&self) -> Result<()> {
        let name = self.name();
        ensure!(
            read(&self.file)? == self.before,
            "{name} changed after it was read and was not written; run the command again"
        );
        report_file::write(&self.file.path, |out| out.write_all(self.after.as_bytes()))
            .with_context(|| format!("cannot write {name}"))
    }
}

fn read(file: &FoundConfig) -> Result<Option<String>> {
    let is_there = file.path.symlink_metadata().is_ok();
    is_there.then(|| config::read_file(file)).transpose()
}
