//! Compares one object: from its read result to its findings.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;

use super::Options;
use super::marks::{self, DeployerMark};
use super::schemas::Schemas;
use super::trace::{ObjectTrace, TraceRequest};
use super::unknown_fields;
use crate::cluster::{LiveObject, ReadResult, Unreadable};
use crate::compare::{
    ComparisonInput, Difference, KeepFindings, compare, compare_and_trace, drop_template_labels,
    is_labelled, normalize, order_metrics,
};
use crate::judge::{
    Case, DeclaredManifest, ExplainerKnowledge, JudgeInput, Oracle, RuleInput, apply_rules,
    judge_whole,
};
use crate::model::{
    ChangeCause, Explanation, ObjectReport, Ownership, PackedObject, Presence, SchemaOrigin,
    Warning,
};
use crate::ownership::{Appliers, LastSent, last_applied, ownership_of};
use crate::policy::{AnnotationRules, ObjectRules, ObjectSides, RuleSet, rules_of};

/// Data that all comparisons of a run share.
pub struct RunData<'a> {
    /// The schemas of custom resources.
    pub schemas: &'a Schemas,
    /// The rules.
    pub rules: &'a RuleSet,
    /// The data of the explainers.
    pub known: &'a ExplainerKnowledge,
    /// The options of the run.
    pub options: &'a Options,
    /// The objects to trace.
    pub watch: Option<TraceRequest<'a>>,
}

/// One compared object, before its verdicts.
pub struct ComparedObject {
    /// The object, and its findings.
    pub case: Case,
    /// Whether the live object records field owners; `None` if no live object was compared.
    pub has_owners: Option<bool>,
    /// Whether undeclared fields were assumed to be defaults because the schema is unknown.
    pub supposed_defaults: bool,
    /// Errors in rules.
    pub troubles: Vec<String>,
    /// Declared fields that their types do not have.
    pub unknown_fields: Vec<Warning>,
    /// The marks of deployers on the live object.
    pub marks: Vec<DeployerMark>,
    /// The trace, if requested.
    pub trace: Option<Box<ObjectTrace>>,
}

impl ComparedObject {
    fn of(case: Case) -> Self {
        Self {
            case,
            has_owners: None,
            supposed_defaults: false,
            troubles: Vec::new(),
            unknown_fields: Vec::new(),
            marks: Vec::new(),
            trace: None,
        }
    }

    /// Returns an object that cannot be compared, with the reason.
    fn unknown(declared: &DeclaredManifest<'_>, why: String) -> Self {
        Self::of(Case::of(ObjectReport {
            reason: Some(why),
            ..blank(declared)
        }))
    }
}

