//! Where the declared state comes from: one file for each kind of source.

mod argo;
mod back;
mod chart;
mod checkout;
mod classify;
mod doubt;
mod files;
mod flux;
mod folder;
mod git;
mod gitops;
mod helm_release;
mod kustomize;
mod last_applied;
mod objects;
mod of_git;
mod plan;
mod read;
mod render;
mod text;
mod tree;
mod unread;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::{Live, Right};
use crate::model::{Manifest, Origin, ResourceKey, Revision, SecretPlace, Warning};
use crate::policy::Rule;

pub use argo::Argo;
pub use chart::ChartOptions;
pub use classify::never_applied;
pub use doubt::Doubt;
pub use files::Files;
pub use flux::Flux;
pub use git::{Commit, FileAt, Git, GitError, Repository, above, blame};
pub use gitops::{GitOps, ReadAt, Which};
pub use helm_release::HelmReleases;
pub use last_applied::LastApplied;
pub use render::{DEADLINE, Rendering, Sandbox};
pub use text::objects_in;

/// What a source declares, and what it could not read. Nothing is passed over in silence: every
/// file and document ends as a manifest, as a named skip or as an error.
#[derive(Debug, Default)]
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
    /// The commits that were read.
    pub revisions: Vec<Revision>,
    /// What else the tools behind the sources hold to be theirs.
    pub managed: Vec<Managed>,
    /// Where what is declared is secret, since it was taken from a Secret.
    pub secret: Vec<SecretPlace>,
    /// What was skipped since the tree says so.
    pub doubts: Vec<Doubt>,
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
        self.revisions.append(&mut other.revisions);
        self.managed.append(&mut other.managed);
        self.secret.append(&mut other.secret);
        self.doubts.append(&mut other.doubts);
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
    /// others. Some declared state lies in the cluster itself (a release's record, the last applied
    /// configuration); it is read through `live`.
    fn load(&self, live: &dyn Live) -> Loaded;

    /// The rights that reading the source itself takes, beside those on what it declares.
    fn rights(&self) -> Vec<Right> {
        Vec::new()
    }
}

/// The objects that are declared more than once, each as an error that names every place: which
/// of them the cluster is to hold is anybody's guess. To be asked when namespaces are resolved,
/// since a manifest without one may mean the same object as a manifest with one.
pub fn duplicates(objects: &[(ResourceKey, &Origin)]) -> Vec<Warning> {
    let mut places: BTreeMap<&ResourceKey, Vec<&Origin>> = BTreeMap::new();
    for (key, origin) in objects {
        places.entry(key).or_default().push(origin);
    }
    places
        .into_iter()
        .filter_map(|(key, origins)| {
            let (first, others) = origins.split_first()?;
            if others.is_empty() {
                return None;
            }
            let others: Vec<String> = others.iter().map(ToString::to_string).collect();
            Some(remark(
                first,
                format!(
                    "{key} is declared here and again at {}: compare one of them at a time",
                    others.join(", ")
                ),
                true,
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> ResourceKey {
        ResourceKey {
            group: "apps".into(),
            kind: "Deployment".into(),
            namespace: Some("shop".into()),
            name: name.into(),
        }
    }

    #[test]
    fn duplicates_name_every_place() {
        let places: Vec<Origin> = ["a.yaml", "b.yaml", "c.yaml", "d.yaml"]
            .iter()
            .map(|file| Origin::file(*file, 1, 7))
            .collect();
        let objects = [
            (key("web"), &places[0]),
            (key("db"), &places[1]),
            (key("web"), &places[2]),
            (key("web"), &places[3]),
        ];
        let found = duplicates(&objects);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place, "a.yaml:7");
        assert!(found[0].fatal);
        assert_eq!(
            found[0].message,
            "Deployment shop/web is declared here and again at c.yaml:7, d.yaml:7: compare one of \
             them at a time"
        );
    }
}
