//! What each manifest speaks of, before anything is fetched.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::Value;

use super::{Options, key_as_written};
use crate::cluster::{Answer, KindLookup, Live, ServedKind};
use crate::model::{Manifest, ObjectReport, ResourceKey, Status};

/// A manifest whose object is known.
pub struct Declared<'m> {
    /// Which object.
    pub key: ResourceKey,
    /// How its kind is served.
    pub kind: ServedKind,
    /// The manifest.
    pub manifest: &'m Manifest,
}

impl Declared<'_> {
    /// The namespace that the manifest covers: its own, or the one it makes.
    pub fn covers(&self) -> Option<String> {
        let is_namespace = self.key.kind == "Namespace" && self.key.group.is_empty();
        match &self.key.namespace {
            None if is_namespace => Some(self.key.name.clone()),
            namespace => namespace.clone(),
        }
    }
}

/// An object of a kind that the manifests define and the live side does not serve.
pub struct OfNewKind {
    /// Its report, if its definition is not live either.
    missing: ObjectReport,
    /// The name of the CustomResourceDefinition.
    definition: String,
    /// What the live side says of the kind.
    why: String,
}

impl OfNewKind {
    /// Settles what is known of the object. Only when its definition is proven not to be there,
    /// the object is; else the kind is merely not served at this version, or not yet.
    pub fn settle(self, answers: &BTreeMap<ResourceKey, Answer>) -> ObjectReport {
        let is_absent = |(key, answer): (&ResourceKey, &Answer)| {
            key.kind == CRD && key.name == self.definition && matches!(answer, Answer::Absent)
        };
        if answers.iter().any(is_absent) {
            return self.missing;
        }
        ObjectReport {
            status: Status::Unknown,
            reason: Some(self.why),
            declared: None,
            ..self.missing
        }
    }
}

/// The kind that defines kinds.
const CRD: &str = "CustomResourceDefinition";

/// All manifests, sorted out.
#[derive(Default)]
pub struct Resolved<'m> {
    /// Those whose object is known, by key.
    pub declared: Vec<Declared<'m>>,
    /// Those that cannot be compared, and why.
    pub unresolved: Vec<ObjectReport>,
    /// Those whose kind is not served and that the manifests themselves define.
    pub of_new_kinds: Vec<OfNewKind>,
    /// How many `--namespace` left out.
    pub filtered: usize,
}

/// Finds out which object each manifest speaks of.
///
/// # Errors
/// When the live side knows nothing about any kind.
pub fn resolve<'m>(
    manifests: &'m [Manifest],
    live: &dyn Live,
    options: &Options,
) -> Result<Resolved<'m>> {
    let kinds: BTreeSet<(String, String)> = manifests.iter().map(kind_of).collect();
    let crds = declared_crds(manifests);
    let lookups = live.resolve(&kinds, &crds)?;
    let namespace = options
        .namespace
        .clone()
        .or_else(|| live.default_namespace())
        .unwrap_or_else(|| "default".to_owned());

    let mut resolved = Resolved::default();
    let mut by_key: BTreeMap<ResourceKey, Vec<Declared<'m>>> = BTreeMap::new();
    for manifest in manifests {
        let kind = match lookups.get(&kind_of(manifest)) {
            Some(KindLookup::Served(kind)) => kind.clone(),
            Some(KindLookup::NotServed(why)) if definition(manifest, &crds).is_some() => {
                resolved.of_new_kinds.push(OfNewKind {
                    missing: missing_with_its_kind(manifest, &crds, &namespace),
                    definition: name_of(definition(manifest, &crds)),
                    why: why.clone(),
                });
                continue;
            }
            Some(KindLookup::NotServed(why) | KindLookup::Unknown(why)) => {
                resolved.unresolved.push(unknown(manifest, why.clone()));
                continue;
            }
            None => {
                let why = "the live side says nothing about this kind".to_owned();
                resolved.unresolved.push(unknown(manifest, why));
                continue;
            }
        };
        let key = key_of(manifest, kind.namespaced, &namespace);
        let declared = Declared {
            key,
            kind,
            manifest,
        };
        if is_elsewhere(&declared, options) {
            resolved.filtered += 1;
        } else {
            by_key
                .entry(declared.key.clone())
                .or_default()
                .push(declared);
        }
    }
    for (key, mut same) in by_key {
        let others = same.split_off(1);
        for declared in same {
            if others.is_empty() {
                resolved.declared.push(declared);
            } else {
                let report = declared_twice(key.clone(), declared.manifest, &others);
                resolved.unresolved.push(report);
            }
        }
    }
    Ok(resolved)
}

