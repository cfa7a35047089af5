use serde_json::json;

use super::*;
use crate::model::tests::{drift, key};
use crate::model::{JudgedChange, Presence};

fn object(
    key: ResourceKey,
    declared: Value,
    live: Value,
    drifts: Vec<JudgedChange>,
) -> ObjectReport {
    ObjectReport {
        presence: Presence::Both,
        drifts,
        declared: Some(declared.into()),
        live: Some(live.into()),
        ..ObjectReport::new(key, "v1".to_owned())
    }
}

fn report(object: ObjectReport) -> Report {
    Report {
        objects: vec![object],
        ..Report::default()
    }
}

/// Returns a whole-object view.
fn view(packed: &Option<PackedObject>) -> Value {
    packed.as_ref().unwrap().value()
}

/// Returns one redacted change of an object: its path, declared and live.
#[track_caller]
fn redacted_change(
    group: &str,
    kind: &str,
    path: &str,
    declared: Value,
    live: Value,
) -> (String, Value, Value) {
    let drift = drift(path, Some(declared), Some(live));
    let mut object = object(key(group, kind), json!({}), json!({}), vec![drift]);
    (object.declared, object.live) = (None, None);
    let redacted = redact(report(object));
    let change = redacted.objects[0].drifts[0].change.clone();
    (
        change.path.to_string(),
        change.declared.unwrap(),
        change.live.unwrap(),
    )
}

#[test]
fn a_secret_only_shows_that_it_differs() {
    let (path, declared, live) =
        redacted_change("", "Secret", ".data.password", json!("YQ=="), json!("Yg=="));
    assert_eq!(path, ".data.password");
    assert_eq!((declared, live), (json!(DIFFERS), json!(DIFFERS)));
}

#[test]
fn the_views_of_a_secret_keep_its_keys_and_show_what_differs() {
    let secret = |password: &str, user: &str| {
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "metadata": {
                "name": "cart",
                "annotations": {
                    "kubectl.kubernetes.io/last-applied-configuration": "{\"data\":1}",
                    "ticket": "INC-1",
                },
            },
            "data": {"password": password, "user": user},
        })
    };
    let redacted = redact(report(object(
        key("", "Secret"),
        secret("YQ==", "dQ=="),
        secret("Yg==", "dQ=="),
        Vec::new(),
    )));
    let object = &redacted.objects[0];
    assert_eq!(
        view(&object.live),
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "metadata": {"name": "cart", "annotations": {"ticket": "INC-1"}},
            "data": {"password": DIFFERS, "user": MASK},
        })
    );
    assert_eq!(
        view(&object.declared)["data"],
        json!({"password": MASK, "user": MASK})
    );
}

/// Returns Secrets as people and templates really write them.
fn malformed_secrets() -> Vec<Value> {
    const C: &str = "CANARY-value";
    [
        json!({"data": C}),
        json!({"data": [C]}),
        json!({"data": {"password": [C]}}),
        json!({"data": {"password": {C: "x"}}}),
        json!({"data": {"password": {"a": {"b": C}}}}),
        json!({"data": {"CANARY value": "x"}}),
        json!({"data": {"a": C, "n": 1}}),
        json!({"stringData": {"a": C, "n": 12345678}}),
        json!({"stringData": {"a": C, "b": true}}),
        json!({"stringData": C}),
        json!({"stringData": [{"name": "password", "value": C}]}),
        json!({"Data": {"password": C}}),
        json!({"datas": {"password": C}}),
        json!({"stringdata": {"password": C}}),
        json!({"password": C}),
        json!({"spec": {"data": {"password": C}}}),
        json!({"data": null, "stringData": {"a": {"a": C}}}),
        json!({"type": {"password": C}}),
        json!({"metadata": {"data": {"password": C}}, "immutable": [C]}),
        json!({"metadata": C}),
        json!({"data": {"a": "x"}, "metadata": {"annotations": C}, "binaryData": {"a": C}}),
    ]
    .into()
}

