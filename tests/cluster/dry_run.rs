//! `--server-dry-run`: the server's own word.

use serde_json::{Value, json};

use crate::Requests;
use crate::server::{Cluster, Denied, Fault, Server};
use crate::support::Place;

fn deployment(image: &str, replicas: u32) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": image}]}}}})
}

/// Runs over one Deployment, which a webhook gave another image, and somebody five replicas.
fn run(fault: Option<(&'static str, Fault)>, more: &[&str]) -> (i32, Value, String, Requests) {
    run_on(&Server::start(&cluster(), fault), more)
}

fn cluster() -> Value {
    json!({"items": [deployment("mirror.example/nginx:1", 5)]})
}

fn run_on(server: &Server, more: &[&str]) -> (i32, Value, String, Requests) {
    let place = Place::new()
        .file("kubeconfig", server.kubeconfig())
        .file("m/web.json", deployment("nginx:1", 2).to_string())
        .file(
            "m/none.json",
            deployment("nginx:1", 2)
                .to_string()
                .replace("\"web\"", "\"none\""),
        );
    let output = place
        .driftctl()
        .args([
            "diff",
            "m",
            "--kubeconfig",
            "kubeconfig",
            "-o",
            "json",
            "--timeout",
            "20",
        ])
        .args(more)
        .output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let stderr = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), report, stderr, server.seen())
}

fn paths(report: &Value) -> Vec<String> {
    let objects = report["objects"].as_array().unwrap();
    let web = objects
        .iter()
        .find(|object| object["name"] == "web")
        .unwrap();
    let changes = web["changes"].as_array().unwrap().iter();
    changes
        .filter(|change| change["explained"].is_null())
        .map(|change| change["path"].as_str().unwrap().to_owned())
        .collect()
}

const IMAGE: &str = ".spec.template.spec.containers[name=\"web\"].image";

#[test]
fn what_a_webhook_would_do_again_is_no_drift() {
    let (_, plain, _, seen) = run(None, &[]);
    assert_eq!(paths(&plain), [".spec.replicas", IMAGE]);
    assert!(seen.iter().all(|(method, _)| method == "GET"), "{seen:?}");

    let (code, asked, stderr, _) = run(None, &["--server-dry-run", "--show", "all"]);
    assert_eq!((code, stderr.as_str()), (1, ""));
    assert_eq!(paths(&asked), [".spec.replicas"]);
    let text = asked.to_string();
    assert!(text.contains("admission-changed"), "{text}");
}

#[test]
fn nothing_is_applied_but_in_thought_and_nothing_that_is_missing() {
    let (_, report, _, seen) = run(None, &["--server-dry-run", "--field-manager", "argo cd"]);
    assert_eq!(report["summary"]["missing"], 1);
    let patches: Vec<_> = seen.iter().filter(|(method, _)| method != "GET").collect();
    let [(method, path)] = patches.as_slice() else {
        panic!("{patches:?}");
    };
    assert_eq!(method, "PATCH");
    let expected = "/apis/apps/v1/namespaces/shop/deployments/web?dryRun=All&force=true\
                    &fieldManager=argo%20cd&fieldValidation=Ignore";
    assert_eq!(path, expected);
}

#[test]
fn without_the_right_to_patch_the_missing_verb_is_named() {
    let mut cluster = Cluster::of(&cluster());
    cluster.denied = vec![Denied {
        verb: "patch",
        resource: "deployments",
        namespace: "shop",
    }];
    let (code, report, stderr, _) = run_on(&cluster.start(), &["--server-dry-run"]);
    assert_eq!(code, 2);
    assert_eq!(report["verdict"], "incomplete");
    assert!(
        stderr.contains("patch deployments.apps in namespace shop is not allowed"),
        "{stderr}"
    );
    assert_eq!(paths(&report), [".spec.replicas", IMAGE]);
}

/// No Role helps against a webhook, and nobody is sent to look for one.
#[test]
fn an_apply_that_is_refused_lacks_no_right() {
    let refused = Some(("dryRun=All", Fault::Quoting(403, "canary")));
    let (code, report, stderr, _) = run(refused, &["--server-dry-run"]);
    assert_eq!(code, 2);
    assert_eq!(report["verdict"], "incomplete");
    assert!(stderr.contains("refuses to apply it"), "{stderr}");
    assert!(
        !stderr.contains("not allowed") && !stderr.contains("canary"),
        "{stderr}"
    );
}

#[test]
fn a_recording_cannot_be_asked() {
    let shown = Place::new().run(["diff", "m", "--live", "x.json", "--server-dry-run"]);
    assert!(shown.starts_with("exit code: 2"), "{shown}");
    assert!(shown.contains("cannot be used with"), "{shown}");
}

/// With a base, both manifests are applied in a dry run, each to the object that is live.
#[test]
fn a_base_and_a_dry_run_go_together() {
    let server = Server::start(&cluster(), None);
    let place = Place::new()
        .file("kubeconfig", server.kubeconfig())
        .file("base/web.json", deployment("nginx:1", 2).to_string())
        .file("branch/web.json", deployment("nginx:1", 3).to_string());
    let output = place
        .driftctl()
        .args(["diff", "branch", "--base", "base", "--server-dry-run"])
        .args(["--kubeconfig", "kubeconfig", "-o", "json"])
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), stderr.as_str()), (Some(1), ""));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verdict"], "conflict");
    assert_eq!(paths(&report), [".spec.replicas"]);
    let seen = server.seen();
    assert_eq!(seen.iter().filter(|(m, _)| m == "PATCH").count(), 2);
}
