//! Rewords the YAML parser's errors.

use granit_parser::{ErrorKind as Kind, ScanError};

use super::MAX_DEPTH;

/// Returns the parser's error in words that help and that never quote the text.
pub(super) fn explain(error: &ScanError, text: &str) -> String {
    if let Some(control) = control_character(error, text) {
        return format!(
            "the control character U+{control:04X} is not allowed in YAML: write it as \
             \\x{control:02x} within double quotes"
        );
    }
    let words = match error.kind() {
        Kind::UnexpectedCharacter { .. } => {
            "no value can begin with this character: quote the value"
        }
        Kind::TabNotAllowed
        | Kind::TabInBlockIndentation
        | Kind::TabInIndentation
        | Kind::TabAtBlockScalarStart => "a tab cannot indent: use spaces",
        Kind::MappingValueNotAllowed => {
            "a mapping cannot begin here: check the indentation, or quote a value that holds `: `"
        }
        Kind::MappingKeyNotAllowed | Kind::ExpectedBlockMappingKey => {
            "a key is expected here: check the indentation"
        }
        Kind::SimpleKeyExpected | Kind::InvalidSimpleKey => {
            "a `:` is expected after a key: check the indentation"
        }
        Kind::UnclosedQuotedScalar
        | Kind::InvalidQuotedScalarIndent
        | Kind::DocumentIndicatorInQuotedScalar => "a quoted value is not closed",
        Kind::UnclosedFlowCollection { open: '[' } => "a `[` is not closed",
        Kind::UnclosedFlowCollection { .. } => "a `{` is not closed",
        Kind::MismatchedFlowCollectionEnd { .. } | Kind::MisplacedFlowCollectionEnd => {
            "this bracket has no opening bracket"
        }
        Kind::RecursionLimitExceeded => {
            return format!("the document is nested more than {MAX_DEPTH} levels deep");
        }
        Kind::ExpectedDocumentStart | Kind::MissingDocumentEndBeforeDirective => {
            if begins_with_directive(text) {
                "kubectl does not read `%` directives: remove the line"
            } else {
                "the document ends before this: check the indentation, or separate documents \
                 with `---`"
            }
        }
        Kind::InputIo { .. }
        | Kind::InputDecoding { .. }
        | Kind::Custom(_)
        | Kind::UndeclaredTagHandle => "this is not YAML",
        other => return other.to_string(),
    };
    words.to_owned()
}

/// Returns the control character that an error is about, if there is one on its line.
fn control_character(error: &ScanError, text: &str) -> Option<u32> {
    if !matches!(error.kind(), Kind::UnexpectedCharacter { .. }) {
        return None;
    }
    let line = text.lines().nth(error.marker().line().checked_sub(1)?)?;
    let is_control = |c: &char| c.is_control() && !matches!(c, '\t' | '\u{85}');
    line.chars().find(is_control).map(u32::from)
}

/// Returns whether the text begins with a `%YAML` line or similar.
fn begins_with_directive(text: &str) -> bool {
    text.lines()
        .map(str::trim_start)
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .is_some_and(|line| line.starts_with('%'))
}
