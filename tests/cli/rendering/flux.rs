//! Tests Kustomizations of Flux.

use super::{config, has, recording, report, sources};
use crate::support::TestFolder;

/// Returns a Kustomization with these fields in its `spec`.
fn kustomization(fields: &str) -> String {
    format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: \
         apps\n  namespace: flux-system\nspec:\n  sourceRef: {{kind: GitRepository, name: \
         flux-system}}\n  path: ./apps\n{fields}"
    )
}

fn repository() -> TestFolder {
    TestFolder::new()
        .folder(".git")
        .file("live.json", recording(&[&config("cart", "b")]))
        .file("apps/cart.yaml", config("cart", "${key:=a}"))
        .file("apps/deep/deep.yaml", config("deep", "$${key}"))
}

const DIFF: [&str; 3] = ["diff", "--kustomization", "ks.yaml"];

#[test]
fn reads_a_path_recursively() {
    let place = repository().file("ks.yaml", kustomization(""));
    insta::assert_snapshot!(sources(&report(&place, &DIFF)));
}

#[test]
fn substitutes_variables() {
    let fields = "  postBuild:\n    substitute: {key: b}\n";
    let place = repository().file("ks.yaml", kustomization(fields));
    let text = report(&place, &DIFF).to_string();
    assert!(
        text.contains(r#""name":"cart","namespace":"shop""#),
        "{text}"
    );
    let shown = place.run([&DIFF[..], &["--live", "live.json"]].concat());
    insta::assert_snapshot!(shown);
}

/// Variables are most common in names; unresolved ones are reported.
#[test]
fn substitutes_variables_in_names() {
    let fields = "  postBuild:\n    substitute: {app: web, ns: shop}\n";
    let open = config("${app}-map", "b").replace("namespace: shop", "namespace: ${ns}");
    let place = repository()
        .file("ks.yaml", kustomization(fields))
        .file("apps/open.yaml", open)
        .file("live.json", recording(&[&config("web-map", "b")]));
    let said = report(&place, &DIFF);
    let objects = said["objects"].as_array().unwrap();
    let web = objects.iter().find(|object| object["name"] == "web-map");
    assert_eq!(web.unwrap()["status"], "in-sync", "{said}");
    // Without substitution, nothing is replaced.
    let place = place.file("ks.yaml", kustomization(""));
    let said = sources(&report(&place, &DIFF));
    insta::assert_snapshot!(said);
}

#[test]
fn reads_variables_from_live_or_declared_objects() {
    let fields = "  postBuild:\n    substituteFrom:\n    - {kind: ConfigMap, name: vars}\n    - \
                  {kind: Secret, name: secret}\n    - {kind: Secret, name: none, optional: true}\n";
    let vars = config("vars", "wrong").replace("namespace: shop", "namespace: flux-system");
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: secret, namespace: flux-system}\n\
                  data: {key: Yg==}\n";
    let place = repository()
        .file("ks.yaml", kustomization(fields))
        .file("apps/vars.yaml", vars)
        .file("live.json", recording(&[&config("cart", "b"), secret]));
    let report = report(&place, &DIFF);
    let objects = report["objects"].as_array().unwrap();
    let cart = objects.iter().find(|object| object["name"] == "cart");
    assert_eq!(cart.unwrap()["status"], "in-sync");
    let fields = fields.replace(", optional: true", "");
    let place = place.file("ks.yaml", kustomization(&fields));
    let text = sources(&super::report(&place, &DIFF));
    insta::assert_snapshot!(text);
}

/// If the value of a Secret was substituted, no format shows that value or its live counterpart.
#[test]
fn masks_variables_from_secrets() {
    let fields = "  postBuild:\n    substitute: {open: shown}\n    substituteFrom:\n    - {kind: \
                  Secret, name: secret}\n";
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: secret, namespace: \
                  flux-system}\nstringData: {pw: hunter2-declared}\n";
    let written = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cart, namespace: shop}\n\
                   data:\n  url: 'x://${pw}@h'\n  open: ${open}\n  gone: ${pw}\n";
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec:\n  \
               containers:\n  - name: a\n    image: a\n    args: ['--x', '${pw}']\n    env: [{name: \
               X, value: '${pw}'}]\n";
    let live_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cart, namespace: shop}\n\
                    data: {url: 'x://hunter2-live@h', open: other, added: visible}\n";
    let live_pod = pod.replace("${pw}", "hunter2-live");
    let place = repository()
        .file("ks.yaml", kustomization(fields))
        .file("apps/cart.yaml", written)
        .file("apps/pod.yaml", pod)
        .file("live.json", recording(&[live_map, &live_pod, secret]));
    for format in [
        "text", "json", "yaml", "diff", "markdown", "html", "sarif", "junit",
    ] {
        let words = ["--live", "live.json", "--show", "all", "-v", "-o", format];
        let shown = place.run([&DIFF[..], &words].concat());
        assert!(!shown.contains("hunter2"), "{format}: {shown}");
        assert!(shown.contains("redacted"), "{format}: {shown}");
    }
    let shown = place.run([&DIFF[..], &["--live", "live.json"]].concat());
    insta::assert_snapshot!(shown);
}