#[test]
fn masks_malformed_secrets_as_a_whole() {
    assert!(malformed_secrets().len() >= 20);
    for mut secret in malformed_secrets() {
        for kind in [Some("Secret"), Some("secret"), None] {
            if let (Some(kind), Some(fields)) = (kind, secret.as_object_mut()) {
                fields.insert("kind".to_owned(), json!(kind));
            }
            let drifts = secret
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| drift(&format!(".{name}"), None, Some(value.clone())))
                .collect();
            let embedded = json!({"items": [secret], "kind": "List"});
            let seen = redact(report(object(
                key("", "Secret"),
                json!({}),
                secret.clone(),
                drifts,
            )));
            assert!(!format!("{seen:?}").contains("CANARY"), "{secret} {seen:?}");
            if kind.is_some() {
                let drifts = vec![drift(".items", None, Some(embedded["items"].clone()))];
                let seen = redact(report(object(
                    key("example.com", "Bundle"),
                    embedded.clone(),
                    embedded,
                    drifts,
                )));
                assert!(!format!("{seen:?}").contains("CANARY"), "{secret} {seen:?}");
            }
        }
    }
}

#[test]
fn cuts_the_path_into_a_malformed_secret_before_the_value() {
    let (path, ..) = redacted_change(
        "",
        "Secret",
        ".stringData.password.CANARY",
        json!("a"),
        json!("b"),
    );
    assert_eq!(path, ".stringData.password");
    let (path, ..) = redacted_change("", "Secret", ".data[=\"CANARY\"]", json!("a"), json!("b"));
    assert_eq!(path, ".data");
}

#[test]
fn masks_changes_within_an_embedded_secret() {
    let manifest = json!({"spec": {"manifest": {
        "apiVersion": "v1", "kind": "Secret", "stringData": {"pin": "one"}
    }}});
    let redacted = redact(report(object(
        key("kubernetes.crossplane.io", "Object"),
        manifest.clone(),
        manifest,
        vec![drift(
            ".spec.manifest.stringData.pin",
            Some(json!("one")),
            Some(json!("two")),
        )],
    )));
    let change = &redacted.objects[0].drifts[0].change;
    assert_eq!(change.live, Some(json!(DIFFERS)));
}

#[test]
fn masks_environment_variables_by_name() {
    let env = ".spec.template.spec.containers[name=\"app\"].env";
    let path = format!("{env}[name=\"DB_PASSWORD\"].value");
    let (_, declared, live) = redacted_change("apps", "Deployment", &path, json!("a"), json!("b"));
    assert_eq!((declared, live), (json!(DIFFERS), json!(DIFFERS)));
    let path = format!("{env}[name=\"DB_HOST\"].value");
    let (_, declared, _) = redacted_change("apps", "Deployment", &path, json!("a"), json!("b"));
    assert_eq!(declared, json!("a"));
    let (_, declared, live) = redacted_change(
        "apps",
        "Deployment",
        env,
        json!([{"name": "API_KEY", "value": "a"}, {"name": "HOST", "value": "h"}]),
        json!([{"name": "HOST", "value": "h"}, {"name": "API_KEY", "value": "b"}]),
    );
    assert_eq!(declared[0], json!({"name": "API_KEY", "value": MASK}));
    assert_eq!(live[1], json!({"name": "API_KEY", "value": DIFFERS}));
    assert_eq!(live[0], json!({"name": "HOST", "value": "h"}));
}

#[test]
fn masks_variables_at_an_index_by_the_name_next_to_them() {
    let spec = json!({"spec": {"env": [{"name": "TOKEN", "value": "a"}]}});
    let redacted = redact(report(object(
        key("example.com", "App"),
        spec.clone(),
        spec,
        vec![drift(
            ".spec.env[0].value",
            Some(json!("a")),
            Some(json!("b")),
        )],
    )));
    let change = &redacted.objects[0].drifts[0].change;
    assert_eq!(change.declared, Some(json!(DIFFERS)));
}

#[test]
fn shows_known_fields_of_built_in_types() {
    for (path, value) in [
        (".automountServiceAccountToken", json!("no")),
        (".imagePullSecrets", json!([{"name": "pull"}])),
        (".spec.volumes[name=\"a\"].secret.secretName", json!("name")),
        (".secrets", json!([{"name": "token"}])),
    ] {
        let (_, declared, _) =
            redacted_change("", "ServiceAccount", path, value.clone(), json!("x"));
        assert_eq!(declared, value, "{path}");
    }
}

