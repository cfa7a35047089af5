//! Git commits as data.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Blame, SourceRevision};

/// A commit that declared state was read from.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RevisionDocument<'r> {
    /// The user's name for it, such as `main`.
    name: &'r str,
    /// The commit's id, in full.
    commit: &'r str,
    /// When the commit was made, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'r str>,
}

/// The last commit of a line. Empty for a line that is not committed yet.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BlameDocument<'r> {
    /// The commit's id, in full.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'r str>,
    /// The name of its author.
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<&'r str>,
    /// When it was authored, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'r str>,
}

impl<'r> RevisionDocument<'r> {
    /// Returns the data of a commit.
    pub fn of(revision: &'r SourceRevision) -> Self {
        Self {
            name: &revision.name,
            commit: &revision.commit,
            time: revision.time.as_deref(),
        }
    }
}

impl<'r> BlameDocument<'r> {
    /// Returns the data of a line.
    pub fn of(blame: &'r Blame) -> Self {
        Self {
            commit: blame.commit.as_deref(),
            author: blame.author.as_deref(),
            time: blame.time.as_deref(),
        }
    }
}
