//! The report as data: `driftctl.report/v1`.
//!
//! These types are a stable interface. They change only with the version in [`SCHEMA`], except that
//! fields may be added; the internal types may change at any time.

mod coverage;
mod debt;
mod doctor;
mod explanation;
mod history;
mod merge;
mod parts;
mod plan;
mod rules;
mod several;
mod violation;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::Value;

use super::RenderOptions;
use super::view;
use crate::model::{
    ChangeCause, ChangeKind, Explanation, JudgedChange, Lifecycle, MergeClass, ObjectReport,
    ObjectStatus, Report, RuleCount, Severity, Verdict, Worded,
};
use crate::redact::Redacted;
use coverage::CoverageDocument;
pub use debt::{DebtDocument, debt_schema};
pub use doctor::{DoctorDocument, DoctorsDocument, doctor_schema, doctors_schema};
pub use explanation::{ExplanationDocument, explanation_schema};
use history::{BlameDocument, RevisionDocument};
use merge::MergeSummaryDocument;
use parts::{NameDocument, OriginDocument, OwnerDocument};
pub(super) use parts::{TargetDocument, WarningDocument};
pub use plan::{PlanDocument, plan_schema};
pub use rules::{RulesDocument, rules_schema};
pub use several::{SeveralDocument, reports_schema};
use violation::ViolationDocument;

/// The name and version of the schema.
pub const SCHEMA: &str = "driftctl.report/v1";

