//! Finds GitOps objects in the files of a repository, before anything is rendered.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use memchr::memmem::{self, Finder};
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::model::Manifest;
use crate::source::gitops::GitOpsObject;
use crate::source::kustomization::has_name;
use crate::source::kustomize::{Graph, has_file};
use crate::source::render::{FileNames, normal};
use crate::source::walk::{Bounds, WalkEntry as File, found_on_disk};
use crate::source::{LoadedSource, argo, chart, flux, read, text};
use crate::yaml;

/// Strings to search for in each file. Their searchers are made once, because making one takes
/// longer than searching a file.
type SearchWords<const N: usize> = LazyLock<[Finder<'static>; N]>;

/// One of these occurs in every file with such an object.
static MARKS: SearchWords<4> = LazyLock::new(|| {
    [
        "extensions.fluxcd.io/",
        "toolkit.fluxcd.io/",
        "argoproj.io/",
        "fluxcd.controlplane.io/",
    ]
    .map(Finder::new)
});

/// These occur in every file with an object of Kubernetes.
static OF_OBJECTS: SearchWords<2> = LazyLock::new(|| ["apiVersion", "kind"].map(Finder::new));

/// These occur in every values file that describes a Flux instance and what it syncs.
static OF_VALUES: SearchWords<2> = LazyLock::new(|| ["instance:", "sync:"].map(Finder::new));

/// The group of the Flux Operator.
const OPERATOR: &str = "fluxcd.controlplane.io";

/// A GitOps object that applies others.
#[derive(Debug, Clone)]
pub(super) struct GitOpsCandidate {
    /// The object as written.
    pub found: GitOpsObject,
    /// Its file, without links.
    pub file: PathBuf,
    /// Whether it stands for an object that another one creates.
    pub is_implied: bool,
}

/// The results of a scan.
#[derive(Debug, Default)]
pub(super) struct GitOpsScan {
    /// The objects that apply others.
    pub candidates: Vec<GitOpsCandidate>,
    /// The sources of Flux.
    pub sources: Vec<GitOpsObject>,
    /// The charts with Applications in their templates, without links.
    pub charts: Vec<PathBuf>,
    /// The directories with a kustomization.
    pub kustomizations: Vec<PathBuf>,
    /// The files that seem to contain Kubernetes objects, each with its name.
    pub files: Vec<(PathBuf, String)>,
    /// Errors in files with GitOps objects.
    pub errors: LoadedSource,
}

/// The classification of one file.
#[derive(Default)]
struct FileClass {
    candidates: Vec<GitOpsCandidate>,
    sources: Vec<GitOpsObject>,
    chart: Option<PathBuf>,
    is_object: bool,
    errors: LoadedSource,
}

impl GitOpsScan {
    /// Scans a directory, which must be free of links.
    pub fn of(directory: &Path, names: &FileNames, bounds: Bounds) -> Self {
        let most = bounds.bytes;
        let (found, _) = found_on_disk(directory, names, bounds);
        let looked: Vec<FileClass> = found
            .par_iter()
            .map(|file| classify_file(file, most))
            .collect();
        let mut scan = Self::default();
        for (file, one) in found.iter().zip(looked) {
            let File::File {
                name,
                canonical,
                path,
            } = file
            else {
                continue;
            };
            if has_name(path) {
                let parent = canonical.parent().map(Path::to_owned);
                scan.kustomizations.extend(parent);
            }
            if one.is_object {
                scan.files.push((canonical.clone(), name.clone()));
            }
            scan.candidates.extend(one.candidates);
            scan.sources.extend(one.sources);
            scan.errors.append(one.errors);
            scan.charts.extend(one.chart);
        }
        scan.charts.sort();
        scan.charts.dedup();
        // Objects that are read from artifacts are in the repository, too.
        for candidate in &mut scan.candidates {
            if let Some(led) = flux::resolved(&candidate.found, &scan.sources) {
                candidate.found = led;
            }
        }
        scan
    }

    /// Adds the Kustomizations that `flux bootstrap` creates for cluster folders, if no file
    /// declares them: folders with a `flux-system` folder beside their Kustomizations, and folders
    /// in a `clusters` folder.
    #[must_use]
    pub fn with_bootstraps(mut self, directory: &Path, names: &FileNames) -> Self {
        let paths: Vec<PathBuf> = (self.candidates.iter())
            .filter_map(|one| one.found.value.pointer("/spec/path")?.as_str())
            .map(|path| normal(Path::new(path.trim_start_matches('/'))))
            .collect();
        let mut made: Vec<GitOpsCandidate> = Vec::new();
        for candidate in &self.candidates {
            let folder = candidate.file.parent().unwrap_or(directory);
            let is_of_cluster = || {
                let in_clusters = folder
                    .parent()
                    .is_some_and(|above| above.ends_with("clusters"));
                in_clusters || has_file(&folder.join("flux-system"))
            };
            let Ok(path) = folder.strip_prefix(directory) else {
                continue;
            };
            let is_known = made.iter().any(|known| known.file == folder)
                || paths.iter().any(|known| path.starts_with(known));
            if !flux::is_kustomization(&candidate.found) || is_known || !is_of_cluster() {
                continue;
            }
            let sync = json!({"path": path.to_string_lossy()});
            let place = names.of(folder);
            made.extend(kustomization_of_sync(&sync, "", &place, folder));
        }
        self.candidates.extend(made);
        self
    }
}

/// Returns whether a kustomization uses files with objects that apply others.
pub(super) fn is_built_of_candidates(directory: &Path, most: usize) -> bool {
    let mut graph = Graph::default();
    let nodes = graph.below([directory.to_owned()]);
    let mut files = nodes.values().flat_map(|node| &node.files);
    files.any(|file| {
        let file = File::File {
            name: String::new(),
            path: file.clone(),
            canonical: file.clone(),
        };
        !classify_file(&file, most).candidates.is_empty()
    })
}

impl GitOpsScan {
    /// Excludes the recordings of the live side: they may be next to the manifests.
    #[must_use]
    pub fn without(mut self, recordings: &[PathBuf]) -> Self {
        let recordings: Vec<PathBuf> = recordings
            .iter()
            .filter_map(|path| path.canonicalize().ok())
            .collect();
        let is_live = |file: &Path| recordings.iter().any(|live| file.starts_with(live));
        self.candidates
            .retain(|candidate| !is_live(&candidate.file));
        self.files.retain(|(file, _)| !is_live(file));
        self
    }
}

/// Returns whether text may contain a GitOps object.
pub(super) fn is_marked(bytes: &[u8]) -> bool {
    MARKS.iter().any(|mark| mark.find(bytes).is_some())
}

fn classify_file(file: &File, most: usize) -> FileClass {
    let mut one = FileClass::default();
    let File::File {
        name, canonical, ..
    } = file
    else {
        return one;
    };
    let Ok(bytes) = read::file(canonical) else {
        return one;
    };
    if bytes.len() > most {
        return one;
    }
    let has_all = |words: &[Finder<'_>]| words.iter().all(|word| word.find(&bytes).is_some());
    let chart = chart_of_template(canonical);
    one.is_object = chart.is_none() && has_all(&*OF_OBJECTS) && !has_name(canonical);
    let may_be_values = has_all(&*OF_VALUES);
    let is_marked = is_marked(&bytes);
    if !is_marked && !may_be_values {
        return one;
    }
    if chart.is_some() {
        let has = |what: &[u8]| memmem::find(&bytes, what).is_some();
        let makes = has(b"kind: Application") && has(b"argoproj.io/");
        one.chart = chart.filter(|_| makes);
        return one;
    }
    if may_be_values && let Some(implied) = of_values(canonical, name, &bytes) {
        one.candidates.push(implied);
        one.is_object = false;
        return one;
    }
    if !is_marked {
        return one;
    }
    let mut loaded = LoadedSource::default();
    text::load(name, bytes, || false, true, &mut loaded);
    // An error in a file is reported where the file is read. But if nothing leads to it, it is
    // reported here, because the file's content is unknown.
    one.errors.errors = std::mem::take(&mut loaded.errors);
    for manifest in &loaded.manifests {
        let found = found_of(manifest);
        if is_candidate(&found) {
            one.candidates.push(GitOpsCandidate {
                found,
                file: canonical.clone(),
                is_implied: false,
            });
        } else if flux::is_source(&found) {
            one.sources.push(found);
        } else {
            one.candidates.extend(implied(&found, canonical));
        }
    }
    one
}

/// Returns the object in a manifest.
pub(super) fn found_of(manifest: &Manifest) -> GitOpsObject {
    let mut value = manifest.value();
    if let (Some(namespace), Value::Object(metadata)) =
        (&manifest.namespace, &mut value["metadata"])
    {
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
    GitOpsObject {
        value,
        place: manifest.origin.to_string(),
    }
}

/// Returns whether an object applies others.
pub(super) fn is_candidate(found: &GitOpsObject) -> bool {
    // An object without these fields is a patch.
    let has = |field: &str| found.value.pointer(field).is_some();
    if argo::is_application(found) {
        return ["/spec/source", "/spec/sources", "/spec/sourceHydrator"]
            .iter()
            .any(|field| has(field));
    }
    flux::is_kustomization(found) && has("/spec/sourceRef")
        || argo::is_set(found) && has("/spec/generators") && has("/spec/template")
}

/// Returns the chart to which a template file belongs.
fn chart_of_template(file: &Path) -> Option<PathBuf> {
    let mut above = file.ancestors();
    let templates = above.find(|ancestor| ancestor.ends_with("templates"))?;
    let chart = templates.parent()?;
    chart.join(chart::FILE).is_file().then(|| chart.to_owned())
}

/// Returns the Kustomization that a FluxInstance creates, or the chart with one in it
/// (`flux-operator/api/v1`, `Sync`).
pub(super) fn implied(found: &GitOpsObject, file: &Path) -> Option<GitOpsCandidate> {
    let sync = if found.is(OPERATOR, "FluxInstance") {
        found.value.pointer("/spec/sync")
    } else if found
        .value
        .get("kind")
        .is_some_and(|kind| kind == "HelmRelease")
    {
        found.value.pointer("/spec/values/instance/sync")
    } else {
        None
    };
    let namespace = found.metadata("namespace");
    kustomization_of_sync(sync?, namespace, &found.place, file)
}

/// Does the same for a values file of that chart.
fn of_values(file: &Path, name: &str, bytes: &[u8]) -> Option<GitOpsCandidate> {
    let text = yaml::decode(bytes.to_vec()).ok()?;
    let document = yaml::parse(&text).documents.into_iter().next()?;
    let sync = document.value.pointer("/instance/sync")?;
    kustomization_of_sync(sync, "", &format!("{name}:1"), file)
}

fn kustomization_of_sync(
    sync: &Value,
    namespace: &str,
    place: &str,
    file: &Path,
) -> Option<GitOpsCandidate> {
    let text = |field: &str| sync.get(field).and_then(Value::as_str);
    let path = text("path")?;
    let namespace = match namespace {
        "" => "flux-system",
        own => own,
    };
    let name = text("name").unwrap_or(namespace);
    let kind = text("kind").unwrap_or("GitRepository");
    let value = json!({
        "apiVersion": flux::VERSIONS[0],
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"path": path, "sourceRef": {"kind": kind, "name": name}},
    });
    Some(GitOpsCandidate {
        found: GitOpsObject {
            value,
            place: place.to_owned(),
        },
        file: file.to_owned(),
        is_implied: true,
    })
}
