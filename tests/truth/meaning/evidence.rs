//! Tests that an undeclared value is explained only with evidence: a default of the type, a
//! controller on the paths that it writes, an existing autoscaler, a policy that writes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{compared, compared_with, drift_of};
use driftctl::engine::{Extra, Options};

fn workload(kind: &str, name: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": kind,
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": name}},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "web", "image": "shop/web:1"}]}}}})
}

/// Returns the object as Argo CD applied it, with another entry in managedFields.
fn live(mut object: Value, change: impl FnOnce(&mut Value), other: Option<(&str, Value)>) -> Value {
    change(&mut object);
    let mut entries = vec![json!({"manager": "argocd-controller", "operation": "Apply",
        "apiVersion": object["apiVersion"], "fieldsType": "FieldsV1", "fieldsV1": {
            "f:metadata": {"f:labels": {"f:app": {}}},
            "f:spec": {"f:replicas": {}, "f:selector": {}, "f:template": {
                "f:metadata": {"f:labels": {"f:app": {}}},
                "f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {
                    ".": {}, "f:name": {}, "f:image": {}}}}}}}})];
    // A user who changes a value becomes its owner.
    if let Some((_, fields)) = &other
        && !fields["f:spec"]["f:replicas"].is_null()
    {
        let spec = entries[0]["fieldsV1"]["f:spec"].as_object_mut().unwrap();
        spec.remove("f:replicas");
    }
    entries.extend(other.map(|(manager, fields)| {
        json!({"manager": manager, "operation": "Update", "apiVersion": object["apiVersion"],
            "fieldsType": "FieldsV1", "time": "2026-11-30T00:00:00Z", "fieldsV1": fields})
    }));
    object["metadata"]["managedFields"] = json!(entries);
    object
}

const POD: &str = "/spec/template/spec";

fn set(path: &'static str, name: &'static str, value: Value) -> impl FnOnce(&mut Value) {
    move |object| object.pointer_mut(path).unwrap()[name] = value
}

#[test]
fn unowned_values_are_drift_unless_they_are_defaults() {
    let declared = workload("Deployment", "cart");
    for (path, name, value) in [
        (POD, "hostNetwork", json!(true)),
        (POD, "priorityClassName", json!("high")),
        (POD, "dnsPolicy", json!("Default")),
        ("/spec", "paused", json!(true)),
        ("/spec", "revisionHistoryLimit", json!(3)),
        ("/metadata/labels", "team", json!("a")),
    ] {
        let changed = live(declared.clone(), set(path, name, value), None);
        assert_eq!(
            drift_of("Deployment", &[&declared], &[&changed]).len(),
            1,
            "{name}"
        );
    }
    for (path, name, value) in [
        (POD, "dnsPolicy", json!("ClusterFirst")),
        (POD, "schedulerName", json!("default-scheduler")),
        ("/spec", "revisionHistoryLimit", json!(10)),
    ] {
        let defaulted = live(declared.clone(), set(path, name, value), None);
        assert_eq!(
            drift_of("Deployment", &[&declared], &[&defaulted]),
            [""; 0],
            "{name}"
        );
    }
}

/// Anyone who may patch can choose the field manager.
#[test]
fn a_controllers_name_explains_only_what_it_writes() {
    let declared = workload("Deployment", "cart");
    for manager in [
        "kube-controller-manager",
        "kube-scheduler",
        "kubelet",
        "kube-apiserver",
        "horizontal-pod-autoscaler",
        "keda-operator",
        "cloud-controller-manager",
    ] {
        let fields = json!({"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {
            "f:hostPID": {}, "f:containers": {"k:{\"name\":\"eye\"}": {
                ".": {}, "f:name": {}, "f:image": {}}}}}}});
        let change = |object: &mut Value| {
            object["spec"]["replicas"] = json!(0);
            let pod = object.pointer_mut(POD).unwrap();
            pod["hostPID"] = json!(true);
            let containers = pod["containers"].as_array_mut().unwrap();
            containers.push(json!({"name": "eye", "image": "evil/eye:1"}));
        };
        let changed = live(declared.clone(), change, Some((manager, fields)));
        let found = drift_of("Deployment", &[&declared], &[&changed]);
        let expected = [
            "changed .spec.replicas",
            "added .spec.template.spec.containers[name=\"eye\"]",
            "added .spec.template.spec.hostPID",
        ];
        assert_eq!(found, expected, "{manager}");
    }
}

fn autoscaler(min: u64, max: u64) -> Value {
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "cart", "namespace": "shop"}, "spec": {
            "minReplicas": min, "maxReplicas": max,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"}}})
}

#[test]
fn explains_replicas_only_by_a_declared_autoscaler_within_its_limits() {
    let declared = workload("Deployment", "cart");
    let scaled = |replicas: u64| {
        let fields = json!({"f:spec": {"f:replicas": {}}});
        let by = Some(("kube-controller-manager", fields));
        live(
            declared.clone(),
            set("/spec", "replicas", json!(replicas)),
            by,
        )
    };
    let hpa = autoscaler(1, 5);
    let drift = |declared: &[&Value], live: &[&Value]| drift_of("Deployment", declared, live);
    let replicas = ["changed .spec.replicas"];
    assert_eq!(drift(&[&declared, &hpa], &[&scaled(3), &hpa]), [""; 0]);
    assert_eq!(
        drift(&[&declared, &hpa], &[&scaled(9), &hpa]),
        replicas,
        "out of bounds"
    );
    assert_eq!(
        drift(&[&declared], &[&scaled(3), &hpa]),
        replicas,
        "no manifest declares it"
    );
    assert_eq!(
        drift(&[&declared], &[&scaled(3)]),
        replicas,
        "the autoscaler is gone"
    );
    let raised = autoscaler(3, 5);
    assert_eq!(
        drift(&[&declared, &hpa], &[&scaled(3), &raised]),
        replicas,
        "someone raised the limit"
    );
}

#[test]
fn undeclared_replicas_scaled_by_hand_are_drift() {
    let mut declared = workload("Deployment", "cart");
    declared["spec"].as_object_mut().unwrap().remove("replicas");
    let scaled = live(declared.clone(), set("/spec", "replicas", json!(7)), None);
    assert_eq!(
        drift_of("Deployment", &[&declared], &[&scaled]),
        ["added .spec.replicas"]
    );
    let one = live(declared.clone(), set("/spec", "replicas", json!(1)), None);
    assert_eq!(drift_of("Deployment", &[&declared], &[&one]), [""; 0]);
}

fn policy(expression: &str) -> [Value; 2] {
    let of = |kind: &str, spec: Value| {
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
            "metadata": {"name": "inject"}, "spec": spec})
    };
    [
        of(
            "MutatingAdmissionPolicy",
            json!({"matchConstraints": {"resourceRules": [{"apiGroups": ["apps"],
                "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}]},
                "mutations": [{"patchType": "ApplyConfiguration",
                    "applyConfiguration": {"expression": expression}}]}),
        ),
        of(
            "MutatingAdmissionPolicyBinding",
            json!({"policyName": "inject"}),
        ),
    ]
}

const INJECTS: &str = r#"Object{ spec: Object.spec{ template: Object.spec.template{
    spec: Object.spec.template.spec{ initContainers: [
        Object.spec.template.spec.initContainers{ name: "mesh", image: "mesh:1" } ] } } } }"#;

#[test]
fn explains_only_what_a_policy_writes() {
    let declared = workload("Deployment", "cart");
    let [policy, binding] = policy(INJECTS);
    let injected = |more: Value| {
        let mut mesh = json!({"name": "mesh", "image": "mesh:1", "imagePullPolicy": "IfNotPresent",
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            "resources": {}});
        for (name, value) in more.as_object().unwrap() {
            mesh[name] = value.clone();
        }
        live(
            declared.clone(),
            set(POD, "initContainers", json!([mesh])),
            None,
        )
    };
    let found = |live: &Value| drift_of("Deployment", &[&declared], &[live, &policy, &binding]);
    assert_eq!(found(&injected(json!({}))), [""; 0]);
    let mesh = "added .spec.template.spec.initContainers[name=\"mesh\"]";
    let other = injected(json!({"image": "evil:1"}));
    assert_eq!(found(&other), [format!("{mesh}.image")]);
    let more = injected(json!({"command": ["sh"]}));
    assert_eq!(found(&more), [format!("{mesh}.command")]);
    let unbound = drift_of("Deployment", &[&declared], &[&injected(json!({})), &policy]);
    assert_eq!(unbound, [mesh]);
    let changed = |place: &str, value: Value| {
        let [mut policy, binding] = injecting_policy();
        policy["spec"][place] = value;
        drift_of(
            "Deployment",
            &[&declared],
            &[&injected(json!({})), &policy, &binding],
        )
    };
    let condition = |text: &str| json!([{"name": "a", "expression": text}]);
    let named = "object.metadata.name == 'cart'";
    assert_eq!(changed("matchConditions", condition(named)), [""; 0]);
    let other = "object.metadata.name == 'other'";
    assert_eq!(changed("matchConditions", condition(other)), [mesh]);
    let by_user = "request.userInfo.username == 'a'";
    let unknown = changed("matchConditions", condition(by_user));
    assert_eq!(unknown, [mesh], "a container is severe");
    let set_of = workload("StatefulSet", "cart");
    let not_meant = live(set_of.clone(), set(POD, "hostPID", json!(true)), None);
    let found = drift_of("StatefulSet", &[&set_of], &[&not_meant, &policy, &binding]);
    assert_eq!(found, ["added .spec.template.spec.hostPID"]);
}

