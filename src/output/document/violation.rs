//! Results of policies as data.

use schemars::JsonSchema;
use serde::Serialize;

use super::words;
use crate::model::{Enforcement, Violation};

/// A policy that an object violates, or that could not be evaluated.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ViolationDocument<'r> {
    /// What is done about it: `denied` (the server refused the object in a dry run), `deny` (the
    /// policy would refuse it), `warn`, `audit`, or `cannot` (the policy could not be evaluated).
    #[schemars(extend("enum" = words::<Enforcement>()))]
    action: &'static str,
    /// The policy, webhook or quota, with its kind.
    policy: &'r str,
    /// The binding that applies a ValidatingAdmissionPolicy.
    #[serde(skip_serializing_if = "Option::is_none")]
    binding: Option<&'r str>,
    /// The rule in the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'r str>,
    /// The policy's message, or why it could not be evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'r str>,
    /// The line in the manifest of the field that the rule is about, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// Its column, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// A note, such as why the policy did not block it.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'r str>,
}

impl<'r> ViolationDocument<'r> {
    pub(super) fn of(violation: &'r Violation) -> Self {
        Self {
            action: violation.enforcement.as_str(),
            policy: &violation.policy,
            binding: violation.binding.as_deref(),
            rule: violation.rule.as_deref(),
            message: violation.message.as_deref(),
            line: violation.position.map(|position| position.line),
            column: violation.position.map(|position| position.column),
            note: violation.note.as_deref(),
        }
    }
}
