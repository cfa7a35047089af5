//! Finds lines, quotes and blanks in text.

use std::ops::Range;

use memchr::{memchr, memchr2};

/// A text that is scanned from its beginning to its end.
#[derive(Debug)]
pub(super) struct TextCursor<'t> {
    pub(super) text: &'t str,
    /// The current line.
    line: Range<usize>,
    /// How far its quotes were parsed, and which is open there.
    read: usize,
    open: Option<OpenQuote>,
    /// Quotes that are known to be unclosed.
    unclosed: Vec<(u8, usize)>,
}

/// An open quote: its character, how many backslashes precede it (JSON within JSON), and its
/// position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OpenQuote {
    pub(super) sign: u8,
    pub(super) slashes: usize,
    pub(super) at: usize,
}

/// A quoted string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QuotedString {
    /// The text between the quotes.
    pub(super) content: Range<usize>,
    /// The position after the closing quote.
    pub(super) end: usize,
}

impl<'t> TextCursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let mut cursor = Self {
            text,
            line: 0..0,
            read: 0,
            open: None,
            unclosed: Vec::new(),
        };
        cursor.line.end = cursor.end_of_line(0);
        cursor
    }

    /// Returns the byte at a position; a line feed after the end.
    pub(super) fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(b'\n')
    }

    fn end_of_line(&self, from: usize) -> usize {
        let bytes = &self.text.as_bytes()[from.min(self.text.len())..];
        memchr(b'\n', bytes).map_or(self.text.len(), |len| from + len)
    }

    /// Returns the line that contains a position, which is not before the last one requested.
    pub(super) fn line_at(&mut self, at: usize) -> Range<usize> {
        while at > self.line.end {
            let start = self.line.end + 1;
            self.line = start..self.end_of_line(start);
            self.read = start;
            self.open = None;
        }
        self.line.clone()
    }

    /// Returns the end of the line at a position.
    pub(super) fn line_end(&self, at: usize) -> usize {
        if self.line.contains(&at) {
            return self.line.end;
        }
        self.end_of_line(at)
    }

    /// Returns the open quote at a position in the current line, if any.
    pub(super) fn open_at(&mut self, at: usize) -> Option<OpenQuote> {
        self.line_at(at);
        let bytes = self.text.as_bytes();
        while self.read < at {
            let Some(len) = memchr2(b'"', b'\'', &bytes[self.read..at]) else {
                break;
            };
            let quote = self.read + len;
            let sign = bytes[quote];
            let slashes = bytes[self.read..quote]
                .iter()
                .rev()
                .take_while(|b| **b == b'\\')
                .count();
            self.read = quote + 1;
            match self.open {
                Some(open) if open.sign != sign => {}
                Some(open) if slashes <= open.slashes => self.open = None,
                Some(_) => {}
                // An apostrophe opens nothing.
                None if sign == b'\'' && quote > 0 && bytes[quote - 1].is_ascii_alphanumeric() => {}
                None => {
                    self.open = Some(OpenQuote {
                        sign,
                        slashes,
                        at: quote,
                    });
                }
            }
        }
        self.read = self.read.max(at);
        self.open
    }

    /// Returns the position after blanks.
    pub(super) fn skip_blanks(&self, mut at: usize) -> usize {
        while matches!(self.byte(at), b' ' | b'\t') {
            at += 1;
        }
        at
    }

    /// Returns the position after blanks and line ends.
    pub(super) fn skip_space(&self, mut at: usize) -> usize {
        while at < self.text.len() && self.byte(at).is_ascii_whitespace() {
            at += 1;
        }
        at
    }

    /// Parses the quoted string that begins here, with or without backslashes before its quote. It
    /// may span lines.
    pub(super) fn quoted(&mut self, at: usize) -> Option<QuotedString> {
        let bytes = self.text.as_bytes();
        let mut open = at;
        while self.byte(open) == b'\\' {
            open += 1;
        }
        let slashes = open - at;
        let sign = self.byte(open);
        if !matches!(sign, b'"' | b'\'' | b'`') || slashes > 32 {
            return None;
        }
        if self
            .unclosed
            .iter()
            .any(|(other, most)| *other == sign && slashes <= *most)
        {
            return None;
        }
        let start = open + 1;
        let mut from = start;
        while let Some(quote) = memchr(sign, &bytes[from..]).map(|len| from + len) {
            let before = bytes[from..quote]
                .iter()
                .rev()
                .take_while(|b| **b == b'\\')
                .count();
            let closes = match slashes {
                0 if sign == b'"' => before % 2 == 0,
                0 => true,
                _ => before <= slashes,
            };
            // `''` within single quotes is an escaped quote, in YAML and SQL.
            let doubled =
                slashes == 0 && sign == b'\'' && quote > start && self.byte(quote + 1) == sign;
            if closes && !doubled {
                let content = start..if slashes == 0 { quote } else { quote - before };
                return Some(QuotedString {
                    content,
                    end: quote + 1,
                });
            }
            from = quote + if doubled { 2 } else { 1 };
        }
        self.unclosed.push((sign, slashes));
        None
    }

    /// Returns whether a quote begins here, with or without backslashes before it.
    pub(super) fn is_quote(&self, mut at: usize) -> bool {
        for _ in 0..8 {
            if self.byte(at) != b'\\' {
                break;
            }
            at += 1;
        }
        matches!(self.byte(at), b'"' | b'\'' | b'`')
    }

    /// Returns the position after the longest word of name characters that begins here, up to a
    /// length.
    pub(super) fn word_end(&self, at: usize, most: usize) -> usize {
        let bytes = self.text.as_bytes().get(at..).unwrap_or_default();
        at + bytes
            .iter()
            .take(most)
            .take_while(|byte| super::tokens::is_word_byte(**byte))
            .count()
    }

    /// Returns the word of name characters that ends here, up to a length.
    pub(super) fn word_before(&self, end: usize, most: usize) -> &'t str {
        let len = self.text.as_bytes()[..end]
            .iter()
            .rev()
            .take(most)
            .take_while(|byte| super::tokens::is_word_byte(**byte))
            .count();
        &self.text[end - len..end]
    }

    /// Returns the position before the blanks that end here.
    pub(super) fn skip_blanks_back(&self, mut end: usize) -> usize {
        while end > 0 && matches!(self.byte(end - 1), b' ' | b'\t') {
            end -= 1;
        }
        end
    }
}
