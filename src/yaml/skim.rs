//! Finds fields in JSON text that was validated before, without parsing the rest.
//!
//! The text of a recording or of a response is validated as a whole when it arrives. To find a
//! field later, it is enough to know where each value ends, which costs a fraction of parsing.
//! Invalid text ends early here, and is an error when the part is parsed.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::{Map, Number, Value};

/// The limit on the nesting of a value whose tree is built: that of `serde_json`.
const DEPTH: usize = 127;

/// A position in a text.
///
/// Methods return `None` if the text does not contain what they read.
#[derive(Debug, Clone)]
pub struct Skim<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Skim<'t> {
    /// Returns the beginning of a text.
    pub fn of(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// Reads an object. `visit` gets the name of each field, and reads its value.
    pub fn fields(&mut self, mut visit: impl FnMut(&mut Self, &str) -> Option<()>) -> Option<()> {
        self.parts(b'{', b'}', |skim| {
            let name = skim.quoted()?;
            skim.skip_blanks();
            skim.eat(b':')?;
            skim.skip_blanks();
            visit(skim, &name)
        })
    }

    /// Reads a list. `visit` reads each item.
    pub fn items(&mut self, visit: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.parts(b'[', b']', visit)
    }

    /// Reads any value, and returns its text.
    pub fn value(&mut self) -> Option<&'t str> {
        let range = self.range(|skim| match skim.peek()? {
            b'"' => skim.string().map(drop),
            b'{' | b'[' => skim.brackets(),
            b'}' | b']' | b',' | b':' => None,
            _ => {
                while !matches!(
                    skim.peek(),
                    None | Some(b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t')
                ) {
                    skim.at += 1;
                }
                Some(())
            }
        })?;
        self.text.get(range)
    }

    /// Reads any value, and builds its tree. Returns `None` also for a value that is nested too
    /// deeply, holds a number out of range, or has a key twice in an object.
    ///
    /// This takes two thirds of the instructions of `serde_json`, whose readers are generic over
    /// errors and positions that nobody asks for here.
    pub fn tree(&mut self) -> Option<Value> {
        self.skip_blanks();
        self.tree_within(DEPTH)
    }

    fn tree_within(&mut self, depth: usize) -> Option<Value> {
        Some(match self.peek()? {
            b'"' => Value::String(self.quoted()?.into_owned()),
            b'{' => {
                let below = depth.checked_sub(1)?;
                let mut fields = Map::new();
                self.fields(|skim, name| {
                    let value = skim.tree_within(below)?;
                    let is_first = fields.insert(name.to_owned(), value).is_none();
                    is_first.then_some(())
                })?;
                Value::Object(fields)
            }
            b'[' => {
                let below = depth.checked_sub(1)?;
                let mut items = Vec::new();
                self.items(|skim| {
                    items.push(skim.tree_within(below)?);
                    Some(())
                })?;
                Value::Array(items)
            }
            _ => match self.value()? {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                number => Value::Number(serde_json::from_str::<Number>(number).ok()?),
            },
        })
    }

    /// Returns whether only blanks are left.
    pub fn is_at_end(&mut self) -> bool {
        self.skip_blanks();
        self.peek().is_none()
    }

    /// Runs `go`, and returns the range that it read.
    pub fn range(&mut self, go: impl FnOnce(&mut Self) -> Option<()>) -> Option<Range<usize>> {
        self.skip_blanks();
        let start = self.at;
        go(self)?;
        Some(start..self.at)
    }

    /// Returns whether an object begins here.
    pub fn is_at_object(&self) -> bool {
        self.peek() == Some(b'{')
    }

    fn parts(
        &mut self,
        opening: u8,
        closing: u8,
        mut visit: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.skip_blanks();
        self.eat(opening)?;
        self.skip_blanks();
        if self.eat(closing).is_some() {
            return Some(());
        }
        loop {
            self.skip_blanks();
            visit(self)?;
            self.skip_blanks();
            if self.eat(closing).is_some() {
                return Some(());
            }
            self.eat(b',')?;
        }
    }

    /// Reads a quoted string, and returns its text.
    fn quoted(&mut self) -> Option<Cow<'t, str>> {
        let start = self.at;
        let has_escapes = self.string()?;
        match has_escapes {
            true => text_of(self.text.get(start..self.at)?),
            false => Some(Cow::Borrowed(self.text.get(start + 1..self.at - 1)?)),
        }
    }

    /// Reads a quoted string, and returns whether it has escapes.
    fn string(&mut self) -> Option<bool> {
        self.eat(b'"')?;
        let mut has_escapes = false;
        loop {
            self.at += to_special(self.text.as_bytes().get(self.at..)?)?;
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(has_escapes);
                }
                b'\\' => {
                    self.at += 2;
                    has_escapes = true;
                }
                _ => return None,
            }
        }
    }

    /// Reads an object or a list.
    fn brackets(&mut self) -> Option<()> {
        let bytes = self.text.as_bytes();
        let mut depth = 0_usize;
        loop {
            match bytes.get(self.at)? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        return Some(());
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        (self.peek() == Some(byte)).then(|| self.at += 1)
    }
}

