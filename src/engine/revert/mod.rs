//! Plans writes from a report: which drift to revert, how, and under which manager.
//!
//! Nothing here writes. A [`RevertPlan`] has the [`Plan`] to print, without secrets, and the
//! [`RevertJob`]s with the values, one for each step.

mod hand_back;
mod job;
mod refuse;
mod remarks;
mod side;
mod writer;

use std::collections::BTreeSet;

use serde_json::Value;

pub use hand_back::{applied_fields, hand_back, restore_applier_entry, take_back_maps};
pub use job::{FieldWrite, JobState, PatchJob, RevertJob, WriteKind};
pub use side::{reordered_lists, side_changes, side_effects_of};
pub use writer::{OWN_NAME, WriteAs};

use crate::cluster::Overlay;
use crate::compare::normalize;
use crate::facts::workload;
use crate::judge::autoscaler_of;
use crate::model::{
    Action, ChangeCause, FieldPath, JudgedChange, ObjectReport, ObjectStatus, Plan, PlanChange,
    PlanStep, RefusalReason, RefusedItem, Report, StepAction, StepProgress, WrittenAs,
    after_an_apply,
};
use crate::redact::Redacted;
use refuse::Refusals;

pub use super::selected::SelectsChange;
use super::selected::is_selected;

/// The parameters of a revert.
pub struct RevertRequest<'a> {
    /// The report, including secrets.
    pub report: &'a Report,
    /// The report without secrets.
    pub shown: &'a Redacted,
    /// The data that the report was made from.
    pub live: &'a Overlay<'a>,
    /// Whether a change is selected.
    pub selects: SelectsChange<'a>,
    /// Whether a change is named, by its object and its path.
    pub names: SelectsChange<'a>,
    /// Whether an object is named as a whole.
    pub names_object: &'a dyn Fn(&ObjectReport) -> bool,
    /// Causes that are left alone by default, but reverted on request.
    pub include: BTreeSet<ChangeCause>,
    /// Whether to create missing objects.
    pub create: bool,
    /// Whether to delete extra objects.
    pub prune: bool,
    /// The field manager to write as, if one was given.
    pub field_manager: Option<&'a str>,
    /// Whether the target is another revision than the deployed one.
    pub is_rollback: bool,
}

/// A plan for people, with one job for each step.
pub struct RevertPlan {
    /// The plan to print, without secrets.
    pub plan: Plan,
    /// The jobs, in the order of the plan's steps.
    pub jobs: Vec<RevertJob>,
    /// Whether a change that the user named is left alone.
    pub falls_short: bool,
}

/// Plans how to revert the selected drift.
pub fn plan(wish: &RevertRequest<'_>) -> RevertPlan {
    let mut found = FoundChange {
        wish,
        siblings: None,
        steps: Vec::new(),
        refused: Vec::new(),
        falls_short: false,
    };
    for (object, shown) in wish.report.objects.iter().zip(&wish.shown.objects) {
        found.object(object, shown);
    }
    found.steps.sort_by_key(|(step, _)| rank(step));
    let mut plan = Plan::new(Action::Revert, wish.report.target.clone());
    let mut jobs = Vec::new();
    for (step, job) in found.steps {
        plan.steps.push(step);
        jobs.push(job);
    }
    plan.refused = found.refused;
    plan.refused.sort();
    plan.notes.extend(after_an_apply(wish.shown));
    RevertPlan {
        plan,
        jobs,
        falls_short: found.falls_short,
    }
}

/// Returns the order of a step: configuration before the workloads that use it, and deletions last.
fn rank(step: &PlanStep) -> (u8, String) {
    let rank = match (step.how, step.key.kind.as_str()) {
        (StepAction::Delete, _) => 9,
        (_, "Namespace" | "CustomResourceDefinition") => 0,
        (_, "ConfigMap" | "Secret" | "ServiceAccount") => 1,
        (_, "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding") => 2,
        (_, "Service") => 3,
        (_, "HorizontalPodAutoscaler") => 8,
        (_, kind) if workload(kind).is_some() => 8,
        _ => 5,
    };
    (rank, step.key.to_string())
}

