//! The effect of a branch as data.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{MergeClass, Report};

/// Changes by class.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MergeSummaryDocument {
    /// Changed live and by the branch: merging overwrites it.
    conflict: usize,
    /// Only changed live.
    drift: usize,
    /// Only changed by the branch.
    pending: usize,
    /// Already live, and now declared by the branch.
    backport: usize,
}

impl MergeSummaryDocument {
    /// Returns the counts of a report; `None` without a base.
    pub(super) fn of(report: &Report) -> Option<Self> {
        report.three_way.then(|| Self {
            conflict: report.changes_of(MergeClass::Conflict),
            drift: report.changes_of(MergeClass::Drift),
            pending: report.changes_of(MergeClass::Pending),
            backport: report.changes_of(MergeClass::Backport),
        })
    }
}
