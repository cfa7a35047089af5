//! Reads parts of a value by JSON Pointer.

use serde_json::Value;

/// Returns the string at a pointer.
pub fn text_at<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer)?.as_str()
}

/// Returns the string at a pointer; an empty one if there is no string.
pub fn text_or_empty<'v>(value: &'v Value, pointer: &str) -> &'v str {
    text_at(value, pointer).unwrap_or_default()
}

/// Returns the items of the list at a pointer; none if there is no list.
pub fn items_at<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    let list = value.pointer(pointer).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_strings_and_lists_and_nothing_else() {
        let value = json!({"metadata": {"name": "cart", "generation": 3}, "items": ["a", "b"]});
        assert_eq!(text_at(&value, "/metadata/name"), Some("cart"));
        assert_eq!(text_at(&value, "/metadata/generation"), None);
        assert_eq!(text_or_empty(&value, "/metadata/uid"), "");
        assert_eq!(items_at(&value, "/items"), ["a", "b"]);
        assert!(items_at(&value, "/metadata").is_empty());
    }
}
