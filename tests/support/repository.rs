//! Makes Git repositories for tests, with the `git` program and without the user's configuration.

// A skipped test can only print a note; not every test binary makes repositories.
#![allow(clippy::print_stderr)]

use std::path::Path;
use std::process::{Command, Stdio};

/// Runs `git` in a directory, with a fixed author and time, so that commits have the same IDs in
/// each run.
///
/// Returns `None` and prints a note if git is not installed.
pub fn git(directory: &Path, words: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args(words)
        .current_dir(directory)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", directory)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "Ana")
        .env("GIT_AUTHOR_EMAIL", "ana@example.com")
        .env("GIT_AUTHOR_DATE", "2026-11-20T10:00:00Z")
        .env("GIT_COMMITTER_NAME", "Ana")
        .env("GIT_COMMITTER_EMAIL", "ana@example.com")
        .env("GIT_COMMITTER_DATE", "2026-11-20T10:00:00Z")
        .stdin(Stdio::null())
        .output();
    let Ok(output) = output else {
        eprintln!("skipped: this test needs the program git");
        return None;
    };
    assert!(
        output.status.success(),
        "git {words:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

/// Makes a repository of a directory, with one commit on `main`.
pub fn init(directory: &Path) -> Option<()> {
    git(directory, &["init", "-q", "-b", "main"])?;
    commit(directory, "first")
}

/// Commits everything.
pub fn commit(directory: &Path, message: &str) -> Option<()> {
    git(directory, &["add", "-A", "-f"])?;
    git(directory, &["commit", "-q", "--allow-empty", "-m", message])?;
    Some(())
}
