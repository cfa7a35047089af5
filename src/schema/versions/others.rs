//! Converts kinds with few changes.

use serde_json::{Map, Value, json};

use super::{object_at, objects_in, set_default, take};

/// Converts a workload: before `apps/v1`, a missing selector meant the template's labels. Removes
/// fields that `apps/v1` does not have.
pub(super) fn workload(fields: &mut Map<String, Value>) -> Option<()> {
    let Some(spec) = object_at(fields, &["spec"]) else {
        return Some(());
    };
    drop((take(spec, "rollbackTo"), take(spec, "templateGeneration")));
    let template = spec.get("template");
    let labels = template.and_then(|template| template.pointer("/metadata/labels"));
    if let Some(labels) = labels
        .filter(|labels| !super::super::is_empty(labels))
        .cloned()
    {
        set_default(spec, "selector", json!({"matchLabels": labels}));
    }
    Some(())
}

/// Converts a PodDisruptionBudget: the empty selector selects nothing in `v1beta1` and everything
/// in `v1`.
pub(super) fn disruption_budget(fields: &mut Map<String, Value>) -> Option<()> {
    let selector = object_at(fields, &["spec", "selector"]);
    let is_blank =
        |selector: &mut Map<String, Value>| selector.values().all(super::super::is_empty);
    (!selector.is_some_and(is_blank)).then_some(())
}

/// Converts a webhook configuration: by default, `v1beta1` ignored failures of a webhook, and had a
/// longer timeout.
pub(super) fn webhooks(fields: &mut Map<String, Value>) -> Option<()> {
    for webhook in objects_in(fields, "webhooks") {
        set_default(webhook, "admissionReviewVersions", json!(["v1beta1"]));
        set_default(webhook, "failurePolicy", json!("Ignore"));
        set_default(webhook, "matchPolicy", json!("Exact"));
        set_default(webhook, "sideEffects", json!("Unknown"));
        set_default(webhook, "timeoutSeconds", json!(30));
    }
    Some(())
}

/// Converts a CertificateSigningRequest: `v1` has no default signer.
pub(super) fn signing_request(fields: &mut Map<String, Value>) -> Option<()> {
    let signer = object_at(fields, &["spec"])?.get("signerName")?;
    signer.is_string().then_some(())
}

/// Converts a PriorityLevelConfiguration: the shares of a limited level were renamed in `v1beta3`.
pub(super) fn flow_control(fields: &mut Map<String, Value>) -> Option<()> {
    if let Some(limited) = object_at(fields, &["spec", "limited"]) {
        super::rename(
            limited,
            "assuredConcurrencyShares",
            "nominalConcurrencyShares",
        );
    }
    Some(())
}

/// Converts a ResourceClaim: since `v1beta2`, a request for devices is under `exactly`, beside the
/// list of alternatives.
pub(super) fn resource_claim(fields: &mut Map<String, Value>) -> Option<()> {
    for path in [&["spec", "devices"][..], &["spec", "spec", "devices"]] {
        let Some(devices) = object_at(fields, path) else {
            continue;
        };
        for request in objects_in(devices, "requests") {
            let name = request.remove("name");
            let alternatives = take(request, "firstAvailable");
            let exactly = std::mem::take(request);
            request.extend(name.map(|name| ("name".to_owned(), name)));
            request.extend(alternatives.map(|list| ("firstAvailable".to_owned(), list)));
            if !exactly.is_empty() {
                request.insert("exactly".to_owned(), Value::Object(exactly));
            }
        }
    }
    Some(())
}
