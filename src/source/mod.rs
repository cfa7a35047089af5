//! Sources of the declared state: one file for each kind of source.

mod address;
mod argo;
mod argo_clusters;
mod broken;
mod chart;
mod checkout;
mod classify;
mod config_values;
mod excluded;
mod files;
mod fixed;
mod flux;
mod folder;
mod follow;
mod git;
mod gitops;
mod helm_release;
mod kustomization;
mod kustomize;
mod last_applied;
mod mirror;
mod objects;
mod of_git;
mod original;
mod plan;
mod read;
mod render;
mod schemes;
mod sops;
mod text;
mod tree;
mod unknown;
mod unread;
mod walk;

use std::cell::OnceCell;
use std::collections::BTreeSet;

use crate::cluster::{AccessRight, Live};
use crate::model::{Manifest, ResourceKey, SecretPlace, SecretValue, SourceRevision, Warning};
use crate::policy::Rule;

pub use argo_clusters::{ArgoCluster, Clusters};
pub use classify::never_applied;
pub use excluded::ExcludedContent;
pub use files::FilesSource;
pub use fixed::{FixedSource, RenderedObject};
pub use flux::inventory_key;
pub use follow::GitOpsObjects;
pub use git::around as repository_around;
pub use git::{
    Commit, CommitFile, Git, GitError, Repository, before_branch, blame, file_above, pages,
};
pub use gitops::{GitOps, GitOpsSelector, ReadAt};
pub use helm_release::{HelmReleases, helm_hooks, helm_objects};
pub use kustomize::{Layers, layers};
pub use last_applied::LastApplied;
pub use mirror::Mirror;
pub use render::{
    ChartOptions, Charts, DEADLINE, Rendering, Sandbox, relative_to as relative_path,
};
pub use schemes::{SCHEMES, Scheme};
pub use sops::Encrypted;
pub use text::objects_in;

/// The objects that a source declares, and what could not be read. Nothing is ignored silently:
/// each file and document becomes a manifest, a named skip or an error.
#[derive(Debug, Default, Clone)]
pub struct LoadedSource {
    /// The declared objects, in the order of files and documents.
    pub manifests: Vec<Manifest>,
    /// Documents and files that contain no Kubernetes object, with the reason.
    pub skipped: Vec<Warning>,
    /// Documents and files that could not be read; they make the comparison incomplete.
    pub errors: Vec<Warning>,
    /// Warnings that do not make the comparison incomplete.
    pub warnings: Vec<Warning>,
    /// Rules that come with the declared state, such as an Application's `ignoreDifferences`.
    pub rules: Vec<Rule>,
    /// Rules for unknown declared values, such as encrypted ones. They apply for any author,
    /// because it is unknown whether these values drifted.
    pub unknown: Vec<Rule>,
    /// The commits that were read.
    pub revisions: Vec<SourceRevision>,
    /// The objects that the tools behind the sources manage.
    pub managed: Vec<ManagedObjects>,
    /// Places whose declared values came from a Secret.
    pub secret: Vec<SecretPlace>,
    /// What may be values of Secrets in text that could not be parsed.
    pub secret_values: Vec<SecretValue>,
    /// The parts that were skipped because the tree excludes them.
    pub doubts: Vec<ExcludedContent>,
    /// Encrypted objects, until they are decrypted.
    pub encrypted: Vec<Encrypted>,
    /// HelmReleases whose objects could not be read.
    pub unread_releases: usize,
}

/// The live objects that a tool manages.
#[derive(Debug, Clone)]
pub enum ManagedObjects {
    /// Argo CD's: the objects have its mark.
    ArgoCd {
        /// The Application.
        application: String,
        /// Its destination, which is searched in addition to the namespaces of declared objects.
        namespace: String,
    },
    /// Helm's: the objects have its mark.
    Helm {
        /// The release.
        release: String,
        /// Its namespace, which is searched in addition to the namespaces of declared objects.
        namespace: String,
    },
    /// Flux's: an inventory names them, each with its `apiVersion`.
    Inventory(BTreeSet<(ResourceKey, String)>),
}

impl LoadedSource {
    /// Adds what another source declares.
    pub fn append(&mut self, mut other: Self) {
        self.manifests.append(&mut other.manifests);
        self.skipped.append(&mut other.skipped);
        self.errors.append(&mut other.errors);
        self.warnings.append(&mut other.warnings);
        self.rules.append(&mut other.rules);
        self.unknown.append(&mut other.unknown);
        self.revisions.append(&mut other.revisions);
        self.managed.append(&mut other.managed);
        self.secret.append(&mut other.secret);
        self.secret_values.append(&mut other.secret_values);
        self.doubts.append(&mut other.doubts);
        self.encrypted.append(&mut other.encrypted);
        self.unread_releases += other.unread_releases;
    }

    fn skip(&mut self, place: impl ToString, reason: impl Into<String>) {
        self.skipped.push(remark(place, reason, false));
    }

    fn error(&mut self, place: impl ToString, message: impl Into<String>) {
        self.errors.push(remark(place, message, true));
    }

    fn warning(&mut self, place: impl ToString, message: impl Into<String>) {
        self.warnings.push(remark(place, message, false));
    }
}

fn remark(place: impl ToString, message: impl Into<String>, fatal: bool) -> Warning {
    Warning {
        place: place.to_string(),
        message: message.into(),
        fatal,
    }
}

/// A source of declared state.
pub trait Source {
    /// Reads everything that the source declares. An error in one file does not stop the others.
    /// Declared state in the cluster itself (release records, last applied configurations) is read
    /// through `live`.
    fn load(&self, live: &dyn Live) -> LoadedSource;

    /// Returns the permissions that reading the source itself needs, in addition to those for the
    /// objects that it declares.
    fn rights(&self) -> Vec<AccessRight> {
        Vec::new()
    }
}

/// A source that is read only once, because manifests must not change between a plan and its
/// result.
pub struct CachedSource {
    source: Box<dyn Source>,
    loaded: OnceCell<LoadedSource>,
}

impl CachedSource {
    /// Reads the source on first use.
    pub fn of(source: Box<dyn Source>) -> Self {
        Self {
            source,
            loaded: OnceCell::new(),
        }
    }
}

impl Source for CachedSource {
    fn load(&self, live: &dyn Live) -> LoadedSource {
        self.loaded.get_or_init(|| self.source.load(live)).clone()
    }

    fn rights(&self) -> Vec<AccessRight> {
        self.source.rights()
    }
}
