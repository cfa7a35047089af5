//! Tests `driftctl revert` with a server whose objects change.

mod faults;
mod patches;
mod undo;

use serde_json::{Value, json};

use crate::server::{Cluster, Denied, Meanwhile, Server};
use crate::support::{TestFolder, fixture_arg};

const CART: &str = "/apis/apps/v1/namespaces/shop/deployments/cart";

/// Returns the shop, with objects that can be changed.
fn writable() -> Cluster {
    let mut shop = crate::shop();
    shop.writable = true;
    shop
}

/// Runs `driftctl revert` for the shop's manifests. Returns the exit code and both streams.
fn revert_in(place: &TestFolder, server: &Server, words: &[&str]) -> (i32, String, String) {
    std::fs::write(place.path().join("kubeconfig"), server.kubeconfig()).unwrap();
    let output = place
        .driftctl()
        .env("XDG_STATE_HOME", place.path().join("state"))
        .args([
            "revert",
            "--kubeconfig",
            "kubeconfig",
            "--request-timeout",
            "2",
        ])
        .args(words)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(
        !format!("{out}{err}").contains("canary-in-an-error"),
        "{out}{err}"
    );
    (output.status.code().unwrap(), out, err)
}

fn revert(server: &Server, words: &[&str]) -> (i32, String, String) {
    let manifests = fixture_arg("shop/manifests");
    let words: Vec<&str> = std::iter::once(&*manifests)
        .chain(words.iter().copied())
        .collect();
    revert_in(&TestFolder::new(), server, &words)
}

fn revert_json(server: &Server, words: &[&str]) -> (i32, Value) {
    let words: Vec<&str> = ["-o", "json"].iter().chain(words).copied().collect();
    let (code, out, err) = revert(server, &words);
    let plan = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    (code, plan)
}

/// Returns the progress of each object in a plan.
fn progress(plan: &Value) -> Vec<String> {
    let steps = plan["steps"].as_array().unwrap().iter();
    steps
        .map(|step| {
            let text = |name: &str| step[name].as_str().unwrap_or_default().to_owned();
            format!(
                "{} {} {} {}",
                text("kind"),
                text("name"),
                text("progress"),
                text("outcome")
            )
        })
        .collect()
}

/// A field that someone added to the cart.
const FIELD: [&str; 3] = [
    "deploy/shop/cart",
    ".spec.template.spec.nodeSelector",
    "--yes",
];

/// The pointer to the field.
const POINTER: &str = "/spec/template/spec/nodeSelector/disktype";

fn field(server: &Server) -> Value {
    let cart = server.object(CART);
    cart.pointer(POINTER).cloned().unwrap_or_default()
}

/// Returns a Deployment after `kubectl apply` with two replicas.
pub fn applied_with_two_replicas() -> Value {
    let sent = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"annotations": {}, "name": "web", "namespace": "shop"},
        "spec": {"replicas": 2}});
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "1",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": sent.to_string()},
            "managedFields": [{"manager": "kubectl-client-side-apply", "operation": "Update",
                "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "time": "2026-11-20T00:00:00Z",
                "fieldsV1": {"f:metadata": {"f:annotations": {".": {},
                    "f:kubectl.kubernetes.io/last-applied-configuration": {}}},
                    "f:spec": {"f:replicas": {}}}}]},
        "spec": {"replicas": 2}})
}

#[test]
fn a_dry_run_shows_the_plan_and_changes_nothing() {
    let server = writable().start();
    let (code, out, err) = revert(&server, &["deploy/shop/cart", "--dry-run"]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("Deployment shop/cart"), "{out}");
    assert!(out.contains("the server accepts this (dry run)"), "{out}");
    assert!(out.contains("nothing was changed"), "{out}");
    assert!(server.writes().is_empty(), "{:?}", server.writes());
    assert!(server.events().is_empty());
}

