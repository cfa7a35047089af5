//! One source of an Application: a directory of manifests, a kustomization or a chart.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use walkdir::WalkDir;

use super::Application;
use super::glob::glob;
use super::spec::{Directory, Helm, Kustomize, Source};
use crate::source::chart::{self, Chart, ChartOptions};
use crate::source::gitops::image;
use crate::source::kustomize::{Build, has_file};
use crate::source::walk::Found;
use crate::source::{Loaded, files, read};
use crate::yaml;

/// What keeps a file from being read (`argo-cd/reposerver/repository`).
const SKIPPED: &[u8] = b"+argocd:skip-file-rendering";

impl Application<'_> {
    /// What a source declares.
    ///
    /// # Errors
    /// When it cannot be read at all.
    pub(super) fn source(
        &self,
        source: &Source,
        all: &[&Source],
        namespace: &str,
    ) -> Result<Loaded, String> {
        if !source.chart.is_empty() {
            return Err(format!(
                "its chart {} lies in a registry and not in this repository, so that it cannot be \
                 rendered here: compare the release, or render it and pipe it into `driftctl \
                 diff -`",
                source.chart
            ));
        }
        if source.path.is_empty() {
            // It is there for its files alone, which another source names.
            return if source.reference.is_empty() {
                Err("a source names no path".to_owned())
            } else {
                Ok(Loaded::default())
            };
        }
        let directory = self.repository.path(&source.path)?;
        let mut loaded = self.of_directory(source, &directory, all, namespace)?;
        if self.repository.is_at(&source.repo_url) == Some(false) {
            let message = format!(
                "Application {}: {} is not where this repository is fetched from; its {} is taken \
                 for the one that is meant",
                self.name(),
                without_user(&source.repo_url),
                source.path
            );
            loaded.warning(&self.found.place, message);
        }
        Ok(loaded)
    }

    /// Argo CD goes by what the Application says, and else by the files
    /// (`argo-cd/reposerver/repository`, `GetAppSourceType`).
    fn of_directory(
        &self,
        source: &Source,
        directory: &Path,
        all: &[&Source],
        namespace: &str,
    ) -> Result<Loaded, String> {
        if source.plugin.is_some() {
            return Err(
                "its plugin is not run here: run it yourself and pipe what it prints \
                        into `driftctl diff -`"
                    .to_owned(),
            );
        }
        if source.helm.is_some() {
            return self.chart(source, directory, all, namespace);
        }
        if source.kustomize.is_some() {
            return self.kustomization(source, directory);
        }
        if source.directory.is_none() && directory.join(chart::FILE).is_file() {
            return self.chart(source, directory, all, namespace);
        }
        if source.directory.is_none() && has_file(directory) {
            return self.kustomization(source, directory);
        }
        let default = Directory::default();
        self.plain(source.directory.as_ref().unwrap_or(&default), directory)
    }

    /// Manifests as they lie.
    fn plain(&self, options: &Directory, directory: &Path) -> Result<Loaded, String> {
        if options.jsonnet.is_some() || has_jsonnet(directory, options.recurse) {
            return Err("jsonnet is not evaluated here".to_owned());
        }
        let include = glob_or_none(&options.include)?;
        let exclude = glob_or_none(&options.exclude)?;
        let is_wanted = |found: &Found| {
            let Found::File {
                canonical, path, ..
            } = found
            else {
                return false;
            };
            let below = canonical.strip_prefix(directory).unwrap_or(path);
            let below = below.to_string_lossy().replace('\\', "/");
            (options.recurse || !below.contains('/'))
                && exclude.as_ref().is_none_or(|glob| !glob.is_match(&below))
                && include.as_ref().is_none_or(|glob| glob.is_match(&below))
        };
        let (found, mut loaded) = files::found_on_disk(Path::new(&self.names.of(directory)));
        for file in found.iter().filter(|found| is_wanted(found)) {
            match file {
                Found::File { name, path, .. } if is_marked(path) => {
                    loaded.skip(name, "it says that Argo CD is not to read it");
                }
                file => loaded.append(files::load_on_disk(file)),
            }
        }
        Ok(loaded)
    }

    fn kustomization(&self, source: &Source, directory: &Path) -> Result<Loaded, String> {
        let rendering = self.options.rendering()?;
        let default = Kustomize::default();
        let options = source.kustomize.as_ref().unwrap_or(&default);
        let components = options.components.iter().map(|component| {
            let found = directory.join(component).canonicalize();
            found.map_err(|_| format!("there is no component {component}"))
        });
        let build = Build {
            over: over(options, directory)?,
            components: components.collect::<Result<_, _>>()?,
            within: Some(&self.repository.root),
            ..Build::of(directory, self.names)
        };
        Ok(build.load(rendering))
    }

    fn chart(
        &self,
        source: &Source,
        directory: &Path,
        all: &[&Source],
        namespace: &str,
    ) -> Result<Loaded, String> {
        let rendering = self.options.rendering()?;
        let default = Helm::default();
        let helm = source.helm.as_ref().unwrap_or(&default);
        let or = |first: &str, second: &str| {
            let chosen = if first.is_empty() { second } else { first };
            (!chosen.is_empty()).then(|| chosen.to_owned())
        };
        let mut set = Vec::new();
        for parameter in &helm.parameters {
            let flag = if parameter.force_string {
                "--set-string"
            } else {
                "--set"
            };
            let value = escaped(&parameter.value);
            set.push((flag.to_owned(), format!("{}={value}", parameter.name)));
        }
        for parameter in &helm.file_parameters {
            let file = self.file(&parameter.path, directory, all)?;
            let value = format!("{}={}", parameter.name, file.display());
            set.push(("--set-file".to_owned(), value));
        }
        let options = ChartOptions {
            values: self.value_files(helm, directory, all)?,
            set,
            release: or(&helm.release_name, self.name()),
            namespace: or(&helm.namespace, namespace),
        };
        let inline = inline_values(helm)?;
        let chart = Chart {
            directory,
            names: self.names,
            options: &options,
            inline: inline.as_ref(),
            with_crds: !helm.skip_crds,
        };
        Ok(chart.load(rendering))
    }

    fn value_files(
        &self,
        helm: &Helm,
        directory: &Path,
        all: &[&Source],
    ) -> Result<Vec<PathBuf>, String> {
        let mut files = Vec::new();
        for file in &helm.value_files {
            match self.file(file, directory, all) {
                Ok(file) => files.push(file),
                Err(_) if helm.ignore_missing_value_files => {}
                Err(message) => return Err(message),
            }
        }
        Ok(files)
    }

    /// A file that a chart's settings name: below the chart, from the root of the repository
    /// (`/a`), or from that of another source (`$ref/a`).
    fn file(&self, path: &str, directory: &Path, all: &[&Source]) -> Result<PathBuf, String> {
        if let Some(rest) = path.strip_prefix('$') {
            let (reference, below) = rest.split_once('/').unwrap_or((rest, ""));
            if !all.iter().any(|source| source.reference == reference) {
                return Err(format!(
                    "no source has the ref {reference}, which {path} names"
                ));
            }
            return self.repository.path(below);
        }
        if path.contains("://") {
            return Err(format!("{path} is on another machine, and is not fetched"));
        }
        if path.starts_with('/') {
            return self.repository.path(path);
        }
        let file = directory.join(path);
        let below = file.strip_prefix(&self.repository.root).unwrap_or(&file);
        self.repository.path(&below.to_string_lossy())
    }
}

