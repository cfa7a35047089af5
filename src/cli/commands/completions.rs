//! `driftctl completions SHELL`

use anyhow::anyhow;
use clap_complete::Shell;
use clap_complete::env::Shells;

use crate::cli::completion::VARIABLE;
use crate::cli::{Exit, Streams};

/// The name of the program in the scripts.
const NAME: &str = "driftctl";

/// Writes the script for a shell, which asks driftctl for completions.
///
/// # Errors
/// Fails if standard output cannot be written to.
pub fn run(shell: Shell, streams: &mut Streams) -> anyhow::Result<Exit> {
    let shells = Shells::builtins();
    let completer = shells
        .completer(&shell.to_string())
        .ok_or_else(|| anyhow!("{shell} has no completions"))?;
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, NAME, NAME, NAME, &mut script)?;
    streams.out.write_all(&script)?;
    Ok(Exit::Clean)
}
