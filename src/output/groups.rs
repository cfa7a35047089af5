//! Groups changes by author, by severity, or by content: the same change in many objects is one
//! entry with their list.

use std::collections::BTreeMap;

use super::rows::{self, ReportRow};
use super::{GroupBy, ShowLevel};
use crate::model::{Report, Severity};

/// How many characters of a value the title of a group shows.
const LONGEST_VALUE: usize = 100;

/// Changes that have something in common.
pub(super) struct ChangeGroup<'r> {
    /// The title: `+ .metadata.labels.team a`, `bob@example.com`, `critical`.
    pub title: String,
    /// The worst severity.
    pub severity: Option<Severity>,
    /// The changes, the worst first.
    pub rows: Vec<ReportRow<'r>>,
}

/// Returns the groups of a report, the worst first.
pub(super) fn of(report: &Report, show: ShowLevel, by: GroupBy) -> Vec<ChangeGroup<'_>> {
    let mut groups: Vec<ChangeGroup<'_>> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows::of(report, show) {
        let title = match by {
            GroupBy::Object => row.object.key.to_string(),
            GroupBy::Author => row.who().unwrap_or_else(|| "unknown author".to_owned()),
            GroupBy::Severity => row.severity().to_owned(),
            GroupBy::Change => format!("{} {}", row.sign(), row.what(false, LONGEST_VALUE)),
        };
        // Changes with the same text and different severities are not the same.
        let key = format!("{}\u{0}{title}", row.severity());
        let key = if by == GroupBy::Author {
            title.clone()
        } else {
            key
        };
        let at = *known.entry(key).or_insert(groups.len());
        if at == groups.len() {
            groups.push(ChangeGroup {
                title,
                severity: row.severity,
                rows: Vec::new(),
            });
        }
        groups[at].rows.push(row);
    }
    groups
}