/// Returns the text of a JSON string; `None` for anything else.
pub fn text_of(json: &str) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.bytes().any(|byte| byte == b'\\') {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str(json).ok().map(Cow::Owned)
}

/// Returns the distance to the next `"`, `\` or control character, which ends a string, continues it
/// or makes it invalid. Most texts are too short for `memchr` to be worth a call, so eight bytes are
/// checked at a time.
fn to_special(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = ONES << 7;
    // The lowest high bit that is left marks the first byte of the word that is less than `limit`.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
    let equal = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let mut passed = 0;
    let mut rest = bytes;
    while let Some((chunk, after)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let found = equal(word, b'"') | equal(word, b'\\') | below(word, 0x20);
        if found != 0 {
            return Some(passed + (found.trailing_zeros() / 8) as usize);
        }
        passed += 8;
        rest = after;
    }
    let is_found = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    Some(passed + rest.iter().position(is_found)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::model::tests::any_value;

    fn fields(text: &str) -> Option<Map<String, Value>> {
        let mut fields = Map::new();
        Skim::of(text).fields(|skim, name| {
            let value = serde_json::from_str(skim.value()?).ok()?;
            fields.insert(name.to_owned(), value);
            Some(())
        })?;
        Some(fields)
    }

    fn items(text: &str) -> Option<Vec<Value>> {
        let mut items = Vec::new();
        Skim::of(text).items(|skim| {
            items.push(serde_json::from_str(skim.value()?).ok()?);
            Some(())
        })?;
        Some(items)
    }

    #[test]
    fn skips_blanks_and_escapes() {
        let text = " { \"a\\u0062\" : \"x\\\"}\" ,\n\"c\":[1, {\"d\":\"]\"}] , \"e\":-1.5e3} ";
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(fields(text).map(Value::Object), Some(expected));
        let list = json!([1, "a,b", [], {}, null]);
        assert_eq!(
            items("[ 1 ,\"a,b\",[],{} , null]").map(Value::from),
            Some(list)
        );
        assert_eq!(fields("{}"), Some(Map::new()));
        assert_eq!(items("[ ]"), Some(Vec::new()));
    }

    #[test]
    fn stops_at_invalid_json() {
        for text in [
            "",
            "{",
            "[",
            "3",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\" 1}",
            "{\"a\":1 \"b\":2}",
            "{,\"a\":1}",
            "{\"a\":1,}",
            "{1:2}",
            "{\"a\":\"",
            "{\"a\":[}",
            "{\"a\":\"\\",
        ] {
            assert_eq!(fields(text), None, "{text}");
        }
        for text in ["[1", "[1 2]", "[,1]", "[1,]", "[\"", "[{]", "{}"] {
            assert_eq!(items(text), None, "{text}");
        }
    }

    #[test]
    fn a_tree_has_the_limits_of_a_parser() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for text in [
            nested(127),
            nested(128),
            "1e999".to_owned(),
            "-0".to_owned(),
            "18446744073709551616".to_owned(),
            "01".to_owned(),
            "\"a\u{1}\"".to_owned(),
            "\"12345678\u{1f}\"".to_owned(),
            r#""\ud800""#.to_owned(),
        ] {
            let parsed: Option<Value> = serde_json::from_str(&text).ok();
            assert_eq!(Skim::of(&text).tree(), parsed, "{text}");
        }
        assert_eq!(Skim::of(r#"{"a":1,"b":{},"a":2}"#).tree(), None);
    }

    #[test]
    fn a_range_excludes_the_blanks_before_it() {
        let mut skim = Skim::of("[ {\"a\": 1} ]");
        let mut place = None;
        skim.items(|skim| {
            assert!(skim.is_at_object());
            place = skim.range(|skim| skim.value().map(drop));
            Some(())
        })
        .unwrap();
        assert_eq!(place, Some(2..10));
    }

    proptest! {
        #[test]
        fn finds_the_same_parts_as_a_parser(value in any_value(), is_pretty: bool) {
            let text = match is_pretty {
                true => serde_json::to_string_pretty(&value).unwrap(),
                false => value.to_string(),
            };
            prop_assert_eq!(Skim::of(&text).tree(), Some(value.clone()));
            prop_assert_eq!(fields(&text), value.as_object().cloned());
            prop_assert_eq!(items(&text), value.as_array().cloned());
        }

        #[test]
        fn builds_a_tree_only_where_a_parser_does(text in "[\\[\\]{}\",:\\\\a1.eu\t é-]{0,12}") {
            let mut skim = Skim::of(&text);
            let tree = skim.tree().filter(|_| skim.is_at_end());
            let has_a_key_twice = tree.is_none() && text.contains(',');
            prop_assert!(tree == serde_json::from_str(&text).ok() || has_a_key_twice, "{}", text);
        }

        #[test]
        fn never_panics(text in "[\\[\\]{}\",:\\\\a1 é]{0,40}") {
            let mut parts = 0;
            let mut skim = Skim::of(&text);
            while skim.value().is_some_and(|part| !part.is_empty()) {
                parts += 1;
            }
            prop_assert!(parts <= text.len());
            fields(&text);
            items(&text);
        }
    }
}
