//! Writes values as text, the way people write them.

use serde_json::{Map, Value};

use crate::facts;
use crate::yaml;
use crate::yaml::tree::{QuoteStyle, YamlKind, YamlNode};

/// How to lay out new values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// How much deeper a mapping is than its key.
    pub step: usize,
    /// How much deeper the dashes of a list are than its key.
    pub dash: usize,
}

/// Returns text as a YAML string: quoted unless every YAML parser reads it as a string.
pub fn scalar(text: &str) -> String {
    if is_plainly_text(text) {
        return text.to_owned();
    }
    quoted(text, false)
}

/// Returns a text in double quotes. Invisible characters, and text that a terminal or a CI system
/// would interpret, are escaped; so are line breaks that only some YAML parsers know.
pub(super) fn quoted(text: &str, is_json: bool) -> String {
    let plain = Value::from(text).to_string();
    let mut written = String::with_capacity(plain.len());
    let mut from = 0;
    for (at, c) in facts::harmful(&plain) {
        written.push_str(&plain[from..at]);
        from = at + c.len_utf8();
        match c as u32 {
            code @ ..=0xffff => written.push_str(&format!("\\u{code:04x}")),
            code if !is_json => written.push_str(&format!("\\U{code:08x}")),
            _ => {
                let mut units = [0; 2];
                let units = c.encode_utf16(&mut units).iter();
                units.for_each(|unit| written.push_str(&format!("\\u{unit:04x}")));
            }
        }
    }
    written.push_str(&plain[from..]);
    written
}

/// Returns whether every YAML parser reads these characters as a string, inside braces and outside.
fn is_plainly_text(text: &str) -> bool {
    // Values on which YAML versions disagree.
    const DISPUTED: &[&str] = &[
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", ".inf", ".nan",
    ];
    let is_number_like = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        && text
            .chars()
            .all(|c| c.is_ascii_hexdigit() || "_:.+-xXoOTtZz ".contains(c));
    let word = text.strip_prefix("--").unwrap_or(text);
    let first = |c: char| c.is_alphanumeric() || "_/.".contains(c);
    let inner = |c: char| c.is_alphanumeric() || "._/-()@+=:;$^~<> |!?*&'\"\\%".contains(c);
    word.starts_with(first)
        && text.chars().all(inner)
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !is_number_like
        && !facts::is_harmful(text)
        && !DISPUTED.contains(&text.to_lowercase().as_str())
        && reads_back(text)
}

fn reads_back(text: &str) -> bool {
    let parsed = yaml::parse(&format!("a: {text}\n"));
    let document = parsed.documents.first();
    parsed.problems.is_empty() && document.is_some_and(|d| d.value["a"] == text)
}

/// Returns a scalar, or an empty map or list, on one line and in the style of the value before.
pub(super) fn one_line(value: &Value, before: Option<QuoteStyle>, is_tagged_text: bool) -> String {
    match value {
        Value::String(text) => text_in_line(text, before, is_tagged_text),
        Value::Object(_) => flow(value, false),
        Value::Array(_) => flow(value, false),
        value => value.to_string(),
    }
}

fn text_in_line(text: &str, before: Option<QuoteStyle>, is_tagged_text: bool) -> String {
    let is_simple = !text.contains(char::is_control) && !facts::is_harmful(text);
    match before {
        Some(QuoteStyle::Single) if is_simple => {
            format!("'{}'", text.replace('\'', "''"))
        }
        Some(QuoteStyle::Double) => quoted(text, false),
        Some(QuoteStyle::Plain) if is_tagged_text && is_word(text) => text.to_owned(),
        _ => scalar(text),
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')
}

/// Returns a value in braces or brackets, as YAML or as JSON.
pub(super) fn flow(value: &Value, is_json: bool) -> String {
    match value {
        Value::String(text) if !is_json => scalar(text),
        Value::String(text) => quoted(text, true),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| flow(item, is_json)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields = ordered(fields)
                .into_iter()
                .map(|(name, value)| format!("{}: {}", key(name, is_json), flow(value, is_json)));
            let fields: Vec<String> = fields.collect();
            format!("{{{}}}", fields.join(", "))
        }
        value => value.to_string(),
    }
}

/// Returns a key.
pub(super) fn key(name: &str, is_json: bool) -> String {
    match is_json {
        true => quoted(name, true),
        false => scalar(name),
    }
}

/// Returns the fields in the order in which people write them.
fn ordered(fields: &Map<String, Value>) -> Vec<(&String, &Value)> {
    const FIRST: &[&str] = &["apiVersion", "kind", "metadata", "name", "key", "image"];
    let rank = |name: &str| FIRST.iter().position(|first| *first == name);
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_by_key(|(name, _)| rank(name).unwrap_or(FIRST.len()));
    fields
}

/// Returns what follows a key: ` value`, or lines that are indented to `column`.
pub(super) fn after_key(value: &Value, column: usize, layout: Layout, newline: &str) -> String {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let column = column + layout.step;
            format!(
                "{newline}{}{}",
                " ".repeat(column),
                block(value, column, layout, newline)
            )
        }
        Value::Array(items) if !items.is_empty() => {
            let column = column + layout.dash;
            format!(
                "{newline}{}{}",
                " ".repeat(column),
                block(value, column, layout, newline)
            )
        }
        Value::String(text) if is_for_block(text) => {
            let indent = layout.step;
            format!(" {}", literal(text, column + indent, indent, newline))
        }
        value => format!(" {}", one_line(value, None, false)),
    }
}

