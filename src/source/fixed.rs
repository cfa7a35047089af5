//! A source with given objects.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{LoadedSource, Source};
use crate::cluster::Live;
use crate::model::{Manifest, Origin};

/// A declared object. Several objects can have the same origin, if a template generates them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RenderedObject {
    origin: Origin,
    /// Its kind, namespace and name.
    names: [Option<String>; 3],
}

impl RenderedObject {
    /// Returns the object with this value and place.
    pub fn of(origin: &Origin, value: &Value) -> Self {
        let names = ["/kind", "/metadata/namespace", "/metadata/name"];
        let text = |pointer: &str| value.pointer(pointer)?.as_str().map(str::to_owned);
        Self {
            origin: origin.clone(),
            names: names.map(text),
        }
    }
}

/// The objects of another source, some of them as they would be after an edit.
pub struct FixedSource(LoadedSource);

impl FixedSource {
    /// Replaces the values of these objects.
    pub fn edited(mut loaded: LoadedSource, values: &BTreeMap<RenderedObject, Value>) -> Self {
        let origins = origins(values);
        for manifest in &mut loaded.manifests {
            if let Some(value) = of_manifest(manifest, values, &origins) {
                manifest.object = value.into();
                // Line numbers in the old text are wrong in the new one.
                manifest.source_map = None;
            }
        }
        Self(loaded)
    }

    /// Returns only these objects, without errors about others.
    pub fn only(mut loaded: LoadedSource, values: &BTreeMap<RenderedObject, Value>) -> Self {
        let origins = origins(values);
        let is_one = |manifest: &Manifest| of_manifest(manifest, values, &origins).is_some();
        loaded.manifests.retain(is_one);
        loaded.errors.clear();
        loaded.warnings.clear();
        loaded.skipped.clear();
        loaded.managed.clear();
        Self::edited(loaded, values)
    }
}

fn origins(values: &BTreeMap<RenderedObject, Value>) -> BTreeSet<&Origin> {
    values.keys().map(|declared| &declared.origin).collect()
}

/// Returns the new value of a manifest. Manifests are built only if their origin is among
/// `origins`.
fn of_manifest<'v>(
    manifest: &Manifest,
    values: &'v BTreeMap<RenderedObject, Value>,
    origins: &BTreeSet<&Origin>,
) -> Option<&'v Value> {
    let is_one = origins.contains(&manifest.origin);
    is_one.then(|| values.get(&RenderedObject::of(&manifest.origin, &manifest.value())))?
}

impl Source for FixedSource {
    fn load(&self, _: &dyn Live) -> LoadedSource {
        self.0.clone()
    }
}
