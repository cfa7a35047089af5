//! Tests that nothing disappears: live fields that are not declared are reported or explained.

#![allow(clippy::unwrap_used)]

use crate::support;

use std::collections::BTreeMap;
use std::fs;

use driftctl::cluster::Dump;
use driftctl::compare::normalize;
use driftctl::engine::{self, Options};
use driftctl::model::{FieldPath, ObjectReport, ObjectStatus, PathElement, Verdict};
use driftctl::policy::RuleSet;
use driftctl::source::{FilesSource, Source};
use serde_json::{Value, json};
use support::{TestFolder, fixture};

/// Returns the fields of `live` that `declared` does not have. A declared list counts as one value:
/// only the comparison can match its items.
fn undeclared(
    path: &FieldPath,
    declared: Option<&Value>,
    live: &Value,
    found: &mut Vec<FieldPath>,
) {
    match (declared, live) {
        (Some(Value::Null) | None, live) if says_nothing(live) => {}
        (declared, Value::Object(fields)) if declared.is_none_or(|d| d.is_object()) => {
            for (name, below) in fields {
                let path = path.child(PathElement::Field(name.clone()));
                undeclared(&path, declared.and_then(|d| d.get(name)), below, found);
            }
        }
        (Some(Value::Null) | None, _) => found.push(path.clone()),
        _ => {}
    }
}

/// Returns whether a value needs no explanation: an empty list or object, or what identifies the
/// object.
fn says_nothing(live: &Value) -> bool {
    match live {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn is_identity(path: &FieldPath) -> bool {
    let identity = [
        ".apiVersion",
        ".kind",
        ".metadata.name",
        ".metadata.namespace",
    ];
    identity.contains(&path.to_string().as_str())
}

/// Returns whether the report mentions a path, a parent of it, or a part of it.
fn is_covered(object: &ObjectReport, path: &FieldPath) -> bool {
    object.drifts.iter().any(|drift| {
        let change = &drift.change.path;
        path.starts_with(change) || change.starts_with(path)
    })
}

/// Returns the kind, namespace and name of an object.
fn name(object: &Value) -> (String, String, String) {
    let text = |path: &str| {
        object
            .pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let namespace = text("/metadata/namespace").to_owned();
    (
        text("/kind").to_owned(),
        namespace,
        text("/metadata/name").to_owned(),
    )
}

#[test]
fn every_undeclared_path_is_reported_or_explained() {
    let (mut paths, mut silent) = (0, Vec::new());
    for scenario in [
        "shop-argo-drift",
        "shop-admission-csa-drift",
        "shop-create-clean",
    ] {
        let recording = fixture(&format!("driftbench/{scenario}/live.json.gz"));
        let packed = fs::File::open(&recording).unwrap();
        let live: Value = serde_json::from_reader(flate2::read::GzDecoder::new(packed)).unwrap();
        let live = live["items"].as_array().unwrap().iter();
        let live: BTreeMap<_, _> = live.map(|object| (name(object), object)).collect();
        let files = FilesSource::new([fixture("shop/manifests")]);
        let declared = files.read().manifests;
        let sources: Vec<Box<dyn Source>> = vec![Box::new(files)];
        let dump = Dump::read(&[recording]).unwrap();
        let options = Options {
            explain: true,
            ..Options::default()
        };
        let report = engine::run(&sources, &dump, RuleSet::builtin(), &options).unwrap();
        for object in &report.objects {
            if !matches!(
                object.status(),
                ObjectStatus::InSync | ObjectStatus::Drifted
            ) {
                continue;
            }
            let namespace = object.key.namespace.clone().unwrap_or_default();
            let key = (object.key.kind.clone(), namespace, object.key.name.clone());
            let manifest = declared
                .iter()
                .find(|m| {
                    m.kind == key.0 && m.name == key.2 && Some(&m.origin) == object.origin.as_ref()
                })
                .unwrap();
            let manifest = normalize(manifest.value(), object.key.namespace.is_some());
            let mut found = Vec::new();
            undeclared(&FieldPath::root(), Some(&manifest), live[&key], &mut found);
            found.retain(|path| !is_identity(path));
            paths += found.len();
            let missed = found.iter().filter(|path| !is_covered(object, path));
            silent.extend(missed.map(|path| format!("{scenario} {} {path}", object.key)));
        }
    }
    assert!(paths > 1000, "only {paths} undeclared paths were found");
    assert!(
        silent.is_empty(),
        "of {paths} paths:\n{}",
        silent.join("\n")
    );
}

/// Returns an autoscaler for the Deployment of [`scaled_by`].
fn autoscaler(api_version: &str, kind: &str, limits: &Value) -> Value {
    let mut spec = limits.clone();
    spec["scaleTargetRef"] = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"});
    json!({"apiVersion": api_version, "kind": kind, "spec": spec,
        "metadata": {"name": "cart", "namespace": "shop"}})
}

fn scaled_to(live: u64, owners: Value) -> (Verdict, Option<String>) {
    let limits = json!({"minReplicas": 2, "maxReplicas": 10});
    let autoscaler = autoscaler("autoscaling/v2", "HorizontalPodAutoscaler", &limits);
    scaled_by(&[autoscaler], live, owners)
}

/// Returns the verdict on the replicas of a Deployment that autoscalers scaled to `live`.
fn scaled_by(autoscalers: &[Value], live: u64, owners: Value) -> (Verdict, Option<String>) {
    let manifest = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "cart", "namespace": "shop"}, "spec": {"replicas": 3}});
    let mut deployment = manifest.clone();
    deployment["spec"]["replicas"] = json!(live);
    deployment["metadata"]["managedFields"] = owners;
    let items: Vec<&Value> = std::iter::once(&deployment).chain(autoscalers).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    let place = TestFolder::new()
        .file("cart.json", manifest.to_string())
        .file(
            "scalers.json",
            json!({"apiVersion": "v1", "kind": "List", "items": autoscalers}).to_string(),
        )
        .file("live.json", list.to_string());
    let sources: Vec<Box<dyn Source>> = vec![Box::new(FilesSource::new(
        ["cart.json", "scalers.json"].map(|file| place.path().join(file)),
    ))];
    let dump = Dump::read(&[place.path().join("live.json")]).unwrap();
    let options = Options {
        explain: true,
        ..Options::default()
    };
    let report = engine::run(&sources, &dump, RuleSet::builtin(), &options).unwrap();
    let replicas: FieldPath = ".spec.replicas".parse().unwrap();
    let is_deployment = |object: &&ObjectReport| object.key.kind == "Deployment";
    let deployment = report.objects.iter().find(is_deployment).unwrap();
    let mut drifts = deployment.drifts.iter();
    let drift = drifts.find(|drift| drift.change.path == replicas).unwrap();
    (drift.verdict().clone(), drift.note.clone())
}

