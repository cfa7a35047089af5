//! `driftctl jq-worker`, which driftctl starts for itself. It is hidden from help and completion.

use std::io;

use crate::cli::{Exit, Streams};
use crate::jq;

pub use crate::jq::WORKER as NAME;

/// Answers requests on standard input until the parent process ends.
///
/// # Errors
/// Fails if a stream breaks.
pub fn run(streams: &mut Streams) -> anyhow::Result<Exit> {
    jq::serve(io::stdin().lock(), &mut streams.out)?;
    Ok(Exit::Clean)
}
