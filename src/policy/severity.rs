//! How much a change matters.

use serde::Deserialize;

use super::{Objects, PathPattern, RuleSet};
use crate::model::{FieldPath, ResourceKey, Severity};

/// A rule that rates changes by what they touch.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SeverityRule {
    severity: Level,
    #[serde(flatten)]
    objects: Objects,
    /// Which paths; empty for any.
    #[serde(default)]
    paths: Vec<PathPattern>,
}

/// A [`Severity`], as rules write it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Level {
    Low,
    Medium,
    High,
    Critical,
}

impl RuleSet {
    /// How much a change of an object matters: the first rule that speaks of it decides, and
    /// medium where none does.
    pub fn severity(&self, key: &ResourceKey, path: &FieldPath) -> Severity {
        let rule = self.severity.iter().find(|rule| {
            rule.objects.matches(key)
                && (rule.paths.is_empty() || rule.paths.iter().any(|pattern| pattern.covers(path)))
        });
        match rule.map(|rule| rule.severity) {
            Some(Level::Low) => Severity::Low,
            Some(Level::Medium) | None => Severity::Medium,
            Some(Level::High) => Severity::High,
            Some(Level::Critical) => Severity::Critical,
        }
    }
}
