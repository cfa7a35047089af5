//! A difference between what is declared and what is live.

use serde_json::Value;

use super::{FieldPath, Step};

/// What happened to a path, seen from the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// Declared and live, with different meaning.
    Changed,
    /// Declared and not live.
    Removed,
    /// Live and not declared.
    Added,
}

impl ChangeKind {
    /// The word that reports and rules use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Added => "added",
        }
    }
}

/// One difference. *Declared* is the manifest's side, *live* is the cluster's.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Where.
    pub path: FieldPath,
    /// What happened.
    pub kind: ChangeKind,
    /// What the manifest declares; `None` when added.
    pub declared: Option<Value>,
    /// What is live; `None` when removed.
    pub live: Option<Value>,
    /// The way to the field in the manifest as it is written; for an addition, to the deepest
    /// declared ancestor.
    pub at: Vec<Step>,
}

/// Why a path that is live and not declared (or differs) is no drift. The set is closed: what has
/// none of these is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Explanation {
    /// The API server's own bookkeeping: `metadata.uid`, `status`, …
    ServerManaged,
    /// No field manager owns it, so no request wrote it: the server defaulted it.
    UnownedDefault,
    /// Only the manager that applies the manifest owns it, by `Update`, and the last applied
    /// configuration does not hold it: defaulting was booked on the applier.
    ApplierDefault,
    /// It has the value that the server gives the field when nobody sets it.
    TypeDefault,
    /// A controller that is known to write it owns it.
    ControllerOwned,
    /// A mutating webhook or policy changed it while the manifest was applied.
    AdmissionChanged,
}

impl Explanation {
    /// The word that reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServerManaged => "server-managed",
            Self::UnownedDefault => "unowned-default",
            Self::ApplierDefault => "applier-default",
            Self::TypeDefault => "type-default",
            Self::ControllerOwned => "controller-owned",
            Self::AdmissionChanged => "admission-changed",
        }
    }
}
