//! Explains objects that controllers and the system create, as listed under `ignoreExtra` in the
//! built-in rules.

use serde_json::Value;

use super::owners::Owners;
use crate::cluster::LiveObject;
use crate::judge::{Explainer, ExplainerInput, Knowledge, ObjectExplainer};
use crate::model::{Explanation, Ownership};
use crate::policy::{RuleSet, explains_extra};

/// The built-in rule for objects that the controller of their owner created.
pub const OWNED: &str = "owned";

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
        let holds = |rule: &str| match rule {
            OWNED => self.made(object, value),
            "endpoints" => self.are_endpoints_of_a_service(object),
            // A Helm hook counts only beside a release.
            "helm-hooks" | "helm-hooks-of-nobody" => self.is_hook(object, value, rules),
            "service-account-tokens" => self.is_listed_token(object),
            _ => true,
        };
        let rule = explains_extra(rules, &object.key, value, ownership, holds)?;
        Some(ObjectExplainer {
            explanation: Explanation::ControllerOwned,
            by: rule.id.clone(),
            about: rule.reason.clone(),
        })
    }
}
