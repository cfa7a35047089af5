//! Warns about the rules themselves after a run.

use std::collections::{BTreeMap, BTreeSet};

use super::{ACCEPTED, Rule, RuleOrigin, RuleSet};
use crate::model::{ObjectReport, ObjectStatus, RuleCount, Verdict, Warning};

/// The use of the rules in a run; by default, nothing was compared.
#[derive(Debug, Clone, Copy, Default)]
pub struct RuleUsage<'r> {
    /// How many changes each rule hid.
    pub counts: &'r [RuleCount],
    /// The objects that were compared.
    pub objects: &'r [ObjectReport],
    /// Whether all objects were compared.
    pub whole: bool,
    /// Whether undeclared objects were searched for.
    pub with_extras: bool,
}

/// Warns about user rules that have expired, have no reason, or, if everything was compared, hid
/// nothing; and about accepted drift that no longer exists. With `strict` these are errors.
pub fn audit(rules: &RuleSet, run: &RuleUsage<'_>, strict: bool) -> Vec<Warning> {
    let users = rules.rules().iter();
    let users = users.filter(|rule| rule.origin != RuleOrigin::BuiltIn);
    let mut warnings: Vec<Warning> = users
        .flat_map(|rule| remarks(rule, run).map(move |what| (rule, what)))
        .map(|(rule, what)| Warning {
            place: rule.origin.to_string(),
            message: format!("rule {} {what}", rule.id),
            fatal: strict,
        })
        .collect();
    warnings.extend(gone_debt(rules, run, strict));
    warnings
}

fn remarks(rule: &Rule, run: &RuleUsage<'_>) -> impl Iterator<Item = String> + use<> {
    let hid = |rule: &Rule| {
        let mut counts = run.counts.iter();
        counts.any(|count| count.rule == rule.id && count.hid > 0)
    };
    let was_asked = run.whole
        && (run.with_extras || !rule.is_about_extras())
        && !matches!(rule.origin, RuleOrigin::Shared(_));
    let idle = match &rule.expires {
        Some(expires) if rule.expired => Some(format!(
            "expired ({expires}), so what it hid is reported again; fix the drift, or renew the \
             rule"
        )),
        _ if was_asked && !hid(rule) => {
            Some("hid nothing; remove it, or check what it matches".to_owned())
        }
        _ => None,
    };
    let unexplained = rule.reason.is_empty();
    let silent = unexplained.then(|| "has no reason; say why with `reason: …`".to_owned());
    idle.into_iter().chain(silent)
}

/// Returns a warning about accepted drift that no longer exists, in objects that were compared.
fn gone_debt(rules: &RuleSet, run: &RuleUsage<'_>, strict: bool) -> Option<Warning> {
    let compared: BTreeMap<_, _> = run
        .objects
        .iter()
        .filter(|object| object.status() != ObjectStatus::Unknown)
        .map(|object| (&object.key, object))
        .collect();
    let mut places: BTreeSet<String> = BTreeSet::new();
    for accepted in rules.accepted() {
        let Some(object) = compared.get(&accepted.key) else {
            continue;
        };
        let is_whole = accepted.path == ".";
        let is_there = object.drifts.iter().any(|drift| {
            let is_hidden =
                matches!(drift.verdict(), Verdict::Ignored { rule, .. } if rule == ACCEPTED);
            (is_hidden || drift.is_reported()) && drift.change.path.to_string() == accepted.path
        });
        let is_absent_or_extra =
            matches!(object.status(), ObjectStatus::Missing | ObjectStatus::Extra);
        let is_still_so = is_there || (is_whole && is_absent_or_extra);
        if !is_still_so {
            places.insert(format!("{} {}", accepted.key, accepted.path));
        }
    }
    let first = places.first()?;
    let (first, count) = (first.clone(), places.len());
    let message = if count == 1 {
        format!("accepted drift is gone: {first}")
    } else {
        format!("accepted drift is gone: {first} and {} more", count - 1)
    };
    Some(Warning {
        place: String::new(),
        message: format!("{message}; 'driftctl accept' removes it from the baseline"),
        fatal: strict,
    })
}
