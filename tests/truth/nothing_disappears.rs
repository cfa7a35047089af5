//! Tests that nothing disappears: what is live is reported, or counted under its explanation, and
//! display flags do not change a verdict.

use std::collections::BTreeSet;

use driftctl::cluster::Dump;
use driftctl::engine::{self, Extra, Options};
use driftctl::model::{JudgedChange, Report, ResourceKey, Verdict};
use driftctl::policy::RuleSet;
use driftctl::source::{FilesSource, Source};
use serde_json::{Value, json};

use crate::properties::cluster::key_of;
use crate::support::{TestFolder, fixture};

/// Compares with all live objects.
fn run(manifests: std::path::PathBuf, live: std::path::PathBuf, explain: bool) -> Report {
    let sources: Vec<Box<dyn Source>> = vec![Box::new(FilesSource::new([manifests]))];
    let dump = Dump::read(&[live]).unwrap();
    let options = Options {
        extra: Extra::Namespace,
        all_namespaces: true,
        explain,
        ..Options::default()
    };
    engine::run(&sources, &dump, RuleSet::builtin(), &options).unwrap()
}

/// Returns the changes of a report that count, or that a rule hid.
fn decided(report: &Report) -> BTreeSet<String> {
    let of_object = |key: &ResourceKey, drift: &JudgedChange| {
        format!("{key} {} {:?}", drift.change.path, drift.verdict())
    };
    let objects = report.objects.iter();
    let all = objects.flat_map(|object| object.drifts.iter().map(move |drift| (object, drift)));
    all.filter(|(_, drift)| !matches!(drift.verdict(), Verdict::Explained { .. }))
        .map(|(object, drift)| of_object(&object.key, drift))
        .collect()
}

#[track_caller]
fn check(manifests: &std::path::Path, live: &std::path::Path) {
    let text = std::fs::read_to_string(live).unwrap();
    let recording: Value = serde_json::from_str(&text).unwrap();
    let items = recording["items"].as_array().unwrap();
    let live_keys: BTreeSet<ResourceKey> = items.iter().map(key_of).collect();
    let few = run(manifests.to_owned(), live.to_owned(), false);
    let all = run(manifests.to_owned(), live.to_owned(), true);

    // Undeclared cluster-scoped objects are not searched for.
    let listed: BTreeSet<&ResourceKey> = all.objects.iter().map(|object| &object.key).collect();
    let in_scope = live_keys.iter().filter(|key| key.namespace.is_some());
    let lost: Vec<String> = in_scope
        .clone()
        .filter(|key| !listed.contains(key))
        .map(ToString::to_string)
        .collect();
    assert!(lost.is_empty(), "neither reported nor explained: {lost:#?}");

    let counted: usize = few.explained.iter().map(|one| one.objects).sum();
    let shown = few.objects.iter().map(|object| &object.key);
    let shown = shown.filter(|key| key.namespace.is_some() && live_keys.contains(key));
    assert_eq!(shown.count() + counted, in_scope.count());
    assert!(
        few.explained
            .iter()
            .all(|one| !one.by.is_empty() && !one.about.is_empty())
    );
    assert_eq!(few.explained, all.explained);

    assert_eq!(decided(&few), decided(&all), "--show changes a verdict");
    let hidden = |report: &Report| report.rules.iter().map(|rule| rule.hid).sum::<usize>();
    assert_eq!(hidden(&few), few.totals().ignored);
    assert_eq!(hidden(&few), hidden(&all));
}

#[test]
fn every_live_object_is_reported_or_counted() {
    check(&fixture("shop/manifests"), &fixture("shop/live.json"));
}

#[test]
fn counts_objects_of_controllers_and_the_system() {
    let object = |api_version: &str, kind: &str, name: &str, more: Value| {
        let mut object = json!({"apiVersion": api_version, "kind": kind,
            "metadata": {"name": name, "namespace": "shop"}});
        for (field, value) in more.as_object().unwrap() {
            object[field] = value.clone();
        }
        object
    };
    let owned = json!({"metadata": {"name": "web-1", "namespace": "shop", "ownerReferences": [
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "1",
            "controller": true}]}});
    let twin = |group: &str| {
        let meta = json!({"metadata": {"name": "shop", "namespace": "shop", "uid": "7"}});
        object(&format!("{group}/v1beta1"), "Ingress", "shop", meta)
    };
    let set = json!({"spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}});
    let items = [
        object("v1", "ConfigMap", "kube-root-ca.crt", json!({})),
        object("v1", "ServiceAccount", "default", json!({})),
        object("v1", "Pod", "web-1", owned),
        object("v1", "PersistentVolumeClaim", "data-db-0", json!({})),
        object("apps/v1", "StatefulSet", "db", set.clone()),
        object("v1", "ConfigMap", "by-hand", json!({})),
        twin("extensions"),
        twin("networking.k8s.io"),
    ];
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    let place = TestFolder::new().file("live.json", list.to_string()).file(
        "m/db.json",
        object("apps/v1", "StatefulSet", "db", set).to_string(),
    );
    let (manifests, live) = (place.path().join("m"), place.path().join("live.json"));
    check(&manifests, &live);
    let report = run(manifests, live, false);
    let by: Vec<&str> = report.explained.iter().map(|one| one.by.as_str()).collect();
    let expected = [
        "default-service-account",
        "owned",
        "root-ca",
        "stateful-set-claims",
        "twin-groups",
    ];
    assert_eq!(by, expected);
}
