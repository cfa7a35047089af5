//! A plan as data: `driftctl.plan/v1`.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::parts::{NameDocument, OriginDocument, OwnerDocument, TargetDocument};
use super::{schema_of, words};
use crate::model::{
    Action, ChangeCause, ChangeKind, KeyParts, Plan, PlanChange, PlanStep, RefusalReason,
    RefusedItem, StepAction, StepProgress,
};

/// The name and version of the schema.
const SCHEMA: &str = "driftctl.plan/v1";

/// A plan for drift, and its results.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanDocument<'p> {
    /// The name and version of this format.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// `revert` changes the live object to match the manifest, `undo` undoes an earlier revert,
    /// `backport` changes the manifest to match the live object, `triage` carries out a decision
    /// for each change.
    #[schemars(extend("enum" = words::<Action>()))]
    action: &'static str,
    /// The cluster or recording.
    target: TargetDocument<'p>,
    /// Changes by result.
    summary: PlanSummaryDocument,
    /// The steps, in this order.
    steps: Vec<StepDocument<'p>>,
    /// What was selected but is left alone.
    refused: Vec<RefusedDocument<'p>>,
    /// The ID for `driftctl revert --undo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    undo: Option<&'p str>,
    /// Further notes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<&'p str>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PlanSummaryDocument {
    /// Changes that are planned but not made.
    planned: usize,
    /// Changes that were made, and were found when the objects were read again.
    done: usize,
    /// Changes of objects that were only partly changed, or not as planned.
    partly_done: usize,
    /// Changes that were not made.
    not_done: usize,
    /// Changes that were skipped because you answered no, or because an earlier step failed.
    skipped: usize,
    /// Changes and objects that were selected but are left alone.
    refused: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StepDocument<'p> {
    #[serde(flatten)]
    object: NameDocument<'p>,
    /// Where it is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<OriginDocument<'p>>,
    #[schemars(extend("enum" = words::<StepAction>()))]
    how: &'static str,
    /// The changes, sorted by path; empty if the whole object is created or deleted.
    changes: Vec<PlanChangeDocument<'p>>,
    /// The field manager that writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    manager: Option<&'p str>,
    /// Why this field manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    manager_reason: Option<&'p str>,
    /// Side effects and notes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remarks: Vec<&'p str>,
    /// The progress.
    #[schemars(extend("enum" = words::<StepProgress>()))]
    progress: &'static str,
    /// The result, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'p str>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PlanChangeDocument<'p> {
    path: String,
    /// What happens to the field: `changed`, `added` or `removed`.
    #[schemars(extend("enum" = words::<ChangeKind>()))]
    kind: &'static str,
    /// Its current value; left out if the field is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'p Value>,
    /// Its new value; absent if it is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'p Value>,
    /// The owners whose change it undoes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    owners: Vec<OwnerDocument<'p>>,
    /// The line in the manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// How the difference came about, if known.
    #[schemars(extend("enum" = words::<ChangeCause>()))]
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RefusedDocument<'p> {
    kind: &'p str,
    /// Empty for the core group.
    group: &'p str,
    /// Absent for cluster-scoped objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'p str>,
    name: &'p str,
    /// The field; `.` for the whole object.
    path: String,
    /// The reason.
    #[schemars(extend("enum" = words::<RefusalReason>()))]
    reason: &'static str,
    /// The reason, and what to do.
    message: &'p str,
}

/// Returns the JSON Schema of plans.
pub fn plan_schema() -> Value {
    schema_of::<PlanDocument<'_>>(SCHEMA)
}

impl<'p> PlanDocument<'p> {
    /// Returns the document for a plan.
    pub fn new(plan: &'p Plan) -> Self {
        let summary = PlanSummaryDocument {
            planned: plan.changes(StepProgress::Planned),
            done: plan.changes(StepProgress::Done),
            partly_done: plan.changes(StepProgress::Partly),
            not_done: plan.changes(StepProgress::Failed),
            skipped: plan.changes(StepProgress::Skipped),
            refused: plan.refused.len(),
        };
        Self {
            schema: SCHEMA,
            action: plan.action.as_str(),
            target: TargetDocument::of(&plan.target),
            summary,
            steps: plan.steps.iter().map(StepDocument::of).collect(),
            refused: plan.refused.iter().map(RefusedDocument::of).collect(),
            undo: plan.undo.as_deref(),
            notes: plan.notes.iter().map(String::as_str).collect(),
        }
    }
}

impl<'p> StepDocument<'p> {
    fn of(step: &'p PlanStep) -> Self {
        Self {
            object: NameDocument::of(&step.api_version, &step.key),
            origin: step.origin.as_ref().map(OriginDocument::of),
            how: step.how.as_str(),
            changes: step.changes.iter().map(PlanChangeDocument::of).collect(),
            manager: step.written_as.as_ref().map(|by| by.manager.as_str()),
            manager_reason: step.written_as.as_ref().map(|by| by.why.as_str()),
            remarks: step.remarks.iter().map(String::as_str).collect(),
            progress: step.progress.as_str(),
            outcome: step.outcome.as_deref(),
        }
    }
}

impl<'p> PlanChangeDocument<'p> {
    fn of(change: &'p PlanChange) -> Self {
        Self {
            path: change.path.to_string(),
            kind: ChangeKind::as_str(change.kind),
            from: change.from.as_ref(),
            to: change.to.as_ref(),
            owners: change.owners.iter().map(OwnerDocument::of).collect(),
            line: change.position.map(|position| position.line),
            cause: change.cause.map(ChangeCause::as_str),
        }
    }
}

impl<'p> RefusedDocument<'p> {
    fn of(refused: &'p RefusedItem) -> Self {
        let KeyParts {
            group,
            kind,
            namespace,
            name,
        } = &*refused.key;
        Self {
            kind,
            group,
            namespace: namespace.as_deref(),
            name,
            path: refused.path.to_string(),
            reason: refused.why.as_str(),
            message: &refused.message,
        }
    }
}
