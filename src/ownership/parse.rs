//! Parses `metadata.managedFields` into [`Ownership`].

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::model::{
    FieldPath, FieldSet, ManagerEntry, Operation, OwnedFields, Owner, Ownership, PathElement,
    TextForm,
};
use crate::yaml::skim::{Skim, text_of};

/// Parses the managed fields of a live object.
///
/// Entries that cannot be parsed are left out: the object is still compared, with some owners
/// unknown. The result is empty if the object has no managed fields, which `kubectl get -o yaml`
/// omits.
pub fn ownership_of(live: &Value) -> Ownership {
    let entries = live
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    Ownership {
        entries: entries.iter().filter_map(entry).collect(),
    }
}

fn entry(value: &Value) -> Option<ManagerEntry> {
    let text = |name: &str| {
        let text = value.get(name)?.as_str()?;
        (!text.is_empty()).then(|| text.to_owned())
    };
    let operation = operation(value.get("operation")?.as_str()?)?;
    let fields = value.get("fieldsV1").filter(|fields| fields.is_object())?;
    Some(ManagerEntry {
        owner: Owner {
            manager: text("manager").unwrap_or_default(),
            operation,
            subresource: text("subresource"),
            time: text("time"),
            user: None,
        },
        fields: FieldsLevel.deserialize(fields).unwrap_or_default().into(),
    })
}

fn operation(word: &str) -> Option<Operation> {
    match word {
        "Apply" => Some(Operation::Apply),
        "Update" => Some(Operation::Update),
        _ => None,
    }
}

/// Reads an object's `managedFields` from JSON text as [`ownership_of`] reads the values, but
/// parses the field sets only when first needed. Returns `None` if the text is not in the form that
/// an API server writes.
pub fn ownership_in(managed_fields: &mut Skim<'_>) -> Option<Ownership> {
    let mut entries = Vec::new();
    managed_fields.items(|skim| {
        entries.extend(RawEntry::read(skim)?.entry());
        Some(())
    })?;
    Some(Ownership { entries })
}

/// The parts of an entry, as text.
#[derive(Default)]
struct RawEntry<'t>([Option<&'t str>; 5]);

impl<'t> RawEntry<'t> {
    const PARTS: [&'static str; 5] = ["manager", "operation", "subresource", "time", "fieldsV1"];

    /// Reads an entry; returns `None` if it is not an object, or has a key twice.
    fn read(skim: &mut Skim<'t>) -> Option<Self> {
        let mut parts = [None; 5];
        skim.fields(|skim, name| {
            let value = skim.value()?;
            match Self::PARTS.iter().position(|part| *part == name) {
                Some(part) => parts[part].replace(value).is_none().then_some(()),
                None => Some(()),
            }
        })?;
        Some(Self(parts))
    }

    fn entry(self) -> Option<ManagerEntry> {
        let Self([manager, operation, subresource, time, fields]) = self;
        let read = |part: Option<&str>| text_of(part?).map(Cow::into_owned);
        let text = |part| read(part).filter(|text| !text.is_empty());
        let operation = self::operation(&text_of(operation?)?)?;
        let fields = fields.filter(|fields| fields.starts_with('{'))?;
        Some(ManagerEntry {
            owner: Owner {
                manager: text(manager).unwrap_or_default(),
                operation,
                subresource: text(subresource),
                time: text(time),
                user: None,
            },
            fields: OwnedFields::in_text(
                fields,
                TextForm {
                    read: field_set,
                    touches: touches_in_text,
                },
            ),
        })
    }
}

fn field_set(text: &str) -> FieldSet {
    let mut text = serde_json::Deserializer::from_str(text);
    FieldsLevel.deserialize(&mut text).unwrap_or_default()
}

/// Returns what [`FieldSet::touches`] returns for the set in a text, without parsing what is not on
/// the way; `None` if the text is not in the form that an API server writes.
fn touches_in_text(text: &str, path: &FieldPath, covering: usize) -> Option<bool> {
    let mut node = text;
    let mut in_item = false;
    for (depth, element) in path.0.iter().enumerate() {
        let mut is_member = true;
        let mut is_leaf = true;
        let mut next = None;
        let mut is_first = true;
        Skim::of(node).fields(|skim, key| {
            if std::mem::take(&mut is_first) {
                is_member = false;
            }
            let below = skim.value()?;
            if key == "." {
                is_member = true;
                return Some(());
            }
            let is_way = match (key.strip_prefix("f:"), element) {
                (Some(name), PathElement::Field(wanted)) => name == wanted,
                (Some(_), _) => false,
                (None, wanted) => {
                    let Some(found) = segment(key) else {
                        return Some(());
                    };
                    found == *wanted
                }
            };
            is_leaf = false;
            // A key that is there twice is not what a server writes.
            if is_way && next.replace(below).is_some() {
                return None;
            }
            Some(())
        })?;
        if is_member && is_leaf {
            return Some(in_item || depth >= covering);
        }
        in_item = matches!(element, PathElement::Key(_));
        match next {
            Some(below) if below.starts_with('{') => node = below,
            Some(_) => return None,
            None => return Some(false),
        }
    }
    Some(true)
}

/// Parses one level of `FieldsV1` (structured-merge-diff `fieldpath/serialize.go`). An empty node
/// is a member of the set; a node with children is one only if it contains `.`.
struct FieldsLevel;

impl<'de> DeserializeSeed<'de> for FieldsLevel {
    type Value = FieldSet;

