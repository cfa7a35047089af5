//! Compares each declared value with the live object.

use std::cell::OnceCell;

use serde_json::{Map, Value};

use super::list::{self, ItemIdentity, Pairs};
use super::visit::{VisitedPath, how_equal};
use super::{ComparisonInput, Difference, KeepFindings, Reason};
use crate::model::{
    Change, ChangeCause, ChangeKind, Equality, Explanation, FieldPath, Finder, ManifestStep, Owner,
    PathElement, ValueType,
};
use crate::schema::{self, Field, ListKind, ScalarType, Type, TypeId, Zero};

/// How undeclared fields are checked at the current path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListContext {
    /// By their owners, among other things.
    Owned,
    /// Inside an atomic list, which is owned as a whole.
    Atomic {
        /// The undeclared content that the list may have.
        allowed: AllowedExtras,
    },
}

/// The undeclared content of an atomic list that is not drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AllowedExtras {
    /// Nothing.
    Nothing,
    /// Fields that the server may have defaulted, because the type is unknown and only the applier
    /// owns the list.
    Fields,
}

/// A walk over both sides of one object.
pub(super) struct Walker<'a> {
    pub(super) subject: &'a ComparisonInput<'a>,
    /// Finds what client-side apply sent last, once it is asked for.
    pub(super) sent: &'a OnceCell<Option<Finder<'a>>>,
    pub(super) path: FieldPath,
    pub(super) at: Vec<ManifestStep>,
    pub(super) ground: ListContext,
    /// Whether the walk is in a list item that is declared without the current field.
    pub(super) in_new_item: bool,
    /// The server's defaults for the current map.
    pub(super) map_default: Option<Value>,
    /// Whether the walk only tests for equality, without recording how the sides differ.
    pub(super) only_asked: bool,
    pub(super) out: Vec<Difference>,
    /// The trace, if one was requested.
    pub(super) trace: Option<Vec<VisitedPath>>,
}

/// Walks over the whole object, and records the visited paths in `trace`.
pub(super) fn walk(
    subject: &ComparisonInput<'_>,
    trace: Option<Vec<VisitedPath>>,
) -> (Vec<Difference>, Vec<VisitedPath>) {
    let sent = OnceCell::new();
    let mut walker = Walker {
        subject,
        sent: &sent,
        path: FieldPath::root(),
        at: Vec::new(),
        ground: ListContext::Owned,
        in_new_item: false,
        map_default: None,
        only_asked: false,
        out: Vec::new(),
        trace,
    };
    match (subject.declared, subject.live) {
        (Value::Object(declared), Value::Object(live)) => walker.root(declared, live),
        (declared, live) if declared == live => {}
        (declared, live) => walker.changed(declared, live),
    }
    (walker.out, walker.trace.unwrap_or_default())
}

/// Returns whether a path identifies the object, so that both sides are equal by definition.
fn is_identity(path: &FieldPath) -> bool {
    match path.0.as_slice() {
        [PathElement::Field(field)] => matches!(field.as_str(), "apiVersion" | "kind"),
        [PathElement::Field(parent), PathElement::Field(field)] => {
            parent == "metadata" && matches!(field.as_str(), "name" | "namespace")
        }
        _ => false,
    }
}

/// Metadata, of which programs write empty structs into the templates of custom resources.
const METADATA: [&str; 3] = ["annotations", "labels", "metadata"];

/// Returns whether a live value means the same as an absent field: `null`, an empty list or map if
/// the server stores none (a tool that removes annotations may leave an empty map), or metadata
/// without content.
pub(super) fn is_absent(name: &str, field: Option<&Field>, value: &Value) -> bool {
    if METADATA.contains(&name) && is_empty_metadata(value) {
        return true;
    }
    let is_empty = match value {
        Value::Null => return true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    is_empty && field.is_some_and(|field| matches!(field.zero, Zero::EmptyAbsent))
}

/// Returns whether metadata, or a map in it, holds nothing but `null` and empty maps
/// (`{annotations: {}, creationTimestamp: null}`).
fn is_empty_metadata(value: &Value) -> bool {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    };
    value
        .as_object()
        .is_some_and(|fields| fields.values().all(is_empty))
}

