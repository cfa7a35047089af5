//! Tests of the comparison on small objects, one rule at a time.

use serde_json::{Value, json};

use super::{ComparisonInput, Difference, Explain, KeepFindings, Reason, compare, normalize};
use crate::model::{ChangeCause, ChangeKind, FieldPath, Owner};
use crate::ownership::{Appliers, LastSent, ownership_of};
use crate::schema::Schema;

/// Has no rules, so that only types and owners explain.
struct NoRules;

impl Explain for NoRules {
    fn explains(&self, path: &FieldPath, _: ChangeKind, _: &[&Owner]) -> Option<Reason> {
        let hidden: FieldPath = ".metadata.managedFields".parse().unwrap();
        path.starts_with(&hidden)
            .then(|| crate::model::Explanation::ServerManaged.into())
    }
}

fn findings(declared: &Value, live: &Value, keep_explained: bool) -> Vec<Difference> {
    let schema = Schema::builtin();
    let text = |field: &str| live[field].as_str().unwrap().to_owned();
    let normal = normalize(declared.clone(), true);
    let ownership = ownership_of(live);
    compare(&ComparisonInput {
        declared: &normal,
        live,
        schema,
        root: schema.kind(&text("apiVersion"), &text("kind")),
        ownership: &ownership,
        appliers: &Appliers::of(&ownership, declared, live, &[]),
        sent: &LastSent::of(live),
        rules: &NoRules,
        keep: if keep_explained {
            KeepFindings::All
        } else {
            KeepFindings::Drift
        },
    })
}

/// Returns the reported changes, one per line.
#[track_caller]
fn drift(declared: &Value, live: &Value) -> Vec<String> {
    let line =
        |finding: &Difference| format!("{} {}", finding.change.kind.as_str(), finding.change.path);
    let found = findings(declared, live, false);
    found
        .iter()
        .filter(|f| f.reason.is_none())
        .map(line)
        .collect()
}

/// Returns a Deployment with this Pod spec.
fn pod(spec: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "a", "namespace": "b"},
        "spec": {"template": {"spec": spec}}})
}

fn container(fields: Value) -> Value {
    let mut container = json!({"name": "app", "image": "x:1"});
    for (name, value) in fields.as_object().unwrap() {
        container[name] = value.clone();
    }
    pod(json!({"containers": [container]}))
}

/// Returns the object with these managed fields.
fn managed(mut live: Value, entries: Value) -> Value {
    live["metadata"]["managedFields"] = entries;
    live
}

const APP: &str = ".spec.template.spec.containers[name=\"app\"]";

#[test]
fn an_object_equals_itself() {
    let object = container(json!({"env": [{"name": "A", "value": "1"}], "args": ["a", "b"]}));
    assert!(drift(&object, &object).is_empty());
}

#[test]
fn spellings_of_one_value_are_equal() {
    let declared =
        container(json!({"resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}}}));
    let live = container(json!({"resources": {"limits": {"cpu": 1, "memory": "1Gi"}}}));
    assert!(drift(&declared, &live).is_empty());
}

#[test]
fn null_means_the_same_as_absent() {
    let declared = container(json!({"command": null}));
    assert!(drift(&declared, &container(json!({}))).is_empty());
    let live = container(json!({"command": ["sh"]}));
    assert_eq!(drift(&declared, &live), [format!("added {APP}.command")]);
}

#[test]
fn null_in_a_map_or_a_list_is_stored_as_a_zero() {
    let declared = pod(json!({"nodeSelector": {"disk": null},
        "containers": [{"name": "app", "args": [null, "a"]}]}));
    let live = |disk: &str, first: &str| {
        let spec = json!({"nodeSelector": {"disk": disk},
            "containers": [{"name": "app", "args": [first, "a"]}]});
        managed(
            pod(spec),
            json!([{"manager": "someone", "operation": "Update",
            "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:nodeSelector": {"f:disk": {}}}}}}}]),
        )
    };
    assert_eq!(drift(&declared, &live("", "")), [""; 0]);
    let limits = |cpu: Value| {
        pod(json!({"containers": [{"name": "app",
        "resources": {"limits": {"cpu": cpu}}}]}))
    };
    assert_eq!(drift(&limits(Value::Null), &limits(json!("0"))), [""; 0]);
    assert_eq!(drift(&limits(Value::Null), &limits(json!("1"))).len(), 1);
    assert_eq!(drift(&declared, &live("ssd", "b")).len(), 2);
}

