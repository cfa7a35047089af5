//! Coverage as data.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Coverage, ExtraCoverage};

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CoverageDocument {
    /// Declared objects.
    declared: usize,
    /// Objects that were compared, or proven missing.
    compared: usize,
    /// Documents and files that contain no Kubernetes object.
    skipped: usize,
    /// Declared objects that the filters exclude.
    filtered: usize,
    /// Objects, documents and files that could not be read or compared.
    failed: usize,
    /// HelmReleases whose objects were not compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread_releases: Option<usize>,
    /// How far undeclared objects were searched for; with `--extra` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    extra: Option<ExtraDocument>,
}

/// How far undeclared objects were searched for.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ExtraDocument {
    /// Kinds that were searched.
    kinds: usize,
    /// Kinds, and groups of kinds, that could not be searched completely: there may be more extra
    /// objects than reported. The warnings name them.
    unread: usize,
}

impl CoverageDocument {
    pub(super) fn of(coverage: Coverage) -> Self {
        Self {
            declared: coverage.declared,
            compared: coverage.compared,
            skipped: coverage.skipped,
            filtered: coverage.filtered,
            failed: coverage.failed,
            unread_releases: Some(coverage.unread_releases).filter(|count| *count > 0),
            extra: coverage.extra.map(ExtraDocument::of),
        }
    }
}

impl ExtraDocument {
    fn of(extra: ExtraCoverage) -> Self {
        Self {
            kinds: extra.kinds,
            unread: extra.unread,
        }
    }
}
