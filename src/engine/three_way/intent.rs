//! What a branch changes, as manifests alone tell.

use serde_json::Value;

use crate::compare::{Finding, Keep, Subject, compare};
use crate::model::{Change, ChangeKind, Ownership};
use crate::ownership::Appliers;
use crate::policy::ObjectRules;
use crate::schema::{Schema, TypeId};

/// Returns what differs in meaning between two manifests of one object, both [normalized] and at
/// one version, each seen from the branch: *declared* is what the branch says, *live* what the base
/// says. `Added` is thus what the branch dropped.
///
/// [normalized]: crate::compare::normalize
pub fn between(base: &Value, branch: &Value, schema: &Schema, root: Option<TypeId>) -> Vec<Change> {
    let differences = |declared, live| of_declared(declared, live, schema, root);
    let ours = differences(branch, base).map(|finding| finding.change);
    // What the branch does not declare is found from the other side, if it is declared: nothing in
    // a manifest is a default that would have to be explained.
    let dropped = differences(base, branch)
        .filter(|finding| finding.change.kind == ChangeKind::Removed)
        .map(|finding| Change {
            kind: ChangeKind::Added,
            live: finding.change.declared,
            declared: None,
            // The way leads through the base's file.
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
) -> impl Iterator<Item = Finding> {
    let findings = compare(&Subject {
        declared,
        live,
        schema,
        root,
        ownership: &Ownership::default(),
        appliers: &Appliers::default(),
        last_applied: None,
        rules: &ObjectRules::default(),
        keep: Keep::Drift,
    });
    findings
        .into_iter()
        .filter(|finding| finding.change.kind != ChangeKind::Added)
}