/// A policy that was created after the last write has written nothing.
#[test]
fn a_policy_explains_nothing_that_is_older_than_it() {
    let declared = workload("Deployment", "cart");
    let found = |created: &str, bound: &str| {
        let [mut policy, mut binding] = injecting_policy();
        policy["metadata"]["creationTimestamp"] = json!(created);
        binding["metadata"]["creationTimestamp"] = json!(bound);
        let mesh = json!([{"name": "mesh", "image": "mesh:1"}]);
        let mut changed = live(declared.clone(), set(POD, "initContainers", mesh), None);
        changed["metadata"]["managedFields"][0]["time"] = json!("2026-11-20T00:00:00Z");
        // Writes to the status, which admission does not change.
        let entries = changed["metadata"]["managedFields"].as_array_mut().unwrap();
        entries.push(
            json!({"manager": "kube-controller-manager", "operation": "Update",
            "subresource": "status", "time": "2026-11-30T00:00:00Z", "apiVersion": "apps/v1",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:status": {"f:replicas": {}}}}),
        );
        drift_of("Deployment", &[&declared], &[&changed, &policy, &binding]).len()
    };
    assert_eq!(found("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"), 0);
    assert_eq!(found("2026-11-25T00:00:00Z", "2026-11-01T00:00:00Z"), 1);
    assert_eq!(found("2026-11-01T00:00:00Z", "2026-11-25T00:00:00Z"), 1);
}

/// What a policy computes may be anything, so it explains nothing severe unless it shows how the value
/// begins.
#[test]
fn a_computed_value_explains_nothing_severe() {
    let declared = workload("Deployment", "cart");
    let expression = |image: &str| {
        format!(
            "Object{{ spec: Object.spec{{ template: Object.spec.template{{ spec: \
             Object.spec.template.spec{{ priorityClassName: variables.class, initContainers: [ \
             Object.spec.template.spec.initContainers{{ name: \"mesh\", image: {image} }} ] }} }} }} }}"
        )
    };
    let found = |image: &str| {
        let [policy, binding] = policy(&expression(image));
        let change = |object: &mut Value| {
            let pod = object.pointer_mut(POD).unwrap();
            pod["priorityClassName"] = json!("low");
            pod["initContainers"] = json!([{"name": "mesh", "image": "mirror/mesh:1"}]);
        };
        let changed = live(declared.clone(), change, None);
        drift_of("Deployment", &[&declared], &[&changed, &policy, &binding])
    };
    assert_eq!(found("\"mirror/\" + variables.image"), [""; 0]);
    let image = "added .spec.template.spec.initContainers[name=\"mesh\"].image";
    assert_eq!(found("variables.image"), [image]);
    assert_eq!(found("\"other/\" + variables.image"), [image]);
}

fn injecting_policy() -> [Value; 2] {
    policy(INJECTS)
}

/// A JSON Patch names a container by its index; the change has its name.
#[test]
fn explains_what_a_json_patch_writes_into_a_container() {
    let declared = workload("Deployment", "cart");
    let [mut policy, binding] = policy("");
    policy["spec"]["mutations"] = json!([{"patchType": "JSONPatch", "jsonPatch": {"expression":
        r#"[JSONPatch{op: "add", path: "/spec/template/spec/containers/0/resources",
            value: Object.spec.template.spec.containers.resources{ limits: {"memory": "1Gi"} }}]"#}}]);
    let limited = |limits: Value| {
        let change = set(
            "/spec/template/spec/containers/0",
            "resources",
            json!({"limits": limits}),
        );
        live(declared.clone(), change, None)
    };
    let found = |live: &Value| drift_of("Deployment", &[&declared], &[live, &policy, &binding]);
    assert_eq!(found(&limited(json!({"memory": "1Gi"}))), [""; 0]);
    let name = declared["spec"]["template"]["spec"]["containers"][0]["name"].clone();
    let path = format!(".spec.template.spec.containers[name={name}].resources.limits");
    let other = limited(json!({"memory": "2Gi"}));
    assert_eq!(found(&other), [format!("added {path}.memory")]);
    let more = limited(json!({"memory": "1Gi", "cpu": "1"}));
    assert_eq!(found(&more), [format!("added {path}.cpu")]);
}

#[test]
fn explains_what_kyverno_adds_to_pod_templates() {
    let declared = workload("Deployment", "cart");
    let policy = json!({"apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy",
        "metadata": {"name": "defaults"}, "spec": {"rules": [{"name": "a",
            "match": {"any": [{"resources": {"kinds": ["Pod"]}}]},
            "mutate": {"patchStrategicMerge": {"spec": {"+(priorityClassName)": "low",
                "containers": [{"(name)": "*", "securityContext": {"+(runAsNonRoot)": true}}]}}}}]}});
    let change = |object: &mut Value| {
        let pod = object.pointer_mut(POD).unwrap();
        pod["priorityClassName"] = json!("low");
        pod["containers"][0]["securityContext"] = json!({"runAsNonRoot": true});
    };
    let changed = live(declared.clone(), change, None);
    assert_eq!(
        drift_of("Deployment", &[&declared], &[&changed, &policy]),
        [""; 0]
    );
    assert_eq!(drift_of("Deployment", &[&declared], &[&changed]).len(), 2);
    // A rule that excludes the object, or whose preconditions are false, changes nothing.
    let of_rule = |field: &str, value: Value| {
        let mut policy = policy.clone();
        policy["spec"]["rules"][0][field] = value;
        drift_of("Deployment", &[&declared], &[&changed, &policy]).len()
    };
    let excluded = json!({"any": [{"resources": {"kinds": ["Pod"], "namespaces": ["shop"]}}]});
    assert_eq!(of_rule("exclude", excluded), 2);
    let when = |value: &str| {
        json!({"all": [{"key": "{{ request.object.metadata.labels.app }}", "operator": "Equals",
            "value": value}]})
    };
    assert_eq!(of_rule("preconditions", when("cart")), 0);
    assert_eq!(of_rule("preconditions", when("other")), 2);
}

/// The same value on many objects does not explain a severe change.
#[test]
fn explains_the_same_value_on_three_objects_unless_it_is_severe() {
    let declared: Vec<Value> = ["a", "b", "c"]
        .map(|name| workload("Deployment", name))
        .into();
    let text: Vec<String> = declared.iter().map(ToString::to_string).collect();
    let run = |path: &'static str, name: &'static str, value: Value| {
        let live: Vec<Value> = declared
            .iter()
            .map(|object| live(object.clone(), set(path, name, value.clone()), None))
            .collect();
        let live: Vec<&Value> = live.iter().collect();
        let objects = compared(&text.join("\n---\n"), &live);
        objects
            .iter()
            .map(|object| object.reported().count())
            .sum::<usize>()
    };
    assert_eq!(run("/metadata/labels", "team", json!("a")), 0);
    assert_eq!(run(POD, "hostNetwork", json!(true)), 3);
    assert_eq!(run(POD, "serviceAccountName", json!("admin")), 3);
}

/// Flux and driftctl skip an object with such a mark. Many objects with the mark do not make it a
/// policy's.
#[test]
fn never_explains_a_live_mark_that_hides_an_object() {
    for (key, value) in [
        ("kustomize.toolkit.fluxcd.io/ssa", "Ignore"),
        ("kustomize.toolkit.fluxcd.io/SSA", "ifnotpresent"),
        ("kustomize.toolkit.fluxcd.io/reconcile", "disabled"),
        ("helm.toolkit.fluxcd.io/driftDetection", "disabled"),
    ] {
        let declared = ["a", "b", "c", "d"].map(|name| workload("Deployment", name));
        let marked = declared.clone().map(|object| {
            live(
                object,
                |object| {
                    object["metadata"]["annotations"] = json!({ key: value });
                    object["spec"]["template"]["spec"]["hostPID"] = json!(true);
                },
                None,
            )
        });
        let text: Vec<String> = declared.iter().map(ToString::to_string).collect();
        let objects = compared(&text.join("\n---\n"), &marked.each_ref());
        assert!(objects.iter().all(|object| object.is_drift()), "{key}");
    }
}

/// A mark hides no other mark: setting two of them is reported like setting one.
#[test]
fn a_live_mark_hides_no_other() {
    let declared = workload("Deployment", "cart");
    for map in ["annotations", "labels"] {
        let marked = live(
            declared.clone(),
            |object| {
                object["metadata"][map] = json!({"app": "cart",
                    "kustomize.toolkit.fluxcd.io/ssa": "Ignore",
                    "kustomize.toolkit.fluxcd.io/reconcile": "disabled",
                    "kustomize.toolkit.fluxcd.io/Reconcile": "Disabled",
                    "helm.toolkit.fluxcd.io/driftDetection": "disabled"});
                object["spec"]["template"]["spec"]["hostPID"] = json!(true);
            },
            None,
        );
        let objects = compared(&declared.to_string(), &[&marked]);
        let reported = objects[0]
            .reported()
            .map(|drift| drift.change.path.to_string());
        let reported: Vec<String> = reported.collect();
        let marks = reported
            .iter()
            .filter(|path| path.contains("toolkit.fluxcd.io/"));
        assert_eq!(marks.count(), 4, "{map}: {reported:?}");
    }
}

#[test]
fn explains_normalized_addresses_but_not_foreign_cas() {
    let declared = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "a", "namespace": "shop"}, "spec": {"ports": [{"port": 80}]}});
    let mut restored = declared.clone();
    restored["spec"]["clusterIP"] = json!("10.0.0.7");
    restored["spec"]["clusterIPs"] = json!(["10.0.0.7"]);
    restored["spec"]["ipFamilies"] = json!(["IPv4"]);
    restored["metadata"]["managedFields"] = json!([{"manager": "kubectl-create",
        "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {
            "f:clusterIP": {}, "f:clusterIPs": {}, "f:ipFamilies": {}, "f:ports": {}}}}]);
    assert_eq!(drift_of("Service", &[&declared], &[&restored]), [""; 0]);
    for (field, value) in [
        ("clusterIP", json!("10.0.0.8")),
        ("clusterIPs", json!(["10.0.0.7-by-hand"])),
        ("ipFamilies", json!(["IPv6"])),
        ("ipFamilies", json!(["IPv4", "IPv6"])),
    ] {
        let mut changed = restored.clone();
        changed["spec"][field] = value;
        let found = drift_of("Service", &[&declared], &[&changed]);
        let at = format!("added .spec.{field}");
        assert!(found.iter().any(|one| one.starts_with(&at)), "{found:?}");
    }
    let mut headless = restored.clone();
    headless["spec"]["clusterIP"] = json!("None");
    headless["spec"]["clusterIPs"] = json!(["None"]);
    for owned in [true, false] {
        if !owned {
            headless["metadata"]["managedFields"] = json!([]);
        }
        let found = drift_of("Service", &[&declared], &[&headless]);
        assert!(
            found.contains(&"added .spec.clusterIP".to_owned()),
            "{found:?}"
        );
    }

    let kind = "ValidatingWebhookConfiguration";
    let hook = |bundle: &str, manager: &str, asks: bool| {
        let annotations = if asks {
            json!({"cert-manager.io/inject-ca-from": "shop/ca"})
        } else {
            json!({})
        };
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
            "metadata": {"name": "a", "annotations": annotations, "managedFields": [{
                "manager": manager, "operation": "Update", "fieldsType": "FieldsV1",
                "apiVersion": "admissionregistration.k8s.io/v1", "fieldsV1": {"f:webhooks": {
                    "k:{\"name\":\"a.example.com\"}": {"f:clientConfig": {"f:caBundle": {}}}}}}]},
            "webhooks": [{"name": "a.example.com", "admissionReviewVersions": ["v1"],
                "sideEffects": "None", "clientConfig": {"url": "https://a.example.com",
                    "caBundle": bundle}}]})
    };
    let first = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCmEK";
    let second = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCmIK";
    let without_books = |mut object: Value| {
        object["metadata"]
            .as_object_mut()
            .unwrap()
            .remove("managedFields");
        object
    };
    for (bundle, manager, asks, drifts) in [
        (first, "homegrown", false, true),
        (first, "cert-manager-cainjector", false, true),
        (first, "cert-manager-cainjector", true, false),
        (first, "kubectl-patch", true, true),
        ("Cg==", "homegrown", false, true),
        ("Cg==", "cert-manager-cainjector", false, false),
        ("Cg==", "kubectl-patch", false, true),
    ] {
        let declared = without_books(hook(bundle, "", asks));
        let found = drift_of(kind, &[&declared], &[&hook(second, manager, asks)]);
        assert_eq!(!found.is_empty(), drifts, "{bundle} {manager} {asks}");
    }
}