#[test]
fn masks_custom_resources_and_config_maps_by_key() {
    let (_, declared, _) = redacted_change(
        "example.com",
        "Database",
        ".spec",
        json!({
            "adminPassword": "a",
            "credentials": {"user": "u", "secretRef": {"name": "n", "key": "k"}, "enabled": true},
            "tokens": ["a", "b"],
            "size": 3,
        }),
        json!({}),
    );
    assert_eq!(
        declared,
        json!({
            "adminPassword": MASK,
            "credentials": {
                "user": MASK, "secretRef": {"name": "n", "key": "k"}, "enabled": true
            },
            "tokens": [MASK, MASK],
            "size": 3,
        })
    );
    let (_, declared, _) =
        redacted_change("", "ConfigMap", ".data.api-token", json!("a"), json!("b"));
    assert_eq!(declared, json!(DIFFERS));
    let (_, declared, _) = redacted_change("", "ConfigMap", ".data.colour", json!("a"), json!("b"));
    assert_eq!(declared, json!("a"));
}

#[test]
fn masks_arguments_after_a_secret_flag() {
    let (_, declared, live) = redacted_change(
        "apps",
        "Deployment",
        ".spec.template.spec.containers[name=\"app\"].args",
        json!(["--user", "a", "--password", "p", "--token=t"]),
        json!(["--user", "b", "--password", "q", "--token=t"]),
    );
    assert_eq!(
        declared,
        json!(["--user", "a", "--password", MASK, "--token=(redacted)"])
    );
    assert_eq!(
        live,
        json!(["--user", "b", "--password", DIFFERS, "--token=(redacted)"])
    );
}

#[test]
fn messages_do_not_repeat_masked_values() {
    let mut report = report(object(
        key("", "Secret"),
        json!({"data": {"password": "aHVudGVyMi1jYW5hcnk="}}),
        json!({"data": {"password": "b3RoZXItY2FuYXJ5"}}),
        Vec::new(),
    ));
    report.warnings.push(Warning::error(
        "Secret shop/cart",
        "Invalid value: \"hunter2-canary\"",
    ));
    let redacted = redact(report);
    assert_eq!(
        redacted.warnings[0].message,
        "Invalid value: \"(redacted)\""
    );
}

/// Policies compute their messages from objects.
#[test]
fn masks_messages_that_contain_a_part_of_a_secret() {
    let config =
        json!({"kind": "ConfigMap", "data": {"password": "Zx9hunter2canary7", "k": "value-1"}});
    let said = |message: &str| {
        Redactor::default().message(&key("", "ConfigMap"), [Some(&config), None], message)
    };
    for message in [
        "got x9hunter2canary7",
        "got ZX9HUNTER2CANARY7",
        "got 7yranac2retnuh9xZ",
        "got Zx9hunter",
    ] {
        assert_eq!(said(message), MASK, "{message}");
    }
    assert_eq!(said("got Zx9hunter2canary7."), "got (redacted).");
    for message in ["k must not be value-1", "the hunter is gone"] {
        assert_eq!(said(message), message);
    }
}

/// The report names its API groups anyway.
#[test]
fn never_masks_the_name_of_an_api_group() {
    let mut object = object(
        key("externalsecrets.my-vault.io", "ExternalSecret"),
        json!({"spec": {"password": "my-vault"}}),
        json!({"spec": {"password": "my-vault"}}),
        Vec::new(),
    );
    object.reason = Some(
        "the API server has no group externalsecrets.my-vault.io: no \
         ExternalSecret.externalsecrets.my-vault.io; got my-vault or x.my-vault.io"
            .to_owned(),
    );
    let redacted = redact(report(object));
    assert_eq!(
        redacted.objects[0].reason.as_deref().unwrap(),
        "the API server has no group externalsecrets.my-vault.io: no \
         ExternalSecret.externalsecrets.my-vault.io; got (redacted) or x.(redacted).io"
    );
}

