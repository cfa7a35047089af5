//! Tests what controllers outside Kubernetes write on objects: it is explained only for the known
//! fields and field managers.

use serde_json::{Value, json};

use super::{at, drift_of, object};

/// Returns an object that Argo CD applied, with a value that `manager` wrote at `path`.
fn written(declared: &Value, manager: &str, path: &[&str], value: Value) -> Value {
    let mut live = declared.clone();
    let mut parent = &mut live;
    let mut fields = json!({});
    for name in path.iter().rev() {
        fields = json!({ format!("f:{name}"): fields });
    }
    let (last, above) = path.split_last().unwrap();
    for name in above {
        parent = parent
            .as_object_mut()
            .unwrap()
            .entry(*name)
            .or_insert_with(|| json!({}));
    }
    parent[*last] = value;
    live["metadata"]["managedFields"] = json!([
        {"manager": "argocd-controller", "operation": "Apply", "apiVersion": "v1",
         "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:declared": {}}}},
        {"manager": manager, "operation": "Update", "apiVersion": "v1",
         "fieldsType": "FieldsV1", "fieldsV1": fields}]);
    live
}

/// Returns whether nothing is reported.
fn is_explained(declared: &Value, manager: &str, path: &[&str], value: &Value) -> bool {
    let live = written(declared, manager, path, value.clone());
    let kind = declared["kind"].as_str().unwrap();
    drift_of(kind, &[declared], &[&live]).is_empty()
}

#[test]
fn explains_annotations_only_of_the_tools_that_write_them() {
    let service = object("v1", "Service", &json!({"ports": [{"port": 80}]}));
    let ingress = object(
        "networking.k8s.io/v1",
        "Ingress",
        &json!({"defaultBackend": {"service": {"name": "a", "port": {"number": 80}}}}),
    );
    let application = object("argoproj.io/v1alpha1", "Application", &json!({"a": 1}));
    let text = json!("x");
    let annotation = |name| ["metadata", "annotations", name];
    let label = |name| ["metadata", "labels", name];
    for (object, manager, path) in [
        (&service, "glbc", annotation("cloud.google.com/neg-status")),
        (
            &service,
            "controller",
            annotation("metallb.io/ip-allocated-from-pool"),
        ),
        (
            &service,
            "digitalocean-cloud-controller-manager",
            annotation("kubernetes.digitalocean.com/load-balancer-id"),
        ),
        (
            &ingress,
            "glbc",
            annotation("ingress.kubernetes.io/url-map"),
        ),
        (
            &service,
            "kubectl-client-side-apply",
            annotation("moniker.spinnaker.io/application"),
        ),
        (&service, "velero-server", label("velero.io/restore-name")),
        (
            &service,
            "configsync",
            annotation("configsync.gke.io/resource-id"),
        ),
        (&service, "vela-core", label("app.oam.dev/name")),
        (
            &service,
            "karmada-agent",
            label("work.karmada.io/namespace"),
        ),
        (&service, "olm", label("operators.coreos.com/a.b")),
        (
            &application,
            "argocd-notifications-controller",
            annotation("notified.notifications.argoproj.io"),
        ),
        (
            &application,
            "provider-aws",
            annotation("crossplane.io/external-name"),
        ),
    ] {
        assert!(
            is_explained(object, manager, &path, &text),
            "{path:?} by {manager}"
        );
        assert!(
            !is_explained(object, "kubectl-edit", &path, &text),
            "{path:?} by a person"
        );
        let other = [path[0], path[1], "example.com/other"];
        assert!(
            !is_explained(object, manager, &other, &text),
            "{other:?} by {manager}"
        );
    }
}

