//! Resolves which object each manifest declares, before live objects are read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Result;
use serde_json::Value;

use super::{Options, key_as_written};
use crate::cluster::{KindLookup, Live, ObjectRequest, ReadResult, ServedKind};
pub use crate::judge::DeclaredManifest;
use crate::model::{KindNames, Manifest, ObjectReport, Presence, ResourceKey, Warning, group_of};
use crate::schema::replacement;

/// An object whose kind the manifests define and the live side does not serve.
pub struct OfDeclaredKind {
    /// Its report, if its definition is not live either.
    missing: ObjectReport,
    /// The name of the CustomResourceDefinition.
    definition: String,
    /// Why the live side does not know the kind.
    why: String,
}

impl OfDeclaredKind {
    /// Decides on the object. It is missing only if its definition is proven not to exist;
    /// otherwise the kind is only not served at this version, or not yet.
    pub fn into_report(self, answers: &BTreeMap<ResourceKey, ReadResult>) -> ObjectReport {
        let is_absent = |(key, answer): (&ResourceKey, &ReadResult)| {
            key.kind == CRD && key.name == self.definition && matches!(answer, ReadResult::Absent)
        };
        if answers.iter().any(is_absent) {
            return self.missing;
        }
        ObjectReport {
            presence: Presence::Unknown,
            reason: Some(self.why),
            declared: None,
            ..self.missing
        }
    }
}

/// The kind that defines custom kinds.
const CRD: &str = "CustomResourceDefinition";

/// All manifests, resolved.
#[derive(Default)]
pub struct ResolvedManifests<'m> {
    /// The objects that were resolved, by key.
    pub declared: Vec<DeclaredManifest<'m>>,
    /// The objects that cannot be compared, with the reason.
    pub unresolved: Vec<ObjectReport>,
    /// Those whose kind is not served but defined by the manifests themselves.
    pub of_declared_kinds: Vec<OfDeclaredKind>,
    /// How many the filters exclude.
    pub filtered: usize,
    /// Every declared object, excluded or not, in the order of the manifests.
    all_keys: Vec<ResourceKey>,
    /// The namespaces that the manifests cover.
    pub covered: BTreeSet<String>,
    /// The namespaces of objects that `--namespace` excludes.
    pub elsewhere: BTreeSet<String>,
    /// The `--kind` patterns that match a manifest.
    pub kinds_found: BTreeSet<String>,
    /// Warnings about manifests that are compared nevertheless.
    pub remarks: Vec<Warning>,
    /// CustomResourceDefinitions that the filters exclude.
    left_definitions: Vec<ObjectRequest>,
}

/// Resolves which object each manifest declares.
///
/// # Errors
/// Fails if the live side knows no kind at all.
pub fn resolve<'m>(
    manifests: &'m [Arc<Manifest>],
    live: &dyn Live,
    options: &Options,
) -> Result<ResolvedManifests<'m>> {
    let kinds: BTreeSet<(&str, &str)> =
        manifests.iter().map(|manifest| kind_of(manifest)).collect();
    let kinds: BTreeSet<(String, String)> = kinds
        .into_iter()
        .map(|(version, kind)| (version.to_owned(), kind.to_owned()))
        .collect();
    let crds = declared_crds(manifests);
    let lookups = live.resolve(&kinds, &crds.iter().collect::<Vec<_>>())?;
    let lookups: BTreeMap<(&str, &str), KindAnswer<'_>> = lookups
        .iter()
        .map(|((version, kind), lookup)| ((&**version, &**kind), KindAnswer::of(lookup)))
        .collect();
    let namespace = options
        .namespace
        .clone()
        .or_else(|| live.default_namespace())
        .unwrap_or_else(|| "default".to_owned());

    let mut resolved = ResolvedManifests::default();
    let mut declared: Vec<DeclaredManifest<'m>> = Vec::new();
    for manifest in manifests {
        let lookup = lookups.get(&kind_of(manifest));
        if let Some(why) = refusal(manifest, lookup, &namespace, options) {
            resolved.unresolved.push(unknown(manifest, why));
            continue;
        }
        let key = match lookup {
            Some(KindAnswer::Served(kind)) => key_of_served(manifest, kind, &namespace),
            _ => key_as_written(manifest),
        };
        if resolved.leave_out(manifest, &key, lookup, options) {
            continue;
        }
        match lookup {
            Some(KindAnswer::Served(kind)) => {
                resolved.remarks.extend(read_elsewhere(manifest, kind));
                declared.push(DeclaredManifest {
                    key,
                    kind: Arc::clone(kind),
                    manifest,
                });
            }
            Some(KindAnswer::NotServed(why)) if definition(manifest, &crds).is_some() => {
                resolved.of_declared_kinds.push(OfDeclaredKind {
                    missing: missing_with_its_kind(manifest, &crds, &namespace),
                    definition: name_of(definition(manifest, &crds)),
                    why: (*why).to_owned(),
                });
            }
            Some(KindAnswer::NotServed(why) | KindAnswer::Unknown(why)) => {
                resolved
                    .unresolved
                    .push(unknown(manifest, (*why).to_owned()));
            }
            None => {
                let why = "the live side has no information about this kind".to_owned();
                resolved.unresolved.push(unknown(manifest, why));
            }
        }
    }
    declared.sort_by(|a, b| a.key.cmp(&b.key));
    let mut declared = declared.into_iter().peekable();
    while let Some(first) = declared.next() {
        let same = || declared.next_if(|other| other.key == first.key);
        let others: Vec<DeclaredManifest<'_>> = std::iter::from_fn(same).collect();
        if others.is_empty() {
            resolved.declared.push(first);
        } else {
            let report = declared_twice(first.key, first.manifest, &others);
            resolved.unresolved.push(report);
        }
    }
    Ok(resolved)
}

