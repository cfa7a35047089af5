//! What a merge does to what is live.

use serde_json::Value;

/// Who changed a field since the base was deployed: the branch, someone live, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MergeClass {
    /// The branch now declares what is live and the base does not.
    Backport,
    /// The branch changes it, and live it is what the base declares.
    Pending,
    /// It was changed live, and the branch does not change it.
    Drift,
    /// Both changed it: merging overwrites what was changed live.
    Conflict,
}

impl MergeClass {
    /// Every class, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Conflict, Self::Drift, Self::Pending, Self::Backport];

    /// Returns the word that reports and `--fail-on` use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backport => "backport",
            Self::Pending => "pending",
            Self::Drift => "drift",
            Self::Conflict => "conflict",
        }
    }
}

/// How a change stands to the base of a branch.
#[derive(Debug, Clone, PartialEq)]
pub struct Merge {
    /// Who changed it.
    pub class: MergeClass,
    /// What the base declares; `None` when it does not declare the field.
    pub base: Option<Value>,
}

/// What a branch does to an object as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lifecycle {
    /// Only the branch declares it.
    New,
    /// Only the base declares it.
    Removed,
}

impl Lifecycle {
    /// Returns the word that reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Removed => "removed",
        }
    }
}
