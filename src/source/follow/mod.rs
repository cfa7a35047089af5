//! Follows GitOps repositories: finds the objects of Flux and Argo CD, and what they would apply.
//!
//! 1. [`scan`] finds the objects in the files, and [`reach`] which of them are applied by others.
//! 2. [`clusters`] selects the root objects, if a repository declares several clusters.
//! 3. [`run`] renders what they apply with all their settings, and continues with the GitOps
//!    objects in it, to any depth. Each object is compared once, and records the chain that led to
//!    it.

mod clusters;
mod reach;
mod releases;
mod roots;
mod run;
mod scan;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::argo_clusters::{IN_CLUSTER, is_same};
use super::checkout::{Checkout, Checkouts};
use super::files::UNRENDERED;
use super::flux::FluxSources;
use super::git::{Git, GitError};
use super::gitops::{GitOps, GitOpsObject, GitOpsSelector, ReadAt, in_cluster};
use super::render::{FileNames, relative_to};
use super::walk::{Bounds, is_stream};
use super::{FilesSource, LoadedSource, Source, argo, flux};
use crate::cluster::Live;
use crate::model::{Manifest, Warning};
use roots::RootFinder;
use run::{FollowRun, QueuedObject};
use scan::GitOpsScan;

/// The limit on directories in a message.
const NAMED: usize = 4;

/// The starting point.
#[derive(Debug)]
enum FollowStart {
    /// Objects in a folder of a repository, or below it.
    Folder(PathBuf),
    /// Objects of one tool in a file, or a named object in the cluster.
    Object(GitOpsTool, GitOpsSelector),
}

/// A GitOps tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GitOpsTool {
    Flux,
    Argo,
}

/// Declared state that GitOps tools lead to, in folders and files of a repository, or in the
/// cluster.
#[derive(Debug)]
pub struct GitOpsObjects {
    starts: Vec<FollowStart>,
    options: GitOps,
    /// Recordings of the live side, which are not manifests even if they are among them.
    recordings: Vec<PathBuf>,
}

impl GitOpsObjects {
    /// Returns what the Kustomizations in a file, or one in the cluster, declare.
    pub fn flux(which: GitOpsSelector, options: GitOps) -> Self {
        Self::of(vec![FollowStart::Object(GitOpsTool::Flux, which)], options)
    }

    /// Returns what the Applications and ApplicationSets in a file, or one in the cluster, declare.
    pub fn argo(which: GitOpsSelector, options: GitOps) -> Self {
        Self::of(vec![FollowStart::Object(GitOpsTool::Argo, which)], options)
    }

    /// Returns the objects of these directories and files: those that the GitOps objects in them
    /// lead to, or without GitOps objects, the manifests themselves.
    ///
    /// # Errors
    /// Fails if the revision to read them at does not exist.
    pub fn at(paths: &[PathBuf], options: GitOps) -> Result<Self, GitError> {
        if let ReadAt::Revision(revision) = &options.read_at {
            Git::at(revision, paths)?;
        }
        let starts = paths.iter().cloned().map(FollowStart::Folder).collect();
        Ok(Self::of(starts, options))
    }

    fn of(starts: Vec<FollowStart>, options: GitOps) -> Self {
        Self {
            starts,
            options,
            recordings: Vec::new(),
        }
    }

