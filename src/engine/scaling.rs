//! Replicas that an autoscaler decides about.

use std::collections::BTreeMap;

use serde_json::Value;

use super::object;
use crate::cluster::{Answer, Fetched, Live};
use crate::model::{Drift, Explanation, FieldPath, Manifest, ObjectReport, Owner, Verdict};
use crate::policy::glob;

/// Who scales on an autoscaler's behalf (`scale` subresource, or nobody after server-side apply).
const SCALERS: &[&str] = &[
    "kube-controller-manager",
    "horizontal-pod-autoscaler",
    "keda-*",
    "vpa-*",
];

/// An autoscaler's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limits {
    min: u64,
    max: u64,
}

/// `(namespace, kind, name)` of a scaled object.
type Scaled = (String, String, String);

/// Explains replicas within the limits of an autoscaler that targets the object, and says so
/// where they are outside.
pub fn explain(
    objects: &mut [ObjectReport],
    manifests: &[Manifest],
    fetched: &Fetched,
    live: &dyn Live,
) {
    let mut limits: BTreeMap<Scaled, Limits> = BTreeMap::new();
    for manifest in manifests.iter().filter(|manifest| scales(&manifest.kind)) {
        limits.extend(limits_of(&manifest.value()));
    }
    let found = fetched.answers.values().filter_map(|answer| match answer {
        Answer::Found(object) => Some(object),
        _ => None,
    });
    let scalers = found
        .chain(&fetched.extra)
        .filter(|object| scales(&object.key.kind));
    for autoscaler in scalers {
        limits.extend(autoscaler.value().ok().as_ref().and_then(limits_of));
    }
    let mut asked: BTreeMap<String, ()> = BTreeMap::new();
    for object in objects {
        let Some(namespace) = object.key.namespace.clone() else {
            continue;
        };
        if !object.drifts.iter().any(is_undecided) {
            continue;
        }
        let scaled = (
            namespace.clone(),
            object.key.kind.clone(),
            object.key.name.clone(),
        );
        if !limits.contains_key(&scaled) && asked.insert(namespace.clone(), ()).is_none() {
            let related = live.related("autoscaling/v2", "HorizontalPodAutoscaler", &namespace);
            limits.extend(related.iter().flatten().filter_map(limits_of));
        }
        if let Some(limits) = limits.get(&scaled) {
            object
                .drifts
                .iter_mut()
                .for_each(|drift| settle(drift, *limits));
            object::settle(object);
        }
    }
}

/// Whether objects of a kind are autoscalers.
fn scales(kind: &str) -> bool {
    matches!(kind, "HorizontalPodAutoscaler" | "ScaledObject")
}

/// What an autoscaler targets and allows: a HorizontalPodAutoscaler (`autoscaling/v1`, `v2`), or
/// KEDA's ScaledObject, whose defaults are 0 and 100.
fn limits_of(object: &Value) -> Option<(Scaled, Limits)> {
    let number = |field: &str| object.pointer(field).and_then(Value::as_u64);
    let text = |field: &str| {
        object
            .pointer(field)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let limits = match object.get("kind")?.as_str()? {
        "HorizontalPodAutoscaler" => Limits {
            min: number("/spec/minReplicas").unwrap_or(1),
            max: number("/spec/maxReplicas")?,
        },
        "ScaledObject" => Limits {
            min: number("/spec/minReplicaCount").unwrap_or(0),
            max: number("/spec/maxReplicaCount").unwrap_or(100),
        },
        _ => return None,
    };
    let scaled = (
        text("/metadata/namespace").unwrap_or_else(|| "default".to_owned()),
        text("/spec/scaleTargetRef/kind").unwrap_or_else(|| "Deployment".to_owned()),
        text("/spec/scaleTargetRef/name")?,
    );
    Some((scaled, limits))
}

/// Whether a change is about replicas that no person holds.
fn is_undecided(drift: &Drift) -> bool {
    let is_machine = |owner: &Owner| SCALERS.iter().any(|scaler| glob(scaler, &owner.manager));
    let by_rule = matches!(&drift.verdict, Verdict::Explained { rule: Some(rule), .. } if rule == "autoscaler-replicas");
    drift.change.path == FieldPath::of_fields(&["spec", "replicas"])
        && (by_rule || drift.is_reported())
        && drift.owners.iter().all(is_machine)
}

fn settle(drift: &mut Drift, limits: Limits) {
    if !is_undecided(drift) {
        return;
    }
    let Some(replicas) = drift.change.live.as_ref().and_then(Value::as_u64) else {
        return;
    };
    if (limits.min..=limits.max).contains(&replicas) {
        drift.verdict = Verdict::Explained {
            by: Explanation::ControllerOwned,
            rule: Some("autoscaler-replicas".to_owned()),
        };
    } else {
        drift.verdict = Verdict::Reported;
        drift.note = Some(format!(
            "outside its autoscaler's limits, {} to {}",
            limits.min, limits.max
        ));
    }
}
