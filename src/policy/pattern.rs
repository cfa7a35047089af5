//! Paths with wildcards in rules.

use std::borrow::Cow;
use std::str::FromStr;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

use crate::model::{FieldPath, PathElement, PathError};
use crate::policy::glob::matches_stars;

/// A path in the syntax of reports in which `[*]` matches any list item, and `*` in a field name
/// any text.
///
/// A pattern also covers everything below it. Keys that it omits match any value:
/// `ports[containerPort=80]` covers `ports[containerPort=80,protocol="TCP"]`.
///
/// ```
/// use driftctl::policy::PathPattern;
/// let pattern: PathPattern = ".spec.containers[*].image".parse().unwrap();
/// assert!(pattern.covers(&r#".spec.containers[name="app"].image"#.parse().unwrap()));
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct PathPattern {
    text: Cow<'static, str>,
    /// Its parts, parsed on first use if it is built in: a run needs few of these patterns.
    segments: OnceLock<Vec<PatternPart>>,
}

impl PartialEq for PathPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

#[derive(Debug, Clone, PartialEq)]
enum PatternPart {
    /// A field of this name.
    Field(String),
    /// A field whose name matches; `*` matches any text. The number is how much of it comes before
    /// the first `*`.
    Fields(String, usize),
    AnyItem,
    Exactly(PathElement),
}

/// An error about a text that is not a path pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct PatternError(#[from] PathError);

/// The placeholder for `[*]` while a pattern is parsed as a path, and its parsed form.
const ANY_ITEM: &str = "[=\"driftctl any item\"]";
const ITEM: &str = "driftctl any item";
/// The placeholder for `.*`.
const ANY_FIELD: &str = "[\"*\"]";

impl FromStr for PathPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Ok(Self::of(text.to_owned(), parts(text)?))
    }
}

/// Parses a pattern.
fn parts(text: &str) -> Result<Vec<PatternPart>, PatternError> {
    if let Some(segments) = parse_common(text) {
        return Ok(segments);
    }
    let path: FieldPath = match text.contains('*') {
        true => without_wildcards(text).parse()?,
        false => text.parse()?,
    };
    Ok(path.0.into_iter().map(PatternPart::of).collect())
}

/// Parses a pattern of the usual parts, as nearly all are: `.name`, `["name"]`, `.*` and `[*]`.
fn parse_common(text: &str) -> Option<Vec<PatternPart>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("[*]") {
            parts.push(PatternPart::AnyItem);
            rest = after;
        } else if let Some(after) = rest.strip_prefix("[\"") {
            let end = after
                .bytes()
                .position(|b| matches!(b, b'"' | b'\\' | ..b' '))?;
            let (name, after) = after.split_at(end);
            parts.push(PatternPart::named(name.to_owned()));
            rest = after.strip_prefix("\"]")?;
        } else if let Some(after) = rest.strip_prefix(".*") {
            parts.push(PatternPart::named("*".to_owned()));
            rest = after;
        } else {
            let after = rest.strip_prefix('.')?;
            let end = after.bytes().position(|b| !b.is_ascii_alphanumeric());
            let (name, after) = after.split_at(end.unwrap_or(after.len()));
            if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
                return None;
            }
            parts.push(PatternPart::Field(name.to_owned()));
            rest = after;
        }
    }
    (!parts.is_empty()).then_some(parts)
}

/// Returns the field names at the start of a pattern of the usual parts, without parsing the rest.
fn names_of(text: &str) -> Option<Vec<&str>> {
    let mut names = Vec::with_capacity(8);
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        let (start, is_end): (usize, fn(u8) -> bool) = match bytes.get(at..)? {
            [] | [b'[', b'*', ..] | [b'.', b'*', ..] => return Some(names),
            [b'[', b'"', ..] => (at + 2, |byte| matches!(byte, b'"' | b'\\' | ..b' ')),
            [b'.', first, ..] if first.is_ascii_alphabetic() => {
                (at + 1, |byte| !byte.is_ascii_alphanumeric())
            }
            _ => return None,
        };
        let end = bytes[start..].iter().position(|byte| is_end(*byte));
        let end = end.map_or(bytes.len(), |length| start + length);
        let name = text.get(start..end)?;
        at = match start - at {
            1 => end,
            _ if bytes.get(end..end + 2) != Some(b"\"]") => return None,
            _ if name.contains('*') => return Some(names),
            _ => end + 2,
        };
        names.push(name);
    }
}

