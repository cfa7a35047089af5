//! Parses YAML and JSON text as `kubectl -f` does: the values are those that reach the API server.
//! No file access; text in, values and places out.
//!
//! kubectl parses YAML with Go's yaml.v2 and converts it to JSON (`sigs.k8s.io/yaml`), so `yes` is
//! a boolean, `0644` is 420 and `1:30` is a string. If that silently loses data, this module
//! reports it: duplicate keys, documents after `...`, integers beyond 64 bits, text that is not
//! UTF-8.
//!
//! The input may be hostile: depth is limited, and memory by the length of the text, and nothing
//! recurses deeply. **No message quotes the text**, because it may be a Secret's.
//!
//! ```
//! use driftctl::model::ManifestStep;
//! use driftctl::yaml;
//!
//! let text = "a: {b: yes}\n---\nmode: 0644\n";
//! let parsed = yaml::parse(text);
//! assert!(parsed.problems.is_empty());
//! assert_eq!(parsed.documents[0].value, serde_json::json!({"a": {"b": true}}));
//! assert_eq!(parsed.documents[1].value, serde_json::json!({"mode": 420}));
//!
//! let place = yaml::locate(text, parsed.documents[1].span, &[ManifestStep::Field("mode".into())]);
//! assert_eq!(place.unwrap().line, 3);
//! ```

mod block;
mod branches;
mod budget;
mod build;
mod decode;
mod explain;
mod json;
mod locate;
mod mapping;
mod mend;
mod scalar;
pub mod skim;
mod split;
pub mod tree;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use rayon::prelude::*;
use serde_json::Value;

use crate::facts::is_hidden;
use crate::model::Position;

pub use decode::decode;
pub use locate::{locate, locate_all};

/// The depth limit. kubectl reads 10,000 levels; no real object comes near this limit, and
/// recursive code can rely on it.
pub const MAX_DEPTH: usize = 1000;

/// Shorter texts are parsed on one thread.
const PARALLEL_FROM: usize = 64 * 1024;

/// A span of text, and where it begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TextSpan {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// The line of the first byte, counted from 1.
    pub line: usize,
    /// The column of the first byte in characters, counted from 1.
    pub column: usize,
}

impl TextSpan {
    /// Returns where it begins.
    pub fn position(self) -> Position {
        Position {
            line: self.line,
            column: self.column,
        }
    }
}

/// One document of a text: between two `---`, or one object of a JSON text.
#[derive(Debug, Clone)]
pub struct YamlDocument {
    /// Its number in the text, counted from 1. A document with only blanks and comments has none.
    pub number: usize,
    /// Its value.
    pub value: Value,
    /// Its root node.
    pub span: TextSpan,
    /// The items of its top-level `items` list, if it has one: a List's objects.
    pub items: Vec<TextSpan>,
}

/// A problem in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlProblem {
    /// The number of the document.
    pub document: usize,
    /// The text between the separators around it.
    pub chunk: TextSpan,
    /// The place.
    pub position: Position,
    /// What is wrong, and what to do. Never quotes the text.
    pub message: String,
    /// Whether something could not be parsed; otherwise it was parsed as in Kubernetes, with a loss
    /// to report.
    pub fatal: bool,
}

/// Returns `3:7: a tab cannot indent`.
impl fmt::Display for YamlProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column } = self.position;
        write!(f, "{line}:{column}: {}", self.message)
    }
}

impl std::error::Error for YamlProblem {}

impl YamlProblem {
    /// Returns whether a mapping has a key twice.
    pub fn is_about_a_repeated_key(&self) -> bool {
        self.message == build::REPEATED_KEY
    }

    fn fatal(position: Position, message: impl Into<String>) -> Self {
        Self {
            document: 0,
            chunk: TextSpan::default(),
            position,
            message: message.into(),
            fatal: true,
        }
    }

    fn warning(position: Position, message: impl Into<String>) -> Self {
        Self {
            fatal: false,
            ..Self::fatal(position, message)
        }
    }
}

/// The content of a text.
#[derive(Debug, Default)]
pub struct ParsedYaml {
    /// The documents that could be parsed, in order; including those that are `null`.
    pub documents: Vec<YamlDocument>,
    /// The problems, in order. A problem in one document does not affect the others.
    pub problems: Vec<YamlProblem>,
}

/// A part of a text, between two `---` lines. Parts do not affect each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPart {
    /// Its place.
    pub span: TextSpan,
    /// The numbers of its documents.
    pub documents: Range<usize>,
}

/// Returns the places of the parts of a text, without parsing them.
pub fn spans(text: &str) -> Vec<TextSpan> {
    split::split(text).iter().map(split::Chunk::span).collect()
}

