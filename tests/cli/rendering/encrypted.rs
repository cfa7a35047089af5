//! Tests what SOPS and git-crypt encrypted, and Secrets that controllers create.

use super::follow::{found, messages};
use super::{config, has, program, recording, report};
use crate::support::TestFolder;

/// Returns a Secret with these fields.
fn secret(fields: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: mail, namespace: shop}}\n{fields}\n")
}

const ENCRYPTED: &str = "stringData: {pass: 'ENC[AES256_GCM,data:aa==]'}\nsops: {mac: \
                         'ENC[AES256_GCM,data:cc==]', version: 3.9.0}";

/// A stand-in for sops, which decrypts its input.
const SOPS: &str = "echo \"$@\" > \"$0.words\"\nsed -e 's/ENC.AES256_GCM,data:aa==./sesame/'\n";

/// `sesame` and `hunter2`.
const VALUES: [&str; 2] = ["c2VzYW1l", "aHVudGVyMg=="];

fn place(live: &str) -> TestFolder {
    let place = TestFolder::new()
        .file("deploy/secret.yaml", secret(ENCRYPTED))
        .file(
            "live.json",
            recording(&[&secret(&format!("data: {{pass: {live}}}"))]),
        );
    program(place, "sops", SOPS)
}

const DECRYPT: [&str; 4] = ["diff", "deploy", "--decrypt", "./sops"];

#[test]
fn compares_decrypted_values_and_masks_them() {
    let [same, other] = VALUES;
    let said = report(&place(same), &DECRYPT);
    assert_eq!(found(&said), ["Secret shop/mail in-sync []"], "{said}");
    let place = place(other);
    let said = report(&place, &DECRYPT);
    assert_eq!(found(&said), ["Secret shop/mail drifted []"], "{said}");
    let text = place.run([&DECRYPT[..], &["--live", "live.json", "--show", "all"]].concat());
    for word in ["sesame", "hunter2", same, other] {
        assert!(
            !text.contains(word) && !said.to_string().contains(word),
            "{text}"
        );
    }
    let words = std::fs::read_to_string(place.path().join("sops.words")).unwrap();
    assert!(
        words.starts_with("--decrypt --ignore-mac --input-type json"),
        "{words}"
    );
    // Without the flag they are unknown.
    let said = report(&place, &["diff", "deploy"]);
    assert_eq!(found(&said), ["Secret shop/mail in-sync []"], "{said}");
}

#[test]
fn decrypts_kustomizations_after_building_them() {
    if !has(&["kubectl", "kustomize"]) {
        return;
    }
    let place = place(VALUES[1]).file(
        "deploy/kustomization.yaml",
        "namespace: shop\nresources: [secret.yaml]\n",
    );
    let said = report(&place, &DECRYPT);
    assert_eq!(found(&said), ["Secret shop/mail drifted []"], "{said}");
}

#[test]
fn reports_what_cannot_be_decrypted() {
    let place = program(
        place(VALUES[0]),
        "sops",
        "echo 'no key for hunter2' >&2\nexit 1\n",
    );
    let shown = place.run([&DECRYPT[..], &["--live", "live.json"]].concat());
    assert!(shown.starts_with("exit code: 2"), "{shown}");
    insta::assert_snapshot!(shown);
    let place = program(place, "sops", "echo 7\n");
    let shown = place.run([&DECRYPT[..], &["--live", "live.json"]].concat());
    assert!(
        shown.contains("printed something other") || shown.contains("printed no object"),
        "{shown}"
    );
    let shown = place.run([&DECRYPT[..], &["--untrusted", "--live", "live.json"]].concat());
    insta::assert_snapshot!(shown);
}

#[test]
fn names_files_locked_by_git_crypt_and_compares_the_others() {
    if !has(&["kubectl", "kustomize"]) {
        return;
    }
    let place = TestFolder::new()
        .file("live.json", recording(&[&config("cart", "a")]))
        .file(
            "deploy/kustomization.yaml",
            "resources: [cart.yaml, secret.yaml]\n",
        )
        .file("deploy/cart.yaml", config("cart", "a"))
        .file("deploy/secret.yaml", b"\0GITCRYPT\0\x01\x02\x03");
    for words in [&["diff", "deploy"][..], &["diff", "deploy", "--no-render"]] {
        let said = report(&place, words);
        assert_eq!(found(&said), ["ConfigMap shop/cart in-sync []"], "{said}");
        let errors = messages(&said, "error");
        assert!(
            errors.contains("deploy/secret.yaml") && errors.contains("encrypted by git-crypt"),
            "{errors}"
        );
    }
}

#[test]
fn secrets_created_by_controllers_are_not_extra() {
    let made = |kind: &str, group: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {}\n  namespace: shop\n  \
             ownerReferences: [{{apiVersion: {group}, kind: {kind}, name: {}, uid: u, controller: \
             true}}]\n",
            kind.to_lowercase(),
            kind.to_lowercase()
        )
    };
    let sealed = made("SealedSecret", "bitnami.com/v1alpha1");
    let external = made("ExternalSecret", "external-secrets.io/v1");
    let other = made("Other", "example.com/v1");
    let live = recording(&[&config("cart", "a"), &sealed, &external, &other]);
    let place = TestFolder::new()
        .file("live.json", live)
        .file("deploy/cart.yaml", config("cart", "a"));
    let shown = place.run([
        "diff",
        "deploy",
        "--live",
        "live.json",
        "--extra",
        "namespace",
        "-o",
        "name",
    ]);
    assert!(
        !shown.contains("sealedsecret") && !shown.contains("externalsecret"),
        "{shown}"
    );
    insta::assert_snapshot!(shown);
}