/// Returns whether both sides are identical, so that nothing in them differs in meaning. Returns
/// false for sides with more than a few values, which are walked instead.
fn is_copy(declared: &Value, live: &Value) -> bool {
    fn within(declared: &Value, live: &Value, left: &mut usize) -> bool {
        let Some(fewer) = left.checked_sub(1) else {
            return false;
        };
        *left = fewer;
        match (declared, live) {
            (Value::Object(ours), Value::Object(theirs)) => {
                let mut fields = ours.iter().zip(theirs);
                ours.len() == theirs.len()
                    && fields.all(|((a, ours), (b, theirs))| a == b && within(ours, theirs, left))
            }
            (Value::Array(ours), Value::Array(theirs)) => {
                let mut items = ours.iter().zip(theirs);
                ours.len() == theirs.len() && items.all(|(ours, theirs)| within(ours, theirs, left))
            }
            (ours, theirs) => ours == theirs,
        }
    }
    within(declared, live, &mut { AT_A_GLANCE })
}

/// The limit on values that are compared before both sides are walked. Sides that differ are
/// compared again at each level of nesting, so without a limit the work would grow with depth times
/// size.
const AT_A_GLANCE: usize = 32;

/// Returns whether a manifest sets a field by declaring this value. `null` does not, unless the
/// type is `nullable` (`apiextensions-apiserver/pkg/apiserver/schema/defaulting/prune.go`).
fn sets(field: Option<&Field>, declared: &Value) -> bool {
    !declared.is_null() || field.is_some_and(|field| field.nullable)
}

impl<'a> Walker<'a> {
    fn root(&mut self, declared: &Map<String, Value>, live: &Map<String, Value>) {
        let root = self.subject.root;
        self.fields(root, declared, live);
    }

    /// Compares one declared value with its live counterpart.
    pub(super) fn value(&mut self, ty: Option<TypeId>, declared: &Value, live: &Value) {
        let schema = self.subject.schema;
        let known = ty.map_or(&Type::Any, |ty| schema.get(ty));
        self.record_type(ty);
        match (known, declared, live) {
            (Type::List { item, kind }, Value::Array(declared), Value::Array(live)) => {
                self.list(*item, kind, declared, live);
            }
            (Type::Any, Value::Array(declared), Value::Array(live)) => {
                self.untyped_list(declared, live);
            }
            (_, Value::Object(declared), Value::Object(live)) => self.fields(ty, declared, live),
            (Type::Scalar(scalar), declared, live) => {
                let is_same = self.same_scalar(*scalar, declared, live);
                self.single(ty, is_same, declared, live);
            }
            (_, declared, live) => {
                let is_same =
                    schema::equal_untyped(declared, live) || self.is_respelled(declared, live);
                self.single(ty, is_same, declared, live);
            }
        }
    }

    /// Compares a value as a whole.
    fn single(&mut self, ty: Option<TypeId>, is_same: bool, declared: &Value, live: &Value) {
        if is_same {
            let known = ty.map_or(&Type::Any, |ty| self.subject.schema.get(ty));
            let how = how_equal(known, declared, live);
            self.see_equal(ty, how, Some(declared), Some(live));
        } else {
            self.changed(declared, live);
        }
    }

    /// Returns whether two scalars mean the same. In a list or a map, `null` is stored as the zero
    /// value; in a field of a struct it sets nothing (Go's `encoding/json`).
    fn same_scalar(&self, scalar: ScalarType, declared: &Value, live: &Value) -> bool {
        let zero = declared.is_null().then(|| schema::zero_of(scalar));
        schema::equal(scalar, zero.as_ref().unwrap_or(declared), live)
            || (matches!(scalar, ScalarType::String | ScalarType::IntOrString)
                && self.is_respelled(declared, live))
    }

