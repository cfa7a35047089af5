//! Tests that forbidden requests of untrusted manifests are refused and reported.

#![allow(clippy::unwrap_used)]

use crate::support;

use serde_json::{Value, json};
use support::TestFolder;
use support::repository::init;

const LIVE: [&str; 3] = ["--untrusted", "--live", "live.json"];

fn run(place: &TestFolder, words: &[&str]) -> String {
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

/// Returns live objects in two namespaces, whose data the author of the manifests must not see.
fn cluster() -> TestFolder {
    let mut added = config_map("shop", "cart", "hunter2-cart");
    added["data"]["more"] = "hunter2-more".into();
    let items = [added, config_map("kube-system", "keys", "hunter2-keys")];
    TestFolder::new().file(
        "live.json",
        json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string(),
    )
}

#[test]
fn refuses_foreign_namespaces_and_hides_live_values() {
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
    insta::assert_snapshot!(shown);
}

#[test]
fn does_not_name_undeclared_objects_of_foreign_namespaces() {
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
fn ignores_rules_in_manifests() {
    let mut ignoring = config_map("shop", "cart", "declared");
    ignoring["metadata"]["annotations"] = json!({
        "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
        "driftctl.dev/ignore": ".data",
        "kustomize.toolkit.fluxcd.io/ssa": "Ignore",
    });
    let place = cluster().file("deploy/cart.yaml", ignoring.to_string());
    let shown = run(&place, &["deploy", "-n", "shop"]);
    insta::assert_snapshot!(shown);
}

/// Returns a live ConfigMap that drifted, and its manifest below the root of a repository.
fn drifted() -> TestFolder {
    cluster()
        .folder(".git")
        .file("deploy/cart.yaml", manifest("shop", "cart", "declared"))
}

/// A rule that hides everything.
const HIDES_ALL: &str =
    "ignoreDifferences: [{id: all, group: '*', kind: '*', paths: [.], reason: x}]\n";

#[track_caller]
fn assert_reported(shown: &str) {
    assert!(shown.starts_with("exit code: 1"), "{shown}");
    assert!(shown.contains(".data.key"), "{shown}");
    assert!(!shown.contains("ignored"), "{shown}");
}

/// Files of the tree are ignored, both above the manifests and among them.
#[test]
fn ignores_a_config_in_the_tree() {
    let place = drifted()
        .file(".driftctl.yaml", HIDES_ALL)
        .file("deploy/.driftctl.yaml", HIDES_ALL);
    assert_reported(&run(&place, &["deploy", "-n", "shop"]));
    let rules = place.run(["rules", "deploy", "--untrusted"]);
    assert!(rules.starts_with("exit code: 0"), "{rules}");
    assert!(!rules.contains(".driftctl.yaml"), "{rules}");
    // In a trusted tree, it applies.
    let trusted = place.run([
        "diff",
        "deploy/cart.yaml",
        "--config",
        ".driftctl.yaml",
        "--live",
        "live.json",
    ]);
    assert!(trusted.starts_with("exit code: 0"), "{trusted}");
}

#[test]
fn ignores_a_baseline_in_the_tree() {
    let place = drifted().file("trusted/config.yaml", "disable: []\n");
    let accepted = place.run([
        "accept",
        "deploy",
        "--live",
        "live.json",
        "--reason=r",
        "--expires=2036-01-01",
    ]);
    insta::assert_snapshot!(accepted);
    let baseline = std::fs::read(place.path().join(".driftctl-baseline.yaml")).unwrap();
    let place = place
        .file("deploy/.driftctl-baseline.yaml", &baseline)
        .file("trusted/.driftctl-baseline.yaml", &baseline);
    let trusted = place.run(["diff", "deploy", "--live", "live.json"]);
    assert!(trusted.starts_with("exit code: 0"), "{trusted}");
    assert_reported(&run(&place, &["deploy", "-n", "shop"]));
    // A file next to a named file was not named itself.
    assert_reported(&run(
        &place,
        &["deploy", "-n", "shop", "--config", "trusted/config.yaml"],
    ));
    let named = [
        "deploy",
        "-n",
        "shop",
        "--baseline",
        "trusted/.driftctl-baseline.yaml",
    ];
    let shown = run(&place, &named);
    assert!(shown.starts_with("exit code: 0"), "{shown}");
}

#[test]
fn applies_a_named_config() {
    let place = drifted().file("ci/rules.yaml", HIDES_ALL);
    let shown = run(
        &place,
        &["deploy", "-n", "shop", "--config", "ci/rules.yaml"],
    );
    assert!(shown.starts_with("exit code: 0"), "{shown}");
    insta::assert_snapshot!(shown);
}

/// Applications are manifests too: their rules are ignored.
#[test]
fn ignores_rules_in_applications() {
    let app = "\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop}
spec:
  source: {path: deploy}
  destination: {namespace: shop}
  ignoreDifferences:
    - {kind: ConfigMap, jsonPointers: [/data]}
";
    let place = drifted().file("app.yaml", app);
    let trusted = place.run(["diff", "--app", "app.yaml", "--live", "live.json"]);
    assert!(trusted.starts_with("exit code: 0"), "{trusted}");
    let shown = run(&place, &["--app", "app.yaml", "-n", "shop"]);
    assert!(!shown.contains("ignored"), "{shown}");
    assert!(!shown.starts_with("exit code: 0"), "{shown}");
}

/// A live change cannot hide itself with an annotation on the object.
#[test]
fn ignores_rules_in_live_objects() {
    let mut hiding = config_map("shop", "cart", "hunter2-cart");
    hiding["metadata"]["annotations"] = json!({"driftctl.dev/ignore": "true"});
    let recording = json!({"apiVersion": "v1", "kind": "List", "items": [hiding]});
    let place = drifted().file("live.json", recording.to_string());
    assert_reported(&run(&place, &["deploy", "-n", "shop"]));
}

/// The base of a branch has been reviewed: its rules apply, and those of the branch do not.
#[test]
fn applies_the_rules_of_the_base() {
    let of_main =
        "ignoreDifferences: [{id: reviewed, kind: ConfigMap, paths: [.data.key], reason: x}]\n";
    let place = cluster().file("deploy/cart.yaml", manifest("shop", "cart", "declared"));
    let place = place.file("deploy/.driftctl.yaml", of_main);
    if init(place.path()).is_none() {
        println!("skipped: git is not installed");
        return;
    }
    let place = place.file("deploy/.driftctl.yaml", HIDES_ALL);
    let words = [
        "deploy", "-n", "shop", "--base", "main", "--show", "ignored",
    ];
    let shown = run(&place, &words);
    assert!(shown.starts_with("exit code: 1"), "{shown}");
    insta::assert_snapshot!(shown);
    let rules = place.run(["rules", "deploy", "--untrusted", "--base", "main"]);
    assert!(
        rules.contains("reviewed  main:deploy/.driftctl.yaml:1"),
        "{rules}"
    );
    // A broken one is reported with its location.
    let shown = run(&place, &["deploy", "-n", "shop", "--base", "nowhere"]);
    assert!(shown.starts_with("exit code: 2"), "{shown}");
}

#[test]
#[cfg(unix)]
fn paths_cannot_leave_the_current_directory() {
    use std::os::unix::fs::symlink;
    let elsewhere = TestFolder::new().file("own.yaml", manifest("shop", "own", "x"));
    let place = cluster().file("deploy/cart.yaml", manifest("shop", "cart", "hunter2-cart"));
    symlink(elsewhere.path(), place.path().join("link")).unwrap();
    symlink("/etc/passwd", place.path().join("deploy/passwd.yaml")).unwrap();
    insta::assert_snapshot!(run(&place, &["deploy", "-n", "shop"]));
    insta::assert_snapshot!(run(&place, &["link", "-n", "shop"]));
    let outside = elsewhere.path().to_str().unwrap();
    let shown = run(&place, &[outside, "-n", "shop"]);
    insta::assert_snapshot!(shown.replace(outside, "$OUTSIDE"));
}

#[test]
fn limits_the_size_of_trees() {
    let deep = format!("deploy/{}cart.yaml", "d/".repeat(40));
    let place = cluster()
        .file(&deep, manifest("shop", "cart", "x"))
        .file("deploy/big.yaml", vec![b'#'; (16 << 20) + 1]);
    let shown = run(&place, &["deploy", "-n", "shop"]);
    insta::assert_snapshot!(shown);
    if init(place.path()).is_some() {
        let at_ref = run(&place, &["--ref", "main", "deploy", "-n", "shop"]);
        assert!(
            at_ref.contains("nested more than 32 levels deep"),
            "{at_ref}"
        );
        assert!(at_ref.contains("larger than 16 MiB"), "{at_ref}");
    }
}

/// A kubeconfig can run programs, so one that came with the manifests is not used.
#[test]
fn refuses_a_kubeconfig_among_the_manifests() {
    let kubeconfig = "\
apiVersion: v1
kind: Config
current-context: evil
contexts: [{name: evil, context: {cluster: evil, user: evil}}]
clusters: [{name: evil, cluster: {server: 'https://127.0.0.1:1'}}]
users: [{name: evil, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: touch, args: [ran]}}}]
";
    let place = TestFolder::new()
        .file("deploy/cart.yaml", manifest("shop", "cart", "x"))
        .file("hidden/config", kubeconfig)
        .var("KUBECONFIG", "hidden/config");
    let shown = place.run(["diff", "deploy", "--untrusted"]);
    insta::assert_snapshot!(shown);
    assert!(!place.path().join("ran").exists());
}

