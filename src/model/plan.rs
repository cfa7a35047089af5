//! What is to be done about drift, before anything is done.

use serde_json::Value;

use super::{
    Cause, Change, ChangeKind, FieldPath, JudgedChange, ObjectReport, Origin, Owner, Position,
    Report, ResourceKey, Status, Target,
};

/// What a plan is for: which side is to become like the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The live object is to become what the manifest declares.
    Revert,
    /// An earlier revert is to be taken back.
    Undo,
    /// The manifest is to declare what is live.
    Backport,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 3] = [Self::Revert, Self::Undo, Self::Backport];

    /// The word that documents use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Revert => "revert",
            Self::Undo => "undo",
            Self::Backport => "backport",
        }
    }

    /// The word for what was done.
    pub fn done(self) -> &'static str {
        match self {
            Self::Revert => "reverted",
            Self::Undo => "undone",
            Self::Backport => "backported",
        }
    }

    /// Why a change of this cause is left alone unless it is named; `None` where it is drift like
    /// any other.
    ///
    /// This is the one table that says which changes a person made in the cluster, and which are
    /// a commit that nobody has applied yet.
    pub fn refusal(self, cause: Option<Cause>) -> Option<Why> {
        match (self, cause?) {
            (_, Cause::BeingDeleted) => Some(Why::BeingDeleted),
            (Self::Undo, _) | (_, Cause::AppliedElsewhere | Cause::Unattributed) => None,
            (Self::Revert, Cause::Unapplied | Cause::SetByApplier) => Some(Why::Unapplied),
            (Self::Revert, Cause::Dropped) => Some(Why::Dropped),
            (Self::Revert, Cause::WrittenByApplier) => Some(Why::WrittenByApplier),
            (Self::Backport, Cause::Unapplied | Cause::SetByApplier | Cause::Dropped) => {
                Some(Why::UndoesCommit)
            }
            (Self::Backport, Cause::WrittenByApplier) | (_, Cause::UnknownField) => None,
        }
    }

    /// Why an object that is missing or extra as a whole is left alone unless a flag asks for it.
    pub fn refusal_of_object(self, status: Status) -> Option<Why> {
        match (self, status) {
            (Self::Revert, Status::Missing) => Some(Why::Missing),
            (Self::Revert, Status::Extra) => Some(Why::Extra),
            (Self::Backport, Status::Missing) => Some(Why::MissingInCluster),
            (Self::Backport, Status::Extra) => Some(Why::ExtraInCluster),
            _ => None,
        }
    }
}

/// Why something is left alone. The set is closed; a step's own words say more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// Git is ahead: the applier set the live value, and the manifest changed since.
    Unapplied,
    /// Git is ahead: the applier declared the field, and the manifest no longer does.
    Dropped,
    /// Taking it over would undo a commit that was not applied yet.
    UndoesCommit,
    /// The applier wrote it and would write it again.
    WrittenByApplier,
    /// The object is being deleted.
    BeingDeleted,
    /// The object is missing, and creating objects was not asked for.
    Missing,
    /// The object is extra, and deleting objects was not asked for.
    Extra,
    /// The object is missing: the manifest is for its author to delete.
    MissingInCluster,
    /// The object is extra: no manifest declares it.
    ExtraInCluster,
    /// A controller owns the object and writes it.
    Controlled,
    /// The declared value is not known.
    UnknownValue,
    /// A field or object whose change can lose data or objects; it is to be named.
    Dangerous,
    /// The object could not be compared.
    NotCompared,
    /// It changed between reading and writing.
    Changed,
    /// The server refuses it.
    Refused,
    /// No change can be made of it.
    Impossible,
    /// The place in the manifests is not known, or is shared with others.
    NoPlace,
}

impl Why {
    /// Every reason.
    pub const ALL: [Self; 17] = [
        Self::Unapplied,
        Self::Dropped,
        Self::UndoesCommit,
        Self::WrittenByApplier,
        Self::BeingDeleted,
        Self::Missing,
        Self::Extra,
        Self::MissingInCluster,
        Self::ExtraInCluster,
        Self::Controlled,
        Self::UnknownValue,
        Self::Dangerous,
        Self::NotCompared,
        Self::Changed,
        Self::Refused,
        Self::Impossible,
        Self::NoPlace,
    ];

