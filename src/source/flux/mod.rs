//! Flux: what a Kustomization declares.
//!
//! What Flux would read from its source is read from the repository at hand: as it lies, at a
//! revision that the user names, or at the one that the source asks for.

mod build;
mod inventory;
mod left_out;
mod pattern;
mod release;
mod remarks;
mod rules;
mod sources;
mod spec;
mod substitute;
mod variables;

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::json;

use super::checkout::{Checkout, Checkouts};
use super::gitops::{Found, GitOps, Which, adopt, in_cluster, marks, without_nulls};
use super::unread::{Known, unread};
use super::{Loaded, Managed, Source};
use crate::cluster::Live;
use crate::model::Warning;
use left_out::LeftOut;
use release::{HelmRelease, is_release};
use rules::Author;
use sources::{Sources, target};
use spec::Spec;

pub(super) use release::take_live_rules;

const GROUP: &str = "kustomize.toolkit.fluxcd.io";

/// The versions of its kind, the best first.
const VERSIONS: [&str; 2] = [
    "kustomize.toolkit.fluxcd.io/v1",
    "kustomize.toolkit.fluxcd.io/v1beta2",
];

/// The settings of a Kustomization that are followed, or that say nothing about what is declared:
/// when it is applied, by whom, and what is waited for.
const KNOWN: &[Known] = &[
    Known {
        at: "",
        keys: &[
            "commonMetadata",
            "components",
            "deletionPolicy",
            "dependsOn",
            "force",
            "healthCheckExprs",
            "healthChecks",
            "ignore",
            "ignoreMissingComponents",
            "images",
            "interval",
            "namePrefix",
            "nameSuffix",
            "patches",
            "path",
            "postBuild",
            "prune",
            "retryInterval",
            "serviceAccountName",
            "sourceRef",
            "targetNamespace",
            "timeout",
            "wait",
        ],
    },
    Known {
        at: "/postBuild",
        keys: &["substitute", "substituteFrom"],
    },
];

/// One Kustomization, or all of a file.
#[derive(Debug)]
pub struct Flux {
    which: Which,
    options: GitOps,
}

impl Flux {
    /// What these Kustomizations declare.
    pub fn new(which: Which, options: GitOps) -> Self {
        Self { which, options }
    }

    fn place(&self) -> String {
        match &self.which {
            Which::File(file) => file.display().to_string(),
            Which::Live { namespace, name } => format!("flux:{namespace}/{name}"),
        }
    }

    /// The Kustomizations, and the GitRepositories beside them.
    fn kustomizations(
        &self,
        live: &dyn Live,
        checkouts: &Checkouts<'_>,
        loaded: &mut Loaded,
    ) -> (Vec<Found>, Vec<Found>) {
        let file = match &self.which {
            Which::File(file) => file,
            Which::Live { namespace, name } => {
                return match in_cluster(live, &VERSIONS, "Kustomization", namespace, name) {
                    Ok(found) => (vec![found], Vec::new()),
                    Err(message) => {
                        loaded.error(self.place(), message);
                        (Vec::new(), Vec::new())
                    }
                };
            }
        };
        let (mut found, others): (Vec<Found>, Vec<Found>) = checkouts
            .objects(file, loaded)
            .into_iter()
            .partition(|found| found.is(GROUP, "Kustomization"));
        for other in others.iter().filter(|other| !sources::is_repository(other)) {
            loaded.skip(&other.place, "no Kustomization of Flux");
        }
        self.options.bounded(&mut found, "Kustomization", loaded);
        if found.is_empty() && loaded.errors.is_empty() {
            let mut message = loaded.nothing("Kustomization of Flux");
            if let Some(release) = others.iter().find_map(release::as_source) {
                message = format!("{message}; what its HelmRelease deployed is {release}");
            }
            loaded.error(self.place(), message);
        }
        (found, others)
    }
}

impl Source for Flux {
    fn load(&self, live: &dyn Live) -> Loaded {
        let mut loaded = Loaded::default();
        match self.options.checkouts(&self.which) {
            Ok(checkouts) => {
                let (found, others) = self.kustomizations(live, &checkouts, &mut loaded);
                for found in &found {
                    let live = (!self.options.distrusts(&self.which)).then_some(live);
                    let sources = Sources::new(&others, live);
                    loaded.append(load(found, &checkouts, &sources, &self.options));
                }
                // What is said of the repository is said once.
                let mut said = BTreeSet::new();
                let mut is_new = |w: &Warning| said.insert((w.place.clone(), w.message.clone()));
                loaded.warnings.retain(|warning| is_new(warning));
                loaded.revisions.extend(checkouts.revisions());
            }
            Err(message) => loaded.error(self.place(), message),
        }
        let paths = [
            ".metadata.labels[\"kustomize.toolkit.fluxcd.io/name\"]",
            ".metadata.labels[\"kustomize.toolkit.fluxcd.io/namespace\"]",
        ];
        let reason = "Flux marks the objects that it applies.";
        loaded
            .rules
            .extend(marks("flux-owner-labels", reason, &paths));
        loaded
    }
}

