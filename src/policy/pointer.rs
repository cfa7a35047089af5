//! JSON Pointers (RFC 6901), as in Argo CD's `jsonPointers`.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::model::{FieldPath, PathElement};

/// A JSON Pointer to a part of an object.
///
/// ```
/// use driftctl::policy::PointerPattern;
/// let pointer: PointerPattern = "/metadata/labels/example.com~1team".parse().unwrap();
/// let mut object = serde_json::json!({"metadata": {"labels": {"example.com/team": "a"}}});
/// assert!(pointer.remove(&mut object));
/// assert_eq!(object, serde_json::json!({"metadata": {"labels": {}}}));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointerPattern(Vec<String>);

/// Why a text is not a JSON Pointer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// The text does not begin with a slash.
    #[error("a JSON Pointer must begin with '/'")]
    NoSlash,
    /// A tilde is not followed by 0 or 1.
    #[error("in a JSON Pointer, write '~' as '~0', and '/' within a name as '~1'")]
    Escape,
}

impl FromStr for PointerPattern {
    type Err = PointerError;

    /// Parses a pointer. The empty text is the whole object.
    fn from_str(text: &str) -> Result<Self, PointerError> {
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let parts = text.strip_prefix('/').ok_or(PointerError::NoSlash)?;
        parts
            .split('/')
            .map(|part| {
                let rest = part.replace("~0", "").replace("~1", "");
                match rest.contains('~') {
                    true => Err(PointerError::Escape),
                    false => Ok(part.replace("~1", "/").replace("~0", "~")),
                }
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// Builds a pointer from unescaped names and indexes.
impl From<Vec<String>> for PointerPattern {
    fn from(parts: Vec<String>) -> Self {
        Self(parts)
    }
}

impl fmt::Display for PointerPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|part| write!(f, "/{}", part.replace('~', "~0").replace('/', "~1")))
    }
}

impl PointerPattern {
    /// Removes the value at the pointer, like the `remove` operation of a JSON Patch; returns
    /// whether anything was removed.
    ///
    /// The whole object is emptied instead of removed, which is the meaning of the empty pointer in
    /// Flux.
    pub fn remove(&self, object: &mut Value) -> bool {
        let Some((last, parents)) = self.0.split_last() else {
            *object = Value::Null;
            return true;
        };
        let parent = parents.iter().try_fold(object, |node, part| match node {
            Value::Object(fields) => fields.get_mut(part),
            Value::Array(items) => items.get_mut(index(part)?),
            _ => None,
        });
        match parent {
            Some(Value::Object(fields)) => fields.remove(last).is_some(),
            Some(Value::Array(items)) => match index(last).filter(|at| *at < items.len()) {
                Some(at) => {
                    items.remove(at);
                    true
                }
                None => false,
            },
            _ => false,
        }
    }

    /// Returns the same place as a path, if the pointer has no list index: an index may mean
    /// different items in different objects.
    pub fn path(&self) -> Option<FieldPath> {
        let segments = self.0.iter().map(|part| match index(part) {
            Some(_) => None,
            None => Some(PathElement::Field(part.clone())),
        });
        segments.collect::<Option<_>>().map(FieldPath)
    }
}

/// Parses a list index (RFC 6901, section 4: digits without leading zeros).
fn index(part: &str) -> Option<usize> {
    let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let canonical = digits && (part == "0" || !part.starts_with('0'));
    canonical.then(|| part.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn after(pointer: &str, mut object: Value) -> Value {
        let pointer: PointerPattern = pointer.parse().unwrap();
        assert_eq!(pointer.to_string().parse(), Ok(pointer.clone()));
        pointer.remove(&mut object);
        object
    }

    #[test]
    fn removes_like_json_patch() {
        let table = [
            ("/a", json!({"a": 1, "b": 2}), json!({"b": 2})),
            ("/a/b", json!({"a": {"b": 1}}), json!({"a": {}})),
            ("/a/b", json!({"a": 1}), json!({"a": 1})),
            ("/a/b", json!({}), json!({})),
            ("/a~1b", json!({"a/b": 1}), json!({})),
            ("/a~0b", json!({"a~b": 1}), json!({})),
            ("/a~01", json!({"a~1": 1, "a/": 2}), json!({"a/": 2})),
            ("/x/0", json!({"x": [1, 2]}), json!({"x": [2]})),
            ("/x/2", json!({"x": [1, 2]}), json!({"x": [1, 2]})),
            ("/x/00", json!({"x": [1, 2]}), json!({"x": [1, 2]})),
            ("/x/-", json!({"x": [1, 2]}), json!({"x": [1, 2]})),
            ("/x/*", json!({"x": [1, 2]}), json!({"x": [1, 2]})),
            ("/x/1/y", json!({"x": [0, {"y": 1}]}), json!({"x": [0, {}]})),
            ("/404", json!({"404": 1}), json!({})),
            ("/", json!({"": 1, "a": 2}), json!({"a": 2})),
            ("", json!({"a": 1}), Value::Null),
        ];
        for (pointer, object, expected) in table {
            assert_eq!(after(pointer, object), expected, "{pointer}");
        }
    }

    #[test]
    fn removing_an_item_shifts_the_items_after_it() {
        let first: PointerPattern = "/x/0".parse().unwrap();
        let mut object = json!({"x": [1, 2, 3]});
        first.remove(&mut object);
        first.remove(&mut object);
        assert_eq!(object, json!({"x": [3]}));
    }

    #[test]
    fn rejects_text_that_is_not_a_pointer() {
        assert_eq!("spec".parse::<PointerPattern>(), Err(PointerError::NoSlash));
        assert_eq!("/a~b".parse::<PointerPattern>(), Err(PointerError::Escape));
        assert_eq!("/a~2b".parse::<PointerPattern>(), Err(PointerError::Escape));
        assert_eq!("/a~".parse::<PointerPattern>(), Err(PointerError::Escape));
    }

    #[test]
    fn pointers_with_indexes_have_no_path() {
        let path = |text: &str| text.parse::<PointerPattern>().unwrap().path();
        assert_eq!(
            path("/spec/replicas").unwrap().to_string(),
            ".spec.replicas"
        );
        assert_eq!(path("/spec/containers/0/image"), None);
    }
}
