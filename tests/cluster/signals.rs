//! Tests runs that are interrupted or time out: they show what was read, and never look complete.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::server::{Fault, Server};
use crate::shop;
use crate::support::{TestFolder, fixture};

/// Returns a server that never answers requests for `part`, and a directory with its kubeconfig.
fn hanging(part: &'static str) -> (Server, TestFolder) {
    let server = shop().failing(part, Fault::Hang).start();
    let place = TestFolder::new().file("kubeconfig", server.kubeconfig());
    (server, place)
}

fn start(place: &TestFolder, more: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_driftctl"))
        .args(["diff", "-o", "json", "--kubeconfig", "kubeconfig"])
        .args(more)
        .arg(fixture("shop/manifests"))
        .current_dir(place.path())
        .env_clear()
        .env("HOME", place.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Returns the exit code, the report, and standard error.
fn end(child: Child) -> (Option<i32>, Value, String) {
    let output = child.wait_with_output().unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), report, said)
}

/// Runs until the server hangs, and a while longer so that the rest can be read; then sends a
/// signal.
fn interrupted(part: &'static str, signal: Signal) -> (Option<i32>, Value, String) {
    let (server, place) = hanging(part);
    let child = start(&place, &[]);
    let began = Instant::now();
    let hangs = || server.seen().iter().any(|(_, path)| path.contains(part));
    while !hangs() {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{part} was not requested"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(500));
    kill_process(Pid::from_child(&child), signal).unwrap();
    end(child)
}

#[test]
fn an_interrupted_run_reports_what_was_read() {
    {
        let (code, report, said) = interrupted("/statefulsets", Signal::TERM);
        assert_eq!(code, Some(2), "{said}");
        assert_eq!(report["verdict"], "incomplete", "{said}");
        assert!(said.contains("interrupted"), "{said}");
        assert!(
            report["summary"]["drifted"].as_u64().unwrap() > 5,
            "{report}"
        );
        for object in report["objects"].as_array().unwrap() {
            let is_set = object["kind"] == "StatefulSet";
            assert!(!is_set || object["status"] == "unknown", "{object}");
        }
    }
}

#[test]
fn a_run_that_is_terminated_early_reports_nothing() {
    let (code, report, said) = interrupted("/apis?", Signal::TERM);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("interrupted"), "{said}");
    assert_eq!(report["verdict"], "incomplete", "{said}");
    assert_eq!(report["coverage"]["compared"], 0, "{said}");
}

#[test]
fn ctrl_c_ends_the_run_at_once() {
    for part in ["/apis?", "/statefulsets"] {
        let began = Instant::now();
        let (code, report, said) = interrupted(part, Signal::INT);
        assert_eq!(code, Some(130), "{said}");
        assert_eq!(report, Value::Null, "{said}");
        assert_eq!(said.matches("error:").count(), 1, "{said}");
        assert!(said.contains("interrupted"), "{said}");
        assert!(began.elapsed() < Duration::from_secs(20), "{part}");
    }
}

/// Schemas are read after the objects. Without them, the comparison would differ.
#[test]
fn an_interruption_while_reading_schemas_is_incomplete() {
    let (code, report, said) = interrupted("/openapi/", Signal::TERM);
    assert_eq!(code, Some(2), "{said}");
    assert_eq!(report["verdict"], "incomplete", "{said}");
    assert!(said.contains("interrupted"), "{said}");
    let (_server, place) = hanging("/openapi/");
    let (code, report, said) = end(start(&place, &["--timeout", "2"]));
    assert_eq!(code, Some(2), "{said}");
    assert_eq!(report["verdict"], "incomplete", "{said}");
}
