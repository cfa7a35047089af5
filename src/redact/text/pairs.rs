//! Finds secrets whose name is itself a value: `name: DB_PASSWORD` next to `value: …`, and XML
//! elements.

use super::assignments::SensitiveName;
use super::scan::{AssignmentScan, LeftContext};
use super::tokens::is_word_byte;
use super::values::is_no_secret;
use crate::redact::literals::Literals;

/// Fields that contain a name.
const NAMES: &[&str] = &["name", "key", "variable", "env", "field", "param", "id"];

/// Fields that contain the value of a name next to them.
pub(in crate::redact) const VALUES: &[&str] = &[
    "value",
    "default",
    "values",
    "val",
    "stringvalue",
    "string_value",
    "defaultvalue",
    "default_value",
    "string",
];

/// How far around a name its value is searched.
const FARTHEST: usize = 256;

/// How far before a name, where few people write it.
const FARTHEST_AHEAD: usize = 160;

impl<'t> AssignmentScan<'t, '_> {
    /// Parses `<password>…</password>`.
    pub(super) fn element(&mut self, place: &SensitiveName<'t>, at: usize) -> Option<usize> {
        let mut start = place.name.start;
        if self.before(start) == b':' {
            start -= 1 + self.cursor.word_before(start - 1, 32).len();
        }
        if self.before(start) != b'<' {
            return None;
        }
        let tag = self.window(at);
        let close = tag.find(['>', '<'])?;
        if tag.as_bytes()[close] != b'>' || tag[..close].ends_with('/') {
            return None;
        }
        self.content(at + close + 1, place.word)
    }

    /// Returns the text between the tags of an element, up to the next tag.
    fn content(&mut self, from: usize, name: &'t str) -> Option<usize> {
        let rest = &self.text[from..];
        let end = match rest.strip_prefix("<![CDATA[") {
            Some(inner) => {
                // An unclosed element extends to the end of the text, and is not scanned again.
                let Some(len) = inner.find("]]>") else {
                    self.push(from..self.text.len(), name);
                    return Some(self.text.len());
                };
                from + 9 + len
            }
            None => from + rest.find('<')?,
        };
        let closes = self.text[end..].starts_with("</") || self.text[end..].starts_with("]]>");
        let value = self.text[from..end].trim();
        if !closes || is_no_secret(value, false) {
            return None;
        }
        let start = from + (self.text[from..end].len() - self.text[from..end].trim_start().len());
        self.push(start..start + value.len(), name);
        Some(end)
    }

    /// Takes the value of a field next to the one that contains this name.
    pub(super) fn pair(&mut self, place: &SensitiveName<'t>, at: usize) -> Option<usize> {
        if !place.class.value && !place.word.eq_ignore_ascii_case("authorization") {
            return None;
        }
        let mut end = place.name.start;
        for _ in 0..4 {
            if matches!(self.before(end), b'"' | b'\'' | b'\\') {
                end -= 1;
            }
        }
        end = self.cursor.skip_blanks_back(end);
        let sign = self.before(end);
        if self.cursor.word_before(end, 32) == "variable" {
            return self.variable(place, at);
        }
        if !matches!(sign, b':' | b'=' | b'>') {
            return None;
        }
        end -= 1;
        end = self.cursor.skip_blanks_back(end);
        for _ in 0..4 {
            if matches!(self.before(end), b'"' | b'\'' | b'\\') {
                end -= 1;
            }
        }
        let field = self.cursor.word_before(end, 32);
        if !NAMES.iter().any(|name| field.eq_ignore_ascii_case(name)) {
            return None;
        }
        let start = end - field.len();
        let column = {
            let line = self.cursor.line_at(place.name.start);
            start.saturating_sub(line.start)
        };
        if sign == b'=' && self.before(start) != b'"' {
            // `<entry key="password">…</entry>`
            let window = self.window(at);
            let close = window.find(['>', '<', '/', ' ', '\n']);
            if let Some(close) = close.filter(|close| window.as_bytes()[*close] == b'>')
                && let Some(end) = self.content(at + close + 1, place.word)
            {
                return Some(end);
            }
        }
        self.value_behind(place, at, column)
            .or_else(|| self.value_ahead(place, start, column))
    }

    /// Parses `variable "db_password" { default = "…" }`.
    fn variable(&mut self, place: &SensitiveName<'t>, at: usize) -> Option<usize> {
        let open = self.cursor.skip_blanks(at);
        if self.cursor.byte(open) != b'{' {
            return None;
        }
        let window = self.window(open + 1);
        let (field, end) = field_in(&window[..window.find('}').unwrap_or(window.len())], false)?;
        self.take(place, open + 1 + end, field)
    }

    /// Searches for the value after its name, within the same braces or the same list item.
    fn value_behind(
        &mut self,
        place: &SensitiveName<'t>,
        at: usize,
        column: usize,
    ) -> Option<usize> {
        let window = self.window(at);
        let (field, end) = field_in(window, false)?;
        if end > end_of_object(window, column) {
            return None;
        }
        self.take(place, at + end, field)
    }

    /// Searches for the value before its name. It is after what was already scanned, but not far.
    fn value_ahead(
        &mut self,
        place: &SensitiveName<'t>,
        start: usize,
        column: usize,
    ) -> Option<usize> {
        let mut from = start.saturating_sub(FARTHEST_AHEAD);
        while !self.text.is_char_boundary(from) {
            from += 1;
        }
        let text = self.text;
        let fields = self.value_fields.get_or_insert_with(|| value_fields(text));
        let first = fields.partition_point(|field| *field < from);
        if fields.get(first).is_none_or(|field| *field >= start) {
            return None;
        }
        let before = &self.text[from..start];
        let open = before.rfind(['{', '}']).map_or(0, |at| at + 1);
        let item = before[open..]
            .match_indices('\n')
            .rfind(|(at, _)| {
                let line = &before[open + at + 1..];
                let indent = line.len() - line.trim_start_matches(' ').len();
                line.trim_start_matches(' ').starts_with("- ") && indent + 2 <= column.max(2)
            })
            .map_or(open, |(at, _)| open + at + 1);
        let (field, end) = field_in(&before[item..], true)?;
        self.take(place, from + item + end, field)?;
        // The search continues where it was.
        Some(place.name.end)
    }

    fn take(&mut self, place: &SensitiveName<'t>, field_end: usize, field: &str) -> Option<usize> {
        let mut at = field_end;
        while matches!(self.cursor.byte(at), b'"' | b'\'' | b'\\') {
            at += 1;
        }
        let at = self.cursor.skip_blanks(at);
        if self.cursor.byte(at) == b'>' {
            return self.content(at + 1, place.word);
        }
        let (value, colon) = self.sign_at(at)?;
        let line_start = self.text[..field_end]
            .bytes()
            .rev()
            .take(FARTHEST)
            .take_while(|b| *b != b'\n')
            .count();
        let quoted = field_end < at;
        let left = LeftContext {
            name: place.word,
            count: place.class.count,
            column: line_start.saturating_sub(field.len()),
            first: colon && !quoted && place.within.is_none() && !self.in_braces(field_end),
            colon,
            quoted: quoted || self.in_braces(field_end),
            within: place.within,
        };
        let value = self.cursor.skip_blanks(value);
        if value >= self.cursor.line_end(value) && !colon {
            return None;
        }
        Some(self.value(value, left))
    }

    /// Returns whether a brace is open on the line before a position.
    fn in_braces(&self, at: usize) -> bool {
        let line = self.text.as_bytes()[..at]
            .iter()
            .rev()
            .take(FARTHEST)
            .take_while(|b| **b != b'\n');
        line.into_iter().find(|b| matches!(b, b'{' | b'}')) == Some(&b'{')
    }

    fn window(&self, at: usize) -> &'t str {
        let mut end = (at + FARTHEST).min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        self.text.get(at..end).unwrap_or_default()
    }
}

