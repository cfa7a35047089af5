//! Tests `driftctl explain`, with a question for each possible answer.

#![allow(clippy::unwrap_used)]

use crate::support;

use serde_json::{Value, json};
use support::{TestFolder, fixture_arg};

/// Runs `explain` for the shop, whose live objects were changed.
fn shop(words: &[&str]) -> String {
    let place = TestFolder::new();
    let manifests = fixture_arg("shop/manifests");
    let live = fixture_arg("shop/live.json");
    let mut all = vec!["explain"];
    all.extend(words);
    all.extend([manifests.as_str(), "--live", live.as_str()]);
    let root = fixture_arg("");
    place.run(all).replace(&root, "$FIXTURES/")
}

/// Returns the decisions on a path, as JSON.
fn decisions(place: &TestFolder, words: &[&str]) -> Vec<Value> {
    let mut all = vec!["explain"];
    all.extend(words);
    all.extend(["-o", "json"]);
    let output = place.driftctl().args(all).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["schema"], "driftctl.explanation/v1");
    document["decisions"].as_array().unwrap().clone()
}

/// Returns a directory with a manifest and a recording of one live object.
fn place(manifest: &Value, live: &Value) -> TestFolder {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [live]});
    TestFolder::new()
        .file("a.json", manifest.to_string())
        .file("live.json", list.to_string())
}

#[test]
fn explains_drift_with_lines_and_owners() {
    insta::assert_snapshot!(shop(&["Service/shop/cart", ".spec.type"]));
}

#[test]
fn explains_an_addition_with_the_lists_on_its_path() {
    let path = ".spec.template.spec.containers[name=\"api\"].env[name=\"DEBUG_15\"]";
    insta::assert_snapshot!(shop(&["Deployment/cart", path]));
}

/// The server records no manager for replicas that were scaled to zero, but a request scaled them.
#[test]
fn a_scale_to_zero_has_no_recorded_manager() {
    let place = TestFolder::new();
    let case = fixture_arg("cases/audit-names-who-scaled");
    let (manifests, live) = (format!("{case}/manifests"), format!("{case}/live.json"));
    let words = [
        "explain",
        "Deployment/quiet",
        ".spec.replicas",
        &manifests,
        "--live",
        &live,
    ];
    insta::assert_snapshot!(place.run(words).replace(&case, "$CASE"));
}

#[test]
fn server_managed() {
    insta::assert_snapshot!(shop(&["ConfigMap/cart-config", ".metadata.uid"]));
}

#[test]
fn type_default() {
    let path = ".spec.containers[name=\"db-client\"].terminationMessagePath";
    insta::assert_snapshot!(shop(&["Pod/toolbox", path]));
}

#[test]
fn filled_in_by_admission() {
    insta::assert_snapshot!(shop(&["Pod/toolbox", ".spec.nodeSelector"]));
}

#[test]
fn controller_owned() {
    insta::assert_snapshot!(shop(&[
        "PersistentVolume/shop-product-images",
        ".spec.claimRef.uid"
    ]));
}

#[test]
fn admission_changed() {
    insta::assert_snapshot!(shop(&["Pod/toolbox", ".spec.tolerations"]));
}

/// In a custom resource without a schema, only last-applied separates declared fields from
/// defaults.
#[test]
fn applier_default() {
    let manifest = json!({"apiVersion": "example.com/v1", "kind": "Widget",
        "metadata": {"name": "big", "namespace": "shop"}, "spec": {"size": 3}});
    let mut live = manifest.clone();
    live["spec"]["colour"] = json!("blue");
    live["metadata"]["annotations"] =
        json!({"kubectl.kubernetes.io/last-applied-configuration": manifest.to_string()});
    live["metadata"]["managedFields"] = json!([{"manager": "kubectl-client-side-apply",
        "operation": "Update", "time": "2026-11-20T00:00:00Z", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {".": {}, "f:size": {}, "f:colour": {}},
            "f:metadata": {"f:annotations": {".": {},
                "f:kubectl.kubernetes.io/last-applied-configuration": {}}}}}]);
    let place = place(&manifest, &live);
    let words = [
        "explain",
        "Widget/big",
        ".spec.colour",
        "a.json",
        "--live",
        "live.json",
    ];
    insta::assert_snapshot!(place.run(words));
}

