//! What a Kustomization is read from, and at which revision.

use serde_json::Value;

use super::spec::SourceRef;
use crate::cluster::Live;
use crate::source::gitops::{Found, Target, Wanted, in_cluster};

/// The group of what Flux reads from.
const GROUP: &str = "source.toolkit.fluxcd.io";

/// Where the objects are that Kustomizations name.
pub(super) struct Sources<'a> {
    /// Those in the same file.
    beside: &'a [Found],
    /// The live side, unless whoever wrote the Kustomization is not to have it read.
    pub live: Option<&'a dyn Live>,
}

impl<'a> Sources<'a> {
    /// Those beside the Kustomizations, and those in the cluster.
    pub fn new(beside: &'a [Found], live: Option<&'a dyn Live>) -> Self {
        Self { beside, live }
    }

    /// The GitRepository that a Kustomization names; `None` when it is not known.
    pub fn repository(&self, reference: &SourceRef, namespace: &str) -> Option<Found> {
        if reference.kind != "GitRepository" {
            return None;
        }
        let namespace = match reference.namespace.as_str() {
            "" => namespace,
            own => own,
        };
        let is_meant = |found: &&Found| {
            is_repository(found)
                && found.metadata("name") == reference.name
                && found.metadata("namespace") == namespace
        };
        let beside = self.beside.iter().find(is_meant).cloned();
        let in_cluster = || {
            let versions = [&*format!("{GROUP}/v1"), &*format!("{GROUP}/v1beta2")];
            let live = self.live?;
            in_cluster(live, &versions, "GitRepository", namespace, &reference.name).ok()
        };
        beside.or_else(in_cluster)
    }
}

/// Whether an object is a GitRepository.
pub(super) fn is_repository(found: &Found) -> bool {
    found.is(GROUP, "GitRepository")
}

/// What a GitRepository asks for.
pub(super) fn target(repository: &Found) -> Option<Target> {
    let text = |pointer: &str| {
        let text = repository.value.pointer(pointer).and_then(Value::as_str);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    // https://fluxcd.io/flux/components/source/gitrepositories/#reference
    let revision = text("/spec/ref/commit")
        .map(Wanted::Commit)
        .or_else(|| text("/spec/ref/name").map(Wanted::Any))
        .or_else(|| text("/spec/ref/semver").map(Wanted::Range))
        .or_else(|| text("/spec/ref/tag").map(Wanted::Tag))
        .or_else(|| text("/spec/ref/branch").map(Wanted::Branch));
    Some(Target {
        address: text("/spec/url")?,
        revision: revision.unwrap_or_else(|| Wanted::Branch("master".to_owned())),
    })
}
