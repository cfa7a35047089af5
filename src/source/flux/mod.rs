//! Flux: reads what a Kustomization declares.
//!
//! Files that Flux would read from its source are read from the local repository: from the work
//! tree, at a revision that the user names, or at the one that the source requests.

mod artifact;
mod build;
mod exclusions;
mod hashed;
mod helm;
mod inventory;
mod pattern;
mod release;
mod remarks;
mod rules;
mod sources;
mod spec;
mod substitute;
mod variables;

pub use inventory::inventory_key;

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use super::checkout::{Checkout, Checkouts};
use super::config_values::Values;
use super::gitops::{GitOps, GitOpsObject, RevisionRequest, adopt, tool_marks_rule, without_nulls};
use super::unread::{SupportedSettings, unread};
use super::{LoadedSource, ManagedObjects};
use crate::policy::Rule;
use exclusions::FluxExclusions;
use release::HelmRelease;
use rules::IgnoreAuthor;
use sources::target;
use spec::KustomizationSpec;

pub(super) use artifact::resolved;
pub(super) use helm::{ChartAt, ReleaseSpec, values_in};
pub(super) use release::{as_source, is_release, take_live_rules};
pub(super) use sources::{FluxSources, is_source};
pub(super) use variables::data_of;

pub(super) const GROUP: &str = "kustomize.toolkit.fluxcd.io";

/// The API versions of the kind, the preferred one first.
pub(super) const VERSIONS: [&str; 2] = [
    "kustomize.toolkit.fluxcd.io/v1",
    "kustomize.toolkit.fluxcd.io/v1beta2",
];

/// The supported settings of a Kustomization, and those that do not affect the declared objects:
/// when it is applied, by whom, and what it waits for.
const KNOWN: &[SupportedSettings] = &[
    SupportedSettings {
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
    SupportedSettings {
        at: "/postBuild",
        keys: &["substitute", "substituteFrom"],
    },
];

/// A Kustomization whose files were found.
pub(super) struct FluxKustomization<'a> {
    found: GitOpsObject,
    spec: KustomizationSpec,
    /// Its path, without links.
    directory: PathBuf,
    checkout: Arc<Checkout>,
    /// The files of the checkout that Flux does not fetch; `None` if another tool packs the files.
    left_out: Option<Arc<FluxExclusions>>,
    options: &'a GitOps,
}

/// Returns whether an object is a Flux Kustomization.
pub(super) fn is_kustomization(found: &GitOpsObject) -> bool {
    found.is(GROUP, "Kustomization")
}

/// Returns whether a Kustomization reads from a source that is known not to be this repository.
pub(super) fn is_foreign(
    found: &GitOpsObject,
    sources: &FluxSources<'_>,
    checkouts: &Checkouts<'_>,
) -> bool {
    if !is_kustomization(found) {
        return false;
    }
    let (kind, namespace, name) = FluxSources::read_by(found);
    let reference = spec::SourceRef {
        kind,
        name,
        namespace: namespace.clone(),
    };
    let repository = sources.repository(&reference, &namespace);
    let address = repository.as_ref().and_then(target);
    let is_elsewhere = |at: RevisionRequest| checkouts.claim(&at.address, "").is_err();
    // A Kustomization that reads all of another source reads at least another branch.
    let path = found.value.pointer("/spec/path").and_then(Value::as_str);
    let reads_all = path.is_none_or(|path| path.trim_matches(['.', '/']).is_empty());
    let is_home = sources.home.as_ref() == Some(&FluxSources::read_by(found));
    !sources.is_home(&reference, &namespace)
        || address.is_some_and(is_elsewhere)
        || reads_all && !is_home
}

/// Returns the rule that Flux's marks on objects that it applies are not drift.
pub(super) fn owner_marks() -> Option<Rule> {
    let paths = [
        ".metadata.labels[\"kustomize.toolkit.fluxcd.io/name\"]",
        ".metadata.labels[\"kustomize.toolkit.fluxcd.io/namespace\"]",
    ];
    let reason = "Flux marks the objects that it applies.";
    tool_marks_rule("flux-owner-labels", reason, &paths)
}

/// Kustomizations with the same source, which is scanned once.
#[derive(Default)]
pub(super) struct LeftOuts(Vec<(PathBuf, String, Arc<FluxExclusions>)>);

impl LeftOuts {
    fn of(
        &mut self,
        checkout: &Checkout,
        repository: Option<&GitOpsObject>,
    ) -> Result<Arc<FluxExclusions>, String> {
        let place = repository.map_or("", |found| &found.place);
        let is_same = |(root, known, _): &&(PathBuf, String, Arc<FluxExclusions>)| {
            *root == checkout.root && known == place
        };
        if let Some((_, _, known)) = self.0.iter().find(is_same) {
            return Ok(Arc::clone(known));
        }
        let new = Arc::new(FluxExclusions::of(&checkout.root, repository)?);
        self.0
            .push((checkout.root.clone(), place.to_owned(), Arc::clone(&new)));
        Ok(new)
    }
}

