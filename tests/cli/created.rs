//! Tests that an object which names an owner is compared with what the owner's controller creates.

#![allow(clippy::unwrap_used)]

use crate::support;

use serde_json::{Value, json};
use support::TestFolder;

fn metadata(name: &str, owner: Option<(&str, &str, &str)>) -> Value {
    let mut metadata = json!({"name": name, "namespace": "shop", "uid": name,
        "creationTimestamp": "2026-11-21T10:00:00Z"});
    if let Some((api_version, kind, owner)) = owner {
        metadata["ownerReferences"] = json!([{"apiVersion": api_version, "kind": kind,
            "name": owner, "uid": owner, "controller": true, "blockOwnerDeletion": true}]);
    }
    metadata
}

fn template(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "cart"}},
        "spec": {"containers": [{"name": "cart", "image": image}]}})
}

/// Returns a workload with a template of this image.
fn workload(kind: &str, name: &str, owner: Option<(&str, &str, &str)>, image: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": kind, "metadata": metadata(name, owner),
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "cart"}},
            "template": template(image)}})
}

const DEPLOYMENT: (&str, &str, &str) = ("apps/v1", "Deployment", "cart");
const REPLICA_SET: (&str, &str, &str) = ("apps/v1", "ReplicaSet", "cart-2");

/// Returns a Pod as the API server stores it: with defaults, a token and a node.
fn pod(name: &str, owner: (&str, &str, &str), change: impl FnOnce(&mut Value)) -> Value {
    let mount = json!({"name": "kube-api-access-x1y2z", "readOnly": true,
        "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"});
    let tolerate = |key: &str| {
        json!({"key": format!("node.kubernetes.io/{key}"), "operator": "Exists",
            "effect": "NoExecute", "tolerationSeconds": 300})
    };
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata(name, Some(owner)),
        "spec": {
            "containers": [{"name": "cart", "image": "cart:2", "imagePullPolicy": "IfNotPresent",
                "resources": {}, "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File", "volumeMounts": [mount]}],
            "dnsPolicy": "ClusterFirst", "enableServiceLinks": true, "nodeName": "node-1",
            "preemptionPolicy": "PreemptLowerPriority", "priority": 0, "restartPolicy": "Always",
            "schedulerName": "default-scheduler", "securityContext": {},
            "serviceAccount": "default", "serviceAccountName": "default",
            "terminationGracePeriodSeconds": 30,
            "tolerations": [tolerate("not-ready"), tolerate("unreachable")],
            "volumes": [{"name": "kube-api-access-x1y2z", "projected": {"defaultMode": 420,
                "sources": [{"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                    {"configMap": {"name": "kube-root-ca.crt",
                        "items": [{"key": "ca.crt", "path": "ca.crt"}]}}]}}]}});
    change(&mut pod);
    pod
}