#[test]
fn explains_replicas_only_within_the_autoscalers_limits() {
    let scaler = json!([{"manager": "kube-controller-manager", "operation": "Update",
        "subresource": "scale", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:replicas": {}}}}]);
    let person = json!([{"manager": "kubectl", "operation": "Update", "subresource": "scale",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]);
    for owners in [scaler, json!([])] {
        let (inside, _) = scaled_to(5, owners.clone());
        assert!(matches!(inside, Verdict::Explained { .. }), "{inside:?}");
        let (outside, note) = scaled_to(12, owners);
        assert_eq!(outside, Verdict::Reported);
        let note = note.unwrap();
        assert!(note.contains("limits, 2 to 10"), "{note}");
    }
    assert_eq!(
        scaled_to(5, person).0,
        Verdict::Reported,
        "a person scaled it"
    );
}

#[test]
fn an_event_driven_autoscaler_may_scale_to_zero() {
    let scaler = |manager: &str| {
        json!([{"manager": manager, "operation": "Update", "subresource": "scale",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}}}])
    };
    let scaled = |limits: Value| autoscaler("keda.sh/v1alpha1", "ScaledObject", &limits);
    // The HPA that KEDA creates does not support zero.
    let made = autoscaler(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        &json!({"minReplicas": 1, "maxReplicas": 100}),
    );
    let keda = [made, scaled(json!({}))];
    let is_explained = |autoscalers: &[Value], live: u64, manager: &str| {
        let (verdict, _) = scaled_by(autoscalers, live, scaler(manager));
        matches!(verdict, Verdict::Explained { .. })
    };
    assert!(is_explained(&keda, 0, "keda-operator"));
    assert!(is_explained(&keda, 7, "kube-controller-manager"));
    assert!(!is_explained(&keda, 0, "kubectl"));
    assert!(!is_explained(&keda, 101, "keda-operator"));
    let idle = scaled(json!({"minReplicaCount": 2, "idleReplicaCount": 0}));
    assert!(is_explained(&[idle], 0, "keda-operator"));
    let never_zero = scaled(json!({"minReplicaCount": 2}));
    assert!(!is_explained(&[never_zero], 0, "keda-operator"));
}

/// Returns the reported paths of one object.
fn reported(manifest: &Value, live: &Value) -> Vec<String> {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [live]});
    let place = TestFolder::new()
        .file("declared.json", manifest.to_string())
        .file("live.json", list.to_string());
    let sources: Vec<Box<dyn Source>> = vec![Box::new(FilesSource::new([place
        .path()
        .join("declared.json")]))];
    let dump = Dump::read(&[place.path().join("live.json")]).unwrap();
    let report = engine::run(&sources, &dump, RuleSet::builtin(), &Options::default()).unwrap();
    let drifts = report.objects[0].reported();
    drifts.map(|drift| drift.change.path.to_string()).collect()
}

