//! Tests custom resources, with and without a schema.

use serde_json::{Value, json};

use super::{drift_of, object};

/// Returns a definition of widgets with these properties in `spec`.
fn definition(properties: &Value) -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}}}]}})
}

fn widget(spec: &Value) -> Value {
    object("example.com/v1", "Widget", spec)
}

/// Returns the report on a widget whose definition is among the manifests.
fn drift(properties: &Value, declared: &Value, live: &Value) -> Vec<String> {
    let definition = definition(properties);
    drift_of(
        "Widget",
        &[&definition, &widget(declared)],
        &[&definition, &widget(live)],
    )
}

/// Returns the report on a widget without a definition.
fn drift_without(declared: &Value, live: &Value) -> Vec<String> {
    drift_of("Widget", &[&widget(declared)], &[&widget(live)])
}

fn owned(mut live: Value, manager: &str, fields: &Value) -> Value {
    live["metadata"]["managedFields"] = json!([
        {"manager": "argocd-controller", "operation": "Apply", "apiVersion": "example.com/v1",
         "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:labels": {}}}},
        {"manager": manager, "operation": "Update", "apiVersion": "example.com/v1",
         "fieldsType": "FieldsV1", "fieldsV1": fields}]);
    live
}

#[test]
fn compares_preserved_unknown_fields_as_written() {
    let open = json!({"extra": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    let extra = |inner: Value| json!({"extra": inner});
    let declared =
        extra(json!({"a": {"b": "1000m"}, "list": [{"name": "x", "v": 1}, {"name": "y"}]}));
    let other_order =
        extra(json!({"a": {"b": "1000m"}, "list": [{"name": "y"}, {"name": "x", "v": 1}]}));
    assert_eq!(drift(&open, &declared, &other_order), [""; 0]);
    let respelled =
        extra(json!({"a": {"b": "1"}, "list": [{"name": "x", "v": 1.0}, {"name": "y"}]}));
    assert_eq!(
        drift(&open, &declared, &respelled),
        ["changed .spec.extra.a.b"]
    );
    let whole = json!({"any": {"x-kubernetes-preserve-unknown-fields": true}});
    for (declared, live) in [
        (json!(1), json!("1")),
        (json!([1]), json!({"a": 1})),
        (json!("a"), json!(["a"])),
    ] {
        let found = drift(&whole, &json!({"any": declared}), &json!({"any": live}));
        assert_eq!(found, ["changed .spec.any"], "{declared} {live}");
    }
}

#[test]
fn keeps_unknown_fields_if_the_type_preserves_them() {
    let open = json!({"part": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
        "properties": {"size": {"type": "integer", "default": 3}}}});
    let part = |part: Value| json!({"part": part});
    let with_default = part(json!({"more": "x", "size": 3}));
    assert_eq!(
        drift(&open, &part(json!({"more": "x"})), &with_default),
        [""; 0]
    );
    let more = part(json!({"more": "y", "size": 3}));
    assert_eq!(
        drift(&open, &part(json!({"more": "x"})), &more),
        ["changed .spec.part.more"]
    );
}

#[test]
fn compares_embedded_resources_by_their_own_kind() {
    let embedding = json!({"template": {"type": "object", "x-kubernetes-embedded-resource": true,
        "x-kubernetes-preserve-unknown-fields": true}});
    let template = |value: &str| {
        json!({"template": {"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "x", "labels": {"a": "b"}}, "data": {"k": value}}})
    };
    assert_eq!(drift(&embedding, &template("1"), &template("1")), [""; 0]);
    assert_eq!(
        drift(&embedding, &template("1"), &template("2")),
        ["changed .spec.template.data.k"]
    );
    let mut relabelled = template("1");
    relabelled["template"]["metadata"]["labels"]["a"] = json!("c");
    let found = drift(&embedding, &template("1"), &relabelled);
    assert_eq!(found, ["changed .spec.template.metadata.labels.a"]);
    let mut of_another_kind = template("1");
    of_another_kind["template"]["kind"] = json!("Secret");
    let found = drift(&embedding, &template("1"), &of_another_kind);
    assert_eq!(found, ["changed .spec.template.kind"]);
}

#[test]
fn a_number_in_text_is_another_int_or_string() {
    let port = json!({"port": {"x-kubernetes-int-or-string": true}});
    let spec = |port: Value| json!({"port": port});
    for (declared, live) in [(json!(80), json!("80")), (json!("5"), json!(5))] {
        let found = drift(&port, &spec(declared), &spec(live));
        assert_eq!(found, ["changed .spec.port"]);
    }
    assert_eq!(drift(&port, &spec(json!(80)), &spec(json!(80.0))), [""; 0]);
    assert_eq!(
        drift(&port, &spec(json!("15%")), &spec(json!("15%"))),
        [""; 0]
    );
    assert_eq!(
        drift(&port, &spec(json!("15%")), &spec(json!(15))),
        ["changed .spec.port"]
    );
    assert_eq!(
        drift(&port, &spec(json!("080")), &spec(json!(80))),
        ["changed .spec.port"]
    );
}

#[test]
fn fills_defaults_into_the_items_of_every_list() {
    let item = json!({"type": "object", "properties": {
        "name": {"type": "string"},
        "mode": {"type": "string", "default": "auto"},
        "limits": {"type": "object", "default": {}, "properties": {
            "size": {"type": "integer", "default": 3}}}}});
    let filled = json!({"parts": [{"name": "a", "mode": "auto", "limits": {"size": 3}},
        {"name": "b", "mode": "fast", "limits": {"size": 4}}]});
    let declared = json!({"parts": [{"name": "a"},
        {"name": "b", "mode": "fast", "limits": {"size": 4}}]});
    let mut changed = filled.clone();
    changed["parts"][0]["mode"] = json!("slow");
    let lists = [
        (json!({"type": "array", "items": item}), "[0]"),
        (
            json!({"type": "array", "items": item, "x-kubernetes-list-type": "atomic"}),
            "[0]",
        ),
        (
            json!({"type": "array", "items": item, "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"]}),
            "[name=\"a\"]",
        ),
    ];
    for (list, first) in lists {
        let properties = json!({"parts": list});
        assert_eq!(drift(&properties, &declared, &filled), [""; 0], "{list}");
        let found = drift(&properties, &declared, &changed);
        assert_eq!(found, [format!("added .spec.parts{first}.mode")], "{list}");
    }
}

#[test]
fn keys_with_defaults_identify_items_without_being_written() {
    let properties = json!({"ports": {"type": "array", "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["port", "protocol"], "items": {"type": "object",
            "properties": {"port": {"type": "integer"}, "weight": {"type": "integer"},
                "protocol": {"type": "string", "default": "TCP"}}}}});
    let declared = json!({"ports": [{"port": 53}, {"port": 53, "protocol": "UDP"}]});
    let live = |weight: u64| {
        json!({"ports": [{"port": 53, "protocol": "UDP"},
            {"port": 53, "protocol": "TCP", "weight": weight}]})
    };
    let found = drift(&properties, &declared, &live(5));
    assert_eq!(
        found,
        ["added .spec.ports[port=53,protocol=\"TCP\"].weight"]
    );
}

#[test]
fn an_atomic_map_is_owned_as_a_whole() {
    let properties = json!({"labels": {"type": "object", "x-kubernetes-map-type": "atomic",
        "additionalProperties": {"type": "string"}}});
    let definition = definition(&properties);
    let declared = widget(&json!({"labels": {"a": "1"}}));
    let live = owned(
        widget(&json!({"labels": {"a": "1", "b": "2"}})),
        "kubectl-edit",
        &json!({"f:spec": {"f:labels": {}}}),
    );
    let found = drift_of("Widget", &[&definition, &declared], &[&definition, &live]);
    assert_eq!(found, ["added .spec.labels.b"]);
}

#[test]
fn null_is_a_value_if_the_type_is_nullable() {
    let nullable = json!({"end": {"type": "string", "nullable": true, "default": "never"}});
    let plain = json!({"end": {"type": "string", "default": "never"}});
    let null = json!({"end": null});
    let default = json!({"end": "never"});
    assert_eq!(drift(&nullable, &null, &null), [""; 0]);
    assert_eq!(drift(&nullable, &null, &default), ["changed .spec.end"]);
    assert_eq!(
        drift(&plain, &null, &default),
        [""; 0],
        "null is dropped, and the field defaulted"
    );
    assert_eq!(drift(&nullable, &json!({}), &default), [""; 0]);
}

#[test]
fn without_a_schema_name_key_or_id_identify_list_items() {
    for key in ["name", "key", "id"] {
        let item = |name: &str, v: u64| json!({ key: name, "v": v });
        let declared = json!({"list": [item("a", 1), item("b", 1)]});
        let live = json!({"list": [item("b", 2), item("a", 1)]});
        let found = drift_without(&declared, &live);
        assert_eq!(found, [format!("changed .spec.list[{key}=\"b\"].v")]);
        let live = json!({"list": [item("c", 1), item("b", 1), item("a", 1)]});
        assert_eq!(
            drift_without(&declared, &live),
            [format!("added .spec.list[{key}=\"c\"]")]
        );
        let live = json!({"list": [item("b", 1)]});
        assert_eq!(
            drift_without(&declared, &live),
            [format!("removed .spec.list[{key}=\"a\"]")]
        );
    }
}

#[test]
fn without_a_schema_other_lists_are_compared_by_position() {
    let list = |items: Value| json!({"list": items});
    let twice = json!([{"name": "a", "v": 1}, {"name": "a", "v": 2}]);
    let turned = json!([{"name": "a", "v": 2}, {"name": "a", "v": 1}]);
    for (declared, live) in [
        (json!([1, 2]), json!([2, 1])),
        (json!(["a"]), json!(["a", "b"])),
        (json!([[1], [2]]), json!([[2], [1]])),
        (twice.clone(), turned),
        (json!([]), json!(["a"])),
        (
            json!([{"name": 1}, {"name": 2}]),
            json!([{"name": 2}, {"name": 1}]),
        ),
    ] {
        let found = drift_without(&list(declared.clone()), &list(live.clone()));
        assert_eq!(found, ["changed .spec.list"], "{declared} {live}");
        assert_eq!(
            drift_without(&list(declared.clone()), &list(declared)),
            [""; 0]
        );
    }
}

#[test]
fn without_a_schema_defaults_are_not_drift() {
    let specs = [
        json!({"a": 1.0, "b": 1e3, "c": [1.50], "d": {"e": {}}, "f": [], "g": ""}),
        json!({"text": "a  \nb\n", "when": "2026-01-01T00:00:00Z", "amount": "1000m"}),
        json!({"nothing": null, "list": [null, {"a": null}]}),
    ];
    let lives = [
        json!({"a": 1, "b": 1000, "c": [1.5], "d": {"e": {}}, "f": [], "g": ""}),
        json!({"text": "a  \nb\n", "when": "2026-01-01T00:00:00Z", "amount": "1000m"}),
        json!({"list": [null, {}]}),
    ];
    for (declared, live) in specs.iter().zip(&lives) {
        assert_eq!(drift_without(declared, live), [""; 0], "{declared}");
    }
}

#[test]
fn without_a_schema_values_are_compared_as_written() {
    for (declared, live) in [
        (json!("1000m"), json!("1")),
        (json!(80), json!("80")),
        (json!(false), json!(null)),
        (json!("1m0s"), json!("60s")),
        (json!("60s"), json!("1m")),
        (json!("60s"), json!("1m1s")),
        (json!("60"), json!("1m0s")),
    ] {
        let found = drift_without(&json!({"v": declared}), &json!({"v": live}));
        assert_eq!(found.len(), 1, "{declared} {live}");
    }
}

/// No schema marks durations, so a missing schema makes no difference: a duration in text equals
/// the same one in Go's notation, in which a controller writes it back.
#[test]
fn without_a_schema_durations_in_go_notation_are_equal() {
    for (declared, live) in [("60s", "1m0s"), ("2160h", "2160h0m0s")] {
        let found = drift_without(&json!({"v": declared}), &json!({"v": live}));
        assert_eq!(found, [""; 0], "{declared} {live}");
    }
}

/// It does not matter on which side the definition is.
#[test]
fn finds_a_definition_on_either_side() {
    let properties = json!({"parts": {"type": "array", "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["sku"], "items": {"type": "object"}}});
    let definition = definition(&properties);
    let declared = widget(&json!({"parts": [{"sku": "a", "v": 1}, {"sku": "b", "v": 1}]}));
    let live = widget(&json!({"parts": [{"sku": "b", "v": 1}, {"sku": "a", "v": 2}]}));
    let by_key = ["changed .spec.parts[sku=\"a\"].v"];
    let found = drift_of("Widget", &[&definition, &declared], &[&live]);
    assert_eq!(found, by_key, "among the manifests");
    let found = drift_of("Widget", &[&declared], &[&definition, &live]);
    assert_eq!(found, by_key, "in the recording");
    let found = drift_of("Widget", &[&declared], &[&live]);
    assert_eq!(found, ["changed .spec.parts"], "nowhere");
}

/// Returns a live widget with these owners: manager, operation, fields.
fn held(spec: &Value, managers: &[(&str, &str, Value)]) -> Value {
    let mut live = widget(spec);
    let entry = |(manager, operation, fields): &(&str, &str, Value)| {
        json!({"manager": manager, "operation": operation, "apiVersion": "example.com/v1",
            "fieldsType": "FieldsV1", "fieldsV1": fields})
    };
    live["metadata"]["managedFields"] = managers.iter().map(entry).collect();
    live
}

/// The server fills defaults into atomic lists, and the creator of an object owns all of it.
#[test]
fn without_a_schema_fields_that_only_the_applier_owns_may_be_defaults() {
    let declared = json!({"size": 1, "rules": [{"to": [{"name": "a"}]}]});
    let filled =
        json!({"size": 1, "rules": [{"to": [{"name": "a", "weight": 1}], "type": "Exact"}]});
    let found = |managers: &[(&str, &str, Value)]| {
        drift_of("Widget", &[&widget(&declared)], &[&held(&filled, managers)])
    };
    let all = json!({"f:spec": {"f:size": {}, "f:rules": {}}});
    let size = json!({"f:spec": {"f:size": {}}});
    let rules = json!({"f:spec": {"f:rules": {}}});
    assert_eq!(
        found(&[("argocd-controller", "Apply", all.clone())]),
        [""; 0]
    );
    assert_eq!(found(&[("helm", "Update", all)]), [""; 0]);
    let edited = [
        ("argocd-controller", "Apply", size),
        ("kubectl-edit", "Update", rules),
    ];
    let added = [
        "added .spec.rules[0].to[name=\"a\"].weight",
        "added .spec.rules[0].type",
    ];
    assert_eq!(found(&edited), added);
}

#[test]
fn without_a_schema_other_fields_are_still_additions() {
    let declared = json!({"size": 1, "rules": [{"name": "a"}]});
    let found = |live: Value, managers: &[(&str, &str, Value)]| {
        drift_of("Widget", &[&widget(&declared)], &[&held(&live, managers)])
    };
    let all = json!({"f:spec": {"f:size": {}, "f:rules": {}}});
    let item = json!({"size": 1, "rules": [{"name": "a"}, {"name": "b"}]});
    let applied = [("argocd-controller", "Apply", all)];
    assert_eq!(found(item, &applied), ["added .spec.rules[name=\"b\"]"]);
    let coloured = json!({"size": 1, "rules": [{"name": "a"}], "colour": "red"});
    let all = json!({"f:spec": {"f:size": {}, "f:rules": {}, "f:colour": {}}});
    let applied = [("argocd-controller", "Apply", all)];
    assert_eq!(
        found(coloured, &applied),
        ["added .spec.colour"],
        "it was applied"
    );
    let ports = json!({"size": 1, "rules": [{"name": "a"}], "ports": [{"name": "p"}]});
    let port = json!({"k:{\"name\":\"p\"}": {".": {}, "f:name": {}}});
    let all = json!({"f:spec": {"f:size": {}, "f:rules": {}, "f:ports": port}});
    let applied = [("argocd-controller", "Apply", all)];
    assert_eq!(
        found(ports, &applied),
        ["added .spec.ports"],
        "its items were"
    );
    let mut labelled = held(
        &declared,
        &[(
            "helm",
            "Update",
            json!({"f:metadata": {"f:labels": {"f:team": {}}},
            "f:spec": {"f:size": {}, "f:rules": {}}}),
        )],
    );
    labelled["metadata"]["labels"] = json!({"team": "x"});
    let found = drift_of("Widget", &[&widget(&declared)], &[&labelled]);
    assert_eq!(found, ["added .metadata.labels"]);
}

/// The definition fills in the field as a whole, and only if it is absent.
#[test]
fn reports_changes_inside_a_default_separately() {
    let quantities = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let filled = json!({"limits": {"cpu": "2", "memory": "2Gi"}, "requests": {"cpu": "1"}});
    let properties = json!({"resources": {"type": "object", "default": filled, "properties": {
        "limits": quantities, "requests": quantities,
        "claims": {"type": "array", "items": {"type": "object"}}}}});
    let found = |change: &dyn Fn(&mut Value)| {
        let mut resources = filled.clone();
        change(&mut resources);
        drift(&properties, &json!({}), &json!({"resources": resources}))
    };
    assert_eq!(found(&|_| {}), [""; 0]);
    assert_eq!(
        found(&|it| it["claims"] = json!([{"name": "gpu"}])),
        ["added .spec.resources.claims"]
    );
    assert_eq!(
        found(&|it| it["limits"]["cpu"] = json!("9")),
        ["added .spec.resources.limits.cpu"]
    );
    assert_eq!(
        found(&|it| it["limits"] = json!({"memory": "2Gi"})),
        ["removed .spec.resources.limits.cpu"]
    );
    assert_eq!(
        found(&|it| *it = json!({"limits": {"cpu": "2", "memory": "2Gi"}})),
        ["removed .spec.resources.requests"]
    );
}

/// Server-side apply leaves `f:x: {}` for the manager that applied a map that is empty now.
#[test]
fn names_no_owner_for_entries_removed_from_an_empty_map() {
    let open = json!({"plugin": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        "selector": {"type": "object", "x-kubernetes-map-type": "atomic",
            "additionalProperties": {"type": "string"}}});
    let definition = definition(&open);
    let declared = widget(&json!({"plugin": {"x": {"a": 1}}, "selector": {"app": "a"}}));
    let live = held(
        &json!({"plugin": {"x": {}}, "selector": {}}),
        &[
            (
                "argocd-controller",
                "Apply",
                json!({"f:spec": {"f:plugin": {"f:x": {}}}}),
            ),
            (
                "kubectl-edit",
                "Update",
                json!({"f:spec": {"f:selector": {}}}),
            ),
        ],
    );
    let documents = format!("{definition}\n---\n{declared}");
    let objects = super::compared(&documents, &[&definition, &live]);
    let widget = objects.iter().find(|one| one.key.kind == "Widget").unwrap();
    let reported: Vec<(String, Vec<&str>)> = widget
        .reported()
        .map(|drift| {
            let owners = drift.owners.iter().map(|owner| owner.manager.as_str());
            (drift.change.path.to_string(), owners.collect())
        })
        .collect();
    assert_eq!(
        reported,
        [
            (".spec.plugin.x.a".to_owned(), vec![]),
            (".spec.selector.app".to_owned(), vec!["kubectl-edit"]),
        ]
    );
}

/// Returns which finalizers and notes next to `spec` are drift, if these managers wrote them.
fn notes(group: &str, kind: &str, metadata: Value, managers: &[(&str, &str, Value)]) -> usize {
    let version = format!("{group}/v1");
    let declared = object(&version, kind, &json!({"size": 1}));
    let mut live = declared.clone();
    for (field, value) in metadata.as_object().unwrap() {
        live["metadata"][field] = value.clone();
    }
    let entry = |(manager, subresource, fields): &(&str, &str, Value)| {
        json!({"manager": manager, "operation": "Update", "apiVersion": version,
            "subresource": subresource, "fieldsType": "FieldsV1", "fieldsV1": fields})
    };
    live["metadata"]["managedFields"] = managers.iter().map(entry).collect();
    drift_of(kind, &[&declared], &[&live]).len()
}

#[test]
fn the_controller_that_writes_the_status_may_add_finalizers_and_notes() {
    let finalizer = json!({"finalizers": ["finalizer.keda.sh"]});
    let holds = json!({"f:metadata": {"f:finalizers": {".": {}, "v:\"finalizer.keda.sh\"": {}}}});
    let status = json!({"f:status": {"f:ready": {}}});
    let keda = |manager, fields: &Value| {
        let managers = [
            (manager, "", fields.clone()),
            ("keda", "status", status.clone()),
        ];
        notes("keda.sh", "ScaledObject", finalizer.clone(), &managers)
    };
    assert_eq!(keda("keda", &holds), 0);
    assert_eq!(keda("k9s", &holds), 1, "another manager added it");
    let note = |group: &str, name: &str, reporter: &str| {
        let mut keys = serde_json::Map::new();
        keys.insert(format!("f:{name}"), json!({}));
        let holds = json!({"f:metadata": {"f:annotations": keys}});
        let managers = [
            ("karpenter", "", holds),
            (reporter, "status", status.clone()),
        ];
        let metadata = json!({"annotations": {name: "1"}});
        notes(group, "NodePool", metadata, &managers)
    };
    assert_eq!(
        note("karpenter.sh", "karpenter.sh/nodepool-hash", "karpenter"),
        0
    );
    assert_eq!(
        note(
            "kibana.k8s.elastic.co",
            "association.k8s.elastic.co/es",
            "karpenter"
        ),
        0
    );
    assert_eq!(
        note("karpenter.sh", "karpenter.sh/nodepool-hash", "other"),
        1
    );
    assert_eq!(note("karpenter.sh", "example.com/owner", "karpenter"), 1);
    assert_eq!(note("a.x-k8s.io", "b.x-k8s.io/owner", "karpenter"), 1);
    let size = [
        ("keda", "", json!({"f:spec": {"f:more": {}}})),
        ("keda", "status", status),
    ];
    let declared = object("keda.sh/v1", "ScaledObject", &json!({"size": 1}));
    let mut live = object("keda.sh/v1", "ScaledObject", &json!({"size": 1, "more": 2}));
    live["metadata"]["managedFields"] = size
        .iter()
        .map(|(manager, subresource, fields)| {
            json!({"manager": manager, "operation": "Update", "subresource": subresource,
                "apiVersion": "keda.sh/v1", "fieldsType": "FieldsV1", "fieldsV1": fields})
        })
        .collect();
    let found = drift_of("ScaledObject", &[&declared], &[&live]);
    assert_eq!(found, ["added .spec.more"], "only notes are explained");
}

#[test]
fn controllers_may_rewrite_amounts_and_times() {
    let live = |spec: Value| owned(widget(&spec), "operator", &json!({"f:spec": {"f:a": {}}}));
    for (declared, respelled, changed) in [
        (
            json!({"memory": "1024Mi"}),
            json!({"memory": "1Gi"}),
            json!({"memory": "2Gi"}),
        ),
        (
            json!({"resources": {"requests": {"cpu": 1, "example.com/gpu": 2}}}),
            json!({"resources": {"requests": {"cpu": "1", "example.com/gpu": "2"}}}),
            json!({"resources": {"requests": {"cpu": "1", "example.com/gpu": "3"}}}),
        ),
        (
            json!({"since": "2026-01-01T01:00:00+01:00"}),
            json!({"since": "2026-01-01T00:00:00Z"}),
            json!({"since": "2026-01-01T00:00:01Z"}),
        ),
    ] {
        let found = |value: &Value| drift_without(&declared, value).len();
        assert_eq!(found(&live(respelled.clone())["spec"]), 0, "{respelled}");
        assert_eq!(found(&live(changed.clone())["spec"]), 1, "{changed}");
    }
    // A name that only looks like an amount.
    assert_eq!(
        drift_without(&json!({"tag": "1024Mi"}), &json!({"tag": "1Gi"})),
        ["changed .spec.tag"]
    );
}

/// Returns a widget that `kubectl apply` created from `{"mode": "a"}` and another manager changed,
/// with a default next to it.
fn applied_and_changed(mode: &str, by: &str) -> Value {
    let mut live = widget(&json!({"mode": mode, "size": 3}));
    live["metadata"]["annotations"] = json!({
        "kubectl.kubernetes.io/last-applied-configuration":
            r#"{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"a","namespace":"shop"},"spec":{"mode":"a"}}"#});
    live["metadata"]["managedFields"] = json!([
        {"manager": "kubectl-client-side-apply", "operation": "Update", "apiVersion": "example.com/v1",
         "fieldsType": "FieldsV1", "fieldsV1": {
            "f:metadata": {"f:annotations": {
                "f:kubectl.kubernetes.io/last-applied-configuration": {}}},
            "f:spec": {"f:size": {}}}},
        {"manager": by, "operation": "Update", "apiVersion": "example.com/v1",
         "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:mode": {}}}}]);
    live
}

#[test]
fn defaults_are_explained_even_if_every_declared_field_changed() {
    let declared = widget(&json!({"mode": "a"}));
    let live = applied_and_changed("b", "kubectl-edit");
    assert_eq!(
        drift_of("Widget", &[&declared], &[&live]),
        ["changed .spec.mode"]
    );
    let mut taken_over = applied_and_changed("b", "kubectl-edit");
    let entries = taken_over["metadata"]["managedFields"]
        .as_array_mut()
        .unwrap();
    entries[0]["fieldsV1"]["f:spec"] = json!({});
    entries[1]["fieldsV1"]["f:spec"] = json!({"f:mode": {}, "f:size": {}});
    assert_eq!(
        drift_of("Widget", &[&declared], &[&taken_over]),
        ["changed .spec.mode", "added .spec.size"]
    );
}

#[test]
fn null_means_absent_for_a_defaulted_field() {
    let declared = widget(&json!({"mode": null, "size": 1}));
    let mut live = widget(&json!({"mode": "auto", "size": 1}));
    live["metadata"]["managedFields"] = json!([
        {"manager": "argocd-controller", "operation": "Apply", "apiVersion": "example.com/v1",
         "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:mode": {}, "f:size": {}}}}]);
    assert_eq!(drift_of("Widget", &[&declared], &[&live]), [""; 0]);
    live["metadata"]["managedFields"][0]["manager"] = json!("argocd-controller");
    let mut edited = live.clone();
    let entries = edited["metadata"]["managedFields"].as_array_mut().unwrap();
    entries[0]["fieldsV1"]["f:spec"] = json!({"f:size": {}});
    entries.push(
        json!({"manager": "kubectl-edit", "operation": "Update", "apiVersion": "example.com/v1",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:mode": {}}}}),
    );
    assert_eq!(
        drift_of("Widget", &[&declared], &[&edited]),
        ["added .spec.mode"]
    );
}

/// Returns a definition with two versions of the same schema, each with its own default of `mode`.
fn two_versions(old: &str, new: &str) -> Value {
    let version = |name: &str, default: &str, storage: bool| {
        json!({"name": name, "served": true, "storage": storage, "schema": {"openAPIV3Schema": {
            "type": "object", "properties": {"spec": {"type": "object", "properties": {
                "size": {"type": "integer"}, "mode": {"type": "string", "default": default},
                "deep": {"type": "object", "default": {}, "properties": {
                    "mode": {"type": "string", "default": default}}}}}}}}})
    };
    let mut definition = definition(&json!({}));
    definition["spec"]["versions"] =
        json!([version("v1beta1", old, false), version("v1", new, true)]);
    definition
}

#[test]
fn a_default_may_come_from_the_version_that_was_applied_or_from_the_declared_definition() {
    let spec = json!({"size": 1});
    let declared = |version: &str| object(version, "Widget", &spec);
    let live = |mode: &str, holder: Option<&str>| {
        let mut live = widget(&json!({"size": 1, "mode": mode, "deep": {"mode": mode}}));
        let fields = json!({"f:spec": {"f:mode": {}, "f:deep": {".": {}, "f:mode": {}}}});
        let mut entries = vec![
            json!({"manager": "argocd-controller", "operation": "Apply", "apiVersion": "example.com/v1",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:size": {}}}}),
        ];
        entries.extend(holder.map(|manager| {
            json!({"manager": manager, "operation": "Update",
            "apiVersion": "example.com/v1", "fieldsType": "FieldsV1", "fieldsV1": fields})
        }));
        live["metadata"]["managedFields"] = json!(entries);
        live
    };
    let defined = two_versions("old", "new");
    let found =
        |version: &str, live: &Value| drift_of("Widget", &[&declared(version)], &[&defined, live]);
    let both = ["added .spec.deep.mode", "added .spec.mode"];
    assert_eq!(found("example.com/v1", &live("new", None)), [""; 0]);
    assert_eq!(found("example.com/v1", &live("old", None)), both);
    assert_eq!(found("example.com/v1beta1", &live("old", None)), [""; 0]);
    assert_eq!(found("example.com/v1beta1", &live("other", None)), both);
    let edited = live("old", Some("kubectl-edit"));
    assert!(!found("example.com/v1beta1", &edited).is_empty());
    // The declared definition differs from the live one.
    let before = two_versions("old", "before");
    let of_declared = |live: &Value| {
        let declared = declared("example.com/v1");
        drift_of("Widget", &[&before, &declared], &[&defined, live])
    };
    assert_eq!(of_declared(&live("before", None)), [""; 0]);
    assert_eq!(of_declared(&live("old", None)), both);
    assert!(!of_declared(&live("before", Some("kubectl-edit"))).is_empty());
}
