//! Tests `driftctl backport` of kustomizations and charts: it edits the file that sets the value,
//! and only if rendering again changes nothing else.

#![allow(clippy::print_stderr)]

use std::fs;

use serde_json::{Value, json};

use crate::support::manifests::live_cart;
use crate::support::{TestFolder, repository};

const CART: &str = "\
# The cart.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
spec:
  replicas: 2 # two zones
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers:
      - name: api
        image: reg.example.com/cart
        env:
        - name: LOG
          value: info
        envFrom:
        - configMapRef: {name: settings}
";

const BASE: &str = "\
resources: [cart.yaml]
configMapGenerator:
- name: settings
  literals:
  - level=low
  - mode=slow # careful
";

const PROD: &str = "\
namespace: shop
resources:
- ../../base
images:
- name: reg.example.com/cart
  newTag: \"1.4\" # release train
";

const STAGING: &str = "\
namespace: staging
resources:
- ../../base
patches:
- path: small.yaml
";

const SMALL: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
spec:
  replicas: 1 # enough
";

/// Returns what kustomize renders for the overlay `prod`, with an edit.
fn live(edit: impl Fn(&mut Value, &mut Value)) -> String {
    let mut deployment = live_cart(&json!({
        "env": [{"name": "LOG", "value": "info"}],
        "envFrom": [{"configMapRef": {"name": "settings-4g527chmc4"}}]
    }));
    let mut settings = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "settings-4g527chmc4", "namespace": "shop"},
        "data": {"level": "low", "mode": "slow"}
    });
    edit(&mut deployment, &mut settings);
    json!({"apiVersion": "v1", "kind": "List", "items": [deployment, settings]}).to_string()
}

fn place(live: &str) -> TestFolder {
    let place = TestFolder::new()
        .file("base/cart.yaml", CART)
        .file("base/kustomization.yaml", BASE)
        .file("overlays/prod/kustomization.yaml", PROD)
        .file("overlays/staging/kustomization.yaml", STAGING)
        .file("overlays/staging/small.yaml", SMALL)
        .file("live.json", live);
    repository::init(place.path());
    place
}

/// Returns whether a kustomize is installed.
fn can_render() -> bool {
    let mut programs = ["kustomize", "kubectl"].into_iter();
    let there = programs.any(|program| {
        let version = std::process::Command::new(program).arg("version").output();
        version.is_ok()
    });
    if !there {
        eprintln!("skipped: neither kustomize nor kubectl is installed");
    }
    there
}

fn api(deployment: &mut Value) -> &mut Value {
    &mut deployment["spec"]["template"]["spec"]["containers"][0]
}

/// Runs a command with `--write` on the overlay `prod`, and returns its results and the new file.
fn written(place: &TestFolder, words: &[&str]) -> (Option<i32>, String, String) {
    let words = [
        &["backport", "overlays/prod", "--live", "live.json", "-w"],
        words,
    ]
    .concat();
    let output = place.driftctl().args(&words).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let file = place.path().join("overlays/prod/kustomization.yaml");
    (
        output.status.code(),
        fs::read_to_string(file).unwrap(),
        said,
    )
}

#[test]
fn edits_the_overlay_if_others_would_change_too() {
    if !can_render() {
        return;
    }
    let live = live(|deployment, settings| {
        deployment["spec"]["replicas"] = 7.into();
        api(deployment)["image"] = "reg.example.com/cart:hotfix".into();
        api(deployment)["env"][0]["value"] = "debug".into();
        deployment["spec"]["template"]["spec"]["nodeSelector"] = json!({"disk": "ssd"});
        settings["data"]["level"] = "high".into();
    });
    let place = place(&live);
    let words = ["backport", "overlays/prod", "--live", "live.json"];
    insta::assert_snapshot!("backport_overlay", place.run(words));
    let (code, after, _) = written(&place, &[]);
    assert_eq!(code, Some(0));
    assert!(
        after.contains("  newTag: \"hotfix\" # release train\n"),
        "{after}"
    );
    let base = fs::read_to_string(place.path().join("base/cart.yaml")).unwrap();
    // The other overlay is built from the same base and has its own number of replicas.
    assert_eq!(base, CART.replace("replicas: 2", "replicas: 7"));
    // Only the hash of the ConfigMap differs now.
    let words = ["diff", "overlays/prod", "--live", "live.json", "-o", "json"];
    let output = place.driftctl().args(words).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let objects = report["objects"].as_array().unwrap();
    let paths = objects
        .iter()
        .flat_map(|object| object["changes"].as_array().into_iter().flatten());
    let paths: Vec<&Value> = paths.map(|change| &change["path"]).collect();
    let name = ".spec.template.spec.containers[name=\"api\"].envFrom[0].configMapRef.name";
    assert_eq!(paths, [name]);
}

