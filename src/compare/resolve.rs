//! Follows a path into a value.

use serde_json::Value;

use crate::model::{FieldPath, Finder};

/// Returns the value at a path, if there is one. Who follows many paths into one value keeps a
/// [`Finder`].
///
/// An item of an associative list is found by its keys; keys that the item leaves to be defaulted
/// are ignored.
pub fn find<'v>(value: &'v Value, path: &FieldPath) -> Option<&'v Value> {
    Finder::lenient(value).find(path)
}
