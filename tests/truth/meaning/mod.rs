//! Tests what means the same and what does not, one rule per test, from manifests and a recording
//! to the report.

#![allow(clippy::unwrap_used)]

use crate::support;

mod appliers;
mod autopilot;
mod custom;
mod evidence;
mod linear;
mod machines;
mod spelled;

use driftctl::cluster::Dump;
use driftctl::engine::{self, Options};
use driftctl::model::ObjectReport;
use driftctl::policy::RuleSet;
use driftctl::source::{FilesSource, Source};
use serde_json::{Value, json};
use support::TestFolder;

/// Returns the report on the objects of a kind, one line per change.
fn drift_of(kind: &str, declared: &[&Value], live: &[&Value]) -> Vec<String> {
    let documents: Vec<String> = declared.iter().map(ToString::to_string).collect();
    drift_of_text(kind, &documents.join("\n---\n"), live)
}

/// Returns the same for manifests as text.
fn drift_of_text(kind: &str, manifests: &str, live: &[&Value]) -> Vec<String> {
    let lines = |object: &ObjectReport| {
        let changes = object.reported().map(|drift| &drift.change);
        let lines = changes.map(|change| format!("{} {}", change.kind.as_str(), change.path));
        let mut lines: Vec<String> = lines.collect();
        if lines.is_empty() && object.is_drift() {
            lines.push(object.status().as_str().to_owned());
        }
        lines
    };
    let objects = compared(manifests, live);
    let mut objects = objects.iter().filter(|object| object.key.kind == kind);
    let object = objects.next().unwrap();
    assert_eq!(object.reason, None, "{kind}");
    lines(object)
}

/// Returns every object of a run without rules.
fn compared(manifests: &str, live: &[&Value]) -> Vec<ObjectReport> {
    compared_with(manifests, live, &Options::default())
}

/// Returns the same with other options.
fn compared_with(manifests: &str, live: &[&Value], options: &Options) -> Vec<ObjectReport> {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": live});
    let place = TestFolder::new()
        .file("manifests.yaml", manifests)
        .file("live.json", list.to_string());
    let files = FilesSource::new([place.path().join("manifests.yaml")]);
    let sources: Vec<Box<dyn Source>> = vec![Box::new(files)];
    let dump = Dump::read(&[place.path().join("live.json")]).unwrap();
    let report = engine::run(&sources, &dump, RuleSet::builtin(), options).unwrap();
    let fatal: Vec<_> = report.warnings.iter().filter(|w| w.fatal).collect();
    assert!(fatal.is_empty(), "{fatal:?}");
    report.objects
}

/// Returns an object with this specification.
fn object(api_version: &str, kind: &str, spec: &Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind,
        "metadata": {"name": "a", "namespace": "shop"}, "spec": spec})
}

/// Returns an object with a value at a path of fields.
fn at(path: &str, value: &Value) -> Value {
    let fields = path.split('.').filter(|field| !field.is_empty()).rev();
    fields.fold(value.clone(), |value, field| json!({ field: value }))
}
