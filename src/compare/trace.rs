//! What a comparison sees on its way, written down for whoever asks why.
//!
//! The walk that decides is the one that writes: what is told about a path is what was decided
//! there, and nobody works it out a second time. Without a reader nothing is written.

use serde_json::Value;

use super::walk::Walker;
use crate::model::{DefaultFrom, Equal, FieldPath, Form, Owner, Step};
use crate::schema::{self, Field, ListKind, Scalar, Schema, Type, TypeId};

/// A place that the walk came to.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The place.
    pub path: FieldPath,
    /// The way to it in the manifest, or to its deepest declared ancestor.
    pub at: Vec<Step>,
    /// How it is compared.
    pub form: Form,
    /// The name of its type.
    pub type_name: String,
    /// What the server gives it when nobody sets it.
    pub default: Option<(Value, DefaultFrom)>,
    /// Everybody who holds it.
    pub owners: Vec<Owner>,
    /// What both sides are, and why they mean the same; `None` where that was not decided here.
    pub equal: Option<(Equal, Option<Value>, Option<Value>)>,
}

impl Walker<'_> {
    /// Notes that the walk stands at a value of this type.
    pub(super) fn see(&mut self, ty: Option<TypeId>) {
        let is_seen = |trace: &Vec<Visit>| trace.last().is_some_and(|v| v.path == self.path);
        if self.trace.as_ref().is_none_or(is_seen) {
            return;
        }
        let schema = self.subject.schema;
        let visit = Visit {
            path: self.path.clone(),
            at: self.at.clone(),
            form: form(schema, ty),
            type_name: type_name(schema, ty),
            default: None,
            owners: self.owners().into_iter().cloned().collect(),
            equal: None,
        };
        self.trace.get_or_insert_default().push(visit);
    }

    /// Notes that the walk stands at a field, and what the server gives it when nobody sets it.
    pub(super) fn see_field(
        &mut self,
        ty: Option<TypeId>,
        field: Option<&Field>,
        default: impl FnOnce(&Self) -> Option<Value>,
    ) {
        if self.trace.is_none() {
            return;
        }
        let default = default(self);
        let from = match field.and_then(|field| field.default.as_ref()) {
            Some(_) => DefaultFrom::Type,
            None => DefaultFrom::Neighbours,
        };
        self.see(ty);
        if let Some(visit) = self.last_visit() {
            visit.default = default.map(|value| (value, from));
        }
    }

    /// Notes how the items of a list without a schema are told apart.
    pub(super) fn see_form(&mut self, form: Form) {
        if let Some(visit) = self.last_visit() {
            visit.form = form;
        }
    }

    /// Notes that both sides mean the same here.
    pub(super) fn see_equal(
        &mut self,
        ty: Option<TypeId>,
        how: Equal,
        declared: Option<&Value>,
        live: Option<&Value>,
    ) {
        self.see(ty);
        if let Some(visit) = self.last_visit() {
            visit.equal = Some((how, declared.cloned(), live.cloned()));
        }
    }

    /// Notes that a field is live and says what its absence does.
    pub(super) fn see_nothing(&mut self, name: &str, ty: Option<TypeId>, how: Equal, live: &Value) {
        if self.trace.is_some() {
            self.enter_field(name, false);
            self.see_equal(ty, how, None, Some(live));
            self.leave(false);
        }
    }

    fn last_visit(&mut self) -> Option<&mut Visit> {
        self.trace.as_mut()?.last_mut()
    }

    /// How many places were noted so far.
    pub(super) fn seen(&self) -> usize {
        self.trace.as_ref().map_or(0, Vec::len)
    }

    /// Forgets what was noted after the first `seen` places: it was decided above them.
    pub(super) fn unsee(&mut self, seen: usize) {
        if let Some(trace) = &mut self.trace {
            trace.truncate(seen);
        }
    }
}

/// Why two values that mean the same do so.
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

/// What the schema knows of a path that is on neither side: its form, the name of its type and its
/// default. `None` where the schema does not lead there.
pub fn known_by_type(
    schema: &Schema,
    root: Option<TypeId>,
    path: &FieldPath,
) -> Option<(Form, String, Option<Value>)> {
    use crate::model::Segment;
    let mut ty = root?;
    let mut default = None;
    for segment in &path.0 {
        default = None;
        ty = match (schema.get(ty), segment) {
            (Type::Struct { fields, .. }, Segment::Field(name)) => {
                let field = fields.get(name.as_str())?;
                default.clone_from(&field.default);
                field.ty
            }
            (Type::Map { value, .. }, Segment::Field(_)) => *value,
            (Type::List { item, .. }, Segment::Key(_) | Segment::Value(_) | Segment::Index(_)) => {
                *item
            }
            _ => return None,
        };
    }
    let ty = Some(ty);
    Some((form(schema, ty), type_name(schema, ty), default))
}

fn form(schema: &Schema, ty: Option<TypeId>) -> Form {
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

/// The name of a type, without the mark of the place where it has defaults of its own.
fn type_name(schema: &Schema, ty: Option<TypeId>) -> String {
    let name = ty.map_or("", |ty| schema.name(ty));
    name.split('@').next().unwrap_or_default().to_owned()
}
