//! The interface of rules to a jq engine.

use serde_json::Value;

/// Runs jq expressions.
pub trait DeleteByJq: Send + Sync {
    /// Returns an object after `del(EXPRESSION)`.
    ///
    /// # Errors
    /// Fails if the result is not an object.
    fn delete(&self, expression: &str, object: &Value) -> Result<Value, JqFailure>;

    /// Evaluates an admission policy, which may take as long as a jq expression.
    ///
    /// # Errors
    /// Fails if it does not end in time.
    fn evaluate(&self, policy: &str, input: &Value) -> Result<Value, JqFailure>;
}

/// Why a jq expression has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JqFailure {
    /// The expression does not match this object, which is not an error.
    Unfit,
    /// The expression cannot be used, for this reason.
    Broken(String),
}
