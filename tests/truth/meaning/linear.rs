//! Tests objects as large and as deep as a cluster stores them, on a small stack: quadratic
//! algorithms would not finish in time.

use std::thread;

use serde_json::{Map, Value, json};

use super::{compared, object};
use driftctl::model::{ObjectReport, Report};
use driftctl::redact::redact;

/// Items of each list: about as many as fit into the largest object that a cluster stores.
const MANY: usize = 50_000;

/// Fewer items, if each takes long to read: still enough for hundreds of millions of pairs.
const FEWER: usize = 20_000;

/// The number of changed items: searching for each of them linearly would take hundreds of
/// millions of steps.
const CHANGED: usize = MANY / 10;

/// The default stack size of a thread.
const STACK: usize = 2 << 20;

/// Runs a function on its own thread with a small stack.
fn on_a_small_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = thread::Builder::new().stack_size(STACK).spawn(work);
    thread.unwrap().join().unwrap()
}

/// Returns the number of reported changes, after redaction.
fn changes(declared: &Value, live: &Value) -> usize {
    let objects = compared(&declared.to_string(), &[live]);
    let reported: usize = objects.iter().map(|object| object.reported().count()).sum();
    let redacted = redact(report(objects));
    let kept = redacted
        .objects
        .iter()
        .map(|object| object.reported().count());
    assert_eq!(kept.sum::<usize>(), reported);
    reported
}

fn report(objects: Vec<ObjectReport>) -> Report {
    Report {
        objects,
        ..Report::default()
    }
}

fn pod(field: &str, items: Vec<Value>) -> Value {
    let mut container = json!({"name": "app", "image": "x:1"});
    container[field] = items.into();
    object("v1", "Pod", &json!({"containers": [container]}))
}

fn environment(value: &str, numbers: impl Iterator<Item = usize>) -> Vec<Value> {
    numbers
        .map(|n| json!({"name": format!("V{n}"), "value": value}))
        .collect()
}

/// Returns the live object after client-side apply, with every variable owned and sent.
fn applied(mut live: Value, sent: &Value) -> Value {
    let keys = (0..MANY).map(|n| {
        let key = format!("k:{{\"name\":\"V{n}\"}}");
        (key, json!({".": {}, "f:name": {}, "f:value": {}}))
    });
    let keys: Map<String, Value> = keys.collect();
    live["metadata"]["annotations"] =
        json!({"kubectl.kubernetes.io/last-applied-configuration": sent.to_string()});
    live["metadata"]["managedFields"] = json!([{"manager": "kubectl-client-side-apply",
        "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1":
            {"f:spec": {"f:containers": {"k:{\"name\":\"app\"}": {"f:env": keys}}}}}]);
    live
}

#[test]
fn an_associative_list_with_moved_and_changed_items() {
    let declared = pod("env", environment("a", 0..MANY));
    let mut items = environment("b", 0..CHANGED);
    items.extend(environment("a", CHANGED..MANY));
    items.reverse();
    let live = applied(pod("env", items), &declared);
    assert_eq!(on_a_small_stack(move || changes(&declared, &live)), CHANGED);
}

#[test]
fn an_associative_list_with_replaced_items() {
    let declared = pod("env", environment("a", 0..FEWER));
    let live = pod("env", environment("a", FEWER / 20..FEWER + FEWER / 20));
    assert_eq!(
        on_a_small_stack(move || changes(&declared, &live)),
        FEWER / 10
    );
}

#[test]
fn an_associative_list_with_defaulted_keys() {
    let ports = |protocol: Option<&str>| {
        let port = |n: usize| {
            let mut port = json!({"containerPort": n, "hostIP": "10.10.10.10"});
            if let Some(protocol) = protocol {
                port["protocol"] = json!(protocol);
            }
            port
        };
        pod("ports", (0..FEWER).map(port).collect())
    };
    let mut live = ports(Some("TCP"));
    let keys = (0..FEWER).map(|n| {
        let key = format!("k:{{\"containerPort\":{n},\"protocol\":\"TCP\"}}");
        (key, json!({".": {}, "f:containerPort": {}}))
    });
    let keys: Map<String, Value> = keys.collect();
    live["metadata"]["managedFields"] = json!([{"manager": "argocd-controller", "operation": "Apply",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:containers":
            {"k:{\"name\":\"app\"}": {"f:image": {}, "f:ports": keys}}}}}]);
    let declared = ports(None);
    assert_eq!(on_a_small_stack(move || changes(&declared, &live)), 0);
}

#[test]
fn a_set_with_replaced_items() {
    let set = |numbers: std::ops::Range<usize>| {
        let finalizers: Vec<String> = numbers.map(|n| format!("example.com/f{n}")).collect();
        json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "namespace": "shop", "finalizers": finalizers}})
    };
    let (declared, live) = (set(0..MANY), set(CHANGED / 2..MANY + CHANGED / 2));
    assert_eq!(on_a_small_stack(move || changes(&declared, &live)), CHANGED);
}

#[test]
fn an_atomic_list_with_changed_items() {
    let arguments = |prefix: &str| {
        pod(
            "args",
            (0..MANY).map(|n| json!(format!("{prefix}{n}"))).collect(),
        )
    };
    let (declared, live) = (arguments("a"), arguments("b"));
    assert_eq!(on_a_small_stack(move || changes(&declared, &live)), 1);
}

#[test]
fn a_map_with_replaced_keys() {
    let map = |numbers: std::ops::Range<usize>| {
        let entries = numbers.map(|n| (format!("k{n}"), json!("v")));
        let data: Map<String, Value> = entries.collect();
        json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "namespace": "shop"}, "data": data})
    };
    let (declared, live) = (map(0..MANY), map(CHANGED / 2..MANY + CHANGED / 2));
    assert_eq!(on_a_small_stack(move || changes(&declared, &live)), CHANGED);
}

/// As deep as live objects are read, and wide at each level.
#[test]
fn an_object_with_very_many_managers() {
    let config = |value: &str| {
        json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "namespace": "shop"}, "data": {"k": value}})
    };
    let mut live = config("b");
    let entry = |n: usize| {
        json!({"manager": format!("m{n}"), "operation": "Update", "apiVersion": "v1",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:k": {}}}})
    };
    live["metadata"]["managedFields"] = (0..FEWER).map(entry).collect();
    assert_eq!(on_a_small_stack(move || changes(&config("a"), &live)), 1);
}

#[test]
fn an_object_nested_to_the_limit() {
    let nested = |leaf: &str| {
        let level = |inner: Value, _| json!({"a": inner, "b": "x".repeat(15_000)});
        object(
            "example.com/v1",
            "Widget",
            &(0..100).fold(json!(leaf), level),
        )
    };
    let (declared, live) = (nested("1"), nested("2"));
    assert!(declared.to_string().len() > 1_500_000);
    assert_eq!(on_a_small_stack(move || changes(&declared, &live)), 1);
}
