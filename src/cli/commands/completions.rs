//! `driftctl completions SHELL`

use clap_complete::Shell;

use crate::cli::{Exit, Streams};

/// Writes the completion script of a shell.
///
/// # Errors
/// When standard output cannot be written to.
pub fn run(
    shell: Shell,
    command: &mut clap::Command,
    streams: &mut Streams,
) -> anyhow::Result<Exit> {
    // clap_complete panics when its writer fails, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(shell, command, "driftctl", &mut script);
    streams.out.write_all(&script)?;
    Ok(Exit::Clean)
}
