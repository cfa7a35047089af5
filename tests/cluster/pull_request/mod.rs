//! Tests three-way comparisons: the base, the branch, and the live objects.

#![allow(clippy::unwrap_used)]

use crate::support;

// The server knows faults that only its own tests ask for.
use crate::server;

mod action;
mod objects;
mod review;
mod table;

use serde_json::{Value, json};
use support::TestFolder;

/// Returns these objects as `kubectl get -o json` prints them.
fn recording(objects: &[Value]) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "items": objects})
}

/// Runs `driftctl diff branch --base base --live live.json` and returns its report.
fn report(base: &[Value], branch: &[Value], live: &[Value]) -> Value {
    let place = place(base, branch, live);
    let output = place
        .driftctl()
        .args(["diff", "branch", "--base", "base", "--live", "live.json"])
        .args(["--allow-empty", "-o", "json"])
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Returns a directory with the objects of the three sides, one object per file.
fn place(base: &[Value], branch: &[Value], live: &[Value]) -> TestFolder {
    let mut place = TestFolder::new()
        .folder("base")
        .folder("branch")
        .file("live.json", recording(live).to_string());
    for (folder, objects) in [("base", base), ("branch", branch)] {
        for object in objects {
            let name = object["metadata"]["name"].as_str().unwrap();
            let kind = object["kind"].as_str().unwrap();
            let text = serde_yaml::to_string(object).unwrap();
            place = place.file(&format!("{folder}/{kind}-{name}.yaml"), text);
        }
    }
    place
}

fn object<'r>(report: &'r Value, name: &str) -> Option<&'r Value> {
    let objects = report["objects"].as_array().unwrap();
    objects.iter().find(|object| object["name"] == name)
}

/// Returns the changes of an object as `path class base branch live`.
fn changes(object: &Value) -> Vec<String> {
    let changes = object["changes"].as_array().unwrap();
    let value = |change: &Value, side: &str| match change.get(side) {
        Some(value) => value.to_string(),
        None => "-".to_owned(),
    };
    changes
        .iter()
        .map(|change| {
            let [base, branch, live] = ["base", "declared", "live"].map(|s| value(change, s));
            let path = change["path"].as_str().unwrap();
            let class = change["class"].as_str().unwrap();
            format!("{path} {class} {base} {branch} {live}")
        })
        .collect()
}
