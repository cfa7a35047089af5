//! Applies rules that ignore something *within* a change, or that only removing values can decide:
//! JSON Pointers with list indexes, jq expressions, and patterns below the change.
//!
//! Argo CD removes what such rules select from both sides before it compares, which would lose the
//! count of what each rule hid. Here both results are compared: a difference that disappears with
//! the removals is ignored by the rule that made it disappear.

use std::collections::HashSet;

use serde_json::Value;

use super::rule_input::{RuleHit, RuleInput};
use crate::compare::Difference;
use crate::model::{FieldPath, Owner, PathElement};
use crate::policy::{ChangeQuery, JqFailure, Rule};

/// Decides on the findings that [`Rule::covers`] leaves open.
pub(super) fn decide<'r>(
    object: &RuleInput<'_>,
    rules: &[&'r Rule],
    findings: &[Difference],
    hits: &mut [RuleHit<'r>],
    troubles: &mut Vec<String>,
) {
    for expired in [false, true] {
        let open: Vec<usize> = (0..findings.len())
            .filter(|i| findings[*i].reason.is_none() && hits[*i].by.is_none())
            .filter(|i| !expired || hits[*i].once.is_none())
            .collect();
        let rules: Vec<&Rule> = rules
            .iter()
            .copied()
            .filter(|rule| rule.expired == expired)
            .filter(|rule| open.iter().any(|i| may_remove(rule, &findings[*i])))
            .collect();
        if rules.is_empty() {
            continue;
        }
        for (i, rule) in removed_differences(object, &rules, findings, open, troubles) {
            let hit = &mut hits[i];
            if expired {
                hit.once = Some(rule);
            } else {
                hit.by = Some(rule);
            }
        }
    }
}

/// Returns whether removing what a rule selects can make a finding disappear that the rule does not
/// cover.
fn may_remove(rule: &Rule, finding: &Difference) -> bool {
    let path = &finding.change.path;
    let selectors = &rule.selectors;
    admits(rule, finding)
        && (!selectors.jq.is_empty()
            || !selectors.written.is_empty()
            || selectors
                .paths
                .iter()
                .any(|pattern| pattern.is_within(path))
            || selectors
                .pointers
                .iter()
                .any(|pointer| match pointer.path() {
                    Some(pointed) => pointed.starts_with(path),
                    None => true,
                }))
}

fn admits(rule: &Rule, finding: &Difference) -> bool {
    let owners: Vec<&Owner> = finding.owners.iter().collect();
    rule.admits(ChangeQuery {
        path: &finding.change.path,
        kind: finding.change.kind,
        owners: &owners,
    })
}

/// Returns the open findings that disappear, with the rule for each.
fn removed_differences<'r>(
    object: &RuleInput<'_>,
    rules: &[&'r Rule],
    findings: &[Difference],
    mut open: Vec<usize>,
    troubles: &mut Vec<String>,
) -> Vec<(usize, &'r Rule)> {
    let known: HashSet<String> = findings.iter().map(|f| f.change.path.to_string()).collect();
    let mut both = StrippedSides::of(object);
    let mut removes = |rule: &&&Rule| both.remove(rule, object, troubles);
    let rules: Vec<&Rule> = rules.iter().filter(&mut removes).copied().collect();
    if rules.is_empty() {
        return Vec::new();
    }
    // Most removals make nothing disappear; one comparison with all of them shows that.
    let remaining = both.compare(object);
    if open
        .iter()
        .all(|i| is_among(&findings[*i], &remaining, &known))
    {
        return Vec::new();
    }
    let mut gone = Vec::new();
    let mut both = StrippedSides::of(object);
    for rule in rules {
        both.remove(rule, object, &mut Vec::new());
        let remaining = both.compare(object);
        open.retain(|i| {
            let finding = &findings[*i];
            let goes = !is_among(finding, &remaining, &known) && admits(rule, finding);
            if goes {
                gone.push((*i, rule));
            }
            !goes
        });
    }
    gone
}

/// Both sides, with values removed.
struct StrippedSides {
    declared: Value,
    live: Value,
}

impl StrippedSides {
    fn of(object: &RuleInput<'_>) -> Self {
        Self {
            declared: object.sides.declared.clone(),
            live: object.sides.live.clone(),
        }
    }

    /// Removes what a rule selects; returns whether anything was removed.
    fn remove(&mut self, rule: &Rule, object: &RuleInput<'_>, troubles: &mut Vec<String>) -> bool {
        let mut removed = false;
        for side in [&mut self.declared, &mut self.live] {
            for pattern in &rule.selectors.paths {
                removed |= pattern.remove(side);
            }
            for pointer in &rule.selectors.pointers {
                removed |= pointer.remove(side);
            }
            for expression in &rule.selectors.written {
                removed |= remove_written(side, &expression.0, &mut String::new());
            }
            for expression in &rule.selectors.jq {
                match object.rules.delete_by_jq(expression, side) {
                    Ok(left) => {
                        removed |= left != *side;
                        *side = left;
                    }
                    Err(JqFailure::Unfit) => {}
                    Err(JqFailure::Broken(why)) => troubles.push(format!(
                        "rule {} ({}): its jq expression {expression} is skipped: {why}",
                        rule.id, rule.origin
                    )),
                }
            }
        }
        removed
    }

    fn compare(&self, object: &RuleInput<'_>) -> Vec<Difference> {
        (object.compare)(&self.declared, &self.live)
    }
}

/// Returns whether a finding remains. Removals shift list indexes and shrink blocks, so a new
/// finding counts as the original if it is above it, below it, or at another index of the same
/// list.
fn is_among(finding: &Difference, remaining: &[Difference], known: &HashSet<String>) -> bool {
    let path = &finding.change.path;
    let rest = remaining.iter().filter(|left| !is_husk(left, finding));
    rest.map(|left| &left.change.path).any(|left| {
        left == path
            || (!known.contains(&left.to_string())
                && (left.starts_with(path)
                    || path.starts_with(left)
                    || differ_in_indexes_only(left, path)))
    })
}

/// Returns whether the remaining finding is only the emptied block around the removed values.
fn is_husk(left: &Difference, finding: &Difference) -> bool {
    let sides =
        |finding: &Difference| [finding.change.declared.clone(), finding.change.live.clone()];
    let is_empty = |value: &Value| match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    sides(left).iter().flatten().all(is_empty) && sides(left) != sides(finding)
}

/// Returns whether two paths differ only in list indexes.
fn differ_in_indexes_only(a: &FieldPath, b: &FieldPath) -> bool {
    a.0.len() == b.0.len()
        && a.0.iter().zip(&b.0).all(|(a, b)| {
            a == b || matches!((a, b), (PathElement::Index(_), PathElement::Index(_)))
        })
}

/// Removes every field and item whose path, as written for this object, matches.
fn remove_written(node: &mut Value, expression: &regex::Regex, path: &mut String) -> bool {
    let length = path.len();
    let mut removed = false;
    match node {
        Value::Object(fields) => fields.retain(|name, value| {
            push_field(path, name);
            let goes = expression.is_match(path);
            removed |= goes || remove_written(value, expression, path);
            path.truncate(length);
            !goes
        }),
        Value::Array(items) => {
            let mut position = 0_usize;
            items.retain_mut(|item| {
                path.push_str(&format!("[{position}]"));
                let goes = expression.is_match(path);
                removed |= goes || remove_written(item, expression, path);
                path.truncate(length);
                position += 1;
                !goes
            });
        }
        _ => {}
    }
    removed
}

/// Appends a field: `spec.replicas`, `metadata.labels["example.com/team"]`.
fn push_field(path: &mut String, name: &str) {
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if !plain {
        path.push_str(&format!("[{}]", Value::from(name)));
        return;
    }
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
}
