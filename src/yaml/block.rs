//! Parses plain block YAML, as nearly all manifests are written, many times faster than the general
//! parser.
//!
//! It supports block mappings and lists, single-line scalars, block scalars, and bracketed values
//! on one line. At anything else (an anchor, a tag, a multi-line scalar, a duplicate key) it gives
//! up, and [`build`](super::build) parses the document, which alone reports errors and warnings. So
//! it must be right about everything that it accepts, and the tests compare each of its results
//! with those of `build`.

use serde_json::{Map, Value};

use super::branches::PathBranches;
use super::budget::{self, Budget};
use super::scalar::{self, YamlScalar, YamlTag};
use super::split::Chunk;
use super::{TextSpan, YamlDocument};
use crate::model::Position;

/// The depth limit: real objects stay far below, and this recurses.
const DEEPEST: usize = 48;

/// The length limit of a key; the general parser has its own.
const LONGEST_KEY: usize = 512;

/// Parses the document in a chunk, if it is plain block YAML and needs no message.
pub(super) fn read(chunk: &Chunk<'_>) -> Option<YamlDocument> {
    if !is_plain(chunk.text) {
        return None;
    }
    let mut reader = BlockReader::of(chunk.text, None);
    let (start, value) = reader.document(None)?;
    // The parser records the places of a List's items.
    if value.get("items").is_some() {
        return None;
    }
    let before = chunk.text.get(..start)?;
    let span = TextSpan {
        start: chunk.start + start,
        end: chunk.start + chunk.text.len(),
        line: chunk.line + memchr::memchr_iter(b'\n', before.as_bytes()).count(),
        column: chunk.column,
    };
    Some(YamlDocument {
        number: 0,
        value,
        span,
        items: Vec::new(),
    })
}

/// Finds fields and list items in a text that is one plain block document and begins at `first`.
/// `None` if it is not, or if one of the items is empty.
pub(super) fn find(text: &str, first: Position, signposts: &mut PathBranches) -> Option<()> {
    if !is_plain(text) {
        return None;
    }
    let mut reader = BlockReader::of(text, Some((signposts, first)));
    reader.document(Some(PathBranches::ROOT)).map(drop)
}

/// Returns whether text contains only printable characters, `\n` and tabs.
fn is_plain(text: &str) -> bool {
    let is_plain_byte = |byte: u8| matches!(byte, b'\t' | b'\n' | b' '..=b'~');
    if text.bytes().all(is_plain_byte) {
        return true;
    }
    text.chars().all(|c| match c {
        '\t' | '\n' | ' '..='~' => true,
        // Other line breaks, the byte order mark and noncharacters.
        '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => false,
        c => c >= '\u{a0}',
    })
}

/// A text, and its next line.
struct BlockReader<'t, 's> {
    text: &'t str,
    /// The position of the next token.
    at: usize,
    /// Its column, from 0.
    column: usize,
    /// Whether the text has ended.
    at_end: bool,
    budget: Budget,
    /// What is searched for, and where the text begins.
    wanted: Option<(&'s mut PathBranches, Position)>,
}

impl<'t, 's> BlockReader<'t, 's> {
    fn of(text: &'t str, wanted: Option<(&'s mut PathBranches, Position)>) -> Self {
        Self {
            text,
            at: 0,
            column: 0,
            at_end: false,
            budget: Budget::new(text),
            wanted,
        }
    }

    /// Parses the whole text; returns where its mapping begins, and the mapping.
    fn document(&mut self, node: Option<usize>) -> Option<(usize, Value)> {
        self.next_line();
        let start = self.at;
        if self.at_end || self.column != 0 {
            return None;
        }
        let value = self.mapping(0, 0, node)?;
        self.at_end.then_some((start, value))
    }

    /// Notes the place of a field that is searched for; returns its signpost.
    fn note_field(&mut self, node: Option<usize>, name: &str, at: usize) -> Option<usize> {
        let next = self.wanted.as_ref()?.0.field(node?, name)?;
        self.note(next, at);
        Some(next)
    }

