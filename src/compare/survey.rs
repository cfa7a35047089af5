//! Finds live fields that are not declared, and explains them.
//!
//! An undeclared value may be explained in part, for example a default next to a field that someone
//! added. So it is checked leaf by leaf, and parts that were added as one piece are folded into one
//! addition.

use serde_json::{Map, Value};

use super::walk::{AllowedExtras, ListContext, Walker, is_absent};
use super::{Difference, KeepFindings, Reason, list};
use crate::model::{ChangeCause, ChangeKind, Equality, Explanation, Owner, PathElement};
use crate::schema::{self, Field, ListKind, Type, TypeId, Zero};

/// The two sides of a field's siblings.
type SiblingMaps<'s> = (&'s Map<String, Value>, &'s Map<String, Value>);

fn is_zero_scalar(value: &Value) -> bool {
    !value.is_object() && !value.is_array() && schema::is_zero(value)
}

impl Walker<'_> {
    /// Checks an undeclared field of an object that exists on both sides.
    pub(super) fn undeclared_field(
        &mut self,
        parent: Option<TypeId>,
        name: &str,
        value: &Value,
        siblings: SiblingMaps<'_>,
    ) {
        let field = self.field(parent, name);
        let in_map = self.map_default.as_ref().filter(|_| self.is_map(parent));
        let in_map = in_map.and_then(|default| default.get(name)).cloned();
        let default =
            in_map.or_else(|| self.default_of(parent, field, name, siblings.0, siblings.1));
        let ty = self.field_type(parent, field);
        self.see_field(ty, field, |_| default.clone());
        self.undeclared(ty, default.as_ref(), value);
    }

    /// Checks an undeclared value.
    pub(super) fn undeclared(
        &mut self,
        ty: Option<TypeId>,
        default: Option<&Value>,
        value: &Value,
    ) {
        let mark = self.out.len();
        self.survey(ty, default, value);
        let keep = self.subject.keep;
        if let Some([found]) = self.out.get(mark..) {
            if !keep.keeps(found) {
                self.out.pop();
            }
            return;
        }
        let found = self.out.split_off(mark);
        let kept = found.into_iter().filter(|finding| keep.keeps(finding));
        self.out.extend(kept);
    }

    /// Returns whether the server filled in a value that the manifest leaves open: empty strings,
    /// zeros and `null` are not stored, so `clusterIP: ""` requests any address. After server-side
    /// apply the applier owns the field nevertheless.
    pub(super) fn is_allocated(
        &mut self,
        field: Option<&Field>,
        declared: &Value,
        live: &Value,
    ) -> bool {
        let is_dropped = field.is_some_and(|field| field.drops(declared));
        let is_open = is_dropped && !self.is_headless_by_hand();
        if !is_open || declared.is_boolean() || self.ground != ListContext::Owned {
            return false;
        }
        let rules = self.subject.rules;
        let matter = rules.owners_matter(&self.path);
        let owners = if !matter || self.only_the_applier() || self.is_written_back() {
            Vec::new()
        } else {
            self.owners()
        };
        let Some(reason) = rules.explains(&self.path, ChangeKind::Added, &owners) else {
            return false;
        };
        if self.subject.keep == KeepFindings::All {
            self.found_added(live, Vec::new(), Some(reason), None);
        }
        true
    }

    /// Returns the server's default for an omitted field.
    pub(super) fn default_of(
        &self,
        parent: Option<TypeId>,
        field: Option<&Field>,
        name: &str,
        declared: &Map<String, Value>,
        live: &Map<String, Value>,
    ) -> Option<Value> {
        if let Some(default) = field.and_then(|field| field.default.clone()) {
            return Some(default);
        }
        if let Some(default) = parent.and_then(|ty| {
            schema::conditional_default(self.subject.schema, ty, name, declared, live)
        }) {
            return Some(default);
        }
        match field?.zero {
            // A struct that is not a pointer is stored as `{}`.
            Zero::Struct => Some(Value::Object(Map::new())),
            // A scalar that is not a pointer is stored as its zero: a StatefulSet's `serviceName`.
            Zero::Always => live
                .get(name)
                .filter(|value| is_zero_scalar(value))
                .cloned(),
            Zero::Pointer | Zero::ZeroAbsent | Zero::EmptyAbsent => None,
        }
    }

    /// Checks one undeclared node: explains it as a whole, or part by part.
    fn survey(&mut self, ty: Option<TypeId>, default: Option<&Value>, value: &Value) {
        self.record_type(ty);
        if let Some(reason) = self.explained_as_whole(ty, default, value) {
            self.found_added(value, Vec::new(), Some(reason), None);
            return;
        }
        let mark = self.out.len();
        match self.parts(ty, value) {
            UndeclaredParts::Leaf => self.check_atomic(value),
            UndeclaredParts::Fields(fields) => {
                let is_map = self.is_map(ty);
                for (name, child) in fields {
                    let field = self.field(ty, name);
                    if is_absent(name, field, child) {
                        let ty = self.field_type(ty, field);
                        self.see_nothing(name, ty, Equality::EmptyIsAbsent, child);
                        continue;
                    }
                    self.enter(PathElement::Field(name.clone()), None);
                    let of_whole = default.filter(|_| is_map || self.is_custom());
                    let of_whole = of_whole.and_then(|whole| whole.get(name));
                    let default = of_whole
                        .cloned()
                        .or_else(|| self.default_of(ty, field, name, fields, fields));
                    let ty = self.field_type(ty, field);
                    self.see_field(ty, field, |_| default.clone());
                    self.survey(ty, default.as_ref(), child);
                    self.leave(false);
                }
                self.gone_from_default(default, fields);
                // A node that is owned as a whole is owned by the manager that changed it last.
                let was_there = default.is_some() && self.is_atomic_struct(ty);
                self.fold(mark, value, !is_map && !was_there, default.is_some());
                if !is_map && default.is_none() {
                    self.notice_presence(mark, value);
                }
            }
            UndeclaredParts::Items(item, items) => {
                for (segment, child) in items {
                    self.enter(segment, None);
                    self.survey(item, None, child);
                    self.leave(false);
                }
                self.fold(mark, value, false, default.is_some());
            }
        }
    }

    /// Reports parts that were removed from a default of the CustomResourceDefinition: the server
    /// sets a default as a whole, and does not restore removed parts.
    fn gone_from_default(&mut self, default: Option<&Value>, live: &Map<String, Value>) {
        let Some(Value::Object(whole)) = default.filter(|_| self.is_custom()) else {
            return;
        };
        for (name, part) in whole {
            if !live.contains_key(name) && !part.is_null() {
                self.enter(PathElement::Field(name.clone()), None);
                let declared = Some(part.clone());
                self.push(ChangeKind::Removed, declared, None, Vec::new(), None, None);
                if let Some(finding) = self.out.last_mut() {
                    finding.note = Some("a default of the definition".to_owned());
                }
                self.leave(false);
            }
        }
    }

    pub(super) fn is_map(&self, ty: Option<TypeId>) -> bool {
        ty.is_some_and(|ty| matches!(self.subject.schema.get(ty), Type::Map { .. }))
    }

    fn is_atomic_struct(&self, ty: Option<TypeId>) -> bool {
        let known = ty.map(|ty| self.subject.schema.get(ty));
        matches!(known, Some(Type::Struct { atomic: true, .. }))
    }

    /// Reports a struct that someone added with only default values: without that request, it would
    /// not exist.
    fn notice_presence(&mut self, mark: usize, value: &Value) {
        let alone = self.out.len() == mark + 1 && self.ground == ListContext::Owned;
        let reason = self
            .out
            .get(mark)
            .and_then(|finding| finding.reason.clone());
        let is_default = reason.is_some_and(|reason| reason == Explanation::TypeDefault.into());
        if alone && is_default && !self.subject.ownership.is_empty() {
            self.out.truncate(mark);
            self.check_atomic(value);
        }
    }

    fn explained_as_whole(
        &self,
        ty: Option<TypeId>,
        default: Option<&Value>,
        value: &Value,
    ) -> Option<Reason> {
        if let Some(reason) = self.explained_by_rule(ChangeKind::Added) {
            return Some(reason);
        }
        if default.is_some_and(|default| default == value || self.means(ty, default, value)) {
            return Some(Explanation::TypeDefault.into());
        }
        match self.ground {
            ListContext::Atomic { allowed } => {
                let is_allowed = match allowed {
                    AllowedExtras::Nothing => false,
                    AllowedExtras::Fields => self.may_be_defaulted(),
                };
                is_allowed.then(|| Explanation::ApplierDefault.into())
            }
            ListContext::Owned if self.subject.ownership.is_empty() || self.is_deletion() => None,
            // Owners come last, because parsing the managed fields takes as long as everything
            // else.
            ListContext::Owned => (self.may_be_defaulted() && self.is_unowned())
                .then(|| Explanation::UnownedDefault.into()),
        }
    }

    /// Splits a value into the parts that have their own owners.
    fn parts<'v>(&self, ty: Option<TypeId>, value: &'v Value) -> UndeclaredParts<'v> {
        let schema = self.subject.schema;
        let known = ty.map_or(&Type::Any, |ty| schema.get(ty));
        match (known, value) {
            (_, Value::Object(fields)) if !fields.is_empty() => UndeclaredParts::Fields(fields),
            (Type::List { item, kind }, Value::Array(items)) if !items.is_empty() => {
                let named = |name: &dyn Fn(&Value) -> PathElement| {
                    UndeclaredParts::Items(
                        Some(*item),
                        items.iter().map(|v| (name(v), v)).collect(),
                    )
                };
                match kind {
                    ListKind::Atomic => match self.keys_of_atomic(*item) {
                        Some(keys) => named(&|v| list::key_of(schema, *item, &keys, v)),
                        None => UndeclaredParts::Leaf,
                    },
                    ListKind::Map(keys) => named(&|v| list::key_of(schema, *item, keys, v)),
                    ListKind::Set => named(&|v| PathElement::Value(v.clone())),
                }
            }
            _ => UndeclaredParts::Leaf,
        }
    }

    /// Checks a value that is owned as a whole, by its owners.
    fn check_atomic(&mut self, value: &Value) {
        let (changed_by, cause) = self.changed_by();
        match changed_by {
            Some(owners) => self.found_added(value, owners, None, cause),
            None => {
                let reason = Explanation::ApplierDefault.into();
                self.found_added(value, Vec::new(), Some(reason), None);
            }
        }
    }

    /// Folds the findings since `mark`, all of which are below this node, into one about the node
    /// if all have the same explanation, or if the node was added as one piece.
    fn fold(&mut self, mark: usize, value: &Value, is_struct: bool, exists_anyway: bool) {
        let below = self.out.get(mark..).unwrap_or_default();
        let Some(first) = below.first() else { return };
        let reported = below
            .iter()
            .filter(|finding| finding.reason.is_none())
            .count();
        if reported == 0 {
            if below.iter().all(|finding| finding.reason == first.reason) {
                let reason = first.reason.clone();
                self.out.truncate(mark);
                self.found_added(value, Vec::new(), reason, None);
            }
            return;
        }
        let is_item = matches!(self.path.0.last(), Some(PathElement::Key(_)));
        let only_defaults = below.iter().all(|finding| {
            finding
                .reason
                .as_ref()
                .is_none_or(|reason| reason.by == Explanation::TypeDefault)
        });
        let one_piece = self.is_created_by_who_changed_it(below)
            || (reported == below.len() && !exists_anyway)
            || (self.is_unowned() && only_defaults && !exists_anyway);
        if (is_struct || is_item) && one_piece {
            let mut owners: Vec<Owner> = below.iter().flat_map(|f| f.owners.clone()).collect();
            owners.sort();
            owners.dedup();
            let cause = below.iter().find_map(|finding| finding.cause);
            self.out.truncate(mark);
            self.found_added(value, owners, None, cause);
        }
    }

    fn found_added(
        &mut self,
        value: &Value,
        owners: Vec<Owner>,
        reason: Option<Reason>,
        cause: Option<ChangeCause>,
    ) {
        if !self.subject.keep.keeps_explained(reason.as_ref()) {
            self.out.push(Difference::explained(reason));
            return;
        }
        self.push(
            ChangeKind::Added,
            None,
            Some(value.clone()),
            owners,
            reason,
            cause,
        );
    }
}

/// The parts of an undeclared value.
enum UndeclaredParts<'v> {
    /// The value is not split.
    Leaf,
    /// The value is split into fields or map keys.
    Fields(&'v Map<String, Value>),
    /// The value is split into list items.
    Items(Option<TypeId>, Vec<(PathElement, &'v Value)>),
}