    fn deserialize<D: Deserializer<'de>>(self, fields: D) -> Result<FieldSet, D::Error> {
        fields.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldsLevel {
    type Value = FieldSet;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fields")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut node: M) -> Result<FieldSet, M::Error> {
        let mut set = FieldSet {
            member: true,
            ..FieldSet::default()
        };
        let mut is_empty = true;
        while let Some(key) = node.next_key::<LevelKey>()? {
            if std::mem::take(&mut is_empty) {
                set.member = false;
            }
            let below = node.next_value_seed(Self)?;
            match key {
                LevelKey::Itself => set.member = true,
                LevelKey::Part(PathElement::Field(name)) => {
                    set.fields.insert(name, below);
                }
                LevelKey::Part(item) => {
                    set.items.insert(item, below);
                }
                LevelKey::Unknown => {}
            }
        }
        Ok(set)
    }

    // Anything else has nothing below it.

    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<FieldSet, S::Error> {
        while items.next_element::<Value>()?.is_some() {}
        Ok(FieldSet::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<FieldSet, E> {
        Ok(FieldSet::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<FieldSet, E> {
        Ok(FieldSet::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<FieldSet, E> {
        Ok(FieldSet::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<FieldSet, E> {
        Ok(FieldSet::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<FieldSet, E> {
        Ok(FieldSet::default())
    }

    fn visit_unit<E>(self) -> Result<FieldSet, E> {
        Ok(FieldSet::default())
    }
}

/// A key of a level.
enum LevelKey {
    /// `.`
    Itself,
    Part(PathElement),
    Unknown,
}

impl<'de> serde::Deserialize<'de> for LevelKey {
    fn deserialize<D: Deserializer<'de>>(key: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = LevelKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E>(self, key: &str) -> Result<LevelKey, E> {
                Ok(match key {
                    "." => LevelKey::Itself,
                    key => segment(key).map_or(LevelKey::Unknown, LevelKey::Part),
                })
            }
        }

        key.deserialize_str(Text)
    }
}

/// Parses one path element (structured-merge-diff `fieldpath/serialize-pe.go`).
fn segment(key: &str) -> Option<PathElement> {
    let (tag, rest) = key.split_once(':')?;
    match tag {
        "f" => Some(PathElement::Field(rest.to_owned())),
        "k" => match serde_json::from_str(rest).ok()? {
            Value::Object(keys) => Some(PathElement::Key(keys.into_iter().collect())),
            _ => None,
        },
        "v" => serde_json::from_str(rest).ok().map(PathElement::Value),
        "i" => rest.parse().ok().map(PathElement::Index),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const KEYS: [&str; 7] = [
        ".",
        "f:a",
        "f:b",
        "k:{\"name\":\"x\"}",
        "v:1",
        "i:0",
        "unknown",
    ];

    fn any_fields() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![9 => Just(json!({})), 1 => Just(json!(5))];
        leaf.prop_recursive(4, 32, 4, |below| {
            let key = proptest::sample::select(KEYS.to_vec());
            let fields = proptest::collection::vec((key, below), 0..4);
            fields.prop_map(|fields| {
                let fields = fields
                    .into_iter()
                    .map(|(key, below)| (key.to_owned(), below));
                Value::Object(fields.collect())
            })
        })
    }

    proptest! {
        #[test]
        fn a_path_is_found_in_text_as_in_the_parsed_set(
            fields in any_fields(),
            path in proptest::collection::vec(proptest::sample::select(KEYS[1..6].to_vec()), 0..5),
            covering in 0_usize..5,
        ) {
            let path = FieldPath(path.into_iter().filter_map(segment).collect());
            let text = fields.to_string();
            let expected = field_set(&text).touches(&path, covering);
            let found = touches_in_text(&text, &path, covering);
            prop_assert!(found.is_none_or(|found| found == expected), "{} {}", path, text);
            let form = TextForm { read: field_set, touches: touches_in_text };
            let in_text = OwnedFields::in_text(&text, form);
            for _ in 0..10 {
                prop_assert_eq!(in_text.touches(&path, covering), expected);
            }
        }
    }

    fn live() -> Value {
        json!({"metadata": {"managedFields": [
            {"manager": "kubectl-edit", "operation": "Update", "time": "2026-01-01T00:00:00Z",
             "fieldsType": "FieldsV1", "fieldsV1": {
                "f:metadata": {"f:finalizers": {".": {}, "v:\"hold\"": {}}},
                "f:spec": {
                    "f:selector": {},
                    "f:containers": {"k:{\"name\":\"app\"}": {".": {}, "f:image": {}}},
                    "f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {"f:name": {}}},
                },
             }},
            {"manager": "broken", "operation": "Frobnicate"},
            "not even an object",
        ]}})
    }

    fn owns(path: &str) -> bool {
        let path: FieldPath = path.parse().unwrap();
        let live = live();
        let is_owned = |ownership: Ownership| !ownership.owners_of(&path, 0).is_empty();
        let mut entries = live["metadata"]["managedFields"].clone();
        entries.as_array_mut().unwrap().pop();
        let in_text = is_owned(ownership_in(&mut Skim::of(&entries.to_string())).unwrap());
        assert_eq!(is_owned(ownership_of(&live)), in_text, "{path}");
        in_text
    }

    #[test]
    fn finds_every_kind_of_path_element() {
        assert!(owns(".spec.containers[name=\"app\"].image"));
        assert!(owns(".spec.containers[name=\"app\"]"));
        assert!(owns(".metadata.finalizers[=\"hold\"]"));
        assert!(owns(".spec.ports[port=80,protocol=\"TCP\"].name"));
        assert!(!owns(".spec.ports[port=80,protocol=\"UDP\"].name"));
        assert!(!owns(".spec.containers[name=\"app\"].command"));
    }

    #[test]
    fn a_leaf_covers_every_path_below_it() {
        assert!(owns(".spec.selector[\"app.kubernetes.io/name\"]"));
    }

    #[test]
    fn a_parent_is_touched_by_fields_below_it() {
        assert!(owns(".spec"));
        assert!(!owns(".data"));
    }

    #[test]
    fn reading_text_gives_the_same_result_as_reading_values() {
        for entry in [
            json!({"manager": "a", "operation": "Apply", "fieldsV1": {}}),
            json!({"manager": "", "operation": "Update", "time": "x", "fieldsV1": {"f:a": {}}}),
            json!({"manager": 1, "operation": "Update", "subresource": "scale", "fieldsV1": {}}),
            json!({"manager": null, "operation": "Update", "time": null, "fieldsV1": {"i:0": 5}}),
            json!({"operation": "Update", "fieldsV1": {".": {}, "k:{}": {}}, "other": []}),
            json!({"manager": "a", "operation": "Apply", "fieldsV1": []}),
            json!({"manager": "a", "operation": "Apply"}),
            json!({"manager": "a", "operation": 1, "fieldsV1": {}}),
            json!({"manager": "a", "fieldsV1": {}}),
        ] {
            let of_text = ownership_in(&mut Skim::of(&json!([entry]).to_string()))
                .unwrap()
                .entries;
            let of_value = ownership_of(&json!({"metadata": {"managedFields": [entry]}})).entries;
            let shown = |entries: &[ManagerEntry]| -> Vec<(Owner, FieldSet)> {
                let entries = entries.iter();
                entries
                    .map(|e| (e.owner.clone(), FieldSet::clone(&e.fields)))
                    .collect()
            };
            assert_eq!(shown(&of_text), shown(&of_value), "{entry}");
        }
        for text in ["3", "[3]", "{}", "[", r#"[{"manager":"a","manager":"b"}]"#] {
            assert!(ownership_in(&mut Skim::of(text)).is_none(), "{text}");
        }
    }

    #[test]
    fn malformed_entries_are_left_out() {
        assert_eq!(ownership_of(&live()).entries.len(), 1);
        assert!(ownership_of(&json!({"metadata": {"managedFields": 3}})).is_empty());
    }
}
