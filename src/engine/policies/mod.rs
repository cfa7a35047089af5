//! Adds the results of admission policies to the objects of a report.
//!
//! A declared object is evaluated as the API server would store it, as an update of the live
//! object; the live object is evaluated as it is. If only the live object violates a policy, the
//! drift caused the violation, and a note says why the policy did not stop it.

mod reports;
mod stopped;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

pub use reports::add_reports;

use crate::admission::{Evaluate, Policies, PolicyInput, PolicyResults, keep_immutable, stored};
use crate::cluster::{Discovery as _, ObjectRequest, Overlay, Query, Read as _};
use crate::model::{
    Enforcement, JudgedChange, Manifest, ManifestStep, ObjectReport, PackedObject, Report,
    Violation, Warning, group_of,
};
use crate::schema::{Schema, builtin_kind};

const GROUP_VERSION: &str = "admissionregistration.k8s.io/v1";

/// Returns whether a kind is one of Kyverno's validating policies.
fn is_of_kyverno(api_version: &str, kind: &str) -> bool {
    match group_of(api_version) {
        "kyverno.io" => matches!(kind, "ClusterPolicy" | "Policy") && api_version.ends_with("/v1"),
        // Discovery lists only the preferred version.
        "policies.kyverno.io" => kind == "ValidatingPolicy",
        _ => false,
    }
}

/// Reads the policies of a cluster, their bindings, and the objects that those refer to.
///
/// # Errors
/// Fails if policies or bindings cannot be read: a policy that was not read never counts as passed.
pub fn read_live(live: &Overlay<'_>) -> anyhow::Result<Vec<Value>> {
    let list = |api_version: &str, kind: &str| {
        live.list(&Query {
            api_version,
            kind,
            namespace: None,
            labels: &[],
            metadata_only: false,
        })
    };
    let with_kind = |objects: Vec<Value>, api_version: &str, kind: &str| {
        let each = objects.into_iter().map(|mut object| {
            if let Some(fields) = object.as_object_mut() {
                fields
                    .entry("apiVersion")
                    .or_insert_with(|| json!(api_version));
                fields.entry("kind").or_insert_with(|| json!(kind));
            }
            object
        });
        each.collect::<Vec<_>>()
    };
    let mut all = Vec::new();
    let mut params = BTreeSet::new();
    for kind in [
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    ] {
        let found = list(GROUP_VERSION, kind)?;
        for policy in &found {
            let text = |pointer: &str| policy.pointer(pointer).and_then(Value::as_str);
            if let (Some(version), Some(kind)) = (
                text("/spec/paramKind/apiVersion"),
                text("/spec/paramKind/kind"),
            ) {
                params.insert((version.to_owned(), kind.to_owned()));
            }
        }
        all.extend(with_kind(found, GROUP_VERSION, kind));
    }
    let (kinds, _) = live.kinds();
    let of_kyverno = kinds
        .iter()
        .filter(|kind| is_of_kyverno(&kind.api_version, &kind.kind));
    for kind in of_kyverno {
        let found = list(&kind.api_version, &kind.kind)?;
        all.extend(with_kind(found, &kind.api_version, &kind.kind));
    }
    // If these cannot be read, the evaluation that needs them reports it.
    params.insert(("v1".to_owned(), "Namespace".to_owned()));
    for (version, kind) in params {
        if let Ok(found) = list(&version, &kind) {
            all.extend(with_kind(found, &version, &kind));
        }
    }
    Ok(all)
}

/// Adds policy violations to each object.
pub fn judge(
    report: &mut Report,
    live: &Overlay<'_>,
    policies: &Policies,
    evaluate: &Evaluate<'_>,
) {
    for object in &mut report.objects {
        let (Some(manifest), Some(wanted)) = (object.manifest.clone(), live.wanted(&object.key))
        else {
            continue;
        };
        let read = live.read_object(&object.key);
        let value = read.and_then(|(_, live)| live.value().ok());
        let judged = EvaluatedObject {
            object,
            manifest: &manifest,
            wanted: &wanted,
            live: value.as_ref(),
            policies,
            evaluate,
        };
        let violations = judged.violations();
        object.violations.extend(violations);
        object.violations.sort_by_key(|one| one.enforcement);
    }
    let idle = policies.problems().into_iter();
    report
        .warnings
        .extend(idle.map(|message| Warning::new("", message)));
}

/// Adds an error about policies that could not be evaluated, if that makes the run incomplete.
pub fn not_evaluated(report: &Report) -> Option<Warning> {
    let all = report.objects.iter().flat_map(|object| &object.violations);
    let count = all
        .filter(|one| one.enforcement == Enforcement::Cannot)
        .count();
    (count > 0).then(|| {
        let message = format!("{count} policy rules could not be evaluated (--strict-policies)");
        Warning::error("", message)
    })
}

/// One object to evaluate.
struct EvaluatedObject<'j> {
    object: &'j ObjectReport,
    manifest: &'j Manifest,
    wanted: &'j ObjectRequest,
    live: Option<&'j Value>,
    policies: &'j Policies,
    evaluate: &'j Evaluate<'j>,
}

