//! Whole objects that rules ignore: that they are missing, or that they are there.

use serde_json::Value;

use crate::model::{
    Change, ChangeKind, FieldPath, JudgedChange, ObjectReport, Owner, Packed, Severity, Status,
    Verdict,
};
use crate::policy::{ACCEPTED, RuleSet, Sides, Standing, rules_of};

/// Takes a report on a missing or extra object out of what counts when a rule says so. It stays
/// in the report, with the change that the rule hid. What an `untrusted` manifest says of itself is
/// no rule.
pub fn hide(
    mut report: ObjectReport,
    declared: Option<&Value>,
    rules: &RuleSet,
    untrusted: bool,
) -> ObjectReport {
    let kind = match report.status {
        Status::Missing => ChangeKind::Removed,
        Status::Extra => ChangeKind::Added,
        Status::InSync | Status::Drifted | Status::Unknown | Status::Pending | Status::Conflict => {
            return report;
        }
    };
    let live = report.live.as_ref().map(Packed::value);
    let object = declared.or(live.as_ref()).unwrap_or(&Value::Null);
    let trusted = declared.filter(|_| !untrusted);
    let own = rules_of(trusted, live.as_ref(), &place_of(&report));
    let sides = Sides {
        declared: object,
        live: live.as_ref().unwrap_or(&Value::Null),
    };
    let of_object = rules.for_object(&report.key, sides, own.rules);
    let owners: Vec<&Owner> = report.owners.iter().collect();
    let change = Change {
        path: FieldPath::root(),
        kind,
        declared: None,
        live: None,
        at: Vec::new(),
    };
    let (rule, reason) = match of_object.of_object(kind, &owners) {
        Some(rule) => (rule.id.clone(), rule.reason.clone()),
        None => match rules.standing(&report.key, &change) {
            Some(Standing::Accepted(accepted)) => (ACCEPTED.to_owned(), accepted.reason.clone()),
            standing => {
                let note = standing.and_then(Standing::note);
                report.reason = note.or(report.reason);
                return report;
            }
        },
    };
    report.drifts.push(JudgedChange {
        change,
        position: None,
        owners: report.owners.clone(),
        severity: Severity::Medium,
        verdict: Verdict::Ignored { rule, reason },
        cause: None,
        note: None,
        blame: None,
        merge: None,
    });
    report.reason = Some(format!("{}, which a rule ignores", report.status.as_str()));
    report.status = Status::InSync;
    report
}

/// Where an object's own rules are, for people.
pub fn place_of(report: &ObjectReport) -> String {
    match &report.origin {
        Some(origin) => format!("{origin} ({})", report.key),
        None => report.key.to_string(),
    }
}