/// The answer of the live side about a kind: a [`KindLookup`] whose kind all of its objects share.
enum KindAnswer<'l> {
    Served(Arc<ServedKind>),
    NotServed(&'l str),
    Unknown(&'l str),
}

impl<'l> KindAnswer<'l> {
    fn of(lookup: &'l KindLookup) -> Self {
        match lookup {
            KindLookup::Served(kind) => Self::Served(Arc::new(kind.clone())),
            KindLookup::NotServed(why) => Self::NotServed(why),
            KindLookup::Unknown(why) => Self::Unknown(why),
        }
    }
}

fn kind_of(manifest: &Manifest) -> (&str, &str) {
    (&manifest.api_version, &manifest.kind)
}

/// Returns a warning about a manifest at a version that Kubernetes no longer serves.
fn read_elsewhere(manifest: &Manifest, kind: &ServedKind) -> Option<Warning> {
    let gone = replacement(&manifest.api_version, &manifest.kind)?;
    let Manifest {
        api_version,
        kind: name,
        ..
    } = manifest;
    (*api_version != kind.api_version).then(|| {
        Warning::new(
            manifest.origin.to_string(),
            format!(
                "{name} at {api_version} {gone}; its object was compared at {}",
                kind.api_version
            ),
        )
    })
}

fn key_of(manifest: &Manifest, namespaced: bool, default: &str) -> ResourceKey {
    key_in(
        group_of(&manifest.api_version),
        manifest,
        namespaced,
        default,
    )
}

fn key_in(group: &str, manifest: &Manifest, namespaced: bool, default: &str) -> ResourceKey {
    let written = manifest.namespace.as_deref();
    let namespace = namespaced.then(|| written.unwrap_or(default).to_owned());
    ResourceKey::new(group, &*manifest.kind, namespace, &*manifest.name)
}

/// Returns the key of an object in the group that serves it, which may differ from the manifest's
/// group: `extensions/v1beta1` was removed, so its Deployments are read as `apps/v1`.
fn key_of_served(manifest: &Manifest, kind: &ServedKind, default: &str) -> ResourceKey {
    let group = group_of(&kind.api_version);
    key_in(group, manifest, kind.namespaced, default)
}

impl ResolvedManifests<'_> {
    /// Returns whether the filters exclude an object. Records the facts that are needed about
    /// excluded objects, too.
    fn leave_out(
        &mut self,
        manifest: &Manifest,
        key: &ResourceKey,
        lookup: Option<&KindAnswer<'_>>,
        options: &Options,
    ) -> bool {
        let served = match lookup {
            Some(KindAnswer::Served(kind)) => Some(kind),
            _ => None,
        };
        let names = served.map_or_else(|| names_as_written(manifest), |kind| kind.names());
        let meant = options.filter.kinds.iter();
        let meant = meant.filter(|pattern| pattern.matches(&names));
        self.kinds_found.extend(meant.map(ToString::to_string));
        // A Namespace is cluster-scoped, but counts as part of the namespace that it creates.
        let covered = covered_namespace(key);
        let elsewhere = options.is_elsewhere(covered);
        let places = match elsewhere {
            true => &mut self.elsewhere,
            false => &mut self.covered,
        };
        if let Some(covered) = covered.filter(|covered| !places.contains(*covered)) {
            places.insert(covered.to_owned());
        }
        let left_out = elsewhere
            || !options.filter.keeps_kind(&names)
            || options.filter.labels.is_some() && !options.filter.keeps_labels(&manifest.value());
        if left_out {
            self.filtered += 1;
            if let Some(kind) = served.filter(|_| key.kind == CRD) {
                let (key, kind) = (key.clone(), Arc::clone(kind));
                self.left_definitions.push(ObjectRequest { key, kind });
            }
        }
        self.all_keys.push(key.clone());
        left_out
    }

    /// Returns every declared object, excluded or not: none of them is extra.
    pub fn all_keys(&self) -> BTreeSet<&ResourceKey> {
        self.all_keys.iter().collect()
    }

    /// Returns the objects to read, including the definitions whose absence proves that other
    /// objects are missing.
    pub fn wanted(&self) -> Vec<ObjectRequest> {
        let declared = self.declared.iter().map(|declared| ObjectRequest {
            key: declared.key.clone(),
            kind: Arc::clone(&declared.kind),
        });
        let is_needed = |wanted: &&ObjectRequest| {
            let mut new = self.of_declared_kinds.iter();
            new.any(|object| object.definition == wanted.key.name)
        };
        let definitions = self.left_definitions.iter().filter(is_needed).cloned();
        declared.chain(definitions).collect()
    }
}

