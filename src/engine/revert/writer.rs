//! Chooses the field manager of a write.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::facts::{EDITORS, KUBECTL, REPLACE, how_it_applies};
use crate::model::{ApplierReason, ManagerEntry, Operation, Ownership};
use crate::ownership::{Appliers, holds_last_applied, is_replaced_by_hand, ownership_of};

/// The field manager if no applier is known.
pub const OWN_NAME: &str = "driftctl";

/// The field manager of `kubectl create`.
const CREATOR: &str = "kubectl-create";

/// The field manager to write an object as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteAs {
    /// The field manager that declares the object.
    pub manager: String,
    /// Whether it uses server-side apply.
    pub applies: bool,
    /// Whether it records what it sent in an annotation, as `kubectl apply` does.
    pub keeps_last_applied: bool,
    /// Why this manager was chosen.
    pub why: String,
}

impl WriteAs {
    /// Returns the field manager that the user named.
    pub fn named(name: &str) -> Self {
        Self {
            manager: name.to_owned(),
            applies: false,
            keeps_last_applied: false,
            why: "as --field-manager says".to_owned(),
        }
    }

    fn own() -> Self {
        Self {
            manager: OWN_NAME.to_owned(),
            applies: false,
            keeps_last_applied: true,
            why: "because no applier of these manifests is known".to_owned(),
        }
    }

    /// Returns the name of the applier of a live object; `None` if no applier is known. If
    /// every field that the applier declares was changed by others, it owns none of them, and its
    /// other traces name it. `editors` own what drifted: owning the rest as well, as who changed
    /// one item of an atomic list does, makes none of them the applier.
    pub fn of(live: &Value, declared: &Value, editors: &BTreeSet<&str>) -> Option<Self> {
        let ownership = ownership_of(live);
        let appliers = Appliers::of(&ownership, declared, live, &[]);
        let found = appliers.all().first();
        let is_guess = found.is_none_or(|found| found.why == ApplierReason::Coverage);
        let owns_half = found.is_some_and(|found| found.owns * 2 >= found.declared);
        let is_editor = |manager: &str| editors.contains(manager);
        let is_settled = owns_half && found.is_some_and(|found| !is_editor(&found.manager));
        let may_apply = |manager: &str| !is_settled && !is_editor(manager);
        let left = is_guess
            .then(|| Self::left(&ownership, owns_half, may_apply))
            .flatten();
        let (manager, keeps_last_applied) = match (left, found) {
            (Some(left), _) => left,
            (None, Some(found)) if is_guess && is_editor(&found.manager) => return None,
            (None, Some(found)) => {
                let keeps_last_applied = found.why == ApplierReason::LastApplied;
                (found.manager.clone(), keeps_last_applied)
            }
            (None, None) => return None,
        };
        let applies = ownership.entries.iter().any(|entry| {
            let owner = &entry.owner;
            owner.manager == manager
                && owner.operation == Operation::Apply
                && owner.subresource.is_none()
        });
        Some(Self {
            keeps_last_applied,
            applies,
            why: if applies {
                format!("and handed back to {manager}, which applies it")
            } else {
                "which declares these fields".to_owned()
            },
            manager,
        })
    }

    /// Returns who applied or created an object but owns none of its declared fields now, and
    /// whether it records the last applied configuration. Server-side apply alone is no proof: with
    /// it, operators add fields of their own, which `may_apply` excludes.
    fn left(
        ownership: &Ownership,
        is_declared: bool,
        may_apply: impl Fn(&str) -> bool,
    ) -> Option<(String, bool)> {
        let is_by_hand = is_replaced_by_hand(ownership);
        let own = |entry: &&ManagerEntry| {
            let owner = &entry.owner;
            let is_edit = is_by_hand && owner.manager == REPLACE;
            owner.subresource.is_none() && !EDITORS.contains(&owner.manager.as_str()) && !is_edit
        };
        let mut entries = ownership.entries.iter().filter(own);
        if let Some(entry) = entries.clone().find(|entry| {
            entry.owner.operation == Operation::Update && holds_last_applied(&entry.fields)
        }) {
            return Some((entry.owner.manager.clone(), true));
        }
        let applied = entries.clone().find(|entry| {
            let manager = &entry.owner.manager;
            let is_apply = entry.owner.operation == Operation::Apply;
            // Other commands of kubectl, like `rollout undo`, update under the name of its apply.
            let is_known = how_it_applies(manager).is_some() && (is_apply || manager != KUBECTL);
            is_known || is_apply && may_apply(manager)
        });
        let created = entries.find(|entry| entry.owner.manager == CREATOR && !is_declared);
        applied
            .or(created)
            .map(|entry| (entry.owner.manager.clone(), false))
    }

