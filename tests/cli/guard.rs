//! Tests `driftctl guard`: policies that block live changes.

use serde_json::{Value, json};

use crate::support::TestFolder;

const CART: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      securityContext: {runAsNonRoot: true}
      containers:
      - name: api
        image: reg.example.com/cart:1.4
---
apiVersion: v1
kind: Secret
metadata: {name: cart, namespace: shop}
stringData: {token: hunter-two-hunter}
";

/// Returns the live objects: replicas, the image, a container and the token were changed by hand.
fn live() -> Value {
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "cart", "namespace": "shop", "uid": "1"},
            "spec": {
                "replicas": 7,
                "selector": {"matchLabels": {"app": "cart"}},
                "template": {
                    "metadata": {"labels": {"app": "cart"}},
                    "spec": {"securityContext": {}, "containers": [
                        {"name": "api", "image": "reg.example.com/cart:hotfix"},
                        {"name": "debug", "image": "busybox"},
                    ]}
                }
            }
        },
        {
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "other", "namespace": "shop"},
            "spec": {"replicas": 40}
        },
        {
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": "cart", "namespace": "shop"},
            "data": {"token": "cm90YXRlZC1ieS1oYW5k"}
        }
    ]})
}

fn place() -> TestFolder {
    TestFolder::new()
        .file("m/cart.yaml", CART)
        .file("live.json", live().to_string())
}

fn run(words: &[&str]) -> String {
    place().run([&["guard", "m", "--live", "live.json"], words].concat())
}

#[test]
fn prints_a_policy_with_its_proof() {
    insta::assert_snapshot!(run(&["deploy/shop/cart", "--allow", "alice"]));
}

#[test]
fn writes_the_same_expressions_for_other_engines() {
    let words = [
        "deploy/shop/cart",
        ".spec.replicas",
        "--lock",
        "--allow-group",
        "sre",
    ];
    for format in ["kyverno", "gatekeeper"] {
        let shown = run(&[&words[..], &["--enforce", "--format", format]].concat());
        insta::assert_snapshot!(format!("guard_for_{format}"), shown);
    }
}

#[test]
fn does_not_print_a_policy_that_fails_its_proof() {
    // A policy that allows 20 replicas does not refuse 7.
    let shown = run(&[
        "deploy/shop/cart",
        ".spec.replicas",
        "--max=20",
        "--allow",
        "alice",
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn does_not_lock_out_the_deployer_unless_requested() {
    let shown = run(&["deploy/shop/cart", ".spec.replicas"]);
    assert!(shown.starts_with("exit code: 1"), "{shown}");
    assert!(shown.contains("--allow USER"), "{shown}");
    assert!(!shown.contains("kind:"), "{shown}");
}

#[test]
fn policies_contain_no_values_of_secrets() {
    for words in [
        &["secret/shop/cart", "--allow", "alice"][..],
        &["secret/shop/cart", "--allow", "alice", "--allow-declared"],
        &["secret/shop/cart", "--allow", "alice", "--closed"],
    ] {
        let shown = run(words);
        for secret in ["hunter", "rotated", "aHVudGVy", "cm90YXRl"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    let shown = run(&["secret/shop/cart", "--allow", "alice"]);
    assert!(
        shown.contains("object.?data.?token == oldObject.?data.?token"),
        "{shown}"
    );
}

#[test]
fn requires_a_selection() {
    let shown = run(&[]);
    assert!(shown.starts_with("exit code: 2"), "{shown}");
    assert!(shown.contains("deploy/shop/cart"), "{shown}");
    let shown = run(&["deploy/shop/nothing"]);
    assert!(shown.starts_with("exit code: 2"), "{shown}");
}

/// The field manager of a tool says which service account the tool uses.
#[test]
fn assumes_the_service_account_of_a_gitops_controller() {
    let mut live = live();
    live["items"][0]["metadata"]["managedFields"] = json!([
        {"manager": "argocd-controller", "operation": "Apply", "apiVersion": "apps/v1",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:template": {"f:spec": {
                "f:containers": {"k:{\"name\":\"api\"}": {".": {}, "f:name": {}}}}}}}},
        {"manager": "kubectl", "operation": "Update", "apiVersion": "apps/v1",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
    ]);
    let shown = TestFolder::new()
        .file("m/cart.yaml", CART)
        .file("live.json", live.to_string())
        .run([
            "guard",
            "m",
            "--live",
            "live.json",
            "deploy/shop/cart",
            ".spec.replicas",
        ]);
    assert!(shown.starts_with("exit code: 0"), "{shown}");
    assert!(
        shown.contains("system:serviceaccount:argocd:argocd-application-controller, assumed"),
        "{shown}"
    );
}

#[test]
fn check_finds_rules_that_do_not_work() {
    let place = TestFolder::new().file(
        "m/cart.yaml",
        CART.replace("shop}", "prod-shop}")
            .replace("replicas: 2", "replicas: 21"),
    );
    let policies = crate::support::fixture_arg("policies/toothless");
    let shown = place.run(["guard", "--check", &policies, "m"]);
    insta::assert_snapshot!(shown.replace(&policies, "policies"));

    let output = place
        .driftctl()
        .args(["guard", "--check", &policies, "m", "-o", "json"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let flaws: Vec<&Value> = found["policies"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|policy| policy["rules"].as_array().unwrap())
        .flat_map(|rule| rule["flaws"].as_array().unwrap())
        .map(|flaw| &flaw["flaw"])
        .collect();
    assert_eq!(
        flaws,
        ["blocks-nothing", "blocks-nothing", "can-be-bypassed"]
    );
}

#[test]
fn check_requires_a_policy() {
    for words in [
        &["guard", "--check", "m"][..],
        &["guard", "--check", "nothing"],
        &["guard", "--check", "m", "--lock"],
        &["guard", "m", "-o", "json"],
    ] {
        let shown = place().run(words.to_vec());
        assert!(shown.starts_with("exit code: 2"), "{shown}");
    }
}

#[test]
fn a_guard_may_be_about_all_objects_of_the_kind() {
    let selected = [
        "guard",
        "m",
        "--live",
        "live.json",
        "deploy/shop/cart",
        ".spec.replicas",
    ];
    let with = |scope: &str, format: &str| {
        let more = ["--allow", "alice", "--scope", scope, "--format", format];
        place().run(selected.iter().chain(&more).copied())
    };
    for format in ["vap", "kyverno", "gatekeeper"] {
        let shown = with("namespace", format);
        assert!(shown.starts_with("exit code: 0"), "{shown}");
        assert!(shown.contains("Guards every Deployment in shop"), "{shown}");
        assert!(
            shown.contains("refused  the same change of another Deployment"),
            "{shown}"
        );
        assert!(!shown.contains("- cart\n"), "{shown}");
        let shown = with("cluster", format);
        assert!(shown.contains("Guards every Deployment against"), "{shown}");
        assert!(!shown.contains("kubernetes.io/metadata.name"), "{shown}");
        assert!(!shown.contains("- shop\n"), "{shown}");
        let shown = with("object", format);
        assert!(!shown.contains("another Deployment"), "{shown}");
    }
}
