//! Tests which objects filters select, and that excluded objects are counted.

#![allow(clippy::unwrap_used)]

use crate::support;

use std::collections::BTreeSet;

use serde_json::Value;
use support::{TestFolder, fixture_arg};

/// Runs a diff of the recorded shop. Returns the exit code, the report and standard error.
fn shop(more: &[&str]) -> (i32, Value, String) {
    let output = TestFolder::new()
        .driftctl()
        .args(["diff", "-o", "json", "--show", "all"])
        .args(["--live", &fixture_arg("shop/live.json")])
        .arg(fixture_arg("shop/manifests"))
        .args(more)
        .output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), report, stderr)
}

fn objects(report: &Value) -> &Vec<Value> {
    report["objects"].as_array().unwrap()
}

fn values(report: &Value, field: &str) -> BTreeSet<String> {
    let objects = objects(report).iter();
    let values = objects.map(|o| o[field].as_str().unwrap_or("none").to_owned());
    values.collect()
}

#[track_caller]
fn assert_whole(report: &Value) {
    let (coverage, all) = (&report["coverage"], 66);
    assert_eq!(coverage["declared"], all);
    let filtered = coverage["filtered"].as_u64().unwrap();
    let declared = objects(report).iter().filter(|o| o["origin"].is_object());
    assert_eq!(filtered + declared.count() as u64, all);
    assert!(filtered > 0 && filtered < all, "{filtered}");
}

#[test]
fn selects_a_kind_by_each_of_its_names() {
    let (code, by_kind, _) = shop(&["--kind", "Deployment"]);
    assert_eq!(code, 1);
    assert_whole(&by_kind);
    assert_eq!(values(&by_kind, "kind"), ["Deployment".to_owned()].into());
    for name in [
        "deploy",
        "deployments",
        "DEPLOYMENTS.apps",
        "deployment.v1.apps",
    ] {
        assert_eq!(
            shop(&["--kind", name]).1["objects"],
            by_kind["objects"],
            "{name}"
        );
    }
    let (_, several, _) = shop(&["--kind", "svc,cm", "--kind", "promotion"]);
    let expected = ["ConfigMap", "Promotion", "Service"].map(str::to_owned);
    assert_eq!(values(&several, "kind"), expected.into());
}

#[test]
fn selects_objects_by_their_declared_labels() {
    let (_, report, _) = shop(&["-l", "app.kubernetes.io/name in (cart)"]);
    assert_whole(&report);
    assert!(values(&report, "name").contains("cart"));
    let (_, rest, _) = shop(&["-l", "app.kubernetes.io/name notin (cart)"]);
    let chosen = |report: &Value| objects(report).len();
    assert_eq!(chosen(&report) + chosen(&rest), 66);
}

#[test]
fn namespace_excludes_other_namespaces_and_all_namespaces_none() {
    let (_, report, _) = shop(&["-n", "shop"]);
    assert_whole(&report);
    let expected = ["none", "shop"].map(str::to_owned);
    assert_eq!(values(&report, "namespace"), expected.into());
    let (_, report, _) = shop(&["-n", "shop", "-A"]);
    assert_eq!(report["coverage"]["filtered"], 0);
}

#[test]
fn filters_undeclared_objects_without_reporting_excluded_ones() {
    let extra = |more: &[&str]| {
        let (_, mut report, _) = shop(&[&["--extra", "namespace"], more].concat());
        let objects = report["objects"].as_array_mut().unwrap();
        objects.retain(|object| object["status"] == "extra");
        report
    };
    let all = extra(&[]);
    assert!(objects(&all).len() > 2);
    let of_kind = extra(&["--kind", "cm"]);
    assert_eq!(values(&of_kind, "kind"), ["ConfigMap".to_owned()].into());
    assert!(objects(&of_kind).iter().all(|o| objects(&all).contains(o)));
    let labelled = extra(&["-l", "app.kubernetes.io/name"]);
    assert!(objects(&labelled).iter().all(|o| objects(&all).contains(o)));
    assert!(objects(&labelled).len() < objects(&all).len());
}

#[test]
fn all_namespaces_searches_the_whole_cluster() {
    let config = |namespace: &str, name: &str| {
        let metadata = serde_json::json!({"name": name, "namespace": namespace});
        serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
            .to_string()
    };
    let place = TestFolder::new()
        .file("m/a.json", config("shop", "a"))
        .file("live.json", config("shop", "a") + &config("other", "b"));
    let run = |more: &[&str]| {
        let words = [
            "diff",
            "m",
            "--live",
            "live.json",
            "--extra",
            "namespace",
            "-o",
            "name",
        ];
        place.run([&words, more].concat())
    };
    assert!(!run(&[]).contains("other"));
    assert!(run(&["-A"]).contains("other"));
}

#[test]
fn a_filter_that_selects_nothing_is_an_error() {
    for (more, named) in [
        (&["-l", "nobody=here"][..], "--selector nobody=here"),
        (&["--kind", "node"], "--kind node"),
        (
            &["-n", "elsewhere", "--kind", "deploy"],
            "--namespace elsewhere and --kind deploy",
        ),
    ] {
        let (code, report, stderr) = shop(more);
        assert_eq!(code, 2, "{more:?}");
        assert_eq!(report["verdict"], "incomplete");
        assert!(stderr.contains(named), "{stderr}");
        assert_eq!(shop(&[more, &["--allow-empty"]].concat()).0, 0, "{more:?}");
    }
}

#[test]
fn a_misspelt_filter_is_an_error() {
    let (code, _, stderr) = shop(&["--kind", "deploy,servise"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(stderr);
    for selector in ["", "a b", "=x"] {
        let (code, _, stderr) = shop(&["-l", selector]);
        assert_eq!(code, 2, "{selector:?}");
        assert!(stderr.contains("--selector"), "{stderr}");
    }
}
