//! Decides which drift a command acts on.

use crate::model::{JudgedChange, ObjectReport, Verdict};

/// Selects changes by their object and path; the path `.` stands for the whole object.
pub type SelectsChange<'a> = &'a dyn Fn(&ObjectReport, &str) -> bool;

/// Returns whether a command acts on a change: on reported drift that `selects` selects, and on
/// ignored and accepted drift only if `names` names both its object and its path. Explained
/// differences are not drift.
pub(super) fn is_selected(
    object: &ObjectReport,
    drift: &JudgedChange,
    selects: SelectsChange<'_>,
    names: SelectsChange<'_>,
) -> bool {
    let path = &drift.change.path;
    match drift.verdict() {
        _ if path.0.is_empty() => false,
        Verdict::Reported => selects(object, &path.to_string()),
        Verdict::Ignored { .. } => names(object, &path.to_string()),
        Verdict::Explained { .. } => false,
    }
}
