//! A plan: what a command is about to do about drift.

use serde_json::Value;
use strum::{IntoStaticStr, VariantArray};

use super::{
    Action, Change, ChangeCause, ChangeKind, FieldPath, JudgedChange, ObjectReport, ObjectStatus,
    Origin, Owner, Position, RefusalReason, Report, ReportTarget, ResourceKey,
};

/// How a step is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum StepAction {
    /// By one JSON Patch on the live object.
    Patch,
    /// By creating the object.
    Create,
    /// By deleting the object.
    Delete,
    /// By editing a file.
    Edit,
    /// By recording it as accepted.
    Accept,
    /// By a rule that ignores it.
    Ignore,
}

impl StepAction {
    /// Returns the word for documents.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The progress of a step.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
pub enum StepProgress {
    /// Not done yet.
    #[default]
    Planned,
    /// Done, and verified by reading again.
    Done,
    /// Partly done, or with a result other than planned.
    #[strum(serialize = "partly-done")]
    Partly,
    /// Failed.
    #[strum(serialize = "not-done")]
    Failed,
    /// Skipped, because the user declined it or an earlier step failed.
    Skipped,
}

impl StepProgress {
    /// Returns the word for documents.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The change of one field, from its current to its new value. A revert goes from live to declared,
/// which is the opposite direction of a diff.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanChange {
    /// The path.
    pub path: FieldPath,
    /// The effect on the field: [`ChangeKind::Added`] adds it, [`ChangeKind::Removed`] removes it.
    pub kind: ChangeKind,
    /// Its current value, without secrets.
    pub from: Option<Value>,
    /// Its new value, without secrets.
    pub to: Option<Value>,
    /// The owners whose change is undone.
    pub owners: Vec<Owner>,
    /// Where it is declared.
    pub position: Option<Position>,
    /// The cause of the difference, if known.
    pub cause: Option<ChangeCause>,
}

impl PlanChange {
    /// Returns the change that gives the live side its declared value.
    pub fn to_declared(drift: &JudgedChange) -> Self {
        let (from, to) = (drift.change.live.clone(), drift.change.declared.clone());
        Self::between(drift, from, to)
    }

    /// Returns the change that gives the declared side its live value.
    pub fn to_live(drift: &JudgedChange) -> Self {
        let (from, to) = (drift.change.declared.clone(), drift.change.live.clone());
        Self::between(drift, from, to)
    }

    /// Returns the change from the live to the declared value, with its current owners.
    pub fn of(change: Change, owners: Vec<Owner>) -> Self {
        let kind = match (&change.live, &change.declared) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
            _ => ChangeKind::Modified,
        };
        Self {
            path: change.path,
            kind,
            from: change.live,
            to: change.declared,
            owners,
            position: None,
            cause: None,
        }
    }

    fn between(drift: &JudgedChange, from: Option<Value>, to: Option<Value>) -> Self {
        let kind = match (&from, &to) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
            _ => ChangeKind::Modified,
        };
        Self {
            path: drift.change.path.clone(),
            kind,
            from,
            to,
            owners: drift.owners.clone(),
            position: drift.position,
            cause: drift.cause,
        }
    }
}

/// The field manager that a step writes as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenAs {
    /// The field manager.
    pub manager: String,
    /// Why this manager was chosen.
    pub why: String,
}

/// The part of a plan for one object.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanStep {
    /// The object's key.
    pub key: ResourceKey,
    /// The API version of the write.
    pub api_version: String,
    /// Where it is declared.
    pub origin: Option<Origin>,
    /// How the step is carried out.
    pub how: StepAction,
    /// The changes, sorted by path; empty if the whole object is created or deleted.
    pub changes: Vec<PlanChange>,
    /// The field manager that writes it.
    pub written_as: Option<WrittenAs>,
    /// Side effects and notes, such as `restarts 7 pods`.
    pub remarks: Vec<String>,
    /// The progress.
    pub progress: StepProgress,
    /// The result in words, or why the step failed.
    pub outcome: Option<String>,
}

impl PlanStep {
    /// Returns the number of changes; creating or deleting an object counts as one.
    pub fn weight(&self) -> usize {
        self.changes.len().max(1)
    }
}

