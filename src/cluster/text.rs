//! Reads JSON text no further than needed: finds objects as ranges of the text, and in each object
//! only its identity.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::snapshot::SNAPSHOT;

use crate::yaml::skim::{Skim, text_of};

/// The outermost level of a document. Everything below it stays text.
#[derive(Debug, Default)]
pub(super) struct DocumentEnvelope<'t> {
    /// `apiVersion`.
    pub api_version: Option<Cow<'t, str>>,
    /// `kind`.
    pub kind: Option<Cow<'t, str>>,
    /// `metadata.continue` of a list that has further pages.
    pub next_page: Option<String>,
    /// `items`, if it is a list.
    pub items: Option<Vec<&'t RawValue>>,
    /// `driftctl`: the notes of a snapshot.
    pub notes: Option<&'t RawValue>,
}

/// The fields of a document that are read.
const FIELDS: [&str; 5] = ["apiVersion", "kind", "metadata", "items", SNAPSHOT];

/// The fields that identify an object.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ObjectIdentity<'t> {
    /// `apiVersion`; `None` for items of typed lists.
    pub api_version: Option<Cow<'t, str>>,
    /// `kind`; `None` for items of typed lists.
    pub kind: Option<Cow<'t, str>>,
    /// `metadata.namespace`, unless empty.
    pub namespace: Option<Cow<'t, str>>,
    /// `metadata.name`.
    pub name: Option<Cow<'t, str>>,
}

impl<'de> Deserialize<'de> for DocumentEnvelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EnvelopeVisitor;

        impl<'de> Visitor<'de> for EnvelopeVisitor {
            type Value = DocumentEnvelope<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut envelope = DocumentEnvelope::default();
                let mut seen = [false; FIELDS.len()];
                while let Some(Chars(key)) = map.next_key()? {
                    // Parsers differ in which of two fields with the same name they use.
                    if let Some(at) = FIELDS.iter().position(|field| *field == key)
                        && std::mem::replace(&mut seen[at], true)
                    {
                        return Err(de::Error::duplicate_field(FIELDS[at]));
                    }
                    match &*key {
                        "apiVersion" => envelope.api_version = map.next_value::<Lenient>()?.0,
                        "kind" => envelope.kind = map.next_value::<Lenient>()?.0,
                        "metadata" => {
                            let metadata: TextMetadata = map.next_value()?;
                            envelope.next_page = metadata
                                .next_page
                                .map(Cow::into_owned)
                                .filter(|token| !token.is_empty());
                        }
                        SNAPSHOT => envelope.notes = Some(map.next_value()?),
                        "items" => envelope.items = map.next_value::<Items>()?.0,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(envelope)
            }
        }

        deserializer.deserialize_map(EnvelopeVisitor)
    }
}

/// Reads the identity of an object, and stops as soon as it is complete.
///
/// The text must have been checked to be JSON: text after the identity is not read. If a part of
/// the identity is malformed, the result is incomplete, which the caller can see.
pub(super) fn identity(piece: &str) -> ObjectIdentity<'_> {
    let mut identity = ObjectIdentity::default();
    let mut wanted = 3;
    let _ = Skim::of(piece).fields(|skim, name| {
        match name {
            "apiVersion" => identity.api_version = text_of(skim.value()?),
            "kind" => identity.kind = text_of(skim.value()?),
            "metadata" if skim.is_at_object() => skim.fields(|skim, name| {
                match name {
                    "name" => identity.name = text_of(skim.value()?),
                    // Servers write them last, and they are the larger part.
                    "managedFields" if wanted == 1 && identity.name.is_some() => return None,
                    "namespace" => {
                        let namespace = text_of(skim.value()?);
                        identity.namespace = namespace.filter(|name| !name.is_empty());
                    }
                    _ => {
                        skim.value()?;
                    }
                }
                Some(())
            })?,
            "metadata" => {
                skim.value()?;
            }
            _ => {
                skim.value()?;
                return Some(());
            }
        }
        wanted -= 1;
        (wanted > 0).then_some(())
    });
    identity
}

