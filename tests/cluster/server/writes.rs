//! Writes: JSON Patch, creation and deletion, by the rules of an API server.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::Cluster;
use super::rest::{Answer, Route, failure, status};
use super::store::whole;

/// A change by another client just before a request is answered.
#[derive(Debug, Clone)]
pub struct Meanwhile {
    /// The method of the request.
    pub method: &'static str,
    /// A text in the path and query of the request.
    pub part: &'static str,
    /// A text that must not be in them.
    pub without: &'static str,
    /// The pointer to the changed field in the object.
    pub pointer: &'static str,
    /// The new value.
    pub value: Value,
    /// How often it happens.
    pub times: usize,
}

impl Cluster {
    /// Makes the changes of other clients before a request is answered.
    pub(super) fn meanwhile(&mut self, method: &str, target: &str, route: &Route<'_>) {
        let due = self.meanwhile.iter_mut().find(|other| {
            other.times > 0
                && other.method == method
                && target.contains(other.part)
                && (other.without.is_empty() || !target.contains(other.without))
        });
        let Some(other) = due else { return };
        other.times -= 1;
        let (pointer, value) = (other.pointer, other.value.clone());
        let Some(mut object) = self.object(route) else {
            return;
        };
        if let Some(place) = object.pointer_mut(pointer) {
            *place = value;
            self.store(route, object, "somebody-else", &[pointer.to_owned()]);
        }
    }

    /// Returns the object that a request names, as a GET returns it.
    pub(super) fn object(&self, route: &Route<'_>) -> Option<Value> {
        let resource = self.store.resource(&route.version, route.plural)?;
        let objects = self.store.objects(&route.version, &resource.kind)?;
        let key = (
            route.namespace.unwrap_or_default().to_owned(),
            route.name?.to_owned(),
        );
        let text = whole(&route.version, resource, objects.get(&key)?);
        Some(serde_json::from_slice(&text).unwrap())
    }

    fn store(&mut self, route: &Route<'_>, mut object: Value, manager: &str, touched: &[String]) {
        let before = self.object(route).unwrap_or_default();
        book(&mut object, &before, manager, touched, &route.version);
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        if before["spec"] != object["spec"] {
            let generation = before["metadata"]["generation"].as_u64().unwrap_or(0);
            object["metadata"]["generation"] = (generation + 1).into();
        }
        Arc::make_mut(&mut self.store).add(object);
    }
}

/// Carries out a JSON Patch.
pub(super) fn patch(
    cluster: &mut Cluster,
    route: &Route<'_>,
    query: &HashMap<String, String>,
    sent: &[u8],
) -> Answer {
    let Some(before) = cluster.object(route) else {
        return not_found(route);
    };
    let operations: Vec<Value> = serde_json::from_slice(sent).unwrap();
    let mut object = before.clone();
    let mut touched = Vec::new();
    for operation in &operations {
        let path = operation["path"].as_str().unwrap();
        if !apply(&mut object, operation, path) {
            // The message of a 1.36 API server: no cause, no field.
            let message = "the server rejected our request due to an error in our request";
            return status(422, "Invalid", message, json!({}));
        }
        if operation["op"] != "test" {
            touched.push(path.to_owned());
        }
    }
    if before == object {
        return (200, object.to_string().into_bytes());
    }
    if let Some(field) = cluster
        .immutable
        .iter()
        .find(|field| before.pointer(field) != object.pointer(field))
    {
        let field = field.trim_start_matches('/').replace('/', ".");
        let causes = json!([{"reason": "FieldValueInvalid", "field": field,
            "message": super::faults::CANARY}]);
        return failure(422, "Invalid", json!({"causes": causes}));
    }
    if let Some(message) = &cluster.denies {
        return status(403, "Forbidden", message, json!({}));
    }
    if let Some((parent, name, value)) = cluster.mutates.clone()
        && let Some(parent) = object.pointer_mut(&parent)
    {
        parent[name] = value;
    }
    let manager = query.get("fieldManager").cloned().unwrap_or_default();
    if query.contains_key("dryRun") {
        book(&mut object, &before, &manager, &touched, &route.version);
        return (200, object.to_string().into_bytes());
    }
    cluster.store(route, object, &manager, &touched);
    let stored = cluster.object(route).unwrap();
    (200, stored.to_string().into_bytes())
}

