//! Applies the rules of the run to findings and to whole objects.

use serde_json::Value;

use super::rule_input::{RuleHit, RuleInput};
use super::{Ignored, JudgeInput, ObjectExplainer, decide_whole, removal, whole_severity};
use crate::compare::{Difference, Reason};
use crate::model::{
    Change, ChangeKind, ObjectReport, Owner, PackedObject, Presence, ResourceKey, Severity,
};
use crate::policy::{ChangeQuery, DebtMatch, ObjectSides, Rule, RuleSet, rules_of};
use crate::source::never_applied;

/// The least severity that a rule on the live object does not hide.
const SEVERE: Option<Severity> = Some(Severity::High);

/// Applies the rules to all findings of an object. Adds errors in rules to `troubles`; changes
/// that those rules would have hidden are reported.
pub fn apply_rules(
    object: &RuleInput<'_>,
    findings: Vec<Difference>,
    troubles: &mut Vec<String>,
) -> Vec<JudgeInput> {
    if findings.is_empty() {
        return Vec::new();
    }
    let ignoring: Vec<&Rule> = object.object_rules.ignoring().collect();
    let mut hits: Vec<RuleHit<'_>> = findings
        .iter()
        .map(|finding| match is_final(finding) {
            true => RuleHit::default(),
            false => by_path(&ignoring, finding),
        })
        .collect();
    removal::decide(object, &ignoring, &findings, &mut hits, troubles);
    let all = findings.into_iter().zip(hits);
    let (rules, key) = (object.rules, object.key);
    let severity = |finding: &Difference| Some(rules.severity(key, &finding.change));
    all.map(|(finding, hit)| candidate(rules, key, severity, finding, hit))
        .collect()
}

/// Returns whether a finding is final: no later stage can make it count. A finding that a
/// rule explains may still count after all objects are checked together.
fn is_final(finding: &Difference) -> bool {
    let reason = finding.reason.as_ref();
    reason.is_some_and(|reason| reason.rule.is_none())
}

/// Applies rules by the path alone; the first match decides.
fn by_path<'r>(rules: &[&'r Rule], finding: &Difference) -> RuleHit<'r> {
    let owners: Vec<&Owner> = finding.owners.iter().collect();
    let change = ChangeQuery {
        path: &finding.change.path,
        kind: finding.change.kind,
        owners: &owners,
    };
    let first = |expired: bool| {
        let mut covering = rules.iter().filter(|rule| rule.covers(change));
        covering.find(|rule| rule.expired == expired).copied()
    };
    RuleHit {
        by: first(false),
        once: first(true),
    }
}

/// Records the results of the rules and the baseline for a finding. A rule that only the live
/// object asks for hides nothing severe; a note names it.
fn candidate(
    rules: &RuleSet,
    key: &ResourceKey,
    severity: impl FnOnce(&Difference) -> Option<Severity>,
    finding: Difference,
    hit: RuleHit<'_>,
) -> JudgeInput {
    let is_severe = hit.by.is_some_and(|rule| rule.of_live) && severity(&finding) >= SEVERE;
    let ignored = hit.by.filter(|_| !is_severe).map(|rule| Ignored {
        rule: rule.id.clone(),
        reason: rule.reason.clone(),
    });
    let overruled = hit.by.filter(|_| is_severe).map(|rule| {
        format!(
            "{} on the live object does not hide changes of severity high or critical",
            rule.id
        )
    });
    let accepted_before = match is_final(&finding) || ignored.is_some() {
        true => None,
        false => rules.accepted_as(key, &finding.change),
    };
    let accepted = match accepted_before {
        Some(DebtMatch::Accepted(accepted)) => Some(accepted.reason.clone()),
        _ => None,
    };
    let note = accepted_before.and_then(DebtMatch::note);
    JudgeInput {
        note: note
            .or(hit.once.map(expired_rule))
            .or(overruled)
            .or_else(|| finding.note.clone()),
        finding,
        ignored,
        accepted,
    }
}

/// Judges an object that is missing or undeclared as a whole; other objects stay unchanged.
/// Annotations on an `untrusted` manifest do not count as rules.
pub fn judge_whole(
    report: ObjectReport,
    declared: Option<&Value>,
    explained: Option<&ObjectExplainer>,
    rules: &RuleSet,
    untrusted: bool,
) -> ObjectReport {
    let Some(mut candidate) = ask_whole(&report, declared, rules, untrusted) else {
        return report;
    };
    if let Some(reason) = declared.filter(|_| untrusted).and_then(comes_and_goes)
        && report.presence == Presence::Declared
    {
        candidate.ignored.get_or_insert_with(|| Ignored {
            rule: HOOK.to_owned(),
            reason: reason.to_owned(),
        });
    }
    candidate.finding.reason = explained.map(|explained| Reason {
        by: explained.explanation,
        rule: Some(explained.by.clone()),
    });
    decide_whole(report, candidate, rules)
}

/// The name of the rule for missing hooks.
const HOOK: &str = "hook";

/// Returns why a manifest says that its object is only temporary, as a hook is. For an untrusted
/// author this counts only if the object is missing.
fn comes_and_goes(declared: &Value) -> Option<&'static str> {
    let metadata = declared.get("metadata").and_then(Value::as_object);
    metadata.and_then(never_applied)
}

/// Applies the rules to an object that is missing or undeclared as a whole; returns `None` for
/// other objects.
fn ask_whole(
    report: &ObjectReport,
    declared: Option<&Value>,
    rules: &RuleSet,
    untrusted: bool,
) -> Option<JudgeInput> {
    let kind = match report.presence {
        Presence::Declared => ChangeKind::Removed,
        Presence::Live => ChangeKind::Added,
        Presence::Both | Presence::Unknown => return None,
    };
    let live = report.live.as_ref().map(PackedObject::value);
    let object = declared.or(live.as_ref()).unwrap_or(&Value::Null);
    let trusted = declared.filter(|_| !untrusted);
    let own = rules_of(trusted, live.as_ref(), place_of(report));
    let sides = ObjectSides {
        declared: object,
        live: live.as_ref().unwrap_or(&Value::Null),
    };
    let of_object = rules.for_object(&report.key, sides, own.rules);
    let owners: Vec<&Owner> = report.owners.iter().collect();
    let hit = RuleHit {
        by: of_object.of_object(kind, &owners, false),
        once: of_object.of_object(kind, &owners, true),
    };
    let finding = Difference {
        owners: report.owners.clone(),
        ..Difference::of(Change::of_whole(kind))
    };
    let severity = |_: &Difference| whole_severity(report, rules);
    Some(candidate(rules, &report.key, severity, finding, hit))
}

/// Returns where an object's own rules are, for people.
fn place_of(report: &ObjectReport) -> String {
    match &report.origin {
        Some(origin) => format!("{origin} ({})", report.key),
        None => report.key.to_string(),
    }
}

/// Returns the warning about an expired rule whose drift still exists.
fn expired_rule(rule: &Rule) -> String {
    let until = rule.expires.as_ref().map(ToString::to_string);
    let until = until.unwrap_or_default();
    format!(
        "expired debt: rule {} ({}) ignored it until {until}",
        rule.id, rule.origin
    )
}
