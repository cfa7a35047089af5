//! Reads one source of an Application: a directory of manifests, a kustomization or a chart.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use walkdir::WalkDir;

use super::Application;
use super::environment::Environment;
use super::overrides::overridden;
use super::spec::{ApplicationSource, ApplicationSpec, ArgoKustomize, DirectorySource};
use crate::model::Origin;
use crate::policy::{Glob, GlobError};
use crate::source::chart::not_fetched;
use crate::source::checkout::Checkout;
use crate::source::gitops::{RemoteRevision, RevisionRequest, image};
use crate::source::kustomize::{Build, has_file};
use crate::source::of_git::is_of_git;
use crate::source::render::{ChartReference, FetchedChart};
use crate::source::unread::{SupportedSettings, unread};
use crate::source::walk::{WalkEntry, found_on_disk};
use crate::source::{LoadedSource, chart, files, plan, read};
use crate::yaml;

/// The comment that makes Argo CD skip a file (`argo-cd/reposerver/repository`).
const SKIPPED: &[u8] = b"+argocd:skip-file-rendering";

/// The supported settings of a source, and those that do not affect the declared objects: who may
/// fetch it, and which helm version runs.
const KNOWN: &[SupportedSettings] = &[
    SupportedSettings {
        at: "",
        keys: &[
            "chart",
            "directory",
            "helm",
            "kustomize",
            "name",
            "path",
            "plugin",
            "ref",
            "repoURL",
            "targetRevision",
        ],
    },
    SupportedSettings {
        at: "/directory",
        keys: &["exclude", "include", "jsonnet", "recurse"],
    },
    SupportedSettings {
        at: "/kustomize",
        keys: &[
            "commonAnnotations",
            "commonAnnotationsEnvsubst",
            "commonLabels",
            "components",
            "forceCommonAnnotations",
            "forceCommonLabels",
            "ignoreMissingComponents",
            "images",
            "labelIncludeTemplates",
            "labelWithoutSelector",
            "namePrefix",
            "nameSuffix",
            "namespace",
            "patches",
            "replicas",
        ],
    },
    SupportedSettings {
        at: "/helm",
        keys: &[
            "apiVersions",
            "fileParameters",
            "ignoreMissingValueFiles",
            "kubeVersion",
            "namespace",
            "parameters",
            "passCredentials",
            "releaseName",
            "skipCrds",
            "skipSchemaValidation",
            "skipTests",
            "valueFiles",
            "values",
            "valuesObject",
            "version",
        ],
    },
];

/// A source of an Application, and where it is read.
pub(super) struct AppSource<'a> {
    pub application: &'a Application<'a>,
    pub source: &'a ApplicationSource,
    /// All sources of the Application.
    pub all: &'a [&'a ApplicationSource],
    pub checkout: Arc<Checkout>,
    /// The Application's destination.
    pub namespace: &'a str,
    /// Returns the values of Argo CD's variables.
    pub environment: Environment,
    /// The chart, if it is not in this repository.
    pub fetched: Option<Arc<FetchedChart>>,
}

impl ApplicationSource {
    /// Returns whether it is a whole artifact in a registry, which by convention is a chart.
    fn is_artifact(&self) -> bool {
        let is_whole = self.path.trim_matches(['.', '/']).is_empty();
        self.repo_url.starts_with("oci://") && self.chart.is_empty() && is_whole
    }

    /// Returns the requested revision.
    pub(super) fn target(&self) -> RevisionRequest {
        RevisionRequest {
            address: self.repo_url.clone(),
            revision: RemoteRevision::Any(self.target_revision.clone()),
        }
    }
}

