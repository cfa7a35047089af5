//! A problem in a file, and what to write instead.

use std::fmt;

use crate::model::{Position, nearest};

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigProblem {
    /// Where, as far as known.
    pub position: Option<Position>,
    /// What is wrong, and what to do.
    pub message: String,
}

/// All problems of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The file, as the user names it.
    pub file: String,
    /// In the order of the lines; at least one.
    pub problems: Vec<ConfigProblem>,
}

impl ConfigError {
    /// Returns all problems, in order.
    pub(super) fn new(file: &str, mut problems: Vec<ConfigProblem>) -> Self {
        problems.sort();
        problems.dedup();
        Self {
            file: file.to_owned(),
            problems,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, ConfigProblem { position, message }) in self.problems.iter().enumerate() {
            let break_ = if i == 0 { "" } else { "\n" };
            write!(f, "{break_}{}", self.file)?;
            if let Some(Position { line, column }) = position {
                write!(f, ":{line}:{column}")?;
            }
            write!(f, ": {message}")?;
        }
        Ok(())
    }
}

/// Returns `; did you mean "kinds"?`.
pub(super) fn did_you_mean<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> String {
    nearest(word, candidates)
        .map_or_else(String::new, |meant| format!("; did you mean \"{meant}\"?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_the_nearest_key() {
        let keys = ["paths", "kinds", "jsonPointers", "managers"];
        let said = |word: &str| did_you_mean(word, keys);
        assert_eq!(said("path"), "; did you mean \"paths\"?");
        assert_eq!(said("jsonpointer"), "; did you mean \"jsonPointers\"?");
        assert_eq!(said("manager"), "; did you mean \"managers\"?");
        assert_eq!(said("frequency"), "");
    }
}