#[test]
fn the_same_quantity() {
    let path = ".spec.template.spec.containers[name=\"api\"].resources";
    insta::assert_snapshot!(shop(&["Deployment/cart", path]));
}

#[test]
fn explains_an_atomic_list_as_a_whole() {
    let path = ".spec.template.spec.containers[name=\"web\"].command[0]";
    insta::assert_snapshot!(shop(&["Deployment/catalog", path]));
}

#[test]
fn secrets_are_never_shown() {
    let shown = shop(&["Secret/cart-session", ".data"]);
    insta::assert_snapshot!(shown);
    let live: Value =
        serde_json::from_slice(&std::fs::read(support::fixture("shop/live.json")).unwrap())
            .unwrap();
    let items = live["items"].as_array().unwrap();
    let secrets = items.iter().filter(|item| item["kind"] == "Secret");
    let mut seen = 0;
    for secret in secrets {
        let name = format!("Secret/{}", secret["metadata"]["name"].as_str().unwrap());
        for format in ["text", "json", "yaml"] {
            let shown = shop(&[&name, ".", "-o", format]);
            for value in secret["data"].as_object().into_iter().flatten() {
                let value = value.1.as_str().unwrap();
                if value.len() > 6 {
                    assert!(!shown.contains(value), "{name} in {format}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn a_whole_object() {
    insta::assert_snapshot!(shop(&["HorizontalPodAutoscaler/cart"]));
}

#[test]
fn the_document() {
    insta::assert_snapshot!(shop(&[
        "HorizontalPodAutoscaler/cart",
        ".spec.maxReplicas",
        "-o",
        "yaml"
    ]));
}

#[test]
fn a_known_field_without_a_value_is_absent() {
    insta::assert_snapshot!(shop(&[
        "Deployment/cart",
        ".spec.template.spec.runtimeClassName"
    ]));
}

#[test]
fn warns_about_a_rule_that_cannot_be_used() {
    let object = |kind: &str| json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a", "namespace": "b"}});
    let settings = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm"},
        "data": {"resource.customizations.ignoreDifferences.Service": "jsonPointers: [spec]"}});
    let place = place(&object("Service"), &object("Service")).file("cm.json", settings.to_string());
    let words = [
        "explain",
        "svc/a",
        "a.json",
        "--live",
        "live.json",
        "--argocd-cm",
        "cm.json",
    ];
    let shown = place.run(words);
    assert!(shown.starts_with("exit code: 0"), "{shown}");
    assert!(shown.contains("warning: cm.json"), "{shown}");
    let shown = place.run([&words[..], &["-o", "json"]].concat());
    assert!(shown.contains("ignoreDifferences.Service"), "{shown}");
}

/// As in kubectl; kinds of custom resources are called as in their definition.
#[test]
fn accepts_every_name_of_a_kind() {
    let of_cart = shop(&["Deployment/cart", ".spec.replicas"]);
    for name in [
        "deploy/cart",
        "deployments.apps/shop/cart",
        "DEPLOYMENT.v1.apps/cart",
    ] {
        assert_eq!(shop(&[name, ".spec.replicas"]), of_cart, "{name}");
    }
    let of_tiers = shop(&["Promotion/loyalty-tiers", ".spec"]);
    assert_eq!(shop(&["promo/loyalty-tiers", ".spec"]), of_tiers);
    assert_eq!(shop(&["shop-promotions/loyalty-tiers", ".spec"]), of_tiers);
    let wrong_group = shop(&["deployments.batch/cart", ".spec"]);
    assert!(wrong_group.starts_with("exit code: 2"), "{wrong_group}");
}

#[test]
fn explains_that_an_object_is_missing() {
    let output = TestFolder::new()
        .driftctl()
        .args(["diff", &fixture_arg("shop/manifests"), "--live"])
        .args([&fixture_arg("shop/live.json"), "-o", "json"])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let objects = report["objects"].as_array().unwrap();
    let missing = objects.iter().find(|o| o["status"] == "missing").unwrap();
    let name = format!(
        "{}/{}",
        missing["kind"].as_str().unwrap(),
        missing["name"].as_str().unwrap()
    );
    let shown = shop(&[&name, ".metadata.labels"]);
    assert!(shown.contains("exit code: 0"), "{shown}");
    assert!(shown.contains("missing in the cluster"), "{shown}");
}

#[test]
fn suggests_similar_objects_and_paths() {
    insta::assert_snapshot!(shop(&["Deployment/crat", ".spec"]));
    insta::assert_snapshot!(shop(&[
        "Deployment/cart",
        ".spec.template.spec.containers[name=\"apy\"].image"
    ]));
    insta::assert_snapshot!(shop(&["Deployment/*", ".spec"]));
}

#[test]
fn a_missing_file_is_an_error() {
    let shown = TestFolder::new().run([
        "explain",
        "Deployment/a",
        ".spec",
        "nowhere",
        "--live",
        "x.json",
    ]);
    assert!(shown.starts_with("exit code: 2"), "{shown}");
    let shown = shop(&["Deployment/cart", "spec.replicas"]);
    assert!(shown.starts_with("exit code: 0"), "{shown}");
    assert!(shown.contains("\n.spec.replicas\n"), "{shown}");
    let shown = shop(&["Deployment/cart", ".spec.replicas", "nowhere"]);
    assert!(shown.starts_with("exit code: 2"), "{shown}");
    let shown = TestFolder::new().run(["explain", "Deployment/a", ".spec", "--base", "main"]);
    assert!(shown.contains("--base and --blame"), "{shown}");
}

const CONFIG: &str = "\
ignoreDifferences:
  - id: scaled-by-hand
    reason: KEDA is not in yet
    owner: team-cart
    group: apps
    kind: Deployment
    paths: [.spec.replicas]
";

#[test]
fn names_the_rule_that_ignores_with_its_location() {
    let deployment = |replicas: u64| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "cart", "namespace": "shop"},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"a": "b"}}}})
    };
    let place = place(&deployment(3), &deployment(5)).file(".driftctl.yaml", CONFIG);
    let words = [
        "explain",
        "Deployment/cart",
        ".spec.replicas",
        "a.json",
        "--live",
        "live.json",
    ];
    insta::assert_snapshot!(place.run(words));
}