impl Application<'_> {
    /// Returns what a source declares.
    ///
    /// # Errors
    /// Fails if it cannot be read at all.
    pub(super) fn source(
        &self,
        source: &ApplicationSource,
        all: &[&ApplicationSource],
        spec: &ApplicationSpec,
    ) -> Result<LoadedSource, String> {
        let namespace = spec.destination.namespace.as_str();
        if !source.chart.is_empty() || source.is_artifact() {
            return self.fetched(source, all, spec);
        }
        if source.path.is_empty() {
            // This source only provides files that another source refers to.
            return if source.reference.is_empty() {
                Err("a source names no path".to_owned())
            } else {
                Ok(LoadedSource::default())
            };
        }
        let elsewhere = self.checkouts.claim(&source.repo_url, &source.path)?;
        let checkout = self.checkouts.of(Some(&source.target()))?;
        let part = AppSource {
            application: self,
            source,
            all,
            namespace,
            environment: self.environment(source, spec, &checkout),
            checkout,
            fetched: None,
        };
        let directory = part.checkout.path(&source.path)?;
        let merged = overridden(source, &directory, self.name())?;
        let source = merged.as_ref().unwrap_or(source);
        let part = AppSource { source, ..part };
        let mut loaded = part.load(&directory)?;
        part.checkout.sign(&directory, &mut loaded);
        self.remark(source, elsewhere, &mut loaded);
        Ok(loaded)
    }

    /// Returns the objects of a source whose chart is in a chart repository or a registry.
    fn fetched(
        &self,
        source: &ApplicationSource,
        all: &[&ApplicationSource],
        spec: &ApplicationSpec,
    ) -> Result<LoadedSource, String> {
        let rendering = self.options.rendering()?;
        let mut repository = match source.repo_url.contains("://") {
            true => source.repo_url.clone(),
            // Argo CD writes registries without the scheme.
            false => format!("oci://{}", source.repo_url),
        };
        let mut name = source.chart.clone();
        if source.is_artifact() {
            let address = repository.trim_end_matches('/');
            let (above, last) = address.rsplit_once('/').unwrap_or((address, ""));
            (repository, name) = (above.to_owned(), last.to_owned());
        }
        let reference = ChartReference {
            repository,
            name,
            version: match source.target_revision.as_str() {
                "*" | "HEAD" => String::new(),
                version => version.to_owned(),
            },
            digest: None,
        };
        let fetched = rendering.charts.get(&reference, rendering);
        let fetched = fetched.map_err(|why| match rendering.allow_remote {
            true => why,
            // The message is the same for all of them.
            false => format!("its chart is not available: {}", not_fetched(rendering)),
        })?;
        let checkout = self.checkouts.of(None)?;
        let part = AppSource {
            application: self,
            source,
            all,
            namespace: spec.destination.namespace.as_str(),
            environment: self.environment(source, spec, &checkout),
            checkout,
            fetched: Some(Arc::clone(&fetched)),
        };
        let mut loaded = part.chart(&fetched.directory)?;
        // The chart cannot be edited here.
        let (file, line) = self
            .found
            .place
            .rsplit_once(':')
            .unwrap_or((&self.found.place, ""));
        for manifest in &mut loaded.manifests {
            manifest.source_map = None;
            manifest.origin = Origin {
                rendered_by: manifest.origin.rendered_by.take(),
                ..Origin::file(file, 1, line.parse().unwrap_or(1))
            };
        }
        self.remark_settings(source, &mut loaded);
        Ok(loaded)
    }

    /// Returns the values of Argo CD's variables.
    fn environment(
        &self,
        source: &ApplicationSource,
        spec: &ApplicationSpec,
        checkout: &Checkout,
    ) -> Environment {
        let project = match spec.project.as_str() {
            "" => "default",
            project => project,
        };
        Environment {
            application: self.name().to_owned(),
            namespace: spec.destination.namespace.clone(),
            project: project.to_owned(),
            path: source.path.clone(),
            repository: source.repo_url.clone(),
            target: source.target_revision.clone(),
            revision: checkout.revision().map(str::to_owned),
        }
    }

    /// Warns if the files that were read are not those that Argo CD reads.
    fn remark(
        &self,
        source: &ApplicationSource,
        elsewhere: Option<String>,
        loaded: &mut LoadedSource,
    ) {
        let subject = format!("Application {}: ", self.name());
        let subject = self.found.subject(&subject);
        let mut warn = |message: String| {
            loaded.warning(&self.found.place, format!("{subject}{message}"));
        };
        if let Some(message) = elsewhere {
            warn(message);
        }
        if let Some(difference) = self.checkouts.difference(&source.target()) {
            warn(difference);
        }
        self.remark_settings(source, loaded);
    }

    /// Warns about settings of a source that are not supported.
    fn remark_settings(&self, source: &ApplicationSource, loaded: &mut LoadedSource) {
        let subject = format!("Application {}: ", self.name());
        let subject = self.found.subject(&subject);
        for setting in unread(&source.written, KNOWN) {
            let message = format!(
                "{subject}the setting {setting} of its source is not supported; its effect is not \
                 compared"
            );
            loaded.warning(&self.found.place, message);
        }
    }
}

