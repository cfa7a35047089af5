//! Tests `--server-dry-run`, the server's own prediction.

use serde_json::{Value, json};

use crate::Requests;
use crate::server::{Cluster, Denied, Fault, Server};
use crate::support::TestFolder;

fn deployment(image: &str, replicas: u32) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": image}]}}}})
}

/// Compares one Deployment: a webhook changed its image, and someone its replicas.
fn run(fault: Option<(&'static str, Fault)>, more: &[&str]) -> (i32, Value, String, Requests) {
    run_on(&Server::start(&cluster(), fault), more)
}

fn cluster() -> Value {
    json!({"items": [deployment("mirror.example/nginx:1", 5)]})
}

fn run_on(server: &Server, more: &[&str]) -> (i32, Value, String, Requests) {
    let place = TestFolder::new()
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
fn what_a_webhook_would_do_again_is_not_drift() {
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
fn sends_only_dry_runs_and_none_for_missing_objects() {
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
fn names_the_missing_verb_patch() {
    let mut cluster = Cluster::of(&cluster());
    cluster.denied = vec![Denied {
        verb: "patch",
        resource: "deployments",
        namespace: "shop",
    }];
    let (code, report, stderr, _) = run_on(&cluster.start(), &["--server-dry-run"]);
    assert_eq!(code, 2);
    assert_eq!(report["verdict"], "incomplete");
    insta::assert_snapshot!(stderr);
    assert_eq!(paths(&report), [".spec.replicas", IMAGE]);
}

/// The verb is not named, because patch is allowed.
#[test]
fn a_refused_apply_is_not_a_missing_right() {
    let message = "clusterroles \"web\" is forbidden: attempting to grant RBAC permissions: canary";
    let refused = Some(("dryRun=All", Fault::Saying(403, message)));
    let (code, report, stderr, _) = run(refused, &["--server-dry-run"]);
    assert_eq!(code, 2);
    assert_eq!(report["verdict"], "incomplete");
    insta::assert_snapshot!(stderr);
    assert!(
        !stderr.contains("not allowed") && !stderr.contains("canary"),
        "{stderr}"
    );
}

const DENIED: &str = "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'guardrails' \
     with binding 'guardrails-prod' denied request: 2 replicas are too few for hunter2";

/// Returns the manifest that `run` applies, with a password.
fn denied(code: u16, message: &'static str, more: &[&str]) -> (i32, String) {
    let with_password = |replicas| {
        let mut web = deployment("nginx:1", replicas);
        web["spec"]["template"]["spec"]["containers"][0]["env"] =
            json!([{"name": "DB_PASSWORD", "value": "hunter2"}]);
        web
    };
    let server = Server::start(
        &json!({"items": [with_password(2)]}),
        Some(("dryRun=All", Fault::Saying(code, message))),
    );
    let place = TestFolder::new()
        .file("kubeconfig", server.kubeconfig())
        .file("m/web.json", with_password(2).to_string());
    let output = place
        .driftctl()
        .args([
            "diff",
            "m",
            "--kubeconfig",
            "kubeconfig",
            "--server-dry-run",
        ])
        .args(more)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    assert_eq!(text(output.stderr), "");
    (output.status.code().unwrap(), text(output.stdout))
}

/// A policy chooses the status code of its refusal, including 401.
#[test]
fn names_a_policy_that_refuses_an_apply() {
    for code in [401, 403, 413, 422] {
        let (exit, report) = denied(code, DENIED, &["-o", "json"]);
        assert_eq!(exit, 1, "{report}");
        let report: Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["verdict"], "in-sync");
        assert_eq!(report["coverage"]["compared"], 1);
        assert_eq!(report["coverage"]["failed"], 0);
        assert_eq!(report["summary"]["refusedByPolicy"], 1);
        assert_eq!(
            report["objects"][0]["policies"],
            json!([{"action": "denied", "policy": "ValidatingAdmissionPolicy \"guardrails\"",
                "binding": "guardrails-prod",
                "message": "2 replicas are too few for (redacted)"}])
        );
    }
}

#[test]
fn fail_on_denied_selects_refusals() {
    assert_eq!(denied(422, DENIED, &[]).0, 1);
    assert_eq!(denied(422, DENIED, &["--fail-on", "denied"]).0, 1);
    assert_eq!(denied(422, DENIED, &["--fail-on", "any"]).0, 1);
    assert_eq!(denied(422, DENIED, &["--fail-on", "drift,conflict"]).0, 0);
    assert_eq!(denied(422, DENIED, &["--exit-zero"]).0, 0);
    let shown = TestFolder::new().run(["diff", "m", "--live", "x.json", "--fail-on", "denied"]);
    assert!(shown.starts_with("exit code: 2"), "{shown}");
    assert!(shown.contains("add --server-dry-run"), "{shown}");
}

#[test]
fn every_format_shows_a_refusal_without_secrets() {
    for format in [
        "text",
        "json",
        "yaml",
        "table",
        "wide",
        "markdown",
        "html",
        "sarif",
        "junit",
        "github",
        "gitlab",
        "name",
        "prometheus",
    ] {
        let (_, shown) = denied(422, DENIED, &["-o", format]);
        let policy = if format == "table" {
            "denied by"
        } else {
            "guardrails"
        };
        assert!(shown.contains(policy), "{format}: {shown}");
        assert!(!shown.contains("hunter2"), "{format}: {shown}");
    }
    let (_, shown) = denied(422, DENIED, &["-o", "github"]);
    assert!(
        shown.starts_with("::error file=m/web.json,line=1"),
        "{shown}"
    );
}

#[test]
fn names_each_policy_behind_a_webhook() {
    let message = "admission webhook \"validate.kyverno.svc-fail\" denied the request: \n\n\
        resource Deployment/shop/web was blocked due to the following policies \n\n\
        limits:\n  cpu: set a limit\n";
    let (exit, shown) = denied(400, message, &[]);
    assert_eq!(exit, 1);
    let expected = "denied by limits (by the admission webhook \"validate.kyverno.svc-fail\") cpu: set \
                    a limit";
    let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(expected), "{shown}");
}

#[test]
fn rejects_a_recording() {
    let shown = TestFolder::new().run(["diff", "m", "--live", "x.json", "--server-dry-run"]);
    assert!(shown.starts_with("exit code: 2"), "{shown}");
    assert!(shown.contains("cannot be used with"), "{shown}");
}

/// With a base, both manifests are applied in a dry run, each to the live object.
#[test]
fn combines_a_base_and_a_dry_run() {
    let server = Server::start(&cluster(), None);
    let place = TestFolder::new()
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
