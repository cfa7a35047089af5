//! Tests GitOps objects of untrusted authors, and kubeconfigs.

use std::os::unix::fs::symlink;

use super::{config, place, refused, run};
use crate::support::TestFolder;

/// Returns a repository, with live objects that its author must not see.
fn repository() -> TestFolder {
    let secret = r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"keys","namespace":"kube-system"},"data":{"pw":"aHVudGVyMg=="}}"#;
    let map = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"keys","namespace":"kube-system","annotations":{"argocd.argoproj.io/tracking-id":"web:/ConfigMap:kube-system/keys"}},"data":{"pw":"hunter2"}}"#;
    let list = format!(r#"{{"apiVersion":"v1","kind":"List","items":[{secret},{map}]}}"#);
    place().folder(".git").file("live.json", list).file(
        "apps/cart.yaml",
        config("cart").replace("key: a", "key: '${pw}'"),
    )
}

fn application(fields: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: web}}\nspec:\n  \
         destination: {{namespace: kube-system}}\n  source: {fields}\n"
    )
}

fn kustomization(fields: &str) -> String {
    format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: apps, \
         namespace: kube-system}}\nspec:\n  path: ./apps\n{fields}"
    )
}

const UNTRUSTED: [&str; 3] = ["--untrusted", "-n", "shop"];

#[test]
fn paths_of_applications_cannot_leave_the_repository() {
    for (source, expected) in [
        ("{path: ../..}", "leads out of"),
        ("{path: /../..}", "leads out of"),
        ("{path: link}", "leads out of"),
        ("{path: apps, kustomize: {}}", "--render"),
        ("{path: chart}", "--render"),
        (
            "{path: apps, plugin: {name: evil}}",
            "its plugin is not run",
        ),
        (
            "{path: evaluated, directory: {jsonnet: {}}}",
            "jsonnet is not evaluated",
        ),
        ("{chart: a, repoURL: 'https://e.com'}", "--render"),
    ] {
        let place = repository()
            .file("chart/Chart.yaml", "name: a\n")
            .file("evaluated/a.jsonnet", "{}")
            .file("app.yaml", application(source));
        symlink("/etc", place.path().join("link")).unwrap();
        refused(
            &place,
            &[&["--app", "app.yaml"][..], &UNTRUSTED].concat(),
            expected,
        );
    }
}

#[test]
fn values_files_cannot_leave_the_repository() {
    for (file, expected) in [
        ("/../../etc/passwd", "leads out of"),
        ("gone.yaml", "there is no"),
        ("../../../../../../etc/passwd", "leads out of"),
        ("link.yaml", "leads out of"),
        ("https://example.com/a", "is not fetched"),
        ("$other/a", "no source has the ref"),
    ] {
        let helm = format!("{{path: chart, helm: {{valueFiles: ['{file}']}}}}");
        let place = repository()
            .file("chart/Chart.yaml", "name: a\n")
            .file("app.yaml", application(&helm));
        symlink("/etc/passwd", place.path().join("chart/link.yaml")).unwrap();
        refused(&place, &["--app", "app.yaml"], expected);
    }
}

/// The author chooses the namespace, and would see values of any Secret there.
#[test]
fn does_not_read_variables_from_the_cluster() {
    for kind in ["Secret", "ConfigMap"] {
        let fields = format!("  postBuild:\n    substituteFrom: [{{kind: {kind}, name: keys}}]\n");
        let place = repository().file("ks.yaml", kustomization(&fields));
        let words = [&["--kustomization", "ks.yaml"][..], &UNTRUSTED].concat();
        refused(&place, &words, "untrusted manifests may not read it");
    }
}

