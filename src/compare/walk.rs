//! What the manifest declares, followed into the live object.

use serde_json::{Map, Value};

use super::list::{self, Pairs};
use super::{Finding, Keep, Reason, Subject};
use crate::model::{Cause, Change, ChangeKind, FieldPath, Owner, Segment, Step};
use crate::schema::{self, Field, ListKind, Scalar, Type, TypeId, Zero};

/// How undeclared paths are judged where the walk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ground {
    /// By their owners, among other things.
    Owned,
    /// Inside an atomic list, which has owners as a whole only.
    Atomic {
        /// Nobody but client-side apply owns the list and it sent what the manifest declares, so
        /// that whatever else is in it was filled in by the server.
        excused: bool,
    },
}

/// A walk over both sides of one object.
pub(super) struct Walker<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) path: FieldPath,
    pub(super) at: Vec<Step>,
    pub(super) ground: Ground,
    /// What the server fills into the map that the walk stands in.
    pub(super) map_default: Option<Value>,
    /// Whether it is only asked whether both sides mean the same: then nothing that would show
    /// how they differ is worked out.
    pub(super) only_asked: bool,
    pub(super) out: Vec<Finding>,
}

/// Walks over the whole object.
pub(super) fn walk(subject: &Subject<'_>) -> Vec<Finding> {
    let mut walker = Walker {
        subject,
        path: FieldPath::root(),
        at: Vec::new(),
        ground: Ground::Owned,
        map_default: None,
        only_asked: false,
        out: Vec::new(),
    };
    match (subject.declared, subject.live) {
        (Value::Object(declared), Value::Object(live)) => walker.root(declared, live),
        (declared, live) if declared == live => {}
        (declared, live) => walker.changed(declared, live),
    }
    walker.out
}

/// What identifies an object, and so is equal by construction.
fn is_identity(path: &FieldPath) -> bool {
    match path.0.as_slice() {
        [Segment::Field(field)] => matches!(field.as_str(), "apiVersion" | "kind"),
        [Segment::Field(parent), Segment::Field(field)] => {
            parent == "metadata" && matches!(field.as_str(), "name" | "namespace")
        }
        _ => false,
    }
}

