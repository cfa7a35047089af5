//! Classifies the changes of an object that both base and branch declare, field by field.

use serde_json::Value;

use crate::judge::reported;
use crate::model::{
    Change, ChangeKind, FieldPath, Finder, JudgedChange, Manifest, ManifestStep, Merge, MergeClass,
    PathElement, ResourceKey, Verdict,
};
use crate::policy::RuleSet;

/// One object in its three versions, and the differences between them.
pub struct Versions<'a> {
    /// The object's key.
    pub key: &'a ResourceKey,
    /// The branch's manifest, for positions.
    pub manifest: &'a Manifest,
    /// The object in the base.
    pub base: &'a Value,
    /// The object in the branch.
    pub branch: &'a Value,
    /// The live object.
    pub live: &'a Value,
    /// What the branch changes; see [`between`](super::intent::semantic_differences).
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

    /// Finds the positions of all changes in one pass over the manifest.
    fn place(&self, drifts: &mut [JudgedChange]) {
        let ways: Vec<&[ManifestStep]> = drifts.iter().map(|d| d.change.at.as_slice()).collect();
        let positions = self.manifest.locate_all(&ways);
        for (drift, position) in drifts.iter_mut().zip(positions) {
            drift.position = position;
        }
    }

    /// Returns a change with its class. A block whose fields have different classes is split.
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
            // No side changed it: different rules apply to base and branch.
            (false, _) => MergeClass::Drift,
        }
    }

    /// Returns whether base and branch declare different values at a path.
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
    /// count, because merging overwrites them too.
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

    /// Finds the parts of a branch's change that are already live because someone changed them
    /// there.
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

/// Returns whether a change at `changed` concerns `path`: it is at the path, below it, or at a
/// parent that has the path, as `there` says.
fn touches(path: &FieldPath, changed: &FieldPath, there: impl Fn() -> bool) -> bool {
    covers(path, changed) || (covers(changed, path) && there())
}

/// Returns whether `below` is at or below `above`.
fn covers(above: &FieldPath, below: &FieldPath) -> bool {
    below.0.starts_with(&above.0)
}

/// Returns the value at a path. List items that leave out keys of the path match.
fn find<'v>(value: &'v Value, path: &FieldPath) -> Option<&'v Value> {
    Finder::lenient(value).find(path)
}

/// Returns the fields of a block that only one side has, each as its own change.
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
                at.push(ManifestStep::Field(name.clone()));
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::tests::{config_map, manifests};
    use crate::engine::three_way::intent;
    use crate::schema::Schema;

    /// Returns the class of each change of a ConfigMap's data, by path.
    fn classes(base: Value, branch: Value, live: Value) -> Vec<(String, MergeClass)> {
        let [base, branch, live] = [base, branch, live].map(|data| config_map("a", data));
        let schema = Schema::default();
        let difference =
            |from: &Value, to: &Value| intent::semantic_differences(from, to, &schema, None);
        let found = |declared: &Value| {
            let changes = difference(&live, declared);
            changes.into_iter().map(reported).collect::<Vec<_>>()
        };
        let manifests = manifests(std::slice::from_ref(&branch));
        let versions = Versions {
            key: &ResourceKey::new("", "ConfigMap", Some("shop".to_owned()), "a"),
            manifest: &manifests[0],
            base: &base,
            branch: &branch,
            live: &live,
            intended: &difference(&base, &branch),
            since_base: &found(&base),
            rules: &RuleSet::default(),
        };
        let classified = versions.classify(found(&branch)).into_iter();
        classified
            .map(|change| {
                let class = change.merge.as_ref().unwrap().class;
                (change.change.path.to_string(), class)
            })
            .collect()
    }

    /// Returns the class of one value that differs.
    fn class(base: Option<&str>, branch: Option<&str>, live: Option<&str>) -> Option<MergeClass> {
        let data = |value: Option<&str>| match value {
            Some(value) => json!({ "k": value, "other": "1" }),
            None => json!({"other": "1"}),
        };
        let mut classes = classes(data(base), data(branch), data(live));
        let only = classes.pop();
        assert!(classes.is_empty());
        only.map(|(path, class)| {
            assert_eq!(path, ".data.k");
            class
        })
    }

    /// Checks the table in the documentation of the parent module for a value that is modified,
    /// added and removed.
    #[test]
    fn classifies_values_as_in_the_table() {
        let [a, b, c] = [Some("a"), Some("b"), Some("c")];
        for (base, branch, live, expected) in [
            (a, a, a, None),
            (a, a, b, Some(MergeClass::Drift)),
            (a, a, None, Some(MergeClass::Drift)),
            (None, None, a, Some(MergeClass::Drift)),
            (a, b, a, Some(MergeClass::Pending)),
            (a, None, a, Some(MergeClass::Pending)),
            (None, a, None, Some(MergeClass::Pending)),
            (a, b, b, Some(MergeClass::Backport)),
            (None, a, a, Some(MergeClass::Backport)),
            (a, None, None, Some(MergeClass::Backport)),
            (a, b, c, Some(MergeClass::Conflict)),
            (a, b, None, Some(MergeClass::Conflict)),
            (a, None, b, Some(MergeClass::Conflict)),
            (None, a, b, Some(MergeClass::Conflict)),
        ] {
            assert_eq!(
                class(base, branch, live),
                expected,
                "{base:?} {branch:?} {live:?}"
            );
        }
    }

    #[test]
    fn classifies_a_block_that_both_sides_add_field_by_field() {
        let base = json!({});
        let branch = json!({"block": {"same": "1", "ours": "1", "both": "1"}});
        let live = json!({"block": {"same": "1", "theirs": "1", "both": "2"}});
        let classes = classes(base, branch, live);
        let of = |path: &str| {
            let mut found = classes.iter().filter(|(other, _)| other == path);
            found.next().map(|(_, class)| *class)
        };
        assert_eq!(of(".data.block.same"), Some(MergeClass::Backport));
        assert_eq!(of(".data.block.both"), Some(MergeClass::Conflict));
        assert_eq!(of(".data.block.ours"), Some(MergeClass::Pending));
        assert_eq!(of(".data.block.theirs"), Some(MergeClass::Drift));
    }
}