/// Returns a value as a block; its first line is already at `column`.
pub(super) fn block(value: &Value, column: usize, layout: Layout, newline: &str) -> String {
    let next = format!("{newline}{}", " ".repeat(column));
    let lines: Vec<String> = match value {
        Value::Object(fields) if !fields.is_empty() => {
            let fields = ordered(fields).into_iter().map(|(name, value)| {
                let value = after_key(value, column, layout, newline);
                format!("{}:{value}", key(name, false))
            });
            fields.collect()
        }
        Value::Array(items) if !items.is_empty() => {
            let items = items
                .iter()
                .map(|item| item_text(item, column, layout, newline));
            items.collect()
        }
        value => vec![one_line(value, None, false)],
    };
    lines.join(&next)
}

/// Returns a list item whose dash is at `column`.
pub(super) fn item_text(item: &Value, column: usize, layout: Layout, newline: &str) -> String {
    match item {
        Value::String(text) if is_for_block(text) => {
            format!("- {}", literal(text, column + 2, 2, newline))
        }
        item => format!("- {}", block(item, column + 2, layout, newline)),
    }
}

/// Returns whether text is written as a block.
pub(super) fn is_for_block(text: &str) -> bool {
    let body = text.trim_end_matches('\n');
    body.contains('\n') && !facts::is_harmful(text)
}

/// Returns text after `|`, with its lines at `column`, which is deeper than the parent by `indent`.
pub(super) fn literal(text: &str, column: usize, indent: usize, newline: &str) -> String {
    let body = text.trim_end_matches('\n');
    let chomping = match text.len() - body.len() {
        0 => "-",
        1 => "",
        _ => "+",
    };
    let first = body.lines().find(|line| !line.is_empty());
    let needs_indicator = first.is_some_and(|line| line.starts_with([' ', '\t']));
    let indicator = match needs_indicator {
        // An indentation indicator counts from the parent.
        true => indent.to_string(),
        false => String::new(),
    };
    let mut written = format!("|{indicator}{chomping}");
    written.push_str(&literal_lines(text, column, newline));
    written
}

/// Returns the lines of a literal block, each after a line break.
pub(super) fn literal_lines(text: &str, column: usize, newline: &str) -> String {
    let body = text.trim_end_matches('\n');
    let mut written = String::new();
    for line in body.split('\n') {
        written.push_str(newline);
        if !line.is_empty() {
            written.push_str(&" ".repeat(column));
            written.push_str(line);
        }
    }
    let more = (text.len() - body.len()).saturating_sub(1);
    written.push_str(&newline.repeat(more));
    written
}

/// Splits the header of a block into the header itself and the comment behind it, with the space
/// before it. A tab before a comment is fine for a header, and not for quoted text.
pub(super) fn split_header(header_line: &str) -> (&str, String) {
    let at = header_line.find([' ', '\t']).unwrap_or(header_line.len());
    let (header, comment) = header_line.split_at(at);
    let comment = match comment.trim_start() {
        "" => String::new(),
        words => format!("{}{words}", " ".repeat(comment.len() - words.len())),
    };
    (header, comment)
}

/// Returns where the comment lines begin that stand right above the first item of a list, whose dash
/// is at `at` in this column: they are about the item. `None` without such lines.
pub(super) fn start_of_comments(text: &str, at: usize, column: usize) -> Option<usize> {
    let above = text.get(..at)?.strip_suffix(&" ".repeat(column))?;
    let mut left = above.strip_suffix('\n')?;
    let mut found = None;
    loop {
        let start = left.rfind('\n').map_or(0, |end| end + 1);
        let line = left.get(start..)?;
        let words = line.trim_start_matches(' ');
        if !words.starts_with('#') || line.len() - words.len() != column {
            return found;
        }
        found = Some(start);
        match left.get(..start)?.strip_suffix('\n') {
            Some(more) => left = more,
            None => return found,
        }
    }
}

/// Returns a value as a document, without a final line break.
pub fn document(value: &Value) -> String {
    block(value, 0, Layout { step: 2, dash: 0 }, "\n")
}

/// Returns whether a document in braces quotes its keys.
pub(super) fn is_json(text: &str, root: &YamlNode) -> bool {
    match &root.kind {
        YamlKind::Mapping(entries) => entries.iter().all(|(key, _)| {
            text.get(key.at.clone())
                .is_some_and(|key| key.starts_with('"'))
        }),
        _ => false,
    }
}

/// Returns how the document indents nested values.
pub(super) fn layout(text: &str, root: &YamlNode) -> Layout {
    let mut found = (None, None);
    let mut waiting = vec![root];
    let column = |at: usize| {
        let before = text.get(..at).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        before.get(start..).unwrap_or_default().chars().count()
    };
    while let Some(node) = waiting.pop() {
        if found.0.is_some() && found.1.is_some() {
            break;
        }
        match &node.kind {
            YamlKind::Mapping(entries) if !node.is_flow => {
                for (key, value) in entries {
                    let deeper = column(value.at.start).checked_sub(column(key.at.start));
                    let is_below = !value.is_flow && value.at.start > key.at.end;
                    match (&value.kind, deeper) {
                        (YamlKind::Mapping(_), Some(deeper)) if is_below && deeper > 0 => {
                            found.0.get_or_insert(deeper);
                        }
                        (YamlKind::Sequence(_), Some(deeper)) if is_below => {
                            found.1.get_or_insert(deeper);
                        }
                        _ => {}
                    }
                }
                waiting.extend(entries.iter().rev().map(|(_, value)| value));
            }
            YamlKind::Sequence(items) if !node.is_flow => waiting.extend(items.iter().rev()),
            _ => {}
        }
    }
    let step = found.0.unwrap_or(2);
    Layout {
        step,
        dash: found.1.unwrap_or(if step == 4 { 4 } else { 2 }),
    }
}
