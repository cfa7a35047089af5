//! The objects, as text from which responses are built.

use std::collections::{BTreeMap, BTreeSet};

use hyper::body::Bytes;
use serde_json::Value;

use super::catalog::{Catalog, Resource};

/// Objects by namespace (empty for none) and name.
pub type Objects = BTreeMap<(String, String), Bytes>;

/// All objects of a cluster, and the served resources.
#[derive(Clone)]
pub struct Store {
    pub catalog: Catalog,
    /// The kinds of custom resources, by `apiVersion` and kind.
    custom: BTreeSet<(String, String)>,
    /// The objects, by `apiVersion` and kind. The text of an object is that of its item in a list,
    /// which has no `apiVersion` and `kind` in lists of built-in kinds.
    objects: BTreeMap<(String, String), Objects>,
}

impl Store {
    /// Returns a store of these objects. The kinds that they define are served.
    pub fn of(objects: &[Value]) -> Self {
        let definitions = objects
            .iter()
            .filter(|object| object["kind"] == "CustomResourceDefinition");
        let catalog = Catalog::with_definitions(definitions);
        let resources = catalog.resources.iter();
        let custom = resources
            .filter(|(_, resource)| resource.custom)
            .map(|((version, _), resource)| (version.clone(), resource.kind.clone()))
            .collect();
        let mut store = Self {
            catalog,
            custom,
            objects: BTreeMap::new(),
        };
        for object in objects {
            store.add(object.clone());
        }
        store
    }

    /// Adds an object of a served kind.
    pub fn add(&mut self, mut object: Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let kind = (text(&object["apiVersion"]), text(&object["kind"]));
        let metadata = &object["metadata"];
        let key = (text(&metadata["namespace"]), text(&metadata["name"]));
        if !self.custom.contains(&kind) {
            let fields = object.as_object_mut().unwrap();
            fields.remove("apiVersion");
            fields.remove("kind");
        }
        let of_kind = self.objects.entry(kind).or_default();
        of_kind.insert(key, Bytes::from(object.to_string()));
    }

    /// Removes an object.
    pub fn remove(&mut self, kind: &(String, String), key: &(String, String)) {
        if let Some(objects) = self.objects.get_mut(kind) {
            objects.remove(key);
        }
    }

    /// Returns the resource with this version and plural.
    pub fn resource(&self, version: &str, plural: &str) -> Option<&Resource> {
        let key = (version.to_owned(), plural.to_owned());
        self.catalog.resources.get(&key)
    }

    /// Returns the objects of a kind, by namespace and name.
    pub fn objects(&self, version: &str, kind: &str) -> Option<&Objects> {
        self.objects.get(&(version.to_owned(), kind.to_owned()))
    }
}

/// Returns an item with its version and kind, as a GET returns it.
pub fn whole(version: &str, resource: &Resource, item: &[u8]) -> Vec<u8> {
    if resource.custom {
        return item.to_vec();
    }
    let head = format!(r#"{{"kind":"{}","apiVersion":"{version}","#, resource.kind);
    [head.as_bytes(), item.get(1..).unwrap()].concat()
}
