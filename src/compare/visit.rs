//! Describes a path of an object, for `driftctl explain`.

use serde_json::Value;

use crate::model::{DefaultFrom, Equality, FieldPath, ManifestStep, Owner, PathElement, ValueType};
use crate::schema::{self, ListKind, ScalarType, Schema, Type, TypeId};

/// A path that the walk visited.
#[derive(Debug, Clone)]
pub struct VisitedPath {
    /// The path.
    pub path: FieldPath,
    /// The steps to it in the manifest, or to its deepest declared ancestor.
    pub at: Vec<ManifestStep>,
    /// How its values are compared.
    pub form: ValueType,
    /// The name of its type.
    pub type_name: String,
    /// The server's default for the field.
    pub default: Option<(Value, DefaultFrom)>,
    /// All of its owners.
    pub owners: Vec<Owner>,
    /// Both values, and why they mean the same; `None` if that was not decided at this path.
    pub equal: Option<(Equality, Option<Value>, Option<Value>)>,
}

/// Returns why two values of a type mean the same.
pub(super) fn how_equal(ty: &Type, declared: &Value, live: &Value) -> Equality {
    match ty {
        _ if declared == live => Equality::Same,
        _ if declared.is_null() => Equality::NullIsZero,
        Type::Scalar(ScalarType::Quantity) => Equality::Quantity,
        Type::Scalar(ScalarType::IntOrString) => Equality::IntOrString,
        Type::Scalar(ScalarType::Duration) => Equality::Duration,
        Type::Scalar(ScalarType::Time) => Equality::Time,
        Type::Scalar(ScalarType::Bytes) => Equality::Bytes,
        _ => Equality::Number,
    }
}

/// Returns what the schema knows about a path that neither side has: how it is compared, the name
/// of its type, and its default. Returns `None` if the schema has no such path.
pub fn known_by_type(
    schema: &Schema,
    root: Option<TypeId>,
    path: &FieldPath,
) -> Option<(ValueType, String, Option<Value>)> {
    let mut ty = root?;
    let mut default = None;
    for segment in &path.0 {
        default = None;
        ty = match (schema.get(ty), segment) {
            (Type::Struct { fields, .. }, PathElement::Field(name)) => {
                let field = fields.get(name.as_str())?;
                default.clone_from(&field.default);
                field.ty
            }
            (Type::Map { value, .. }, PathElement::Field(_)) => *value,
            (
                Type::List { item, .. },
                PathElement::Key(_) | PathElement::Value(_) | PathElement::Index(_),
            ) => *item,
            _ => return None,
        };
    }
    let ty = Some(ty);
    Some((form(schema, ty), type_name(schema, ty), default))
}

/// Returns the names of the fields that the struct at a path has.
pub fn fields_by_type<'s>(
    schema: &'s Schema,
    root: Option<TypeId>,
    path: &FieldPath,
) -> Vec<&'s str> {
    let step = |ty: TypeId, segment: &PathElement| match (schema.get(ty), segment) {
        (Type::Struct { fields, .. }, PathElement::Field(name)) => {
            fields.get(name.as_str()).map(|field| field.ty)
        }
        (Type::Map { value, .. }, PathElement::Field(_)) => Some(*value),
        (Type::List { item, .. }, _) => Some(*item),
        _ => None,
    };
    let ty = root.and_then(|root| path.0.iter().try_fold(root, step));
    match ty.map(|ty| schema.get(ty)) {
        Some(Type::Struct { fields, .. }) => {
            let mut names: Vec<&str> = fields.keys().collect();
            names.sort_unstable();
            names
        }
        _ => Vec::new(),
    }
}

/// Returns how values of a type are compared.
pub(super) fn form(schema: &Schema, ty: Option<TypeId>) -> ValueType {
    match ty.map_or(&Type::Any, |ty| schema.get(ty)) {
        Type::Any => ValueType::Untyped,
        Type::Scalar(scalar) => ValueType::Single(schema::word_of(*scalar)),
        Type::Struct { atomic, open, .. } => ValueType::Struct {
            atomic: *atomic,
            open: *open,
        },
        Type::Map { atomic, .. } => ValueType::Map { atomic: *atomic },
        Type::List { kind, .. } => match kind {
            ListKind::Atomic => ValueType::Atomic,
            ListKind::Set => ValueType::Set,
            ListKind::Map(keys) => {
                ValueType::AssociativeList(keys.iter().map(ToString::to_string).collect())
            }
        },
    }
}

/// Returns the name of a type, without the suffix of types with their own defaults.
pub(super) fn type_name(schema: &Schema, ty: Option<TypeId>) -> String {
    let name = ty.map_or("", |ty| schema.name(ty));
    name.split('@').next().unwrap_or_default().to_owned()
}
