//! Finds secrets by the name before them.

use std::collections::HashMap;
use std::ops::Range;

use super::cursor::{OpenQuote, TextCursor};
use super::scan::{AssignmentScan, LeftContext};
use super::signs::is_credential;
use super::values::is_no_secret;
use super::{SecretSpan, TextKind, span};
use crate::redact::literals::Literals;
use crate::redact::names::{NameClass, is_getter};

/// Every sensitive name contains one of these, in any case.
pub(super) const HINTS: &[&str] = &[
    "pass",
    "psk",
    "psw",
    "pwd",
    "pw",
    "secret",
    "token",
    "cred",
    "key",
    "dsn",
    "connection",
    "auth",
    "cookie",
    "identified",
];

/// Longer names are checked up to this length.
const LONGEST_NAME: usize = 128;

/// Words before a name at the beginning of a line that is one assignment.
const LINE_STARTS: &[&str] = &[
    "",
    "export",
    "set",
    "env",
    "arg",
    "const",
    "let",
    "var",
    "val",
    "define",
    "environment",
    "default",
    "local",
    "readonly",
    "declare",
    "private",
    "public",
    "static",
    "final",
    "string",
];

/// Words that are followed by a name and a value on the same line, with blanks between them.
const DIRECTIVES: &[&str] = &[
    "add_header",
    "arg",
    "env",
    "fastcgi_param",
    "header",
    "http-request",
    "more_set_headers",
    "more_set_input_headers",
    "proxy_set_header",
    "request_header",
    "requestheader",
    "set",
    "set-header",
    "add-header",
    "setenv",
    "setx",
    "grpc_set_header",
    "default_env",
];

/// Names of settings whose value follows a blank.
const BLANK_SETTINGS: &[&str] = &[
    "requirepass",
    "masterauth",
    "bindpw",
    "rootpw",
    "insecure-password",
];

/// Names of settings with another word before the value.
const LINE_SETTINGS: &[&str] = &["auth-pass", "auth_pass"];

/// Ends of names that are files: `secrets.yaml: line 3`.
const FILES: &[&str] = &[
    "conf", "cue", "go", "gotmpl", "hcl", "html", "ini", "js", "json", "jsonnet", "md", "py", "rs",
    "sh", "tf", "toml", "tpl", "ts", "txt", "xml", "yaml", "yml",
];

/// Finds the values of sensitive names: `password=…`, `"token": "…"`, `--api-key …`, and nested
/// values below them.
pub(super) fn assignments<'t>(text: &'t str, voice: TextKind, spans: &mut Vec<SecretSpan<'t>>) {
    static HINTED: Literals = Literals::of(HINTS, true);
    let mut scan = AssignmentScan {
        text,
        cursor: TextCursor::new(text),
        spans,
        voice,
        unclosed: 0,
        classes: HashMap::new(),
        value_fields: None,
    };
    let (mut from, mut done) = (0, 0);
    while let Some((found, _)) = HINTED.find(text.as_bytes(), from, |hint| HINTS.get(hint).copied())
    {
        from = found.end;
        if found.start < done {
            continue;
        }
        let name = scan.name_around(found.start, done);
        done = name.end.max(found.end);
        if let Some(end) = scan.after(name) {
            done = done.max(end);
        }
    }
}

/// The size limit of the cache.
const MOST_NAMES: usize = 1024;

