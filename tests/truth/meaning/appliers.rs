//! Tests the choice of the applier, and how changes of other appliers are judged.

use driftctl::model::ChangeCause;
use serde_json::{Value, json};

use super::compared_with;
use driftctl::engine::Options;

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

fn config(data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "shop"}, "data": data})
}

fn entry(manager: &str, operation: &str, keys: &[&str]) -> Value {
    let keys = keys.iter().map(|key| (format!("f:{key}"), json!({})));
    let keys: serde_json::Map<String, Value> = keys.collect();
    json!({"manager": manager, "operation": operation, "apiVersion": "v1",
        "time": "2026-11-20T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": keys}})
}

/// Returns the live object, with its managers and what client-side apply sent last.
fn live(data: &Value, mut managers: Vec<Value>, sent: Option<(&str, &Value)>) -> Value {
    let mut live = config(data);
    if let Some((by, sent)) = sent {
        live["metadata"]["annotations"] = json!({ LAST_APPLIED: config(sent).to_string() });
        let mut managers = managers.iter_mut();
        let writer = managers.find(|entry| entry["manager"] == by).unwrap();
        writer["fieldsV1"]["f:metadata"] =
            json!({"f:annotations": {format!("f:{LAST_APPLIED}"): {}}});
    }
    live["metadata"]["managedFields"] = managers.into();
    live
}

/// Returns each reported change with its cause and its managers.
fn reported(
    declared: &Value,
    live: &Value,
    named: &[&str],
) -> Vec<(String, Option<ChangeCause>, Vec<String>)> {
    let options = Options {
        field_managers: named.iter().map(|name| (*name).to_owned()).collect(),
        ..Options::default()
    };
    let objects = compared_with(&declared.to_string(), &[live], &options);
    let all = objects[0].reported().map(|drift| {
        let owners = drift.owners.iter().map(|owner| owner.manager.clone());
        (drift.change.path.to_string(), drift.cause, owners.collect())
    });
    all.collect()
}

fn change(
    path: &str,
    cause: Option<ChangeCause>,
    by: &str,
) -> (String, Option<ChangeCause>, Vec<String>) {
    (path.to_owned(), cause, vec![by.to_owned()])
}

#[test]
fn additions_of_a_second_applier_are_drift() {
    let declared = config(&json!({"a": "1", "b": "2"}));
    let managers = || {
        vec![
            entry("argocd-controller", "Apply", &["a", "b"]),
            entry("kubectl", "Apply", &["a", "b", "c"]),
        ]
    };
    let live = live(&json!({"a": "1", "b": "2", "c": "3"}), managers(), None);
    assert_eq!(
        reported(&declared, &live, &[]),
        [change(".data.c", None, "kubectl")]
    );
}

#[test]
fn changes_of_a_second_applier_are_attributed_to_it() {
    let declared = config(&json!({"a": "1", "b": "2", "c": "3"}));
    let managers = vec![
        entry("kustomize-controller", "Apply", &["a", "b"]),
        entry("kubectl", "Apply", &["a", "b", "c"]),
    ];
    let live = live(&json!({"a": "1", "b": "2", "c": "9"}), managers, None);
    assert_eq!(
        reported(&declared, &live, &[]),
        [change(".data.c", None, "kubectl")]
    );
}

#[test]
fn fields_dropped_from_the_manifest_have_their_own_cause() {
    let declared = config(&json!({"a": "1"}));
    let data = json!({"a": "1", "b": "2"});
    let on_the_server = live(
        &data,
        vec![entry("argocd-controller", "Apply", &["a", "b"])],
        None,
    );
    let dropped = Some(ChangeCause::Dropped);
    assert_eq!(
        reported(&declared, &on_the_server, &[]),
        [change(".data.b", dropped, "argocd-controller")]
    );
    let client = "kubectl-client-side-apply";
    let on_the_client = live(
        &data,
        vec![entry(client, "Update", &["a", "b"])],
        Some((client, &data)),
    );
    assert_eq!(
        reported(&declared, &on_the_client, &[]),
        [change(".data.b", dropped, client)]
    );
}