/// Returns a manifest of the drifted ConfigMap, changed so that a trusted tree would exclude it
/// from the comparison.
fn hiding(change: impl FnOnce(&mut Value)) -> String {
    let mut object = config_map("shop", "cart", "declared");
    change(&mut object);
    object.to_string()
}

/// Nothing in the tree excludes an object from the comparison.
#[test]
fn the_tree_cannot_exclude_objects() {
    let plain = || hiding(|_| {});
    let annotated = |key: &str, value: &str| {
        hiding(|object| object["metadata"]["annotations"] = json!({key: value}))
    };
    let patch = "patches: [{path: cart.yaml}]\n";
    let chart = "apiVersion: v2\nname: a\nversion: 1.0.0\n";
    let with = |file: &str, text: String, more: &[(&str, &str)]| {
        let place = cluster()
            .file(&format!("deploy/{file}"), text)
            .file("deploy/fine.yaml", manifest("shop", "fine", "declared"));
        more.iter().fold(place, |place, (file, text)| {
            place.file(&format!("deploy/{file}"), text)
        })
    };
    for (what, place) in [
        (
            "helm",
            with("cart.yaml", annotated("helm.sh/hook", "pre-install"), &[]),
        ),
        (
            "argo",
            with(
                "cart.yaml",
                annotated("argocd.argoproj.io/hook", "Sync"),
                &[],
            ),
        ),
        (
            "local",
            with(
                "cart.yaml",
                annotated("config.kubernetes.io/local-config", "true"),
                &[],
            ),
        ),
        ("tool", with("tsconfig.json", plain(), &[])),
        ("hidden", with(".cart/cart.yaml", plain(), &[])),
        (
            "patch",
            with("cart.yaml", plain(), &[("kustomization.yaml", patch)]),
        ),
        (
            "generator",
            with(
                "cart.yaml",
                plain(),
                &[(
                    "kustomization.yaml",
                    "configMapGenerator: [{name: a, files: [cart.yaml]}]\n",
                )],
            ),
        ),
        (
            "chart",
            with(
                "templates/cart.yaml",
                format!("# {{{{\n{}", plain()),
                &[("Chart.yaml", chart)],
            ),
        ),
        (
            "sops",
            with(
                "cart.yaml",
                hiding(|object| object["sops"] = json!({})),
                &[],
            ),
        ),
        (
            "directive",
            with(
                "cart.yaml",
                hiding(|object| object["$patch"] = "merge".into()),
                &[],
            ),
        ),
        (
            "placeholder",
            with(
                "cart.yaml",
                hiding(|object| object["metadata"]["namespace"] = "${X:=shop}".into()),
                &[],
            ),
        ),
    ] {
        let shown = run(&place, &["deploy", "-n", "shop"]);
        assert!(!shown.contains("hunter2"), "{what}: {shown}");
        let is_compared = shown.contains(".data.key");
        let is_refused = shown.starts_with("exit code: 2")
            && shown.contains(
                "may contain an \
            object",
            );
        assert!(is_compared || is_refused, "{what}: {shown}");
    }
}

