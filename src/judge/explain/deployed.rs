//! Proves that something that is in the cluster made a cluster-scoped object that no manifest
//! declares: a deployer that lists it, or an operator for its own resource.
//!
//! Labels, annotations and owner references are claims. The Application, the inventory, the release
//! record or the owner itself has to confirm them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cluster::{KindLookup, Live, Query};
use crate::facts::maker;
use crate::model::{group_of, items_at, text_at, text_or_empty};
use crate::source::{helm_objects, inventory_key};

/// The namespace, group, kind and name of an object that a deployer lists.
pub type ListedObject = (String, String, String, String);

/// Returns whether a deployer that an object's marks name lists the object, or an owner that it
/// names is there and is known to create such objects.
pub(super) fn is_deployed(object: &Value, live: &dyn Live) -> bool {
    let kind = text_or_empty(object, "/kind").to_owned();
    let name = text_or_empty(object, "/metadata/name").to_owned();
    let group = group_of(text_or_empty(object, "/apiVersion")).to_owned();
    let in_release = (kind.clone(), name.clone());
    let listed = (String::new(), group, kind, name);
    by_helm(object, &in_release, live)
        || by_argo_cd(object, &listed, live)
        || by_flux(object, &listed, live)
        || by_owner(object, &listed.2, live)
}

fn annotation<'o>(object: &'o Value, name: &str) -> Option<&'o str> {
    object
        .get("metadata")?
        .get("annotations")?
        .get(name)?
        .as_str()
}

fn label<'o>(object: &'o Value, name: &str) -> Option<&'o str> {
    object.get("metadata")?.get("labels")?.get(name)?.as_str()
}

fn by_helm(object: &Value, listed: &(String, String), live: &dyn Live) -> bool {
    let (Some(release), Some(namespace)) = (
        annotation(object, "meta.helm.sh/release-name"),
        annotation(object, "meta.helm.sh/release-namespace"),
    ) else {
        return false;
    };
    let releases = helm_objects(live, namespace).unwrap_or_default();
    let objects = releases.get(release);
    objects.is_some_and(|objects| objects.contains(listed))
}

fn by_argo_cd(object: &Value, listed: &ListedObject, live: &dyn Live) -> bool {
    let id = annotation(object, "argocd.argoproj.io/tracking-id");
    let Some((application, _)) = id.and_then(|id| id.split_once(':')) else {
        return false;
    };
    let all = all_of_kind(live, &["argoproj.io/v1alpha1"], "Application");
    // An Application outside Argo CD's own namespace has two names.
    let is_it = |one: &&Value| {
        let (namespace, name) = (
            text_or_empty(one, "/metadata/namespace"),
            text_or_empty(one, "/metadata/name"),
        );
        application == name || application == format!("{namespace}_{name}")
    };
    let mut lists = all.iter().filter(is_it);
    lists.any(|one| listed_by_application(one).is_some_and(|all| all.contains(listed)))
}

fn by_flux(object: &Value, listed: &ListedObject, live: &dyn Live) -> bool {
    let (Some(name), Some(namespace)) = (
        label(object, "kustomize.toolkit.fluxcd.io/name"),
        label(object, "kustomize.toolkit.fluxcd.io/namespace"),
    ) else {
        return false;
    };
    let versions = [
        "kustomize.toolkit.fluxcd.io/v1",
        "kustomize.toolkit.fluxcd.io/v1beta2",
    ];
    let all = all_of_kind(live, &versions, "Kustomization");
    let is_it = |one: &&Value| {
        text_at(one, "/metadata/name") == Some(name)
            && text_at(one, "/metadata/namespace") == Some(namespace)
    };
    let mut lists = all.iter().filter(is_it);
    lists.any(|one| listed_by_inventory(one).is_some_and(|all| all.contains(listed)))
}

fn by_owner(object: &Value, kind: &str, live: &dyn Live) -> bool {
    let references = items_at(object, "/metadata/ownerReferences").iter();
    let mut controllers = references.filter(|one| one.get("controller") == Some(&true.into()));
    controllers.any(|reference| {
        let (version, owner) = (
            text_or_empty(reference, "/apiVersion"),
            text_or_empty(reference, "/kind"),
        );
        let makes = maker(group_of(version), owner, kind).is_some();
        let uid = text_at(reference, "/uid");
        let is_it = |one: &Value| uid.is_some() && text_at(one, "/metadata/uid") == uid;
        makes
            && live
                .related(version, owner, "")
                .is_some_and(|all| all.iter().any(is_it))
    })
}

/// Returns the objects in an Application's status: those that it declares, and the hooks of its last
/// sync. One that only carries its mark is listed too, as one to prune.
pub fn listed_by_application(application: &Value) -> Option<BTreeSet<ListedObject>> {
    application.pointer("/status/resources")?.as_array()?;
    let resources = items_at(application, "/status/resources").iter();
    let declared = resources.filter(|one| one.get("requiresPruning") != Some(&true.into()));
    let synced = items_at(application, "/status/operationState/syncResult/resources").iter();
    let hooks = synced.filter(|one| text_at(one, "/hookType").is_some());
    let part = |one: &Value, name: &str| text_or_empty(one, name).to_owned();
    let objects = declared.chain(hooks).map(|one| {
        let group = part(one, "/group");
        (
            part(one, "/namespace"),
            group,
            part(one, "/kind"),
            part(one, "/name"),
        )
    });
    Some(objects.collect())
}

/// Returns the objects in the inventory of Flux.
pub fn listed_by_inventory(deployer: &Value) -> Option<BTreeSet<ListedObject>> {
    deployer.pointer("/status/inventory/entries")?.as_array()?;
    let entries = items_at(deployer, "/status/inventory/entries").iter();
    let keys = entries.filter_map(|entry| inventory_key(text_at(entry, "/id")?));
    let objects = keys.map(|key| {
        let namespace = key.namespace.clone().unwrap_or_default();
        let part = |text: &str| text.to_owned();
        (
            namespace,
            part(&key.group),
            part(&key.kind),
            part(&key.name),
        )
    });
    Some(objects.collect())
}

/// Returns the objects of a kind; none if it is not served or cannot be read.
pub fn all_of_kind(live: &dyn Live, versions: &[&str], kind: &str) -> Vec<Value> {
    let kinds = versions.iter();
    let kinds: BTreeSet<_> = kinds
        .map(|version| ((*version).to_owned(), kind.to_owned()))
        .collect();
    let Ok(lookups) = live.resolve(&kinds, &[]) else {
        return Vec::new();
    };
    // A recording without definitions does not know custom kinds, but still contains their objects.
    let served = versions.iter().find(|version| {
        let lookup = lookups.get(&((**version).to_owned(), kind.to_owned()));
        matches!(lookup, Some(KindLookup::Served(_) | KindLookup::Unknown(_)))
    });
    let Some(api_version) = served else {
        return Vec::new();
    };
    let query = Query {
        api_version,
        kind,
        namespace: None,
        labels: &[],
        metadata_only: false,
    };
    live.list(&query).unwrap_or_default()
}