impl AppSource<'_> {
    /// Reads a directory by the type in the Application, or else by the type that Argo CD infers
    /// from its files (`argo-cd/reposerver/repository`, `GetAppSourceType`).
    fn load(&self, directory: &Path) -> Result<LoadedSource, String> {
        let source = self.source;
        if source.plugin.is_some() {
            return Err(
                "its plugin is not run here: run it yourself and pipe its output into `driftctl \
                 diff -`"
                    .to_owned(),
            );
        }
        if source.helm.is_some() {
            return self.chart(directory);
        }
        if source.kustomize.is_some() {
            return self.kustomization(directory);
        }
        if source.directory.is_none() && directory.join(chart::FILE).is_file() {
            return self.chart(directory);
        }
        if source.directory.is_none() && has_file(directory) {
            return self.kustomization(directory);
        }
        let default = DirectorySource::default();
        self.plain(source.directory.as_ref().unwrap_or(&default), directory)
    }

    /// Reads plain manifests.
    fn plain(&self, options: &DirectorySource, directory: &Path) -> Result<LoadedSource, String> {
        let include = glob_or_none(&options.include)?;
        let exclude = glob_or_none(&options.exclude)?;
        let is_chosen = |below: &Path| {
            let below = below.to_string_lossy().replace('\\', "/");
            (options.recurse || !below.contains('/'))
                && exclude.as_ref().is_none_or(|glob| !glob.matches(&below))
                && include.as_ref().is_none_or(|glob| glob.matches(&below))
        };
        if let Some(file) = jsonnet(directory, &is_chosen) {
            return Err(format!(
                "jsonnet is not evaluated here, and {} is a jsonnet file: evaluate it yourself \
                 and pipe its output into `driftctl diff -`, or leave it out with \
                 directory.exclude",
                file.display()
            ));
        }
        let is_wanted = |found: &WalkEntry| {
            let WalkEntry::File {
                canonical, path, ..
            } = found
            else {
                return false;
            };
            is_chosen(canonical.strip_prefix(directory).unwrap_or(path))
        };
        let settings = self.application.options;
        let bounds = settings.bounds();
        let most = bounds.bytes;
        let (found, mut loaded) = found_on_disk(directory, &self.checkout.names, bounds);
        for file in found.iter().filter(|found| is_wanted(found)) {
            match file {
                WalkEntry::File {
                    name, canonical, ..
                } if is_marked(canonical) => {
                    loaded.skip(name, "it tells Argo CD to skip it");
                }
                file => {
                    let mut part = files::load_on_disk(file, most, settings.rendering.as_ref());
                    if self.application.options.untrusted {
                        part.distrust();
                    }
                    loaded.append(part);
                }
            }
        }
        Ok(loaded)
    }

    fn kustomization(&self, directory: &Path) -> Result<LoadedSource, String> {
        let rendering = self.application.options.rendering()?;
        let default = ArgoKustomize::default();
        let options = self.source.kustomize.as_ref().unwrap_or(&default);
        let components = options.components.iter().map(|component| {
            let found = directory.join(component).canonicalize();
            found.map_err(|_| format!("there is no component {component}"))
        });
        let components =
            components.filter(|found| found.is_ok() || !options.ignore_missing_components);
        let build = Build {
            over: over(options, directory)?,
            components: components.collect::<Result<_, _>>()?,
            within: Some(&self.checkout.within),
            ..Build::of(directory, &self.checkout.names)
        };
        let mut loaded = build.load(rendering);
        loaded.append(plan::report_unused(
            directory,
            &self.checkout.names,
            &self.checkout.within,
        ));
        Ok(loaded)
    }
}

