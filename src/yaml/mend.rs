//! Mends what Go's YAML reader takes and the parser does not.
//!
//! Within quotes, YAML wants each line indented deeper than the mapping that the value stands in:
//!
//! ```yaml
//! description: "the first line,
//! and this one, which is not indented"
//! ```
//!
//! libyaml, and with it Go and kubectl, never looks. The blanks at the start of such a line are no
//! part of the value, so putting some there changes nothing but the places of what follows, and
//! those are put right again.

use std::borrow::Cow;
use std::collections::BTreeSet;

use granit_parser::{ErrorKind, Marker, ScanError};

/// What is put before a line: deeper than any mapping that somebody indents by hand.
const INDENT: &str = "                                                                ";
/// Each line that is mended costs another pass over the text, so there are not to be many.
const MOST_LINES: usize = 32;
/// Nor is the text to be long.
const LONGEST_TEXT: usize = 256 << 10;

/// A text, mended as far as that was necessary.
pub(super) struct Mended<'t> {
    pub text: Cow<'t, str>,
    /// The lines that were mended, counted from 1.
    lines: BTreeSet<usize>,
}

impl<'t> Mended<'t> {
    pub fn new(text: &'t str) -> Self {
        Self {
            text: Cow::Borrowed(text),
            lines: BTreeSet::new(),
        }
    }

    /// Mends what an error is about. True when it is worth reading the text again.
    pub fn mend(&mut self, error: &ScanError) -> bool {
        if *error.kind() != ErrorKind::InvalidQuotedScalarIndent
            || self.text.len() > LONGEST_TEXT
            || self.lines.len() == MOST_LINES
            || !self.lines.insert(error.marker().line())
        {
            return false;
        }
        let Some(before) = error
            .marker()
            .byte_offset()
            .and_then(|at| self.text.get(..at))
        else {
            return false;
        };
        let line = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
        self.text.to_mut().insert_str(line, INDENT);
        true
    }

    /// The line, the column and the byte of a place in the text as it was; line and column from 0.
    pub fn place(&self, marker: &Marker) -> (usize, usize, usize) {
        let line = marker.line();
        let before = self.lines.range(..=line).count() * INDENT.len();
        let own = if self.lines.contains(&line) {
            INDENT.len()
        } else {
            0
        };
        (
            line.saturating_sub(1),
            marker.col().saturating_sub(own),
            marker
                .byte_offset()
                .unwrap_or_default()
                .saturating_sub(before),
        )
    }
}
