//! Follows GitOps objects to the objects that they apply, to any depth.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;

use super::scan::{found_of, implied, is_candidate};
use crate::cluster::{Live, Meter};
use crate::model::{Deployer, Manifest};
use crate::source::argo::{self, Application};
use crate::source::argo_clusters::Clusters;
use crate::source::chart::Capabilities;
use crate::source::checkout::Checkouts;
use crate::source::config_values::{DeclaredConfig, Values};
use crate::source::flux::{self, FluxKustomization, FluxSources, LeftOuts};
use crate::source::gitops::{GitOpsObject, MOST, in_cluster};
use crate::source::{LoadedSource, remark};

/// An object to follow, with the chain to it.
#[derive(Debug, Clone)]
pub(super) struct QueuedObject {
    /// The object.
    pub found: GitOpsObject,
    /// Its deployers, outermost first.
    pub chain: Vec<Deployer>,
    /// The cluster that it is applied to, as its tool names it; `None` for the tool's own.
    pub cluster: Option<String>,
    /// Whether the objects that it applies are compared, or it only leads to others.
    pub counts: bool,
}

/// The objects to compare, if not all are.
#[derive(Debug, Default)]
pub(super) struct ObjectFilter {
    /// The names of the files whose objects are compared with everything that they apply.
    pub files: BTreeSet<String>,
    /// The names of the directories whose objects are compared, whatever applies them.
    pub folders: Vec<String>,
    /// The names of the files that lead to these.
    pub on_the_way: BTreeSet<String>,
}

impl ObjectFilter {
    /// Returns whether a file is in one of the compared folders.
    fn has_in_folder(&self, file: &str) -> bool {
        let is_in = |folder: &String| {
            let below = file.strip_prefix(folder.as_str());
            folder == "." || below.is_some_and(|below| below.starts_with(['/', '\\']))
        };
        self.folders.iter().any(is_in)
    }
}

/// A run along GitOps objects.
pub(super) struct FollowRun<'a> {
    pub checkouts: &'a Checkouts<'a>,
    pub live: &'a dyn Live,
    /// Whether the live side may be read for the author of the objects.
    pub trusted: bool,
    pub sources: FluxSources<'a>,
    /// `None` for all.
    pub wanted: Option<ObjectFilter>,
    /// Whether the folder of the root objects selected the cluster.
    pub is_chosen: bool,
    /// The results, by cluster.
    pub parts: BTreeMap<Option<String>, LoadedSource>,
    /// The declared HelmReleases, each with its chain.
    pub releases: Vec<(Manifest, Option<String>)>,
    pub declared: DeclaredConfig,
    /// The files that nothing applies, judged by the files alone.
    pub not_brought: Vec<(PathBuf, String)>,
    pub(super) capabilities: OnceCell<Capabilities>,
    clusters: OnceCell<Clusters>,
    left_outs: LeftOuts,
    seen: BTreeSet<(Deployer, String)>,
}

/// A rendering, and why it is incomplete.
type PartialRendering = (LoadedSource, Result<(), String>);

/// An object that is ready to be rendered.
enum ReadyObject<'a> {
    Kustomization(Box<FluxKustomization<'a>>),
    Application(Box<GitOpsObject>),
}

impl<'a> FollowRun<'a> {
    /// Returns a run that has not started.
    pub fn new(
        checkouts: &'a Checkouts<'a>,
        live: &'a dyn Live,
        trusted: bool,
        sources: FluxSources<'a>,
    ) -> Self {
        Self {
            checkouts,
            live,
            trusted,
            sources,
            wanted: None,
            is_chosen: false,
            parts: BTreeMap::new(),
            releases: Vec::new(),
            declared: DeclaredConfig::default(),
            not_brought: Vec::new(),
            capabilities: OnceCell::new(),
            clusters: OnceCell::new(),
            left_outs: LeftOuts::default(),
            seen: BTreeSet::new(),
        }
    }

    /// Returns whether one of the followed objects is live, so that its tool runs in this cluster.
    pub fn runs_here(&self) -> bool {
        let is_live = |one: &Deployer| {
            let (versions, kind): (&[&str], _) = match &*one.kind {
                "Kustomization" => (&flux::VERSIONS, "Kustomization"),
                kind => (&["argoproj.io/v1alpha1"], kind),
            };
            in_cluster(self.live, versions, kind, &one.namespace, &one.name).is_ok()
        };
        self.trusted && self.seen.iter().any(|(one, _)| is_live(one))
    }

