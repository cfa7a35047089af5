//! Finds out which Applications, Kustomizations and releases exist, so that objects of deleted ones
//! can be found.
//!
//! A deployer counts as deleted only if its kind is in use in this cluster: an Application may
//! belong to an Argo CD in another cluster, and a release may be stored in a database.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::cluster::{KindLookup, Live, LiveObject, Query, ReadResult, ReadResults};
use crate::engine::marks::{DeployerMark, DeployerTool};

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
}

impl Deployers {
    /// Reads the deployers of the live side.
    pub fn read(live: &dyn Live, fetched: &ReadResults) -> Self {
        let mut deployers = Self::default();
        for (tool, versions, kind) in KINDS {
            for object in list(live, versions, kind) {
                deployers.add(*tool, &object);
            }
        }
        let answers = fetched.answers.values().filter_map(|answer| match answer {
            ReadResult::Found(object) => Some(object),
            ReadResult::Absent | ReadResult::Unread(_) => None,
        });
        if !fetched.extra_unread.contains("Secret") {
            for object in answers.chain(&fetched.extra) {
                let release = release(object);
                deployers.note(DeployerTool::Helm, release);
            }
        }
        deployers
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
                self.note(tool, names);
                let destination = text("/spec/destination/namespace");
                self.destinations.extend(destination.map(str::to_owned));
            }
            _ => {
                self.note(tool, [format!("{namespace}/{name}")]);
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

/// Returns the objects of a kind; none if it is not served or cannot be read.
fn list(live: &dyn Live, versions: &[&str], kind: &str) -> Vec<Value> {
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
