//! One object, from its answer to its report.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Options;
use super::aggregation::Aggregated;
use super::hidden::hide;
use super::pods::{AtAdmission, PodAdmission};
use super::prediction::{self, Predictions};
use super::resolve::Declared;
use super::schemas::Schemas;
use super::witness::{Watch, Witness};
use crate::cluster::{Answer, LiveObject};
use crate::compare::{
    Keep, Subject, compare, compare_and_trace, live_view, normalize, order_metrics,
};
use crate::model::{
    Change, Explanation, JudgedChange, ObjectReport, Ownership, Packed, SchemaOrigin, Status,
    Verdict, Warning,
};
use crate::ownership::{Appliers, last_applied, ownership_of};
use crate::policy::{Judged, Judgement, RuleSet, Sides, judge, rules_of};

/// What all comparisons of a run share.
pub struct Comparison<'a> {
    /// The schemas of custom resources.
    pub schemas: &'a Schemas,
    /// The rules.
    pub rules: &'a RuleSet,
    /// What the server would make of the manifests, where it was asked.
    pub predictions: &'a Predictions,
    /// What admission does to Pods.
    pub pods: &'a PodAdmission,
    /// What the rules of aggregated roles should be.
    pub aggregated: &'a Aggregated,
    /// What was asked for.
    pub options: &'a Options,
    /// Which objects somebody wants to know more of.
    pub watch: Option<Watch<'a>>,
}

/// A report on one object.
pub struct Compared {
    /// The report.
    pub report: ObjectReport,
    /// Whether the live object says who owns what; `None` when there was none to compare.
    pub has_owners: Option<bool>,
    /// Whether undeclared fields were taken for defaults that no schema tells of.
    pub supposed_defaults: bool,
    /// What went wrong with rules.
    pub troubles: Vec<String>,
    /// What was seen, where somebody watches.
    pub witness: Option<Witness>,
}

impl Compared {
    fn of(report: ObjectReport) -> Self {
        Self {
            report,
            has_owners: None,
            supposed_defaults: false,
            troubles: Vec::new(),
            witness: None,
        }
    }
}

impl Comparison<'_> {
    /// Reports on one declared object.
    pub fn report(&self, declared: &Declared<'_>, answer: &Answer) -> Compared {
        let report = match answer {
            Answer::Found(live) => match live.value() {
                Ok(value) => {
                    let owners = ownership_of(&value);
                    return Compared {
                        has_owners: Some(!owners.is_empty()),
                        ..self.compared(declared, live, &value, &owners)
                    };
                }
                Err(error) => blank(declared, Status::Unknown, Some(error.to_string())),
            },
            Answer::Absent => {
                let manifest = declared.manifest.value();
                let missing = ObjectReport {
                    declared: Some(Packed::from(&manifest)),
                    ..blank(declared, Status::Missing, None)
                };
                hide(missing, Some(&manifest), self.rules, self.options.untrusted)
            }
            Answer::Unread(why) => blank(declared, Status::Unknown, Some(why.clone())),
        };
        Compared::of(report)
    }

    fn compared(
        &self,
        declared: &Declared<'_>,
        live: &LiveObject,
        live_value: &Value,
        owners: &Ownership,
    ) -> Compared {
        let written = declared.manifest.value();
        let Some(value) = self.schemas.at_version(&written, &live.api_version) else {
            let why = format!(
                "declared as {} and read as {}, and what changed between the two is not known; \
                 declare it as {}",
                declared.manifest.api_version, live.api_version, live.api_version
            );
            return Compared::of(blank(declared, Status::Unknown, Some(why)));
        };
        let mut normal = normalize(&value, declared.kind.namespaced);
        order_metrics(&mut normal, live_value);
        let aggregated = self.aggregated.expected(&declared.key);
        if let (Some(expected), Some(fields)) = (aggregated, normal.as_object_mut()) {
            fields.insert("rules".to_owned(), expected.rules.clone());
        }
        let (Judgement { drifts, troubles }, witness) =
            self.judgement(declared, &normal, live, live_value, owners);
        let origin = self.schemas.origin(&live.api_version, &declared.key.kind);
        let supposed_defaults = origin == SchemaOrigin::None
            && drifts.iter().any(is_supposed)
            && last_applied(live_value).is_none();
        let reported = drifts.iter().filter(|drift| drift.is_reported());
        let changes: Vec<_> = reported.map(|drift| &drift.change).collect();
        let report = if changes.is_empty() {
            ObjectReport {
                drifts,
                ..blank(declared, Status::InSync, None)
            }
        } else {
            let view = live_view(&normal, changes.into_iter());
            ObjectReport {
                drifts,
                declared: Some(normal.into()),
                live: Some(view.into()),
                ..blank(declared, Status::Drifted, None)
            }
        };
        let mut report = report;
        if let Some(expected) = aggregated {
            expected.annotate(&mut report);
        }
        Compared {
            supposed_defaults,
            troubles,
            witness,
            ..Compared::of(report)
        }
    }

    fn judgement(
        &self,
        declared: &Declared<'_>,
        normal: &Value,
        live: &LiveObject,
        live_value: &Value,
        ownership: &Ownership,
    ) -> (Judgement, Option<Witness>) {
        let appliers = Appliers::of(ownership, normal, &self.options.field_managers);
        let sent = last_applied(live_value);
        let place = format!("{} ({})", declared.manifest.origin, declared.key);
        // What the live object says of itself is heeded where it always is, and no more.
        let trusted = if self.options.untrusted {
            &Value::Null
        } else {
            normal
        };
        let own = rules_of(Some(trusted), Some(live_value), &place);
        let sides = Sides {
            declared: normal,
            live: live_value,
        };
        let object_rules = self.rules.for_object(&declared.key, sides, own.rules);
        let (schema, root) = self.schemas.of(&live.api_version, &declared.key.kind);
        let keep = if self.options.explain {
            Keep::All
        } else {
            Keep::Evidence
        };
        let around = AtAdmission {
            rules: &object_rules,
            appliers: &appliers,
            filled: self.pods.filled(normal, live_value),
            judged: self.aggregated.expected(&declared.key).map(|_| "rules"),
        };
        let subject = Subject {
            declared: normal,
            live: live_value,
            schema,
            root,
            ownership,
            appliers: &appliers,
            last_applied: sent.as_ref(),
            rules: &around,
            keep,
        };
        let watch = self
            .watch
            .filter(|watch| (watch.is_meant)(&declared.key, &declared.kind.names()));
        let (mut findings, witness) = match watch {
            Some(watch) => {
                let (findings, visits) = compare_and_trace(&subject);
                let schema = self.schemas.origin(&live.api_version, &declared.key.kind);
                let object = (&declared.key, declared.manifest.as_ref());
                let witness = Witness::of(watch, object, &subject, visits, &object_rules, schema);
                (findings, Some(witness))
            }
            None => (compare(&subject), None),
        };
        if let Some(predicted) = self.predictions.of(&declared.key) {
            let predicted = compare(&Subject {
                declared: &predicted,
                ..subject
            });
            findings = prediction::settle(findings, predicted);
        }
        findings.retain(|finding| keep.keeps(finding));
        let compare_others = |declared: &Value, live: &Value| {
            compare(&Subject {
                declared,
                live,
                keep: Keep::Drift,
                ..subject
            })
        };
        let object = Judged {
            key: &declared.key,
            manifest: declared.manifest,
            rules: self.rules,
            object_rules: &object_rules,
            sides,
            compare: &compare_others,
        };
        let mut judgement = judge(&object, findings);
        judgement.troubles.extend(own.problems);
        (judgement, witness)
    }
}