impl RunData<'_> {
    /// Compares one declared object with its live counterpart.
    pub fn compare(&self, declared: &DeclaredManifest<'_>, answer: &ReadResult) -> ComparedObject {
        match answer {
            ReadResult::Found(live) => match self.read(live) {
                Ok((value, owners)) => ComparedObject {
                    has_owners: Some(!owners.is_empty()),
                    marks: marks::deployer_marks(&value),
                    ..self.compared(declared, live, &value, &owners)
                },
                Err(error) => ComparedObject::unknown(declared, error.to_string()),
            },
            ReadResult::Absent => {
                let manifest = declared.manifest.value();
                let missing = ObjectReport {
                    presence: Presence::Declared,
                    declared: Some(PackedObject::from(&manifest)),
                    ..blank(declared)
                };
                let untrusted = self.options.untrusted;
                let explained = self.known.missing(&declared.key, &manifest);
                let explained = explained.as_ref();
                let missing =
                    judge_whole(missing, Some(&manifest), explained, self.rules, untrusted);
                ComparedObject::of(Case::of(missing))
            }
            ReadResult::Unread(why) => ComparedObject::unknown(declared, why.clone()),
        }
    }

    /// Reads a live object and its field owners. `managedFields` itself is hidden and explained by
    /// the first built-in rule, so it is left out unless a trace needs it.
    fn read(&self, live: &LiveObject) -> Result<(Value, Ownership), Unreadable> {
        let nobody_looks = self.rules.is_builtin()
            && !self.options.explain
            && self.watch.is_none()
            && !self.known.compares_again();
        if nobody_looks {
            return live.value_and_owners();
        }
        let value = live.value()?;
        let owners = ownership_of(&value);
        Ok((value, owners))
    }

    fn compared(
        &self,
        declared: &DeclaredManifest<'_>,
        live: &LiveObject,
        live_value: &Value,
        owners: &Ownership,
    ) -> ComparedObject {
        let written = declared.manifest.value();
        let converted = match self.schemas.at_version(&written, &live.api_version) {
            Some(Cow::Borrowed(_)) => Ok(None),
            Some(Cow::Owned(converted)) => Ok(Some(converted)),
            None => Err(()),
        };
        let Ok(converted) = converted else {
            let why = format!(
                "declared as {} but read as {}, and the changes between these versions are \
                 unknown; declare it as {}",
                declared.manifest.api_version, live.api_version, live.api_version
            );
            return ComparedObject::unknown(declared, why);
        };
        let written = converted.unwrap_or(written);
        let is_labelled = is_labelled(&written);
        let mut normal = normalize(written, declared.kind.namespaced);
        order_metrics(&mut normal, live_value);
        if !is_labelled {
            drop_template_labels(&mut normal, live_value);
        }
        let decided = self.known.expected(&declared.key, &mut normal);
        let mut compared = self.candidates(declared, &normal, decided, live, live_value, owners);
        let candidates = &compared.case.candidates;
        if candidates.is_empty() {
            return compared;
        }
        let origin = self.schemas.origin(&live.api_version, &declared.key.kind);
        let schema = self.schemas.of(&live.api_version, &declared.key.kind);
        compared.unknown_fields = unknown_fields::warnings(declared, schema, candidates);
        compared.supposed_defaults = origin == SchemaOrigin::None
            && candidates.iter().any(is_supposed)
            && last_applied(live_value).is_none();
        if candidates.iter().any(may_count) {
            compared.case.declared = Some(normal.into());
        }
        compared
    }

    /// Compares an object, and applies what explainers and rules know of it.
    fn candidates(
        &self,
        declared: &DeclaredManifest<'_>,
        normal: &Value,
        decided: Vec<&'static str>,
        live: &LiveObject,
        live_value: &Value,
        ownership: &Ownership,
    ) -> ComparedObject {
        let appliers = Appliers::of(ownership, normal, live_value, &self.options.field_managers);
        let sent = LastSent::of(live_value);
        let own = self.own_rules(declared, normal, live_value);
        let sides = ObjectSides {
            declared: normal,
            live: live_value,
        };
        let object_rules = self.rules.for_object(&declared.key, sides, own.rules);
        let (schema, root) = self.schemas.of(&live.api_version, &declared.key.kind);
        let keep = match self.options.explain {
            true => KeepFindings::All,
            false => KeepFindings::Evidence,
        };
        let oracle = Oracle {
            rules: &object_rules,
            appliers: &appliers,
            filled: self.known.software_set_paths(normal, live_value),
            decided,
        };
        let subject = ComparisonInput {
            declared: normal,
            live: live_value,
            schema,
            root,
            ownership,
            appliers: &appliers,
            sent: &sent,
            rules: &oracle,
            keep,
        };
        let (findings, trace) = self.findings(declared, live, &subject, &object_rules);
        let mut findings = self.known.review(&declared.key, &subject, findings);
        if self.options.strict_fields {
            findings.iter_mut().for_each(report_unknown_field);
        }
        findings.retain(|finding| keep.keeps(finding));
        let compare_others = |declared: &Value, live: &Value| {
            compare(&ComparisonInput {
                declared,
                live,
                keep: KeepFindings::Drift,
                ..subject
            })
        };
        let object = RuleInput {
            key: &declared.key,
            rules: self.rules,
            object_rules: &object_rules,
            sides,
            compare: &compare_others,
        };
        let mut troubles = Vec::new();
        let candidates = apply_rules(&object, findings, &mut troubles);
        troubles.extend(own.problems);
        let report = ObjectReport {
            presence: Presence::Both,
            ..blank(declared)
        };
        ComparedObject {
            troubles,
            trace: trace.map(Box::new),
            ..ComparedObject::of(Case {
                candidates,
                ..Case::of(report)
            })
        }
    }

    /// Returns the rules in the annotations of both sides. Those of the live object are honoured
    /// where they always are, and no more.
    fn own_rules(
        &self,
        declared: &DeclaredManifest<'_>,
        normal: &Value,
        live: &Value,
    ) -> AnnotationRules {
        let trusted = match self.options.untrusted {
            true => &Value::Null,
            false => normal,
        };
        let (origin, key) = (&declared.manifest.origin, &declared.key);
        rules_of(Some(trusted), Some(live), format_args!("{origin} ({key})"))
    }

    /// Returns the differences, and the trace of an object that is watched.
    fn findings(
        &self,
        declared: &DeclaredManifest<'_>,
        live: &LiveObject,
        subject: &ComparisonInput<'_>,
        rules: &ObjectRules<'_>,
    ) -> (Vec<Difference>, Option<ObjectTrace>) {
        let watch = self
            .watch
            .filter(|watch| (watch.is_meant)(&declared.key, &declared.kind.names()));
        let Some(watch) = watch else {
            return (compare(subject), None);
        };
        let (findings, visits) = compare_and_trace(subject);
        let schema = self.schemas.origin(&live.api_version, &declared.key.kind);
        let object = (&declared.key, declared.manifest.as_ref());
        let trace = ObjectTrace::of(watch, object, subject, visits, rules, schema);
        (findings, Some(trace))
    }
}

