//! Runs the command line: parses arguments, calls the modules below, prints to the right stream,
//! and returns an exit code.
//!
//! Arguments come in two layers. [`args`] mirrors the flags and checks them against each other;
//! [`settings`] resolves them against the terminal, the environment and the clock. Each command
//! is one file in [`commands`].

pub mod args;
mod choice;
pub mod commands;
mod comparison;
mod completion;
mod environment;
mod exit;
mod external_diff;
mod gate;
mod message;
mod pager;
mod panics;
mod plugin;
mod progress;
mod report_file;
mod secrecy;
mod selected;
mod selection;
pub mod settings;
mod short_help;
mod streams;
mod suggest;

use std::ffi::OsString;
use std::io::Write;

use clap::{CommandFactory, FromArgMatches};

pub use environment::CliEnvironment;
pub use exit::Exit;
pub use panics::end_at_panics;
pub use streams::Streams;

use args::{Cli, ColorChoice};
use commands::jq_worker;
use settings::Settings;

/// Runs a command line; the first word is the program's name.
///
/// Every error ends here, as one message and [`Exit::Trouble`].
pub fn run(
    words: impl IntoIterator<Item = OsString>,
    around: &CliEnvironment,
    mut streams: Streams,
) -> Exit {
    let words: Vec<OsString> = words.into_iter().collect();
    if completion::answer(&words) {
        return Exit::Clean;
    }
    let parse = |command: clap::Command| {
        let parsed = command.try_get_matches_from(&words);
        parsed.and_then(|matches| Cli::from_arg_matches(&matches))
    };
    if words.iter().skip(1).eq([jq_worker::NAME]) {
        // If this fails, the reader of the output is gone.
        let done = jq_worker::run(&mut streams).unwrap_or(Exit::Trouble);
        return finish(done, around, &mut streams);
    }
    // The other subcommands, and this one in full, are needed for help and messages only.
    let command = words.get(1).and_then(|word| Cli::alone(word.to_str()?));
    let command = command.unwrap_or_else(|| plugin::command(&words));
    let parsed = parse(command).or_else(|_| parse(whole_command(&words)));
    let done = match parsed {
        Ok(mut cli) => {
            cli.command.merge_aliases(&words);
            let settings = Settings::resolve(cli.global.color, around);
            commands::run(cli, &settings, &mut streams)
                .unwrap_or_else(|error| message::failed(&mut streams, &settings, &error))
        }
        Err(answer) => {
            let texts = words.iter().map(|word| word.to_string_lossy().into_owned());
            match suggest::message(&answer, &whole_command(&words), &texts.collect::<Vec<_>>()) {
                Some(message) => {
                    let settings = Settings::resolve(ColorChoice::Auto, around);
                    message::print_message(&mut streams, &settings, &message);
                    Exit::Trouble
                }
                None => answer_of_parser(&mut streams, around, &answer),
            }
        }
    };
    finish(done, around, &mut streams)
}

/// Returns the command line with everything that help and messages need.
fn whole_command(words: &[OsString]) -> clap::Command {
    let mut command = plugin::command(words);
    if short_help::is_asked(words) {
        command = short_help::of(command);
    }
    command.build();
    command
}

/// Prints what the parser returned. Help goes to standard output and is not an error; usage errors
/// go to standard error.
fn answer_of_parser(streams: &mut Streams, around: &CliEnvironment, answer: &clap::Error) -> Exit {
    let (stream, is_terminal, exit) = if answer.use_stderr() {
        (&mut streams.err, around.stderr_is_terminal, Exit::Trouble)
    } else {
        (&mut streams.out, around.stdout_is_terminal, Exit::Clean)
    };
    let colour = settings::color(ColorChoice::Auto, is_terminal, around);
    let text = crate::output::help::painted(colour, &answer.render().to_string());
    write!(stream, "{text}").map_or(Exit::Trouble, |()| exit)
}

/// Chooses the exit code after everything is written: a report that did not fit on the disk is an
/// error.
fn finish(done: Exit, around: &CliEnvironment, streams: &mut Streams) -> Exit {
    if let Err(error) = streams.out.flush() {
        let settings = Settings::resolve(ColorChoice::Auto, around);
        let error = anyhow::Error::new(error).context("cannot write to standard output");
        return message::failed(streams, &settings, &error);
    }
    // Standard error is closed: there is nowhere to report it.
    let _ = streams.err.flush();
    done
}

/// Returns the command line for help, completions and tests.
pub fn command() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::args::Cli;

    #[test]
    fn the_command_line_is_valid() {
        super::command().debug_assert();
    }

    /// Returns everything that decides how arguments are parsed.
    fn flags(command: &Command) -> String {
        let arguments: Vec<_> = command.get_arguments().collect();
        let groups: Vec<_> = command.get_groups().collect();
        let mut children: Vec<_> = command.get_subcommands().map(flags).collect();
        children.sort();
        format!("{arguments:?} {groups:?} {children:?}")
    }

    #[test]
    fn parses_a_command_alone_as_with_all_commands() {
        let whole = super::command();
        assert!(Cli::alone("help").is_none());
        for known in whole.get_subcommands() {
            let name = known.get_name();
            let alone = Cli::alone(name).unwrap_or_else(|| panic!("add {name} to Cli::alone"));
            let found = alone.find_subcommand(name).unwrap();
            assert_eq!(flags(found), flags(known), "{name}");
            let global =
                |command: &Command| format!("{:?}", command.get_arguments().collect::<Vec<_>>());
            assert_eq!(global(&alone), global(&whole));
        }
    }
}
