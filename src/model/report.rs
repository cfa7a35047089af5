//! The result of a run, before rendering.

use std::collections::BTreeMap;

use super::{
    GroupKind, History, KindAliases, KindNames, MergeClass, ObjectReport, ObjectStatus,
    SecretPlace, SecretValue, Verdict, WebPages,
};

/// The cluster or recording that was compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportTarget {
    /// The kubeconfig context.
    pub context: Option<String>,
    /// The API server's address, without user information.
    pub server: Option<String>,
    /// The API server's version, such as `v1.36.2`.
    pub version: Option<String>,
    /// The recording that was read instead of a cluster.
    pub dump: Option<String>,
    /// Whether the server's certificate is not verified.
    pub insecure: bool,
    /// When the live side was read, in RFC 3339.
    pub read_at: Option<String>,
}

/// A Git commit from which declared state was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRevision {
    /// The user's name for it, such as `main`.
    pub name: String,
    /// Its full ID.
    pub commit: String,
    /// When it was made, in RFC 3339.
    pub time: Option<String>,
}

/// How many declared objects were compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Objects that the sources declare.
    pub declared: usize,
    /// Objects that were compared, or proven missing.
    pub compared: usize,
    /// Documents and files that contain no Kubernetes object.
    pub skipped: usize,
    /// Declared objects that a filter such as `--namespace` excludes.
    pub filtered: usize,
    /// Documents and files that could not be read.
    pub broken: usize,
    /// Objects, documents and files that could not be read or compared.
    pub failed: usize,
    /// HelmReleases whose objects were not compared, because neither a release record nor the chart
    /// was available.
    pub unread_releases: usize,
    /// Which undeclared objects were searched for; `None` if not requested.
    pub extra: Option<ExtraCoverage>,
}

impl Coverage {
    /// Returns how many of these objects were compared. What was skipped, filtered or broken stays.
    pub fn over(self, objects: &[ObjectReport]) -> Self {
        let count = |is_one: &dyn Fn(&ObjectReport) -> bool| {
            let counted = objects.iter().filter(|object| is_one(object));
            counted.count()
        };
        let declared = count(&|object| object.origin.is_some());
        let unknown = count(&|object| object.status() == ObjectStatus::Unknown);
        Self {
            declared: declared + self.filtered,
            compared: declared.saturating_sub(unknown),
            failed: unknown + self.broken,
            ..self
        }
    }
}

/// How far undeclared objects were searched for. If none is reported, that covers only what was
/// searched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExtraCoverage {
    /// The number of kinds that were searched.
    pub kinds: usize,
    /// The number of kinds, and of whole groups, that could not be searched completely.
    pub unread: usize,
}

/// The figures of the summary line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Objects with [`ObjectStatus::InSync`].
    pub in_sync: usize,
    /// Objects with [`ObjectStatus::Drifted`].
    pub drifted: usize,
    /// Objects with [`ObjectStatus::Missing`].
    pub missing: usize,
    /// Objects with [`ObjectStatus::Extra`].
    pub extra: usize,
    /// Objects with [`ObjectStatus::Unknown`].
    pub unknown: usize,
    /// Objects with [`ObjectStatus::Pending`].
    pub pending: usize,
    /// Objects with [`ObjectStatus::Conflict`].
    pub conflict: usize,
    /// Changes that count as drift.
    pub reported: usize,
    /// Changes that rules hid.
    pub ignored: usize,
}

/// How many changes a rule hid in a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleCount {
    /// The rule's ID.
    pub rule: String,
    /// The rule's reason.
    pub reason: String,
    /// Changes that it hid.
    pub hid: usize,
}

/// How many objects a rule or an explainer explained.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExplainedCount {
    /// The ID of the built-in rule or the explainer.
    pub by: String,
    /// Its description, in one sentence.
    pub about: String,
    /// The number of live objects that need not be declared.
    pub objects: usize,
}

/// A message to the user: what happened, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// The place, as `file:line:column` or as an object; empty for the whole run.
    pub place: String,
    /// What happened, and what to do.
    pub message: String,
    /// Whether the message makes the comparison incomplete.
    pub fatal: bool,
}

impl Warning {
    /// Returns a warning about a place; an empty place means the whole run.
    pub fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            message: message.into(),
            fatal: false,
        }
    }

    /// Returns an error, which makes the comparison incomplete.
    pub fn error(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            fatal: true,
            ..Self::new(place, message)
        }
    }
}

