//! A plan: what to do about drift, before it is done.

use serde_json::Value;
use strum::{IntoStaticStr, VariantArray};

use super::{
    Action, Cause, Change, ChangeKind, FieldPath, JudgedChange, ObjectReport, Origin, Owner,
    Position, Report, ResourceKey, Status, Target, Why,
};

/// How a step is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum How {
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

impl How {
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
pub enum Progress {
    /// Not done yet.
    #[default]
    Planned,
    /// Done, and read again.
    Done,
    /// Partly done, or with another result than planned.
    #[strum(serialize = "partly-done")]
    Partly,
    /// It was not done.
    #[strum(serialize = "not-done")]
    Failed,
    /// Skipped, because the user declined it or an earlier step failed.
    Skipped,
}

impl Progress {
    /// Returns the word for documents.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One field to change: from its current value to its new one. For a revert that is from live to
/// declared, the opposite direction of a diff.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanChange {
    /// The path.
    pub path: FieldPath,
    /// What happens to the field: [`ChangeKind::Added`] adds it, [`ChangeKind::Removed`] removes
    /// it.
    pub kind: ChangeKind,
    /// Its current value, without secrets.
    pub from: Option<Value>,
    /// Its new value, without secrets.
    pub to: Option<Value>,
    /// The owners whose change it undoes.
    pub owners: Vec<Owner>,
    /// Where it is declared.
    pub position: Option<Position>,
    /// How the difference came about, if known.
    pub cause: Option<Cause>,
}

impl PlanChange {
    /// Returns the change that makes the live side match the declared side.
    pub fn to_declared(drift: &JudgedChange) -> Self {
        let (from, to) = (drift.change.live.clone(), drift.change.declared.clone());
        Self::between(drift, from, to)
    }

    /// Returns the change that makes the declared side match the live side.
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
    /// Why this manager.
    pub why: String,
}

/// What to do to one object.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanStep {
    /// Which object.
    pub key: ResourceKey,
    /// The API version that it is written at.
    pub api_version: String,
    /// Where it is declared.
    pub origin: Option<Origin>,
    /// How it is carried out.
    pub how: How,
    /// The changes, sorted by path; empty if the whole object is created or deleted.
    pub changes: Vec<PlanChange>,
    /// The field manager that writes it.
    pub written_as: Option<WrittenAs>,
    /// Side effects and notes: `restarts 7 pods`.
    pub remarks: Vec<String>,
    /// The progress.
    pub progress: Progress,
    /// The result in words; why it failed.
    pub outcome: Option<String>,
}

impl PlanStep {
    /// Returns how many changes it counts as: a whole object is one.
    pub fn weight(&self) -> usize {
        self.changes.len().max(1)
    }
}

/// Something that was selected but is left alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refused {
    /// Which object.
    pub key: ResourceKey,
    /// The field; the root for the whole object.
    pub path: FieldPath,
    /// Why.
    pub why: Why,
    /// The reason, for people; the meaning of [`Self::why`] if nothing more is known.
    pub message: String,
}

impl Refused {
    /// Returns a refusal whose reason needs no explanation.
    pub fn new(key: &ResourceKey, path: &FieldPath, why: Why) -> Self {
        Self::because(key, path, why, why.meaning())
    }

    /// Returns a refusal with its own explanation.
    pub fn because(
        key: &ResourceKey,
        path: &FieldPath,
        why: Why,
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

/// What to do about drift. It contains no secrets: its values are redacted first.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The action.
    pub action: Action,
    /// The cluster or recording.
    pub target: Target,
    /// The steps, in the order in which they are done.
    pub steps: Vec<PlanStep>,
    /// What was selected but is left alone, sorted.
    pub refused: Vec<Refused>,
    /// How to undo the plan after it was carried out.
    pub undo: Option<String>,
    /// Notes: what an apply would leave behind.
    pub notes: Vec<String>,
}

impl Plan {
    /// Returns an empty plan.
    pub fn new(action: Action, target: Target) -> Self {
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
    pub fn changes(&self, progress: Progress) -> usize {
        let steps = self.steps.iter().filter(|step| step.progress == progress);
        steps.map(PlanStep::weight).sum()
    }

    /// Returns how many objects are in steps with this progress.
    pub fn objects(&self, progress: Progress) -> usize {
        let steps = self.steps.iter().filter(|step| step.progress == progress);
        steps.count()
    }

    /// Returns whether any step writes to the cluster.
    pub fn writes_to_cluster(&self) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|step| matches!(step.how, How::Patch | How::Create | How::Delete))
    }

    /// Marks what was not started.
    pub fn skip_rest(&mut self, why: &str) {
        for step in &mut self.steps {
            if step.progress == Progress::Planned {
                step.progress = Progress::Skipped;
                step.outcome = Some(why.to_owned());
            }
        }
    }
}

/// Returns a note about the drift that an apply of the manifests would leave: an apply does not
/// remove what others added. `None` if it would leave nothing.
pub fn after_an_apply(report: &Report) -> Option<String> {
    /// How many changes are named.
    const MOST: usize = 5;
    let drifted = |object: &&ObjectReport| object.status() == Status::Drifted;
    let (mut all, mut stay) = (0, Vec::new());
    for object in report.objects.iter().filter(drifted) {
        for drift in object.drifts.iter().filter(|drift| drift.is_drift()) {
            all += 1;
            if !drift.is_undone_by_an_apply() {
                stay.push(format!("{} {}", object.key, drift.change.path));
            }
        }
    }
    if stay.is_empty() {
        return None;
    }
    let undone = all - stay.len();
    let more = match stay.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    stay.truncate(MOST);
    Some(format!(
        "an apply undoes {undone} of {all}; these stay: {}{more}",
        stay.join(", ")
    ))
}
