//! The report as rows, one per change, for tables and timelines.

use std::cmp::Reverse;

use super::{ShowLevel, differ, escape, finding, gist, view, words};
use crate::model::{
    ChangeKind, Enforcement, JudgedChange, ObjectReport, ObjectStatus, Owner, Report, Severity,
    Violation,
};

/// One change of an object, or an object as a whole.
pub(super) struct ReportRow<'r> {
    pub object: &'r ObjectReport,
    /// `None` for an object that is missing, extra or unknown.
    pub drift: Option<&'r JudgedChange>,
    /// The result of a policy, if the row is about that.
    pub violation: Option<&'r Violation>,
    /// `None` for what was not compared.
    pub severity: Option<Severity>,
}

/// Returns every row, the worst first.
pub(super) fn of(report: &Report, show: ShowLevel) -> Vec<ReportRow<'_>> {
    let mut rows = Vec::new();
    for object in view::by_urgency(report, show) {
        let unknown = object.status() == ObjectStatus::Unknown;
        if object.whole_severity.is_some() || unknown {
            rows.push(ReportRow {
                object,
                drift: None,
                violation: None,
                severity: object.whole_severity,
            });
        }
        rows.extend(object.violations.iter().map(|violation| ReportRow {
            object,
            drift: None,
            violation: Some(violation),
            severity: Some(match violation.enforcement {
                Enforcement::Denied | Enforcement::Deny => Severity::High,
                Enforcement::Warn | Enforcement::Audit => Severity::Medium,
                Enforcement::Cannot => Severity::Low,
            }),
        }));
        rows.extend(
            view::worst_first(object, show)
                .into_iter()
                .map(|drift| ReportRow {
                    object,
                    drift: Some(drift),
                    violation: None,
                    severity: Some(drift.severity),
                }),
        );
    }
    // The sort is stable: rows of the same severity stay in the order of the report.
    rows.sort_by_key(|row| {
        let is_conflict = row.drift.is_some_and(JudgedChange::is_conflict);
        let is_hidden = row.drift.is_some_and(|drift| !drift.is_reported());
        let is_intended = row.drift.is_some_and(|drift| !drift.is_drift());
        let is_unknown = row.severity.is_none();
        Reverse((
            !is_hidden,
            is_unknown,
            is_conflict,
            !is_intended,
            row.severity,
        ))
    });
    rows
}

impl ReportRow<'_> {
    /// Returns `critical`; for a verdict without a severity, its own word.
    pub fn severity(&self) -> &'static str {
        match (self.drift, self.severity) {
            (Some(drift), _) if !drift.is_reported() => "-",
            (_, Some(severity)) => severity.as_str(),
            (_, None) => "unknown",
        }
    }

    /// Returns `+`, `-` or `~`, as in the report; `!` for a conflict.
    pub fn sign(&self) -> char {
        if self.violation.is_some() {
            return '!';
        }
        let Some(drift) = self.drift else {
            return match self.object.status() {
                ObjectStatus::Missing => '-',
                ObjectStatus::Extra => '+',
                ObjectStatus::Conflict => '!',
                _ => '?',
            };
        };
        match view::shown(drift).kind {
            _ if drift.is_conflict() => '!',
            ChangeKind::Added => '+',
            ChangeKind::Removed => '-',
            ChangeKind::Modified => '~',
        }
    }

    /// Returns `.spec.replicas 3 to 5`, escaped for use within a line. Values are cut to about
    /// `most` characters.
    pub fn what(&self, short: bool, most: usize) -> String {
        if let Some(violation) = self.violation {
            return words::violation(violation);
        }
        let Some(drift) = self.drift else {
            let mut said = words::status_note(self.object).unwrap_or_default();
            if let Some(gist) = gist::of(self.object).first() {
                said = format!("{}: {gist}", self.object.status().as_str());
            }
            return said;
        };
        let change = view::shown(drift);
        let path = if short {
            words::short_path(&change.path)
        } else {
            change.path.to_string()
        };
        let value = values(drift, most);
        escape::line(format!("{path} {value}").trim_end()).into_owned()
    }

    /// Returns who wrote the live value, as far as known.
    pub fn owners(&self) -> &[Owner] {
        match self.drift {
            Some(drift) => &drift.owners,
            None => &self.object.owners,
        }
    }

    /// Returns the latest of them that does not only write the status.
    pub fn writer(&self) -> Option<Owner> {
        Owner::latest(self.owners())
    }

    /// Returns `bob@example.com`, or else the field manager.
    pub fn who(&self) -> Option<String> {
        let writer = self.writer()?;
        let who = writer.user.unwrap_or(writer.manager);
        Some(escape::line(&who).into_owned())
    }

    /// Returns `manifests/cart.yaml:20`.
    pub fn place(&self) -> Option<String> {
        let origin = self.object.origin.as_ref()?;
        let line = self.drift.and_then(|drift| drift.position);
        let line = line.or(self.violation.and_then(|violation| violation.position));
        let line = line.map_or(origin.line, |position| position.line);
        Some(escape::line(&format!("{}:{line}", origin.file)).into_owned())
    }
}

/// Returns `3 to 5`, or the only value, cut to about `most` characters.
pub(super) fn values(drift: &JudgedChange, most: usize) -> String {
    let change = view::shown(drift);
    match (&change.declared, &change.live) {
        _ if drift.is_conflict() => finding::in_conflict(drift, ", ").join("; "),
        (Some(declared), Some(live)) => finding::brief_difference(declared, live),
        (Some(value), None) | (None, Some(value)) => differ::flow(value, most),
        (None, None) => String::new(),
    }
}
