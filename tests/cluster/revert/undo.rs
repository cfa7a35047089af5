//! Tests undoing a revert.

use serde_json::{Value, json};

use super::{CART, revert_in, writable};
use crate::server::{Cluster, Fault, Faults, Server, without_ports};
use crate::support::{TestFolder, fixture_arg};

fn spec(server: &Server) -> Value {
    server.object(CART)["spec"].clone()
}

/// Reverts the cart, and checks for the record.
fn reverted(place: &TestFolder, server: &Server) {
    let manifests = fixture_arg("shop/manifests");
    let words = [&*manifests, "deploy/shop/cart", "--yes"];
    let (code, out, err) = revert_in(place, server, &words);
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("undo it with: driftctl revert --undo shop-2026"),
        "{out}"
    );
}

#[test]
fn undo_restores_the_live_values() {
    let server = writable().start();
    let place = TestFolder::new();
    let before = spec(&server);
    reverted(&place, &server);
    assert_ne!(spec(&server), before);
    let (_, out, _) = revert_in(&place, &server, &["--list-undo"]);
    assert!(out.contains("Deployment shop/cart"), "{out}");
    let (code, out, err) = revert_in(&place, &server, &["--undo", "--dry-run"]);
    assert_eq!(code, 1, "{out}{err}");
    assert_ne!(spec(&server), before);
    let (code, out, err) = revert_in(&place, &server, &["--undo", "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(spec(&server), before, "{out}");
    let (code, _, err) = revert_in(&place, &server, &["--undo", "--yes"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(err);
}

#[test]
fn undo_leaves_later_changes_alone_and_restores_the_rest() {
    let server = writable().start();
    let place = TestFolder::new();
    let before = spec(&server);
    reverted(&place, &server);
    server.change(|cluster| {
        let mut cart = cluster.object_at(CART).unwrap();
        cart["metadata"]["labels"]["app.kubernetes.io/component"] = "newer".into();
        cluster.replace(cart);
    });
    assert_ne!(spec(&server), before);
    let (code, out, err) = revert_in(&place, &server, &["--undo", "--yes"]);
    assert_eq!(code, 2, "{out}{err}");
    let shown = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.contains("since the revert; left alone"), "{out}");
    assert!(out.contains("2 changes of 1 object, 1 left alone"), "{out}");
    assert_eq!(spec(&server), before);
    let label = &server.object(CART)["metadata"]["labels"]["app.kubernetes.io/component"];
    assert_eq!(*label, "newer");
}

#[test]
fn refuses_to_undo_in_another_cluster() {
    let (server, other) = (writable().start(), writable().start());
    let place = TestFolder::new();
    reverted(&place, &server);
    let before = spec(&other);
    let records = std::fs::read_dir(place.path().join("state/driftctl/undo")).unwrap();
    let file = records.map(|entry| entry.unwrap().path()).next().unwrap();
    let id = file.file_stem().unwrap().to_str().unwrap().to_owned();
    let (code, out, err) = revert_in(&place, &other, &["--undo", &id, "--yes"]);
    assert_eq!(code, 2, "{out}{err}");
    insta::assert_snapshot!(without_ports(&err));
    assert_eq!(spec(&other), before);
}

#[test]
fn writes_nothing_if_the_record_cannot_be_saved() {
    let server = writable().start();
    let place = TestFolder::new().file("state", "a file where the folder should be");
    let manifests = fixture_arg("shop/manifests");
    let words = [&*manifests, "deploy/shop/cart", "--yes"];
    let (code, _, err) = revert_in(&place, &server, &words);
    assert_eq!(code, 2, "{err}");
    insta::assert_snapshot!(place.masked(&err));
    assert!(server.writes().is_empty());
}

/// An object with only a name, as many ServiceAccounts are, is recreated too.
#[test]
fn undo_recreates_deleted_objects() {
    let object = |api_version: &str, kind: &str, name: &str, more: Value| {
        let mut object = json!({"apiVersion": api_version, "kind": kind,
            "metadata": {"name": name, "namespace": "shop", "uid": name, "resourceVersion": "1"}});
        let fields = object.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        object
    };
    let mut cluster = Cluster::with_objects(&[
        object("v1", "ConfigMap", "declared", json!({})),
        object("v1", "ServiceAccount", "robot", json!({})),
        object("v1", "Secret", "token", json!({"data": {"k": "djE="}})),
        object("v1", "ConfigMap", "stray", json!({"data": {"k": "v"}})),
    ]);
    cluster.writable = true;
    let server = cluster.start();
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: declared, namespace: shop}\n";
    let place = TestFolder::new().file("m.yaml", manifest);
    let words = [
        "m.yaml",
        "--prune",
        "--extra",
        "namespace",
        "--all",
        "--yes",
    ];
    let (code, out, err) = revert_in(&place, &server, &words);
    assert_eq!(code, 0, "{out}{err}");
    let paths = [
        "/api/v1/namespaces/shop/serviceaccounts/robot",
        "/api/v1/namespaces/shop/secrets/token",
        "/api/v1/namespaces/shop/configmaps/stray",
    ];
    for path in paths {
        assert_eq!(server.object(path), Value::Null, "{path} {out}");
    }
    let (code, out, err) = revert_in(&place, &server, &["--undo", "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    let [robot, token, stray] = paths.map(|path| server.object(path));
    assert_eq!(robot["metadata"]["name"], "robot", "{out}");
    assert_eq!(token["data"], json!({"k": "djE="}));
    assert_eq!(stray["data"], json!({"k": "v"}));
}

/// Returns a server with a ConfigMap that no manifest declares.
fn with_stray() -> Cluster {
    let stray = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": "v"},
        "metadata": {"name": "stray", "namespace": "shop", "uid": "s", "resourceVersion": "1"}});
    let declared = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": "live"},
        "metadata": {"name": "declared", "namespace": "shop", "uid": "d", "resourceVersion": "1"}});
    let mut cluster = Cluster::with_objects(&[stray, declared]);
    cluster.writable = true;
    cluster
}

