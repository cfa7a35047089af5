//! ConfigMaps and Secrets that other objects take values from: declared ones first, then those in
//! the cluster.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cluster::Live;
use crate::model::Manifest;

/// The ConfigMaps and Secrets that a run declares.
#[derive(Debug, Default)]
pub(in crate::source) struct DeclaredConfig(BTreeMap<(String, String, String), Value>);

impl DeclaredConfig {
    /// Records the ConfigMaps and Secrets among manifests.
    pub fn take(&mut self, manifests: &[Manifest]) {
        for manifest in manifests.iter().filter(|manifest| holds_values(manifest)) {
            let namespace = manifest.namespace.clone().unwrap_or_default();
            let key = (manifest.kind.clone(), namespace, manifest.name.clone());
            self.0.insert(key, manifest.value());
        }
    }

    /// Returns whether a ConfigMap or Secret is declared.
    pub fn has(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let key = (kind.to_owned(), namespace.to_owned(), name.to_owned());
        self.0.contains_key(&key)
    }
}

fn holds_values(manifest: &Manifest) -> bool {
    manifest.api_version == "v1" && matches!(&*manifest.kind, "ConfigMap" | "Secret")
}

/// Looks up ConfigMaps and Secrets.
#[derive(Clone, Copy)]
pub(in crate::source) struct Values<'a> {
    /// The live side, unless the caller is not trusted with it.
    pub live: Option<&'a dyn Live>,
    /// The declared objects.
    pub declared: &'a DeclaredConfig,
}

impl Values<'_> {
    /// Returns the ConfigMap or Secret that this run declares.
    pub fn declared(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        let key = (kind.to_owned(), namespace.to_owned(), name.to_owned());
        self.declared.0.get(&key).cloned()
    }

    /// Returns the live ConfigMaps or Secrets in a namespace.
    pub fn all_live(&self, kind: &str, namespace: &str) -> Vec<Value> {
        let related = |live: &dyn Live| live.related("v1", kind, namespace);
        self.live.and_then(related).unwrap_or_default()
    }

    /// Returns a live ConfigMap or Secret.
    pub fn live(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        let objects = self.all_live(kind, namespace);
        let is_named = |object: &Value| {
            let found = object.pointer("/metadata/name");
            found.is_some_and(|found| found == name)
        };
        objects.into_iter().find(is_named)
    }
}
