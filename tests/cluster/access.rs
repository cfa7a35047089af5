//! Tests how the server is reached: kubeconfigs, credential plugins, certificates, proxies.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use driftctl::cluster::{Api, ConnectOptions};
use driftctl::engine::{self, Options};
use driftctl::policy::RuleSet;
use driftctl::source::{FilesSource, Source};
use serde_json::{Value, json};

use crate::observe::{Patience, options};
use crate::server::{Fault, Identity, Server, TOKEN};
use crate::shop;
use crate::support::TestFolder;

const MANIFEST: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop-data}\n";

/// Returns a directory with one manifest of an object that drifted, and a kubeconfig.
fn place(kubeconfig: &str) -> TestFolder {
    TestFolder::new()
        .file("manifests/a.yaml", MANIFEST)
        .file("kubeconfig", kubeconfig)
}

/// Runs a comparison. Returns the exit code and all output.
fn diff(place: &TestFolder, words: &[&str]) -> (i32, String) {
    let mut command = place.driftctl();
    command.args([
        "diff",
        "manifests",
        "--request-timeout",
        "5",
        "--timeout",
        "10",
    ]);
    let output = command.args(words).output().unwrap();
    let shown = [&output.stdout[..], &output.stderr[..]].concat();
    let shown = String::from_utf8(shown).unwrap();
    assert!(!shown.contains("canary"), "{shown}");
    (output.status.code().unwrap(), shown)
}

#[track_caller]
fn assert_works(place: &TestFolder) {
    let (code, shown) = diff(place, &["--kubeconfig", "kubeconfig"]);
    assert!(code < 2, "{shown}");
    assert!(shown.contains("1 of 1 declared object compared"), "{shown}");
}

/// Checks that the problem is reported in these words, and that the run never looks like "no
/// drift".
#[track_caller]
fn assert_fails(place: &TestFolder, words: &[&str]) {
    let (code, shown) = diff(place, &["--kubeconfig", "kubeconfig"]);
    assert_eq!(code, 2, "{shown}");
    for word in words {
        assert!(shown.contains(word), "{word}: {shown}");
    }
}

fn open(identity: Identity) -> Server {
    let mut cluster = shop();
    cluster.identity = identity;
    cluster.tokens = vec![TOKEN.to_owned()];
    cluster.start()
}

fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}

#[test]
fn refuses_a_certificate_of_an_unknown_authority() {
    let server = open(Identity::plain());
    let other = encoded(Identity::other_authority());
    let cluster = json!({"certificate-authority-data": other});
    let kubeconfig = server.kubeconfig_with(cluster, json!({"token": TOKEN}));
    assert_fails(
        &place(&kubeconfig),
        &[
            "the connection failed: invalid peer certificate",
            "cannot read from",
            "the server's certificate is not signed by",
        ],
    );
    assert!(
        server.seen().is_empty(),
        "a request was sent to an unverified server"
    );
}

#[test]
fn refuses_a_certificate_of_another_host_unless_named() {
    let server = open(Identity::named());
    assert_fails(&place(&server.kubeconfig()), &["invalid peer certificate"]);
    let named = json!({"tls-server-name": "api.shop.example"});
    let kubeconfig = server.kubeconfig_with(named, json!({"token": TOKEN}));
    assert_works(&place(&kubeconfig));
}

#[test]
fn reports_an_unverified_certificate() {
    let server = open(Identity::named());
    let insecure = json!({"insecure-skip-tls-verify": true, "certificate-authority-data": null});
    let kubeconfig = server.kubeconfig_with(insecure, json!({"token": TOKEN}));
    let place = place(&kubeconfig);
    assert_works(&place);
    let (_, shown) = diff(&place, &["--kubeconfig", "kubeconfig", "-o", "json"]);
    let report: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(report["target"]["insecure"], true, "{}", report["target"]);
    let (_, shown) = diff(&place, &["--kubeconfig", "kubeconfig"]);
    assert!(shown.contains("certificate NOT verified"), "{shown}");
}

#[test]
fn an_expired_certificate_suggests_checking_the_clock() {
    let server = open(Identity::expired());
    let words = ["certificate expired", "check this machine's clock"];
    assert_fails(&place(&server.kubeconfig()), &words);
}

#[test]
fn masks_the_password_of_an_address() {
    let server = open(Identity::plain());
    let address = server.address();
    let cluster = json!({"server": format!("https://me:canary@{address}")});
    let kubeconfig = server.kubeconfig_with(cluster, json!({"token": TOKEN}));
    let place = place(&kubeconfig);
    assert_works(&place);
    drop(server);
    assert_fails(&place, &["cannot read from https://127.0.0.1:"]);
}