#[test]
fn zeros_that_are_not_stored_are_absent() {
    let declared = pod(json!({"hostNetwork": false, "containers": []}));
    assert!(drift(&declared, &pod(json!({"containers": []}))).is_empty());
    let live = pod(json!({"hostNetwork": true, "containers": []}));
    assert_eq!(
        drift(&declared, &live),
        ["changed .spec.template.spec.hostNetwork"]
    );
}

#[test]
fn zeros_that_are_stored_are_not_absent() {
    let declared = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 0}});
    let live = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {}});
    assert_eq!(drift(&declared, &live), ["removed .spec.replicas"]);
}

#[test]
fn matches_items_of_associative_lists_by_key() {
    let declared = container(json!({"env": [{"name": "A", "value": "1"}, {"name": "B"}]}));
    let live = container(json!({"env": [{"name": "B"}, {"name": "A", "value": "2"}]}));
    assert_eq!(
        drift(&declared, &live),
        [format!("changed {APP}.env[name=\"A\"].value")]
    );
}

#[test]
fn an_omitted_key_has_its_default() {
    let declared = container(json!({"ports": [{"containerPort": 80}]}));
    let live = container(json!({"ports": [{"containerPort": 80, "protocol": "UDP"}]}));
    assert_eq!(
        drift(&declared, &live),
        [
            format!("removed {APP}.ports[containerPort=80,protocol=\"TCP\"]"),
            format!("added {APP}.ports[containerPort=80,protocol=\"UDP\"]"),
        ]
    );
}

#[test]
fn atomic_lists_keep_their_order() {
    let declared = container(json!({"args": ["a", "b"]}));
    let live = container(json!({"args": ["b", "a"]}));
    assert_eq!(drift(&declared, &live), [format!("changed {APP}.args")]);
}

#[test]
fn reports_the_changed_item_of_an_atomic_list() {
    let rules = |verb: &str| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": [
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
            {"apiGroups": [""], "resources": ["secrets"], "verbs": [verb]}]})
    };
    assert_eq!(
        drift(&rules("get"), &rules("*")),
        ["changed .rules[1].verbs"]
    );
}

#[test]
fn sets_have_no_order() {
    let with = |finalizers: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"finalizers": finalizers}});
    assert!(drift(&with(json!(["a", "b"])), &with(json!(["b", "a"]))).is_empty());
    assert_eq!(
        drift(&with(json!(["a"])), &with(json!(["a", "c"]))),
        ["added .metadata.finalizers[=\"c\"]"]
    );
}

#[test]
fn explains_an_unowned_value_that_is_the_default_of_its_type() {
    let live = managed(
        container(json!({"imagePullPolicy": "IfNotPresent"})),
        json!([{"manager": "argocd-controller", "operation": "Apply", "fieldsV1": {"f:spec": {
            "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"app\"}": {
                ".": {}, "f:name": {}, "f:image": {}}}}}}}}]),
    );
    assert!(drift(&container(json!({})), &live).is_empty());
}

#[test]
fn reports_an_addition_that_another_manager_owns() {
    let live = managed(
        container(json!({"env": [{"name": "DEBUG", "value": "1"}]})),
        json!([{"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:spec": {
            "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"app\"}": {"f:env": {
                ".": {}, "k:{\"name\":\"DEBUG\"}": {".": {}, "f:name": {}, "f:value": {}}}}}}}}}}]),
    );
    let found = findings(&container(json!({})), &live, false);
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].change.path.to_string(),
        format!("{APP}.env[name=\"DEBUG\"]")
    );
    assert_eq!(found[0].owners[0].manager, "kubectl-edit");
}

