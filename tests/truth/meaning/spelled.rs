//! Tests values that are equal but written differently, and values that only look equal.

use serde_json::{Value, json};

use super::{at, drift_of, drift_of_text, object};

fn deployment(pod: &Value) -> Value {
    object(
        "apps/v1",
        "Deployment",
        &json!({"selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": pod}}),
    )
}

fn container(fields: &Value) -> Value {
    let mut container = json!({"name": "app", "image": "x:1"});
    for (name, value) in fields.as_object().unwrap() {
        container[name] = value.clone();
    }
    deployment(&json!({"containers": [container]}))
}

/// Returns the report if a declared and a live value are in the same place.
fn drift(make: impl Fn(&Value) -> Value, declared: &Value, live: &Value) -> Vec<String> {
    let (declared, live) = (make(declared), make(live));
    let kind = declared["kind"].as_str().unwrap();
    drift_of(kind, &[&declared], &[&live])
}

#[track_caller]
fn same(make: impl Fn(&Value) -> Value, pairs: &[(Value, Value)]) {
    for (declared, live) in pairs {
        let found = drift(&make, declared, live);
        assert!(found.is_empty(), "{declared} and {live}: {found:?}");
    }
}

#[track_caller]
fn different(make: impl Fn(&Value) -> Value, pairs: &[(Value, Value)]) {
    for (declared, live) in pairs {
        let found = drift(&make, declared, live);
        assert_eq!(found.len(), 1, "{declared} and {live}: {found:?}");
    }
}

#[test]
fn quantities_are_equal_in_every_notation() {
    let cpu = |value: &Value| container(&at("resources.limits.cpu", value));
    let memory = |value: &Value| container(&at("resources.limits.memory", value));
    same(
        cpu,
        &[
            (json!("1000m"), json!("1")),
            (json!(1), json!("1")),
            (json!(0.5), json!("500m")),
            (json!("0.1"), json!("100m")),
            (json!("1e0"), json!("1")),
            (json!("2E3m"), json!("2E3m")),
            (json!("+1"), json!("1")),
            (json!("1.0"), json!("1")),
            (json!("1000000u"), json!("1")),
        ],
    );
    same(
        memory,
        &[
            (json!("1024Mi"), json!("1Gi")),
            (json!(1_073_741_824_u64), json!("1Gi")),
            (json!("1.5Gi"), json!("1536Mi")),
            (json!("1e3"), json!("1k")),
            (json!("1E3"), json!("1k")),
            (json!("1000k"), json!("1M")),
            (json!("0.75Gi"), json!("768Mi")),
            (json!(1e9), json!("1G")),
        ],
    );
    different(
        cpu,
        &[
            (json!("1"), json!("1001m")),
            (json!("1m"), json!("1")),
            (json!("0"), json!("1m")),
        ],
    );
    different(
        memory,
        &[(json!("1G"), json!("1Gi")), (json!("1M"), json!("1Mi"))],
    );
}

#[test]
fn a_port_number_in_text_is_a_name() {
    let port = |value: &Value| container(&at("livenessProbe.httpGet.port", value));
    same(
        port,
        &[(json!(80), json!(80)), (json!("http"), json!("http"))],
    );
    different(
        port,
        &[
            (json!("http"), json!(80)),
            (json!("80"), json!(80)),
            (json!(80), json!("80")),
            (json!(80), json!(81)),
        ],
    );
}

#[test]
fn whole_floats_are_integers() {
    let text = |replicas: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: a, namespace: shop}}\n\
                 spec: {{replicas: {replicas}, selector: {{matchLabels: {{a: b}}}}}}\n"
        )
    };
    let live = object(
        "apps/v1",
        "Deployment",
        &json!({"replicas": 3, "selector": {"matchLabels": {"a": "b"}}}),
    );
    for spelling in ["3", "3.0", "3e0", "0x3", "0o3", "30e-1"] {
        assert_eq!(
            drift_of_text("Deployment", &text(spelling), &[&live]),
            [""; 0],
            "{spelling}"
        );
    }
    assert_eq!(
        drift_of_text("Deployment", &text("3.5"), &[&live]),
        ["changed .spec.replicas"]
    );
}

