//! A compact form of a value.

use std::fmt;

use serde_json::{Map, Number, Value};
use strum::VariantArray;

/// A whole object in two blocks of memory, because the tree of its values takes many times as much.
/// Code that reads an object builds its tree, and drops it before the next one.
///
/// It is not JSON text, because escaping strings, formatting numbers and finding the ends of values
/// take time.
#[derive(Clone)]
pub struct PackedObject {
    /// A sequence of values, each as a [`PackedTag`] and its data.
    marks: Box<[u8]>,
    /// All names and strings, one after another.
    text: Box<str>,
}

/// The type of a value. The data that follows is a length (of a string, or the number of children),
/// or the eight bytes of a number.
#[derive(Clone, Copy, VariantArray)]
enum PackedTag {
    Null,
    False,
    True,
    Natural,
    Integer,
    Float,
    Text,
    List,
    Map,
}

impl PackedObject {
    /// Builds the value.
    pub fn value(&self) -> Value {
        let mut unpacker = Unpacker {
            marks: &self.marks,
            text: &self.text,
        };
        // Packed data is always well-formed.
        unpacker.value().unwrap_or_default()
    }
}

impl From<&Value> for PackedObject {
    fn from(value: &Value) -> Self {
        let mut packer = Packer {
            marks: Vec::with_capacity(256),
            text: String::with_capacity(1024),
        };
        packer.value(value);
        Self {
            marks: packer.marks.into_boxed_slice(),
            text: packer.text.into_boxed_str(),
        }
    }
}

impl From<Value> for PackedObject {
    fn from(value: Value) -> Self {
        Self::from(&value)
    }
}

struct Packer {
    marks: Vec<u8>,
    text: String,
}

impl Packer {
    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.tag(PackedTag::Null),
            Value::Bool(false) => self.tag(PackedTag::False),
            Value::Bool(true) => self.tag(PackedTag::True),
            Value::Number(number) => self.number(number),
            Value::String(text) => {
                self.tag(PackedTag::Text);
                self.text(text);
            }
            Value::Array(items) => {
                self.tag(PackedTag::List);
                self.length(items.len());
                items.iter().for_each(|item| self.value(item));
            }
            Value::Object(fields) => {
                self.tag(PackedTag::Map);
                self.length(fields.len());
                for (name, value) in fields {
                    self.text(name);
                    self.value(value);
                }
            }
        }
    }

    fn number(&mut self, number: &Number) {
        let (tag, bytes) = if let Some(natural) = number.as_u64() {
            (PackedTag::Natural, natural.to_le_bytes())
        } else if let Some(integer) = number.as_i64() {
            (PackedTag::Integer, integer.to_le_bytes())
        } else {
            (
                PackedTag::Float,
                number.as_f64().unwrap_or_default().to_le_bytes(),
            )
        };
        self.tag(tag);
        self.marks.extend_from_slice(&bytes);
    }

    fn tag(&mut self, tag: PackedTag) {
        self.marks.push(tag as u8);
    }

    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.text.push_str(text);
    }

    /// Writes a length with seven bits per byte, lowest first; all bytes but the last have the
    /// eighth bit set.
    fn length(&mut self, mut length: usize) {
        while length >= 0x80 {
            self.marks.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        self.marks.push(length as u8);
    }
}

struct Unpacker<'p> {
    marks: &'p [u8],
    text: &'p str,
}

impl<'p> Unpacker<'p> {
    fn value(&mut self) -> Option<Value> {
        Some(match PackedTag::VARIANTS.get(usize::from(self.byte()?))? {
            PackedTag::Null => Value::Null,
            PackedTag::False => Value::Bool(false),
            PackedTag::True => Value::Bool(true),
            PackedTag::Natural => u64::from_le_bytes(self.eight()?).into(),
            PackedTag::Integer => i64::from_le_bytes(self.eight()?).into(),
            PackedTag::Float => f64::from_le_bytes(self.eight()?).into(),
            PackedTag::Text => Value::String(self.text()?.to_owned()),
            PackedTag::List => {
                let length = self.length()?;
                let mut items = Vec::with_capacity(length.min(self.marks.len()));
                for _ in 0..length {
                    items.push(self.value()?);
                }
                Value::Array(items)
            }
            PackedTag::Map => {
                let mut fields = Map::new();
                for _ in 0..self.length()? {
                    let name = self.text()?.to_owned();
                    fields.insert(name, self.value()?);
                }
                Value::Object(fields)
            }
        })
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.marks.split_first()?;
        self.marks = rest;
        Some(*first)
    }

    fn eight(&mut self) -> Option<[u8; 8]> {
        let (first, rest) = self.marks.split_first_chunk()?;
        self.marks = rest;
        Some(*first)
    }

    fn text(&mut self) -> Option<&'p str> {
        let length = self.length()?;
        let (text, rest) = self.text.split_at_checked(length)?;
        self.text = rest;
        Some(text)
    }

    fn length(&mut self) -> Option<usize> {
        let mut length = 0;
        let mut shift = 0;
        loop {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(length);
            }
            shift += 7;
        }
    }
}

/// Hides the content, which may be a Secret's.
impl fmt::Debug for PackedObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packed").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::tests::any_value;

    #[test]
    fn packs_deeply_nested_values() {
        for depth in [1, 2, 127, 128, 900] {
            let deep = (0..depth).fold(json!("leaf"), |value, _| json!([value]));
            assert_eq!(PackedObject::from(&deep).value(), deep, "{depth}");
        }
    }

    #[test]
    fn debug_output_contains_no_content() {
        assert!(!format!("{:?}", PackedObject::from(json!("canary"))).contains("canary"));
    }

    proptest! {
        #[test]
        fn packing_keeps_every_value(value in any_value()) {
            prop_assert_eq!(PackedObject::from(&value).value(), value);
        }
    }
}
