//! Describes a path of an object, for `driftctl explain`.

use serde_json::Value;

use crate::model::{DefaultFrom, Equal, FieldPath, Form, Owner, PathElement, Step};
use crate::schema::{self, ListKind, Scalar, Schema, Type, TypeId};

/// A path that the walk visited.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The path.
    pub path: FieldPath,
    /// The steps to it in the manifest, or to its deepest declared ancestor.
    pub at: Vec<Step>,
    /// How its values are compared.
    pub form: Form,
    /// The name of its type.
    pub type_name: String,
    /// The server's default for the field.
    pub default: Option<(Value, DefaultFrom)>,
    /// All of its owners.
    pub owners: Vec<Owner>,
    /// Both values, and why they mean the same; `None` if that was not decided at this path.
    pub equal: Option<(Equal, Option<Value>, Option<Value>)>,
}

/// Returns why two values of a type mean the same.
pub(super) fn how_equal(ty: &Type, declared: &Value, live: &Value) -> Equal {
    match ty {
        _ if declared == live => Equal::Same,
        _ if declared.is_null() => Equal::NullIsZero,
        Type::Scalar(Scalar::Quantity) => Equal::Quantity,
        Type::Scalar(Scalar::IntOrString) => Equal::IntOrString,
        Type::Scalar(Scalar::Duration) => Equal::Duration,
        Type::Scalar(Scalar::Time) => Equal::Time,
        Type::Scalar(Scalar::Bytes) => Equal::Bytes,
        _ => Equal::Number,
    }
}

/// Returns what the schema knows about a path that neither side has: how it is compared, the name
/// of its type, and its default. Returns `None` if the schema has no such path.
pub fn known_by_type(
    schema: &Schema,
    root: Option<TypeId>,
    path: &FieldPath,
) -> Option<(Form, String, Option<Value>)> {
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
        Some(Type::Struct { fields, .. }) => fields.keys().map(|name| &**name).collect(),
        _ => Vec::new(),
    }
}

/// Returns how values of a type are compared.
pub(super) fn form(schema: &Schema, ty: Option<TypeId>) -> Form {
    match ty.map_or(&Type::Any, |ty| schema.get(ty)) {
        Type::Any => Form::Untyped,
        Type::Scalar(scalar) => Form::Single(schema::word_of(*scalar)),
        Type::Struct { atomic, open, .. } => Form::Struct {
            atomic: *atomic,
            open: *open,
        },
        Type::Map { atomic, .. } => Form::Map { atomic: *atomic },
        Type::List { kind, .. } => match kind {
            ListKind::Atomic => Form::Atomic,
            ListKind::Set => Form::Set,
            ListKind::Map(keys) => Form::ListMap(keys.iter().map(ToString::to_string).collect()),
        },
    }
}

/// Returns the name of a type, without the suffix of types with their own defaults.
pub(super) fn type_name(schema: &Schema, ty: Option<TypeId>) -> String {
    let name = ty.map_or("", |ty| schema.name(ty));
    name.split('@').next().unwrap_or_default().to_owned()
}
