//! Live objects that nobody has to declare.

use serde::Deserialize;
use serde_json::Value;

use super::rule::managers_match;
use super::{Objects, RuleSet};
use crate::model::{Owner, Ownership, ResourceKey};

/// A live object that nobody has to declare.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExtraRule {
    /// Its name, by which it can be switched off.
    pub id: String,
    /// Why it is there; for readers of the file.
    #[serde(rename = "reason")]
    pub _reason: String,
    /// Which objects.
    #[serde(flatten)]
    pub objects: Objects,
    /// Only objects that carry this label.
    #[serde(default)]
    label: Option<String>,
    /// Only objects that nobody but these managers wrote.
    #[serde(default)]
    managers: Vec<String>,
    /// Only objects with an owner reference.
    #[serde(default)]
    owned_by: Option<OwnedBy>,
}

/// Who owns an object, in the sense of garbage collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum OwnedBy {
    /// Another object (`metadata.ownerReferences`).
    Controller,
}

/// Whether an undeclared live object is somebody's doing, rather than what controllers and the
/// system make themselves.
pub fn is_reportable(rules: &RuleSet, key: &ResourceKey, live: &Value, owners: &Ownership) -> bool {
    let writers: Vec<&Owner> = owners
        .entries
        .iter()
        .map(|entry| &entry.owner)
        .filter(|owner| owner.subresource.as_deref() != Some("status"))
        .collect();
    !rules
        .extra
        .iter()
        .any(|rule| rule.covers(key, live, &writers))
}

impl ExtraRule {
    fn covers(&self, key: &ResourceKey, live: &Value, writers: &[&Owner]) -> bool {
        let metadata = live.get("metadata").unwrap_or(&Value::Null);
        let is_owned = || {
            metadata
                .get("ownerReferences")
                .and_then(Value::as_array)
                .is_some_and(|owners| !owners.is_empty())
        };
        let has_label = |label: &str| {
            let labels = metadata.get("labels");
            labels.is_some_and(|labels| labels.get(label).is_some())
        };
        self.objects.matches(key)
            && self.label.as_deref().is_none_or(has_label)
            && managers_match(&self.managers, writers)
            && (self.owned_by.is_none() || is_owned())
    }
}