#[test]
fn a_zero_that_is_stored_for_an_undeclared_field_is_not_drift() {
    let set = |spec: Value| {
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": {"name": "a", "namespace": "b"}, "spec": spec})
    };
    let named = |name: &str| {
        let live = set(json!({"replicas": 1, "serviceName": name}));
        let entry = json!({"manager": "kubectl-client-side-apply", "operation": "Update",
            "fieldsV1": {"f:spec": {"f:replicas": {}}}});
        drift(&set(json!({"replicas": 1})), &managed(live, json!([entry])))
    };
    assert!(named("").is_empty());
    assert_eq!(named("db"), ["added .spec.serviceName"]);
}

/// A selector that is owned as a whole already existed, as its default `{}`.
#[test]
fn reports_only_the_field_that_was_added_to_a_default() {
    let hook = |more: Value| {
        let mut hook = json!({"name": "a.example.com", "sideEffects": "None",
            "clientConfig": {"url": "https://a.example.com"}, "admissionReviewVersions": ["v1"]});
        for (name, value) in more.as_object().unwrap() {
            hook[name] = value.clone();
        }
        json!({"apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration", "webhooks": [hook]})
    };
    let selector = json!({"namespaceSelector": {"matchLabels": {"a": "b"}}});
    let by_hand = managed(
        hook(selector),
        json!([{"manager": "kubectl-patch", "operation": "Update", "fieldsV1": {"f:webhooks": {
            "k:{\"name\":\"a.example.com\"}": {"f:namespaceSelector": {}}}}}]),
    );
    assert_eq!(
        drift(&hook(json!({})), &by_hand),
        ["added .webhooks[name=\"a.example.com\"].namespaceSelector.matchLabels.a"]
    );
}

/// Returns a ConfigMap that client-side apply made, with `data` live and `sent` in last-applied.
fn applied(data: Value, sent: Value) -> Value {
    let sent = json!({"data": sent}).to_string();
    let owned: serde_json::Map<String, Value> = data
        .as_object()
        .unwrap()
        .keys()
        .map(|key| (format!("f:{key}"), json!({})))
        .collect();
    json!({"apiVersion": "v1", "kind": "ConfigMap", "data": data, "metadata": {
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": sent},
        "managedFields": [{"manager": "kubectl-client-side-apply", "operation": "Update",
            "fieldsV1": {"f:data": owned}}]}})
}

#[test]
fn a_field_that_client_side_apply_owns_but_did_not_send_is_a_default_or_drift() {
    let annotations = applied(json!({}), json!({"a": "1"}))["metadata"]["annotations"].clone();
    let declared = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"},
        "metadata": {"annotations": annotations}});
    let live = applied(json!({"a": "1", "b": "2"}), json!({"a": "1"}));
    let found = findings(&declared, &live, false);
    assert_eq!(found.len(), 1, "nobody defaults an entry of a map");
    assert_eq!(found[0].cause, Some(ChangeCause::WrittenByApplier));
}

/// `kubectl get -o yaml`, edited and applied: the commits of the manifest are not ahead of it.
#[test]
fn an_edited_copy_of_the_live_object_does_not_put_git_ahead() {
    let declared = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"}});
    let data = json!({"a": "2", "b": "2"});
    let causes = |uid: Option<&str>| -> Vec<Option<ChangeCause>> {
        let mut live = applied(data.clone(), data.clone());
        let mut sent = json!({"data": data, "metadata": {}});
        if let Some(uid) = uid {
            sent["metadata"]["uid"] = uid.into();
        }
        live["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] =
            sent.to_string().into();
        let mut declared = declared.clone();
        declared["metadata"]["annotations"] = live["metadata"]["annotations"].clone();
        let found = findings(&declared, &live, false);
        found.iter().map(|finding| finding.cause).collect()
    };
    let ahead = [ChangeCause::Unapplied, ChangeCause::Dropped].map(Some);
    assert_eq!(causes(None), ahead);
    assert_eq!(
        causes(Some("6f2a")),
        [Some(ChangeCause::AppliedElsewhere); 2]
    );
}

/// Returns the managed fields of a Deployment, with one entry of Argo CD for its container.
fn argo_books() -> Value {
    json!([{"manager": "argocd-controller", "operation": "Apply", "fieldsV1": {"f:spec": {
        "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"app\"}": {
            ".": {}, "f:name": {}, "f:image": {}}}}}}}}])
}

