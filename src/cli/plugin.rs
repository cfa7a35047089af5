//! `kubectl drift`: driftctl as a kubectl plugin.

use std::ffi::OsString;
use std::path::Path;

use clap::{Command, CommandFactory};

use super::args::Cli;

/// The file name by which kubectl finds the plugin `drift`.
/// (<https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins>)
const FILE_NAME: &str = "kubectl-drift";

/// Returns the command line with the name that it was called by, so that users can copy what help
/// and messages show.
pub fn command(words: &[OsString]) -> Command {
    let called = words.first().map(Path::new).and_then(Path::file_stem);
    if called.is_some_and(|name| name == FILE_NAME) {
        renamed(Cli::command()).bin_name("kubectl drift")
    } else {
        Cli::command()
    }
}

/// Changes the examples to begin with `kubectl drift`.
fn renamed(command: Command) -> Command {
    let examples = command.get_before_help().map(ToString::to_string);
    let command = match examples {
        Some(examples) => command.before_help(examples.replace("driftctl ", "kubectl drift ")),
        None => command,
    };
    let names: Vec<String> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, renamed)
    })
}
