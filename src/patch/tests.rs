use serde_json::json;

use super::*;

/// Makes the edits. Returns the patch in short form, and its result.
#[track_caller]
fn patched(live: &Value, wanted: &Value, edits: &[(&str, Option<Value>)]) -> (Vec<String>, Value) {
    let paths: Vec<FieldPath> = edits
        .iter()
        .map(|(path, _)| path.parse().unwrap())
        .collect();
    let edits: Vec<FieldChange<'_>> = paths
        .iter()
        .zip(edits)
        .map(|(path, (_, to))| FieldChange {
            path,
            to: to.as_ref(),
        })
        .collect();
    let operations = build(live, wanted, &edits).unwrap();
    let shown = operations.iter().map(|operation| match operation {
        PatchOperation::Test(at, value) => format!("test {at} {value}"),
        PatchOperation::Add(at, value) => format!("add {at} {value}"),
        PatchOperation::Replace(at, value) => format!("replace {at} {value}"),
        PatchOperation::Remove(at) => format!("remove {at}"),
        PatchOperation::Move { from, to } => format!("move {from} {to}"),
    });
    (shown.collect(), apply(live, &operations).unwrap())
}

#[test]
fn tests_and_replaces_a_changed_field() {
    let live = json!({"metadata": {"uid": "u"}, "spec": {"replicas": 5, "paused": true}});
    let wanted = json!({"spec": {"replicas": 3}});
    let (patch, made) = patched(&live, &wanted, &[(".spec.replicas", Some(json!(3)))]);
    assert_eq!(
        patch,
        [
            "test /metadata/uid \"u\"",
            "test /spec/replicas 5",
            "replace /spec/replicas 3"
        ]
    );
    assert_eq!(made["spec"], json!({"replicas": 3, "paused": true}));
}

#[test]
fn tests_the_keys_of_list_items_on_the_path() {
    let live = json!({"c": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]});
    let (patch, _) = patched(&live, &live, &[(".c[name=\"b\"].image", Some(json!("z")))]);
    assert_eq!(
        patch,
        [
            "test /c/1/name \"b\"",
            "test /c/1/image \"y\"",
            "replace /c/1/image \"z\""
        ]
    );
}

#[test]
fn adds_a_removed_field_with_its_missing_parents() {
    let live = json!({"metadata": {"name": "a"}});
    let wanted = json!({"metadata": {"labels": {"a/b": "1", "c": "2"}}});
    let edits = [
        (".metadata.labels[\"a/b\"]", Some(json!("1"))),
        (".metadata.labels.c", Some(json!("2"))),
    ];
    let (patch, made) = patched(&live, &wanted, &edits);
    assert_eq!(
        patch,
        [
            "test /metadata/labels null",
            "add /metadata/labels {\"a/b\":\"1\",\"c\":\"2\"}"
        ]
    );
    assert_eq!(made["metadata"]["labels"], wanted["metadata"]["labels"]);
    let live = json!({"metadata": {"labels": {"c": "2"}}});
    let (patch, _) = patched(&live, &wanted, &edits[..1]);
    assert_eq!(
        patch,
        [
            "test /metadata/labels/a~1b null",
            "add /metadata/labels/a~1b \"1\""
        ]
    );
}

#[test]
fn removes_maps_that_become_empty_and_are_not_declared() {
    let live = json!({"metadata": {"annotations": {"a": "1", "b": "2"}}, "spec": {"x": {"y": 1}}});
    let edits = [
        (".metadata.annotations.a", None),
        (".metadata.annotations.b", None),
        (".spec.x.y", None),
    ];
    let (_, made) = patched(&live, &json!({"metadata": {}, "spec": {}}), &edits);
    assert_eq!(made, json!({"metadata": {}, "spec": {}}));
    let wanted = json!({"metadata": {"annotations": {}}, "spec": {"x": {}}});
    let (_, made) = patched(&live, &wanted, &edits);
    assert_eq!(made, wanted);
}