/// Hooks come and go: a missing hook is not drift.
#[test]
fn missing_hooks_are_not_drift() {
    let hook = hiding(|object| {
        object["metadata"]["annotations"] = json!({"helm.sh/hook": "pre-install"});
        object["metadata"]["name"] = "gone".into();
    });
    let place = cluster().file("deploy/hook.yaml", hook);
    let shown = run(&place, &["deploy", "-n", "shop"]);
    assert!(shown.starts_with("exit code: 0"), "{shown}");
    insta::assert_snapshot!(shown);
}

/// The author of the tree chooses the names of its folders.
#[test]
fn rejects_a_folder_as_the_base() {
    let place = cluster().file("deploy/cart.yaml", manifest("shop", "cart", "of-main"));
    if init(place.path()).is_none() {
        println!("skipped: git is not installed");
        return;
    }
    let place = place
        .file("deploy/cart.yaml", manifest("shop", "cart", "of-branch"))
        .file("main/cart.yaml", manifest("shop", "cart", "hunter2-cart"));
    let words = [
        "deploy",
        "-n",
        "shop",
        "--base",
        "main",
        "--fail-on",
        "conflict",
    ];
    let shown = run(&place, &words);
    assert!(shown.starts_with("exit code: 1"), "{shown}");
    insta::assert_snapshot!(shown);
    for base in ["./main", "/tmp", ".", "../x"] {
        let shown = run(&place, &["deploy", "-n", "shop", "--base", base]);
        assert!(shown.starts_with("exit code: 2"), "{shown}");
        assert!(
            shown.contains("allows only a Git revision as the base"),
            "{shown}"
        );
    }
    let trusted = |base: &str| place.run(["diff", "deploy", "--base", base, "--live", "live.json"]);
    let both = trusted("main");
    assert!(both.starts_with("exit code: 2"), "{both}");
    assert!(both.contains("both a path and a Git revision"), "{both}");
    let folder = trusted("./main");
    assert!(
        folder.contains("0 conflict, 1 drift, 1 pending"),
        "{folder}"
    );
    assert!(trusted("refs/heads/main").contains("CONFLICT"));
}

