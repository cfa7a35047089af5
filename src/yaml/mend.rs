//! Fixes text that Go's YAML parser accepts and ours does not.
//!
//! Within quotes, YAML requires each line to be indented deeper than the mapping of the value:
//!
//! ```yaml
//! description: "the first line,
//! and this one, which is not indented"
//! ```
//!
//! libyaml, and with it Go and kubectl, does not check this. Blanks at the start of such a line are
//! not part of the value, so adding some changes only the places of what follows, and those are
//! corrected.

use std::borrow::Cow;
use std::collections::BTreeSet;

use granit_parser::{ErrorKind, Marker, ScanError};

/// The blanks that are added before a line: deeper than any mapping that is indented by hand.
const INDENT: &str = "                                                                ";
/// The limit on bytes that are parsed again, because each fix needs another pass.
const MOST_BYTES: usize = 64 << 20;

/// A text, fixed as far as necessary.
pub(super) struct FixedText<'t> {
    pub text: Cow<'t, str>,
    /// The fixed lines, counted from 1.
    lines: BTreeSet<usize>,
    /// How many bytes were parsed again.
    read_again: usize,
}

impl<'t> FixedText<'t> {
    pub fn new(text: &'t str) -> Self {
        Self {
            text: Cow::Borrowed(text),
            lines: BTreeSet::new(),
            read_again: 0,
        }
    }

    /// Fixes the cause of an error. Returns true if the text should be parsed again.
    ///
    /// A line without a quote leaves the value open, so the lines after it are within the quotes as
    /// well: they are fixed at the same time.
    pub fn mend(&mut self, error: &ScanError) -> bool {
        self.read_again = self.read_again.saturating_add(self.text.len());
        let first = error.marker().line();
        if *error.kind() != ErrorKind::InvalidQuotedScalarIndent
            || self.read_again > MOST_BYTES
            || self.lines.contains(&first)
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
        let start = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
        let (above, below) = self.text.split_at(start);
        let mut mended = String::with_capacity(self.text.len() + INDENT.len());
        mended.push_str(above);
        let mut rest = below;
        let mut number = first;
        loop {
            let end = rest.find('\n').map_or(rest.len(), |end| end + 1);
            let (line, after) = rest.split_at(end);
            self.lines.insert(number);
            mended.push_str(INDENT);
            mended.push_str(line);
            rest = after;
            number += 1;
            // A lone carriage return is a line break for the parser as well.
            let is_open = !line.contains(['"', '\'']) && !line.trim_end().contains('\r');
            if !is_open || rest.is_empty() || self.lines.contains(&number) {
                break;
            }
        }
        mended.push_str(rest);
        self.text = Cow::Owned(mended);
        true
    }

    /// Returns the line, the column and the byte of a place in the original text; line and column
    /// from 0.
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