    /// Adds other starting points, so that each source sees what the others declare.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.starts.extend(other.starts);
        self
    }

    /// Excludes recordings of the live side, which may be next to the manifests.
    #[must_use]
    pub fn without(self, recordings: &[PathBuf]) -> Self {
        Self {
            recordings: recordings.to_owned(),
            ..self
        }
    }

    /// Returns whether GitOps objects are followed at all.
    fn follows(&self) -> bool {
        !self.options.is_plain && self.options.rendering.is_some()
    }

    /// Returns whether a folder contains GitOps objects to follow.
    fn is_followed(&self, folder: &Path) -> bool {
        if !self.follows() {
            return false;
        }
        let scan = match &self.options.read_at {
            ReadAt::Revision(revision) => self.scan_at(revision, folder),
            _ => folder
                .canonicalize()
                .ok()
                .filter(|canonical| canonical.is_dir())
                .map(|canonical| {
                    GitOpsScan::of(&canonical, &FileNames::like(folder), self.bounds())
                }),
        };
        let scan = scan.map(|scan| scan.without(&self.recordings));
        // A kustomization may refer to any file, so untrusted ones are not read to decide this.
        let is_led_out = || match &self.options.read_at {
            ReadAt::Revision(_) => false,
            _ if self.options.untrusted => false,
            _ => {
                let folder = folder.canonicalize().unwrap_or_default();
                scan::is_built_of_candidates(&folder, self.bounds().bytes)
            }
        };
        scan.is_some_and(|scan| {
            !scan.candidates.is_empty() || !scan.charts.is_empty() || is_led_out()
        })
    }

    /// Scans a folder at a revision; returns `None` if it cannot contain GitOps objects.
    fn scan_at(&self, revision: &str, folder: &Path) -> Option<GitOpsScan> {
        let git = Git::at(revision, &[folder.to_owned()]).ok()?;
        if !git.untrusted(self.options.untrusted).holds(scan::is_marked) {
            return None;
        }
        let checkouts = Checkouts::find(&self.options, folder, true).ok()?;
        let checkout = checkouts.of(None).ok()?;
        let path = checkouts.in_checkout(folder, &checkout).ok()?;
        Some(GitOpsScan::of(&path, &checkout.names, self.bounds()))
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            hidden: false,
            ..self.options.bounds()
        }
    }

    /// Reads manifests without following GitOps objects.
    fn plain(&self, paths: Vec<PathBuf>, live: &dyn Live) -> LoadedSource {
        let untrusted = self.options.untrusted;
        let rendering = self.options.rendering.clone();
        match &self.options.read_at {
            ReadAt::Revision(revision) => match Git::at(revision, &paths) {
                Ok(git) => git.untrusted(untrusted).rendered(rendering).load(live),
                Err(error) => {
                    let mut loaded = LoadedSource::default();
                    loaded.error(revision, error.to_string());
                    loaded
                }
            },
            _ => {
                let files = FilesSource::new(paths).without(&self.recordings);
                files.untrusted(untrusted).rendered(rendering).load(live)
            }
        }
    }
}

impl Source for GitOpsObjects {
    fn load(&self, live: &dyn Live) -> LoadedSource {
        let mut loaded = LoadedSource::default();
        let mut plain = Vec::new();
        let mut followed: Vec<&FollowStart> = Vec::new();
        for start in &self.starts {
            match start {
                FollowStart::Folder(path) if !self.is_followed(path) => plain.push(path.clone()),
                start => followed.push(start),
            }
        }
        if !plain.is_empty() {
            let mut part = self.plain(plain.clone(), live);
            one_overlay(&mut part);
            if self.follows() && part.manifests.iter().any(flux::is_release) {
                let starts: Vec<FollowStart> = plain.into_iter().map(FollowStart::Folder).collect();
                let starts: Vec<&FollowStart> = starts.iter().collect();
                let following = GitOpsFollower {
                    options: &self.options,
                    starts: &starts,
                    live,
                    recordings: &self.recordings,
                };
                following.add_releases(&mut part);
            }
            loaded.append(part);
        }
        // Those of one repository are followed together.
        let mut groups: Vec<(Option<PathBuf>, Vec<&FollowStart>)> = Vec::new();
        for start in followed {
            let root = self.root_of(start);
            match groups.iter_mut().find(|(known, _)| *known == root) {
                Some((_, group)) => group.push(start),
                None => groups.push((root, vec![start])),
            }
        }
        for (_, starts) in groups {
            let following = GitOpsFollower {
                options: &self.options,
                starts: &starts,
                live,
                recordings: &self.recordings,
            };
            following.load(&mut loaded);
        }
        // A message about a repository is reported once.
        let mut said = BTreeSet::new();
        let mut is_new = |w: &Warning| said.insert((w.place.clone(), w.message.clone(), w.fatal));
        loaded.warnings.retain(|warning| is_new(warning));
        loaded.errors.retain(|error| is_new(error));
        loaded.errors = collapsed(std::mem::take(&mut loaded.errors));
        loaded.warnings = collapsed(std::mem::take(&mut loaded.warnings));
        one_of_charts(&mut loaded.warnings);
        loaded
    }
}

