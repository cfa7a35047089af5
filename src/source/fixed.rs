//! A source whose objects are known already.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Loaded, Source};
use crate::cluster::Live;
use crate::model::{Manifest, Origin};

/// One declared object among all: several can be at one place, as templates make them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Declared {
    origin: Origin,
    /// Its kind, namespace and name.
    names: [Option<String>; 3],
}

impl Declared {
    /// Returns the object of this value that was read at a place.
    pub fn of(origin: &Origin, value: &Value) -> Self {
        let names = ["/kind", "/metadata/namespace", "/metadata/name"];
        let text = |pointer: &str| value.pointer(pointer)?.as_str().map(str::to_owned);
        Self {
            origin: origin.clone(),
            names: names.map(text),
        }
    }
}

/// What another source declares, with some objects as they would be after an edit.
pub struct Fixed(Loaded);

impl Fixed {
    /// Replaces these objects by these values.
    pub fn edited(mut loaded: Loaded, values: &BTreeMap<Declared, Value>) -> Self {
        let origins = origins(values);
        for manifest in &mut loaded.manifests {
            if let Some(value) = of_manifest(manifest, values, &origins) {
                manifest.object = value.into();
                // Lines in the text as it was lead nowhere in the text as it would be.
                manifest.source_map = None;
            }
        }
        Self(loaded)
    }

    /// Returns the same with these objects only, and nothing of what is wrong with others.
    pub fn only(mut loaded: Loaded, values: &BTreeMap<Declared, Value>) -> Self {
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

fn origins(values: &BTreeMap<Declared, Value>) -> BTreeSet<&Origin> {
    values.keys().map(|declared| &declared.origin).collect()
}

/// Returns the value that a manifest gets. Objects are built again only where their place is one of
/// those.
fn of_manifest<'v>(
    manifest: &Manifest,
    values: &'v BTreeMap<Declared, Value>,
    origins: &BTreeSet<&Origin>,
) -> Option<&'v Value> {
    let is_one = origins.contains(&manifest.origin);
    is_one.then(|| values.get(&Declared::of(&manifest.origin, &manifest.value())))?
}

impl Source for Fixed {
    fn load(&self, _: &dyn Live) -> Loaded {
        self.0.clone()
    }
}
