//! `-h`: the flags that people use, in the order in which they need them, on one screen. `--help`
//! and the man page have all of them.

use std::ffi::OsString;

use clap::{Arg, Command};

/// The columns of a terminal that nobody has widened.
const COLUMNS: usize = 80;

/// The flags that `-h` shows, with fewer words than `--help` has for them.
const SHOWN: &[(&str, &str)] = &[
    ("filename", "Manifests: a file, a folder, or - (as PATH)"),
    ("context", "The kubeconfig context; may be several"),
    ("namespace", "Only this namespace"),
    ("all_namespaces", "All namespaces"),
    ("selector", "Only objects with these labels: app=cart"),
    ("kind", "Only these kinds: deploy,svc"),
    ("live", "A recording instead of a cluster"),
    ("extra", "Also find undeclared objects: namespace, managed"),
    ("base", "Before a merge: what the branch changes"),
    ("since", "Show changes written since: 2h, 3d, a time"),
    ("by", "Show changes by this user or field manager"),
    ("severity", "Show critical, high, medium or low and worse"),
    ("output", "text, table, timeline, diff, json, markdown, …"),
    ("fail_on", "What exits with 1: drift, high, conflict, …"),
    ("verbose", "Show long values in full"),
    ("object", "The object"),
    ("path", "A field of it, as reports write it"),
    ("reason", "Why"),
    ("ticket", "Where it is discussed"),
    ("expires", "Until when: 24h, 7d, 2w, a date"),
    ("file", "Write to this file"),
    ("help", "Show this (--help: everything, with explanations)"),
];

/// Whether the words ask for the short help.
pub fn is_asked(words: &[OsString]) -> bool {
    let before = words.iter().take_while(|word| *word != "--");
    before.skip(1).any(|word| word == "-h")
}

/// The command line as `-h` shows it.
pub fn of(command: Command) -> Command {
    let command = command.mut_arg("color", |color| color.hide_short_help(true));
    let names: Vec<String> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, shortened)
    })
}

/// One command with the arguments that matter, under one heading.
fn shortened(command: Command) -> Command {
    // What a command alone has is what it is for.
    let few = command
        .get_arguments()
        .filter(|arg| !arg.is_positional())
        .count()
        <= SHOWN.len();
    // Longer examples are in the long help.
    let examples = command.get_before_help().map(ToString::to_string);
    let short = |line: &&str| line.chars().count() <= COLUMNS && !line.ends_with(':');
    let examples = examples.map(|examples| {
        let lines = examples.lines().skip(1).filter(short);
        format!("Examples:\n{}\n", lines.collect::<Vec<_>>().join("\n"))
    });
    let command = match examples {
        Some(examples) => command.before_help(examples),
        None => command,
    };
    command
        .max_term_width(COLUMNS)
        .mut_args(|arg| match place(&arg) {
            _ if arg.is_positional() => short_positional(arg),
            Some((at, help)) => {
                let takes_value = arg.get_action().takes_values();
                arg.help(help)
                    .help_heading("Options")
                    .display_order(at)
                    .hide_possible_values(takes_value)
                    .hide_default_value(takes_value)
            }
            None if few => arg.help_heading("Options").display_order(SHOWN.len()),
            None => arg.hide_short_help(true),
        })
        .after_help(
            "All flags, with explanations: --help, and driftctl man\n\
             Exit codes: 0 nothing found, 1 drift, 2 an error or an incomplete comparison",
        )
}

fn short_positional(arg: Arg) -> Arg {
    if arg.get_id() == "paths" {
        return arg
            .help("Files, folders, REVISION:PATH, helm:NAMESPACE/RELEASE")
            .hide_default_value(true);
    }
    arg
}

fn place(arg: &Arg) -> Option<(usize, &'static str)> {
    let id = arg.get_id().as_str();
    let at = SHOWN.iter().position(|(known, _)| *known == id)?;
    Some((at, SHOWN[at].1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_help_of_diff_fits_on_one_screen() {
        let mut command = of(crate::cli::command());
        let diff = command.find_subcommand_mut("diff").unwrap();
        let help = diff.render_help().to_string();
        let lines: Vec<&str> = help.lines().collect();
        assert!(lines.len() <= 40, "{} lines:\n{help}", lines.len());
        for line in lines {
            assert!(line.chars().count() <= 80, "{line}");
        }
        for flag in [
            "--filename",
            "--context",
            "--severity",
            "--fail-on",
            "--output",
        ] {
            assert!(help.contains(flag), "{flag}:\n{help}");
        }
        assert!(!help.contains("--kustomize-bin"), "{help}");
    }

    #[test]
    fn the_long_help_has_everything() {
        let mut command = crate::cli::command();
        let diff = command.find_subcommand_mut("diff").unwrap();
        let help = diff.render_long_help().to_string();
        for arg in diff.get_arguments().filter(|arg| !arg.is_hide_set()) {
            if let Some(long) = arg.get_long() {
                assert!(help.contains(&format!("--{long}")), "{long}");
            }
        }
    }
}