#[test]
fn compares_times_and_bytes_by_value() {
    let secret = |value: &Value| {
        json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": "a", "namespace": "shop"}, "data": {"k": value}})
    };
    same(
        secret,
        &[
            (json!("aGVs\nbG8="), json!("aGVsbG8=")),
            (json!("aGVsbG8=\n"), json!("aGVsbG8=")),
        ],
    );
    different(secret, &[(json!("aGVsbG8="), json!("aGVsbGE="))]);
    let webhook = |value: &Value| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop",
            "deletionTimestamp": value}, "spec": {"containers": []}})
    };
    same(
        webhook,
        &[(json!("2026-01-01T00:00:00Z"), json!("2026-01-01T00:00:00Z"))],
    );
}

#[test]
fn compares_string_data_with_the_resulting_data() {
    let head = json!({"name": "a", "namespace": "shop"});
    let declared = json!({"apiVersion": "v1", "kind": "Secret", "metadata": head,
        "data": {"a": "eA==", "b": "eA=="}, "stringData": {"b": "y", "c": ""}});
    let live = |b: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": head, "type": "Opaque",
            "data": {"a": "eA==", "b": b, "c": ""}})
    };
    assert_eq!(drift_of("Secret", &[&declared], &[&live("eQ==")]), [""; 0]);
    assert_eq!(
        drift_of("Secret", &[&declared], &[&live("eA==")]),
        ["changed .data.b"]
    );
}

#[test]
fn empty_and_zero_equal_absent_if_the_type_omits_them() {
    let absent = json!(null);
    let with = |path: &'static str| {
        move |value: &Value| {
            let mut pod = json!({"containers": [{"name": "app", "image": "x:1"}]});
            if !value.is_null() {
                let (first, rest) = path.split_once('.').unwrap_or((path, ""));
                pod[first] = at(rest, value);
            }
            deployment(&pod)
        }
    };
    // Values that Go stores by value: `omitempty` drops their zeros.
    for (path, zero) in [
        ("hostNetwork", json!(false)),
        ("nodeSelector", json!({})),
        ("tolerations", json!([])),
        ("volumes", json!([])),
        ("nodeName", json!("")),
        ("priorityClassName", json!("")),
    ] {
        assert_eq!(drift(with(path), &zero, &absent), [""; 0], "{path}");
        if zero.is_array() || zero.is_object() {
            assert_eq!(drift(with(path), &absent, &zero), [""; 0], "{path}, live");
        }
    }
    // Pointers: a zero is a value.
    for (path, zero) in [
        ("activeDeadlineSeconds", json!(0)),
        ("automountServiceAccountToken", json!(false)),
        ("shareProcessNamespace", json!(false)),
        ("runtimeClassName", json!("")),
    ] {
        let removed = format!("removed .spec.template.spec.{path}");
        assert_eq!(drift(with(path), &zero, &absent), [removed], "{path}");
    }
}

#[test]
fn an_empty_selector_equals_absent_only_if_it_means_the_same() {
    let policy = |value: &Value| {
        object(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            &json!({"podSelector": {}, "ingress": [{"from": [value]}],
            "policyTypes": ["Ingress"]}),
        )
    };
    let everywhere = json!({"namespaceSelector": {}});
    let nowhere = json!({"podSelector": {}});
    assert_eq!(drift(policy, &everywhere, &everywhere), [""; 0]);
    assert!(!drift(policy, &everywhere, &nowhere).is_empty());
    let volumes = |value: &Value| deployment(&json!({"containers": [], "volumes": [value]}));
    let bare = json!({"name": "tmp"});
    let written = json!({"name": "tmp", "emptyDir": {}});
    assert_eq!(drift(volumes, &written, &written), [""; 0]);
    assert_eq!(
        drift(volumes, &bare, &written),
        [""; 0],
        "a volume without a source is one"
    );
}