/// The identity of a violation: the policy, its binding and its rule.
type ViolationIdentity = (String, Option<String>, Option<String>);

fn violation_identity(violation: &Violation) -> ViolationIdentity {
    let Violation {
        policy,
        binding,
        rule,
        ..
    } = violation;
    (policy.clone(), binding.clone(), rule.clone())
}

impl EvaluatedObject<'_> {
    fn subject<'a>(&'a self, object: &'a Value, old: Option<&'a Value>) -> PolicyInput<'a> {
        let plural = Some(self.wanted.kind.plural.as_str());
        PolicyInput {
            key: &self.object.key,
            api_version: &self.wanted.kind.api_version,
            plural: plural.filter(|plural| !plural.is_empty()),
            object,
            old,
            subresource: "",
            user: None,
        }
    }

    fn ask(&self, object: &Value, old: Option<&Value>) -> PolicyResults {
        self.policies
            .verdicts(self.subject(object, old), self.evaluate)
    }

    /// Returns the manifest as the server would store it, as an update of the live object.
    fn declared(&self) -> Value {
        let mut value = self.manifest.value();
        if let (Some(namespace), Some(metadata)) = (
            &self.object.key.namespace,
            value.get_mut("metadata").and_then(Value::as_object_mut),
        ) {
            metadata.insert("namespace".to_owned(), json!(namespace));
        }
        let is_builtin = builtin_kind(&self.manifest.api_version, &self.manifest.kind).is_some();
        let completed = is_builtin
            .then(|| stored(Schema::builtin(), &value))
            .flatten();
        let Some(mut completed) = completed else {
            return value;
        };
        if let Some(live) = self.live {
            keep_immutable(&mut completed, live);
        }
        completed
    }

    fn violations(&self) -> Vec<Violation> {
        let declared = self.ask(&self.declared(), self.live);
        let of_live = self.live.map(|live| self.ask(live, Some(live)));
        let of_live = of_live.unwrap_or_default();
        let quoted = self.live.map(PackedObject::from);
        let live_says: BTreeMap<ViolationIdentity, Enforcement> = of_live
            .violations
            .iter()
            .map(|one| (violation_identity(one), one.enforcement))
            .collect();
        let mut found = Vec::new();
        for (mut violation, field) in declared.violations.iter().cloned().zip(&declared.fields) {
            violation.position = self.locate(field);
            let is_live = live_says.get(&violation_identity(&violation));
            if violation.enforcement != Enforcement::Cannot && self.live.is_some() {
                violation.note = match is_live {
                    Some(Enforcement::Cannot) => None,
                    Some(_) => Some("so does the live object".to_owned()),
                    None => Some("the live object does not".to_owned()),
                };
            }
            violation.quoted.clone_from(&quoted);
            found.push(violation);
        }
        let known: BTreeSet<ViolationIdentity> = found.iter().map(violation_identity).collect();
        for (mut violation, field) in of_live.violations.iter().cloned().zip(&of_live.fields) {
            if known.contains(&violation_identity(&violation)) {
                continue;
            }
            violation.quoted.clone_from(&quoted);
            violation.position = self.locate(field);
            if violation.enforcement != Enforcement::Cannot {
                let drift = self.drift_at(field);
                let position = drift.and_then(|drift| drift.position);
                violation.position = position.or(violation.position);
                violation.note = Some(self.note(&violation, drift));
            }
            found.push(violation);
        }
        found
    }

    /// Returns a note on a violation that only the live object has.
    fn note(&self, violation: &Violation, drift: Option<&JudgedChange>) -> String {
        let made = "only the live object: the drift caused it";
        let why = drift.and_then(|drift| {
            stopped::why_not(
                self.policies,
                violation,
                drift,
                |policies, subresource, user| {
                    let live = self.live?;
                    let mut subject = self.subject(live, Some(live));
                    subject.subresource = subresource;
                    subject.user = user;
                    Some(policies.verdicts(subject, self.evaluate))
                },
            )
        });
        match why {
            Some(why) => format!("{made}; it was not stopped: {why}"),
            None => made.to_owned(),
        }
    }

    /// Returns the drift of a field, of a field in it, or of a parent.
    fn drift_at(&self, field: &[String]) -> Option<&JudgedChange> {
        let steps = |drift: &JudgedChange| -> Vec<String> {
            let parts = drift.change.path.0.iter();
            let fields = parts.map_while(|part| match part {
                crate::model::PathElement::Field(name) => Some(name.clone()),
                _ => None,
            });
            fields.collect()
        };
        let mut drifts = self.object.reported();
        drifts.find(|drift| {
            let steps = steps(drift);
            !steps.is_empty() && (steps.starts_with(field) || field.starts_with(&steps))
        })
    }

    fn locate(&self, field: &[String]) -> Option<crate::model::Position> {
        let steps: Vec<ManifestStep> = field.iter().cloned().map(ManifestStep::Field).collect();
        self.manifest.locate(&steps).filter(|_| !steps.is_empty())
    }
}
