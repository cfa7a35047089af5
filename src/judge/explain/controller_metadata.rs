//! Explains finalizers and annotations that the controller of an object keeps on it, undeclared
//! replicas that it sets, and empty values that it adds when it writes the object back.
//!
//! Operators set `finalizer.keda.sh` on ScaledObjects, `finalizers.fluxcd.io` on Kustomizations,
//! `karpenter.sh/nodepool-hash` on NodePools. A field manager's name proves nothing, but a manager
//! that writes an object's status is its controller. Only finalizers are explained, annotations in
//! the domain of a custom resource's API group, and the replicas of a custom resource that declares
//! none (Numaflow scales its vertices itself), unless they are zero: any other change by the
//! controller is drift. A controller written in Go that updates the whole resource also writes empty
//! structs that the manifest leaves out (`elasticsearchRef: {}` of a Kibana), which mean nothing.

use std::collections::HashSet;

use serde_json::Value;

use crate::compare::{ComparisonInput, Difference};
use crate::judge::{Explainer, ExplainerInput, Knowledge};
use crate::model::{ChangeKind, Explanation, Operation, Owner, PathElement, ResourceKey};
use crate::schema::Schema;

/// Domains that many projects share, so that they prove nothing.
const SHARED: &[&str] = &["k8s.io", "x-k8s.io", "kubernetes.io"];

/// Explains finalizers and annotations of an object's controller.
pub struct ControllerMetadata;

impl Explainer for ControllerMetadata {
    fn id(&self) -> &'static str {
        "keepers"
    }

    fn about(&self) -> &'static str {
        "The controller that writes an object's status also keeps finalizers and annotations on it, scales it, and writes empty values back."
    }

    fn learn(&self, _: &ExplainerInput<'_>) -> Option<Box<dyn Knowledge>> {
        Some(Box::new(Self))
    }
}

impl Knowledge for ControllerMetadata {
    fn review(
        &self,
        key: &ResourceKey,
        subject: &ComparisonInput<'_>,
        mut findings: Vec<Difference>,
    ) -> Vec<Difference> {
        let mut reporters = None;
        for finding in &mut findings {
            if finding.reason.is_some() || !is_of_controller(key, subject, finding) {
                continue;
            }
            let reporters = reporters.get_or_insert_with(|| reporters_of(subject));
            let reports = |owner: &Owner| {
                owner.operation == Operation::Update && reporters.contains(owner.manager.as_str())
            };
            if !finding.owners.is_empty() && finding.owners.iter().all(reports) {
                finding.reason = Some(Explanation::ControllerOwned.into());
                finding.cause = None;
            }
        }
        findings
    }
}

/// Returns whether an addition is a finalizer, an annotation in the domain of the object's API group,
/// or the replicas or an empty value of a custom resource.
fn is_of_controller(
    key: &ResourceKey,
    subject: &ComparisonInput<'_>,
    finding: &Difference,
) -> bool {
    if finding.change.kind != ChangeKind::Added {
        return false;
    }
    let path = finding.change.path.0.as_slice();
    match path {
        [
            PathElement::Field(metadata),
            PathElement::Field(field),
            rest @ ..,
        ] if metadata == "metadata" => match (field.as_str(), rest) {
            ("finalizers", _) => true,
            ("annotations" | "labels", [PathElement::Field(name)]) => {
                is_of_group(key, subject, name)
            }
            ("annotations" | "labels", []) => {
                let all = finding.change.live.as_ref().and_then(Value::as_object);
                all.is_some_and(|all| all.keys().all(|name| is_of_group(key, subject, name)))
            }
            _ => false,
        },
        [PathElement::Field(spec), PathElement::Field(replicas)]
            if spec == "spec" && replicas == "replicas" =>
        {
            let live = finding.change.live.as_ref().and_then(Value::as_u64);
            live.is_some_and(|live| live > 0) && !is_builtin(key, subject)
        }
        [PathElement::Field(spec), fields @ ..] if spec == "spec" => {
            let by_name = |step: &PathElement| matches!(step, PathElement::Field(_));
            let is_empty = finding.change.live.as_ref().is_some_and(is_empty);
            is_empty && fields.iter().all(by_name) && !is_builtin(key, subject)
        }
        _ => false,
    }
}

/// Returns whether a value has no content at any depth.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn is_builtin(key: &ResourceKey, subject: &ComparisonInput<'_>) -> bool {
    let version = subject.live.get("apiVersion").and_then(Value::as_str);
    version.is_some_and(|version| Schema::builtin().kind(version, &key.kind).is_some())
}

/// Returns whether an annotation is in the domain of a custom resource's API group.
fn is_of_group(key: &ResourceKey, subject: &ComparisonInput<'_>, name: &str) -> bool {
    let Some((domain, _)) = name.split_once('/') else {
        return false;
    };
    let group = key.group.as_str();
    let is_own = registered(domain).is_some_and(|own| registered(group) == Some(own));
    !is_builtin(key, subject) && (domain == group || is_own)
}

/// Returns the last two labels of a domain; `None` for a shared domain.
fn registered(domain: &str) -> Option<&str> {
    let (rest, _) = domain.rsplit_once('.')?;
    let start = rest.rfind('.').map_or(0, |dot| dot + 1);
    let registered = domain.get(start..)?;
    (!SHARED.contains(&registered)).then_some(registered)
}

/// Returns the managers that write the object's status, without those of kubectl, because `kubectl
/// edit --subresource=status` is a person's edit.
fn reporters_of<'s>(subject: &ComparisonInput<'s>) -> HashSet<&'s str> {
    let entries = subject.ownership.entries.iter();
    let reporting = entries.filter(|entry| entry.fields.fields.contains_key("status"));
    let managers = reporting.map(|entry| entry.owner.manager.as_str());
    managers
        .filter(|manager| !manager.starts_with("kubectl"))
        .collect()
}
