//! Tests `driftctl explain` of custom resources, whose types come from the cluster.

use serde_json::{Value, json};

use crate::server::{Cluster, Server};
use crate::support::TestFolder;

const VERSION: &str = "example.com/v1";

/// Returns the definition of widgets; its schema has no `parts`.
fn definition() -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object", "properties": {
        "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget",
                "shortNames": ["wid"]},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}]}})
}

fn widget(spec: Value) -> Value {
    json!({"apiVersion": VERSION, "kind": "Widget",
        "metadata": {"name": "big", "namespace": "shop"}, "spec": spec})
}

/// Returns the server's document about widgets: their parts are identified by `id`.
fn document() -> Value {
    const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
    let parts = json!({"type": "array", "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["id"],
        "items": {"type": "object", "properties": {
            "id": {"type": "string"}, "colour": {"type": "string", "default": "blue"}}}});
    let widget = json!({"type": "object",
        "x-kubernetes-group-version-kind": [
            {"group": "example.com", "version": "v1", "kind": "Widget"}],
        "properties": {
            "apiVersion": {"type": "string"}, "kind": {"type": "string"},
            "metadata": {"allOf": [{"$ref": format!("#/components/schemas/{META}")}]},
            "spec": {"type": "object", "properties": {"parts": parts}}}});
    json!({"openapi": "3.0.0",
        "components": {"schemas": {"com.example.v1.Widget": widget, META: {"type": "object"}}}})
}

/// Returns a cluster with one widget, whose parts are in another order and have a colour each.
fn server(publishes: bool) -> Server {
    let part = |id: &str| json!({"id": id, "colour": "blue"});
    let live = widget(json!({"parts": [part("b"), part("a")]}));
    let mut cluster = Cluster::with_objects(&[definition(), live]);
    if publishes {
        let path = format!("/openapi/v3/apis/{VERSION}");
        cluster.openapi.insert(path, document());
    }
    cluster.start()
}

fn explained(server: &Server, object: &str) -> Value {
    let declared = widget(json!({"parts": [{"id": "a"}, {"id": "b"}]}));
    let place = TestFolder::new()
        .file("a.json", declared.to_string())
        .file("kubeconfig", server.kubeconfig());
    let output = place
        .driftctl()
        .args(["explain", object, ".spec", "a.json", "-o", "json"])
        .args(["--kubeconfig", "kubeconfig", "--request-timeout", "5"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn takes_list_keys_from_the_clusters_openapi_document() {
    let explained_widget = explained(&server(true), "Widget/big");
    assert_eq!(
        explained_widget["types"]["from"], "cluster-openapi",
        "{explained_widget:#}"
    );
    let decisions = explained_widget["decisions"].as_array().unwrap();
    let at = |path: &str| {
        let mut all = decisions.iter();
        all.find(|decision| decision["path"] == path)
            .unwrap_or_else(|| panic!("{path}: {explained_widget:#}"))
    };
    let colour = at(".spec.parts[id=\"a\"].colour");
    assert_eq!(colour["verdict"], "explained", "{colour}");
    assert_eq!(colour["explanation"], "type-default", "{colour}");
    assert_eq!(colour["lists"][0]["keys"], json!(["id"]), "{colour}");
}

#[test]
fn takes_list_keys_from_the_definition_without_a_document() {
    let explained_widget = explained(&server(false), "Widget/big");
    assert_ne!(
        explained_widget["types"]["from"], "cluster-openapi",
        "{explained_widget:#}"
    );
}

#[test]
fn accepts_every_name_of_a_custom_kind() {
    let server = server(true);
    let own = explained(&server, "Widget/big");
    for name in [
        "wid/big",
        "widgets/shop/big",
        "WIDGET.example.com/big",
        "widgets.v1.example.com/big",
    ] {
        let explained_widget = explained(&server, name);
        assert_eq!(explained_widget["decisions"], own["decisions"], "{name}");
    }
}
