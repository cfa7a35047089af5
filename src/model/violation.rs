//! What an admission policy says about an object.

use super::{Packed, Position};

/// What a policy does about an object that violates it. The set is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Enforcement {
    /// The server refused the object, in a dry run.
    Denied,
    /// The policy would refuse it.
    Deny,
    /// The policy would admit it with a warning.
    Warn,
    /// The policy would admit it and write to the audit log or to a report.
    Audit,
    /// The policy could not be evaluated, so that nothing is known.
    Cannot,
}

impl Enforcement {
    /// Every value.
    pub const ALL: [Self; 5] = [
        Self::Denied,
        Self::Deny,
        Self::Warn,
        Self::Audit,
        Self::Cannot,
    ];

    /// Returns the word that documents use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Deny => "deny",
            Self::Warn => "warn",
            Self::Audit => "audit",
            Self::Cannot => "cannot",
        }
    }

    /// Returns whether the object is refused.
    pub fn refuses(self) -> bool {
        matches!(self, Self::Denied | Self::Deny)
    }
}

/// A policy, webhook or quota that is against an object, or that could not be evaluated.
#[derive(Debug, Clone)]
pub struct Violation {
    /// What is done about it.
    pub enforcement: Enforcement,
    /// Which policy, with its kind: `ValidatingAdmissionPolicy prod-guardrails`.
    pub policy: String,
    /// The binding that puts it in force.
    pub binding: Option<String>,
    /// Which of its rules.
    pub rule: Option<String>,
    /// What it says, or why it could not be evaluated.
    pub message: Option<String>,
    /// The field that the rule is about, in the manifest.
    pub position: Option<Position>,
    /// What else there is to say, such as why it was not stopped.
    pub note: Option<String>,
    /// The live object, which the message may quote: redaction looks for its secrets there.
    pub quoted: Option<Packed>,
}

impl Violation {
    /// Starts one of which no more is known than who it is.
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
