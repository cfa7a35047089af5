//! Holds the objects that no controller would have created as they are.

use std::collections::BTreeMap;

use crate::model::{ResourceKey, Severity};

/// The objects that no controller would have created as they are.
#[derive(Debug, Default)]
pub struct TemplateDeviations(BTreeMap<ResourceKey, TemplateDeviation>);

/// How an object differs from what its owner's controller would have created.
#[derive(Debug, Clone)]
pub struct TemplateDeviation {
    /// A sentence for reports.
    pub reason: String,
    /// The severity of the worst difference.
    pub severity: Severity,
}

impl TemplateDeviations {
    /// Adds deviations.
    pub fn add(&mut self, found: impl IntoIterator<Item = (ResourceKey, TemplateDeviation)>) {
        self.0.extend(found);
    }

    /// Returns how an object differs from what a controller would have created.
    pub fn of(&self, key: &ResourceKey) -> Option<&TemplateDeviation> {
        self.0.get(key)
    }
}
