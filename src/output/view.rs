//! Selects and sorts what is shown of a report.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde_json::Value;
use strum::{IntoStaticStr, VariantArray};

use crate::model::{
    Change, ChangeKind, Deployer, JudgedChange, Merge, MergeClass, ObjectReport, ObjectStatus,
    Report, Verdict,
};

/// How much is shown.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
pub enum ShowLevel {
    /// What counts as drift.
    #[default]
    Drift,
    /// Also what rules ignore.
    Ignored,
    /// Also what is in sync, and what is explained.
    All,
}

impl ShowLevel {
    /// Returns whether a change is shown.
    pub fn includes(self, drift: &JudgedChange) -> bool {
        match drift.verdict() {
            Verdict::Reported => true,
            Verdict::Ignored { .. } => self >= Self::Ignored,
            Verdict::Explained { .. } => self == Self::All,
        }
    }

    /// Returns whether an object is shown.
    pub fn includes_object(self, object: &ObjectReport) -> bool {
        self == Self::All
            || (object.status() != ObjectStatus::InSync && !is_left_out(object))
            || object.drifts.iter().any(|drift| self.includes(drift))
            || !object.violations.is_empty()
    }
}

/// Returns whether everything about an object is hidden by `--severity`, `--since` or `--by`.
fn is_left_out(object: &ObjectReport) -> bool {
    match object.status() {
        ObjectStatus::Missing | ObjectStatus::Extra => object.whole_severity.is_none(),
        ObjectStatus::Drifted => object.drifts.is_empty() && object.reason.is_none(),
        ObjectStatus::InSync
        | ObjectStatus::Unknown
        | ObjectStatus::Pending
        | ObjectStatus::Conflict => false,
    }
}

/// Returns the objects to show, in the order of the report.
pub fn objects(report: &Report, show: ShowLevel) -> impl Iterator<Item = &ObjectReport> {
    report
        .objects
        .iter()
        .filter(move |object| show.includes_object(object))
}

/// Returns the objects to show to people, the worst first.
pub fn by_urgency(report: &Report, show: ShowLevel) -> Vec<&ObjectReport> {
    let mut objects: Vec<_> = objects(report, show).collect();
    let urgency = |object: &ObjectReport| {
        let in_conflict = object.status() == ObjectStatus::Conflict;
        // Changes that the branch makes or already declares are expected. With a base, the reader
        // still asks about them.
        let is_intended = matches!(
            object.status(),
            ObjectStatus::Pending | ObjectStatus::InSync
        );
        let is_unknown = object.status() == ObjectStatus::Unknown;
        let is_first = if report.three_way {
            object.status() != ObjectStatus::Drifted
        } else {
            !is_intended
        };
        (
            in_conflict,
            is_unknown,
            is_first,
            !is_intended,
            object.severity(),
        )
    };
    objects.sort_by_key(|object| Reverse(urgency(object)));
    objects
}

/// Separates the objects that could not be compared and share a reason: many of one kind, or those
/// for which permissions are missing in one place.
pub fn by_reason(objects: Vec<&ObjectReport>) -> (Vec<&ObjectReport>, Vec<Vec<&ObjectReport>>) {
    /// The number of objects from which they are grouped.
    const MANY: usize = 5;
    /// The same number if permissions are missing.
    const FORBIDDEN: usize = 2;
    let mut groups: Vec<Vec<&ObjectReport>> = Vec::new();
    let mut others = Vec::new();
    for object in &objects {
        let is_alike = |group: &&mut Vec<&ObjectReport>| {
            group.first().is_some_and(
                |first| match (missing_right(first), missing_right(object)) {
                    (Some((_, there)), Some((_, here))) => there == here,
                    (None, None) => {
                        first.key.kind == object.key.kind
                            && first.key.group == object.key.group
                            && of_kind(first) == of_kind(object)
                    }
                    _ => false,
                },
            )
        };
        if object.status() != ObjectStatus::Unknown {
            others.push(*object);
            continue;
        }
        match groups.iter_mut().find(is_alike) {
            Some(group) => group.push(object),
            None => groups.push(vec![object]),
        }
    }
    let (many, few): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| {
        let is_forbidden = group
            .first()
            .is_some_and(|one| missing_right(one).is_some());
        group.len() >= if is_forbidden { FORBIDDEN } else { MANY }
    });
    let few: BTreeSet<_> = few.iter().flatten().map(|object| &object.key).collect();
    if few.is_empty() {
        return (others, many);
    }
    let is_apart = |object: &&ObjectReport| {
        object.status() != ObjectStatus::Unknown
            || few.contains(&object.key)
                && !many.iter().flatten().any(|one| std::ptr::eq(*one, *object))
    };
    (objects.into_iter().filter(is_apart).collect(), many)
}