/// Returns where words begin that are fields for values.
fn value_fields(text: &str) -> Vec<usize> {
    static FIELDS: Literals = Literals::of(VALUES, true);
    let is_word = |at: Option<usize>| {
        let byte = at.and_then(|at| text.as_bytes().get(at));
        byte.is_some_and(|byte| is_word_byte(*byte))
    };
    let (mut from, mut starts) = (0, Vec::new());
    while let Some((found, _)) =
        FIELDS.find(text.as_bytes(), from, |field| VALUES.get(field).copied())
    {
        from = found.end;
        if !is_word(found.start.checked_sub(1)) && !is_word(Some(found.end)) {
            starts.push(found.start);
        }
    }
    starts
}

/// Returns where the object that begins before the text ends: at a brace, at the next list item, or
/// at a line with less indentation.
fn end_of_object(text: &str, column: usize) -> usize {
    let brace = text.find(['{', '}']).unwrap_or(text.len());
    let outer = text[..brace].match_indices('\n').find(|(at, _)| {
        let line = &text[at + 1..];
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        let line = line.trim_start_matches([' ', '\t']);
        !line.starts_with(['"', '<', '\n', '\r'])
            && !line.is_empty()
            && (indent < column || line.starts_with("- ") || line.starts_with("---"))
    });
    outer.map_or(brace, |(at, _)| at)
}

/// Returns the field of an object that contains a value, and where its name ends: the first after a
/// name, the last before one. Another name begins another object.
fn field_in(text: &str, ahead: bool) -> Option<(&str, usize)> {
    let bytes = text.as_bytes();
    let mut found = None;
    let mut at = 0;
    while at < bytes.len() {
        let len = bytes[at..].iter().take_while(|b| is_word_byte(**b)).count();
        if len == 0 {
            at += 1;
            continue;
        }
        let word = &text[at..at + len];
        let end = at + len;
        let opens = at == 0 || bytes[at - 1] != b'/';
        at = end;
        let is_any = |fields: &[&str]| fields.iter().any(|field| word.eq_ignore_ascii_case(field));
        let (names, values) = (is_any(NAMES), is_any(VALUES));
        if !opens || !(names || values) {
            continue;
        }
        let rest = text[end..].trim_start_matches(['"', '\'', '\\', ' ']);
        if !rest.starts_with([':', '=', '>']) {
            continue;
        }
        match (values, ahead) {
            (true, false) => return Some((word, end)),
            (true, true) => found = Some((word, end)),
            (false, false) => return None,
            (false, true) => found = None,
        }
    }
    found
}