/// The result of a run.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The cluster or recording that was compared.
    pub target: ReportTarget,
    /// The Git commits that the declared state was read from.
    pub revisions: Vec<SourceRevision>,
    /// How much was compared.
    pub coverage: Coverage,
    /// Every object, sorted by key.
    pub objects: Vec<ObjectReport>,
    /// Errors and warnings, sorted.
    pub warnings: Vec<Warning>,
    /// Skipped documents and files, with the reasons; shown on request.
    pub skipped: Vec<Warning>,
    /// The rules that hid changes.
    pub rules: Vec<RuleCount>,
    /// Counts of the undeclared objects that are not drift, by explanation. With `--show all` they
    /// are also among the objects.
    pub explained: Vec<ExplainedCount>,
    /// The number of rules that have expired and no longer hide anything.
    pub expired_rules: usize,
    /// Whether the run was cut short.
    pub interrupted: bool,
    /// Whether the declared side is a branch that was also compared with its base.
    pub three_way: bool,
    /// The places of secrets that do not look like secrets; they are never shown.
    pub secret: Vec<SecretPlace>,
    /// The values of the Secrets of the run, which no renderer shows in any object.
    pub secret_values: Vec<SecretValue>,
    /// The names of the objects' kinds, for messages that name objects.
    pub called: BTreeMap<GroupKind, KindAliases>,
    /// Warning Events of drifted objects and of their pods, if requested.
    pub events: History,
    /// The web pages of manifests, as far as known.
    pub pages: WebPages,
}

impl Report {
    /// Returns the names of an object's kind.
    pub fn names_of<'r>(&'r self, object: &'r ObjectReport) -> KindNames<'r> {
        const NOTHING: &KindAliases = &KindAliases {
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
                .filter(|drift| matches!(drift.verdict(), Verdict::Ignored { .. }))
                .count();
            // An ignored extra object does not count as in sync.
            let ignored_extra = object.origin.is_none() && !object.drifts.is_empty();
            if object.status() == ObjectStatus::InSync && ignored_extra {
                continue;
            }
            *match object.status() {
                ObjectStatus::InSync => &mut totals.in_sync,
                ObjectStatus::Drifted => &mut totals.drifted,
                ObjectStatus::Missing => &mut totals.missing,
                ObjectStatus::Extra => &mut totals.extra,
                ObjectStatus::Unknown => &mut totals.unknown,
                ObjectStatus::Pending => &mut totals.pending,
                ObjectStatus::Conflict => &mut totals.conflict,
            } += 1;
        }
        totals
    }

    /// Returns whether anything could not be read or compared.
    pub fn is_incomplete(&self) -> bool {
        self.interrupted
            || self.coverage.failed > 0
            || self.warnings.iter().any(|warning| warning.fatal)
            || self
                .objects
                .iter()
                .any(|object| object.status() == ObjectStatus::Unknown)
    }

    /// Returns whether drift was found, even if the comparison is incomplete.
    pub fn has_drift(&self) -> bool {
        self.objects.iter().any(ObjectReport::is_drift)
    }

    /// Returns whether any object has a status.
    fn has(&self, status: ObjectStatus) -> bool {
        self.objects.iter().any(|object| object.status() == status)
    }

    /// Returns the changes of a class, in a comparison with a base.
    pub fn changes_of(&self, class: MergeClass) -> usize {
        let drifts = self.objects.iter().flat_map(ObjectReport::reported);
        let merges = drifts.filter_map(|drift| drift.merge.as_ref());
        merges.filter(|merge| merge.class == class).count()
    }

    /// Every word of [`Self::verdict`].
    pub const VERDICTS: [&'static str; 5] =
        ["in-sync", "pending", "drifted", "conflict", "incomplete"];

    /// Returns `incomplete` if anything could not be read, or else the worst result: `conflict`,
    /// `drifted`, `pending` (only with a base) or `in-sync`. An error never looks like "no drift".
    pub fn verdict(&self) -> &'static str {
        if self.is_incomplete() {
            "incomplete"
        } else if self.has(ObjectStatus::Conflict) {
            "conflict"
        } else if self.has_drift() {
            "drifted"
        } else if self.has(ObjectStatus::Pending) {
            "pending"
        } else {
            "in-sync"
        }
    }
}