/// Like kubectl, Argo CD without server-side apply keeps an annotation that separates what it sent
/// from what it patched in. A ConfigMap's data has no defaults.
#[test]
fn the_writer_of_last_applied_is_a_client_side_applier() {
    let declared = config(&json!({"a": "1"}));
    let data = json!({"a": "1", "b": "2"});
    let managers = || vec![entry("argocd-controller", "Update", &["a", "b"])];
    let written = change(
        ".data.b",
        Some(ChangeCause::WrittenByApplier),
        "argocd-controller",
    );
    let sent = json!({"a": "1"});
    let patched = live(&data, managers(), Some(("argocd-controller", &sent)));
    assert_eq!(
        reported(&declared, &patched, &[]),
        std::slice::from_ref(&written)
    );
    let dropped = live(&data, managers(), Some(("argocd-controller", &data)));
    let expected = change(".data.b", Some(ChangeCause::Dropped), "argocd-controller");
    assert_eq!(reported(&declared, &dropped, &[]), [expected]);
    let without = live(&data, managers(), None);
    assert_eq!(reported(&declared, &without, &[]), [written]);
}

/// A webhook that pins images by digest changes what `kubectl apply` sent, and its value is owned by
/// the applier. kubectl before 1.18 also edited as `kubectl`.
#[test]
fn a_value_changed_during_an_apply_has_its_own_cause() {
    let declared = config(&json!({"a": "1"}));
    let found = |manager: &str, sent: &Value| {
        let managers = vec![entry(manager, "Update", &["a"])];
        let live = live(&json!({"a": "1@sha256:0"}), managers, Some((manager, sent)));
        reported(&declared, &live, &[])
    };
    let data = json!({"a": "1"});
    for manager in ["kubectl-client-side-apply", "argocd-controller"] {
        let cause = Some(ChangeCause::ChangedOnApply);
        assert_eq!(found(manager, &data), [change(".data.a", cause, manager)]);
    }
    assert_eq!(
        found("kubectl", &data),
        [change(".data.a", None, "kubectl")]
    );
    let older = json!({"a": "0"});
    let client = "kubectl-client-side-apply";
    assert_eq!(found(client, &older), [change(".data.a", None, client)]);
}

#[test]
fn finds_a_client_side_apply_over_a_controller() {
    let declared = config(&json!({"a": "1", "b": "2"}));
    let client = "kubectl-client-side-apply";
    let sent = json!({"a": "1", "b": "2", "c": "3"});
    let managers = vec![
        entry("argocd-controller", "Apply", &["a", "b"]),
        entry(client, "Update", &["c"]),
    ];
    let live = live(&sent, managers, Some((client, &sent)));
    let expected = change(".data.c", Some(ChangeCause::AppliedElsewhere), client);
    let found = reported(&declared, &live, &[]);
    let found: Vec<_> = found
        .into_iter()
        .filter(|(path, ..)| path.starts_with(".data"))
        .collect();
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].0, &found[0].2), (&expected.0, &expected.2));
}

#[test]
fn field_manager_sets_the_applier() {
    let declared = config(&json!({"a": "1"}));
    let managers = vec![
        entry("argocd-controller", "Apply", &["a", "b"]),
        entry("ci", "Apply", &["c"]),
    ];
    let live = live(&json!({"a": "1", "b": "2", "c": "3"}), managers, None);
    let found = reported(&declared, &live, &["ci"]);
    assert_eq!(
        found,
        [
            change(".data.b", None, "argocd-controller"),
            change(".data.c", Some(ChangeCause::Dropped), "ci"),
        ]
    );
}

