//! Suggests what an unknown argument means: by its spelling, or by what other tools call the same
//! thing.

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::model::nearest;

/// Flags of other tools, and their equivalents here.
const FLAGS: &[(&str, &str)] = &[
    ("--file", "--filename"),
    ("--files", "--filename"),
    ("--manifests", "--filename"),
    ("--format", "--output"),
    ("--out", "--output"),
    ("--json", "--output json"),
    ("--yaml", "--output yaml"),
    ("--min-severity", "--severity"),
    ("--level", "--severity"),
    ("--author", "--by"),
    ("--user", "--by"),
    ("--who", "--by"),
    ("--after", "--since"),
    ("--newer-than", "--since"),
    ("--exit-code", "--fail-on"),
    ("--detailed-exitcode", "--fail-on"),
    ("--fail", "--fail-on"),
    ("--prune", "--extra namespace"),
    ("--unmanaged", "--extra namespace"),
    ("--orphans", "--extra namespace"),
    ("--undeclared", "--extra namespace"),
    ("--dry-run", "--server-dry-run"),
    ("--server-side", "--server-dry-run"),
    ("--all", "--show all"),
    ("--cluster", "--context"),
    ("--kube-context", "--context"),
    ("--label", "--selector"),
    ("--labels", "--selector"),
    ("--branch", "--base"),
    ("--against", "--base"),
    ("--revision", "--ref"),
    ("--snapshot", "--live"),
    ("--recording", "--live"),
    ("--silent", "--quiet"),
    ("--no-color", "--color never"),
    ("--no-colour", "--color never"),
    ("--colour", "--color"),
    (
        "-k",
        "the folder alone, which is rendered: driftctl diff ./overlay",
    ),
    (
        "--kustomize",
        "the folder alone, which is rendered: driftctl diff ./overlay",
    ),
    (
        "--ignore",
        "a rule: driftctl ignore KIND/NAME .path --reason TEXT",
    ),
    (
        "--exclude",
        "a rule: driftctl ignore KIND/NAME .path --reason TEXT",
    ),
    (
        "--ignore-differences",
        "a rule in .driftctl.yaml: driftctl init writes one",
    ),
];

/// Commands of other tools, and their equivalents here.
const COMMANDS: &[(&str, &str)] = &[
    ("plan", "diff"),
    ("status", "diff"),
    ("check", "diff"),
    ("detect", "diff"),
    ("scan", "diff"),
    ("compare", "diff"),
    ("get", "diff"),
    ("drift", "diff"),
    ("apply", "revert"),
    ("sync", "revert"),
    ("rollback", "revert"),
    ("undo", "revert"),
    ("history", "timeline"),
    ("events", "timeline"),
    ("why", "explain"),
    ("blame", "explain"),
    ("describe", "explain"),
    ("record", "snapshot"),
    ("dump", "snapshot"),
    ("baseline", "accept"),
    ("suppress", "ignore"),
    ("exclude", "ignore"),
    ("auth", "doctor"),
    ("can-i", "doctor"),
    ("completion", "completions"),
];

/// Returns the message for an unknown argument; `None` for any other error. `called` is the name of
/// the program.
pub fn message(error: &clap::Error, command: &Command, words: &[String]) -> Option<String> {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let word = text(error, ContextKind::InvalidArg)?;
            let word = word.split(['=', ' ']).next().unwrap_or_default().to_owned();
            // A word that is not a flag is an extra argument, which clap explains well.
            if !word.starts_with('-') {
                return None;
            }
            let sub = words
                .iter()
                .skip(1)
                .find_map(|word| command.find_subcommand(word));
            let place = sub.unwrap_or(command);
            let meant = by_meaning(FLAGS, &word).or_else(|| {
                let longs = place.get_arguments().filter_map(|arg| arg.get_long());
                let longs: Vec<String> = longs.map(|long| format!("--{long}")).collect();
                nearest(&word, longs.iter().map(String::as_str)).map(str::to_owned)
            });
            let known_here = |meant: &String| {
                let flag = meant.split(' ').next().unwrap_or_default();
                !flag.starts_with("--")
                    || place
                        .get_arguments()
                        .filter_map(|arg| arg.get_long())
                        .any(|long| flag.strip_prefix("--") == Some(long))
                    || flag == "--color"
            };
            let help = match sub {
                Some(sub) => format!("{name} {} -h", sub.get_name()),
                None => format!("{name} -h"),
            };
            Some(unknown_text("flag", &word, meant.filter(known_here), &help))
        }
        ErrorKind::InvalidSubcommand => {
            let word = text(error, ContextKind::InvalidSubcommand)?;
            let subs = command.get_subcommands().map(clap::Command::get_name);
            let by_name = || nearest(&word, subs).map(str::to_owned);
            let meant = by_meaning(COMMANDS, &word).or_else(by_name);
            Some(unknown_text("command", &word, meant, &format!("{name} -h")))
        }
        _ => None,
    }
}

fn unknown_text(what: &str, word: &str, meant: Option<String>, help: &str) -> String {
    match meant {
        Some(meant) => format!("unknown {what} {word}; did you mean {meant}? ({help} lists them)"),
        None => format!("unknown {what} {word}; {help} lists them"),
    }
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        _ => None,
    }
}

fn by_meaning(known: &[(&str, &str)], word: &str) -> Option<String> {
    let (_, meant) = known.iter().find(|(other, _)| *other == word)?;
    Some((*meant).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let mut command = crate::cli::command();
        command.build();
        let error = command.clone().try_get_matches_from(&words).unwrap_err();
        message(&error, &command, &words).unwrap_or_default()
    }

    #[test]
    fn suggests_similar_words() {
        for (words, meant) in [
            (
                &["driftctl", "diff", "--sinse", "2h"][..],
                "did you mean --since?",
            ),
            (
                &["driftctl", "diff", "--min-severity", "high"],
                "did you mean --severity?",
            ),
            (&["driftctl", "diff", "--ignore", "x"], "driftctl ignore"),
            (
                &["driftctl", "diff", "--namspace", "x"],
                "did you mean --namespace?",
            ),
            (&["driftctl", "plan"], "did you mean diff?"),
            (&["driftctl", "dif"], "did you mean diff?"),
            (
                &["driftctl", "diff", "--xyzzy"],
                "unknown flag --xyzzy; driftctl diff -h",
            ),
        ] {
            let message = answer(words);
            assert!(message.contains(meant), "{words:?}: {message}");
        }
    }

    #[test]
    fn suggests_flags_for_those_of_other_tools() {
        let command = crate::cli::command();
        let diff = command.find_subcommand("diff").unwrap();
        for (_, meant) in FLAGS.iter().filter(|(_, meant)| meant.starts_with("--")) {
            let flag = meant.trim_start_matches("--").split(' ').next().unwrap();
            let has = |command: &Command| {
                command
                    .get_arguments()
                    .any(|arg| arg.get_long() == Some(flag))
            };
            assert!(has(diff) || has(&command), "{meant}");
        }
        for (_, meant) in COMMANDS {
            assert!(command.find_subcommand(meant).is_some(), "{meant}");
        }
    }
}