#[test]
fn replaces_a_changed_port_in_place() {
    let live = json!({"ports": [{"port": 81, "protocol": "TCP"}]});
    let wanted = json!({"ports": [{"port": 80}]});
    let edits = [
        (
            ".ports[port=80,protocol=\"TCP\"]",
            Some(json!({"port": 80})),
        ),
        (".ports[port=81,protocol=\"TCP\"]", None),
    ];
    let (patch, _) = patched(&live, &wanted, &edits);
    assert_eq!(
        patch,
        [
            "test /ports/0/port 81",
            "test /ports/0/protocol \"TCP\"",
            "test /ports/0 {\"port\":81,\"protocol\":\"TCP\"}",
            "replace /ports/0 {\"port\":80}"
        ]
    );
}

#[test]
fn removes_items_from_the_end_and_adds_them_after_their_neighbours() {
    let item = |name: &str| json!({"name": name});
    let live = json!({"c": [item("x"), item("a"), item("y"), item("d")]});
    let wanted = json!({"c": [item("a"), item("b"), item("c"), item("d")]});
    let edits = [
        (".c[name=\"c\"]", Some(item("c"))),
        (".c[name=\"b\"]", Some(item("b"))),
        (".c[name=\"x\"]", None),
        (".c[name=\"y\"]", None),
    ];
    let (patch, made) = patched(&live, &wanted, &edits);
    assert_eq!(made, wanted);
    let changes: Vec<&String> = patch.iter().filter(|op| !op.starts_with("test")).collect();
    assert_eq!(
        changes,
        [
            "remove /c/2",
            "remove /c/0",
            "add /c/1 {\"name\":\"b\"}",
            "add /c/2 {\"name\":\"c\"}"
        ]
    );
}

/// An environment variable can refer only to those before it.
#[test]
fn puts_the_items_of_an_edited_list_in_the_wanted_order() {
    let item = |name: &str, value: u8| json!({"name": name, "value": value});
    let wanted = json!({"env": [item("a", 1), item("b", 2), item("c", 3)]});
    let live = json!({"env": [item("c", 3), item("x", 0), item("b", 9), item("a", 1)]});
    let (patch, made) = patched(
        &live,
        &wanted,
        &[(".env[name=\"b\"].value", Some(json!(2)))],
    );
    assert_eq!(
        made,
        json!({"env": [item("x", 0), item("a", 1), item("b", 2), item("c", 3)]})
    );
    assert!(
        patch.contains(&format!("test /env {}", live["env"])),
        "{patch:?}"
    );
    // With items that go and come.
    let edits = [
        (".env[name=\"x\"]", None),
        (".env[name=\"b\"]", Some(item("b", 2))),
    ];
    let live = json!({"env": [item("c", 3), item("a", 1), item("x", 0)]});
    assert_eq!(patched(&live, &wanted, &edits).1, wanted);
}

#[test]
fn leaves_the_order_of_a_list_alone_that_is_in_order_or_has_items_twice() {
    let item = |name: &str, value: u8| json!({"name": name, "value": value});
    let wanted = json!({"env": [item("a", 1), item("b", 2)]});
    let edits = [(".env[name=\"a\"].value", Some(json!(1)))];
    for live in [
        json!([item("x", 0), item("a", 2), item("y", 0), item("b", 2)]),
        json!([item("b", 2), item("b", 3), item("a", 2)]),
        json!([item("b", 2), "b", item("a", 2)]),
    ] {
        let (patch, _) = patched(&json!({"env": live}), &wanted, &edits);
        assert!(!patch.iter().any(|op| op.starts_with("move")), "{patch:?}");
    }
}

