//! A problem in a file, and what to write instead.

use std::fmt;

use crate::model::Position;

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
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
    pub problems: Vec<Problem>,
}

impl ConfigError {
    /// Returns all problems, in order.
    pub(super) fn new(file: &str, mut problems: Vec<Problem>) -> Self {
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
        for (i, Problem { position, message }) in self.problems.iter().enumerate() {
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

/// Returns the most similar word, if one is similar enough.
pub(super) fn closest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let likeness = |candidate: &str| {
        strsim::normalized_damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase())
    };
    candidates
        .into_iter()
        .map(|candidate| (likeness(candidate), candidate))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// Returns `; did you mean "kinds"?`.
pub(super) fn did_you_mean<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> String {
    closest(word, candidates)
        .map_or_else(String::new, |meant| format!("; did you mean \"{meant}\"?"))
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn the_closest_word_is_meant_and_nothing_far_off() {
        let words = ["paths", "kinds", "jsonPointers", "managers"];
        assert_eq!(closest("path", words), Some("paths"));
        assert_eq!(closest("jsonpointer", words), Some("jsonPointers"));
        assert_eq!(closest("manager", words), Some("managers"));
        assert_eq!(closest("frequency", words), None);
    }
}
