//! Tests hostile trees, repositories and renderers: each causes a clear error, and nothing in them
//! runs or is shown.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "../support/mod.rs"]
mod support;

mod canaries;
mod git;
mod gitops;
mod renderers;
mod trees;
mod written;

use support::TestFolder;

/// Text that no output may contain: data of live objects that are hidden, and of system files.
const SECRETS: [&str; 2] = ["hunter2", "root:x:0"];

/// An empty recording.
const NOTHING: &str = r#"{"apiVersion":"v1","kind":"List","items":[]}"#;

/// Returns a ConfigMap, as a manifest.
fn config(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: shop}}\ndata: \
         {{key: a}}\n"
    )
}

/// Returns a directory with an empty recording.
fn place() -> TestFolder {
    TestFolder::new().file("live.json", NOTHING)
}

/// Runs a comparison, which must fail with this message, soon and without a panic.
#[track_caller]
fn refused(place: &TestFolder, words: &[&str], expected: &str) -> String {
    let shown = run(place, words);
    assert!(shown.starts_with("exit code: 2"), "{words:?}\n{shown}");
    // Long lines are wrapped between words.
    let text = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(expected), "{words:?}: {expected}\n{shown}");
    shown
}

/// Runs a comparison.
#[track_caller]
fn run(place: &TestFolder, words: &[&str]) -> String {
    let began = std::time::Instant::now();
    let words = [&["diff"][..], words, &["--live", "live.json"]].concat();
    let shown = place.run(words.iter().copied());
    assert!(!shown.contains("panicked"), "{shown}");
    for secret in SECRETS {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(began.elapsed().as_secs() < 30, "{words:?} took too long");
    shown
}

/// Returns whether a file of this name exists anywhere below: a program that ran would have left
/// it.
fn left(place: &TestFolder, name: &str) -> bool {
    walkdir::WalkDir::new(place.path())
        .into_iter()
        .any(|entry| entry.unwrap().file_name() == name)
}

/// Returns the directory with a shell script as a program.
fn program(place: TestFolder, path: &str, script: &str) -> TestFolder {
    use std::os::unix::fs::PermissionsExt;
    let place = place.file(path, format!("#!/bin/sh\n{script}\n"));
    let file = place.path().join(path);
    std::fs::set_permissions(file, PermissionsExt::from_mode(0o755)).unwrap();
    place
}