const MANIFEST: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: declared, namespace: \
    shop}\ndata: {k: v}\n";

/// Undoes twice: the second time, nothing is left to undo.
fn undo_twice(place: &TestFolder, server: &Server) -> String {
    let (code, out, err) = revert_in(place, server, &["--undo", "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    let (code, again, err) = revert_in(place, server, &["--undo", "--yes"]);
    assert_eq!(code, 2, "{again}{err}");
    assert!(err.contains("no revert of this cluster to undo"), "{err}");
    out
}

/// The record has the deletion, but the request never arrived.
#[test]
fn undo_of_a_deletion_that_never_happened_leaves_the_object() {
    const STRAY: &str = "/api/v1/namespaces/shop/configmaps/stray";
    let server = with_stray()
        .failing("configmaps/stray", Fault::Before(500))
        .start();
    let place = TestFolder::new().file("m.yaml", MANIFEST);
    let words = [
        "m.yaml",
        "--prune",
        "--extra",
        "namespace",
        "--all",
        "--yes",
        "--skip-dry-run",
    ];
    let (code, out, err) = revert_in(&place, &server, &words);
    assert_eq!(code, 2, "{out}{err}");
    assert!(out.contains("the result of the write is unknown"), "{out}");
    server.change(|cluster| cluster.faults = Faults::None);
    let out = undo_twice(&place, &server);
    assert!(
        out.contains("UNDONE  1 change of 1 object") && !out.contains("left alone"),
        "{out}"
    );
    assert_eq!(server.object(STRAY)["data"], json!({"k": "v"}));
}

/// Someone put the value back by hand, so an undo has nothing to do, and the next one takes the
/// revert before it.
#[test]
fn a_revert_that_is_already_undone_is_not_undone_again() {
    const DECLARED: &str = "/api/v1/namespaces/shop/configmaps/declared";
    let server = with_stray().start();
    let place = TestFolder::new().file("m.yaml", MANIFEST);
    let (code, out, err) = revert_in(&place, &server, &["m.yaml", "--all", "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    server.change(|cluster| {
        let mut declared = cluster.object_at(DECLARED).unwrap();
        declared["data"]["k"] = "live".into();
        cluster.replace(declared);
    });
    let (code, out, _) = revert_in(&place, &server, &["--undo", "--dry-run"]);
    assert_eq!((code, out.trim()), (0, "nothing to undo"));
    let out = undo_twice(&place, &server);
    assert_eq!(out.trim(), "nothing to undo");
}

/// Nobody knows whose an object is whose creation got no response: it is not deleted.
#[test]
fn undo_leaves_an_object_alone_that_may_be_another_persons() {
    const DECLARED: &str = "/api/v1/namespaces/shop/configmaps/declared";
    let declared = with_stray().object_at(DECLARED).unwrap();
    let mut cluster = Cluster::with_objects(&[]);
    cluster.writable = true;
    let server = cluster
        .failing("configmaps?fieldManager", Fault::Before(500))
        .start();
    let place = TestFolder::new().file("m.yaml", MANIFEST);
    let words = [
        "m.yaml",
        "cm/shop/declared",
        "--create",
        "--yes",
        "--skip-dry-run",
    ];
    let (code, out, err) = revert_in(&place, &server, &words);
    assert_eq!(code, 2, "{out}{err}");
    server.change(|cluster| {
        cluster.faults = Faults::None;
        cluster.replace(declared);
    });
    let (code, out, err) = revert_in(&place, &server, &["--undo", "--yes"]);
    let shown = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(code, 2, "{out}{err}");
    assert!(
        shown.contains("it is not known whether the revert created it"),
        "{out}"
    );
    assert!(!server.object(DECLARED).is_null());
}
