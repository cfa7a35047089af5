//! Finds out what the body of a request says about one path of an object.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::cluster::audit::AuditedWrite;
use crate::model::{Change, ChangeKind, FieldPath, PathElement};
use crate::schema::{self, ScalarType};

/// Whether a request gave a path its live value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestEffect {
    /// The request sent exactly this value.
    Yes,
    /// The request set another value, or only other paths.
    No,
    /// Unknown: no body was logged, or the body leaves it open.
    Maybe,
}

/// Returns whether a write gave the path of `change` its live value, judged by its body.
pub fn request_effect(write: &AuditedWrite, change: &Change) -> RequestEffect {
    match write.subresource.as_deref() {
        _ if write.verb.starts_with("delete") => return RequestEffect::No,
        None => {}
        Some("scale") => return scaled(write, change),
        Some(_) => {}
    }
    let Some(body) = &write.body else {
        return RequestEffect::Maybe;
    };
    match (body, write.verb.as_str()) {
        (Value::Array(operations), _) => json_patch(operations, change),
        // A whole object contains unchanged values as well as changed ones.
        (_, "update" | "create") => match has_live_value(body, change) {
            Some(false) => RequestEffect::No,
            _ => RequestEffect::Maybe,
        },
        _ => merge_patch(body, change),
    }
}

fn scaled(write: &AuditedWrite, change: &Change) -> RequestEffect {
    let last = change.path.0.last();
    let is_count = matches!(last, Some(PathElement::Field(name)) if name == "replicas");
    let sent = write.body.as_ref().and_then(|body| body.pointer("/spec"));
    match (is_count, sent) {
        (false, _) => RequestEffect::No,
        (true, None) => RequestEffect::Maybe,
        // A zero count is omitted.
        (true, Some(spec)) => {
            let sent = spec.get("replicas").and_then(Value::as_i64).unwrap_or(0);
            let live = change.live.as_ref().and_then(Value::as_i64);
            if live == Some(sent) {
                RequestEffect::Yes
            } else {
                RequestEffect::No
            }
        }
    }
}

/// Checks a JSON Patch (RFC 6902). It names list items by index, which says nothing about their
/// keys.
fn json_patch(operations: &[Value], change: &Change) -> RequestEffect {
    let touches = operations.iter().filter(|one| {
        one.get("op").and_then(Value::as_str) != Some("test") && leads_to(one, &change.path)
    });
    let mut found = RequestEffect::No;
    for operation in touches {
        let pointer = operation.get("path").and_then(Value::as_str);
        let depth = pointer.map_or(0, |pointer| pointer.split('/').skip(1).count());
        let by_position = change.path.0.iter().take(depth);
        let is_certain = by_position
            .into_iter()
            .all(|segment| matches!(segment, PathElement::Field(_)));
        let says = operation_on(operation, change, depth);
        found = match says {
            RequestEffect::Yes if !is_certain => RequestEffect::Maybe,
            says => says,
        };
    }
    found
}

/// Returns whether one operation of a JSON Patch, which leads to the path of `change` or to one above
/// or below it, gave the path its live value. `depth` is the length of the operation's path.
fn operation_on(operation: &Value, change: &Change, depth: usize) -> RequestEffect {
    let is_removal = operation.get("op").and_then(Value::as_str) == Some("remove");
    let Some(below) = change.path.0.get(depth..) else {
        return RequestEffect::Maybe;
    };
    let Some(value) = operation.get("value") else {
        return match (is_removal, change.kind) {
            (true, ChangeKind::Removed) => RequestEffect::Yes,
            _ => RequestEffect::Maybe,
        };
    };
    match (find(value, &FieldPath(below.to_vec())), &change.live) {
        (Some(sent), Some(live)) if is_within(sent, live) => RequestEffect::Yes,
        // A parent that is replaced by one without the field loses it.
        (None, None) => RequestEffect::Yes,
        (Some(sent), None) if deletes(sent) => RequestEffect::Yes,
        (Some(_), None) => RequestEffect::No,
        // The value may be the same in another notation, or the server filled it in.
        _ => RequestEffect::Maybe,
    }
}

fn leads_to(operation: &Value, path: &FieldPath) -> bool {
    let Some(pointer) = operation.get("path").and_then(Value::as_str) else {
        return false;
    };
    let steps = pointer.split('/').skip(1);
    steps.zip(&path.0).all(|(step, segment)| match segment {
        PathElement::Field(name) => step.replace("~1", "/").replace("~0", "~") == *name,
        _ => true,
    })
}

