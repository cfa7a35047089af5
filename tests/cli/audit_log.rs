//! Tests that the audit log names exactly the users who caused the drift.

#![allow(clippy::unwrap_used)]

use crate::support;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use support::{TestFolder, fixture, fixture_arg};

const SCENARIO: &str = "driftbench/shop-csa-drift";

/// Returns the name of an object, the same for a report and the expected result.
fn name(object: &Value) -> String {
    let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
    format!("{} {}/{}", text("kind"), text("namespace"), text("name"))
}

fn report(log: &str) -> Value {
    let place = TestFolder::new();
    let live = fixture_arg(&format!("{SCENARIO}/live.json.gz"));
    let words = ["--extra", "namespace", "-o", "json", "--live", &live];
    let manifests = fixture_arg("shop/manifests");
    let output = place
        .driftctl()
        .args(["diff", &manifests, "--audit-log", log])
        .args(words)
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("no report:\n{}", place.shown(&output)))
}

/// Returns who changed each object, according to the expected result.
fn truth() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read(fixture(&format!("{SCENARIO}/expected.json"))).unwrap();
    let truth: Value = serde_json::from_slice(&text).unwrap();
    let user = |op: &Value| op["user"].as_str().unwrap().to_owned();
    let objects = truth["drifted"].as_array().unwrap().iter();
    objects
        .map(|object| {
            let ops = object["ops"].as_array().unwrap();
            (name(object), ops.iter().map(user).collect())
        })
        .collect()
}

fn users(owners: &Value) -> BTreeSet<String> {
    let owners = owners.as_array().into_iter().flatten();
    let users = owners.filter_map(|owner| owner["user"].as_str());
    // Controllers have users, too.
    users
        .filter(|user| user.ends_with("@example.com"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn names_the_author_of_every_change() {
    let truth = truth();
    let report = report(&fixture_arg("audit/shop-csa.log.gz"));
    let mut named = 0;
    for object in report["objects"].as_array().unwrap() {
        let Some(people) = truth.get(&name(object)) else {
            continue;
        };
        for change in object["changes"].as_array().into_iter().flatten() {
            let found = users(&change["owners"]);
            let what = format!("{} {}", name(object), change["path"]);
            assert!(!found.is_empty(), "{what}: nobody is named");
            assert!(found.is_subset(people), "{what}: {found:?} of {people:?}");
            named += 1;
        }
    }
    assert!(named > 70, "{named} changes");
}

#[test]
fn names_who_deleted_a_missing_object() {
    let report = report(&fixture_arg("audit/shop-csa.log.gz"));
    let objects = report["objects"].as_array().unwrap().iter();
    let missing: Vec<_> = objects.filter(|o| o["status"] == "missing").collect();
    assert!(!missing.is_empty());
    for object in missing {
        let reason = object["reason"].as_str().unwrap_or_default();
        assert!(
            reason.starts_with("deleted by bob@example.com at 2026-"),
            "{}: {reason}",
            name(object)
        );
    }
}

#[test]
fn warns_about_invalid_lines_and_fails_without_the_file() {
    let place = TestFolder::new().file("audit.log", "{}\nnot an event\n\n");
    let log = place.path().join("audit.log");
    let found = report(log.to_str().unwrap());
    let warnings = found["warnings"].to_string();
    insta::assert_snapshot!(place.masked(&warnings));

    let manifests = fixture_arg("shop/manifests");
    let live = fixture_arg("shop/live.json");
    let words = [
        "diff",
        &manifests,
        "--live",
        &live,
        "--audit-log",
        "nowhere.log",
    ];
    let shown = place.run(words);
    assert!(shown.starts_with("exit code: 2"), "{shown}");
    insta::assert_snapshot!(shown);
}

/// Deletion of an object that waits for its finalizers, and `kubectl delete --all`.
#[test]
fn names_who_deleted_an_object_that_is_terminating() {
    for (verb, name, uri) in [
        (
            "delete",
            Some("held"),
            "/api/v1/namespaces/shop/configmaps/held",
        ),
        (
            "deletecollection",
            None,
            "/api/v1/namespaces/shop/configmaps",
        ),
    ] {
        let event = json!({"stage": "ResponseComplete", "verb": verb, "requestURI": uri,
            "user": {"username": "alice@example.com"}, "userAgent": "kubectl/v1.36.2",
            "objectRef": {"resource": "configmaps", "namespace": "shop", "name": name},
            "responseStatus": {"code": 200},
            "requestReceivedTimestamp": "2026-11-21T03:00:00.5Z"});
        let manifest = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "held", "namespace": "shop"}, "data": {"a": "1"}});
        let mut live = manifest.clone();
        live["metadata"]["deletionTimestamp"] = "2026-11-21T03:00:00Z".into();
        live["metadata"]["finalizers"] = json!(["shop.example/hold"]);
        let place = TestFolder::new()
            .file("m.json", manifest.to_string())
            .file("live.json", json!({"items": [live]}).to_string())
            .file("audit.log", event.to_string());
        let words = ["--live", "live.json", "--audit-log", "audit.log"];
        let shown = place.run([&["diff", "m.json"], &words[..]].concat());
        assert!(shown.starts_with("exit code: 1"), "{shown}");
        let expected = "high · being-deleted · alice@example.com with kubectl";
        assert!(shown.contains(expected), "{verb}: {shown}");
    }
}

/// An owner reference and the name of an owner are claims; the log shows who created the object.
#[test]
fn what_a_person_created_is_not_explained_by_its_owner() {
    let found = |user: &str| {
        let event = json!({"stage": "ResponseComplete", "verb": "create",
            "requestURI": "/api/v1/namespaces/shop/secrets", "user": {"username": user},
            "userAgent": "kubectl/v1.36.2",
            "objectRef": {"resource": "secrets", "namespace": "shop", "name": "web-credentials"},
            "responseStatus": {"code": 201},
            "requestReceivedTimestamp": "2026-11-21T03:00:00.5Z"});
        let manifest = json!({"apiVersion": "example.com/v1", "kind": "Shop",
            "metadata": {"name": "web", "namespace": "shop", "uid": "s"}});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {
            "name": "web-credentials", "namespace": "shop", "ownerReferences": [{
                "apiVersion": "example.com/v1", "kind": "Shop", "name": "web", "uid": "s",
                "controller": true}]}});
        let place = TestFolder::new()
            .file("m.json", manifest.to_string())
            .file(
                "live.json",
                json!({"items": [manifest, secret]}).to_string(),
            )
            .file("audit.log", event.to_string());
        let words = ["--live", "live.json", "--extra", "namespace"];
        let audit = ["--audit-log", "audit.log"];
        let shown = place.run([&["diff", "m.json"], &words[..], &audit[..]].concat());
        shown.contains("web-credentials")
    };
    assert!(!found("system:serviceaccount:shop-system:operator"));
    assert!(found("alice@example.com"));
    assert!(found(
        "system:serviceaccount:shop-system:operator (through alice)"
    ));
}
