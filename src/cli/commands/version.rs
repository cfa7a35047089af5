//! `driftctl version`

use std::io::Write;

use serde_json::json;

use crate::cli::args::CommandFormat;
use crate::cli::{Exit, Streams};
use crate::schema::KUBERNETES_VERSION;

/// Prints the versions.
///
/// # Errors
/// Fails if standard output cannot be written to.
pub fn run(format: CommandFormat, streams: &mut Streams) -> anyhow::Result<Exit> {
    let version = env!("CARGO_PKG_VERSION");
    match format {
        CommandFormat::Json => {
            let versions = json!({ "version": version, "kubernetesSchema": KUBERNETES_VERSION });
            writeln!(streams.out, "{versions:#}")?;
        }
        _ => {
            writeln!(streams.out, "driftctl {version}")?;
            writeln!(streams.out, "Kubernetes schema {KUBERNETES_VERSION}")?;
        }
    }
    Ok(Exit::Clean)
}