struct FoundChange<'w> {
    wish: &'w RevertRequest<'w>,
    /// The applier of most objects; determined when first needed.
    siblings: Option<WriteAs>,
    steps: Vec<(PlanStep, RevertJob)>,
    refused: Vec<RefusedItem>,
    falls_short: bool,
}

impl FoundChange<'_> {
    fn object(&mut self, object: &ObjectReport, shown: &ObjectReport) {
        match object.status() {
            ObjectStatus::Missing => self.missing(object),
            ObjectStatus::Extra => self.extra(object),
            ObjectStatus::Drifted | ObjectStatus::InSync => self.drifted(object, shown),
            ObjectStatus::Unknown | ObjectStatus::Pending | ObjectStatus::Conflict => {}
        }
    }

    fn refuse(&mut self, refused: RefusedItem, is_named: bool) {
        self.falls_short |= is_named
            || matches!(
                refused.why,
                RefusalReason::UnknownValue
                    | RefusalReason::Impossible
                    | RefusalReason::NotCompared
            );
        self.refused.push(refused);
    }

    fn missing(&mut self, object: &ObjectReport) {
        let root = FieldPath::root();
        if !(self.wish.selects)(object, ".") {
            return;
        }
        let is_named = (self.wish.names_object)(object);
        if !self.wish.create {
            self.refuse(
                RefusedItem::new(&object.key, &root, RefusalReason::Missing),
                is_named,
            );
            return;
        }
        let wanted = self.wish.live.wanted(&object.key);
        let (Some(manifest), Some(wanted)) = (&object.manifest, wanted) else {
            let message = "its kind is not served yet; apply its CustomResourceDefinition first";
            let why = RefusalReason::Impossible;
            let refused = RefusedItem::because(&object.key, &root, why, message);
            self.refuse(refused, true);
            return;
        };
        let value = job::in_its_namespace(&object.key, manifest.value());
        if let Some(message) = refuse::unknown_in(&value) {
            let why = RefusalReason::UnknownValue;
            let refused = RefusedItem::because(&object.key, &root, why, message);
            self.refuse(refused, true);
            return;
        }
        let write_as = match self.wish.field_manager {
            Some(name) => WriteAs::named(name),
            None => self.siblings(),
        };
        let written_as = WrittenAs {
            manager: write_as.manager.clone(),
            why: write_as.why.clone(),
        };
        let step = PlanStep {
            how: StepAction::Create,
            written_as: Some(written_as),
            ..step_of(object)
        };
        let what = WriteKind::Create {
            manifest: value,
            by_apply: write_as.applies,
            keeps_last_applied: write_as.keeps_last_applied,
        };
        let job = RevertJob::new(wanted, what, write_as.manager, None);
        self.steps.push((step, job));
    }

    /// Returns the applier of most objects of the run.
    fn siblings(&mut self) -> WriteAs {
        if let Some(known) = &self.siblings {
            return known.clone();
        }
        let objects = self.wish.report.objects.iter();
        let each = objects.filter_map(|object| {
            let (wanted, live) = self.wish.live.read_object(&object.key)?;
            let manifest = object.manifest.as_ref()?;
            let declared = normalize(manifest.value(), wanted.kind.namespaced);
            WriteAs::of(&live.value().ok()?, &declared, &BTreeSet::new())
        });
        let most = WriteAs::of_most(each);
        self.siblings.insert(most).clone()
    }

    fn extra(&mut self, object: &ObjectReport) {
        let root = FieldPath::root();
        if !(self.wish.selects)(object, ".") {
            return;
        }
        let is_named = (self.wish.names_object)(object);
        let refused = |why, message: &str| RefusedItem::because(&object.key, &root, why, message);
        if !self.wish.prune {
            self.refuse(
                RefusedItem::new(&object.key, &root, RefusalReason::Extra),
                is_named,
            );
            return;
        }
        let live = self.wish.live.read_object(&object.key);
        let live = live.and_then(|(wanted, live)| {
            let is_whole = !live.is_partial();
            Some((wanted, live.value().ok()?, is_whole))
        });
        let Some((wanted, live, is_whole)) = live else {
            let message = "it could not be read";
            self.refuse(refused(RefusalReason::NotCompared, message), true);
            return;
        };
        if !self.wish.live.is_listed_completely(&object.key) {
            let message = "not all objects of its kind could be listed, so it may not be extra";
            self.refuse(refused(RefusalReason::NotCompared, message), true);
            return;
        }
        if let Some(message) = refuse::dangerous_to_delete(object).filter(|_| !is_named) {
            self.refuse(refused(RefusalReason::Dangerous, &message), is_named);
            return;
        }
        if let Some(refused) = refuse::object(&object.key, &live) {
            self.refuse(refused, is_named);
            return;
        }
        let step = PlanStep {
            how: StepAction::Delete,
            ..step_of(object)
        };
        let what = WriteKind::Delete {
            before: live,
            is_whole,
        };
        self.steps.push((
            step,
            RevertJob::new(wanted, what, OWN_NAME.to_owned(), None),
        ));
    }

    fn drifted(&mut self, object: &ObjectReport, shown: &ObjectReport) {
        let meant = object.drifts.iter().zip(&shown.drifts);
        let meant: Vec<(&JudgedChange, &JudgedChange)> = meant
            .filter(|(drift, _)| is_selected(object, drift, self.wish.selects, self.wish.names))
            .collect();
        if meant.is_empty() {
            return;
        }
        let refuse_all = |found: &mut Self, why, message: &str| {
            for (drift, shown) in &meant {
                let is_named = found.is_named(object, drift);
                let path = &shown.change.path;
                found.refuse(
                    RefusedItem::because(&object.key, path, why, message),
                    is_named,
                );
            }
        };
        let read = self.wish.live.read_object(&object.key);
        let read = read.and_then(|(wanted, live)| Some((wanted, live.value().ok()?)));
        let (Some((wanted, live)), Some(manifest)) = (read, &object.manifest) else {
            refuse_all(self, RefusalReason::NotCompared, "it could not be read");
            return;
        };
        if let Some(refused) = refuse::object(&object.key, &live) {
            refuse_all(self, refused.why, &refused.message);
            return;
        }
        let declared = match &object.declared {
            Some(declared) => declared.value(),
            None => normalize(manifest.value(), wanted.kind.namespaced),
        };
        let cluster = self.wish.live;
        let refusals = Refusals {
            include: &self.wish.include,
            live: &live,
            declared: &declared,
            autoscaler: &|key| autoscaler_of(key, cluster),
        };
        let (edits, changes) = self.edits(object, &meant, &refusals);
        if edits.is_empty() {
            return;
        }
        let write_as = match self.wish.field_manager {
            Some(name) => WriteAs::named(name),
            None => {
                let by_someone = meant.iter().filter(|(drift, _)| drift.cause.is_none());
                let owners = by_someone.flat_map(|(drift, _)| &drift.owners);
                let editors: BTreeSet<&str> = owners.map(|o| o.manager.as_str()).collect();
                WriteAs::of(&live, &declared, &editors).unwrap_or_else(|| self.siblings())
            }
        };
        let mut edits = edits;
        let is_whole = edits.len() == object.reported().count();
        let sent = is_whole
            .then(|| job::overwritten_configuration(object, manifest, &live, &write_as))
            .flatten();
        let restores = sent.is_some();
        edits.extend(sent);
        let kept = job::maps_to_keep(&live, &edits);
        let patch = PatchJob {
            before: live,
            wanted: declared,
            edits,
            kept,
        };
        if let Err(unfit) = patch.operations(&patch.before) {
            refuse_all(self, RefusalReason::Impossible, &unfit.to_string());
            return;
        }
        let mut remarks = remarks::remarks(object, &patch, &write_as, self.wish.is_rollback);
        remarks.extend(restores.then(|| RESTORES_CONFIGURATION.to_owned()));
        let (manager, hand_back) = write_as.name_and_hand_back();
        let step = PlanStep {
            changes,
            written_as: Some(WrittenAs {
                manager: manager.clone(),
                why: write_as.why.clone(),
            }),
            remarks,
            ..step_of(object)
        };
        let job = RevertJob::new(wanted, WriteKind::Patch(patch), manager, hand_back);
        self.steps.push((step, job));
    }

    /// Returns the edits that revert some changes, and the changes as they are shown; refuses the
    /// others.
    fn edits(
        &mut self,
        object: &ObjectReport,
        meant: &[(&JudgedChange, &JudgedChange)],
        refusals: &Refusals<'_>,
    ) -> (Vec<FieldWrite>, Vec<PlanChange>) {
        let (mut edits, mut changes) = (Vec::new(), Vec::new());
        for (drift, shown) in meant {
            let is_named = self.is_named(object, drift);
            match refusals.change(&object.key, drift, is_named) {
                Some((why, message)) => {
                    let path = &shown.change.path;
                    let refused = RefusedItem::because(&object.key, path, why, message);
                    self.refuse(refused, is_named);
                }
                None => {
                    edits.push(FieldWrite {
                        path: drift.change.path.clone(),
                        to: drift.change.declared.clone(),
                        former: drift.owners.clone(),
                    });
                    changes.push(PlanChange::to_declared(shown));
                }
            }
        }
        (edits, changes)
    }

    fn is_named(&self, object: &ObjectReport, drift: &JudgedChange) -> bool {
        (self.wish.names)(object, &drift.change.path.to_string())
    }
}

