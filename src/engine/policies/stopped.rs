//! Finds out why a change that violates a policy was not stopped.

use jiff::Timestamp;
use serde_json::Value;

use crate::admission::{Policies, PolicyResults, RequestUser};
use crate::model::{Enforcement, JudgedChange, Violation, text_at};

/// Returns the reason, if known. `ask` evaluates the policies on the live object, for a write to a
/// subresource or by a user.
pub fn why_not(
    policies: &Policies,
    violation: &Violation,
    drift: &JudgedChange,
    ask: impl Fn(&Policies, &'static str, Option<&RequestUser>) -> Option<PolicyResults>,
) -> Option<String> {
    if violation.enforcement != Enforcement::Deny {
        let who = match violation.binding {
            Some(_) => "its binding",
            None => "the policy",
        };
        return Some(format!("{who} does not refuse"));
    }
    let owner = drift.owners.first()?;
    let is_of =
        |other: &Violation| other.policy == violation.policy && other.binding == violation.binding;
    let name = violation.policy.split('"').nth(1)?;
    if owner.subresource.as_deref() == Some("scale") {
        let scaled = ask(&policies.only(name), "scale", None)?;
        if scaled.violations.is_empty() && scaled.passed == 0 {
            return Some(
                "it was scaled, and the policy does not match the subresource scale".to_owned(),
            );
        }
    }
    let parts = policies
        .policies()
        .filter(|one| text_at(one, "/metadata/name") == Some(name));
    let of_parts = parts.flat_map(|policy| {
        let binding = policies.bindings_of(policy).into_iter();
        let binding = binding
            .filter(|one| text_at(one, "/metadata/name") == violation.binding.as_deref())
            .filter_map(|one| created(&one));
        created(policy)
            .into_iter()
            .chain(binding)
            .collect::<Vec<_>>()
    });
    let written: Option<Timestamp> = owner.time.as_deref().and_then(|time| time.parse().ok());
    if let (Some(in_force), Some(written)) = (of_parts.max(), written)
        && in_force > written
    {
        return Some(format!(
            "the policy has been in force only since {in_force}, and {} last wrote at {written}",
            owner.manager
        ));
    }
    if let Some(user) = &owner.user {
        let by_user = ask(policies, "", Some(&RequestUser::named(user)))?;
        if !by_user.violations.iter().any(is_of) {
            return Some(format!("its match conditions exclude {user}"));
        }
    }
    None
}

fn created(object: &Value) -> Option<Timestamp> {
    text_at(object, "/metadata/creationTimestamp")?.parse().ok()
}
