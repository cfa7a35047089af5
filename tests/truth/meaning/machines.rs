//! What machines outside Kubernetes write on objects: each is believed on the fields that it is known
//! to write and under its own name, and nobody else is believed there.

use serde_json::{Value, json};

use super::{at, drift_of, object};

/// An object that Argo CD applied, with what `manager` wrote at `way` beside it.
fn written(declared: &Value, manager: &str, way: &[&str], value: Value) -> Value {
    let mut live = declared.clone();
    let mut place = &mut live;
    let mut fields = json!({});
    for name in way.iter().rev() {
        fields = json!({ format!("f:{name}"): fields });
    }
    let (last, above) = way.split_last().unwrap();
    for name in above {
        place = place
            .as_object_mut()
            .unwrap()
            .entry(*name)
            .or_insert_with(|| json!({}));
    }
    place[*last] = value;
    live["metadata"]["managedFields"] = json!([
        {"manager": "argocd-controller", "operation": "Apply", "apiVersion": "v1",
         "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:declared": {}}}},
        {"manager": manager, "operation": "Update", "apiVersion": "v1",
         "fieldsType": "FieldsV1", "fieldsV1": fields}]);
    live
}

/// Whether nothing is reported.
fn is_explained(declared: &Value, manager: &str, way: &[&str], value: &Value) -> bool {
    let live = written(declared, manager, way, value.clone());
    let kind = declared["kind"].as_str().unwrap();
    drift_of(kind, &[declared], &[&live]).is_empty()
}

#[test]
fn what_tools_note_is_explained_for_them_alone() {
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
    for (object, manager, way) in [
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
            is_explained(object, manager, &way, &text),
            "{way:?} by {manager}"
        );
        assert!(
            !is_explained(object, "kubectl-edit", &way, &text),
            "{way:?} by a person"
        );
        let other = [way[0], way[1], "example.com/other"];
        assert!(
            !is_explained(object, manager, &other, &text),
            "{other:?} by {manager}"
        );
    }
}

#[test]
fn argo_rollouts_notes_that_it_manages_a_service_and_its_selector_is_reported() {
    let service = object("v1", "Service", &json!({"ports": [{"port": 80}]}));
    let manager = "rollouts-controller";
    let mark = "argo-rollouts.argoproj.io/managed-by-rollouts";
    let mark = ["metadata", "annotations", mark];
    assert!(is_explained(&service, manager, &mark, &json!("cart")));
    // A field manager's name alone does not hide where traffic goes.
    let selector = ["spec", "selector", "rollouts-pod-template-hash"];
    assert!(!is_explained(&service, manager, &selector, &json!("5f7")));
}

#[test]
fn certificates_are_filled_in_where_the_manifest_asks_for_them() {
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
fn an_ingress_gets_the_class_that_is_marked_as_the_default() {
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
fn aks_exempts_its_own_namespaces_from_webhooks_and_no_others() {
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
fn a_node_lists_the_range_that_is_declared() {
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
fn a_claim_without_a_class_gets_the_default_one() {
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
fn marks_of_tools_that_deploy_are_theirs_where_nobody_is_recorded() {
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
