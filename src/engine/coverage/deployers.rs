//! Finds out which Applications, Kustomizations and releases exist, so that objects of deleted ones
//! can be found.
//!
//! A deployer counts as deleted only if its kind is in use in this cluster: an Application may
//! belong to an Argo CD in another cluster, and a release may be stored in a database.
//!
//! Anyone can write a mark, so a deployer that is there has to list the object: an Application in
//! its status, a Kustomization in its inventory, a release in its record.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::cluster::{Live, LiveObject, ReadResults};
use crate::engine::marks::{DeployerMark, DeployerTool};
use crate::judge::explain::{
    ListedObject, all_of_kind, listed_by_application, listed_by_inventory,
};
use crate::model::ResourceKey;
use crate::source::helm_objects;

/// The kinds of the tools' own objects, newest API version first.
const KINDS: &[(DeployerTool, &[&str], &str)] = &[
    (
        DeployerTool::ArgoCd,
        &["argoproj.io/v1alpha1"],
        "Application",
    ),
    (
        DeployerTool::FluxKustomization,
        &[
            "kustomize.toolkit.fluxcd.io/v1",
            "kustomize.toolkit.fluxcd.io/v1beta2",
        ],
        "Kustomization",
    ),
    (
        DeployerTool::FluxHelmRelease,
        &[
            "helm.toolkit.fluxcd.io/v2",
            "helm.toolkit.fluxcd.io/v2beta2",
            "helm.toolkit.fluxcd.io/v2beta1",
        ],
        "HelmRelease",
    ),
];

/// The deployers in this cluster.
#[derive(Debug, Default)]
pub(super) struct Deployers {
    /// The names that marks use, by tool. A tool that is not in the map is not known to be in use.
    names: BTreeMap<DeployerTool, BTreeSet<String>>,
    /// The namespaces that they deploy to.
    destinations: BTreeSet<String>,
    /// The objects that a deployer lists, by its mark. One whose list is not known is not in the
    /// map. Releases list objects without namespace and group.
    lists: BTreeMap<DeployerMark, BTreeSet<ListedObject>>,
}

impl Deployers {
    /// Reads the deployers of the live side.
    pub fn read(live: &dyn Live, fetched: &ReadResults) -> Self {
        let mut deployers = Self::default();
        for (tool, versions, kind) in KINDS {
            for object in all_of_kind(live, versions, kind) {
                deployers.add(*tool, &object);
            }
        }
        let answers = fetched.found();
        if !fetched.extra_unread.contains("Secret") {
            for object in answers.chain(&fetched.extra) {
                let release = release(object);
                deployers.note(DeployerTool::Helm, release);
            }
        }
        deployers.read_releases(live);
        deployers
    }

    /// Reads what the records of the known releases hold.
    fn read_releases(&mut self, live: &dyn Live) {
        let names = self.names.get(&DeployerTool::Helm).cloned();
        let names = names.unwrap_or_default();
        let namespaces = names.iter().filter_map(|name| name.split_once('/'));
        let namespaces: BTreeSet<&str> = namespaces.map(|(namespace, _)| namespace).collect();
        for namespace in namespaces {
            let releases = helm_objects(live, namespace).unwrap_or_default();
            for (release, objects) in releases {
                let none = String::new;
                let listed = objects
                    .into_iter()
                    .map(|(kind, name)| (none(), none(), kind, name));
                let of = format!("{namespace}/{release}");
                self.list(DeployerTool::Helm, of, listed.collect());
            }
        }
    }

    fn list(&mut self, tool: DeployerTool, of: String, objects: BTreeSet<ListedObject>) {
        self.lists.insert(DeployerMark { tool, of }, objects);
    }

    fn note(&mut self, tool: DeployerTool, names: impl IntoIterator<Item = String>) {
        for name in names {
            self.names.entry(tool).or_default().insert(name);
        }
    }