impl<'t> AssignmentScan<'t, '_> {
    pub(super) fn push(&mut self, at: Range<usize>, name: &'t str) {
        self.spans.push(span(at, name));
    }

    pub(super) fn is_message(&self) -> bool {
        self.voice == TextKind::Message
    }

    /// Returns the name at a position, as far as it is after `floor`.
    fn name_around(&self, at: usize, floor: usize) -> Range<usize> {
        let before = self.cursor.word_before(at, LONGEST_NAME);
        let mut start = (at - before.len()).max(floor);
        let end = self.cursor.word_end(at, LONGEST_NAME);
        // `\nPASSWORD=…`: a line within a quoted string.
        if start > 0
            && start < at
            && self.cursor.byte(start - 1) == b'\\'
            && matches!(self.cursor.byte(start), b'n' | b'r' | b't')
        {
            start += 1;
        }
        start..end
    }

    fn class(&mut self, word: &'t str) -> NameClass {
        if let Some(known) = self.classes.get(word) {
            return *known;
        }
        let class = NameClass::of(word);
        if self.classes.len() < MOST_NAMES {
            self.classes.insert(word, class);
        }
        class
    }

    /// Parses what follows a name; returns how far it was understood.
    fn after(&mut self, name: Range<usize>) -> Option<usize> {
        let full = &self.text[name.clone()];
        let trimmed = full.trim_start_matches(['-', '.']);
        let word = trimmed.trim_end_matches(['-', '.']);
        let flag = full.starts_with('-');
        if word.eq_ignore_ascii_case("identified") {
            return self.identified_by(name.end);
        }
        let class = self.class(word);
        let (header, file) = (class.header, word.rsplit_once('.'));
        if !header && !class.sensitive || file.is_some_and(|(_, end)| FILES.contains(&end)) {
            return None;
        }
        let open = self.cursor.open_at(name.start);
        let mut at = name.start + (full.len() - trimmed.len()) + word.len();
        let mut quoted = false;
        for _ in 0..8 {
            match self.cursor.byte(at) {
                b'"' | b'\'' | b'`' => quoted = true,
                b'\\' if self.cursor.is_quote(at) => {}
                b']' if quoted => {}
                _ => break,
            }
            at += 1;
        }
        // The quote around the name alone does not continue around the value.
        let within = open.filter(|open| !(quoted && open.at + 1 == name.start));
        let quoted = quoted
            && within.is_none_or(|open| {
                // `"… --password" ` closes the string around it.
                !(self.cursor.byte(at - 1) == open.sign && self.before(name.start) != open.sign)
            });
        let sign = self.cursor.skip_blanks(at);
        let place = SensitiveName {
            name: name.clone(),
            word,
            class,
            flag,
            quoted,
            within,
        };
        if let Some((value, colon)) = self.sign_at(sign) {
            let gap = sign > at || matches!(self.cursor.byte(value), b' ' | b'\t' | b'\n' | b'\r');
            return self.assign(&place, value, colon, gap);
        }
        if self.cursor.byte(sign) == b'(' && self.cursor.is_quote(sign + 1) && !is_getter(word) {
            return self.quoted_value(sign + 1, &place);
        }
        if quoted && self.cursor.byte(sign) == b',' && self.is_argument(name.start) {
            return self.second_argument(&place, sign + 1);
        }
        if let Some(end) = self.element(&place, at) {
            return Some(end);
        }
        if let Some(end) = self.pair(&place, at) {
            return Some(end);
        }
        self.by_blank(&place, at, sign)
    }

    /// Returns whether a quoted name is the first argument of a function that does more than return
    /// it: `os.Setenv("DB_PASSWORD", …)`.
    fn is_argument(&self, at: usize) -> bool {
        let mut end = at;
        for _ in 0..4 {
            if matches!(self.before(end), b'"' | b'\'' | b'`' | b'\\') {
                end -= 1;
            }
        }
        let end = self.cursor.skip_blanks_back(end);
        self.before(end) == b'('
            && !is_getter(
                self.cursor
                    .word_before(end - 1, 32)
                    .rsplit('.')
                    .next()
                    .unwrap_or_default(),
            )
    }

    fn second_argument(&mut self, place: &SensitiveName<'t>, from: usize) -> Option<usize> {
        let at = self.cursor.skip_space(from);
        if place.class.header {
            let quoted = self.cursor.quoted(at)?;
            if is_header_value(place.word, &self.text[quoted.content.clone()]) {
                self.push(quoted.content, place.word);
            }
            return Some(quoted.end);
        }
        self.cursor
            .is_quote(at)
            .then(|| self.quoted_value(at, place))?
    }

    pub(super) fn before(&self, at: usize) -> u8 {
        match at {
            0 => b'\n',
            at => self.cursor.byte(at - 1),
        }
    }

    /// Returns where the value begins after `:`, `=`, `:=`, `=>`, `+=` and similar, and whether the
    /// sign is a colon.
    pub(super) fn sign_at(&self, at: usize) -> Option<(usize, bool)> {
        let rest = self
            .text
            .get(at..at + 3.min(self.text.len() - at.min(self.text.len())));
        let rest = rest.unwrap_or_else(|| self.text.get(at..at + 1).unwrap_or_default());
        let long = [":=", "=>", "==", "!=", "?=", "+=", "::", "~="];
        let len = long
            .iter()
            .find(|sign| rest.starts_with(**sign))
            .map(|sign| sign.len())
            .or_else(|| rest.starts_with([':', '=']).then_some(1))?;
        // An address is not the value of its scheme.
        (!self.text[at..].starts_with("://"))
            .then_some((at + len, rest.starts_with(':') && len == 1))
    }

    /// Takes the value of an assignment.
    fn assign(
        &mut self,
        place: &SensitiveName<'t>,
        from: usize,
        colon: bool,
        gap: bool,
    ) -> Option<usize> {
        let at = self.cursor.skip_blanks(from);
        let line = self.cursor.line_at(place.name.start);
        let lead = place.name.start - line.start;
        let lead = match lead <= 64 {
            true => self.text.get(line.start..place.name.start),
            false => None,
        };
        let escaped = self.before(place.name.start);
        let starts_line = lead.is_some_and(|lead| {
            let lead = lead.trim_matches([
                ' ', '\t', '-', '"', '\'', '$', '@', '#', ';', '/', '*', '[', '%', '<',
            ]);
            LINE_STARTS
                .iter()
                .any(|word| lead.eq_ignore_ascii_case(word))
        }) || matches!(escaped, b'n' | b'r' | b't')
            && self.before(place.name.start - 1) == b'\\';
        let first = starts_line && (colon || !place.flag);
        let unquoted = !self.cursor.is_quote(at);
        if colon && !gap && unquoted && !place.quoted && !self.is_tight_value(place, at) {
            return None;
        }
        let left = LeftContext {
            name: place.word,
            count: place.class.count,
            column: lead.map_or(0, |lead| lead.trim_end_matches(['"', '\'']).len()),
            first,
            colon,
            quoted: place.quoted,
            within: place.within,
        };
        if place.class.header {
            return self.header(place, at, left);
        }
        if colon && gap && unquoted && !place.quoted && !first {
            let behind = self.cursor.skip_blanks_back(place.name.start);
            let prose = self.before(behind).is_ascii_alphanumeric() && behind < place.name.start;
            let word = self.word(at, left);
            let last = self.cursor.skip_blanks(word) >= self.cursor.line_end(at);
            let sole = last && place.class.password;
            if prose && !sole && !is_credential(&self.text[at..word]) {
                return None;
            }
        }
        if self.is_message() && !self.is_quoted_in_message(place, at, left, gap) {
            return None;
        }
        Some(self.value(at, left))
    }

    /// Returns whether text after a colon without a blank is a value, and not a port, a tag, or a
    /// line number.
    fn is_tight_value(&self, place: &SensitiveName<'t>, at: usize) -> bool {
        let digits = self.text.as_bytes()[at..]
            .iter()
            .take(6)
            .take_while(|b| b.is_ascii_digit())
            .count();
        let behind = self.cursor.byte(at + digits);
        let port = (1..=5).contains(&digits)
            && !behind.is_ascii_alphanumeric()
            && !matches!(behind, b'-' | b'_');
        let of_path = matches!(self.before(place.name.start), b'/' | b'@');
        at >= self.cursor.line_end(at)
            || (place.class.header || place.class.value)
                && !of_path
                && !(port && place.word.contains(['.', '-']))
    }

    /// Returns whether an assignment in a message quotes data, and is not part of the message's own
    /// sentence.
    fn is_quoted_in_message(
        &mut self,
        place: &SensitiveName<'t>,
        at: usize,
        left: LeftContext<'t>,
        gap: bool,
    ) -> bool {
        let value_quoted = self.cursor.is_quote(at);
        let simple = place.class.value
            && !place.word.ends_with('s')
            && !place.word.contains(['-', '.'])
            && self.before(place.name.start) != b'/';
        if !left.colon {
            return !gap || value_quoted;
        }
        if value_quoted {
            return place.quoted || simple;
        }
        let word = self.word(at, left);
        let value = &self.text[at..word];
        let alone = left.first
            && self.cursor.line_at(place.name.start).start > 0
            && self.cursor.skip_blanks(word) >= self.cursor.line_end(at);
        place.quoted && !value.is_empty() || (simple && (is_credential(value) || alone))
    }

    /// Takes a whole header that contains credentials, if it looks like one.
    fn header(
        &mut self,
        place: &SensitiveName<'t>,
        at: usize,
        left: LeftContext<'t>,
    ) -> Option<usize> {
        let left = LeftContext {
            first: true,
            quoted: false,
            ..left
        };
        if self.cursor.is_quote(at) {
            let quoted = self.cursor.quoted(at)?;
            if is_header_value(place.word, &self.text[quoted.content.clone()]) {
                self.push(quoted.content, place.word);
            }
            return Some(quoted.end);
        }
        if at >= self.cursor.line_end(at) {
            return None;
        }
        let word = self.word(at, left);
        let second = self.word(self.cursor.skip_blanks(word), left);
        if !is_header_value(place.word, &self.text[at..second]) {
            return None;
        }
        Some(self.value(at, left))
    }

    /// Parses `IDENTIFIED BY 'password'`.
    fn identified_by(&mut self, from: usize) -> Option<usize> {
        let end = self
            .boundary_before(from + 80)
            .min(self.cursor.line_end(from));
        let rest = self.text.get(from..end)?.to_ascii_lowercase();
        let by = rest.find(" by ")?;
        let rest = &rest[by + 4..];
        let at =
            from + by + 4 + (rest.len() - rest.trim_start_matches("password").trim_start().len());
        let quoted = self.cursor.quoted(self.cursor.skip_blanks(at))?;
        self.push(quoted.content, "identified by");
        Some(quoted.end)
    }

    fn boundary_before(&self, at: usize) -> usize {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    fn quoted_value(&mut self, at: usize, place: &SensitiveName<'t>) -> Option<usize> {
        let quoted = self.cursor.quoted(at)?;
        if !is_no_secret(&self.text[quoted.content.clone()], place.class.count) {
            self.push(quoted.content, place.word);
        }
        Some(quoted.end)
    }

    /// Takes values after a blank: of flags, of directives, of settings such as `requirepass`, and
    /// in sentences that state a password.
    fn by_blank(&mut self, place: &SensitiveName<'t>, at: usize, sign: usize) -> Option<usize> {
        let line = self.cursor.line_at(place.name.start);
        let left = LeftContext {
            name: place.word,
            count: place.class.count,
            column: 0,
            first: false,
            colon: false,
            quoted: false,
            within: place.within,
        };
        if place.flag {
            return self.flag(place, at, sign, left);
        }
        if sign == at || sign >= line.end {
            return None;
        }
        let directive = self.word_on_line_before(place.name.start, line.start);
        let is_directive = DIRECTIVES
            .iter()
            .any(|word| directive.eq_ignore_ascii_case(word));
        let is_setting = BLANK_SETTINGS
            .iter()
            .any(|word| place.word.eq_ignore_ascii_case(word));
        let quoted = self.cursor.is_quote(sign);
        if LINE_SETTINGS.contains(&place.word) && !self.is_message() {
            self.push(sign..line.end, place.word);
            return Some(line.end);
        }
        if place.class.header {
            if !is_directive {
                return None;
            }
            return self.header(
                place,
                sign,
                LeftContext {
                    first: true,
                    ..left
                },
            );
        }
        if is_directive || is_setting {
            if quoted {
                return self.quoted_value(sign, place);
            }
            let end = self.word(sign, left);
            let end = sign + self.text[sign..end].trim_end_matches(';').len();
            self.scalar(sign..end, left);
            return Some(end);
        }
        if !place.class.value {
            return None;
        }
        // `string password = "…"` in reverse order: `password string = "…"`
        let type_end = self.cursor.word_end(sign, 32);
        let after_type = self.cursor.skip_blanks(type_end);
        if type_end > sign
            && let Some((value, _)) = self.sign_at(after_type)
            && self.cursor.is_quote(self.cursor.skip_blanks(value))
        {
            return self.quoted_value(self.cursor.skip_blanks(value), place);
        }
        match quoted {
            true => self.quoted_by_blank(place, sign, left),
            false => self.word_by_blank(place, sign, left),
        }
    }

    /// Takes `password "…"`; `secret "cart"` names an object.
    fn quoted_by_blank(
        &mut self,
        place: &SensitiveName<'t>,
        sign: usize,
        left: LeftContext<'t>,
    ) -> Option<usize> {
        let compound = place.word.contains(['_', '-']) && !self.is_message();
        let value = self.cursor.quoted(sign)?;
        let is_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-./:".contains(&b);
        let named = self.text[value.content.clone()].bytes().all(is_name);
        if !place.class.password && !compound && (named || self.is_message()) {
            return None;
        }
        self.scalar(value.content, left);
        Some(value.end)
    }

    /// Takes `password is …`, the values of a `.netrc`, and a value that is alone on its line.
    fn word_by_blank(
        &mut self,
        place: &SensitiveName<'t>,
        sign: usize,
        left: LeftContext<'t>,
    ) -> Option<usize> {
        let line = self.cursor.line_at(place.name.start);
        let end = self.word(sign, left);
        let word = &self.text[sign..end];
        if ["is", "was", "are", "to", "as", "equals"].contains(&word.to_ascii_lowercase().as_str())
        {
            let mut value = self.cursor.skip_blanks(end);
            if self.cursor.byte(value) == b':' {
                value = self.cursor.skip_blanks(value + 1);
            }
            if self.cursor.is_quote(value) {
                return self.quoted_value(value, place);
            }
            let end = self.word(value, left);
            let trimmed = self.text[value..end].trim_end_matches(['.', ',', ';', ')']);
            if is_credential(trimmed) {
                self.push(value..value + trimmed.len(), place.word);
                return Some(end);
            }
            return None;
        }
        if self.is_message() {
            return None;
        }
        let netrc = place.class.password && self.is_netrc(place.name.start, line.start);
        let alone = place.name.start == self.cursor.skip_blanks(line.start)
            && self.cursor.skip_blanks(end) >= line.end;
        let trimmed = word.trim_end_matches([';', ',']);
        if netrc || (alone && is_credential(trimmed)) {
            self.scalar(sign..sign + trimmed.len(), left);
            return Some(end);
        }
        None
    }

    /// Takes `--password value`, also if the two are items of a list.
    fn flag(
        &mut self,
        place: &SensitiveName<'t>,
        at: usize,
        sign: usize,
        left: LeftContext<'t>,
    ) -> Option<usize> {
        let mut value = sign;
        if self.cursor.byte(value) == b',' {
            value = self.cursor.skip_space(value + 1);
            return self
                .cursor
                .is_quote(value)
                .then(|| self.quoted_value(value, place))?;
        }
        let line_end = self.cursor.line_end(at);
        if value >= line_end || self.cursor.byte(value) == b'\r' {
            // `- --password` on its own line, and the next item.
            let line = self.cursor.line_at(place.name.start);
            let lead = self.text.get(line.start..place.name.start)?;
            let lead = lead.trim_matches([' ', '\t', '"', '\'']);
            let next = self.cursor.skip_blanks(line_end + 1);
            if lead != "-" || !self.text[next.min(self.text.len())..].starts_with("- ") {
                return None;
            }
            value = self.cursor.skip_blanks(next + 2);
            if self.cursor.byte(value) == b'-' {
                return None;
            }
            return Some(self.value(
                value,
                LeftContext {
                    first: true,
                    ..left
                },
            ));
        }
        if sign == at || self.cursor.byte(value) == b'-' {
            return None;
        }
        if self.cursor.is_quote(value) {
            return self.quoted_value(value, place);
        }
        let end = self.word(value, left);
        if self.is_message() && !is_credential(&self.text[value..end]) {
            return None;
        }
        if self.text[value..end] == *"\\" {
            return None;
        }
        self.scalar(value..end, left);
        Some(end)
    }

    fn word_on_line_before(&self, at: usize, line_start: usize) -> &'t str {
        let end = self.cursor.skip_blanks_back(at);
        // `set $token …`
        let end = if end == at && matches!(self.before(at), b'$' | b'"' | b'\'') {
            self.cursor.skip_blanks_back(at - 1)
        } else {
            end
        };
        let word = self.cursor.word_before(end, 32);
        if end - word.len() < line_start {
            ""
        } else {
            word
        }
    }

    /// Takes `machine … login … password …`, on one line or on three.
    fn is_netrc(&self, at: usize, line_start: usize) -> bool {
        let from = self.boundary_after(at.saturating_sub(256));
        let before = &self.text[from..at];
        let line = &self.text[line_start.max(from)..at];
        line.contains("login ")
            || line.trim().is_empty() && (before.contains("machine ") || before.contains("login "))
    }

    fn boundary_after(&self, mut at: usize) -> usize {
        while !self.text.is_char_boundary(at) {
            at += 1;
        }
        at
    }
}

/// A sensitive name, and its surroundings.
pub(super) struct SensitiveName<'t> {
    pub(super) name: Range<usize>,
    /// Returns the name without dashes around it.
    pub(super) word: &'t str,
    pub(super) class: NameClass,
    flag: bool,
    pub(super) quoted: bool,
    pub(super) within: Option<OpenQuote>,
}

/// Returns whether the value of a header such as `Authorization` is a credential: it has a scheme
/// before it, or looks like one. `auth` is also the name of settings, such as `auth: basic`.
pub(in crate::redact) fn is_header_value(name: &str, value: &str) -> bool {
    let mut words = value.split_ascii_whitespace();
    let first = words.next().unwrap_or_default();
    let second = words.next();
    let is_scheme = [
        "bearer",
        "basic",
        "token",
        "digest",
        "apikey",
        "negotiate",
        "ntlm",
        "splunk",
        "aws4-hmac-sha256",
    ]
    .iter()
    .any(|scheme| first.eq_ignore_ascii_case(scheme));
    if is_no_secret(second.unwrap_or(first), false) {
        return false;
    }
    match second {
        Some(_) if is_scheme => true,
        _ => is_credential(first) && (first.len() >= 8 || !name.eq_ignore_ascii_case("auth")),
    }
}
