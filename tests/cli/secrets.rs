//! Tests that no format shows a byte of a secret from the manifests or the recording.

#![allow(clippy::unwrap_used)]

use crate::support;

use driftctl::output::FORMATS;
use serde_json::{Value, json};
use support::TestFolder;

const CANARY: &str = "Zx9-hunter2_CANARY.q7Wvv4";

/// Returns whether text contains any eight bytes of the canary, raw or in base64 at any offset.
fn leaks(text: &str) -> bool {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let encoded = (0..3).map(|skip| STANDARD.encode(&CANARY[skip..]));
    let shapes = encoded.chain([CANARY.to_owned()]);
    shapes.into_iter().any(|shape| {
        let pieces = shape.as_bytes().windows(10);
        pieces
            .into_iter()
            .any(|piece| text.contains(std::str::from_utf8(piece).unwrap()))
    })
}

/// Runs a comparison with every format, and checks that none shows the canary.
#[track_caller]
fn assert_no_leak(place: &TestFolder, more: &[&str]) -> String {
    let formats = FORMATS.iter().map(|format| format.name());
    let files: Vec<String> = formats
        .map(|name| format!("--output={name}=out/report.{name}"))
        .collect();
    std::fs::create_dir_all(place.path().join("out")).unwrap();
    let words = [
        "diff",
        "manifests",
        "--live",
        "live.json",
        "-v",
        "--show",
        "all",
    ];
    let output = place
        .driftctl()
        .args(words)
        .args(&files)
        .args(more)
        .output()
        .unwrap();
    let mut all = place.shown(&output);
    for format in FORMATS {
        let path = place.path().join(format!("out/report.{}", format.name()));
        all.push_str(&std::fs::read_to_string(path).unwrap_or_default());
    }
    assert!(!leaks(&all), "{all}");
    all
}

fn recording(objects: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()
}

fn secret(fields: Value) -> Value {
    let mut secret = json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "cart", "namespace": "shop"}});
    for (name, value) in fields.as_object().unwrap() {
        secret[name] = value.clone();
    }
    secret
}

/// Secrets that no API server would accept, but that people write.
fn malformed() -> Vec<Value> {
    [
        json!({"data": CANARY}),
        json!({"data": [CANARY]}),
        json!({"data": {"a": [CANARY]}}),
        json!({"data": {"a": {"b": CANARY}}}),
        json!({"data": {"a": CANARY}}),
        json!({"data": {"a": 7, "b": CANARY}}),
        json!({"data": {"a": null, "b": CANARY}}),
        json!({"data": {format!("a {CANARY}"): "YQ=="}}),
        json!({"stringData": CANARY}),
        json!({"stringData": [CANARY]}),
        json!({"stringData": {"a": 7, "b": CANARY}}),
        json!({"stringData": {"a": true, "b": CANARY}}),
        json!({"stringData": {"a": {"b": CANARY}}}),
        json!({"stringdata": {"a": CANARY}}),
        json!({"Data": {"a": CANARY}}),
        json!({"type": {"a": CANARY}, "data": {}}),
        json!({"spec": {"data": {"a": CANARY}}}),
        json!({"immutable": CANARY}),
        json!({"data": {"a": format!("%%%{CANARY}")}}),
        json!({"kind": "secret", "data": {"a": CANARY}}),
    ]
    .into_iter()
    .map(secret)
    .collect()
}

#[test]
fn masks_malformed_secrets() {
    assert_eq!(malformed().len(), 20);
    let sound = secret(json!({"data": {"a": "b3RoZXI="}}));
    std::thread::scope(|scope| {
        for (at, malformed) in malformed().into_iter().enumerate() {
            let sound = &sound;
            scope.spawn(move || {
                let yaml = |value: &Value| serde_yaml::to_string(value).unwrap();
                let declared = TestFolder::new()
                    .file("manifests/a.yaml", yaml(&malformed))
                    .file("live.json", recording(std::slice::from_ref(sound)));
                assert_no_leak(&declared, &[]);
                let live = TestFolder::new()
                    .file("manifests/a.yaml", yaml(sound))
                    .file("live.json", recording(&[malformed]));
                let all = assert_no_leak(&live, &["--extra", "namespace"]);
                assert!(all.contains("Secret shop/cart"), "{at}: {all}");
            });
        }
    });
}