#[test]
fn edits_the_patch_that_sets_the_value() {
    if !can_render() {
        return;
    }
    let live = live(|deployment, _| {
        deployment["metadata"]["namespace"] = "staging".into();
        deployment["spec"]["replicas"] = 3.into();
        api(deployment)["image"] = "reg.example.com/cart".into();
    });
    let place = place(&live);
    let words = [
        "backport",
        "overlays/staging",
        "--live",
        "live.json",
        "-w",
        "deploy/staging/cart",
    ];
    let output = place.driftctl().args(words).output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let small = fs::read_to_string(place.path().join("overlays/staging/small.yaml")).unwrap();
    assert_eq!(small, SMALL.replace("replicas: 1", "replicas: 3"));
}

#[test]
fn edits_json_patches_and_inline_patches() {
    if !can_render() {
        return;
    }
    let prod = "\
namespace: shop
resources: [../../base]
patches:
- target: {kind: Deployment, name: cart}
  patch: |-
    # more of it
    - op: replace
      path: /spec/template/spec/containers/0/env/0/value
      value: info # quiet
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: cart}
    spec:
      replicas: 2 # enough
";
    let live = live(|deployment, _| {
        deployment["spec"]["replicas"] = 7.into();
        api(deployment)["image"] = "reg.example.com/cart".into();
        api(deployment)["env"][0]["value"] = "debug".into();
    });
    let place = place(&live).file("overlays/prod/kustomization.yaml", prod);
    let (code, after, said) = written(&place, &[]);
    assert_eq!(code, Some(0), "{said}");
    let expected = prod.replace("value: info", "value: debug");
    assert_eq!(after, expected.replace("replicas: 2", "replicas: 7"));
}

/// No patch of a kustomization is applied after its own labels.
#[test]
fn overrides_a_common_label_for_one_object() {
    if !can_render() {
        return;
    }
    let prod = format!("{PROD}labels:\n- pairs: {{team: shop}}\n");
    let live = live(|deployment, settings| {
        deployment["metadata"]["labels"] = json!({"team": "sre"});
        settings["metadata"]["labels"] = json!({"team": "shop"});
    });
    let place = place(&live).file("overlays/prod/kustomization.yaml", &prod);
    let (code, after, said) = written(&place, &[]);
    assert_eq!(code, Some(0), "{said}");
    let transformer = "\
transformers:
- |-
  apiVersion: builtin
  kind: PatchTransformer
  metadata:
    name: cart-deployment
  patch: |-
    - op: replace
      path: /metadata/labels/team
      value: sre
  target:
    kind: Deployment
    name: cart
";
    assert_eq!(after, format!("{prod}{transformer}"));
}

/// A generated object has its hash appended last, so patches know it by the name of its generator.
#[test]
fn overrides_labels_and_removes_keys_of_a_generated_object() {
    if !can_render() {
        return;
    }
    let prod = format!("{PROD}namePrefix: my-\nlabels:\n- pairs: {{team: shop}}\n");
    let name = "my-settings-4g527chmc4";
    let live = live(|deployment, settings| {
        deployment["metadata"] = json!({
            "name": "my-cart", "namespace": "shop", "labels": {"team": "shop"}
        });
        api(deployment)["envFrom"][0]["configMapRef"]["name"] = name.into();
        settings["metadata"] =
            json!({"name": name, "namespace": "shop", "labels": {"team": "sre"}});
        settings["data"] = json!({"level": "low"});
    });
    let place = place(&live).file("overlays/prod/kustomization.yaml", &prod);
    let (code, after, said) = written(&place, &[]);
    assert_eq!(code, Some(0), "{said}");
    let patch = "\
patches:
- patch: |-
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: settings
    data:
      mode: null
";
    let transformer = "\
transformers:
- |-
  apiVersion: builtin
  kind: PatchTransformer
  metadata:
    name: settings-configmap
  patch: |-
    - op: replace
      path: /metadata/labels/team
      value: sre
  target:
    kind: ConfigMap
    name: settings
";
    assert!(after.contains(patch), "{after}");
    assert!(after.contains(transformer), "{after}");
    let base = fs::read_to_string(place.path().join("base/kustomization.yaml")).unwrap();
    assert_eq!(base, BASE);
}

