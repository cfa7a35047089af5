//! Paths to fields, in which list items are identified by their keys.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// One element of a [`FieldPath`]: the path elements of structured-merge-diff
/// (`sigs.k8s.io/structured-merge-diff/fieldpath/element.go`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PathElement {
    /// A field of a struct or a key of a map.
    Field(String),
    /// The item of an associative list with these key fields.
    Key(BTreeMap<String, Value>),
    /// The item of a set with this value.
    Value(Value),
    /// The item of an atomic list with this index, counted from 0.
    Index(usize),
}

/// The address of a field, in its text form
/// `.spec.template.spec.containers[name="app"].image`.
///
/// A field name that is not `[A-Za-z_][A-Za-z0-9_-]*` is written `["app.kubernetes.io/name"]`, an
/// item of an associative list `[containerPort=80,protocol="TCP"]`, of an atomic list `[0]`, and of
/// a set `[="value"]`.
///
/// ```
/// use driftctl::model::FieldPath;
/// let path: FieldPath = r#".metadata.labels["app.kubernetes.io/name"]"#.parse().unwrap();
/// assert_eq!(path.to_string(), r#".metadata.labels["app.kubernetes.io/name"]"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldPath(pub Vec<PathElement>);

impl FieldPath {
    /// Returns the path of the whole object.
    pub fn root() -> Self {
        Self::default()
    }

    /// Returns a path of plain field names.
    pub fn of_fields(names: &[&str]) -> Self {
        Self(
            names
                .iter()
                .map(|name| PathElement::Field((*name).to_owned()))
                .collect(),
        )
    }

    /// Returns this path, one element further.
    #[must_use]
    pub fn child(&self, segment: PathElement) -> Self {
        let mut segments = Vec::with_capacity(self.0.len() + 1);
        segments.extend_from_slice(&self.0);
        segments.push(segment);
        Self(segments)
    }

    /// Returns whether the path is at or below `prefix`.
    pub fn starts_with(&self, prefix: &FieldPath) -> bool {
        self.0.starts_with(&prefix.0)
    }
}

/// Compares paths by their text, so that reports do not depend on the order of the cluster's
/// responses.
impl Ord for FieldPath {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        for (a, b) in self.0.iter().zip(&other.0) {
            let order = a.order(b);
            if order.is_ne() {
                return order;
            }
        }
        self.0.len().cmp(&other.0.len())
    }
}

impl PathElement {
    /// Compares indexes as numbers, and all other elements as text.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        match (self, other) {
            (Self::Index(a), Self::Index(b)) => a.cmp(b),
            (a, b) if a == b => std::cmp::Ordering::Equal,
            (Self::Field(a), Self::Field(b)) if is_plain(a) && is_plain(b) => a.cmp(b),
            (a, b) => match (a.only_name(), b.only_name()) {
                (Some((key, a)), Some((other, b))) if key == other => a.cmp(b),
                _ => a.to_string().cmp(&b.to_string()),
            },
        }
    }

    /// Returns the only key of an item and its value, if comparing them gives the same order as
    /// comparing text. This makes sorting long lists fast.
    fn only_name(&self) -> Option<(&str, &str)> {
        let Self::Key(keys) = self else { return None };
        let mut keys = keys.iter();
        match (keys.next(), keys.next()) {
            (Some((key, Value::String(name))), None) if is_plain(key) && is_plain(name) => {
                Some((key, name))
            }
            _ => None,
        }
    }
}

impl PartialOrd for FieldPath {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(".");
        }
        self.0.iter().try_for_each(|segment| write!(f, "{segment}"))
    }
}

impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) if is_plain(name) => write!(f, ".{name}"),
            Self::Field(name) => write!(f, "[{}]", quoted(name)),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Value(value) => write!(f, "[={value}]"),
            Self::Key(keys) => {
                f.write_str("[")?;
                for (i, (name, value)) in keys.iter().enumerate() {
                    let comma = if i == 0 { "" } else { "," };
                    write!(f, "{comma}{name}={value}")?;
                }
                f.write_str("]")
            }
        }
    }
}

fn quoted(name: &str) -> String {
    Value::from(name).to_string()
}

fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(is_plain_byte)
}

fn is_plain_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'-'
}

/// A text that is not a path, with the position of the error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a field path at character {at}: {what}")]
pub struct PathError {
    /// The byte offset in the text, counted from 1.
    pub at: usize,
    /// What was expected there.
    pub what: &'static str,
}

impl FromStr for FieldPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        if text == "." {
            return Ok(Self::root());
        }
        let mut parser = PathParser { text, at: 0 };
        let mut segments = Vec::new();
        while parser.at < text.len() {
            segments.push(parser.segment()?);
        }
        Ok(Self(segments))
    }
}

struct PathParser<'t> {
    text: &'t str,
    at: usize,
}

