use super::assignments::HINTS;
use super::*;

#[track_caller]
fn masks(text: &str, expected: &str) {
    let masked = mask_one(text, &mut Vec::new());
    assert_eq!(masked.as_deref().unwrap_or(text), expected);
}

#[test]
fn masks_assignments_of_every_style() {
    masks("db.password=hunter2", "db.password=(redacted)");
    masks(
        "user: a\npassword: hunter 2\nhost: b",
        "user: a\npassword: (redacted)\nhost: b",
    );
    masks(
        r#"{"user":"a","password":"hun\"ter2","x":1}"#,
        r#"{"user":"a","password":"(redacted)","x":1}"#,
    );
    masks(
        r#"{\"password\":\"hunter2\"}"#,
        r#"{\"password\":\"(redacted)\"}"#,
    );
    masks(
        "--db-password=hunter2 --verbose",
        "--db-password=(redacted) --verbose",
    );
    masks("export TOKEN='a b'", "export TOKEN='(redacted)'");
    masks("Authorization: Bearer abc", "Authorization: (redacted)");
    masks(
        "https://a.example/x?token=abc&y=1",
        "https://a.example/x?token=(redacted)&y=1",
    );
}

#[test]
fn masks_blocks_below_a_sensitive_name() {
    masks(
        "password: |\n  hunter2\n  hunter3\nuser: a",
        "password: |\n  (redacted)\nuser: a",
    );
    masks(
        "tokens:\n- abc\n- def\nuser: a",
        "tokens:\n- (redacted)\n- (redacted)\nuser: a",
    );
}

#[test]
fn masks_urls_keys_and_tokens() {
    masks(
        "postgres://shop:hunter2@db:5432/shop",
        "postgres://shop:(redacted)@db:5432/shop",
    );
    masks("amqp://a:b/c@d@mq/x", "amqp://a:(redacted)@mq/x");
    masks("oci://a:80/b@sha256:c", "oci://a:80/b@sha256:c");
    masks("http://a/b:c@d", "http://a/b:c@d");
    masks(
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----(redacted)-----END RSA PRIVATE KEY-----",
    );
    masks("use AKIAABCDEFGHIJKLMNOP here", "use (redacted) here");
}

