//! Filters of a run: kinds and labels, as in kubectl.

use serde_json::Value;

use super::LabelSelector;
use crate::model::{KindNames, KindPattern};

/// The filters of a run. An empty one excludes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// `--kind`: only these kinds; empty for all.
    pub kinds: Vec<KindPattern>,
    /// `--selector`: only objects whose labels match.
    pub labels: Option<LabelSelector>,
}

impl Filter {
    /// Returns whether the filter includes objects of a kind.
    pub fn keeps_kind(&self, kind: &KindNames<'_>) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|pattern| pattern.matches(kind))
    }

    /// Returns whether the filter includes an object by its labels.
    pub fn keeps_labels(&self, object: &Value) -> bool {
        let labels = object.pointer("/metadata/labels");
        self.labels
            .as_ref()
            .is_none_or(|selector| selector.matches(labels))
    }
}
