//! Decides which drift a command acts on.

use crate::model::{FieldPath, JudgedChange, ObjectReport, PathElement, ResourceKey, Verdict};

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

/// Returns whether a path is of containers that `kubectl debug` added to a Pod: they cannot be
/// removed from it, and no manifest can declare them.
pub(super) fn is_debug_container(key: &ResourceKey, path: &FieldPath) -> bool {
    let mut names = path.0.iter().map(|element| match element {
        PathElement::Field(name) => name.as_str(),
        _ => "",
    });
    key.group.is_empty()
        && key.kind == "Pod"
        && names.next() == Some("spec")
        && names.next() == Some("ephemeralContainers")
}