#[test]
fn without_a_rollout_explains_the_annotation_but_not_the_selector() {
    let service = object("v1", "Service", &json!({"ports": [{"port": 80}]}));
    let manager = "rollouts-controller";
    let mark = "argo-rollouts.argoproj.io/managed-by-rollouts";
    let mark = ["metadata", "annotations", mark];
    assert!(is_explained(&service, manager, &mark, &json!("cart")));
    // The name of a field manager alone does not hide a change of the selector.
    let selector = ["spec", "selector", "rollouts-pod-template-hash"];
    assert!(!is_explained(&service, manager, &selector, &json!("5f7")));
}

#[test]
fn explains_the_selector_of_a_service_that_a_rollout_switches() {
    let rollout = |service: &str| {
        object(
            "argoproj.io/v1alpha1",
            "Rollout",
            &json!({"strategy": {"blueGreen": {"activeService": service}}}),
        )
    };
    let service = object(
        "v1",
        "Service",
        &json!({"ports": [{"port": 80}], "selector": {"a": "b"}}),
    );
    let found = |manager: &str, key: &str, rollout: &Value| {
        let live = written(&service, manager, &["spec", "selector", key], json!("5f7"));
        drift_of("Service", &[&service, rollout], &[&live, rollout])
    };
    let name = service["metadata"]["name"].as_str().unwrap();
    let (hash, manager) = ("rollouts-pod-template-hash", "rollouts-controller");
    let added = |key: &str| [format!("added .spec.selector.{key}")];
    assert_eq!(found(manager, hash, &rollout(name)), [""; 0]);
    assert_eq!(found(manager, hash, &rollout("other")), added(hash));
    assert_eq!(found("kubectl-edit", hash, &rollout(name)), added(hash));
    assert_eq!(found(manager, "version", &rollout(name)), added("version"));
}

#[test]
fn explains_the_weights_of_a_route_that_a_rollout_names() {
    let rules = |name: &str, weight: u8| json!([{"backendRefs": [{"name": name, "port": 80, "weight": weight}]}]);
    let route = |rules: Value| {
        let spec = json!({ "rules": rules });
        object("gateway.networking.k8s.io/v1", "HTTPRoute", &spec)
    };
    let rollout = |route: &str| {
        let plugins = json!({"argoproj-labs/gatewayAPI": {"httpRoutes": [{"name": route}]}});
        let spec = json!({"strategy": {"canary": {"trafficRouting": {"plugins": plugins}}}});
        object("argoproj.io/v1alpha1", "Rollout", &spec)
    };
    let declared = route(rules("stable", 100));
    let found = |manager: &str, rollout: &Value, name: &str, weight: u8| {
        let live = written(&declared, manager, &["spec", "rules"], rules(name, weight));
        drift_of("HTTPRoute", &[&declared, rollout], &[&live, rollout]).len()
    };
    let name = declared["metadata"]["name"].as_str().unwrap();
    let manager = "rollouts-controller";
    assert_eq!(found(manager, &rollout(name), "stable", 20), 0);
    assert_eq!(found(manager, &rollout("other"), "stable", 20), 1);
    assert_eq!(found("kubectl-edit", &rollout(name), "stable", 20), 1);
    assert_ne!(found(manager, &rollout(name), "other", 100), 0);
    let label = [
        "metadata",
        "labels",
        "rollouts.argoproj.io/gatewayapi-canary",
    ];
    let text = json!("in-progress");
    assert!(is_explained(&declared, manager, &label, &text));
    assert!(!is_explained(&declared, "kubectl-label", &label, &text));
}

#[test]
fn explains_injected_certificates_if_the_manifest_requests_them() {
    let mut map = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "shop"}});
    let data = ["data", "service-ca.crt"];
    let manager = "service-ca-operator";
    assert!(!is_explained(&map, manager, &data, &json!("x")));
    map["metadata"]["annotations"] = json!({"service.beta.openshift.io/inject-cabundle": "true"});
    assert!(is_explained(&map, manager, &data, &json!("x")));
    assert!(!is_explained(&map, "kubectl-edit", &data, &json!("x")));
    assert!(!is_explained(&map, manager, &["data", "b"], &json!("x")));
}