/// Returns the pattern as a plain path, with wildcards written as names; quoted parts stay
/// unchanged.
fn without_wildcards(text: &str) -> String {
    let mut plain = String::new();
    for (index, part) in text.split('"').enumerate() {
        let is_quoted = index % 2 == 1;
        if index > 0 {
            plain.push('"');
        }
        if is_quoted {
            plain.push_str(part);
        } else {
            plain.push_str(&part.replace("[*]", ANY_ITEM).replace(".*", ANY_FIELD));
        }
    }
    plain
}

impl TryFrom<String> for PathPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map_err(|error| format!("{text}: {error}"))
    }
}

impl std::fmt::Display for PathPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl PathPattern {
    /// Returns whether the pattern matches `path` or a parent of it.
    pub fn covers(&self, path: &FieldPath) -> bool {
        // The pattern of the whole object is the only one without parts.
        if path.0.is_empty() && self.text.len() > 1 {
            return false;
        }
        let segments = self.segments();
        // From the end: many patterns begin alike.
        segments.len() <= path.0.len()
            && segments
                .iter()
                .zip(&path.0)
                .rev()
                .all(|(part, segment)| part.matches(segment))
    }
}

impl PathPattern {
    fn of(text: impl Into<Cow<'static, str>>, segments: Vec<PatternPart>) -> Self {
        Self {
            text: text.into(),
            segments: segments.into(),
        }
    }

    /// Returns the pattern that matches the whole object.
    pub fn root() -> Self {
        Self::of(".", Vec::new())
    }

    /// Returns the pattern that matches every field, but not the object itself.
    pub fn any_field() -> Self {
        Self::of(".*", vec![PatternPart::Fields("*".to_owned(), 0)])
    }

    /// Returns a built-in pattern, which is parsed on first use; tests check that it can be.
    pub(super) fn builtin(text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            text: text.into(),
            segments: OnceLock::new(),
        }
    }

    /// Returns whether two patterns have the same parts.
    #[cfg(test)]
    pub(super) fn parts_equal(&self, other: &Self) -> bool {
        self.text == other.text && self.segments() == other.segments()
    }

    #[inline]
    fn segments(&self) -> &[PatternPart] {
        match self.segments.get() {
            Some(segments) => segments,
            None => self.parsed(),
        }
    }

    #[cold]
    fn parsed(&self) -> &[PatternPart] {
        let parsed = || parts(&self.text).unwrap_or_else(|_| vec![PatternPart::nothing()]);
        self.segments.get_or_init(parsed)
    }

    /// Returns the field names at the start of the pattern, up to its first wildcard or list item.
    pub(super) fn leading_names(&self) -> Vec<&str> {
        if self.segments.get().is_none()
            && let Some(names) = names_of(&self.text)
        {
            return names;
        }
        let names = self.segments().iter().map_while(|part| match part {
            PatternPart::Field(name) => Some(name.as_str()),
            _ => None,
        });
        names.collect()
    }

    /// Returns whether the pattern matches something below `path`.
    pub fn is_within(&self, path: &FieldPath) -> bool {
        let segments = self.segments();
        segments.len() > path.0.len()
            && segments
                .iter()
                .zip(&path.0)
                .all(|(part, segment)| part.matches(segment))
    }

    /// Returns whether list items are written only as `[*]` or `[name=…]`.
    pub fn names_items_by_name(&self) -> bool {
        self.segments().iter().all(|part| match part {
            PatternPart::Field(_) | PatternPart::Fields(..) | PatternPart::AnyItem => true,
            PatternPart::Exactly(PathElement::Key(keys)) => keys.keys().eq(["name"]),
            PatternPart::Exactly(_) => false,
        })
    }

    /// Removes everything that the pattern matches; returns whether anything was removed.
    pub fn remove(&self, object: &mut Value) -> bool {
        match self.segments().split_first() {
            Some((first, rest)) => remove(object, first, rest),
            None => {
                *object = Value::Null;
                true
            }
        }
    }
}