#[test]
fn null_equals_absent() {
    let command = |value: &Value| container(&json!({ "command": value }));
    same(
        command,
        &[
            (json!(null), json!(null)),
            (json!(null), json!([])),
            (json!([]), json!(null)),
        ],
    );
    different(
        command,
        &[(json!(null), json!(["sh"])), (json!(["sh"]), json!(null))],
    );
}

#[test]
fn order_matters_only_in_atomic_lists() {
    let env = |value: &Value| container(&json!({ "env": value }));
    same(
        env,
        &[(
            json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]),
            json!([{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]),
        )],
    );
    let args = |value: &Value| container(&json!({ "args": value }));
    different(args, &[(json!(["a", "b"]), json!(["b", "a"]))]);
    let finalizers = |value: &Value| {
        json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "namespace": "shop", "finalizers": value}})
    };
    same(
        finalizers,
        &[(json!(["x/a", "x/b"]), json!(["x/b", "x/a"]))],
    );
    let tolerations = |value: &Value| deployment(&json!({"containers": [], "tolerations": value}));
    different(
        tolerations,
        &[(
            json!([{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Exists"}]),
            json!([{"key": "b", "operator": "Exists"}, {"key": "a", "operator": "Exists"}]),
        )],
    );
}

#[test]
fn compares_multi_line_text_by_value() {
    let live = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "shop"}, "data": {"k": "one  \n two\n\nthree\n"}});
    let head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\ndata:\n";
    for spelling in [
        "  k: \"one  \\n two\\n\\nthree\\n\"\n",
        "  k: |\n    one  \n     two\n\n    three\n",
        "  \"k\": |+\n    one  \n     two\n\n    three\n",
    ] {
        let text = format!("{head}{spelling}");
        assert_eq!(
            drift_of_text("ConfigMap", &text, &[&live]),
            [""; 0],
            "{spelling}"
        );
    }
    let trimmed = format!("{head}  k: |\n    one\n     two\n\n    three\n");
    assert_eq!(
        drift_of_text("ConfigMap", &trimmed, &[&live]),
        ["changed .data.k"]
    );
}

#[test]
fn converts_an_autoscaler_from_v1_to_v2() {
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"});
    let declared = object(
        "autoscaling/v1",
        "HorizontalPodAutoscaler",
        &json!({"scaleTargetRef": target,
        "minReplicas": 2, "maxReplicas": 5, "targetCPUUtilizationPercentage": 80}),
    );
    let live = |average: u64| {
        object(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            &json!({"scaleTargetRef": target, "minReplicas": 2,
            "maxReplicas": 5, "metrics": [{"type": "Resource", "resource": {"name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": average}}}]}),
        )
    };
    assert_eq!(
        drift_of("HorizontalPodAutoscaler", &[&declared], &[&live(80)]),
        [""; 0]
    );
    let found = drift_of("HorizontalPodAutoscaler", &[&declared], &[&live(50)]);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn claim_templates_are_stored_as_complete_objects() {
    let set = |template: &Value| {
        object(
            "apps/v1",
            "StatefulSet",
            &json!({"serviceName": "a", "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": []}},
            "volumeClaimTemplates": [template]}),
        )
    };
    let spec =
        json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}});
    let declared = json!({"metadata": {"name": "data"}, "spec": spec});
    let live = |size: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data", "creationTimestamp": null}, "status": {"phase": "Pending"},
            "spec": {"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem",
                "resources": {"requests": {"storage": size}}}})
    };
    assert_eq!(drift(set, &declared, &live("1Gi")), [""; 0]);
    assert_eq!(drift(set, &declared, &live("2Gi")).len(), 1);
}