/// The result of a run.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Document<'r> {
    /// The name and version of this format.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// `in-sync`, `drifted` or `incomplete`; with `--base` also `pending`, if only the branch
    /// changes something, and `conflict`, if merging overwrites live changes. An incomplete report
    /// may contain drift and conflicts too.
    #[schemars(extend("enum" = Report::VERDICTS))]
    verdict: &'static str,
    /// The cluster or recording that was compared.
    target: TargetDocument<'r>,
    /// The Git commits that the declared state was read from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    revisions: Vec<RevisionDocument<'r>>,
    /// How much was compared.
    coverage: CoverageDocument,
    /// Counts of objects by status, and of changes.
    summary: SummaryDocument,
    /// The objects, sorted. Objects in sync are listed only with `--show all`.
    objects: Vec<ObjectDocument<'r>>,
    /// The rules that hid something.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rules: Vec<RuleDocument<'r>>,
    /// The undeclared objects that are not drift, by explanation; with `--show all` they are among
    /// the objects, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    explained: Vec<ExplainedCountDocument<'r>>,
    /// Warnings and errors.
    warnings: Vec<WarningDocument<'r>>,
    /// Files and documents that contain no Kubernetes object; listed only with `--verbose`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    skipped: Vec<WarningDocument<'r>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SummaryDocument {
    in_sync: usize,
    drifted: usize,
    missing: usize,
    extra: usize,
    unknown: usize,
    /// With `--base`: objects that only the branch changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<usize>,
    /// With `--base`: objects whose live changes merging overwrites.
    #[serde(skip_serializing_if = "Option::is_none")]
    conflict: Option<usize>,
    /// With `--base`: changes by class.
    #[serde(skip_serializing_if = "Option::is_none")]
    merge: Option<MergeSummaryDocument>,
    /// Changes that count as drift.
    changes: usize,
    /// Changes that rules hid.
    ignored: usize,
    /// Objects that a policy denies.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_by_policy: Option<usize>,
    /// Expired rules: what they hid is reported again.
    expired_rules: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ObjectDocument<'r> {
    #[serde(flatten)]
    object: NameDocument<'r>,
    /// `in-sync`, `drifted`, `missing`, `extra` or `unknown`; with `--base` also `pending` and
    /// `conflict`.
    #[schemars(extend("enum" = words::<ObjectStatus>()))]
    status: &'static str,
    /// With `--base`: whether only the branch (`new`) or only the base (`removed`) declares it.
    #[schemars(extend("enum" = words::<Lifecycle>()))]
    #[serde(skip_serializing_if = "Option::is_none")]
    lifecycle: Option<&'static str>,
    /// Why it is unknown, or an additional note.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'r str>,
    /// Where it is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<OriginDocument<'r>>,
    /// The severity: of being missing or extra, or else of its worst change.
    #[schemars(extend("enum" = words::<Severity>()))]
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<&'static str>,
    /// The owners of an extra object.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    owners: Vec<OwnerDocument<'r>>,
    /// The policies that it violates, or that could not be evaluated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    policies: Vec<ViolationDocument<'r>>,
    /// Its changes, sorted by path. Ignored ones are listed with `--show ignored`, explained
    /// ones with `--show all`.
    changes: Vec<ChangeDocument<'r>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ChangeDocument<'r> {
    /// The field, such as `.spec.template.spec.containers[name="app"].image`.
    path: String,
    /// `changed`, `removed` (declared but not live) or `added` (live but not declared).
    #[schemars(extend("enum" = words::<ChangeKind>()))]
    kind: &'static str,
    /// The declared value.
    #[serde(skip_serializing_if = "Option::is_none")]
    declared: Option<&'r Value>,
    /// The live value.
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<&'r Value>,
    /// With `--base`: `conflict` (merging overwrites a live change), `drift` (only changed live),
    /// `pending` (only changed by the branch) or `backport` (the branch now declares the live
    /// value). The `kind` of a backport is relative to the base.
    #[schemars(extend("enum" = words::<MergeClass>()))]
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
    /// With `--base`: the base's value.
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<&'r Value>,
    /// The field's line in the manifest, or its nearest ancestor's, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// Its column, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// `low`, `medium`, `high` or `critical`.
    #[schemars(extend("enum" = words::<Severity>()))]
    severity: &'static str,
    /// The owners of the live value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    owners: Vec<OwnerDocument<'r>>,
    /// The rule that ignores it.
    #[serde(skip_serializing_if = "Option::is_none")]
    ignored: Option<IgnoredDocument<'r>>,
    /// Why it is not drift.
    #[serde(skip_serializing_if = "Option::is_none")]
    explained: Option<ExplainedDocument<'r>>,
    /// How it came about, if more is known than its owner: `dropped` (the manifest no longer
    /// declares it and nobody has applied that), `unapplied` (the manifest has changed since it was
    /// applied), `set-by-applier` (the applier set it, from an earlier manifest, or admission
    /// changed it), `applied-elsewhere` (by `kubectl apply`, from another manifest),
    /// `written-by-applier`, `changed-on-apply` (`kubectl apply` sent the declared value, so that
    /// admission may have changed it), `unattributed` (the live object does not record who wrote
    /// it), or `being-deleted` (the object is being deleted and waits for its finalizers).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = words::<ChangeCause>()))]
    cause: Option<&'static str>,
    /// A note that helps to act.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'r str>,
    /// The last commit of the line in the manifest; with `--blame` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    blame: Option<BlameDocument<'r>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct IgnoredDocument<'r> {
    rule: &'r str,
    reason: &'r str,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ExplainedDocument<'r> {
    /// The explanation.
    #[schemars(extend("enum" = words::<Explanation>()))]
    by: &'static str,
    /// The built-in rule that explains it, if it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'r str>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RuleDocument<'r> {
    rule: &'r str,
    reason: &'r str,
    /// Changes that it hid.
    hid: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ExplainedCountDocument<'r> {
    /// The ID of the built-in rule or the explainer.
    by: &'r str,
    /// Its knowledge.
    about: &'r str,
    /// How many objects.
    objects: usize,
}

/// Returns the JSON Schema of the document, which `driftctl schema report` prints.
pub fn report_schema() -> Value {
    schema_of::<Document<'_>>(SCHEMA)
}

/// Returns the words of an enumeration, for the schema.
pub(super) fn words<T: Worded>() -> Vec<&'static str> {
    T::VARIANTS.iter().map(|one| one.word()).collect()
}

/// Returns the JSON Schema of a document, under the name of its schema.
pub(super) fn schema_of<D: JsonSchema>(name: &str) -> Value {
    let generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let mut schema = generator.into_root_schema_for::<D>().to_value();
    schema["title"] = name.into();
    schema
}

