//! Converts Ingresses and EndpointSlices.

use serde_json::{Map, Value, json};

use super::{object_at, objects_in, rename, set_default, take};

/// Converts an Ingress: `networking.k8s.io/v1` has a field for the default backend, and separates
/// port names from port numbers.
pub(super) fn ingress(fields: &mut Map<String, Value>) -> Option<()> {
    let Some(spec) = object_at(fields, &["spec"]) else {
        return Some(());
    };
    rename(spec, "backend", "defaultBackend");
    if let Some(backend) = object_at(spec, &["defaultBackend"]) {
        set_backend(backend)?;
    }
    for rule in objects_in(spec, "rules") {
        let Some(http) = object_at(rule, &["http"]) else {
            continue;
        };
        for path in objects_in(http, "paths") {
            set_default(path, "pathType", json!("ImplementationSpecific"));
            if let Some(backend) = object_at(path, &["backend"]) {
                set_backend(backend)?;
            }
        }
    }
    Some(())
}

fn set_backend(backend: &mut Map<String, Value>) -> Option<()> {
    let (name, port) = (take(backend, "serviceName"), take(backend, "servicePort"));
    if name.is_none() && port.is_none() {
        return Some(());
    }
    let port = match port? {
        Value::String(name) => json!({"name": name}),
        number => json!({"number": number}),
    };
    backend.insert("service".to_owned(), json!({"name": name?, "port": port}));
    Some(())
}

/// Converts an EndpointSlice: topology labels of `v1beta1` have their own fields in `v1`
/// (`pkg/apis/discovery/v1beta1/conversion.go`).
pub(super) fn endpoint_slice(fields: &mut Map<String, Value>) -> Option<()> {
    for endpoint in objects_in(fields, "endpoints") {
        let Some(mut topology) = take(endpoint, "topology") else {
            continue;
        };
        let labels = topology.as_object_mut()?;
        for (label, field) in [
            ("kubernetes.io/hostname", "nodeName"),
            ("topology.kubernetes.io/zone", "zone"),
        ] {
            if let Some(value) = take(labels, label) {
                set_default(endpoint, field, value);
            }
        }
        if !labels.is_empty() {
            endpoint.insert("deprecatedTopology".to_owned(), topology);
        }
    }
    Some(())
}