/// Operators whose field manager is only `manager` write certificates that they keep in a Secret.
#[test]
fn explains_a_ca_from_a_secret_of_the_services_namespace() {
    let pem = |content: &str| {
        let pem = format!("-----BEGIN CERTIFICATE-----\n{content}\n-----END CERTIFICATE-----\n");
        STANDARD.encode(pem)
    };
    let kind = "ValidatingWebhookConfiguration";
    let hook = |bundle: Option<String>, manager: &str| {
        let mut config = json!({"service": {"name": "a", "namespace": "shop"}});
        if let Some(bundle) = bundle {
            config["caBundle"] = json!(bundle);
        }
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
            "metadata": {"name": "a", "managedFields": [{
                "manager": manager, "operation": "Update", "fieldsType": "FieldsV1",
                "apiVersion": "admissionregistration.k8s.io/v1", "fieldsV1": {"f:webhooks": {
                    "k:{\"name\":\"a.example.com\"}": {"f:clientConfig": {"f:caBundle": {}}}}}}]},
            "webhooks": [{"name": "a.example.com", "admissionReviewVersions": ["v1"],
                "sideEffects": "None", "clientConfig": config}]})
    };
    let secret = |namespace: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "data": {"ca.crt": pem("QUJD")},
            "metadata": {"name": "a", "namespace": namespace}})
    };
    let found = |declared: Option<String>, content: &str, manager: &str, namespace: &str| {
        let mut declared = hook(declared, "");
        declared["metadata"] = json!({"name": "a"});
        let live = hook(Some(pem(content)), manager);
        drift_of(kind, &[&declared], &[&live, &secret(namespace)]).len()
    };
    let placeholder = || Some("Cg==".to_owned());
    assert_eq!(found(None, "QUJD", "manager", "shop"), 0);
    assert_eq!(found(placeholder(), "QUJD", "manager", "shop"), 0);
    assert_eq!(found(Some(pem("WFla")), "QUJD", "manager", "shop"), 1);
    assert_eq!(found(None, "WFla", "manager", "shop"), 1);
    assert_eq!(found(None, "QUJD", "manager", "other"), 1);
    assert_eq!(found(None, "QUJD", "kubectl-patch", "shop"), 1);
}

#[test]
fn keys_removed_from_string_data_stay_live() {
    let declared = json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"a": "x"},
        "metadata": {"name": "a", "namespace": "shop"}});
    let mut live = json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "data": {"a": "eA==", "b": "eA=="}, "metadata": {"name": "a", "namespace": "shop"}});
    live["metadata"]["managedFields"] = json!([{"manager": "argocd-controller",
        "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:stringData": {"f:a": {}}}}]);
    assert_eq!(
        drift_of("Secret", &[&declared], &[&live]),
        ["added .data.b"]
    );
}

#[test]
fn a_deprecated_alias_yields_to_its_successor() {
    let mut declared = workload("Deployment", "cart");
    declared.pointer_mut(POD).unwrap()["serviceAccount"] = json!("old");
    declared.pointer_mut(POD).unwrap()["serviceAccountName"] = json!("new");
    let stored = |account: &str| {
        let mut stored = declared.clone();
        stored.pointer_mut(POD).unwrap()["serviceAccount"] = json!(account);
        stored.pointer_mut(POD).unwrap()["serviceAccountName"] = json!(account);
        stored
    };
    assert_eq!(
        drift_of("Deployment", &[&declared], &[&stored("new")]),
        [""; 0]
    );
    assert_eq!(
        drift_of("Deployment", &[&declared], &[&stored("other")]).len(),
        2
    );
}

fn definition(properties: Value) -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "queues.example.com"}, "spec": {"group": "example.com",
            "scope": "Namespaced", "names": {"kind": "Queue", "plural": "queues"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema":
                {"openAPIV3Schema": {"type": "object", "properties": {"spec": {
                    "type": "object", "properties": properties}}}}}]}})
}

fn queue(spec: Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Queue", "spec": spec,
        "metadata": {"name": "a", "namespace": "shop"}})
}

