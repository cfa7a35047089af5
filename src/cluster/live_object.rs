//! A live object, kept as the JSON text that was received.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::de::DeserializeSeed as _;
use serde_json::{Map, Value};

use super::unique_keys::UniqueKeys;
use crate::model::{Ownership, ResourceKey};
use crate::ownership::{ownership_in, ownership_of};
use crate::yaml::skim::Skim;

/// A live object.
///
/// It keeps JSON text instead of a tree of values, which would take many times the memory: every
/// small map in `managedFields` costs a tree node. A comparison builds the tree of one object at a
/// time, and drops it.
#[derive(Clone)]
pub struct LiveObject {
    /// The object's key.
    pub key: ResourceKey,
    /// The version that it was read at.
    pub api_version: String,
    text: SharedText,
    is_partial: bool,
}

/// A slice of text that several objects may share: a recording, or an object's own text.
#[derive(Clone)]
struct SharedText {
    whole: Arc<String>,
    piece: Range<usize>,
}

/// Why the text of a live object cannot be parsed: it is nested too deeply, or has a number out of
/// range. The message does not quote the object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the live object: {0}")]
pub struct Unreadable(String);

impl LiveObject {
    /// Returns an object from its own JSON text.
    pub fn new(key: ResourceKey, api_version: impl Into<String>, json: impl Into<String>) -> Self {
        let whole = Arc::new(json.into());
        let piece = 0..whole.len();
        Self::shared(key, api_version, whole, piece)
    }

    /// Returns an object that is a part of a longer text.
    ///
    /// A `piece` outside the text, or within a character, is an error when the object is read.
    pub fn shared(
        key: ResourceKey,
        api_version: impl Into<String>,
        whole: Arc<String>,
        piece: Range<usize>,
    ) -> Self {
        Self {
            key,
            api_version: api_version.into(),
            text: SharedText { whole, piece },
            is_partial: false,
        }
    }

    /// Returns an object of which only the metadata was read.
    pub fn metadata_only(
        key: ResourceKey,
        api_version: impl Into<String>,
        json: impl Into<String>,
    ) -> Self {
        Self {
            is_partial: true,
            ..Self::new(key, api_version, json)
        }
    }

    /// Returns whether only the metadata of the object was read.
    pub fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// Returns an object with this value.
    pub fn from_value(key: ResourceKey, api_version: impl Into<String>, value: &Value) -> Self {
        Self::new(key, api_version, value.to_string())
    }

    /// Returns the JSON text as it was received. Items of a list from an API server have no
    /// `apiVersion` and `kind` of their own.
    pub fn json(&self) -> &str {
        let SharedText { whole, piece } = &self.text;
        whole.get(piece.clone()).unwrap_or_default()
    }

    /// Returns whether the object may have this field, label or annotation: whether its name is in
    /// the text, or may be there with escapes. Where thousands of objects are searched for a rare
    /// one, building them all takes longer than reading them from the cluster.
    pub fn may_mention(&self, name: &str) -> bool {
        let text = self.json().as_bytes();
        let has = |what: &str| memchr::memmem::find(text, what.as_bytes()).is_some();
        has(name) || has("\\u")
    }

    /// Builds the whole object, with its `apiVersion` and `kind`. An extra object may have only its
    /// metadata.
    ///
    /// # Errors
    /// Fails if the text is nested too deeply (more than 127 levels, which no API server stores),
    /// has a key twice in an object, or is not a JSON object.
    pub fn value(&self) -> Result<Value, Unreadable> {
        if let Some(value) = self.tree() {
            return Ok(value);
        }
        // The parser of serde_json says what is wrong.
        let mut text = serde_json::Deserializer::from_str(self.json());
        let parsed = UniqueKeys.deserialize(&mut text);
        let parsed = parsed.and_then(|value| text.end().map(|()| value));
        let mut value = parsed.map_err(|error| Unreadable(error.to_string()))?;
        let Value::Object(fields) = &mut value else {
            return Err(Unreadable("it is not a JSON object".to_owned()));
        };
        self.give_type(fields);
        Ok(value)
    }

    /// Builds the whole object; `None` if its text is unusual.
    fn tree(&self) -> Option<Value> {
        let mut text = Skim::of(self.json());
        let Value::Object(mut fields) = text.tree()? else {
            return None;
        };
        self.give_type(&mut fields);
        text.is_at_end().then_some(Value::Object(fields))
    }

    /// Parses the object without its managed fields, which are often the larger part, and returns
    /// the field owners in them.
    ///
    /// # Errors
    /// Fails like [`LiveObject::value`].
    pub fn value_and_owners(&self) -> Result<(Value, Ownership), Unreadable> {
        if let Some(read) = self.split() {
            return Ok(read);
        }
        let value = self.value()?;
        let owners = ownership_of(&value);
        Ok((value, owners))
    }

