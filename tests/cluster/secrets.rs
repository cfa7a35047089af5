//! Tests that no value of a Secret is shown, however a server breaks a list of Secrets, at any
//! verbosity.

use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use driftctl::output::FORMATS;
use serde_json::json;

use crate::server::{Cluster, Fault};
use crate::support::TestFolder;

const CANARY: &str = "Zx9-hunter2_CANARY.q7Wvv4";

const MANIFEST: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: cart, namespace: shop}
stringData: {password: declared}
";

/// Returns a cluster with Secrets that contain the canary: raw, in base64, and in copies of the
/// object.
fn cluster() -> Cluster {
    let encoded = STANDARD.encode(CANARY);
    let copy = json!({"data": {"password": encoded}}).to_string();
    let secret = |name: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "data": {"password": encoded},
        "metadata": {"name": name, "namespace": "shop", "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": copy,
            "note": format!("password={CANARY}"),
        }}})
    };
    let secrets: Vec<_> = (0..3).map(|n| secret(["cart", "b", "c"][n])).collect();
    Cluster::of(&json!({"items": secrets}))
}

/// Returns any ten characters of the canary in the text, raw or in base64.
fn leak(text: &str) -> Option<String> {
    let encoded = (0..3).map(|skip| STANDARD.encode(&CANARY[skip..]));
    let shapes: Vec<String> = encoded.chain([CANARY.to_owned()]).collect();
    let pieces = shapes.iter().flat_map(|shape| shape.as_bytes().windows(10));
    pieces
        .map(|piece| std::str::from_utf8(piece).unwrap())
        .find(|piece| text.contains(piece))
        .map(str::to_owned)
}

fn check(fault: Option<Fault>, level: &[&str]) {
    let cluster = match fault {
        Some(fault) => cluster().failing("/secrets", fault),
        None => cluster(),
    };
    let server = cluster.start();
    // Debug logs of libraries must not show more either.
    let place = TestFolder::new()
        .file("m/secret.yaml", MANIFEST)
        .file("kubeconfig", server.kubeconfig())
        .folder("out")
        .var("RUST_LOG", "trace")
        .var("RUST_BACKTRACE", "full");
    let files = FORMATS.iter().map(|format| format.name());
    let files = files.map(|name| format!("--output={name}=out/{name}"));
    let output = place
        .driftctl()
        .args([
            "diff",
            "m",
            "--kubeconfig",
            "kubeconfig",
            "--extra",
            "namespace",
        ])
        .args(["--request-timeout", "2", "--timeout", "20", "--show", "all"])
        .args(files)
        .args(level)
        .output()
        .unwrap();
    let mut all = place.shown(&output);
    for format in FORMATS {
        let file = place.path().join("out").join(format.name());
        all.push_str(&std::fs::read_to_string(file).unwrap_or_default());
    }
    assert_eq!(leak(&all), None, "{fault:?} {level:?}: {all}");
    assert!(all.contains("cart"), "{fault:?} {level:?}: {all}");
}

#[test]
fn broken_lists_show_no_secrets() {
    assert!(leak(&STANDARD.encode(format!("a{CANARY}"))).is_some());
    let faults = [
        Fault::Truncated,
        Fault::CutMidway,
        Fault::WrongType,
        Fault::BrokenGzip,
        Fault::NamelessItem,
        Fault::Code(422),
    ];
    let faults = faults.map(Some).into_iter().chain([None]);
    thread::scope(|scope| {
        for fault in faults {
            for level in [&[][..], &["--verbose"], &["--quiet"]] {
                scope.spawn(move || check(fault, level));
            }
        }
    });
}