#[test]
fn accepts_values_that_a_controller_rewrites() {
    let quantity = json!({"x-kubernetes-int-or-string": true,
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "pattern": "^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE])?$"});
    let crd = definition(json!({"size": quantity, "cpu": {"type": "string"},
        "wait": {"type": "string"}, "until": {"type": "string", "format": "duration"},
        "blink": {"type": "boolean"}, "delay": {"type": "integer"}, "list": {"type": "array",
            "items": {"type": "string"}}, "replicas": {"type": "integer"},
        "variant": {"type": "object", "properties": {}}, "on": {"type": "boolean", "default": true}}));
    let found = |declared: Value, live: Value| {
        drift_of("Queue", &[&queue(declared)], &[&queue(live), &crd])
    };
    let declared = json!({"size": "1024Mi", "cpu": "1000m", "wait": "2160h", "until": "60s"});
    let respelled = json!({"size": "1Gi", "cpu": "1", "wait": "2160h0m0s", "until": "1m0s"});
    assert_eq!(found(declared.clone(), respelled), [""; 0]);
    let changed = json!({"size": "2Gi", "cpu": "2", "wait": "2161h0m0s", "until": "2m0s"});
    assert_eq!(found(declared, changed).len(), 4);
    let zeros = json!({"blink": false, "delay": 0, "list": [], "wait": ""});
    assert_eq!(found(zeros, json!({})), [""; 0]);
    for kept in [
        json!({"replicas": 0}),
        json!({"variant": {}}),
        json!({"delay": 5}),
    ] {
        assert_eq!(found(kept.clone(), json!({})).len(), 1, "{kept}");
    }
}

#[test]
fn warns_about_unknown_fields_and_reports_them_on_request() {
    let mut declared = workload("Deployment", "cart");
    declared["spec"]["replica"] = json!(2);
    let live = workload("Deployment", "cart");
    assert_eq!(drift_of("Deployment", &[&declared], &[&live]), [""; 0]);
    let strict = Options {
        strict_fields: true,
        ..Options::default()
    };
    let objects = compared_with(&declared.to_string(), &[&live], &strict);
    let paths: Vec<String> = objects[0]
        .reported()
        .map(|drift| drift.change.path.to_string())
        .collect();
    assert_eq!(paths, [".spec.replica"]);
}

#[test]
fn a_job_with_a_ttl_is_not_missing() {
    let job = |more: Value| {
        let mut job = json!({"apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": "a", "namespace": "shop"}, "spec": {"template": {"spec": {
                "restartPolicy": "Never", "containers": [{"name": "a", "image": "a:1"}]}}}});
        for (name, value) in more.as_object().unwrap() {
            job["spec"][name] = value.clone();
        }
        job
    };
    let is_missing = |job: Value| {
        let other = json!({"apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": "other", "namespace": "shop"}});
        compared(&job.to_string(), &[&other])[0].is_drift()
    };
    assert!(is_missing(job(json!({}))));
    assert!(!is_missing(job(json!({"ttlSecondsAfterFinished": 60}))));
    assert!(is_missing(job(
        json!({"ttlSecondsAfterFinished": 60, "suspend": true})
    )));
}

#[test]
fn identifies_taints_and_explains_those_of_the_control_plane() {
    let node = |spec: Value, ready: &str| {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "managedFields": [{
            "manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:taints": {}}}}]},
            "spec": spec, "status": {"conditions": [{"type": "Ready", "status": ready}]}})
    };
    let taint = |key: &str, effect: &str| json!({"key": key, "effect": effect});
    let own = taint("example.com/gpu", "NoSchedule");
    let declared = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"},
        "spec": {"unschedulable": true, "taints": [own]}});
    let cordoned = taint("node.kubernetes.io/unschedulable", "NoSchedule");
    let unready = taint("node.kubernetes.io/not-ready", "NoExecute");
    let by_hand = taint("maintenance", "NoSchedule");
    let spec = |taints: Value| json!({"unschedulable": true, "taints": taints});
    let found = |spec: Value, ready: &str| drift_of("Node", &[&declared], &[&node(spec, ready)]);
    assert_eq!(found(spec(json!([cordoned, own])), "True"), [""; 0]);
    assert_eq!(found(spec(json!([own, unready])), "False"), [""; 0]);
    assert_eq!(found(spec(json!([own, unready])), "True").len(), 1);
    let expected = ["added .spec.taints[effect=\"NoSchedule\",key=\"maintenance\"]"];
    assert_eq!(
        found(spec(json!([cordoned, own, by_hand])), "True"),
        expected
    );
}

/// Returns which undeclared objects are reported.
fn extra(live: &[Value]) -> Vec<String> {
    let options = Options {
        extra: Extra::Namespace,
        ..Options::default()
    };
    let declared = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "declared", "namespace": "shop", "uid": "1"}});
    let all: Vec<&Value> = std::iter::once(&declared).chain(live).collect();
    let objects = compared_with(&declared.to_string(), &all, &options);
    let extra = objects.iter().filter(|object| object.is_drift());
    extra
        .map(|object| format!("{}/{}", object.key.kind, object.key.name))
        .collect()
}

#[test]
fn an_owner_must_exist_and_create_such_objects() {
    let object = |version: &str, kind: &str, uid: &str, owner: Option<(&str, &str, &str, bool)>| {
        let references = owner.map(|(version, kind, uid, controller)| {
            json!([{"apiVersion": version, "kind": kind, "name": format!("o{uid}"), "uid": uid,
                "controller": controller}])
        });
        json!({"apiVersion": version, "kind": kind, "metadata": {"name": format!("o{uid}"),
            "namespace": "shop", "uid": uid, "ownerReferences": references}})
    };
    let deployment = object("apps/v1", "Deployment", "2", None);
    let set = |owner| object("apps/v1", "ReplicaSet", "3", Some(owner));
    let found = |owner| extra(&[deployment.clone(), set(owner)]);
    let only_its_owner = ["Deployment/o2"];
    assert_eq!(found(("apps/v1", "Deployment", "2", true)), only_its_owner);
    for owner in [
        ("apps/v1", "Deployment", "2", false),
        ("apps/v1", "Deployment", "9", true),
        ("v1", "ConfigMap", "1", true),
        ("apps/v1", "StatefulSet", "2", true),
    ] {
        assert_eq!(found(owner).len(), 2, "{owner:?}");
    }
    let custom = object("example.com/v1", "Shop", "4", None);
    let of_custom = |uid| {
        let mut secret = object(
            "v1",
            "Secret",
            "5",
            Some(("example.com/v1", "Shop", uid, true)),
        );
        secret["metadata"]["name"] = json!("o4-credentials");
        secret
    };
    assert_eq!(extra(&[custom.clone(), of_custom("4")]), ["Shop/o4"]);
    assert_eq!(extra(&[custom, of_custom("8")]).len(), 2);
}

/// Returns an object that names a custom resource `shop` as its owner, with that resource.
fn owned_by(api_version: &str, owner: &str, spec: Value, mut object: Value) -> [Value; 2] {
    object["metadata"]["namespace"] = json!("shop");
    object["metadata"]["uid"] = json!("o");
    object["metadata"]["ownerReferences"] = json!([{"apiVersion": api_version, "kind": owner,
        "name": "shop", "uid": "c", "controller": true}]);
    let custom = json!({"apiVersion": api_version, "kind": owner,
        "metadata": {"name": "shop", "namespace": "shop", "uid": "c"}, "spec": spec});
    [custom, object]
}

/// Anyone who may create objects can name any existing resource as their owner.
#[test]
fn an_unknown_operator_excuses_only_what_is_related_and_harmless() {
    let found = |spec: Value, object: Value| {
        let name = format!("{}/{}", object["kind"], object["metadata"]["name"]).replace('"', "");
        let all = owned_by("example.com/v1", "Shop", spec, object);
        extra(&all).contains(&name)
    };
    let none = || json!({});
    let secret = |name: &str, more: Value| {
        let mut secret = json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": name}, "data": {"a": "YQ=="}});
        for (field, value) in more.as_object().unwrap() {
            secret[field] = value.clone();
        }
        secret
    };
    assert!(!found(none(), secret("shop-credentials", none())));
    assert!(found(none(), secret("evil", none())));
    let mentions = json!({"users": [{"secretName": "evil"}]});
    assert!(!found(mentions, secret("evil", none())));
    let by_hand = json!({"metadata": {"name": "shop-a", "managedFields": [{
        "manager": "kubectl-create", "operation": "Update", "time": "2026-11-30T00:00:00Z",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {}}}]}});
    assert!(found(none(), secret("shop-a", by_hand)));
    let token = json!({"type": "kubernetes.io/service-account-token", "metadata": {"name": "shop-a",
        "annotations": {"kubernetes.io/service-account.name": "admin"}}});
    assert!(found(none(), secret("shop-a", token)));
    let object = |api_version: &str, kind: &str, content: Value| {
        let mut object = content;
        object["apiVersion"] = json!(api_version);
        object["kind"] = json!(kind);
        object["metadata"] = json!({"name": "shop-a"});
        object
    };
    let service = |spec: Value| object("v1", "Service", json!({ "spec": spec }));
    assert!(!found(none(), service(json!({"type": "ClusterIP"}))));
    assert!(found(none(), service(json!({"type": "LoadBalancer"}))));
    assert!(found(
        none(),
        service(json!({"externalIPs": ["192.0.2.1"]}))
    ));
    let policy = |ingress: Value| {
        let spec = json!({"podSelector": {}, "ingress": ingress});
        object(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            json!({ "spec": spec }),
        )
    };
    assert!(!found(none(), policy(json!([]))));
    assert!(found(none(), policy(json!([{}]))));
    assert!(found(
        none(),
        object("networking.k8s.io/v1", "Ingress", none())
    ));
    assert!(found(none(), object("v1", "Endpoints", none())));
}

