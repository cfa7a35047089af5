//! `-h`: the most used flags, in the order in which people need them, on one screen. `--help` and
//! the man page have all flags.

use std::ffi::OsString;

use clap::{Arg, Command};

use super::args::EXIT_CODES as LONG_EXIT_CODES;

/// The default width of a terminal.
const COLUMNS: usize = 80;

/// A command with at most so many flags shows all of them.
const FEW: usize = 22;

/// The flags that `-h` shows, with shorter texts than in `--help`.
const SHOWN: &[(&str, &str)] = &[
    ("filename", "Manifests: a file, a folder, or - (as PATH)"),
    ("context", "The kubeconfig context; can be repeated"),
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
    ("ticket", "Link to a ticket or discussion"),
    ("expires", "Until when: 24h, 7d, 2w, a date"),
    ("file", "Write to this file"),
    ("every", "How often: 30s, 5m, 1h"),
    ("state", "Keep open drift in this file"),
    ("listen", "Serve /metrics, /healthz and /report.json"),
    ("once", "One round, for cron"),
    ("print_alerts", "Print a PrometheusRule"),
    ("help", "Show this (--help: everything, with explanations)"),
];

/// Returns whether the arguments ask for the short help.
pub fn is_asked(words: &[OsString]) -> bool {
    let before = words.iter().take_while(|word| *word != "--");
    before.skip(1).any(|word| word == "-h")
}

/// Returns the command line as `-h` shows it.
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

/// Returns one command with its most important arguments, under one heading.
fn shortened(command: Command) -> Command {
    // Flags that only one command has are essential to it.
    let few = command
        .get_arguments()
        .filter(|arg| !arg.is_positional())
        .count()
        <= FEW;
    let examples = command.get_before_help().map(ToString::to_string);
    let examples = examples.map(|examples| {
        // A command may describe itself before its examples.
        let lines = examples.lines().skip_while(|line| *line != "Examples:");
        let lines = lines.skip(1).filter_map(example);
        format!("Examples:\n{}\n", lines.collect::<Vec<_>>().join("\n"))
    });
    let selects = command
        .get_arguments()
        .any(|arg| arg.get_id() == "object" && !arg.is_positional());
    let exit_codes = command.get_after_help().map(ToString::to_string);
    let exit_codes = exit_codes
        .filter(|text| text.starts_with("Exit codes:") && text != LONG_EXIT_CODES)
        .map(|text| {
            let lines = joined(&text).into_iter();
            lines
                .map(|line| wrapped(&line))
                .collect::<Vec<_>>()
                .join("\n")
        });
    let exit_codes = exit_codes.unwrap_or_else(|| EXIT_CODES.to_owned());
    let is_diff = command.get_name() == "diff";
    let command = match examples {
        Some(examples) => command.before_help(examples),
        None => command,
    };
    command
        .max_term_width(COLUMNS)
        .mut_args(|arg| match place(&arg) {
            _ if arg.is_positional() => short_positional(arg, selects),
            _ if is_of_command(&arg) => arg.help_heading(None).display_order(SHOWN.len()),
            _ if arg.get_id() == "base" && !is_diff => arg.hide_short_help(true),
            Some((at, _)) if has_formats_of_its_own(&arg) => {
                arg.help_heading(None).display_order(at)
            }
            Some((at, help)) => {
                let takes_value = arg.get_action().takes_values();
                arg.help(help)
                    .help_heading(None)
                    .display_order(at)
                    .hide_possible_values(takes_value)
                    .hide_default_value(takes_value)
            }
            None if few => arg.help_heading(None).display_order(SHOWN.len()),
            None => arg.hide_short_help(true),
        })
        .after_help(format!(
            "All flags, with explanations: --help, and driftctl man\n{exit_codes}"
        ))
}

/// Headings of flags that only one command has, or that are essential to it.
const OWN: &[&str] = &[
    "Backport", "Browse", "Coverage", "Guard", "Revert", "Triage", "Writing",
];

/// Returns whether a flag is essential to its command.
fn is_of_command(arg: &Arg) -> bool {
    arg.get_help_heading()
        .is_some_and(|heading| OWN.contains(&heading))
}

