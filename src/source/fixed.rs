//! A source with known objects.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Loaded, Source};
use crate::cluster::Live;
use crate::model::{Manifest, Origin};

/// One declared object: several can have the same place, as templates generate them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Declared {
    origin: Origin,
    /// Its kind, namespace and name.
    names: [Option<String>; 3],
}

impl Declared {
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

/// What another source declares, with some objects as they would be after an edit.
pub struct Fixed(Loaded);

impl Fixed {
    /// Replaces these objects by these values.
    pub fn edited(mut loaded: Loaded, values: &BTreeMap<Declared, Value>) -> Self {
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

    /// Returns only these objects, without the errors of others.
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

/// Returns the new value of a manifest. Objects are built only if their place is among those.
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