    fn add(&mut self, tool: DeployerTool, object: &Value) {
        let text = |path: &str| object.pointer(path).and_then(Value::as_str);
        let name = text("/metadata/name").unwrap_or_default();
        let namespace = text("/metadata/namespace").unwrap_or_default();
        match tool {
            // An Application outside Argo CD's own namespace has two names.
            DeployerTool::ArgoCd => {
                let names = [name.to_owned(), format!("{namespace}_{name}")];
                if let Some(listed) = listed_by_application(object) {
                    let lists = names.iter().map(|of| (of.clone(), listed.clone()));
                    lists.for_each(|(of, listed)| self.list(tool, of, listed));
                }
                self.note(tool, names);
                let destination = text("/spec/destination/namespace");
                self.destinations.extend(destination.map(str::to_owned));
            }
            _ => {
                let of = format!("{namespace}/{name}");
                if let Some(listed) = listed_by_inventory(object) {
                    self.list(tool, of.clone(), listed);
                }
                self.note(tool, [of]);
                self.destinations.insert(namespace.to_owned());
                let target = text("/spec/targetNamespace");
                self.destinations.extend(target.map(str::to_owned));
            }
        }
    }

    /// Returns whether the deployer that a mark names is known to be gone.
    pub fn is_gone(&self, mark: &DeployerMark) -> bool {
        let known = self.names.get(&mark.tool);
        known.is_some_and(|known| !known.contains(&mark.of))
    }

    /// Returns whether the deployer that a mark names is there but does not list the object.
    pub fn is_forged(&self, mark: &DeployerMark, key: &ResourceKey) -> bool {
        let Some(listed) = self.lists.get(mark) else {
            return false;
        };
        let part = |text: &str| text.to_owned();
        let of_release = mark.tool == DeployerTool::Helm;
        let (namespace, group) = match of_release {
            true => (String::new(), String::new()),
            false => (key.namespace.clone().unwrap_or_default(), part(&key.group)),
        };
        let object = (namespace, group, part(&key.kind), part(&key.name));
        !listed.contains(&object)
    }

    /// Returns whether the deployers' namespaces are known, and this is not one of them.
    pub fn leave_out(&self, namespace: &str) -> bool {
        let known = [
            DeployerTool::ArgoCd,
            DeployerTool::FluxKustomization,
            DeployerTool::FluxHelmRelease,
        ];
        known.iter().any(|tool| self.names.contains_key(tool))
            && !self.destinations.contains(namespace)
    }
}

/// Returns the name of the release that an object is a record of: `shop/web`.
fn release(object: &LiveObject) -> Option<String> {
    let is_record = matches!(object.key.kind.as_str(), "Secret" | "ConfigMap")
        && object.key.name.starts_with("sh.helm.release.v1.");
    let value = is_record.then(|| object.value().ok())??;
    let name = value.pointer("/metadata/labels/name")?.as_str()?;
    let namespace = object.key.namespace.as_deref()?;
    Some(format!("{namespace}/{name}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_deployer_is_gone_only_if_its_tool_is_in_use_in_this_cluster() {
        let mark = |tool, of: &str| DeployerMark {
            tool,
            of: of.to_owned(),
        };
        let mut deployers = Deployers::default();
        assert!(!deployers.is_gone(&mark(DeployerTool::ArgoCd, "pr-1")));
        assert!(!deployers.leave_out("pr-1"));
        deployers.add(
            DeployerTool::ArgoCd,
            &json!({"metadata": {"name": "web", "namespace": "argocd"},
                "spec": {"destination": {"namespace": "shop"}}}),
        );
        assert!(deployers.is_gone(&mark(DeployerTool::ArgoCd, "pr-1")));
        assert!(!deployers.is_gone(&mark(DeployerTool::ArgoCd, "web")));
        assert!(!deployers.is_gone(&mark(DeployerTool::ArgoCd, "argocd_web")));
        assert!(!deployers.is_gone(&mark(DeployerTool::Helm, "shop/web")));
        assert!(deployers.leave_out("pr-1") && !deployers.leave_out("shop"));
    }
}
