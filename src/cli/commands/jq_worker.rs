//! `driftctl jq-worker`, which driftctl starts for itself and people do not: it is in no help and
//! no completion.

use std::io;

use crate::cli::{Exit, Streams};
use crate::jq;

pub use crate::jq::WORKER as NAME;

/// Answers requests on standard input until the parent process is done.
///
/// # Errors
/// Fails if a stream breaks.
pub fn run(streams: &mut Streams) -> anyhow::Result<Exit> {
    jq::serve(io::stdin().lock(), &mut streams.out)?;
    Ok(Exit::Clean)
}
