//! Where the declared state comes from: one file for each kind of source.

mod argo;
mod back;
mod chart;
mod checkout;
mod classify;
mod doubt;
mod files;
mod fixed;
mod flux;
mod folder;
mod follow;
mod git;
mod gitops;
mod helm_release;
mod kustomize;
mod last_applied;
mod mirror;
mod objects;
mod of_git;
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

use crate::cluster::{Live, Right};
use crate::model::{Manifest, ResourceKey, Revision, SecretPlace, Warning};
use crate::policy::Rule;

pub use argo::{Cluster, Clusters};
pub use chart::{ChartOptions, Charts};
pub use classify::never_applied;
pub use doubt::Doubt;
pub use files::Files;
pub use fixed::{Declared, Fixed};
pub use follow::GitOpsObjects;
pub use git::around as repository_around;
pub use git::{Commit, FileAt, Git, GitError, Repository, above, blame};
pub use gitops::{GitOps, ReadAt, Which};
pub use helm_release::HelmReleases;
pub use kustomize::{Layers, layers};
pub use last_applied::LastApplied;
pub use mirror::Mirror;
pub use render::{DEADLINE, Rendering, Sandbox, relative_to as relative_path};
pub use schemes::{SCHEMES, Scheme};
pub use sops::Encrypted;
pub use text::objects_in;

/// What a source declares, and what it could not read. Nothing is passed over in silence: every
/// file and document ends as a manifest, as a named skip or as an error.
#[derive(Debug, Default, Clone)]
pub struct Loaded {
    /// The declared objects, in the order of files and documents.
    pub manifests: Vec<Manifest>,
    /// Documents and files that hold no Kubernetes object, with the reason.
    pub skipped: Vec<Warning>,
    /// Documents and files that could not be read; they make the comparison incomplete.
    pub errors: Vec<Warning>,
    /// Remarks that do not make the comparison incomplete.
    pub warnings: Vec<Warning>,
    /// Rules that come with the declared state, such as an Application's `ignoreDifferences`.
    pub rules: Vec<Rule>,
    /// Rules for values that are declared and not known, such as encrypted ones: regardless of
    /// their author, nobody can say whether they drifted.
    pub unknown: Vec<Rule>,
    /// The commits that were read.
    pub revisions: Vec<Revision>,
    /// What else the tools behind the sources hold to be theirs.
    pub managed: Vec<Managed>,
    /// Where what is declared is secret, since it was taken from a Secret.
    pub secret: Vec<SecretPlace>,
    /// What was skipped since the tree says so.
    pub doubts: Vec<Doubt>,
    /// What is encrypted, until it is decrypted.
    pub encrypted: Vec<Encrypted>,
}

/// The live objects that a tool holds to be its own.
#[derive(Debug, Clone)]
pub enum Managed {
    /// Argo CD's: the objects themselves say so.
    ArgoCd {
        /// The Application.
        application: String,
        /// Its destination, where they are looked for besides the namespaces of what is declared.
        namespace: String,
    },
    /// Helm's: the objects themselves say so.
    Helm {
        /// The release.
        release: String,
        /// Its namespace, where they are looked for besides the namespaces of what is declared.
        namespace: String,
    },
    /// Flux's: an inventory names them, each with its `apiVersion`.
    Inventory(BTreeSet<(ResourceKey, String)>),
}

impl Loaded {
    fn append(&mut self, mut other: Self) {
        self.manifests.append(&mut other.manifests);
        self.skipped.append(&mut other.skipped);
        self.errors.append(&mut other.errors);
        self.warnings.append(&mut other.warnings);
        self.rules.append(&mut other.rules);
        self.unknown.append(&mut other.unknown);
        self.revisions.append(&mut other.revisions);
        self.managed.append(&mut other.managed);
        self.secret.append(&mut other.secret);
        self.doubts.append(&mut other.doubts);
        self.encrypted.append(&mut other.encrypted);
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

/// One place where declared state lives.
pub trait Source {
    /// Reads everything that the source declares. What is wrong with one file does not stop the
    /// others. Some declared state is in the cluster itself (a release's record, the last applied
    /// configuration); it is read through `live`.
    fn load(&self, live: &dyn Live) -> Loaded;

    /// Returns the rights that reading the source itself takes, next to those on what it declares.
    fn rights(&self) -> Vec<Right> {
        Vec::new()
    }
}

/// A source that is read once, however often it is asked: what is declared must not change between
/// a plan and what becomes of it.
pub struct Once {
    source: Box<dyn Source>,
    loaded: OnceCell<Loaded>,
}

impl Once {
    /// Reads the source when it is first asked.
    pub fn of(source: Box<dyn Source>) -> Self {
        Self {
            source,
            loaded: OnceCell::new(),
        }
    }
}

impl Source for Once {
    fn load(&self, live: &dyn Live) -> Loaded {
        self.loaded.get_or_init(|| self.source.load(live)).clone()
    }

    fn rights(&self) -> Vec<Right> {
        self.source.rights()
    }
}