/// Checks a merge patch, a strategic merge patch, or a server-side apply.
fn merge_patch(body: &Value, change: &Change) -> RequestEffect {
    let path = &change.path;
    // A whole object that is sent as a patch may be a server-side apply, which removes fields by
    // omission.
    let is_apply = body.get("apiVersion").is_some() && body.get("kind").is_some();
    if let Some(text) = in_string_data(body, path) {
        return match (&change.live, text) {
            (Some(live), Value::String(text)) if encodes(live, text) => RequestEffect::Yes,
            (None, Value::Null) => RequestEffect::Yes,
            _ => RequestEffect::No,
        };
    }
    match (&change.live, find(body, path)) {
        (Some(live), Some(sent)) if is_within(sent, live) => RequestEffect::Yes,
        (None, Some(sent)) if deletes(sent) => RequestEffect::Yes,
        (Some(live), Some(sent)) if schema::equal(ScalarType::Quantity, sent, live) => {
            RequestEffect::Maybe
        }
        (_, Some(_)) => RequestEffect::No,
        (None, None) if is_apply => RequestEffect::Maybe,
        (_, None) => from_above(body, change),
    }
}

/// Returns whether a value in `data` is the base64 encoding of a string in `stringData`.
fn encodes(data: &Value, text: &str) -> bool {
    data.as_str()
        .and_then(|data| STANDARD.decode(data).ok())
        .is_some_and(|bytes| bytes == text.as_bytes())
}

/// Returns what a patch says about a path through the parents of the path alone.
fn from_above(body: &Value, change: &Change) -> RequestEffect {
    let mut value = body;
    for segment in &change.path.0 {
        let directive = value.get("$patch").and_then(Value::as_str);
        match directive {
            Some("replace" | "delete") => return removal_effect(change),
            _ if value.get("$retainKeys").is_some() => return removal_effect(change),
            _ => {}
        }
        let next = match (value, segment) {
            (Value::Object(fields), PathElement::Field(name)) => {
                let by_primitive = format!("$deleteFromPrimitiveList/{name}");
                if fields.contains_key(&by_primitive) {
                    return removal_effect(change);
                }
                fields.get(name)
            }
            (Value::Null, _) => return removal_effect(change),
            // A list without a merge key is replaced as a whole.
            (Value::Array(_), PathElement::Index(_)) => return removal_effect(change),
            (Value::Array(items), PathElement::Key(_)) => {
                let whole =
                    |item: &Value| item.get("$patch").and_then(Value::as_str) == Some("replace");
                if items.iter().any(whole) {
                    return removal_effect(change);
                }
                item_of(items, segment)
            }
            (Value::Array(items), _) => item_of(items, segment),
            _ => return RequestEffect::No,
        };
        match next {
            Some(next) => value = next,
            None => return RequestEffect::No,
        }
    }
    RequestEffect::No
}

fn removal_effect(change: &Change) -> RequestEffect {
    match change.kind {
        ChangeKind::Removed => RequestEffect::Yes,
        // The index does not show whether the item it added is the live one.
        _ => RequestEffect::Maybe,
    }
}

/// Finds the value that a Secret's `stringData` gives to a path of `data`.
fn in_string_data<'v>(body: &'v Value, path: &FieldPath) -> Option<&'v Value> {
    match path.0.as_slice() {
        [PathElement::Field(data), PathElement::Field(key)] if data == "data" => {
            body.get("stringData")?.get(key)
        }
        _ => None,
    }
}

/// Returns whether an object has the live value at the path of `change`; `None` if unknown.
pub fn has_live_value(object: &Value, change: &Change) -> Option<bool> {
    let path = &change.path;
    if let Some((PathElement::Index(_), above)) = path.0.split_last() {
        let list = find(object, &FieldPath(above.to_vec())).and_then(Value::as_array);
        let items = list.map(Vec::as_slice).unwrap_or_default();
        return match (&change.declared, &change.live) {
            (_, Some(live)) => Some(items.iter().any(|item| item == live)),
            (Some(declared), None) => Some(!items.iter().any(|item| is_within(declared, item))),
            (None, None) => None,
        };
    }
    let there = find(object, path);
    match &change.live {
        Some(live) => Some(there == Some(live)),
        // `emptyDir: {}` is gone only if nothing is there any more.
        None => Some(there.is_none_or(|it| is_empty(it) && change.declared.as_ref() != Some(it))),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Finds the value at a path, identifying list items by all of their keys.
pub fn find<'v>(object: &'v Value, path: &FieldPath) -> Option<&'v Value> {
    path.0
        .iter()
        .try_fold(object, |value, segment| match segment {
            PathElement::Field(name) => value.get(name),
            PathElement::Index(index) => value.get(index),
            _ => item_of(value.as_array()?, segment),
        })
}

