//! Finds out which permissions on which kinds a comparison needs, without running it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::Value;

use super::resolve::{self, ResolvedManifests};
use super::{Extra, Options, load, take_manifests};
use crate::cluster::{AccessRight, KindLookup, Live, ServedKind};
use crate::judge::explain::policies;
use crate::model::{ObjectReport, Warning, group_of};
use crate::source::Source;

/// The purpose of a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RightUse {
    /// The run is incomplete without it.
    Needed,
    /// Without it, objects are read one by one.
    Faster,
    /// Without it, replicas set by an autoscaler count as drift.
    Autoscalers,
    /// Without it, changes by admission webhooks and policies may count as drift.
    Admission,
    /// Without it, a revert leaves no Event on the objects.
    Events,
    /// Without it, the server does not dry-run a Role that grants more than its applier holds.
    /// Users who have it can grant themselves anything, so no printed Role includes it.
    Escalation,
}

/// The permissions that a run needs, and what it was found to cover.
#[derive(Debug, Default)]
pub struct Needs {
    /// Their kinds.
    pub objects: usize,
    /// Their kinds.
    pub kinds: BTreeSet<ServedKind>,
    /// The namespaces that they are in.
    pub namespaces: BTreeSet<String>,
    /// The permissions, and what each is for.
    pub rights: BTreeMap<AccessRight, RightUse>,
    /// Objects that cannot be compared whatever the permissions.
    pub unresolved: Vec<ObjectReport>,
    /// Problems in the manifests.
    pub errors: Vec<Warning>,
    /// Objects that the filters exclude.
    pub filtered: usize,
}

/// Returns what a run would need. `extra_kinds` are the kinds to search for undeclared objects.
///
/// # Errors
/// Fails if the live side knows no kind at all.
pub fn required_rights(
    sources: &[Box<dyn Source>],
    live: &dyn Live,
    options: &Options,
    extra_kinds: &[ServedKind],
) -> Result<Needs> {
    let mut loaded = load(sources, live);
    let manifests = take_manifests(&mut loaded);
    let resolved = resolve::resolve(&manifests, live, options)?;
    let mut needs = Needs {
        objects: resolved.declared.len(),
        filtered: resolved.filtered,
        errors: loaded.errors,
        ..Needs::default()
    };
    for declared in &resolved.declared {
        let namespace = declared.key.namespace.as_deref();
        needs.namespaces.extend(namespace.map(str::to_owned));
        if let (Some(namespace), Some(_)) = (namespace, replicas(&declared.manifest.value())) {
            let right = AccessRight::new("list", &autoscalers(), Some(namespace));
            needs.add(right, RightUse::Autoscalers);
        }
    }
    for wanted in resolved.wanted() {
        let namespace = wanted.key.namespace.as_deref();
        needs.add(
            AccessRight::new("get", &wanted.kind, namespace),
            RightUse::Needed,
        );
        needs.add(
            AccessRight::new("list", &wanted.kind, namespace),
            RightUse::Faster,
        );
        if options.writes {
            needs.add(
                AccessRight::new("patch", &wanted.kind, namespace),
                RightUse::Needed,
            );
            let place = namespace.unwrap_or("default");
            needs.add(
                AccessRight::new("create", &events(), Some(place)),
                RightUse::Events,
            );
        }
        if options.server_dry_run {
            needs.add(
                AccessRight::new("patch", &wanted.kind, namespace),
                RightUse::Needed,
            );
            needs.add_escalation(&wanted.kind, namespace);
        }
        needs.kinds.insert((*wanted.kind).clone());
    }
    for right in sources.iter().flat_map(|source| source.rights()) {
        needs.add(right, RightUse::Needed);
    }
    needs.add_extra(&resolved, options, extra_kinds);
    if let Ok(served) = live.resolve(&policies::kinds(), &[]) {
        for lookup in served.into_values() {
            if let KindLookup::Served(kind) = lookup {
                needs.add(AccessRight::new("list", &kind, None), RightUse::Admission);
            }
        }
    }
    needs.unresolved = resolved.unresolved;
    Ok(needs)
}

impl Needs {
    /// Adds a permission; of several purposes, the strongest counts.
    fn add(&mut self, right: AccessRight, what_for: RightUse) {
        let known = self.rights.entry(right).or_insert(what_for);
        *known = what_for.min(*known);
    }

    /// Adds the permissions to dry-run Roles and bindings: RBAC does not let users grant
    /// permissions that they do not hold, not even in a dry run
    /// (`rbac/validation.ConfirmNoEscalation`).
    fn add_escalation(&mut self, kind: &ServedKind, namespace: Option<&str>) {
        if group_of(&kind.api_version) != "rbac.authorization.k8s.io" {
            return;
        }
        let (verb, resource) = match kind.kind.as_str() {
            "Role" | "ClusterRole" => ("escalate", kind.plural.as_str()),
            // A RoleBinding may refer to a Role or a ClusterRole; most refer to a ClusterRole.
            _ => ("bind", "clusterroles"),
        };
        let right = AccessRight {
            resource: resource.to_owned(),
            ..AccessRight::new(verb, kind, namespace)
        };
        self.add(right, RightUse::Escalation);
    }

    /// Returns the permissions that a Role must grant for the run to be complete.
    pub fn to_grant(&self) -> BTreeSet<AccessRight> {
        let granted = self.rights.iter();
        let granted = granted.filter(|(_, what_for)| **what_for != RightUse::Escalation);
        granted.map(|(right, _)| right.clone()).collect()
    }

    fn add_extra(
        &mut self,
        resolved: &ResolvedManifests<'_>,
        options: &Options,
        kinds: &[ServedKind],
    ) {
        if options.extra == Extra::None {
            return;
        }
        let chosen = kinds
            .iter()
            .filter(|kind| options.filter.keeps_kind(&kind.names()));
        for kind in chosen {
            if options.all_namespaces {
                self.add(AccessRight::new("list", kind, None), RightUse::Needed);
                continue;
            }
            for namespace in &resolved.covered {
                self.add(
                    AccessRight::new("list", kind, Some(namespace)),
                    RightUse::Needed,
                );
            }
        }
    }
}

fn replicas(manifest: &Value) -> Option<&Value> {
    manifest.pointer("/spec/replicas")
}

/// Returns the kind of Events.
fn events() -> ServedKind {
    ServedKind {
        api_version: "events.k8s.io/v1".to_owned(),
        kind: "Event".to_owned(),
        plural: "events".to_owned(),
        namespaced: true,
        short_names: Vec::new(),
    }
}

/// Returns the kind of HorizontalPodAutoscalers.
fn autoscalers() -> ServedKind {
    ServedKind {
        api_version: "autoscaling/v2".to_owned(),
        kind: "HorizontalPodAutoscaler".to_owned(),
        plural: "horizontalpodautoscalers".to_owned(),
        namespaced: true,
        short_names: Vec::new(),
    }
}
