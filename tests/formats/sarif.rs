//! Tests what readers of SARIF depend on.

use std::collections::BTreeSet;

use driftctl::model::Report;
use driftctl::output::{RenderOptions, ShowLevel};
use serde_json::{Value, json};

use crate::{options, render, sample};

/// Returns the part of the SARIF 2.1.0 schema that the output uses: what is required, what is
/// allowed, and the types. Objects are closed: a property that is not listed here may not exist in
/// the standard.
pub fn schema() -> Value {
    let closed = |required: &[&str], properties: Value| {
        json!({
            "type": "object",
            "required": required,
            "properties": properties,
            "additionalProperties": false,
        })
    };
    let level = json!({"enum": ["none", "note", "warning", "error"]});
    let message = closed(&[], json!({"text": {"type": "string"}}));
    let open = json!({"type": "object"});
    let region = closed(
        &[],
        json!({
            "startLine": {"type": "integer", "minimum": 1},
            "startColumn": {"type": "integer", "minimum": 1},
        }),
    );
    let artifact = closed(&[], json!({"uri": {"type": "string"}}));
    let physical = closed(&[], json!({"artifactLocation": artifact, "region": region}));
    let logical = closed(
        &[],
        json!({"fullyQualifiedName": {"type": "string"}, "kind": {"type": "string"}}),
    );
    let location = closed(
        &[],
        json!({
            "physicalLocation": physical,
            "logicalLocations": {"type": "array", "items": logical},
        }),
    );
    let locations = json!({"type": "array", "items": location});
    let rule = closed(
        &["id"],
        json!({
            "id": {"type": "string"},
            "name": {"type": "string"},
            "shortDescription": closed(&["text"], json!({"text": {"type": "string"}})),
            "defaultConfiguration": closed(&[], json!({"level": level})),
        }),
    );
    let driver = closed(
        &["name"],
        json!({
            "name": {"type": "string"},
            "semanticVersion": {"type": "string"},
            "rules": {"type": "array", "items": rule},
        }),
    );
    let notification = closed(
        &["message"],
        json!({
            "descriptor": closed(&[], json!({"id": {"type": "string"}})),
            "level": level,
            "message": message,
            "locations": locations,
        }),
    );
    let suppression = closed(
        &["kind"],
        json!({"kind": {"enum": ["inSource", "external"]}, "justification": {"type": "string"}}),
    );
    let result = closed(
        &["message"],
        json!({
            "ruleId": {"type": "string"},
            "ruleIndex": {"type": "integer", "minimum": -1},
            "level": level,
            "message": message,
            "locations": locations,
            "partialFingerprints": open,
            "suppressions": {"type": "array", "items": suppression},
            "properties": open,
        }),
    );
    let invocation = closed(
        &["executionSuccessful"],
        json!({
            "executionSuccessful": {"type": "boolean"},
            "toolExecutionNotifications": {"type": "array", "items": notification},
        }),
    );
    let run = closed(
        &["tool"],
        json!({
            "tool": closed(&["driver"], json!({"driver": driver})),
            "invocations": {"type": "array", "items": invocation},
            "results": {"type": "array", "items": result},
            "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            "automationDetails": closed(&["id"], json!({"id": {"type": "string"}})),
            "properties": open,
        }),
    );
    closed(
        &["version", "runs"],
        json!({
            "$schema": {"type": "string"},
            "version": {"enum": ["2.1.0"]},
            "runs": {"type": "array", "items": run},
        }),
    )
}

#[test]
fn results_reference_their_rules_and_keep_their_fingerprints() {
    let sarif = |report: Report| -> Value {
        let show = ShowLevel::Ignored;
        let text = render("sarif", report, &RenderOptions { show, ..options() });
        serde_json::from_str::<Value>(&text).unwrap()["runs"][0].clone()
    };
    let run = sarif(sample::drifted());
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let mut fingerprints = BTreeSet::new();
    for result in run["results"].as_array().unwrap() {
        let rule = &rules[result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        fingerprints.insert(result["partialFingerprints"]["driftctl/v1"].to_string());
    }
    assert_eq!(fingerprints.len(), run["results"].as_array().unwrap().len());
    let mut later = sample::drifted();
    for object in &mut later.objects {
        for drift in &mut object.drifts {
            drift.position = None;
            drift.change.live = drift.change.live.take().map(|_| json!("something else"));
        }
    }
    for result in sarif(later)["results"].as_array().unwrap() {
        let fingerprint = result["partialFingerprints"]["driftctl/v1"].to_string();
        assert!(
            fingerprints.contains(&fingerprint),
            "the fingerprint does not depend on values"
        );
    }
}

#[test]
fn limits_the_number_of_results() {
    let mut report = sample::drifted();
    let object = report.objects.last().unwrap().clone();
    report.objects = (0..25_010)
        .map(|i| {
            let mut object = object.clone();
            object.key = object.key.named(format!("role-{i}"));
            object
        })
        .collect();
    let text = render("sarif", report, &options());
    let log: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), 25_000);
    assert!(text.contains("showing 25000 of 25010 results"));
}