/// Transformers in files are applied after those in the kustomization itself.
#[test]
fn overrides_a_label_of_a_transformer_in_a_file() {
    if !can_render() {
        return;
    }
    let prod = format!("{PROD}transformers:\n- labels.yaml\n");
    let labels = "\
apiVersion: builtin
kind: LabelTransformer
metadata:
  name: labels
labels:
  team: shop # all of us
fieldSpecs:
- path: metadata/labels
  create: true
";
    let live = live(|deployment, settings| {
        deployment["metadata"]["labels"] = json!({"team": "sre"});
        settings["metadata"]["labels"] = json!({"team": "shop"});
    });
    let place = place(&live)
        .file("overlays/prod/kustomization.yaml", &prod)
        .file("overlays/prod/labels.yaml", labels);
    let (code, after, said) = written(&place, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(after, prod);
    let after = fs::read_to_string(place.path().join("overlays/prod/labels.yaml")).unwrap();
    let transformer = "\
---
apiVersion: builtin
kind: PatchTransformer
metadata:
  name: cart-deployment
patch: |-
  - op: replace
    path: /metadata/labels/team
    value: sre
target:
  kind: Deployment
  name: cart
";
    assert_eq!(after, format!("{labels}{transformer}"));
}

#[test]
fn into_chooses_the_edited_file() {
    if !can_render() {
        return;
    }
    let live = live(|deployment, _| api(deployment)["env"][0]["value"] = "debug".into());
    let place = place(&live);
    let words = [
        "backport",
        "overlays/prod",
        "--live",
        "live.json",
        "--into",
        "base",
    ];
    insta::assert_snapshot!("backport_into", place.run(words));
    let words = [
        "backport",
        "overlays/prod",
        "--live",
        "live.json",
        "--into",
        "no",
    ];
    insta::assert_snapshot!("backport_into_nothing", place.run(words));
}

#[test]
fn leaves_generated_secrets_alone() {
    if !can_render() {
        return;
    }
    let prod = "\
secretGenerator:
- name: token
  literals: [token=hunter-two]
generatorOptions: {disableNameSuffixHash: true}
";
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": "token", "namespace": "default"},
        "data": {"token": "cm90YXRlZA=="}
    });
    let place = place(&secret.to_string()).file("overlays/prod/kustomization.yaml", prod);
    let (code, after, said) = written(&place, &[]);
    assert_eq!((code, &*after), (Some(1), prod), "{said}");
    assert!(
        !said.contains("hunter") && !said.contains("rotated"),
        "{said}"
    );
    let (code, after, said) = written(&place, &["--allow-secrets"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(after, prod.replace("hunter-two", "rotated"));
}

#[test]
fn a_patch_of_a_kustomization_shows_no_nearby_secret() {
    if !can_render() {
        return;
    }
    let prod = "\
namespace: shop
resources: [../../base]
secretGenerator:
- name: token
  literals: [token=hunter-two]
images:
- {name: reg.example.com/cart, newTag: \"1.4\"}
";
    let live = live(|deployment, _| {
        api(deployment)["image"] = "reg.example.com/cart:hotfix".into();
    });
    let place = place(&live).file("overlays/prod/kustomization.yaml", prod);
    let words = ["backport", "overlays/prod", "--live", "live.json"];
    let output = place.driftctl().args(words).output().unwrap();
    let patch = String::from_utf8(output.stdout).unwrap();
    assert!(patch.contains("newTag: \"hotfix\""), "{patch}");
    assert!(!patch.contains("hunter"), "{patch}");
}

/// A stand-in for helm: renders a Deployment with the replicas of the last values that set them.
const HELM: &str = r#"#!/bin/sh
number() { sed -n -e 's/^replicaCount: *\([0-9]*\).*/\1/p' -e 's/.*"replicaCount":\([0-9]*\).*/\1/p' "$1"; }
replicas=$(number chart/values.yaml)
while [ $# -gt 0 ]; do
  if [ "$1" = --values ]; then shift; found=$(number "$1"); replicas=${found:-$replicas}; fi
  shift
done
cat <<END
---
# Source: cart/templates/cart.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: shop
spec:
  replicas: $replicas
  minReadySeconds: $(sed -n 's/^  minReadySeconds: //p' chart/templates/cart.yaml)
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec: {containers: [{name: api, image: "cart:1"}]}
END
"#;

const TEMPLATE: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicaCount }}
  minReadySeconds: 5
";

#[cfg(unix)]
fn chart() -> TestFolder {
    use std::os::unix::fs::PermissionsExt;
    let live = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "cart", "namespace": "shop"},
        "spec": {
            "replicas": 9, "minReadySeconds": 7,
            "selector": {"matchLabels": {"app": "cart"}},
            "template": {
                "metadata": {"labels": {"app": "cart"}},
                "spec": {"containers": [{"name": "api", "image": "cart:1"}]}
            }
        }
    });
    let place = TestFolder::new()
        .file(
            "chart/Chart.yaml",
            "apiVersion: v2\nname: cart\nversion: 1.0.0\n",
        )
        .file(
            "chart/values.yaml",
            "adminPassword: hunter-two\ncolor: red\nreplicaCount: 2 # two zones\n",
        )
        .file("chart/templates/cart.yaml", TEMPLATE)
        .file("prod.yaml", "# production\nreplicaCount: 3\n")
        .file("other.yaml", "# nothing yet\ncolor: blue\n")
        .file("helm", HELM)
        .file("live.json", live.to_string());
    let helm = place.path().join("helm");
    fs::set_permissions(helm, PermissionsExt::from_mode(0o755)).unwrap();
    repository::init(place.path());
    place
}

