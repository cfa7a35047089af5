//! A value kept as text.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

/// The deepest value that is kept as text: the parser refuses to read deeper text (`serde_json`
/// stops at 127 levels).
const MAX_TEXT_DEPTH: usize = 100;

/// A whole object, kept as its JSON text, because its tree of values takes ten times the memory. A
/// reader builds an object's tree, and drops it before the next one.
#[derive(Clone)]
pub struct Packed(Form);

#[derive(Clone)]
enum Form {
    Text(Box<str>),
    /// Nested too deeply to be parsed.
    Tree(Arc<Value>),
}

impl Packed {
    /// Builds the value.
    pub fn value(&self) -> Value {
        match &self.0 {
            // Text of a value with this depth can be parsed.
            Form::Text(text) => serde_json::from_str(text).unwrap_or_default(),
            Form::Tree(value) => Value::clone(value),
        }
    }
}

impl From<&Value> for Packed {
    fn from(value: &Value) -> Self {
        Self(if is_deeper_than(value, MAX_TEXT_DEPTH) {
            Form::Tree(Arc::new(value.clone()))
        } else {
            Form::Text(value.to_string().into_boxed_str())
        })
    }
}

impl From<Value> for Packed {
    fn from(value: Value) -> Self {
        Self::from(&value)
    }
}

/// Hides the content, which may be a Secret's.
impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packed").finish_non_exhaustive()
    }
}

fn is_deeper_than(value: &Value, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else {
        return true;
    };
    match value {
        Value::Array(items) => items.iter().any(|item| is_deeper_than(item, below)),
        Value::Object(fields) => fields.values().any(|value| is_deeper_than(value, below)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn deep_values_survive() {
        for depth in [1, MAX_TEXT_DEPTH - 1, MAX_TEXT_DEPTH, 127, 128, 900] {
            let deep = (0..depth).fold(json!("leaf"), |value, _| json!([value]));
            assert_eq!(Packed::from(&deep).value(), deep, "{depth}");
        }
    }

    #[test]
    fn debug_output_holds_no_content() {
        assert!(!format!("{:?}", Packed::from(json!("canary"))).contains("canary"));
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map(any::<String>(), inner, 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_out_the_same(value in any_value()) {
            prop_assert_eq!(Packed::from(&value).value(), value);
        }
    }
}
