//! The two sides of an object that rules match.

use serde_json::Value;

/// The declared and the live object.
#[derive(Debug, Clone, Copy)]
pub struct ObjectSides<'a> {
    /// The manifest.
    pub declared: &'a Value,
    /// The live object.
    pub live: &'a Value,
}

impl ObjectSides<'_> {
    /// Returns two empty sides.
    pub const NONE: Self = Self {
        declared: &Value::Null,
        live: &Value::Null,
    };
}
