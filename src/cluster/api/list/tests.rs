use serde_json::{Value, json};

use super::*;

/// Wants the ConfigMaps `a` and `b` in `shop`, and the undeclared ones.
fn selection(extra: bool) -> Arc<ListSelection> {
    Arc::new(ListSelection {
        kind: ServedKind {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            plural: "configmaps".to_owned(),
            namespaced: true,
            short_names: Vec::new(),
        },
        namespace: Some("shop".to_owned()),
        wanted: HashMap::from([(
            "shop".to_owned(),
            HashSet::from(["a".to_owned(), "b".to_owned()]),
        )]),
        extra_in: Namespaces::Only(extra.then(|| "shop".to_owned()).into_iter().collect()),
    })
}

fn item(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop"}, "data": {"k": "v"}})
}

fn list(metadata: &Value, items: &Value) -> Value {
    json!({"kind": "ConfigMapList", "apiVersion": "v1", "metadata": metadata, "items": items})
}

/// Feeds a page in pieces of seven bytes.
fn receive(body: &str, extra: bool, metadata: bool) -> Result<ListPage, ApiFailure> {
    let mut receiver = PageReceiver::new(selection(extra), metadata);
    for chunk in body.as_bytes().chunks(7) {
        receiver.chunk(chunk)?;
    }
    receiver.finish()
}

#[track_caller]
fn assert_refused(body: &Value) {
    let result = receive(&body.to_string(), true, false);
    assert!(
        matches!(result, Err(ApiFailure::Malformed { .. })),
        "{body}: {result:?}"
    );
}

#[test]
fn keeps_only_wanted_objects() {
    let page = json!({"resourceVersion": "9", "continue": "token", "remainingItemCount": 4});
    let body = list(&page, &json!([item("a"), item("x"), item("b")])).to_string();
    let page = receive(&body, false, false).unwrap();
    let names: Vec<_> = page.found.iter().map(|object| &*object.key.name).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!((page.items, page.extra.len()), (3, 0));
    assert_eq!(
        (page.next.as_deref(), page.remaining),
        (Some("token"), Some(4))
    );
    assert_eq!(page.resource_version, "9");
}

#[test]
fn keeps_only_the_metadata_of_undeclared_objects() {
    let body = list(&json!({}), &json!([item("x")])).to_string();
    let page = receive(&body, true, false).unwrap();
    assert_eq!(page.extra.len(), 1);
    assert!(
        !page.extra[0].json().contains("\"data\""),
        "{}",
        page.extra[0].json()
    );
}

#[test]
fn wanted_objects_in_a_page_of_metadata_exist_but_are_not_read_yet() {
    let item = json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
        "metadata": {"name": "a", "namespace": "shop"}});
    let body = json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
        "metadata": {}, "items": [item]});
    let page = receive(&body.to_string(), false, true).unwrap();
    assert_eq!((page.found.len(), page.present.len()), (0, 1));
    // The request was not for metadata only.
    assert_refused(&body);
}

#[test]
fn accepts_null_as_an_empty_list() {
    for items in [json!(null), json!([])] {
        let page = receive(&list(&json!({}), &items).to_string(), false, false).unwrap();
        assert_eq!((page.items, page.next), (0, None));
    }
}

#[test]
fn rejects_a_body_that_is_not_the_requested_list() {
    assert_refused(&json!({"kind": "ConfigMapList", "apiVersion": "v1", "metadata": {}}));
    assert_refused(&json!({"kind": "ConfigMapList", "apiVersion": "v1", "items": {}}));
    assert_refused(&json!({"kind": "SecretList", "apiVersion": "v1", "items": []}));
    assert_refused(&json!({"kind": "ConfigMapList", "apiVersion": "apps/v1", "items": []}));
    assert_refused(&json!({"kind": "Status", "apiVersion": "v1", "items": []}));
    assert_refused(&json!({}));
    assert_refused(&list(&json!({"remainingItemCount": 1}), &json!([])));
    assert_refused(&list(
        &json!({"continue": "", "remainingItemCount": 1}),
        &json!([]),
    ));
    assert_refused(&list(
        &json!({}),
        &json!([{"metadata": {"namespace": "shop"}}]),
    ));
    assert_refused(&list(&json!({}), &json!([{"metadata": {"name": "a"}}])));
    let elsewhere = json!({"metadata": {"name": "a", "namespace": "other"}});
    assert_refused(&list(&json!({}), &json!([elsewhere])));
    let mut secret = item("a");
    secret["kind"] = "Secret".into();
    assert_refused(&list(&json!({}), &json!([secret])));
    assert_refused(&list(&json!({}), &json!([1])));
}

#[test]
fn rejects_a_list_that_is_cut_short() {
    let body = list(
        &json!({"resourceVersion": "9"}),
        &json!([item("a"), item("b")]),
    )
    .to_string();
    for end in 0..body.len() {
        let result = receive(&body[..end], false, false);
        assert!(result.is_err(), "{end}");
    }
    assert!(receive(&body, false, false).is_ok());
}

#[test]
fn a_malformed_item_is_an_error_only_if_it_is_wanted() {
    let broken = |name: &str| {
        format!(
            r#"{{"kind":"ConfigMapList","apiVersion":"v1","metadata":{{}},"items":[
            {{"metadata":{{"name":"{name}","namespace":"shop"}},"data":{{"k" "v"}}}}]}}"#
        )
    };
    assert!(receive(&broken("a"), false, false).is_err());
    assert!(receive(&broken("x"), false, false).is_ok());
}
