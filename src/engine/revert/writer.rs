//! Decides on the field manager of a write, and warns about its side effects.

use serde_json::Value;

use super::PatchJob;
use crate::facts::{gitops_controller, workload};
use crate::model::{ApplierReason, ObjectReport, Operation, PathElement};
use crate::ownership::{Appliers, ownership_of};

/// The field manager if no other one is right.
pub const OWN_NAME: &str = "driftctl";

/// The field manager that an object is written as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteAs {
    /// The field manager that declares the object.
    pub manager: String,
    /// Whether it uses server-side apply.
    pub applies: bool,
    /// Whether it keeps what it sent in an annotation, as `kubectl apply` does.
    pub keeps_last_applied: bool,
    /// Why this one.
    pub why: String,
}

impl WriteAs {
    /// The name that the user gave.
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

    /// Returns the name of the applier of a live object.
    pub fn of(live: &Value, declared: &Value) -> Self {
        let ownership = ownership_of(live);
        let appliers = Appliers::of(&ownership, declared, live, &[]);
        let Some(applier) = appliers.all().first() else {
            return Self::own();
        };
        let applies = ownership.entries.iter().any(|entry| {
            let owner = &entry.owner;
            owner.manager == applier.manager
                && owner.operation == Operation::Apply
                && owner.subresource.is_none()
        });
        Self {
            manager: applier.manager.clone(),
            applies,
            keeps_last_applied: applier.why == ApplierReason::LastApplied,
            why: if applies {
                format!("and handed back to {}, who applies it", applier.manager)
            } else {
                "who declares these fields".to_owned()
            },
        }
    }

    /// Returns the most frequent one; on a tie, the first in alphabetical order.
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
                why: "who applies the other objects".to_owned(),
                ..most
            },
            None => Self::own(),
        }
    }

    /// Returns the field manager to write as, and the one that gets the fields back afterwards.
    /// Fields applied with server-side apply cannot be written under the applier's name, because it
    /// would own them twice.
    pub fn name_and_hand_back(&self) -> (String, Option<String>) {
        if self.applies {
            (OWN_NAME.to_owned(), Some(self.manager.clone()))
        } else {
            (self.manager.clone(), None)
        }
    }
}

/// Returns the side effects: Pods that restart, and controllers that interfere.
pub(super) fn remarks(
    object: &ObjectReport,
    patch: &PatchJob,
    write_as: &WriteAs,
    is_rollback: bool,
) -> Vec<String> {
    let mut remarks = Vec::new();
    let is_template = |element: &[PathElement]| {
        matches!(element, [PathElement::Field(spec), PathElement::Field(template), ..]
            if spec == "spec" && template == "template")
    };
    let running = workload(&object.key.kind).and_then(|workload| workload.running);
    if let Some(running) = running
        && patch.edits.iter().any(|edit| is_template(&edit.path.0))
    {
        let pods = patch.before.pointer(running).and_then(Value::as_u64);
        let pods = pods.unwrap_or(0);
        let s = if pods == 1 { "" } else { "s" };
        remarks.push(format!("restarts {pods} pod{s}"));
    }
    if let Some(controller) = gitops_controller(&write_as.manager) {
        remarks.push(if is_rollback {
            format!(
                "{controller} applies this object and changes it back at its next sync; suspend \
                 the sync first"
            )
        } else {
            format!("{controller} also applies this object, at its next sync")
        });
    }
    remarks
}