/// Merges the errors about objects that several overlays of one base declare into one: all overlays
/// cannot be compared at once, and each object would have its own error.
fn one_overlay(loaded: &mut LoadedSource) {
    /// The minimum number of objects.
    const SEVERAL: usize = 5;
    type Key = (String, String, Option<String>, String);
    let key = |one: &Manifest| -> Key {
        (
            one.api_version.clone(),
            one.kind.clone(),
            one.namespace.clone(),
            one.name.clone(),
        )
    };
    let overlay = |one: &Manifest| -> Option<String> {
        let by = one.origin.rendered_by.as_deref()?;
        Some(by.strip_prefix("kustomize build ")?.to_owned())
    };
    let mut by_key: BTreeMap<Key, BTreeSet<String>> = BTreeMap::new();
    for manifest in &loaded.manifests {
        if let Some(overlay) = overlay(manifest) {
            by_key.entry(key(manifest)).or_default().insert(overlay);
        }
    }
    by_key.retain(|_, overlays| overlays.len() > 1);
    if by_key.len() < SEVERAL {
        return;
    }
    let overlays: BTreeSet<&String> = by_key.values().flatten().collect();
    let mut named: Vec<&str> = overlays
        .iter()
        .take(2 * NAMED)
        .map(|o| o.as_str())
        .collect();
    let first = named.first().copied().unwrap_or_default();
    let message = format!(
        "{} objects are declared by several of {} overlays, which cannot all be compared at once: \
         name the folder of one (driftctl diff {first}); overlays: ",
        by_key.len(),
        overlays.len()
    );
    if overlays.len() > 2 * NAMED {
        named.push("…");
    }
    let message = message + &named.join(", ");
    let is_apart = |one: &Manifest| !by_key.contains_key(&key(one));
    loaded.manifests.retain(is_apart);
    loaded.error(first, message);
}

/// Removes duplicates of objects that two deployers declare, for example if one applies a directory
/// with everything below it and another a part of it: the deployer with the longest chain applies
/// the object. An object without a deployer was applied by hand for the bootstrap; the other
/// declaration is used.
fn once(manifests: Vec<Manifest>) -> Vec<Manifest> {
    type Key = (String, String, Option<String>, String);
    let key = |one: &Manifest| -> Key {
        (
            one.api_version.clone(),
            one.kind.clone(),
            one.namespace.clone(),
            one.name.clone(),
        )
    };
    let mut known: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    let mut kept: Vec<Manifest> = Vec::new();
    for manifest in manifests {
        let same = known.entry(key(&manifest)).or_default();
        let value = manifest.value();
        let alike = same.iter().copied().find(|at| {
            let chains = [&kept[*at].origin.chain, &manifest.origin.chain];
            let is_first = chains.iter().any(|chain| chain.is_empty());
            chains[0] != chains[1] && (is_first || kept[*at].value() == value)
        });
        match alike {
            Some(at) if kept[at].origin.chain.len() < manifest.origin.chain.len() => {
                kept[at] = manifest;
            }
            Some(_) => {}
            None => {
                same.push(kept.len());
                kept.push(manifest);
            }
        }
    }
    kept
}

/// Merges the warnings about charts that are not rendered into one, with a count.
fn one_of_charts(warnings: &mut Vec<Warning>) {
    /// The minimum number of warnings.
    const SEVERAL: usize = 3;
    let is_of_chart = |warning: &Warning| warning.message.starts_with(UNRENDERED);
    let count = warnings
        .iter()
        .filter(|warning| is_of_chart(warning))
        .count();
    if count < SEVERAL {
        return;
    }
    let mut first = true;
    warnings.retain_mut(|warning| {
        if !is_of_chart(warning) {
            return true;
        }
        let all = format!(
            "the templates of this chart and of {} more are not rendered",
            count - 1
        );
        warning.message = warning.message.replacen(UNRENDERED, &all, 1);
        std::mem::take(&mut first)
    });
}