impl PathParser<'_> {
    fn segment(&mut self) -> Result<PathElement, PathError> {
        if self.eat(b'.') {
            return self.plain_name().map(PathElement::Field);
        }
        if !self.eat(b'[') {
            return Err(self.error("expected '.' or '['"));
        }
        let segment = match self.peek() {
            Some(b'"') => PathElement::Field(self.string()?),
            Some(b'=') => {
                self.at += 1;
                PathElement::Value(self.value()?)
            }
            Some(b) if b.is_ascii_digit() => PathElement::Index(self.index()?),
            // An item without any key.
            Some(b']') => PathElement::Key(BTreeMap::new()),
            _ => PathElement::Key(self.keys()?),
        };
        if self.eat(b']') {
            Ok(segment)
        } else {
            Err(self.error("expected ']'"))
        }
    }

    fn keys(&mut self) -> Result<BTreeMap<String, Value>, PathError> {
        let mut keys = BTreeMap::new();
        loop {
            let name = self.plain_name()?;
            if !self.eat(b'=') {
                return Err(self.error("expected '=' after the key's name"));
            }
            keys.insert(name, self.value()?);
            if !self.eat(b',') {
                return Ok(keys);
            }
        }
    }

    fn plain_name(&mut self) -> Result<String, PathError> {
        let rest = &self.text[self.at..];
        let end = rest
            .bytes()
            .position(|b| !is_plain_byte(b))
            .unwrap_or(rest.len());
        if !is_plain(&rest[..end]) {
            return Err(self.error("expected a field name; quote others as [\"…\"]"));
        }
        self.at += end;
        Ok(rest[..end].to_owned())
    }

    fn index(&mut self) -> Result<usize, PathError> {
        let rest = &self.text[self.at..];
        let end = rest.bytes().take_while(u8::is_ascii_digit).count();
        let index = rest[..end]
            .parse()
            .map_err(|_| self.error("the index is too large"))?;
        self.at += end;
        Ok(index)
    }

    fn string(&mut self) -> Result<String, PathError> {
        match self.value()? {
            Value::String(text) => Ok(text),
            _ => Err(self.error("expected a quoted name")),
        }
    }

    /// Parses one JSON value at the current position.
    fn value(&mut self) -> Result<Value, PathError> {
        let mut values =
            serde_json::Deserializer::from_str(&self.text[self.at..]).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) => {
                self.at += values.byte_offset();
                Ok(value)
            }
            _ => Err(self.error("expected a JSON value")),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn error(&self, what: &'static str) -> PathError {
        PathError {
            at: self.at + 1,
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn round_trip(text: &str) {
        let path: FieldPath = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(path.to_string(), text);
    }

    #[test]
    fn every_kind_of_segment_round_trips() {
        round_trip(".spec.template.spec.containers[name=\"app\"].image");
        round_trip(".ports[containerPort=80,protocol=\"TCP\"]");
        round_trip(".metadata.labels[\"app.kubernetes.io/name\"]");
        round_trip(".metadata.finalizers[=\"example.com/hold\"]");
        round_trip(".rules[0].verbs[12]");
        round_trip(".data[\"quote\\\"bracket]\"]");
        round_trip(".");
        round_trip(".status.conditions[].reason");
    }

    #[test]
    fn errors_have_a_position() {
        let error = ".spec.".parse::<FieldPath>().unwrap_err();
        assert_eq!(error.at, 7);
        for text in ["spec", ".a[", ".a[name=]", ".a[\"x]", ".a[1", ".a..b"] {
            assert!(text.parse::<FieldPath>().is_err(), "{text}");
        }
    }

    #[test]
    fn paths_sort_as_text() {
        let texts = [
            ".a",
            ".a-b",
            ".a_b",
            ".ab",
            "[\"a b\"]",
            "[\"a\"]",
            "[name=\"a\"]",
            "[name=\"a-b\"]",
            "[name=\"ab\"]",
            "[name=\"a b\"]",
            "[nam=\"x\"]",
            "[name=1]",
            "[a=\"x\",b=\"y\"]",
            "[=\"a\"]",
            "[0]",
            "[name=\"é\"]",
            "[name=\"\"]",
            "[name=\"a\\\"\"]",
        ];
        for a in texts {
            for b in texts {
                let (one, other): (FieldPath, FieldPath) = (a.parse().unwrap(), b.parse().unwrap());
                let expected = one.to_string().cmp(&other.to_string());
                assert_eq!(one.cmp(&other), expected, "{a} and {b}");
            }
        }
    }

    #[test]
    fn indexes_sort_as_numbers() {
        let a: FieldPath = ".rules[2]".parse().unwrap();
        let b: FieldPath = ".rules[10]".parse().unwrap();
        assert!(a < b);
    }
}