    /// Parses the object and its owners separately; `None` if the text is not in the form that an
    /// API server writes: with a key twice, or with unusual managed fields.
    fn split(&self) -> Option<(Value, Ownership)> {
        let mut text = Skim::of(self.json());
        let mut fields = Map::new();
        let mut metadata = None;
        text.fields(|text, name| {
            if name == "metadata" {
                return metadata
                    .replace(split_metadata(text)?)
                    .is_none()
                    .then_some(());
            }
            let is_first = fields.insert(name.to_owned(), text.tree()?).is_none();
            is_first.then_some(())
        })?;
        let owners = metadata.map(|(metadata, owners)| {
            fields.insert("metadata".to_owned(), Value::Object(metadata));
            owners
        });
        self.give_type(&mut fields);
        let owners = owners.unwrap_or_default();
        text.is_at_end().then_some((Value::Object(fields), owners))
    }

    /// Adds the type, which items of a list from an API server do not have.
    fn give_type(&self, fields: &mut Map<String, Value>) {
        for (name, text) in [("apiVersion", &self.api_version), ("kind", &self.key.kind)] {
            if !fields.contains_key(name) {
                fields.insert(name.to_owned(), Value::String(text.clone()));
            }
        }
    }
}

/// Parses the metadata of an object without the managed fields, and the owners in them.
fn split_metadata(text: &mut Skim<'_>) -> Option<(Map<String, Value>, Ownership)> {
    let mut fields = Map::new();
    let mut owners = None;
    text.fields(|text, name| {
        let is_first = match name {
            "managedFields" => owners.replace(ownership_in(text)?).is_none(),
            _ => fields.insert(name.to_owned(), text.tree()?).is_none(),
        };
        is_first.then_some(())
    })?;
    Some((fields, owners.unwrap_or_default()))
}

/// Hides the content, which may be a Secret's.
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
    fn adds_the_kind_that_list_items_omit() {
        let object = LiveObject::new(key(), "v1", r#"{"metadata":{"name":"token"}}"#);
        let value = object.value().unwrap();
        assert_eq!(value["kind"], "Secret");
        assert_eq!(value["apiVersion"], "v1");
    }

    #[test]
    fn value_and_owners_omits_managed_fields() {
        for json in [
            r#"{"a":[1,{"b":null}],"metadata":{"name":"x","managedFields":[{"manager":"m",
                "operation":"Update","fieldsV1":{"f:a":{}}}],"labels":{"b":"c"}},"kind":"Secret"}"#,
            r#"{"metadata":{"managedFields":[]}}"#,
            r#"{"metadata":{"managedFields":null}}"#,
            r#"{"metadata":{"managedFields":[1]}}"#,
            r#"{"metadata":null}"#,
            r#"{"data":{}}"#,
        ] {
            let object = LiveObject::new(key(), "v1", json);
            let mut value = object.value().unwrap();
            let owners = ownership_of(&value);
            let (split, of_split) = object.value_and_owners().unwrap();
            if split.pointer("/metadata/managedFields").is_none()
                && let Some(Value::Object(metadata)) = value.pointer_mut("/metadata")
            {
                metadata.remove("managedFields");
            }
            assert_eq!(split, value, "{json}");
            let names = |owners: &Ownership| -> Vec<_> {
                owners
                    .entries
                    .iter()
                    .map(|e| (e.owner.clone(), (*e.fields).clone()))
                    .collect()
            };
            assert_eq!(names(&of_split), names(&owners), "{json}");
        }
        for json in ["", "{", "[]", "{}x"] {
            assert!(
                LiveObject::new(key(), "v1", json)
                    .value_and_owners()
                    .is_err()
            );
        }
    }

    #[test]
    fn a_name_is_searched_for_in_the_text() {
        let object = |json| LiveObject::new(key(), "v1", json);
        assert!(object(r#"{"metadata":{"ownerReferences":[]}}"#).may_mention("ownerReferences"));
        assert!(!object(r#"{"metadata":{"labels":{}}}"#).may_mention("ownerReferences"));
        let escaped = object(r#"{"metadata":{"\u006fwnerReferences":[]}}"#);
        assert!(escaped.may_mention("ownerReferences"));
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

    #[test]
    fn a_key_that_occurs_twice_is_an_error_wherever_it_is() {
        for text in [
            r#"{"metadata":{},"data":{"k":"a"},"data":{"k":"b"}}"#,
            r#"{"metadata":{},"data":{"k":"a","k":"b"}}"#,
            r#"{"metadata":{"labels":{"k":"a","k":"b"}}}"#,
            r#"{"metadata":{"name":"a","name":"b"}}"#,
            r#"{"metadata":{"managedFields":[]},"metadata":{"name":"x"}}"#,
            r#"{"metadata":{},"spec":[{"k":1,"\u006b":2}]}"#,
        ] {
            let object = LiveObject::new(key(), "v1", text);
            assert!(object.value().is_err(), "{text}");
            assert!(object.value_and_owners().is_err(), "{text}");
        }
    }
}
