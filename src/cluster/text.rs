//! Reads JSON no further than needed: the objects in text as pieces of it, and in each piece only
//! what identifies it.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::snapshot::SNAPSHOT;

use crate::yaml::skim::{Skim, text_of};

/// A document on its outermost level. Everything below stays text.
#[derive(Debug, Default)]
pub(super) struct Envelope<'t> {
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

/// The fields of a document that count.
const FIELDS: [&str; 5] = ["apiVersion", "kind", "metadata", "items", SNAPSHOT];

/// What identifies an object.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Identity<'t> {
    /// `apiVersion`; items of typed lists have none.
    pub api_version: Option<Cow<'t, str>>,
    /// `kind`; the same.
    pub kind: Option<Cow<'t, str>>,
    /// `metadata.namespace`, when it is not empty.
    pub namespace: Option<Cow<'t, str>>,
    /// `metadata.name`.
    pub name: Option<Cow<'t, str>>,
}

impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EnvelopeVisitor;

        impl<'de> Visitor<'de> for EnvelopeVisitor {
            type Value = Envelope<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut envelope = Envelope::default();
                let mut seen = [false; FIELDS.len()];
                while let Some(Chars(key)) = map.next_key()? {
                    // Readers differ in which of two fields with the same name they use.
                    if let Some(at) = FIELDS.iter().position(|field| *field == key)
                        && std::mem::replace(&mut seen[at], true)
                    {
                        return Err(de::Error::duplicate_field(FIELDS[at]));
                    }
                    match &*key {
                        "apiVersion" => envelope.api_version = map.next_value::<Lenient>()?.0,
                        "kind" => envelope.kind = map.next_value::<Lenient>()?.0,
                        "metadata" => {
                            let metadata: Metadata = map.next_value()?;
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
/// The piece must have been read as JSON before: what follows the identity is not looked at. What is
/// broken within the identity leaves it incomplete, which the caller sees.
pub(super) fn identity(piece: &str) -> Identity<'_> {
    let mut identity = Identity::default();
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

/// List metadata, as far as the list continues.
#[derive(Default)]
struct Metadata<'t> {
    next_page: Option<Cow<'t, str>>,
}

impl<'de> Deserialize<'de> for Metadata<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MetadataVisitor;

        impl<'de> Visitor<'de> for MetadataVisitor {
            type Value = Metadata<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("metadata")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut metadata = Metadata::default();
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
                Ok(Metadata::default())
            }
        }

        deserializer.deserialize_any(MetadataVisitor)
    }
}

/// Borrowed where the text has no escapes.
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

/// Text if it is text; anything else counts as absent, so that one odd field of one object does not
/// make the text around it unreadable.
struct Lenient<'t>(Option<Cow<'t, str>>);

impl<'de> Deserialize<'de> for Lenient<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let text = serde_json::from_str::<Chars>(raw.get()).ok();
        Ok(Self(text.map(|Chars(text)| text)))
    }
}

/// The items of a list as pieces of text; `None` for anything other than a list.
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
                // Go writes `null` for a list that nothing was appended to.
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
    fn identity_is_read_in_any_order_and_no_further() {
        let expected = Identity {
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
    fn what_is_no_object_has_no_identity() {
        for text in [
            "null",
            "3",
            "[]",
            "{}",
            r#"{"metadata":null}"#,
            r#"{"metadata":{"name":3}}"#,
        ] {
            assert_eq!(identity(text), Identity::default(), "{text}");
        }
    }

    #[test]
    fn an_escaped_name_is_read() {
        let text = r#"{"metadata":{"name":"a\u0062"}}"#;
        assert_eq!(identity(text).name.as_deref(), Some("ab"));
    }

    #[test]
    fn a_list_is_taken_apart_without_looking_into_its_items() {
        let text = r#"{"kind":"ConfigMapList","metadata":{"continue":"token"},"items":[{"a":[1]}, 2 ],"apiVersion":"v1"}"#;
        let list: Envelope = serde_json::from_str(text).unwrap();
        let items: Vec<_> = list.items.unwrap().iter().map(|item| item.get()).collect();
        assert_eq!(items, [r#"{"a":[1]}"#, "2"]);
        assert_eq!(list.next_page.as_deref(), Some("token"));
        for none in [
            r#"{"items":{}}"#,
            r#"{"items":3}"#,
            r#"{"items":"x"}"#,
            "{}",
        ] {
            let envelope: Envelope = serde_json::from_str(none).unwrap();
            assert!(envelope.items.is_none(), "{none}");
        }
    }
}