fn blank(declared: &Declared<'_>, status: Status, reason: Option<String>) -> ObjectReport {
    ObjectReport {
        status,
        reason,
        ..ObjectReport::of(declared.key.clone(), declared.manifest)
    }
}

/// Makes a report's status and views fit its changes, after their verdicts were changed.
pub fn settle(report: &mut ObjectReport) {
    if report.status != Status::Drifted {
        return;
    }
    let changes = report.reported().map(|drift| &drift.change);
    let changes: Vec<Change> = changes.cloned().collect();
    if changes.is_empty() {
        report.status = Status::InSync;
        report.declared = None;
        report.live = None;
    } else if let Some(declared) = &report.declared {
        report.live = Some(live_view(&declared.value(), changes.iter()).into());
    }
}

/// Whether a change is taken for a default because nobody but the applier holds it.
fn is_supposed(drift: &JudgedChange) -> bool {
    let by = match &drift.verdict {
        Verdict::Explained { by, .. } => Some(*by),
        Verdict::Reported | Verdict::Ignored { .. } => None,
    };
    by == Some(Explanation::ApplierDefault)
}

/// Says once of which kinds defaults were supposed, for want of a schema.
pub fn without_schemas(compared: &[Compared]) -> Option<Warning> {
    let supposed = compared.iter().filter(|object| object.supposed_defaults);
    let kinds: BTreeSet<String> = supposed
        .map(|object| object.report.key.group_kind().to_string())
        .collect();
    let kinds: Vec<String> = kinds.into_iter().collect();
    (!kinds.is_empty()).then(|| Warning {
        place: String::new(),
        message: format!(
            "nothing is known of the fields of {}: those that only the applier holds are taken for \
             defaults; record the CustomResourceDefinitions too",
            kinds.join(", ")
        ),
        fatal: false,
    })
}

/// Says once that live objects carry no managed fields, where none of them does.
pub fn without_managed_fields(compared: &[Compared]) -> Option<Warning> {
    let mut known = compared
        .iter()
        .filter_map(|object| object.has_owners)
        .peekable();
    (known.peek().is_some() && known.all(|has_owners| !has_owners)).then(|| Warning {
        place: String::new(),
        message: "the live objects carry no managed fields, so nobody can be named and some \
                  defaults cannot be told from changes; read them with \
                  `kubectl get --show-managed-fields`"
            .to_owned(),
        fatal: false,
    })
}
