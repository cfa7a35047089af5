//! Manifests and recordings for the tests of several stages.

use std::fs;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::cluster::Dump;
use crate::model::{Manifest, Origin};

/// Returns a ConfigMap in the namespace `shop`.
pub fn config_map(name: &str, data: Value) -> Value {
    let metadata = json!({"name": name, "namespace": "shop"});
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
}

/// Returns manifests of these objects. Each is the next document of `shop.yaml`, at line ten times
/// its number.
pub fn manifests(objects: &[Value]) -> Vec<Arc<Manifest>> {
    let of_object = |(number, object): (usize, &Value)| {
        let text = |pointer: &str| Some(object.pointer(pointer)?.as_str()?.to_owned());
        Arc::new(Manifest {
            api_version: text("/apiVersion").unwrap(),
            kind: text("/kind").unwrap(),
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name").unwrap(),
            object: object.clone().into(),
            origin: Origin::file("shop.yaml", number, 10 * number),
            source_map: None,
        })
    };
    (1..).zip(objects).map(of_object).collect()
}

/// Returns a recording of these objects.
pub fn recording(objects: &[Value]) -> Dump {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.json");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    fs::write(&path, list.to_string()).unwrap();
    Dump::read(&[path]).unwrap()
}
