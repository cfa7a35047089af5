//! Unsupported settings of GitOps tools. Each is reported where it is used, because its effect is
//! missing in the comparison.

use serde_json::Value;

/// A mapping of settings, with the keys that are supported or do not affect the declared objects.
pub(super) struct SupportedSettings {
    /// The JSON Pointer to the mapping.
    pub at: &'static str,
    /// Its keys.
    pub keys: &'static [&'static str],
}

/// Returns the unsupported settings in use, by the names of their fields: `kustomize.version`.
/// Empty and disabled settings count as absent.
pub(super) fn unread(settings: &Value, known: &[SupportedSettings]) -> Vec<String> {
    let mut found = Vec::new();
    for SupportedSettings { at, keys } in known {
        let fields = settings.pointer(at).and_then(Value::as_object);
        for (name, value) in fields.into_iter().flatten() {
            if !keys.contains(&name.as_str()) && !is_off(value) {
                let path = format!("{at}/{name}");
                found.push(path.trim_start_matches('/').replace('/', "."));
            }
        }
    }
    found
}

fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_unsupported_settings_that_are_used() {
        let known = [
            SupportedSettings {
                at: "",
                keys: &["path", "helm"],
            },
            SupportedSettings {
                at: "/helm",
                keys: &["values"],
            },
        ];
        let settings = json!({"path": "a", "new": 1, "off": false, "none": [],
            "helm": {"values": "a: b", "other": true, "empty": ""}});
        assert_eq!(unread(&settings, &known), ["new", "helm.other"]);
        assert!(unread(&json!(7), &known).is_empty());
    }
}
