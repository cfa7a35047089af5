//! The name that a change is written under, and what it costs.

use serde_json::Value;

use super::PatchJob;
use crate::facts::{gitops_controller, workload};
use crate::model::{ApplierReason, ObjectReport, Operation, PathElement};
use crate::ownership::{Appliers, ownership_of};

/// The name that is written under where no other one is right.
pub const OWN_NAME: &str = "driftctl";

/// Under whose name an object is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteAs {
    /// The field manager that declares the object.
    pub manager: String,
    /// Whether it does so by server-side apply.
    pub applies: bool,
    /// Whether it keeps what it sent in an annotation, as `kubectl apply` does.
    pub keeps_last_applied: bool,
    /// Why this one.
    pub why: String,
}

impl WriteAs {
    /// Returns the name that someone gave.
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

    /// Returns the one that most of these are; on a tie, the first in the alphabet.
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

    /// Returns the name to write under, and whom the fields are handed back to afterwards. What is
    /// applied on the server side cannot be written under the applier's name: it would own the
    /// fields twice.
    pub fn name_and_hand_back(&self) -> (String, Option<String>) {
        if self.applies {
            (OWN_NAME.to_owned(), Some(self.manager.clone()))
        } else {
            (self.manager.clone(), None)
        }
    }
}

/// Returns what there is to know before it is done: Pods that restart, and controllers that join
/// in.
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