#[test]
fn explains_values_that_the_server_allocates() {
    let manifest = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "cart", "namespace": "shop"},
        "spec": {"type": "NodePort", "ports": [{"port": 80}]}});
    let live = |manager: &str| {
        let mut live = manifest.clone();
        live["spec"]["ipFamilyPolicy"] = json!("PreferDualStack");
        live["spec"]["ports"][0]["nodePort"] = json!(30080);
        live["metadata"]["managedFields"] = json!([
            {"manager": "argocd-controller", "operation": "Apply", "fieldsV1":
                {"f:spec": {"f:type": {}, "f:ports":
                    {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}}}},
            {"manager": manager, "operation": "Update", "fieldsV1":
                {"f:spec": {"f:ipFamilyPolicy": {}, "f:ports":
                    {"k:{\"port\":80,\"protocol\":\"TCP\"}": {"f:nodePort": {}}}}}},
        ]);
        live
    };
    let both = [
        ".spec.ipFamilyPolicy",
        ".spec.ports[port=80,protocol=\"TCP\"].nodePort",
    ];
    for manager in ["kubectl-patch", "Mozilla"] {
        assert_eq!(reported(&manifest, &live(manager)), both, "{manager}");
    }
    assert_eq!(reported(&manifest, &live("before-first-apply")), [""; 0]);
    let mut nobodys = live("x");
    nobodys["metadata"]["managedFields"] = json!([]);
    nobodys["spec"]["ipFamilyPolicy"] = json!("SingleStack");
    assert_eq!(reported(&manifest, &nobodys), [""; 0]);
}

#[test]
fn reports_a_declared_certificate_that_was_removed() {
    let hook = |client: Value| {
        json!({"apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "guard"},
        "webhooks": [{"name": "a.example.com", "sideEffects": "None",
            "admissionReviewVersions": ["v1"], "clientConfig": client}]})
    };
    let url = "https://guard.example.com";
    let manifest = hook(json!({"url": url, "caBundle": "Cg=="}));
    let injected = hook(json!({"url": url, "caBundle": "eA=="}));
    let path = ".webhooks[name=\"a.example.com\"].clientConfig.caBundle";
    assert_eq!(reported(&manifest, &injected), [path], "nobody knows who");
    assert_eq!(reported(&manifest, &hook(json!({"url": url}))), [path]);
}

/// Returns Deployments that all have a sidecar without an owner, one of them with another change.
fn with_common_sidecar() -> TestFolder {
    let declared = ["a", "b", "c", "d"].map(|name| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {"selector": {"matchLabels": {"app": name}}, "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "web", "image": "shop/web:1"}]}}}})
    });
    let mut live = declared.clone();
    for object in &mut live {
        let containers = &mut object["spec"]["template"]["spec"]["containers"];
        containers.as_array_mut().unwrap().push(json!({
            "name": "agent", "image": "agent:1", "securityContext": {"privileged": true}}));
    }
    live[3]["spec"]["template"]["spec"]["containers"][0]["image"] = json!("shop/web:2");
    let list = |items: &[Value]| json!({"apiVersion": "v1", "kind": "List", "items": items});
    TestFolder::new()
        .file("m.json", list(&declared).to_string())
        .file("live.json", list(&live).to_string())
}

#[test]
fn reports_an_addition_to_many_objects_once_with_a_rule() {
    let place = with_common_sidecar();
    let shown = place.run(["diff", "m.json", "--live", "live.json"]);
    for said in [
        "~ 4 Deployments  CRITICAL",
        "+ .spec.template.spec.containers[name=\"agent\"]",
        "Deployment shop/a, Deployment shop/b, Deployment shop/c and 1 more",
        "critical  4 Deployments",
    ] {
        assert_eq!(shown.matches(said).count(), 1, "{said}: {shown}");
    }
    let each = place.run(["diff", "m.json", "--live", "live.json", "-v"]);
    assert!(each.matches("name=\"agent\"").count() >= 4, "{each}");
    let json = place.run(["diff", "m.json", "--live", "live.json", "-o", "json"]);
    assert!(json.matches("agent\\\"").count() >= 4, "{json}");
    // The printed rule can be used as it is.
    let from = shown.find("    ignoreDifferences:").unwrap();
    let lines = shown[from..].lines();
    let rule: Vec<&str> = lines.take_while(|line| line.starts_with("    ")).collect();
    let place = place.file(".driftctl.yaml", rule.join("\n"));
    let shown = place.run(["diff", "m.json", "--live", "live.json"]);
    assert!(shown.contains("4 ignored"), "{shown}");
    assert!(
        shown.contains("shop/web:2") && !shown.contains("agent:1"),
        "{shown}"
    );
}
