//! The pager, which shows a report that is longer than the screen from its beginning.

use std::io::{self, Write};
use std::process::{Command, Stdio};

/// The default pager.
const DEFAULT: &str = "less";

/// Options for less, the same as Git's: exit if the text fits on one screen, keep colours, and
/// leave the text on the screen.
const LESS: &str = "FRX";

/// The program that pages, if any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pager(Option<String>);

impl Pager {
    /// Chooses the pager from the environment, the most specific variable first. An empty value and
    /// `cat` turn paging off.
    pub fn of<'v>(variables: impl IntoIterator<Item = Option<&'v str>>) -> Self {
        let program = variables.into_iter().flatten().next();
        let program = program.unwrap_or(DEFAULT).trim();
        let pages = !program.is_empty() && program != "cat";
        Self(pages.then(|| program.to_owned()))
    }

    /// Returns no pager.
    pub fn none() -> Self {
        Self(None)
    }

    /// Returns whether text of this length is paged, on a terminal with so many rows.
    pub fn pages(&self, text: &[u8], rows: Option<usize>) -> bool {
        let Some(rows) = rows.filter(|_| self.0.is_some()) else {
            return false;
        };
        // The prompt takes a line.
        text.iter().filter(|byte| **byte == b'\n').count() + 1 > rows
    }

    /// Shows text. Returns whether it did: a missing pager shows nothing.
    ///
    /// # Errors
    /// Fails if the pager cannot be waited for.
    pub fn show(&self, text: &[u8]) -> io::Result<bool> {
        let Some(program) = &self.0 else {
            return Ok(false);
        };
        let Ok(mut child) = command(program).stdin(Stdio::piped()).spawn() else {
            return Ok(false);
        };
        if let Some(mut stdin) = child.stdin.take() {
            // The user may quit the pager before the end.
            let _ = stdin.write_all(text);
        }
        // A shell returns 127 if it does not find a program.
        Ok(child.wait()?.code() != Some(127))
    }
}

/// Returns the command for the pager. As in Git, a value with several words is run by the shell.
fn command(program: &str) -> Command {
    let mut command = if program.contains(|c: char| !c.is_alphanumeric() && !"/._-".contains(c)) {
        let mut shell = Command::new("sh");
        shell.args(["-c", program]);
        shell
    } else {
        Command::new(program)
    };
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", LESS);
    }
    if std::env::var_os("LV").is_none() {
        command.env("LV", "-c");
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_the_most_specific_variable() {
        let of = |variables: [Option<&str>; 2]| Pager::of(variables).0;
        assert_eq!(of([None, None]).as_deref(), Some("less"));
        assert_eq!(of([None, Some("most")]).as_deref(), Some("most"));
        assert_eq!(
            of([Some("less -S"), Some("most")]).as_deref(),
            Some("less -S")
        );
        assert_eq!(of([Some("cat"), Some("most")]), None);
        assert_eq!(of([Some(""), None]), None);
    }

    #[cfg(unix)]
    #[test]
    fn returns_false_if_the_pager_does_not_exist() {
        let pager = Pager(Some("/no/such/pager".to_owned()));
        assert!(!pager.show(b"text").unwrap());
        let pager = Pager(Some("no-such-pager -x".to_owned()));
        assert!(!pager.show(b"text").unwrap());
        let pager = Pager(Some("cat >/dev/null".to_owned()));
        assert!(pager.show(b"text").unwrap());
    }
}