/// What a Kustomization declares.
fn load(
    found: &Found,
    checkouts: &Checkouts<'_>,
    sources: &Sources<'_>,
    options: &GitOps,
) -> Loaded {
    let mut loaded = Loaded::default();
    let load = |loaded: &mut Loaded| {
        let spec = found.value.get("spec").cloned().unwrap_or(json!({}));
        let unread = unread(&spec, KNOWN);
        // What the parser would say quotes values, which may be passwords.
        let spec: Spec = serde_json::from_value(without_nulls(spec))
            .map_err(|_| "its spec cannot be read: check the types of its fields".to_owned())?;
        let repository = sources.repository(&spec.source_ref, found.metadata("namespace"));
        let target = repository.as_ref().and_then(target);
        let checkout = checkouts.of(target.as_ref())?;
        let left_out = match spec.source_ref.is_git() {
            true => Some(LeftOut::of(&checkout.root, repository.as_ref())?),
            false => None,
        };
        let kustomization = Kustomization {
            found,
            left_out,
            checkout,
            options,
            live: sources.live,
        };
        kustomization.remark_source(&spec, target.as_ref(), checkouts, loaded);
        kustomization.remark_repository(repository.as_ref(), loaded);
        kustomization.remark_settings(&unread, loaded);
        kustomization.load_into(&spec, loaded)
    };
    if let Err(message) = load(&mut loaded) {
        let subject = format!("Kustomization {}: ", name_of(found));
        let message = format!("{}{message}", found.subject(&subject));
        loaded.error(&found.place, message);
    }
    loaded
}

fn name_of(found: &Found) -> String {
    match (found.metadata("namespace"), found.metadata("name")) {
        ("", name) => name.to_owned(),
        (namespace, name) => format!("{namespace}/{name}"),
    }
}

/// One Kustomization.
struct Kustomization<'a> {
    found: &'a Found,
    checkout: Rc<Checkout>,
    /// What of the checkout Flux does not fetch; `None` where somebody else packs the files.
    left_out: Option<LeftOut>,
    options: &'a GitOps,
    live: Option<&'a dyn Live>,
}

impl Kustomization<'_> {
    fn name(&self) -> String {
        name_of(self.found)
    }

    fn load_into(&self, spec: &Spec, loaded: &mut Loaded) -> Result<(), String> {
        let path = match spec.path.as_str() {
            "" => ".",
            path => path,
        };
        let directory = self.checkout.path(path)?;
        self.built(spec, &directory, loaded)?;
        self.finish(spec, loaded)?;
        self.checkout.sign(&directory, loaded);
        let by = format!("Kustomization {}", self.name());
        adopt(&mut loaded.manifests, &by, None);
        self.rules(spec, loaded)?;
        let inventory = self.inventory();
        if !inventory.is_empty() {
            loaded.managed.push(Managed::Inventory(inventory));
        }
        Ok(())
    }

    /// Its own `spec.ignore`, and what the HelmReleases that it brings say of their objects.
    fn rules(&self, spec: &Spec, loaded: &mut Loaded) -> Result<(), String> {
        let name = self.name();
        let author = Author {
            id: &format!("{name}/ignore"),
            reason: &format!("spec.ignore of the Kustomization {name}"),
            place: &self.found.place,
        };
        let rules = author.rules(&spec.ignore, &loaded.manifests)?;
        loaded.rules.extend(rules);
        let mut of_releases = Loaded::default();
        for manifest in loaded.manifests.iter().filter(|m| is_release(m)) {
            let place = manifest.origin.to_string();
            let release = HelmRelease {
                value: &manifest.value(),
                namespace: manifest.namespace.as_deref().unwrap_or_default(),
                name: &manifest.name,
                place: &place,
            };
            let rules = release.rules(None, &mut of_releases);
            rules.map_err(|message| format!("{place}: {message}"))?;
        }
        loaded.append(of_releases);
        Ok(())
    }
}
