//! Tests `driftctl coverage` with a recording that contains objects of every class.

use serde_json::{Value, json};

use crate::support::TestFolder;

const MANIFESTS: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: shop}
data: {a: '1', b: '2'}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: gone, namespace: shop}
";

const RULES: &str = "\
ignoreExtra:
  - {kind: ConfigMap, name: scratch, reason: everybody's}
";

/// Returns an object, created by the first manager and updated by the others.
fn object(api_version: &str, kind: &str, place: (&str, &str), managers: &[&str]) -> Value {
    let (namespace, name) = place;
    let managers = managers.iter().enumerate();
    let entries = managers.map(|(at, manager)| {
        json!({"manager": manager, "operation": "Update", "apiVersion": api_version,
            "time": format!("2026-11-0{}T08:00:00Z", at + 1), "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {}}})
    });
    let mut metadata = json!({"name": name, "creationTimestamp": "2026-11-01T08:00:00Z",
        "uid": format!("{kind}-{namespace}-{name}"), "managedFields": entries.collect::<Vec<_>>()});
    if !namespace.is_empty() {
        metadata["namespace"] = namespace.into();
    }
    json!({"apiVersion": api_version, "kind": kind, "metadata": metadata})
}

fn config_map(namespace: &str, name: &str, managers: &[&str]) -> Value {
    object("v1", "ConfigMap", (namespace, name), managers)
}

fn with(mut object: Value, map: &str, entries: Value) -> Value {
    object["metadata"][map] = entries;
    object
}

fn tracked(namespace: &str, name: &str, id: &str) -> Value {
    let id = json!({"argocd.argoproj.io/tracking-id": id});
    with(config_map(namespace, name, &["argocd"]), "annotations", id)
}

fn released(namespace: &str, name: &str, release: &str) -> Value {
    let release = json!({"meta.helm.sh/release-name": release,
        "meta.helm.sh/release-namespace": namespace});
    with(
        config_map(namespace, name, &["helm"]),
        "annotations",
        release,
    )
}

fn application(name: &str, destination: &str) -> Value {
    let place = ("argocd", name);
    let mut application = object(
        "argoproj.io/v1alpha1",
        "Application",
        place,
        &["kubectl-apply"],
    );
    application["spec"] = json!({"destination": {"namespace": destination}});
    application
}

fn cluster() -> Value {
    let mut web = config_map(
        "shop",
        "web",
        &["kubectl-client-side-apply", "kubectl-edit"],
    );
    web["data"] = json!({"a": "1", "b": "2", "c": "3"});
    let mut service = object(
        "v1",
        "Service",
        ("shop", "web"),
        &["kubectl-client-side-apply"],
    );
    service["spec"] = json!({"selector": {"app": "web"}, "ports": [{"port": 80}]});
    let mut owned = object(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        ("shop", "web-1"),
        &["kube-controller-manager"],
    );
    owned["metadata"]["ownerReferences"] = json!([{"apiVersion": "v1", "kind": "Service",
        "name": "web", "uid": "Service-shop-web", "controller": true}]);
    owned["metadata"]["labels"] = json!({"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            "kubernetes.io/service-name": "web"});
    let generated = json!({"app.kubernetes.io/managed-by": "kyverno",
        "generate.kyverno.io/policy-name": "quota"});
    let flux = json!({"kustomize.toolkit.fluxcd.io/name": "infra",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system"});
    let record = object(
        "v1",
        "Secret",
        ("shop", "sh.helm.release.v1.cache.v1"),
        &["helm"],
    );
    let record = with(record, "labels", json!({"owner": "helm", "name": "cache"}));
    let namespace = |name: &str| object("v1", "Namespace", ("", name), &["kubectl-create"]);
    json!({"apiVersion": "v1", "kind": "List", "items": [
        web, service, owned, record,
        config_map("shop", "kube-root-ca.crt", &["kube-controller-manager"]),
        with(config_map("shop", "quota", &["kyverno"]), "labels", generated.clone()),
        with(config_map("shop", "posing", &["kubectl-label"]), "labels", generated),
        tracked("shop", "dash", "dash:/ConfigMap:shop/dash"),
        tracked("shop", "copy", "dash:/ConfigMap:shop/dash"),
        with(config_map("shop", "infra", &["kustomize-controller"]), "labels", flux),
        released("shop", "cache", "cache"),
        released("shop", "left-behind", "cache-old"),
        config_map("shop", "debug", &["kubectl-create", "kubectl-edit"]),
        config_map("shop", "scratch", &["kubectl-create"]),
        tracked("shop-pr-42", "flags", "pr-42:/ConfigMap:shop-pr-42/flags"),
        config_map("shop-pr-44", "flags", &["kubectl-create"]),
        application("dash", "shop"), application("pr-44", "shop-pr-44"),
        namespace("shop"), namespace("argocd"), namespace("shop-pr-42"), namespace("pr-43"),
        namespace("shop-pr-44")]})
}

fn place() -> TestFolder {
    TestFolder::new()
        .file("m/web.yaml", MANIFESTS)
        .file("m/.driftctl.yaml", RULES)
        .file("live.json", cluster().to_string())
}

fn json_of(more: &[&str]) -> (i32, Value) {
    let place = place();
    let mut command = place.driftctl();
    command.args(["coverage", "m", "--live", "live.json", "-o", "json"]);
    let output = command.args(more).output().unwrap();
    let document = serde_json::from_slice(&output.stdout);
    let document = document.unwrap_or_else(|_| panic!("{}", place.shown(&output)));
    (output.status.code().unwrap(), document)
}

#[test]
fn classifies_objects_of_every_class() {
    let (code, document) = json_of(&["-n", "shop"]);
    assert_eq!(code, 0, "{document}");
    let objects = document["objects"].as_array().unwrap().iter();
    let classes: Vec<String> = objects
        .map(|object| {
            let text = |field: &str| object[field].as_str().unwrap_or("-").to_owned();
            format!("{} {} {}", text("class"), text("name"), text("why"))
        })
        .collect();
    let expected = [
        "elsewhere cache Helm release shop/cache",
        "undeclared copy -",
        "elsewhere dash Argo CD Application dash",
        "undeclared debug -",
        "elsewhere infra Flux Kustomization flux-system/infra",
        "undeclared left-behind Helm release shop/cache-old is gone",
        "undeclared posing -",
        "ignored scratch scratch",
    ];
    let expected = expected.map(str::to_owned);
    let named = |class: &String| !class.starts_with("ignored");
    assert_eq!(
        classes.iter().filter(|c| named(c)).collect::<Vec<_>>(),
        expected.iter().filter(|c| named(c)).collect::<Vec<_>>()
    );
    let totals =
        json!({"declared": 2, "derived": 4, "elsewhere": 3, "undeclared": 4, "ignored": 1});
    assert_eq!(document["totals"], totals);
    assert_eq!(document["coverage"]["of"], 9);
    assert_eq!(document["missing"], 1);
    let debug = document["objects"].as_array().unwrap().iter();
    let debug = debug
        .clone()
        .find(|object| object["name"] == "debug")
        .unwrap();
    assert_eq!(debug["creator"], "kubectl-create");
    assert_eq!(debug["created"], "2026-11-01T08:00:00Z");
    let fields = &document["fields"];
    let added = fields["of"].as_u64().unwrap() - fields["declared"].as_u64().unwrap();
    assert_eq!(added, 1, "data.c was added by a person");
}

/// Anyone can write the mark of an Application, so the Application has to list the object.
#[test]
fn an_object_that_its_deployer_does_not_list_is_undeclared() {
    let mut live = cluster();
    let items = live["items"].as_array_mut().unwrap();
    let listed = |name: &str, prune: bool| json!({"kind": "ConfigMap", "namespace": "shop", "name": name, "requiresPruning": prune});
    let application = items
        .iter_mut()
        .find(|one| one["kind"] == "Application")
        .unwrap();
    application["status"] = json!({"resources": [listed("dash", false), listed("forged", true)]});
    items.push(tracked("shop", "forged", "dash:/ConfigMap:shop/forged"));
    let mut infra = object(
        "kustomize.toolkit.fluxcd.io/v1",
        "Kustomization",
        ("flux-system", "infra"),
        &["flux"],
    );
    infra["status"] =
        json!({"inventory": {"entries": [{"id": "shop_other__ConfigMap", "v": "v1"}]}});
    items.push(infra);
    let place = TestFolder::new()
        .file("m/web.yaml", MANIFESTS)
        .file("live.json", live.to_string());
    let text = place.run(["coverage", "m", "--live", "live.json", "-n", "shop"]);
    let claims = text.lines().filter(|line| line.contains("claims to"));
    insta::assert_snapshot!(claims.collect::<Vec<_>>().join("\n"));
}

/// The control plane makes these accounts without fields, so that no manager is recorded.
#[test]
fn the_service_accounts_of_controllers_are_derived() {
    let account = |name: &str| object("v1", "ServiceAccount", ("kube-system", name), &[]);
    let mut live = cluster();
    let items = live["items"].as_array_mut().unwrap();
    items.extend([account("node-controller"), account("miner-controller")]);
    let place = TestFolder::new()
        .file("m/web.yaml", MANIFESTS)
        .file("live.json", live.to_string());
    let text = place.run(["coverage", "m", "--live", "live.json", "-A"]);
    let of_accounts = text.lines().filter(|line| line.contains("ServiceAccount"));
    insta::assert_snapshot!(of_accounts.collect::<Vec<_>>().join("\n"), @"
    ServiceAccount         0        1          0           1        0%
      ServiceAccount kube-system/miner-controller  created 20d ago
    ");
}

#[test]
fn finds_orphaned_preview_namespaces() {
    let (_, document) = json_of(&["-A"]);
    let orphans = document["orphans"].as_array().unwrap().iter();
    let orphans: Vec<_> = orphans
        .map(|orphan| format!("{} {}", orphan["namespace"], orphan["why"]))
        .collect();
    let expected = [
        r#""pr-43" "nothing deploys to it""#,
        r#""shop-pr-42" "Argo CD Application pr-42 is gone""#,
    ];
    assert_eq!(orphans, expected);
    let (_, document) = json_of(&[]);
    assert_eq!(document["orphans"], json!([]));
}

#[test]
fn the_text_lists_namespaces_kinds_and_objects() {
    insta::assert_snapshot!(place().run(["coverage", "m", "--live", "live.json", "-A"]));
}

#[test]
fn coverage_below_the_minimum_fails_the_run() {
    let run = |more: &[&str]| json_of(&[&["-n", "shop"], more].concat()).0;
    assert_eq!(run(&["--min", "22"]), 0);
    assert_eq!(run(&["--min", "23%"]), 1);
    assert_eq!(run(&["--min", "55", "--count-elsewhere"]), 0);
    assert_eq!(run(&["--min", "56", "--count-elsewhere"]), 1);
    let said = place().run(["coverage", "m", "--live", "live.json", "--min", "101"]);
    insta::assert_snapshot!(said);
}

#[test]
fn refuses_a_recording_of_only_declared_objects() {
    let mut live = cluster();
    live["items"].as_array_mut().unwrap().truncate(2);
    let place = TestFolder::new()
        .file("m/web.yaml", MANIFESTS)
        .file("live.json", live.to_string());
    insta::assert_snapshot!(place.run(["coverage", "m", "--live", "live.json", "--min", "90"]));
}

#[test]
fn metrics_and_json_match_their_formats() {
    let text = place().run([
        "coverage",
        "m",
        "--live",
        "live.json",
        "-A",
        "-o",
        "prometheus",
    ]);
    insta::assert_snapshot!(text);
    let schema = place().run(["schema", "coverage"]);
    assert!(schema.contains("driftctl.coverage/v1"), "{schema}");
}

#[test]
fn refuses_untrusted_manifests() {
    let said = place().run(["coverage", "m", "--live", "live.json", "--untrusted"]);
    assert!(said.starts_with("exit code: 2"), "{said}");
}