#[test]
fn allocated_fields_of_a_service_are_not_drift() {
    let declared = object(
        "v1",
        "Service",
        &json!({"type": "LoadBalancer", "selector": {"a": "b"},
        "ports": [{"port": 80, "targetPort": 80}]}),
    );
    let live = object(
        "v1",
        "Service",
        &json!({"type": "LoadBalancer", "selector": {"a": "b"},
        "clusterIP": "10.0.0.7", "clusterIPs": ["10.0.0.7"], "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster", "sessionAffinity": "None",
        "externalTrafficPolicy": "Cluster", "allocateLoadBalancerNodePorts": true,
        "ports": [{"port": 80, "targetPort": 80, "protocol": "TCP", "nodePort": 30123}]}),
    );
    assert_eq!(drift_of("Service", &[&declared], &[&live]), [""; 0]);
}

/// As in charts that let the cluster choose the address and the port.
#[test]
fn an_empty_string_requests_any_address() {
    let service = |address: Value, port: Value| {
        let port = json!({"port": 80, "protocol": "TCP", "nodePort": port});
        let spec = json!({"type": "NodePort", "clusterIP": address, "ports": [port]});
        object("v1", "Service", &spec)
    };
    let live = service(json!("10.0.0.7"), json!(30123));
    let by = |manager: &str, operation: &str| {
        let mut live = live.clone();
        let key = "k:{\"port\":80,\"protocol\":\"TCP\"}";
        live["metadata"]["managedFields"] = json!([{
            "manager": manager, "operation": operation, "apiVersion": "v1",
            "fieldsType": "FieldsV1", "time": "2026-01-01T00:00:00Z",
            "fieldsV1": {"f:spec": {"f:type": {}, "f:clusterIP": {}, "f:ports": {
                key: {".": {}, "f:port": {}, "f:protocol": {}, "f:nodePort": {}}}}},
        }]);
        live
    };
    // Server-side apply records the sent fields, which does not matter here.
    for open in [
        service(json!(""), json!(0)),
        service(json!(null), json!(null)),
    ] {
        for live in [live.clone(), by("helm", "Apply")] {
            assert_eq!(drift_of("Service", &[&open], &[&live]), [""; 0]);
        }
    }
    let edited = by("kubectl-edit", "Update");
    let open = service(json!(""), json!(0));
    let expected = [
        "changed .spec.clusterIP",
        "changed .spec.ports[port=80,protocol=\"TCP\"].nodePort",
    ];
    // An address cannot be changed; a port can be chosen.
    assert_eq!(drift_of("Service", &[&open], &[&edited]), expected[1..]);
    let other = service(json!("10.0.0.8"), json!(30123));
    assert_eq!(drift_of("Service", &[&other], &[&live]), expected[..1]);
}

#[test]
fn an_injected_certificate_is_not_drift_but_a_manual_one_is() {
    let configuration = |bundle: Option<&str>, manager: &str| {
        let mut client = json!({"service": {"name": "a", "namespace": "shop"}});
        if let Some(bundle) = bundle {
            client["caBundle"] = json!(bundle);
        }
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "a", "managedFields": [{"manager": manager, "operation": "Update",
                "apiVersion": "admissionregistration.k8s.io/v1", "fieldsType": "FieldsV1", "fieldsV1":
                {"f:webhooks": {"k:{\"name\":\"a.example.com\"}": {"f:clientConfig": {"f:caBundle": {}}}}}}]},
            "webhooks": [{"name": "a.example.com", "admissionReviewVersions": ["v1"],
                "sideEffects": "None", "clientConfig": client}]})
    };
    let mut declared = configuration(None, "");
    declared["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("managedFields");
    let kind = "ValidatingWebhookConfiguration";
    let injected = configuration(Some("Q0E="), "cert-manager-cainjector");
    assert_eq!(drift_of(kind, &[&declared], &[&injected]), [""; 0]);
    let by_hand = configuration(Some("Q0E="), "kubectl-edit");
    assert_eq!(drift_of(kind, &[&declared], &[&by_hand]).len(), 1);
}

