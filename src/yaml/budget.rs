//! Limits the memory of a document. A few hundred bytes of aliases can expand to gigabytes, and
//! even `{a},{a},…` takes a hundred times its length.

use serde_json::Value;

/// The memory that any document may use, however short it is.
const BASE: usize = 8 << 20;
/// The memory that a document may use for each byte of its text. Real manifests stay below 10.
const PER_BYTE: usize = 32;
/// The memory of a value in its list or mapping.
const NODE: usize = 32;
/// The memory of the first leaf of a mapping: eleven slots for keys and values.
const MAPPING: usize = 640;

/// The memory that a document may still use, in bytes.
#[derive(Debug)]
pub(super) struct Budget(usize);

/// The document needs too much memory.
#[derive(Debug)]
pub(super) struct Exceeded;

impl Budget {
    /// Returns the budget of a text.
    pub fn new(text: &str) -> Self {
        Self(BASE.max(text.len().saturating_mul(PER_BYTE)))
    }

    /// Takes from the budget.
    pub fn spend(&mut self, cost: usize) -> Result<(), Exceeded> {
        self.0 = self.0.checked_sub(cost).ok_or(Exceeded)?;
        Ok(())
    }
}

/// Returns the memory of a value itself, without its content.
pub(super) fn own_memory(value: &Value) -> usize {
    NODE + match value {
        Value::String(text) => text.len() + 16,
        Value::Object(map) if !map.is_empty() => MAPPING.max(map.len() * 80),
        _ => 0,
    }
}