    /// Records root objects, which nothing applies, and returns those to follow.
    pub fn begin(&mut self, manifests: &[Manifest], brings: bool) -> Vec<QueuedObject> {
        let entry = QueuedObject {
            found: GitOpsObject {
                value: serde_json::Value::Null,
                place: String::new(),
            },
            chain: Vec::new(),
            cluster: None,
            counts: brings,
        };
        let mut more = Vec::new();
        for manifest in manifests {
            self.note(manifest, &entry, &mut more);
        }
        self.declared.take(manifests);
        more
    }

    /// Returns the results for a cluster.
    pub fn part(&mut self, cluster: &Option<String>) -> &mut LoadedSource {
        self.parts.entry(cluster.clone()).or_default()
    }

    /// Follows objects, and everything that they apply, to any depth.
    pub fn follow(&mut self, entries: Vec<QueuedObject>) {
        let mut pending = entries;
        while !pending.is_empty() {
            let (ready, waiting) = self.ready(pending);
            pending = waiting;
            let mut opened = Vec::new();
            for entry in ready {
                opened.extend(self.open(entry, &mut pending));
            }
            let capabilities = opened.iter().any(|(_, work, _)| work.is_application());
            let default = Capabilities::default();
            let capabilities = match capabilities {
                true => self
                    .capabilities
                    .get_or_init(|| Capabilities::of(self.live)),
                false => &default,
            };
            let checkouts = self.checkouts;
            let meter = Meter::of_process();
            meter.plan_renderings(opened.len());
            let built: Vec<PartialRendering> = opened
                .par_iter()
                .map(|(_, work, _)| {
                    let rendered = work.render(checkouts, capabilities);
                    meter.rendering();
                    rendered
                })
                .collect();
            for ((entry, work, remarks), built) in opened.into_iter().zip(built) {
                let more = self.complete(entry, &work, remarks, built);
                pending.extend(more);
            }
        }
    }

    /// Splits entries into those whose variables are known or cannot be declared any more, and the
    /// others.
    fn ready(&self, entries: Vec<QueuedObject>) -> (Vec<QueuedObject>, Vec<QueuedObject>) {
        let waits = |entry: &QueuedObject| {
            let namespace = entry.found.metadata("namespace");
            let from = entry.found.value.pointer("/spec/postBuild/substituteFrom");
            let mut from = from.and_then(|from| from.as_array()).into_iter().flatten();
            flux::is_kustomization(&entry.found)
                && from.any(|from| {
                    let text = |field: &str| from.get(field).and_then(|text| text.as_str());
                    let (kind, name) = (text("kind"), text("name"));
                    let (kind, name) = (kind.unwrap_or_default(), name.unwrap_or_default());
                    !self.declared.has(kind, namespace, name)
                })
        };
        let (waiting, ready): (Vec<QueuedObject>, Vec<QueuedObject>) =
            entries.into_iter().partition(waits);
        match ready.is_empty() {
            true => (waiting, ready),
            false => (ready, waiting),
        }
    }

    /// Prepares an object; the Applications of a set go to `more`.
    fn open(
        &mut self,
        mut entry: QueuedObject,
        more: &mut Vec<QueuedObject>,
    ) -> Option<(QueuedObject, ReadyObject<'a>, LoadedSource)> {
        let found = entry.found.clone();
        let deployer = argo::deployer(&found);
        if let Some(at) = entry.chain.iter().position(|one| *one == deployer) {
            // The bootstrap's Kustomization also applies itself.
            if at > 0 && at + 1 < entry.chain.len() {
                let circle = [&entry.chain[at..], &[deployer]].concat();
                let message = format!(
                    "these refer to each other in a cycle, so each is followed only once: {}",
                    Deployer::chain(&circle)
                );
                self.part(&entry.cluster).warning(&found.place, message);
            }
            return None;
        }
        // Two of Argo CD's objects in different files may have the same name, and each is expanded.
        let spec = match flux::is_kustomization(&found) {
            true => String::new(),
            false => found.value["spec"].to_string(),
        };
        if !self.seen.insert((deployer.clone(), spec)) {
            return None;
        }
        let most = self.checkouts.options().untrusted.then_some(MOST);
        if most.is_some_and(|most| self.seen.len() > most) {
            if most.is_some_and(|most| self.seen.len() == most + 1) {
                let message =
                    format!("more than {MOST} GitOps objects: only the first {MOST} are read");
                self.part(&entry.cluster).error(&found.place, message);
            }
            return None;
        }
        entry.chain.push(deployer);
        if argo::is_set(&found) {
            self.expand(&entry, more);
            return None;
        }
        if argo::is_application(&found) {
            let given = self.checkouts.options().clusters.as_ref();
            entry.cluster = argo::other_cluster(argo::cluster(&found), given);
            return Some((
                entry,
                ReadyObject::Application(Box::new(found)),
                LoadedSource::default(),
            ));
        }
        if let Some(config) = flux::other_cluster(&found) {
            entry.cluster = Some(config.to_owned());
        }
        let mut remarks = LoadedSource::default();
        let opened = FluxKustomization::open(
            &found,
            self.checkouts,
            &self.sources,
            &mut self.left_outs,
            &mut remarks,
        );
        match opened {
            Ok(kustomization) => {
                let work = ReadyObject::Kustomization(Box::new(kustomization));
                Some((entry, work, remarks))
            }
            Err(message) => {
                let part = self.part(&entry.cluster);
                part.append(remarks);
                part.error(&found.place, object_message(&found, &message));
                None
            }
        }
    }