#[test]
fn the_report_has_the_time_of_reading() {
    let server = open(Identity::plain());
    let place = place(&server.kubeconfig());
    let (_, shown) = diff(&place, &["--kubeconfig", "kubeconfig", "-o", "json"]);
    let report: Value = serde_json::from_str(&shown).unwrap();
    let read_at = report["target"]["readAt"].as_str().unwrap();
    assert!(
        read_at.starts_with("20") && read_at.ends_with('Z'),
        "{read_at}"
    );
}

#[test]
fn reads_credentials_from_files_next_to_the_kubeconfig() {
    let identity = Identity::plain().asking_clients();
    let client = identity.client();
    let mut cluster = shop();
    cluster.identity = identity;
    cluster.tokens = vec![TOKEN.to_owned()];
    let server = cluster.start();
    let user = json!({"client-certificate": "pki/client.crt", "client-key": "pki/client.key",
        "token": "not-this-one", "tokenFile": "pki/token"});
    let authority = json!({"certificate-authority-data": null,
        "certificate-authority": "pki/ca.crt"});
    let place = TestFolder::new()
        .file("manifests/a.yaml", MANIFEST)
        .file("kube/config", server.kubeconfig_with(authority, user))
        .file("kube/pki/ca.crt", Identity::plain().authority())
        .file("kube/pki/client.crt", client.certificate)
        .file("kube/pki/client.key", client.key)
        .file("kube/pki/token", format!("{TOKEN}\n"));
    let (code, shown) = diff(&place, &["--kubeconfig", "kube/config"]);
    assert!(code < 2, "{shown}");
    let token = place.path().join("kube/pki/token");
    let assert_fails = |words: &str| {
        let (code, shown) = diff(&place, &["--kubeconfig", "kube/config"]);
        assert_eq!(code, 2, "{shown}");
        assert!(
            shown.contains("pki/token: ") && shown.contains(words),
            "{shown}"
        );
    };
    std::fs::write(&token, "\n").unwrap();
    assert_fails("it is empty");
    std::fs::remove_file(&token).unwrap();
    assert_fails("No such file");
}

/// The kubelet renews a pod's token in its file; the server rejects the old token at some point
/// during a long run.
#[test]
fn rereads_a_renewed_token_file() {
    let mut cluster = shop().failing("", Fault::Delay(500));
    cluster.tokens = vec![TOKEN.to_owned()];
    let server = cluster.start();
    let user = json!({"tokenFile": "token"});
    let place = place(&server.kubeconfig_with(json!({}), user)).file("token", "yesterday's");
    let api = Api::connect(&ConnectOptions {
        kubeconfig: Some(place.path().join("kubeconfig")),
        ..options(Patience::default())
    });
    let place = place.file("token", TOKEN); // before the server has answered anything
    let manifests = place.path().join("manifests");
    let sources: [Box<dyn Source>; 1] = [Box::new(FilesSource::new([manifests]))];
    let rules = RuleSet::builtin();
    let report = engine::run(&sources, &api.unwrap(), rules, &Options::default()).unwrap();
    assert_eq!(report.coverage.compared, 1, "{:?}", report.warnings);
    assert!(!report.is_incomplete(), "{:?}", report.warnings);
}

#[test]
fn authenticates_with_a_client_certificate() {
    let identity = Identity::plain().asking_clients();
    let client = identity.client();
    let mut cluster = shop();
    cluster.identity = identity;
    let server = cluster.start();
    let user = json!({
        "client-certificate-data": encoded(client.certificate),
        "client-key-data": encoded(client.key),
    });
    assert_works(&place(&server.kubeconfig_with(json!({}), user)));
    let none = server.kubeconfig_with(json!({}), json!({}));
    assert_fails(&place(&none), &["cannot read from"]);
}

#[test]
fn a_rejected_token_stops_the_run() {
    let server = open(Identity::plain());
    let user = json!({"token": "canary-of-a-token"});
    let words = ["401", "check this machine's clock"];
    assert_fails(&place(&server.kubeconfig_with(json!({}), user)), &words);
}

#[test]
fn merges_kubeconfig_files_with_priority_to_the_first() {
    let server = open(Identity::plain());
    let all: Value = serde_json::from_str(&server.kubeconfig()).unwrap();
    let mut first = json!({"apiVersion": "v1", "kind": "Config"});
    first["users"] = all["users"].clone();
    first["contexts"] = all["contexts"].clone();
    let mut second = all.clone();
    second["users"] = json!([{"name": "u", "user": {"token": "another"}}]);
    let place = TestFolder::new()
        .file("manifests/a.yaml", MANIFEST)
        .file("first", first.to_string())
        .file("second", second.to_string())
        .var("KUBECONFIG", "first:not-there:second");
    let (code, shown) = diff(&place, &[]);
    assert!(code < 2, "{shown}");
    let place = place.var("KUBECONFIG", "not-there:nor-this");
    let (code, shown) = diff(&place, &[]);
    assert_eq!(code, 2);
    assert!(shown.contains("not-there, nor-this"), "{shown}");
}