/// The settings, as fields of a kustomization.
fn over(options: &Kustomize, directory: &Path) -> Result<Map<String, Value>, String> {
    if options.common_annotations_envsubst {
        return Err(
            "commonAnnotationsEnvsubst takes variables of Argo CD's own, which are not \
                    known here"
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
        fields.insert("replicas".to_owned(), json!(options.replicas));
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

/// A patch with its file's text in it: files are loaded from below the overlay only.
fn inlined(patch: &Value, directory: &Path) -> Result<Value, String> {
    let mut patch = patch.clone();
    let Some(path) = patch.get("path").and_then(Value::as_str).map(str::to_owned) else {
        return Ok(patch);
    };
    let file = directory.join(&path).canonicalize().ok();
    let file = file.filter(|file| file.starts_with(directory));
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

/// `valuesObject`, or else `values`, which is YAML as text.
fn inline_values(helm: &Helm) -> Result<Option<Value>, String> {
    if let Some(values) = &helm.values_object {
        return Ok(Some(values.clone()));
    }
    if helm.values.trim().is_empty() {
        return Ok(None);
    }
    let parsed = yaml::parse(&helm.values);
    if parsed.problems.iter().any(|problem| problem.fatal) {
        return Err("helm.values is not YAML".to_owned());
    }
    Ok(parsed.documents.into_iter().next().map(|first| first.value))
}

/// Commas separate settings, save in lists (`argo-cd/util/helm`, `cleanSetParameters`).
fn escaped(value: &str) -> String {
    if value.starts_with('{') && value.ends_with('}') {
        return value.to_owned();
    }
    let mut escaped = String::with_capacity(value.len());
    let mut before = ' ';
    for c in value.chars() {
        if c == ',' && before != '\\' {
            escaped.push('\\');
        }
        escaped.push(c);
        before = c;
    }
    escaped
}

fn glob_or_none(pattern: &str) -> Result<Option<regex::Regex>, String> {
    (!pattern.is_empty()).then(|| glob(pattern)).transpose()
}

fn has_jsonnet(directory: &Path, recurse: bool) -> bool {
    let depth = if recurse { usize::MAX } else { 1 };
    let mut files = WalkDir::new(directory)
        .max_depth(depth)
        .into_iter()
        .flatten();
    files.any(|file| file.path().extension().is_some_and(|e| e == "jsonnet"))
}

fn is_marked(file: &Path) -> bool {
    read::file(file).is_ok_and(|bytes| bytes.windows(SKIPPED.len()).any(|window| window == SKIPPED))
}

/// An address without a user's name and password.
fn without_user(address: &str) -> String {
    match address.split_once("://") {
        Some((scheme, rest)) => {
            let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
            format!("{scheme}://{rest}")
        }
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_are_escaped_but_in_lists() {
        assert_eq!(escaped("a,b"), "a\\,b");
        assert_eq!(escaped("a\\,b"), "a\\,b");
        assert_eq!(escaped("{a,b}"), "{a,b}");
    }

    #[test]
    fn no_password_is_shown() {
        assert_eq!(without_user("https://u:p@h/a"), "https://h/a");
        assert_eq!(without_user("git@h:a"), "git@h:a");
    }
}
