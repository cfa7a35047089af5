//! The interface of a jq engine, for rules.

use serde_json::Value;

/// An engine that runs jq expressions.
pub trait DeleteByJq: Send + Sync {
    /// Returns what `del(EXPRESSION)` leaves of an object.
    ///
    /// # Errors
    /// Fails if it leaves no object.
    fn delete(&self, expression: &str, object: &Value) -> Result<Value, JqFailure>;
}

/// Why a jq expression has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JqFailure {
    /// It does not match this object, which is not an error.
    Unfit,
    /// It cannot be used, and why.
    Broken(String),
}
