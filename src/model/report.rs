//! What a run found out, before any format.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{
    Called, Cause, Change, Explanation, FieldPath, GroupKind, KindNames, Lifecycle, Manifest,
    Merge, MergeClass, Origin, Owner, Packed, Position, ResourceKey, SecretPlace,
};

/// How much a change matters, most urgent last, so that `max` is the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Labels, annotations.
    Low,
    /// Resources, replicas, probes, configuration.
    Medium,
    /// What runs, as whom, and who reaches it.
    High,
    /// Who may do what, and what guards the cluster.
    Critical,
}

impl Severity {
    /// The word that reports and `--fail-on` use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What was decided about one change.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It is drift.
    Reported,
    /// It is drift, and a rule says not to report it.
    Ignored {
        /// The rule's id.
        rule: String,
        /// Why the rule is there.
        reason: String,
    },
    /// It is no drift.
    Explained {
        /// Why.
        by: Explanation,
        /// The built-in rule that knew, if it was one.
        rule: Option<String>,
    },
}

/// The commit that last touched a line of a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blame {
    /// The commit's id, in full; `None` for a line that is in the work tree only.
    pub commit: Option<String>,
    /// The name of its author.
    pub author: Option<String>,
    /// When it was authored, RFC 3339.
    pub time: Option<String>,
}

/// A change that was judged.
#[derive(Debug, Clone)]
pub struct JudgedChange {
    /// What.
    pub change: Change,
    /// Where in the manifest.
    pub position: Option<Position>,
    /// Who holds the live value; empty when something was removed, or when nothing is known.
    pub owners: Vec<Owner>,
    /// How much it matters.
    pub severity: Severity,
    /// What was decided.
    pub verdict: Verdict,
    /// How it came about, where more is known than who holds it.
    pub cause: Option<Cause>,
    /// A remark that helps to act, such as "outside its autoscaler's limits, 2 to 5".
    pub note: Option<String>,
    /// Who last touched its line in the manifest, if that was asked for.
    pub blame: Option<Blame>,
    /// How it stands to the base of a branch, where there is one.
    pub merge: Option<Merge>,
}

impl JudgedChange {
    /// Whether the change is something to tell.
    pub fn is_reported(&self) -> bool {
        self.verdict == Verdict::Reported
    }

    /// Whether the change counts as drift: not what only the branch changes, nor what it has taken
    /// over from live.
    pub fn is_drift(&self) -> bool {
        let class = self.merge.as_ref().map(|merge| merge.class);
        self.is_reported() && !matches!(class, Some(MergeClass::Pending | MergeClass::Backport))
    }

    /// Whether only the branch changes it.
    pub fn is_pending(&self) -> bool {
        let class = self.merge.as_ref().map(|merge| merge.class);
        self.is_reported() && class == Some(MergeClass::Pending)
    }

    /// Whether merging the branch overwrites a change that was made live.
    pub fn is_conflict(&self) -> bool {
        let class = self.merge.as_ref().map(|merge| merge.class);
        self.is_reported() && class == Some(MergeClass::Conflict)
    }

    /// What there is to say beyond who holds it: its cause and the note, in one line.
    pub fn remark(&self) -> Option<String> {
        let cause = self
            .cause
            .map(|c| format!("{}: {}", c.as_str(), c.meaning()));
        match (cause, &self.note) {
            (Some(cause), Some(note)) => Some(format!("{cause}; {note}")),
            (cause, note) => cause.or_else(|| note.clone()),
        }
    }
}

/// What is to be said of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Compared, and nothing to report.
    InSync,
    /// Compared, and different.
    Drifted,
    /// Declared, and proven not to be there.
    Missing,
    /// Live, and declared nowhere.
    Extra,
    /// Not compared; [`ObjectReport::reason`] says why.
    Unknown,
    /// The branch changes it, and live it is what the base declares.
    Pending,
    /// The branch changes it, and it was changed live: merging overwrites that.
    Conflict,
}

impl Status {
    /// The word that reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "in-sync",
            Self::Drifted => "drifted",
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::Conflict => "conflict",
        }
    }
}