fn remove(node: &mut Value, part: &PatternPart, rest: &[PatternPart]) -> bool {
    let mut removed = false;
    match node {
        Value::Object(fields) => {
            fields.retain(|name, value| {
                let goes = part.is_field(name) && remove_below(value, rest, &mut removed);
                !goes
            });
        }
        Value::Array(items) => {
            let mut position = 0;
            items.retain_mut(|item| {
                let goes = part.is_item(position, item) && remove_below(item, rest, &mut removed);
                position += 1;
                !goes
            });
        }
        _ => {}
    }
    removed
}

/// Removes matches below a node; returns whether the node itself matches.
fn remove_below(node: &mut Value, rest: &[PatternPart], removed: &mut bool) -> bool {
    match rest.split_first() {
        Some((part, rest)) => {
            *removed |= remove(node, part, rest);
            false
        }
        None => {
            *removed = true;
            true
        }
    }
}

impl PatternPart {
    /// Returns the part that an element stands for, with wildcards as [`without_wildcards`] writes
    /// them.
    fn of(element: PathElement) -> Self {
        match element {
            PathElement::Field(name) => Self::named(name),
            PathElement::Value(Value::String(item)) if item == ITEM => Self::AnyItem,
            item => Self::Exactly(item),
        }
    }

    /// Returns a part that no path of a report has.
    fn nothing() -> Self {
        Self::Exactly(PathElement::Value(Value::Null))
    }

    fn named(name: String) -> Self {
        match name.find('*') {
            Some(star) => Self::Fields(name, star),
            None => Self::Field(name),
        }
    }

    fn is_field(&self, name: &str) -> bool {
        match self {
            Self::Field(wanted) => wanted == name,
            Self::Fields(pattern, star) => {
                name.as_bytes().starts_with(&pattern.as_bytes()[..*star])
                    && matches_stars(pattern, name)
            }
            Self::AnyItem | Self::Exactly(_) => false,
        }
    }

    /// Returns whether a list item matches. Keys that the item omits, because the server defaults
    /// them, are ignored.
    fn is_item(&self, position: usize, item: &Value) -> bool {
        match self {
            Self::AnyItem => true,
            Self::Field(_) | Self::Fields(..) => false,
            Self::Exactly(PathElement::Index(index)) => *index == position,
            Self::Exactly(PathElement::Value(wanted)) => wanted == item,
            Self::Exactly(PathElement::Key(keys)) => {
                item.is_object()
                    && keys
                        .iter()
                        .all(|(name, key)| item.get(name).is_none_or(|written| written == key))
            }
            Self::Exactly(PathElement::Field(_)) => false,
        }
    }

