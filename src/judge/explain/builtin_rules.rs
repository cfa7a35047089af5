//! Explains objects that controllers and the system create, as listed under `ignoreExtra` in the
//! built-in rules.

use serde_json::Value;

use super::owners::{Owners, is_critical, is_release};
use crate::cluster::LiveObject;
use crate::judge::{Explainer, ExplainerInput, Knowledge, ObjectExplainer};
use crate::model::{Explanation, GroupKind, Ownership};
use crate::policy::{RuleSet, explains_extra};

/// The built-in rule for objects that the controller of their owner created.
pub const OWNED: &str = "owned";

/// How the names of the rules begin for what the API server creates at start.
const BOOTSTRAP: &str = "bootstrap-";

/// Explains undeclared objects by the built-in rules.
pub struct BuiltInExtras;

impl Explainer for BuiltInExtras {
    fn id(&self) -> &'static str {
        "built-in-extras"
    }

    fn about(&self) -> &'static str {
        "Controllers and the system create objects that no manifest declares."
    }

    fn learn(&self, run: &ExplainerInput<'_>) -> Option<Box<dyn Knowledge>> {
        let is_needed = !run.fetched.extra.is_empty();
        is_needed.then(|| Box::new(Owners::of(run)) as _)
    }
}

impl Knowledge for Owners {
    fn undeclared(
        &self,
        object: &LiveObject,
        value: &Value,
        ownership: &Ownership,
        rules: &RuleSet,
    ) -> Option<ObjectExplainer> {
        // A name, a label or an annotation proves nothing about what is critical, such as the cloud
        // identity of a ServiceAccount.
        let is_harmless = || !is_critical(object, value, rules);
        let holds = |rule: &str| match rule {
            OWNED => self.made(object, value, ownership, rules),
            "endpoints" => self.are_endpoints_of_a_service(object),
            // A Helm hook counts only beside a release.
            "helm-hooks" | "helm-hooks-of-nobody" => {
                is_harmless() && self.is_hook(object, value, rules)
            }
            "helm-releases" | "helm-release-maps" => is_release(object, value),
            "service-account-tokens" => self.is_listed_token(object, value),
            rule if rule.starts_with(BOOTSTRAP) => self.is_of_api_server(object, value),
            _ => is_harmless(),
        };
        let rule = explains_extra(rules, &object.key, value, ownership, holds)?;
        Some(ObjectExplainer {
            explanation: Explanation::ControllerOwned,
            by: rule.id.clone(),
            about: rule.reason.clone(),
        })
    }

    fn unproven_owner(&self, object: &LiveObject, value: &Value) -> Option<GroupKind> {
        self.custom_owner(object, value)
    }
}
