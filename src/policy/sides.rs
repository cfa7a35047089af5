//! Both sides of an object, as rules look at them.

use serde_json::Value;

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
