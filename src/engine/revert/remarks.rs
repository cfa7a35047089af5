//! Says what a write changes besides its fields.

use serde_json::Value;

use super::side::reordered_lists;
use super::{PatchJob, WriteAs};
use crate::facts::{gitops_controller, workload};
use crate::model::{ObjectReport, PathElement};

/// Returns notes on side effects: Pods that restart, lists that are put back in order, and
/// controllers that revert the write.
pub(super) fn remarks(
    object: &ObjectReport,
    patch: &PatchJob,
    write_as: &WriteAs,
    is_rollback: bool,
) -> Vec<String> {
    let mut remarks = Vec::new();
    let is_template = |element: &[PathElement]| {
        matches!(element, [PathElement::Field(spec), PathElement::Field(template), ..]
            if spec == "spec" && template == "template")
    };
    let running = workload(&object.key.kind).and_then(|workload| workload.running);
    if let Some(running) = running
        && patch.edits.iter().any(|edit| is_template(&edit.path.0))
    {
        let number = |pointer: &str| patch.before.pointer(pointer).and_then(Value::as_u64);
        // During a rollout more Pods are running than are wanted.
        let wanted = number("/spec/replicas").unwrap_or(u64::MAX);
        let pods = number(running).unwrap_or(0).min(wanted);
        let s = if pods == 1 { "" } else { "s" };
        remarks.push(format!("restarts {pods} pod{s}"));
    }
    for list in reordered_lists(patch) {
        remarks.push(format!(
            "also puts {list} back in the order of the manifest"
        ));
    }
    if let Some(controller) = gitops_controller(&write_as.manager) {
        remarks.push(if is_rollback {
            format!(
                "{controller} applies this object and changes it back at its next sync; suspend \
                 the sync first"
            )
        } else {
            format!("{controller} also applies this object, at its next sync")
        });
    }
    remarks
}