/// A report is written only where the job says.
#[cfg(unix)]
#[test]
fn does_not_write_reports_through_links() {
    use std::os::unix::fs::symlink;
    let elsewhere = TestFolder::new().file("own", "mine").folder("folder");
    let place = drifted();
    symlink(elsewhere.path().join("own"), place.path().join("link.json")).unwrap();
    symlink(elsewhere.path().join("folder"), place.path().join("out")).unwrap();
    for output in [
        "json=link.json",
        "json=./link.json",
        "json=out/new.json",
        "json=deploy",
    ] {
        let shown = run(&place, &["deploy", "-n", "shop", "-o", output]);
        assert!(shown.starts_with("exit code: 2"), "{output}: {shown}");
        assert!(
            shown.contains("cannot write the report"),
            "{output}: {shown}"
        );
    }
    assert_eq!(
        std::fs::read(elsewhere.path().join("own")).unwrap(),
        b"mine"
    );
    assert!(!elsewhere.path().join("folder/new.json").exists());
    std::fs::write(place.path().join("old.json"), "old").unwrap();
    run(&place, &["deploy", "-n", "shop", "-o", "json=old.json"]);
    let written = std::fs::read_to_string(place.path().join("old.json")).unwrap();
    assert!(written.starts_with('{'), "{written}");
}

/// Commands that show live values and their authors are refused for untrusted manifests.
#[test]
fn refuses_commands_that_show_live_values() {
    let place = cluster().file("deploy/cart.yaml", manifest("shop", "cart", "declared"));
    for words in [
        &["timeline", "deploy"][..],
        &["watch", "deploy", "--once"],
        &["guard", "deploy", "cm/shop/cart"],
        &["coverage", "deploy"],
        &["backport", "deploy"],
        &["triage", "deploy"],
        &["accept", "deploy", "--expires", "7d"],
    ] {
        let rest = ["--untrusted", "--live", "live.json"];
        let shown = place.run(words.iter().chain(&rest).copied());
        assert!(shown.starts_with("exit code: 2"), "{words:?}: {shown}");
        assert!(shown.contains("--untrusted"), "{words:?}: {shown}");
    }
}