    /// The word that documents use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unapplied => "unapplied",
            Self::Dropped => "dropped",
            Self::UndoesCommit => "undoes-commit",
            Self::WrittenByApplier => "written-by-applier",
            Self::BeingDeleted => "being-deleted",
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::MissingInCluster => "missing-in-cluster",
            Self::ExtraInCluster => "extra-in-cluster",
            Self::Controlled => "controlled",
            Self::UnknownValue => "unknown-value",
            Self::Dangerous => "dangerous",
            Self::NotCompared => "not-compared",
            Self::Changed => "changed-meanwhile",
            Self::Refused => "refused-by-server",
            Self::Impossible => "impossible",
            Self::NoPlace => "no-place",
        }
    }

    /// What it means, and what to do.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Unapplied => {
                "Git is ahead of the cluster (unapplied): this is a deploy, not a revert; \
                 --include unapplied"
            }
            Self::Dropped => {
                "Git is ahead of the cluster (dropped): this is a deploy, not a revert; \
                 --include dropped"
            }
            Self::UndoesCommit => {
                "Git is ahead of the cluster: taking it over would undo the commit; apply it"
            }
            Self::WrittenByApplier => {
                "the applier wrote it itself and would write it again; change what the applier does"
            }
            Self::BeingDeleted => "the object is being deleted",
            Self::Missing => "the object is missing; --create creates it",
            Self::Extra => "no manifest declares the object; --prune deletes it",
            Self::MissingInCluster => {
                "the object is not in the cluster; delete its manifest if that is right"
            }
            Self::ExtraInCluster => "no manifest declares the object",
            Self::Controlled => "a controller writes this object; change the controller's own",
            Self::UnknownValue => "the declared value is not known here",
            Self::Dangerous => {
                "changing it can lose data or objects; name its object and path to do it all the \
                 same"
            }
            Self::NotCompared => "the object could not be compared",
            Self::Changed => "it was changed again meanwhile; left alone",
            Self::Refused => "the server refuses it",
            Self::Impossible => "no patch can be made of it",
            Self::NoPlace => "no place in the manifests was found for it",
        }
    }
}

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
}

impl How {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Patch, Self::Create, Self::Delete, Self::Edit];

    /// The word that documents use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Edit => "edit",
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
    /// It was left alone, because somebody said so or something else failed before.
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

    /// The word that documents use.
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
    /// How the difference came about, where that is known.
    pub cause: Option<Cause>,
}

impl PlanChange {
    /// The change that makes the live side like the declared side.
    pub fn to_declared(drift: &JudgedChange) -> Self {
        let (from, to) = (drift.change.live.clone(), drift.change.declared.clone());
        Self::between(drift, from, to)
    }

    /// The change that makes the declared side like the live side.
    pub fn to_live(drift: &JudgedChange) -> Self {
        let (from, to) = (drift.change.declared.clone(), drift.change.live.clone());
        Self::between(drift, from, to)
    }

    /// The change that makes the live side what is called declared, of whoever holds it now.
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
    /// How many changes it counts for: that of a whole object is one.
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
    /// A refusal for a reason that needs no further words.
    pub fn new(key: &ResourceKey, path: &FieldPath, why: Why) -> Self {
        Self::because(key, path, why, why.meaning())
    }

    /// A refusal with words of its own.
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
    /// A plan that does nothing yet.
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

    /// How many changes there are in steps that have come so far.
    pub fn changes(&self, progress: Progress) -> usize {
        let steps = self.steps.iter().filter(|step| step.progress == progress);
        steps.map(PlanStep::weight).sum()
    }

    /// How many objects are in steps that have come so far.
    pub fn objects(&self, progress: Progress) -> usize {
        let steps = self.steps.iter().filter(|step| step.progress == progress);
        steps.count()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_ahead_of_the_cluster_is_neither_reverted_nor_backported() {
        for cause in [Cause::Unapplied, Cause::Dropped] {
            assert!(Action::Revert.refusal(Some(cause)).is_some());
            let why = Action::Backport.refusal(Some(cause));
            assert_eq!(why, Some(Why::UndoesCommit));
        }
    }

    #[test]
    fn an_edit_in_the_cluster_can_go_either_way() {
        for cause in [
            None,
            Some(Cause::AppliedElsewhere),
            Some(Cause::Unattributed),
        ] {
            assert_eq!(Action::Revert.refusal(cause), None);
            assert_eq!(Action::Backport.refusal(cause), None);
        }
        let by_applier = Some(Cause::WrittenByApplier);
        assert!(Action::Revert.refusal(by_applier).is_some());
        assert_eq!(Action::Backport.refusal(by_applier), None);
    }

    #[test]
    fn what_is_being_deleted_is_left_alone() {
        for action in Action::ALL {
            let why = action.refusal(Some(Cause::BeingDeleted));
            assert_eq!(why, Some(Why::BeingDeleted));
        }
    }

    #[test]
    fn every_reason_has_a_word_of_its_own() {
        let mut words: Vec<&str> = Why::ALL.iter().map(|why| why.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Why::ALL.len());
    }
}