/// Merges equal messages about several objects into one, with a count.
fn collapsed(messages: Vec<Warning>) -> Vec<Warning> {
    /// The minimum number of messages.
    const SEVERAL: usize = 3;
    let said = |warning: &Warning| -> Option<(String, String)> {
        let (subject, said) = warning.message.split_once(": ")?;
        let mut words = subject.split(' ');
        let kind = words.next()?;
        let is_object = matches!(
            kind,
            "Kustomization" | "Application" | "ApplicationSet" | "HelmRelease"
        );
        let is_subject = is_object && words.next().is_some() && words.next().is_none();
        is_subject.then(|| (kind.to_owned(), said.to_owned()))
    };
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for key in messages.iter().filter_map(said) {
        *counts.entry(key).or_default() += 1;
    }
    let mut kept = Vec::new();
    let mut seen = BTreeSet::new();
    for mut message in messages {
        let key = said(&message);
        let count = key.as_ref().and_then(|key| counts.get(key).copied());
        if let (Some(key), Some(count @ SEVERAL..)) = (key, count) {
            if !seen.insert(key.clone()) {
                continue;
            }
            let subject = message.message.split(": ").next().unwrap_or_default();
            message.message = format!("{subject} and {} more: {}", count - 1, key.1);
        }
        kept.push(message);
    }
    kept
}

impl GitOpsObjects {
    fn root_of(&self, start: &FollowStart) -> Option<PathBuf> {
        let path = match start {
            FollowStart::Folder(path) | FollowStart::Object(_, GitOpsSelector::File(path)) => {
                path.as_path()
            }
            FollowStart::Object(..) => Path::new("."),
        };
        super::git::around(path).map(|(root, _)| root)
    }
}

/// Follows the GitOps objects of one repository.
struct GitOpsFollower<'f> {
    options: &'f GitOps,
    starts: &'f [&'f FollowStart],
    live: &'f dyn Live,
    recordings: &'f [PathBuf],
}

