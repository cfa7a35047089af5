//! Traces objects that kustomize built to their source files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::private::PrivateCopy;
use crate::model::{Manifest, ManifestStep, Origin};
use crate::source::objects::remove_annotation;
use crate::source::original::{OriginalPositions, likeness};
use crate::source::render::{FileNames, normal};
use crate::source::{LoadedSource, read, text};
use crate::yaml;

/// The annotation with an object's origin (`sigs.k8s.io/kustomize/api/internal/utils`,
/// `OriginAnnotationKey`).
const ORIGIN: &str = "config.kubernetes.io/origin";

/// The source files of a build, each read once.
pub(super) struct KustomizeSources<'s> {
    /// The directory that was built; paths of origins start there.
    built: &'s Path,
    /// The user's kustomization.
    root: &'s Path,
    names: &'s FileNames,
    /// The copy that was built instead of the user's files.
    private: &'s PrivateCopy,
    files: HashMap<PathBuf, Vec<Arc<Manifest>>>,
}

impl<'s> KustomizeSources<'s> {
    pub fn new(
        built: &'s Path,
        root: &'s Path,
        names: &'s FileNames,
        private: &'s PrivateCopy,
    ) -> Self {
        Self {
            built,
            root,
            names,
            private,
            files: HashMap::new(),
        }
    }

    /// Sets the origin of a manifest, and removes the annotation unless `keeps_annotation`.
    pub fn set_origin(&mut self, manifest: &mut Manifest, by: &str, keeps_annotation: bool) {
        let mut object = manifest.value();
        let annotation = object
            .pointer("/metadata/annotations")
            .and_then(|all| all.get(ORIGIN)?.as_str().map(str::to_owned));
        let origin = annotation.map_or(Value::Null, |text| {
            let document = yaml::parse(&text).documents.into_iter().next();
            document.map_or(Value::Null, |document| document.value)
        });
        if !keeps_annotation {
            remove_annotation(&mut object, ORIGIN);
            manifest.object = object.into();
        }
        let text = |field: &str| origin.get(field).and_then(Value::as_str);
        manifest.origin.rendered_by = Some(Arc::from(by));
        manifest.source_map = None;
        match (text("repo"), text("path"), text("configuredIn")) {
            (Some(repository), path, _) => {
                let reference = text("ref").map(|r| format!("?ref={r}")).unwrap_or_default();
                let path = path.unwrap_or_default();
                let name = format!("{repository}//{path}{reference}");
                self.place(manifest, name, 1, 1);
            }
            (None, Some(path), _) => self.in_file(manifest, path),
            (None, None, Some(path)) => self.generated(manifest, path),
            (None, None, None) => self.place(manifest, self.names.of(self.root), 1, 1),
        }
    }

    fn place(&self, manifest: &mut Manifest, name: String, document: usize, line: usize) {
        manifest.origin = Origin {
            file: Arc::from(name),
            document,
            line,
            ..manifest.origin.clone()
        };
    }

    /// Traces an object to a file, in its original or changed form.
    fn in_file(&mut self, manifest: &mut Manifest, path: &str) {
        let path = self.private.original(&normal(&self.built.join(path)));
        let name = self.names.of(&path);
        let written = self
            .objects(path, &name)
            .iter()
            .max_by_key(|written| likeness(written, manifest))
            .filter(|written| likeness(written, manifest).is_some())
            .cloned();
        let Some(written) = written else {
            return self.place(manifest, name, 1, 1);
        };
        self.place(manifest, name, written.origin.document, written.origin.line);
        manifest.source_map = Some(Arc::new(OriginalPositions {
            written,
            built: manifest.value(),
        }));
    }

    /// Traces a generated object to its generator.
    fn generated(&self, manifest: &mut Manifest, path: &str) {
        let path = self.private.original(&normal(&self.built.join(path)));
        let line = generator_line(&path, &manifest.kind, &manifest.name);
        self.place(manifest, self.names.of(&path), 1, line.unwrap_or(1));
    }

    fn objects(&mut self, path: PathBuf, name: &str) -> &[Arc<Manifest>] {
        self.files.entry(path).or_insert_with_key(|path| {
            let mut loaded = LoadedSource::default();
            if let Ok(bytes) = read::file(path) {
                text::load(name, bytes, || false, true, &mut loaded);
            }
            loaded.manifests.into_iter().map(Arc::new).collect()
        })
    }
}

/// Returns the line of the generator that generated an object.
fn generator_line(file: &Path, kind: &str, name: &str) -> Option<usize> {
    let field = match kind {
        "ConfigMap" => "configMapGenerator",
        "Secret" => "secretGenerator",
        _ => return None,
    };
    let text = yaml::decode(read::file(file).ok()?).ok()?;
    let document = yaml::parse(&text).documents.into_iter().next()?;
    let generators = document.value.get(field)?.as_array()?;
    let generated = |generator: &Value| {
        let generator = generator.get("name").and_then(Value::as_str);
        generator
            .filter(|generator| name.contains(generator))
            .map(str::len)
    };
    let named = generators.iter().map(generated).enumerate();
    let (index, _) = named.max_by_key(|(_, length)| *length)?;
    let steps = [
        ManifestStep::Field(field.to_owned()),
        ManifestStep::Index(index),
    ];
    Some(yaml::locate(&text, document.span, &steps)?.line)
}