#[test]
fn reverts_the_selection_and_leaves_the_rest() {
    let server = writable().start();
    let (code, plan) = revert_json(&server, &["deploy/shop/cart", "--yes"]);
    assert_eq!(code, 0, "{plan:#}");
    assert_eq!(plan["summary"]["notDone"], 0, "{plan:#}");
    assert!(plan["summary"]["done"].as_u64().unwrap() > 2, "{plan:#}");
    let writes = server.writes();
    let patches = writes.iter().filter(|(method, _)| method == "PATCH");
    // The second one gives the node selector, which an editor had emptied, back to the applier.
    assert_eq!(patches.clone().count(), 2, "{writes:?}");
    let owners = server.object(CART)["metadata"]["managedFields"].clone();
    let owns = |entry: &Value| entry["manager"] == "kubectl-patch";
    assert!(!owners.as_array().unwrap().iter().any(owns), "{owners:#}");
    assert!(patches.clone().all(|(_, target)| target.starts_with(CART)));
    assert!(
        patches
            .clone()
            .all(|(_, target)| target.contains("fieldManager=kubectl-client-side-apply")),
        "{writes:?}"
    );
    let (code, report, _) = crate::run_against(&server, &["--kind", "Deployment"]);
    assert_eq!(code, 1);
    let left = crate::drift(&report);
    assert!(
        !left
            .iter()
            .any(|line| line.contains("\"cart\" \"drifted\"")),
        "{left:#?}"
    );
    let events = server.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["reason"], "DriftReverted");
    assert_eq!(events[0]["regarding"]["name"], "cart");
}

/// All revertible drift is reverted, and a second run has nothing to do.
#[test]
fn reverts_all_drift_at_once() {
    let server = writable().start();
    let words = ["--all", "--yes", "--max-objects", "200", "--keep-going"];
    let (_, plan) = revert_json(&server, &words);
    let failed: Vec<String> = progress(&plan)
        .into_iter()
        .filter(|line| !line.contains(" done "))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(plan["steps"].as_array().unwrap().len() > 30);
    let (_, again) = revert_json(&server, &words);
    assert_eq!(again["steps"], json!([]), "{:#?}", progress(&again));
}

#[test]
fn shows_no_secrets() {
    let server = writable().start();
    let place = TestFolder::new();
    let manifests = fixture_arg("shop/manifests");
    let (code, out, err) = revert_in(&place, &server, &[&manifests, "secret/*", "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("(redacted, differs)"), "{out}");
    let secret = server.object("/api/v1/namespaces/shop/secrets/cart-session");
    for value in secret["data"].as_object().unwrap().values() {
        let value = value.as_str().unwrap();
        if value.len() < 8 {
            continue; // too short to distinguish from other text
        }
        assert!(!out.contains(value) && !err.contains(value), "{out}{err}");
    }
    for event in server.events() {
        assert!(!event.to_string().contains("data:"), "{event}");
    }
}

#[test]
fn reverts_one_field_only() {
    let server = writable().start();
    let before = server.object(CART);
    let (code, plan) = revert_json(&server, &FIELD);
    assert_eq!(code, 0, "{plan:#}");
    let after = server.object(CART);
    assert_ne!(before.pointer(POINTER), after.pointer(POINTER));
    let containers = |object: &Value| object["spec"]["template"]["spec"]["containers"].clone();
    assert_eq!(containers(&before), containers(&after));
    assert_eq!(before["spec"]["replicas"], after["spec"]["replicas"]);
    assert_eq!(before["metadata"]["labels"], after["metadata"]["labels"]);
}

#[test]
fn leaves_unapplied_changes_alone_unless_included() {
    let manifest = |replicas: u64, paused: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: shop}}\n\
             spec:\n  replicas: {replicas}\n{paused}"
        )
    };
    let live = applied_with_two_replicas();
    let mut cluster = Cluster::with_objects(&[live]);
    cluster.writable = true;
    let server = cluster.start();
    let place = TestFolder::new().file("web.yaml", manifest(3, ""));
    let (code, out, err) = revert_in(&place, &server, &["web.yaml", "--all", "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("Git is ahead of the cluster (unapplied)"),
        "{out}{err}"
    );
    assert!(server.writes().is_empty());
    let words = ["web.yaml", "--all", "--yes", "--include", "unapplied"];
    let (code, out, err) = revert_in(&place, &server, &words);
    assert_eq!(code, 0, "{out}{err}");
    let path = "/apis/apps/v1/namespaces/shop/deployments/web";
    assert_eq!(server.object(path)["spec"]["replicas"], 3);
}