#[test]
fn a_known_operator_excuses_what_it_creates() {
    let found = |version: &str, owner: &str, kind: &str, name: &str, content: Value| {
        let mut object = content;
        object["apiVersion"] = match kind {
            "NetworkPolicy" => json!("networking.k8s.io/v1"),
            _ => json!("v1"),
        };
        object["kind"] = json!(kind);
        object["metadata"]["name"] = json!(name);
        let spec = json!({"target": {"name": "credentials"}});
        let all = owned_by(version, owner, spec, object);
        extra(&all).contains(&format!("{kind}/{name}"))
    };
    let open = || json!({"spec": {"podSelector": {}, "ingress": [{}]}});
    let kafka = "kafka.strimzi.io/v1beta2";
    assert!(!found(
        kafka,
        "Kafka",
        "NetworkPolicy",
        "shop-network-policy-kafka",
        open()
    ));
    assert!(found(kafka, "Kafka", "NetworkPolicy", "evil", open()));
    let external = "external-secrets.io/v1";
    assert!(!found(
        external,
        "ExternalSecret",
        "Secret",
        "shop",
        json!({})
    ));
    assert!(!found(
        external,
        "ExternalSecret",
        "Secret",
        "credentials",
        json!({})
    ));
    assert!(found(
        external,
        "ExternalSecret",
        "Secret",
        "evil",
        json!({})
    ));
    let token = json!({"metadata": {"annotations": {"kubernetes.io/service-account.name": "a"}}});
    assert!(found(external, "ExternalSecret", "Secret", "shop", token));
    let sealed = "bitnami.com/v1alpha1";
    assert!(!found(sealed, "SealedSecret", "Secret", "shop", json!({})));
    assert!(found(sealed, "SealedSecret", "Secret", "shop-a", json!({})));
}

/// A recording may lack the owners of objects that it contains, but not what their operator calls them.
#[test]
fn an_owner_that_a_recording_lacks_excuses_only_what_it_is_called_after() {
    let found = |name: &str| {
        let [_, secret] = owned_by(
            "bitnami.com/v1alpha1",
            "SealedSecret",
            json!({}),
            json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}),
        );
        !extra(&[secret]).is_empty()
    };
    assert!(!found("shop"));
    assert!(found("evil"));
}

/// The controller mirrors what Endpoints have, and nothing else.
#[test]
fn a_mirrored_slice_must_have_the_addresses_of_its_endpoints() {
    let slice = |kind: &str, address: &str| {
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {
            "name": "web-1", "namespace": "shop", "labels": {"kubernetes.io/service-name": "web",
                "endpointslice.kubernetes.io/managed-by":
                    "endpointslicemirroring-controller.k8s.io"},
            "ownerReferences": [{"apiVersion": "v1", "kind": kind, "name": "web", "uid": kind,
                "controller": true}]},
            "endpoints": [{"addresses": [address]}]})
    };
    let named = |kind: &str| {
        json!({"apiVersion": "v1", "kind": kind,
            "metadata": {"name": "web", "namespace": "shop", "uid": kind}})
    };
    let mut endpoints = named("Endpoints");
    endpoints["subsets"] = json!([{"addresses": [{"ip": "192.0.2.1"}]}]);
    let found = |slice: Value| {
        let found = extra(&[named("Service"), endpoints.clone(), slice]);
        found.contains(&"EndpointSlice/web-1".to_owned())
    };
    assert!(!found(slice("Endpoints", "192.0.2.1")));
    assert!(found(slice("Endpoints", "192.0.2.9")));
    assert!(found(slice("Service", "192.0.2.1")));
}

/// `helm template | kubectl apply` applies hooks like other objects.
#[test]
fn a_live_hook_is_not_extra() {
    let options = Options {
        extra: Extra::Namespace,
        ..Options::default()
    };
    let hook = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {
        "name": "hook", "namespace": "shop", "annotations": {"helm.sh/hook": "pre-install"}}});
    let declared = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "declared", "namespace": "shop"}});
    let mut other = hook.clone();
    other["metadata"]["name"] = json!("other");
    let documents = format!("{declared}\n---\n{hook}");
    let objects = compared_with(&documents, &[&declared, &hook, &other], &options);
    let extra = objects.iter().filter(|object| object.is_drift());
    let names: Vec<&str> = extra.map(|object| object.key.name.as_str()).collect();
    assert_eq!(names, ["other"]);
}

/// Anyone who may create an object can write its owner, its annotations and its manager's name.
#[test]
fn nothing_that_its_author_writes_excuses_an_object_that_grants_permissions() {
    let rbac = "rbac.authorization.k8s.io/v1";
    let binding = |manager: &str, metadata: Value| {
        let mut object = json!({"apiVersion": rbac, "kind": "RoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
                "name": "admin"}});
        object["metadata"]["name"] = json!("let");
        object["metadata"]["namespace"] = json!("shop");
        object["metadata"]["managedFields"] = json!([{"manager": manager, "operation": "Update",
            "apiVersion": rbac, "fieldsType": "FieldsV1", "fieldsV1": {"f:metadata": {}}}]);
        object
    };
    let custom = json!({"apiVersion": "example.com/v1", "kind": "Shop",
        "metadata": {"name": "x", "namespace": "shop", "uid": "4"}});
    let release = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {
        "name": "sh.helm.release.v1.a.v1", "namespace": "shop", "labels": {"owner": "helm"}}});
    let owner = json!([{"apiVersion": "example.com/v1", "kind": "Shop", "name": "x", "uid": "4",
        "controller": true}]);
    for metadata in [
        json!({"ownerReferences": owner}),
        json!({"annotations": {"helm.sh/hook": "pre-install"}}),
        json!({"annotations": {"argocd.argoproj.io/compare-options": "IgnoreExtraneous"}}),
        json!({"annotations": {"driftctl.dev/ignore": "true"}}),
        json!({"labels": {"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}}),
    ] {
        let found = extra(&[
            custom.clone(),
            release.clone(),
            binding("helm", metadata.clone()),
        ]);
        assert!(
            found.contains(&"RoleBinding/let".to_owned()),
            "{metadata}: {found:?}"
        );
    }
    // A record that lists the hook proves nothing: anyone who may create Secrets can write one.
    let record = json!({"name": "a", "hooks": [{"kind": "RoleBinding", "name": "let"}]});
    let encoded = STANDARD.encode(STANDARD.encode(record.to_string()));
    let mut release = release;
    release["data"] = json!({"release": encoded});
    let hook = json!({"annotations": {"helm.sh/hook": "pre-install"}});
    let found = extra(&[release, binding("helm", hook)]);
    assert_eq!(found, ["RoleBinding/let"]);
    // Kinds that create such objects count only if the owner is there: the garbage collector does
    // not delete an object whose owner is of a kind that is not served.
    let of_operator = json!([{"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "name": "x",
        "uid": "4", "controller": true}]);
    let bound = binding("operator", json!({"ownerReferences": of_operator}));
    assert_eq!(extra(&[bound]), ["RoleBinding/let"]);
}

/// Anyone who may create a binding can name an existing resource as its owner.
#[test]
fn an_operator_grants_permissions_to_accounts_only() {
    let cluster = json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
        "metadata": {"name": "x", "namespace": "shop", "uid": "4"}});
    let found = |role: &str, subject: &str| {
        let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": "x-let", "namespace": "shop", "ownerReferences": [
                {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "name": "x", "uid": "4",
                    "controller": true}]},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": "x", "namespace": "shop"},
                {"kind": subject, "name": "y", "namespace": "shop"}]});
        let found = extra(&[cluster.clone(), binding]);
        found.contains(&"RoleBinding/x-let".to_owned())
    };
    assert!(!found("x", "ServiceAccount"));
    assert!(found("x", "User"));
    assert!(found("x", "Group"));
    assert!(found("cluster-admin", "ServiceAccount"));
}

