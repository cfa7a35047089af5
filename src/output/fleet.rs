//! Summarizes several clusters: a table of them, and the drift that they have in common.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::rows::{self, ReportRow};
use super::several::ClusterReport;
use super::{ShowLevel, escape, words};
use crate::model::{JudgedChange, ObjectReport, ResourceKey, Severity};
use crate::redact::Redacted;

/// Identifies a change across clusters: the object, its severity, and its text.
type CommonKey = (String, &'static str, String);

/// Drift that several clusters have in common.
pub(super) struct CommonDrift<'r> {
    /// The drift, as found in the first of the clusters.
    pub row: ReportRow<'r>,
    /// The names of the clusters, in the order of the report.
    pub clusters: Vec<&'r str>,
}

/// One line of the table of clusters.
pub(super) struct ClusterRow<'r> {
    /// The name.
    pub name: &'r str,
    /// The verdict: `drifted`
    pub verdict: &'static str,
    /// Counts of drifted, missing, undeclared and unknown objects.
    pub counts: [usize; 4],
    /// The worst severity.
    pub worst: Option<Severity>,
}

/// Returns the table of clusters.
pub(super) fn cluster_rows<'r>(clusters: &'r [ClusterReport<'r>]) -> Vec<ClusterRow<'r>> {
    let of = |cluster: &'r ClusterReport<'r>| {
        let totals = cluster.report.totals();
        let objects = cluster.report.objects.iter();
        let drifted = objects.filter(|object| object.is_drift());
        ClusterRow {
            name: &cluster.name,
            verdict: cluster.report.verdict(),
            counts: [
                totals.drifted + totals.conflict,
                totals.missing,
                totals.extra,
                totals.unknown,
            ],
            worst: drifted.filter_map(ObjectReport::severity).max(),
        }
    };
    clusters.iter().map(of).collect()
}

/// Returns the drift that more than one cluster has, the most common first.
pub(super) fn common_drift<'r>(
    clusters: &'r [ClusterReport<'r>],
    show: ShowLevel,
) -> Vec<CommonDrift<'r>> {
    let mut found: BTreeMap<CommonKey, CommonDrift<'r>> = BTreeMap::new();
    for cluster in clusters {
        let rows = rows::of(cluster.report, show).into_iter();
        for row in rows.filter(counts) {
            let known = found
                .entry(common_key(&row))
                .or_insert_with(|| CommonDrift {
                    row,
                    clusters: Vec::new(),
                });
            // A list may contain items with the same text.
            if known.clusters.last() != Some(&cluster.name.as_str()) {
                known.clusters.push(&cluster.name);
            }
        }
    }
    let mut common_drift: Vec<CommonDrift<'r>> = found.into_values().collect();
    common_drift.retain(|one| one.clusters.len() > 1);
    // The sort is stable: equally severe drift stays in the order of objects.
    common_drift.sort_by_key(|one| Reverse((one.row.severity, one.clusters.len())));
    common_drift
}

impl CommonDrift<'_> {
    /// Returns `in all 3 clusters`, or the names of the clusters, escaped for use within a line.
    pub fn cluster_names(&self, all: usize) -> String {
        let n = self.clusters.len();
        match n == all {
            true => format!("in all {n} clusters"),
            false => {
                let names = self.clusters.join(", ");
                format!("in {n} of {all} clusters: {}", escape::line(&names))
            }
        }
    }
}

/// Returns a note about changes that are listed with those that several clusters have in common.
pub(super) fn left_out(changes: usize) -> Option<String> {
    match changes {
        0 => None,
        1 => Some("1 change is the same in other clusters and is listed above".to_owned()),
        n => Some(format!(
            "{n} changes are the same in other clusters and are listed above"
        )),
    }
}

/// Returns whether a row is drift. Unknown and hidden rows stay with their cluster.
fn counts(row: &ReportRow<'_>) -> bool {
    let is_reported = row.drift.is_none_or(JudgedChange::is_reported);
    row.violation.is_none() && row.severity.is_some() && is_reported
}

fn common_key(row: &ReportRow<'_>) -> CommonKey {
    let what = format!("{} {}", row.sign(), row.what(false, usize::MAX));
    (words::object(row.object), row.severity(), what)
}

/// Returns the report without the changes that it has in common with others, and how many those
/// are. Its verdict and its counts of objects stay.
pub(super) fn without_common(
    report: &Redacted,
    common_drift: &[CommonDrift<'_>],
    show: ShowLevel,
) -> (Redacted, usize) {
    let common: BTreeSet<CommonKey> = common_drift
        .iter()
        .map(|one| common_key(&one.row))
        .collect();
    let rows = rows::of(report, show).into_iter().filter(counts);
    // The path is empty for the whole object.
    let out: BTreeSet<(ResourceKey, String)> = rows
        .filter(|row| common.contains(&common_key(row)))
        .map(|row| {
            let path = row.drift.map(|drift| drift.change.path.to_string());
            (row.object.key.clone(), path.unwrap_or_default())
        })
        .collect();
    let own = report.without(&|object, drift| {
        let path = drift.map(|drift| drift.change.path.to_string());
        out.contains(&(object.key.clone(), path.unwrap_or_default()))
    });
    (own, out.len())
}
