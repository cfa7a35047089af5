//! Splits text at its `---` lines, before anything is parsed, as kubectl's reader does
//! (`k8s.io/apimachinery/pkg/util/yaml/decoder.go`, `YAMLReader`). An error then stays in its
//! document, and one file is parsed in parallel.
//!
//! Looking only at lines is correct: a `---` at the start of a line ends a block scalar and is an
//! error in a quoted one, so it is never content.

use super::{TextSpan, YamlProblem};
use crate::model::Position;

/// The text between two separators.
#[derive(Debug)]
pub(super) struct Chunk<'t> {
    /// The byte of the whole text at which it begins.
    pub start: usize,
    /// The line at which it begins, counted from 1.
    pub line: usize,
    /// The column at which its first line begins, counted from 1.
    pub column: usize,
    /// The text itself.
    pub text: &'t str,
    /// Set if it cannot be read because of the separator before it.
    pub problem: Option<YamlProblem>,
}

impl Chunk<'_> {
    /// Returns its place in the whole text.
    pub fn span(&self) -> TextSpan {
        TextSpan {
            start: self.start,
            end: self.start + self.text.len(),
            line: self.line,
            column: self.column,
        }
    }
}

/// Splits text into chunks. Blank ones are left out.
pub(super) fn split(text: &str) -> Vec<Chunk<'_>> {
    let mut chunks = Vec::new();
    let mut start = 0;
    let mut line = 1;
    let mut problem = None;
    for (at, separator) in separators(text) {
        push(&mut chunks, text, start..at, line, problem.take());
        line += count_lines(&text[start..at]);
        start = at + separator.len();
        problem = check(separator, line);
        if let Some(found) = &problem {
            // The chunk is reported even if nothing follows the separator.
            chunks.push(Chunk {
                start: at,
                line,
                column: 1,
                text: separator,
                problem: Some(found.clone()),
            });
        }
        line += count_lines(separator);
    }
    push(&mut chunks, text, start..text.len(), line, problem);
    chunks
}

/// Adds a chunk, unless it is blank or its separator's problem was reported.
fn push<'t>(
    chunks: &mut Vec<Chunk<'t>>,
    text: &'t str,
    range: std::ops::Range<usize>,
    line: usize,
    problem: Option<YamlProblem>,
) {
    // Files that were joined with `cat` have byte order marks in the middle.
    let start = range.start
        + if text[range.clone()].starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            0
        };
    let text = &text[start..range.end];
    if problem.is_none() && !text.trim().is_empty() {
        chunks.push(Chunk {
            start,
            line,
            column: 1,
            text,
            problem: None,
        });
    }
}

/// Returns the lines that begin with `---`, with their line ends.
fn separators(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let bytes = text.as_bytes();
    text.match_indices("---").filter_map(move |(at, _)| {
        let begins_line = match at.checked_sub(1).map(|before| bytes[before]) {
            None | Some(b'\n' | b'\r') => true,
            Some(_) => text[..at].ends_with('\u{feff}') && at == '\u{feff}'.len_utf8(),
        };
        begins_line.then(|| (at, line_at(text, at)))
    })
}

/// Returns the line that begins at a byte, with its line end.
fn line_at(text: &str, at: usize) -> &str {
    let rest = &text.as_bytes()[at..];
    let end = match rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        None => rest.len(),
        Some(end) if rest[end..].starts_with(b"\r\n") => end + 2,
        Some(end) => end + 1,
    };
    &text[at..at + end]
}

/// Returns what is wrong with a separator: kubectl accepts only a comment after it.
fn check(separator: &str, line: usize) -> Option<YamlProblem> {
    let rest = separator.get(3..).unwrap_or_default();
    let after = rest.trim();
    if after.is_empty() || after.starts_with('#') {
        return None;
    }
    let column = 4 + rest.chars().take_while(|c| c.is_whitespace()).count();
    Some(YamlProblem::fatal(
        Position { line, column },
        "only a comment may follow the document separator `---`: begin the document on the next \
         line",
    ))
}

/// Returns the number of line ends: `\n`, `\r\n` and `\r` each count as one.
fn count_lines(text: &str) -> usize {
    let bytes = text.as_bytes();
    let feeds = bytes.iter().filter(|byte| **byte == b'\n').count();
    if !bytes.contains(&b'\r') {
        return feeds;
    }
    let lone_returns = bytes
        .iter()
        .enumerate()
        .filter(|(at, byte)| **byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'))
        .count();
    feeds + lone_returns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<(usize, &str)> {
        split(text)
            .iter()
            .filter(|chunk| chunk.problem.is_none())
            .map(|chunk| (chunk.line, chunk.text))
            .collect()
    }

    #[test]
    fn counts_lines_with_all_line_ends() {
        assert_eq!(
            texts("a\n---\nb\r\n--- # c\r\nd\r---\re"),
            [(1, "a\n"), (3, "b\r\n"), (5, "d\r"), (7, "e")]
        );
    }

    #[test]
    fn skips_blank_documents() {
        assert_eq!(texts("---\n\n---  \n---\na"), [(5, "a")]);
        assert_eq!(texts(""), []);
        assert_eq!(texts("---"), []);
    }

    #[test]
    fn separates_only_at_the_start_of_a_line() {
        assert_eq!(texts("a: |\n  ---\n  b\n"), [(1, "a: |\n  ---\n  b\n")]);
    }

    #[test]
    fn accepts_byte_order_marks_in_any_document() {
        assert_eq!(
            texts("\u{feff}a\n---\n\u{feff}b\n"),
            [(1, "a\n"), (3, "b\n")]
        );
        assert_eq!(texts("\u{feff}---\na\n"), [(2, "a\n")]);
    }

    #[test]
    fn content_on_a_separator_affects_only_its_document() {
        for separator in ["--- {a: 1}", "----", "---a", "--- |", "--- !!map"] {
            let text = format!("a\n{separator}\nb\n---\nc\n");
            let chunks = split(&text);
            assert_eq!(chunks.len(), 3, "{separator}");
            let problem = chunks[1].problem.as_ref().unwrap();
            assert_eq!(problem.position.line, 2, "{separator}");
            assert_eq!((chunks[2].line, chunks[2].text), (5, "c\n"), "{separator}");
        }
    }
}
