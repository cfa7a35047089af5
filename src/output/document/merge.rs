//! What the document says of a branch.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{MergeClass, Report};

/// Changes by class.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MergeSummaryDocument {
    /// Changed live and by the branch: merging overwrites it.
    conflict: usize,
    /// Changed live alone.
    drift: usize,
    /// Changed by the branch alone.
    pending: usize,
    /// Live already, and taken over into the branch.
    backport: usize,
}

impl MergeSummaryDocument {
    /// Returns the figures of a report; `None` without a base.
    pub(super) fn of(report: &Report) -> Option<Self> {
        report.three_way.then(|| Self {
            conflict: report.changes_of(MergeClass::Conflict),
            drift: report.changes_of(MergeClass::Drift),
            pending: report.changes_of(MergeClass::Pending),
            backport: report.changes_of(MergeClass::Backport),
        })
    }
}
