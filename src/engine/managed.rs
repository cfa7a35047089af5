//! Finds live objects that a deployment tool manages but that no manifest declares (any more).

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::Value;

use super::Options;
use super::resolve::ResolvedManifests;
use crate::cluster::{
    FetchRequest, KindLookup, Live, LiveObject, Namespaces, ObjectRequest, ReadResult, ReadResults,
};
use crate::model::{ResourceKey, Warning};
use crate::source::ManagedObjects;

/// The annotation by which Argo CD tracks objects: `app:group/Kind:namespace/name`.
const TRACKING: &str = "argocd.argoproj.io/tracking-id";

/// The labels of Argo CD's older tracking method, which can still be configured: the default label,
/// and the one that its documentation recommends if charts use the default themselves
/// (`application.instanceLabelKey`).
const INSTANCES: [&str; 2] = ["app.kubernetes.io/instance", "argocd.argoproj.io/instance"];

/// The undeclared objects to search for.
#[derive(Default)]
pub struct ExtraScope<'m> {
    managed: &'m [ManagedObjects],
    /// Undeclared objects that inventories list, which are read one by one.
    wanted: Vec<ObjectRequest>,
    /// The namespaces in which objects may carry the mark of their deployer.
    places: BTreeSet<String>,
    /// Warnings about inventories.
    warnings: Vec<Warning>,
}

impl<'m> ExtraScope<'m> {
    /// Finds out where to search for the objects that these tools manage.
    ///
    /// # Errors
    /// Fails if the live side knows no kind at all.
    pub fn of(
        managed: &'m [ManagedObjects],
        resolved: &ResolvedManifests<'_>,
        live: &dyn Live,
        options: &Options,
    ) -> Result<Self> {
        let mut scope = Self {
            managed,
            ..Self::default()
        };
        let mut undeclared: BTreeMap<&ResourceKey, &String> = BTreeMap::new();
        let declared = resolved.all_keys();
        for managed in managed {
            match managed {
                ManagedObjects::ArgoCd { namespace, .. }
                | ManagedObjects::Helm { namespace, .. } => {
                    scope.places.extend(resolved.covered.iter().cloned());
                    // An untrusted author could name any namespace as the destination.
                    let namespace = Some(namespace.clone()).filter(|_| !options.untrusted);
                    scope
                        .places
                        .extend(namespace.filter(|name| !name.is_empty()));
                }
                ManagedObjects::Inventory(entries) => {
                    let entries = entries.iter().map(|(key, api_version)| (key, api_version));
                    undeclared.extend(entries.filter(|(key, _)| !declared.contains(key)));
                }
            }
        }
        scope.look_up(&undeclared, live)?;
        Ok(scope)
    }

    fn look_up(
        &mut self,
        objects: &BTreeMap<&ResourceKey, &String>,
        live: &dyn Live,
    ) -> Result<()> {
        if objects.is_empty() {
            return Ok(());
        }
        let kind = |key: &ResourceKey, version: &str| (version.to_owned(), key.kind.clone());
        let kinds = objects.iter().map(|(key, version)| kind(key, version));
        let lookups = live.resolve(&kinds.collect(), &[])?;
        for (key, version) in objects {
            match lookups.get(&kind(key, version)) {
                Some(KindLookup::Served(kind)) => self.wanted.push(ObjectRequest {
                    key: (*key).clone(),
                    kind: kind.clone().into(),
                }),
                // If its kind is not served, the object does not exist.
                Some(KindLookup::NotServed(_)) => {}
                Some(KindLookup::Unknown(why)) => self.warnings.push(unread(key, why)),
                None => {
                    let why = "the live side has no information about its kind";
                    self.warnings.push(unread(key, why));
                }
            }
        }
        Ok(())
    }

    /// Adds these objects and namespaces to a request.
    pub fn add_to(&self, request: &mut FetchRequest) {
        request.wanted.extend(self.wanted.iter().cloned());
        request.extra_in = Namespaces::Only(self.places.clone());
    }

    /// Removes undeclared objects that no tool manages.
    pub fn keep_managed(mut self, fetched: &mut ReadResults) {
        // If an Application's objects have its tracking ID, an object with only the label was
        // copied.
        let declared = fetched.answers.values().filter_map(|answer| match answer {
            ReadResult::Found(live) => Some((live.key.clone(), live.value().ok()?)),
            _ => None,
        });
        let by_id: BTreeSet<&str> = declared
            .flat_map(|(key, value)| applications(self.managed, &key, &value))
            .collect();
        let is_managed = |live: &LiveObject| {
            let value = live.value().unwrap_or_default();
            is_managed(self.managed, &by_id, &live.key, &value)
        };
        fetched.extra.retain(is_managed);
        for ObjectRequest { key, .. } in &self.wanted {
            match fetched.answers.remove(key) {
                Some(ReadResult::Found(live)) => fetched.extra.push(live),
                Some(ReadResult::Absent) => {}
                Some(ReadResult::Unread(why)) => self.warnings.push(unread(key, &why)),
                None => self
                    .warnings
                    .push(unread(key, "the live side returned no result")),
            }
        }
        fetched.extra.sort_by(|a, b| a.key.cmp(&b.key));
        fetched.extra.dedup_by(|a, b| a.key == b.key);
        fetched.warnings.append(&mut self.warnings);
    }
}

