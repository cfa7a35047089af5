//! The one place where a change becomes reported, ignored or explained.

use super::judged::{Decision, Judged};
use super::removal;
use super::rule::Asked;
use super::{ACCEPTED, Rule, Standing};
use crate::compare::{Finding, Reason};
use crate::model::{JudgedChange, Owner, Step, Verdict};

/// What was decided about an object.
#[derive(Debug, Default)]
pub struct Judgement {
    /// Its changes, in the order in which they were found.
    pub drifts: Vec<JudgedChange>,
    /// What went wrong with rules; what they would have hidden is reported.
    pub troubles: Vec<String>,
}

/// Judges all findings of an object.
pub fn judge(object: &Judged<'_>, findings: Vec<Finding>) -> Judgement {
    let mut judgement = Judgement::default();
    let decided = decide(object, &findings, &mut judgement.troubles);
    let ways: Vec<&[Step]> = findings.iter().map(|f| f.change.at.as_slice()).collect();
    let positions = object.manifest.locate_all(&ways);
    judgement.drifts = findings
        .into_iter()
        .zip(decided)
        .zip(positions)
        .map(|((finding, decision), position)| JudgedChange {
            position,
            ..drift(object, finding, decision)
        })
        .collect();
    judgement
}

fn decide<'a>(
    object: &Judged<'a>,
    findings: &[Finding],
    troubles: &mut Vec<String>,
) -> Vec<Decision<'a>> {
    let ignoring: Vec<&Rule> = object.object_rules.ignoring().collect();
    let mut decisions: Vec<Decision<'_>> = findings
        .iter()
        .map(|finding| match finding.reason {
            Some(_) => Decision::default(),
            None => by_path(&ignoring, finding),
        })
        .collect();
    removal::decide(object, &ignoring, findings, &mut decisions, troubles);
    decisions
}

/// What can be told from the path alone: the first rule decides.
fn by_path<'r>(rules: &[&'r Rule], finding: &Finding) -> Decision<'r> {
    let owners: Vec<&Owner> = finding.owners.iter().collect();
    let change = Asked {
        path: &finding.change.path,
        kind: finding.change.kind,
        owners: &owners,
    };
    let first = |expired: bool| {
        let mut covering = rules.iter().filter(|rule| rule.covers(change));
        covering.find(|rule| rule.expired == expired).copied()
    };
    Decision {
        by: first(false),
        once: first(true),
    }
}

fn drift(object: &Judged<'_>, finding: Finding, decision: Decision<'_>) -> JudgedChange {
    let Finding {
        change,
        owners,
        reason,
        cause,
    } = finding;
    let mut note = None;
    let verdict = match (reason, decision) {
        (Some(Reason { by, rule }), _) => Verdict::Explained { by, rule },
        (None, Decision { by: Some(rule), .. }) => Verdict::Ignored {
            rule: rule.id.clone(),
            reason: rule.reason.clone(),
        },
        (None, Decision { by: None, once }) => match object.rules.standing(object.key, &change) {
            Some(Standing::Accepted(accepted)) => Verdict::Ignored {
                rule: ACCEPTED.to_owned(),
                reason: accepted.reason.clone(),
            },
            standing => {
                let expired = standing.and_then(Standing::note);
                note = expired.or(once.map(expired_debt));
                Verdict::Reported
            }
        },
    };
    JudgedChange {
        position: None,
        severity: object.rules.severity(object.key, &change),
        verdict,
        owners,
        cause,
        note,
        blame: None,
        merge: None,
        change,
    }
}

/// A rule ran out and what it was for is still there.
fn expired_debt(rule: &Rule) -> String {
    let until = rule.expires.as_ref().map(ToString::to_string);
    let until = until.unwrap_or_default();
    format!(
        "expired debt: rule {} ({}) ignored it until {until}",
        rule.id, rule.origin
    )
}
