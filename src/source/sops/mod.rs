//! Objects that SOPS encrypted. Their names, labels and keys are in plain text and are compared;
//! their values are unknown and do not count as drift, unless a program decrypts them.

mod decrypt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::unknown::unknown_values;
use crate::model::Manifest;
use crate::policy::Rule;

pub use decrypt::Encrypted;

/// The beginning of a value that SOPS encrypted.
pub(super) const ENCRYPTED: &str = "ENC[";

/// SOPS's metadata in an encrypted object.
const METADATA: &str = "sops";

/// The prefix of SOPS's metadata keys in a file of variables.
const METADATA_KEYS: &str = "sops_";

/// The beginning of an encrypted value within text.
const CIPHER: &str = "ENC[AES256_GCM,";

/// The ID of the rule for unknown values.
const ID: &str = "encrypted-by-sops";

/// The reason of that rule.
const WHY: &str = "The declared value is encrypted by SOPS.";

/// Returns whether an object contains values that SOPS encrypted.
pub(super) fn is_encrypted(object: &Value) -> bool {
    let mut places = Vec::new();
    encrypted(object, &mut Vec::new(), &mut places);
    !places.is_empty()
}

/// Returns whether [`mark_encrypted`] has to check an object: it has SOPS metadata, or is a Secret,
/// which may be generated from encrypted files.
pub(super) fn may_be_encrypted(object: &Value) -> bool {
    object.get(METADATA).is_some_and(Value::is_object)
        || object.get("kind").is_some_and(|kind| kind == "Secret")
}

/// Removes SOPS's metadata from a manifest; returns the rule for the unknown values and the object
/// to decrypt, or `None` for an object that is not encrypted.
pub(super) fn mark_encrypted(manifest: &mut Manifest) -> Option<(Option<Rule>, Encrypted)> {
    let mut object = manifest.value();
    let has_metadata = object.get(METADATA).is_some_and(Value::is_object);
    let generated = match has_metadata {
        true => Vec::new(),
        false => generated(&mut object),
    };
    if !has_metadata && generated.is_empty() {
        return None;
    }
    let written = object.clone();
    object.as_object_mut()?.remove(METADATA);
    let mut places = generated;
    encrypted(&object, &mut Vec::new(), &mut places);
    manifest.object = object.into();
    let rule = unknown_values(ID, WHY, manifest, &places);
    let encrypted = Encrypted {
        object: written,
        places,
    };
    Some((rule, encrypted))
}

/// Returns the rule for the encrypted values of a generated Secret under its current name; `None`
/// if it is not encrypted.
pub(super) fn generated_rule(manifest: &Manifest) -> Option<Rule> {
    let places = generated(&mut manifest.value());
    (!places.is_empty())
        .then(|| unknown_values(ID, WHY, manifest, &places))
        .flatten()
}

/// Returns the places in a Secret whose values come from encrypted files, without SOPS's own keys.
fn generated(object: &mut Value) -> Vec<Vec<String>> {
    let is_secret = object.get("kind").is_some_and(|kind| kind == "Secret");
    let Some(Value::Object(data)) = object.get_mut("data").filter(|_| is_secret) else {
        return Vec::new();
    };
    let holds = |value: &Value| {
        let bytes = value.as_str().and_then(|text| STANDARD.decode(text).ok());
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        text.is_some_and(|text| text.contains(CIPHER))
    };
    let keys: Vec<String> = data
        .iter()
        .filter(|(_, value)| holds(value))
        .map(|(key, _)| key.clone())
        .collect();
    if !keys.is_empty() {
        data.retain(|key, _| !key.starts_with(METADATA_KEYS));
    }
    let kept = keys
        .into_iter()
        .filter(|key| !key.starts_with(METADATA_KEYS));
    kept.map(|key| vec!["data".to_owned(), key]).collect()
}

/// Returns the places of encrypted values.
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
    fn recognizes_encrypted_values() {
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
        let (rule, encrypted) = mark_encrypted(&mut manifest).unwrap();
        assert!(format!("{rule:?}").contains("user"));
        assert_eq!(encrypted.places, [["stringData", "user"]]);
        assert_eq!(manifest.value().get("sops"), None);
        assert!(mark_encrypted(&mut manifest).is_none());
        // The result of kustomize for an encrypted file of variables.
        let value = STANDARD.encode("ENC[AES256_GCM,data:x]");
        manifest.object = json!({
            "kind": "Secret",
            "data": {"user": value, "host": "YQ==", "sops_mac": value, "sops_version": "YQ=="},
        })
        .into();
        let (_, encrypted) = mark_encrypted(&mut manifest).unwrap();
        assert_eq!(encrypted.places, [["data", "user"]]);
        let data = manifest.value()["data"].clone();
        assert_eq!(data, json!({"user": value, "host": "YQ=="}));
    }
}
