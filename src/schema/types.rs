//! The structure of a schema.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::table::SchemaTable;

/// A type within its [`Schema`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub u32);

/// A set of types that refer to each other, and the kinds that they describe.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// The table with the first types, if there is one.
    pub(super) table: Option<&'static SchemaTable>,
    /// The types other than those of the table; a [`TypeId`] is an index into both.
    pub types: Vec<Type>,
    /// The name of each of these types; shorter than `types` if the last ones have none.
    pub names: Vec<Box<str>>,
    /// The type of each kind by `apiVersion` and `kind`, except for those of the table.
    pub kinds: HashMap<(String, String), TypeId>,
}

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
        fields: BTreeMap<Box<str>, Field>,
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

/// The meaning of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScalarType {
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
    /// `intstr.IntOrString`: text is the name of a port or a percentage, so `80` and `"80"` differ.
    /// The server refuses `"80"` in built-in types.
    IntOrString,
    /// `metav1.Duration`: `60s` is `1m0s`.
    Duration,
    /// `metav1.Time` and `metav1.MicroTime`: compared as instants.
    Time,
    /// Base64; line breaks in it have no meaning.
    Bytes,
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

impl Schema {
    /// Returns a type by its ID.
    pub fn get(&self, id: TypeId) -> &Type {
        static ANY: Type = Type::Any;
        let index = id.0 as usize;
        match self.table {
            Some(table) if index < table.len() => table.get(index),
            Some(table) => self.types.get(index - table.len()).unwrap_or(&ANY),
            None => self.types.get(index).unwrap_or(&ANY),
        }
    }

    /// Returns how many types there are.
    fn len(&self) -> usize {
        self.table.map_or(0, SchemaTable::len) + self.types.len()
    }

    /// Returns the type with a name. If several types differ only in whether they are atomic,
    /// returns one of them.
    pub fn named(&self, name: &str) -> Option<TypeId> {
        let in_table = self.table.and_then(|table| table.named(name));
        in_table.or_else(|| {
            let index = self.names.iter().position(|known| &**known == name)?;
            let of_table = self.table.map_or(0, SchemaTable::len);
            Some(TypeId(u32::try_from(of_table + index).ok()?))
        })
    }

    /// Returns the name of a type, such as `core.v1.Container`; empty for lists, maps and scalars.
    ///
    /// Names are those of OpenAPI without the Go package path: `apps.v1.Deployment` for
    /// `io.k8s.api.apps.v1.Deployment`, `meta.v1.ObjectMeta`, `apiextensions.v1.JSONSchemaProps`.
    pub fn name(&self, id: TypeId) -> &str {
        let index = id.0 as usize;
        let index = match self.table {
            Some(table) if index < table.len() => return table.name(index),
            Some(table) => index - table.len(),
            None => index,
        };
        self.names.get(index).map_or("", |name| name)
    }

    /// Adds a type.
    pub fn push(&mut self, name: &str, ty: Type) -> TypeId {
        // An ID past the end means `Any`, so a schema that is too large stays safe to use.
        let id = TypeId(u32::try_from(self.len()).unwrap_or(u32::MAX));
        self.types.push(ty);
        self.names.push(name.into());
        id
    }

    /// Adds the types and kinds of another schema, which has no table. If both have a kind, the
    /// other's type is used.
    pub fn merge(&mut self, other: Schema) {
        let offset = u32::try_from(self.len()).unwrap_or(u32::MAX);
        let moved = |id: TypeId| TypeId(id.0.saturating_add(offset));
        self.names.extend(other.names);
        self.types.extend(other.types.into_iter().map(|mut ty| {
            ty.for_each_reference(|id| *id = moved(*id));
            ty
        }));
        self.kinds
            .extend(other.kinds.into_iter().map(|(kind, id)| (kind, moved(id))));
    }

    /// Copies a type of another schema, with every type that it refers to.
    pub fn import(&mut self, other: &Schema, id: TypeId) -> TypeId {
        let mut copies = HashMap::new();
        let mut pending = vec![id];
        while let Some(id) = pending.pop() {
            if copies.contains_key(&id) {
                continue;
            }
            let mut ty = other.get(id).clone();
            ty.for_each_reference(|id| pending.push(*id));
            copies.insert(id, self.push(other.name(id), ty));
        }
        for copy in copies.values() {
            let of_table = self.table.map_or(0, SchemaTable::len);
            let index = (copy.0 as usize).checked_sub(of_table);
            if let Some(ty) = index.and_then(|index| self.types.get_mut(index)) {
                ty.for_each_reference(|id| *id = copies[id]);
            }
        }
        copies[&id]
    }

    /// Returns the type of a kind at a version.
    pub fn kind(&self, api_version: &str, kind: &str) -> Option<TypeId> {
        let own = match self.kinds.is_empty() {
            true => None,
            false => self.kinds.get(&(api_version.to_owned(), kind.to_owned())),
        };
        let in_table = || self.table?.kind(api_version, kind);
        own.copied().or_else(in_table)
    }
}

impl Type {
    /// Visits the ID of every type that this one refers to.
    pub fn for_each_reference(&mut self, mut visit: impl FnMut(&mut TypeId)) {
        match self {
            Self::Any | Self::Scalar(_) => {}
            Self::Struct { fields, .. } => {
                fields.values_mut().for_each(|field| visit(&mut field.ty));
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
        self.drops(declared) || is_kept && super::is_zero(declared)
    }

    /// Returns whether the server drops this declared value, so that declaring it means the same as
    /// omitting the field.
    pub fn drops(&self, declared: &Value) -> bool {
        match self.zero {
            Zero::ZeroAbsent => super::is_zero(declared),
            Zero::EmptyAbsent => super::is_empty(declared),
            Zero::Pointer | Zero::Always | Zero::Struct => declared.is_null() && !self.nullable,
        }
    }
}