/// Whichever line of a Secret's file is broken, the message does not quote it.
#[test]
fn does_not_quote_a_broken_secret() {
    let text = format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: cart\nstringData:\n  a: {CANARY}\n  b: |\n    {CANARY}\n"
    );
    let lines = text.lines().count();
    for broken in 0..lines {
        let with = |damage: &str| -> String {
            let lines = text.lines().enumerate();
            lines
                .map(|(at, line)| match at == broken {
                    true => format!("{line}{damage}\n"),
                    false => format!("{line}\n"),
                })
                .collect()
        };
        for damage in [": [", " \"", "\t- {", "\n   :x", " *a", " !!int"] {
            let place = TestFolder::new()
                .file("manifests/a.yaml", with(damage))
                .file("live.json", recording(&[]));
            let output = place
                .driftctl()
                .args(["diff", "manifests", "--live", "live.json", "-v"])
                .output()
                .unwrap();
            let shown = place.shown(&output);
            assert!(!leaks(&shown), "{damage} on line {}: {shown}", broken + 1);
        }
    }
}

/// kubectl's annotation repeats the object: on any kind, nested, and in field names.
#[test]
fn masks_copies_of_the_object() {
    let copy = json!({"data": {"password": CANARY}}).to_string();
    let annotations = json!({"kubectl.kubernetes.io/last-applied-configuration": copy});
    let fields = json!({"f:data": {format!("f:{CANARY}"): {}}});
    let metadata = |annotations: &Value| {
        json!({"name": "cart", "namespace": "shop", "annotations": annotations,
            "managedFields": [{"manager": "m", "operation": "Update", "apiVersion": "v1",
                "fieldsType": "FieldsV1", "fieldsV1": fields}]})
    };
    let config = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": metadata(&annotations), "data": {"a": "b"}});
    let widget = json!({"apiVersion": "example.com/v1", "kind": "Widget",
        "metadata": {"name": "w", "namespace": "shop"},
        "spec": {"items": [{"kind": "ConfigMap", "metadata": {"annotations": annotations}}]}});
    let declared =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cart, namespace: shop}\ndata: {a: c}\n";
    let place = TestFolder::new()
        .file("manifests/a.yaml", declared)
        .file("live.json", recording(&[config, widget]));
    assert_no_leak(&place, &["--extra", "namespace"]);
}

fn license() -> TestFolder {
    let widget = |text: &str| {
        json!({"apiVersion": "example.com/v1", "kind": "License",
            "metadata": {"name": "w", "namespace": "shop"}, "spec": {"text": text}})
    };
    let declared = serde_yaml::to_string(&widget("free")).unwrap();
    TestFolder::new()
        .file("manifests/a.yaml", declared)
        .file("live.json", recording(&[widget(CANARY)]))
}

#[test]
fn masks_paths_that_the_user_names() {
    assert_no_leak(&license(), &["--redact", "License:.spec.text"]);
    assert_no_leak(&license(), &["--redact", "license:.spec.text"]);
    assert_no_leak(&license(), &["--redact", ".spec.*"]);
    let words = ["diff", "manifests", "--live", "live.json"];
    let other = [&words[..], &["--redact", "Permit:.spec.text"]].concat();
    let other = license().run(other);
    assert!(
        leaks(&other) && other.contains("--redact Permit:… masks nothing"),
        "{other}"
    );
    let wrong = [&words[..], &["--redact", "spec.text"]].concat();
    insta::assert_snapshot!(license().run(wrong));
}

fn token() -> TestFolder {
    let config = |value: &str| secret(json!({"stringData": {"token": value}}));
    let live = |value: &str| {
        use base64::Engine as _;
        let value = base64::engine::general_purpose::STANDARD.encode(value);
        secret(json!({"data": {"token": value}}))
    };
    TestFolder::new()
        .file(
            "manifests/a.yaml",
            serde_yaml::to_string(&config("other")).unwrap(),
        )
        .file("live.json", recording(&[live(CANARY)]))
}

#[test]
fn shows_secrets_on_request() {
    let words = ["diff", "manifests", "--live", "live.json"];
    let asked = [&words[..], &["--show-secrets"]].concat();
    assert!(!leaks(&token().run(words)));
    assert!(leaks(&token().run(asked.iter().copied())));
    for (place, more) in [
        (token().var("CI", "true"), &[][..]),
        (token(), &["--untrusted"]),
        (token(), &["-o", "json=report.json"]),
    ] {
        let shown = place.run([&asked[..], more].concat());
        assert!(shown.starts_with("exit code: 2"), "{shown}");
        assert!(!leaks(&shown), "{shown}");
        assert!(!place.path().join("report.json").exists());
    }
    insta::assert_snapshot!(token().var("CI", "true").run(asked));
}

