//! A change, and what was decided about it.

use super::{Cause, Change, ChangeKind, Explanation, Merge, MergeClass, Owner, Position};

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
    /// Returns the word that reports and `--fail-on` use.
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
    /// It is not drift.
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
    /// What was decided; see [`JudgedChange::new`].
    verdict: Verdict,
    /// How it came about, where more is known than who holds it.
    pub cause: Option<Cause>,
    /// A remark that helps to act, such as "outside its autoscaler's limits, 2 to 5".
    pub note: Option<String>,
    /// Who last touched its line in the manifest, if that was asked for.
    pub blame: Option<Blame>,
    /// How it stands to the base of a branch, if there is one.
    pub merge: Option<Merge>,
}

impl JudgedChange {
    /// Attaches a verdict to a change, for good. Only the module that judges does that; a test of
    /// the architecture holds the code to it.
    pub fn new(change: Change, verdict: Verdict) -> Self {
        Self {
            change,
            verdict,
            position: None,
            owners: Vec::new(),
            severity: Severity::Medium,
            cause: None,
            note: None,
            blame: None,
            merge: None,
        }
    }

    /// Returns what was decided.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Returns a part of the change: everything as it was decided for the whole.
    #[must_use]
    pub fn part(&self, change: Change, severity: Severity) -> Self {
        Self {
            change,
            severity,
            ..self.clone()
        }
    }

    /// Returns whether the change is something to tell.
    pub fn is_reported(&self) -> bool {
        self.verdict == Verdict::Reported
    }

    /// Returns whether the change counts as drift: not what only the branch changes, nor what it
    /// has taken over from live.
    pub fn is_drift(&self) -> bool {
        let class = self.merge.as_ref().map(|merge| merge.class);
        self.is_reported() && !matches!(class, Some(MergeClass::Pending | MergeClass::Backport))
    }

    /// Returns whether only the branch changes it.
    pub fn is_pending(&self) -> bool {
        let class = self.merge.as_ref().map(|merge| merge.class);
        self.is_reported() && class == Some(MergeClass::Pending)
    }

    /// Returns whether merging the branch overwrites a change that was made live.
    pub fn is_conflict(&self) -> bool {
        let class = self.merge.as_ref().map(|merge| merge.class);
        self.is_reported() && class == Some(MergeClass::Conflict)
    }

    /// Returns whether applying the manifest would undo the change. No apply takes out what others
    /// added, unless the applier declared it before.
    pub fn is_undone_by_an_apply(&self) -> bool {
        self.change.kind != ChangeKind::Added || self.cause == Some(Cause::Dropped)
    }

    /// Returns what there is to say beyond who holds it: its cause and the note, in one line.
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
