//! Tests declared state in Git and in the cluster.

#![allow(clippy::unwrap_used)]

use crate::support;

use std::fs;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use support::repository::{commit, git, init};
use support::{TestFolder, fixture_arg};

const CONFIG: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: cart
  namespace: shop
data:
  currency: EUR
  level: info
";

const LIVE: [&str; 2] = ["--live", "live.json"];

fn list(items: Vec<Value>) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}

fn config_map(namespace: &str, name: &str, data: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    })
}

/// Returns a directory with a manifest in `deploy`, and a live object that differs in both values.
fn drifted() -> TestFolder {
    let live = config_map("shop", "cart", json!({"currency": "USD", "level": "debug"}));
    TestFolder::new()
        .file("deploy/cart.yaml", CONFIG)
        .file("live.json", list(vec![live]))
}

fn run(place: &TestFolder, words: &[&str]) -> String {
    place.run(
        ["diff"]
            .into_iter()
            .chain(words.iter().copied())
            .chain(LIVE),
    )
}

#[test]
fn compares_a_revision_and_names_it() {
    let place = drifted();
    if init(place.path()).is_none() {
        return;
    }
    fs::remove_file(place.path().join("deploy/cart.yaml")).unwrap();
    insta::assert_snapshot!(run(&place, &["--ref", "main", "./deploy"]));
    insta::assert_snapshot!(run(&place, &["main:deploy", "-o", "json"]));
}

#[test]
fn missing_revisions_are_errors() {
    let place = drifted();
    insta::assert_snapshot!(run(&place, &["--ref", "main", "deploy"]));
    if init(place.path()).is_none() {
        return;
    }
    insta::assert_snapshot!(run(&place, &["--ref", "mian", "deploy"]));
    insta::assert_snapshot!(run(&place, &["main:nowhere"]));
    insta::assert_snapshot!(run(&place, &["--ref=--output=x", "deploy"]));
    insta::assert_snapshot!(run(&place, &["--ref", "main", "-"]));
}

#[test]
fn blames_commits_and_the_work_tree() {
    let place = drifted();
    if init(place.path()).is_none() {
        return;
    }
    let place = place.file("deploy/cart.yaml", CONFIG.replace("info", "warn"));
    commit(place.path(), "second").unwrap();
    let place = place.file(
        "deploy/cart.yaml",
        CONFIG.replace("EUR", "GBP").replace("info", "warn"),
    );
    insta::assert_snapshot!(run(&place, &["deploy", "--blame"]));
    insta::assert_snapshot!(run(
        &place,
        &["--ref", "main", "deploy", "--blame", "-o", "markdown"]
    ));
    insta::assert_snapshot!(run(
        &place,
        &["--ref", "main~1", "deploy", "--blame", "-o", "json"]
    ));
}

#[test]
fn warns_about_a_shallow_history() {
    let place = drifted();
    if init(place.path()).is_none() {
        return;
    }
    let url = format!("file://{}", place.path().display());
    commit(place.path(), "second").unwrap();
    git(
        place.path(),
        &["clone", "-q", "--depth", "1", &url, "clone"],
    )
    .unwrap();
    let shown = run(&place, &["clone/deploy", "--blame"]);
    insta::assert_snapshot!(shown);
}

/// Returns a Helm release record, as stored in the cluster.
fn release(name: &str, revision: u64, status: &str, manifest: &str) -> Value {
    let text = json!({
        "name": name, "namespace": "shop", "version": revision,
        "info": {"status": status, "notes": "hunter2"},
        "chart": {"metadata": {"name": "cart", "version": "1.2.0"}},
        "manifest": manifest,
        "hooks": [
            {"name": "test", "kind": "Pod", "manifest": "apiVersion: v1\nkind: Pod\n"},
            {"name": "hook", "kind": "ConfigMap"},
        ],
    });
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(text.to_string().as_bytes()).unwrap();
    let once = STANDARD.encode(packer.finish().unwrap());
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {
            "name": format!("sh.helm.release.v1.{name}.v{revision}"), "namespace": "shop",
            "labels": {
                "owner": "helm", "name": name, "status": status, "version": revision.to_string(),
            },
        },
        "data": {"release": STANDARD.encode(once)},
    })
}

const MANIFEST: &str = "\
---
# Source: cart/templates/config.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: cart
data:
  currency: EUR
