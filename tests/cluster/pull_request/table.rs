//! Tests every combination of equal and different, present and absent, among base, branch and live.

use serde_json::{Map, Value, json};

use super::{changes, object, report};

type Side = Option<u8>;

/// Returns all combinations in which each side is absent or has one of three values.
fn combinations() -> Vec<[Side; 3]> {
    let sides = [None, Some(1), Some(2), Some(3)];
    let pairs = sides.into_iter().flat_map(|a| sides.map(|b| (a, b)));
    pairs.flat_map(|(a, b)| sides.map(|c| [a, b, c])).collect()
}

fn key([base, branch, live]: [Side; 3]) -> String {
    let part = |side: Side| side.map_or_else(|| "x".to_owned(), |n| n.to_string());
    format!("k-{}-{}-{}", part(base), part(branch), part(live))
}

/// Returns the expected class, defined as simply as possible.
fn expected([base, branch, live]: [Side; 3]) -> Option<&'static str> {
    match (base == branch, base == live, branch == live) {
        (true, _, true) => None,
        (true, _, false) => Some("drift"),
        (false, true, _) => Some("pending"),
        (false, false, true) => Some("backport"),
        (false, false, false) => Some("conflict"),
    }
}

/// Returns a map with an entry for each combination, as one of the three sides has it.
fn entries(side: usize, value: impl Fn(u8) -> Value) -> Value {
    let all = combinations().into_iter();
    let there = all.filter_map(|sides| Some((key(sides), value(sides[side]?))));
    // A constant entry keeps the map from being absent as a whole.
    let always = [("always".to_owned(), value(9))];
    Value::Object(there.chain(always).collect::<Map<_, _>>())
}

fn check(objects: [Value; 3], path: impl Fn(&str) -> String) {
    let [base, branch, live] = objects;
    let name = base["metadata"]["name"].as_str().unwrap().to_owned();
    let report = report(&[base], &[branch], &[live]);
    let found = changes(object(&report, &name).unwrap());
    let mut wanted = 0;
    for sides in combinations() {
        let at = path(&key(sides));
        let change = found
            .iter()
            .find(|change| change.starts_with(&format!("{at} ")));
        let class = change.and_then(|change| change.split(' ').nth(1));
        assert_eq!(class, expected(sides), "{at} in {found:#?}");
        wanted += usize::from(expected(sides).is_some());
    }
    assert_eq!(found.len(), wanted, "{found:#?}");
    assert_eq!(report["verdict"], "conflict");
}

#[test]
fn classifies_fields_of_a_map() {
    let config = |side| {
        let data = entries(side, |n| json!(format!("value {n}")));
        json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "cart", "namespace": "shop"}, "data": data})
    };
    check([config(0), config(1), config(2)], |key| {
        format!(".data.{key}")
    });
}

/// Items of an associative list: identified by name, in any order.
#[test]
fn classifies_items_of_a_list() {
    let deployment = |side| {
        let env = entries(side, |n| json!(format!("value {n}")));
        let mut env: Vec<Value> = env
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect();
        if side == 2 {
            env.reverse();
        }
        deployment(json!({"name": "cart", "image": "cart:1", "env": env}))
    };
    let report = report(&[deployment(0)], &[deployment(1)], &[deployment(2)]);
    let found = changes(object(&report, "cart").unwrap());
    let container = ".spec.template.spec.containers[name=\"cart\"]";
    for sides in combinations() {
        let item = format!("{container}.env[name=\"{}\"]", key(sides));
        // If both sides have the item, its value differs.
        let at = |change: &&String| {
            change.starts_with(&format!("{item} ")) || change.starts_with(&format!("{item}.value "))
        };
        let class = found.iter().find(at);
        let class = class.and_then(|change| change.split(' ').nth(1));
        assert_eq!(class, expected(sides), "{item} in {found:#?}");
    }
}

fn deployment(container: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "cart", "namespace": "shop"},
        "spec": {"selector": {"matchLabels": {"app": "cart"}},
            "template": {"metadata": {"labels": {"app": "cart"}},
                "spec": {"containers": [container]}}}})
}

fn of_containers(base: Value, branch: Value, live: Value) -> Vec<String> {
    let named = |mut container: Value| {
        container["name"] = "cart".into();
        deployment(container)
    };
    let report = report(&[named(base)], &[named(branch)], &[named(live)]);
    let prefix = ".spec.template.spec.containers[name=\"cart\"]";
    let found = object(&report, "cart").map(changes).unwrap_or_default();
    let short = found.iter().map(|change| change.replace(prefix, ""));
    short.collect()
}

/// Values with the same meaning are equal, however each side writes them.
#[test]
fn values_with_the_same_meaning_are_equal() {
    let cpu = |cpu: Value| json!({"resources": {"limits": {"cpu": cpu}}});
    let none: [&str; 0] = [];
    assert_eq!(
        of_containers(cpu(json!("1")), cpu(json!("1000m")), cpu(json!(1))),
        none
    );
    let pending = of_containers(cpu(json!("1")), cpu(json!("2")), cpu(json!("1000m")));
    assert_eq!(
        pending,
        [r#".resources.limits.cpu pending "1" "2" "1000m""#]
    );
    let port = |port: Value| json!({"ports": [port]});
    let tcp = json!({"containerPort": 80, "protocol": "TCP"});
    let bare = json!({"containerPort": 80});
    assert_eq!(
        of_containers(port(bare.clone()), port(tcp.clone()), port(tcp)),
        none
    );
}

/// An atomic list is one value.
#[test]
fn atomic_lists_are_one_value() {
    let args = |args: &[&str]| json!({"args": args});
    let found = of_containers(args(&["a"]), args(&["a", "b"]), args(&["a", "c"]));
    assert_eq!(found, [r#".args conflict ["a"] ["a","b"] ["a","c"]"#]);
    let found = of_containers(args(&["a"]), args(&["a", "b"]), args(&["a"]));
    assert_eq!(found, [r#".args pending ["a"] ["a","b"] ["a"]"#]);
}

/// A change next to another change is not a conflict, even if a block was added or removed as a
/// whole.
#[test]
fn compares_blocks_field_by_field() {
    let context = |fields: Value| json!({"securityContext": fields});
    let nothing = json!({});
    let found = of_containers(
        nothing.clone(),
        context(json!({"runAsNonRoot": true})),
        context(json!({"runAsUser": 1000})),
    );
    assert_eq!(
        found,
        [
            ".securityContext.runAsNonRoot pending - true -",
            ".securityContext.runAsUser drift - - 1000",
        ]
    );
    let found = of_containers(
        context(json!({"runAsUser": 1000})),
        context(json!({"runAsUser": 1000, "runAsNonRoot": true})),
        nothing.clone(),
    );
    assert_eq!(
        found,
        [
            ".securityContext.runAsNonRoot pending - true -",
            ".securityContext.runAsUser drift 1000 1000 -",
        ]
    );
    let found = of_containers(
        nothing,
        context(json!({"runAsUser": 2000, "runAsNonRoot": true})),
        context(json!({"runAsUser": 1000, "runAsNonRoot": true})),
    );
    assert_eq!(
        found,
        [
            ".securityContext.runAsNonRoot backport - true true",
            ".securityContext.runAsUser conflict - 2000 1000",
        ]
    );
}
