//! The structure of a schema.

use serde_json::Value;

use super::scalar::{ScalarType, is_empty, is_zero};
use crate::model::NameMap;

/// A type within its [`Schema`](super::Schema).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub u32);

/// The structure of the values of one type.
#[derive(Debug, Clone)]
pub enum Type {
    /// Unknown: values are compared as written, and lists are matched by a field of their items
    /// (`name`, `key` or `id` if unique).
    Any,
    /// A single value.
    Scalar(ScalarType),
    /// An object with known fields.
    Struct {
        /// The fields by name.
        fields: NameMap<Field>,
        /// `x-kubernetes-map-type: atomic`: written and owned as a whole.
        atomic: bool,
        /// `x-kubernetes-preserve-unknown-fields`, or a type that keeps unknown fields.
        open: bool,
        /// `x-kubernetes-embedded-resource`: it has its own `apiVersion`, `kind` and `metadata`, of
        /// any kind.
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
        /// How items are identified.
        kind: ListKind,
    },
}

/// How the items of a list are identified (`x-kubernetes-list-type`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListKind {
    /// Items have no identity: the list is one value, and its order matters.
    Atomic,
    /// Items are identified by their value; their order does not matter.
    Set,
    /// Items are identified by these fields; their order does not matter.
    Map(Vec<Box<str>>),
}

/// The server's treatment of a declared zero value (`false`, `0`, `""`, `[]`, `{}`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Zero {
    /// Stored, and different from absent (a pointer in Go, and every field of custom resources).
    #[default]
    Pointer,
    /// Not stored: a declared zero value means the same as absent.
    ZeroAbsent,
    /// An empty list or map is not stored.
    EmptyAbsent,
    /// Stored even if not declared.
    Always,
    /// A struct, stored as `{}` even if not declared.
    Struct,
}

/// A field of a struct.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its type.
    pub ty: TypeId,
    /// What the server does with its zero value.
    pub zero: Zero,
    /// The server's default if the field is absent, whatever its siblings are.
    pub default: Option<Value>,
    /// Whether an explicit `null` is stored.
    pub nullable: bool,
}

impl Type {
    /// Visits the ID of every type that this one refers to.
    pub fn for_each_reference(&mut self, mut visit: impl FnMut(&mut TypeId)) {
        match self {
            Self::Any | Self::Scalar(_) => {}
            Self::Struct { fields, .. } => {
                fields
                    .iter_mut()
                    .for_each(|(_, field)| visit(&mut field.ty));
            }
            Self::Map { value, .. } => visit(value),
            Self::List { item, .. } => visit(item),
        }
    }
}

impl Field {
    /// Returns whether the server replaces this declared value by the default: its defaulting
    /// cannot distinguish an unset field from a zero value, unless the field is a pointer.
    pub fn yields_to_default(&self, declared: &Value) -> bool {
        let is_kept = matches!(self.zero, Zero::Always | Zero::Struct);
        self.drops(declared) || is_kept && is_zero(declared)
    }

    /// Returns whether the server drops this declared value, so that declaring it means the same as
    /// omitting the field.
    pub fn drops(&self, declared: &Value) -> bool {
        match self.zero {
            Zero::ZeroAbsent => is_zero(declared),
            Zero::EmptyAbsent => is_empty(declared),
            Zero::Pointer | Zero::Always | Zero::Struct => declared.is_null() && !self.nullable,
        }
    }
}
