//! Tests manifests at one API version with live objects at another.

#![allow(clippy::unwrap_used)]

use crate::support;

use serde_json::{Value, json};
use support::TestFolder;

/// Compares one manifest with one live object. Returns the report and the exit code.
fn diff(declared: &Value, live: &Value) -> (Value, i32) {
    let place = TestFolder::new()
        .file("a.json", declared.to_string())
        .file("live.json", live.to_string());
    let output = place
        .driftctl()
        .args(["diff", "a.json", "--live", "live.json", "-o", "json"])
        .output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap();
    (report, output.status.code().unwrap())
}

fn object(api_version: &str, kind: &str, spec: Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind,
        "metadata": {"name": "a", "namespace": "shop"}, "spec": spec})
}

/// Checks that both are the same object, and that a change is found.
#[track_caller]
fn are_one(declared: &Value, live: &Value, pointer: &str, other: Value) {
    let (report, code) = diff(declared, live);
    assert_eq!(code, 0, "{report:#}");
    let mut changed = live.clone();
    *changed.pointer_mut(pointer).unwrap() = other;
    let (report, code) = diff(declared, &changed);
    assert_eq!(code, 1, "{report:#}");
    assert_eq!(report["objects"][0]["status"], "drifted");
}

const CPU: &str = r#"{"type": "Resource", "resource": {"name": "cpu",
    "target": {"type": "Utilization", "averageUtilization": 70}}}"#;

#[test]
fn converts_autoscalers_in_both_directions() {
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
    let metric: Value = serde_json::from_str(CPU).unwrap();
    let v1 = json!({"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 5,
        "targetCPUUtilizationPercentage": 70});
    let v2 = json!({"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 5,
        "metrics": [metric]});
    let kind = "HorizontalPodAutoscaler";
    let (v1, v2) = (
        object("autoscaling/v1", kind, v1),
        object("autoscaling/v2", kind, v2),
    );
    are_one(&v1, &v2, "/spec/maxReplicas", json!(6));
    are_one(&v2, &v1, "/spec/targetCPUUtilizationPercentage", json!(80));
    let mut gone = v2.clone();
    gone["apiVersion"] = json!("autoscaling/v2beta2");
    are_one(&gone, &v2, "/spec/maxReplicas", json!(6));
}

#[test]
fn finds_kinds_that_moved_to_another_group() {
    let template = json!({"metadata": {"labels": {"app": "a"}},
        "spec": {"containers": [{"name": "a", "image": "x:1"}]}});
    let spec = json!({"replicas": 2, "template": template,
        "selector": {"matchLabels": {"app": "a"}}});
    let live = object("apps/v1", "Deployment", spec.clone());
    for version in ["extensions/v1beta1", "apps/v1beta1", "apps/v1beta2"] {
        let declared = object(version, "Deployment", spec.clone());
        are_one(&declared, &live, "/spec/replicas", json!(3));
    }
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let ingress = |backend: Value, path_type: Value| {
        json!({"rules": [{"host": "a.example", "http": {"paths": [
            {"path": "/", "pathType": path_type, "backend": backend}]}}]})
    };
    let live = object(
        "networking.k8s.io/v1",
        "Ingress",
        ingress(backend, json!("Prefix")),
    );
    for version in ["extensions/v1beta1", "networking.k8s.io/v1beta1"] {
        let backend = json!({"serviceName": "web", "servicePort": 80});
        let declared = object(version, "Ingress", ingress(backend, json!("Prefix")));
        are_one(&declared, &live, "/spec/rules/0/host", json!("b.example"));
    }
}

#[test]
fn names_the_replacement_of_removed_versions() {
    let spec = json!({"minAvailable": 1, "selector": {"matchLabels": {"app": "a"}}});
    let live = object("policy/v1", "PodDisruptionBudget", spec.clone());
    let declared = object("policy/v1beta1", "PodDisruptionBudget", spec);
    are_one(&declared, &live, "/spec/minAvailable", json!(2));
    let (report, _) = diff(&declared, &live);
    let warnings = report["warnings"].to_string();
    insta::assert_snapshot!(warnings);
    let job = json!({"schedule": "@daily", "jobTemplate": {"spec": {"template": {"spec": {
        "restartPolicy": "Never", "containers": [{"name": "a", "image": "x:1"}]}}}}});
    let live = object("batch/v1", "CronJob", job.clone());
    let declared = object("batch/v1beta1", "CronJob", job);
    are_one(&declared, &live, "/spec/schedule", json!("@hourly"));
}

#[test]
fn reports_versions_that_it_cannot_convert_as_unknown() {
    let declared = object("example.com/v1beta1", "Widget", json!({"size": 1}));
    let live = object("example.com/v1", "Widget", json!({"size": 1}));
    let (report, code) = diff(&declared, &live);
    assert_eq!(code, 2, "{report:#}");
    let reason = report["objects"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("declare it as example.com/v1"), "{reason}");
}

#[test]
fn compares_versions_of_custom_resources_without_conversion() {
    let definition = |strategy: &str| {
        let version = |name: &str, storage: bool| {
            json!({"name": name, "served": true, "storage": storage, "schema":
                {"openAPIV3Schema": {"type": "object", "properties":
                    {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}}}})
        };
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "widgets.example.com"}, "spec": {
                "group": "example.com", "scope": "Namespaced",
                "names": {"kind": "Widget", "plural": "widgets"},
                "conversion": {"strategy": strategy},
                "versions": [version("v1", true), version("v1beta1", false)]}})
    };
    let widget = |version: &str, size: u8| object(version, "Widget", json!({"size": size}));
    let declared = widget("example.com/v1beta1", 1);
    let run = |strategy: &str, size: u8| {
        let live = [definition(strategy), widget("example.com/v1", size)];
        let list = json!({"apiVersion": "v1", "kind": "List", "items": live});
        diff(&declared, &list).1
    };
    assert_eq!(run("None", 1), 0);
    assert_eq!(run("None", 2), 1);
    assert_eq!(run("Webhook", 1), 2);
}
