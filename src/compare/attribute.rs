//! Finds the owners and the cause of a difference, as far as the live object records them.

use serde_json::Value;

use super::Difference;
use super::walk::{ListContext, Walker};
use crate::facts;
use crate::model::{
    ChangeCause, ChangeKind, FieldPath, FieldSet, Finder, ManagerEntry, Operation, Owner,
    PathElement,
};
use crate::schema::{self, ListKind, Type, TypeId};

/// Fields of any kind whose whole content users write: the metadata, and maps with user-defined
/// keys.
const FILLED_BY_USERS: &[&str] = &[
    "annotations",
    "binaryData",
    "data",
    "labels",
    "limits",
    "matchLabels",
    "metadata",
    "nodeSelector",
    "requests",
    "selector",
    "stringData",
];

/// The fields of a HorizontalPodAutoscaler for which `autoscaling/v1` has annotations instead
/// (`pkg/apis/autoscaling/v1/conversion.go`).
const V1_ANNOTATIONS: [(&str, &str); 2] = [
    ("autoscaling.alpha.kubernetes.io/behavior", "behavior"),
    ("autoscaling.alpha.kubernetes.io/metrics", "metrics"),
];

impl<'a> Walker<'a> {
    /// Returns the owners of the current path. Server-side apply records a Secret's `stringData`
    /// under that name although it is stored as `data`; a manager that owns the key of `data` wrote
    /// it later.
    pub(super) fn owners(&self) -> Vec<&'a Owner> {
        let covering = self.covering();
        let mut owners = self.subject.ownership.owners_of(&self.path, covering);
        if let Some(written) = self.under_another_name().filter(|_| owners.is_empty()) {
            owners.extend(self.subject.ownership.owners_of(&written, covering));
        }
        owners
    }

    /// Returns who owns the current path, without those who only own a parent of it as a whole if
    /// others own the path itself. Where the schema ends, a server-side apply owns a value as a
    /// whole, and still does after others have changed a part of it.
    pub(super) fn owners_nearest(&self) -> Vec<&'a Owner> {
        let all = self.owners();
        let entries = &self.subject.ownership.entries;
        let holds = |entry: &&ManagerEntry| node(entry, &self.path.0).is_some();
        let nearest: Vec<&Owner> = entries.iter().filter(holds).map(|it| &it.owner).collect();
        let is_near = |owner: &&Owner| nearest.contains(owner);
        match all.iter().any(is_near) {
            true => all.into_iter().filter(is_near).collect(),
            false => all,
        }
    }

    /// Leaves out the owners of a node's taint who own it only because they wrote another taint
    /// beside it.
    pub(super) fn without_bystanders(
        &self,
        kind: ChangeKind,
        mut owners: Vec<Owner>,
        cause: Option<ChangeCause>,
    ) -> (Vec<Owner>, Option<ChangeCause>) {
        let Some(key) = self.taint() else {
            return (owners, cause);
        };
        let before = owners.len();
        owners.retain(|owner| facts::may_taint(&owner.manager, key, self.subject.live));
        let is_lost = owners.is_empty() && before > 0 && kind == ChangeKind::Added;
        (
            owners,
            cause.or(is_lost.then_some(ChangeCause::Unattributed)),
        )
    }

    /// Returns the key of the taint that the current path is or is in.
    fn taint(&self) -> Option<&str> {
        let [
            PathElement::Field(spec),
            PathElement::Field(taints),
            PathElement::Key(keys),
            ..,
        ] = self.path.0.as_slice()
        else {
            return None;
        };
        let is_node = self.subject.declared.get("kind")? == "Node";
        (is_node && spec == "spec" && taints == "taints")
            .then(|| keys.get("key")?.as_str())
            .flatten()
    }

    /// Returns after how many path elements values begin that are owned as a whole: at an atomic
    /// list, map or struct, or where the schema ends.
    pub(super) fn covering(&self) -> usize {
        let mut ty = self.subject.root;
        for (depth, segment) in self.path.0.iter().enumerate() {
            let known = ty.map_or(&Type::Any, |ty| self.subject.schema.get(ty));
            ty = match (known, segment) {
                (
                    Type::Struct {
                        fields,
                        atomic: false,
                        ..
                    },
                    PathElement::Field(name),
                ) => fields.get(name.as_str()).map(|field| field.ty),
                (
                    Type::Map {
                        value,
                        atomic: false,
                    },
                    PathElement::Field(_),
                ) => Some(*value),
                (Type::List { item, kind }, _) if *kind != ListKind::Atomic => Some(*item),
                _ => return depth,
            };
        }
        self.path.0.len()
    }

    /// Returns whether the current field was removed from a map that is now empty and is not known
    /// to be owned as a whole. The owners of the field have not changed, and the manager that
    /// emptied the map owns nothing in it: the applier keeps only `f:plugin: {}`.
    pub(super) fn is_out_of_empty_map(&self) -> bool {
        let Some((PathElement::Field(_), above)) = self.path.0.split_last() else {
            return false;
        };
        let parent = Finder::lenient(self.subject.live).find(&FieldPath(above.to_vec()));
        let is_empty = parent
            .and_then(Value::as_object)
            .is_some_and(|map| map.is_empty());
        is_empty && !self.is_owned_as_a_whole(above)
    }

    /// Returns whether the schema says that the map or struct at a path is owned as a whole.
    fn is_owned_as_a_whole(&self, path: &[PathElement]) -> bool {
        let schema = self.subject.schema;
        let step = |ty: TypeId, segment: &PathElement| match (schema.get(ty), segment) {
            (Type::Struct { fields, .. }, PathElement::Field(name)) => {
                fields.get(name.as_str()).map(|field| field.ty)
            }
            (Type::Map { value, .. }, PathElement::Field(_)) => Some(*value),
            (Type::List { item, .. }, _) => Some(*item),
            _ => None,
        };
        let ty = self.subject.root;
        let ty = ty.and_then(|root| path.iter().try_fold(root, step));
        let known = ty.map(|ty| schema.get(ty));
        matches!(
            known,
            Some(Type::Struct { atomic: true, .. } | Type::Map { atomic: true, .. })
        )
    }

    /// Returns the path under which another request wrote the current one: `stringData`, or a field
    /// that a HorizontalPodAutoscaler at `autoscaling/v1` keeps in an annotation.
    fn under_another_name(&self) -> Option<FieldPath> {
        let by_annotation = || match self.path.0.as_slice() {
            [
                PathElement::Field(metadata),
                PathElement::Field(annotations),
                PathElement::Field(name),
            ] if metadata == "metadata"
                && annotations == "annotations"
                && self.subject.declared.get("kind")? == "HorizontalPodAutoscaler" =>
            {
                let mut kept = V1_ANNOTATIONS.iter();
                let (_, field) = kept.find(|(annotation, _)| annotation == name)?;
                Some(FieldPath::of_fields(&["spec", field]))
            }
            _ => None,
        };
        self.as_string_data().or_else(by_annotation)
    }

    /// Returns the path under `stringData` for a path under a Secret's `data`.
    pub(super) fn as_string_data(&self) -> Option<FieldPath> {
        match self.path.0.as_slice() {
            [PathElement::Field(data), PathElement::Field(key)]
                if data == "data" && self.subject.declared.get("kind")? == "Secret" =>
            {
                Some(FieldPath::of_fields(&["stringData", key]))
            }
            _ => None,
        }
    }

    /// Returns the owners who make a value an addition; `None` if each of its owners is allowed to
    /// have it.
    pub(super) fn changed_by(&self) -> (Option<Vec<Owner>>, Option<ChangeCause>) {
        if self.ground != ListContext::Owned {
            // The owner of an atomic list wrote its content.
            let holders = self.owners().into_iter().cloned().collect();
            return (Some(holders), None);
        }
        if self.is_deletion() {
            return (Some(Vec::new()), Some(ChangeCause::BeingDeleted));
        }
        if self.is_unowned() {
            let cause = if self.was_sent() {
                ChangeCause::AppliedElsewhere
            } else {
                ChangeCause::Unattributed
            };
            return (Some(Vec::new()), Some(cause));
        }
        let mut changed_by = Vec::new();
        let mut cause = None;
        for entry in self.entries() {
            let (is_change, how) = self.judge(entry);
            if is_change {
                changed_by.push(entry.owner.clone());
                cause = cause.or(how);
            }
        }
        // Another owner says more than the cause of the applier's ownership.
        let only_appliers = self.entries().all(|entry| {
            self.subject.appliers.declares(entry) || self.applies_on_the_client(entry)
        });
        let found = (!changed_by.is_empty()).then_some(changed_by);
        (found, cause.filter(|_| only_appliers))
    }

    /// Returns whether the current field is `metadata.deletionTimestamp`, which has no owner and no
    /// default (`metav1.ObjectMeta.DeletionTimestamp`).
    pub(super) fn is_deletion(&self) -> bool {
        let [PathElement::Field(metadata), PathElement::Field(mark)] = self.path.0.as_slice()
        else {
            return false;
        };
        metadata == "metadata" && mark == "deletionTimestamp"
    }

    /// Returns whether an entry's manager is responsible for the path because it owns it, and the
    /// cause, if known.
    fn judge(&self, entry: &ManagerEntry) -> (bool, Option<ChangeCause>) {
        let declares = self.subject.appliers.declares(entry);
        if entry.owner.operation == Operation::Apply {
            let in_whole = node(entry, &self.path.0).is_none() || self.is_declared_null();
            let is_change = !(declares && in_whole && self.may_be_defaulted());
            return (is_change, declares.then_some(ChangeCause::Dropped));
        }
        let is_copy = self.subject.sent.is_copy_of_live(self.subject.declared);
        // A copy of the live object also has its defaults.
        let may_be_copied = is_copy && declares && self.may_be_defaulted();
        if self.applies_on_the_client(entry) && self.was_sent() && !may_be_copied {
            let cause = if declares && !is_copy {
                ChangeCause::Dropped
            } else {
                ChangeCause::AppliedElsewhere
            };
            return (true, Some(cause));
        }
        let is_change = !(declares && self.may_be_defaulted());
        (is_change, declares.then_some(ChangeCause::WrittenByApplier))
    }

    /// Returns whether an undeclared field of a custom resource without a schema may be the
    /// server's default. Defaults have no owner, or the applier owns them: as part of a list that
    /// is owned as a whole or, without server-side apply, field by field. The server adds no items
    /// to lists, no entries to maps that users fill, and nothing to the metadata. A known schema
    /// says what the defaults are.
    pub(super) fn may_be_defaulted(&self) -> bool {
        self.may_be_defaulted_in(false)
    }

    /// Returns the same for the current field, or for what is in the list there. Users fill
    /// maps, not lists of objects such as the `spec.data` of an ExternalSecret.
    pub(super) fn may_be_defaulted_in(&self, list: bool) -> bool {
        let path = &self.path.0;
        let is_map = |at: usize| match path.get(at + 1) {
            None => !list,
            Some(next) => matches!(next, PathElement::Field(_)),
        };
        let is_users = |(at, segment): (usize, &PathElement)| match segment {
            PathElement::Field(name) => FILLED_BY_USERS.contains(&name.as_str()) && is_map(at),
            _ => false,
        };
        self.subject.root.is_none() && !self.in_new_item && !path.iter().enumerate().any(is_users)
    }

    /// Returns whether the manifest declares `null` here. After server-side apply the applier owns
    /// the field nevertheless, and the server may set a default.
    fn is_declared_null(&self) -> bool {
        let declared = Finder::lenient(self.subject.declared).find(&self.path);
        declared.is_some_and(Value::is_null)
    }

    /// Returns whether the path has no known owner.
    pub(super) fn is_unowned(&self) -> bool {
        self.entries().next().is_none()
    }

    /// Returns whether the applier is the only owner of the path.
    pub(super) fn only_the_applier(&self) -> bool {
        let mut entries = self.entries().peekable();
        entries.peek().is_some() && entries.all(|entry| self.subject.appliers.declares(entry))
    }

    /// Returns why a declared field has another live value, if the applier itself set it.
    pub(super) fn cause_of_change(
        &self,
        declared: Option<&Value>,
        live: &Value,
    ) -> Option<ChangeCause> {
        let appliers = self.subject.appliers;
        let mut entries = self.entries().peekable();
        let unknown = self.subject.ownership.is_empty();
        if unknown
            || (entries.peek().is_some() && entries.all(|entry| self.applies_on_the_client(entry)))
        {
            let sent = self.sent()?.find(&self.path)?;
            if !schema::equal_untyped(sent, live) {
                return self.cause_of_change_on_apply(declared?, sent);
            }
            let is_copy = self.subject.sent.is_copy_of_live(self.subject.declared);
            let declares = self.entries().any(|entry| appliers.declares(entry));
            let cause = if declares && !is_copy {
                ChangeCause::Unapplied
            } else {
                ChangeCause::AppliedElsewhere
            };
            return Some(cause);
        }
        let mut entries = self.entries().peekable();
        let by_applier = |entry: &ManagerEntry| {
            entry.owner.operation == Operation::Apply && appliers.declares(entry)
        };
        (entries.peek().is_some() && entries.all(by_applier)).then_some(ChangeCause::SetByApplier)
    }

    /// Returns the cause of another live value where the last `kubectl apply` sent the declared one
    /// and only the applier owns the field. A manager named `kubectl` may have edited: before 1.18,
    /// every command of kubectl wrote under that name.
    fn cause_of_change_on_apply(&self, declared: &Value, sent: &Value) -> Option<ChangeCause> {
        let mut entries = self.entries().peekable();
        let only_applies = |entry: &ManagerEntry| {
            self.subject.appliers.declares(entry)
                && entry.owner.manager != facts::KUBECTL
                && facts::how_it_applies(&entry.owner.manager).is_some()
        };
        (entries.peek().is_some()
            && entries.all(only_applies)
            && schema::equal_untyped(sent, declared))
        .then_some(ChangeCause::ChangedOnApply)
    }

    fn applies_on_the_client(&self, entry: &ManagerEntry) -> bool {
        self.subject.appliers.apply_on_the_client(entry)
    }

    /// Finds in what client-side apply sent last, if the object records it.
    fn sent(&self) -> Option<&Finder<'a>> {
        let sent = self.subject.sent;
        let finder = self.sent.get_or_init(|| sent.value().map(Finder::lenient));
        finder.as_ref()
    }

    /// Returns whether client-side apply sent the path.
    fn was_sent(&self) -> bool {
        self.sent().is_some_and(|sent| {
            let is_there = |path: &FieldPath| sent.find(path).is_some_and(|sent| !sent.is_null());
            is_there(&self.path) || self.as_string_data().as_ref().is_some_and(is_there)
        })
    }

    fn entries(&self) -> impl Iterator<Item = &ManagerEntry> {
        let written = self.under_another_name();
        let covering = self.covering();
        self.subject.ownership.entries.iter().filter(move |entry| {
            entry.fields.touches(&self.path, covering)
                || written
                    .as_ref()
                    .is_some_and(|path| entry.fields.touches(path, covering))
        })
    }

    /// Returns whether a manager that is responsible for the findings below also owns the current
    /// path itself (`.` in its field set): then its request created it (structured-merge-diff
    /// `typed/compare.go` adds parents too).
    pub(super) fn is_created_by_who_changed_it(&self, below: &[Difference]) -> bool {
        self.entries().any(|entry| {
            let answers = below
                .iter()
                .any(|finding| finding.owners.contains(&entry.owner));
            answers && node(entry, &self.path.0).is_some_and(|set| set.member)
        })
    }
}

/// Returns the part of a manager's field set at a path.
pub(super) fn node<'e>(entry: &'e ManagerEntry, path: &[PathElement]) -> Option<&'e FieldSet> {
    let mut steps = path.iter();
    let set: &FieldSet = &entry.fields;
    steps.try_fold(set, |set, segment| set.child(segment))
}