#[test]
fn applies_flux_ignore_rules() {
    let fields = "  ignore:\n  - paths: [/data/key]\n    target: {kind: Config.*}\n";
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: \
                   web, namespace: shop}\nspec:\n  driftDetection:\n    mode: warn\n    ignore:\n    - {paths: \
                   [/spec/replicas], target: {kind: Deployment}}\n";
    let place = repository()
        .file("ks.yaml", kustomization(fields))
        .file("apps/release.yaml", release)
        .file("live.json", recording(&[&config("cart", "b"), release]));
    let report = report(&place, &DIFF);
    assert_eq!(report["objects"][0]["status"], "in-sync");
    let text = report.to_string();
    insta::assert_snapshot!(text);
}

/// Named as in Flux, and as a source.
#[test]
fn finds_the_release_of_a_helm_release_in_a_file() {
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, \
                   namespace: flux-system}\nspec: {targetNamespace: shop}\n";
    let place = repository()
        .file("ks.yaml", release)
        .file("live.json", recording(&[&config("cart", "b")]));
    let said = sources(&report(&place, &DIFF));
    insta::assert_snapshot!(said);
}

/// If drift detection is off in Flux, only driftctl applies its rules.
#[test]
fn applies_rules_of_a_release_without_drift_detection_with_a_note() {
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: \
                   web, namespace: shop}\nspec:\n  driftDetection:\n    ignore:\n    - {paths: \
                   [/spec/replicas]}\n";
    let place = repository()
        .file("ks.yaml", kustomization(""))
        .file("apps/release.yaml", release)
        .file("live.json", recording(&[&config("cart", "b"), release]));
    let said = sources(&report(&place, &DIFF));
    insta::assert_snapshot!(said);
}

#[test]
fn objects_in_the_inventory_that_are_not_declared_are_extra() {
    let status = "status:\n  inventory:\n    entries:\n    - {id: shop_cart__ConfigMap, v: v1}\n    \
                  - {id: shop_gone__ConfigMap, v: v1}\n    - {id: _gone__Namespace, v: v1}\n    - \
                  {id: shop_pruned__ConfigMap, v: v1}\n";
    let live = [
        kustomization("") + status,
        config("cart", "a"),
        config("gone", "a"),
        config("unknown", "a"),
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: gone}\n".to_owned(),
    ];
    let live: Vec<&str> = live.iter().map(String::as_str).collect();
    let place = repository()
        .file("live.json", recording(&live))
        .file("apps/cart.yaml", config("cart", "a"));
    let words = [
        "diff",
        "flux:flux-system/apps",
        "--extra",
        "managed",
        "--live",
        "live.json",
    ];
    insta::assert_snapshot!(place.run(words));
}

#[test]
fn reports_what_cannot_be_read() {
    for (text, expected) in [
        (
            kustomization("").replace("./apps", "./none"),
            "there is no ./none",
        ),
        (kustomization("  images: 7\n"), "cannot read its spec"),
        (
            kustomization("  components: [none]\n"),
            "there is no component none",
        ),
        (
            kustomization("  postBuild: {substitute: {a: b}}\n").replace("./apps", "./odd"),
            "more than a name and a default",
        ),
        (config("a", "b"), "no Kustomization of Flux in this file"),
    ] {
        let place = repository()
            .file("odd/odd.yaml", config("odd", "${a/b/c}"))
            .file("ks.yaml", &text);
        let report = report(&place, &DIFF);
        let said = sources(&report);
        assert!(said.contains(expected), "{text}: {said}");
        assert_eq!(report["verdict"], "incomplete", "{text}");
    }
}