/// One object of a report.
#[derive(Debug, Clone)]
pub struct ObjectReport {
    /// Which object.
    pub key: ResourceKey,
    /// The version that it was compared at.
    pub api_version: String,
    /// Where it is declared; `None` for an extra object.
    pub origin: Option<Origin>,
    /// Its manifest; `None` for an extra object.
    pub manifest: Option<Arc<Manifest>>,
    /// What was found.
    pub status: Status,
    /// Why it is unknown, or what else there is to say.
    pub reason: Option<String>,
    /// How much it matters that the object as a whole is missing or extra.
    pub whole_severity: Option<Severity>,
    /// What the branch does to the object as a whole, where there is a base to compare with.
    pub lifecycle: Option<Lifecycle>,
    /// Its changes, sorted by path. Explained ones are there only when they were asked for.
    pub drifts: Vec<JudgedChange>,
    /// Who holds an extra object, most recent write first.
    pub owners: Vec<Owner>,
    /// The declared side for whole-object views; absent for extra objects and objects in sync.
    pub declared: Option<Packed>,
    /// The live side for whole-object views: the declared object with the reported changes made.
    pub live: Option<Packed>,
}

impl ObjectReport {
    /// Starts a report on an object that is declared nowhere, of which nothing is known yet.
    pub fn new(key: ResourceKey, api_version: String) -> Self {
        Self {
            key,
            api_version,
            origin: None,
            manifest: None,
            status: Status::Extra,
            reason: None,
            whole_severity: None,
            lifecycle: None,
            drifts: Vec::new(),
            owners: Vec::new(),
            declared: None,
            live: None,
        }
    }

    /// Starts a report on a declared object that was not compared yet.
    pub fn of(key: ResourceKey, manifest: &Arc<Manifest>) -> Self {
        Self {
            origin: Some(manifest.origin.clone()),
            manifest: Some(Arc::clone(manifest)),
            status: Status::Unknown,
            ..Self::new(key, manifest.api_version.clone())
        }
    }

    /// The changes that count.
    pub fn reported(&self) -> impl Iterator<Item = &JudgedChange> {
        self.drifts.iter().filter(|drift| drift.is_reported())
    }

    /// How much the object matters: that it is missing or extra, or else its worst change.
    pub fn severity(&self) -> Option<Severity> {
        let all = self.reported();
        let worst = all.map(|drift| (drift.is_drift(), drift.severity)).max();
        self.whole_severity.max(worst.map(|(_, severity)| severity))
    }

    /// Whether the object differs from what is declared, not counting what only the branch does.
    pub fn is_drift(&self) -> bool {
        matches!(
            self.status,
            Status::Drifted | Status::Missing | Status::Extra | Status::Conflict
        )
    }
}

/// What the declared state was compared with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// The kubeconfig context.
    pub context: Option<String>,
    /// The API server's address, without user information.
    pub server: Option<String>,
    /// The API server's version, such as `v1.36.2`.
    pub version: Option<String>,
    /// The dump that was read instead of a cluster.
    pub dump: Option<String>,
    /// Whether the server's certificate is not verified.
    pub insecure: bool,
    /// When the live side was read, RFC 3339.
    pub read_at: Option<String>,
}

/// A Git commit that declared state was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// What the user called it, such as `main`.
    pub name: String,
    /// Its id, in full.
    pub commit: String,
    /// When it was made, RFC 3339.
    pub time: Option<String>,
}

/// How much of what is declared was compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Objects that the sources declare.
    pub declared: usize,
    /// Objects that were compared, or proven missing.
    pub compared: usize,
    /// Documents and files that hold no Kubernetes object.
    pub skipped: usize,
    /// Declared objects that a filter such as `--namespace` left out.
    pub filtered: usize,
    /// Objects, documents and files that could not be read or compared.
    pub failed: usize,
    /// How far undeclared objects were looked for; `None` when nobody asked for them.
    pub extra: Option<ExtraCoverage>,
}

/// How far undeclared objects were looked for. That none is reported tells something only about
/// what was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExtraCoverage {
    /// Kinds whose objects were looked for.
    pub kinds: usize,
    /// Kinds, and groups of kinds, of which not all objects could be read.
    pub unread: usize,
}

/// The figures of the summary line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Objects by status.
    pub in_sync: usize,
    /// See [`Status::Drifted`].
    pub drifted: usize,
    /// See [`Status::Missing`].
    pub missing: usize,
    /// See [`Status::Extra`].
    pub extra: usize,
    /// See [`Status::Unknown`].
    pub unknown: usize,
    /// See [`Status::Pending`].
    pub pending: usize,
    /// See [`Status::Conflict`].
    pub conflict: usize,
    /// Changes that count as drift.
    pub reported: usize,
    /// Changes that rules hid.
    pub ignored: usize,
}

/// How many changes a rule hid in a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleCount {
    /// The rule's id.
    pub rule: String,
    /// Why the rule is there.
    pub reason: String,
    /// Changes that it hid.
    pub hid: usize,
}