/// A field manager's entry, with the fields as `fieldsV1` has them.
fn holds(manager: &str, operation: &str, fields: &Value) -> Value {
    json!({"manager": manager, "operation": operation, "apiVersion": "v1",
        "time": "2026-11-20T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": fields})
}

#[test]
fn who_changed_a_part_of_a_free_form_value_is_named_without_who_applied_the_whole() {
    let declared = json!({"apiVersion": "a.example/v1", "kind": "Gizmo",
        "metadata": {"name": "a", "namespace": "shop"},
        "spec": {"free": {"any": {"thing": [1, 2]}}}});
    let mut live = declared.clone();
    live["spec"]["free"]["any"]["thing"] = json!([1]);
    live["metadata"]["managedFields"] = json!([
        holds(
            "kustomize-controller",
            "Apply",
            &json!({"f:spec": {"f:free": {"f:any": {}}}})
        ),
        holds(
            "kubectl-patch",
            "Update",
            &json!({"f:spec": {"f:free": {"f:any": {"f:thing": {}}}}})
        ),
    ]);
    assert_eq!(
        reported(&declared, &live, &[]),
        [change(".spec.free.any.thing", None, "kubectl-patch")]
    );
}

#[test]
fn does_not_attribute_a_taint_to_the_controller_that_wrote_another() {
    let declared = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"},
        "spec": {"podCIDR": "10.0.0.0/24"}});
    let taint = |key: &str| {
        let mut live = declared.clone();
        live["spec"]["taints"] = json!([{"key": key, "effect": "NoExecute"}]);
        live["status"]["conditions"] = json!([{"type": "Ready", "status": "True"}]);
        live["metadata"]["managedFields"] = json!([
            holds("ci", "Apply", &json!({"f:spec": {"f:podCIDR": {}}})),
            holds(
                "kube-controller-manager",
                "Update",
                &json!({"f:spec": {"f:taints": {}}})
            ),
        ]);
        reported(&declared, &live, &[])
    };
    let by =
        |taint: &[(String, Option<ChangeCause>, Vec<String>)]| (taint[0].1, taint[0].2.clone());
    assert_eq!(
        by(&taint("dedicated")),
        (Some(ChangeCause::Unattributed), Vec::new())
    );
    assert_eq!(
        by(&taint("node.kubernetes.io/unreachable")),
        (Some(ChangeCause::Unattributed), Vec::new())
    );
    let controller = vec!["kube-controller-manager".to_owned()];
    assert_eq!(
        by(&taint("node.kubernetes.io/out-of-service")),
        (None, controller)
    );
}

#[test]
fn names_who_set_a_field_of_an_autoscaler_that_v1_keeps_in_an_annotation() {
    const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
    let declared = json!({"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "a", "namespace": "shop"},
        "spec": {"maxReplicas": 5, "scaleTargetRef": {
            "apiVersion": "apps/v1", "kind": "Deployment", "name": "a"}}});
    let mut live = declared.clone();
    live["metadata"]["annotations"] = json!({BEHAVIOR: "{}"});
    let set_by = |fields: &Value| {
        let mut live = live.clone();
        live["metadata"]["managedFields"] = json!([
            holds(
                "argocd-controller",
                "Apply",
                &json!({"f:spec": {
                "f:maxReplicas": {}, "f:scaleTargetRef": {}}})
            ),
            holds("kubectl-edit", "Update", fields),
        ]);
        reported(&declared, &live, &[])
    };
    let path = format!(".metadata.annotations[\"{BEHAVIOR}\"]");
    let behavior = json!({"f:spec": {"f:behavior": {"f:scaleDown": {"f:selectPolicy": {}}}}});
    assert_eq!(
        set_by(&behavior),
        [(path.clone(), None, vec!["kubectl-edit".to_owned()])]
    );
    let other = json!({"f:spec": {"f:minReplicas": {}}});
    let unattributed = Some(ChangeCause::Unattributed);
    assert_eq!(set_by(&other), [(path, unattributed, Vec::new())]);
}
