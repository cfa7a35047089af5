//! The results of `driftctl doctor` as data.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{schema_of, words};
use crate::model::{Check, CheckState, Examination};

/// The name and version of the schema for one cluster.
const SCHEMA: &str = "driftctl.doctor/v1";
/// The name and version of the schema for several clusters.
const SEVERAL: &str = "driftctl.doctors/v1";

/// Whether a diff could read everything from one cluster.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DoctorDocument<'e> {
    /// The name and version of this format.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// The context, if several clusters are checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'e str>,
    /// Whether a diff could read everything.
    ready: bool,
    /// The checks, in order.
    checks: Vec<CheckDocument<'e>>,
    /// The minimal Roles that the run needs, and their bindings.
    roles: &'e [Value],
}

/// Whether a diff could read everything from several clusters.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DoctorsDocument<'e> {
    /// The name and version of this format.
    #[schemars(extend("const" = SEVERAL))]
    schema: &'static str,
    /// Whether a diff could read everything from all of them.
    ready: bool,
    /// The clusters, in the order of the contexts.
    clusters: Vec<DoctorDocument<'e>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CheckDocument<'e> {
    /// What was checked: `kubeconfig`, `connection`, `manifests`, `kinds`, `identity` or `rights`.
    check: &'static str,
    /// `advice`: a diff works, but could work better. `failed`: a diff would be incomplete.
    #[schemars(extend("enum" = words::<CheckState>()))]
    state: &'static str,
    /// The result.
    found: &'e str,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_do: Option<&'e str>,
}

impl<'e> DoctorDocument<'e> {
    /// Returns the document for one cluster.
    pub fn new(examination: &'e Examination) -> Self {
        Self {
            schema: SCHEMA,
            context: examination.context.as_deref(),
            ready: examination.is_ready(),
            checks: examination.checks.iter().map(CheckDocument::of).collect(),
            roles: &examination.roles,
        }
    }
}

impl<'e> DoctorsDocument<'e> {
    /// Returns the document for several clusters.
    pub fn new(examinations: &'e [Examination]) -> Self {
        Self {
            schema: SEVERAL,
            ready: examinations.iter().all(Examination::is_ready),
            clusters: examinations.iter().map(DoctorDocument::new).collect(),
        }
    }
}

impl<'e> CheckDocument<'e> {
    fn of(check: &'e Check) -> Self {
        Self {
            check: check.check,
            state: check.state.as_str(),
            found: &check.found,
            to_do: check.to_do.as_deref(),
        }
    }
}

/// Returns the JSON Schema of `driftctl.doctor/v1`.
pub fn doctor_schema() -> Value {
    schema_of::<DoctorDocument<'_>>(SCHEMA)
}

/// Returns the JSON Schema of `driftctl.doctors/v1`.
pub fn doctors_schema() -> Value {
    schema_of::<DoctorsDocument<'_>>(SEVERAL)
}
