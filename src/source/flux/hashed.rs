//! Secrets that kustomize generates from files encrypted by SOPS. Flux decrypts the files first, so
//! the hash in the name depends on content that is unknown here: the name is taken from the live
//! Secret.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::source::LoadedSource;
use crate::source::config_values::Values;
use crate::source::sops::generated_rule;

/// The length of the hash in a name.
const LENGTH: usize = 10;

/// The characters of the hash (`sigs.k8s.io/kustomize/api/hasher`, `encode`).
const DIGITS: &str = "2456789bcdfghkmt";

/// Renames generated Secrets to their live names, including references to them.
pub(super) fn call_as_live(loaded: &mut LoadedSource, values: &Values<'_>) {
    let mut names = BTreeMap::new();
    for manifest in &loaded.manifests {
        let is_secret = manifest.kind == "Secret" && manifest.api_version == "v1";
        let Some(base) = without_hash(&manifest.name).filter(|_| is_secret) else {
            continue;
        };
        if generated_rule(manifest).is_none() {
            continue;
        }
        let namespace = manifest.namespace.as_deref().unwrap_or_default();
        if let Some(live) = newest(values.all_live("Secret", namespace), base) {
            names.insert(manifest.name.clone(), live);
        }
    }
    if names.is_empty() {
        return;
    }
    for manifest in &mut loaded.manifests {
        let mut object = manifest.value();
        if !rename(&mut object, &names) {
            continue;
        }
        manifest.object = object.into();
        if let (Some(live), true) = (names.get(&manifest.name), manifest.kind == "Secret") {
            manifest.name.clone_from(live);
            loaded.unknown.extend(generated_rule(manifest));
        }
    }
}

/// Returns a name without the hash at its end.
fn without_hash(name: &str) -> Option<&str> {
    let (base, hash) = name.rsplit_once('-')?;
    let is_hash = hash.len() == LENGTH && hash.chars().all(|c| DIGITS.contains(c));
    is_hash.then_some(base)
}

/// Returns the name of the newest of these objects whose name is `base` with a hash.
fn newest(objects: Vec<Value>, base: &str) -> Option<String> {
    let text = |object: &Value, field: &str| -> Option<String> {
        Some(object["metadata"][field].as_str()?.to_owned())
    };
    let named = objects.into_iter().filter_map(|object| {
        let name = text(&object, "name").filter(|name| without_hash(name) == Some(base))?;
        Some((text(&object, "creationTimestamp"), name))
    });
    named.max().map(|(_, name)| name)
}

/// Replaces names that are a whole value; returns whether any were replaced.
fn rename(value: &mut Value, names: &BTreeMap<String, String>) -> bool {
    match value {
        Value::String(text) => match names.get(text.as_str()) {
            Some(name) => {
                text.clone_from(name);
                true
            }
            None => false,
        },
        // Rename all of them, not only the first.
        Value::Array(items) => {
            let renamed = items.iter_mut().map(|item| rename(item, names));
            renamed.max() == Some(true)
        }
        Value::Object(fields) => {
            let renamed = fields.values_mut().map(|field| rename(field, names));
            renamed.max() == Some(true)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn recognizes_the_hashes_of_kustomize() {
        assert_eq!(without_hash("shop-keys-5gc9b5th6b"), Some("shop-keys"));
        for name in ["keys", "keys-5gc9b5th6", "keys-5gc9b5th6a", "5gc9b5th6b"] {
            assert_eq!(without_hash(name), None, "{name}");
        }
    }

    #[test]
    fn uses_the_newest_secret_of_a_name() {
        let object = |name: &str, day: &str| {
            json!({"metadata": {"name": name,
            "creationTimestamp": format!("2026-01-{day}T00:00:00Z")}})
        };
        let objects = vec![
            object("keys-2222222222", "03"),
            object("keys-4444444444", "02"),
            object("other-5555555555", "09"),
            object("keys", "09"),
        ];
        assert_eq!(newest(objects, "keys").as_deref(), Some("keys-2222222222"));
        assert_eq!(newest(Vec::new(), "keys"), None);
    }
}