    /// Returns the most frequent manager; of equally frequent ones, the first in alphabetical
    /// order.
    pub fn of_most(each: impl Iterator<Item = Self>) -> Self {
        let mut counts: Vec<(usize, Self)> = Vec::new();
        for one in each.filter(|one| *one != Self::own()) {
            match counts.iter_mut().find(|(_, known)| *known == one) {
                Some((count, _)) => *count += 1,
                None => counts.push((1, one)),
            }
        }
        counts.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.manager.cmp(&b.1.manager)));
        match counts.into_iter().next() {
            Some((_, most)) => Self {
                why: "which applies the other objects".to_owned(),
                ..most
            },
            None => Self::own(),
        }
    }

    /// Returns the field manager to write as, and the one to hand the fields back to. Under its own
    /// name, a server-side applier would own the fields twice, by Apply and by Update.
    pub fn name_and_hand_back(&self) -> (String, Option<String>) {
        if self.applies {
            (OWN_NAME.to_owned(), Some(self.manager.clone()))
        } else {
            (self.manager.clone(), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written_as(entries: Value) -> Option<(String, bool)> {
        let declared = json!({"spec": {"rules": [{"host": "a"}]}});
        let live =
            json!({"spec": {"rules": [{"host": "b"}]}, "metadata": {"managedFields": entries}});
        WriteAs::of(&live, &declared, &BTreeSet::new())
            .map(|write_as| (write_as.manager, write_as.applies))
    }

    /// Handed fields that it does not apply, it would remove them with its next apply.
    #[test]
    fn the_manager_of_one_field_is_not_the_applier_of_a_created_object() {
        let declared = json!({"data": {"a": "1", "b": "2", "c": "3"}});
        let live = json!({"data": {"a": "1", "b": "2"}, "metadata": {
            "labels": {"bob": "x"}, "managedFields": [
                {"manager": "kubectl-create", "operation": "Update",
                    "fieldsV1": {"f:data": {".": {}, "f:a": {}, "f:b": {}}}},
                {"manager": "bob", "operation": "Apply",
                    "fieldsV1": {"f:metadata": {"f:labels": {"f:bob": {}}}}}]}});
        for editors in [BTreeSet::from(["bob"]), BTreeSet::new()] {
            let write_as = WriteAs::of(&live, &declared, &editors).unwrap();
            assert_eq!(write_as.manager, "kubectl-create", "{editors:?}");
            assert!(!write_as.applies);
        }
    }

    /// `kubectl rollout undo` writes as `kubectl`, like `kubectl apply --server-side`.
    #[test]
    fn another_command_of_kubectl_is_not_the_applier() {
        let declared = json!({"data": {"a": "1", "b": "2", "c": "3"}});
        let live = json!({"data": {"a": "1", "b": "2", "c": "9"}, "metadata": {"managedFields": [
            {"manager": "kubectl-create", "operation": "Update",
                "fieldsV1": {"f:data": {".": {}, "f:a": {}, "f:b": {}}}},
            {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:data": {"f:c": {}}}}]}});
        let editors = BTreeSet::from(["kubectl"]);
        let write_as = WriteAs::of(&live, &declared, &editors).unwrap();
        assert_eq!(write_as.manager, "kubectl-create");
    }

    #[test]
    fn the_editor_of_an_item_of_an_atomic_list_is_not_the_applier() {
        let declared = json!({"rules": [{"verbs": ["get"]}, {"verbs": ["list"]}]});
        let write_as = |verb: &str, editor: &str| {
            let live = json!({"rules": [{"verbs": ["get"]}, {"verbs": [verb]}],
                "metadata": {"managedFields": [
                    {"manager": "curl", "operation": "Update", "fieldsV1": {"f:rules": {}}}]}});
            let editors = BTreeSet::from([editor]);
            WriteAs::of(&live, &declared, &editors).map(|write_as| write_as.manager)
        };
        assert_eq!(write_as("*", "curl"), None);
        assert_eq!(write_as("list", "bob").as_deref(), Some("curl"));
    }

    #[test]
    fn the_manager_that_changed_all_declared_fields_is_not_the_applier() {
        let last_applied = "f:kubectl.kubernetes.io/last-applied-configuration";
        let applied = json!({"manager": "kubectl-client-side-apply", "operation": "Update",
            "fieldsV1": {"f:metadata": {"f:annotations": {last_applied: {}}}}});
        let created = json!({"manager": "kubectl-create", "operation": "Update",
            "fieldsV1": {"f:spec": {}}});
        let changed = |who: &str| {
            json!({"manager": who, "operation": "Update",
                "fieldsV1": {"f:spec": {"f:rules": {}}}})
        };
        let kubectl = ("kubectl-client-side-apply".to_owned(), false);
        for who in ["curl", "kubectl-edit"] {
            let found = written_as(json!([applied, changed(who)]));
            assert_eq!(found, Some(kubectl.clone()), "{who}");
        }
        assert_eq!(
            written_as(json!([created, changed("kubectl-edit")])),
            Some(("kubectl-create".to_owned(), false))
        );
        assert_eq!(written_as(json!([changed("kubectl-edit")])), None);
    }
}
