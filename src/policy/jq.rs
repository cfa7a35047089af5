//! What rules need of an engine for jq expressions.

use serde_json::Value;

/// An engine that runs jq expressions.
pub trait DeleteByJq: Send + Sync {
    /// Returns what `del(EXPRESSION)` leaves of an object.
    ///
    /// # Errors
    /// Fails if it leaves no object.
    fn delete(&self, expression: &str, object: &Value) -> Result<Value, JqFailure>;
}

/// Why a jq expression gave no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JqFailure {
    /// It does not fit this object, which is nobody's fault.
    Unfit,
    /// It cannot be relied on, and why.
    Broken(String),
}