/// A name or a label that anyone can choose excuses neither a token nor a cloud identity.
#[test]
fn a_known_name_excuses_only_what_is_known_to_have_it() {
    let token = json!({"apiVersion": "v1", "kind": "Secret",
        "type": "kubernetes.io/service-account-token", "metadata": {
            "name": "sh.helm.release.v1.a.v1", "namespace": "shop", "labels": {"owner": "helm"},
            "annotations": {"kubernetes.io/service-account.name": "default"}}});
    assert_eq!(extra(&[token]), ["Secret/sh.helm.release.v1.a.v1"]);
    let account = |annotations: Value| {
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default",
            "namespace": "shop", "annotations": annotations}})
    };
    assert_eq!(extra(&[account(json!({}))]), [""; 0]);
    let identity = account(json!({"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}));
    assert_eq!(extra(&[identity]), ["ServiceAccount/default"]);
}

/// An owner is in the namespace of the object, and the controller of a Service's slices ignores those
/// of a Service that selects nothing.
#[test]
fn an_owner_elsewhere_or_without_a_controller_excuses_nothing() {
    let owner = |namespace: &str| {
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web",
            "namespace": namespace, "uid": "r"}, "spec": {"replicas": 1, "template": {"spec":
                {"containers": [{"name": "web", "image": "web:1"}]}}}})
    };
    let pod = |version: &str, image: &str| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "namespace": "shop",
            "uid": "p", "ownerReferences": [{"apiVersion": version, "kind": "ReplicaSet",
                "name": "web", "uid": "r", "controller": true}]},
            "spec": {"containers": [{"name": "web", "image": image}]}})
    };
    let pods = |objects: &[Value]| {
        let mut found = extra(objects);
        found.retain(|name| name.starts_with("Pod/"));
        found
    };
    assert_eq!(pods(&[owner("shop"), pod("apps/v1", "web:1")]), [""; 0]);
    assert_eq!(pods(&[owner("other"), pod("apps/v1", "web:1")]).len(), 1);
    assert_eq!(pods(&[owner("shop"), pod("apps/v9", "evil:1")]).len(), 1);

    let service = |selector: Value| {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web",
            "namespace": "shop", "uid": "s"}, "spec": {"selector": selector}})
    };
    let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": "web-1", "namespace": "shop", "labels": {
                "kubernetes.io/service-name": "web",
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"},
            "ownerReferences": [{"apiVersion": "v1", "kind": "Service", "name": "web", "uid": "s",
                "controller": true}]}});
    let slices = |selector: Value| {
        let found = extra(&[service(selector), slice.clone()]);
        found.contains(&"EndpointSlice/web-1".to_owned())
    };
    assert!(!slices(json!({"app": "web"})));
    assert!(slices(json!(null)));
}

/// A hook that no record lists was left behind, or was created by someone.
#[test]
fn a_hook_of_any_kind_must_be_listed_by_a_record() {
    let record = json!({"name": "a", "hooks": [{"kind": "Job", "name": "migrate"}]});
    let release = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {
            "name": "sh.helm.release.v1.a.v1", "namespace": "shop", "labels": {"owner": "helm"}},
        "data": {"release": STANDARD.encode(STANDARD.encode(record.to_string()))}});
    let hook = |name: &str| {
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name,
            "namespace": "shop", "annotations": {"helm.sh/hook": "pre-upgrade"}}})
    };
    let found = extra(&[release.clone(), hook("migrate"), hook("mine")]);
    assert_eq!(found, ["Job/mine"]);
    // Anyone who may create Secrets can write a record.
    let mut token = hook("migrate");
    token["apiVersion"] = json!("v1");
    token["kind"] = json!("Secret");
    token["type"] = json!("kubernetes.io/service-account-token");
    let record = json!({"name": "a", "hooks": [{"kind": "Secret", "name": "migrate"}]});
    let mut release = release;
    release["data"] = json!({"release": STANDARD.encode(STANDARD.encode(record.to_string()))});
    assert_eq!(extra(&[release, token]), ["Secret/migrate"]);
}

/// A token of a service account that its account does not list was created by someone.
#[test]
fn a_token_must_be_listed_by_its_account() {
    let token = json!({"apiVersion": "v1", "kind": "Secret",
        "type": "kubernetes.io/service-account-token", "metadata": {
            "name": "admin-token-x2x9z", "namespace": "shop",
            "annotations": {"kubernetes.io/service-account.name": "admin"},
            "managedFields": [{"manager": "kube-controller-manager", "operation": "Update",
                "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {}}}]}});
    let account = |secrets: Value| {
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "secrets": secrets,
            "metadata": {"name": "default", "namespace": "shop"}})
    };
    let found = |secrets: Value| extra(&[token.clone(), account(secrets)]);
    assert_eq!(found(json!([{"name": "admin-token-x2x9z"}])), [""; 0]);
    assert_eq!(found(json!([])), ["Secret/admin-token-x2x9z"]);
    // The controller makes the token of an account when it is new.
    let found_at = |time: &str| {
        let mut token = token.clone();
        token["metadata"]["creationTimestamp"] = json!(time);
        let mut account = account(json!([{"name": "admin-token-x2x9z"}]));
        account["metadata"]["creationTimestamp"] = json!("2026-11-01T00:00:00Z");
        extra(&[token, account])
    };
    assert_eq!(found_at("2026-11-01T00:00:01Z"), [""; 0]);
    assert_eq!(found_at("2026-11-30T00:00:00Z").len(), 1);
}

#[test]
fn a_controllers_name_explains_only_secrets_that_it_makes() {
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": "cart", "namespace": "shop", "labels": {"app": "cart"}}});
    let found = |by: &str, list: &str, name: &str| {
        let change = |object: &mut Value| object[list] = json!([{"name": name}]);
        let item = format!("k:{{\"name\":\"{name}\"}}");
        let fields = json!({format!("f:{list}"): {".": {}, item: {".": {}, "f:name": {}}}});
        written(by, &account, change, &fields).len()
    };
    let openshift = "openshift-controller-manager";
    assert_eq!(
        found(openshift, "imagePullSecrets", "cart-dockercfg-x2x9z"),
        0
    );
    assert_eq!(found(openshift, "imagePullSecrets", "evil"), 1);
    assert_eq!(
        found(openshift, "imagePullSecrets", "admin-dockercfg-x2x9z"),
        1
    );
    assert_eq!(
        found("kube-controller-manager", "secrets", "cart-token-x2x9z"),
        0
    );
    assert_eq!(
        found("kube-controller-manager", "secrets", "admin-token-x2x9z"),
        1
    );
    assert_eq!(found("kubelet", "secrets", "cart-token-x2x9z"), 1);
}

/// A kubelet deletes Pods with this annotation that it does not run, and no others.
#[test]
fn a_pod_of_a_node_must_be_a_mirror_pod() {
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "uid": "7"}});
    let pod = |annotations: Value| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "eye-n", "namespace": "shop",
            "annotations": annotations, "ownerReferences": [{"apiVersion": "v1", "kind": "Node",
                "name": "n", "uid": "7", "controller": true}]}})
    };
    let found = |annotations: Value| extra(&[node.clone(), pod(annotations)]);
    assert_eq!(found(json!({"kubernetes.io/config.mirror": "1"})), [""; 0]);
    assert_eq!(found(json!({})), ["Pod/eye-n"]);
    let mut other = pod(json!({"kubernetes.io/config.mirror": "1"}));
    other["metadata"]["name"] = json!("eye");
    assert_eq!(extra(&[node.clone(), other]), ["Pod/eye"]);
}

/// Returns the changes that count if a manager other than the applier wrote the new fields.
fn written(by: &str, declared: &Value, change: impl Fn(&mut Value), fields: &Value) -> Vec<String> {
    let mut live = declared.clone();
    change(&mut live);
    let version = &declared["apiVersion"];
    let entry = |manager: &str, fields: &Value| {
        json!({"manager": manager, "operation": "Update", "apiVersion": version,
            "fieldsType": "FieldsV1", "fieldsV1": fields, "time": "2026-11-30T00:00:00Z"})
    };
    let base = json!({"f:metadata": {"f:labels": {"f:app": {}}},
        "f:spec": {"f:hosts": {}, "f:policyTypes": {}}});
    live["metadata"]["managedFields"] =
        json!([entry("kubectl-client-side-apply", &base), entry(by, fields)]);
    let kind = declared["kind"].as_str().unwrap();
    drift_of(kind, &[declared], &[&live])
}

#[test]
fn a_mesh_controller_shifts_traffic_but_does_not_send_it_elsewhere() {
    let route = |host: &str, weight: u64| json!({"destination": {"host": host}, "weight": weight});
    let service = json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "cart", "namespace": "shop"}, "spec": {"hosts": ["cart"],
            "http": [{"route": [route("stable", 100), route("canary", 0)]}]}});
    let found = |routes: Value| {
        let change = |object: &mut Value| object["spec"]["http"][0]["route"] = routes.clone();
        written(
            "flagger",
            &service,
            change,
            &json!({"f:spec": {"f:http": {}}}),
        )
    };
    assert_eq!(
        found(json!([route("stable", 90), route("canary", 10)])),
        [""; 0]
    );
    assert_ne!(
        found(json!([route("stable", 90), route("evil", 10)])),
        [""; 0]
    );
    assert_ne!(
        found(json!([
            route("stable", 90),
            route("canary", 5),
            route("evil", 5)
        ])),
        [""; 0]
    );
}