#[test]
fn masks_copies_of_objects_as_a_whole() {
    masks("apiVersion: v1\nkind: Secret\ndata: {a: b}", "(redacted)");
    masks(r#"{"kind": "Secret","data":{"a":"b"}}"#, "(redacted)");
    masks(
        r#"{"kubectl.kubernetes.io/last-applied-configuration":"{}"}"#,
        "(redacted)",
    );
}

#[test]
fn every_sensitive_name_has_a_hint_in_it() {
    for name in crate::redact::names::sensitive_words() {
        assert!(HINTS.iter().any(|hint| name.contains(hint)), "{name}");
    }
}

#[test]
fn finds_every_form_of_a_token() {
    let lines = include_str!("tokens.txt").lines();
    let written = lines.filter(|line| !line.starts_with('#')).count();
    assert_eq!(tokens::forms().len(), written);
    for form in tokens::forms() {
        for filler in ["0A1B2C3D", "0a1b2c3d"] {
            let token = format!("{}{}", form.start, filler.repeat(12));
            let masked = mask_one(&format!("x {token} y"), &mut Vec::new());
            let upper = masked.is_some_and(|masked| masked == "x (redacted) y");
            // Some consist only of capitals.
            assert!(upper || filler.contains('a'), "{token}");
        }
    }
}

/// Returns the marked text in the samples.
fn samples(text: &'static str) -> Vec<&'static str> {
    text.trim_end().split("\n%%\n").collect()
}

/// Values as people choose them, generators make them, and encodings write them.
const CANARIES: &[&str] = &[
    "hunter2-Canary9x",
    "made-up-pass-old-12",
    "Zx9+hunter/CANARY=q7",
    "c4n4ryc4n4ry",
];

#[test]
fn masks_secrets_in_common_syntaxes() {
    let samples = samples(include_str!("samples/secrets.txt"));
    assert!(samples.len() > 100);
    for sample in samples {
        for canary in CANARIES {
            let text = sample.replace('§', canary);
            let masked = mask_one(&text, &mut Vec::new()).unwrap_or_else(|| text.clone());
            assert!(!masked.contains(canary), "{masked}");
            // Masking it again changes nothing.
            let twice = mask_one(&masked, &mut Vec::new()).unwrap_or_else(|| masked.clone());
            assert!(twice == masked || !twice.contains(canary), "{twice}");
        }
    }
}

#[test]
fn leaves_texts_that_only_mention_secrets_readable() {
    for text in samples(include_str!("samples/harmless.txt")) {
        masks(text, text);
    }
}

#[test]
fn leaves_the_own_words_of_messages_readable() {
    for text in [
        r#"holds no object of kind Secret: 1 that is declared could not be compared"#,
        r#"holds no object of kind Secret: those that are declared"#,
        r#"Kustomization flux-system/box-secrets: spec.path is no ./nowhere"#,
        r#"from 'box-secret.yaml': error yaml: line 1"#,
        r#"Application external-secrets: https://example.com/repo.git is not where this repository is fetched from"#,
        r#"templates/secrets.yaml:3:8: function "x" not defined"#,
        r#"Secret shop/db-password: forbidden: secrets "db-password" is forbidden: User "x" cannot get resource "secrets""#,
        r#"use --show-secrets to see them"#,
        r#"Secret shop/token: v2 is not served"#,
        r#"the Secret 'cart-db' has no key password"#,
        r#"kubeconfig: context prod: token: file not found"#,
        r#"Secret/shop/db-creds: .data.password is not valid base64"#,
        r#"secrets: those in the cluster are not read"#,
    ] {
        assert_eq!(mask_message(text), None, "{text}");
    }
}

#[test]
fn masks_secrets_that_messages_quote() {
    for (text, expected) in [
        (
            "helm: password=hunter2x: bad",
            "helm: password=(redacted) bad",
        ),
        (
            r#"invalid: {"password": "hunter2x"}"#,
            r#"invalid: {"password": "(redacted)"}"#,
        ),
        (
            "cannot fetch https://u:hunter2x@host/x",
            "cannot fetch https://u:(redacted)@host/x",
        ),
        (
            "line 3:\n  password: hunter2x",
            "line 3:\n  password: (redacted)",
        ),
        (
            "header Authorization: Bearer hunter2x-a",
            "header Authorization: (redacted)",
        ),
    ] {
        assert_eq!(mask_message(text).as_deref(), Some(expected), "{text}");
    }
}

/// Pieces of malicious texts, each of which once caused unlimited looking back or ahead.
const HOSTILE: &[&str] = &[
    ":",
    "://",
    "://a:b@",
    "eyJ",
    "AKIA-",
    "-----BEGIN ",
    "-----BEGIN PRIVATE KEY-----\n",
    "password=x\n",
    "token=a ",
    "token ",
    "name=token ",
    "\"name\":\"token\",",
    "- name: token\n",
    "password=\"",
    "password='\n",
    "password=\"\\\"",
    "\"token\":[",
    "token: [a\n",
    "token:\n  - a\n",
    "token: |\n",
    "token: |\n\n",
    "token = <<A\n",
    "token = \"\"\"\n",
    "<password>",
    "<password ",
    "<password><![CDATA[",
    "--password ",
    "- --password\n",
    "password is ",
    "curl -u ",
    "echo | --password-stdin ",
    "identified by ",
    "kind: ",
    "kind\"",
    "bearer ",
    "token=a\\\n",
    "token: a\n b\n",
    "a:b@tcp(",
    "token=,",
    "key.pass",
    "variable \"token\" { ",
    "f(\"token\", ",
    "Authorization: ",
    "token: &a ",
    "token: '",
];

/// Instructions cannot be counted here; but twice the text taking twice the time differs clearly
/// from four times.
#[test]
fn search_time_is_linear_in_the_length_of_the_text() {
    let time = |text: &str| {
        let runs = (0..3).map(|_| {
            let begun = std::time::Instant::now();
            mask_one(text, &mut Vec::new());
            begun.elapsed()
        });
        runs.min().unwrap()
    };
    for piece in HOSTILE {
        let short = piece.repeat(4_096 / piece.len());
        let long = piece.repeat(16 * 4_096 / piece.len());
        let (short, long) = (time(&short), time(&long));
        let allowed = short * 100 + std::time::Duration::from_millis(50);
        assert!(
            long < allowed,
            "{piece:?}: {short:?}, and {long:?} for sixteen times the text"
        );
    }
}

#[test]
fn leaves_harmless_text_unchanged() {
    for text in [
        "kind: SecretStore",
        "image: shop/cart:1.4",
        "http://shop.example:8080/path",
        "passwordFile: /run/secrets/db",
        "a: b = c",
    ] {
        masks(text, text);
    }
}

#[test]
fn a_differing_secret_shows_only_that_it_differs() {
    let (declared, live) = mask_both(
        "a=1\npassword=one\ntoken=t",
        "a=2\npassword=two\ntoken=t",
        &mut Vec::new(),
    )
    .unwrap();
    assert_eq!(declared, "a=1\npassword=(redacted)\ntoken=(redacted)");
    assert_eq!(live, "a=2\npassword=(redacted, differs)\ntoken=(redacted)");
}