impl<'a> FluxKustomization<'a> {
    /// Finds the files of a Kustomization; warnings go to `loaded`.
    ///
    /// # Errors
    /// Fails if they are not here.
    pub fn open(
        found: &GitOpsObject,
        checkouts: &Checkouts<'a>,
        sources: &FluxSources<'_>,
        left_outs: &mut LeftOuts,
        loaded: &mut LoadedSource,
    ) -> Result<Self, String> {
        let led = resolved(found, &sources.beside);
        let found = led.as_ref().unwrap_or(found);
        let spec = found.value.get("spec").cloned().unwrap_or(json!({}));
        let unread = unread(&spec, KNOWN);
        // The parser's error quotes values, which may be passwords.
        let spec: KustomizationSpec = serde_json::from_value(without_nulls(spec))
            .map_err(|_| "cannot read its spec: check the types of its fields".to_owned())?;
        let repository = sources.repository(&spec.source_ref, found.metadata("namespace"));
        let target = repository.as_ref().and_then(target);
        if !sources.is_home(&spec.source_ref, found.metadata("namespace")) {
            return Err(spec.source_ref.is_elsewhere());
        }
        let elsewhere = match &target {
            Some(target) => checkouts.claim(&target.address, &spec.path)?,
            None => None,
        };
        let checkout = checkouts.of(target.as_ref())?;
        let left_out = match spec.source_ref.is_git() {
            true => Some(left_outs.of(&checkout, repository.as_ref())?),
            false => None,
        };
        let path = match spec.path.as_str() {
            "" => ".",
            path => path,
        };
        let directory = checkout.path(path)?;
        let kustomization = Self {
            found: found.clone(),
            spec,
            directory,
            left_out,
            checkout,
            options: checkouts.options(),
        };
        kustomization.remark_source(target.as_ref(), elsewhere, checkouts, loaded);
        kustomization.remark_repository(repository.as_ref(), loaded);
        kustomization.remark_settings(&unread, loaded);
        Ok(kustomization)
    }

    fn name(&self) -> String {
        name_of(&self.found)
    }

    /// Returns the objects in its path with its settings applied, and why they are incomplete.
    pub fn render(&self) -> (LoadedSource, Result<(), String>) {
        let mut loaded = LoadedSource::default();
        let built = self.built(&self.spec, &self.directory, &mut loaded);
        (loaded, built)
    }

    /// Returns what Flux applies of the built objects: with its variables, its metadata and its
    /// rules.
    ///
    /// # Errors
    /// Fails if some of it is unknown.
    pub fn complete(&self, loaded: &mut LoadedSource, values: &Values<'_>) -> Result<(), String> {
        let finished = self.finish(&self.spec, values, loaded);
        hashed::call_as_live(loaded, values);
        self.checkout.sign(&self.directory, loaded);
        let by = format!("Kustomization {}", self.name());
        adopt(&mut loaded.manifests, &by, None);
        finished?;
        self.rules(loaded)?;
        let inventory = self.inventory(values);
        if !inventory.is_empty() {
            loaded.managed.push(ManagedObjects::Inventory(inventory));
        }
        Ok(())
    }

    /// Reads its own `spec.ignore`, and the rules of the HelmReleases that it applies.
    fn rules(&self, loaded: &mut LoadedSource) -> Result<(), String> {
        let name = self.name();
        let author = IgnoreAuthor {
            id: &format!("{name}/ignore"),
            reason: &format!("spec.ignore of the Kustomization {name}"),
            place: &self.found.place,
        };
        let rules = author.rules(&self.spec.ignore, &loaded.manifests)?;
        loaded.rules.extend(rules);
        let mut of_releases = LoadedSource::default();
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

/// Returns `flux-system/apps`.
fn name_of(found: &GitOpsObject) -> String {
    match (found.metadata("namespace"), found.metadata("name")) {
        ("", name) => name.to_owned(),
        (namespace, name) => format!("{namespace}/{name}"),
    }
}

/// Returns the name of the Secret with the kubeconfig of the Kustomization's cluster, if that is
/// not Flux's own.
pub(super) fn other_cluster(found: &GitOpsObject) -> Option<&str> {
    let names = ["secretRef", "configMapRef"].into_iter();
    let config = found.value.pointer("/spec/kubeConfig")?;
    let mut names =
        names.filter_map(|field| config.get(field)?.get("name").and_then(Value::as_str));
    names.next()
}
