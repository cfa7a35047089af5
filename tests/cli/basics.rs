//! Help, usage errors, versions and completions.

#![allow(clippy::unwrap_used)]

use crate::support;

use std::fs;
use std::path::Path;

use support::{TestFolder, fixture_arg, json_schema};

#[test]
fn h_is_short_and_help_is_complete() {
    let place = TestFolder::new();
    insta::assert_snapshot!("help_short", place.run(["-h"]));
    insta::assert_snapshot!("help_long", place.run(["--help"]));
}

#[test]
fn every_command_has_help_with_a_summary() {
    let place = TestFolder::new();
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
fn no_command_is_a_usage_error_with_help() {
    insta::assert_snapshot!("no_words", TestFolder::new().run([]));
}

#[test]
fn usage_errors_exit_with_2() {
    let place = TestFolder::new();
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
fn prints_the_version_of_the_package() {
    let place = TestFolder::new();
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
fn prints_schemas_as_json() {
    use driftctl::{config, output};
    let mut schemas: Vec<_> = output::SCHEMAS
        .iter()
        .map(|d| (d.name, (d.schema)()))
        .collect();
    schemas.push(("config", config::schema()));
    for (name, schema) in schemas {
        let output = TestFolder::new().driftctl().args(["schema", name]).output();
        let printed: serde_json::Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
        assert_eq!(printed, schema, "{name}");
    }
}

#[test]
fn documents_match_the_schema_that_they_name() {
    let (manifests, live) = (fixture_arg("shop/manifests"), fixture_arg("shop/live.json"));
    let recording = [&manifests, "--live", &live];
    let place = TestFolder::new();
    let accept = [
        &["accept"],
        &recording[..],
        &["--expires=7d", "--reason=Sale"],
    ]
    .concat();
    let baseline = ["--baseline", "accepted.yaml"];
    let accepted = place
        .driftctl()
        .args(accept)
        .args(baseline)
        .output()
        .unwrap();
    assert!(accepted.status.success(), "{accepted:?}");
    for (name, words) in [
        ("report", [&["diff"], &recording[..]].concat()),
        ("timeline", [&["timeline"], &recording[..]].concat()),
        (
            "explanation",
            [&["explain", "deploy/shop/cart"], &recording[..]].concat(),
        ),
        ("rules", vec!["rules", &manifests]),
        ("debt", [&["debt"], &baseline[..]].concat()),
        ("doctor", vec!["doctor", &manifests]),
    ] {
        let printed = place.driftctl().args(words).args(["-o", "json"]).output();
        let printed = printed.unwrap();
        let document: serde_json::Value = serde_json::from_slice(&printed.stdout)
            .unwrap_or_else(|error| panic!("{name}: {error}: {printed:?}"));
        let schemas = driftctl::output::SCHEMAS;
        let schema = schemas.iter().find(|schema| schema.name == name);
        let schema = (schema.unwrap().schema)();
        assert_eq!(document["schema"], schema["title"], "{name}");
        assert_eq!(json_schema::errors(&schema, &document), [""; 0], "{name}");
    }
}

#[test]
fn colours_help_only_on_request() {
    let plain = TestFolder::new().run(["--help"]);
    assert!(!plain.contains('\x1b'));
    let forced = TestFolder::new().var("CLICOLOR_FORCE", "1");
    assert!(forced.run(["--help"]).contains('\x1b'));
    let refused = forced.var("NO_COLOR", "1");
    assert!(!refused.run(["--help"]).contains('\x1b'));
}

/// The scripts in `completions/` are those that the command writes. `DRIFTCTL_BLESS=1` writes them
/// again.
#[test]
fn generated_completions_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    for (shell, file) in [
        ("bash", "driftctl.bash"),
        ("zsh", "_driftctl"),
        ("fish", "driftctl.fish"),
        ("powershell", "_driftctl.ps1"),
    ] {
        let output = TestFolder::new()
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
fn a_full_disk_exits_with_2() {
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
fn a_closed_pipe_does_not_change_the_exit_code() {
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