#[test]
fn explains_the_default_ingress_class() {
    let declared = object(
        "networking.k8s.io/v1",
        "Ingress",
        &json!({"defaultBackend": {"service": {"name": "a", "port": {"number": 80}}}}),
    );
    let class = |name: &str, is_default: &str| {
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
            "metadata": {"name": name, "annotations": {
                "ingressclass.kubernetes.io/is-default-class": is_default}},
            "spec": {"controller": "example.com/a"}})
    };
    let mut live = declared.clone();
    live["spec"]["ingressClassName"] = json!("nginx");
    live["metadata"]["managedFields"] = json!([
        {"manager": "argocd-controller", "operation": "Apply", "apiVersion": "networking.k8s.io/v1",
         "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:defaultBackend": {}}}}]);
    let added = ["added .spec.ingressClassName"];
    let found = |live: &Value, class: &Value| drift_of("Ingress", &[&declared], &[live, class]);
    assert_eq!(found(&live, &class("nginx", "true")), [""; 0]);
    assert_eq!(found(&live, &class("nginx", "false")), added);
    assert_eq!(found(&live, &class("other", "true")), added);
    let by_hand = written(
        &declared,
        "kubectl-edit",
        &["spec", "ingressClassName"],
        json!("nginx"),
    );
    assert_eq!(found(&by_hand, &class("nginx", "true")), added);
}

#[test]
fn explains_only_the_namespace_exemptions_of_aks() {
    let declared = json!({"apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "a"},
        "webhooks": [{"name": "a.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {"url": "https://a.example.com"},
            "namespaceSelector": {"matchExpressions": [{"key": "team", "operator": "Exists"}]}}]});
    let found = |manager: &str, added: Value| {
        let mut live = declared.clone();
        let selector = &mut live["webhooks"][0]["namespaceSelector"]["matchExpressions"];
        let list = selector.as_array_mut().unwrap();
        list.push(added);
        let item = r#"k:{"name":"a.example.com"}"#;
        live["metadata"]["managedFields"] = json!([
            {"manager": manager, "operation": "Update", "apiVersion": "admissionregistration.k8s.io/v1",
             "fieldsType": "FieldsV1", "fieldsV1": at("f:webhooks", &json!({item: {
                 "f:namespaceSelector": {"f:matchExpressions": {}}}}))}]);
        drift_of("ValidatingWebhookConfiguration", &[&declared], &[&live]).len()
    };
    let exempt = json!({"key": "control-plane", "operator": "DoesNotExist"});
    assert_eq!(found("admissionsenforcer", exempt.clone()), 0);
    assert_eq!(found("kubectl-edit", exempt), 1);
    let all = json!({"key": "kubernetes.io/metadata.name", "operator": "DoesNotExist"});
    assert_eq!(found("admissionsenforcer", all), 1);
}

#[test]
fn explains_the_pod_cidr_list_of_a_node() {
    let declared = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"},
        "spec": {"podCIDR": "10.0.0.0/24"}});
    let mut live = declared.clone();
    live["spec"]["podCIDRs"] = json!(["10.0.0.0/24"]);
    assert_eq!(drift_of("Node", &[&declared], &[&live]), [""; 0]);
    live["spec"]["unschedulable"] = json!(true);
    assert_eq!(
        drift_of("Node", &[&declared], &[&live]),
        ["added .spec.unschedulable"]
    );
}

#[test]
fn explains_the_default_storage_class() {
    let declared = object(
        "v1",
        "PersistentVolumeClaim",
        &json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}),
    );
    let class = ["spec", "storageClassName"];
    let name = json!("standard");
    assert!(is_explained(
        &declared,
        "kube-controller-manager",
        &class,
        &name
    ));
    assert!(!is_explained(&declared, "kubectl-edit", &class, &name));
}

