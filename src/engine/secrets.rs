//! Collects the values of the Secrets of a run, so that no report shows them under another name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::gather::Facts;
use crate::cluster::LiveObject;
use crate::model::SecretValue;

/// Helm's records of releases hold whole charts, which are compressed.
const RECORD: &str = "helm.sh/release.v1";

/// Returns the values of all Secrets, declared and live.
pub fn values(facts: &Facts<'_>) -> Vec<SecretValue> {
    let mut found = Vec::new();
    let declared = facts.manifests.iter();
    for manifest in declared.filter(|one| one.api_version == "v1" && one.kind == "Secret") {
        of_secret(&manifest.value(), &mut found);
    }
    let live = facts.fetched.found();
    let is_secret = |object: &&LiveObject| {
        object.key.kind == "Secret" && object.key.group.is_empty() && !object.is_partial()
    };
    for object in live.chain(&facts.fetched.extra).filter(is_secret) {
        if let Ok(value) = object.value() {
            of_secret(&value, &mut found);
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Returns whether a record of a release is compressed, as Helm writes it. Anything else may be
/// quoted.
fn is_packed(record: &Value) -> bool {
    /// The beginning of compressed data: base64 in base64.
    const PACKED: &str = "SDRzSU";
    let release = record.pointer("/data/release").and_then(Value::as_str);
    release.is_some_and(|release| release.starts_with(PACKED))
}

fn of_secret(secret: &Value, found: &mut Vec<SecretValue>) {
    if secret.get("type").and_then(Value::as_str) == Some(RECORD) && is_packed(secret) {
        return;
    }
    for (map, is_encoded) in [("data", true), ("stringData", false)] {
        let entries = secret.get(map).and_then(Value::as_object);
        for (name, value) in entries.into_iter().flatten() {
            let Some(text) = value.as_str() else { continue };
            let decoded = || {
                let joined: String = text.split_ascii_whitespace().collect();
                let bytes = STANDARD.decode(joined).ok()?;
                String::from_utf8(bytes).ok()
            };
            let value = match is_encoded {
                true => decoded(),
                false => Some(text.to_owned()),
            };
            found.extend(value.map(|value| SecretValue {
                name: name.clone(),
                value,
                is_whole: true,
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_decoded_and_binary_ones_left_out() {
        let mut found = Vec::new();
        of_secret(
            &json!({"data": {"a": "aHVudGVyMg==", "b": "/////w==", "c": 1},
                "stringData": {"d": "plain"}}),
            &mut found,
        );
        let found: Vec<(&str, &str)> = found.iter().map(|it| (&*it.name, &*it.value)).collect();
        assert_eq!(found, [("a", "hunter2"), ("d", "plain")]);
        let mut none = Vec::new();
        let record = json!({"type": RECORD, "data": {"release": "SDRzSUFBQUFB"}});
        of_secret(&record, &mut none);
        assert!(none.is_empty());
        let record = json!({"type": RECORD, "data": {"release": "aHVudGVyMg=="}});
        of_secret(&record, &mut none);
        assert_eq!(none[0].value, "hunter2");
        let shown = format!(
            "{:?}",
            SecretValue {
                name: "a".to_owned(),
                value: "hunter2".to_owned(),
                is_whole: true,
            }
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