#[test]
fn inventories_and_destinations_cannot_reach_foreign_namespaces() {
    let status = "status:\n  inventory:\n    entries: [{id: kube-system_keys__ConfigMap, v: v1}]\n";
    let place = repository()
        .file("ks.yaml", kustomization("") + status)
        .file("app.yaml", application("{path: apps}"));
    for words in [["--kustomization", "ks.yaml"], ["--app", "app.yaml"]] {
        let shown = run(
            &place,
            &[&words[..], &UNTRUSTED, &["--extra", "managed"]].concat(),
        );
        assert!(!shown.contains("kube-system/keys"), "{shown}");
    }
    // Trusted authors see them.
    let shown = run(
        &place,
        &["--kustomization", "ks.yaml", "--extra", "managed"],
    );
    assert!(shown.contains("kube-system/keys"), "{shown}");
}

#[test]
fn ignores_rules_of_applications() {
    let ignoring = application("{path: apps}")
        + "  ignoreDifferences: [{kind: ConfigMap, jsonPointers: [/data]}]\n";
    let live = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cart","namespace":"shop"},"data":{"key":"b"}}"#;
    let place = repository()
        .file(
            "live.json",
            format!(r#"{{"apiVersion":"v1","kind":"List","items":[{live}]}}"#),
        )
        .file("app.yaml", ignoring);
    let shown = run(&place, &[&["--app", "app.yaml"][..], &UNTRUSTED].concat());
    assert!(shown.contains(".data.key"), "{shown}");
}

#[test]
fn refuses_sets_that_query_other_services() {
    for (generator, why) in [
        ("{clusters: {}}", "which are unknown here"),
        ("{scmProvider: {}}", "queries another service"),
        ("{pullRequest: {}}", "queries another service"),
        ("{clusterDecisionResource: {}}", "queries another service"),
        ("{plugin: {}}", "queries another service"),
        ("{matrix: {generators: []}}", "must have two generators"),
        ("{merge: {generators: []}}", "has no mergeKeys"),
        ("{git: {files: [{path: ../a}]}}", "match nothing"),
    ] {
        let set = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: \
             set}}\nspec:\n  generators: [{generator}]\n  template: {{metadata: {{name: a}}, spec: \
             {{}}}}\n"
        );
        let place = repository().file("set.yaml", set);
        refused(&place, &["--app", "set.yaml"], why);
    }
}

/// A kubeconfig can run programs, or send data to someone else.
#[test]
fn refuses_kubeconfigs_in_the_tree() {
    let kubeconfig = "apiVersion: v1\nkind: Config\ncurrent-context: evil\ncontexts: [{name: evil, \
                      context: {cluster: evil, user: evil}}]\nclusters: [{name: evil, cluster: \
                      {server: 'https://127.0.0.1:1'}}]\nusers: [{name: evil, user: {exec: \
                      {apiVersion: client.authentication.k8s.io/v1, command: touch, args: [ran]}}}]\n";
    let place = place()
        .file("deploy/cart.yaml", config("cart"))
        .file("deploy/kubeconfig.yaml", kubeconfig)
        .file("app.yaml", application("{path: deploy}"));
    symlink("deploy/kubeconfig.yaml", place.path().join("link")).unwrap();
    for words in [
        &["deploy", "--kubeconfig", "deploy/kubeconfig.yaml"][..],
        &["deploy", "--kubeconfig", "link"],
        &["deploy", "--untrusted", "--kubeconfig", "./deploy/../link"],
    ] {
        let shown = place.run([&["diff"], words].concat());
        assert!(shown.starts_with("exit code: 2"), "{shown}");
        assert!(
            shown.contains("a kubeconfig among the manifests"),
            "{shown}"
        );
    }
    let place = self::place()
        .file("deploy/kubeconfig.yaml", kubeconfig)
        .var("KUBECONFIG", "deploy/kubeconfig.yaml");
    let shown = place.run(["diff", "deploy"]);
    assert!(
        shown.contains("a kubeconfig among the manifests"),
        "{shown}"
    );
    assert!(!super::left(&place, "ran"));
}