/// `kubectl replace` records the copy of the live object that it sends as last applied.
#[test]
fn restores_the_last_applied_configuration_that_kubectl_replace_overwrote() {
    let name = "kubectl.kubernetes.io/last-applied-configuration";
    let mut live = applied_with_two_replicas();
    let copy = json!({"metadata": {"name": "web", "uid": "u"}, "spec": {"replicas": 5}});
    live["spec"]["replicas"] = 5.into();
    live["metadata"]["annotations"][name] = copy.to_string().into();
    let entries = live["metadata"]["managedFields"].as_array_mut().unwrap();
    let mut replaced = entries[0].clone();
    replaced["manager"] = "kubectl-replace".into();
    entries[0]["fieldsV1"] = json!({"f:metadata": {}});
    entries.push(replaced);
    let mut cluster = Cluster::with_objects(&[live.clone()]);
    cluster.writable = true;
    let server = cluster.start();
    let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n\
        spec:\n  replicas: 2\n";
    let place = TestFolder::new().file("web.yaml", manifest);
    let words = ["web.yaml", "-n", "shop", "--yes"];
    let (code, out, err) = revert_in(&place, &server, &[&words[..], &["--all"]].concat());
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("also restores the last-applied-configuration annotation")
            && out.contains("written as kubectl-client-side-apply"),
        "{out}"
    );
    let path = "/apis/apps/v1/namespaces/shop/deployments/web";
    let now = server.object(path);
    assert_eq!(now["spec"]["replicas"], 2);
    let sent = now["metadata"]["annotations"][name].as_str().unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(sent).unwrap(),
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "shop", "annotations": {}},
            "spec": {"replicas": 2}})
    );
    let (code, out, err) = revert_in(&place, &server, &["--undo", "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(!out.contains("\"uid\""), "{out}");
    let now = server.object(path);
    assert_eq!(now["spec"], live["spec"]);
    assert_eq!(
        now["metadata"]["annotations"],
        live["metadata"]["annotations"]
    );
}

#[test]
fn creating_and_deleting_objects_takes_a_flag() {
    let server = writable().start();
    let (code, plan) = revert_json(&server, &["--all", "--dry-run", "--max-objects", "200"]);
    assert_eq!(code, 1, "{plan:#}");
    let refused = plan["refused"].as_array().unwrap();
    assert!(
        refused.iter().any(|it| it["reason"] == "missing"),
        "{refused:#?}"
    );
    let missing = refused.iter().find(|it| it["reason"] == "missing").unwrap();
    let (kind, name) = (
        missing["kind"].as_str().unwrap(),
        missing["name"].as_str().unwrap(),
    );
    let object = format!("{kind}/{name}");
    let (code, plan) = revert_json(&server, &[&object, "--create", "--yes"]);
    assert_eq!(code, 0, "{plan:#}");
    assert_eq!(plan["steps"][0]["how"], "create");
    assert_eq!(plan["steps"][0]["progress"], "done");
    let extra = ["cm/shop/tmp-override", "--extra", "namespace"];
    let (code, plan) = revert_json(&server, &[&extra[..], &["--yes"]].concat());
    assert_eq!(code, 2, "{plan:#}");
    assert_eq!(plan["refused"][0]["reason"], "extra");
    let (code, plan) = revert_json(&server, &[&extra[..], &["--prune", "--yes"]].concat());
    assert_eq!(code, 0, "{plan:#}");
    assert_eq!(plan["steps"][0]["how"], "delete");
    let path = "/api/v1/namespaces/shop/configmaps/tmp-override";
    assert_eq!(server.object(path), Value::Null);
}

#[test]
fn refuses_to_write_too_much() {
    let server = writable().start();
    for (words, said) in [
        (&["--yes"][..], "--yes without a selection"),
        (&[], "no terminal to ask for confirmation"),
        (&["--all", "--yes"], "--max-objects allows 20"),
        (
            &["--all", "deploy/shop/cart", "--yes"],
            "--all cannot be combined",
        ),
        (&["deploy/shop/nowhere", "--yes"], "selects none of the"),
        (&["--prune", "--all", "--yes"], "add --extra"),
        (&["--all", "--yes", "--base", "main"], "leave out --base"),
    ] {
        let (code, out, err) = revert(&server, words);
        assert_eq!(code, 2, "{words:?} {out}{err}");
        assert!(err.contains(said), "{words:?} {err}");
    }
    assert!(server.writes().is_empty());
}

