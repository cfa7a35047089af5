//! The words that say where the declared state is read from.

use std::path::PathBuf;

use clap::Args;

use super::RenderArgs;

/// The declared side.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Declared side")]
pub struct SourceArgs {
    /// Manifests: files, folders (.yaml, .yml and .json files below), or standard input (-)
    #[arg(value_name = "PATH", default_value = ".")]
    pub paths: Vec<PathBuf>,

    /// How directories are rendered.
    #[command(flatten)]
    pub render: RenderArgs,
}
