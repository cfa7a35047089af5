//! Accepted drift as data: `driftctl.debt/v1`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{schema_of, words};
use crate::model::ChangeKind;
use crate::policy::Accepted;

/// The name and version of the schema.
const SCHEMA: &str = "driftctl.debt/v1";

/// The drift that a baseline accepts.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DebtDocument<'a> {
    /// The name and version of this format.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// The baseline.
    file: &'a str,
    /// How many entries are past their deadline.
    overdue: usize,
    /// The entries, in the order of the baseline.
    accepted: Vec<AcceptedDocument<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AcceptedDocument<'a> {
    /// The API group; empty for the core group.
    group: &'a str,
    kind: &'a str,
    /// Absent for cluster-scoped objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    name: &'a str,
    /// The field; `.` for the object itself, if it is missing or extra.
    path: &'a str,
    /// What happened to the live side.
    #[schemars(extend("enum" = words::<ChangeKind>()))]
    change: &'static str,
    /// The reason; empty if none was given.
    reason: &'a str,
    /// Link to a ticket or discussion.
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<&'a str>,
    /// Who accepted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    /// When it was accepted, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<&'a str>,
    /// How long ago that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    age_seconds: Option<i64>,
    /// The deadline, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    /// How long it still has; negative when it is overdue.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_seconds: Option<i64>,
    /// Whether the deadline has passed.
    overdue: bool,
}

impl<'a> DebtDocument<'a> {
    /// Returns the document for what `file` accepts.
    pub fn new(file: &'a str, accepted: &[&'a Accepted], now: Timestamp) -> Self {
        Self {
            schema: SCHEMA,
            file,
            overdue: accepted.iter().filter(|entry| entry.overdue).count(),
            accepted: accepted
                .iter()
                .map(|entry| AcceptedDocument::of(entry, now))
                .collect(),
        }
    }
}

impl<'a> AcceptedDocument<'a> {
    fn of(accepted: &'a Accepted, now: Timestamp) -> Self {
        let seconds = |later: Timestamp, earlier| later.duration_since(earlier).as_secs();
        let key = &accepted.key;
        Self {
            group: &key.group,
            kind: &key.kind,
            namespace: key.namespace.as_deref(),
            name: &key.name,
            path: &accepted.path,
            change: accepted.kind.as_str(),
            reason: &accepted.reason,
            ticket: accepted.ticket.as_deref(),
            by: accepted.by.as_deref(),
            at: accepted.at.as_deref(),
            age_seconds: accepted.accepted_at().map(|at| seconds(now, at)),
            expires: accepted.expires.as_ref().map(ToString::to_string),
            left_seconds: accepted
                .expires
                .as_ref()
                .map(|at| seconds(at.timestamp(), now)),
            overdue: accepted.overdue,
        }
    }
}

/// Returns the JSON Schema of `driftctl.debt/v1`.
pub fn debt_schema() -> Value {
    schema_of::<DebtDocument<'_>>(SCHEMA)
}