/// Whether a live value says what its absence says: `null`, and an empty list or map where the
/// server stores none (a tool that takes out annotations may leave one behind).
pub(super) fn is_absent(field: Option<&Field>, value: &Value) -> bool {
    let is_empty = match value {
        Value::Null => return true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    is_empty && field.is_some_and(|field| matches!(field.zero, Zero::EmptyAbsent))
}

impl<'a> Walker<'a> {
    fn root(&mut self, declared: &Map<String, Value>, live: &Map<String, Value>) {
        let root = self.subject.root;
        self.fields(root, declared, live);
    }

    /// Compares one declared value with its live partner.
    pub(super) fn value(&mut self, ty: Option<TypeId>, declared: &Value, live: &Value) {
        let schema = self.subject.schema;
        let known = ty.map_or(&Type::Any, |ty| schema.get(ty));
        match (known, declared, live) {
            (Type::List { item, kind }, Value::Array(declared), Value::Array(live)) => {
                self.list(*item, kind, declared, live);
            }
            (Type::Any, Value::Array(declared), Value::Array(live)) => {
                self.untyped_list(declared, live);
            }
            (_, Value::Object(declared), Value::Object(live)) => self.fields(ty, declared, live),
            (Type::Scalar(scalar), declared, live) => {
                if !self.same_scalar(*scalar, declared, live) {
                    self.changed(declared, live);
                }
            }
            (_, declared, live) => {
                if !schema::equal_untyped(declared, live) {
                    self.changed(declared, live);
                }
            }
        }
    }

    /// A `null` in a list or a map of single values is stored as their zero, unlike that of a
    /// struct's field, which sets none (Go's `encoding/json`).
    fn same_scalar(&self, scalar: Scalar, declared: &Value, live: &Value) -> bool {
        let zero = declared.is_null().then(|| schema::zero_of(scalar));
        schema::equal(scalar, zero.as_ref().unwrap_or(declared), live)
    }

    /// Whether a map declares `null` for a key, and so nothing or the zero of its values.
    fn is_null_entry(&self, map: Option<TypeId>, declared: Option<&Value>, live: &Value) -> bool {
        let value = self
            .field_type(map, None)
            .map(|ty| self.subject.schema.get(ty));
        let is_null = declared.is_some_and(Value::is_null);
        matches!(value, Some(Type::Scalar(scalar)) if is_null && self.same_scalar(*scalar, &Value::Null, live))
    }

    /// Compares two objects field by field, or two maps key by key.
    fn fields(
        &mut self,
        ty: Option<TypeId>,
        declared: &Map<String, Value>,
        live: &Map<String, Value>,
    ) {
        for (name, value) in declared {
            self.enter_field(name, true);
            if !is_identity(&self.path) && !self.is_hidden_subtree(value, live.get(name)) {
                let field = self.field(ty, name);
                self.declared_field(ty, field, value, live.get(name), (declared, live));
            }
            self.leave(true);
        }
        for (name, value) in live {
            let written = declared.get(name).is_some_and(|value| !value.is_null());
            if written
                || is_absent(self.field(ty, name), value)
                || self.is_null_entry(ty, declared.get(name), value)
            {
                continue;
            }
            self.enter_field(name, false);
            if !is_identity(&self.path) {
                self.undeclared_field(ty, name, value, (declared, live));
            }
            self.leave(false);
        }
    }

    /// The server's own fields are not compared, whatever a generator left in the manifest.
    fn is_hidden_subtree(&mut self, declared: &Value, live: Option<&Value>) -> bool {
        if self.path.0.len() > 2 {
            return false;
        }
        let kind = if live.is_some() {
            ChangeKind::Changed
        } else {
            ChangeKind::Removed
        };
        let Some(reason) = self.subject.rules.explains(&self.path, kind, &[]) else {
            return false;
        };
        // What is declared as `null` is not declared: the live field speaks for itself.
        let differs = !declared.is_null() && live != Some(declared);
        if self.subject.keep == Keep::All && differs {
            let (declared, live) = (Some(declared.clone()), live.cloned());
            self.push(kind, declared, live, Vec::new(), Some(reason), None);
        }
        true
    }

    fn declared_field(
        &mut self,
        parent: Option<TypeId>,
        field: Option<&Field>,
        declared: &Value,
        live: Option<&Value>,
        (siblings, live_siblings): (&Map<String, Value>, &Map<String, Value>),
    ) {
        let ty = self.field_type(parent, field);
        let live = live.filter(|value| !value.is_null());
        match live {
            // An undeclared path in all but spelling: the loop over the live fields takes it.
            _ if declared.is_null() => {}
            None => {
                if !self.vanishes(ty, field, declared) {
                    self.removed(ty, declared);
                }
            }
            Some(live) if field.is_some_and(|field| field.yields_to_default(declared)) => {
                let name = self.last_name();
                let default = self.default_of(parent, field, &name, siblings, live_siblings);
                if default.is_none_or(|default| !self.means(ty, &default, live)) {
                    self.value(ty, declared, live);
                }
            }
            Some(live) if self.is_map(ty) => {
                // The server may fill in keys beside those that are declared.
                let name = self.last_name();
                let default = self.default_of(parent, field, &name, siblings, live_siblings);
                let outer = std::mem::replace(&mut self.map_default, default);
                self.value(ty, declared, live);
                self.map_default = outer;
            }
            Some(live) => self.value(ty, declared, live),
        }
    }

    /// Whether the server stores nothing for a declared value, so that its absence is no drift
    /// (the zero-value table; `reference`: `omitempty` on values that are no pointers).
    fn vanishes(&self, ty: Option<TypeId>, field: Option<&Field>, declared: &Value) -> bool {
        if declared.is_null() {
            return true;
        }
        let Some(field) = field else { return false };
        match field.zero {
            Zero::ZeroAbsent => field.drops(declared),
            Zero::EmptyAbsent => self.is_empty(ty, declared),
            Zero::Struct | Zero::Always => self.is_empty(ty, declared) || schema::is_zero(declared),
            Zero::Pointer => false,
        }
    }

    /// Whether nothing of a declared object or list is stored.
    fn is_empty(&self, ty: Option<TypeId>, declared: &Value) -> bool {
        match declared {
            Value::Object(fields) => fields.iter().all(|(name, value)| {
                let field = self.field(ty, name);
                self.vanishes(self.field_type(ty, field), field, value)
            }),
            Value::Array(items) => items.is_empty(),
            _ => schema::is_zero(declared),
        }
    }

    fn list(&mut self, item: TypeId, kind: &ListKind, declared: &[Value], live: &[Value]) {
        let schema = self.subject.schema;
        match kind {
            ListKind::Atomic => self.atomic_list(Some(item), declared, live),
            ListKind::Map(keys) => {
                let pairs = list::pair(declared, live, |value| {
                    list::key_of(schema, item, keys, value)
                });
                self.pairs(Some(item), pairs, declared, live);
            }
            ListKind::Set => {
                let identity = |value: &Value| Segment::Value(value.clone());
                let pairs = list::pair(declared, live, identity);
                self.pairs(Some(item), pairs, declared, live);
            }
        }
    }

    /// Without a schema, lists are matched by what their items show.
    fn untyped_list(&mut self, declared: &[Value], live: &[Value]) {
        match list::natural_key(declared, live) {
            Some(key) => {
                let identity =
                    |item: &Value| Segment::Key([(key.to_owned(), item[key].clone())].into());
                self.pairs(None, list::pair(declared, live, identity), declared, live);
            }
            None => self.atomic_list(None, declared, live),
        }
    }

    fn pairs(&mut self, item: Option<TypeId>, pairs: Pairs, declared: &[Value], live: &[Value]) {
        for (segment, ours, theirs) in pairs.both {
            self.enter(segment, Some(Step::Index(ours)));
            self.value(item, &declared[ours], &live[theirs]);
            self.leave(true);
        }
        for (segment, ours) in pairs.declared {
            self.enter(segment, Some(Step::Index(ours)));
            self.removed(item, &declared[ours]);
            self.leave(true);
        }
        for (segment, theirs) in pairs.live {
            self.enter(segment, None);
            self.undeclared(item, None, &live[theirs]);
            self.leave(false);
        }
    }

    // --- where the walk stands ---

    pub(super) fn field(&self, ty: Option<TypeId>, name: &str) -> Option<&'a Field> {
        match self.subject.schema.get(ty?) {
            Type::Struct { fields, .. } => fields.get(name),
            _ => None,
        }
    }

    /// The type of a field of `parent`: a struct's field, or a map's value.
    pub(super) fn field_type(
        &self,
        parent: Option<TypeId>,
        field: Option<&Field>,
    ) -> Option<TypeId> {
        match (field, parent.map(|ty| self.subject.schema.get(ty))) {
            (Some(field), _) => Some(field.ty),
            (None, Some(Type::Map { value, .. })) => Some(*value),
            _ => None,
        }
    }

    fn enter_field(&mut self, name: &str, declared: bool) {
        let step = declared.then(|| Step::Field(name.to_owned()));
        self.enter(Segment::Field(name.to_owned()), step);
    }

    pub(super) fn enter(&mut self, segment: Segment, step: Option<Step>) {
        self.path.0.push(segment);
        self.at.extend(step);
    }

    pub(super) fn leave(&mut self, declared: bool) {
        self.path.0.pop();
        if declared {
            self.at.pop();
        }
    }

    pub(super) fn last_name(&self) -> String {
        match self.path.0.last() {
            Some(Segment::Field(name)) => name.clone(),
            _ => String::new(),
        }
    }

    /// Whether one of the findings from `mark` on is drift.
    pub(super) fn reported_since(&self, mark: usize) -> bool {
        let since = self.out.get(mark..).unwrap_or_default();
        since.iter().any(|finding| finding.reason.is_none())
    }

    // --- what was found ---

    pub(super) fn changed(&mut self, declared: &Value, live: &Value) {
        self.changed_to(declared, live.clone());
    }

    pub(super) fn changed_to(&mut self, declared: &Value, live: Value) {
        self.found(ChangeKind::Changed, Some(declared.clone()), Some(live));
    }

    /// Reports a declared value that is not live; a map's keys one by one, since each is a
    /// decision of its own.
    fn removed(&mut self, ty: Option<TypeId>, declared: &Value) {
        match declared {
            Value::Object(entries) if self.is_map(ty) && !entries.is_empty() => {
                for (name, value) in entries {
                    self.enter_field(name, true);
                    self.found(ChangeKind::Removed, Some(value.clone()), None);
                    self.leave(true);
                }
            }
            _ => self.found(ChangeKind::Removed, Some(declared.clone()), None),
        }
    }

    fn found(&mut self, kind: ChangeKind, declared: Option<Value>, live: Option<Value>) {
        let owners: Vec<Owner> = match kind {
            ChangeKind::Removed => Vec::new(),
            _ => self.owners().into_iter().cloned().collect(),
        };
        let reason = self.explained_by_rule(kind);
        let cause = live.as_ref().and_then(|live| self.cause_of_change(live));
        self.push(kind, declared, live, owners, reason, cause);
    }

    pub(super) fn explained_by_rule(&self, kind: ChangeKind) -> Option<Reason> {
        self.subject
            .rules
            .explains(&self.path, kind, &self.owners())
    }

    pub(super) fn push(
        &mut self,
        kind: ChangeKind,
        declared: Option<Value>,
        live: Option<Value>,
        owners: Vec<Owner>,
        reason: Option<Reason>,
        cause: Option<Cause>,
    ) {
        self.out.push(Finding {
            change: Change {
                path: self.path.clone(),
                kind,
                declared,
                live,
                at: self.at.clone(),
            },
            owners,
            reason,
            cause,
        });
    }
}
