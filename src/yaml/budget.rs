//! How much memory a document may become. A few hundred bytes of aliases can stand for gigabytes,
//! and even `{a},{a},…` takes a hundred times its length.

use serde_json::Value;

/// What any document may take, however short it is.
const BASE: usize = 8 << 20;
/// What a document may take for each byte of its text. Real manifests stay below 10.
const PER_BYTE: usize = 32;
/// What a value takes in its list or mapping.
const NODE: usize = 32;
/// What the first leaf of a mapping takes: eleven slots for keys and values.
const MAPPING: usize = 640;

/// The memory that a document may still take, in bytes.
#[derive(Debug)]
pub(super) struct Budget(usize);

/// The document takes too much.
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

/// Returns what a value takes by itself, without what is in it.
pub(super) fn cost(value: &Value) -> usize {
    NODE + match value {
        Value::String(text) => text.len() + 16,
        Value::Object(map) if !map.is_empty() => MAPPING.max(map.len() * 80),
        _ => 0,
    }
}
