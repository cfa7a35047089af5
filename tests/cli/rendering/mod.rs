//! Tests declared state that other programs render.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use crate::support;

mod argo;
mod chart;
mod encrypted;
mod flux;
mod follow;
mod kustomize;
mod releases;
mod revisions;

use support::TestFolder;

/// Returns these objects as `kubectl get -o json` prints them.
fn recording(objects: &[&str]) -> String {
    let parsed = objects
        .iter()
        .map(|yaml| serde_yaml::from_str(yaml).unwrap());
    let items: Vec<serde_json::Value> = parsed.collect();
    serde_json::json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}

/// Returns a ConfigMap, as a manifest.
fn config(name: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: shop\ndata:\n  \
         key: {value}\n"
    )
}

/// Returns the directory with a shell script as a program.
fn program(place: TestFolder, path: &str, script: &str) -> TestFolder {
    use std::os::unix::fs::PermissionsExt;
    let place = place.file(path, format!("#!/bin/sh\n{script}"));
    let file = place.path().join(path);
    std::fs::set_permissions(file, PermissionsExt::from_mode(0o755)).unwrap();
    place
}

/// Returns the report of a run as JSON.
fn report(place: &TestFolder, words: &[&str]) -> serde_json::Value {
    let words = [
        words,
        &["--live", "live.json", "-o", "json", "--show", "all", "-v"],
    ]
    .concat();
    let output = place.driftctl().args(&words).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{words:?}: {stderr}"))
}

/// Returns each object with its source, and each message.
fn sources(report: &serde_json::Value) -> String {
    let mut lines = Vec::new();
    for object in report["objects"].as_array().unwrap() {
        let origin = &object["origin"];
        let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
        lines.push(format!(
            "{} {}: {}:{} by {}",
            text(&object["kind"]),
            text(&object["name"]),
            text(&origin["file"]),
            origin["line"],
            text(&origin["renderedBy"]),
        ));
    }
    for list in ["warnings", "skipped"] {
        for warning in report[list].as_array().into_iter().flatten() {
            let text = |key: &str| warning[key].as_str().unwrap_or("-").to_owned();
            lines.push(format!("{list}: {}: {}", text("place"), text("message")));
        }
    }
    lines.join("\n")
}

/// Returns whether one of these tools is installed; prints a note if not.
fn has(tools: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .any(|folder| tools.iter().any(|tool| folder.join(tool).is_file()));
    if !found {
        eprintln!("skipped: none of {tools:?} is on the PATH");
    }
    found
}

/// Returns the arguments of the stand-in for helm, without the long one that lists the served API
/// versions.
fn words_of(place: &TestFolder) -> String {
    let words = std::fs::read_to_string(place.path().join("helm.words")).unwrap();
    let root = place.path().canonicalize().unwrap();
    let words = words.trim().replace(root.to_str().unwrap(), "$DIR");
    let words = words
        .split(' ')
        .filter(|word| !word.starts_with("--api-versions="));
    words.collect::<Vec<_>>().join(" ")
}
