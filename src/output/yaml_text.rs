//! Writes values as YAML for people and programs.

use std::ops::Range;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;
use serde_saphyr::DoubleQuoted;

use super::escape;

/// How harmful characters in multi-line strings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlCharacters {
    /// Double-quoted, as YAML escapes: reads back as the same value.
    Exact,
    /// Escaped within a block, like [`escape::text`]: stays readable line by line.
    Readable,
}

/// The keys of an object, and of the items of its lists, that come first.
const OBJECT_ORDER: &[&str] = &["apiVersion", "kind", "metadata", "name"];

/// Returns a value as a YAML document with a final line feed. Identifying keys come first, the
/// others are sorted; whatever another reader could take for a boolean, a number or a date is
/// quoted.
pub fn document(value: &Value, style: ControlCharacters) -> String {
    document_in_order(value, style, OBJECT_ORDER)
}

/// Returns the same with other keys first.
pub fn document_in_order(value: &Value, style: ControlCharacters, order: &[&str]) -> String {
    let mut out = String::new();
    let options = serde_saphyr::ser_options! {
        // No folding: a line stays one line, or diffs would shift.
        folded_wrap_chars: usize::MAX,
    };
    let node = StyledValue {
        value,
        style,
        order,
    };
    if serde_saphyr::to_fmt_writer_with_options(&mut out, &node, options).is_err() {
        // A value that the serializer refuses is still shown: JSON is YAML.
        out = value.to_string();
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    escape_harmful(out)
}

/// Returns a scalar (or an empty list or map) on one line.
pub fn scalar(value: &Value) -> String {
    if let Value::String(text) = value
        && text.contains('\n')
    {
        return Value::from(escape::text(text).into_owned()).to_string();
    }
    let mut text = document(value, ControlCharacters::Exact);
    text.truncate(text.trim_end_matches('\n').len());
    text
}

/// Writes harmful characters as YAML escapes. They are already within double quotes, except in
/// keys: the serializer writes some of those plain, and they are quoted here.
fn escape_harmful(text: String) -> String {
    if !escape::is_harmful(&text) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 64);
    for line in text.split_inclusive('\n') {
        match plain_key(line).filter(|key| escape::is_harmful(&line[key.clone()])) {
            Some(key) => {
                let (before, after) = (&line[..key.start], &line[key.end..]);
                out.push_str(&format!("{before}\""));
                let name = line[key].replace('\\', "\\\\").replace('"', "\\\"");
                push_escaped(&mut out, &name);
                out.push('"');
                push_escaped(&mut out, after);
            }
            None => push_escaped(&mut out, line),
        }
    }
    out
}

/// Returns where a line has an unquoted key.
fn plain_key(line: &str) -> Option<Range<usize>> {
    let mut start = line.len() - line.trim_start_matches(' ').len();
    while line[start..].starts_with("- ") {
        start += 2;
    }
    if line[start..].starts_with(['"', '\'']) {
        return None;
    }
    let len = line[start..]
        .find(": ")
        .or_else(|| line[start..].trim_end().strip_suffix(':').map(str::len))?;
    Some(start..start + len)
}

fn push_escaped(out: &mut String, text: &str) {
    let mut from = 0;
    for (at, c) in escape::harmful(text) {
        out.push_str(&text[from..at]);
        from = at + c.len_utf8();
        match c as u32 {
            code @ ..=0xffff => out.push_str(&format!("\\u{code:04X}")),
            code => out.push_str(&format!("\\U{code:08X}")),
        }
    }
    out.push_str(&text[from..]);
}

/// Returns a value with its keys in order and its strings in their style.
struct StyledValue<'v> {
    value: &'v Value,
    style: ControlCharacters,
    order: &'v [&'v str],
}

impl Serialize for StyledValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::String(text) => serialize_text(text, self.style, serializer),
            Value::Array(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                for value in items {
                    seq.serialize_element(&StyledValue { value, ..*self })?;
                }
                seq.end()
            }
            Value::Object(fields) => {
                let mut sorted: Vec<_> = fields.iter().collect();
                sorted.sort_by_key(|(name, _)| (self.rank(name), *name));
                let mut map = serializer.serialize_map(Some(sorted.len()))?;
                for (name, value) in sorted {
                    let value = StyledValue { value, ..*self };
                    map.serialize_entry(name, &value)?;
                }
                map.end()
            }
            scalar => scalar.serialize(serializer),
        }
    }
}

fn serialize_text<S: Serializer>(
    text: &str,
    style: ControlCharacters,
    to: S,
) -> Result<S::Ok, S::Error> {
    if !escape::is_harmful(text) {
        return text.serialize(to);
    }
    if style == ControlCharacters::Readable && text.contains('\n') {
        return escape::text(text).serialize(to);
    }
    DoubleQuoted(text).serialize(to)
}

impl StyledValue<'_> {
    /// Returns the sort position of a key.
    fn rank(&self, name: &str) -> usize {
        let first = self.order.iter().position(|first| *first == name);
        first.unwrap_or(self.order.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quotes_what_other_yaml_parsers_read_as_another_type() {
        for (text, expected) in [
            ("yes", "\"yes\""),
            ("on", "\"on\""),
            ("y", "\"y\""),
            ("0644", "\"0644\""),
            ("1e3", "\"1e3\""),
            ("null", "\"null\""),
            ("2026-01-01", "\"2026-01-01\""),
            ("", "\"\""),
            (" a", "\" a\""),
            ("a: b", "\"a: b\""),
            ("shop/cart:1.4", "shop/cart:1.4"),
            ("a\nb", "\"a\\nb\""),
        ] {
            assert_eq!(scalar(&json!(text)), expected);
        }
        assert_eq!(scalar(&json!(5)), "5");
        assert_eq!(scalar(&json!(null)), "null");
        assert_eq!(scalar(&json!({})), "{}");
    }

    #[test]
    fn orders_keys_and_writes_multi_line_text_as_blocks() {
        let value = json!({
            "spec": {"b": [1, {"c": 2}], "a": "x\ny\n"},
            "metadata": {"name": "cart"},
            "kind": "ConfigMap",
            "apiVersion": "v1",
        });
        insta::assert_snapshot!(document(&value, ControlCharacters::Exact), @r"
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: cart
        spec:
          a: |
            x
            y
          b:
          - 1
          - c: 2
        ");
    }

    #[test]
    fn escapes_hidden_characters_so_that_they_read_back() {
        let value = json!({
            "k\u{202e}": "a\u{200b}b",
            "\u{200b} \\b": {"c\u{ad}": ["\u{ad}"], "d": [{"e\u{ad}": null}]},
            "text": "a\u{1b}[31m\nb\u{e0041}\n",
            "crlf": "a\r\nb",
            "ci": "a\n::set-output name=a::b ##vso[task.complete]",
            "::add-mask::k": "::add-mask::v",
        });
        let exact = document(&value, ControlCharacters::Exact);
        assert!(!exact.contains(escape::is_hidden), "{exact}");
        let back: Value = serde_yaml::from_str(&exact).unwrap();
        assert_eq!(back, value);
        let readable = document(&value, ControlCharacters::Readable);
        assert!(!readable.contains(escape::is_hidden), "{readable}");
        assert!(
            exact.contains("#\\u0023vso[") && readable.contains("#\\u{23}vso["),
            "{exact} {readable}"
        );
        for text in [&exact, &readable] {
            assert!(
                !text.lines().any(|line| line.trim().starts_with("::")),
                "{text}"
            );
        }
        assert!(
            readable.contains("text: |\n  a\\u{1b}[31m\n  b\\u{e0041}\n"),
            "{readable}"
        );
    }
}
