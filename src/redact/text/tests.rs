use super::signs::{TOKEN_PREFIXES, WHOLE_OBJECTS};
use super::*;

#[track_caller]
fn masks(text: &str, expected: &str) {
    let masked = mask_one(text, &mut Vec::new());
    assert_eq!(masked.as_deref().unwrap_or(text), expected);
}

#[test]
fn assignments_of_every_style() {
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
fn blocks_below_a_sensitive_name() {
    masks(
        "password: |\n  hunter2\n  hunter3\nuser: a",
        "password: |\n  (redacted)\n  (redacted)\nuser: a",
    );
    masks(
        "tokens:\n- abc\n- def\nuser: a",
        "tokens:\n(redacted)\n(redacted)\nuser: a",
    );
}

#[test]
fn urls_keys_and_tokens() {
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
fn copies_of_objects_are_masked_whole() {
    masks("apiVersion: v1\nkind: Secret\ndata: {a: b}", "(redacted)");
    masks(r#"{"kind": "Secret","data":{"a":"b"}}"#, "(redacted)");
    masks(
        r#"{"kubectl.kubernetes.io/last-applied-configuration":"{}"}"#,
        "(redacted)",
    );
}

#[test]
fn nothing_that_is_looked_for_goes_without_a_hint() {
    let names = crate::redact::names::all();
    let tokens = TOKEN_PREFIXES.iter().map(|(prefix, _)| *prefix);
    let signs = WHOLE_OBJECTS.iter().copied();
    for wanted in names
        .chain(tokens)
        .chain(signs)
        .chain(["PRIVATE KEY", "Secret"])
    {
        assert!(may_hold_secret(wanted), "{wanted}");
    }
}

#[test]
fn innocent_text_stays() {
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
fn a_secret_that_differs_says_just_that() {
    let (declared, live) = mask_both(
        "a=1\npassword=one\ntoken=t",
        "a=2\npassword=two\ntoken=t",
        &mut Vec::new(),
    )
    .unwrap();
    assert_eq!(declared, "a=1\npassword=(redacted)\ntoken=(redacted)");
    assert_eq!(live, "a=2\npassword=(redacted, differs)\ntoken=(redacted)");
}
