//! Finds the root objects of a repository: the GitOps objects that no other one applies.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::clusters::choose;
use super::reach::ReachMap;
use super::run::{FollowRun, ObjectFilter, QueuedObject};
use super::scan::{GitOpsCandidate, GitOpsScan};
use super::{GitOpsTool, NAMED};
use crate::cluster::{KindLookup, Live};
use crate::source::chart::{Capabilities, Chart};
use crate::source::checkout::{Checkout, Checkouts};
use crate::source::flux::FluxSources;
use crate::source::gitops::{GitOps, GitOpsObject};
use crate::source::kustomize::{Build, Graph, has_file};
use crate::source::walk::WalkEntry as File;
use crate::source::{LoadedSource, argo, chart, files, flux, remark};

/// The prefix of the text which says that kustomize built an object.
const BUILD: &str = "kustomize build ";

/// Finds the root objects.
pub(super) struct RootFinder<'r> {
    pub options: &'r GitOps,
    pub live: &'r dyn Live,
    pub checkouts: &'r Checkouts<'r>,
    pub checkout: &'r Checkout,
    pub scan: &'r GitOpsScan,
}

impl RootFinder<'_> {
    /// Returns the root objects for these files and folders. Other declared objects go to the run,
    /// and warnings to `loaded`.
    ///
    /// # Errors
    /// Fails if it is unknown which of several clusters to compare.
    pub fn entries(
        &self,
        paths: &[(Option<GitOpsTool>, PathBuf)],
        run: &mut FollowRun<'_>,
        loaded: &mut LoadedSource,
    ) -> Result<Vec<QueuedObject>, String> {
        self.find_home(run);
        let sources = FluxSources {
            live: None,
            beside: run.sources.beside.clone(),
            home: run.sources.home.clone(),
        };
        let map = ReachMap::of(self.scan, &self.checkout.root, self.checkouts, &sources);
        let mut entries = Vec::new();
        let mut wanted = BTreeSet::new();
        let mut folders = Vec::new();
        for (tool, path) in paths {
            match tool {
                Some(tool) => {
                    let direct = self.of_file(*tool, path, &map, &mut wanted, run, loaded);
                    entries.extend(direct);
                }
                None => folders.push(self.checkouts.in_checkout(path, self.checkout)?),
            }
        }
        wanted.extend(self.within(&folders));
        if !folders.is_empty() {
            let errors = self.scan.errors.errors.iter().cloned();
            loaded.errors.extend(errors);
        }
        let leading = map.leading_to(&wanted, self.scan);
        let mut units = RootOrigins {
            roots: self,
            map: &map,
            graph: Graph::within(Some(&self.checkout.within)),
            known: BTreeSet::new(),
        };
        let mut own = Vec::new();
        for folder in &folders {
            own.extend(units.of_folder(folder, run));
        }
        let is_new = |root: &usize| !units.known.contains(&self.scan.candidates[*root].file);
        let roots = map.roots.iter().copied();
        let roots: Vec<usize> = roots
            .filter(|root| leading.contains(root) && is_new(root))
            .collect();
        let trusted = !self.options.untrusted;
        let choice = choose(
            &roots,
            &self.scan.candidates,
            &self.checkout.root,
            &self.options.destinations,
            trusted.then_some(self.live),
        )?;
        self.name_others(&choice.others, choice.cluster.as_deref(), loaded);
        run.is_chosen = choice.cluster.is_some();
        run.wanted = Some(ObjectFilter {
            files: self.names_of(&wanted),
            folders: (folders.iter().map(|one| self.checkout.names.of(one))).collect(),
            on_the_way: self.names_of(&leading),
        });
        entries.extend(own);
        let mut chosen = choice.chosen;
        // What the bootstrap creates comes first, and may apply the others.
        let is_created =
            |one: &usize| (map.reaches[*one].files).contains(&self.scan.candidates[*one].file);
        chosen.sort_by_key(|one| !is_created(one));
        for root in chosen {
            entries.extend(units.begin(root, wanted.contains(&root), run));
        }
        entries.extend(self.switched_off(&map, &wanted, loaded));
        for folder in &folders {
            entries.extend(self.charts(folder, &map, run));
            let left = self.not_brought(folder, &map, &units.known);
            run.not_brought.extend(left);
        }
        Ok(entries)
    }

    /// Returns the objects that are turned off, if nothing else is wanted: they are compared only
    /// if they are named.
    fn switched_off(
        &self,
        map: &ReachMap,
        wanted: &BTreeSet<usize>,
        loaded: &mut LoadedSource,
    ) -> Vec<QueuedObject> {
        let off = map.switched_off.iter().copied();
        let off: Vec<usize> = off.filter(|one| wanted.contains(one)).collect();
        let is_all_off = !wanted.is_empty() && wanted.iter().all(|one| off.contains(one));
        let mut entries = Vec::new();
        for one in off {
            let candidate = &self.scan.candidates[one];
            if is_all_off {
                let message = "nothing that is applied here uses this file; it is compared anyway";
                loaded.warning(&candidate.found.place, message);
                entries.push(entry(candidate));
            } else {
                loaded.skip(
                    &candidate.found.place,
                    "disabled: it is in an applied folder, but no kustomization there names it",
                );
            }
        }
        entries
    }

    /// Returns the candidates in some folders.
    fn within<'f>(&'f self, folders: &'f [PathBuf]) -> impl Iterator<Item = usize> + 'f {
        let is_in = move |file: &Path| folders.iter().any(|folder| file.starts_with(folder));
        let candidates = self.scan.candidates.iter().enumerate();
        candidates
            .filter(move |(_, candidate)| is_in(&candidate.file))
            .map(|(one, _)| one)
    }

    /// Returns the objects of one tool in a file, as roots if nothing applies them.
    fn of_file(
        &self,
        tool: GitOpsTool,
        path: &Path,
        map: &ReachMap,
        wanted: &mut BTreeSet<usize>,
        run: &mut FollowRun<'_>,
        loaded: &mut LoadedSource,
    ) -> Vec<QueuedObject> {
        let before = loaded.errors.len();
        let (found, others): (Vec<GitOpsObject>, Vec<GitOpsObject>) = self
            .checkouts
            .objects(path, loaded)
            .into_iter()
            .partition(|found| match tool {
                GitOpsTool::Flux => flux::is_kustomization(found),
                GitOpsTool::Argo => argo::is_application(found) || argo::is_set(found),
            });
        let (kind, other) = match tool {
            GitOpsTool::Flux => ("Kustomization of Flux", "no Kustomization of Flux"),
            GitOpsTool::Argo => (
                "Application",
                "neither an Application nor an ApplicationSet",
            ),
        };
        for other_object in others.iter().filter(|other| !flux::is_source(other)) {
            loaded.skip(&other_object.place, other);
        }
        if found.is_empty() && loaded.errors.len() == before {
            let mut message = loaded.nothing(kind);
            if let Some(release) = others.iter().find_map(flux::as_source) {
                message = format!(
                    "{message}; compare {release}, which is what its HelmRelease \
                    deployed"
                );
            }
            loaded.error(path.display(), message);
        }
        let sources = others.into_iter().filter(flux::is_source);
        run.sources.beside.extend(sources);
        let mut entries = Vec::new();
        for found in found {
            let known = self.scan.candidates.iter().position(|candidate| {
                candidate.found.place == found.place && !candidate.is_implied
            });
            let brought = known.filter(|one| {
                let file = &self.scan.candidates[*one].file;
                let mut others = (0..map.reaches.len()).filter(|other| other != one);
                others.any(|other| map.reaches[other].files.contains(file))
            });
            match brought {
                Some(one) => drop(wanted.insert(one)),
                None => entries.push(QueuedObject {
                    found,
                    chain: Vec::new(),
                    cluster: None,
                    counts: true,
                }),
            }
        }
        entries
    }

    /// Finds out which address stands for this repository, if Git has no remote.
    fn find_home(&self, run: &mut FollowRun<'_>) {
        let mut addresses: BTreeMap<String, usize> = BTreeMap::new();
        let mut sources: BTreeMap<(String, String, String), usize> = BTreeMap::new();
        for candidate in &self.scan.candidates {
            let found = &candidate.found;
            if flux::is_kustomization(found) {
                *sources.entry(FluxSources::read_by(found)).or_default() += 1;
            } else {
                let here = argo::addresses(&found.value);
                for address in here.into_iter().filter(|address| !address.contains("{{")) {
                    *addresses.entry(address).or_default() += 1;
                }
            }
        }
        let most = sources.into_iter().max_by_key(|(_, count)| *count);
        run.sources.home = most.map(|(source, _)| source);
        let of_flux = run.sources.home_address();
        let most = addresses.into_iter().max_by_key(|(_, count)| *count);
        if let Some(address) = of_flux.or(most.map(|(address, _)| address)) {
            self.checkouts.call_home(&address);
        }
    }

    fn names_of(&self, candidates: &BTreeSet<usize>) -> BTreeSet<String> {
        let files = candidates
            .iter()
            .map(|one| &self.scan.candidates[*one].file);
        files.map(|file| self.checkout.names.of(file)).collect()
    }

    /// Reports the objects that belong to other clusters.
    fn name_others(
        &self,
        others: &[(usize, String)],
        cluster: Option<&str>,
        loaded: &mut LoadedSource,
    ) {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (one, of) in others {
            *counts.entry(of).or_default() += 1;
            let place = &self.scan.candidates[*one].found.place;
            loaded.skip(place, format!("it belongs to another cluster: {of}"));
        }
        if let (Some(cluster), false) = (cluster, counts.is_empty()) {
            let said: Vec<String> = counts
                .iter()
                .take(NAMED)
                .map(|(of, count)| format!("{of} ({count})"))
                .collect();
            let more = if counts.len() > NAMED { ", …" } else { "" };
            let message = format!(
                "only objects for {cluster} are compared; the root objects of other clusters are \
                 left out: {}{more}",
                said.join(", ")
            );
            loaded.warning(cluster, message);
        }
    }

    /// Returns the entries of charts that contain Applications, if nothing applies the charts.
    fn charts(&self, folder: &Path, map: &ReachMap, run: &mut FollowRun<'_>) -> Vec<QueuedObject> {
        let Ok(rendering) = self.options.rendering() else {
            return Vec::new();
        };
        let mut entries = Vec::new();
        for directory in &self.scan.charts {
            let is_brought = map.reaches.iter().any(|reach| {
                let mut folders = reach.folders.iter();
                folders.any(|folder| directory.starts_with(folder))
            });
            if is_brought || !directory.starts_with(folder) {
                continue;
            }
            let capabilities = Capabilities::of(self.live);
            let chart = Chart {
                directory,
                names: &self.checkout.names,
                options: &rendering.chart,
                capabilities: &capabilities,
                inline: chart::Inline::default(),
                with_crds: true,
            };
            let refused = match self.options.untrusted {
                true => crate::source::of_git::beside_chart(directory),
                false => Ok(()),
            };
            let mut loaded = LoadedSource::default();
            match refused {
                Ok(()) => loaded.append(chart.load(rendering)),
                Err(message) => {
                    loaded.error(
                        self.checkout.names.of(&directory.join(chart::FILE)),
                        message,
                    );
                }
            }
            entries.extend(self.begin(loaded, true, true, run));
        }
        entries
    }

    /// Adds root objects, and returns those to follow. `counts` says whether the objects themselves
    /// are compared, and `brings` whether the objects that they apply are.
    fn begin(
        &self,
        mut loaded: LoadedSource,
        counts: bool,
        brings: bool,
        run: &mut FollowRun<'_>,
    ) -> Vec<QueuedObject> {
        let more = run.begin(&loaded.manifests, brings);
        if counts {
            loaded = self.known_kinds(loaded);
        } else {
            loaded.manifests.clear();
            loaded.skipped.clear();
        }
        run.part(&None).append(loaded);
        more
    }

    /// Removes root objects whose kind the live side does not know: someone applied them by hand,
    /// perhaps to another cluster.
    fn known_kinds(&self, mut loaded: LoadedSource) -> LoadedSource {
        let is_tool = |found: &crate::model::Manifest| {
            super::scan::is_candidate(&super::scan::found_of(found))
        };
        let (tools, others): (Vec<_>, Vec<_>) = std::mem::take(&mut loaded.manifests)
            .into_iter()
            .partition(is_tool);
        loaded.manifests = others;
        let mut kinds = BTreeMap::new();
        for manifest in tools {
            let kind = (manifest.api_version.clone(), manifest.kind.clone());
            let is_known = *kinds.entry(kind.clone()).or_insert_with(|| {
                let looked_up = self.live.resolve(&BTreeSet::from([kind.clone()]), &[]);
                let looked_up = looked_up.map(|mut found| found.remove(&kind));
                !matches!(
                    looked_up,
                    Ok(Some(KindLookup::NotServed(_) | KindLookup::Unknown(_)) | None)
                )
            });
            match is_known {
                true => loaded.manifests.push(manifest),
                false => loaded.skipped.push(remark(
                    &manifest.origin,
                    "followed but not compared itself: nothing here applies it, and the live side \
                     does not know its kind",
                    false,
                )),
            }
        }
        loaded
    }

    /// Returns the files that nothing applies, judged by the files alone.
    fn not_brought(
        &self,
        folder: &Path,
        map: &ReachMap,
        used: &BTreeSet<PathBuf>,
    ) -> Vec<(PathBuf, String)> {
        let is_left = |file: &Path| {
            let is_candidate = self.scan.candidates.iter().any(|one| one.file == *file);
            let mut reaches = map.reaches.iter();
            let is_above = reaches.any(|reach| {
                let mut folders = reach.folders.iter();
                reach.files.contains(file) || folders.any(|folder| file.starts_with(folder))
            });
            file.starts_with(folder) && !is_candidate && !is_above && !used.contains(file)
        };
        let files = self.scan.files.iter();
        files.filter(|(file, _)| is_left(file)).cloned().collect()
    }

    /// Reports files that no followed object applies. Charts and ApplicationSets may apply more
    /// files than can be seen without rendering.
    pub fn leave_out(&self, run: &mut FollowRun<'_>, loaded: &mut LoadedSource) {
        let mut left = std::mem::take(&mut run.not_brought);
        let manifests = || run.parts.values().flat_map(|part| &part.manifests);
        // A file beside an Application is not applied by it.
        let candidates = self.scan.candidates.iter();
        let followed: BTreeSet<String> = candidates
            .map(|one| self.checkout.names.of(&one.file))
            .collect();
        let folders: BTreeSet<&Path> = manifests()
            .filter(|manifest| !followed.contains(&*manifest.origin.file))
            .filter_map(|manifest| Path::new(&*manifest.origin.file).parent())
            .collect();
        let built: BTreeSet<&str> = manifests()
            .filter_map(|manifest| manifest.origin.rendered_by.as_deref()?.strip_prefix(BUILD))
            .map(|by| by.split(" for ").next().unwrap_or(by))
            .collect();
        let kustomizations = self.scan.kustomizations.iter();
        let kustomizations =
            kustomizations.filter(|one| built.contains(self.checkout.names.of(one).as_str()));
        let mut graph = Graph::within(Some(&self.checkout.within));
        let nodes = graph.below(kustomizations.cloned());
        let used: BTreeSet<&PathBuf> = nodes.values().flat_map(|node| &node.files).collect();
        left.retain(|(file, name)| {
            let folder = Path::new(name).parent();
            !used.contains(file) && folder.is_none_or(|folder| !folders.contains(folder))
        });
        let Some((_, first)) = left.first() else {
            return;
        };
        let mut folders = BTreeSet::new();
        for (file, name) in &left {
            loaded.skip(name, "nothing that is followed here applies it");
            let below = file.strip_prefix(&self.checkout.root).unwrap_or(file);
            let mut parts = below.components();
            let top = parts.next().map(|part| part.as_os_str().to_string_lossy());
            folders.extend(top.map(|top| top.into_owned()));
        }
        let count = folders.len();
        let mut named: Vec<String> = folders.into_iter().take(NAMED).collect();
        if count > NAMED {
            named.push("…".to_owned());
        }
        let files = match left.len() {
            1 => "1 file with objects is".to_owned(),
            count => format!("{count} files with objects are"),
        };
        let message = format!(
            "{files} left out, because no followed Kustomization or Application applies them \
             ({}): name them to compare them, or pass --plain to read all files without following \
             GitOps objects",
            named.join(", ")
        );
        loaded.warning(first, message);
    }
}

