//! What the HelmReleases of a run deployed, from the records that Helm keeps in the cluster: neither
//! the chart nor helm is needed for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::run::Run;
use super::scan::found_of;
use super::values::Values;
use crate::model::Deployer;
use crate::policy::Pointer;
use crate::source::{HelmReleases, flux};
use crate::yaml;

/// How many releases or values are named in a message.
const NAMED: usize = 4;

/// Adds what the HelmReleases deployed that a run declares.
pub(super) fn add(run: &mut Run<'_>) {
    let releases = std::mem::take(&mut run.releases);
    let mut unread: Vec<(String, String)> = Vec::new();
    for (manifest, mut cluster) in releases {
        let found = found_of(&manifest);
        if let Some(config) = flux::other_cluster(&found) {
            cluster = Some(config.to_owned());
        }
        let name = format!("{}/{}", found.metadata("namespace"), found.metadata("name"));
        let source = flux::as_source(&found);
        let words = source
            .as_deref()
            .and_then(|words| words.strip_prefix("helm:"));
        let release = words.and_then(|words| HelmReleases::named(words).ok());
        let deployed = match release {
            Some(release) if run.trusted && cluster.is_none() => release.deployed(run.live),
            _ => Ok(None),
        };
        let place = manifest.origin.to_string();
        match deployed {
            Ok(Some(deployed)) => {
                let values = Values {
                    live: Some(run.live),
                    declared: &run.declared,
                };
                let pending = pending(
                    &found.value,
                    &deployed.values,
                    &values,
                    &deployed.chart_version,
                );
                let mut loaded = deployed.loaded;
                let mut chain = manifest.origin.chain.to_vec();
                chain.push(Deployer {
                    kind: "HelmRelease".to_owned(),
                    namespace: found.metadata("namespace").to_owned(),
                    name: found.metadata("name").to_owned(),
                });
                let chain: Arc<[Deployer]> = chain.into();
                for manifest in &mut loaded.manifests {
                    manifest.origin.chain = Arc::clone(&chain);
                }
                if let Some(message) = pending {
                    loaded.warning(&place, format!("HelmRelease {name}: {message}"));
                }
                run.part(&cluster).append(loaded);
            }
            Ok(None) => unread.push((place, name)),
            Err(why) => {
                let message = format!("what HelmRelease {name} deployed is not compared: {why}");
                run.part(&cluster).warning(&place, message);
            }
        }
    }
    let Some((place, _)) = unread.first().cloned() else {
        return;
    };
    let mut names: Vec<String> = unread
        .iter()
        .take(NAMED)
        .map(|(_, name)| name.clone())
        .collect();
    if unread.len() > NAMED {
        names.push("…".to_owned());
    }
    let names = names.join(", ");
    let releases = match unread.len() {
        1 => "1 HelmRelease deploys".to_owned(),
        count => format!("{count} HelmReleases deploy"),
    };
    let why = match run.trusted {
        true => {
            "the live side holds no record of their releases (a recording holds them when it was \
             made with Secrets)"
        }
        false => "untrusted manifests may not have the records of releases read",
    };
    let message = format!("what {releases} is not compared ({names}): {why}");
    run.part(&None).warning(&place, message);
}

/// Says which values are declared and not deployed yet, by their places alone: they may be secret.
fn pending(
    release: &Value,
    deployed: &Value,
    values: &Values<'_>,
    chart_version: &str,
) -> Option<String> {
    let mut said = Vec::new();
    let version = release.pointer("/spec/chart/spec/version");
    let version = version.and_then(Value::as_str).unwrap_or_default();
    let is_exact =
        version.starts_with(|c: char| c.is_ascii_digit()) && !version.contains(['x', ' ']);
    if is_exact && !chart_version.is_empty() && version != chart_version {
        said.push(format!(
            "its chart is declared at {version}, and {chart_version} is deployed"
        ));
    }
    if let Some(declared) = declared_values(release, values) {
        let mut changed = BTreeSet::new();
        differences(&declared, deployed, &mut Vec::new(), &mut changed);
        if !changed.is_empty() {
            let mut named: Vec<&str> = changed.iter().take(NAMED).map(String::as_str).collect();
            if changed.len() > NAMED {
                named.push("…");
            }
            said.push(format!(
                "these of its values are declared and not deployed yet: {}",
                named.join(", ")
            ));
        }
    }
    (!said.is_empty()).then(|| said.join("; "))
}

/// The values of a HelmRelease, those of ConfigMaps and Secrets first; `None` where they are not all
/// known.
fn declared_values(release: &Value, values: &Values<'_>) -> Option<Value> {
    let namespace = release.pointer("/metadata/namespace");
    let namespace = namespace.and_then(Value::as_str).unwrap_or_default();
    let mut all = Value::Object(serde_json::Map::new());
    let from = release
        .pointer("/spec/valuesFrom")
        .and_then(Value::as_array);
    for entry in from.into_iter().flatten() {
        let text = |field: &str| entry.get(field).and_then(Value::as_str);
        let (kind, name) = (text("kind")?, text("name")?);
        let object = values.declared(kind, namespace, name);
        let object = object.filter(|object| !crate::source::sops::is_encrypted(object));
        let object = object.or_else(|| values.live(kind, namespace, name));
        let is_optional = entry
            .get("optional")
            .is_some_and(|optional| optional == true);
        let Some(object) = object else {
            if is_optional {
                continue;
            }
            return None;
        };
        // A single value that is set by its path may be anything.
        if text("targetPath").is_some() {
            return None;
        }
        let key = text("valuesKey").unwrap_or("values.yaml");
        let written = flux::data_of(&object, kind == "Secret")?.remove(key)?;
        let parsed = yaml::parse(&written);
        if parsed.problems.iter().any(|problem| problem.fatal) {
            return None;
        }
        if let Some(document) = parsed.documents.into_iter().next() {
            lay_over(&mut all, document.value);
        }
    }
    if let Some(own) = release.pointer("/spec/values") {
        lay_over(&mut all, own.clone());
    }
    Some(all)
}

fn lay_over(below: &mut Value, over: Value) {
    match (below, over) {
        (Value::Object(below), Value::Object(over)) => {
            for (key, value) in over {
                lay_over(below.entry(key).or_insert(Value::Null), value);
            }
        }
        (below, over) => *below = over,
    }
}

/// The places of what differs, as `.image.tag`.
fn differences(a: &Value, b: &Value, way: &mut Vec<String>, found: &mut BTreeSet<String>) {
    match (a, b) {
        (Value::Object(a), other) | (other, Value::Object(a))
            if other.is_null() || other.is_object() =>
        {
            let empty = serde_json::Map::new();
            let b = other.as_object().unwrap_or(&empty);
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let [a, b] = [a, b].map(|side| side.get(key).unwrap_or(&Value::Null));
                way.push(key.clone());
                differences(a, b, way, found);
                way.pop();
            }
        }
        _ if is_same(a, b) => {}
        _ => {
            let pointer = Pointer::from(way.clone()).to_string();
            found.insert(pointer.replace('/', "."));
        }
    }
}

/// Whether two values mean the same: numbers are kept as they come by Helm.
fn is_same(a: &Value, b: &Value) -> bool {
    let number = |value: &Value| value.as_f64();
    a == b || number(a).is_some() && number(a) == number(b)
}