/// With one more label, a network policy protects fewer Pods.
#[test]
fn a_deployers_name_does_not_explain_a_narrower_selector() {
    let policy = json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "deny", "namespace": "shop"},
        "spec": {"podSelector": {"matchLabels": {"app": "cart"}}, "policyTypes": ["Ingress"]}});
    let change = |object: &mut Value| {
        object["spec"]["podSelector"]["matchLabels"]["kapp.k14s.io/app"] = json!("1");
    };
    let label = json!({"f:spec": {"f:podSelector": {"f:matchLabels": {"f:kapp.k14s.io/app": {}}}}});
    let expected = ["added .spec.podSelector.matchLabels[\"kapp.k14s.io/app\"]"];
    assert_eq!(written("kapp", &policy, change, &label), expected);
    let mut live = policy.clone();
    change(&mut live);
    live["metadata"]["managedFields"] = json!([{"manager": "kapp", "operation": "Update",
        "apiVersion": "networking.k8s.io/v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {
            "f:policyTypes": {}, "f:podSelector": {"f:matchLabels": {"f:app": {},
                "f:kapp.k14s.io/app": {}}}}}}]);
    assert_eq!(drift_of("NetworkPolicy", &[&policy], &[&live]), [""; 0]);
}

#[test]
fn a_token_volume_with_another_source_is_drift() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "cart", "namespace": "shop"},
        "spec": {"containers": [{"name": "web", "image": "shop/web:1"}]}});
    let with = |sources: Value| {
        let volumes = json!([{"name": "kube-api-access-x", "projected": {"sources": sources}}]);
        let live = live(pod.clone(), set("/spec", "volumes", volumes), None);
        drift_of("Pod", &[&pod], &[&live]).len()
    };
    let token = json!({"serviceAccountToken": {"path": "token"}});
    let known = json!([token, {"configMap": {"name": "kube-root-ca.crt"}},
        {"downwardAPI": {"items": []}}]);
    assert_eq!(with(known), 0);
    assert_eq!(with(json!([token, {"secret": {"name": "admin"}}])), 1);
}

/// The annotation counts, as Flux honours it, but only for what is not severe: the gate
/// `--fail-on critical` must see a privileged container behind it.
#[test]
fn a_live_mark_hides_nothing_severe() {
    let declared = workload("Deployment", "cart");
    let marked = live(
        declared.clone(),
        |object| {
            object["metadata"]["annotations"] =
                json!({"kustomize.toolkit.fluxcd.io/reconcile": "disabled"});
            object["spec"]["minReadySeconds"] = json!(3);
            object["spec"]["template"]["spec"]["hostPID"] = json!(true);
        },
        None,
    );
    let found = drift_of("Deployment", &[&declared], &[&marked]);
    let expected = [
        "added .metadata.annotations[\"kustomize.toolkit.fluxcd.io/reconcile\"]",
        "added .spec.template.spec.hostPID",
    ];
    assert_eq!(found, expected);
}

#[test]
fn protection_finalizers_are_not_drift_but_others_are() {
    for (version, kind, finalizer) in [
        (
            "networking.k8s.io/v1",
            "ServiceCIDR",
            "networking.k8s.io/service-cidr-finalizer",
        ),
        (
            "storage.k8s.io/v1",
            "VolumeAttributesClass",
            "kubernetes.io/vac-protection",
        ),
        (
            "v1",
            "PersistentVolume",
            "external-provisioner.volume.kubernetes.io/finalizer",
        ),
    ] {
        let declared = json!({"apiVersion": version, "kind": kind,
            "metadata": {"name": "a"}});
        let found = |finalizer: &str| {
            let mut live = declared.clone();
            live["metadata"]["finalizers"] = json!([finalizer]);
            drift_of(kind, &[&declared], &[&live])
        };
        assert_eq!(found(finalizer), [""; 0], "{kind}");
        assert_eq!(found("example.com/mine").len(), 1, "{kind}");
    }
    let declared = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}});
    let mut live = declared.clone();
    live["metadata"]["annotations"] = json!({"node.alpha.kubernetes.io/ttl": "0"});
    assert_eq!(drift_of("Node", &[&declared], &[&live]), [""; 0]);
}

