//! A temporary directory with the driftctl command, isolated from the machine's settings.

// Each test binary uses its own part of this.
#![allow(dead_code)]

pub mod action;
pub mod command;
pub mod json_schema;
pub mod manifests;
pub mod repository;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use tempfile::TempDir;

use command::Driftctl;

/// Runs a test of each case at the same time, for cases that mostly wait.
pub fn at_once<T: Sync>(cases: &[T], test: impl Fn(&T) + Sync) {
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| test(case));
        }
    });
}

/// The directory in which driftctl runs, with its files.
pub struct TestFolder {
    dir: TempDir,
    vars: Vec<(String, String)>,
}

impl TestFolder {
    /// Returns an empty directory.
    pub fn new() -> Self {
        let vars = [("SOURCE_DATE_EPOCH", "1795305600")]; // 2026-11-22T00:00:00Z
        Self {
            dir: tempfile::tempdir().unwrap(),
            vars: vars.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec(),
        }
    }

    /// Sets an environment variable.
    pub fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a file.
    pub fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        let file = self.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        self
    }

    /// Adds an empty directory.
    pub fn folder(self, path: &str) -> Self {
        fs::create_dir_all(self.path().join(path)).unwrap();
        self
    }

    /// Returns the variables that [`Self::var`] set.
    pub fn vars(&self) -> impl Iterator<Item = (&str, &str)> {
        self.vars.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Returns the directory.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Returns the command, without arguments. Its environment has a PATH and what [`Self::var`]
    /// set.
    pub fn driftctl(&self) -> Driftctl {
        let mut command = Driftctl::new(self.path());
        command
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .envs(self.vars());
        command
    }

    /// Runs the command with these arguments, and returns its exit code and output.
    pub fn run<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> String {
        self.shown(&self.driftctl().args(words).output().unwrap())
    }

    /// Returns standard output, standard error and the exit code, for snapshots. The name of the
    /// directory, which differs in each run, is replaced by `$DIR`.
    pub fn shown(&self, output: &Output) -> String {
        let mut shown = String::new();
        let code = output.status.code();
        let code = code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        writeln!(shown, "exit code: {code}").unwrap();
        for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            let text = String::from_utf8(bytes.clone()).unwrap();
            if !text.is_empty() {
                writeln!(shown, "----- {name} -----\n{}", text.trim_end_matches('\n')).unwrap();
            }
        }
        self.masked(&shown)
    }

    /// Shows the directory, which is another one in each run, as `$DIR`.
    pub fn masked(&self, text: &str) -> String {
        text.replace(self.path().to_str().unwrap(), "$DIR")
    }
}

/// Returns the path of a file or folder of the fixtures.
pub fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(path)
}

/// Returns the same, as an argument.
pub fn fixture_arg(path: &str) -> String {
    fixture(path).to_str().unwrap().to_owned()
}