impl GitOpsFollower<'_> {
    fn place(&self) -> String {
        match self.starts.first() {
            Some(
                FollowStart::Folder(path) | FollowStart::Object(_, GitOpsSelector::File(path)),
            ) => path.display().to_string(),
            Some(FollowStart::Object(tool, GitOpsSelector::Live { namespace, name })) => {
                let scheme = match tool {
                    GitOpsTool::Flux => "flux",
                    GitOpsTool::Argo => "argocd",
                };
                format!("{scheme}:{namespace}/{name}")
            }
            None => String::new(),
        }
    }

    fn load(&self, loaded: &mut LoadedSource) {
        if let Err(message) = self.follow(loaded) {
            loaded.error(self.place(), message);
        }
    }

    /// Adds what the HelmReleases among manifests deploy that no GitOps object leads to.
    fn add_releases(&self, loaded: &mut LoadedSource) {
        let mut add = || -> Result<(), String> {
            let checkouts = self.checkouts()?;
            let trusted = !self.options.untrusted;
            let sources = FluxSources::new(Vec::new(), trusted.then_some(self.live));
            let mut run = FollowRun::new(&checkouts, self.live, trusted, sources);
            run.begin(&loaded.manifests, true);
            releases::add(&mut run);
            self.keep_of_cluster(run, loaded)
        };
        if let Err(message) = add() {
            loaded.error(self.place(), message);
        }
    }

    /// Returns the checkouts around the first start.
    fn checkouts(&self) -> Result<Checkouts<'_>, String> {
        let first = self
            .starts
            .first()
            .map_or(Path::new("."), |start| match start {
                FollowStart::Folder(path) if is_stream(path) => Path::new("."),
                FollowStart::Folder(path) => path,
                FollowStart::Object(_, GitOpsSelector::File(file)) => {
                    let parent = file.parent().filter(|p| !p.as_os_str().is_empty());
                    parent.unwrap_or(Path::new("."))
                }
                FollowStart::Object(..) => Path::new("."),
            });
        let is_folder = matches!(self.starts.first(), Some(FollowStart::Folder(_)));
        Checkouts::find(self.options, first, is_folder)
    }

    fn follow(&self, loaded: &mut LoadedSource) -> Result<(), String> {
        let checkouts = self.checkouts()?;
        let trusted = !self.options.untrusted;
        let mut sources = FluxSources::new(Vec::new(), trusted.then_some(self.live));
        let mut in_cluster = Vec::new();
        let mut files: Vec<(Option<GitOpsTool>, PathBuf)> = Vec::new();
        for start in self.starts {
            match start {
                FollowStart::Folder(path) => files.push((None, path.clone())),
                FollowStart::Object(tool, GitOpsSelector::File(file)) => {
                    files.push((Some(*tool), file.clone()))
                }
                FollowStart::Object(tool, GitOpsSelector::Live { namespace, name }) => {
                    in_cluster.push((*tool, namespace, name));
                }
            }
        }
        if files.is_empty() {
            // Anyone who can write to the cluster could make driftctl read objects.
            sources.live = Some(self.live);
        }
        let checkout = checkouts.of(None)?;
        let scan = match files.is_empty() {
            true => GitOpsScan::default(),
            false => self.scan(&checkout),
        };
        if let Some(base) = self.base(&scan, &checkout) {
            let here = Path::new(".").canonicalize().unwrap_or_default();
            let folder = relative_to(&checkout.original(&base), &here);
            let name = checkout.names.of(&base);
            let message = format!(
                "the paths of the Kustomizations here start in {name}, as their artifact does, \
                 and are read from there (--repo-root {name})"
            );
            loaded.warning(&name, message);
            let options = GitOps {
                repo_root: Some(folder),
                ..self.options.clone()
            };
            let inner = GitOpsFollower {
                options: &options,
                starts: self.starts,
                live: self.live,
                recordings: self.recordings,
            };
            return inner.follow(loaded);
        }
        sources.beside.clone_from(&scan.sources);
        let trusted = trusted || files.is_empty();
        let mut run = FollowRun::new(&checkouts, self.live, trusted, sources);
        let mut entries = Vec::new();
        for (tool, namespace, name) in in_cluster {
            entries.extend(self.live_entry(tool, namespace, name, loaded));
        }
        let roots = RootFinder {
            options: self.options,
            live: self.live,
            checkouts: &checkouts,
            checkout: &checkout,
            scan: &scan,
        };
        if !files.is_empty() {
            entries.extend(roots.entries(&files, &mut run, loaded)?);
        }
        run.follow(entries);
        roots.leave_out(&mut run, loaded);
        releases::add(&mut run);
        loaded.revisions.extend(checkouts.revisions());
        self.keep_of_cluster(run, loaded)
    }

    fn scan(&self, checkout: &Checkout) -> GitOpsScan {
        let bounds = Bounds {
            hidden: false,
            root: Some(checkout.within.clone()),
            ..self.options.bounds()
        };
        let directory = match checkout.within.starts_with(&checkout.root) {
            true => &checkout.within,
            false => &checkout.root,
        };
        let scan = GitOpsScan::of(directory, &checkout.names, bounds).without(self.recordings);
        scan.with_bootstraps(&checkout.root, &checkout.names)
    }

    /// Returns the directory that the paths of Kustomizations start in, if their artifact contains
    /// only a part of the repository. Only the existence of the paths shows this.
    fn base(&self, scan: &GitOpsScan, checkout: &Checkout) -> Option<PathBuf> {
        if self.options.repo_root.is_some() {
            return None;
        }
        let of_artifact = |found: &&GitOpsObject| {
            let (kind, ..) = FluxSources::read_by(found);
            flux::is_kustomization(found) && !matches!(&*kind, "GitRepository" | "")
        };
        let path = |found: &GitOpsObject| {
            let path = found.value.pointer("/spec/path")?.as_str()?;
            Some(path.trim_start_matches('/').to_owned())
        };
        let paths: Vec<String> = scan
            .candidates
            .iter()
            .map(|candidate| &candidate.found)
            .filter(of_artifact)
            .filter_map(path)
            .collect();
        let found_in = |folder: &Path| {
            let there = paths.iter().filter(|path| folder.join(path).is_dir());
            there.count()
        };
        let at_root = found_in(&checkout.root);
        let folders = checkout.root.read_dir().ok()?.flatten();
        let mut folders: Vec<PathBuf> = folders
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| entry.path())
            .collect();
        folders.sort();
        let best = folders
            .into_iter()
            .map(|folder| (found_in(&folder), folder))
            .max_by_key(|(count, _)| *count)?;
        (best.0 > at_root).then_some(best.1)
    }

    fn live_entry(
        &self,
        tool: GitOpsTool,
        namespace: &str,
        name: &str,
        loaded: &mut LoadedSource,
    ) -> Option<QueuedObject> {
        let found = match tool {
            GitOpsTool::Flux => {
                in_cluster(self.live, &flux::VERSIONS, "Kustomization", namespace, name)
            }
            GitOpsTool::Argo => {
                let versions = ["argoproj.io/v1alpha1"];
                in_cluster(self.live, &versions, "Application", namespace, name)
            }
        };
        match found {
            Ok(found) => Some(QueuedObject {
                found,
                chain: Vec::new(),
                cluster: None,
                counts: true,
            }),
            Err(message) => {
                loaded.error(self.place(), message);
                None
            }
        }
    }

    /// Keeps the objects for the compared cluster, and reports the others.
    fn keep_of_cluster(
        &self,
        mut run: FollowRun<'_>,
        loaded: &mut LoadedSource,
    ) -> Result<(), String> {
        let names: Vec<Option<String>> = run
            .parts
            .iter()
            .filter(|(_, part)| !part.manifests.is_empty() || !part.errors.is_empty())
            .map(|(name, _)| name.clone())
            .collect();
        let called =
            |name: &Option<String>| name.clone().unwrap_or_else(|| IN_CLUSTER[1].to_owned());
        let wanted = match run.is_chosen {
            true => &[][..],
            false => &self.options.destinations,
        };
        let known = self.options.clusters.as_ref();
        let is_wanted = |name: &Option<String>| {
            let is_it = |wanted: &String| {
                is_same(wanted, &called(name))
                    || argo::other_cluster(wanted, known).is_some_and(|it| Some(it) == *name)
            };
            wanted.iter().any(is_it)
        };
        let by_name: Vec<_> = names
            .iter()
            .filter(|name| is_wanted(name))
            .cloned()
            .collect();
        let chosen = match (by_name.as_slice(), names.as_slice()) {
            ([], []) => Vec::new(),
            ([], [only]) if wanted.is_empty() => vec![only.clone()],
            ([], _) => vec![self.live_cluster(&names, &run)?],
            (some, _) => some.to_vec(),
        };
        for (name, part) in std::mem::take(&mut run.parts) {
            let is_empty = part.manifests.is_empty() && part.errors.is_empty();
            if chosen.contains(&name) || is_empty {
                let mut part = part;
                part.manifests = once(std::mem::take(&mut part.manifests));
                loaded.append(part);
            } else {
                loaded.warnings.push(run::left_out(&called(&name), &part));
            }
        }
        loaded.rules.extend(flux::owner_marks());
        loaded.rules.extend(argo::tracking_marks());
        Ok(())
    }

    /// Returns the cluster that is compared if several are declared and the user names none: the
    /// one with the address or context of the live side, or the one that the tools run in, if they
    /// are live.
    fn live_cluster(
        &self,
        names: &[Option<String>],
        run: &FollowRun<'_>,
    ) -> Result<Option<String>, String> {
        let target = self.live.target();
        let known = self.options.clusters.as_ref();
        let is_server = |name: &&Option<String>| {
            let name = name.as_deref();
            name.zip(target.server.as_deref())
                .is_some_and(|(name, server)| {
                    let secret = known.and_then(|known| known.named(name));
                    is_same(secret.map_or(name, |secret| &secret.server), server)
                })
        };
        // Argo CD may reach a cluster by another address than a kubeconfig.
        let is_context =
            |name: &&Option<String>| name.is_some() && name.as_deref() == target.context.as_deref();
        let found = names.iter().find(is_server);
        if let Some(name) = found.or_else(|| names.iter().find(is_context)) {
            return Ok(name.clone());
        }
        let has_tools = run.runs_here();
        if names.contains(&None) && has_tools && self.options.destinations.is_empty() {
            return Ok(None);
        }
        let called: Vec<&str> = names
            .iter()
            .map(|name| name.as_deref().unwrap_or(IN_CLUSTER[1]))
            .collect();
        let count = called.len();
        let mut listed: Vec<&str> = called.iter().take(NAMED).copied().collect();
        if count > NAMED {
            listed.push("…");
        }
        let listed = listed.join(", ");
        Err(match self.options.destinations.as_slice() {
            [] => format!(
                "the objects declared here go to {count} clusters ({listed}), and it is unknown \
                 which of them to compare: name it with --destination {}",
                called.first().unwrap_or(&"")
            ),
            wanted => format!(
                "nothing here goes to cluster {}, only to {listed}",
                wanted.join(" or ")
            ),
        })
    }
}
