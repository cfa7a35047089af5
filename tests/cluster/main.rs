//! Tests the API client against a real HTTPS server in this process.

#![allow(clippy::unwrap_used)]

#[path = "../support/leak.rs"]
mod leak;
#[path = "../support/mod.rs"]
mod support;

mod access;
mod cells;
mod chance;
mod clusters;
mod coverage;
mod doctor;
mod dry_run;
mod explained;
mod http2;
mod incident;
mod ladder;
mod observe;
mod pairs;
mod pull_request;
mod revert;
mod rights;
mod secrecy;
mod secrets;
mod server;
#[cfg(unix)]
mod signals;
mod snapshot;
mod timeline;
mod triage;
#[cfg(unix)]
mod watch;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::Value;
use server::{Cluster, Fault, Server};
use support::{TestFolder, fixture};

/// The method and the path with query of each request.
type Requests = Vec<(String, String)>;

fn recording() -> Value {
    let text = std::fs::read_to_string(fixture("shop/live.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Returns a cluster with the objects of the recorded shop.
fn shop() -> Cluster {
    static SHOP: LazyLock<Cluster> = LazyLock::new(|| Cluster::of(&recording()));
    SHOP.clone()
}

/// Runs `driftctl diff` for the shop's manifests with a server. Returns the exit code, the report
/// and the requests.
fn run(fault: Option<(&'static str, Fault)>, more: &[&str]) -> (i32, Value, Vec<(String, String)>) {
    let server = match fault {
        Some((part, fault)) => shop().failing(part, fault).start(),
        None => shop().start(),
    };
    run_against(&server, more)
}

/// Does the same with a running server.
fn run_against(server: &Server, more: &[&str]) -> (i32, Value, Vec<(String, String)>) {
    let place = TestFolder::new().file("kubeconfig", server.kubeconfig());
    let manifests = fixture("shop/manifests");
    let output = place
        .driftctl()
        .args(["diff", "-o", "json", "--kubeconfig", "kubeconfig"])
        .args(["--request-timeout", "2", "--timeout", "20"])
        .args(more)
        .arg(manifests)
        .output()
        .unwrap();
    let shown = [&output.stdout[..], &output.stderr[..]].concat();
    let shown = String::from_utf8_lossy(&shown).into_owned();
    assert!(
        !shown.contains("canary-in-an-error"),
        "an error's body is shown: {shown}"
    );
    let report = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap(), report, server.seen())
}

/// Returns the drift of a report: object, status, paths.
fn drift(report: &Value) -> BTreeSet<String> {
    let objects = report["objects"].as_array().unwrap();
    objects
        .iter()
        .flat_map(|object| {
            let name = format!(
                "{} {} {}",
                object["kind"], object["namespace"], object["name"]
            );
            let changes = object["changes"].as_array().cloned().unwrap_or_default();
            let status = format!("{name} {}", object["status"]);
            let path = move |change: Value| format!("{name} {}", change["path"]);
            std::iter::once(status).chain(changes.into_iter().map(path))
        })
        .collect()
}

#[track_caller]
fn assert_same(one: &BTreeSet<String>, other: &BTreeSet<String>) {
    let differing: Vec<_> = one.symmetric_difference(other).collect();
    assert!(differing.is_empty(), "{differing:#?}");
    assert!(one.len() > 50);
}

fn from_recording(more: &[&str]) -> BTreeSet<String> {
    let live = fixture("shop/live.json");
    let manifests = fixture("shop/manifests");
    let place = TestFolder::new();
    let mut command = place.driftctl();
    command
        .args(["diff", "-o", "json", "--live"])
        .arg(live)
        .args(more)
        .arg(manifests);
    drift(&serde_json::from_slice(&command.output().unwrap().stdout).unwrap())
}

#[test]
fn a_server_has_the_same_drift_as_its_recording() {
    let (code, report, _) = run(None, &[]);
    assert_eq!(code, 1, "{}", report["warnings"]);
    assert_same(&drift(&report), &from_recording(&[]));
    assert_eq!(report["target"]["context"], "shop");
}

#[test]
fn finds_undeclared_objects() {
    let (code, report, _) = run(None, &["--extra", "namespace"]);
    assert_eq!(code, 1, "{}", report["warnings"]);
    assert_same(&drift(&report), &from_recording(&["--extra", "namespace"]));
}

/// Undeclared objects are listed by metadata, and reported ones are read in full, because the text
/// says what each does. Secrets are not read.
#[test]
fn describes_undeclared_objects_of_a_server() {
    let server = shop().start();
    let place = TestFolder::new().file("kubeconfig", server.kubeconfig());
    let text = |live: &[&str]| {
        let mut command = place.driftctl();
        command.args(["diff", "--extra", "namespace"]).args(live);
        let output = command.arg(fixture("shop/manifests")).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let recorded = fixture("shop/live.json");
    let recorded = text(&["--live", recorded.to_str().unwrap()]);
    let online = text(&["--kubeconfig", "kubeconfig"]);
    let of_extra = |text: &str| {
        let blocks = text.split("\n\n").filter(|block| block.starts_with("+ "));
        let blocks = blocks.filter(|block| !block.starts_with("+ Secret "));
        blocks.map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(of_extra(&recorded).len() > 5, "{recorded}");
    assert_eq!(of_extra(&online), of_extra(&recorded));
    let seen = server.seen();
    let mut secrets = seen.iter().filter(|(_, path)| path.contains("/secrets/"));
    assert_eq!(secrets.next(), None, "no Secret is read by its name");
}

/// A search that failed says nothing about undeclared objects.
#[test]
fn the_coverage_shows_failed_searches() {
    let looked_for = |fault, more: &[&str]| {
        let (code, report, _) = run(fault, more);
        (code, report["coverage"]["extra"].clone())
    };
    assert_eq!(looked_for(None, &[]).1, Value::Null);
    let (code, all) = looked_for(None, &["--extra", "namespace"]);
    assert_eq!((code, all["unread"].as_u64()), (1, Some(0)), "{all}");
    let forbidden = Some(("/secrets", Fault::Code(403)));
    let (code, some) = looked_for(forbidden, &["--extra", "namespace"]);
    assert_eq!((code, some["unread"].as_u64()), (2, Some(1)), "{some}");
    assert_eq!(some["kinds"], all["kinds"]);
    let (_, few) = looked_for(None, &["--extra", "namespace", "--kind", "cm,deploy"]);
    assert_eq!(few["kinds"], 2);
}

#[test]
fn sends_only_reads() {
    for more in [&[][..], &["--extra", "namespace"]] {
        let (_, _, seen) = run(None, more);
        assert!(seen.len() > 10);
        assert!(seen.iter().all(|(method, _)| method == "GET"), "{seen:?}");
    }
}

/// A few faults in a few places: none looks like "no drift" to a reader of the exit code. [`cells`]
/// tests all of them.
#[test]
fn read_failures_never_look_like_no_drift() {
    let cells = [
        ("/apis?", Fault::Code(403)),
        ("/api?", Fault::Html),
        ("/deployments", Fault::Truncated),
        ("/deployments", Fault::Code(401)),
        ("/statefulsets", Fault::Reset),
        ("/statefulsets", Fault::Hang),
    ];
    std::thread::scope(|scope| {
        for cell in cells {
            scope.spawn(move || check(cell));
        }
    });
}

fn check((place, fault): (&'static str, Fault)) {
    let (code, report, _) = run(Some((place, fault)), &[]);
    assert_eq!(code, 2, "{place}: {report}");
    if !report.is_null() {
        assert_eq!(report["verdict"], "incomplete", "{place}");
    }
}

#[test]
fn retries_temporary_faults() {
    for code in [429, 500, 503] {
        let (exit, report, _) = run(Some(("/deployments", Fault::Once(code))), &[]);
        assert_eq!(exit, 1, "{code}: {}", report["warnings"]);
    }
}

#[test]
fn names_the_missing_right() {
    let (_, report, _) = run(Some(("/statefulsets", Fault::Code(403))), &[]);
    let text = report.to_string();
    assert!(
        text.contains("statefulsets") && text.contains("orders-db"),
        "{text}"
    );
    let objects = report["objects"].as_array().unwrap();
    let unknown = objects
        .iter()
        .find(|object| object["status"] == "unknown")
        .unwrap();
    assert_eq!(unknown["kind"], "StatefulSet");
}

#[test]
fn names_an_unusable_kubeconfig() {
    let place = TestFolder::new()
        .file(
            "a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
        )
        .file("broken", "clusters: [")
        .file("empty", "apiVersion: v1\nkind: Config\n");
    for (file, words) in [
        ("broken", &[][..]),
        ("nowhere", &[]),
        ("empty", &["--context", "x"]),
    ] {
        let output = place
            .driftctl()
            .args(["diff", "a.yaml", "--kubeconfig", file])
            .args(words)
            .output()
            .unwrap();
        let shown = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{shown}");
        assert!(shown.contains(file), "{file}: {shown}");
    }
}
