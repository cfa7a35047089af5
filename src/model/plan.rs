//! What is to be done about drift, before anything is done.

use serde_json::Value;

use super::{
    Action, Cause, Change, ChangeKind, FieldPath, JudgedChange, ObjectReport, Origin, Owner,
    Position, Report, ResourceKey, Status, Target, Why,
};

/// How a step is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// Every way.
    pub const ALL: [Self; 6] = [
        Self::Patch,
        Self::Create,
        Self::Delete,
        Self::Edit,
        Self::Accept,
        Self::Ignore,
    ];

    /// Returns the word that documents use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Edit => "edit",
            Self::Accept => "accept",
            Self::Ignore => "ignore",
        }
    }
}

/// How far a step has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Progress {
    /// Nothing was done yet.
    #[default]
    Planned,
    /// It was done, and read again.
    Done,
    /// A part of it was done, or something else than was planned.
    Partly,
    /// It was not done.
    Failed,
    /// It was left alone, because someone said so or something else failed before.
    Skipped,
}

impl Progress {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Planned,
        Self::Done,
        Self::Partly,
        Self::Failed,
        Self::Skipped,
    ];

    /// Returns the word that documents use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Done => "done",
            Self::Partly => "partly-done",
            Self::Failed => "not-done",
            Self::Skipped => "skipped",
        }
    }
}

/// One field that is to change: from what it is now to what it is to be. For a revert that is from
/// live to declared, the other way round than a diff shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanChange {
    /// Where.
    pub path: FieldPath,
    /// What happens to the field: [`ChangeKind::Added`] puts it there, [`ChangeKind::Removed`]
    /// takes it out.
    pub kind: ChangeKind,
    /// What it is now, without secrets.
    pub from: Option<Value>,
    /// What it is to be, without secrets.
    pub to: Option<Value>,
    /// Whose change it undoes.
    pub owners: Vec<Owner>,
    /// Where it is declared.
    pub position: Option<Position>,
    /// How the difference came about, if that is known.
    pub cause: Option<Cause>,
}

impl PlanChange {
    /// Returns the change that makes the live side like the declared side.
    pub fn to_declared(drift: &JudgedChange) -> Self {
        let (from, to) = (drift.change.live.clone(), drift.change.declared.clone());
        Self::between(drift, from, to)
    }

    /// Returns the change that makes the declared side like the live side.
    pub fn to_live(drift: &JudgedChange) -> Self {
        let (from, to) = (drift.change.declared.clone(), drift.change.live.clone());
        Self::between(drift, from, to)
    }

    /// Returns the change that makes the live side what is called declared, of its present owner.
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

/// The name that a step writes under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenAs {
    /// The field manager.
    pub manager: String,
    /// Why this one.
    pub why: String,
}

/// What is to be done to one object.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanStep {
    /// Which object.
    pub key: ResourceKey,
    /// The version that it is written at.
    pub api_version: String,
    /// Where it is declared.
    pub origin: Option<Origin>,
    /// How it is carried out.
    pub how: How,
    /// What changes, sorted by path; nothing where the whole object is created or deleted.
    pub changes: Vec<PlanChange>,
    /// The name that it is written under.
    pub written_as: Option<WrittenAs>,
    /// What it costs and what else there is to know: `restarts 7 pods`.
    pub remarks: Vec<String>,
    /// How far it has come.
    pub progress: Progress,
    /// What became of it, in words; why it failed.
    pub outcome: Option<String>,
}

impl PlanStep {
    /// Returns how many changes it counts for: that of a whole object is one.
    pub fn weight(&self) -> usize {
        self.changes.len().max(1)
    }
}

/// Something that was selected and is left alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refused {
    /// Which object.
    pub key: ResourceKey,
    /// Which field; the root for the whole object.
    pub path: FieldPath,
    /// Why.
    pub why: Why,
    /// Why, for people; the meaning of [`Self::why`] where nothing more is known.
    pub message: String,
}

impl Refused {
    /// Returns a refusal for a reason that needs no further words.
    pub fn new(key: &ResourceKey, path: &FieldPath, why: Why) -> Self {
        Self::because(key, path, why, why.meaning())
    }

    /// Returns a refusal with words of its own.
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

/// What is to be done about drift. It holds no secrets: its values were redacted before they came
/// into it.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What it is for.
    pub action: Action,
    /// What it is to be done to.
    pub target: Target,
    /// What is to be done, in the order in which it is done.
    pub steps: Vec<PlanStep>,
    /// What was selected and is left alone, sorted.
    pub refused: Vec<Refused>,
    /// How the plan can be taken back after it was carried out.
    pub undo: Option<String>,
    /// Other things to know: what an apply would leave behind.
    pub notes: Vec<String>,
}

impl Plan {
    /// Returns a plan that does nothing yet.
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

    /// Returns how many changes there are in steps that have come so far.
    pub fn changes(&self, progress: Progress) -> usize {
        let steps = self.steps.iter().filter(|step| step.progress == progress);
        steps.map(PlanStep::weight).sum()
    }

    /// Returns how many objects are in steps that have come so far.
    pub fn objects(&self, progress: Progress) -> usize {
        let steps = self.steps.iter().filter(|step| step.progress == progress);
        steps.count()
    }

    /// Returns whether any step writes to the cluster.
    pub fn writes_to_cluster(&self) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|step| matches!(step.how, How::Patch | How::Create | How::Delete))
    }

    /// Marks what was not begun.
    pub fn skip_rest(&mut self, why: &str) {
        for step in &mut self.steps {
            if step.progress == Progress::Planned {
                step.progress = Progress::Skipped;
                step.outcome = Some(why.to_owned());
            }
        }
    }
}

/// Tells what an apply of the manifests would leave of the drift: no apply takes out what others
/// added. `None` where it would leave nothing.
pub fn after_an_apply(report: &Report) -> Option<String> {
    /// Changes that are named.
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