    fn matches(&self, segment: &PathElement) -> bool {
        match (self, segment) {
            (Self::Field(_) | Self::Fields(..), PathElement::Field(name)) => self.is_field(name),
            (Self::AnyItem, PathElement::Field(_)) | (Self::Field(_) | Self::Fields(..), _) => {
                false
            }
            (Self::AnyItem, _) => true,
            (Self::Exactly(PathElement::Key(wanted)), PathElement::Key(keys)) => wanted
                .iter()
                .all(|(name, value)| keys.get(name) == Some(value)),
            (Self::Exactly(wanted), segment) => wanted == segment,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn covers(pattern: &str, path: &str) -> bool {
        let pattern: PathPattern = pattern.parse().unwrap();
        pattern.covers(&path.parse().unwrap())
    }

    #[test]
    fn patterns_cover_everything_below_them() {
        assert!(covers(".status", ".status.replicas"));
        assert!(covers(".", ".spec"));
        assert!(!covers(".status.replicas", ".status"));
        assert!(!covers(".stat", ".status"));
    }

    #[test]
    fn wildcards() {
        assert!(covers(".a[*].b", ".a[0].b"));
        assert!(covers(".a[*].b", ".a[name=\"x\"].b.c"));
        assert!(!covers(".a[*]", ".a.b"));
        assert!(covers(
            ".metadata.annotations[\"example.com/*\"]",
            ".metadata.annotations[\"example.com/x\"]"
        ));
        assert!(covers(".spec.*.x", ".spec.a.x"));
        assert!(covers(".data[\"*.*\"]", ".data[\"a.conf\"]"));
        assert!(!covers(".data[\"*.*\"]", ".data.a"));
        assert!(covers(
            ".ports[port=80]",
            ".ports[port=80,protocol=\"TCP\"].name"
        ));
        assert!(!covers(
            ".ports[port=81]",
            ".ports[port=80,protocol=\"TCP\"].name"
        ));
    }

    #[test]
    fn usual_patterns_are_parsed_as_all_are() {
        let rules = crate::policy::RuleSet::builtin().rules().iter();
        let builtin = rules.flat_map(|rule| &rule.selectors.paths);
        let builtin = builtin.map(|pattern| &*pattern.text);
        let others = [
            ".",
            "",
            ".a-b",
            ".a.*.b[*]",
            "[\"a.b/*\"].c",
            ".*x",
            ".9",
            "[\"a",
            ".a[\"\\n\"]",
        ];
        let mut usual_ones = 0;
        for text in builtin.chain(others) {
            let in_full = without_wildcards(text).parse::<FieldPath>();
            let in_full =
                in_full.map(|path| Vec::from_iter(path.0.into_iter().map(PatternPart::of)));
            if let (Some(names), Ok(parts)) = (names_of(text), parts(text)) {
                let parsed = PathPattern::of(text.to_owned(), parts);
                assert_eq!(names, parsed.leading_names(), "{text}");
            }
            let Some(parts) = parse_common(text) else {
                continue;
            };
            assert!(names_of(text).is_some(), "{text}");
            usual_ones += 1;
            assert_eq!(Some(parts), in_full.ok(), "{text}");
        }
        assert!(usual_ones > 200, "{usual_ones}");
    }

    #[track_caller]
    fn after(pattern: &str, mut object: Value) -> Value {
        let pattern: PathPattern = pattern.parse().unwrap();
        let before = object.clone();
        assert_eq!(pattern.remove(&mut object), object != before, "{pattern}");
        object
    }

    #[test]
    fn removes_everything_that_a_pattern_matches() {
        let pod = json!({"containers": [{"name": "a", "image": 1}, {"name": "b", "image": 2}]});
        let without = json!({"containers": [{"name": "a"}, {"name": "b"}]});
        assert_eq!(after(".containers[*].image", pod.clone()), without);
        let without = json!({"containers": [{"name": "a"}, {"name": "b", "image": 2}]});
        assert_eq!(after(".containers[name=\"a\"].image", pod.clone()), without);
        assert_eq!(after(".containers[0].image", pod.clone()), without);
        assert_eq!(
            after(".containers[*]", pod.clone()),
            json!({"containers": []})
        );
        assert_eq!(after(".containers[name=\"c\"]", pod.clone()), pod);
        assert_eq!(after(".containers.image", pod.clone()), pod);
        assert_eq!(after(".*", pod.clone()), json!({}));
        assert_eq!(after(".", pod), Value::Null);
        assert_eq!(
            after(".f[=\"x\"]", json!({"f": ["x", "y"]})),
            json!({"f": ["y"]})
        );
        let ports = json!({"p": [{"port": 80}]});
        assert_eq!(
            after(".p[port=80,protocol=\"TCP\"]", ports),
            json!({"p": []})
        );
    }

    #[test]
    fn a_pattern_may_match_below_a_path() {
        let within = |pattern: &str, path: &str| {
            let pattern: PathPattern = pattern.parse().unwrap();
            pattern.is_within(&path.parse().unwrap())
        };
        assert!(within(".a[*].b", ".a"));
        assert!(within(".a[*].b", ".a[name=\"x\"]"));
        assert!(within(".a", "."));
        assert!(!within(".a[*].b", ".a[0].b"));
        assert!(!within(".a[*].b", ".c"));
    }

    #[test]
    fn errors_are_the_same_as_for_paths() {
        assert!("spec".parse::<PathPattern>().is_err());
    }
}
