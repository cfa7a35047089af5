//! Read errors as types, because the next step depends on them.

use std::fmt;
use std::time::Duration;

use crate::cluster::{AccessRight, Denial};

/// Why a request has no usable response. No variant shows text from a server or a credential
/// plugin, except words that were checked to be harmless: bodies of error responses repeat values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ApiFailure {
    /// 403.
    #[error("forbidden: {0} is not allowed (driftctl doctor prints the missing Role)")]
    Forbidden(AccessRight),
    /// 401, even with fresh credentials.
    #[error(
        "the API server rejected your credentials (401), also after they were renewed once; log in \
         again (a pod's token may have expired or been revoked), and check this machine's clock"
    )]
    Unauthorized,
    /// 403 to an apply, for a reason other than a missing permission.
    #[error(
        "the API server refused to apply it (403 Forbidden), although patch is allowed: an \
         admission webhook, a policy or a quota denied it, or it is a Role that grants more than \
         you have (verbs escalate and bind)"
    )]
    Refused,
    /// Policies, webhooks or quotas refused an apply. Their messages are redacted before they are
    /// shown.
    #[error("the API server refuses to apply it: {} against it", policy_names(.0))]
    Denied(Vec<Denial>),
    /// 404 that names the object: its kind is served, and the object does not exist.
    #[error("not found")]
    NotFound,
    /// Any other 404: it proves nothing about the object.
    #[error(
        "the API server has no such resource (404); its kind may have been removed in the meantime"
    )]
    UnknownResource,
    /// 410: the list that the pages belong to has expired.
    #[error("the list expired while it was being read (410)")]
    Expired,
    /// Any other status.
    #[error("the API server responded with {0}")]
    Status(StatusText),
    /// A 200 with an unexpected body.
    #[error("the response is not the expected {expected}: {what}")]
    Malformed {
        /// Such as `DeploymentList`.
        expected: String,
        /// What is wrong with the body; never a part of it.
        what: String,
    },
    /// A body over the size limit.
    #[error("the response is too large: {0}")]
    TooLarge(String),
    /// The connection failed or broke.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// The server is not trusted, so a retry does not help.
    #[error("the connection failed: {0}")]
    Untrusted(String),
    /// One request took too long.
    #[error("no complete response within {}", seconds(.0))]
    TimedOut(Duration),
    /// The whole run took too long.
    #[error("the run timed out (--timeout {})", seconds(.0))]
    OutOfTime(Duration),
    /// SIGINT or SIGTERM.
    #[error("interrupted")]
    Interrupted,
    /// The credentials could not be obtained.
    #[error("{0}")]
    Credentials(String),
}

impl ApiFailure {
    pub fn malformed(expected: &str, what: impl fmt::Display) -> Self {
        Self::Malformed {
            expected: expected.to_owned(),
            what: what.to_string(),
        }
    }

    /// Returns whether the run cannot continue, because every further request would fail in the
    /// same way.
    pub fn ends_run(&self) -> bool {
        matches!(
            self,
            Self::Unauthorized | Self::OutOfTime(_) | Self::Interrupted | Self::Credentials(_)
        )
    }

    /// Returns whether a retry may succeed. Reading is idempotent.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Status(status) => matches!(status.code, 429 | 500 | 502 | 503 | 504),
            Self::Malformed { .. } | Self::Connection(_) | Self::TimedOut(_) => true,
            _ => false,
        }
    }
}

/// Returns the names of policies, without their messages: `ValidatingAdmissionPolicy "lock"`.
fn policy_names(denials: &[Denial]) -> String {
    let mut all: Vec<&str> = denials.iter().map(|denial| denial.by.as_str()).collect();
    all.dedup();
    let verb = if all.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", all.join(", "))
}

fn seconds(duration: &Duration) -> String {
    format!("{}s", duration.as_secs_f64())
}

/// A status code with its reason and the paths of the invalid fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StatusText {
    pub code: u16,
    pub reason: Option<String>,
    pub fields: Vec<String>,
}

impl fmt::Display for StatusText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(reason) = &self.reason {
            write!(f, " {reason}")?;
        }
        if !self.fields.is_empty() {
            write!(f, " at {}", self.fields.join(", "))?;
        }
        Ok(())
    }
}