/// With the real kustomize: a path without its own kustomization, and one below it.
#[test]
fn applies_settings_to_files_and_kustomizations() {
    if !has(&["kustomize", "kubectl"]) {
        return;
    }
    let fields = "  targetNamespace: blue\n  namePrefix: x-\n  commonMetadata:\n    labels: {a: b}\n  \
                  patches:\n  - target: {kind: ConfigMap, name: cart}\n    patch: \"- op: add\\n  path: \
                  /data/more\\n  value: a\"\n";
    let live = config("x-cart", "b").replace("namespace: shop", "namespace: blue");
    let place = repository()
        .file("ks.yaml", kustomization(fields))
        .file("live.json", recording(&[&live]))
        .file("shared/shared.yaml", config("shared", "a"))
        .file(
            "apps/built/kustomization.yaml",
            "resources: [../../shared/shared.yaml]\n",
        );
    let shown = place.run([&DIFF[..], &["--live", "live.json"]].concat());
    insta::assert_snapshot!(shown);
}

/// Reports features of Flux that driftctl does not support.
#[test]
fn names_settings_that_are_not_supported() {
    let fields =
        "  suspend: true\n  decryption: {provider: sops}\n  wait: true\n  newSetting: [1]\n";
    let place = repository().file("ks.yaml", kustomization(fields));
    let warnings = report(&place, &DIFF)["warnings"].to_string();
    for part in ["is suspended", "the setting newSetting, which"] {
        assert!(warnings.contains(part), "{part}: {warnings}");
    }
    // Objects encrypted by SOPS are recognized, and are not drift.
    for part in ["wait", "decryption", "sops"] {
        assert!(!warnings.contains(part), "{part}: {warnings}");
    }
}

/// Returns a GitRepository that the Kustomization names.
fn git_repository(fields: &str) -> String {
    format!(
        "---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {{name: \
         flux-system, namespace: flux-system}}\nspec:\n  url: https://example.com/fleet\n{fields}"
    )
}

#[test]
fn files_that_flux_does_not_fetch_are_not_declared() {
    let repository = repository()
        .file("apps/.sops.yaml", config("rules", "a"))
        .file("apps/list.json", "{}")
        .file("apps/.hidden/hidden.yaml", config("hidden", "a"))
        .file("apps/.github/ci.yaml", config("ci", "a"))
        .file("shared/shared.yaml", config("shared", "a"));
    let link = repository.path().join("apps/link.yaml");
    std::os::unix::fs::symlink("../shared/shared.yaml", link).unwrap();
    let said = |place: &TestFolder| sources(&report(place, &DIFF));
    let place = repository.file("ks.yaml", kustomization(""));
    let by_default = said(&place);
    let place = place
        .file(".sourceignore", "/*\n!/apps\n")
        .file("apps/deep/.sourceignore", "# a remark\ndeep.yaml\n");
    let by_files = said(&place);
    let spec = "  ignore: |\n    !deep.yaml\n    cart.yaml\n  include: [{repository: {name: a}}]\n";
    let place = place.file("ks.yaml", kustomization("") + &git_repository(spec));
    let by_spec = said(&place);
    let spec = "  sparseCheckout: [apps/deep]\n";
    let place = place.file("ks.yaml", kustomization("") + &git_repository(spec));
    let sparse = said(&place);
    insta::assert_snapshot!([by_default, by_files, by_spec, sparse].join("\n\n"));
}

/// Flux fails to build this kustomization too.
#[test]
fn kustomizations_that_need_unfetched_files_are_errors() {
    let built = "resources: [cart.yaml]\nconfigMapGenerator: [{name: a, files: [logo.png]}]\n";
    let place = repository()
        .file("ks.yaml", kustomization(""))
        .file("apps/logo.png", "")
        .file("apps/kustomization.yaml", built);
    let said = sources(&report(&place, &DIFF));
    let expected = "apps/kustomization.yaml: apps/logo.png is needed here, and Flux does not fetch \
                    it: Flux's own rule (*.png) leaves it out";
    assert!(said.contains(expected), "{said}");
    // A kustomization that is not fetched does not count as one.
    let place = place.file(".sourceignore", "kustomization.yaml\n");
    let said = sources(&report(&place, &DIFF));
    insta::assert_snapshot!(said);
}
