//! Classifies the changes of an object that base and branch both declare, field by field.

use serde_json::Value;

use crate::compare::find;
use crate::judge::reported;
use crate::model::{
    Change, ChangeKind, FieldPath, JudgedChange, Manifest, Merge, MergeClass, PathElement,
    ResourceKey, Step, Verdict,
};
use crate::policy::RuleSet;

/// One object in its three versions, and the differences between each two of them.
pub struct Versions<'a> {
    /// Which object.
    pub key: &'a ResourceKey,
    /// The branch's manifest, for the lines.
    pub manifest: &'a Manifest,
    /// The object in the base.
    pub base: &'a Value,
    /// The object in the branch.
    pub branch: &'a Value,
    /// The live object.
    pub live: &'a Value,
    /// What the branch changes; see [`between`](super::intent::between).
    pub intended: &'a [Change],
    /// The differences between base and live.
    pub since_base: &'a [JudgedChange],
    /// The rules, for severities.
    pub rules: &'a RuleSet,
}

impl Versions<'_> {
    /// Classifies the differences between branch and live, and adds live changes that the branch
    /// now declares.
    pub fn classify(&self, found: Vec<JudgedChange>) -> Vec<JudgedChange> {
        let mut backports = Vec::new();
        for change in self.intended {
            self.taken_over(change, &found, &mut backports);
        }
        let mut drifts = Vec::with_capacity(found.len() + backports.len());
        for drift in found {
            if drift.is_reported() {
                drifts.extend(self.parts(drift));
            } else {
                drifts.push(drift);
            }
        }
        drifts.append(&mut backports);
        drifts.sort_by(|a, b| a.change.path.cmp(&b.change.path));
        self.place(&mut drifts);
        drifts
    }

    /// Finds the lines of all changes, in one pass over the manifest.
    fn place(&self, drifts: &mut [JudgedChange]) {
        let ways: Vec<&[Step]> = drifts.iter().map(|d| d.change.at.as_slice()).collect();
        let positions = self.manifest.locate_all(&ways);
        for (drift, position) in drifts.iter_mut().zip(positions) {
            drift.position = position;
        }
    }

    /// Returns a change with its class; in parts, if those of a block have different classes.
    fn parts(&self, drift: JudgedChange) -> Vec<JudgedChange> {
        let class = self.class(&drift.change);
        let fields = match class {
            MergeClass::Conflict => fields(&drift.change),
            MergeClass::Backport | MergeClass::Pending | MergeClass::Drift => Vec::new(),
        };
        let parts: Vec<JudgedChange> = fields
            .into_iter()
            .flat_map(|change| self.parts(self.part(&drift, change)))
            .collect();
        let all_in_conflict = parts.iter().all(|part| {
            let merge = part.merge.as_ref();
            merge.is_some_and(|merge| merge.class == MergeClass::Conflict)
        });
        if all_in_conflict {
            vec![self.classed(drift, class)]
        } else {
            parts
        }
    }

    fn part(&self, whole: &JudgedChange, change: Change) -> JudgedChange {
        let severity = self.rules.severity(self.key, &change);
        whole.part(change, severity)
    }

    fn classed(&self, mut drift: JudgedChange, class: MergeClass) -> JudgedChange {
        let base = find(self.base, &drift.change.path).cloned();
        drift.merge = Some(Merge { class, base });
        drift
    }

    fn class(&self, change: &Change) -> MergeClass {
        let by_branch = self.branch_changed(&change.path);
        let live = self.live_changed(&change.path).is_some();
        match (by_branch, live) {
            (true, true) => MergeClass::Conflict,
            (true, false) => MergeClass::Pending,
            // Neither: different rules apply to base and branch. It differs.
            (false, _) => MergeClass::Drift,
        }
    }

    /// Returns whether the branch declares another value at a path than the base.
    fn branch_changed(&self, path: &FieldPath) -> bool {
        self.intended.iter().any(|change| {
            let there = || match change.kind {
                ChangeKind::Modified => true,
                ChangeKind::Removed => find(self.branch, path).is_some(),
                ChangeKind::Added => find(self.base, path).is_some(),
            };
            touches(path, &change.path, there)
        })
    }

    /// Returns what was changed live at a path, relative to the base. Accepted and ignored changes
    /// count too: merging overwrites them.
    fn live_changed(&self, path: &FieldPath) -> Option<&JudgedChange> {
        let is_explained =
            |drift: &&JudgedChange| matches!(drift.verdict(), Verdict::Explained { .. });
        let changed = self.since_base.iter().filter(|drift| !is_explained(drift));
        let mut touching = changed.filter(|drift| {
            let there = || match drift.change.kind {
                ChangeKind::Modified => true,
                ChangeKind::Removed => find(self.base, path).is_some(),
                ChangeKind::Added => find(self.live, path).is_some(),
            };
            touches(path, &drift.change.path, there)
        });
        touching.next()
    }

    /// Finds the parts of a branch's change that are already live and were changed there.
    fn taken_over(&self, change: &Change, found: &[JudgedChange], out: &mut Vec<JudgedChange>) {
        let mut differing = found.iter().map(|drift| &drift.change.path);
        if differing.clone().any(|path| covers(path, &change.path)) {
            return;
        }
        if differing.any(|path| covers(&change.path, path)) {
            for part in fields(change) {
                self.taken_over(&part, found, out);
            }
            return;
        }
        let Some(since) = self.live_changed(&change.path) else {
            return;
        };
        let seen_from_base = match change.kind {
            ChangeKind::Modified => ChangeKind::Modified,
            ChangeKind::Removed => ChangeKind::Added,
            ChangeKind::Added => ChangeKind::Removed,
        };
        let taken = Change {
            kind: seen_from_base,
            declared: change.declared.clone(),
            live: find(self.live, &change.path).cloned(),
            path: change.path.clone(),
            at: change.at.clone(),
        };
        let severity = self.rules.severity(self.key, &taken);
        let base = find(self.base, &taken.path).cloned();
        let mut backport = reported(taken);
        backport.severity = severity;
        backport.owners.clone_from(&since.owners);
        backport.merge = Some(Merge {
            class: MergeClass::Backport,
            base,
        });
        out.push(backport);
    }
}

/// Returns whether a change at `changed` is one at `path`: there, below it, or above it if it
/// includes what is `there`.
fn touches(path: &FieldPath, changed: &FieldPath, there: impl Fn() -> bool) -> bool {
    covers(path, changed) || (covers(changed, path) && there())
}

/// Returns whether `below` is at or below `above`.
fn covers(above: &FieldPath, below: &FieldPath) -> bool {
    below.0.starts_with(&above.0)
}

/// Returns the fields of a block that only one side has, as separate changes.
fn fields(change: &Change) -> Vec<Change> {
    let ((Some(Value::Object(block)), None) | (None, Some(Value::Object(block)))) =
        (&change.declared, &change.live)
    else {
        return Vec::new();
    };
    let one = |value: &Value, is_there: bool| is_there.then(|| value.clone());
    let written = block.iter().filter(|(_, value)| !value.is_null());
    written
        .map(|(name, value)| {
            let mut path = change.path.clone();
            path.0.push(PathElement::Field(name.clone()));
            let mut at = change.at.clone();
            if change.declared.is_some() {
                at.push(Step::Field(name.clone()));
            }
            Change {
                kind: change.kind,
                declared: one(value, change.declared.is_some()),
                live: one(value, change.live.is_some()),
                path,
                at,
            }
        })
        .collect()
}