/// The part of a list's metadata that tells whether the list continues.
#[derive(Default)]
struct TextMetadata<'t> {
    next_page: Option<Cow<'t, str>>,
}

impl<'de> Deserialize<'de> for TextMetadata<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MetadataVisitor;

        impl<'de> Visitor<'de> for MetadataVisitor {
            type Value = TextMetadata<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("metadata")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut metadata = TextMetadata::default();
                while let Some(Chars(key)) = map.next_key()? {
                    match &*key {
                        "continue" => metadata.next_page = map.next_value::<Lenient>()?.0,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(metadata)
            }

            fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(TextMetadata::default())
            }
        }

        deserializer.deserialize_any(MetadataVisitor)
    }
}

/// A string, borrowed if it has no escapes.
struct Chars<'t>(Cow<'t, str>);

impl<'de> Deserialize<'de> for Chars<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CharsVisitor;

        impl<'de> Visitor<'de> for CharsVisitor {
            type Value = Chars<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Chars(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Chars(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(CharsVisitor)
    }
}

/// A string; any other value counts as absent, so that one malformed field does not make the whole
/// text unreadable.
struct Lenient<'t>(Option<Cow<'t, str>>);

impl<'de> Deserialize<'de> for Lenient<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let text = serde_json::from_str::<Chars>(raw.get()).ok();
        Ok(Self(text.map(|Chars(text)| text)))
    }
}

/// The items of a list as ranges of the text; `None` if it is not a list.
struct Items<'t>(Option<Vec<&'t RawValue>>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemsVisitor;

        impl<'de> Visitor<'de> for ItemsVisitor {
            type Value = Items<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of objects")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element::<&RawValue>()? {
                    items.push(item);
                }
                Ok(Items(Some(items)))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Items(None))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
                // Go writes `null` for a nil slice.
                Ok(Items(Some(Vec::new())))
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Items(None))
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Items(None))
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Items(None))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Items(None))
            }

            fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
                Ok(Items(None))
            }
        }

        deserializer.deserialize_any(ItemsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_identity_in_any_order_and_no_further() {
        let expected = ObjectIdentity {
            api_version: Some("v1".into()),
            kind: Some("ConfigMap".into()),
            namespace: Some("shop".into()),
            name: Some("a".into()),
        };
        let sorted = r#"{"apiVersion":"v1","data":{"kind":"no"},"kind":"ConfigMap","metadata":{"namespace":"shop","name":"a"},"#;
        assert_eq!(identity(sorted), expected);
        let served = r#"{"metadata":{"managedFields":[{"name":"no"}],"name":"a","namespace":"shop"},"kind":"ConfigMap","apiVersion":"v1"}"#;
        assert_eq!(identity(served), expected);
    }

    #[test]
    fn text_that_is_not_an_object_has_no_identity() {
        for text in [
            "null",
            "3",
            "[]",
            "{}",
            r#"{"metadata":null}"#,
            r#"{"metadata":{"name":3}}"#,
        ] {
            assert_eq!(identity(text), ObjectIdentity::default(), "{text}");
        }
    }

    #[test]
    fn reads_an_escaped_name() {
        let text = r#"{"metadata":{"name":"a\u0062"}}"#;
        assert_eq!(identity(text).name.as_deref(), Some("ab"));
    }

    #[test]
    fn splits_a_list_without_parsing_its_items() {
        let text = r#"{"kind":"ConfigMapList","metadata":{"continue":"token"},"items":[{"a":[1]}, 2 ],"apiVersion":"v1"}"#;
        let list: DocumentEnvelope = serde_json::from_str(text).unwrap();
        let items: Vec<_> = list.items.unwrap().iter().map(|item| item.get()).collect();
        assert_eq!(items, [r#"{"a":[1]}"#, "2"]);
        assert_eq!(list.next_page.as_deref(), Some("token"));
        for none in [
            r#"{"items":{}}"#,
            r#"{"items":3}"#,
            r#"{"items":"x"}"#,
            "{}",
        ] {
            let envelope: DocumentEnvelope = serde_json::from_str(none).unwrap();
            assert!(envelope.items.is_none(), "{none}");
        }
    }
}