fn rolled_out(mut deployment: Value) -> Value {
    deployment["metadata"]["generation"] = 2.into();
    deployment["status"] = json!({"observedGeneration": 2, "conditions": [
        {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]});
    deployment
}

/// Compares a Deployment and its current ReplicaSet with these objects added to the cluster, and
/// returns what is said of the added ones.
fn said(more: &[Value], words: &[&str]) -> String {
    let declared = workload("Deployment", "cart", None, "cart:2");
    let mut items = vec![
        rolled_out(declared.clone()),
        workload("ReplicaSet", "cart-2", Some(DEPLOYMENT), "cart:2"),
    ];
    items.extend(more.iter().cloned());
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    let place = TestFolder::new()
        .file("m.json", declared.to_string())
        .file("live.json", list.to_string());
    let output = place
        .driftctl()
        .args([
            "diff",
            "m.json",
            "--live",
            "live.json",
            "--extra",
            "namespace",
            "-o",
            "json",
        ])
        .args(words)
        .output()
        .unwrap();
    let code = output.status.code().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let objects = document["objects"].as_array().unwrap().iter();
    let mut lines = vec![format!("exit code: {code}")];
    lines.extend(objects.filter(|one| one["status"] == "extra").map(|one| {
        let text = |name: &str| one[name].as_str().unwrap_or("-").to_owned();
        format!(
            "{} {} {}: {}",
            text("kind"),
            text("name"),
            text("severity"),
            text("reason")
        )
    }));
    lines.join("\n")
}

const CLEAR: &str = "exit code: 0";

#[test]
fn an_object_that_its_owners_controller_created_is_not_extra() {
    let old = {
        let mut old = workload("ReplicaSet", "cart-1", Some(DEPLOYMENT), "cart:1");
        old["spec"]["replicas"] = 0.into();
        old
    };
    let pods = [pod("cart-2-a", REPLICA_SET, |_| {}), old];
    assert_eq!(said(&pods, &[]), CLEAR);
}

#[test]
fn an_object_that_its_owners_controller_would_not_create_is_extra() {
    let by = |manager: &str, subresource: Option<&str>, fields: Value| {
        let mut entry = json!({"manager": manager, "operation": "Update", "apiVersion": "v1",
            "time": "2026-11-21T11:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": fields});
        if let Some(subresource) = subresource {
            entry["subresource"] = subresource.into();
        }
        entry
    };
    let image = json!({"f:spec": {"f:containers": {"k:{\"name\":\"cart\"}": {"f:image": {}}}}});
    let debug = json!({"f:spec": {"f:ephemeralContainers": {
        "k:{\"name\":\"debugger\"}": {".": {}, "f:name": {}, "f:image": {}}}}});
    let cpu = json!({"f:spec": {"f:containers": {
        "k:{\"name\":\"cart\"}": {"f:resources": {"f:limits": {".": {}, "f:cpu": {}}}}}}});
    let objects = [
        pod("another-image", REPLICA_SET, |pod| {
            pod["spec"]["containers"][0]["image"] = "cart:9".into();
            pod["metadata"]["managedFields"] = json!([by("kubectl-set", None, image)]);
        }),
        pod("debugged", REPLICA_SET, |pod| {
            pod["spec"]["ephemeralContainers"] = json!([{"name": "debugger", "image": "busybox"}]);
            let subresource = Some("ephemeralcontainers");
            pod["metadata"]["managedFields"] = json!([by("kubectl-debug", subresource, debug)]);
        }),
        pod("host-path", REPLICA_SET, |pod| {
            let volume = json!({"name": "root", "hostPath": {"path": "/"}});
            pod["spec"]["volumes"].as_array_mut().unwrap().push(volume);
        }),
        pod("privileged", REPLICA_SET, |pod| {
            pod["spec"]["containers"][0]["securityContext"] = json!({"privileged": true});
        }),
        pod("resized", REPLICA_SET, |pod| {
            pod["spec"]["containers"][0]["resources"] = json!({"limits": {"cpu": "4"}});
            pod["metadata"]["managedFields"] = json!([by("kubectl-edit", Some("resize"), cpu)]);
        }),
        workload("ReplicaSet", "another-version", Some(DEPLOYMENT), "evil:1"),
    ];
    insta::assert_snapshot!(said(&objects, &[]));
}

#[test]
fn an_owner_counts_only_by_its_kind_and_while_it_has_replicas() {
    let mut old = workload("ReplicaSet", "cart-1", Some(DEPLOYMENT), "cart:1");
    old["spec"]["replicas"] = 0.into();
    let evil = |pod: &mut Value| pod["spec"]["containers"][0]["image"] = "cart:1".into();
    let mut other = pod("other-uid", REPLICA_SET, |_| {});
    other["metadata"]["ownerReferences"][0]["uid"] = "cart".into();
    let objects = [
        pod("of-old", ("apps/v1", "ReplicaSet", "cart-1"), evil),
        old,
        other,
    ];
    let shown = said(&objects, &[]);
    assert!(
        shown.contains("Pod of-old") && shown.contains("Pod other-uid"),
        "{shown}"
    );
}

/// A Deployment that never becomes available keeps rolling out.
#[test]
fn a_rollout_excuses_only_replica_sets_that_are_older_than_the_current_one() {
    let revision = |object: &mut Value, revision: &str, day: u32| {
        object["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": revision});
        object["metadata"]["creationTimestamp"] = format!("2026-11-{day}T10:00:00Z").into();
    };
    let mut deployment = workload("Deployment", "web", None, "web:2");
    revision(&mut deployment, "2", 10);
    deployment["status"] = json!({"observedGeneration": 1, "conditions": [
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]});
    let owner = Some(("apps/v1", "Deployment", "web"));
    let with = |name: &str, image: &str, of: &str, day: u32| {
        let mut one = workload("ReplicaSet", name, owner, image);
        revision(&mut one, of, day);
        if image != "web:2" {
            one["spec"]["template"]["spec"]["hostPID"] = true.into();
        }
        one
    };
    let objects = [
        deployment,
        with("web-1", "web:1", "1", 11),
        with("web-2", "web:2", "2", 12),
        with("web-3", "web:3", "0", 13),
    ];
    let shown = said(&objects, &[]);
    assert!(shown.contains("ReplicaSet web-3 critical"), "{shown}");
    assert!(
        !shown.contains("web-1") && !shown.contains("web-2"),
        "{shown}"
    );
}

