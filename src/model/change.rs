//! A difference between the declared and the live object.

use serde_json::Value;
use strum::{IntoStaticStr, VariantArray};

use super::{FieldPath, ManifestStep};

/// The kind of change on the live side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum ChangeKind {
    /// Declared and live, with a different meaning.
    #[strum(serialize = "changed")]
    Modified,
    /// Declared but not live.
    Removed,
    /// Live but not declared.
    Added,
}

impl ChangeKind {
    /// Returns the word for reports and rules.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns what happened, by the sides that there are.
    pub fn between<T>(declared: Option<&T>, live: Option<&T>) -> Self {
        match (declared, live) {
            (None, _) => Self::Added,
            (Some(_), None) => Self::Removed,
            (Some(_), Some(_)) => Self::Modified,
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
    /// The steps to the field in the manifest as written; for an addition, to its deepest declared
    /// ancestor.
    pub at: Vec<ManifestStep>,
}

impl Change {
    /// Returns the change of a path from the declared to the live value.
    pub fn between(path: FieldPath, declared: Option<Value>, live: Option<Value>) -> Self {
        Self {
            path,
            kind: ChangeKind::between(declared.as_ref(), live.as_ref()),
            declared,
            live,
            at: Vec::new(),
        }
    }

    /// Returns the change that stands for an object as a whole.
    pub fn of_whole(kind: ChangeKind) -> Self {
        Self {
            path: FieldPath::root(),
            kind,
            declared: None,
            live: None,
            at: Vec::new(),
        }
    }
}

/// Why a path that is live but not declared (or differs) is not drift. A difference without an
/// explanation is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
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
        self.into()
    }

    /// Returns the meaning in words.
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

/// The cause of a reported difference, if more is known than the owner of the live value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum ChangeCause {
    /// The applier declared the field when it last applied, but the manifest does not: nobody has
    /// applied the manifest since it changed.
    Dropped,
    /// The applier sent the live value: nobody has applied the manifest since it changed.
    Unapplied,
    /// The applier owns the live value: the manifest has changed since, or admission changed the
    /// value during the apply. After a server-side apply, these cannot be distinguished.
    SetByApplier,
    /// `kubectl apply` sent the value, from another manifest, an earlier version of this one or an
    /// edited copy of the live object.
    AppliedElsewhere,
    /// The applier wrote the value without declaring it.
    WrittenByApplier,
    /// `kubectl apply` sent the declared value, and the server stored another one in the applier's
    /// name: admission changed it during the request, or someone wrote under the applier's name.
    /// After a server-side apply, this is [`SetByApplier`](Self::SetByApplier).
    ChangedOnApply,
    /// The live object does not record who wrote the value, so a change by a person and one by
    /// software cannot be distinguished.
    Unattributed,
    /// The object is being deleted and waits for its finalizers.
    BeingDeleted,
    /// The manifest declares a field that the type does not have; the API server drops it.
    UnknownField,
}

impl ChangeCause {
    /// Returns the word for reports.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns the meaning in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Dropped => "the last apply declared it, but this manifest does not",
            Self::Unapplied => "the last apply set it to another value than this manifest",
            Self::SetByApplier => {
                "the applier set it: from an earlier manifest, or admission changed it when it \
                 was written (--server-dry-run shows which)"
            }
            Self::AppliedElsewhere => {
                "applied by kubectl apply, from another manifest, an earlier version of this one \
                 or a copy of the live object"
            }
            Self::WrittenByApplier => {
                "written by the applier itself; this manifest does not declare it"
            }
            Self::ChangedOnApply => {
                "kubectl apply sent the declared value: admission changed it when it was written, \
                 or someone wrote it under the applier's name (--server-dry-run shows which)"
            }
            Self::Unattributed => "the live object does not record who wrote it",
            Self::BeingDeleted => {
                "the object is being deleted; it goes away once its finalizers are removed"
            }
            Self::UnknownField => "the type has no such field, so the API server drops it",
        }
    }
}