#[test]
fn does_not_fall_back_from_a_broken_kubeconfig() {
    let server = open(Identity::plain());
    let place = TestFolder::new()
        .file("manifests/a.yaml", MANIFEST)
        .file(".kube/config", server.kubeconfig())
        .file("broken", "clusters: [canary\n")
        .var("KUBECONFIG", "broken");
    let (code, shown) = diff(&place, &[]);
    assert_eq!(code, 2, "{shown}");
    assert!(shown.contains("broken:"), "{shown}");
    assert!(server.seen().is_empty());
}

#[test]
fn refuses_a_kubeconfig_among_the_manifests() {
    let server = open(Identity::plain());
    let place = TestFolder::new()
        .file("manifests/a.yaml", MANIFEST)
        .file("manifests/kubeconfig", server.kubeconfig());
    let (code, shown) = diff(&place, &["--kubeconfig", "manifests/kubeconfig"]);
    assert_eq!(code, 2, "{shown}");
    assert!(shown.contains("it can run programs"), "{shown}");
}

#[test]
fn an_oidc_login_without_a_token_names_what_is_missing() {
    let server = open(Identity::plain());
    let user = json!({"auth-provider": {"name": "oidc", "config": {
        "idp-issuer-url": "https://id.shop.example", "client-id": "shop"}}});
    let (code, shown) = diff(
        &place(&server.kubeconfig_with(json!({}), user)),
        &["--kubeconfig", "kubeconfig"],
    );
    assert_eq!(code, 2, "{shown}");
    assert!(shown.to_lowercase().contains("token"), "{shown}");
}

/// Plugins are programs; these are shell scripts.
#[cfg(unix)]
mod plugins {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn with_plugin(server: &Server, script: &str) -> TestFolder {
        with_plugin_at("client.authentication.k8s.io/v1", server, script)
    }

    fn with_plugin_at(version: &str, server: &Server, script: &str) -> TestFolder {
        let user = json!({"exec": {"apiVersion": version,
            "command": "./plugin", "interactiveMode": "Never",
            "env": [{"name": "GREETING", "value": "hello"}]}});
        let place = place(&server.kubeconfig_with(json!({}), user)).file("plugin", script);
        let file = place.path().join("plugin");
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
        place
    }

    fn credential(status: &Value) -> String {
        let credential = json!({"apiVersion": "client.authentication.k8s.io/v1",
            "kind": "ExecCredential", "status": status});
        format!("echo '{credential}'\n")
    }

    #[test]
    fn uses_the_token_of_a_plugin() {
        let server = open(Identity::plain());
        let script = format!(
            "#!/bin/sh\n[ \"$GREETING\" = hello ] || exit 3\n{}",
            credential(&json!({"token": TOKEN}))
        );
        assert_works(&with_plugin(&server, &script));
    }

    /// The output of a plugin depends on the requested version.
    #[test]
    fn calls_a_plugin_with_the_version_of_the_kubeconfig() {
        let server = open(Identity::plain());
        let version = "client.authentication.k8s.io/v1beta1";
        let credential = json!({"apiVersion": version, "kind": "ExecCredential",
            "status": {"token": TOKEN, "expirationTimestamp": "2099-01-01T00:00:00Z"}});
        let script = format!(
            "#!/bin/sh\ncase \"$KUBERNETES_EXEC_INFO\" in\n  *{version}*) echo '{credential}' ;;\n  \
             *) exit 5 ;;\nesac\n"
        );
        assert_works(&with_plugin_at(version, &server, &script));
    }

    #[test]
    fn uses_the_certificate_of_a_plugin() {
        let identity = Identity::plain().asking_clients();
        let client = identity.client();
        let mut cluster = shop();
        cluster.identity = identity;
        let server = cluster.start();
        let status = json!({"clientCertificateData": client.certificate,
            "clientKeyData": client.key});
        let place = with_plugin(&server, "#!/bin/sh\ncat credential\n");
        let credential = json!({"apiVersion": "client.authentication.k8s.io/v1",
            "kind": "ExecCredential", "status": status});
        assert_works(&place.file("credential", credential.to_string()));
    }

