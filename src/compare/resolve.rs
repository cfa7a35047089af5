//! Following a path into a value.

use serde_json::Value;

use crate::model::{FieldPath, Segment};

/// The value at a path, if there is one.
///
/// An item of a list map is found by its keys; keys that the item leaves to be defaulted do not
/// hinder.
pub fn find<'v>(value: &'v Value, path: &FieldPath) -> Option<&'v Value> {
    path.0.iter().try_fold(value, step)
}

fn step<'v>(value: &'v Value, segment: &Segment) -> Option<&'v Value> {
    match segment {
        Segment::Field(name) => value.get(name),
        Segment::Index(index) => value.get(index),
        Segment::Value(wanted) => value.as_array()?.iter().find(|item| *item == wanted),
        Segment::Key(keys) => value.as_array()?.iter().find(|item| {
            item.is_object()
                && keys
                    .iter()
                    .all(|(name, key)| item.get(name).is_none_or(|written| written == key))
        }),
    }
}
