//! Finds where a chart puts secret values.
//!
//! The chart is rendered again with the secret values replaced. Values that differ were made from
//! secrets: verbatim, encoded, hashed or as part of a text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::{Manifest, SecretPlace};
use crate::source::LoadedSource;
use crate::source::render::Secrets;

/// A path in an object: `None` means any item of a list.
type RenderedSecretPath = Vec<Option<String>>;

/// Returns a different value of the same form: letters and digits are replaced, so that a number,
/// an address or a name stays valid.
pub(in crate::source) fn other(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.chars().map(next).collect()),
        Value::Number(number) => match (number.as_u64(), number.as_f64()) {
            (Some(whole), _) => Value::from(whole ^ 1),
            (None, Some(any)) => Value::from(any + 1.0),
            (None, None) => value.clone(),
        },
        Value::Array(items) => Value::Array(items.iter().map(other).collect()),
        Value::Object(fields) => {
            let fields = fields.iter();
            Value::Object(
                fields
                    .map(|(key, value)| (key.clone(), other(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

fn next(c: char) -> char {
    match c {
        'z' => 'a',
        'Z' => 'A',
        // Not zero, because numbers do not begin with it.
        '9' => '1',
        'a'..='y' | 'A'..='Y' | '0'..='8' => char::from_u32(c as u32 + 1).unwrap_or(c),
        c => c,
    }
}

/// Returns the strings in which two sets of values differ: the secrets of the first.
pub(super) fn texts<'v>(own: &'v Value, other: &'v Value) -> impl Iterator<Item = String> {
    let mut found = Vec::new();
    collect(own, other, &mut found);
    found.into_iter()
}

fn collect(own: &Value, other: &Value, found: &mut Vec<String>) {
    match (own, other) {
        (Value::Object(own), Value::Object(other)) => {
            let none = &Value::Null;
            own.iter()
                .for_each(|(key, value)| collect(value, other.get(key).unwrap_or(none), found));
        }
        (Value::Array(own), Value::Array(other)) if own.len() == other.len() => {
            let both = own.iter().zip(other);
            both.for_each(|(own, other)| collect(own, other, found));
        }
        (own, other) if own == other => {}
        (Value::String(text), _) => found.push(text.clone()),
        (Value::Number(number), _) => found.push(number.to_string()),
        _ => {}
    }
}

/// Returns an object's identity.
fn key(manifest: &Manifest) -> (&str, Option<&str>, &str) {
    (
        &manifest.kind,
        manifest.namespace.as_deref(),
        &manifest.name,
    )
}

/// Records where secrets are in the rendering, from the manifest at `first` on. `again` is the
/// rendering with other secrets; `None` if that failed.
pub(super) fn note_secrets(
    first: usize,
    again: Option<Vec<Manifest>>,
    [own, other]: [&Value; 2],
    loaded: &mut LoadedSource,
) {
    let rendered = loaded.manifests.get(first..).unwrap_or_default();
    let mut secret = Vec::new();
    match again {
        Some(again) => {
            let again: BTreeMap<_, &Manifest> = again.iter().map(|m| (key(m), m)).collect();
            for manifest in rendered {
                let mut ways = BTreeSet::new();
                match again.get(&key(manifest)) {
                    Some(other) => {
                        differences(
                            &manifest.value(),
                            &other.value(),
                            &mut Vec::new(),
                            &mut ways,
                        );
                    }
                    // Its name contains a secret.
                    None => drop(ways.insert(Vec::new())),
                }
                secret.extend(ways.into_iter().map(|way| place(manifest, way)));
            }
        }
        None => {
            let texts: Vec<String> = texts(own, other).collect();
            secret.extend(places(rendered, &texts));
        }
    }
    loaded.secret.extend(secret);
}

fn place(manifest: &Manifest, path: RenderedSecretPath) -> SecretPlace {
    SecretPlace {
        kind: manifest.kind.clone(),
        name: manifest.name.clone(),
        path,
    }
}

/// Returns where these strings occur in objects, verbatim or in base64.
pub(in crate::source) fn places(manifests: &[Manifest], texts: &[String]) -> Vec<SecretPlace> {
    if texts.is_empty() {
        return Vec::new();
    }
    let mut secrets = Secrets::default();
    texts.iter().for_each(|text| secrets.add(text));
    let short: BTreeSet<&str> = texts.iter().map(String::as_str).collect();
    let mut found = Vec::new();
    for manifest in manifests {
        let mut ways = BTreeSet::new();
        holding(
            &manifest.value(),
            &secrets,
            &short,
            &mut Vec::new(),
            &mut ways,
        );
        found.extend(ways.into_iter().map(|way| place(manifest, way)));
    }
    found
}

fn holding(
    value: &Value,
    secrets: &Secrets,
    short: &BTreeSet<&str>,
    way: &mut RenderedSecretPath,
    found: &mut BTreeSet<RenderedSecretPath>,
) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                way.push(Some(key.clone()));
                holding(value, secrets, short, way, found);
                way.pop();
            }
        }
        Value::Array(items) => {
            way.push(None);
            for item in items {
                holding(item, secrets, short, way, found);
            }
            way.pop();
        }
        Value::String(text) if secrets.mask(text) != *text || short.contains(&**text) => {
            found.insert(way.clone());
        }
        Value::Number(number) if short.contains(&*number.to_string()) => {
            found.insert(way.clone());
        }
        _ => {}
    }
}

fn differences(
    a: &Value,
    b: &Value,
    way: &mut RenderedSecretPath,
    found: &mut BTreeSet<RenderedSecretPath>,
) {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let [a, b] = [a, b].map(|side| side.get(key).unwrap_or(&Value::Null));
                way.push(Some(key.clone()));
                differences(a, b, way, found);
                way.pop();
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            way.push(None);
            for (a, b) in a.iter().zip(b) {
                differences(a, b, way, found);
            }
            way.pop();
        }
        _ if a == b => {}
        _ => drop(found.insert(way.clone())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Origin;

    fn manifest(value: Value) -> Manifest {
        Manifest {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            namespace: None,
            name: "cart".to_owned(),
            object: value.into(),
            origin: Origin::file("a.yaml", 1, 1),
            source_map: None,
        }
    }

    fn ways(found: &[SecretPlace]) -> Vec<String> {
        let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "*".to_owned());
        let way = |place: &SecretPlace| place.path.iter().map(part).collect::<Vec<_>>().join(".");
        found.iter().map(way).collect()
    }

    #[test]
    fn replaced_values_have_the_same_form() {
        let value = json!({"password": "aZ9-8", "port": 5432, "on": true, "list": ["x"]});
        let expected = json!({"password": "bA1-9", "port": 5433, "on": true, "list": ["y"]});
        assert_eq!(other(&value), expected);
    }

    #[test]
    fn finds_values_that_are_made_from_secrets() {
        let own = json!({"password": "hunter2", "colour": "red"});
        let other = json!({"password": "ivoufs3", "colour": "red"});
        let rendered = |hash: &str, url: &str| {
            manifest(json!({"data": {"hash": hash, "urls": [url], "colour": "red"}}))
        };
        let mut loaded = LoadedSource::default();
        loaded.manifests.push(rendered("f52f", "//hunter2@a"));
        let again = vec![rendered("a01c", "//ivoufs3@a")];
        note_secrets(0, Some(again), [&own, &other], &mut loaded);
        assert_eq!(ways(&loaded.secret), ["data.hash", "data.urls.*"]);
        loaded.secret.clear();
        note_secrets(0, None, [&own, &other], &mut loaded);
        assert_eq!(ways(&loaded.secret), ["data.urls.*"]);
    }
}