#[test]
fn attributes_marks_of_deployers_without_a_recorded_writer() {
    let declared = object("v1", "ConfigMap", &json!({}));
    let found = |live: &Value| drift_of("ConfigMap", &[&declared], &[live]);
    let mut live = declared.clone();
    live["metadata"]["labels"] = json!({
        "kustomize.toolkit.fluxcd.io/name": "apps",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system"});
    live["metadata"]["annotations"] = json!({
        "argocd.argoproj.io/tracking-id": "shop:/ConfigMap:shop/a"});
    assert_eq!(found(&live), [""; 0]);
    live["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/reconcile"] = json!("disabled");
    assert_eq!(found(&live).len(), 1);
    // A person who writes such a mark is reported.
    let label = ["metadata", "labels", "kustomize.toolkit.fluxcd.io/name"];
    assert!(!is_explained(
        &declared,
        "kubectl-label",
        &label,
        &json!("apps")
    ));
}

#[test]
fn helms_label_stays_helms_after_its_annotations_are_gone() {
    let declared = object("v1", "ConfigMap", &json!({}));
    let label = ["metadata", "labels", "app.kubernetes.io/managed-by"];
    for (manager, is_helms) in [
        ("helm", true),
        ("helm-controller", true),
        ("kubectl-label", false),
    ] {
        let found = is_explained(&declared, manager, &label, &json!("Helm"));
        assert_eq!(found, is_helms, "{manager}");
    }
}

#[test]
fn the_token_controller_fills_in_its_own_keys_and_no_others() {
    let of = |annotations: Value| {
        json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
            "metadata": {"name": "a", "namespace": "shop", "annotations": annotations}})
    };
    let token = of(json!({"kubernetes.io/service-account.name": "ci"}));
    let opaque = of(json!({"note": "x"}));
    let value = json!("c2VjcmV0LXZhbHVl");
    for (secret, manager, key, explained) in [
        (&token, "kube-controller-manager", "token", true),
        (&token, "kube-controller-manager", "ca.crt", true),
        (&token, "kube-controller-manager", "namespace", true),
        (&token, "kube-controller-manager", "other", false),
        (&token, "kubectl-edit", "token", false),
        (&token, "kubelet", "token", false),
        (&opaque, "kube-controller-manager", "token", false),
    ] {
        let way = ["data", key];
        let found = is_explained(secret, manager, &way, &value);
        assert_eq!(found, explained, "{manager} {key}");
    }
}

#[test]
fn explains_who_holds_a_lease() {
    let lease = object(
        "coordination.k8s.io/v1",
        "Lease",
        &json!({"leaseDurationSeconds": 15}),
    );
    let holder = ["spec", "holderIdentity"];
    assert!(is_explained(&lease, "my-controller", &holder, &json!("a")));
    assert!(!is_explained(&lease, "kubectl-edit", &holder, &json!("a")));
    let mut held = lease.clone();
    held["spec"]["holderIdentity"] = json!("declared");
    assert!(!is_explained(&held, "kubectl-edit", &holder, &json!("a")));
    let duration = ["spec", "leaseDurationSeconds"];
    assert!(!is_explained(&lease, "my-controller", &duration, &json!(9)));
}