fn apply(object: &mut Value, operation: &Value, path: &str) -> bool {
    let (parent, last) = path.rsplit_once('/').unwrap();
    let last = last.replace("~1", "/").replace("~0", "~");
    let value = &operation["value"];
    match operation["op"].as_str().unwrap() {
        "test" => {
            // An absent field is null; a field below an absent parent is an error.
            object.pointer(parent).is_some()
                && object.pointer(path).unwrap_or(&Value::Null) == value
        }
        "replace" => object
            .pointer_mut(path)
            .map(|place| *place = value.clone())
            .is_some(),
        "add" => match object.pointer_mut(parent) {
            Some(Value::Object(fields)) => {
                fields.insert(last, value.clone());
                true
            }
            Some(Value::Array(items)) => {
                let index: usize = last.parse().unwrap();
                let fits = index <= items.len();
                if fits {
                    items.insert(index, value.clone());
                }
                fits
            }
            _ => false,
        },
        "remove" => match object.pointer_mut(parent) {
            Some(Value::Object(fields)) => fields.remove(&last).is_some(),
            Some(Value::Array(items)) => {
                let index: usize = last.parse().unwrap();
                let fits = index < items.len();
                if fits {
                    items.remove(index);
                }
                fits
            }
            _ => false,
        },
        _ => false,
    }
}

/// Records written fields for their manager, as far as no list is on the path.
fn book(object: &mut Value, before: &Value, manager: &str, touched: &[String], version: &str) {
    if object["metadata"]["managedFields"] != before["metadata"]["managedFields"] {
        return; // the patch was about managed fields
    }
    let Some(entries) = object["metadata"]["managedFields"].as_array_mut() else {
        return;
    };
    let is_ours = |entry: &Value| entry["manager"] == manager && entry["operation"] == "Update";
    if !entries.iter().any(is_ours) {
        entries.push(
            json!({"manager": manager, "operation": "Update", "apiVersion": version,
            "fieldsType": "FieldsV1", "time": "2026-11-21T23:59:00Z", "fieldsV1": {}}),
        );
    }
    for path in touched {
        let names: Vec<String> = path
            .trim_start_matches('/')
            .split('/')
            .map(|name| format!("f:{}", name.replace("~1", "/").replace("~0", "~")))
            .collect();
        if names.iter().any(|name| name[2..].parse::<usize>().is_ok()) {
            continue;
        }
        for entry in entries.iter_mut() {
            let is_ours = is_ours(entry);
            let mut at = &mut entry["fieldsV1"];
            let (last, way) = names.split_last().unwrap();
            if is_ours {
                for name in way {
                    at = &mut at[name.as_str()];
                }
                at[last.as_str()] = json!({});
                continue;
            }
            let pointer: String = way
                .iter()
                .map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1")))
                .collect();
            if let Some(Value::Object(fields)) = at.pointer_mut(&pointer) {
                fields.remove(last);
            }
        }
    }
}

/// Creates an object.
pub(super) fn create(
    cluster: &mut Cluster,
    route: &Route<'_>,
    query: &HashMap<String, String>,
    sent: &[u8],
) -> Answer {
    let mut object: Value = serde_json::from_slice(sent).unwrap();
    if route.plural == "events" {
        cluster.events.push(object.clone());
        return (201, object.to_string().into_bytes());
    }
    let name = object["metadata"]["name"].as_str().unwrap().to_owned();
    let named = Route {
        version: route.version.clone(),
        namespace: route.namespace,
        plural: route.plural,
        name: Some(&name),
    };
    if cluster.object(&named).is_some() {
        return failure(409, "AlreadyExists", json!({"name": name}));
    }
    object["metadata"]["uid"] = format!("uid-of-{name}").into();
    let manager = query.get("fieldManager").cloned().unwrap_or_default();
    object["metadata"]["managedFields"] = json!([{"manager": manager, "operation": "Update",
        "apiVersion": route.version, "fieldsType": "FieldsV1", "fieldsV1": {}}]);
    if !query.contains_key("dryRun") {
        cluster.store(&named, object.clone(), &manager, &[]);
    }
    (201, object.to_string().into_bytes())
}

/// Deletes an object, if the preconditions hold.
pub(super) fn delete(cluster: &mut Cluster, route: &Route<'_>, sent: &[u8]) -> Answer {
    let Some(object) = cluster.object(route) else {
        return not_found(route);
    };
    let options: Value = serde_json::from_slice(sent).unwrap_or_default();
    for field in ["uid", "resourceVersion"] {
        let wanted = &options["preconditions"][field];
        if !wanted.is_null() && object["metadata"][field] != *wanted {
            return failure(409, "Conflict", json!({}));
        }
    }
    if options["dryRun"].is_null() {
        let resource = cluster
            .store
            .resource(&route.version, route.plural)
            .unwrap();
        let kind = (route.version.clone(), resource.kind.clone());
        let key = (
            route.namespace.unwrap_or_default().to_owned(),
            route.name.unwrap().to_owned(),
        );
        Arc::make_mut(&mut cluster.store).remove(&kind, &key);
    }
    (200, object.to_string().into_bytes())
}

fn not_found(route: &Route<'_>) -> Answer {
    failure(
        404,
        "NotFound",
        json!({"name": route.name, "kind": route.plural}),
    )
}