    /// Returns the Applications of a set.
    fn expand(&mut self, entry: &QueuedObject, more: &mut Vec<QueuedObject>) {
        let set = &entry.found;
        let clusters = self.clusters(set.metadata("namespace"));
        match argo::expand(&set.value, self.checkouts, clusters.as_ref()) {
            Ok(values) if values.is_empty() => {
                let message = "its generators match nothing in this repository: check their paths \
                    and --repo-root";
                self.part(&entry.cluster).error(&set.place, message);
            }
            Ok(values) => more.extend(values.into_iter().map(|value| QueuedObject {
                found: GitOpsObject {
                    value,
                    place: set.place.clone(),
                },
                ..entry.clone()
            })),
            Err(message) => match self.made_live(entry) {
                Some(made) => more.extend(made),
                None => self
                    .part(&entry.cluster)
                    .error(&set.place, object_message(set, &message)),
            },
        }
    }

    /// Returns the live Applications of an ApplicationSet whose generator queries another service;
    /// `None` if no Application belongs to it.
    fn made_live(&mut self, entry: &QueuedObject) -> Option<Vec<QueuedObject>> {
        let set = &entry.found;
        let generator = argo::asking(&set.value).filter(|_| self.trusted)?;
        let (namespace, name) = (set.metadata("namespace"), set.metadata("name"));
        let live = self
            .live
            .related("argoproj.io/v1alpha1", "Application", namespace)?;
        let is_owner = |reference: &serde_json::Value| {
            reference["kind"] == "ApplicationSet" && reference["name"] == name
        };
        let is_made = |application: &serde_json::Value| {
            let owners = application.pointer("/metadata/ownerReferences");
            let mut owners = owners
                .and_then(|owners| owners.as_array())
                .into_iter()
                .flatten();
            owners.any(is_owner)
        };
        let made: Vec<QueuedObject> = live
            .into_iter()
            .filter(is_made)
            .map(|value| QueuedObject {
                found: GitOpsObject {
                    value,
                    place: set.place.clone(),
                },
                ..entry.clone()
            })
            .collect();
        if made.is_empty() {
            return None;
        }
        let message = format!(
            "its {generator} generator queries another service, so {} compared",
            match made.len() {
                1 => "the one Application that it made live is".to_owned(),
                count => format!("the {count} Applications that it made live are"),
            }
        );
        let message = object_message(set, &message);
        self.part(&entry.cluster).warning(&set.place, message);
        Some(made)
    }

    /// Returns the clusters that Argo CD knows: those that the user names, or else those of the
    /// live side.
    fn clusters(&self, namespace: &str) -> Option<Clusters> {
        let given = &self.checkouts.options().clusters;
        if given.is_some() || !self.trusted {
            return given.clone();
        }
        let known = self.clusters.get_or_init(|| {
            let namespace = match namespace {
                "" => "argocd",
                own => own,
            };
            let secrets = self.live.related("v1", "Secret", namespace);
            Clusters::of_secrets(&secrets.unwrap_or_default())
        });
        (!known.0.is_empty()).then(|| known.clone())
    }

