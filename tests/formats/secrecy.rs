//! Tests that no output contains a byte of a secret: not raw, not encoded, and not in pieces of
//! eight bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use driftctl::model::{
    FieldPath, JudgedChange, Merge, MergeClass, ObjectReport, ObjectStatus, Report, ResourceKey,
    Warning,
};
use driftctl::output::{FORMATS, RenderOptions, ShowLevel};
use driftctl::redact::{self, LiveValues, Predicate, Redactor};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::leak::leak;
use crate::{options, render_redacted, sample};

/// A place where a secret can be: returns an object that contains the secret.
type TestFolder = fn(&str) -> ObjectReport;

fn object(group: &str, kind: &str, value: Value, drifts: Vec<JudgedChange>) -> ObjectReport {
    let mut object = sample::object(
        sample::key(group, kind, "shop", "cart"),
        "v1",
        ObjectStatus::Drifted,
    );
    object.declared = Some((&value).into());
    object.live = Some(value.into());
    object.drifts = drifts;
    object
}

fn added(path: &str, value: Value) -> JudgedChange {
    sample::drift(path, None, Some(value))
}

fn changed(path: &str, value: Value) -> JudgedChange {
    sample::drift(path, Some(value), Some(json!("b3RoZXI=")))
}

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Places where secrets are found in practice.
const PLACES: &[TestFolder] = &[
    |s| {
        let s = STANDARD.encode(s);
        let data = json!({"password": s});
        let value = json!({"kind": "Secret", "apiVersion": "v1", "data": data});
        let drifts = vec![changed(".data.password", json!(s)), added(".data", data)];
        object("", "Secret", value, drifts)
    },
    |s| {
        let value = json!({"kind": "Secret", "stringData": {"note": s}});
        object(
            "",
            "Secret",
            value,
            vec![changed(".stringData.note", json!(s))],
        )
    },
    // Malformed ones: a list, a number, a misspelt field, a value in place of a key.
    |s| {
        object(
            "",
            "Secret",
            json!({"data": [s]}),
            vec![added(".data", json!([s]))],
        )
    },
    |s| {
        let value = json!({"kind": "Secret", "stringData": {"a": 1, "b": s}});
        object(
            "",
            "Secret",
            value,
            vec![changed(".stringData.b", json!(s))],
        )
    },
    |s| {
        let value = json!({"kind": "Secret", "stringdata": {"a": s}});
        object("", "Secret", value, vec![added(".stringdata.a", json!(s))])
    },
    |s| {
        let value = json!({"kind": "Secret", "data": {"a": {s: 1}}});
        let path = format!(".data.a[{}]", json!(s));
        object("", "Secret", value, vec![added(&path, json!(1))])
    },
    |s| {
        let path = format!(".data[={}]", json!(s));
        object(
            "",
            "Secret",
            json!(s),
            vec![added(&path, json!(s)), added(".", json!(s))],
        )
    },
    // The annotation that repeats the object, on any kind and in nested objects.
    |s| {
        let copy = json!({"data": {"password": s}}).to_string();
        let value = json!({"metadata": {"annotations": {LAST_APPLIED: copy}}});
        let path = format!(".metadata.annotations[{}]", json!(LAST_APPLIED));
        let list = json!([{"metadata": {"annotations": {LAST_APPLIED: copy}}}]);
        let drifts = vec![changed(&path, json!(copy)), added(".items", list)];
        object("apps", "Deployment", value, drifts)
    },
    |s| {
        let fields = json!({"f:data": {format!("f:{s}"): {}}, "v:": s});
        let value = json!({"metadata": {"name": "a", "managedFields": [{"fieldsV1": fields}]}});
        object("", "ConfigMap", value, Vec::new())
    },
    // Secrets within other objects.
    |s| {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"pin": s}});
        let value = json!({"spec": {"manifest": secret}});
        let drifts = vec![
            changed(".spec.manifest.stringData.pin", json!(s)),
            added(".spec", json!({"manifest": secret})),
        ];
        object("kubernetes.crossplane.io", "Object", value, drifts)
    },
    |s| {
        let text = format!("apiVersion: v1\nkind: Secret\nstringData:\n  pin: {s}\n");
        let value = json!({"data": {"secret.yaml": text}});
        object(
            "",
            "ConfigMap",
            value,
            vec![changed(".data[\"secret.yaml\"]", json!(text))],
        )
    },
    // Values whose names mark them as secret.
    |s| {
        let env = json!([{"name": "DB_PASSWORD", "value": s}, {"name": "HOST", "value": "db"}]);
        let container = ".spec.template.spec.containers[name=\"app\"]";
        let value = json!({"spec": {"template": {"spec": {"containers": [
            {"name": "app", "env": env}
        ]}}}});
        let path = format!("{container}.env[name=\"DB_PASSWORD\"].value");
        let drifts = vec![
            changed(&path, json!(s)),
            added(&format!("{container}.env"), env),
        ];
        object("apps", "Deployment", value, drifts)
    },
    |s| {
        let args = json!(["serve", format!("--api-key={s}"), "--token", s]);
        let value = json!({"spec": {"args": args}});
        object("", "Pod", value, vec![changed(".spec.args", args)])
    },
    |s| {
        let value = json!({"spec": {"auth": {"clientSecret": s}, "tokens": [s]}});
        let path = format!(".spec.tokens[={}]", json!(s));
        let drifts = vec![
            changed(".spec.auth.clientSecret", json!(s)),
            added(&path, json!(s)),
        ];
        object("example.com", "Database", value, drifts)
    },
    |s| {
        let text =
            format!("[db]\nuser = shop\npassword = {s}\nurl = postgres://shop:{s}@db/shop\n");
        let value = json!({"data": {"app.toml": text, "api-token": s}});
        let drifts = vec![
            changed(".data[\"app.toml\"]", json!(text)),
            changed(".data.api-token", json!(s)),
        ];
        object("", "ConfigMap", value, drifts)
    },
    |s| {
        let key = format!("-----BEGIN PRIVATE KEY-----\n{s}\n-----END PRIVATE KEY-----\n");
        let value = json!({"data": {"server.pem": key}});
        object(
            "",
            "ConfigMap",
            value,
            vec![changed(".data[\"server.pem\"]", json!(key))],
        )
    },
    // Headers, text in base64, and copies of a Secret's values next to it.
    |s| {
        let headers = json!({"Authorization": format!("Bearer {s}"), "Cookie": format!("s={s}")});
        let binary = STANDARD.encode(format!("password={s}\n"));
        let value = json!({"data": headers, "binaryData": {"app.conf": binary}});
        let drifts = vec![
            changed(".data.Authorization", json!(format!("Bearer {s}"))),
            changed(".binaryData[\"app.conf\"]", json!(binary)),
        ];
        object("", "ConfigMap", value, drifts)
    },
    |s| {
        let note = format!("it was {s}");
        let value = json!({"kind": "Secret", "apiVersion": "v1", "data": {"a": STANDARD.encode(s)},
            "metadata": {"annotations": {"note": note}}});
        let drifts = vec![changed(".metadata.annotations.note", json!(note))];
        object("", "Secret", value, drifts)
    },
    |s| {
        let copy = json!({"pin": s}).to_string();
        let value = json!({"metadata": {"annotations": {"tool.example/last-applied": copy}}});
        let path = ".metadata.annotations[\"tool.example/last-applied\"]";
        object(
            "apps",
            "Deployment",
            value,
            vec![changed(path, json!(copy))],
        )
    },
    // Values next to a name, and keys of lists that are secret.
    |s| {
        let params = json!([{"name": "password", "default": s}, {"name": "token", "values": [s]},
            {"name": "apiKey", "stringValue": s}]);
        let value = json!({"spec": {"params": params}});
        let drifts = vec![
            changed(".spec.params[name=\"password\"].default", json!(s)),
            added(".spec.params", params),
            added(&format!(".spec.users[token={}]", json!(s)), json!({"a": 1})),
        ];
        object("example.com", "Task", value, drifts)
    },
    |s| {
        let value = json!({"spec": {"provider": {"fake": {"password": s}}}});
        let drifts = vec![changed(".spec.provider.fake.password", json!(s))];
        object("external-secrets.io", "SecretStore", value, drifts)
    },
    // Values of a branch's base.
    |s| {
        let value = json!({"kind": "Secret", "data": {"password": "b3RoZXI="}});
        let mut drift = changed(".data.password", json!("b25l"));
        drift.merge = Some(Merge {
            class: MergeClass::Conflict,
            base: Some(json!(STANDARD.encode(s))),
        });
        object("", "Secret", value, vec![drift])
    },
    |s| {
        let path = ".spec.template.spec.containers[name=\"app\"].env";
        let mut drift = changed(path, json!([]));
        drift.merge = Some(Merge {
            class: MergeClass::Pending,
            base: Some(json!([{"name": "DB_PASSWORD", "value": s}])),
        });
        object("apps", "Deployment", json!({}), vec![drift])
    },
    |s| {
        let mut object = object(
            "example.com",
            "Vault",
            json!({"spec": {"accessKey": s}}),
            Vec::new(),
        );
        object.presence = sample::presence(ObjectStatus::Extra);
        object.declared = None;
        object
    },
];