/// Returns the missing permission, and where, for an object that could not be read without it: `get
/// secrets` and `namespace shop`.
pub fn missing_right(object: &ObjectReport) -> Option<(&str, &str)> {
    let reason = object.reason.as_deref()?.strip_prefix("forbidden: ")?;
    let (right, _) = reason.split_once(" is not allowed")?;
    right.split_once(" in ")
}

/// Returns the part of a reason that does not depend on the object, such as where it is declared.
fn of_kind(object: &ObjectReport) -> Option<&str> {
    let reason = object.reason.as_deref()?;
    match reason.strip_prefix("declared ") {
        Some(rest) => rest.split_once(": ").map(|(count, _)| count),
        None => Some(reason),
    }
}

/// Groups objects by their deployer, in their original order; `None` for those without a GitOps
/// tool.
pub fn by_deployer(objects: Vec<&ObjectReport>) -> Vec<(Option<&[Deployer]>, Vec<&ObjectReport>)> {
    let mut groups: Vec<(Option<&[Deployer]>, Vec<&ObjectReport>)> = Vec::new();
    for object in objects {
        let origin = object.origin.as_ref();
        let chain = origin.map(|origin| &*origin.chain);
        let chain = chain.filter(|chain| !chain.is_empty());
        match groups.iter_mut().find(|(known, _)| *known == chain) {
            Some((_, group)) => group.push(object),
            None => groups.push((chain, vec![object])),
        }
    }
    groups
}

/// Returns the changes of an object to show.
pub fn drifts(object: &ObjectReport, show: ShowLevel) -> impl Iterator<Item = &JudgedChange> {
    object
        .drifts
        .iter()
        .filter(move |drift| show.includes(drift))
}

/// Returns the changes of an object to show, the worst first: what merging overwrites, then drift,
/// then what the branch intends.
pub fn worst_first(object: &ObjectReport, show: ShowLevel) -> Vec<&JudgedChange> {
    let mut drifts: Vec<_> = drifts(object, show).collect();
    // The sort is stable: changes of the same severity stay sorted by path.
    drifts.sort_by_key(|drift| {
        let reported = drift.is_reported();
        Reverse((
            drift.is_conflict(),
            reported && drift.is_drift(),
            reported,
            drift.severity,
        ))
    });
    drifts
}

/// Returns both sides of a change as they are shown, the earlier one on the left: declared and
/// live, except for pending changes (live, and the result of merging) and backported ones (the
/// base, and its new value).
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
        kind: ChangeKind::between(before.as_ref(), after.as_ref()),
        declared: before.clone(),
        live: after.clone(),
        ..change.clone()
    })
}

/// Returns the three values of a change in conflict, with their names.
pub fn three_values(drift: &JudgedChange) -> [(&'static str, Option<&Value>); 3] {
    let base = drift.merge.as_ref().and_then(|merge| merge.base.as_ref());
    [
        ("base", base),
        ("branch", drift.change.declared.as_ref()),
        ("live", drift.change.live.as_ref()),
    ]
}
