//! The result of evaluating an admission policy for an object.

use strum::{IntoStaticStr, VariantArray};

use super::{PackedObject, Position};

/// The action of a policy on an object that violates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Enforcement {
    /// The server refused the object in a dry run.
    Denied,
    /// The policy would refuse it.
    Deny,
    /// The policy would admit it with a warning.
    Warn,
    /// The policy would admit it and write to the audit log or to a report.
    Audit,
    /// The policy could not be evaluated.
    Cannot,
}

impl Enforcement {
    /// Returns the word for JSON documents.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns whether the object is refused.
    pub fn refuses(self) -> bool {
        matches!(self, Self::Denied | Self::Deny)
    }
}

/// A policy, webhook or quota that an object violates, or that could not be evaluated.
#[derive(Debug, Clone)]
pub struct Violation {
    /// What the policy does about it.
    pub enforcement: Enforcement,
    /// The policy, with its kind: `ValidatingAdmissionPolicy prod-guardrails`.
    pub policy: String,
    /// The policy's binding.
    pub binding: Option<String>,
    /// The rule of the policy.
    pub rule: Option<String>,
    /// The policy's message, or why it could not be evaluated.
    pub message: Option<String>,
    /// The position of the field that the rule is about, in the manifest.
    pub position: Option<Position>,
    /// A note, such as why the change was not stopped.
    pub note: Option<String>,
    /// The live object, if the message may quote it: redaction searches it for secrets.
    pub quoted: Option<PackedObject>,
}

impl Violation {
    /// Returns a violation of which only the policy is known.
    pub fn of(enforcement: Enforcement, policy: impl Into<String>) -> Self {
        Self {
            enforcement,
            policy: policy.into(),
            binding: None,
            rule: None,
            message: None,
            position: None,
            note: None,
            quoted: None,
        }
    }
}
