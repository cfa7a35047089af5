//! Tests `driftctl timeline` with a server: unreadable sources are named, and do not stop it.

use serde_json::Value;

use crate::recording;
use crate::server::{Fault, Server};
use crate::support::{TestFolder, fixture};

fn timeline(fault: Option<(&'static str, Fault)>) -> (i32, Value) {
    let server = Server::start(&recording(), fault);
    let place = TestFolder::new().file("kubeconfig", server.kubeconfig());
    let mut command = place.driftctl();
    let words = [
        "timeline",
        "-o",
        "json",
        "--kubeconfig",
        "kubeconfig",
        "--timeout",
        "20",
    ];
    let output = command
        .args(words)
        .arg(fixture("shop/manifests"))
        .output()
        .unwrap();
    let document = serde_json::from_slice(&output.stdout);
    let document = document.unwrap_or_else(|_| panic!("{}", place.shown(&output)));
    (output.status.code().unwrap(), document)
}

#[test]
fn names_forbidden_sources() {
    let (_, all) = timeline(None);
    assert!(all["read"].to_string().contains("Events in shop"), "{all}");
    let (code, less) = timeline(Some(("/events", Fault::Code(403))));
    assert_eq!(code, 0);
    let unread = less["unread"].to_string();
    assert!(unread.contains("Events in shop"), "{unread}");
    assert!(!less["read"].to_string().contains("Events in shop"));
    assert_eq!(all["moments"], less["moments"]);
}

#[test]
fn unreadable_objects_fail_the_timeline() {
    let (code, document) = timeline(Some(("/deployments", Fault::Code(403))));
    assert_eq!(code, 2);
    assert!(!document["moments"].as_array().unwrap().is_empty());
}

#[test]
fn a_snapshot_with_history_contains_what_a_timeline_reads() {
    let server = Server::start(&recording(), None);
    let place = TestFolder::new().file("kubeconfig", server.kubeconfig());
    let manifests = fixture("shop/manifests");
    let run = |words: &[&str]| {
        let mut command = place.driftctl();
        command.args(words).arg(&manifests);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", place.shown(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let connected = ["--kubeconfig", "kubeconfig", "--timeout", "20"];
    run(&[
        &["snapshot", "--history", "-o", "live.json"],
        &connected[..],
    ]
    .concat());
    let direct = run(&[&["timeline", "-o", "json"], &connected[..]].concat());
    let again = run(&["timeline", "-o", "json", "--live", "live.json"]);
    let moments = |text: &str| serde_json::from_str::<Value>(text).unwrap()["moments"].clone();
    assert_eq!(moments(&direct), moments(&again));
}
