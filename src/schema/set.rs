//! A set of types, and the kinds that they describe.

use std::collections::HashMap;

use super::table::SchemaTable;
use super::types::{Type, TypeId};

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

impl SchemaTable {
    /// Returns the schema that uses the table.
    pub fn schema(&'static self) -> Schema {
        Schema {
            table: Some(self),
            ..Schema::default()
        }
    }
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