#[test]
fn applies_the_users_rules() {
    let also: Predicate = Box::new(|key: &ResourceKey, path: &FieldPath| {
        key.kind == "Promotion" && path.to_string() == ".spec.code"
    });
    let redactor = Redactor::of(Some(also), LiveValues::default());
    let spec = json!({"spec": {"code": "X", "percent": 5}});
    let redacted = redactor.redact(report(object(
        key("store.example", "Promotion"),
        spec.clone(),
        spec.clone(),
        vec![
            drift(".spec", None, Some(spec["spec"].clone())),
            drift(".spec.code", None, Some(json!("X"))),
        ],
    )));
    let object = &redacted.objects[0];
    let masked = json!({"code": MASK, "percent": 5});
    assert_eq!(view(&object.declared)["spec"], masked);
    assert_eq!(object.drifts[0].change.live, Some(masked));
    assert_eq!(object.drifts[1].change.live, Some(json!(MASK)));
}

#[test]
fn hides_values_that_exist_only_live() {
    let redactor = Redactor::of(None, LiveValues::Hidden);
    let redacted = redactor.redact(report(object(
        key("", "ConfigMap"),
        json!({"data": {"a": "1", "b": "2"}}),
        json!({"data": {"a": "1", "b": "live", "c": "live"}}),
        vec![drift(".data.b", Some(json!("2")), Some(json!("live")))],
    )));
    let object = &redacted.objects[0];
    assert_eq!(object.drifts[0].change.declared, Some(json!("2")));
    assert_eq!(object.drifts[0].change.live, Some(json!(HIDDEN)));
    assert_eq!(
        view(&object.live),
        json!({"data": {"a": "1", "b": HIDDEN, "c": HIDDEN}})
    );
}

#[test]
fn redaction_is_idempotent() {
    for mut secret in malformed_secrets() {
        secret["kind"] = json!("Secret");
        let mut other = secret.clone();
        other["stringData"] = json!("b");
        other["metadata"] = json!({"annotations": {"password": "x --token=abc,d"}});
        let drifts = vec![drift(".data.a", Some(json!("a")), Some(json!("b")))];
        let once = redact(report(object(key("", "Secret"), secret, other, drifts)));
        let twice = redact(once.0.clone());
        assert_eq!(format!("{once:?}"), format!("{twice:?}"));
        let views = |report: &Redacted| {
            let object = &report.objects[0];
            (view(&object.declared), view(&object.live))
        };
        assert_eq!(views(&once), views(&twice));
    }
}

#[test]
fn deep_values_do_not_exhaust_the_stack() {
    let mut value = json!("CANARY");
    for _ in 0..1_000 {
        value = json!([value]);
    }
    let redacted = redact(report(object(
        key("", "ConfigMap"),
        value.clone(),
        value,
        Vec::new(),
    )));
    let view = view(&redacted.objects[0].live);
    let mut live = &view;
    while let Some(inner) = live.get(0) {
        live = inner;
    }
    assert_eq!(
        live,
        &json!(MASK),
        "values that are nested too deeply are masked unread"
    );
}

/// Thousands of changes of a Secret take no quadratic time: in the object itself, and in a Secret
/// within a custom resource.
#[test]
fn masks_many_changes_of_a_secret_quickly() {
    let data: serde_json::Map<String, Value> = (0..20_000)
        .map(|at| (format!("k{at:05}"), json!("YQ==")))
        .collect();
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "data": data});
    let begun = std::time::Instant::now();
    for (group, kind, object, at) in [
        ("", "Secret", secret.clone(), ""),
        ("ex.com", "Thing", json!({"spec": secret}), ".spec"),
    ] {
        let change = |name: String| {
            let path = format!("{at}.data.{name}");
            drift(&path, Some(json!("YQ==")), None).change
        };
        let mut changes: Vec<Change> = data.keys().cloned().map(change).collect();
        let key = key(group, kind);
        Redactor::default().changes(&key, [Some(&object), None], &mut changes);
        assert!(
            changes
                .iter()
                .all(|change| change.declared == Some(json!(MASK)))
        );
    }
    assert!(begun.elapsed().as_secs() < 30);
}
