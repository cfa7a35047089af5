//! What of a report is shown, and in which order.

use std::borrow::Cow;
use std::cmp::Reverse;

use serde_json::Value;

use crate::model::{
    Change, ChangeKind, JudgedChange, Merge, MergeClass, ObjectReport, Report, Status, Verdict,
};

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Show {
    /// What counts as drift.
    #[default]
    Drift,
    /// Also what rules ignore.
    Ignored,
    /// Also what is in sync, and what is explained.
    All,
}

impl Show {
    /// Whether a change is shown.
    pub fn includes(self, drift: &JudgedChange) -> bool {
        match drift.verdict() {
            Verdict::Reported => true,
            Verdict::Ignored { .. } => self >= Self::Ignored,
            Verdict::Explained { .. } => self == Self::All,
        }
    }

    /// Whether an object is shown.
    pub fn includes_object(self, object: &ObjectReport) -> bool {
        self == Self::All
            || object.status() != Status::InSync
            || object.drifts.iter().any(|drift| self.includes(drift))
    }
}

/// The objects to show, by key as the report has them.
pub fn objects(report: &Report, show: Show) -> impl Iterator<Item = &ObjectReport> {
    report
        .objects
        .iter()
        .filter(move |object| show.includes_object(object))
}

/// The objects to show to people, what matters most first.
pub fn by_urgency(report: &Report, show: Show) -> Vec<&ObjectReport> {
    let mut objects: Vec<_> = objects(report, show).collect();
    let urgency = |object: &ObjectReport| {
        let in_conflict = object.status() == Status::Conflict;
        // What only the branch changes, or has taken over, is nobody's surprise.
        let is_intended = matches!(object.status(), Status::Pending | Status::InSync);
        (in_conflict, !is_intended, object.severity())
    };
    objects.sort_by_key(|object| Reverse(urgency(object)));
    objects
}

/// The changes of an object to show.
pub fn drifts(object: &ObjectReport, show: Show) -> impl Iterator<Item = &JudgedChange> {
    object
        .drifts
        .iter()
        .filter(move |drift| show.includes(drift))
}

/// Both sides of a change as they are shown, the one before on the left: declared and live, but
/// for what is pending (live, and what merging makes of it) and what was taken over from live (the
/// base, and what has become of it).
pub fn shown(drift: &JudgedChange) -> Cow<'_, Change> {
    let change = &drift.change;
    let Some(Merge { class, base }) = &drift.merge else {
        return Cow::Borrowed(change);
    };
    let (before, after) = match class {
        MergeClass::Drift | MergeClass::Conflict => return Cow::Borrowed(change),
        MergeClass::Pending => (&change.live, &change.declared),
        MergeClass::Backport => (base, &change.live),
    };
    Cow::Owned(Change {
        kind: match (before, after) {
            (Some(_), None) => ChangeKind::Removed,
            (None, Some(_)) => ChangeKind::Added,
            _ => ChangeKind::Modified,
        },
        declared: before.clone(),
        live: after.clone(),
        ..change.clone()
    })
}

/// The three values of a change in conflict, with their names.
pub fn three(drift: &JudgedChange) -> [(&'static str, Option<&Value>); 3] {
    let base = drift.merge.as_ref().and_then(|merge| merge.base.as_ref());
    [
        ("base", base),
        ("branch", drift.change.declared.as_ref()),
        ("live", drift.change.live.as_ref()),
    ]
}
