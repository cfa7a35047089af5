//! What must hold for a policy to change an object, beyond what it matches.

use serde_json::{Value, json};

use super::{AdmittedObject, PolicyExplainer};
use crate::admission::{
    PolicyInput, PolicyMatch, RuleResult, applies, cel_conditions, kyverno_conditions, run, stored,
};
use crate::policy::{JqFailure, RuleSet};
use crate::schema::Schema;

/// What must hold for a policy to change an object.
#[derive(Debug, Clone)]
pub enum MutationCondition {
    /// Nothing.
    None,
    /// These conditions, as a policy that passes if they hold.
    Policy(Value),
    /// Something that is not known here.
    Unknown,
}

impl MutationCondition {
    /// Returns the condition of a policy with CEL expressions.
    pub fn of_cel(policy: &Value) -> Self {
        cel_conditions(policy).map_or(Self::None, Self::Policy)
    }

    /// Returns the condition of a rule of a Kyverno policy.
    pub fn of_kyverno(policy: &Value, rule: usize) -> Self {
        Self::Policy(kyverno_conditions(policy, rule))
    }

    /// Returns whether the labels of namespaces may decide.
    pub fn needs_labels_of_namespaces(&self) -> bool {
        match self {
            Self::Policy(policy) => {
                let text = policy.to_string();
                text.contains("namespaceSelector") || text.contains("namespaceObject")
            }
            Self::None | Self::Unknown => false,
        }
    }
}

impl PolicyExplainer {
    /// Returns whether a condition holds for an object: as it is declared, or as it is live.
    pub(super) fn applies(
        &self,
        condition: &MutationCondition,
        object: AdmittedObject<'_>,
        schema: &Schema,
    ) -> PolicyMatch {
        let conditions = match condition {
            MutationCondition::None => return PolicyMatch::Yes,
            MutationCondition::Unknown => return PolicyMatch::Unknown,
            MutationCondition::Policy(conditions) => conditions,
        };
        let name = object.key.namespace.as_deref();
        let labels = name.and_then(|name| self.namespaces.get(name));
        let namespace = labels.map(|labels| {
            json!({"apiVersion": "v1", "kind": "Namespace",
                "metadata": {"name": name, "labels": labels}})
        });
        let evaluate = |policy: &str, input: &Value| answers(&self.rules, policy, input);
        let declared = stored(schema, object.declared);
        let states = [declared.as_ref().unwrap_or(object.declared), object.live];
        let mut found = PolicyMatch::No;
        for state in states {
            let subject = PolicyInput {
                key: object.key,
                api_version: object.api_version,
                plural: Some(object.plural),
                object: state,
                old: None,
                subresource: "",
                user: None,
            };
            match applies(conditions, subject, namespace.as_ref(), &evaluate) {
                PolicyMatch::Yes => return PolicyMatch::Yes,
                PolicyMatch::Unknown => found = PolicyMatch::Unknown,
                PolicyMatch::No => {}
            }
        }
        found
    }
}

/// Evaluates a policy, in a process that can be stopped if the run has one.
fn answers(rules: &RuleSet, policy: &str, input: &Value) -> Result<Vec<RuleResult>, String> {
    let answer = rules.evaluate(policy, input).unwrap_or_else(|| {
        Ok(serde_json::from_str(&run(policy, &input.to_string())).unwrap_or_default())
    });
    let answer = answer.map_err(|failure| match failure {
        JqFailure::Unfit => "it fails on this object".to_owned(),
        JqFailure::Broken(why) => why,
    })?;
    serde_json::from_value(answer).map_err(|error| error.to_string())
}
