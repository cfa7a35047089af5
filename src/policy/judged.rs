//! What is judged, and what rules decide about it.

use serde_json::Value;

use super::{ObjectRules, Rule, RuleSet};
use crate::compare::Finding;
use crate::model::{Manifest, ResourceKey};

/// What is needed to judge the findings of one object.
pub struct Judged<'a> {
    /// Which object.
    pub key: &'a ResourceKey,
    /// The manifest, for the lines.
    pub manifest: &'a Manifest,
    /// The rules of the run.
    pub rules: &'a RuleSet,
    /// Those of them that speak of the object.
    pub object_rules: &'a ObjectRules<'a>,
    /// Both sides as they were compared.
    pub sides: Sides<'a>,
    /// Compares two other sides of the same object.
    pub compare: &'a dyn Fn(&Value, &Value) -> Vec<Finding>,
}

/// What is declared, and what is live.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    /// The manifest.
    pub declared: &'a Value,
    /// The live object.
    pub live: &'a Value,
}

impl Sides<'_> {
    /// Nothing on either side.
    pub const NONE: Self = Self {
        declared: &Value::Null,
        live: &Value::Null,
    };
}

/// What rules say about one finding.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Decision<'r> {
    /// The rule that hides it.
    pub by: Option<&'r Rule>,
    /// A rule that hid it until it expired.
    pub once: Option<&'r Rule>,
}