/// A selected change or object that is left alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RefusedItem {
    /// The object's key.
    pub key: ResourceKey,
    /// The field; the root for the whole object.
    pub path: FieldPath,
    /// Why.
    pub why: RefusalReason,
    /// The reason in words; [`RefusalReason::meaning`] if nothing more is known.
    pub message: String,
}

impl RefusedItem {
    /// Returns a refusal with the standard message.
    pub fn new(key: &ResourceKey, path: &FieldPath, why: RefusalReason) -> Self {
        Self::because(key, path, why, why.meaning())
    }

    /// Returns a refusal with its own message.
    pub fn because(
        key: &ResourceKey,
        path: &FieldPath,
        why: RefusalReason,
        message: impl Into<String>,
    ) -> Self {
        Self {
            key: key.clone(),
            path: path.clone(),
            why,
            message: message.into(),
        }
    }
}

/// A plan. It contains no secrets: values are redacted first.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The action.
    pub action: Action,
    /// The cluster or recording.
    pub target: ReportTarget,
    /// The steps, in the order in which they are done.
    pub steps: Vec<PlanStep>,
    /// The selected changes that are left alone, sorted.
    pub refused: Vec<RefusedItem>,
    /// How to undo the plan afterwards.
    pub undo: Option<String>,
    /// Notes, such as on drift that an apply would leave.
    pub notes: Vec<String>,
}

impl Plan {
    /// Returns an empty plan.
    pub fn new(action: Action, target: ReportTarget) -> Self {
        Self {
            action,
            target,
            steps: Vec::new(),
            refused: Vec::new(),
            undo: None,
            notes: Vec::new(),
        }
    }

    /// Returns how many changes are in steps with this progress.
    pub fn changes(&self, progress: StepProgress) -> usize {
        let steps = self.steps.iter().filter(|step| step.progress == progress);
        steps.map(PlanStep::weight).sum()
    }

    /// Returns how many objects are in steps with this progress.
    pub fn objects(&self, progress: StepProgress) -> usize {
        let steps = self.steps.iter().filter(|step| step.progress == progress);
        steps.count()
    }

    /// Returns whether any step writes to the cluster.
    pub fn writes_to_cluster(&self) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|step| {
            matches!(
                step.how,
                StepAction::Patch | StepAction::Create | StepAction::Delete
            )
        })
    }

    /// Marks the steps that were not started as skipped.
    pub fn skip_rest(&mut self, why: &str) {
        self.end_rest(StepProgress::Skipped, why);
    }

    /// Marks the steps that were not started as failed.
    pub fn fail_rest(&mut self, why: &str) {
        self.end_rest(StepProgress::Failed, why);
    }

    fn end_rest(&mut self, progress: StepProgress, why: &str) {
        for step in &mut self.steps {
            if step.progress == StepProgress::Planned {
                step.progress = progress;
                step.outcome = Some(why.to_owned());
            }
        }
    }
}

/// Returns a note on the drift that applying the manifests would not undo: an apply does not remove
/// fields that others added, and the server may refuse it. `None` if it would undo everything.
pub fn after_an_apply(report: &Report) -> Option<String> {
    /// The limit on named changes.
    const MOST: usize = 5;
    let drifted = |object: &&ObjectReport| object.status() == ObjectStatus::Drifted;
    let (mut all, mut stay, mut refused) = (0, Vec::new(), Vec::new());
    for object in report.objects.iter().filter(drifted) {
        let refusal = object.apply_refusal.as_ref();
        refused.extend(refusal.map(|why| format!("{}: {why}", object.key)));
        for drift in object.drifts.iter().filter(|drift| drift.is_drift()) {
            all += 1;
            if refusal.is_some() || !drift.is_undone_by_an_apply() {
                stay.push(format!("{} {}", object.key, drift.change.path));
            }
        }
    }
    if stay.is_empty() {
        return None;
    }
    let undone = all - stay.len();
    let undone = format!("an apply undoes {undone} of {all}");
    let stay = format!("these stay: {}", some_of(stay, MOST));
    let refused = match refused.is_empty() {
        true => String::new(),
        false => format!("; the server refuses to apply {}", some_of(refused, MOST)),
    };
    Some(format!("{undone}; {stay}{refused}"))
}

/// Returns the first of some texts, and how many more there are.
fn some_of(mut texts: Vec<String>, most: usize) -> String {
    let more = match texts.len().saturating_sub(most) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    texts.truncate(most);
    format!("{}{more}", texts.join(", "))
}
