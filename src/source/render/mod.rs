//! Renderers: programs that generate manifests.
//!
//! They are third-party programs that read untrusted files, so each runs with a deadline, a limit
//! on its output, an empty home directory, and an environment without credentials.

mod charts;
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

use crate::source::folder::ManifestFolder;

pub use charts::{ChartOptions, Charts};
pub(super) use charts::{ChartReference, FetchedChart};
pub(super) use child::{Printed, RendererRun, WAY};
pub use names::relative_to;
pub(super) use names::{FileNames, normal};
pub(super) use program::RendererProgram;
pub use sandbox::Sandbox;
pub(super) use secrets::Secrets;

/// The default time limit of a renderer.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// How directories that are not plain manifests are rendered.
#[derive(Debug, Clone)]
pub struct Rendering {
    /// `kustomize`, or a `kubectl`; found on the PATH by default.
    pub kustomize: Option<PathBuf>,
    /// `helm`, in the same way.
    pub helm: Option<PathBuf>,
    /// Whether remote files may be fetched.
    pub allow_remote: bool,
    /// Whether kustomizations may load files outside their directory.
    pub load_outside: bool,
    /// The time limit for one run of a renderer.
    pub deadline: Duration,
    /// Whether the author of the files is untrusted.
    pub untrusted: bool,
    /// Whether renderers run in their own namespaces.
    pub sandbox: Sandbox,
    /// The options for charts.
    pub chart: ChartOptions,
    /// The program that decrypts SOPS-encrypted objects.
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

/// Creates a temporary directory, for a renderer's empty home directory and for overlays. It is
/// removed when dropped.
pub(super) fn workspace() -> Result<ManifestFolder, String> {
    let failed = |error: std::io::Error| format!("cannot make a temporary directory: {error}");
    let folder = ManifestFolder::temporary().map_err(failed)?;
    std::fs::create_dir(folder.path().join("home")).map_err(failed)?;
    Ok(folder)
}

/// Writes text into a file in a workspace, private to the user.
pub(super) fn write(path: &Path, text: &str) -> Result<(), String> {
    write_bytes(path, text.as_bytes())
}

/// Writes a new file into a workspace, private to the user.
pub(super) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let write = || {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        private_file(path)?.write_all(bytes)
    };
    write().map_err(|error| format!("cannot write a temporary file: {error}"))
}

/// Creates a file that only the user may read.
///
/// # Errors
/// Fails if the file already exists or cannot be created.
pub(super) fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