---
# Source: cart/templates/namespace.yaml
apiVersion: v1
kind: Namespace
metadata:
  name: shop
";

fn released(records: Vec<Value>) -> TestFolder {
    let mut items = vec![
        config_map("shop", "cart", json!({"currency": "USD"})),
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}),
    ];
    items.extend(records);
    TestFolder::new().file("live.json", list(items))
}

#[test]
fn compares_helm_releases_without_a_chart() {
    let old = MANIFEST.replace("EUR", "DEM");
    let place = released(vec![
        release("cart", 2, "superseded", &old),
        release("cart", 3, "deployed", MANIFEST),
    ]);
    insta::assert_snapshot!(run(&place, &["helm:shop/cart"]));
    for words in ["helm:shop", "helm:*"] {
        let shown = run(&place, &[words]);
        assert_eq!(shown, run(&place, &["helm:shop/cart"]), "{words}");
    }
}

/// The labels and annotations that Helm 3 adds to the objects of a release
/// (`helm/pkg/action/validate.go`) and that the stored manifest does not contain.
#[test]
fn helms_labels_and_annotations_are_not_drift() {
    let mut config = config_map("shop", "cart", json!({"currency": "EUR"}));
    let mark = |object: &mut Value, name: &str| {
        object["metadata"]["annotations"] = json!({
            "meta.helm.sh/release-name": name, "meta.helm.sh/release-namespace": "shop",
        });
        object["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "Helm"});
    };
    mark(&mut config, "cart");
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
    let mut hook = config_map("shop", "hook", json!({}));
    hook["metadata"]["annotations"] = json!({"helm.sh/hook": "pre-install"});
    let mut labelled = config_map("shop", "plain", json!({}));
    labelled["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "Helm"});
    let items = vec![
        config,
        namespace,
        hook,
        labelled,
        release("cart", 1, "deployed", MANIFEST),
    ];
    let place = TestFolder::new().file("live.json", list(items));
    let shown = run(
        &place,
        &["helm:shop/cart", "--extra", "namespace", "-o", "name"],
    );
    // A hook that the record lists is not extra; a label alone does not make a release.
    insta::assert_snapshot!(shown);
}

/// Flux labels what it deploys with Helm, and its HelmRelease says which drift to ignore.
#[test]
fn applies_the_ignore_rules_of_a_helm_release() {
    let labels = "metadata:\n  labels:\n    helm.toolkit.fluxcd.io/name: web\n    \
                  helm.toolkit.fluxcd.io/namespace: shop\n";
    let manifest = MANIFEST.replace("metadata:\n", labels);
    let ignoring = |mode: &str| {
        json!({
            "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"driftDetection": {"mode": mode, "ignore": [
                {"paths": ["/data/currency"], "target": {"kind": "Config(Map|X)"}},
            ]}},
        })
    };
    let release = release("cart", 1, "deployed", &manifest);
    let mut live = config_map("shop", "cart", json!({"currency": "USD"}));
    live["metadata"]["labels"] = json!({
        "helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "shop",
    });
    let shown = |objects: Vec<Value>| {
        let items = [vec![live.clone(), release.clone()], objects].concat();
        let place = TestFolder::new().file("live.json", list(items));
        run(&place, &["helm:shop/cart", "--kind", "cm"])
    };
    let enabled = shown(vec![ignoring("enabled")]);
    insta::assert_snapshot!(enabled);
    assert!(!enabled.contains("mode is neither"), "{enabled}");
    let disabled = shown(vec![ignoring("disabled")]);
    insta::assert_snapshot!(disabled);
    let unknown = shown(vec![]);
    insta::assert_snapshot!(unknown);
}

/// Objects that a chart no longer declares and Helm left behind are extra; objects of other
/// releases are not.
#[test]
fn objects_that_helm_left_behind_are_extra() {
    let left = |name: &str, release: &str| {
        let mut object = config_map("shop", name, json!({}));
        object["metadata"]["annotations"] = json!({
            "meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": "shop",
            "helm.sh/resource-policy": "keep",
        });
        object
    };
    let place = released(vec![
        release("cart", 2, "deployed", MANIFEST),
        left("kept", "cart"),
        left("other", "mail"),
        config_map("shop", "plain", json!({})),
    ]);
    let shown = run(
        &place,
        &["helm:shop/cart", "--extra", "managed", "-o", "name"],
    );
    insta::assert_snapshot!(shown);
}

