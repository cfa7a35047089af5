//! The effects of merging a branch on live objects.

use serde_json::Value;
use strum::{IntoStaticStr, VariantArray};

/// The side that changed a field since the base was deployed: the branch, the cluster, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum MergeClass {
    /// The branch now declares the live value, but the base does not.
    Backport,
    /// The branch changes the field, and the live value is that of the base.
    Pending,
    /// The field was changed live, and the branch does not change it.
    Drift,
    /// Both changed it: merging overwrites the live change.
    Conflict,
}

impl MergeClass {
    /// Returns the word for reports and `--fail-on`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The relation of a change to the base of a branch.
#[derive(Debug, Clone, PartialEq)]
pub struct Merge {
    /// Who changed it.
    pub class: MergeClass,
    /// The base's value; `None` if it does not declare the field.
    pub base: Option<Value>,
}

/// The effect of merging a branch on a whole object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Lifecycle {
    /// Only the branch declares it.
    New,
    /// Only the base declares it.
    Removed,
}

impl Lifecycle {
    /// Returns the word for reports.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
