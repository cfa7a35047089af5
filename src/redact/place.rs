//! Decides what is secret at a place within an object.

use serde_json::{Map, Value};

use super::names::{NameClass, is_about, is_reference};
use super::text;
use crate::facts::BUILT_IN_GROUPS;
use crate::model::PathElement;

/// How secret a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SecrecyLevel {
    /// Shown, except for secrets within its text.
    Shown,
    /// Below a sensitive name: strings and numbers are masked, fields about the secret (the `name`
    /// of a reference, its `mountPath`) are shown.
    Named,
    /// Masked as a whole.
    Masked,
}

/// A place within an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MaskContext {
    pub(super) level: SecrecyLevel,
    /// Whether people chose the names of the fields here, so that names are meaningful: the data of
    /// a ConfigMap, annotations, custom resources. The fields of built-in types are known: a
    /// `secretName` or `automountServiceAccountToken` there is not a secret.
    free: bool,
    /// Whether a `secretKey` here is the name of a key, according to its type.
    names_keys: bool,
    /// Further facts about the values here.
    known: PlaceFacts,
}

/// Facts about the values at a place that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PlaceFacts {
    /// Nothing.
    Nothing,
    /// Headers such as `Authorization`, or settings such as `auth`, with this name.
    Header(&'static str),
    /// They may be counts.
    Count,
    /// They may be copies of whole objects.
    Copy,
    /// Base64 of unknown content.
    Binary,
    /// Base64 of a key store.
    KeyStore,
}

/// Groups whose `secretKey` is the name of a key (`ExternalSecret.spec.data[].secretKey`).
const KEY_NAMING_GROUPS: &[&str] = &["external-secrets.io"];

/// Maps of built-in types with keys that people choose.
const FREE_MAPS: &[&str] = &[
    "annotations",
    "labels",
    "data",
    "binaryData",
    "parameters",
    "volumeAttributes",
    "options",
];

/// Annotations in which tools keep a copy of the whole object, including a Secret's values.
const OBJECT_COPIES: &[&str] = &[
    "kubectl.kubernetes.io/last-applied-configuration",
    "kapp.k14s.io/original",
    "objectset.rio.cattle.io/applied",
    "banzaicloud.com/last-applied",
    "kopf.zalando.org/last-handled-configuration",
];

/// Parts of names, in reduced form, of annotations in which other tools keep such copies.
const COPY_PARTS: &[&str] = &[
    "lastapplied",
    "lasthandled",
    "lastsuccessful",
    "originaldiff",
    "originalmanifest",
    "originalconfig",
    "originalobject",
    "previousconfig",
];

/// Ends of names of files that contain private keys in binary form.
const KEY_STORES: &[&str] = &[
    ".p12",
    ".pfx",
    ".jks",
    ".jceks",
    ".keystore",
    ".bcfks",
    ".kdb",
];

/// The fields of a well-formed Secret that are shown (`core/v1.Secret`).
const SECRET_SHOWN: &[&str] = &["apiVersion", "kind", "type", "immutable", "metadata"];

/// Returns whether this is the annotation that no report shows, on any kind.
pub(super) fn is_object_copy(name: &str) -> bool {
    OBJECT_COPIES.contains(&name)
}

/// Returns whether the name of an annotation means that it contains a copy of an object.
fn may_be_copy(name: &str) -> bool {
    let squeezed: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    name.ends_with("/original") || COPY_PARTS.iter().any(|part| squeezed.contains(part))
}

/// Returns whether a value is a Secret, or was meant to be one. Decided from its fields before any
/// typing, so that a malformed one is recognized too.
fn is_secret_object(fields: &Map<String, Value>) -> bool {
    fields
        .get("kind")
        .and_then(Value::as_str)
        .is_some_and(is_secret_kind)
}

/// Returns whether one side of a place is a Secret.
pub(super) fn has_secret(sides: PlaceSides<'_>) -> bool {
    let mut objects = sides.into_iter().flatten().filter_map(Value::as_object);
    objects.any(is_secret_object)
}

/// Returns whether a kind is Secret, in any group or spelling.
pub(super) fn is_secret_kind(kind: &str) -> bool {
    let kind = kind.trim();
    kind.eq_ignore_ascii_case("secret") || kind.eq_ignore_ascii_case("secrets")
}

