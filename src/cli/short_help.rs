//! `-h`: the most used flags, in the order in which people need them, on one screen. `--help` and
//! the man page have all flags.

use std::ffi::OsString;

use clap::{Arg, Command};

use super::args::EXIT_CODES as LONG_EXIT_CODES;

/// The default width of a terminal.
const COLUMNS: usize = 80;

/// A command with at most this many flags shows all of them.
const FEW: usize = 12;

/// The flags that `-h` shows, with shorter texts than in `--help`; `COMMAND.FLAG` is for one
/// command.
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
    ("timeline.since", "Since when: 2h, 3d, a time"),
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
    ("coverage.min", "Exit with 1 below this percentage"),
    ("all", "All drift; required with --yes"),
    ("create", "Also create missing objects"),
    ("prune", "Also delete the extra objects that --extra finds"),
    ("to", "Go back to what this Git revision declares"),
    ("undo", "Undo the last revert, or the one with this ID"),
    ("list_undo", "List the reverts that can be undone"),
    ("apply", "Carry out the decisions in this file (-: stdin)"),
    ("edit", "Edit the file now, then carry it out"),
    ("write", "Edit the files instead of printing a patch"),
    ("into", "Edit this file, or files in this folder"),
    ("message", "Also write a commit message to this file"),
    ("allow_secrets", "Also write secret values into manifests"),
    ("include", "Also write changes in Git not applied yet"),
    (
        "dry_run",
        "Show the plan, checked by the server; write nothing",
    ),
    ("yes", "Do not ask for confirmation"),
    ("check", "Check these policies instead; can be repeated"),
    ("format", "The engine: vap, kyverno, gatekeeper"),
    ("lock", "Forbid changes of the field"),
    ("closed", "Forbid undeclared entries of the list or map"),
    ("max", "Limit the number to the declared one, or this"),
    ("min", "Require at least the declared number, or this"),
    ("origin", "Allow images from the declared registries only"),
    ("require", "The field is set"),
    ("allow", "Exempt this user; can be repeated"),
    ("enforce", "Deny; by default the policy only warns"),
    ("scope", "What to guard: object, namespace, cluster"),
    ("as_user", "Evaluate as if this user applied the manifests"),
    (
        "count_elsewhere",
        "Count objects of Argo CD, Flux and Helm too",
    ),
    ("help", "Show this (--help: everything, with explanations)"),
];

/// Returns whether the arguments ask for the short help.
pub fn is_asked(words: &[OsString]) -> bool {
    let before = words.iter().take_while(|word| *word != "--");
    before.skip(1).any(|word| word == "-h")
}

/// Returns the command line as `-h` shows it.
pub fn of(command: Command) -> Command {
    // When clap parses, it applies this to commands, too, and replaces their own.
    let command = command.max_term_width(COLUMNS);
    let command = command.mut_arg("color", |color| color.hide_short_help(true));
    let command = command.after_help(EXIT_CODES);
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
    let flags: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| !arg.is_positional())
        .collect();
    let few = flags.len() <= FEW;
    // Where arguments name objects and paths, the flags that do the same are left out.
    let selects = flags.iter().any(|arg| arg.get_id() == "object");
    let reports = flags.iter().any(|arg| arg.get_id() == "fail_on");
    let examples = command.get_before_help().map(ToString::to_string);
    // A command may describe itself before its examples.
    let examples = examples
        .as_deref()
        .and_then(|text| text.split_once("Examples:\n"));
    let examples = examples.map(|(_, examples)| format!("Examples:\n{}\n", aligned(examples)));
    let exit_codes = command.get_after_help().map(ToString::to_string);
    let exit_codes = exit_codes
        .filter(|text| text.starts_with("Exit codes:") && text != LONG_EXIT_CODES)
        .map(|text| wrapped_lines(&text));
    let exit_codes = exit_codes.unwrap_or_else(|| match reports {
        true => EXIT_CODES.to_owned(),
        false => "Exit codes: 0 done, 2 an error".to_owned(),
    });
    let name = command.get_name().to_owned();
    let command = match examples {
        Some(examples) => command.before_help(examples),
        None => command,
    };
    command
        .max_term_width(COLUMNS)
        .mut_args(|arg| {
            let id = arg.get_id().as_str();
            let place = place(&name, id);
            match place {
                _ if arg.is_positional() => short_positional(arg, selects),
                _ if selects && DONE_BY_SELECTION.contains(&id) => arg.hide_short_help(true),
                _ if id == "base" && name != "diff" => arg.hide_short_help(true),
                Some((at, help)) => {
                    let help = formats_of_its_own(&arg).unwrap_or_else(|| help.to_owned());
                    let takes_value = arg.get_action().takes_values();
                    arg.help(help)
                        .help_heading(None)
                        .display_order(at)
                        .hide_possible_values(takes_value)
                        .hide_default_value(takes_value)
                }
                None if few => arg.help_heading(None).display_order(SHOWN.len()),
                None => arg.hide_short_help(true),
            }
        })
        .after_help(format!(
            "All flags, with explanations: --help, and driftctl man\n{exit_codes}"
        ))
}