fn item_of<'v>(items: &'v [Value], segment: &PathElement) -> Option<&'v Value> {
    match segment {
        PathElement::Value(wanted) => items.iter().find(|item| *item == wanted),
        PathElement::Key(keys) => {
            let given = |item: &&Value| keys.iter().any(|(key, _)| item.get(key).is_some());
            let agrees = |item: &&Value| {
                let has = |(key, wanted): (&String, &Value)| {
                    item.get(key).is_none_or(|there| there == wanted)
                };
                keys.iter().all(has)
            };
            // An omitted key has its default (a port's protocol), which the path contains.
            let exact = |item: &&Value| keys.iter().all(|(key, v)| item.get(key) == Some(v));
            let exactly = items.iter().find(exact);
            exactly.or_else(|| items.iter().filter(given).find(agrees))
        }
        _ => None,
    }
}

/// Returns whether everything that was sent is live, possibly merged into existing values and with
/// defaults added. An empty list or object sends none of the live values.
pub fn is_within(sent: &Value, live: &Value) -> bool {
    match (sent, live) {
        (Value::Object(sent), Value::Object(live)) if sent.is_empty() => live.is_empty(),
        (Value::Array(sent), Value::Array(live)) if sent.is_empty() => live.is_empty(),
        (Value::Object(sent), Value::Object(live)) => sent
            .iter()
            .filter(|(name, _)| !name.starts_with('$'))
            .all(|(name, sent)| live.get(name).is_some_and(|live| is_within(sent, live))),
        (Value::Array(sent), Value::Array(live)) => sent
            .iter()
            .all(|sent| live.iter().any(|live| is_within(sent, live))),
        (sent, live) => sent == live,
    }
}

/// Returns whether a patch deletes its path: by `null` in a merge patch, or by `$patch: delete` in
/// a strategic one.
fn deletes(sent: &Value) -> bool {
    sent.is_null() || sent.get("$patch").and_then(Value::as_str) == Some("delete")
}

/// Returns whether a patch set the path of `change` to another value than the live one: then a later
/// request wrote the live value.
pub fn sets_other_value(write: &AuditedWrite, change: &Change) -> bool {
    let is_patch = write.verb == "patch" && write.subresource.is_none();
    let body = write
        .body
        .as_ref()
        .filter(|body| is_patch && body.is_object());
    let Some(sent) = body.and_then(|body| find(body, &change.path)) else {
        return false;
    };
    match &change.live {
        None => sets_something(sent),
        // `null` may be filled with a default.
        Some(_) => {
            let is_scalar = !sent.is_object() && !sent.is_array() && !sent.is_null();
            is_scalar && request_effect(write, change) == RequestEffect::No
        }
    }
}

