//! Objects that SOPS encrypted. Their names, labels and keys are in the clear and are compared; their
//! values are not known, and are no drift.

use serde_json::Value;

use super::follow::unknown_values;
use crate::model::Manifest;
use crate::policy::Rule;

/// How a value begins that SOPS encrypted.
pub(super) const ENCRYPTED: &str = "ENC[";

/// What SOPS adds to what it encrypts: how it is decrypted again.
const METADATA: &str = "sops";

/// Whether an object holds values that SOPS encrypted.
pub(super) fn is_encrypted(object: &Value) -> bool {
    let mut places = Vec::new();
    encrypted(object, &mut Vec::new(), &mut places);
    !places.is_empty()
}

/// Takes out of a manifest what SOPS added to it, and gives the rule for the values that are not
/// known; `None` for an object that is not encrypted.
pub(super) fn settle(manifest: &mut Manifest) -> Option<Rule> {
    let mut object = manifest.value();
    if !object.get(METADATA).is_some_and(Value::is_object) {
        return None;
    }
    object.as_object_mut()?.remove(METADATA);
    let mut places = Vec::new();
    encrypted(&object, &mut Vec::new(), &mut places);
    manifest.object = object.into();
    let why = "SOPS encrypted the value that is declared.";
    unknown_values("encrypted-by-sops", why, manifest, &places)
}

/// The places of encrypted values.
fn encrypted(value: &Value, way: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let mut below = |part: String, value: &Value| {
        way.push(part);
        encrypted(value, way, found);
        way.pop();
    };
    match value {
        Value::String(text) if text.starts_with(ENCRYPTED) => found.push(way.clone()),
        Value::Object(fields) => {
            for (key, value) in fields.iter().filter(|(key, _)| *key != METADATA) {
                below(key.clone(), value);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                below(index.to_string(), value);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Origin;

    #[test]
    fn encrypted_values_are_known_by_their_look() {
        let mut manifest = Manifest {
            api_version: "v1".to_owned(),
            kind: "Secret".to_owned(),
            namespace: None,
            name: "mail".to_owned(),
            object: json!({
                "kind": "Secret",
                "stringData": {"user": "ENC[AES256_GCM,data:x]", "host": "a"},
                "sops": {"mac": "ENC[AES256_GCM,data:y]"},
            })
            .into(),
            origin: Origin::file("a.yaml", 1, 1),
            source_map: None,
        };
        assert!(is_encrypted(&manifest.value()));
        let rule = settle(&mut manifest).unwrap();
        assert!(format!("{rule:?}").contains("user"));
        assert_eq!(manifest.value().get("sops"), None);
        assert!(settle(&mut manifest).is_none());
    }
}