#[test]
fn does_not_add_an_item_twice() {
    let live = json!({"c": [{"name": "a"}]});
    let wanted = json!({"c": [{"name": "a"}, {"name": "b"}]});
    let edits = [(".c[name=\"b\"]", Some(json!({"name": "b"})))];
    let (patch, made) = patched(&live, &wanted, &edits);
    assert_eq!(patch[0], r#"test /c [{"name":"a"}]"#);
    assert_eq!(made, wanted);
}

#[test]
fn edits_inner_lists_before_outer_items_move() {
    let live = json!({"c": [{"name": "x"}, {"name": "a", "env": [{"name": "n"}]}]});
    let wanted = json!({"c": [{"name": "a", "env": [{"name": "m"}, {"name": "o"}]}]});
    let edits = [
        (".c[name=\"x\"]", None),
        (".c[name=\"a\"].env[name=\"n\"]", None),
        (".c[name=\"a\"].env[name=\"m\"]", Some(json!({"name": "m"}))),
        (".c[name=\"a\"].env[name=\"o\"]", Some(json!({"name": "o"}))),
    ];
    assert_eq!(patched(&live, &wanted, &edits).1, wanted);
}

#[test]
fn tests_an_atomic_list_as_a_whole() {
    let live = json!({"rules": [{"verbs": ["get"]}, {"verbs": ["list"]}]});
    let wanted = json!({"rules": [{"verbs": ["get"]}, {"verbs": ["watch"]}]});
    let edits = [(".rules[1].verbs", Some(json!(["watch"])))];
    let (patch, made) = patched(&live, &wanted, &edits);
    assert!(patch[0].starts_with("test /rules ["), "{patch:?}");
    assert_eq!(made, wanted);
}

#[test]
fn skips_edits_that_are_already_done() {
    let live = json!({"a": 1, "l": [{"name": "x"}]});
    let edits = [
        (".a", Some(json!(1))),
        (".b", None),
        (".l[name=\"y\"]", None),
        (".m.n", None),
    ];
    let (patch, _) = patched(&live, &live, &edits);
    assert!(patch.iter().all(|op| op.starts_with("test")), "{patch:?}");
}

#[test]
fn rejects_a_path_that_does_not_exist() {
    let live = json!({"a": 1, "l": [{"name": "x", "v": 1}, {"name": "x", "v": 2}]});
    for (path, to) in [
        (".a.b", Some(json!(1))),
        (".l[name=\"x\"].v", Some(json!(3))),
        (".l[name=\"y\"].v", Some(json!(3))),
        (".a[0]", Some(json!(3))),
    ] {
        let path: FieldPath = path.parse().unwrap();
        let edit = FieldChange {
            path: &path,
            to: to.as_ref(),
        };
        assert!(build(&live, &live, &[edit]).is_err(), "{path}");
    }
}

#[test]
fn applies_nothing_if_a_test_fails() {
    let live = json!({"a": 1, "b": 2});
    let path: FieldPath = ".a".parse().unwrap();
    let to = json!(3);
    let edit = FieldChange {
        path: &path,
        to: Some(&to),
    };
    let patch = build(&live, &live, &[edit]).unwrap();
    assert!(apply(&json!({"a": 2, "b": 2}), &patch).is_err());
    let elsewhere = apply(&json!({"a": 1, "b": 9}), &patch).unwrap();
    assert_eq!(elsewhere, json!({"a": 3, "b": 9}));
}

#[test]
fn limits_the_length_of_a_patch() {
    let live: Map<String, Value> = (0..6_000).map(|n| (format!("k{n}"), json!(n))).collect();
    let paths: Vec<FieldPath> = (0..6_000)
        .map(|n| format!(".data.k{n}").parse().unwrap())
        .collect();
    let to = json!("x");
    let edits: Vec<FieldChange<'_>> = paths
        .iter()
        .map(|path| FieldChange {
            path,
            to: Some(&to),
        })
        .collect();
    let live = json!({"data": live});
    assert_eq!(build(&live, &live, &edits), Err(PatchError::TooLong));
}

#[test]
fn a_list_that_does_not_exist_gets_its_items_in_the_wanted_order() {
    let live = json!({"spec": {}});
    let (b, a) = (json!({"name": "b"}), json!({"name": "a"}));
    let wanted = json!({"spec": {"volumes": [b, a]}});
    let edits = [
        (".spec.volumes[name=\"a\"]", Some(a.clone())),
        (".spec.volumes[name=\"b\"]", Some(b.clone())),
    ];
    let (_, made) = patched(&live, &wanted, &edits);
    assert_eq!(made, wanted);
}
