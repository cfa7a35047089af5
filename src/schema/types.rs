//! The shape of a schema.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

/// A type within its [`Schema`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub u32);

/// A set of types that refer to one another, and the kinds among them.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// Every type; a [`TypeId`] is an index into it.
    pub types: Vec<Type>,
    /// The type of each kind, by `apiVersion` and `kind`.
    pub kinds: HashMap<(String, String), TypeId>,
}

/// What is known about the values of one type.
#[derive(Debug, Clone)]
pub enum Type {
    /// Nothing is known: values are compared as they are, lists are matched by what their items
    /// show (`name`, `key` or `id` when unique).
    Any,
    /// A single value.
    Scalar(Scalar),
    /// An object with known fields.
    Struct {
        /// The fields by name.
        fields: BTreeMap<Box<str>, Field>,
        /// `x-kubernetes-map-type: atomic`: written and owned as a whole.
        atomic: bool,
        /// `x-kubernetes-preserve-unknown-fields`, or a type that keeps fields it does not know.
        open: bool,
        /// `x-kubernetes-embedded-resource`: it has `apiVersion`, `kind` and `metadata` of its
        /// own, of whatever kind it says.
        embedded: bool,
    },
    /// An object with arbitrary keys (`additionalProperties`).
    Map {
        /// The type of the values.
        value: TypeId,
        /// Written and owned as a whole.
        atomic: bool,
    },
    /// A list.
    List {
        /// The type of the items.
        item: TypeId,
        /// How items are told apart.
        kind: ListKind,
    },
}

/// How the items of a list are told apart (`x-kubernetes-list-type`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListKind {
    /// They are not: the list is one value, and its order matters.
    Atomic,
    /// By their value; order does not matter.
    Set,
    /// By these fields of theirs; order does not matter.
    Map(Vec<Box<str>>),
}

/// The meaning of a single value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scalar {
    /// Text, compared byte by byte.
    String,
    /// A boolean.
    Boolean,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// `resource.Quantity`: `1000m` is `1`.
    Quantity,
    /// `intstr.IntOrString`: `80` and `"80"` differ in type and not in meaning only where the API
    /// says so; compared by value.
    IntOrString,
    /// `metav1.Duration`: `60s` is `1m0s`.
    Duration,
    /// `metav1.Time` and `metav1.MicroTime`: compared as instants.
    Time,
    /// Base64; line breaks in it mean nothing.
    Bytes,
}

/// What the server makes of a declared zero value (`false`, `0`, `""`, `[]`, `{}`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Zero {
    /// Stored, and different from absent (a pointer in Go, and every field of custom resources).
    #[default]
    Pointer,
    /// Not stored: a declared zero equals absent.
    ZeroAbsent,
    /// An empty list or map is not stored.
    EmptyAbsent,
    /// Stored even when nobody declared it.
    Always,
    /// A struct, stored as `{}` even when nobody declared it.
    Struct,
}

/// A field of a struct.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its type.
    pub ty: TypeId,
    /// What becomes of its zero value.
    pub zero: Zero,
    /// The value that the server gives it when it is absent, whatever its neighbours are.
    pub default: Option<Value>,
    /// Whether an explicit `null` is stored.
    pub nullable: bool,
}

impl Schema {
    /// A type by its id.
    pub fn get(&self, id: TypeId) -> &Type {
        static ANY: Type = Type::Any;
        self.types.get(id.0 as usize).unwrap_or(&ANY)
    }

    /// The type of a kind at a version.
    pub fn kind(&self, api_version: &str, kind: &str) -> Option<TypeId> {
        self.kinds
            .get(&(api_version.to_owned(), kind.to_owned()))
            .copied()
    }
}
