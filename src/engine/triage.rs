//! Lists the differences to decide on, each with its mark.

use std::cmp::Reverse;

use ring::digest;
use serde_json::Value;

use crate::model::{JudgedChange, ObjectReport, ObjectStatus, Report, Severity};
use crate::policy::Debt;
use crate::redact::Redacted;

/// The length of a mark.
pub const LENGTH: usize = 10;

/// The salt for digests of secrets; the object and path are part of the digest, too.
const SALT: &str = "driftctl.triage/v1";

/// A difference: a change of an object, or an object that is missing or extra as a whole.
#[derive(Debug, Clone)]
pub struct TriageItem<'r> {
    /// The object, including secrets.
    pub object: &'r ObjectReport,
    /// The change; `None` for the whole object.
    pub drift: Option<&'r JudgedChange>,
    /// The object without secrets.
    pub shown: &'r ObjectReport,
    /// The change without secrets.
    pub shown_drift: Option<&'r JudgedChange>,
    /// The severity.
    pub severity: Severity,
    /// Ten hexadecimal digits that change whenever the declared or the live value does.
    pub mark: String,
}

impl TriageItem<'_> {
    /// Returns the path in the report; `.` for the whole object.
    pub fn path(&self) -> String {
        path(self.drift)
    }

    /// Returns the same path without secrets.
    pub fn shown_path(&self) -> String {
        path(self.shown_drift)
    }
}

fn path(drift: Option<&JudgedChange>) -> String {
    drift.map_or_else(|| ".".to_owned(), |drift| drift.change.path.to_string())
}

/// Lists the differences to decide on, the most severe first.
pub fn items<'r>(report: &'r Report, shown: &'r Redacted) -> Vec<TriageItem<'r>> {
    let mut items = Vec::new();
    for (object, shown) in report.objects.iter().zip(&shown.objects) {
        if let (ObjectStatus::Missing | ObjectStatus::Extra, Some(severity)) =
            (object.status(), object.whole_severity)
        {
            items.push(TriageItem {
                object,
                drift: None,
                shown,
                shown_drift: None,
                severity,
                mark: mark(object, object.status().as_str(), &[]),
            });
        }
        let drifts = object.drifts.iter().zip(&shown.drifts);
        for (drift, shown_drift) in drifts.filter(|(drift, _)| drift.is_drift()) {
            items.push(TriageItem {
                object,
                drift: Some(drift),
                shown,
                shown_drift: Some(shown_drift),
                severity: drift.severity,
                mark: mark_of(object, drift, shown_drift),
            });
        }
    }
    // The sort is stable: changes of the same severity stay in the order of the report.
    items.sort_by_key(|item| Reverse(item.severity));
    items
}

/// Returns the mark of a change.
fn mark_of(object: &ObjectReport, drift: &JudgedChange, shown: &JudgedChange) -> String {
    let path = drift.change.path.to_string();
    let known_by = |side: &str, value: &Option<Value>, shown: &Option<Value>| match value {
        None => String::new(),
        Some(value) if Some(value) == shown.as_ref() => format!("={value}"),
        // Slow to compute, which makes guessing short passwords expensive.
        Some(value) => Debt::new(SALT.to_owned()).digest(&object.key, &path, side, value),
    };
    let (change, shown) = (&drift.change, &shown.change);
    let sides = [
        change.kind.as_str().to_owned(),
        known_by("declared", &change.declared, &shown.declared),
        known_by("live", &change.live, &shown.live),
    ];
    mark(object, &path, &sides)
}

fn mark(object: &ObjectReport, what: &str, sides: &[String]) -> String {
    let key = &object.key;
    let kind = key.group_kind().to_string();
    let namespace = key.namespace.as_deref().unwrap_or_default();
    let place = [&kind, namespace, &key.name, what].into_iter();
    let parts: Vec<&str> = place.chain(sides.iter().map(String::as_str)).collect();
    let digest = digest::digest(&digest::SHA256, parts.join("\0").as_bytes());
    let mut mark: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    mark.truncate(LENGTH);
    mark
}
