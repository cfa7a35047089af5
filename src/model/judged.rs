//! A change and its verdict.

use strum::{IntoStaticStr, VariantArray};

use super::{Change, ChangeCause, ChangeKind, Explanation, Merge, MergeClass, Owner, Position};

/// The severity of a change. Variants are in ascending order, so that `max` is the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Severity {
    /// Labels and annotations.
    Low,
    /// Resources, replicas, probes and configuration.
    Medium,
    /// The code that runs, its user, and its network access.
    High,
    /// Permissions and cluster protection.
    Critical,
}

impl Severity {
    /// Returns the word for reports and `--fail-on`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The verdict on a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It is drift.
    Reported,
    /// It is drift, but a rule hides it.
    Ignored {
        /// The rule's ID.
        rule: String,
        /// The rule's reason.
        reason: String,
    },
    /// It is not drift.
    Explained {
        /// The explanation.
        by: Explanation,
        /// The built-in rule that explains it, if a rule does.
        rule: Option<String>,
    },
}

/// The commit that last changed a line of a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blame {
    /// The commit's full ID; `None` for a line that is only in the work tree.
    pub commit: Option<String>,
    /// The name of its author.
    pub author: Option<String>,
    /// When it was authored, in RFC 3339.
    pub time: Option<String>,
}

/// A change with its verdict.
#[derive(Debug, Clone)]
pub struct JudgedChange {
    /// The change.
    pub change: Change,
    /// The position in the manifest.
    pub position: Option<Position>,
    /// The owners of the live value; empty for a removed field, or if unknown.
    pub owners: Vec<Owner>,
    /// The severity.
    pub severity: Severity,
    /// The verdict; see [`JudgedChange::new`].
    verdict: Verdict,
    /// The cause, if more is known than the owner.
    pub cause: Option<ChangeCause>,
    /// A note that helps the user to act, such as "outside its autoscaler's limits, 2 to 5".
    pub note: Option<String>,
    /// The last commit of its line in the manifest, if requested.
    pub blame: Option<Blame>,
    /// The relation to the base of the branch, if there is a base.
    pub merge: Option<Merge>,
}

impl JudgedChange {
    /// Returns a change with its final verdict. Only the `judge` module calls this, which an
    /// architecture test enforces.
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

    /// Returns the verdict.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Returns a part of the change with the same verdict.
    #[must_use]
    pub fn part(&self, change: Change, severity: Severity) -> Self {
        Self {
            change,
            severity,
            ..self.clone()
        }
    }

    /// Returns whether the change is reported.
    pub fn is_reported(&self) -> bool {
        self.verdict == Verdict::Reported
    }

    /// Returns whether the change is drift. It is not if only the branch changes the field, or if
    /// the branch now declares the live value.
    pub fn is_drift(&self) -> bool {
        let class = self.merge.as_ref().map(|merge| merge.class);
        self.is_reported() && !matches!(class, Some(MergeClass::Pending | MergeClass::Backport))
    }

    /// Returns whether only the branch changes the field.
    pub fn is_pending(&self) -> bool {
        let class = self.merge.as_ref().map(|merge| merge.class);
        self.is_reported() && class == Some(MergeClass::Pending)
    }

    /// Returns whether merging the branch overwrites a live change.
    pub fn is_conflict(&self) -> bool {
        let class = self.merge.as_ref().map(|merge| merge.class);
        self.is_reported() && class == Some(MergeClass::Conflict)
    }

    /// Returns whether applying the manifest would undo the change. An apply does not remove fields
    /// that others added, unless the applier declared them before.
    pub fn is_undone_by_an_apply(&self) -> bool {
        self.change.kind != ChangeKind::Added || self.cause == Some(ChangeCause::Dropped)
    }

    /// Returns its cause and note, in one line.
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