/// CI systems leave their token in .git.
#[test]
fn does_not_read_git_directories() {
    for source in [
        "{path: .git}",
        "{path: chart, helm: {valueFiles: [/.git/config]}}",
        "{path: chart, helm: {valueFiles: [link.yaml]}}",
        "{path: chart, helm: {fileParameters: [{name: a, path: ../.git/config}]}}",
    ] {
        let place = repository()
            .file(".git/config", "token: hunter2\n")
            .file("chart/Chart.yaml", "name: a\n")
            .file("app.yaml", application(source));
        symlink("../.git/config", place.path().join("chart/link.yaml")).unwrap();
        let words = [&["--app", "app.yaml", "--render"][..], &UNTRUSTED].concat();
        refused(&place, &words, "is part of .git");
    }
    // Templates can read any file of their chart.
    let place = repository()
        .file("Chart.yaml", "name: a\n")
        .file("app.yaml", application("{path: ., helm: {}}"));
    for words in [&["--app", "app.yaml"][..], &["."]] {
        let words = [words, &["--render", "--helm-bin", "true"], &UNTRUSTED].concat();
        refused(&place, &words, "--ref HEAD");
    }
}

/// Flux has no such field, but the kustomization that it generates has.
#[test]
fn patches_cannot_load_files() {
    let place = repository()
        .file(
            "ks.yaml",
            kustomization("  patches: [{path: /etc/passwd}]\n"),
        )
        .file(
            "app.yaml",
            application("{path: apps, kustomize: {patches: [{path: link}]}}"),
        )
        .file("apps/kustomization.yaml", "resources: [cart.yaml]\n");
    symlink("/etc/passwd", place.path().join("apps/link")).unwrap();
    let build = "for last; do cat \"$last/kustomization.yaml\" >&2; done; exit 1";
    let place = super::program(place, "kustomize", build);
    let words = ["--render", "--kustomize-bin", "./kustomize"];
    for (file, expected) in [
        (["--kustomization", "ks.yaml"], "\"patches\":[{}]"),
        (["--app", "app.yaml"], "the patch link cannot be read"),
    ] {
        refused(&place, &[&file[..], &words, &UNTRUSTED].concat(), expected);
    }
}

#[test]
fn limits_the_memory_of_variables() {
    let fields = format!(
        "  postBuild: {{substitute: {{a: {}}}}}\n",
        "x".repeat(100_000)
    );
    let deep = "${b:=".repeat(50_000) + &"}".repeat(50_000);
    for (text, expected) in [
        ("${a}".repeat(10_000), "expand to more than"),
        (deep, "nested too deeply"),
    ] {
        let map = config("cart").replace("key: a", &format!("key: '{text}'"));
        let place = repository()
            .file("ks.yaml", kustomization(&fields))
            .file("apps/cart.yaml", map);
        let words = [&["--kustomization", "ks.yaml"][..], &UNTRUSTED].concat();
        let shown = refused(&place, &words, expected);
        assert!(shown.contains("apps/cart.yaml:1"), "{shown}");
    }
}

#[test]
fn files_of_objects_cannot_leave_the_directory() {
    let elsewhere = place().file("app.yaml", application("{path: apps}"));
    let place = repository();
    symlink(
        elsewhere.path().join("app.yaml"),
        place.path().join("app.yaml"),
    )
    .unwrap();
    for flag in ["--app", "--kustomization"] {
        let words = [&[flag, "app.yaml"][..], &UNTRUSTED].concat();
        refused(&place, &words, "leads out of the current directory");
    }
}

#[test]
fn limits_the_number_of_generated_applications() {
    let elements = vec!["{}"; 100_000].join(",");
    let set = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: a}}\nspec:\n  \
         generators: [{{list: {{elements: [{elements}]}}}}]\n  template:\n    metadata: {{name: a}}\n    \
         spec: {{source: {{path: apps}}}}\n"
    );
    let place = repository().file("set.yaml", set);
    let words = [&["--app", "set.yaml"][..], &UNTRUSTED].concat();
    refused(&place, &words, "expands to more than 10000 Applications");
}