fn report(places: &[TestFolder], secret: &str) -> Report {
    let mut report = sample::report(places.iter().map(|place| place(secret)).collect());
    // The server's message about an invalid Secret quotes it.
    if report
        .objects
        .iter()
        .any(|object| object.key.kind == "Secret")
    {
        report.warnings.push(Warning::error(
            "Secret shop/cart",
            format!("admission webhook denied the request: Invalid value: \"{secret}\""),
        ));
    }
    report
}

#[track_caller]
fn check(report: Report, secret: &str) {
    let report = redact::redact(report);
    for format in FORMATS {
        for show in [ShowLevel::Drift, ShowLevel::All] {
            let options = RenderOptions {
                show,
                verbose: true,
                ..options()
            };
            let text = render_redacted(format.name(), &report, &options);
            if let Some(piece) = leak(&text, secret) {
                panic!("{} shows {piece:?} of {secret:?}:\n{text}", format.name());
            }
        }
    }
}

#[test]
fn the_search_finds_leaks() {
    let secret = "correct-horse-battery-staple";
    assert!(leak("xx horse-battery xx", secret).is_some());
    assert!(leak(&STANDARD.encode(secret), secret).is_some());
    assert!(leak(&STANDARD.encode(format!("a{secret}")), secret).is_some());
    assert!(leak("686f7273652d626174746572", secret).is_some());
    assert!(leak("nothing to see, a staple", secret).is_none());
}

