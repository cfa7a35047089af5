//! Explains declared fields that the API server dropped from the request that applied them: because
//! their feature gate is off, or by an admission webhook.
//!
//! The server records owners before it drops such fields, and takes a removed field from all its
//! owners. So a field that the applier still owns, but that is not live, was never stored: nobody
//! removed it. Anyone who may change an object may also write its managed fields, so that a severe
//! change is reported nevertheless, with a note.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::judge::{Case, Explainer, ExplainerInput, JudgeInput, Knowledge};
use crate::model::{
    ChangeKind, Explanation, FieldPath, FieldSet, Finder, Ownership, ResourceKey, Severity, Warning,
};
use crate::ownership::Appliers;

/// Explains applied fields that the server does not store.
pub struct NotStored;

impl Explainer for NotStored {
    fn id(&self) -> &'static str {
        "not-stored"
    }

    fn about(&self) -> &'static str {
        "The API server drops fields whose feature gate is off, and webhooks remove fields."
    }

    fn learn(&self, _: &ExplainerInput<'_>) -> Option<Box<dyn Knowledge>> {
        Some(Box::new(Self))
    }
}

impl Knowledge for NotStored {
    fn explain_together(&self, cases: &mut [Case], run: &ExplainerInput<'_>) -> Vec<Warning> {
        let is_removed = |candidate: &JudgeInput| {
            candidate.is_open() && candidate.finding.change.kind == ChangeKind::Removed
        };
        let mut warnings = Vec::new();
        for case in cases {
            if !case.candidates.iter().any(is_removed) {
                continue;
            }
            let declared = case.declared.as_ref().map(|declared| declared.value());
            let Some((declared, (live, owners))) = declared.zip(run.found(&case.report.key)) else {
                continue;
            };
            let appliers = Appliers::of(&owners, &declared, &live, run.field_managers);
            let applied = Applied {
                live: Finder::lenient(&live),
                owners: &owners,
                appliers: &appliers,
            };
            let mut hidden: BTreeMap<&str, Vec<String>> = BTreeMap::new();
            for candidate in case.candidates.iter_mut().filter(|one| is_removed(one)) {
                let change = &candidate.finding.change;
                let declared = change.declared.as_ref();
                let Some(applier) = declared.and_then(|it| applied.by(&change.path, it)) else {
                    continue;
                };
                if run.rules.severity(&case.report.key, change) > Severity::Medium {
                    candidate.note = Some(severe(applier));
                    continue;
                }
                let paths = hidden.entry(applier).or_default();
                paths.push(change.path.to_string());
                candidate.finding.reason = Some(Explanation::AdmissionChanged.into());
                candidate.finding.owners.clear();
                candidate.finding.cause = None;
            }
            let place = &case.report.key;
            warnings.extend(
                hidden
                    .iter()
                    .map(|(applier, paths)| warning(place, applier, paths)),
            );
        }
        warnings
    }
}

fn why(applier: &str) -> String {
    format!(
        "{applier} applied it and still owns it, so nobody removed it: the API server did not store \
         it, because of a feature gate or an admission webhook"
    )
}

/// Returns the note on a severe change, which someone may have hidden by writing managed fields.
fn severe(applier: &str) -> String {
    format!(
        "{applier} applied it and still owns it: the API server did not store it, because of a \
         feature gate or an admission webhook, or someone removed it and rewrote managedFields"
    )
}

fn warning(key: &ResourceKey, applier: &str, paths: &[String]) -> Warning {
    const SHOWN: usize = 3;
    let shown: Vec<&str> = paths.iter().take(SHOWN).map(String::as_str).collect();
    let more = match paths.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Warning::new(
        key.to_string(),
        format!(
            "not live, and not reported (--show all lists it): {}{more}; {}",
            shown.join(", "),
            why(applier)
        ),
    )
}

/// A live object, with what its appliers own.
struct Applied<'a> {
    live: Finder<'a>,
    owners: &'a Ownership,
    appliers: &'a Appliers<'a>,
}

impl<'a> Applied<'a> {
    /// Returns the applier that owns everything in a value that is not live.
    fn by(&self, path: &FieldPath, declared: &Value) -> Option<&'a str> {
        if self.live.find(path).is_some() {
            // Another item with the same key is live.
            return None;
        }
        let mut entries = self.owners.entries.iter();
        let entry = entries.find(|entry| {
            let set = path
                .0
                .iter()
                .try_fold::<&FieldSet, _, _>(&entry.fields, |set, step| set.child(step));
            self.appliers.declares(entry) && set.is_some_and(|set| owns_all(set, declared))
        })?;
        Some(&entry.owner.manager)
    }
}

/// Returns whether a set contains every field of a value. A list must be owned item by item: what
/// remains of an owner's list after others removed its items looks like a list that is owned as a
/// whole.
fn owns_all(set: &FieldSet, value: &Value) -> bool {
    match value {
        Value::Object(fields) if !fields.is_empty() => fields.iter().all(|(name, value)| {
            let below = set.fields.get(name);
            below.is_some_and(|below| owns_all(below, value))
        }),
        Value::Array(items) if !items.is_empty() => set.items.len() == items.len(),
        _ => set.member && set.is_leaf(),
    }
}
