//! Finds the source of a Kustomization, and its revision.

use serde_json::Value;

use super::artifact::is_generator;
use super::spec::SourceRef;
use crate::cluster::Live;
use crate::source::gitops::{GitOpsObject, RemoteRevision, RevisionRequest, in_cluster};

/// The group of the sources that Flux reads from.
const GROUP: &str = "source.toolkit.fluxcd.io";

/// The objects that Kustomizations can refer to.
pub struct FluxSources<'a> {
    /// The objects in the files.
    pub beside: Vec<GitOpsObject>,
    /// The live side, unless the Kustomization's author is not trusted with it.
    pub live: Option<&'a dyn Live>,
    /// The source that stands for this repository, by kind, namespace and name, if the followed
    /// Kustomizations begin with one.
    pub home: Option<(String, String, String)>,
}

impl<'a> FluxSources<'a> {
    /// Looks in the files with the Kustomizations, and in the cluster.
    pub fn new(beside: Vec<GitOpsObject>, live: Option<&'a dyn Live>) -> Self {
        Self {
            beside,
            live,
            home: None,
        }
    }

    /// Returns the GitRepository that a Kustomization names; `None` if unknown.
    pub fn repository(&self, reference: &SourceRef, namespace: &str) -> Option<GitOpsObject> {
        if reference.kind != "GitRepository" {
            return None;
        }
        let namespace = reference.namespace(namespace);
        let is_meant = |found: &&GitOpsObject| {
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

    /// Returns an object that Flux reads charts from; `None` if unknown.
    pub fn of_charts(&self, reference: &SourceRef, namespace: &str) -> Option<GitOpsObject> {
        let namespace = reference.namespace(namespace);
        let is_meant = |found: &&GitOpsObject| {
            found.is(GROUP, &reference.kind)
                && found.metadata("name") == reference.name
                && found.metadata("namespace") == namespace
        };
        let beside = self.beside.iter().find(is_meant).cloned();
        let in_cluster = || {
            let versions = [&*format!("{GROUP}/v1"), &*format!("{GROUP}/v1beta2")];
            let (kind, name) = (&*reference.kind, &*reference.name);
            in_cluster(self.live?, &versions, kind, namespace, name).ok()
        };
        beside.or_else(in_cluster)
    }

    /// Returns the kind, namespace and name of a Kustomization's source.
    pub fn read_by(kustomization: &GitOpsObject) -> (String, String, String) {
        let text = |pointer: &str| {
            let text = kustomization.value.pointer(pointer).and_then(Value::as_str);
            text.unwrap_or_default()
        };
        let namespace = match text("/spec/sourceRef/namespace") {
            "" => kustomization.metadata("namespace"),
            own => own,
        };
        let (kind, name) = (text("/spec/sourceRef/kind"), text("/spec/sourceRef/name"));
        (kind.to_owned(), namespace.to_owned(), name.to_owned())
    }

    /// Returns the address of the source that stands for this repository, if known.
    pub fn home_address(&self) -> Option<String> {
        let (kind, namespace, name) = self.home.as_ref()?;
        let reference = SourceRef {
            kind: kind.clone(),
            name: name.clone(),
            namespace: namespace.clone(),
        };
        Some(target(&self.repository(&reference, namespace)?)?.address)
    }

    /// Returns whether the source of a Kustomization may be this repository: for a GitRepository by
    /// its address; for other sources, if it is the one that stands for the repository.
    pub fn is_home(&self, reference: &SourceRef, namespace: &str) -> bool {
        let Some((kind, home, name)) = &self.home else {
            return true;
        };
        // An ExternalArtifact is built from another source, usually from this repository.
        reference.is_git()
            || reference.kind == "ExternalArtifact"
            || *kind == reference.kind
                && *name == reference.name
                && home == reference.namespace(namespace)
    }
}

/// Returns whether an object is a GitRepository.
pub(super) fn is_repository(found: &GitOpsObject) -> bool {
    found.is(GROUP, "GitRepository")
}

/// Returns whether an object is one that Flux reads files or charts from.
pub fn is_source(found: &GitOpsObject) -> bool {
    [
        "GitRepository",
        "OCIRepository",
        "Bucket",
        "ExternalArtifact",
        "HelmRepository",
        "HelmChart",
    ]
    .iter()
    .any(|kind| found.is(GROUP, kind))
        || is_generator(found)
}

/// Returns the requested revision of a GitRepository.
pub(super) fn target(repository: &GitOpsObject) -> Option<RevisionRequest> {
    let text = |pointer: &str| {
        let text = repository.value.pointer(pointer).and_then(Value::as_str);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    // https://fluxcd.io/flux/components/source/gitrepositories/#reference
    let revision = text("/spec/ref/commit")
        .map(RemoteRevision::Commit)
        .or_else(|| text("/spec/ref/name").map(RemoteRevision::Any))
        .or_else(|| text("/spec/ref/semver").map(RemoteRevision::Range))
        .or_else(|| text("/spec/ref/tag").map(RemoteRevision::Tag))
        .or_else(|| text("/spec/ref/branch").map(RemoteRevision::Branch));
    Some(RevisionRequest {
        address: text("/spec/url")?,
        revision: revision.unwrap_or_else(|| RemoteRevision::Branch("master".to_owned())),
    })
}