/// Something that the reader must know, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// Where, as `file:line:column` or as an object; empty when it concerns the run.
    pub place: String,
    /// What happened, and what to do.
    pub message: String,
    /// Whether it makes the comparison incomplete.
    pub fatal: bool,
}

/// What a run found out.
#[derive(Debug, Clone)]
pub struct Report {
    /// What the declared state was compared with.
    pub target: Target,
    /// The Git commits that the declared state was read from.
    pub revisions: Vec<Revision>,
    /// How much was compared.
    pub coverage: Coverage,
    /// Every object, sorted by key.
    pub objects: Vec<ObjectReport>,
    /// Errors and warnings, sorted.
    pub warnings: Vec<Warning>,
    /// What was skipped and why, by file; shown when asked for.
    pub skipped: Vec<Warning>,
    /// The rules that hid something.
    pub rules: Vec<RuleCount>,
    /// How many rules have run out, and hide nothing any more.
    pub expired_rules: usize,
    /// Whether the run was cut short.
    pub interrupted: bool,
    /// Whether the declared side is a branch that was compared with its base too.
    pub three_way: bool,
    /// Where values are secret that do not look it: no renderer shows them.
    pub secret: Vec<SecretPlace>,
    /// What the kinds of the objects are called, for those who name objects in words.
    pub called: BTreeMap<GroupKind, Called>,
}

impl Report {
    /// The names that people call an object's kind by.
    pub fn names_of<'r>(&'r self, object: &'r ObjectReport) -> KindNames<'r> {
        const NOTHING: &Called = &Called {
            plural: String::new(),
            short_names: Vec::new(),
        };
        let called = self.called.get(&object.key.group_kind());
        (called.unwrap_or(NOTHING)).names(&object.api_version, &object.key.kind)
    }

    /// Counts the objects and changes.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for object in &self.objects {
            totals.reported += object
                .drifts
                .iter()
                .filter(|drift| drift.is_drift())
                .count();
            totals.ignored += object
                .drifts
                .iter()
                .filter(|drift| matches!(drift.verdict, Verdict::Ignored { .. }))
                .count();
            // An extra object that a rule ignores is not in sync with anything.
            let ignored_extra = object.origin.is_none() && !object.drifts.is_empty();
            if object.status == Status::InSync && ignored_extra {
                continue;
            }
            *match object.status {
                Status::InSync => &mut totals.in_sync,
                Status::Drifted => &mut totals.drifted,
                Status::Missing => &mut totals.missing,
                Status::Extra => &mut totals.extra,
                Status::Unknown => &mut totals.unknown,
                Status::Pending => &mut totals.pending,
                Status::Conflict => &mut totals.conflict,
            } += 1;
        }
        totals
    }

    /// Whether something could not be read or compared.
    pub fn is_incomplete(&self) -> bool {
        self.interrupted
            || self.coverage.failed > 0
            || self.warnings.iter().any(|warning| warning.fatal)
            || self
                .objects
                .iter()
                .any(|object| object.status == Status::Unknown)
    }

    /// Whether drift was found, complete or not.
    pub fn has_drift(&self) -> bool {
        self.objects.iter().any(ObjectReport::is_drift)
    }

    /// Whether any object has a status.
    fn has(&self, status: Status) -> bool {
        self.objects.iter().any(|object| object.status == status)
    }

    /// The changes of a class, in a comparison with a base.
    pub fn changes_of(&self, class: MergeClass) -> usize {
        let drifts = self.objects.iter().flat_map(ObjectReport::reported);
        let merges = drifts.filter_map(|drift| drift.merge.as_ref());
        merges.filter(|merge| merge.class == class).count()
    }

    /// `incomplete` when anything could not be read, else the worst that was found: `conflict`,
    /// `drifted`, `pending` (those with a base only) or `in-sync`. An error never looks like "no
    /// drift".
    pub fn verdict(&self) -> &'static str {
        if self.is_incomplete() {
            "incomplete"
        } else if self.has(Status::Conflict) {
            "conflict"
        } else if self.has_drift() {
            "drifted"
        } else if self.has(Status::Pending) {
            "pending"
        } else {
            "in-sync"
        }
    }

    /// The changes at a path, for tests and tools.
    pub fn find(&self, key: &ResourceKey, path: &FieldPath) -> Option<&JudgedChange> {
        let object = self.objects.iter().find(|object| &object.key == key)?;
        object
            .drifts
            .iter()
            .find(|drift| &drift.change.path == path)
    }
}
