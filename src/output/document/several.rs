//! Reports on several clusters as data: `driftctl.reports/v1`.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Document, schema_of};
use crate::output::RenderOptions;
use crate::output::several::{Cluster, verdict};

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
    #[schemars(extend("enum" = ["in-sync", "pending", "drifted", "conflict", "incomplete"]))]
    verdict: &'static str,
    /// A report for each cluster, in the order in which they were named.
    reports: Vec<Document<'r>>,
}

/// Returns the JSON Schema of the document, which `driftctl schema reports` prints.
pub fn reports_schema() -> Value {
    schema_of::<SeveralDocument<'_>>(SCHEMA)
}

impl<'r> SeveralDocument<'r> {
    /// Returns the document for several reports.
    pub fn new(clusters: &[Cluster<'r>], options: &RenderOptions) -> Self {
        let reports = clusters.iter();
        Self {
            schema: SCHEMA,
            verdict: verdict(clusters),
            reports: reports
                .map(|cluster| Document::new(cluster.report, options))
                .collect(),
        }
    }
}
