//! Replicas that an autoscaler decides about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::object;
use crate::cluster::{Answer, Fetched, Live};
use crate::model::{Explanation, FieldPath, JudgedChange, Manifest, ObjectReport, Owner, Verdict};
use crate::policy::glob;

/// Who scales on an autoscaler's behalf (`scale` subresource, or nobody after server-side apply).
const SCALERS: &[&str] = &[
    "kube-controller-manager",
    "horizontal-pod-autoscaler",
    "keda-*",
    "vpa-*",
];

/// Kinds of autoscalers, and where to ask for them.
const AUTOSCALERS: [(&str, &str); 2] = [
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("keda.sh/v1alpha1", "ScaledObject"),
];

/// An autoscaler's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limits {
    min: u64,
    max: u64,
}

impl Limits {
    fn admit(self, replicas: &Value) -> bool {
        let replicas = replicas.as_u64();
        replicas.is_some_and(|replicas| (self.min..=self.max).contains(&replicas))
    }
}

/// `(namespace, kind, name)` of a scaled object.
type Scaled = (String, String, String);

/// Explains replicas within the limits of an autoscaler that targets the object, and says so
/// where they are outside.
pub fn explain(
    objects: &mut [ObjectReport],
    manifests: &[Arc<Manifest>],
    fetched: &Fetched,
    live: &dyn Live,
) {
    let mut limits = AllLimits::default();
    for manifest in manifests.iter().filter(|manifest| scales(&manifest.kind)) {
        limits.add(&manifest.value());
    }
    let found = fetched.answers.values().filter_map(|answer| match answer {
        Answer::Found(object) => Some(object),
        _ => None,
    });
    let scalers = found
        .chain(&fetched.extra)
        .filter(|object| scales(&object.key.kind));
    for autoscaler in scalers {
        if let Ok(autoscaler) = autoscaler.value() {
            limits.add(&autoscaler);
        }
    }
    let mut asked: BTreeSet<String> = BTreeSet::new();
    for object in objects {
        let Some(namespace) = object.key.namespace.clone() else {
            continue;
        };
        let replicas = object.drifts.iter().find(|drift| is_undecided(drift));
        let Some(replicas) = replicas.map(|drift| drift.change.live.clone()) else {
            continue;
        };
        let name = object.key.name.clone();
        let scaled = (namespace.clone(), object.key.kind.clone(), name);
        let is_within = |limits: Limits| replicas.as_ref().is_some_and(|live| limits.admit(live));
        if !limits.of(&scaled).is_some_and(is_within) && asked.insert(namespace.clone()) {
            let related = |(version, kind): (&str, &str)| live.related(version, kind, &namespace);
            let autoscalers = AUTOSCALERS.into_iter().filter_map(related).flatten();
            autoscalers.for_each(|autoscaler| limits.add(&autoscaler));
        }
        if let Some(limits) = limits.of(&scaled) {
            object
                .drifts
                .iter_mut()
                .for_each(|drift| settle(drift, limits));
            object::settle(object);
        }
    }
}

/// The limits of every scaled object.
#[derive(Debug, Default)]
struct AllLimits(BTreeMap<Scaled, Limits>);

impl AllLimits {
    /// Adds an autoscaler's. Where several target one object, each may have decided: KEDA scales
    /// to zero itself and leaves the rest to a HorizontalPodAutoscaler that it makes.
    fn add(&mut self, autoscaler: &Value) {
        if let Some((scaled, Limits { min, max })) = limits_of(autoscaler) {
            let all = self.0.entry(scaled).or_insert(Limits { min, max });
            all.min = all.min.min(min);
            all.max = all.max.max(max);
        }
    }

    fn of(&self, scaled: &Scaled) -> Option<Limits> {
        self.0.get(scaled).copied()
    }
}

/// Whether objects of a kind are autoscalers.
fn scales(kind: &str) -> bool {
    AUTOSCALERS.iter().any(|(_, scaler)| *scaler == kind)
}

/// What an autoscaler targets and allows: a HorizontalPodAutoscaler (`autoscaling/v1`, `v2`), or
/// KEDA's ScaledObject, whose defaults are 0 and 100, and which may idle below its minimum.
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
            min: number("/spec/idleReplicaCount")
                .or(number("/spec/minReplicaCount"))
                .unwrap_or(0),
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
fn is_undecided(drift: &JudgedChange) -> bool {
    let is_machine = |owner: &Owner| SCALERS.iter().any(|scaler| glob(scaler, &owner.manager));
    let by_rule = matches!(&drift.verdict, Verdict::Explained { rule: Some(rule), .. } if rule == "autoscaler-replicas");
    drift.change.path == FieldPath::of_fields(&["spec", "replicas"])
        && (by_rule || drift.is_reported())
        && drift.owners.iter().all(is_machine)
}

fn settle(drift: &mut JudgedChange, limits: Limits) {
    if !is_undecided(drift) {
        return;
    }
    let Some(replicas) = &drift.change.live else {
        return;
    };
    if limits.admit(replicas) {
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
