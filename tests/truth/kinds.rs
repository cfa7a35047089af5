//! Tests edits of many kinds of objects, recorded from a real API server after Argo CD's manager
//! applied a manifest server-side (namespace `applied`), or `kubectl apply` did (`classic`).
//!
//! `expected.json` lists what each edit changed: the structural difference between the objects
//! before and after it, and the field manager of the command.

#![allow(clippy::unwrap_used)]

use crate::support;

use std::collections::BTreeMap;

use serde_json::Value;
use support::{TestFolder, fixture, fixture_arg};

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}

fn list<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

/// Returns the report on each object, one line per change.
fn reported(report: &Value) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for object in list(report, "objects") {
        let changes = list(object, "changes").iter();
        let open = changes.filter(|one| one["explained"].is_null() && one["ignored"].is_null());
        let lines: Vec<String> = open
            .map(|one| {
                let mut owners: Vec<&str> = list(one, "owners")
                    .iter()
                    .map(|owner| text(owner, "manager"))
                    .collect();
                owners.sort_unstable();
                let (kind, path) = (text(one, "kind"), text(one, "path"));
                format!("{kind} {path} by {owners:?}")
            })
            .collect();
        if !lines.is_empty() {
            let name = format!("{} {}", text(object, "kind"), text(object, "name"));
            found.insert(name, lines);
        }
    }
    found
}

#[test]
fn finds_edits_of_every_kind_with_their_managers() {
    let expected: Value =
        serde_json::from_str(&std::fs::read_to_string(fixture("kinds/expected.json")).unwrap())
            .unwrap();
    let mut wanted = BTreeMap::new();
    for object in expected.as_array().unwrap() {
        let lines = list(object, "changes").iter().map(|one| {
            let owners: Vec<&str> = list(one, "managers")
                .iter()
                .filter_map(Value::as_str)
                .collect();
            format!("{} {} by {owners:?}", text(one, "kind"), text(one, "path"))
        });
        let name = format!("{} {}", text(object, "kind"), text(object, "name"));
        wanted.insert(name, lines.collect::<Vec<_>>());
    }
    assert!(wanted.len() >= 90, "{}", wanted.len());
    let output = TestFolder::new()
        .driftctl()
        .args([
            "diff",
            &fixture_arg("kinds/manifests.yaml"),
            "--live",
            &fixture_arg("kinds/live.json"),
            "-o",
            "json",
        ])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(reported(&report), wanted);
}
