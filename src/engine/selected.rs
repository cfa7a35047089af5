//! The drift that a command acts on.

use crate::model::{JudgedChange, ObjectReport, Verdict};

/// Whether something of an object is selected; the path `.` stands for the object itself.
pub type Meant<'a> = &'a dyn Fn(&ObjectReport, &str) -> bool;

/// Reports whether a command acts on a change: on reported drift that `selects` selects, and on
/// ignored and accepted drift only where `names` names both its object and its path. What is
/// explained is not drift.
pub(super) fn is_selected(
    object: &ObjectReport,
    drift: &JudgedChange,
    selects: Meant<'_>,
    names: Meant<'_>,
) -> bool {
    let path = &drift.change.path;
    match drift.verdict() {
        _ if path.0.is_empty() => false,
        Verdict::Reported => selects(object, &path.to_string()),
        Verdict::Ignored { .. } => names(object, &path.to_string()),
        Verdict::Explained { .. } => false,
    }
}