#[test]
fn a_name_and_a_label_alone_exclude_no_object() {
    let by = |kind: &str, version: &str, name: &str, manager: &str, metadata: Value| {
        let mut object = json!({"apiVersion": version, "kind": kind, "metadata": metadata});
        object["metadata"]["name"] = json!(name);
        object["metadata"]["namespace"] = json!("shop");
        object["metadata"]["managedFields"] = json!([{"manager": manager, "operation": "Update",
            "apiVersion": version, "fieldsType": "FieldsV1", "fieldsV1": {"f:metadata": {}}}]);
        object
    };
    let rbac = "rbac.authorization.k8s.io/v1";
    let borrowed = json!({"labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}});
    let hook = json!({"annotations": {"helm.sh/hook": "post-install"}});
    let live = [
        by("RoleBinding", rbac, "boot", "kubectl", borrowed.clone()),
        by("RoleBinding", rbac, "let", "kubelet", json!({})),
        by("Endpoints", "v1", "db", "kubectl", json!({})),
        by("Job", "batch/v1", "hook", "helm", hook.clone()),
        by(
            "Secret",
            "v1",
            "sh.helm.release.v1.a.v1",
            "kubectl",
            json!({}),
        ),
    ];
    assert_eq!(extra(&live).len(), live.len());
    let service = json!({"apiVersion": "v1", "kind": "Service", "spec": {"selector": {"a": "b"}},
        "metadata": {"name": "db", "namespace": "shop"}});
    let release = by(
        "Secret",
        "v1",
        "sh.helm.release.v1.a.v1",
        "helm",
        json!({"labels": {"owner": "helm"}}),
    );
    let record = json!({"name": "a", "hooks": [{"kind": "Job", "name": "hook"}]});
    let mut release = release;
    release["data"] = json!({"release": STANDARD.encode(STANDARD.encode(record.to_string()))});
    let proven = [
        service,
        release,
        by(
            "Endpoints",
            "v1",
            "db",
            "kube-controller-manager",
            json!({}),
        ),
        by("Job", "batch/v1", "hook", "helm", hook),
    ];
    assert_eq!(extra(&proven), ["Service/db"]);
}

fn webhook(name: &str, rest: Value) -> Value {
    let mut webhook = json!({"name": "inject.mesh.example.com", "rules": [{"apiGroups": ["apps"],
        "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}]});
    for (field, value) in rest.as_object().unwrap() {
        webhook[field] = value.clone();
    }
    json!({"apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "webhooks": [webhook]})
}

/// Returns how many objects have drift in each run of these names, if those in `with` have a
/// sidecar.
fn with_sidecars(names: &[&str], with: &[&str], webhook: &Value) -> usize {
    let declared = names.iter().map(|name| workload("Deployment", name));
    let declared: Vec<Value> = declared.collect();
    let live: Vec<Value> = (names.iter().zip(&declared))
        .map(|(name, object)| {
            let change = |object: &mut Value| {
                if with.contains(name) {
                    let pod = object.pointer_mut(POD).unwrap();
                    pod["initContainers"] = json!([{"name": "mesh", "image": "mesh:1"}]);
                }
            };
            let mut object = live(object.clone(), change, None);
            object["metadata"]["managedFields"][0]["time"] = json!("2026-06-01T00:00:00Z");
            object
        })
        .collect();
    let live: Vec<&Value> = live.iter().chain([webhook]).collect();
    let text: Vec<String> = declared.iter().map(ToString::to_string).collect();
    let objects = compared(&text.join("\n---\n"), &live);
    objects.iter().filter(|object| object.is_drift()).count()
}

const FOUR: &[&str] = &["a", "b", "c", "d"];

/// Returns how many of four objects have drift, where all carry the same change and a webhook
/// matches all.
fn with_all_changed(change: &dyn Fn(&mut Value), of_webhook: Value) -> usize {
    let declared: Vec<Value> = FOUR.iter().map(|n| workload("Deployment", n)).collect();
    let live: Vec<Value> = (declared.iter())
        .map(|object| {
            let mut object = live(object.clone(), change, None);
            object["metadata"]["managedFields"][0]["time"] = json!("2026-06-01T00:00:00Z");
            object
        })
        .collect();
    let webhook = webhook("mesh", of_webhook);
    let live: Vec<&Value> = live.iter().chain([&webhook]).collect();
    let text: Vec<String> = declared.iter().map(ToString::to_string).collect();
    let objects = compared(&text.join("\n---\n"), &live);
    objects.iter().filter(|object| object.is_drift()).count()
}

#[test]
fn no_webhook_explains_what_is_critical_or_makes_tools_skip_the_object() {
    let of_pod = |field: &'static str, value: Value| {
        let change = move |object: &mut Value| {
            object.pointer_mut(POD).unwrap()[field] = value.clone();
        };
        with_all_changed(&change, json!({}))
    };
    assert_eq!(of_pod("hostPID", json!(true)), 4);
    let privileged =
        json!([{"name": "x", "image": "x:1", "securityContext": {"privileged": true}}]);
    assert_eq!(of_pod("initContainers", privileged), 4);
    assert_eq!(
        of_pod(
            "initContainers",
            json!([{"name": "mesh", "image": "mesh:1"}])
        ),
        0
    );
    let preload = |object: &mut Value| {
        let container = &mut object.pointer_mut(POD).unwrap()["containers"][0];
        container["env"] = json!([{"name": "LD_PRELOAD", "value": "/x.so"}]);
    };
    let no_rules = json!({"rules": []});
    assert_eq!(with_all_changed(&preload, no_rules), 4, "all carry it");
    let mark = |object: &mut Value| {
        object["metadata"]["annotations"] =
            json!({"kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent"});
    };
    assert_eq!(with_all_changed(&mark, json!({})), 4);
}

#[test]
fn explains_what_all_objects_matched_by_a_webhook_have() {
    assert_eq!(with_sidecars(FOUR, FOUR, &webhook("mesh", json!({}))), 0);
    let by_label = json!({"objectSelector": {"matchExpressions": [
        {"key": "app", "operator": "NotIn", "values": ["d"]}]}});
    let three = &FOUR[..3];
    assert_eq!(with_sidecars(FOUR, three, &webhook("mesh", by_label)), 0);
    let by_namespace = json!({"namespaceSelector": {"matchLabels": {
        "kubernetes.io/metadata.name": "shop"}}});
    assert_eq!(with_sidecars(FOUR, FOUR, &webhook("mesh", by_namespace)), 0);
}

#[test]
fn a_webhook_does_not_explain_what_only_some_objects_have() {
    let all = json!({});
    assert_eq!(with_sidecars(FOUR, &FOUR[..3], &webhook("mesh", all)), 3);
    for rest in [
        json!({"matchConditions": [{"name": "a", "expression": "true"}]}),
        json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}}),
        json!({"objectSelector": {"matchLabels": {"app": "z"}}}),
        json!({"rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
            "resources": ["pods"]}]}),
        json!({"rules": [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["DELETE"],
            "resources": ["deployments"]}]}),
        json!({"rules": []}),
        json!({"rules": null}),
    ] {
        assert_eq!(with_sidecars(FOUR, FOUR, &webhook("mesh", rest)), 4);
    }
}

/// Someone who may create webhooks creates one that matches a change made by hand.
#[test]
fn a_webhook_created_after_the_change_does_not_explain_it() {
    let for_one = json!({"objectSelector": {"matchLabels": {"app": "a"}}});
    assert_eq!(with_sidecars(FOUR, &["a"], &webhook("mine", for_one)), 1);
    let mut later = webhook("mine", json!({}));
    later["metadata"]["creationTimestamp"] = json!("2026-07-01T00:00:00Z");
    assert_eq!(with_sidecars(FOUR, FOUR, &later), 4);
}

/// Anyone may create a ClusterRole with permissions that they have, so that a label is no proof.
#[test]
fn rules_of_an_undeclared_role_widen_an_aggregated_one_unless_something_there_made_it() {
    const API: &str = "rbac.authorization.k8s.io/v1";
    let rule = |resource: &str| json!({"apiGroups": ["shop.example"], "resources": [resource], "verbs": ["*"]});
    let role = |name: &str, label: &str, rules: Value| {
        json!({"apiVersion": API, "kind": "ClusterRole",
            "metadata": {"name": name, "labels": {"to": label}}, "rules": rules})
    };
    let aggregated = |rules: Value| {
        json!({"apiVersion": API, "kind": "ClusterRole", "metadata": {"name": "all"},
            "rules": rules, "aggregationRule":
                {"clusterRoleSelectors": [{"matchLabels": {"to": "all"}}]}})
    };
    let declared = [
        aggregated(json!([])),
        role("part", "all", json!([rule("pods")])),
    ];
    let whole = aggregated(json!([rule("pods"), rule("secrets")]));
    let system = role("system:basic-user", "none", json!([]));
    let drift = |stranger: &Value, maker: Option<&Value>| {
        let mut live = vec![&whole, &declared[1], &system, stranger];
        live.extend(maker);
        drift_of("ClusterRole", &[&declared[0], &declared[1]], &live)
    };
    let stranger = role("stranger", "all", json!([rule("secrets")]));
    let widened = ["changed .rules"];
    assert_eq!(drift(&stranger, None), widened);
    let marked = |annotations: Value, labels: Value, owners: Value| {
        let mut marked = stranger.clone();
        marked["metadata"]["annotations"] = annotations;
        marked["metadata"]["ownerReferences"] = owners;
        let labels = labels.as_object().unwrap().clone();
        let all = marked["metadata"]["labels"].as_object_mut().unwrap();
        all.extend(labels);
        marked
    };
    let none = || json!({});
    let id = "web:rbac.authorization.k8s.io/ClusterRole:/stranger";
    let of_argo_cd = marked(
        json!({"argocd.argoproj.io/tracking-id": id}),
        none(),
        json!([]),
    );
    let application = |name: &str| {
        json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": "web", "namespace": "argocd"}, "status": {"resources": [
                {"group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}]}})
    };
    let of_flux = marked(
        none(),
        json!({"kustomize.toolkit.fluxcd.io/name": "web",
            "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}),
        json!([]),
    );
    let kustomization = |name: &str| {
        let id = format!("_{name}_rbac.authorization.k8s.io_ClusterRole");
        json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "web", "namespace": "flux-system"},
            "status": {"inventory": {"entries": [{"id": id, "v": "v1"}]}}})
    };
    let of_operator = marked(
        none(),
        none(),
        json!([{"apiVersion": "pkg.crossplane.io/v1", "kind": "ProviderRevision", "name": "aws",
            "uid": "u-aws", "controller": true}]),
    );
    let revision = |uid: &str| {
        json!({"apiVersion": "pkg.crossplane.io/v1", "kind": "ProviderRevision",
            "metadata": {"name": "aws", "uid": uid}})
    };
    for (stranger, maker, other) in [
        (&of_argo_cd, application("stranger"), application("x")),
        (&of_flux, kustomization("stranger"), kustomization("x")),
        (&of_operator, revision("u-aws"), revision("u-x")),
    ] {
        assert_eq!(drift(stranger, None), widened, "{stranger}");
        assert_eq!(drift(stranger, Some(&other)), widened, "{other}");
        assert_eq!(drift(stranger, Some(&maker)), [""; 0], "{maker}");
    }
}

/// The defaulting webhook of an operator: what nobody but the applier owns in the specification of
/// its custom resources comes from it, unless it is severe, or the webhook is called for more.
#[test]
fn the_webhook_of_an_operator_defaults_its_own_resources() {
    let declared = queue(json!({"a": 1}));
    let group = declared["apiVersion"]
        .as_str()
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    let definition = definition(json!({"a": {"type": "integer"}, "b": {"type": "string"},
        "image": {"type": "string"}}));
    let found = |groups: Value, field: &str, by: Option<&str>| {
        let mut applied = declared.clone();
        applied["spec"][field] = json!("x");
        let version = declared["apiVersion"].clone();
        let mut entries = vec![json!({"manager": "argocd-controller", "operation": "Apply",
            "apiVersion": version, "fieldsType": "FieldsV1", "time": "2026-06-01T00:00:00Z",
            "fieldsV1": {"f:spec": {"f:a": {}}}})];
        entries.extend(by.map(|by| {
            json!({"manager": by, "operation": "Update", "apiVersion": version, "time": "2026-06-02T00:00:00Z",
                "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": { format!("f:{field}"): {} }}})
        }));
        applied["metadata"]["managedFields"] = json!(entries);
        let webhook = webhook(
            "operator",
            json!({"rules": [{"apiGroups": groups, "apiVersions": ["*"],
            "operations": ["CREATE", "UPDATE"], "resources": ["*"], "scope": "*"}]}),
        );
        drift_of("Queue", &[&declared], &[&applied, &definition, &webhook]).len()
    };
    assert_eq!(found(json!([group]), "b", None), 0);
    assert_eq!(found(json!([group]), "b", Some("kubectl-edit")), 1);
    assert_eq!(found(json!(["example.org"]), "b", None), 1);
    assert_eq!(found(json!([group, "apps"]), "b", None), 1);
    assert_eq!(found(json!(["*"]), "b", None), 1);
}

#[test]
fn metadata_without_content_equals_none() {
    let declared = queue(json!({"template": {"size": 1}}));
    let found = |metadata: Value| {
        let mut live = declared.clone();
        live["spec"]["template"]["metadata"] = metadata;
        drift_of("Queue", &[&declared], &[&live]).len()
    };
    assert_eq!(
        found(json!({"creationTimestamp": null, "annotations": {}})),
        0
    );
    assert_eq!(found(json!({"labels": {"a": "b"}})), 1);
}
