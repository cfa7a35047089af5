//! The only place that makes a [`Verdict`].

use super::apply_refusal::refusal_of_an_apply;
use super::harm::harms;
use super::{Case, Ignored, JudgeInput};
use crate::compare::{Difference, Reason, live_view};
use crate::model::{
    Change, ChangeKind, JudgedChange, ManifestStep, ObjectReport, Presence, Severity, Verdict,
};
use crate::policy::{ACCEPTED, RuleSet};

/// Decides on a finding: it is explained, else ignored, else accepted, else reported.
fn judged(candidate: JudgeInput, report: &ObjectReport, rules: &RuleSet) -> JudgedChange {
    let JudgeInput {
        finding:
            Difference {
                change,
                owners,
                reason,
                cause,
                note: _,
            },
        ignored,
        accepted,
        note,
    } = candidate;
    let verdict = match (reason, ignored, accepted) {
        (Some(Reason { by, rule }), _, _) => Verdict::Explained { by, rule },
        (None, Some(Ignored { rule, reason }), _) => Verdict::Ignored { rule, reason },
        (None, None, Some(reason)) => Verdict::Ignored {
            rule: ACCEPTED.to_owned(),
            reason,
        },
        (None, None, None) => Verdict::Reported,
    };
    let mut judged = JudgedChange::new(change, verdict);
    judged.severity = rules.severity(&report.key, &judged.change);
    judged.owners = owners;
    judged.cause = cause;
    judged.note = note.filter(|_| judged.is_reported());
    judged
}

/// Returns a reported change that no rule or explainer sees: the branch now declares the live
/// value.
pub fn reported(change: Change) -> JudgedChange {
    JudgedChange::new(change, Verdict::Reported)
}

/// Gives a compared object its changes with their verdicts. Explained changes are left out unless
/// `explain` is set.
pub fn decide(case: &mut Case, rules: &RuleSet, explain: bool) {
    let Case {
        report,
        declared,
        candidates,
    } = case;
    let mut candidates = std::mem::take(candidates);
    candidates.retain(|candidate| explain || candidate.finding.reason.is_none());
    candidates.sort_by(|a, b| a.finding.change.path.cmp(&b.finding.change.path));
    let all = candidates.into_iter();
    let judged: Vec<JudgedChange> = all
        .map(|candidate| judged(candidate, report, rules))
        .collect();
    report.drifts.extend(judged);
    if let Some(manifest) = &report.manifest {
        let ways = report.drifts.iter().map(|drift| drift.change.at.as_slice());
        let ways: Vec<&[ManifestStep]> = ways.collect();
        let positions = manifest.locate_all(&ways);
        for (drift, position) in report.drifts.iter_mut().zip(positions) {
            drift.position = position;
        }
    }
    if report.presence == Presence::Both
        && report.reported().next().is_some()
        && let Some(declared) = declared.take()
    {
        report.apply_refusal = refusal_of_an_apply(report, &declared.value());
        let changes = report.reported().map(|drift| &drift.change);
        let view = live_view(&declared.value(), changes);
        report.live = Some(view.into());
        report.declared = Some(declared);
    }
}

/// Decides on an object that is missing or undeclared as a whole. If that is not drift, the object
/// stays in the report with a change at its root.
pub fn decide_whole(
    mut report: ObjectReport,
    candidate: JudgeInput,
    rules: &RuleSet,
) -> ObjectReport {
    let status = report.status();
    let severity = whole_severity(&report, rules);
    if candidate.is_open() {
        report.reason = candidate.note.or(report.reason);
        report.whole_severity = severity;
        return report;
    }
    let by = if candidate.finding.reason.is_some() {
        "explained"
    } else {
        "which a rule ignores"
    };
    report.reason = Some(format!("{}, {by}", status.as_str()));
    let mut judged = judged(candidate, &report, rules);
    judged.severity = severity.unwrap_or(judged.severity);
    report.drifts.push(judged);
    report
}

/// Returns the severity of an object being missing or undeclared. What is critical in an undeclared
/// object counts, such as a privileged container.
pub fn whole_severity(report: &ObjectReport, rules: &RuleSet) -> Option<Severity> {
    let of_kind = rules.whole_severity(&report.key, report.status())?;
    let live = report
        .live
        .as_ref()
        .filter(|_| report.presence == Presence::Live);
    let content = live.map(|live| Change {
        live: Some(live.value()),
        ..Change::of_whole(ChangeKind::Added)
    });
    let of_content = content.map(|content| rules.severity(&report.key, &content));
    let critical = of_content.filter(|severity| *severity == Severity::Critical);
    let harms = live.is_some_and(|live| !harms(&report.key, &live.value(), rules).is_empty());
    let harmful = harms.then_some(Severity::High);
    Some(of_kind.max(critical.or(harmful).unwrap_or(of_kind)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Explanation, ResourceKey};

    fn verdict(reason: bool, ignored: bool, accepted: bool) -> Verdict {
        let path = ".spec.replicas".parse().unwrap();
        let finding = Difference {
            reason: reason.then(|| Explanation::TypeDefault.into()),
            ..Difference::of(Change::between(path, Some(json!(1)), Some(json!(2))))
        };
        let candidate = JudgeInput {
            ignored: ignored.then(|| Ignored {
                rule: "rule".to_owned(),
                reason: String::new(),
            }),
            accepted: accepted.then(String::new),
            ..JudgeInput::of(finding)
        };
        let key = ResourceKey::new("apps", "Deployment", None, "web");
        let report = ObjectReport::new(key, "apps/v1".to_owned());
        judged(candidate, &report, RuleSet::builtin())
            .verdict()
            .clone()
    }

    #[test]
    fn explained_beats_ignored_beats_accepted_beats_reported() {
        let explained = Verdict::Explained {
            by: Explanation::TypeDefault,
            rule: None,
        };
        let ignored = |rule: &str| Verdict::Ignored {
            rule: rule.to_owned(),
            reason: String::new(),
        };
        assert_eq!(verdict(true, true, true), explained);
        assert_eq!(verdict(false, true, true), ignored("rule"));
        assert_eq!(verdict(false, false, true), ignored(ACCEPTED));
        assert_eq!(verdict(false, false, false), Verdict::Reported);
    }
}
