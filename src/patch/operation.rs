//! The operations of a JSON Patch, and their effect on a value.

use std::fmt;

use serde_json::{Value, json};

use super::PatchError;

/// A JSON Pointer (RFC 6901).
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct JsonPointer(String);

impl JsonPointer {
    /// Returns the pointer one field further.
    #[must_use]
    pub fn field(mut self, name: &str) -> Self {
        self.0.push('/');
        self.0.push_str(&name.replace('~', "~0").replace('/', "~1"));
        self
    }

    /// Returns the pointer one item further.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push_str(&format!("/{index}"));
        self
    }

    /// Returns the pointer as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the pointer to what contains this place.
    pub fn parent(&self) -> Option<&str> {
        self.split().map(|(parent, _)| parent)
    }

    /// Returns the container and the name or index in it.
    fn split(&self) -> Option<(&str, String)> {
        let (parent, last) = self.0.rsplit_once('/')?;
        Some((parent, last.replace("~1", "/").replace("~0", "~")))
    }
}

impl fmt::Display for JsonPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One operation. API servers accept `null` in a test for a field that does not exist.
#[derive(Debug, Clone, PartialEq)]
pub enum PatchOperation {
    /// Requires that the value is this one.
    Test(JsonPointer, Value),
    /// Adds a value to an object, or before the item at an index.
    Add(JsonPointer, Value),
    /// Replaces a value.
    Replace(JsonPointer, Value),
    /// Removes a value.
    Remove(JsonPointer),
    /// Moves the item at an index to another index of its list.
    Move {
        /// Where it is.
        from: JsonPointer,
        /// Where it goes.
        to: JsonPointer,
    },
}

impl PatchOperation {
    /// Returns the operation in the form of the API.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Test(at, value) => json!({"op": "test", "path": at.as_str(), "value": value}),
            Self::Add(at, value) => json!({"op": "add", "path": at.as_str(), "value": value}),
            Self::Replace(at, value) => {
                json!({"op": "replace", "path": at.as_str(), "value": value})
            }
            Self::Remove(at) => json!({"op": "remove", "path": at.as_str()}),
            Self::Move { from, to } => {
                json!({"op": "move", "from": from.as_str(), "path": to.as_str()})
            }
        }
    }

    /// Returns the pointer of the operation; of a move, where it goes.
    pub fn at(&self) -> &JsonPointer {
        match self {
            Self::Test(at, _) | Self::Add(at, _) | Self::Replace(at, _) | Self::Remove(at) => at,
            Self::Move { to, .. } => to,
        }
    }

    /// Returns whether the operation changes the object.
    pub fn changes(&self) -> bool {
        !matches!(self, Self::Test(..))
    }
}

/// Applies a patch to a value as API servers do.
///
/// # Errors
/// Fails if a test fails, or a pointer does not exist.
pub fn apply(value: &Value, operations: &[PatchOperation]) -> Result<Value, PatchError> {
    let mut value = value.clone();
    for operation in operations {
        let no_fit = || PatchError::NoFit(operation.at().to_string());
        match operation {
            PatchOperation::Test(at, expected) => {
                let found = value.pointer(at.as_str()).unwrap_or(&Value::Null);
                if found != expected {
                    return Err(no_fit());
                }
            }
            PatchOperation::Replace(at, new) => {
                let container = value.pointer_mut(at.as_str()).ok_or_else(no_fit)?;
                container.clone_from(new);
            }
            PatchOperation::Add(at, new) => insert(&mut value, at, new.clone())?,
            PatchOperation::Remove(at) => {
                remove(&mut value, at)?;
            }
            PatchOperation::Move { from, to } => {
                let moved = remove(&mut value, from)?;
                insert(&mut value, to, moved)?;
            }
        }
    }
    Ok(value)
}

fn insert(value: &mut Value, at: &JsonPointer, new: Value) -> Result<(), PatchError> {
    let no_fit = || PatchError::NoFit(at.to_string());
    let (parent, last) = at.split().ok_or_else(no_fit)?;
    match value.pointer_mut(parent).ok_or_else(no_fit)? {
        Value::Object(fields) => {
            fields.insert(last, new);
        }
        Value::Array(items) => {
            let index: usize = last.parse().map_err(|_| no_fit())?;
            if index > items.len() {
                return Err(no_fit());
            }
            items.insert(index, new);
        }
        _ => return Err(no_fit()),
    }
    Ok(())
}

fn remove(value: &mut Value, at: &JsonPointer) -> Result<Value, PatchError> {
    let no_fit = || PatchError::NoFit(at.to_string());
    let (parent, last) = at.split().ok_or_else(no_fit)?;
    match value.pointer_mut(parent).ok_or_else(no_fit)? {
        Value::Object(fields) => fields.remove(&last).ok_or_else(no_fit),
        Value::Array(items) => {
            let index: usize = last.parse().map_err(|_| no_fit())?;
            if index >= items.len() {
                return Err(no_fit());
            }
            Ok(items.remove(index))
        }
        _ => Err(no_fit()),
    }
}
