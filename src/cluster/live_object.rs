//! A live object, kept as the text that the live side sent.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use crate::model::ResourceKey;

/// A live object.
///
/// It holds its JSON text rather than a tree of values, because the tree takes many times the
/// memory of the text (every small map in `managedFields` costs a tree node): whoever compares an
/// object builds its tree, and drops it before the next one.
#[derive(Clone)]
pub struct LiveObject {
    /// Which object.
    pub key: ResourceKey,
    /// The version that it was read at.
    pub api_version: String,
    text: Text,
}

/// A piece of a text that several objects share: a dump, or one object's own copy.
#[derive(Clone)]
struct Text {
    whole: Arc<String>,
    piece: Range<usize>,
}

/// A live object whose text cannot become values: nested too deeply, or with a number out of
/// range. The message holds no word of the object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the live object cannot be read: {0}")]
pub struct Unreadable(String);

impl LiveObject {
    /// An object from its own JSON text.
    pub fn new(key: ResourceKey, api_version: impl Into<String>, json: impl Into<String>) -> Self {
        let whole = Arc::new(json.into());
        let piece = 0..whole.len();
        Self::shared(key, api_version, whole, piece)
    }

    /// An object that is a piece of a longer text.
    ///
    /// A `piece` outside of the text, or across a character, reads as an error later.
    pub fn shared(
        key: ResourceKey,
        api_version: impl Into<String>,
        whole: Arc<String>,
        piece: Range<usize>,
    ) -> Self {
        Self {
            key,
            api_version: api_version.into(),
            text: Text { whole, piece },
        }
    }

    /// An object from its values.
    pub fn from_value(key: ResourceKey, api_version: impl Into<String>, value: &Value) -> Self {
        Self::new(key, api_version, value.to_string())
    }

    /// The JSON text as it was sent. Items of a list that an API server sent have no
    /// `apiVersion` and `kind` of their own.
    pub fn json(&self) -> &str {
        let Text { whole, piece } = &self.text;
        whole.get(piece.clone()).unwrap_or_default()
    }

    /// Builds the whole object, with its `apiVersion` and `kind`. Of an extra object there may be
    /// the metadata only.
    ///
    /// # Errors
    /// When the text is nested too deeply to be built (127 levels, far beyond what an API server
    /// stores), or is no JSON object.
    pub fn value(&self) -> Result<Value, Unreadable> {
        let mut value: Value =
            serde_json::from_str(self.json()).map_err(|error| Unreadable(error.to_string()))?;
        let Value::Object(fields) = &mut value else {
            return Err(Unreadable("it is no JSON object".to_owned()));
        };
        for (name, text) in [("apiVersion", &self.api_version), ("kind", &self.key.kind)] {
            if !fields.contains_key(name) {
                fields.insert(name.to_owned(), Value::String(text.clone()));
            }
        }
        Ok(value)
    }
}

/// Shows no content: it may be a Secret's.
impl fmt::Debug for LiveObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveObject")
            .field("key", &self.key)
            .field("api_version", &self.api_version)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ResourceKey {
        ResourceKey::new("", "Secret", Some("shop".to_owned()), "token")
    }

    #[test]
    fn list_items_get_the_kind_that_the_server_leaves_out() {
        let object = LiveObject::new(key(), "v1", r#"{"metadata":{"name":"token"}}"#);
        let value = object.value().unwrap();
        assert_eq!(value["kind"], "Secret");
        assert_eq!(value["apiVersion"], "v1");
    }

    #[test]
    fn debug_output_and_errors_hold_no_content() {
        let deep = format!("{{\"data\":{}{}}}", "[".repeat(500), "]".repeat(500));
        let object = LiveObject::new(key(), "v1", deep);
        let error = object.value().unwrap_err().to_string();
        assert!(error.contains("recursion limit"), "{error}");
        let object = LiveObject::new(key(), "v1", r#"{"data":"canary"}"#);
        assert!(!format!("{object:?}").contains("canary"));
    }
}