/// Returns the parts of a text.
pub fn parts(text: &str) -> Vec<TextPart> {
    let chunks = split::split(text);
    let mut number = 0;
    let parsed = parse_chunks(&chunks, text.len());
    let parts = chunks.iter().zip(parsed).map(|(chunk, part)| TextPart {
        span: chunk.span(),
        documents: numbers(&part, &mut number),
    });
    parts.collect()
}

/// Parses text with any number of YAML or JSON documents.
pub fn parse(text: &str) -> ParsedYaml {
    let chunks = split::split(text);
    let mut parsed = ParsedYaml::default();
    let mut number = 0;
    for (chunk, part) in chunks.iter().zip(parse_chunks(&chunks, text.len())) {
        let numbers = numbers(&part, &mut number);
        for (number, mut document) in numbers.clone().zip(part.documents) {
            document.number = number;
            parsed.documents.push(document);
        }
        for mut problem in part.problems {
            problem.document = numbers.start;
            problem.chunk = chunk.span();
            parsed.problems.push(problem);
        }
    }
    parsed
}

fn parse_chunks(chunks: &[split::Chunk<'_>], length: usize) -> Vec<ParsedYaml> {
    match chunks.len() > 1 && length > PARALLEL_FROM {
        true => chunks.par_iter().map(parse_chunk).collect(),
        false => chunks.iter().map(parse_chunk).collect(),
    }
}

/// Returns the numbers of a part's documents, after those up to `number`. A part that cannot be
/// parsed counts as one.
fn numbers(part: &ParsedYaml, number: &mut usize) -> Range<usize> {
    let first = *number + 1;
    *number += part.documents.len();
    let numbers = first..*number + 1;
    if part.documents.is_empty() && part.problems.iter().any(|problem| problem.fatal) {
        *number = first;
    }
    numbers
}

/// Returns the items of the `items` list of a mapping within a text: of a List within a List.
/// Returns `None` if that part cannot be parsed by itself.
pub fn items_within(text: &str, span: TextSpan) -> Option<Vec<TextSpan>> {
    let node = text.get(span.start..span.end)?;
    let indent = indent_of(node, span);
    let padded = format!("{}{node}", " ".repeat(indent));
    let chunk = split::Chunk {
        start: 0,
        line: span.line,
        column: span.column.max(1) - indent,
        text: &padded,
        problem: None,
    };
    let place = |item: &TextSpan| {
        Some(TextSpan {
            start: item.start.checked_sub(indent)? + span.start,
            end: item.end.checked_sub(indent)? + span.start,
            ..*item
        })
    };
    let document = build::build(&chunk).documents.pop()?;
    document.items.iter().map(place).collect()
}

/// Returns how far a node that is cut out of a text has to be indented to be parsed by itself. A
/// block begins at its column; its other lines are already indented. A node in braces or brackets
/// needs nothing, and a column in a text of one line may be millions.
fn indent_of(node: &str, span: TextSpan) -> usize {
    if node.starts_with(['{', '[']) {
        return 0;
    }
    span.column.saturating_sub(1)
}

/// Parses the text between two separators. JSON is tried first, because it is parsed several times
/// faster; text that only looks like JSON may still be YAML (`{a: 1}`). Then plain block YAML is
/// tried, and anything else is left to the general parser.
fn parse_chunk(chunk: &split::Chunk<'_>) -> ParsedYaml {
    if let Some(problem) = &chunk.problem {
        return ParsedYaml {
            documents: Vec::new(),
            problems: vec![problem.clone()],
        };
    }
    if json::looks_like_json(chunk.text)
        && let Some(parsed) = json::parse(chunk)
    {
        return parsed;
    }
    match block::read(chunk) {
        Some(document) => ParsedYaml {
            documents: vec![document],
            problems: Vec::new(),
        },
        None => build::build(chunk),
    }
}

/// Returns JSON text in which characters that a terminal would interpret or not show are escapes.
/// The values stay the same.
///
/// ```
/// assert_eq!(driftctl::yaml::escape_hidden_json("\"a\u{9b}b\""), "\"a\\u009bb\"");
/// ```
pub fn escape_hidden_json(json: &str) -> Cow<'_, str> {
    escape_hidden(json, |c| {
        let units = c.encode_utf16(&mut [0; 2]).to_vec();
        units.iter().map(|unit| format!("\\u{unit:04x}")).collect()
    })
}

/// Returns the same for JSON that becomes a part of a YAML file.
pub fn escape_hidden_yaml(json: &str) -> Cow<'_, str> {
    escape_hidden(json, |c| match c as u32 {
        code @ ..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    })
}

fn escape_hidden(json: &str, escape: impl Fn(char) -> String) -> Cow<'_, str> {
    // JSON escapes ASCII control characters itself; a raw one is white space between values.
    let is_raw = |c: char| c >= ' ' && is_hidden(c);
    if !json.contains(is_raw) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match is_raw(c) {
            true => out.push_str(&escape(c)),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests;