/// Returns whether a Secret is well-formed: known fields, and maps of strings with valid keys. A
/// malformed one may have its values anywhere, and is masked as a whole.
fn is_well_formed(secret: &Map<String, Value>) -> bool {
    secret.iter().all(|(name, value)| match name.as_str() {
        "data" | "stringData" => is_text_map(value),
        "metadata" => value.is_object(),
        "immutable" => value.is_boolean() || value.is_null(),
        name => SECRET_SHOWN.contains(&name) && (value.is_string() || value.is_null()),
    })
}

/// Returns whether it is a map of strings with valid keys for a Secret, or absent.
pub(super) fn is_text_map(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map
            .iter()
            .all(|(key, value)| is_data_key(key) && (value.is_string() || value.is_null())),
        _ => false,
    }
}

/// Returns whether a name matches `[-._a-zA-Z0-9]+`, with at most 253 characters
/// (`k8s.io/apimachinery validation.IsConfigMapKey`).
pub(super) fn is_data_key(key: &str) -> bool {
    (1..=253).contains(&key.len())
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

/// Both sides of the value at a place.
pub(super) type PlaceSides<'v> = [Option<&'v Value>; 2];

/// Facts about the values below a place, derived from the values at it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ParentFacts {
    /// It is a Secret (embedded in a list, a template, a custom resource).
    secret: Option<SecretShape>,
    /// Its `name` or `key` marks its `value` as secret.
    names_secret: bool,
}

/// Worse ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum SecretShape {
    WellFormed,
    Malformed,
}

impl ParentFacts {
    /// Checks the values of a place.
    pub(super) fn of(sides: PlaceSides<'_>) -> Self {
        Self::of_fields(sides.into_iter().flatten().filter_map(Value::as_object))
    }

    /// Checks the objects of a place.
    pub(super) fn of_fields<'m>(
        sides: impl IntoIterator<Item = &'m Map<String, Value>> + Clone,
    ) -> Self {
        let objects = || sides.clone().into_iter();
        let secret = objects().any(is_secret_object).then(|| {
            if objects().all(is_well_formed) {
                SecretShape::WellFormed
            } else {
                SecretShape::Malformed
            }
        });
        let names_secret = objects().any(|fields| {
            ["name", "key", "Name", "Key"]
                .iter()
                .filter_map(|field| fields.get(*field)?.as_str())
                .any(names_secret)
        });
        Self {
            secret,
            names_secret,
        }
    }
}

fn names_secret(name: &str) -> bool {
    let class = NameClass::of(name);
    class.sensitive || class.header
}

impl MaskContext {
    /// Returns the root of an object in a group.
    pub(super) fn root(group: &str) -> Self {
        Self {
            level: SecrecyLevel::Shown,
            free: !BUILT_IN_GROUPS.contains(&group),
            names_keys: KEY_NAMING_GROUPS.contains(&group),
            known: PlaceFacts::Nothing,
        }
    }

    /// Returns this place, masked whatever it contains.
    pub(super) fn masked(self) -> Self {
        Self {
            level: SecrecyLevel::Masked,
            ..self
        }
    }