/// The note on an annotation that no change of the plan shows.
const RESTORES_CONFIGURATION: &str = "also restores the last-applied-configuration annotation, \
    which a copy of the live object has overwritten";

fn step_of(object: &ObjectReport) -> PlanStep {
    PlanStep {
        key: object.key.clone(),
        api_version: object.api_version.clone(),
        origin: object.origin.clone(),
        how: StepAction::Patch,
        changes: Vec::new(),
        written_as: None,
        remarks: Vec::new(),
        progress: StepProgress::Planned,
        outcome: None,
    }
}

/// Returns what else the server would change: where its prediction differs from the patched object.
fn side_effects(job: &PatchJob, answer: &Value) -> Vec<String> {
    let Ok(operations) = job.operations(&job.before) else {
        return Vec::new();
    };
    let Ok(expected) = crate::patch::apply(&job.before, &operations) else {
        return Vec::new();
    };
    let changed = operations.iter().filter(|operation| operation.changes());
    let touched: Vec<&str> = changed.map(|operation| operation.at().as_str()).collect();
    let mut found = Vec::new();
    differences(&expected, answer, String::new(), &touched, &mut found);
    found
}

/// Fields that the server writes with every update.
const BOOKKEEPING: &[&str] = &[
    "/metadata/managedFields",
    "/metadata/resourceVersion",
    "/metadata/generation",
    "/metadata/annotations/deprecated.daemonset.template.generation",
    "/status",
];

fn differences(one: &Value, other: &Value, at: String, touched: &[&str], found: &mut Vec<String>) {
    // Beside the written fields, the server sets defaults.
    let is_touched = touched.iter().any(|path| at.starts_with(*path));
    if one == other || is_touched || BOOKKEEPING.contains(&at.as_str()) {
        return;
    }
    match (one, other) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
            for name in names {
                let below = |side: &serde_json::Map<String, Value>| {
                    side.get(name).cloned().unwrap_or_default()
                };
                let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                differences(&below(ours), &below(theirs), at, touched, found);
            }
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                differences(ours, theirs, format!("{at}/{index}"), touched, found);
            }
        }
        // An empty map or list means the same as an absent one.
        (Value::Null, other) | (other, Value::Null) if is_empty(other) => {}
        _ => found.push(at),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