/// Returns whether a patch leaves something at a path: no deletion, and no zero, which the server
/// may not store.
fn sets_something(sent: &Value) -> bool {
    match sent {
        Value::Object(_) if deletes(sent) => false,
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| !name.starts_with('$') && sets_something(value)),
        Value::Array(items) => items.iter().any(sets_something),
        sent => !schema::is_zero(sent),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{change, write};
    use super::*;

    #[test]
    fn an_empty_list_sends_none_of_the_live_items() {
        assert!(!is_within(&json!([]), &json!(["sleep"])));
        assert!(!is_within(&json!({}), &json!({"cpu": "1"})));
        assert!(is_within(&json!([]), &json!([])));
        assert!(is_within(&json!(["sleep"]), &json!(["sleep", "1"])));
    }

    #[test]
    fn a_patch_wrote_the_values_in_its_body() {
        let image = r#".spec.containers[name="app"].image"#;
        let patch = json!({"spec": {"containers": [{"name": "app", "image": "x:2"}]}});
        let patch = write("patch", patch);
        let changed = |live| change(image, ChangeKind::Modified, None, Some(live));
        assert_eq!(
            request_effect(&patch, &changed(json!("x:2"))),
            RequestEffect::Yes
        );
        assert_eq!(
            request_effect(&patch, &changed(json!("x:3"))),
            RequestEffect::No
        );
        let sidecar = json!({"name": "debug", "image": "b", "terminationMessagePath": "/dev"});
        let path = r#".spec.containers[name="debug"]"#;
        let sidecar = change(path, ChangeKind::Added, None, Some(sidecar));
        let adds = json!({"spec": {"containers": [{"name": "debug", "image": "b"}]}});
        assert_eq!(
            request_effect(&write("patch", adds), &sidecar),
            RequestEffect::Yes
        );
        assert_eq!(request_effect(&patch, &sidecar), RequestEffect::No);
    }

    #[test]
    fn finds_removals_in_each_kind_of_request() {
        let gone = change(
            ".metadata.labels.tier",
            ChangeKind::Removed,
            Some(json!("db")),
            None,
        );
        let tells = |verb: &str, body| request_effect(&write(verb, body), &gone);
        let merge = json!({"metadata": {"labels": {"tier": null}}});
        assert_eq!(tells("patch", merge), RequestEffect::Yes);
        let all = json!({"metadata": {"labels": null}});
        assert_eq!(tells("patch", all), RequestEffect::Yes);
        let other = json!({"metadata": {"labels": {"team": null}}});
        assert_eq!(tells("patch", other), RequestEffect::No);
        let json_patch = json!([{"op": "remove", "path": "/metadata/labels/tier"}]);
        assert_eq!(tells("patch", json_patch), RequestEffect::Yes);
        // A field that an update lacks may have been removed before it.
        let whole = json!({"metadata": {"labels": {"team": "a"}}});
        assert_eq!(tells("update", whole), RequestEffect::Maybe);
        let kept = json!({"metadata": {"labels": {"tier": "db"}}});
        assert_eq!(tells("update", kept), RequestEffect::No);
        // So may a field that a server-side apply omits.
        let apply = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}});
        assert_eq!(tells("patch", apply), RequestEffect::Maybe);
    }

    #[test]
    fn an_operation_of_a_json_patch_sets_everything_below_its_path() {
        let replace = |path: &str, value: Value| {
            write(
                "patch",
                json!([{"op": "replace", "path": path, "value": value}]),
            )
        };
        let app = |live: &str| {
            change(
                ".spec.selector.app",
                ChangeKind::Modified,
                None,
                Some(json!(live)),
            )
        };
        let selector = replace("/spec/selector", json!({"app": "a"}));
        assert_eq!(request_effect(&selector, &app("a")), RequestEffect::Yes);
        assert_eq!(request_effect(&selector, &app("b")), RequestEffect::Maybe);
        let other = replace("/spec/selector", json!({"tier": "web"}));
        assert_eq!(request_effect(&other, &app("a")), RequestEffect::Maybe);
        let port = |port: u16| {
            let path = format!(r#".spec.ports[port={port},protocol="TCP"]"#);
            change(
                &path,
                ChangeKind::Removed,
                Some(json!({"port": port})),
                None,
            )
        };
        let ports = replace("/spec/ports", json!([{"port": 80, "protocol": "TCP"}]));
        assert_eq!(request_effect(&ports, &port(81)), RequestEffect::Yes);
        assert_eq!(request_effect(&ports, &port(80)), RequestEffect::No);
    }

    #[test]
    fn a_quantity_may_be_sent_in_another_notation() {
        let limit =
            |live: &str| change(".limits.cpu", ChangeKind::Modified, None, Some(json!(live)));
        let patch = write("patch", json!({"limits": {"cpu": "1000m"}}));
        assert_eq!(request_effect(&patch, &limit("1")), RequestEffect::Maybe);
        assert_eq!(request_effect(&patch, &limit("2")), RequestEffect::No);
    }

    #[test]
    fn identifies_a_port_by_all_of_its_keys() {
        let body = json!({"spec": {"ports": [{"port": 9091, "protocol": "TCP"},
            {"$patch": "delete", "port": 9090, "protocol": "TCP"}]}});
        let of = |port: u16| {
            let path = format!(r#".spec.ports[port={port},protocol="TCP"]"#);
            let gone = change(
                &path,
                ChangeKind::Removed,
                Some(json!({"port": port})),
                None,
            );
            request_effect(&write("patch", body.clone()), &gone)
        };
        assert_eq!(of(9090), RequestEffect::Yes);
        assert_eq!(of(8080), RequestEffect::No);
    }

    #[test]
    fn scaling_to_zero_omits_the_count() {
        let mut scale = write("patch", json!({"spec": {}}));
        scale.subresource = Some("scale".to_owned());
        let of = |live| {
            change(
                ".spec.replicas",
                ChangeKind::Modified,
                None,
                Some(json!(live)),
            )
        };
        assert_eq!(request_effect(&scale, &of(0)), RequestEffect::Yes);
        assert_eq!(request_effect(&scale, &of(3)), RequestEffect::No);
    }
}