fn entry(candidate: &GitOpsCandidate) -> QueuedObject {
    QueuedObject {
        found: candidate.found.clone(),
        chain: Vec::new(),
        cluster: None,
        counts: true,
    }
}

/// The origins of root objects: files, and kustomizations.
struct RootOrigins<'u> {
    roots: &'u RootFinder<'u>,
    map: &'u ReachMap,
    graph: Graph,
    /// The files that were read.
    known: BTreeSet<PathBuf>,
}

impl RootOrigins<'_> {
    /// Reads the origin of a root object, and returns what to follow.
    fn begin(&mut self, root: usize, counts: bool, run: &mut FollowRun<'_>) -> Vec<QueuedObject> {
        let roots = self.roots;
        let candidate = &roots.scan.candidates[root];
        if candidate.is_implied {
            return vec![QueuedObject {
                counts,
                ..entry(candidate)
            }];
        }
        if self.known.contains(&candidate.file) {
            return Vec::new();
        }
        let mut reaches = self.map.reaches.iter();
        let is_brought = reaches.any(|reach| reach.files.contains(&candidate.file));
        let built = match self.kustomization(&candidate.file) {
            Ok(built) => built,
            Err(message) => {
                run.part(&None).error(&candidate.found.place, message);
                return Vec::new();
            }
        };
        let mut loaded = match built.and_then(|directory| self.built(&directory)) {
            Some(loaded) => loaded,
            None => {
                self.known.insert(candidate.file.clone());
                let file = File::File {
                    name: roots.checkout.names.of(&candidate.file),
                    path: candidate.file.clone(),
                    canonical: candidate.file.clone(),
                };
                let options = roots.options;
                files::load_open(&file, options.bounds().bytes, options.rendering.as_ref())
            }
        };
        roots.checkout.sign(&candidate.file, &mut loaded);
        roots.begin(loaded, counts && !is_brought, counts, run)
    }

    /// Builds the kustomization of a folder that the user names and nothing applies, and returns
    /// what to follow in it.
    fn of_folder(&mut self, folder: &Path, run: &mut FollowRun<'_>) -> Vec<QueuedObject> {
        let mut reaches = self.map.reaches.iter();
        let is_brought = reaches.any(|reach| reach.folders.contains(folder));
        if is_brought || !has_file(folder) {
            return Vec::new();
        }
        let Some(mut loaded) = self.built(folder) else {
            return Vec::new();
        };
        self.roots.checkout.sign(folder, &mut loaded);
        self.roots.begin(loaded, true, true, run)
    }

    /// Returns the built objects of a kustomization; `None` if nothing may be rendered.
    fn built(&mut self, directory: &Path) -> Option<LoadedSource> {
        let roots = self.roots;
        let rendering = roots.options.rendering().ok()?;
        let build = Build {
            within: Some(&roots.checkout.within),
            ..Build::of(directory, &roots.checkout.names)
        };
        let nodes = self.graph.below([directory.to_owned()]);
        let files = nodes.values().flat_map(|node| node.files.iter());
        self.known.extend(files.cloned());
        Some(build.load(rendering))
    }

    /// Returns the kustomization that builds a file and is not used by another one.
    ///
    /// # Errors
    /// Fails if there are several, and it is unknown which is applied.
    fn kustomization(&mut self, file: &Path) -> Result<Option<PathBuf>, String> {
        let all = &self.roots.scan.kustomizations;
        let mut using: Vec<PathBuf> = Vec::new();
        let mut bases = BTreeSet::new();
        for directory in all {
            let nodes = self.graph.below([directory.clone()]);
            if nodes.values().any(|node| node.files.contains(file)) {
                using.push(directory.clone());
            }
            if let Some(node) = nodes.get(directory) {
                bases.extend(node.directories.iter().cloned());
            }
        }
        using.retain(|directory| !bases.contains(directory));
        // The kustomization in the same directory takes precedence over others that use the file.
        let own = using.iter().position(|one| file.parent() == Some(one));
        if let (Some(own), true) = (own, using.len() > 1) {
            return Ok(Some(using.swap_remove(own)));
        }
        if using.len() > 1 {
            let names = using.iter().take(NAMED);
            let names: Vec<String> = names.map(|one| self.roots.checkout.names.of(one)).collect();
            return Err(format!(
                "{} kustomizations build this object ({}), and it is unknown which of them is \
                 applied: name the folder of one",
                using.len(),
                names.join(", ")
            ));
        }
        Ok(using.pop())
    }
}