    /// Finishes a rendering, and returns the objects to follow in it.
    fn complete(
        &mut self,
        entry: QueuedObject,
        work: &ReadyObject<'_>,
        remarks: LoadedSource,
        (built, outcome): PartialRendering,
    ) -> Vec<QueuedObject> {
        let mut loaded = remarks;
        loaded.append(built);
        let completed = outcome.and_then(|()| match work {
            ReadyObject::Kustomization(kustomization) => {
                let values = Values {
                    live: self.trusted.then_some(self.live),
                    declared: &self.declared,
                };
                kustomization.complete(&mut loaded, &values)
            }
            ReadyObject::Application(_) => Ok(()),
        });
        if let Err(message) = completed {
            loaded.error(&entry.found.place, object_message(&entry.found, &message));
        }
        self.take(loaded, &entry)
    }

    /// Adds the objects that an object applies, and returns those to follow.
    pub fn take(&mut self, mut loaded: LoadedSource, entry: &QueuedObject) -> Vec<QueuedObject> {
        let chain: Arc<[Deployer]> = entry.chain.clone().into();
        let mut more = Vec::new();
        for manifest in &mut loaded.manifests {
            manifest.origin.chain = Arc::clone(&chain);
            self.note(manifest, entry, &mut more);
        }
        self.declared.take(&loaded.manifests);
        if !entry.counts {
            // It only leads to others, but its errors still count.
            let wanted = self.wanted.as_ref();
            let is_wanted =
                |one: &Manifest| wanted.is_some_and(|w| w.has_in_folder(&one.origin.file));
            loaded.manifests.retain(is_wanted);
            loaded.managed.clear();
            loaded.rules.clear();
            loaded.secret.clear();
            loaded.skipped.clear();
        }
        self.part(&entry.cluster).append(loaded);
        more
    }

    /// Records an object that others depend on, or that is followed.
    fn note(&mut self, manifest: &Manifest, entry: &QueuedObject, more: &mut Vec<QueuedObject>) {
        let found = found_of(manifest);
        if flux::is_source(&found) {
            self.sources.beside.push(found);
            return;
        }
        if entry.counts && flux::is_release(manifest) {
            self.releases
                .push((manifest.clone(), entry.cluster.clone()));
        }
        let implied = implied(&found, std::path::Path::new(""));
        let child = match implied {
            Some(implied) => implied.found,
            None if is_candidate(&found) => found,
            None => return,
        };
        let file = &*manifest.origin.file;
        let is_wanted = |wanted: &ObjectFilter| wanted.files.contains(file);
        let counts = entry.counts || self.wanted.as_ref().is_none_or(is_wanted);
        let leads_on = |wanted: &ObjectFilter| wanted.on_the_way.contains(file);
        if !counts && !self.wanted.as_ref().is_none_or(leads_on) {
            return;
        }
        more.push(QueuedObject {
            found: child,
            chain: entry.chain.clone(),
            cluster: entry.cluster.clone(),
            counts,
        });
    }
}

impl ReadyObject<'_> {
    fn is_application(&self) -> bool {
        matches!(self, Self::Application(_))
    }

    fn render(&self, checkouts: &Checkouts<'_>, capabilities: &Capabilities) -> PartialRendering {
        match self {
            Self::Kustomization(kustomization) => kustomization.render(),
            Self::Application(found) => {
                let application = Application {
                    found,
                    checkouts,
                    options: checkouts.options(),
                    capabilities,
                };
                (application.load(), Ok(()))
            }
        }
    }
}

/// Returns a message about an object, which names the object unless its place does.
fn object_message(found: &GitOpsObject, message: &str) -> String {
    let deployer = argo::deployer(found);
    let name = match (&*deployer.kind, &*deployer.namespace) {
        ("Kustomization", namespace) if !namespace.is_empty() => deployer.to_string(),
        _ => format!("{} {}", deployer.kind, deployer.name),
    };
    let subject = format!("{name}: ");
    format!("{}{message}", found.subject(&subject))
}

/// Returns how many objects belong to clusters that are not compared.
pub(super) fn left_out(cluster: &str, part: &LoadedSource) -> crate::model::Warning {
    let place = part
        .manifests
        .first()
        .map(|first| first.origin.to_string())
        .unwrap_or_default();
    let objects = match part.manifests.len() {
        1 => "1 object belongs".to_owned(),
        count => format!("{count} objects belong"),
    };
    let message = format!(
        "{objects} to cluster {cluster}, not this one: use --destination {cluster} to compare them"
    );
    remark(place, message, false)
}