fn kind_of(manifest: &Manifest) -> (String, String) {
    (manifest.api_version.clone(), manifest.kind.clone())
}

fn key_of(manifest: &Manifest, namespaced: bool, default: &str) -> ResourceKey {
    let written = manifest.namespace.clone();
    ResourceKey {
        namespace: namespaced.then(|| written.unwrap_or_else(|| default.to_owned())),
        ..key_as_written(manifest)
    }
}

/// Whether `--namespace` leaves an object out. Objects without a namespace stay in.
fn is_elsewhere(declared: &Declared<'_>, options: &Options) -> bool {
    match (&options.namespace, &declared.key.namespace) {
        (Some(wanted), Some(namespace)) => wanted != namespace,
        _ => false,
    }
}

/// The CustomResourceDefinitions among the manifests.
pub fn declared_crds(manifests: &[Manifest]) -> Vec<&Value> {
    manifests
        .iter()
        .filter(|manifest| {
            manifest.kind == CRD && manifest.api_version.starts_with("apiextensions.k8s.io/")
        })
        .map(|manifest| &manifest.value)
        .collect()
}

/// The declared definition of a manifest's kind.
fn definition<'c>(manifest: &Manifest, crds: &[&'c Value]) -> Option<&'c Value> {
    let group = crate::model::group_of(&manifest.api_version);
    crds.iter().copied().find(|crd| {
        crd.pointer("/spec/group")
            .is_some_and(|declared| declared == group)
            && crd
                .pointer("/spec/names/kind")
                .is_some_and(|declared| declared == &manifest.kind)
    })
}

fn name_of(definition: Option<&Value>) -> String {
    let name = definition.and_then(|crd| crd.pointer("/metadata/name"));
    name.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// An object of a kind that the manifests themselves define and the cluster does not know: since
/// its kind is not there, it is not there either.
fn missing_with_its_kind(manifest: &Manifest, crds: &[&Value], namespace: &str) -> ObjectReport {
    let scope = definition(manifest, crds).and_then(|crd| crd.pointer("/spec/scope"));
    let namespaced = scope.is_some_and(|scope| scope == "Namespaced");
    ObjectReport {
        key: key_of(manifest, namespaced, namespace),
        status: Status::Missing,
        declared: Some(manifest.value.clone()),
        ..unknown(
            manifest,
            "its CustomResourceDefinition is not in the cluster either".to_owned(),
        )
    }
}

fn unknown(manifest: &Manifest, why: String) -> ObjectReport {
    ObjectReport {
        key: key_as_written(manifest),
        api_version: manifest.api_version.clone(),
        origin: Some(manifest.origin.clone()),
        status: Status::Unknown,
        reason: Some(why),
        drifts: Vec::new(),
        owners: Vec::new(),
        declared: None,
        live: None,
    }
}

/// One object that several manifests declare: which of them is meant, nobody can tell.
fn declared_twice(key: ResourceKey, first: &Manifest, others: &[Declared<'_>]) -> ObjectReport {
    let mut places = vec![first.origin.to_string()];
    places.extend(others.iter().map(|other| other.manifest.origin.to_string()));
    let reason = format!(
        "declared {} times: {}; keep one of them, or compare the directories one by one",
        places.len(),
        places.join(", ")
    );
    ObjectReport {
        key,
        ..unknown(first, reason)
    }
}