/// Returns why a declared object is not read although its kind is served.
fn refusal(
    manifest: &Manifest,
    lookup: Option<&KindAnswer<'_>>,
    default: &str,
    options: &Options,
) -> Option<String> {
    let Some(KindAnswer::Served(kind)) = lookup else {
        return None;
    };
    let key = key_of(manifest, kind.namespaced, default);
    let mut allowed = options.allowed.clone();
    if options.untrusted {
        let own = || vec![default.to_owned()];
        allowed.namespaces.get_or_insert_with(own);
    }
    allowed.refusal(&key, &kind.names())
}

/// Returns the namespace that a manifest covers: that of its object, or the one that it creates.
fn covered_namespace(key: &ResourceKey) -> Option<&str> {
    let is_namespace = key.kind == "Namespace" && key.group.is_empty();
    match &key.namespace {
        None if is_namespace => Some(&key.name),
        namespace => namespace.as_deref(),
    }
}

fn names_as_written(manifest: &Manifest) -> KindNames<'_> {
    KindNames {
        api_version: &manifest.api_version,
        kind: &manifest.kind,
        plural: "",
        short_names: &[],
    }
}

/// Returns the CustomResourceDefinitions among the manifests.
pub fn declared_crds(manifests: &[Arc<Manifest>]) -> Vec<Value> {
    let definitions = manifests.iter().filter(|manifest| is_crd(manifest));
    definitions.map(|definition| definition.value()).collect()
}

/// Returns whether a manifest defines a kind.
pub fn is_crd(manifest: &Manifest) -> bool {
    manifest.kind == CRD && manifest.api_version.starts_with("apiextensions.k8s.io/")
}