#[test]
fn explains_replicas_that_the_controller_of_a_custom_resource_sets() {
    let declared = object(
        "numaflow.numaproj.io/v1alpha1",
        "MonoVertex",
        &json!({"source": {}}),
    );
    let replicas = |manager: &str, reporter: &str, count: u64| {
        let mut live = written(&declared, manager, &["spec", "replicas"], json!(count));
        let status = json!({"manager": reporter, "operation": "Update", "subresource": "status",
            "apiVersion": "numaflow.numaproj.io/v1alpha1", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:status": {}}});
        let entries = live["metadata"]["managedFields"].as_array_mut();
        entries.unwrap().push(status);
        drift_of("MonoVertex", &[&declared], &[&live])
    };
    let added = ["added .spec.replicas"];
    assert_eq!(replicas("numaflow", "numaflow", 4), [""; 0]);
    assert_eq!(replicas("numaflow", "numaflow", 0), added, "nothing runs");
    assert_eq!(
        replicas("numaflow", "other", 4),
        added,
        "not its controller"
    );
    assert_eq!(replicas("kubectl", "kubectl", 4), added, "a person");
}

#[test]
fn a_controller_that_writes_a_custom_resource_back_omits_zero_values() {
    let spec =
        json!({"enabled": false, "ports": [], "size": 0, "path": "", "on": true, "mode": "a"});
    let declared = object("example.com/v1", "Widget", &spec);
    let written_by = |rewriter: &str, reporter: &str, spec: Value| {
        let mut live = declared.clone();
        live["spec"] = spec;
        live["metadata"]["managedFields"] = json!([
            {"manager": "argocd-controller", "operation": "Apply", "apiVersion": "example.com/v1",
             "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:mode": {}}}},
            {"manager": rewriter, "operation": "Update", "apiVersion": "example.com/v1",
             "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:class": {}}}},
            {"manager": reporter, "operation": "Update", "apiVersion": "example.com/v1",
             "subresource": "status", "fieldsType": "FieldsV1", "fieldsV1": {"f:status": {}}}]);
        let all = drift_of("Widget", &[&declared], &[&live]);
        all.into_iter()
            .filter(|it| it.starts_with("removed"))
            .count()
    };
    let left = || json!({"on": true, "mode": "a", "class": "x"});
    assert_eq!(written_by("operator", "operator", left()), 0);
    assert_eq!(written_by("operator", "other", left()), 4);
    assert_eq!(written_by("kubectl-edit", "kubectl-edit", left()), 4);
    assert_eq!(written_by("operator", "operator", json!({"mode": "a"})), 1);
}

/// Returns what is reported of a StatefulSet whose `spec.updateStrategy` is not live as declared,
/// where the applier still owns `owned` below it.
fn not_stored(strategy: &Value, live: &Value, owned: &Value) -> Vec<String> {
    let declared = object(
        "apps/v1",
        "StatefulSet",
        &json!({"serviceName": "a", "selector": {"matchLabels": {"app": "a"}},
            "template": {"metadata": {"labels": {"app": "a"}},
                "spec": {"containers": [{"name": "a", "image": "a"}]}},
            "updateStrategy": strategy}),
    );
    let mut stored = declared.clone();
    stored["spec"]["updateStrategy"] = live.clone();
    stored["metadata"]["managedFields"] = json!([
        {"manager": "argocd-controller", "operation": "Apply", "apiVersion": "apps/v1",
         "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:updateStrategy": owned,
             "f:serviceName": {}, "f:selector": {}}}}]);
    drift_of("StatefulSet", &[&declared], &[&stored])
}

#[test]
fn a_field_that_the_applier_owns_but_that_is_not_live_was_never_stored() {
    let strategy = json!({"type": "RollingUpdate",
        "rollingUpdate": {"partition": 0, "maxUnavailable": 2}});
    let live = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}});
    let owned = |below: Value| json!({"f:type": {}, "f:rollingUpdate": below});
    let found = |below: Value| not_stored(&strategy, &live, &owned(below));
    assert_eq!(
        found(json!({"f:partition": {}, "f:maxUnavailable": {}})),
        [""; 0]
    );
    let removed = ["removed .spec.updateStrategy.rollingUpdate.maxUnavailable"];
    assert_eq!(found(json!({"f:partition": {}})), removed);
    // What remains of an owner's map after someone emptied it.
    assert_eq!(found(json!({})), removed);
}

