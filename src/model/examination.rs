//! The results of `driftctl doctor` for a cluster.

use std::fmt;

use serde_json::Value;
use strum::{IntoStaticStr, VariantArray};

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum CheckState {
    /// Nothing is wrong.
    Ok,
    /// A diff works, but could work better.
    Advice,
    /// A diff would be incomplete.
    Failed,
}

impl CheckState {
    /// Returns the word for JSON documents.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The subject of the check, in one word.
    pub check: &'static str,
    /// The result.
    pub state: CheckState,
    /// The result in words.
    pub found: String,
    /// What the user can do about it.
    pub to_do: Option<String>,
}

/// Writes `rights: get secrets in namespace shop is not allowed; …`.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.found)?;
        match &self.to_do {
            Some(to_do) => write!(f, "; {to_do}"),
            None => Ok(()),
        }
    }
}

/// The checks of one cluster, and the permissions that a run needs in it.
#[derive(Debug, Default)]
pub struct Examination {
    /// The context, if several are checked.
    pub context: Option<String>,
    /// The checks, in order.
    pub checks: Vec<Check>,
    /// The minimal Roles for the run, with their bindings.
    pub roles: Vec<Value>,
    /// The user that the Roles are bound to.
    pub subject: Option<String>,
    /// Whether the permissions are those of `driftctl revert`, which also writes.
    pub is_for_revert: bool,
}

impl Examination {
    /// Returns the checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Check> {
        let failed = |check: &&Check| check.state == CheckState::Failed;
        self.checks.iter().filter(failed)
    }

    /// Returns whether every check passed.
    pub fn is_ready(&self) -> bool {
        self.failed().next().is_none()
    }
}
