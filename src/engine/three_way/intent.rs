//! Finds what a branch changes by comparing manifests.

use serde_json::Value;

use crate::compare::{ComparisonInput, Difference, KeepFindings, compare};
use crate::model::{Change, ChangeKind, Ownership};
use crate::ownership::{Appliers, LastSent};
use crate::policy::ObjectRules;
use crate::schema::{Schema, TypeId};

/// Returns the differences in meaning between two manifests of one object, both [normalized] and at
/// the same version. *Declared* is the branch's value and *live* the base's, so `Added` is a field
/// that the branch dropped.
///
/// [normalized]: crate::compare::normalize
pub fn semantic_differences(
    base: &Value,
    branch: &Value,
    schema: &Schema,
    root: Option<TypeId>,
) -> Vec<Change> {
    let differences = |declared, live| of_declared(declared, live, schema, root);
    let ours = differences(branch, base).map(|finding| finding.change);
    // Fields that the branch does not declare are found by comparing the other way round: a
    // manifest contains no defaults that would have to be explained.
    let dropped = differences(base, branch)
        .filter(|finding| finding.change.kind == ChangeKind::Removed)
        .map(|finding| Change {
            kind: ChangeKind::Added,
            live: finding.change.declared,
            declared: None,
            // The path is that in the base's file.
            at: Vec::new(),
            path: finding.change.path,
        });
    let mut changes: Vec<Change> = ours.chain(dropped).collect();
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    changes
}

/// Returns the differences at paths that the first side declares.
fn of_declared(
    declared: &Value,
    live: &Value,
    schema: &Schema,
    root: Option<TypeId>,
) -> impl Iterator<Item = Difference> {
    let findings = compare(&ComparisonInput {
        declared,
        live,
        schema,
        root,
        ownership: &Ownership::default(),
        appliers: &Appliers::default(),
        sent: &LastSent::default(),
        rules: &ObjectRules::default(),
        keep: KeepFindings::Drift,
    });
    findings
        .into_iter()
        .filter(|finding| finding.change.kind != ChangeKind::Added)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changes(base: &Value, branch: &Value) -> Vec<(String, ChangeKind)> {
        let changes = semantic_differences(base, branch, &Schema::default(), None);
        let named = changes.into_iter();
        named
            .map(|change| (change.path.to_string(), change.kind))
            .collect()
    }

    #[test]
    fn a_branch_modifies_adds_and_drops() {
        let base = json!({"data": {"same": "1", "other": "1", "dropped": "1"}});
        let branch = json!({"data": {"same": "1", "other": "2", "new": "1"}});
        assert_eq!(
            changes(&base, &branch),
            [
                (".data.dropped".to_owned(), ChangeKind::Added),
                (".data.new".to_owned(), ChangeKind::Removed),
                (".data.other".to_owned(), ChangeKind::Modified),
            ]
        );
        assert!(changes(&branch, &branch).is_empty());
    }

    #[test]
    fn identifies_list_items_by_name() {
        let base = json!({"list": [{"name": "a", "v": 1}, {"name": "b", "v": 1}]});
        let branch = json!({"list": [{"name": "b", "v": 2}]});
        assert_eq!(
            changes(&base, &branch),
            [
                (".list[name=\"a\"]".to_owned(), ChangeKind::Added),
                (".list[name=\"b\"].v".to_owned(), ChangeKind::Modified),
            ]
        );
    }
}