    /// Notes the place of a list item that is searched for; returns its signpost.
    fn note_item(&mut self, node: Option<usize>, index: usize) -> Option<usize> {
        self.wanted.as_ref()?.0.item(node?, index)
    }

    /// Returns whether something below a signpost is searched for.
    fn leads_further(&self, node: usize) -> bool {
        let wanted = self.wanted.as_ref();
        wanted.is_some_and(|(signposts, _)| !signposts.is_end(node))
    }

    fn note(&mut self, node: usize, at: usize) {
        let text = self.text.as_bytes().get(..at).unwrap_or_default();
        let line_start = memchr::memrchr(b'\n', text).map_or(0, |end| end + 1);
        let line = self.text.get(line_start..at).unwrap_or_default();
        if let Some((signposts, first)) = &mut self.wanted {
            let is_first = line_start == 0;
            let place = Position {
                line: first.line + memchr::memchr_iter(b'\n', text).count(),
                column: if is_first { first.column } else { 1 } + line.chars().count(),
            };
            signposts.set(node, place);
        }
    }

    fn byte(&self, at: usize) -> u8 {
        // The end of the text ends its last line.
        self.text.as_bytes().get(at).copied().unwrap_or(b'\n')
    }

    /// Returns whether a space or the end of the line is there.
    fn is_gap(&self, at: usize) -> bool {
        matches!(self.byte(at), b' ' | b'\n')
    }