fn unread(key: &ResourceKey, why: &str) -> Warning {
    Warning::error(
        key.to_string(),
        format!("it is in an inventory, but whether it exists is unknown: {why}"),
    )
}

/// Returns the Applications whose tracking ID an object carries.
fn applications<'m>(
    managed: &'m [ManagedObjects],
    key: &ResourceKey,
    live: &Value,
) -> Vec<&'m str> {
    let of = managed.iter().filter_map(|managed| match managed {
        ManagedObjects::ArgoCd { application, .. } => Some(application.as_str()),
        ManagedObjects::Helm { .. } | ManagedObjects::Inventory(_) => None,
    });
    of.filter(|application| is_tracked(application, true, key, live))
        .collect()
}

/// Returns whether one of these tools manages an undeclared object. `by_id` has the Applications
/// that track by annotation.
fn is_managed(
    managed: &[ManagedObjects],
    by_id: &BTreeSet<&str>,
    key: &ResourceKey,
    live: &Value,
) -> bool {
    managed.iter().any(|managed| match managed {
        ManagedObjects::Inventory(entries) => entries.iter().any(|(entry, _)| entry == key),
        ManagedObjects::ArgoCd { application, .. } => {
            is_tracked(application, by_id.contains(application.as_str()), key, live)
        }
        ManagedObjects::Helm { release, namespace } => is_of_release(release, namespace, live),
    })
}

/// Returns whether Helm treats an object as part of a release (`helm/pkg/action/validate.go`,
/// `checkOwnership`).
fn is_of_release(release: &str, namespace: &str, live: &Value) -> bool {
    let annotations = live.pointer("/metadata/annotations");
    let says = |part: &str, expected: &str| {
        let found = annotations.and_then(|all| all.get(format!("meta.helm.sh/release-{part}")));
        found.is_some_and(|found| found == expected)
    };
    says("name", release) && says("namespace", namespace)
}

/// Returns whether Argo CD treats an object as part of an Application. A tracking ID that names
/// another object was copied with the manifest; the ID of a cluster-scoped object names the
/// Application's destination (`argo-cd/controller/state.go`, `isSelfReferencedObj`).
pub(super) fn is_tracked(application: &str, by_id: bool, key: &ResourceKey, live: &Value) -> bool {
    let text = |map: &str, name: &str| {
        let map = live.get("metadata")?.get(map)?;
        map.get(name)?.as_str()
    };
    if let Some(id) = text("annotations", TRACKING) {
        let kind = format!("{}/{}", key.group, key.kind);
        let rest = id.strip_prefix(application);
        let rest = rest.and_then(|rest| rest.strip_prefix(':')?.strip_prefix(&kind));
        let place = rest.and_then(|rest| rest.strip_prefix(':')?.split_once('/'));
        return place.is_some_and(|(namespace, name)| {
            let own = key.namespace.as_deref();
            name == key.name && own.is_none_or(|own| own == namespace)
        });
    }
    !by_id
        && INSTANCES
            .iter()
            .any(|label| text("labels", label) == Some(application))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tracking_ids_of_cluster_scoped_objects_name_the_destination_namespace() {
        let key = ResourceKey::new(
            "rbac.authorization.k8s.io",
            "ClusterRole",
            None,
            "cart:reader",
        );
        let is_tracked = |id: &str| {
            let live = json!({"metadata": {"annotations": {TRACKING: id}}});
            is_tracked("web", false, &key, &live)
        };
        let kind = "rbac.authorization.k8s.io/ClusterRole";
        assert!(is_tracked(&format!("web:{kind}:shop/cart:reader")));
        assert!(!is_tracked(&format!("web2:{kind}:shop/cart:reader")));
        assert!(!is_tracked(&format!("web:{kind}:shop/other")));
    }

    #[test]
    fn a_tracking_id_that_names_another_object_does_not_count() {
        let key = ResourceKey::new("apps", "Deployment", Some("shop".to_owned()), "cart");
        let with_id = |id: &str| json!({"metadata": {"annotations": {TRACKING: id}}});
        let is_tracked = |live: &Value| is_tracked("web", false, &key, live);
        assert!(is_tracked(&with_id("web:apps/Deployment:shop/cart")));
        assert!(!is_tracked(&with_id("other:apps/Deployment:shop/cart")));
        assert!(!is_tracked(&with_id("web:apps/Deployment:shop/copy")));
        assert!(is_tracked(
            &json!({"metadata": {"labels": {INSTANCES[0]: "web"}}})
        ));
        assert!(!is_tracked(
            &json!({"metadata": {"labels": {INSTANCES[1]: "a"}}})
        ));
        // If the Application tracks by annotation, the label does not count.
        let labelled = json!({"metadata": {"labels": {INSTANCES[0]: "web"}}});
        assert!(!super::is_tracked("web", true, &key, &labelled));
    }
}