#[test]
fn a_job_is_compared_with_its_cron_job_and_its_pod_with_the_job() {
    let cron = |image: &str| {
        json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata("tidy", None),
            "spec": {"schedule": "@daily", "jobTemplate": {"spec": {"template": {"spec": {
                "restartPolicy": "Never", "containers": [{"name": "cart", "image": image}]}}}}}})
    };
    let job = |name: &str, image: &str| {
        let owner = Some(("batch/v1", "CronJob", "tidy"));
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata(name, owner),
            "spec": {"template": {"spec": {"restartPolicy": "Never",
                "containers": [{"name": "cart", "image": image}]}}}})
    };
    let mut unchanged = cron("cart:2");
    unchanged["metadata"]["generation"] = 1.into();
    let of_job = ("batch/v1", "Job", "tidy-1");
    let never = |pod: &mut Value| pod["spec"]["restartPolicy"] = "Never".into();
    let objects = [
        unchanged,
        job("tidy-1", "cart:2"),
        pod("tidy-1-a", of_job, never),
        job("tidy-2", "cart:1"),
    ];
    let shown = said(&objects, &[]);
    assert!(shown.contains("Job tidy-2"), "{shown}");
    assert!(
        !shown.contains("Job tidy-1") && !shown.contains("Pod tidy-1"),
        "{shown}"
    );
    // Jobs that are older than the template may come from an earlier one.
    let mut changed = cron("cart:3");
    changed["metadata"]["managedFields"] = json!([{"manager": "kubectl", "operation": "Apply",
        "apiVersion": "batch/v1", "time": "2026-11-21T12:00:00Z", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:jobTemplate": {"f:spec": {"f:template": {}}}}}}]);
    let objects = [changed.clone(), job("tidy-1", "cart:2")];
    let shown = said(&objects, &[]);
    assert!(!shown.contains("Job tidy-1"), "{shown}");
    // A Job that has finished may, too, but then none of its Pods runs.
    let mut finished = job("tidy-1", "cart:2");
    finished["status"]["completionTime"] = "2026-11-21T10:01:00Z".into();
    for (phase, is_extra) in [("Succeeded", false), ("Running", true)] {
        let with_phase = |pod: &mut Value| {
            never(pod);
            pod["status"]["phase"] = phase.into();
        };
        let pod = pod("tidy-1-a", of_job, with_phase);
        let shown = said(&[changed.clone(), finished.clone(), pod], &[]);
        assert_eq!(shown.contains("Pod tidy-1-a"), is_extra, "{phase}: {shown}");
    }
}

#[test]
fn an_injected_container_is_explained_if_every_pod_has_it() {
    let injected = |name: &str, image: &str| {
        pod(name, REPLICA_SET, |pod| {
            let proxy = json!({"name": "proxy", "image": image,
                "env": [{"name": "POD", "value": name}],
                "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}});
            pod["spec"]["containers"]
                .as_array_mut()
                .unwrap()
                .push(proxy);
        })
    };
    let all: Vec<Value> = ["a", "b", "c"].map(|name| injected(name, "proxy:1")).into();
    assert_eq!(said(&all, &[]), CLEAR);
    let webhook = json!({"apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration", "metadata": {"name": "mesh"}, "webhooks": [
            {"name": "inject.mesh", "rules": [{"apiGroups": [""], "apiVersions": ["v1"],
                "resources": ["pods"], "operations": ["CREATE"]}]}]});
    let two = [
        injected("a", "proxy:1"),
        injected("b", "proxy:1"),
        webhook.clone(),
    ];
    assert_eq!(said(&two, &[]), CLEAR);
    let other = [injected("a", "proxy:1"), injected("b", "evil:1"), webhook];
    let shown = said(&other, &[]);
    assert!(
        shown.starts_with("exit code: 1") && shown.contains("Pod b critical"),
        "{shown}"
    );
}

/// Anyone who may change Pods can change the image of each, under the name of their creator.
#[test]
fn what_was_written_after_the_creation_is_not_explained_even_if_every_pod_has_it() {
    let changed = |change: &dyn Fn(&mut Value)| {
        let all = ["a", "b", "c"].map(|name| pod(name, REPLICA_SET, |pod| change(pod)));
        said(&all, &[])
    };
    let image = changed(&|pod| {
        pod["spec"]["containers"][0]["image"] = json!("evil.example/cart:2");
    });
    assert!(
        image.starts_with("exit code: 1") && image.contains("Pod c critical"),
        "{image}"
    );
    let debugged = changed(&|pod| {
        pod["spec"]["ephemeralContainers"] = json!([{"name": "debug", "image": "debug:1"}]);
    });
    assert!(debugged.starts_with("exit code: 1"), "{debugged}");
}

#[test]
fn a_critical_object_is_not_explained_by_a_custom_resource_that_it_names() {
    let widget =
        json!({"apiVersion": "ex.com/v1", "kind": "Widget", "metadata": metadata("w", None)});
    let of = ("ex.com/v1", "Widget", "w");
    let privileged = |pod: &mut Value| {
        pod["spec"]["containers"][0]["securityContext"] = json!({"privileged": true});
    };
    let objects = [
        widget,
        pod("w-plain", of, |_| {}),
        pod("privileged", of, privileged),
    ];
    insta::assert_snapshot!(said(&objects, &[]));
}

#[test]
fn a_mark_does_not_hide_a_critical_undeclared_object() {
    let mut marked = pod("marked", REPLICA_SET, |pod| {
        pod["spec"]["hostPID"] = true.into();
        pod["metadata"]["annotations"] = json!({"driftctl.dev/ignore": "true",
            "kustomize.toolkit.fluxcd.io/reconcile": "disabled"});
    });
    marked["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("ownerReferences");
    let shown = said(&[marked], &[]);
    assert!(shown.contains("Pod marked critical"), "{shown}");
}

#[test]
fn nothing_that_is_only_live_is_shown_of_an_untrusted_run() {
    let pod = pod("debugged", REPLICA_SET, |pod| {
        pod["spec"]["ephemeralContainers"] = json!([{"name": "secret-name", "image": "busybox"}]);
    });
    let shown = said(&[pod], &["--untrusted", "--allow-namespace", "shop"]);
    assert!(
        shown.contains("Pod debugged") && !shown.contains("secret-name"),
        "{shown}"
    );
}