/// Treats a field that the type does not have as drift.
fn report_unknown_field(finding: &mut Difference) {
    let by = finding.reason.as_ref().map(|reason| reason.by);
    if by == Some(Explanation::UnknownField) {
        finding.reason = None;
        finding.cause = Some(ChangeCause::UnknownField);
    }
}

fn blank(declared: &DeclaredManifest<'_>) -> ObjectReport {
    ObjectReport::of(declared.key.clone(), declared.manifest)
}

/// Returns whether a finding may still be reported once all objects are judged together.
fn may_count(candidate: &JudgeInput) -> bool {
    let reason = candidate.finding.reason.as_ref();
    reason.is_none_or(|reason| reason.rule.is_some())
}

/// Returns whether a finding is assumed to be a default because only the applier owns it.
fn is_supposed(candidate: &JudgeInput) -> bool {
    let reason = candidate.finding.reason.as_ref();
    reason.is_some_and(|reason| reason.by == Explanation::ApplierDefault)
}

/// Warns once about kinds whose defaults were assumed without a schema.
pub fn without_schemas(compared: &[ComparedObject]) -> Option<Warning> {
    let supposed = compared.iter().filter(|object| object.supposed_defaults);
    let kinds: BTreeSet<String> = supposed
        .map(|object| object.case.report.key.group_kind().to_string())
        .collect();
    let kinds: Vec<String> = kinds.into_iter().collect();
    (!kinds.is_empty()).then(|| {
        Warning::new(
            "",
            format!(
                "the schema of {} is unknown, so fields that only the applier owns count as \
             defaults; record the CustomResourceDefinitions too",
                kinds.join(", ")
            ),
        )
    })
}

/// Warns once if no live object has managed fields.
pub fn without_managed_fields(compared: &[ComparedObject], options: &Options) -> Option<Warning> {
    let mut known = compared
        .iter()
        .filter_map(|object| object.has_owners)
        .peekable();
    (known.peek().is_some() && known.all(|has_owners| !has_owners)).then(|| {
        Warning::new(
            "",
            format!(
                "the live objects have no managed fields, so {} and some defaults cannot be \
             distinguished from changes; read them with `kubectl get --show-managed-fields`",
                if options.audit_logs.is_empty() {
                    "changes cannot be attributed"
                } else {
                    "only the audit log names who changed what"
                }
            ),
        )
    })
}
