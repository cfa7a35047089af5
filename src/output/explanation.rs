//! The explanation of paths, in every format.

use std::io::{self, Write};

use super::document::ExplanationDocument;
use super::json_text;
use super::yaml_text::{self, ControlCharacters};
use crate::redact::RedactedExplanation;

/// The keys that come first in every mapping; the others are sorted.
const ORDER: &[&str] = &[
    "schema",
    "path",
    "verdict",
    "why",
    "apiVersion",
    "kind",
    "namespace",
    "name",
    "status",
];

/// Writes an explanation as one JSON document.
///
/// # Errors
/// Only those of `out`.
pub fn explanation_json(explanation: &RedactedExplanation, out: &mut dyn Write) -> io::Result<()> {
    json_text::write(out, &ExplanationDocument::new(explanation))
}

/// Writes the same document as YAML.
///
/// # Errors
/// Only those of `out`.
pub fn explanation_yaml(explanation: &RedactedExplanation, out: &mut dyn Write) -> io::Result<()> {
    let value = serde_json::to_value(ExplanationDocument::new(explanation))?;
    out.write_all(yaml_text::document_in_order(&value, ControlCharacters::Exact, ORDER).as_bytes())
}
