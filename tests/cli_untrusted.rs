//! Manifests that somebody else wrote: what they ask for is refused, and said.

#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::Place;
use support::repository::init;

const LIVE: [&str; 3] = ["--untrusted", "--live", "live.json"];

fn run(place: &Place, words: &[&str]) -> String {
    place.run(
        ["diff"]
            .into_iter()
            .chain(words.iter().copied())
            .chain(LIVE),
    )
}

fn config_map(namespace: &str, name: &str, value: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": {"key": value},
    })
}

fn manifest(namespace: &str, name: &str, value: &str) -> String {
    config_map(namespace, name, value).to_string()
}

/// Live objects in two namespaces, whose data the manifests' author must not see.
fn cluster() -> Place {
    let mut added = config_map("shop", "cart", "hunter2-cart");
    added["data"]["more"] = "hunter2-more".into();
    let items = [added, config_map("kube-system", "keys", "hunter2-keys")];
    Place::new().file(
        "live.json",
        json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string(),
    )
}

#[test]
fn foreign_namespaces_are_refused_and_live_values_hidden() {
    let place = cluster()
        .file("deploy/cart.yaml", manifest("shop", "cart", "declared"))
        .file("deploy/keys.yaml", manifest("kube-system", "keys", "x"));
    let shown = run(&place, &["deploy", "-n", "shop"]);
    insta::assert_snapshot!(shown);
    for format in ["json", "diff", "markdown", "html", "sarif"] {
        let words = ["deploy", "--allow-namespace", "shop", "-o", format];
        let shown = run(&place, &words);
        assert!(shown.starts_with("exit code: 2"), "{shown}");
        assert!(!shown.contains("hunter2"), "{format}: {shown}");
    }
    let shown = run(
        &place,
        &[
            "deploy",
            "--allow-namespace",
            "shop",
            "--allow-kind",
            "secrets",
        ],
    );
    assert!(
        shown.contains("--allow-kind ConfigMap allows it"),
        "{shown}"
    );
}

#[test]
fn undeclared_objects_of_foreign_namespaces_are_not_named() {
    let namespace = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"},
    });
    let place = cluster()
        .file("deploy/cart.yaml", manifest("shop", "cart", "declared"))
        .file("deploy/namespace.yaml", namespace.to_string());
    let words = [
        "deploy",
        "--allow-namespace",
        "shop",
        "--extra",
        "namespace",
    ];
    let shown = run(&place, &words);
    assert!(!shown.contains("keys"), "{shown}");
}

#[test]
fn manifests_bring_no_rules_along() {
    let mut ignoring = config_map("shop", "cart", "declared");
    ignoring["metadata"]["annotations"] = json!({
        "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
        "driftctl.dev/ignore": ".data",
        "kustomize.toolkit.fluxcd.io/ssa": "Ignore",
    });
    let place = cluster().file("deploy/cart.yaml", ignoring.to_string());
    let shown = run(&place, &["deploy", "-n", "shop"]);
    assert!(shown.contains(".data.key"), "{shown}");
}

#[test]
#[cfg(unix)]
fn paths_stay_below_the_current_directory() {
    use std::os::unix::fs::symlink;
    let elsewhere = Place::new().file("own.yaml", manifest("shop", "own", "x"));
    let place = cluster().file("deploy/cart.yaml", manifest("shop", "cart", "hunter2-cart"));
    symlink(elsewhere.path(), place.path().join("link")).unwrap();
    symlink("/etc/passwd", place.path().join("deploy/passwd.yaml")).unwrap();
    insta::assert_snapshot!(run(&place, &["deploy", "-n", "shop"]));
    insta::assert_snapshot!(run(&place, &["link", "-n", "shop"]));
    let outside = elsewhere.path().to_str().unwrap();
    let shown = run(&place, &[outside, "-n", "shop"]);
    assert!(
        shown.contains("leads out of the current directory"),
        "{shown}"
    );
}

#[test]
fn trees_are_bounded() {
    let deep = format!("deploy/{}cart.yaml", "d/".repeat(40));
    let place = cluster()
        .file(&deep, manifest("shop", "cart", "x"))
        .file("deploy/big.yaml", vec![b'#'; (16 << 20) + 1]);
    let shown = run(&place, &["deploy", "-n", "shop"]);
    assert!(shown.contains("nested deeper than 32"), "{shown}");
    assert!(shown.contains("larger than 16 MiB"), "{shown}");
    if init(place.path()).is_some() {
        let at_ref = run(&place, &["--ref", "main", "deploy", "-n", "shop"]);
        assert!(at_ref.contains("nested deeper than 32"), "{at_ref}");
        assert!(at_ref.contains("larger than 16 MiB"), "{at_ref}");
    }
}

/// A kubeconfig can run programs, so none that came with the manifests is used.
#[test]
fn a_kubeconfig_among_the_manifests_is_refused() {
    let kubeconfig = "\
apiVersion: v1
kind: Config
current-context: evil
contexts: [{name: evil, context: {cluster: evil, user: evil}}]
clusters: [{name: evil, cluster: {server: 'https://127.0.0.1:1'}}]
users: [{name: evil, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: touch, args: [ran]}}}]
";
    let place = Place::new()
        .file("deploy/cart.yaml", manifest("shop", "cart", "x"))
        .file("hidden/config", kubeconfig)
        .var("KUBECONFIG", "hidden/config");
    let shown = place.run(["diff", "deploy", "--untrusted"]);
    assert!(
        shown.contains("a kubeconfig among the manifests"),
        "{shown}"
    );
    assert!(!place.path().join("ran").exists());
}