    /// Returns whether a map declares `null` for a key and the live value means the same.
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
        // A trace and `--show explained` need a visit of each field.
        let at_a_glance = self.trace.is_none() && self.subject.keep != KeepFindings::All;
        for (name, value) in declared {
            let theirs = live.get(name);
            if at_a_glance && theirs.is_some_and(|live| is_copy(value, live)) {
                continue;
            }
            self.enter_field(name, true);
            let field = self.field(ty, name);
            if is_identity(&self.path) {
                let ty = self.field_type(ty, field);
                self.see_equal(ty, Equality::Identity, Some(value), theirs);
            } else if !self.is_hidden_subtree(value, theirs) {
                self.declared_field(ty, (name, field), value, theirs, (declared, live));
            }
            self.leave(true);
        }
        for (name, value) in live {
            let ours = declared.get(name);
            if ours.is_some_and(|ours| !ours.is_null()) {
                continue;
            }
            let field = self.field(ty, name);
            if ours.is_some_and(|ours| sets(field, ours)) {
                continue;
            }
            if is_absent(name, field, value) {
                self.see_nothing(
                    name,
                    self.field_type(ty, field),
                    Equality::EmptyIsAbsent,
                    value,
                );
                continue;
            }
            if self.is_null_entry(ty, ours, value) {
                self.see_nothing(
                    name,
                    self.field_type(ty, field),
                    Equality::NullIsZero,
                    value,
                );
                continue;
            }
            self.enter_field(name, false);
            if !is_identity(&self.path)
                && !ours.is_some_and(|open| self.is_allocated(field, open, value))
            {
                self.undeclared_field(ty, name, value, (declared, live));
            }
            self.leave(false);
        }
    }

    /// Returns whether the current field is one that only the server writes, which is not compared
    /// even if the manifest has it.
    fn is_hidden_subtree(&mut self, declared: &Value, live: Option<&Value>) -> bool {
        if self.path.0.len() > 2 || !self.subject.rules.may_explain(&self.path) {
            return false;
        }
        let kind = if live.is_some() {
            ChangeKind::Modified
        } else {
            ChangeKind::Removed
        };
        let Some(reason) = self.subject.rules.explains(&self.path, kind, &[]) else {
            return false;
        };
        // A field that is declared as `null` counts as undeclared: the loop over live fields
        // handles it.
        let differs = !declared.is_null() && live != Some(declared);
        if self.subject.keep == KeepFindings::All && differs {
            let (declared, live) = (Some(declared.clone()), live.cloned());
            self.push(kind, declared, live, Vec::new(), Some(reason), None);
        } else if !differs && !declared.is_null() {
            self.see_equal(None, Equality::Same, Some(declared), live);
        }
        true
    }

    fn declared_field(
        &mut self,
        parent: Option<TypeId>,
        (name, field): (&str, Option<&Field>),
        declared: &Value,
        live: Option<&Value>,
        (siblings, live_siblings): (&Map<String, Value>, &Map<String, Value>),
    ) {
        let ty = self.field_type(parent, field);
        let live = live.filter(|value| !value.is_null());
        let default =
            |walker: &Self| walker.default_of(parent, field, name, siblings, live_siblings);
        let sets = sets(field, declared);
        if sets {
            self.see_field(ty, field, default);
        }
        match live {
            None if declared.is_null() => {
                self.see_equal(ty, Equality::Null, Some(declared), None);
            }
            // It counts as undeclared: the loop over live fields handles it.
            _ if !sets => {}
            // It is stored as it is, whatever the default, except by client-side apply, which does
            // not send it when it creates the object.
            Some(live) if declared.is_null() => {
                let default = default(self);
                let is_default = |default: &Value| self.means(ty, default, live);
                if self.subject.sent.value().is_some() && default.as_ref().is_some_and(is_default) {
                    self.see_equal(ty, Equality::Defaulted, Some(declared), Some(live));
                } else {
                    self.changed(declared, live);
                }
            }
            None if self.vanishes(ty, field, declared) || self.is_dropped_annotation() => {
                self.see_equal(ty, Equality::NotStored, Some(declared), None);
            }
            None if field.is_none() && self.is_left_out_by_controller(declared) => {
                self.see_equal(ty, Equality::NotStored, Some(declared), None);
            }
            None if self.is_unknown_field(parent, field) => {
                let reason = Some(Explanation::UnknownField.into());
                let (kind, declared) = (ChangeKind::Removed, Some(declared.clone()));
                self.push(kind, declared, None, Vec::new(), reason, None);
            }
            None => self.removed(ty, declared),
            Some(live)
                if self
                    .overruled_alias(parent, siblings)
                    .is_some_and(|successor| successor == live) =>
            {
                self.see_equal(ty, Equality::Defaulted, Some(declared), Some(live));
            }
            Some(live) if field.is_some_and(|field| field.yields_to_default(declared)) => {
                let default = default(self);
                let is_default = |default: &Value| self.means(ty, default, live);
                if default.as_ref().is_some_and(is_default) {
                    self.see_equal(ty, Equality::Defaulted, Some(declared), Some(live));
                } else if !self.is_allocated(field, declared, live) {
                    self.value(ty, declared, live);
                }
            }
            Some(live) if self.is_map(ty) => {
                // The server may add keys next to the declared ones.
                let default = default(self);
                let outer = std::mem::replace(&mut self.map_default, default);
                self.value(ty, declared, live);
                self.map_default = outer;
            }
            Some(live) => self.value(ty, declared, live),
        }
    }

    /// Returns whether the server does not store a declared value, so that its absence is not drift
    /// (Go's `omitempty` on values that are not pointers).
    fn vanishes(&self, ty: Option<TypeId>, field: Option<&Field>, declared: &Value) -> bool {
        if declared.is_null() {
            return true;
        }
        let Some(field) = field else { return false };
        match field.zero {
            Zero::ZeroAbsent => field.drops(declared),
            Zero::EmptyAbsent => self.is_empty(ty, declared),
            Zero::Struct | Zero::Always => self.is_empty(ty, declared) || schema::is_zero(declared),
            Zero::Pointer => self.is_left_out(ty, field, declared),
        }
    }

    /// Returns whether the server stores nothing for a declared object or list.
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
            ListKind::Atomic => match self.keys_of_atomic(item) {
                Some(keys) => {
                    let identity = |value: &Value| list::key_of(schema, item, &keys, value);
                    let pairs = list::pair(declared, live, identity);
                    self.pairs(Some(item), pairs, declared, live);
                }
                None => self.atomic_list(Some(item), declared, live),
            },
            ListKind::Map(keys) => {
                let pairs = list::pair(declared, live, |value| {
                    list::key_of(schema, item, keys, value)
                });
                self.pairs(Some(item), pairs, declared, live);
            }
            ListKind::Set => {
                let identity = |value: &Value| PathElement::Value(value.clone());
                let pairs = list::pair(declared, live, identity);
                self.pairs(Some(item), pairs, declared, live);
            }
        }
    }

    /// Compares lists without a schema. Their items are matched as managers own them, or by a
    /// natural key.
    fn untyped_list(&mut self, declared: &[Value], live: &[Value]) {
        let by_owners = match declared == live {
            // Their owners are not needed.
            true => None,
            false => self.identity_by_owners(live),
        };
        if let Some(identity) = by_owners {
            self.see_form(match &identity {
                ItemIdentity::Keys(keys) => ValueType::AssociativeList(keys.clone()),
                ItemIdentity::Values => ValueType::Set,
            });
            let completed = identity.complete(declared, live, |item| self.is_applied(item));
            let pairs = list::pair(&completed, live, |item| identity.of(item));
            return self.pairs(None, pairs, declared, live);
        }
        match list::natural_key(declared, live) {
            Some(key) => {
                self.see_form(ValueType::ItemsBy(key));
                let identity =
                    |item: &Value| PathElement::Key([(key.to_owned(), item[key].clone())].into());
                self.pairs(None, list::pair(declared, live, identity), declared, live);
            }
            None => {
                self.see_form(ValueType::ByPosition);
                self.atomic_list(None, declared, live);
            }
        }
    }

    fn pairs(&mut self, item: Option<TypeId>, pairs: Pairs, declared: &[Value], live: &[Value]) {
        let mark = self.out.len();
        let is_twice = |segment: &PathElement| {
            let others = pairs.both.iter().map(|(other, _, _)| other);
            let others = others.chain(pairs.live.iter().map(|(other, _)| other));
            matches!(segment, PathElement::Key(_))
                && others.filter(|other| *other == segment).count() > 1
        };
        let twice: Vec<PathElement> = (pairs.live.iter().map(|(segment, _)| segment))
            .filter(|segment| is_twice(segment))
            .cloned()
            .collect();
        for (segment, ours, theirs) in pairs.both {
            self.enter(segment, Some(ManifestStep::Index(ours)));
            self.value(item, &declared[ours], &live[theirs]);
            self.leave(true);
        }
        for (segment, ours) in pairs.declared {
            self.enter(segment, Some(ManifestStep::Index(ours)));
            self.removed(item, &declared[ours]);
            self.leave(true);
        }
        for (segment, theirs) in pairs.live {
            self.enter(segment, None);
            let outer = std::mem::replace(&mut self.in_new_item, true);
            self.undeclared(item, None, &live[theirs]);
            self.in_new_item = outer;
            self.leave(false);
        }
        self.note_duplicates(mark, &twice);
    }

    /// Adds a note to the findings since `mark` if live items of the current list have the same
    /// key: those in `twice`.
    fn note_duplicates(&mut self, mark: usize, twice: &[PathElement]) {
        let depth = self.path.0.len();
        // The kubelet sets environment variables in order; of mounts and ports, each one is used.
        let which = match self.path.0.last() {
            Some(PathElement::Field(list)) if list == "env" => ", of which the last one counts",
            _ => "",
        };
        for finding in self.out.iter_mut().skip(mark) {
            let segment = finding.change.path.0.get(depth);
            if finding.reason.is_none() && segment.is_some_and(|item| twice.contains(item)) {
                finding.note = Some(format!(
                    "the live list has several items with this key{which}"
                ));
            }
        }
    }

    // --- the current path ---

    pub(super) fn field(&self, ty: Option<TypeId>, name: &str) -> Option<&'a Field> {
        match self.subject.schema.get(ty?) {
            Type::Struct { fields, .. } => fields.get(name),
            _ => None,
        }
    }

    /// Returns the type of a field of `parent`: a struct's field, or a map's value.
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

    pub(super) fn enter_field(&mut self, name: &str, declared: bool) {
        let step = declared.then(|| ManifestStep::Field(name.to_owned()));
        self.enter(PathElement::Field(name.to_owned()), step);
    }

    pub(super) fn enter(&mut self, segment: PathElement, step: Option<ManifestStep>) {
        self.path.0.push(segment);
        self.at.extend(step);
    }

    pub(super) fn leave(&mut self, declared: bool) {
        self.path.0.pop();
        if declared {
            self.at.pop();
        }
    }

    /// Returns the name of the current field; empty at a list item.
    pub(super) fn last_name(&self) -> &str {
        match self.path.0.last() {
            Some(PathElement::Field(name)) => name,
            _ => "",
        }
    }

    /// Returns whether the current path has these names.
    pub(super) fn stands_at(&self, names: &[&str]) -> bool {
        let is = |(element, name): (&PathElement, &&str)| matches!(element, PathElement::Field(field) if field == name);
        self.path.0.len() == names.len() && self.path.0.iter().zip(names).all(is)
    }

    /// Returns whether one of the findings from `mark` on is drift.
    pub(super) fn reported_since(&self, mark: usize) -> bool {
        let since = self.out.get(mark..).unwrap_or_default();
        since.iter().any(|finding| finding.reason.is_none())
    }

    // --- findings ---

    pub(super) fn changed(&mut self, declared: &Value, live: &Value) {
        self.changed_to(declared, live.clone());
    }

    pub(super) fn changed_to(&mut self, declared: &Value, live: Value) {
        self.found(ChangeKind::Modified, Some(declared.clone()), Some(live));
    }

    /// Reports a declared value that is not live. The keys of a map are reported one by one,
    /// because each is set independently.
    fn removed(&mut self, ty: Option<TypeId>, declared: &Value) {
        self.record_type(ty);
        match declared {
            Value::Object(entries) if self.is_map(ty) && !entries.is_empty() => {
                for (name, value) in entries {
                    self.enter_field(name, true);
                    let value_type = self.field_type(ty, None);
                    if self.is_dropped_annotation() {
                        self.see_equal(value_type, Equality::NotStored, Some(value), None);
                    } else {
                        self.record_type(value_type);
                        self.found(ChangeKind::Removed, Some(value.clone()), None);
                    }
                    self.leave(true);
                }
            }
            _ => self.found(ChangeKind::Removed, Some(declared.clone()), None),
        }
    }

    fn found(&mut self, kind: ChangeKind, declared: Option<Value>, live: Option<Value>) {
        let owners: Vec<Owner> = match kind {
            // A removed value has no owner, except as part of its parent.
            ChangeKind::Removed
                if self.covering() >= self.path.0.len()
                    || self.is_out_of_empty_map()
                    || self.is_owned_by_item() =>
            {
                Vec::new()
            }
            _ => self.owners_nearest().into_iter().cloned().collect(),
        };
        let placeholder = declared.as_ref().is_some_and(|it| self.is_placeholder(it));
        // A controller that replaces a placeholder adds a value that the manifest leaves open.
        let as_rules_see_it = match kind {
            ChangeKind::Modified if placeholder => ChangeKind::Added,
            kind => kind,
        };
        let reason = self.explained_by_rule(as_rules_see_it);
        let cause = live
            .as_ref()
            .and_then(|live| self.cause_of_change(declared.as_ref(), live));
        self.push(kind, declared, live, owners, reason, cause);
    }

    pub(super) fn explained_by_rule(&self, kind: ChangeKind) -> Option<Reason> {
        let rules = self.subject.rules;
        if !rules.may_explain(&self.path)
            || self.is_allocated_by_change()
            || self.is_headless_by_hand()
        {
            return None;
        }
        let matter = rules.owners_matter(&self.path);
        let owners = match matter && !self.is_written_back() {
            true => self.owners(),
            false => Vec::new(),
        };
        rules.explains(&self.path, kind, &owners)
    }

    pub(super) fn push(
        &mut self,
        kind: ChangeKind,
        declared: Option<Value>,
        live: Option<Value>,
        owners: Vec<Owner>,
        reason: Option<Reason>,
        cause: Option<ChangeCause>,
    ) {
        let (owners, cause) = self.without_bystanders(kind, owners, cause);
        self.out.push(Difference {
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
            note: None,
        });
    }
}