/// Returns the CustomResourceDefinition of a manifest's kind, if declared.
fn definition<'c>(manifest: &Manifest, crds: &'c [Value]) -> Option<&'c Value> {
    let group = crate::model::group_of(&manifest.api_version);
    crds.iter().find(|crd| {
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

/// Returns an object whose kind the manifests define but the cluster does not know: the kind does
/// not exist, so neither does the object.
fn missing_with_its_kind(
    manifest: &Arc<Manifest>,
    crds: &[Value],
    namespace: &str,
) -> ObjectReport {
    let scope = definition(manifest, crds).and_then(|crd| crd.pointer("/spec/scope"));
    let namespaced = scope.is_some_and(|scope| scope == "Namespaced");
    ObjectReport {
        key: key_of(manifest, namespaced, namespace),
        presence: Presence::Declared,
        declared: Some(manifest.object.clone()),
        ..unknown(
            manifest,
            "its CustomResourceDefinition is not in the cluster either".to_owned(),
        )
    }
}

fn unknown(manifest: &Arc<Manifest>, why: String) -> ObjectReport {
    ObjectReport {
        reason: Some(why),
        ..ObjectReport::of(key_as_written(manifest), manifest)
    }
}

/// Returns the error for an object that several manifests declare: which of them is right is
/// unknown.
fn declared_twice(
    key: ResourceKey,
    first: &Arc<Manifest>,
    others: &[DeclaredManifest<'_>],
) -> ObjectReport {
    let place = |manifest: &Manifest| match &manifest.origin.rendered_by {
        Some(by) => format!("{} by {by}", manifest.origin),
        None => manifest.origin.to_string(),
    };
    let mut places = vec![place(first)];
    places.extend(others.iter().map(|other| place(other.manifest)));
    let reason = format!(
        "declared {} times: {}; keep one of them, or compare the directories separately",
        places.len(),
        places.join(", ")
    );
    ObjectReport {
        key,
        ..unknown(first, reason)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::tests::{config_map, manifests, recording};
    use crate::model::ObjectStatus;

    fn names<'k>(keys: impl Iterator<Item = &'k ResourceKey>) -> Vec<String> {
        keys.map(ToString::to_string).collect()
    }

    fn declared(resolved: &ResolvedManifests<'_>) -> Vec<String> {
        names(resolved.declared.iter().map(|declared| &declared.key))
    }

    #[test]
    fn an_object_without_a_namespace_gets_the_namespace_of_the_run() {
        let bare = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
        let cluster = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": "b", "namespace": "ignored"}});
        let manifests = manifests(&[bare, cluster]);
        let live = recording(&[]);
        let with_default = resolve(&manifests, &live, &Options::default()).unwrap();
        assert_eq!(
            declared(&with_default),
            ["ConfigMap default/a", "ClusterRole b"]
        );
        let options = Options {
            namespace: Some("web".to_owned()),
            ..Options::default()
        };
        let with_flag = resolve(&manifests, &live, &options).unwrap();
        assert_eq!(declared(&with_flag), ["ConfigMap web/a", "ClusterRole b"]);
    }

    #[test]
    fn an_object_that_is_declared_twice_is_an_error_that_names_both_lines() {
        let manifests = manifests(&[config_map("a", json!({})), config_map("a", json!({}))]);
        let live = recording(&[config_map("a", json!({}))]);
        let resolved = resolve(&manifests, &live, &Options::default()).unwrap();
        assert!(resolved.declared.is_empty());
        let [twice] = &resolved.unresolved[..] else {
            panic!("{} reports", resolved.unresolved.len())
        };
        assert_eq!(twice.status(), ObjectStatus::Unknown);
        let reason = twice.reason.as_deref().unwrap();
        assert!(reason.contains("shop.yaml:10, shop.yaml:20"), "{reason}");
    }

    #[test]
    fn filtered_objects_are_counted_and_never_extra() {
        let manifests = manifests(&[config_map("a", json!({})), config_map("b", json!({}))]);
        let options = Options {
            namespace: Some("web".to_owned()),
            ..Options::default()
        };
        let resolved = resolve(&manifests, &recording(&[]), &options).unwrap();
        assert!(resolved.declared.is_empty() && resolved.unresolved.is_empty());
        assert_eq!(resolved.filtered, 2);
        assert_eq!(
            names(resolved.all_keys().into_iter()),
            ["ConfigMap shop/a", "ConfigMap shop/b"]
        );
        assert!(resolved.elsewhere.contains("shop") && resolved.covered.is_empty());
    }

    #[test]
    fn an_unknown_kind_does_not_stop_other_objects() {
        let odd = json!({"apiVersion": "example.com/v1", "kind": "Odd",
            "metadata": {"name": "o", "namespace": "shop"}});
        let manifests = manifests(&[odd, config_map("a", json!({}))]);
        let live = recording(&[config_map("a", json!({}))]);
        let resolved = resolve(&manifests, &live, &Options::default()).unwrap();
        assert_eq!(declared(&resolved), ["ConfigMap shop/a"]);
        assert_eq!(resolved.unresolved.len(), 1);
        assert_eq!(resolved.unresolved[0].status(), ObjectStatus::Unknown);
    }

    #[test]
    fn untrusted_manifests_may_only_declare_objects_in_the_namespace_of_the_run() {
        let manifests = manifests(&[config_map("a", json!({}))]);
        let live = recording(&[config_map("a", json!({}))]);
        let options = Options {
            untrusted: true,
            ..Options::default()
        };
        let resolved = resolve(&manifests, &live, &options).unwrap();
        assert!(resolved.declared.is_empty());
        assert_eq!(resolved.unresolved[0].status(), ObjectStatus::Unknown);
    }
}