#[test]
fn explains_the_rules_of_an_aggregated_role() {
    let rule = |verb: &str| json!({"apiGroups": [""], "resources": ["pods"], "verbs": [verb]});
    let role = |name: &str, rules: Value| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": name, "labels": {"to": "all"}}, "rules": rules})
    };
    let aggregated = |rules: Value| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": "all"}, "rules": rules, "aggregationRule":
                {"clusterRoleSelectors": [{"matchLabels": {"to": "all"}}]}})
    };
    let declared = [aggregated(json!([])), role("part", json!([rule("get")]))];
    let live = [
        aggregated(json!([rule("get")])),
        role("part", json!([rule("get")])),
    ];
    let found = drift_of(
        "ClusterRole",
        &[&declared[0], &declared[1]],
        &[&live[0], &live[1]],
    );
    assert_eq!(found, [""; 0]);
}

/// A Job without labels gets those of its template, to which the server adds the Job's identity
/// (`pkg/apis/batch/v1/defaults.go`, `pkg/registry/batch/job/strategy.go`).
#[test]
fn explains_the_labels_of_a_job_by_its_template() {
    let job = |labels: &Value| {
        let template = json!({"metadata": {"labels": labels}, "spec": {"restartPolicy": "Never",
            "containers": [{"name": "a", "image": "a:1"}]}});
        object("batch/v1", "Job", &json!({ "template": template }))
    };
    let stored = json!({"app": "x", "controller-uid": "u", "job-name": "a",
        "batch.kubernetes.io/controller-uid": "u", "batch.kubernetes.io/job-name": "a"});
    let declared = job(&json!({"app": "x"}));
    let mut live = job(&stored);
    live["metadata"]["labels"] = stored;
    assert_eq!(drift_of("Job", &[&declared], &[&live]), [""; 0]);
    live["metadata"]["labels"]["team"] = json!("x");
    assert_eq!(
        drift_of("Job", &[&declared], &[&live]),
        ["added .metadata.labels.team"]
    );
}

#[test]
fn zeros_that_the_server_fills_in_are_not_drift() {
    let container = |port: Value| {
        json!({"selector": {"matchLabels": {"a": "b"}}, "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "a", "image": "a:1", "ports": [port]}]}}})
    };
    let deployment = |port: Value| object("apps/v1", "Deployment", &container(port));
    let declared = deployment(json!({"containerPort": 80, "protocol": ""}));
    let found = |live: Value| drift_of("Deployment", &[&declared], &[&deployment(live)]);
    assert_eq!(
        found(json!({"containerPort": 80, "protocol": "TCP"})),
        [""; 0]
    );
    assert_eq!(
        found(json!({"containerPort": 80, "protocol": "UDP"})).len(),
        2
    );
    let service = |port: Value| object("v1", "Service", &json!({"ports": [port]}));
    let declared = service(json!({"port": 80, "targetPort": 0}));
    let found = |live: Value| drift_of("Service", &[&declared], &[&service(live)]);
    assert_eq!(
        found(json!({"port": 80, "protocol": "TCP", "targetPort": 80})),
        [""; 0]
    );
    assert_eq!(
        found(json!({"port": 80, "protocol": "TCP", "targetPort": 81})),
        [r#"changed .spec.ports[port=80,protocol="TCP"].targetPort"#]
    );
}

#[test]
fn a_job_labelled_by_its_deployer_does_not_get_the_labels_of_its_template() {
    let declared = object(
        "batch/v1",
        "Job",
        &json!({"template": {"metadata": {"labels": {"app": "a", "tier": "b"}},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a:1"}]}}}),
    );
    let found = |labels: Value| {
        let mut live = declared.clone();
        live["metadata"]["labels"] = labels;
        drift_of("Job", &[&declared], &[&live])
    };
    assert_eq!(found(json!({"app": "a", "tier": "b"})), [""; 0]);
    assert_eq!(
        found(json!({"app": "a"})),
        ["removed .metadata.labels.tier"]
    );
    assert_eq!(
        found(json!({"app": "x", "tier": "b"})),
        ["changed .metadata.labels.app"]
    );
    // Only the added label is left, which a rule explains if Flux owns it.
    assert_eq!(found(json!({"team": "x"})), ["added .metadata.labels.team"]);
}