/// Flags that are hidden if arguments can name objects, because the arguments do the same.
const DONE_BY_SELECTION: &[&str] = &["all_namespaces", "kind", "object", "path"];

/// Returns examples with their descriptions in one column. If they do not fit, the longest lose
/// theirs; a command that is wider than the screen is left out.
fn aligned(text: &str) -> String {
    let mut examples: Vec<(&str, &str)> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let indent = line.len() - line.trim_start().len();
            let end = line[indent..]
                .find("  ")
                .map_or(line.len(), |at| indent + at);
            let (command, description) = line.split_at(end);
            (command.trim_end_matches(':'), description.trim_start())
        })
        .map(|(command, text)| (command, if text.ends_with(':') { "" } else { text }))
        .filter(|(command, _)| width(command) <= COLUMNS)
        .collect();
    let column = loop {
        let described = examples.iter().filter(|(_, text)| !text.is_empty());
        let column = described
            .clone()
            .map(|(command, _)| width(command) + 2)
            .max();
        let column = column.unwrap_or_default();
        let widest = described
            .map(|(_, text)| width(text))
            .max()
            .unwrap_or_default();
        if column + widest <= COLUMNS {
            break column;
        }
        let longest = |(command, text): &&mut (&str, &str)| match text.is_empty() {
            true => 0,
            false => width(command) + width(text).saturating_sub(COLUMNS / 2),
        };
        match examples.iter_mut().max_by_key(longest) {
            Some((_, text)) => *text = "",
            None => break 0,
        }
    };
    let lines = examples
        .iter()
        .map(|(command, text)| match text.is_empty() {
            true => format!("{command}\n"),
            false => format!("{command:column$}{text}\n"),
        });
    lines.collect::<String>().trim_end().to_owned()
}

/// Returns the width of a text in columns.
fn width(text: &str) -> usize {
    text.chars().count()
}

/// Returns the lines of a text, with continuation lines joined to the line above.
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

/// Returns the exit codes, wrapped to the screen.
fn wrapped_lines(text: &str) -> String {
    let lines: Vec<String> = joined(text).iter().map(|line| wrapped(line)).collect();
    lines.join("\n")
}

/// Wraps a line of the exit codes to the screen, with its words in one column.
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

/// Lists the formats of a command that has others than a report.
fn formats_of_its_own(arg: &Arg) -> Option<String> {
    let formats = arg.get_possible_values();
    let names: Vec<&str> = formats.iter().map(|format| format.get_name()).collect();
    let is_of_reports = names.contains(&"table");
    (arg.get_id() == "output" && !names.is_empty() && !is_of_reports).then(|| names.join(", "))
}

/// Adjusts the help of PATH: with a selection (`selects`), arguments may also name objects.
fn short_positional(arg: Arg, selects: bool) -> Arg {
    if arg.get_id() == "paths" {
        let names = arg.get_value_names().unwrap_or_default();
        let has_field = names.iter().any(|name| name.starts_with("FIELD"));
        let help = if has_field {
            "The field (.spec.replicas; default: the whole object), and manifests"
        } else if selects {
            "Manifests, then objects (KIND/NAME) and .paths to select"
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

/// Finds the flag of a command in [`SHOWN`], where it is listed by itself or as `COMMAND.FLAG`.
fn place(command: &str, id: &str) -> Option<(usize, &'static str)> {
    let of = |known: &str| match known.split_once('.') {
        Some((name, flag)) => name == command && flag == id,
        None => known == id,
    };
    let at = SHOWN.iter().position(|(known, _)| of(known))?;
    Some((at, SHOWN[at].1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_short_help_fits_on_one_screen() {
        let mut program = of(crate::cli::command());
        let mut helps = vec![program.render_help().to_string()];
        let commands = program.get_subcommands_mut();
        helps.extend(commands.map(|command| command.render_help().to_string()));
        for help in helps {
            let lines: Vec<&str> = help.lines().collect();
            assert!(lines.len() <= 40, "{} lines:\n{help}", lines.len());
            for line in lines {
                assert!(width(line) <= COLUMNS, "{line}\n{help}");
            }
            assert!(!help.contains("Examples:\n\n"), "{help}");
        }
    }

    #[test]
    fn diff_shows_the_most_used_flags() {
        let mut command = of(crate::cli::command());
        let diff = command.find_subcommand_mut("diff").unwrap();
        let help = diff.render_help().to_string();
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
    fn shortens_long_lines_to_the_screen() {
        let examples = format!(
            "  driftctl a  {}\n  driftctl bb  Short\n  driftctl {}  Long\n",
            "word ".repeat(20),
            "c".repeat(64)
        );
        assert_eq!(
            aligned(&examples),
            format!(
                "  driftctl a\n  driftctl bb  Short\n  driftctl {}",
                "c".repeat(64)
            )
        );
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
