use serde_json::{Value, json};

use super::{FORMS, REMOVED, convert, replacement};
use crate::schema::builtin_kind;

#[track_caller]
fn converts(object: Value, to: &str, expected: Value) {
    assert_eq!(convert(&object, to), Some(expected));
}

#[test]
fn names_the_replacement_of_a_removed_version() {
    let sentence = |api_version, kind| replacement(api_version, kind).map(|r| r.to_string());
    assert_eq!(
        sentence("autoscaling/v2beta2", "HorizontalPodAutoscaler").unwrap(),
        "was removed in Kubernetes 1.26; use autoscaling/v2"
    );
    assert_eq!(
        sentence("policy/v1beta1", "PodSecurityPolicy").unwrap(),
        "was removed in Kubernetes 1.25; it has no replacement"
    );
    // Not listed, but the kind is known.
    assert_eq!(
        sentence("networking.k8s.io/v1alpha1", "IPAddress").unwrap(),
        "is not served by current Kubernetes; use networking.k8s.io/v1"
    );
    assert_eq!(sentence("apps/v1", "Deployment"), None);
    assert_eq!(sentence("example.com/v1", "Widget"), None);
}

#[test]
fn replacements_and_conversions_lead_to_served_kinds() {
    for removed in REMOVED {
        for kind in removed.kinds {
            assert_eq!(builtin_kind(removed.api_version, kind), None, "{kind}");
            if let Some(version) = removed.use_instead {
                assert!(builtin_kind(version, kind).is_some(), "{version} {kind}");
            }
        }
    }
    for (version, kinds, form) in FORMS {
        for kind in *kinds {
            assert!(
                builtin_kind(form.current, kind).is_some(),
                "{version} {kind}"
            );
        }
    }
}

#[test]
fn versions_with_the_same_fields_convert_both_ways() {
    let at = |version: &str| json!({"apiVersion": version, "kind": "CronJob", "spec": {"schedule": "@daily"}});
    converts(at("batch/v1beta1"), "batch/v1", at("batch/v1"));
    converts(at("batch/v1"), "batch/v1beta1", at("batch/v1beta1"));
    converts(at("batch/v1beta1"), "batch/v2alpha1", at("batch/v2alpha1"));
    converts(at("batch/v1"), "batch/v1", at("batch/v1"));
}

#[test]
fn does_not_convert_between_versions_with_unknown_changes() {
    for (from, to, kind) in [
        ("apps/v1", "apps/v1beta1", "Deployment"),
        ("example.com/v1", "example.com/v2", "Widget"),
        ("batch/v1beta1", "networking.k8s.io/v1", "CronJob"),
        ("policy/v1beta1", "policy/v1", "PodSecurityPolicy"),
    ] {
        let object = json!({"apiVersion": from, "kind": kind, "spec": {}});
        assert_eq!(convert(&object, to), None, "{from} {kind}");
    }
    for nonsense in [
        json!(null),
        json!({}),
        json!({"apiVersion": 1, "kind": "CronJob"}),
    ] {
        assert_eq!(convert(&nonsense, "batch/v1"), None);
    }
}

fn autoscaler(version: &str, spec: Value) -> Value {
    json!({"apiVersion": format!("autoscaling/{version}"), "kind": "HorizontalPodAutoscaler", "spec": spec})
}

