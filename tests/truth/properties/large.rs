//! Tests large objects: the time grows linearly with their size.

use std::time::{Duration, Instant};

use driftctl::compare::{ComparisonInput, Difference, Explain, Reason, compare, live_view};
use driftctl::model::{ChangeKind, FieldPath, Owner};
use driftctl::ownership::{Appliers, LastSent, ownership_of};
use driftctl::schema::Schema;
use serde_json::{Map, Value, json};

struct NoRules;

impl Explain for NoRules {
    fn explains(&self, _: &FieldPath, _: ChangeKind, _: &[&Owner]) -> Option<Reason> {
        None
    }
}

fn compared(declared: &Value, live: &Value) -> Vec<Difference> {
    let schema = Schema::builtin();
    let text = |field: &str| live[field].as_str().unwrap_or_default();
    let ownership = ownership_of(live);
    compare(&ComparisonInput {
        declared,
        live,
        schema,
        root: schema.kind(text("apiVersion"), text("kind")),
        ownership: &ownership,
        appliers: &Appliers::of(&ownership, declared, live, &[]),
        sent: &LastSent::of(live),
        rules: &NoRules,
        keep: driftctl::compare::KeepFindings::Drift,
    })
}

/// Returns the CPU time of this thread so far; on systems other than Linux, the elapsed time.
fn computed(since: Instant) -> Duration {
    // The kernel updates the figure when it switches threads.
    std::thread::yield_now();
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat");
    let nanos = stat
        .ok()
        .and_then(|stat| stat.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| since.elapsed(), Duration::from_nanos)
}

/// Returns the best time of three.
fn time(sides: &(Value, Value)) -> (Duration, usize) {
    let run = || {
        let since = Instant::now();
        let before = computed(since);
        let findings = compared(&sides.0, &sides.1);
        live_view(&sides.0, findings.iter().map(|finding| &finding.change));
        (computed(since) - before, findings.len())
    };
    [run(), run(), run()].into_iter().min().unwrap()
}

/// Four times the size may take about four times as long; quadratic code would take sixteen times.
#[track_caller]
fn grows_with_its_size(what: &str, sides: impl Fn(usize) -> (Value, Value)) {
    const SIZE: usize = 800;
    let (small, found) = time(&sides(SIZE));
    let (large, _) = time(&sides(SIZE * 4));
    assert!(found > 0, "{what}: nothing was found");
    let factor = large.as_secs_f64() / small.as_secs_f64();
    assert!(factor < 10.0, "{what}: {small:?}, then {large:?}");
}

fn config_map(size: usize, value: &str) -> Value {
    let entry = |n: usize| (format!("key-{n}"), Value::from(value));
    let data: Map<String, Value> = (0..size).map(entry).collect();
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data})
}

fn pod(list: &str, items: impl Iterator<Item = Value>) -> Value {
    let mut container = json!({"name": "app"});
    container[list] = items.collect();
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},
        "spec": {"containers": [container]}})
}

/// Returns the object with an owner for every item and key.
fn owned(mut live: Value, set: Value) -> Value {
    live["metadata"]["managedFields"] = json!([
        {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": set}]);
    live
}

#[test]
fn many_keys_take_linear_time() {
    grows_with_its_size("changed", |size| {
        (config_map(size, "a"), config_map(size, "b"))
    });
    grows_with_its_size("removed", |size| {
        (config_map(size, "a"), config_map(0, "b"))
    });
    grows_with_its_size("added", |size| {
        let live = config_map(size, "a");
        let keys = (0..size).map(|n| (format!("f:key-{n}"), json!({})));
        let set = json!({"f:data": keys.collect::<Map<String, Value>>()});
        (config_map(0, "a"), owned(live, set))
    });
}

#[test]
fn many_items_take_linear_time() {
    let variable =
        |value: &'static str| move |n: usize| json!({"name": format!("V{n}"), "value": value});
    let set = |size: usize| {
        let keys = (0..size).map(|n| {
            let key = format!("k:{{\"name\":\"V{n}\"}}");
            (key, json!({".": {}, "f:name": {}, "f:value": {}}))
        });
        let keys: Map<String, Value> = keys.collect();
        json!({"f:spec": {"f:containers": {"k:{\"name\":\"app\"}": {"f:env": keys}}}})
    };
    grows_with_its_size("the last one changed", |size| {
        let declared = pod("env", (0..size).map(variable("a")));
        let live = (0..size)
            .rev()
            .map(|n| variable(if n == 0 { "b" } else { "a" })(n));
        (declared, owned(pod("env", live), set(size)))
    });
    grows_with_its_size("all added", |size| {
        let live = pod("env", (0..size).map(variable("a")));
        (pod("args", std::iter::empty()), owned(live, set(size)))
    });
}

#[test]
fn many_items_without_identity_take_linear_time() {
    let argument = |n: usize| json!(format!("--flag-{n}"));
    grows_with_its_size("one was inserted", |size| {
        let declared = pod("args", (0..size).map(argument));
        let live = (0..size).map(argument);
        (
            declared,
            pod("args", std::iter::once(json!("first")).chain(live)),
        )
    });
    grows_with_its_size("all are others", |size| {
        let declared = pod("args", (0..size).map(argument));
        (declared, pod("args", (1..size).map(|n| argument(n * 7))))
    });
}

/// A list in a list in a list: each level is visited once.
#[test]
fn nested_lists_take_linear_time() {
    let nested = |depth: usize, inner: Value| {
        let list = (0..depth).fold(inner, |inner, _| json!([inner]));
        json!({"apiVersion": "x/v1", "kind": "X", "spec": list})
    };
    let found = compared(&nested(100, json!(1)), &nested(100, json!(2)));
    assert_eq!(found.len(), 1);
    let found = compared(&nested(100, json!([1, 2])), &nested(100, json!([1])));
    assert_eq!(found.len(), 1);
}
