//! Renders the chart of a HelmRelease.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::NamedRelease;
use super::values::DeclaredValues;
use crate::model::{Manifest, Origin};
use crate::source::chart::{Capabilities, Chart, Inline, lay_over, values_of_files};
use crate::source::checkout::Checkout;
use crate::source::flux::{self, ReleaseSpec};
use crate::source::kustomize::Build;
use crate::source::of_git::beside_chart;
use crate::source::original::{OriginalPositions, likeness};
use crate::source::render::{ChartOptions, FetchedChart, FileNames, Rendering, workspace, write};
use crate::source::{LoadedSource, ManagedObjects};

/// A chart, and where it is.
pub(super) enum ChartLocation {
    /// In this repository.
    Here(PathBuf, Arc<Checkout>),
    /// Fetched.
    Fetched(Arc<FetchedChart>),
}

impl ChartLocation {
    fn directory(&self) -> &Path {
        match self {
            Self::Here(directory, _) => directory,
            Self::Fetched(fetched) => &fetched.directory,
        }
    }

    fn names(&self) -> &FileNames {
        match self {
            Self::Here(_, checkout) => &checkout.names,
            Self::Fetched(fetched) => &fetched.names,
        }
    }
}

/// Renders a HelmRelease.
pub(super) struct ReleaseRenderer<'w> {
    pub release: &'w NamedRelease,
    pub values: &'w DeclaredValues,
    pub rendering: &'w Rendering,
    pub capabilities: &'w Capabilities,
}

impl ReleaseRenderer<'_> {
    /// Returns the objects that the chart renders to with these values.
    ///
    /// # Errors
    /// Fails if it cannot be rendered at all.
    pub fn load(&self, at: &ChartLocation, files: &[PathBuf]) -> Result<LoadedSource, String> {
        let Self {
            release, rendering, ..
        } = self;
        let spec = &release.spec;
        if rendering.untrusted {
            beside_chart(at.directory())?;
        }
        let defaults = match files {
            [] => None,
            files => Some(values_of_files(files)?),
        };
        let options = ChartOptions {
            release: Some(release.release.clone()),
            namespace: Some(release.namespace().to_owned()),
            ..ChartOptions::default()
        };
        let capabilities = Capabilities {
            // Flux does not use the namespace of the context.
            namespace: None,
            ..self.capabilities.clone()
        };
        let chart = Chart {
            directory: at.directory(),
            names: at.names(),
            options: &options,
            capabilities: &capabilities,
            inline: Inline {
                own: Some(&self.values.own),
                other: self.values.has_secrets().then_some(&self.values.other),
                defaults: defaults.as_ref(),
            },
            with_crds: spec.updates_crds(),
        };
        let mut loaded = chart.load(rendering);
        for renderer in spec.post_renderers() {
            loaded.manifests = post_rendered(&loaded.manifests, renderer, rendering)
                .map_err(|message| format!("its postRenderers: {message}"))?;
        }
        match at {
            ChartLocation::Here(directory, checkout) => checkout.sign(directory, &mut loaded),
            ChartLocation::Fetched(_) => loaded
                .manifests
                .iter_mut()
                .for_each(|manifest| self.place(manifest)),
        }
        self.mark(spec, &mut loaded);
        loaded.managed.push(ManagedObjects::Helm {
            release: release.release.clone(),
            namespace: release.namespace().to_owned(),
        });
        Ok(loaded)
    }

    /// Sets the origin of an object of a remote chart to its HelmRelease, because the chart cannot
    /// be edited here.
    fn place(&self, manifest: &mut Manifest) {
        let own = &self.release.manifest.origin;
        manifest.source_map = None;
        manifest.origin = Origin {
            rendered_by: manifest.origin.rendered_by.take(),
            ..own.clone()
        };
    }

    /// Adds the metadata that Flux sets on every object of a release.
    fn mark(&self, spec: &ReleaseSpec, loaded: &mut LoadedSource) {
        let found = &self.release.found;
        let group = "helm.toolkit.fluxcd.io";
        let mut labels: Map<String, Value> = Map::new();
        for (key, value) in &spec.common_metadata.labels {
            labels.insert(key.clone(), json!(value));
        }
        for field in ["name", "namespace"] {
            labels.insert(format!("{group}/{field}"), json!(found.metadata(field)));
        }
        let annotations = spec.common_metadata.annotations.iter();
        let annotations: Map<String, Value> = annotations
            .map(|(key, value)| (key.clone(), json!(value)))
            .collect();
        for manifest in &mut loaded.manifests {
            let mut object = manifest.value();
            let mut metadata = json!({"labels": labels});
            if !annotations.is_empty() {
                metadata["annotations"] = json!(annotations);
            }
            lay_over(&mut object, json!({"metadata": metadata}));
            manifest.object = object.into();
            let namespace = || self.release.namespace().to_owned();
            manifest.namespace.get_or_insert_with(namespace);
            let by = manifest.origin.rendered_by.take();
            let by = by.map_or_else(String::new, |by| format!("{by} for "));
            let by = format!("{by}HelmRelease {}", self.release.name);
            manifest.origin.rendered_by = Some(by.into());
        }
    }
}

/// Applies the fields of a kustomization to objects.
fn post_rendered(
    manifests: &[Manifest],
    over: Map<String, Value>,
    rendering: &Rendering,
) -> Result<Vec<Manifest>, String> {
    if manifests.is_empty() {
        return Ok(Vec::new());
    }
    let workspace = workspace()?;
    let file = workspace.path().join("objects.yaml");
    // JSON is YAML.
    let objects: Vec<String> = manifests.iter().map(|m| m.value().to_string()).collect();
    write(&file, &objects.join("\n---\n"))?;
    let names = FileNames::default();
    let build = Build {
        directories: Vec::new(),
        files: vec![file],
        over,
        load_outside: true,
        ..Build::of(workspace.path(), &names)
    };
    let built = build.load(rendering);
    if let Some(error) = built.errors.into_iter().next() {
        return Err(error.message);
    }
    let written: Vec<Arc<Manifest>> = manifests.iter().cloned().map(Arc::new).collect();
    let back = |mut manifest: Manifest| {
        let alike = written.iter().filter_map(|written| {
            let likeness = likeness(written, &manifest)?;
            Some((likeness, written))
        });
        if let Some((_, written)) = alike.max_by_key(|(likeness, _)| *likeness) {
            manifest.origin = written.origin.clone();
            manifest.source_map = Some(Arc::new(OriginalPositions {
                written: Arc::clone(written),
                built: manifest.value(),
            }));
        }
        manifest
    };
    Ok(built.manifests.into_iter().map(back).collect())
}

/// Returns the files in a fetched chart that replace its values.
pub(super) fn files_in(at: &ChartLocation, files: &[String]) -> Result<Vec<PathBuf>, String> {
    flux::values_in(at.directory(), files)
}