/// Returns an example that fits: a long one gets less space in it, or loses its description. Even
/// longer ones are only in the long help.
fn example(line: &str) -> Option<String> {
    let fits = |text: &String| text.chars().count() <= COLUMNS && !text.ends_with(':');
    let indent = line.len() - line.trim_start().len();
    let end = line[indent..]
        .find("  ")
        .map_or(line.len(), |at| indent + at);
    let (command, description) = line.split_at(end);
    let closer = format!("{command}  {}", description.trim_start());
    [line.to_owned(), closer, command.to_owned()]
        .into_iter()
        .find(fits)
}

/// The lines of a text, those that go on from the one above with it.
fn joined(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        match lines.last_mut() {
            Some(above) if line.starts_with("     ") => {
                above.push(' ');
                above.push_str(line.trim_start());
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// A line of the exit codes, wrapped to the screen below the words of the first line.
fn wrapped(line: &str) -> String {
    const INDENT: &str = "\n     ";
    let mut text = String::new();
    let mut column = 0;
    for (at, word) in line.split(' ').enumerate() {
        let width = word.chars().count();
        if at > 0 && column + 1 + width > COLUMNS {
            text.push_str(INDENT);
            column = INDENT.len() - 1;
        } else if at > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += width;
    }
    text
}

/// The exit codes of commands that report.
const EXIT_CODES: &str =
    "Exit codes: 0 nothing found, 1 drift, 2 an error or an incomplete comparison";

/// Returns whether a command has other formats than a report.
fn has_formats_of_its_own(arg: &Arg) -> bool {
    let formats = arg.get_possible_values();
    let is_of_reports = formats.iter().any(|format| format.get_name() == "table");
    arg.get_id() == "output" && !formats.is_empty() && !is_of_reports
}

/// Adjusts the help of PATH: with a selection (`selects`), arguments may also name objects.
fn short_positional(arg: Arg, selects: bool) -> Arg {
    if arg.get_id() == "paths" {
        let names = arg.get_value_names().unwrap_or_default();
        let has_field = names.iter().any(|name| name.starts_with("FIELD"));
        let help = if has_field {
            "The field (.spec.replicas; default: the whole object), and manifests"
        } else if selects {
            "Manifests, then KIND/NAMESPACE/NAME and .path words that select"
        } else {
            "Files, folders, REVISION:PATH, helm:NAMESPACE/RELEASE"
        };
        return arg.help(help).hide_default_value(true).help_heading(None);
    }
    let arg = arg.help_heading(None);
    match arg.get_id() == "object" {
        true => arg.value_name("KIND/[NAMESPACE/]NAME"),
        false => arg,
    }
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
    fn every_command_shows_examples_and_its_own_flags() {
        let mut command = of(crate::cli::command());
        for (name, flag) in [
            ("backport", "--into"),
            ("guard", "--check"),
            ("revert", "--dry-run"),
            ("triage", "--apply"),
            ("watch", "--listen"),
        ] {
            let command = command.find_subcommand_mut(name).unwrap();
            let help = command.render_help().to_string();
            assert!(help.contains(flag), "{name} {flag}:\n{help}");
            assert!(help.matches("\n  driftctl ").count() > 3, "{help}");
            assert!(help.contains("\n  2  An error"), "{help}");
            assert!(!help.contains("--base"), "{help}");
        }
    }

    #[test]
    fn long_lines_are_shortened_to_the_screen() {
        let line = format!("  driftctl diff{}Compare", " ".repeat(70));
        assert_eq!(example(&line).unwrap(), "  driftctl diff  Compare");
        let line = format!("  driftctl diff  {}", "word ".repeat(20));
        assert_eq!(example(&line).unwrap(), "  driftctl diff");
        assert_eq!(
            joined("  2  An error,\n     or more\n  3  Other"),
            ["  2  An error, or more", "  3  Other"]
        );
        let line = format!("  2  {}end", "word ".repeat(16));
        assert_eq!(
            wrapped(&line),
            format!("  2  {}\n     word end", "word ".repeat(15).trim_end())
        );
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
