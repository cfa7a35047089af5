//! The one place where a change becomes reported, ignored or explained.

use super::{ObjectRules, RuleSet};
use crate::compare::{Finding, Reason};
use crate::model::{Drift, Manifest, Owner, ResourceKey, Verdict};

/// What is needed to judge the findings of one object.
pub struct Judged<'a> {
    /// Which object.
    pub key: &'a ResourceKey,
    /// The manifest, for the lines.
    pub manifest: &'a Manifest,
    /// The rules of the run.
    pub rules: &'a RuleSet,
    /// Those of them that speak of the object.
    pub object_rules: &'a ObjectRules<'a>,
}

/// Judges one finding.
pub fn judge(object: &Judged<'_>, finding: Finding) -> Drift {
    let Finding {
        change,
        owners,
        reason,
        note,
    } = finding;
    let held_by: Vec<&Owner> = owners.iter().collect();
    let verdict = match reason {
        Some(Reason { by, rule }) => Verdict::Explained { by, rule },
        None => match object
            .object_rules
            .find(&change.path, change.kind, &held_by)
        {
            Some(rule) => Verdict::Ignored {
                rule: rule.id.clone(),
                reason: rule.reason.clone(),
            },
            None => Verdict::Reported,
        },
    };
    Drift {
        position: object.manifest.locate(&change.at),
        severity: object.rules.severity(object.key, &change.path),
        verdict,
        owners,
        note: note.map(str::to_owned),
        change,
    }
}