    /// Returns the end of the line that contains a byte.
    fn line_end(&self, at: usize) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        memchr::memchr(b'\n', rest).map_or(self.text.len(), |end| at + end)
    }

    fn spaces(&self, from: usize) -> usize {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        rest.iter().take_while(|byte| **byte == b' ').count()
    }

    /// Moves to the first token that is not a comment, at or after the start of a line.
    fn next_line(&mut self) {
        loop {
            self.column = self.spaces(self.at);
            self.at += self.column;
            match self.text.as_bytes().get(self.at) {
                None => {
                    self.at_end = true;
                    return;
                }
                Some(b'\n') => self.at += 1,
                Some(b'#') => self.at = self.line_end(self.at) + 1,
                Some(_) => return,
            }
        }
    }

    /// Moves to the next line, if only a comment follows on this one.
    fn end_line(&mut self, at: usize) -> Option<()> {
        let spaces = self.spaces(at);
        self.at = at + spaces;
        match self.byte(self.at) {
            b'\n' => self.at += 1,
            b'#' if spaces > 0 => self.at = self.line_end(self.at) + 1,
            _ => return None,
        }
        self.next_line();
        Some(())
    }

    /// Returns whether a list item begins here.
    fn at_item(&self) -> bool {
        !self.at_end && self.byte(self.at) == b'-' && self.is_gap(self.at + 1)
    }

    /// Returns whether the next line belongs to a collection at this column; none may be indented
    /// deeper.
    fn goes_on(&self, column: usize) -> Option<bool> {
        if self.at_end || self.column < column {
            return Some(false);
        }
        (self.column == column).then_some(true)
    }

    /// Parses a mapping at this column; `node` is its signpost, if it is on a path that is searched
    /// for.
    fn mapping(&mut self, column: usize, depth: usize, node: Option<usize>) -> Option<Value> {
        let mut map = Map::new();
        let mut start = self.at;
        let mut key = self.key()?;
        loop {
            self.budget.spend(key.len() + 16).ok()?;
            let below = self.note_field(node, &key, start);
            let value = self.value(column, depth, true, below)?;
            if map.insert(key, value).is_some() {
                return None;
            }
            // A list may be at the column of its key, but a mapping may not.
            if !self.goes_on(column)? || self.at_item() {
                break;
            }
            start = self.at;
            key = self.key()?;
        }
        self.cost(Value::Object(map))
    }

    fn list(&mut self, column: usize, depth: usize, node: Option<usize>) -> Option<Value> {
        let mut items = Vec::new();
        while self.at_item() {
            self.at += 1;
            let below = self.note_item(node, items.len());
            items.push(self.value(column, depth, false, below)?);
            if !self.goes_on(column)? {
                break;
            }
        }
        items.shrink_to_fit();
        self.cost(Value::Array(items))
    }

    fn cost(&mut self, value: Value) -> Option<Value> {
        self.budget.spend(budget::own_memory(&value)).ok()?;
        Some(value)
    }

    /// Parses the value of a key or a dash in a collection at this column, from after it.
    fn value(
        &mut self,
        column: usize,
        depth: usize,
        of_key: bool,
        node: Option<usize>,
    ) -> Option<Value> {
        if depth == DEEPEST {
            return None;
        }
        let gap = self.spaces(self.at);
        let start = self.at + gap;
        let is_below = matches!(self.byte(start), b'\n' | b'#');
        if let Some(item) = node.filter(|_| !of_key && !is_below) {
            self.note(item, start);
        }
        match self.byte(start) {
            _ if is_below => {
                self.end_line(self.at)?;
                return self.below(column, depth, of_key, node);
            }
            // Only the parser says where a block scalar is that is an item.
            b'|' | b'>' if !of_key && node.is_some() => return None,
            b'|' | b'>' => return self.text(start, column),
            b'[' | b'{' => {
                if node.is_some_and(|node| self.leads_further(node)) {
                    return None;
                }
                let (value, end) = self.flow(start, depth)?;
                self.end_line(end)?;
                return Some(value);
            }
            _ => {}
        }
        if !of_key {
            // The text after a dash may be a collection that begins there.
            let inner = column + 1 + gap;
            self.at = start;
            if self.at_item() {
                self.column = inner;
                return self.list(inner, depth + 1, node);
            }
            if self.find_key().is_some() {
                return self.mapping(inner, depth + 1, node);
            }
        }
        let (value, end) = self.scalar(start)?;
        self.end_line(end)?;
        self.cost(value)
    }

    /// Parses the value on the lines below a key or a dash.
    fn below(
        &mut self,
        column: usize,
        depth: usize,
        of_key: bool,
        node: Option<usize>,
    ) -> Option<Value> {
        let is_deeper = !self.at_end && self.column > column;
        let is_beside = of_key && self.column == column && self.at_item();
        let item = node.filter(|_| !of_key);
        if is_deeper || is_beside {
            if let Some(item) = item {
                self.note(item, self.at);
            }
            return match self.at_item() {
                true => self.list(self.column, depth + 1, node),
                false => self.mapping(self.column, depth + 1, node),
            };
        }
        // Only the parser says where an empty item is.
        if item.is_some() {
            return None;
        }
        self.cost(Value::Null)
    }

    /// Parses a key, and moves past its colon.
    fn key(&mut self) -> Option<String> {
        let end = self.find_key()?;
        let key = match self.byte(self.at) {
            b'"' | b'\'' => self.quoted(self.at)?.0,
            _ => plain_key(self.text.get(self.at..end)?)?,
        };
        self.at = end + 1;
        Some(key)
    }

    /// Returns the colon after the key that begins here; `None` if no colon follows.
    fn find_key(&self) -> Option<usize> {
        let end = match self.byte(self.at) {
            b'"' | b'\'' => self.quoted(self.at)?.1,
            _ => self.plain_end(self.at)?,
        };
        let is_key = self.byte(end) == b':' && self.is_gap(end + 1);
        (is_key && end - self.at <= LONGEST_KEY).then_some(end)
    }

    /// Parses a single-line scalar; returns its value and its end.
    fn scalar(&self, start: usize) -> Option<(Value, usize)> {
        if matches!(self.byte(start), b'"' | b'\'') {
            let (text, end) = self.quoted(start)?;
            return Some((Value::String(text), end));
        }
        let end = self.plain_end(start)?;
        let text = self.text.get(start..end)?;
        Some((self.resolve_plain(text)?, end))
    }

    /// Returns the value of a plain scalar, if it needs no warning.
    fn resolve_plain(&self, text: &str) -> Option<Value> {
        match scalar::resolve(text, YamlTag::None).ok()? {
            YamlScalar::Rounded(_) => None,
            scalar => scalar.into_value(text).ok(),
        }
    }

    /// Returns where the plain scalar that begins here ends: at the end of the line, at a comment,
    /// or at the colon that makes it a key.
    fn plain_end(&self, start: usize) -> Option<usize> {
        let begins = match self.byte(start) {
            b'-' | b':' | b'?' => !self.is_gap(start + 1),
            first => {
                first.is_ascii_alphanumeric()
                    || matches!(
                        first,
                        b'_' | b'.' | b'/' | b'+' | b'~' | b'=' | b'$' | b'(' | b'<'
                    )
            }
        };
        if !begins {
            return None;
        }
        let mut end = start;
        loop {
            match self.byte(end) {
                b'\n' => break,
                b'\t' => return None,
                b':' if self.is_gap(end + 1) => return (self.byte(end - 1) != b' ').then_some(end),
                b'#' if self.byte(end - 1) == b' ' => break,
                _ => end += 1,
            }
        }
        while self.byte(end - 1) == b' ' {
            end -= 1;
        }
        Some(end)
    }

    /// Parses a single-line quoted scalar; returns its text and the position after the quote.
    fn quoted(&self, start: usize) -> Option<(String, usize)> {
        let quote = self.byte(start);
        let mut text = String::new();
        let mut from = start + 1;
        loop {
            let rest = self.text.as_bytes().get(from..)?;
            let special = |byte: &u8| *byte == quote || matches!(byte, b'\\' | b'\n' | b'\t');
            let at = from + rest.iter().position(special)?;
            text.push_str(self.text.get(from..at)?);
            from = at + 2;
            match (self.byte(at), self.byte(at + 1)) {
                (b'\'', b'\'') if quote == b'\'' => text.push('\''),
                (b'\\', _) if quote == b'\'' => {
                    text.push('\\');
                    from = at + 1;
                }
                (b'\\', escaped @ (b'"' | b'\\' | b'/')) => text.push(char::from(escaped)),
                (b'\\', b'n') => text.push('\n'),
                (b'\\', b'r') => text.push('\r'),
                (b'\\', b't') => text.push('\t'),
                (b'\\', b'x') => from = self.unicode(&mut text, from, 2)?,
                (b'\\', b'u') => from = self.unicode(&mut text, from, 4)?,
                (b'\\', b'U') => from = self.unicode(&mut text, from, 8)?,
                (byte, _) if byte == quote => return Some((text, at + 1)),
                _ => return None,
            }
        }
    }

    /// Adds the printable character of an escape, and returns the position after its digits.
    fn unicode(&self, text: &mut String, start: usize, digits: usize) -> Option<usize> {
        let end = start + digits;
        let code = self.text.get(start..end)?;
        if !code.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let character = char::from_u32(u32::from_str_radix(code, 16).ok()?)?;
        let is_printable = matches!(character, ' '..='~' | '\u{a0}'..);
        text.push(Some(character).filter(|_| is_printable)?);
        Some(end)
    }

    /// Parses a block scalar below a collection at this column: a literal one, or a folded one in
    /// which every line begins at the same column. Its header may say how far it is indented.
    fn text(&mut self, start: usize, column: usize) -> Option<Value> {
        let folds = self.byte(start) == b'>';
        let mut header = start + 1;
        let digit = Some(self.byte(header)).filter(|byte| matches!(byte, b'1'..=b'9'));
        header += usize::from(digit.is_some());
        let strips = self.byte(header) == b'-';
        let keeps = self.byte(header) == b'+';
        header += usize::from(strips || keeps);
        let spaces = self.spaces(header);
        let is_header = match self.byte(header + spaces) {
            b'\n' => true,
            b'#' => spaces > 0,
            _ => false,
        };
        if !is_header {
            return None;
        }
        let mut line = self.line_end(header) + 1;
        let indent = match digit {
            Some(digit) => column + usize::from(digit - b'0'),
            None => self.spaces(line),
        };
        let first = line + self.spaces(line);
        let begins_late = first < line + indent || matches!(self.byte(first), b'\n' | b'\t');
        if indent <= column || begins_late || folds && (digit.is_some() || keeps) {
            return None;
        }
        let mut text = String::new();
        let mut blank = 0_usize;
        while line < self.text.len() {
            let spaces = self.spaces(line);
            let end = self.line_end(line);
            if line + spaces == end {
                if spaces > indent {
                    return None;
                }
                // The last line may have no line break to keep.
                blank += usize::from(end < self.text.len());
            } else if spaces < indent {
                if spaces > column {
                    return None;
                }
                break;
            } else {
                // Deeper indented lines are not folded, and a text that ends within its last line
                // has no line break to keep.
                let is_deeper = matches!(self.byte(line + indent), b' ' | b'\t');
                if folds && is_deeper || end == self.text.len() {
                    return None;
                }
                if folds && text.pop().is_some() {
                    text.push(if blank == 0 { ' ' } else { '\n' });
                    blank = blank.saturating_sub(1);
                }
                text.extend(std::iter::repeat_n('\n', blank));
                text.push_str(self.text.get(line + indent..end)?);
                text.push('\n');
                blank = 0;
            }
            line = end + 1;
        }
        if strips {
            text.pop();
        }
        if keeps {
            text.extend(std::iter::repeat_n('\n', blank));
        }
        text.shrink_to_fit();
        self.at = line;
        self.next_line();
        self.cost(Value::String(text))
    }

    /// Parses a bracketed list or mapping that ends on its line.
    fn flow(&mut self, start: usize, depth: usize) -> Option<(Value, usize)> {
        if depth == DEEPEST {
            return None;
        }
        let is_list = self.byte(start) == b'[';
        let close = if is_list { b']' } else { b'}' };
        let mut items = Vec::new();
        let mut map = Map::new();
        let mut at = start + 1;
        if self.byte(at) != close {
            loop {
                at += self.spaces(at);
                if is_list {
                    let (item, end) = self.flow_value(at, depth)?;
                    items.push(item);
                    at = end;
                } else {
                    let (key, end) = self.flow_key(at)?;
                    self.budget.spend(key.len() + 16).ok()?;
                    let (value, end) = self.flow_value(end + self.spaces(end), depth)?;
                    if map.insert(key, value).is_some() {
                        return None;
                    }
                    at = end;
                }
                at += self.spaces(at);
                match self.byte(at) {
                    b',' => at += 1,
                    byte if byte == close => break,
                    _ => return None,
                }
            }
        }
        items.shrink_to_fit();
        let value = match is_list {
            true => Value::Array(items),
            false => Value::Object(map),
        };
        Some((self.cost(value)?, at + 1))
    }

    fn flow_value(&mut self, start: usize, depth: usize) -> Option<(Value, usize)> {
        let (value, end) = match self.byte(start) {
            b'[' | b'{' => return self.flow(start, depth + 1),
            b'"' | b'\'' => {
                let (text, end) = self.quoted(start)?;
                (Value::String(text), end)
            }
            _ => {
                let end = self.flow_plain_end(start)?;
                (self.resolve_plain(self.text.get(start..end)?)?, end)
            }
        };
        Some((self.cost(value)?, end))
    }

    /// Parses a key in braces, and its colon.
    fn flow_key(&self, start: usize) -> Option<(String, usize)> {
        let (key, end) = match self.byte(start) {
            b'"' | b'\'' => self.quoted(start)?,
            _ => {
                let end = self.flow_plain_end(start)?;
                (plain_key(self.text.get(start..end)?)?, end)
            }
        };
        let is_key = self.byte(end) == b':' && self.byte(end + 1) == b' ';
        (is_key && end - start <= LONGEST_KEY).then_some((key, end + 1))
    }

    /// Returns where the plain scalar in brackets ends that begins here, if it contains only name
    /// characters.
    fn flow_plain_end(&self, start: usize) -> Option<usize> {
        let rest = self.text.as_bytes().get(start..)?;
        let is_of_name =
            |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-');
        let end = start + rest.iter().take_while(is_of_name).count();
        rest.first()?.is_ascii_alphanumeric().then_some(end)
    }
}

/// Returns a plain key, if it is an ordinary one.
fn plain_key(text: &str) -> Option<String> {
    match scalar::resolve(text, YamlTag::None).ok()? {
        YamlScalar::Rounded(_) => None,
        _ if text == "<<" => None,
        scalar => scalar.into_key(text).ok(),
    }
}

#[cfg(test)]
mod tests;
