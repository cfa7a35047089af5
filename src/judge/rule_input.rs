//! What the rules are applied to, and what they hit.

use serde_json::Value;

use crate::compare::Difference;
use crate::model::ResourceKey;
use crate::policy::{ObjectRules, ObjectSides, Rule, RuleSet};

/// The data for applying the rules to the findings of one object.
pub struct RuleInput<'a> {
    /// The object.
    pub key: &'a ResourceKey,
    /// The rules of the run.
    pub rules: &'a RuleSet,
    /// The rules that match the object.
    pub object_rules: &'a ObjectRules<'a>,
    /// Both sides as compared.
    pub sides: ObjectSides<'a>,
    /// Compares two other sides of the same object.
    pub compare: &'a dyn Fn(&Value, &Value) -> Vec<Difference>,
}

/// The result of the rules for one finding.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RuleHit<'r> {
    /// The rule that hides it.
    pub by: Option<&'r Rule>,
    /// A rule that hid it until it expired.
    pub once: Option<&'r Rule>,
}