/// The values in the document are those of the schema that `driftctl schema explanation` prints.
#[test]
fn the_schema_lists_every_verdict() {
    let manifest = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "b"}, "spec": {
        "nodeSelector": {}, "hostNetwork": false, "priorityClassName": null,
        "containers": [{"name": "app", "image": "x:1",
            "resources": {"limits": {"cpu": "1000m"}},
            "readinessProbe": {"httpGet": {"port": "80"}}}]}});
    let live = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "b"}, "spec": {
        "restartPolicy": "Always",
        "containers": [{"name": "app", "image": "x:2",
            "resources": {"limits": {"cpu": "1"}},
            "readinessProbe": {"httpGet": {"port": 80}}}]}});
    let place = place(&manifest, &live);
    let found = decisions(&place, &["Pod/a", ".spec", "a.json", "--live", "live.json"]);
    let of = |path: &str| {
        let all = found.iter();
        let mut all = all.filter(|decision| decision["path"] == path);
        let decision = all.next().unwrap_or_else(|| panic!("{path}: {found:#?}"));
        let word = [
            &decision["equal"],
            &decision["explanation"],
            &decision["change"],
        ];
        let word = word.into_iter().find_map(Value::as_str).unwrap();
        format!("{} {word}", decision["verdict"].as_str().unwrap())
    };
    assert_eq!(of(".spec.hostNetwork"), "equal not-stored");
    assert_eq!(of(".spec.nodeSelector"), "equal not-stored");
    assert_eq!(of(".spec.priorityClassName"), "equal null-is-absent");
    assert_eq!(of(".spec.restartPolicy"), "explained type-default");
    assert_eq!(of(".spec.containers[name=\"app\"].image"), "drift changed");
    let limit = ".spec.containers[name=\"app\"].resources.limits.cpu";
    assert_eq!(of(limit), "equal same-quantity");
    let port = ".spec.containers[name=\"app\"].readinessProbe.httpGet.port";
    assert_eq!(of(port), "drift changed");
    let decision = found.iter().find(|d| d["path"] == limit).unwrap();
    assert_eq!(decision["lists"][0]["keys"], json!(["name"]));
    assert_eq!(decision["compared"]["scalar"], "quantity");
}

