//! Renderers: programs that make manifests out of something else.
//!
//! They are other people's programs and read other people's files, so each runs with a deadline,
//! a bound on its output, an empty home, and an environment that holds no credentials.

mod child;
mod names;
mod program;
mod sandbox;
mod secrets;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::source::folder::Folder;
use crate::source::{ChartOptions, Charts};

pub(super) use child::{Job, Printed, WAY};
pub use names::relative_to;
pub(super) use names::{Names, normal};
pub(super) use program::Program;
pub use sandbox::Sandbox;
pub(super) use secrets::Secrets;

/// How long a renderer may take, unless the user says otherwise.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// How directories are rendered that are not plain manifests.
#[derive(Debug, Clone)]
pub struct Rendering {
    /// `kustomize`, or a `kubectl`; found on the PATH if nobody names one.
    pub kustomize: Option<PathBuf>,
    /// `helm`, likewise.
    pub helm: Option<PathBuf>,
    /// Whether what is on other machines may be fetched.
    pub allow_remote: bool,
    /// Whether kustomizations may load files that are outside their directory.
    pub load_outside: bool,
    /// How long one run of a renderer may take.
    pub deadline: Duration,
    /// Whether someone wrote the files who is not trusted.
    pub untrusted: bool,
    /// Whether renderers run in namespaces of their own.
    pub sandbox: Sandbox,
    /// What charts are rendered with.
    pub chart: ChartOptions,
    /// The program that decrypts what SOPS encrypted.
    pub decrypt: Option<PathBuf>,
    /// The charts that were fetched.
    pub charts: Arc<Charts>,
}

impl Default for Rendering {
    fn default() -> Self {
        Self {
            kustomize: None,
            helm: None,
            allow_remote: false,
            load_outside: false,
            deadline: DEADLINE,
            untrusted: false,
            sandbox: Sandbox::default(),
            chart: ChartOptions::default(),
            decrypt: None,
            charts: Arc::default(),
        }
    }
}

/// Returns a directory of our own, for the empty home of a renderer and for what is laid over the
/// user's files. It goes when it is dropped.
pub(super) fn workspace() -> Result<Folder, String> {
    let failed = |error: std::io::Error| format!("cannot make a temporary directory: {error}");
    let folder = Folder::temporary().map_err(failed)?;
    std::fs::create_dir(folder.path().join("home")).map_err(failed)?;
    Ok(folder)
}

/// Writes a text into a workspace, for the user's eyes only.
pub(super) fn write(path: &Path, text: &str) -> Result<(), String> {
    write_bytes(path, text.as_bytes())
}

/// Writes a file that is not there yet into a workspace, for the user's eyes only.
pub(super) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let write = || {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        private_file(path)?.write_all(bytes)
    };
    write().map_err(|error| format!("cannot write a temporary file: {error}"))
}

/// Makes a file that nobody else may read.
///
/// # Errors
/// Also when there is one already.
pub(super) fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
