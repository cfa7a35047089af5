//! Reads the objects in a Kustomization's path, before variables are substituted.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::FluxKustomization;
use super::spec::KustomizationSpec;
use crate::source::kustomize::{self, Build};
use crate::source::walk::{self, Bounds};
use crate::source::{LoadedSource, files, plan};

impl FluxKustomization<'_> {
    /// Reads the directory, or builds it: Flux generates a kustomization of all files if there is
    /// none (`fluxcd/pkg/kustomize`, `Generator`).
    pub(super) fn built(
        &self,
        spec: &KustomizationSpec,
        directory: &Path,
        loaded: &mut LoadedSource,
    ) -> Result<(), String> {
        let over = over(spec);
        let components = components(spec, directory)?;
        let names = &self.checkout.names;
        let absent = |file: &Path| {
            let by = self.left_out(file)?;
            let name = names.of(file);
            Some(format!(
                "{name} is needed here, and Flux does not fetch it: {by} leaves it out"
            ))
        };
        let build = |directories, files, over, components| Build {
            absent: Some(&absent),
            ..self.build(directories, files, over, components)
        };
        if self.is_kustomization(directory) {
            let build = build(vec![directory.to_owned()], Vec::new(), over, components);
            loaded.append(build.load(self.options.rendering()?));
            loaded.append(plan::report_unused(directory, names, &self.checkout.within));
            return Ok(());
        }
        let bounds = Bounds {
            no_links: self
                .left_out
                .as_ref()
                .map(|_| "a link, which Flux does not fetch"),
            ..self.options.bounds()
        };
        let most = bounds.bytes;
        let (mut found, walked) = walk::found_on_disk(directory, names, bounds);
        loaded.append(walked);
        let first = loaded.skipped.len();
        found.retain(|file| self.reads(file, loaded));
        if let (true, Some(left_out)) = (found.is_empty(), loaded.skipped.get(first)) {
            let (path, file) = (names.of(directory), &left_out.place);
            let why = &left_out.message;
            return Err(format!("Flux reads no files in {path}; {file}: {why}"));
        }
        let (directories, raw) = self.split(found);
        for directory in &directories {
            loaded.append(plan::report_unused(directory, names, &self.checkout.within));
        }
        if over.is_empty() && components.is_empty() {
            for file in &raw {
                let mut part = files::load_open(file, most, self.options.rendering.as_ref());
                if self.options.untrusted {
                    part.distrust();
                }
                loaded.append(part);
            }
            for directory in directories {
                let build = build(vec![directory], Vec::new(), Map::new(), Vec::new());
                loaded.append(build.load(self.options.rendering()?));
            }
            return Ok(());
        }
        let mut files = Vec::new();
        for file in &raw {
            let mut part = files::load_open(file, most, self.options.rendering.as_ref());
            if let (walk::WalkEntry::File { canonical, .. }, false) =
                (file, part.manifests.is_empty())
            {
                files.push(canonical.clone());
            }
            part.manifests.clear();
            loaded.append(part);
        }
        let build = build(directories, files, over, components);
        loaded.append(build.load(self.options.rendering()?));
        Ok(())
    }

    /// Returns whether a directory has a kustomization that Flux fetches.
    fn is_kustomization(&self, directory: &Path) -> bool {
        kustomize::file_in(directory).is_some_and(|file| self.left_out(&file).is_none())
    }

    /// Returns the rule by which Flux does not fetch a file.
    fn left_out(&self, file: &Path) -> Option<String> {
        self.left_out.as_ref()?.why(file)
    }

    /// Returns whether Flux reads a file if it generates the kustomization.
    fn reads(&self, file: &walk::WalkEntry, loaded: &mut LoadedSource) -> bool {
        let walk::WalkEntry::File {
            name, canonical, ..
        } = file
        else {
            return true;
        };
        let reason = if let Some(by) = self.left_out(canonical) {
            format!("Flux does not fetch it: {by} leaves it out")
        } else if canonical.extension() == Some(OsStr::new("json")) {
            "Flux reads it only if a kustomization names it".to_owned()
        } else {
            return true;
        };
        loaded.skip(name, reason);
        false
    }

    /// Returns the outermost directories with a kustomization, and the files outside them.
    fn split(&self, found: Vec<walk::WalkEntry>) -> (Vec<PathBuf>, Vec<walk::WalkEntry>) {
        let parent = |file: &walk::WalkEntry| match file {
            walk::WalkEntry::File { canonical, .. } => canonical.parent().map(Path::to_owned),
            _ => None,
        };
        let all: BTreeSet<PathBuf> = found
            .iter()
            .filter_map(parent)
            .filter(|directory| self.is_kustomization(directory))
            .collect();
        let is_below = |path: &Path| all.iter().any(|other| path.starts_with(other));
        let outermost = all
            .iter()
            .filter(|directory| directory.parent().is_none_or(|parent| !is_below(parent)));
        let outermost = outermost.cloned().collect();
        let raw = found
            .into_iter()
            .filter(|file| parent(file).is_some_and(|parent| !is_below(&parent)));
        (outermost, raw.collect())
    }

    fn build<'b>(
        &'b self,
        directories: Vec<PathBuf>,
        files: Vec<PathBuf>,
        over: Map<String, Value>,
        components: Vec<PathBuf>,
    ) -> Build<'b> {
        Build {
            directories,
            files,
            names: &self.checkout.names,
            over,
            components,
            within: Some(&self.checkout.within),
            // Flux loads files from anywhere in its source.
            absent: None,
            load_outside: true,
            is_open: true,
        }
    }
}

/// Returns the component directories.
fn components(spec: &KustomizationSpec, directory: &Path) -> Result<Vec<PathBuf>, String> {
    let mut components = Vec::new();
    for component in &spec.components {
        match directory.join(component).canonicalize() {
            Ok(path) => components.push(path),
            Err(_) if spec.ignore_missing_components => {}
            Err(_) => return Err(format!("there is no component {component}")),
        }
    }
    Ok(components)
}

/// Returns the settings, as fields of a kustomization.
fn over(spec: &KustomizationSpec) -> Map<String, Value> {
    let mut fields = Map::new();
    for (field, value) in [
        ("namespace", &spec.target_namespace),
        ("namePrefix", &spec.name_prefix),
        ("nameSuffix", &spec.name_suffix),
    ] {
        if !value.is_empty() {
            fields.insert(field.to_owned(), json!(value));
        }
    }
    if !spec.images.is_empty() {
        fields.insert("images".to_owned(), json!(spec.images));
    }
    if !spec.patches.is_empty() {
        // Flux supports only these; kustomize would load files as well.
        let known = |patch: &Value| {
            let fields = ["patch", "target"].into_iter();
            let fields =
                fields.filter_map(|field| Some((field.to_owned(), patch.get(field)?.clone())));
            Value::Object(fields.collect())
        };
        let patches: Vec<Value> = spec.patches.iter().map(known).collect();
        fields.insert("patches".to_owned(), json!(patches));
    }
    fields
}