/// Helm can be configured to store its records elsewhere.
#[test]
fn finds_records_in_secrets_and_config_maps() {
    let in_map = |name: &str, status: &str| {
        let mut record = release(name, 1, status, &MANIFEST.replace("cart", name));
        let packed = STANDARD.decode(record["data"]["release"].as_str().unwrap());
        record["data"]["release"] = String::from_utf8(packed.unwrap()).unwrap().into();
        record["kind"] = "ConfigMap".into();
        record
    };
    let manifest = MANIFEST
        .split("---\n# Source: cart/templates/namespace")
        .next();
    let mut own = config_map("shop", "own", json!({"a": "b"}));
    own["metadata"]["labels"] = json!({"owner": "helm"});
    let place = released(vec![
        own,
        release("cart", 1, "deployed", manifest.unwrap()),
        in_map("mail", "deployed"),
        in_map("gone", "uninstalled"),
    ]);
    let shown = run(&place, &["helm:shop", "-v", "-o", "name"]);
    insta::assert_snapshot!(shown);
    let shown = run(&place, &["helm:shop/mail", "-o", "name"]);
    insta::assert_snapshot!(shown);
    let shown = run(&place, &["helm:shop/gone"]);
    assert!(
        shown.contains("is uninstalled") && shown.starts_with("exit code: 2"),
        "{shown}"
    );
}

#[test]
fn reports_helm_releases_that_cannot_be_compared() {
    let mut broken = release("pay", 1, "deployed", MANIFEST);
    broken["data"]["release"] = "aHVudGVyMg==".into();
    let place = released(vec![
        release("cart", 3, "deployed", MANIFEST),
        release("cart", 4, "failed", MANIFEST),
        release("mail", 1, "pending-install", MANIFEST),
        broken,
    ]);
    insta::assert_snapshot!(run(&place, &["helm:shop"]));
    insta::assert_snapshot!(run(&place, &["helm:shop/nothing"]));
    insta::assert_snapshot!(run(&place, &["helm:shop/*"]));
}

#[test]
fn reads_last_applied_configurations_as_declared_state() {
    let applied = config_map("shop", "cart", json!({"currency": "EUR"})).to_string();
    let annotation = json!({"kubectl.kubernetes.io/last-applied-configuration": applied});
    let mut own = config_map("shop", "cart", json!({"currency": "USD"}));
    own["metadata"]["annotations"] = annotation.clone();
    let mut copy = config_map("shop", "copy", json!({"currency": "USD"}));
    copy["metadata"]["annotations"] = annotation;
    let other = config_map("other", "bare", json!({}));
    let place = TestFolder::new().file("live.json", list(vec![own, copy, other]));
    insta::assert_snapshot!(run(&place, &["last-applied:shop", "-v"]));
    insta::assert_snapshot!(run(&place, &["last-applied:other"]));
    let everywhere = run(&place, &["last-applied:*", "-o", "name"]);
    assert_eq!(
        everywhere,
        run(&place, &["last-applied:shop", "-o", "name"])
    );
}

/// `-f PATH` and `PATH` mean the same in every command that reads manifests.
#[test]
fn filename_and_path_mean_the_same_in_every_command() {
    let (manifests, live) = (fixture_arg("shop/manifests"), fixture_arg("shop/live.json"));
    let live = ["--live", &live];
    let object = "Deployment/shop/cart";
    for words in [
        vec!["diff"],
        vec!["timeline"],
        vec!["coverage"],
        vec!["backport", "--object", object],
        vec!["guard", "--object", object],
        vec!["explain", object, ".spec.replicas"],
        vec![
            "accept",
            "--expires=7d",
            "--reason=Sale",
            "--baseline=b.yaml",
        ],
        vec!["rules"],
        vec!["policy", "--policies=."],
        vec!["doctor", "--kubeconfig=none"],
        vec!["snapshot", "--kubeconfig=none"],
        vec!["revert", "--dry-run", "--all", "--kubeconfig=none"],
    ] {
        let has_live = !matches!(
            words[0],
            "rules" | "policy" | "doctor" | "snapshot" | "revert"
        );
        let live = if has_live { &live[..] } else { &[] };
        let run = |path: &[&str]| {
            let place = TestFolder::new();
            let words = words.iter().chain(path).chain(live).copied();
            place.run(words)
        };
        assert_eq!(run(&["-f", &manifests]), run(&[&manifests]), "{words:?}");
    }
}