#[test]
fn no_place_leaks() {
    for place in PLACES {
        let secret = "Zx9-hunter2_CANARY.q7Wvv4";
        check(report(&[*place], secret), secret);
    }
}

/// A mask reveals nothing about the value: neither its length nor its content.
#[test]
fn masks_do_not_depend_on_the_value() {
    let long = "Zx9-hunter2_CANARY.q7Wvv4".repeat(40);
    for (at, place) in PLACES.iter().enumerate() {
        for show in [ShowLevel::Drift, ShowLevel::All] {
            let options = RenderOptions { show, ..options() };
            for format in FORMATS {
                let shown = |secret: &str| {
                    let report = redact::redact(report(&[*place], secret));
                    render_redacted(format.name(), &report, &options)
                };
                assert_eq!(
                    shown("Ab3-x9_q"),
                    shown(&long),
                    "{} of place {at}",
                    format.name()
                );
            }
        }
    }
}

/// Values that the user marks as secret are masked in every format, with and without a base.
#[test]
fn masks_what_users_mark_as_secret() {
    let secret = "Zx9-hunter2_CANARY.q7Wvv4";
    let value = json!({"spec": {"text": secret, "list": [secret], secret: 1}});
    let mut license = object(
        "example.com",
        "License",
        value,
        vec![
            changed(".spec.text", json!(secret)),
            added(".spec.list", json!([secret])),
            added(&format!(".spec.list[={}]", json!(secret)), json!(secret)),
        ],
    );
    license.drifts[0].note = Some(format!("was {secret}"));
    let mut merged = license.clone();
    for drift in &mut merged.drifts {
        drift.merge = Some(Merge {
            class: MergeClass::Conflict,
            base: Some(json!({"a": secret})),
        });
    }
    for object in [license, merged] {
        let also: Predicate = Box::new(|key: &ResourceKey, path: &FieldPath| {
            key.kind == "License" && path.to_string().starts_with(".spec")
        });
        let redactor = Redactor::of(Some(also), LiveValues::default());
        let redacted = redactor.redact(sample::report(vec![object]));
        for format in FORMATS {
            for show in [ShowLevel::Drift, ShowLevel::All] {
                let options = RenderOptions { show, ..options() };
                let text = render_redacted(format.name(), &redacted, &options);
                assert_eq!(leak(&text, secret), None, "{}: {text}", format.name());
            }
        }
    }
}

/// The number of cases is `PROPTEST_CASES`, by default small: each renders every format twice.
fn config() -> ProptestConfig {
    let few = ProptestConfig::with_cases(48);
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: match std::env::var_os("PROPTEST_CASES") {
            Some(_) => default.cases,
            None => few.cases,
        },
        failure_persistence: None,
        ..default
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_output_contains_a_secret(
        secret in "[A-Za-z0-9+/_.~!@#$%^&*-]{24,48}",
        places in proptest::sample::subsequence(PLACES.to_vec(), 1..6),
    ) {
        check(report(&places, &secret), &secret);
    }

    #[test]
    fn redaction_is_idempotent(
        secret in "[ -~]{8,48}",
        places in proptest::sample::subsequence(PLACES.to_vec(), 1..6),
    ) {
        let once = redact::redact(report(&places, &secret));
        let twice = redact::redact((*once).clone());
        prop_assert_eq!(format!("{once:?}"), format!("{twice:?}"));
    }
}
