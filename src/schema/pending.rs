//! Stand-ins for what the schema floor is about to hold; each goes when the real one comes.

use serde_json::Value;

/// A declared object at another version.
pub fn convert(_declared: &Value, _api_version: &str) -> Option<Value> {
    None
}
