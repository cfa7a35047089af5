//! What the evaluation of JMESPath and its functions share: failures and equality.

use serde_json::Value;

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JmesFailure {
    /// A key does not exist: an error in Kyverno, which some places tolerate.
    NotFound(String),
    /// An error in Kyverno too.
    Error(String),
    /// It cannot be evaluated here.
    Cannot(String),
}

impl JmesFailure {
    /// Returns the reason in words.
    pub fn why(self) -> String {
        match self {
            Self::NotFound(key) => {
                format!(
                    "a variable names the key {key:?}, which does not exist, so Kyverno reports an error"
                )
            }
            Self::Error(why) => format!("Kyverno reports an error: {why}"),
            Self::Cannot(why) => why,
        }
    }
}

/// Returns whether two values are equal. Numbers are compared as numbers.
pub fn equal_values(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| equal_values(a, b))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, a)| other.get(key).is_some_and(|b| equal_values(a, b)))
        }
        (one, other) => one == other,
    }
}
