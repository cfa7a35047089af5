//! The Event that a revert records on an object.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::model::{Action, PlanStep, StepAction};

/// The longest note that the API accepts (`pkg/apis/events/validation`).
const LONGEST_NOTE: usize = 1000;

/// Builds the Event: with paths and former managers, and never a value. Also returns the namespace
/// that it belongs in.
pub fn event(step: &PlanStep, action: Action, uid: &str, now: Timestamp) -> (String, Value) {
    let key = &step.key;
    let namespace = key
        .namespace
        .clone()
        .unwrap_or_else(|| "default".to_owned());
    let mut managers: Vec<&str> = step
        .changes
        .iter()
        .flat_map(|change| change.owners.iter().map(|owner| owner.manager.as_str()))
        .collect();
    managers.sort_unstable();
    managers.dedup();
    let paths: Vec<String> = step.changes.iter().map(|c| c.path.to_string()).collect();
    let reason = match action {
        Action::Undo => "DriftRevertUndone",
        _ => "DriftReverted",
    };
    let mut note = match (step.how, action) {
        (StepAction::Create, _) => "created as declared".to_owned(),
        (StepAction::Delete, _) => "deleted, because no manifest declares it".to_owned(),
        (_, Action::Undo) => format!(
            "restored to the state before a revert: {}",
            paths.join(", ")
        ),
        _ => format!("reverted to the declared state: {}", paths.join(", ")),
    };
    if !managers.is_empty() {
        note.push_str(&format!("; last written by {}", managers.join(", ")));
    }
    if note.len() > LONGEST_NOTE {
        let mut end = LONGEST_NOTE;
        while !note.is_char_boundary(end) {
            end -= 1;
        }
        note.truncate(end);
        note.push('…');
    }
    let event = json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"generateName": "driftctl-", "namespace": namespace},
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        "type": "Normal",
        "reason": reason,
        "action": "Revert",
        "note": note,
        "reportingController": "driftctl",
        "reportingInstance": format!("driftctl-{}", env!("CARGO_PKG_VERSION")),
        "regarding": {
            "apiVersion": step.api_version, "kind": key.kind, "namespace": key.namespace,
            "name": key.name, "uid": uid,
        },
    });
    (namespace, event)
}
