//! Lists what rules hid. Every format reports how much each of them hid.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use strum::VariantArray as _;

use super::{ShowLevel, escape, words};
use crate::model::{MergeClass, ObjectReport, Report, RuleCount, Verdict};
use crate::policy::ACCEPTED;

/// Returns the rules that hid something, in the order of the report.
pub fn rules(report: &Report) -> impl Iterator<Item = &RuleCount> {
    report.rules.iter().filter(|rule| rule.hid > 0)
}

/// Returns how much each rule hid, by its ID: accepted drift has one ID and many reasons. User
/// rules that hid nothing are included.
pub fn by_rule(report: &Report) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for RuleCount { rule, hid, .. } in &report.rules {
        *counts.entry(rule.as_str()).or_default() += hid;
    }
    counts
}

/// Returns `41 changes reported, 3 ignored by 2 rules`; with a base `changes: 1 conflict, 4 drift,
/// 2 pending, 1 backport`.
pub fn changes(report: &Report) -> String {
    let totals = report.totals();
    let mut said = if report.three_way {
        let of = |class: &MergeClass| format!("{} {}", report.changes_of(*class), class.as_str());
        let worst_first: Vec<String> = MergeClass::VARIANTS.iter().rev().map(of).collect();
        format!("changes: {}", worst_first.join(", "))
    } else {
        format!("{} reported", words::count(totals.reported, "change"))
    };
    let by_rule = by_rule(report);
    let accepted = by_rule
        .get(ACCEPTED)
        .copied()
        .unwrap_or(0)
        .min(totals.ignored);
    let ignored = totals.ignored - accepted;
    if ignored > 0 {
        let rules = by_rule
            .iter()
            .filter(|(rule, hid)| **rule != ACCEPTED && **hid > 0);
        let by = match rules.count() {
            0 => String::new(),
            rules => format!(" by {}", words::count(rules, "rule")),
        };
        said.push_str(&format!(", {ignored} ignored{by}"));
    }
    if accepted > 0 {
        said.push_str(&format!(", {accepted} accepted"));
    }
    said
}

/// Returns `2 by keda, 1 by mesh`: the rules that hid most first, at most `most` of them; `None` if
/// nothing was hidden.
pub fn brief(report: &Report, most: usize) -> Option<String> {
    let all = by_rule(report).into_iter();
    let mut all: Vec<(&str, usize)> = all.filter(|(_, hid)| *hid > 0).collect();
    // The sort is stable: rules that hid as much stay sorted by ID.
    all.sort_by_key(|(_, hid)| Reverse(*hid));
    let mut said: Vec<String> = all
        .iter()
        .take(most)
        .map(|(rule, hid)| format!("{hid} by {}", escape::line(rule)))
        .collect();
    let others = all.get(most..).unwrap_or_default();
    if !others.is_empty() {
        let hid: usize = others.iter().map(|(_, hid)| hid).sum();
        said.push(format!(
            "{hid} by {}",
            words::count(others.len(), "other rule")
        ));
    }
    (!said.is_empty()).then(|| said.join(", "))
}

/// Returns `1 change ignored by keda: Scaled by KEDA`.
pub fn ignored_sentence(rule: &RuleCount) -> String {
    let mut said = format!(
        "{} ignored by {}",
        words::count(rule.hid, "change"),
        rule.rule
    );
    if !rule.reason.is_empty() {
        said.push_str(&format!(": {}", rule.reason));
    }
    escape::line(&said).into_owned()
}

/// Returns a line for each rule that hid something, followed by what it hid if requested.
pub fn lines(report: &Report, show: ShowLevel) -> Vec<String> {
    let mut lines = Vec::new();
    for rule in rules(report) {
        lines.push(ignored_sentence(rule));
        if show >= ShowLevel::Ignored {
            lines.extend(
                report
                    .objects
                    .iter()
                    .flat_map(|object| hidden(object, rule)),
            );
        }
    }
    lines
}

/// Returns `  Deployment shop/cart .spec.replicas`.
fn hidden<'o>(object: &'o ObjectReport, by: &RuleCount) -> impl Iterator<Item = String> + use<'o> {
    let (wanted, why) = (by.rule.clone(), by.reason.clone());
    let drifts = object.drifts.iter().filter(move |drift| {
        matches!(drift.verdict(), Verdict::Ignored { rule, reason } if *rule == wanted && *reason == why)
    });
    drifts.map(|drift| {
        let path = drift.change.path.to_string();
        format!("  {} {}", words::object(object), escape::line(&path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(hid: &[(&str, usize)]) -> Report {
        let rules = hid.iter().map(|(rule, hid)| RuleCount {
            rule: (*rule).to_owned(),
            reason: String::new(),
            hid: *hid,
        });
        Report {
            rules: rules.collect(),
            ..Report::default()
        }
    }

    #[test]
    fn names_the_rules_that_hid_most_and_counts_the_others() {
        let report = report(&[("a", 1), ("b", 5), ("idle", 0), ("c", 1), ("d", 2)]);
        assert_eq!(
            brief(&report, 9).as_deref(),
            Some("5 by b, 2 by d, 1 by a, 1 by c")
        );
        assert_eq!(
            brief(&report, 1).as_deref(),
            Some("5 by b, 4 by 3 other rules")
        );
        assert_eq!(lines(&report, ShowLevel::All).len(), 4);
    }

    #[test]
    fn returns_nothing_if_nothing_is_hidden() {
        assert_eq!(brief(&report(&[("idle", 0)]), 9), None);
    }
}