#[test]
fn refuses_a_recording() {
    let place = TestFolder::new();
    let (manifests, live) = (fixture_arg("shop/manifests"), fixture_arg("shop/live.json"));
    let shown = place.run(["revert", &manifests, "--live", &live, "--dry-run"]);
    assert!(shown.contains("exit code: 2"), "{shown}");
    assert!(shown.contains("which revert cannot write to"), "{shown}");
}

#[test]
fn returns_ownership_to_the_server_side_applier() {
    let live = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "1",
            "managedFields": [
                {"manager": "argocd-controller", "operation": "Apply", "apiVersion": "apps/v1",
                    "fieldsType": "FieldsV1", "time": "2026-11-20T00:00:00Z",
                    "fieldsV1": {"f:spec": {"f:paused": {}, "f:minReadySeconds": {}}}},
                {"manager": "kubectl-edit", "operation": "Update", "apiVersion": "apps/v1",
                    "fieldsType": "FieldsV1", "time": "2026-11-21T00:00:00Z",
                    "fieldsV1": {"f:spec": {"f:replicas": {}}}}]},
        "spec": {"replicas": 7, "paused": true, "minReadySeconds": 5}});
    let mut cluster = Cluster::with_objects(&[live]);
    cluster.writable = true;
    let server = cluster.start();
    let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n\
                    spec: {replicas: 2, paused: true, minReadySeconds: 5}\n";
    let place = TestFolder::new().file("web.yaml", manifest);
    let (code, out, err) = revert_in(&place, &server, &["web.yaml", "--all", "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("written as driftctl, and handed back to argocd-controller"),
        "{out}"
    );
    assert!(out.contains("Argo CD also applies this object"), "{out}");
    let object = server.object("/apis/apps/v1/namespaces/shop/deployments/web");
    assert_eq!(object["spec"]["replicas"], 2);
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    let managers: Vec<&Value> = entries.iter().map(|entry| &entry["manager"]).collect();
    assert!(!managers.contains(&&json!("driftctl")), "{entries:#?}");
    assert_eq!(
        entries[0]["fieldsV1"]["f:spec"],
        json!({"f:paused": {}, "f:minReadySeconds": {}, "f:replicas": {}})
    );
}

#[test]
fn reverts_without_the_right_to_create_events() {
    let mut cluster = writable();
    cluster.denied = vec![Denied {
        verb: "create",
        resource: "events",
        namespace: "*",
    }];
    let server = cluster.start();
    let (code, out, err) = revert(&server, &["deploy/shop/cart", "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("no Event was written: create events is not allowed"),
        "{out}"
    );
    let (_, _, _) = revert(&server, &["svc/shop/cart", "--yes", "--no-event"]);
    assert!(server.events().is_empty());
}

/// Returns a cluster in which someone changes a field while it is written.
fn while_it_is_written(pointer: &'static str, value: Value) -> Cluster {
    let mut cluster = writable();
    cluster.meanwhile = vec![Meanwhile {
        method: "PATCH",
        part: CART,
        without: "dryRun=All",
        pointer,
        value,
        times: 1,
    }];
    cluster
}

/// What could not be compared may have drifted: it must not look as if there were nothing to do.
#[test]
fn nothing_comparable_is_not_nothing_to_revert() {
    let mut shop = writable();
    let denied = ["get", "list"].map(|verb| Denied {
        verb,
        resource: "configmaps",
        namespace: "*",
    });
    shop.denied = denied.into();
    let server = shop.start();
    let place = TestFolder::new().file(
        "m.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n",
    );
    let (code, out, err) = revert_in(&place, &server, &["m.yaml", "--all", "--yes"]);
    assert_eq!(code, 2, "{out}{err}");
    assert_eq!(
        out, "nothing was changed: not everything could be compared\n",
        "{err}"
    );
}