/// Returns the settings, as fields of a kustomization.
fn over(options: &ArgoKustomize, directory: &Path) -> Result<Map<String, Value>, String> {
    if options.common_annotations_envsubst {
        return Err(
            "commonAnnotationsEnvsubst uses Argo CD's own variables, which are unknown here"
                .to_owned(),
        );
    }
    let mut fields = Map::new();
    for (field, value) in [
        ("namePrefix", &options.name_prefix),
        ("nameSuffix", &options.name_suffix),
        ("namespace", &options.namespace),
    ] {
        if !value.is_empty() {
            fields.insert(field.to_owned(), json!(value));
        }
    }
    if !options.images.is_empty() {
        let images: Vec<Value> = options.images.iter().map(|text| image(text)).collect();
        fields.insert("images".to_owned(), json!(images));
    }
    if !options.common_labels.is_empty() {
        let labels = json!([{
            "pairs": options.common_labels,
            "includeSelectors": !options.label_without_selector,
            "includeTemplates": options.label_include_templates,
        }]);
        fields.insert("labels".to_owned(), labels);
    }
    if !options.common_annotations.is_empty() {
        let annotations = json!(options.common_annotations);
        fields.insert("commonAnnotations".to_owned(), annotations);
    }
    if !options.replicas.is_empty() {
        let replicas = options.replicas.iter().map(counted);
        let replicas = replicas.collect::<Result<Vec<_>, _>>()?;
        fields.insert("replicas".to_owned(), json!(replicas));
    }
    if !options.patches.is_empty() {
        let patches = options
            .patches
            .iter()
            .map(|patch| inlined(patch, directory));
        let patches = patches.collect::<Result<Vec<_>, _>>()?;
        fields.insert("patches".to_owned(), json!(patches));
    }
    Ok(fields)
}

/// Converts an entry of `replicas`, whose count may be a string in Argo CD, so that templates can
/// fill it in.
fn counted(entry: &Value) -> Result<Value, String> {
    let mut entry = entry.clone();
    if let Some(text) = entry.get("count").and_then(Value::as_str) {
        let count: u32 = text
            .trim()
            .parse()
            .map_err(|_| "a count in its kustomize.replicas is not a number".to_owned())?;
        entry["count"] = json!(count);
    }
    Ok(entry)
}

/// Returns a patch with its file's text inlined: files are loaded only from below the overlay.
fn inlined(patch: &Value, directory: &Path) -> Result<Value, String> {
    let mut patch = patch.clone();
    let Some(path) = patch.get("path").and_then(Value::as_str).map(str::to_owned) else {
        return Ok(patch);
    };
    let file = directory.join(&path).canonicalize().ok();
    let file = file.filter(|file| file.starts_with(directory) && !is_of_git(file));
    let text = file
        .and_then(|file| read::file(&file).ok())
        .and_then(|bytes| yaml::decode(bytes).ok())
        .ok_or_else(|| format!("the patch {path} cannot be read"))?;
    if let Value::Object(fields) = &mut patch {
        fields.remove("path");
        fields.insert("patch".to_owned(), json!(text));
    }
    Ok(patch)
}

fn glob_or_none(pattern: &str) -> Result<Option<Glob>, String> {
    let parsed = (!pattern.is_empty()).then(|| pattern.parse());
    let parsed = parsed.transpose();
    parsed.map_err(|error: GlobError| format!("{pattern} is not a glob: {error}"))
}

/// Returns the first jsonnet file that Argo CD would evaluate. A `directory.jsonnet` field does not
/// mean that there is one, because Argo CD adds it to every directory.
fn jsonnet(directory: &Path, is_chosen: &dyn Fn(&Path) -> bool) -> Option<PathBuf> {
    let mut files = WalkDir::new(directory)
        .sort_by_file_name()
        .into_iter()
        .flatten()
        .filter(|file| file.path().extension().is_some_and(|e| e == "jsonnet"))
        .filter_map(|file| Some(file.path().strip_prefix(directory).ok()?.to_owned()));
    files.find(|below| is_chosen(below))
}

fn is_marked(file: &Path) -> bool {
    read::file(file).is_ok_and(|bytes| bytes.windows(SKIPPED.len()).any(|window| window == SKIPPED))
}