    #[test]
    fn renews_rejected_credentials_once() {
        let server = open(Identity::plain());
        let renewing = format!(
            "#!/bin/sh\nif [ -e asked ]; then\n{}else\n  : > asked\n{}fi\n",
            credential(&json!({"token": TOKEN})),
            credential(&json!({"token": "expired"}))
        );
        assert_works(&with_plugin(&server, &renewing));
        let stubborn = format!(
            "#!/bin/sh\necho x >> asked\n{}",
            credential(&json!({"token": "canary-of-a-token"}))
        );
        let place = with_plugin(&server, &stubborn);
        assert_fails(&place, &["401", "after they were renewed once"]);
        let asked = std::fs::read_to_string(place.path().join("asked")).unwrap();
        assert_eq!(asked.lines().count(), 2);
    }

    #[test]
    fn does_not_show_the_output_of_a_failing_plugin() {
        let server = open(Identity::plain());
        let cases = [
            (
                "#!/bin/sh\necho canary; echo canary >&2; exit 7\n",
                "exit code 7",
            ),
            ("#!/bin/sh\necho 'canary: ['\n", "not an ExecCredential"),
            (
                "#!/bin/sh\necho '{\"canary\":1}'\n",
                "not an ExecCredential",
            ),
            (
                "#!/bin/sh\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1\", \
                 \"kind\":\"ExecCredential\"}'\n",
                "no credentials",
            ),
            (
                "#!/bin/sh\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\", \
                 \"kind\":\"ExecCredential\", \"status\":{\"token\":\"canary\"}}'\n",
                "another apiVersion than client.authentication.k8s.io/v1",
            ),
            ("#!/bin/sh\nexec yes canary\n", "signal"),
            ("#!/bin/sh\nexec sleep 60\n", "did not end within 5s"),
            ("#!/bin/sh\nkill -9 $$\n", "signal"),
        ];
        std::thread::scope(|scope| {
            for (script, words) in cases {
                let server = &server;
                scope.spawn(move || assert_fails(&with_plugin(server, script), &["plugin", words]));
            }
        });
        assert!(server.seen().is_empty());
    }

    #[test]
    fn names_a_missing_plugin() {
        let server = open(Identity::plain());
        let user = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1",
            "command": "cloud-login", "installHint": "install cloud-login"}});
        let place = place(&server.kubeconfig_with(json!({}), user));
        assert_fails(&place, &["cloud-login", "install cloud-login"]);
    }
}

/// Starts a proxy for `CONNECT`. Returns its address, and the number of its tunnels.
fn proxy(credentials: Option<&'static str>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let tunnels = Arc::new(AtomicUsize::new(0));
    let made = Arc::clone(&tunnels);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let made = Arc::clone(&made);
            std::thread::spawn(move || tunnel(client.unwrap(), credentials, &made));
        }
    });
    (address, tunnels)
}

fn tunnel(mut client: TcpStream, credentials: Option<&str>, made: &AtomicUsize) -> Option<()> {
    use std::io::{Read as _, Write as _};
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let target = head.strip_prefix("CONNECT ")?.split(' ').next()?;
    let wanted = credentials.map(|plain| format!("Basic {}", encoded(plain)));
    if wanted.is_some_and(|wanted| !head.contains(&wanted)) {
        let refusal =
            b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 6\r\n\r\ncanary";
        return client.write_all(refusal).ok();
    }
    let mut server = TcpStream::connect(target).ok()?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
    made.fetch_add(1, Ordering::SeqCst);
    let (mut from_client, mut to_server) = (client.try_clone().ok()?, server.try_clone().ok()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let _ = std::io::copy(&mut server, &mut client);
    client.shutdown(Shutdown::Write).ok()
}

#[test]
fn uses_the_proxy_of_the_kubeconfig() {
    let server = open(Identity::plain());
    let (address, tunnels) = proxy(None);
    let through = json!({"proxy-url": format!("http://{address}")});
    let kubeconfig = server.kubeconfig_with(through, json!({"token": TOKEN}));
    assert_works(&place(&kubeconfig));
    assert!(tunnels.load(Ordering::SeqCst) > 0);
}

#[test]
fn sends_the_password_to_the_proxy_without_showing_it() {
    let server = open(Identity::plain());
    let (address, tunnels) = proxy(Some("me:canary-word"));
    let through = json!({"proxy-url": format!("http://me:canary-word@{address}")});
    let kubeconfig = server.kubeconfig_with(through, json!({"token": TOKEN}));
    assert_works(&place(&kubeconfig));
    assert!(tunnels.load(Ordering::SeqCst) > 0);
    let wrong = json!({"proxy-url": format!("http://me:canary-guess@{address}")});
    let kubeconfig = server.kubeconfig_with(wrong, json!({"token": TOKEN}));
    assert_fails(&place(&kubeconfig), &["cannot read from"]);
}

#[test]
fn does_not_use_the_proxy_of_the_environment_for_localhost() {
    let server = open(Identity::plain());
    let place = place(&server.kubeconfig()).var("HTTPS_PROXY", "http://127.0.0.1:1");
    assert_works(&place);
}
