//! Reads the configurations that `kubectl apply` last applied, from annotations on live objects.

use std::sync::Arc;

use serde_json::Value;

use super::{LoadedSource, Source};
use crate::cluster::{Live, Query, ServedKind};
use crate::model::{Manifest, Origin};
use crate::ownership::LAST_APPLIED;

/// The last applied configurations of live objects, for a cluster whose manifests are not
/// available. Objects that were applied server-side, or created, have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastApplied {
    namespace: Option<String>,
}

/// Kinds with many objects that nobody applies.
const LEFT_OUT: &[(&str, &str)] = &[
    ("v1", "Endpoints"),
    ("v1", "Event"),
    ("apps/v1", "ControllerRevision"),
    ("coordination.k8s.io/v1", "Lease"),
    ("discovery.k8s.io/v1", "EndpointSlice"),
    ("events.k8s.io/v1", "Event"),
];

impl LastApplied {
    /// Returns the objects of a namespace, or with `*` of all namespaces, including cluster-scoped
    /// ones.
    ///
    /// # Errors
    /// Fails if the argument is not a namespace.
    pub fn named(word: &str) -> Result<Self, String> {
        let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if word != "*" && (word.is_empty() || !word.chars().all(is_part)) {
            return Err(format!(
                "last-applied:{word} does not name a namespace; write last-applied:NAMESPACE or \
                 'last-applied:*'"
            ));
        }
        Ok(Self {
            namespace: (word != "*").then(|| word.to_owned()),
        })
    }

    fn place(&self) -> String {
        format!("last-applied:{}", self.namespace.as_deref().unwrap_or("*"))
    }

    fn wants(&self, kind: &ServedKind) -> bool {
        let left_out = LEFT_OUT.contains(&(kind.api_version.as_str(), kind.kind.as_str()));
        !left_out && (kind.namespaced || self.namespace.is_none())
    }
}

impl Source for LastApplied {
    fn load(&self, live: &dyn Live) -> LoadedSource {
        let mut loaded = LoadedSource::default();
        let (kinds, gaps) = live.kinds();
        for why in gaps {
            let message = format!("not every kind could be searched: {why}");
            loaded.error(self.place(), message);
        }
        for kind in kinds.iter().filter(|kind| self.wants(kind)) {
            let objects = live.list(&Query {
                api_version: &kind.api_version,
                kind: &kind.kind,
                namespace: self.namespace.as_deref(),
                labels: &[],
                metadata_only: true,
            });
            match objects {
                Ok(objects) => {
                    for object in &objects {
                        take(kind, object, &mut loaded);
                    }
                }
                Err(why) => loaded.error(
                    self.place(),
                    format!("{} could not be listed: {why}", kind.kind),
                ),
            }
        }
        loaded
    }
}

/// Adds the configuration that was last applied to a live object, if any.
fn take(kind: &ServedKind, object: &Value, loaded: &mut LoadedSource) {
    let metadata = |field: &str| {
        let value = object
            .get("metadata")
            .and_then(|metadata| metadata.get(field));
        value.and_then(Value::as_str)
    };
    let annotations = object.pointer("/metadata/annotations");
    let applied = annotations.and_then(|annotations| annotations.get(LAST_APPLIED)?.as_str());
    let (Some(applied), Some(name)) = (applied, metadata("name")) else {
        return;
    };
    let namespace = metadata("namespace");
    let place = match namespace {
        Some(namespace) => format!("last-applied:{namespace}/{}/{name}", kind.kind),
        None => format!("last-applied:{}/{name}", kind.kind),
    };
    let Ok(value) = serde_json::from_str::<Value>(applied) else {
        return loaded.error(place, "its last applied configuration is not valid JSON");
    };
    let declared = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    let same_namespace = declared("/metadata/namespace")
        .is_none_or(|declared| declared.is_empty() || Some(declared) == namespace);
    let is_own = declared("/kind") == Some(&kind.kind)
        && declared("/metadata/name") == Some(name)
        && same_namespace;
    let (true, Some(api_version)) = (is_own, declared("/apiVersion").map(str::to_owned)) else {
        return loaded.skip(
            place,
            "its last applied configuration belongs to another object, of which it is a copy",
        );
    };
    loaded.manifests.push(Manifest {
        api_version,
        kind: kind.kind.clone(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
        object: value.into(),
        origin: Origin::file(Arc::from(place), 1, 1),
        source_map: None,
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn taken(applied: &str) -> LoadedSource {
        let kind = ServedKind {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            plural: "configmaps".to_owned(),
            namespaced: true,
            short_names: Vec::new(),
        };
        let object = json!({"metadata": {
            "name": "cart", "namespace": "shop", "annotations": {LAST_APPLIED: applied},
        }});
        let mut loaded = LoadedSource::default();
        take(&kind, &object, &mut loaded);
        loaded
    }

    #[test]
    fn declares_the_configuration_that_was_applied_to_the_object() {
        let own = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cart"}});
        let loaded = taken(&own.to_string());
        assert_eq!(loaded.manifests[0].namespace.as_deref(), Some("shop"));
        let origin = &loaded.manifests[0].origin;
        assert_eq!(&*origin.file, "last-applied:shop/ConfigMap/cart");
    }

    #[test]
    fn reports_copied_and_damaged_configurations() {
        let other = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}});
        let loaded = taken(&other.to_string());
        assert_eq!((loaded.manifests.len(), loaded.skipped.len()), (0, 1));
        let loaded = taken("{hunter2");
        assert!(!loaded.errors[0].message.contains("hunter2"));
    }

    #[test]
    fn accepts_only_names_of_namespaces() {
        assert!(LastApplied::named("*").is_ok() && LastApplied::named("shop-1").is_ok());
        assert!(LastApplied::named("").is_err() && LastApplied::named("a/b").is_err());
    }
}
