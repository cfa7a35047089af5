//! Explains requirements that the admissions enforcer of AKS adds to the selectors of webhooks, so
//! that no webhook can stop the managed parts of the cluster.
//!
//! A field manager's name proves nothing, because clients choose it. So the selector must be the
//! declared one with only the requirements that the enforcer is known to add.

use serde_json::{Value, json};

use super::explain_controller_owned;
use crate::compare::{ComparisonInput, Difference};
use crate::judge::{Explainer, ExplainerInput, Knowledge};
use crate::model::{ChangeKind, PathElement, ResourceKey};

/// The enforcer's field manager.
const MANAGER: &str = "admissionsenforcer";

/// Explains what the AKS admissions enforcer adds.
pub struct AksEnforcer;

impl Explainer for AksEnforcer {
    fn id(&self) -> &'static str {
        "aks-admissions-enforcer"
    }

    fn about(&self) -> &'static str {
        "AKS exempts its own namespaces from every webhook."
    }

    fn learn(&self, run: &ExplainerInput<'_>) -> Option<Box<dyn Knowledge>> {
        let mut webhooks = run.declared.iter().filter(|one| is_webhooks(&one.key));
        webhooks.next()?;
        Some(Box::new(Self))
    }
}

impl Knowledge for AksEnforcer {
    fn review(
        &self,
        key: &ResourceKey,
        _: &ComparisonInput<'_>,
        mut findings: Vec<Difference>,
    ) -> Vec<Difference> {
        if is_webhooks(key) {
            explain_controller_owned(&mut findings, |finding| {
                let owners = &finding.owners;
                let is_its =
                    !owners.is_empty() && owners.iter().all(|owner| owner.manager == MANAGER);
                is_its && is_exemption(finding)
            });
        }
        findings
    }
}

fn is_webhooks(key: &ResourceKey) -> bool {
    key.group == "admissionregistration.k8s.io" && key.kind.ends_with("WebhookConfiguration")
}

/// Returns whether only the known requirements were added to a namespace selector.
fn is_exemption(finding: &Difference) -> bool {
    let field = |step: Option<&PathElement>, name: &str| match step {
        Some(PathElement::Field(field)) => field == name,
        _ => false,
    };
    let path = finding.change.path.0.as_slice();
    let (last, before) = (path.last(), path.iter().rev().nth(1));
    let of_selector = |selector: Option<&Value>| {
        let selector = selector.and_then(Value::as_object)?;
        let all = selector.get("matchExpressions")?.as_array()?.clone();
        (selector.len() == 1).then_some(all)
    };
    let listed = |list: Option<&Value>| list.and_then(Value::as_array).cloned();
    let change = &finding.change;
    let (declared, live) = if field(last, "namespaceSelector") && change.kind == ChangeKind::Added {
        (None, of_selector(change.live.as_ref()))
    } else if field(last, "matchExpressions") && field(before, "namespaceSelector") {
        (
            listed(change.declared.as_ref()),
            listed(change.live.as_ref()),
        )
    } else {
        return false;
    };
    let declared = declared.unwrap_or_default();
    let Some(added) = live
        .as_ref()
        .and_then(|live| live.strip_prefix(declared.as_slice()))
    else {
        return false;
    };
    let known = [
        json!({"key": "control-plane", "operator": "DoesNotExist"}),
        json!({"key": "control-plane", "operator": "NotIn", "values": ["true"]}),
        json!({"key": "kubernetes.azure.com/managedby", "operator": "NotIn", "values": ["aks"]}),
    ];
    !added.is_empty() && added.iter().all(|one| known.contains(one))
}