/// The operator of a webhook completes it; others may not, and nothing is explained that lets
/// requests past it.
#[test]
fn explains_what_operators_keep_in_their_own_webhooks() {
    let kind = "MutatingWebhookConfiguration";
    let version = "admissionregistration.k8s.io/v1";
    let declared = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "a"},
        "webhooks": [{"name": "a.example.com", "admissionReviewVersions": ["v1"],
            "sideEffects": "None", "failurePolicy": "Ignore",
            "clientConfig": {"service": {"name": "webhook", "namespace": "knative-serving"}}}]});
    let found = |manager: &str, holds: bool, field: &str, value: Value| {
        let mut live = declared.clone();
        live["webhooks"][0][field] = value;
        let mut fields = json!({ format!("f:{field}"): {} });
        if holds {
            live["webhooks"][0]["clientConfig"]["caBundle"] = json!("LS0tLS1CRUdJTiA=");
            fields["f:clientConfig"] = json!({"f:caBundle": {}});
        }
        live["metadata"]["managedFields"] = json!([
            {"manager": "argocd-controller", "operation": "Apply", "apiVersion": version,
             "fieldsType": "FieldsV1", "fieldsV1": {"f:webhooks": {
                "k:{\"name\":\"a.example.com\"}": {".": {}, "f:name": {}, "f:sideEffects": {}}}}},
            {"manager": manager, "operation": "Update", "apiVersion": version,
             "fieldsType": "FieldsV1", "fieldsV1": {"f:webhooks": {
                "k:{\"name\":\"a.example.com\"}": fields}}}]);
        drift_of(kind, &[&declared], &[&live]).len()
    };
    let rules = || {
        json!([{"apiGroups": ["a.example.com"], "apiVersions": ["v1"], "operations": ["CREATE"],
            "resources": ["widgets"], "scope": "*"}])
    };
    let selector =
        |key: &str| json!({"matchExpressions": [{"key": key, "operator": "DoesNotExist"}]});
    assert_eq!(found("webhook", true, "rules", rules()), 0);
    assert_eq!(found("webhook", false, "rules", rules()), 1);
    assert_ne!(found("operator", true, "rules", rules()), 0);
    let known = selector("webhooks.knative.dev/exclude");
    assert_eq!(found("webhook", true, "namespaceSelector", known), 0);
    let other = selector("example.com/exclude");
    assert_eq!(found("webhook", true, "namespaceSelector", other), 1);
    let (stricter, looser) = (json!("Fail"), json!(null));
    assert_eq!(found("pilot-discovery", true, "failurePolicy", stricter), 0);
    assert_eq!(found("pilot-discovery", true, "failurePolicy", looser), 1);
}

/// A controller that updates a whole custom resource also writes the empty structs of its type.
#[test]
fn a_controller_that_writes_a_custom_resource_back_adds_empty_values() {
    let declared = object("example.com/v1", "Widget", &json!({"size": 1}));
    let found = |reporter: &str, value: Value| {
        let mut live = written(&declared, "operator", &["spec", "reference"], value);
        let status = json!({"manager": reporter, "operation": "Update",
            "apiVersion": "example.com/v1", "subresource": "status", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:status": {"f:ready": {}}}});
        live["metadata"]["managedFields"]
            .as_array_mut()
            .unwrap()
            .push(status);
        drift_of("Widget", &[&declared], &[&live]).len()
    };
    assert_eq!(
        found("operator", json!({"service": {"spec": {}}, "names": []})),
        0
    );
    assert_eq!(found("other", json!({})), 1);
    assert_eq!(found("operator", json!({"service": {"port": 0}})), 1);
    assert_eq!(found("operator", json!(false)), 1);
}

#[test]
fn what_kubectl_apply_records_is_not_drift_but_an_annotation_by_hand_is() {
    let declared = object("v1", "Service", &json!({"ports": [{"port": 80}]}));
    let mark = ["metadata", "annotations", "kubernetes.io/change-cause"];
    let text = json!("kubectl apply --record=true");
    assert!(is_explained(
        &declared,
        "kubectl-client-side-apply",
        &mark,
        &text
    ));
    assert!(!is_explained(&declared, "kubectl-annotate", &mark, &text));
}