#[cfg(unix)]
const IN_CHART: [&str; 6] = [
    "backport",
    "chart",
    "--live",
    "live.json",
    "--helm-bin",
    "./helm",
];

#[cfg(unix)]
#[test]
fn sets_values_in_the_values_file_of_the_release() {
    let place = chart();
    let words = [&IN_CHART[..], &["--values", "prod.yaml"]].concat();
    insta::assert_snapshot!("backport_values", place.run(words));
    // A values file that does not set the value gets it too, and the chart stays unchanged.
    let words = [
        "--values",
        "other.yaml",
        "-w",
        "deploy/shop/cart",
        ".spec.replicas",
    ];
    let words = [&IN_CHART[..], &words].concat();
    let output = place.driftctl().args(words).output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let other = fs::read_to_string(place.path().join("other.yaml")).unwrap();
    assert_eq!(other, "# nothing yet\ncolor: blue\nreplicaCount: 9\n");
}

#[cfg(unix)]
#[test]
fn edits_the_charts_own_values_without_a_values_file() {
    insta::assert_snapshot!("backport_chart", chart().run(IN_CHART));
}

#[cfg(unix)]
#[test]
fn edits_values_in_an_application() {
    for (values, expected) in [
        (
            "valuesObject:\n        replicaCount: 4 # more\n",
            "replicaCount: 9 # more\n",
        ),
        (
            "values: |\n        replicaCount: 4 # more\n",
            "replicaCount: 9 # more\n",
        ),
    ] {
        let application = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: cart\n  \
             namespace: argocd\nspec:\n  project: default\n  destination: {{server: \
             https://kubernetes.default.svc, namespace: shop}}\n  source:\n    repoURL: \
             https://git.example.com/shop.git\n    path: chart\n    helm:\n      {values}"
        );
        let place = chart().file("apps/cart.yaml", &application);
        let words = [
            "backport",
            "apps",
            "--live",
            "live.json",
            "--helm-bin",
            "./helm",
        ];
        let more = ["-w", "deploy/shop/cart", ".spec.replicas"];
        let output = place
            .driftctl()
            .args([&words[..], &more].concat())
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let after = fs::read_to_string(place.path().join("apps/cart.yaml")).unwrap();
        assert_eq!(
            after,
            application.replace("replicaCount: 4 # more\n", expected)
        );
    }
}

/// Without values for it, an Application gets them, rather than every release of the chart.
#[cfg(unix)]
#[test]
fn adds_values_to_an_application() {
    for (source, expected) in [
        (
            "",
            "    helm:\n      valuesObject:\n        replicaCount: 9\n",
        ),
        (
            "    helm:\n      parameters:\n      - {name: color, value: green}\n",
            "    helm:\n      parameters:\n      - {name: color, value: green}\n      \
             valuesObject:\n        replicaCount: 9\n",
        ),
        (
            "    helm:\n      parameters:\n      - {name: color, value: green}\n      \
             valuesObject:\n        color: red\n",
            "    helm:\n      parameters:\n      - {name: color, value: green}\n      \
             valuesObject:\n        color: red\n        replicaCount: 9\n",
        ),
    ] {
        let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: \
            cart\n  namespace: argocd\nspec:\n  project: default\n  destination: {server: \
            https://kubernetes.default.svc, namespace: shop}\n  source:\n    repoURL: \
            https://git.example.com/shop.git\n    path: chart\n";
        let place = chart().file("apps/cart.yaml", format!("{application}{source}"));
        let words = ["backport", "apps", "--live", "live.json", "--helm-bin"];
        let more = ["./helm", "-w", "deploy/shop/cart", ".spec.replicas"];
        let output = place
            .driftctl()
            .args([&words[..], &more].concat())
            .output()
            .unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{err}");
        let after = fs::read_to_string(place.path().join("apps/cart.yaml")).unwrap();
        assert_eq!(after, format!("{application}{expected}"), "{err}");
        assert!(!err.contains("every release"), "{err}");
    }
}

#[cfg(unix)]
#[test]
fn a_tag_that_a_chart_leaves_to_its_version_is_set_in_its_values() {
    const VALUES: &str =
        "replicaCount: 9\nimage:\n  name: cart\n  tag: \"\" # the chart's version\n";
    let tag = "tag=$(sed -n 's/^  tag: *\"*\\([^\" ]*\\).*/\\1/p' chart/values.yaml)\ncat <<END";
    let helm = HELM
        .replace("cat <<END", tag)
        .replace("cart:1", "cart:${tag:-1.0}");
    let place = chart();
    let live = fs::read_to_string(place.path().join("live.json")).unwrap();
    let place = place
        .file("live.json", live.replace("cart:1", "cart:1.0-hotfix"))
        .file("chart/values.yaml", VALUES)
        .file("helm", helm);
    let image = r#".spec.template.spec.containers[name="api"].image"#;
    let words = [&IN_CHART[..], &["-w", "deploy/shop/cart", image]].concat();
    let output = place.driftctl().args(words).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let after = fs::read_to_string(place.path().join("chart/values.yaml")).unwrap();
    assert_eq!(after, VALUES.replace("\"\"", "\"1.0-hotfix\""));
}

/// A values file of an Application lies below its chart, at the top of the repository, or in another
/// source.
#[cfg(unix)]
#[test]
fn edits_the_values_files_that_an_application_names() {
    let source = "repoURL: https://git.example.com/shop.git\n";
    for (sources, edited) in [
        (
            "  source:\n    path: chart\n    helm: {valueFiles: [prod.yaml]}\n",
            "chart/prod.yaml",
        ),
        (
            "  source:\n    path: chart\n    helm: {valueFiles: [/prod.yaml]}\n",
            "prod.yaml",
        ),
        (
            "  sources:\n  - path: chart\n    helm: {valueFiles: [$values/prod.yaml]}\n    \
             repoURL: https://git.example.com/shop.git\n  - ref: values\n",
            "prod.yaml",
        ),
    ] {
        let application = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: cart\n  \
             namespace: argocd\nspec:\n  project: default\n  destination: {{server: \
             https://kubernetes.default.svc, namespace: shop}}\n{sources}    {source}"
        );
        let text = "# production\nreplicaCount: 3 # two zones\n";
        let place = chart()
            .file("apps/cart.yaml", &application)
            .file(edited, text);
        let words = ["backport", "apps", "--live", "live.json", "--helm-bin"];
        let more = ["./helm", "-w", "deploy/shop/cart", ".spec.replicas"];
        let output = place
            .driftctl()
            .args([&words[..], &more].concat())
            .output()
            .unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{sources}{err}");
        let after = fs::read_to_string(place.path().join(edited)).unwrap();
        assert_eq!(
            after,
            text.replace("Count: 3", "Count: 9"),
            "{sources}{err}"
        );
    }
}
