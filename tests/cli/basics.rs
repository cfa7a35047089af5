//! Help, usage errors, versions and completions.

#![allow(clippy::unwrap_used)]

use crate::support;

use std::fs;
use std::path::Path;

use support::Place;

#[test]
fn help_is_short_with_h_and_teaches_with_help() {
    let place = Place::new();
    insta::assert_snapshot!("help_short", place.run(["-h"]));
    insta::assert_snapshot!("help_long", place.run(["--help"]));
}

#[test]
fn every_command_has_help_with_a_summary() {
    let place = Place::new();
    for command in driftctl::cli::command().get_subcommands() {
        let name = command.get_name();
        let output = place.driftctl().args([name, "--help"]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}");
        let help = String::from_utf8(output.stdout).unwrap();
        let about = command.get_about().unwrap().to_string();
        assert!(help.contains(&about), "{name}: {help}");
        assert!(
            !about.ends_with('.'),
            "{name}: no full stop after a summary"
        );
        for argument in command.get_arguments() {
            assert!(
                argument.get_help().is_some(),
                "{name} {}",
                argument.get_id()
            );
        }
    }
}

#[test]
fn nothing_asked_for_is_a_usage_error_that_helps() {
    insta::assert_snapshot!("no_words", Place::new().run([]));
}

#[test]
fn usage_errors_are_trouble() {
    let place = Place::new();
    for words in [
        &["dif"][..],
        &["--nonsense"],
        &["completions"],
        &["completions", "tcsh"],
        &["version", "--output", "xml"],
        &["version", "more"],
        &["version", "--color", "sometimes"],
    ] {
        let output = place.driftctl().args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(output.stdout.is_empty(), "{words:?}");
        assert!(output.stderr.starts_with(b"error: "), "{words:?}");
    }
}

#[test]
fn the_version_is_the_packages() {
    let place = Place::new();
    let version = env!("CARGO_PKG_VERSION");
    for words in [&["version"][..], &["--version"], &["-V"]] {
        let shown = place.run(words.iter().copied());
        assert!(shown.contains(&format!("driftctl {version}")), "{shown}");
        assert!(shown.starts_with("exit code: 0"), "{shown}");
    }
    let schema = driftctl::schema::KUBERNETES_VERSION;
    let shown = place.run(["version"]);
    assert!(
        shown.contains(&format!("Kubernetes schema {schema}\n")),
        "{shown}"
    );
    let output = place.driftctl().args(["version", "-o", "json"]).output();
    let versions: serde_json::Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    assert_eq!(versions["version"], version);
    assert_eq!(versions["kubernetesSchema"], schema);
}

#[test]
fn schemas_are_printed_as_json() {
    use driftctl::{config, output};
    for (name, schema) in [
        ("report", output::report_schema()),
        ("reports", output::reports_schema()),
        ("explanation", output::explanation_schema()),
        ("config", config::schema()),
    ] {
        let output = Place::new().driftctl().args(["schema", name]).output();
        let printed: serde_json::Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
        assert_eq!(printed, schema, "{name}");
    }
}

#[test]
fn help_is_coloured_only_where_that_is_wanted() {
    let plain = Place::new().run(["--help"]);
    assert!(!plain.contains('\x1b'));
    let forced = Place::new().var("CLICOLOR_FORCE", "1");
    assert!(forced.run(["--help"]).contains('\x1b'));
    let refused = forced.var("NO_COLOR", "1");
    assert!(!refused.run(["--help"]).contains('\x1b'));
}

/// The scripts in `completions/` are what the command writes. With `DRIFTCTL_BLESS=1` they are
/// written anew.
#[test]
fn generated_completions_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    for (shell, file) in [
        ("bash", "driftctl.bash"),
        ("zsh", "_driftctl"),
        ("fish", "driftctl.fish"),
        ("powershell", "_driftctl.ps1"),
    ] {
        let output = Place::new()
            .driftctl()
            .args(["completions", shell])
            .output();
        let script = String::from_utf8(output.unwrap().stdout).unwrap();
        let path = folder.join(file);
        if std::env::var_os("DRIFTCTL_BLESS").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &script).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == script,
            "completions/{file} is out of date; run `driftctl completions {shell} > completions/{file}`"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_trouble() {
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_driftctl"));
    let output = command.arg("version").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        message,
        "error: cannot write to standard output: No space left on device (os error 28)\n"
    );
}

#[test]
fn a_reader_that_hung_up_does_not_change_the_exit_code() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_driftctl"));
    let mut child = command
        .args(["completions", "bash"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
}
