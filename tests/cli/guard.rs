//! `driftctl guard`: policies against what was changed live.

use serde_json::{Value, json};

use crate::support::Place;

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

/// What is live: replicas, the image and a container were changed by hand, and the token.
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

fn place() -> Place {
    Place::new()
        .file("m/cart.yaml", CART)
        .file("live.json", live().to_string())
}

fn run(words: &[&str]) -> String {
    place().run([&["guard", "m", "--live", "live.json"], words].concat())
}

#[test]
fn a_policy_is_printed_with_its_proof() {
    insta::assert_snapshot!(run(&["deploy/shop/cart", "--allow", "alice"]));
}

#[test]
fn other_engines_get_the_same_expressions() {
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
fn a_policy_that_does_not_hold_is_not_printed() {
    // 7 replicas are not refused by a policy that admits 20.
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
fn nobody_is_stopped_from_deploying_without_being_asked() {
    let shown = run(&["deploy/shop/cart", ".spec.replicas"]);
    assert!(shown.starts_with("exit code: 1"), "{shown}");
    assert!(shown.contains("--allow USER"), "{shown}");
    assert!(!shown.contains("kind:"), "{shown}");
}

#[test]
fn no_policy_holds_a_value_of_a_secret() {
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
fn what_is_guarded_has_to_be_said() {
    let shown = run(&[]);
    assert!(shown.starts_with("exit code: 2"), "{shown}");
    assert!(shown.contains("deploy/shop/cart"), "{shown}");
    let shown = run(&["deploy/shop/nothing"]);
    assert!(shown.starts_with("exit code: 2"), "{shown}");
}

/// What tools apply with tells the account that they run as.
#[test]
fn the_account_of_a_gitops_controller_is_assumed() {
    let mut live = live();
    live["items"][0]["metadata"]["managedFields"] = json!([
        {"manager": "argocd-controller", "operation": "Apply", "apiVersion": "apps/v1",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:template": {"f:spec": {
                "f:containers": {"k:{\"name\":\"api\"}": {".": {}, "f:name": {}}}}}}}},
        {"manager": "kubectl", "operation": "Update", "apiVersion": "apps/v1",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
    ]);
    let shown = Place::new()
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
