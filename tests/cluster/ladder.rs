//! Tests LIST in all namespaces, LIST in one namespace, and GET: whichever is allowed.

use serde_json::Value;

use crate::server::{Fault, Server};
use crate::support::{TestFolder, fixture};
use crate::{Requests, assert_same, drift, from_recording, recording};

fn run(fault: (&'static str, Fault)) -> (i32, Value, Requests) {
    let server = Server::start(&recording(), Some(fault));
    let place = TestFolder::new().file("kubeconfig", server.kubeconfig());
    let output = place
        .driftctl()
        .args([
            "diff",
            "-o",
            "json",
            "--kubeconfig",
            "kubeconfig",
            "--timeout",
            "20",
        ])
        .arg(fixture("shop/manifests"))
        .output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code().unwrap(), report, server.seen())
}

#[test]
fn reads_objects_one_by_one_without_list() {
    let (code, report, seen) = run(("?limit=", Fault::Code(403)));
    assert_eq!(code, 1, "{}", report["warnings"]);
    assert_same(&drift(&report), &from_recording(&[]));
    assert!(seen.iter().all(|(method, _)| method == "GET"));
}

#[test]
fn lists_objects_without_get() {
    // The addresses of all single Secrets, but of no list of them.
    let (code, report, seen) = run(("/secrets/", Fault::Code(403)));
    assert_eq!(code, 1, "{}", report["warnings"]);
    assert_same(&drift(&report), &from_recording(&[]));
    assert!(
        seen.iter()
            .any(|(_, path)| path.contains("/secrets?limit="))
    );
}
