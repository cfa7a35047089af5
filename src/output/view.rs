//! What of a report is shown, and in which order.

use std::cmp::Reverse;

use crate::model::{Drift, ObjectReport, Report, Status, Verdict};

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
    pub fn includes(self, drift: &Drift) -> bool {
        match drift.verdict {
            Verdict::Reported => true,
            Verdict::Ignored { .. } => self >= Self::Ignored,
            Verdict::Explained { .. } => self == Self::All,
        }
    }

    /// Whether an object is shown.
    pub fn includes_object(self, object: &ObjectReport) -> bool {
        self == Self::All
            || object.status != Status::InSync
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
    objects.sort_by_key(|object| Reverse(object.severity()));
    objects
}

/// The changes of an object to show.
pub fn drifts(object: &ObjectReport, show: Show) -> impl Iterator<Item = &Drift> {
    object
        .drifts
        .iter()
        .filter(move |drift| show.includes(drift))
}