#[test]
fn an_unowned_value_that_is_not_a_default_is_drift() {
    for (more, path) in [
        (
            json!({"env": [{"name": "A", "value": "1"}]}),
            ".env[name=\"A\"]",
        ),
        (json!({"stdin": true}), ".stdin"),
        (json!({"imagePullPolicy": "Never"}), ".imagePullPolicy"),
        (
            json!({"securityContext": {"privileged": true}}),
            ".securityContext",
        ),
        (
            json!({"resources": {"limits": {"cpu": "1"}}}),
            ".resources.limits.cpu",
        ),
    ] {
        let live = managed(container(more), argo_books());
        let found = findings(&container(json!({})), &live, false);
        let paths: Vec<String> = found.iter().map(|f| f.change.path.to_string()).collect();
        assert_eq!(paths, [format!("{APP}{path}")]);
        assert_eq!(found[0].cause, Some(ChangeCause::Unattributed));
    }
}

#[test]
fn an_item_with_equal_keys_is_owned_as_a_whole() {
    let books = json!([{"manager": "kubectl-patch", "operation": "Update", "fieldsV1": {"f:spec": {
        "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"app\"}": {"f:env": {
            "k:{\"name\":\"MODE\"}": {}}}}}}}}}]);
    let env = |values: &[&str]| {
        let items = values
            .iter()
            .map(|value| json!({"name": "MODE", "value": value}));
        container(json!({"env": items.collect::<Vec<_>>()}))
    };
    for live in [["safe", "unsafe"], ["unsafe", "safe"]] {
        let found = findings(&env(&["safe"]), &managed(env(&live), books.clone()), false);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].change.path.to_string(),
            format!("{APP}.env[name=\"MODE\"]")
        );
        assert_eq!(found[0].owners[0].manager, "kubectl-patch");
        let note = found[0].note.as_deref().unwrap_or_default();
        assert!(note.contains("the last one counts"), "{note}");
    }
    assert!(drift(&env(&["a", "b"]), &env(&["a", "b"])).is_empty());
    assert_eq!(drift(&env(&["a", "b"]), &env(&["b", "a"])).len(), 2);
}

#[test]
fn a_field_that_was_applied_but_is_no_longer_declared_is_drift() {
    let live = applied(json!({"a": "1", "b": "2"}), json!({"a": "1", "b": "2"}));
    let declared = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"},
        "metadata": {"annotations": live["metadata"]["annotations"]}});
    let found = findings(&declared, &live, false);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].cause, Some(ChangeCause::Dropped));
}

#[test]
fn without_owners_only_defaults_are_explained() {
    let live = container(json!({"terminationMessagePath": "/dev/termination-log", "stdin": true}));
    assert_eq!(
        drift(&container(json!({})), &live),
        [format!("added {APP}.stdin")]
    );
}

#[test]
fn string_data_is_compared_with_data() {
    let declared = json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"a": "x"}});
    let live =
        json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "eA=="}, "type": "Opaque"});
    assert!(drift(&declared, &live).is_empty());
}

#[test]
fn values_of_different_types_differ() {
    for live in [
        json!("text"),
        json!(null),
        json!([1]),
        json!({"containers": "none"}),
    ] {
        let mut other = container(json!({}));
        other["spec"] = live;
        assert!(!drift(&container(json!({})), &other).is_empty(), "{other}");
    }
}

#[test]
fn without_a_schema_lists_are_matched_by_a_natural_key() {
    let with = |list: Value| json!({"apiVersion": "x/v1", "kind": "X", "spec": {"list": list}});
    let declared = with(json!([{"name": "a", "v": 1}, {"name": "b", "v": 1}]));
    let live = with(json!([{"name": "b", "v": 2}, {"name": "a", "v": 1}]));
    assert_eq!(
        drift(&declared, &live),
        ["changed .spec.list[name=\"b\"].v"]
    );
    assert_eq!(
        drift(&with(json!([1, 2])), &with(json!([2, 1]))),
        ["changed .spec.list"]
    );
}

