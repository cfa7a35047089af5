//! Reports on several clusters as data: `driftctl.reports/v1`.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::parts::NameDocument;
use super::{Document, schema_of, words};
use crate::model::{ChangeKind, ObjectStatus, Report, Severity};
use crate::output::RenderOptions;
use crate::output::fleet::{self, ClusterRow, CommonDrift};
use crate::output::several::{ClusterReport, verdict};

/// The name and version of the schema.
const SCHEMA: &str = "driftctl.reports/v1";

/// The results for several clusters.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeveralDocument<'r> {
    /// The name and version of this format.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// The worst verdict of all; `incomplete` is the worst.
    #[schemars(extend("enum" = Report::VERDICTS))]
    verdict: &'static str,
    /// Each cluster in one line, in the order in which they were named.
    clusters: Vec<ClusterDocument<'r>>,
    /// Drift that several clusters have in common, the worst first. It is in their reports too.
    common: Vec<CommonDocument<'r>>,
    /// A report for each cluster, in the order in which they were named.
    reports: Vec<Document<'r>>,
}

/// A summary of one cluster.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ClusterDocument<'r> {
    /// Its context, or another identifier.
    name: &'r str,
    /// The verdict of its report.
    #[schemars(extend("enum" = Report::VERDICTS))]
    verdict: &'static str,
    /// The severity of its worst drift; left out without drift.
    #[schemars(extend("enum" = words::<Severity>()))]
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<&'static str>,
    /// Objects that drifted, conflicts included.
    drifted: usize,
    missing: usize,
    extra: usize,
    unknown: usize,
}

/// Drift that several clusters have in common: a change, or an object that is missing or extra.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CommonDocument<'r> {
    #[serde(flatten)]
    object: NameDocument<'r>,
    /// `drifted`, `missing` or `extra`; with `--base` also `pending` and `conflict`.
    #[schemars(extend("enum" = words::<ObjectStatus>()))]
    status: &'static str,
    /// The field; absent if the object as a whole is missing or extra.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// `changed`, `removed` (declared but not live) or `added` (live but not declared).
    #[schemars(extend("enum" = words::<ChangeKind>()))]
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<&'static str>,
    /// The declared value.
    #[serde(skip_serializing_if = "Option::is_none")]
    declared: Option<&'r Value>,
    /// The live value.
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<&'r Value>,
    #[schemars(extend("enum" = words::<Severity>()))]
    severity: &'static str,
    /// The names of the clusters that have it.
    clusters: Vec<&'r str>,
}

/// Returns the JSON Schema of the document, which `driftctl schema reports` prints.
pub fn reports_schema() -> Value {
    schema_of::<SeveralDocument<'_>>(SCHEMA)
}

impl<'r> SeveralDocument<'r> {
    /// Returns the document for several reports.
    pub fn new(clusters: &'r [ClusterReport<'r>], options: &RenderOptions) -> Self {
        let reports = clusters.iter();
        let rows = fleet::cluster_rows(clusters).into_iter();
        let alike = fleet::common_drift(clusters, options.show).into_iter();
        Self {
            schema: SCHEMA,
            verdict: verdict(clusters),
            clusters: rows.map(ClusterDocument::of).collect(),
            common: alike.map(CommonDocument::of).collect(),
            reports: reports
                .map(|cluster| Document::new(cluster.report, options))
                .collect(),
        }
    }
}

impl<'r> ClusterDocument<'r> {
    fn of(row: ClusterRow<'r>) -> Self {
        let [drifted, missing, extra, unknown] = row.counts;
        Self {
            name: row.name,
            verdict: row.verdict,
            severity: row.worst.map(Severity::as_str),
            drifted,
            missing,
            extra,
            unknown,
        }
    }
}

impl<'r> CommonDocument<'r> {
    fn of(common: CommonDrift<'r>) -> Self {
        let object = common.row.object;
        let change = common.row.drift.map(|drift| &drift.change);
        Self {
            object: NameDocument::of(&object.api_version, &object.key),
            status: object.status().as_str(),
            path: change.map(|change| change.path.to_string()),
            change: change.map(|change| change.kind.as_str()),
            declared: change.and_then(|change| change.declared.as_ref()),
            live: change.and_then(|change| change.live.as_ref()),
            severity: common.row.severity(),
            clusters: common.clusters,
        }
    }
}
