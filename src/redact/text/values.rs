//! Finds how far the value of an assignment extends.

use std::ops::Range;

use super::cursor::OpenQuote;
use super::scan::{AssignmentScan, LeftContext};
use crate::redact::names::{is_about, is_reference};
use crate::redact::{DIFFERS, MASK};

/// The limit on scans of unclosed brackets to the end of the text.
const MOST_UNCLOSED: usize = 8;

impl<'t> AssignmentScan<'t, '_> {
    /// Masks the value that begins here, and returns where it ends.
    pub(super) fn value(&mut self, from: usize, left: LeftContext<'t>) -> usize {
        let line_end = self.cursor.line_end(from);
        let mut at = self.cursor.skip_blanks(from);
        if let Some(mask) = [DIFFERS, MASK]
            .iter()
            .find(|mask| self.text[at..].starts_with(**mask))
        {
            return at + mask.len();
        }
        if left.colon && left.first {
            at = self.skip_properties(at, line_end);
            if let Some(end) = self.literal_block(at, line_end, left) {
                return end;
            }
        }
        if at >= line_end || self.cursor.byte(at) == b'\r' {
            return self.below(at, line_end, left);
        }
        for sign in ["\"\"\"", "'''"] {
            if self.text[at..].starts_with(sign) {
                let start = at + sign.len();
                let len = self.text[start..].find(sign);
                let end = len.map_or(self.text.len(), |len| start + len);
                self.push(start..end, left.name);
                return (end + sign.len()).min(self.text.len());
            }
        }
        if let Some(end) = self.heredoc(at, line_end, left) {
            return end;
        }
        // `b'…'`, `$'…'`, `@"…"`
        if !self.cursor.is_quote(at)
            && matches!(
                self.cursor.byte(at),
                b'$' | b'@' | b'b' | b'f' | b'r' | b'u'
            )
            && matches!(self.cursor.byte(at + 1), b'"' | b'\'')
        {
            at += 1;
        }
        if self.closes(at, left.within) {
            return at;
        }
        if self.cursor.is_quote(at)
            && let Some(quoted) = self.cursor.quoted(at)
        {
            self.scalar(quoted.content, left);
            return self.more_quotes(quoted.end, left);
        }
        if matches!(self.cursor.byte(at), b'[' | b'{')
            && !self.text[at..].starts_with("{{")
            && self.unclosed < MOST_UNCLOSED
        {
            if let Some(end) = self.flow(at, left) {
                return end;
            }
            self.unclosed += 1;
        }
        self.bare(at, left)
    }

    /// Masks a value, unless it only refers to a secret.
    pub(super) fn scalar(&mut self, at: Range<usize>, left: LeftContext<'t>) {
        if !is_no_secret(&self.text[at.clone()], left.count) {
            self.push(at, left.name);
        }
    }

    /// Returns whether the quote around the assignment closes here.
    fn closes(&self, at: usize, within: Option<OpenQuote>) -> bool {
        within.is_some_and(|open| {
            let mut quote = at;
            while self.cursor.byte(quote) == b'\\' && quote - at <= open.slashes {
                quote += 1;
            }
            quote - at == open.slashes && self.cursor.byte(quote) == open.sign
        })
    }

    /// Skips `!!str` and `&anchor`, which say nothing about the value, if something follows.
    fn skip_properties(&self, mut at: usize, line_end: usize) -> usize {
        for _ in 0..2 {
            if !matches!(self.cursor.byte(at), b'!' | b'&') {
                break;
            }
            let rest = &self.text[at..line_end];
            let len = rest.find([' ', '\t']).unwrap_or(rest.len());
            let is_tag = rest.starts_with("!!") || rest.starts_with("!<");
            if len == rest.len() && !is_tag {
                break;
            }
            at = self.cursor.skip_blanks(at + len);
        }
        at
    }

    /// Takes a block scalar (`|`, `>-`, `|2 # and a comment`): the value is the indented lines
    /// below.
    fn literal_block(
        &mut self,
        at: usize,
        line_end: usize,
        left: LeftContext<'t>,
    ) -> Option<usize> {
        let header = self.text[at..line_end].trim_end();
        let rest = header.strip_prefix(['|', '>'])?;
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'));
        if !(rest.is_empty() || rest.trim_start().starts_with('#') && rest.starts_with([' ', '\t']))
        {
            return None;
        }
        let (mut start, mut end) = (None, line_end);
        let mut next = line_end + 1;
        while next < self.text.len() {
            let line = self.line_of(next);
            let indent = self.indent(&line);
            let content = self.text[line.clone()].trim_end().len();
            if content > 0 {
                if indent <= left.column {
                    break;
                }
                start.get_or_insert(line.start + indent);
                end = line.start + content;
            }
            next = line.end + 1;
        }
        if let Some(start) = start {
            self.push(start..end, left.name);
        }
        Some(end)
    }

    /// Takes what is below a name with nothing after its colon.
    fn below(&mut self, at: usize, line_end: usize, left: LeftContext<'t>) -> usize {
        if !left.colon || left.within.is_some() {
            return at;
        }
        if left.quoted {
            let next = self.cursor.skip_space(line_end);
            if self.cursor.is_quote(next) || matches!(self.cursor.byte(next), b'[' | b'{') {
                let left = LeftContext {
                    first: false,
                    ..left
                };
                return self.value(next, left);
            }
        }
        if left.first {
            self.block(line_end, left)
        } else {
            at
        }
    }

    /// Takes the lines of a YAML block: the values of fields in it, and plain values.
    fn block(&mut self, line_end: usize, left: LeftContext<'t>) -> usize {
        let mut end = line_end;
        let mut next = line_end + 1;
        // Below a field about the secret nothing is secret.
        let mut about: Option<usize> = None;
        while next < self.text.len() {
            let line = self.line_of(next);
            next = line.end + 1;
            let content = self.text[line.clone()].trim_end();
            if content.trim_start().is_empty() {
                continue;
            }
            let indent = self.indent(&line);
            let item = content[indent..].starts_with("- ") || content[indent..] == *"-";
            if indent < left.column || (indent == left.column && !item) {
                break;
            }
            end = line.start + content.len();
            let mut at = line.start + indent;
            while self.text[at..end].starts_with("- ") {
                at = self.cursor.skip_blanks(at + 2);
            }
            let column = at - line.start;
            if content[indent..].starts_with('#') || about.is_some_and(|outer| column > outer) {
                continue;
            }
            about = None;
            let inner = LeftContext {
                column,
                first: true,
                colon: true,
                quoted: false,
                within: None,
                ..left
            };
            match self.key(at, end) {
                Some((name, _)) if is_about(name) || is_reference(name) => about = Some(column),
                Some((_, value)) if value >= end => {}
                Some((_, value)) => {
                    end = self.value(value, inner).max(end);
                    next = next.max(self.line_of(end).end + 1);
                }
                None => {
                    end = self.value(at, inner).max(end);
                    next = next.max(self.line_of(end).end + 1);
                }
            }
        }
        end
    }

    /// Returns the name of a YAML field that begins here, and where its value does.
    fn key(&self, at: usize, end: usize) -> Option<(&'t str, usize)> {
        let open = at + usize::from(matches!(self.cursor.byte(at), b'"' | b'\''));
        let name = self.cursor.word_end(open, 128);
        let close = name + (open - at);
        let colon = self.cursor.skip_blanks(close.min(end));
        let follows = matches!(self.cursor.byte(colon + 1), b' ' | b'\t' | b'\n' | b'\r');
        (name > open && self.cursor.byte(colon) == b':' && follows)
            .then(|| (&self.text[open..name], self.cursor.skip_blanks(colon + 1)))
    }

    /// Takes `<<EOF`, and the lines up to that word.
    fn heredoc(&mut self, at: usize, line_end: usize, left: LeftContext<'t>) -> Option<usize> {
        let rest = self.text[at..line_end].strip_prefix("<<")?;
        let rest = rest.trim_start_matches(['-', '~', ' ']);
        let word = rest.trim().trim_matches(['"', '\'']);
        if word.is_empty() || !word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return None;
        }
        let start = line_end + 1;
        let mut next = start;
        while next < self.text.len() {
            let line = self.line_of(next);
            if self.text[line.clone()].trim() == word {
                break;
            }
            next = line.end + 1;
        }
        let end = next.min(self.text.len());
        if start < end {
            let content = self.text[start..end].trim_end_matches(['\n', '\r']).len();
            self.push(start..start + content, left.name);
        }
        Some(end)
    }

    /// Takes `"a" + "b"`, and `'a'"b"` of a shell.
    fn more_quotes(&mut self, mut end: usize, left: LeftContext<'t>) -> usize {
        for _ in 0..8 {
            if self.closes(end, left.within) {
                break;
            }
            let next = match self.cursor.byte(end) {
                b'"' | b'\'' | b'\\' if !left.colon => end,
                _ => {
                    let plus = self.cursor.skip_blanks(end);
                    if !matches!(self.cursor.byte(plus), b'+' | b'.') {
                        break;
                    }
                    self.cursor.skip_space(plus + 1)
                }
            };
            if self.text[next..].starts_with("\\'") && !left.colon {
                self.push(next..next + 2, left.name);
                end = next + 2;
                continue;
            }
            if !self.cursor.is_quote(next) {
                break;
            }
            let Some(quoted) = self.cursor.quoted(next) else {
                break;
            };
            self.scalar(quoted.content, left);
            end = quoted.end;
        }
        // In a shell, text next to the closing quote belongs to the word.
        if !left.colon && left.within.is_none() && self.cursor.byte(end).is_ascii_alphanumeric() {
            let more = self.word(end, left);
            self.push(end..more, left.name);
            end = more;
        }
        end
    }

    /// Takes the values in lists and maps in brackets, but not the keys, nor fields about the
    /// secret. Returns `None` if no bracket closes the first.
    fn flow(&mut self, from: usize, left: LeftContext<'t>) -> Option<usize> {
        let mut found: Vec<Range<usize>> = Vec::new();
        // For each open bracket: whether the next value is about the secret.
        let mut about = vec![false];
        let mut at = from;
        loop {
            if at >= self.text.len() || about.len() > 64 {
                return None;
            }
            match self.cursor.byte(at) {
                b'[' | b'{' => {
                    let outer = about.last().copied().unwrap_or_default();
                    about.push(outer);
                    at += 1;
                }
                b']' | b'}' => {
                    about.pop();
                    at += 1;
                    if about.len() == 1 {
                        break;
                    }
                }
                b',' => {
                    let outer = about.len() >= 2 && about[about.len() - 2];
                    if let Some(last) = about.last_mut() {
                        *last = outer;
                    }
                    at += 1;
                }
                byte if byte.is_ascii_whitespace() || byte == b':' => at += 1,
                _ => {
                    let (content, end) = match self.cursor.is_quote(at) {
                        true => {
                            let quoted = self.cursor.quoted(at)?;
                            (quoted.content, quoted.end)
                        }
                        false => {
                            let len = self.text[at..]
                                .find([',', ':', ']', '}', '[', '{', '\n', '"'])
                                .unwrap_or(self.text.len() - at)
                                .max(1);
                            let len = self.boundary(at + len) - at;
                            let content = at..at + self.text[at..at + len].trim_end().len();
                            (content, at + len)
                        }
                    };
                    if self.closes(at, left.within) {
                        return None;
                    }
                    if self.cursor.byte(self.cursor.skip_space(end)) == b':' {
                        let name = &self.text[content];
                        if let Some(last) = about.last_mut() {
                            *last |= is_about(name) || is_reference(name);
                        }
                    } else if !about.last().copied().unwrap_or_default() {
                        found.push(content);
                    }
                    at = end;
                }
            }
        }
        for value in found {
            self.scalar(value, left);
        }
        Some(at)
    }

    fn boundary(&self, mut at: usize) -> usize {
        while !self.text.is_char_boundary(at) {
            at += 1;
        }
        at
    }

    /// Takes an unquoted value: the rest of the line if the assignment is all of it, else up to the
    /// separator of the next.
    fn bare(&mut self, at: usize, left: LeftContext<'t>) -> usize {
        if left.within.is_some() && matches!(self.cursor.byte(at), b'|' | b'>') {
            // A YAML block within a quoted string: all of it.
            let end = self.run(at, left, |_, _| false, false);
            self.push(at..end, left.name);
            return end;
        }
        let stop = if left.quoted && left.colon {
            self.run(at, left, |_, byte| matches!(byte, b',' | b'}' | b']'), true)
        } else if left.first {
            self.run(at, left, |_, _| false, true)
        } else {
            let word = self.word(at, left);
            let scheme = ["bearer", "basic", "token", "digest"]
                .iter()
                .any(|scheme| self.text[at..word].eq_ignore_ascii_case(scheme));
            match scheme {
                true => self.word(self.cursor.skip_blanks(word), left),
                false => word,
            }
        };
        let mut end = at + self.text[at..stop].trim_end().len();
        if left.first && left.within.is_none() && !left.quoted {
            end = self.continued(end, self.cursor.line_end(at), left);
        }
        self.scalar(at..end, left);
        end.max(stop)
    }

    /// Returns where a word that is a value ends: at a blank, or at a separator before another
    /// assignment. A password may well contain such characters.
    pub(super) fn word(&self, at: usize, left: LeftContext<'t>) -> usize {
        let ends = |at: usize, byte: u8| match byte {
            b' ' | b'\t' => true,
            b',' | b';' | b'&' => starts_assignment(&self.text[at + 1..]),
            _ => false,
        };
        self.run(at, left, ends, true)
    }

    /// Returns where a run of bytes ends: at the end of its line, of the quoted string around it,
    /// of a line within that, or at a given position.
    fn run(
        &self,
        from: usize,
        left: LeftContext<'t>,
        ends: impl Fn(usize, u8) -> bool,
        by_line: bool,
    ) -> usize {
        let bytes = self.text.as_bytes();
        let mut at = from;
        let mut slashes = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            if matches!(byte, b'\n' | b'\r') || ends(at, byte) {
                return at;
            }
            if let Some(open) = left.within {
                let closes = byte == open.sign
                    && match open.slashes {
                        0 if open.sign == b'"' => slashes % 2 == 0,
                        0 => true,
                        most => slashes <= most,
                    };
                if closes {
                    return if open.slashes == 0 { at } else { at - slashes };
                }
                let escaped = open.sign == b'"' && slashes > 0;
                if by_line && escaped && matches!(byte, b'n' | b'r' | b't') {
                    return at - slashes;
                }
            }
            slashes = if byte == b'\\' { slashes + 1 } else { 0 };
            at += 1;
        }
        at
    }

    /// Takes the continuation lines of a value: after a backslash, or indented further than its
    /// name.
    fn continued(&self, mut end: usize, line_end: usize, left: LeftContext<'t>) -> usize {
        let mut next = line_end + 1;
        let mut escaped = ends_in_backslash(&self.text[..end], end);
        while next < self.text.len() {
            let line = self.line_of(next);
            let content = self.text[line.clone()].trim_end().len();
            let indent = self.indent(&line);
            let belongs = escaped
                || content > 0
                    && indent > left.column
                    && (left.colon || left.column == 0 && self.is_plain(&line));
            if !belongs {
                break;
            }
            end = line.start + content;
            escaped = ends_in_backslash(&self.text[..end], end - line.start);
            next = line.end + 1;
        }
        end
    }

    /// Returns whether a line assigns nothing and opens nothing.
    fn is_plain(&self, line: &Range<usize>) -> bool {
        let line = self.text[line.clone()].trim();
        !line.contains(['=', ':', '{', '}', '(', '[']) && !line.starts_with(['#', ';', '-'])
    }

    fn line_of(&self, at: usize) -> Range<usize> {
        at..memchr::memchr(b'\n', &self.text.as_bytes()[at.min(self.text.len())..])
            .map_or(self.text.len(), |len| at + len)
    }

    fn indent(&self, line: &Range<usize>) -> usize {
        let line = &self.text[line.clone()];
        line.len() - line.trim_start_matches([' ', '\t']).len()
    }
}