/// A Secret, and its value under plain names in other objects, live or declared.
#[test]
fn the_value_of_a_secret_is_masked_wherever_it_is_pasted() {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(CANARY);
    let of_data = secret(json!({"data": {"value": encoded}}));
    let config = |data: Value| {
        json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "motd", "namespace": "shop"}, "data": data})
    };
    let job = |text: &str| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "job", "namespace": "shop",
            "annotations": {"note": text}}, "spec": {"containers": [{"name": "a", "image": "a:1",
            "args": [text], "env": [{"name": "GREETING", "value": text}]}]}})
    };
    let in_basic = base64::engine::general_purpose::STANDARD.encode(format!("admin:{CANARY}"));
    for (declared, live) in [
        (
            config(json!({"motd": "hi"})),
            config(json!({"motd": format!("hi {CANARY} there")})),
        ),
        (
            config(json!({"motd": "hi"})),
            config(json!({"motd": in_basic})),
        ),
        (
            config(json!({"motd": CANARY})),
            config(json!({"motd": "hi"})),
        ),
        (
            config(json!({"motd": CANARY})),
            config(json!({"motd": format!("{CANARY}2")})),
        ),
        (
            config(json!({"a": "b"})),
            config(json!({"a": "b", CANARY: "x"})),
        ),
        (job("hi"), job(CANARY)),
        (job("hi"), job(&encoded)),
    ] {
        for secret_is_live in [true, false] {
            let (mut manifests, mut objects) = (vec![declared.clone()], vec![live.clone()]);
            manifests.push(of_data.clone());
            if secret_is_live {
                objects.push(of_data.clone());
            }
            let place = TestFolder::new()
                .file("manifests/all.json", recording(&manifests))
                .file("live.json", recording(&objects));
            let all = assert_no_leak(&place, &[]);
            assert!(all.contains("redacted"), "{all}");
        }
    }
}

/// Watch and backport work with the values themselves, and show and store only masked ones.
#[test]
fn no_command_shows_a_secret_that_was_pasted_as_a_key() {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(CANARY);
    let of_data = secret(json!({"data": {"value": encoded}}));
    let pod = |metadata: Value, container: Value| {
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata,
            "spec": {"containers": [container]}});
        pod["metadata"]["name"] = json!("cart");
        pod["metadata"]["namespace"] = json!("shop");
        pod["spec"]["containers"][0]["name"] = json!("web");
        pod
    };
    for live in [
        pod(json!({"labels": {CANARY: "x"}}), json!({})),
        pod(
            json!({"annotations": {format!("a/{CANARY}"): "x"}}),
            json!({}),
        ),
        pod(json!({"finalizers": [format!("a/{CANARY}")]}), json!({})),
        pod(json!({}), json!({"env": [{"name": CANARY, "value": "x"}]})),
        pod(
            json!({}),
            json!({"volumeMounts": [{"name": "v", "mountPath": format!("/{CANARY}")}]}),
        ),
    ] {
        let manifests = [
            pod(json!({"labels": {"b": "x"}}), json!({})),
            of_data.clone(),
        ];
        let mut live = live;
        live["metadata"]["labels"]["b"] = json!("x");
        let place = TestFolder::new()
            .file("all.json", recording(&manifests))
            .file("live.json", recording(&[live, of_data.clone()]));
        let words = ["all.json", "--live", "live.json"];
        for command in [
            &["backport"][..],
            &["backport", "-o", "json"],
            &["backport", "--write", "--message", "message"],
            &["triage"],
            &["timeline"],
            &["explain", "pod/shop/cart"],
            &["watch", "--once", "--state", "state"],
            &["accept", "--reason", "x", "--expires", "7d"],
        ] {
            let output = place.driftctl().args(command).args(words).output().unwrap();
            let mut all = place.shown(&output);
            for file in ["message", "state", ".driftctl-baseline.yaml"] {
                let written = std::fs::read_to_string(place.path().join(file));
                all.push_str(&written.unwrap_or_default());
            }
            assert!(!leaks(&all), "{command:?}: {all}");
        }
    }
}
