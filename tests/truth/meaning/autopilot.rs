//! Tests what GKE Autopilot changes: it is explained only as far as Autopilot recorded it.

use serde_json::{Value, json};

use super::{at, drift_of, object};

/// Returns a Deployment, and the same after GKE Autopilot has adjusted it.
fn adjusted() -> [Value; 2] {
    let declared = object(
        "apps/v1",
        "Deployment",
        &json!({"selector": {"matchLabels": {"app": "a"}}, "template": {
            "metadata": {"labels": {"app": "a"}},
            "spec": {"containers": [
                {"name": "a", "image": "a", "resources": {
                    "limits": {"cpu": "1000m"}, "requests": {"cpu": "500m", "memory": "100Mi"}}},
                {"name": "b", "image": "b"}]}}}),
    );
    let mut live = declared.clone();
    let all = json!({"cpu": "500m", "memory": "2Gi"});
    let containers = [
        json!({"name": "a", "limits": {"cpu": "1", "memory": "512Mi"},
            "requests": {"cpu": "500m", "memory": "512Mi"}}),
        json!({"name": "b", "limits": all, "requests": all}),
    ];
    let spec = &mut live["spec"]["template"]["spec"];
    for (at, made) in containers.iter().enumerate() {
        let container = &mut spec["containers"][at];
        container["resources"] = json!({"limits": made["limits"], "requests": made["requests"]});
        container["securityContext"] = json!({"capabilities": {"drop": ["NET_RAW"]}});
    }
    spec["securityContext"] = json!({"seccompProfile": {"type": "RuntimeDefault"}});
    spec["tolerations"] = json!([{"key": "kubernetes.io/arch", "operator": "Equal",
        "value": "amd64", "effect": "NoSchedule"}]);
    let record = json!({"input": {"containers": [
            {"name": "a", "limits": {"cpu": "1"}, "requests": {"cpu": "500m", "memory": "100Mi"}},
            {"name": "b"}]},
        "output": {"containers": containers}, "modified": true});
    live["metadata"]["annotations"] = json!({
        "autopilot.gke.io/resource-adjustment": record.to_string(),
        "autopilot.gke.io/warden-version": "33.33.21-gke.1"});
    live["metadata"]["managedFields"] = json!([
        {"manager": "argocd-controller", "operation": "Apply", "apiVersion": "apps/v1",
         "fieldsType": "FieldsV1", "fieldsV1": at("f:spec.f:template.f:spec.f:containers", &json!({
            r#"k:{"name":"a"}"#: {".": {}, "f:name": {}, "f:image": {}, "f:resources": {
                "f:limits": {"f:cpu": {}}, "f:requests": {"f:cpu": {}, "f:memory": {}}}},
            r#"k:{"name":"b"}"#: {".": {}, "f:name": {}, "f:image": {}}}))}]);
    [declared, live]
}

#[test]
fn explains_what_autopilot_recorded_field_by_field() {
    let [declared, live] = adjusted();
    assert_eq!(
        drift_of("Deployment", &[&declared], &[&live]),
        [""; 0],
        "adjusted"
    );
    let mut unowned = live.clone();
    unowned["metadata"]["managedFields"].take();
    assert_eq!(
        drift_of("Deployment", &[&declared], &[&unowned]),
        [""; 0],
        "without managed fields"
    );
}

#[test]
fn reports_changes_that_autopilot_did_not_record() {
    const CONTAINER: &str = ".spec.template.spec.containers[name=\"a\"]";
    let [declared, adjusted] = adjusted();
    let pod = "/spec/template/spec";
    let changed = |path: &str, value: Value| {
        let mut live = adjusted.clone();
        *live.pointer_mut(&format!("{pod}/{path}")).unwrap() = value;
        drift_of("Deployment", &[&declared], &[&live])
    };
    assert_eq!(
        changed("containers/0/resources/requests/memory", json!("9Gi")),
        [format!("changed {CONTAINER}.resources.requests.memory")],
        "not the output"
    );
    assert_eq!(
        changed("containers/0/resources/limits/memory", json!("9Gi")),
        [format!("added {CONTAINER}.resources.limits.memory")],
        "not the output"
    );
    assert_eq!(
        changed(
            "containers/0/securityContext/capabilities",
            json!({"add": ["NET_RAW"]})
        ),
        [format!("added {CONTAINER}.securityContext")]
    );
    assert_eq!(
        changed("securityContext/seccompProfile/type", json!("Unconfined")),
        ["added .spec.template.spec.securityContext.seccompProfile"]
    );
    assert_eq!(
        changed("tolerations/0/key", json!("control-plane")),
        ["added .spec.template.spec.tolerations"]
    );
}

#[test]
fn a_request_that_is_not_what_autopilot_got_is_drift() {
    let [mut declared, live] = adjusted();
    let requests =
        &mut declared["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"];
    requests["memory"] = json!("200Mi");
    assert_eq!(
        drift_of("Deployment", &[&declared], &[&live]),
        [r#"changed .spec.template.spec.containers[name="a"].resources.requests.memory"#]
    );
}

#[test]
fn does_not_trust_an_adjustment_that_someone_owns() {
    let [declared, mut live] = adjusted();
    let entry = json!({"manager": "kubectl-annotate", "operation": "Update",
        "apiVersion": "apps/v1", "fieldsType": "FieldsV1",
        "fieldsV1": at("f:metadata.f:annotations", &json!({
            "f:autopilot.gke.io/resource-adjustment": {}}))});
    let entries = live["metadata"]["managedFields"].as_array_mut();
    entries.unwrap().push(entry);
    assert!(drift_of("Deployment", &[&declared], &[&live]).len() > 5);
}

#[test]
fn without_managed_fields_undeclared_resources_of_an_earlier_adjustment_are_defaults() {
    let [declared, mut live] = adjusted();
    live["metadata"]["managedFields"].take();
    let again = |memory: &str| {
        let limits = json!({"cpu": "500m", "memory": memory});
        let all = json!([{"name": "b", "limits": limits,
            "requests": {"cpu": "500m", "memory": "2Gi"}}]);
        let record = json!({"input": {"containers": all}, "output": {"containers": all}});
        let mut live = live.clone();
        live["metadata"]["annotations"]["autopilot.gke.io/resource-adjustment"] =
            json!(record.to_string());
        live["spec"]["template"]["spec"]["containers"][1]["resources"]["limits"] = limits;
        let found = drift_of("Deployment", &[&declared], &[&live]);
        let of_b = found.into_iter().filter(|it| it.contains(r#"name="b""#));
        of_b.collect::<Vec<String>>()
    };
    assert_eq!(again("2Gi"), [""; 0]);
    assert_eq!(
        again("3Gi"),
        [r#"added .spec.template.spec.containers[name="b"].resources.limits.memory"#]
    );
}