#[test]
fn converts_the_target_of_a_v1_autoscaler() {
    let cpu = json!({"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}});
    let v1 = autoscaler(
        "v1",
        json!({"maxReplicas": 3, "targetCPUUtilizationPercentage": 70}),
    );
    let v2 = autoscaler("v2", json!({"maxReplicas": 3, "metrics": [cpu]}));
    converts(v1.clone(), "autoscaling/v2", v2.clone());
    converts(v2.clone(), "autoscaling/v1", v1.clone());
    converts(
        v1,
        "autoscaling/v2beta2",
        autoscaler("v2beta2", v2["spec"].clone()),
    );
    let bare = |version| autoscaler(version, json!({"maxReplicas": 3}));
    converts(bare("v1"), "autoscaling/v2", bare("v2"));
    let memory = json!({"type": "Resource", "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 70}}});
    for spec in [
        json!({"metrics": [memory]}),
        json!({"metrics": [cpu, cpu]}),
        json!({"metrics": [cpu], "behavior": {"scaleDown": {}}}),
    ] {
        assert_eq!(convert(&autoscaler("v2", spec), "autoscaling/v1"), None);
    }
}

#[test]
fn converts_annotations_of_a_v1_autoscaler_to_metrics() {
    let mut v1 = autoscaler("v1", json!({"targetCPUUtilizationPercentage": 70}));
    let metrics = r#"[{"type":"Pods","pods":{"metricName":"qps","targetAverageValue":"1k"}}]"#;
    v1["metadata"] = json!({"annotations": {
        "autoscaling.alpha.kubernetes.io/metrics": metrics,
        "autoscaling.alpha.kubernetes.io/behavior": r#"{"scaleUp":{"selectPolicy":"Max"}}"#,
        "autoscaling.alpha.kubernetes.io/conditions": "[]",
        "mine": "stays",
    }});
    let v2 = convert(&v1, "autoscaling/v2").unwrap();
    assert_eq!(v2["metadata"]["annotations"], json!({"mine": "stays"}));
    assert_eq!(
        v2["spec"]["metrics"][0],
        json!({"type": "Pods", "pods": {"metric": {"name": "qps"}, "target": {"type": "AverageValue", "averageValue": "1k"}}})
    );
    assert_eq!(v2["spec"]["metrics"][1]["resource"]["name"], "cpu");
    assert_eq!(v2["spec"]["behavior"]["scaleUp"]["selectPolicy"], "Max");
    v1["metadata"]["annotations"]["autoscaling.alpha.kubernetes.io/metrics"] = json!("not JSON");
    assert_eq!(convert(&v1, "autoscaling/v2"), None);
}

#[test]
fn converts_metrics_of_v2beta1() {
    let old = json!([
        {"type": "Resource", "resource": {"name": "cpu", "targetAverageUtilization": 60}},
        {"type": "Resource", "resource": {"name": "memory", "targetAverageValue": "1Gi"}},
        {"type": "External", "external": {"metricName": "depth", "metricSelector": {"matchLabels": {"q": "a"}}, "targetValue": 30}},
        {"type": "Object", "object": {"target": {"kind": "Ingress", "name": "shop"}, "metricName": "rps", "targetValue": "2k"}},
    ]);
    let new = json!([
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}},
        {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}},
        {"type": "External", "external": {"metric": {"name": "depth", "selector": {"matchLabels": {"q": "a"}}}, "target": {"type": "Value", "value": 30}}},
        {"type": "Object", "object": {"describedObject": {"kind": "Ingress", "name": "shop"}, "metric": {"name": "rps"}, "target": {"type": "Value", "value": "2k"}}},
    ]);
    converts(
        autoscaler("v2beta1", json!({"metrics": old})),
        "autoscaling/v2",
        autoscaler("v2", json!({"metrics": new})),
    );
}

#[test]
fn converts_backends_of_ingresses() {
    let old = json!({"backend": {"serviceName": "shop", "servicePort": 80}, "rules": [{"http": {"paths": [
        {"path": "/", "backend": {"serviceName": "cart", "servicePort": "http"}},
        {"pathType": "Exact", "backend": {"resource": {"kind": "Bucket", "name": "a"}}},
    ]}}, {"host": "shop.example"}]});
    let new = json!({"defaultBackend": {"service": {"name": "shop", "port": {"number": 80}}}, "rules": [{"http": {"paths": [
        {"path": "/", "pathType": "ImplementationSpecific", "backend": {"service": {"name": "cart", "port": {"name": "http"}}}},
        {"pathType": "Exact", "backend": {"resource": {"kind": "Bucket", "name": "a"}}},
    ]}}, {"host": "shop.example"}]});
    for version in ["networking.k8s.io/v1beta1", "extensions/v1beta1"] {
        let old = json!({"apiVersion": version, "kind": "Ingress", "spec": old});
        let new = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": new});
        converts(old, "networking.k8s.io/v1", new);
    }
}

#[test]
fn converts_workloads_without_a_selector() {
    let template = json!({"metadata": {"labels": {"app": "a"}}});
    let old = json!({"apiVersion": "extensions/v1beta1", "kind": "Deployment", "spec": {"template": template, "rollbackTo": {}}});
    let new = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "spec": {"template": template, "selector": {"matchLabels": {"app": "a"}}}});
    converts(old, "apps/v1", new);
}