    /// Returns the place of a field of what `holder` describes.
    pub(super) fn field(self, holder: ParentFacts, name: &str) -> Self {
        let free = self.free || FREE_MAPS.contains(&name);
        let at = |level| Self {
            level,
            free,
            known: PlaceFacts::Nothing,
            ..self
        };
        // Names of fields are encoded values there: `f:…` of a map, `v:…` of a set.
        if self.level == SecrecyLevel::Masked || is_object_copy(name) || name == "managedFields" {
            return at(SecrecyLevel::Masked);
        }
        match holder.secret {
            Some(SecretShape::WellFormed) if SECRET_SHOWN.contains(&name) => {}
            Some(SecretShape::Malformed) if matches!(name, "apiVersion" | "kind") => {}
            Some(_) => return at(SecrecyLevel::Masked),
            None => {}
        }
        if holder.names_secret && text::is_value_field(name) {
            return at(SecrecyLevel::Named);
        }
        let class = NameClass::of(name);
        let known = |known| Self {
            known,
            ..at(self.level)
        };
        match self.level {
            SecrecyLevel::Named if is_reference(name) || is_about(name) => at(SecrecyLevel::Shown),
            SecrecyLevel::Named => at(SecrecyLevel::Named),
            _ if !self.free => match name {
                "binaryData" => known(PlaceFacts::Binary),
                _ => at(SecrecyLevel::Shown),
            },
            _ if self.names_keys && name == "secretKey" => at(SecrecyLevel::Shown),
            _ if class.sensitive && class.count => Self {
                known: PlaceFacts::Count,
                ..at(SecrecyLevel::Named)
            },
            _ if class.sensitive => at(SecrecyLevel::Named),
            _ if class.header => known(PlaceFacts::Header(text::header_name(name))),
            _ if may_be_copy(name) => known(PlaceFacts::Copy),
            _ if self.known == PlaceFacts::Binary => {
                let store = KEY_STORES.iter().any(|end| name.ends_with(end));
                known(if store {
                    PlaceFacts::KeyStore
                } else {
                    PlaceFacts::Binary
                })
            }
            _ if name == "binaryData" => known(PlaceFacts::Binary),
            _ => at(SecrecyLevel::Shown),
        }
    }

    /// Returns the place one path element further.
    pub(super) fn step(self, holder: ParentFacts, segment: &PathElement) -> Self {
        match segment {
            PathElement::Field(name) => self.field(holder, name),
            PathElement::Key(_) | PathElement::Value(_) | PathElement::Index(_) => self,
        }
    }

    /// Returns whether a scalar here is masked.
    pub(super) fn hides(self, value: &Value) -> bool {
        let count = self.known == PlaceFacts::Count;
        match (self.level, self.known) {
            (SecrecyLevel::Masked, _) => true,
            (SecrecyLevel::Named, _) => match value {
                Value::String(text) => !text::is_no_secret(text, count),
                Value::Number(_) => !count,
                _ => false,
            },
            (SecrecyLevel::Shown, PlaceFacts::Nothing | PlaceFacts::Count) => false,
            (SecrecyLevel::Shown, known) => value.as_str().is_some_and(|text| match known {
                PlaceFacts::Header(name) => text::is_header_value(name, text),
                PlaceFacts::Copy => text.contains(['{', '\n']) || text.starts_with("H4sI"),
                PlaceFacts::Binary => text::is_binary_secret(text),
                PlaceFacts::KeyStore => true,
                PlaceFacts::Nothing | PlaceFacts::Count => false,
            }),
        }
    }
}

/// Returns the holder that a path's list key describes: `env[name="DB_PASSWORD"]`.
pub(super) fn holder_of_key(segment: &PathElement) -> ParentFacts {
    let names_secret = match segment {
        PathElement::Key(keys) => ["name", "key"]
            .iter()
            .filter_map(|field| keys.get(*field)?.as_str())
            .any(names_secret),
        _ => false,
    };
    ParentFacts {
        secret: None,
        names_secret,
    }
}

impl ParentFacts {
    /// Returns what an object's own kind says, whatever its value looks like.
    pub(super) fn of_kind(kind: &str, views: PlaceSides<'_>) -> Self {
        let well_formed = views
            .into_iter()
            .flatten()
            .all(|view| view.as_object().is_some_and(is_well_formed));
        let shape = if well_formed {
            SecretShape::WellFormed
        } else {
            SecretShape::Malformed
        };
        Self {
            secret: is_secret_kind(kind).then_some(shape),
            names_secret: false,
        }
    }

    /// Returns an unknown list item: its `value` may be anything.
    pub(super) fn unknown_item() -> Self {
        Self {
            secret: None,
            names_secret: true,
        }
    }

    /// Returns whether it is a Secret.
    pub(super) fn is_secret(self) -> bool {
        self.secret.is_some()
    }

    /// Returns whether it is a well-formed Secret.
    pub(super) fn is_well_formed_secret(self) -> bool {
        matches!(self.secret, Some(SecretShape::WellFormed))
    }

    /// Returns what either of two views of the same place says; the worse if they differ.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            secret: self.secret.max(other.secret),
            names_secret: self.names_secret || other.names_secret,
        }
    }
}