/// Both come from the same comparison: what a report shows of an object, explain says of its paths.
#[test]
fn explain_agrees_with_the_report() {
    let output = TestFolder::new()
        .driftctl()
        .args(["diff", &fixture_arg("shop/manifests"), "--live"])
        .args([
            &fixture_arg("shop/live.json"),
            "-o",
            "json",
            "--show",
            "all",
        ])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let place = TestFolder::new();
    let mut compared = 0;
    for name in [
        "Deployment cart",
        "Service cart",
        "Pod toolbox",
        "Promotion loyalty-tiers",
    ] {
        let (kind, name) = name.split_once(' ').unwrap();
        let object = report["objects"].as_array().unwrap().iter();
        let mut object = object.filter(|o| o["kind"] == kind && o["name"] == name);
        let object = object.next().unwrap();
        let question = format!("{kind}/{name}");
        let (manifests, live) = (fixture_arg("shop/manifests"), fixture_arg("shop/live.json"));
        let explained = decisions(&place, &[&question, &manifests, "--live", &live]);
        let differing: Vec<&Value> = explained
            .iter()
            .filter(|d| !d["change"].is_null())
            .collect();
        let changes = object["changes"].as_array().unwrap();
        assert_eq!(differing.len(), changes.len(), "{question}");
        for (explained, change) in differing.into_iter().zip(changes) {
            for key in [
                "path", "declared", "live", "line", "severity", "cause", "note",
            ] {
                assert_eq!(explained[key], change[key], "{question} {key}");
            }
            assert_eq!(explained["change"], change["kind"]);
            assert_eq!(explained["explanation"], change["explained"]["by"]);
            compared += 1;
        }
    }
    assert!(compared > 60, "{compared}");
}

/// No manifest declares the object, so there is no path to explain: shows who made it, and what it
/// does.
#[test]
fn explains_an_extra_object_with_its_author() {
    let text = shop(&["role/shop/tmp-admin", "--extra", "namespace"]);
    assert!(
        text.contains("extra: not in any manifest (critical)"),
        "{text}"
    );
    assert!(
        text.contains("\n  written by  kubectl-create, last write "),
        "{text}"
    );
    assert!(text.contains("\n  content     grants * on pods"), "{text}");
    let text = shop(&["role/shop/tmp-admin", "--extra", "namespace", "-o", "json"]);
    assert!(text.contains("\"manager\": \"kubectl-create\""), "{text}");
    assert!(text.contains("\"severity\": \"critical\""), "{text}");
}

#[test]
fn masks_the_values_of_an_extra_secret() {
    let secret = |name: &str, value: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "shop",
            "managedFields": [{"manager": "kubectl-create", "operation": "Update", "apiVersion": "v1",
                "time": "2026-11-02T10:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {}}}]},
            "data": {"password": value}})
    };
    let list = json!({"apiVersion": "v1", "kind": "List",
                      "items": [secret("a", "eA=="), secret("b", "aHVudGVyMg==")]});
    let place = TestFolder::new()
        .file("a.json", secret("a", "eA==").to_string())
        .file("live.json", list.to_string());
    for format in ["text", "json"] {
        let words = ["explain", "secret/shop/b", "a.json", "--live", "live.json"];
        let text = place.run([&words[..], &["--extra", "namespace", "-o", format]].concat());
        assert!(
            text.contains("kubectl-create") && text.contains("password"),
            "{text}"
        );
        assert!(
            !text.contains("aHVudGVyMg") && !text.contains("hunter2"),
            "{text}"
        );
    }
}
