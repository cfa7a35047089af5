//! Paths with wildcards, as rules write them.

use std::str::FromStr;

use crate::model::{FieldPath, PathError, Segment};
use crate::policy::glob;

/// A path in the report's own syntax in which `[*]` stands for any list item, and `*` in a field
/// name for any text.
///
/// A pattern covers what lies below it. Keys that it leaves out of an item's identity do not
/// matter: `ports[containerPort=80]` covers `ports[containerPort=80,protocol="TCP"]`.
///
/// ```
/// use driftctl::policy::PathPattern;
/// let pattern: PathPattern = ".spec.containers[*].image".parse().unwrap();
/// assert!(pattern.covers(&r#".spec.containers[name="app"].image"#.parse().unwrap()));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PathPattern {
    text: String,
    segments: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Field(String),
    AnyItem,
    Exactly(Segment),
}

/// A text that is no path pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct PatternError(#[from] PathError);

/// What `[*]` is written as while the rest is parsed as a path.
const ANY_ITEM: &str = "[=\"driftctl any item\"]";
/// What `.*` is written as.
const ANY_FIELD: &str = "[\"*\"]";

impl FromStr for PathPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let path: FieldPath = without_wildcards(text).parse()?;
        let any_item: FieldPath = ANY_ITEM.parse()?;
        let segments = path.0.into_iter().map(|segment| match segment {
            Segment::Field(name) => Part::Field(name),
            item if any_item.0.contains(&item) => Part::AnyItem,
            item => Part::Exactly(item),
        });
        Ok(Self {
            text: text.to_owned(),
            segments: segments.collect(),
        })
    }
}

/// The pattern as a plain path, wildcards written as names; what is quoted is left alone.
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

impl std::fmt::Display for PathPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl PathPattern {
    /// Whether `path` is covered: it matches, or lies below something that does.
    pub fn covers(&self, path: &FieldPath) -> bool {
        self.segments.len() <= path.0.len()
            && self
                .segments
                .iter()
                .zip(&path.0)
                .all(|(part, segment)| part.matches(segment))
    }
}

impl Part {
    fn matches(&self, segment: &Segment) -> bool {
        match (self, segment) {
            (Self::Field(pattern), Segment::Field(name)) => glob(pattern, name),
            (Self::AnyItem, Segment::Field(_)) | (Self::Field(_), _) => false,
            (Self::AnyItem, _) => true,
            (Self::Exactly(Segment::Key(wanted)), Segment::Key(keys)) => wanted
                .iter()
                .all(|(name, value)| keys.get(name) == Some(value)),
            (Self::Exactly(wanted), segment) => wanted == segment,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn covers(pattern: &str, path: &str) -> bool {
        let pattern: PathPattern = pattern.parse().unwrap();
        pattern.covers(&path.parse().unwrap())
    }

    #[test]
    fn patterns_cover_what_is_below() {
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
    fn errors_are_those_of_paths() {
        assert!("spec".parse::<PathPattern>().is_err());
    }
}
