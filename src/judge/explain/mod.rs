//! Explainers: knowledge about software that changes and creates objects, one file each.
//!
//! A new explainer is a file here and a line in [`EXPLAINERS`]. If a path and its owners are enough
//! to decide, write a rule in `policy/builtin.yaml` instead.

mod account_secrets;
mod admission;
mod aggregation;
mod autopilot;
mod autoscaler;
mod bootstrap;
mod builtin_rules;
mod certificates;
mod claims;
mod classes;
mod controller_metadata;
mod default_roles;
mod definitions;
mod deployed;
mod enforcer;
mod finished_jobs;
mod generated;
mod not_stored;
mod owners;
pub mod policies;
mod prediction;
pub mod prevalent;
mod rollouts;
mod twins;
mod webhook_operators;

pub use autoscaler::autoscaler_of;
pub use builtin_rules::OWNED;
pub use deployed::{ListedObject, all_of_kind, listed_by_application, listed_by_inventory};
pub use generated::GENERATED;

use super::Explainer;
use crate::compare::Difference;
use crate::model::Explanation;

/// Every explainer, in the order in which they run.
pub const EXPLAINERS: &[&dyn Explainer] = &[
    &admission::AdmissionPlugins,
    &classes::DefaultClasses,
    &aggregation::AggregatedRoles,
    &prediction::ServerDryRun,
    &autoscaler::Autoscalers,
    &controller_metadata::ControllerMetadata,
    &rollouts::Rollouts,
    &definitions::OtherDefinitions,
    &enforcer::AksEnforcer,
    &autopilot::Autopilot,
    &account_secrets::AccountSecrets,
    &certificates::Certificates,
    &webhook_operators::WebhookOperators,
    &not_stored::NotStored,
    &policies::AdmissionPolicies,
    &prevalent::PrevalentValues,
    &twins::TwinGroups,
    &claims::StatefulSetClaims,
    &generated::GeneratedObjects,
    &builtin_rules::BuiltInExtras,
    &finished_jobs::FinishedJobs,
];

/// Explains the differences that a controller made, if nothing else explains them.
fn explain_controller_owned(findings: &mut [Difference], is_its: impl Fn(&Difference) -> bool) {
    for finding in findings {
        if finding.reason.is_none() && is_its(finding) {
            finding.reason = Some(Explanation::ControllerOwned.into());
            finding.cause = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::RuleSet;

    #[test]
    fn every_explainer_has_a_unique_id_and_a_description() {
        let mut ids: Vec<&str> = EXPLAINERS.iter().map(|one| one.id()).collect();
        ids.extend(RuleSet::switchable());
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "an id twice");
        assert!(EXPLAINERS.iter().all(|one| one.about().ends_with('.')));
    }
}