/// Returns whether text ends in a backslash that escapes the end of the line.
fn ends_in_backslash(text: &str, len: usize) -> bool {
    let slashes = text
        .bytes()
        .rev()
        .take(len)
        .take_while(|b| *b == b'\\')
        .count();
    slashes % 2 == 1
}

fn starts_assignment(text: &str) -> bool {
    let mut rest = text;
    for _ in 0..4 {
        rest = rest.strip_prefix([' ', '"', '\'', '\\']).unwrap_or(rest);
    }
    let name = rest
        .bytes()
        .take(64)
        .take_while(|b| super::tokens::is_word_byte(*b))
        .count();
    let mut after = &rest[name..];
    for _ in 0..4 {
        after = after.strip_prefix(['"', '\'', '\\', ' ']).unwrap_or(after);
    }
    name > 0 && after.starts_with(['=', ':'])
}

/// Returns whether a value is certainly not secret, whatever its name: a switch, empty, the name of
/// a variable or a template placeholder, a count, a time.
pub(in crate::redact) fn is_no_secret(value: &str, count: bool) -> bool {
    let value = value.trim().trim_end_matches([',', ';']);
    matches!(
        value,
        "" | "true"
            | "false"
            | "null"
            | "nil"
            | "None"
            | "True"
            | "False"
            | "yes"
            | "no"
            | "on"
            | "off"
            | "~"
            | "[]"
            | "{}"
            | "\"\""
            | "''"
    ) || is_variable(value)
        || (count && value.len() <= 7 && value.bytes().all(|b| b.is_ascii_digit()))
        || is_time(value)
}

/// Returns whether a value is a variable: `${NAME}`, `$NAME`, `$(NAME)`, `{{ … }}`, `%NAME%`.
fn is_variable(value: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
    };
    let between = |open: &str, close: &str| value.strip_prefix(open)?.strip_suffix(close);
    between("${", "}").is_some_and(is_name)
        || between("$(", ")").is_some_and(is_name)
        || between("{{", "}}").is_some_and(|inner| !inner.contains(['"', '\'', '`', '}']))
        || value.strip_prefix('$').is_some_and(|name| {
            is_name(name) && !name.bytes().any(|b| b.is_ascii_lowercase() || b == b'.')
        })
}

/// Matches `15m`, `1h30m`, `24 hours`.
fn is_time(value: &str) -> bool {
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    (1..=5).contains(&digits)
        && matches!(
            value[digits..].trim_start(),
            "ms" | "s"
                | "m"
                | "h"
                | "d"
                | "w"
                | "sec"
                | "min"
                | "seconds"
                | "minutes"
                | "hours"
                | "days"
        )
}
