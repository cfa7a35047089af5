//! Copies the shop of the fixtures as often as needed. The result is always the same: it does not
//! depend on chance or on the clock.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use driftctl::source::FilesSource;
use flate2::read::GzDecoder;
use serde_json::{Value, json};

/// The label whose value differs between the two sides of a drifted object.
const LABEL: &str = "release";

/// A declared object, and the same object as stored in a cluster.
pub struct Pair {
    declared: Value,
    live: Value,
}

/// Returns the folder of the fixtures.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Returns the shop's namespaced objects of these kinds that are unchanged since they were applied.
pub fn pairs(kinds: &[&str]) -> Vec<Pair> {
    let file = File::open(fixtures().join("driftbench/shop-csa-clean/live.json.gz")).unwrap();
    let mut recording: Value = serde_json::from_reader(GzDecoder::new(file)).unwrap();
    let objects = recording["items"].as_array_mut().unwrap();
    let mut live: HashMap<(String, String), Value> = objects
        .drain(..)
        .map(|object| (name_of(&object), object))
        .collect();
    let manifests = FilesSource::new([fixtures().join("shop/manifests")])
        .read()
        .manifests;
    manifests
        .iter()
        .filter(|manifest| kinds.contains(&manifest.kind.as_str()))
        .filter(|manifest| manifest.namespace.is_some())
        .filter_map(|manifest| {
            let declared = manifest.value();
            let live = live.remove(&name_of(&declared))?;
            Some(Pair { declared, live })
        })
        .collect()
}

fn name_of(object: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = &object["metadata"]["name"];
    (
        text(&object["kind"]),
        format!("{}/{}", text(&object["metadata"]["namespace"]), text(name)),
    )
}

impl Pair {
    /// Returns a copy with another name. One in fifty has drifted.
    pub fn copy(&self, namespace: &str, number: usize) -> (Value, Value) {
        let name = self.declared["metadata"]["name"].as_str().unwrap();
        let name = format!("{name}-{number:05}");
        let named = |object: &Value, release: &str| {
            let mut object = object.clone();
            object["metadata"]["name"] = json!(name);
            object["metadata"]["namespace"] = json!(namespace);
            object["metadata"]["labels"][LABEL] = json!(release);
            object
        };
        let declared = named(&self.declared, "1");
        let drifted = number.is_multiple_of(50);
        let mut live = named(&self.live, if drifted { "by-hand" } else { "1" });
        let applied = "kubectl.kubernetes.io/last-applied-configuration";
        live["metadata"]["annotations"][applied] = json!(declared.to_string());
        (declared, live)
    }
}

/// Returns copies that are spread over namespaces: declared and live objects in the same order.
pub fn copies(pairs: &[Pair], count: usize, namespaces: usize) -> (Vec<Value>, Vec<Value>) {
    (0..count)
        .map(|number| {
            let namespace = format!("shop-{:03}", number % namespaces);
            pairs[number / namespaces % pairs.len()].copy(&namespace, number)
        })
        .unzip()
}

/// Returns an object as a server stores it after it was applied: with the owner of its fields.
pub fn applied(object: &Value) -> Value {
    let mut stored = object.clone();
    stored["metadata"]["managedFields"] = json!([{
        "manager": "kubectl", "operation": "Apply", "apiVersion": object["apiVersion"],
        "time": "2026-01-01T10:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": {
            "f:metadata": {"f:labels": owned(&object["metadata"]["labels"])},
            "f:data": owned(&object["data"]), "f:spec": owned(&object["spec"]),
        },
    }]);
    stored
}

/// Returns the set of fields in a value, with lists as a whole.
fn owned(value: &Value) -> Value {
    let fields = value.as_object().into_iter().flatten();
    fields
        .map(|(name, value)| (format!("f:{name}"), owned(value)))
        .collect()
}

/// Writes manifests, fifty objects per file.
pub fn write_manifests(folder: &Path, declared: &[Value]) -> u64 {
    let mut bytes = 0;
    for (number, objects) in declared.chunks(50).enumerate() {
        let documents: Vec<String> = objects
            .iter()
            .map(|object| serde_yaml::to_string(object).unwrap())
            .collect();
        let text = documents.join("---\n");
        bytes += text.len() as u64;
        std::fs::write(folder.join(format!("{number:04}.yaml")), text).unwrap();
    }
    bytes
}

/// Returns a recording, as `kubectl get -o json` writes it.
pub fn recording(live: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": live}).to_string()
}