impl<'r> Document<'r> {
    /// Returns the document for a report.
    pub fn new(report: &'r Redacted, options: &RenderOptions) -> Self {
        let skipped = if options.verbose {
            &report.skipped[..]
        } else {
            &[]
        };
        Self {
            schema: SCHEMA,
            verdict: report.verdict(),
            target: TargetDocument::of(&report.target),
            revisions: report.revisions.iter().map(RevisionDocument::of).collect(),
            coverage: CoverageDocument::of(report.coverage),
            summary: SummaryDocument::of(report),
            objects: view::objects(report, options.show)
                .map(|object| ObjectDocument::of(object, options))
                .collect(),
            rules: report.rules.iter().map(RuleDocument::of).collect(),
            explained: report
                .explained
                .iter()
                .map(|one| ExplainedCountDocument {
                    by: &one.by,
                    about: &one.about,
                    objects: one.objects,
                })
                .collect(),
            warnings: report.warnings.iter().map(WarningDocument::of).collect(),
            skipped: skipped.iter().map(WarningDocument::of).collect(),
        }
    }
}

impl SummaryDocument {
    fn of(report: &Report) -> Self {
        let totals = report.totals();
        let with_base = |n: usize| report.three_way.then_some(n);
        Self {
            pending: with_base(totals.pending),
            conflict: with_base(totals.conflict),
            merge: MergeSummaryDocument::of(report),
            in_sync: totals.in_sync,
            drifted: totals.drifted,
            missing: totals.missing,
            extra: totals.extra,
            unknown: totals.unknown,
            changes: totals.reported,
            ignored: totals.ignored,
            refused_by_policy: refused_by_policy(report),
            expired_rules: report.expired_rules,
        }
    }
}

/// Returns how many objects policies deny; `None` instead of zero.
fn refused_by_policy(report: &Report) -> Option<usize> {
    let objects = report.objects.iter();
    let refused = objects.filter(|object| object.refusals().next().is_some());
    Some(refused.count()).filter(|count| *count > 0)
}

impl<'r> ObjectDocument<'r> {
    fn of(object: &'r ObjectReport, options: &RenderOptions) -> Self {
        Self {
            object: NameDocument::of(&object.api_version, &object.key),
            status: object.status().as_str(),
            lifecycle: object.lifecycle.map(|lifecycle| lifecycle.as_str()),
            reason: object.reason.as_deref(),
            origin: object.origin.as_ref().map(OriginDocument::of),
            severity: object.severity().map(|severity| severity.as_str()),
            owners: object.owners.iter().map(OwnerDocument::of).collect(),
            policies: object
                .violations
                .iter()
                .map(ViolationDocument::of)
                .collect(),
            changes: view::drifts(object, options.show)
                .map(ChangeDocument::of)
                .collect(),
        }
    }
}

impl<'r> ChangeDocument<'r> {
    fn of(drift: &'r JudgedChange) -> Self {
        let (ignored, explained) = match drift.verdict() {
            Verdict::Reported => (None, None),
            Verdict::Ignored { rule, reason } => (Some(IgnoredDocument { rule, reason }), None),
            Verdict::Explained { by, rule } => {
                let (by, rule) = (by.as_str(), rule.as_deref());
                (None, Some(ExplainedDocument { by, rule }))
            }
        };
        Self {
            path: drift.change.path.to_string(),
            kind: drift.change.kind.as_str(),
            declared: drift.change.declared.as_ref(),
            live: drift.change.live.as_ref(),
            class: drift.merge.as_ref().map(|merge| merge.class.as_str()),
            base: drift.merge.as_ref().and_then(|merge| merge.base.as_ref()),
            line: drift.position.map(|position| position.line),
            column: drift.position.map(|position| position.column),
            severity: drift.severity.as_str(),
            owners: drift.owners.iter().map(OwnerDocument::of).collect(),
            ignored,
            explained,
            cause: drift.cause.map(ChangeCause::as_str),
            note: drift.note.as_deref(),
            blame: drift.blame.as_ref().map(BlameDocument::of),
        }
    }
}

impl<'r> RuleDocument<'r> {
    fn of(count: &'r RuleCount) -> Self {
        Self {
            rule: &count.rule,
            reason: &count.reason,
            hid: count.hid,
        }
    }
}