/// Without a CustomResourceDefinition, managed fields show that items have keys or are a set.
#[test]
fn without_a_schema_items_are_matched_as_managers_own_them() {
    let with = |list: Value| {
        json!({"apiVersion": "x/v1", "kind": "X", "metadata": {"name": "a"},
            "spec": {"list": list}})
    };
    let entry = |manager: &str, operation: &str, list: Value| {
        json!({"manager": manager, "operation": operation, "apiVersion": "x/v1",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:list": list}}})
    };
    let (tcp, udp) = (
        r#"k:{"port":53,"protocol":"TCP"}"#,
        r#"k:{"port":53,"protocol":"UDP"}"#,
    );
    let item = json!({".": {}, "f:port": {}});
    let declared = with(json!([{"port": 53}]));
    let live = with(json!([
        {"port": 53, "protocol": "UDP"},
        {"port": 53, "protocol": "TCP", "weight": 1},
    ]));
    let owned = json!([
        entry("argocd-controller", "Apply", json!({tcp: item})),
        entry(
            "kubectl-edit",
            "Update",
            json!({udp: {".": {}, "f:port": {}, "f:protocol": {}}})
        ),
    ]);
    let found = findings(&declared, &managed(live, owned), false);
    let [found] = found.as_slice() else {
        panic!("{found:?}");
    };
    let path = ".spec.list[port=53,protocol=\"UDP\"]";
    assert_eq!(found.change.path.to_string(), path);
    assert_eq!(found.owners[0].manager, "kubectl-edit");

    // The only item has another key than the default that was applied.
    let live = with(json!([{"port": 53, "protocol": "UDP"}]));
    let owned = json!([
        entry("argocd-controller", "Apply", json!({tcp: item})),
        entry(
            "kubectl-edit",
            "Update",
            json!({udp: {".": {}, "f:port": {}, "f:protocol": {}}})
        ),
    ]);
    let path = format!("added {path}.protocol");
    assert_eq!(drift(&declared, &managed(live, owned)), [path]);

    let live = |list: Value, set: Value| {
        managed(
            with(list),
            json!([entry("argocd-controller", "Apply", set)]),
        )
    };
    let both = json!({r#"v:"a""#: {}, r#"v:"b""#: {}});
    let declared = with(json!(["b", "a"]));
    assert!(drift(&declared, &live(json!(["a", "b"]), both.clone())).is_empty());
    let left = live(json!(["b"]), json!({r#"v:"b""#: {}}));
    let removed = findings(&declared, &left, false);
    assert_eq!(removed[0].change.path.to_string(), ".spec.list[=\"a\"]");
    assert!(
        removed[0].owners.is_empty(),
        "the applier did not remove it"
    );
    assert_eq!(removed[0].cause, None);
    // No manager owns one of the items: nothing shows that this is a set.
    assert_eq!(
        drift(&declared, &live(json!(["a", "b", "c"]), both)),
        ["changed .spec.list"]
    );
}

/// `data` is mostly a map that users fill, but here it is a list of objects with defaults.
#[test]
fn without_a_schema_objects_in_a_list_may_be_defaulted() {
    let with = |item: Value| {
        json!({"apiVersion": "x/v1", "kind": "X", "metadata": {"name": "a"},
            "spec": {"data": [item]}})
    };
    let owned = json!([{"manager": "argocd-controller", "operation": "Apply",
        "apiVersion": "x/v1", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:data": {}}}}]);
    let live = managed(with(json!({"secretKey": "k", "strategy": "None"})), owned);
    assert!(drift(&with(json!({"secretKey": "k"})), &live).is_empty());
    assert_eq!(
        drift(&with(json!({"secretKey": "other"})), &live),
        ["changed .spec.data[0].secretKey"]
    );
}

/// A manifest declares that an object exists, but this one is about to be deleted.
#[test]
fn an_object_that_is_being_deleted_is_drift() {
    let declared = pod(json!({}));
    let mut live = declared.clone();
    live["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    let owned = json!([{"manager": "kubectl", "operation": "Apply", "apiVersion": "apps/v1",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:template": {"f:spec": {}}}}}]);
    for books in [json!([]), owned] {
        live["metadata"]["managedFields"] = books;
        assert_eq!(
            drift(&declared, &live),
            ["added .metadata.deletionTimestamp"]
        );
        let found = findings(&declared, &live, false);
        assert_eq!(found[0].cause, Some(ChangeCause::BeingDeleted));
        assert!(found[0].owners.is_empty());
    }
}
