//! Objects that controllers and the system make, as `ignoreExtra` of the built-in rules names them.

use serde_json::Value;

use crate::cluster::LiveObject;
use crate::judge::{Explained, Explainer, Knowledge, Run};
use crate::model::{Explanation, Ownership};
use crate::policy::{RuleSet, explains_extra};

/// See the module.
pub struct BuiltInExtras;

impl Explainer for BuiltInExtras {
    fn id(&self) -> &'static str {
        "built-in-extras"
    }

    fn about(&self) -> &'static str {
        "Controllers and the system make objects that nobody declares."
    }

    fn learn(&self, _: &Run<'_>) -> Option<Box<dyn Knowledge>> {
        Some(Box::new(Self))
    }
}

impl Knowledge for BuiltInExtras {
    fn undeclared(
        &self,
        object: &LiveObject,
        value: &Value,
        ownership: &Ownership,
        rules: &RuleSet,
    ) -> Option<Explained> {
        let rule = explains_extra(rules, &object.key, value, ownership)?;
        Some(Explained {
            explanation: Explanation::ControllerOwned,
            by: rule.id.clone(),
            about: rule.reason.clone(),
        })
    }
}
