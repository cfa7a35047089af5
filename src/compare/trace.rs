//! Records what a comparison sees, for `driftctl explain`.
//!
//! The same walk decides and records, so an explanation shows what was decided. Without a trace,
//! nothing is recorded.

use serde_json::Value;

use super::visit::{VisitedPath, form, type_name};
use super::walk::Walker;
use crate::model::{DefaultFrom, Equality, ValueType};
use crate::schema::{Field, TypeId};

impl Walker<'_> {
    /// Records the type at the current path.
    pub(super) fn record_type(&mut self, ty: Option<TypeId>) {
        let is_seen = |trace: &Vec<VisitedPath>| trace.last().is_some_and(|v| v.path == self.path);
        if self.trace.as_ref().is_none_or(is_seen) {
            return;
        }
        let schema = self.subject.schema;
        let visit = VisitedPath {
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

    /// Records the current field, and its server default.
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
        self.record_type(ty);
        if let Some(visit) = self.last_visit() {
            visit.default = default.map(|value| (value, from));
        }
    }

    /// Records how the items of a list without a schema are identified.
    pub(super) fn see_form(&mut self, form: ValueType) {
        if let Some(visit) = self.last_visit() {
            visit.form = form;
        }
    }

    /// Records that both sides mean the same here.
    pub(super) fn see_equal(
        &mut self,
        ty: Option<TypeId>,
        how: Equality,
        declared: Option<&Value>,
        live: Option<&Value>,
    ) {
        self.record_type(ty);
        if let Some(visit) = self.last_visit() {
            visit.equal = Some((how, declared.cloned(), live.cloned()));
        }
    }

    /// Records that a live value means the same as an absent field.
    pub(super) fn see_nothing(
        &mut self,
        name: &str,
        ty: Option<TypeId>,
        how: Equality,
        live: &Value,
    ) {
        if self.trace.is_some() {
            self.enter_field(name, false);
            self.see_equal(ty, how, None, Some(live));
            self.leave(false);
        }
    }

    fn last_visit(&mut self) -> Option<&mut VisitedPath> {
        self.trace.as_mut()?.last_mut()
    }

    /// Returns how many paths were recorded.
    pub(super) fn recorded_count(&self) -> usize {
        self.trace.as_ref().map_or(0, Vec::len)
    }

    /// Forgets all records after the first `count` paths: the decision was made above them.
    pub(super) fn forget_after(&mut self, seen: usize) {
        if let Some(trace) = &mut self.trace {
            trace.truncate(seen);
        }
    }
}
