//! Explains what the operators of Istio, Knative and Tekton keep in their own webhooks besides the
//! certificate.
//!
//! istiod lets its validation fail closed once it serves (`failurePolicy: Fail`), and the webhooks of
//! Knative fill in their rules, their path and the namespaces that opt out
//! (`knative.dev/pkg/webhook`). A field manager's name proves little, so the operator must also hold the
//! webhook's certificate, and only changes that do not let requests past the webhook are explained.

use serde_json::{Value, json};

use super::explain_controller_owned;
use crate::compare::{ComparisonInput, Difference};
use crate::judge::{Explainer, ExplainerInput, Knowledge};
use crate::model::{ChangeKind, FieldPath, PathElement, ResourceKey};

/// The field managers of the operators.
const MANAGERS: [&str; 3] = ["istiod", "pilot-discovery", "webhook"];

/// Explains what operators keep in their own webhooks.
pub struct WebhookOperators;

impl Explainer for WebhookOperators {
    fn id(&self) -> &'static str {
        "webhook-operators"
    }

    fn about(&self) -> &'static str {
        "Istio, Knative and Tekton complete their own webhooks."
    }

    fn learn(&self, run: &ExplainerInput<'_>) -> Option<Box<dyn Knowledge>> {
        let mut webhooks = run.declared.iter().filter(|one| is_webhooks(&one.key));
        webhooks.next()?;
        Some(Box::new(Self))
    }
}

impl Knowledge for WebhookOperators {
    fn review(
        &self,
        key: &ResourceKey,
        subject: &ComparisonInput<'_>,
        mut findings: Vec<Difference>,
    ) -> Vec<Difference> {
        if is_webhooks(key) {
            explain_controller_owned(&mut findings, |finding| {
                is_kept(finding).is_some_and(|webhook| {
                    let holders = holders_of_certificate(subject, webhook);
                    let owners = &finding.owners;
                    !owners.is_empty()
                        && owners.iter().all(|owner| {
                            let manager = owner.manager.as_str();
                            MANAGERS.contains(&manager) && holders.contains(&manager)
                        })
                })
            });
        }
        findings
    }
}

fn is_webhooks(key: &ResourceKey) -> bool {
    key.group == "admissionregistration.k8s.io" && key.kind.ends_with("WebhookConfiguration")
}

/// Returns the field managers that own the certificate of the webhook at a path.
fn holders_of_certificate<'s>(
    subject: &ComparisonInput<'s>,
    webhook: &[PathElement],
) -> Vec<&'s str> {
    let certificate = FieldPath::of_fields(&["clientConfig", "caBundle"]);
    let path = FieldPath([webhook, &certificate.0].concat());
    let owners = subject.ownership.owners_of(&path, path.0.len());
    owners.iter().map(|owner| owner.manager.as_str()).collect()
}

/// Returns the path of the webhook if the operator keeps the changed field as it is live.
fn is_kept(finding: &Difference) -> Option<&[PathElement]> {
    let (webhook, field) = finding.change.path.0.split_at_checked(2)?;
    let field: Option<Vec<&str>> = field.iter().map(name_of).collect();
    let (declared, live) = (&finding.change.declared, finding.change.live.as_ref()?);
    let is_kept = match (field?.as_slice(), finding.change.kind) {
        (["failurePolicy"], ChangeKind::Modified) => {
            *declared == Some(json!("Ignore")) && live == "Fail"
        }
        (["rules"] | ["clientConfig", "service", "path"], ChangeKind::Added) => true,
        (["namespaceSelector"], ChangeKind::Added) => {
            *live == json!({"matchExpressions": opted_out()})
        }
        (["namespaceSelector", "matchExpressions"], ChangeKind::Added) => *live == opted_out(),
        _ => false,
    };
    is_kept.then_some(webhook)
}

fn name_of(step: &PathElement) -> Option<&str> {
    match step {
        PathElement::Field(name) => Some(name),
        _ => None,
    }
}

/// Returns the requirement that leaves out the namespaces which opt out of Knative's webhooks.
fn opted_out() -> Value {
    json!([{"key": "webhooks.knative.dev/exclude", "operator": "DoesNotExist"}])
}
