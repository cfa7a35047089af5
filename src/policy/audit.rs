//! What is to be said of the rules themselves after a run.

use super::{Rule, RuleOrigin, RuleSet};
use crate::model::{RuleCount, Warning};

/// Warns about users' rules that expired, that nobody gave a reason for, and, when `whole` says
/// that everything was compared, that hid nothing. With `strict` they are errors.
pub fn audit(rules: &RuleSet, counts: &[RuleCount], whole: bool, strict: bool) -> Vec<Warning> {
    let hid = |rule: &Rule| {
        let count = counts.iter().find(|count| count.rule == rule.id);
        count.map_or(0, |count| count.hid)
    };
    let warning = |rule: &Rule, what: String| Warning {
        place: rule.origin.to_string(),
        message: format!("rule {} {what}", rule.id),
        fatal: strict,
    };
    let mut warnings = Vec::new();
    for rule in rules.rules() {
        if rule.origin == RuleOrigin::BuiltIn {
            continue;
        }
        if let (true, Some(expires)) = (rule.expired, &rule.expires) {
            let what = format!(
                "expired ({expires}), and what it hid is reported again; mend it, or renew the rule"
            );
            warnings.push(warning(rule, what));
        } else if whole && hid(rule) == 0 {
            let what = "hid nothing; remove it, or check what it matches";
            warnings.push(warning(rule, what.to_owned()));
        }
        if rule.reason.is_empty() {
            let what = "has no reason; say why with `reason: …`";
            warnings.push(warning(rule, what.to_owned()));
        }
    }
    warnings
}
