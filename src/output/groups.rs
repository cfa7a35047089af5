//! Changes put together by who made them, by how much they matter, or by what they are: the same
//! change of many objects is one entry with the list of them.

use std::collections::BTreeMap;

use super::rows::{self, Row};
use super::{GroupBy, Show};
use crate::model::{Report, Severity};

/// Characters of a value in the title of a change.
const LONGEST_VALUE: usize = 100;

/// Changes that have something in common.
pub(super) struct Group<'r> {
    /// What that is: `+ .metadata.labels.team a`, `bob@example.com`, `critical`.
    pub title: String,
    /// The worst of them.
    pub severity: Option<Severity>,
    /// The changes, what matters most first.
    pub rows: Vec<Row<'r>>,
}

/// Returns the groups of a report, those with what matters most first.
pub(super) fn of(report: &Report, show: Show, by: GroupBy) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows::of(report, show) {
        let title = match by {
            GroupBy::Object => row.object.key.to_string(),
            GroupBy::Author => row.who().unwrap_or_else(|| "unknown author".to_owned()),
            GroupBy::Severity => row.severity().to_owned(),
            GroupBy::Change => format!("{} {}", row.sign(), row.what(false, LONGEST_VALUE)),
        };
        // What reads the same and is rated differently is not the same.
        let key = format!("{}\u{0}{title}", row.severity());
        let key = if by == GroupBy::Author {
            title.clone()
        } else {
            key
        };
        let at = *known.entry(key).or_insert(groups.len());
        if at == groups.len() {
            groups.push(Group {
                title,
                severity: row.severity,
                rows: Vec::new(),
            });
        }
        groups[at].rows.push(row);
    }
    groups
}
