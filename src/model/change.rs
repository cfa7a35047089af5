//! A difference between the declared and the live object.

use serde_json::Value;

use super::{FieldPath, Step};

/// What happened to a path, from the manifest's point of view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// Declared and live, with different meaning.
    Modified,
    /// Declared but not live.
    Removed,
    /// Live but not declared.
    Added,
}

impl ChangeKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Modified, Self::Removed, Self::Added];

    /// Returns the word for reports and rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Modified => "changed",
            Self::Removed => "removed",
            Self::Added => "added",
        }
    }
}

/// One difference. *Declared* is the manifest's side, *live* is the cluster's.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The path.
    pub path: FieldPath,
    /// The kind of change.
    pub kind: ChangeKind,
    /// The declared value; `None` if added.
    pub declared: Option<Value>,
    /// The live value; `None` if removed.
    pub live: Option<Value>,
    /// The path to the field in the manifest as written; for an addition, to the deepest declared
    /// ancestor.
    pub at: Vec<Step>,
}

/// Why a path that is live but not declared (or differs) is not drift. A difference without an
/// explanation is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Explanation {
    /// The API server's own bookkeeping: `metadata.uid`, `status`, …
    ServerManaged,
    /// No field manager owns it, so no request wrote it: the server defaulted it.
    UnownedDefault,
    /// Only the applier owns it, by `Update`, and the last applied configuration does not contain
    /// it: the server defaulted it and recorded the applier.
    ApplierDefault,
    /// It has the server's default value.
    TypeDefault,
    /// A controller that is known to write it owns it.
    ControllerOwned,
    /// A mutating webhook or policy changed it while the manifest was applied.
    AdmissionChanged,
    /// The type has no such field, so the API server dropped it.
    UnknownField,
}

impl Explanation {
    /// Returns the word for reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServerManaged => "server-managed",
            Self::UnownedDefault => "unowned-default",
            Self::ApplierDefault => "applier-default",
            Self::TypeDefault => "type-default",
            Self::ControllerOwned => "controller-owned",
            Self::AdmissionChanged => "admission-changed",
            Self::UnknownField => "unknown-field",
        }
    }

    /// Every explanation.
    pub const ALL: [Self; 7] = [
        Self::ServerManaged,
        Self::UnownedDefault,
        Self::ApplierDefault,
        Self::TypeDefault,
        Self::ControllerOwned,
        Self::AdmissionChanged,
        Self::UnknownField,
    ];

    /// Returns what it means, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::ServerManaged => "the API server's own bookkeeping",
            Self::UnownedDefault => {
                "no manager owns it, so no request wrote it: the server defaulted it"
            }
            Self::ApplierDefault => {
                "only the applier owns it, without having declared it: the server defaulted it on \
                 the applier's write"
            }
            Self::TypeDefault => "it has the server's default value",
            Self::ControllerOwned => "a controller that is known to write it owns it",
            Self::AdmissionChanged => "admission changed it while the manifest was applied",
            Self::UnknownField => "the type has no such field, so the API server dropped it",
        }
    }
}

/// How a reported difference came about, if more is known than the owner of the live value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The applier still declares it in the cluster, but the manifest does not, and nobody has
    /// applied that yet.
    Dropped,
    /// The applier sent the live value: the manifest has changed since, and nobody has applied that
    /// yet.
    Unapplied,
    /// The applier owns the live value: the manifest has changed since, or admission changed the
    /// value on its way in. After a server-side apply the two cannot be distinguished.
    SetByApplier,
    /// `kubectl apply` sent it, from another manifest or an earlier one.
    AppliedElsewhere,
    /// The applier wrote it, without declaring it.
    WrittenByApplier,
    /// The live object does not record who wrote it, so a person's change and a machine's cannot be
    /// distinguished.
    Unattributed,
    /// The object is being deleted and waits for its finalizers.
    BeingDeleted,
    /// The manifest declares a field that the type does not have; the API server drops it.
    UnknownField,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 8] = [
        Self::Dropped,
        Self::Unapplied,
        Self::SetByApplier,
        Self::AppliedElsewhere,
        Self::WrittenByApplier,
        Self::Unattributed,
        Self::BeingDeleted,
        Self::UnknownField,
    ];

    /// Returns the word for reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::Unapplied => "unapplied",
            Self::SetByApplier => "set-by-applier",
            Self::AppliedElsewhere => "applied-elsewhere",
            Self::WrittenByApplier => "written-by-applier",
            Self::Unattributed => "unattributed",
            Self::BeingDeleted => "being-deleted",
            Self::UnknownField => "unknown-field",
        }
    }

    /// Returns what it means, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Dropped => "the last apply declared it, but this manifest does not",
            Self::Unapplied => "the last apply set it to another value than this manifest",
            Self::SetByApplier => {
                "the applier set it: from an earlier manifest, or admission changed it on the way \
                 in (--server-dry-run shows which)"
            }
            Self::AppliedElsewhere => {
                "applied by kubectl apply, from another manifest or an earlier version of this one"
            }
            Self::WrittenByApplier => {
                "written by the applier itself; this manifest does not declare it"
            }
            Self::Unattributed => "the live object does not record who wrote it",
            Self::BeingDeleted => {
                "the object is being deleted; it goes away once its finalizers are removed"
            }
            Self::UnknownField => "the type has no such field, so the API server drops it",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails to compile when an explanation is added; add it to [`Explanation::ALL`] too.
    #[test]
    fn every_explanation_is_listed() {
        let place = |explanation: Explanation| match explanation {
            Explanation::ServerManaged => 0,
            Explanation::UnownedDefault => 1,
            Explanation::ApplierDefault => 2,
            Explanation::TypeDefault => 3,
            Explanation::ControllerOwned => 4,
            Explanation::AdmissionChanged => 5,
            Explanation::UnknownField => 6,
        };
        let last = Explanation::UnknownField;
        assert_eq!(Explanation::ALL.len(), place(last) + 1);
        assert_eq!(Explanation::ALL.map(place), [0, 1, 2, 3, 4, 5, 6]);
    }
}