#[test]
fn converts_the_empty_selector_of_a_disruption_budget() {
    let budget = |selector: Value| json!({"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "spec": {"selector": selector}});
    assert_eq!(convert(&budget(json!({})), "policy/v1"), None);
    assert_eq!(
        convert(&budget(json!({"matchLabels": {}})), "policy/v1"),
        None
    );
    assert!(convert(&budget(json!({"matchLabels": {"app": "a"}})), "policy/v1").is_some());
    assert!(convert(&budget(json!(null)), "policy/v1").is_some());
}

#[test]
fn converts_custom_resource_definitions() {
    let old = json!({"apiVersion": "apiextensions.k8s.io/v1beta1", "kind": "CustomResourceDefinition", "spec": {
        "version": "v1", "validation": {"openAPIV3Schema": {"type": "object"}}, "subresources": {"status": {}},
        "additionalPrinterColumns": [{"name": "Age", "JSONPath": ".a"}],
        "conversion": {"strategy": "Webhook", "webhookClientConfig": {"url": "https://a.example"}},
    }});
    let new = convert(&old, "apiextensions.k8s.io/v1").unwrap();
    assert_eq!(
        new["spec"],
        json!({
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}},
                "subresources": {"status": {}}, "additionalPrinterColumns": [{"name": "Age", "jsonPath": ".a"}]}],
            "conversion": {"strategy": "Webhook", "webhook": {
                "clientConfig": {"url": "https://a.example"}, "conversionReviewVersions": ["v1beta1"]}},
            "preserveUnknownFields": true,
        })
    );
}

#[test]
fn converts_other_kinds() {
    let object = |api_version: &str, kind: &str, field: &str, value: Value| json!({"apiVersion": api_version, "kind": kind, field: value});
    let level = convert(
        &object(
            "flowcontrol.apiserver.k8s.io/v1beta2",
            "PriorityLevelConfiguration",
            "spec",
            json!({"limited": {"assuredConcurrencyShares": 5}}),
        ),
        "flowcontrol.apiserver.k8s.io/v1",
    );
    assert_eq!(
        level.unwrap()["spec"]["limited"],
        json!({"nominalConcurrencyShares": 5})
    );
    let hooks = convert(
        &object(
            "admissionregistration.k8s.io/v1beta1",
            "ValidatingWebhookConfiguration",
            "webhooks",
            json!([{"timeoutSeconds": 5}]),
        ),
        "admissionregistration.k8s.io/v1",
    );
    let hook = &hooks.unwrap()["webhooks"][0];
    assert_eq!(
        (&hook["timeoutSeconds"], &hook["failurePolicy"]),
        (&json!(5), &json!("Ignore"))
    );
    let slice = convert(
        &object(
            "discovery.k8s.io/v1beta1",
            "EndpointSlice",
            "endpoints",
            json!([{"topology": {"kubernetes.io/hostname": "n", "rack": "r"}}]),
        ),
        "discovery.k8s.io/v1",
    );
    assert_eq!(
        slice.unwrap()["endpoints"][0],
        json!({"nodeName": "n", "deprecatedTopology": {"rack": "r"}})
    );
    let claim = convert(
        &object(
            "resource.k8s.io/v1beta1",
            "ResourceClaim",
            "spec",
            json!({"devices": {"requests": [{"name": "a", "deviceClassName": "gpu"}]}}),
        ),
        "resource.k8s.io/v1",
    );
    assert_eq!(
        claim.unwrap()["spec"]["devices"]["requests"][0],
        json!({"name": "a", "exactly": {"deviceClassName": "gpu"}})
    );
    let request = |spec| {
        object(
            "certificates.k8s.io/v1beta1",
            "CertificateSigningRequest",
            "spec",
            spec,
        )
    };
    assert_eq!(convert(&request(json!({})), "certificates.k8s.io/v1"), None);
    assert!(
        convert(
            &request(json!({"signerName": "example.com/s"})),
            "certificates.k8s.io/v1"
        )
        .is_some()
    );
}
