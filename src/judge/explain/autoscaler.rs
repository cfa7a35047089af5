//! Replicas that an autoscaler decides about.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::cluster::Answer;
use crate::compare::{AUTOSCALER_RULE, Reason};
use crate::judge::{Candidate, Case, Explainer, Knowledge, Run};
use crate::model::{Explanation, FieldPath, Owner, Warning};
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

/// See the module.
pub struct Autoscalers;

impl Explainer for Autoscalers {
    fn id(&self) -> &'static str {
        "autoscalers"
    }

    fn about(&self) -> &'static str {
        "An autoscaler decides about replicas within its limits."
    }

    fn learn(&self, _: &Run<'_>) -> Option<Box<dyn Knowledge>> {
        Some(Box::new(Self))
    }
}

impl Knowledge for Autoscalers {
    /// Explains replicas within the limits of an autoscaler that targets the object, and says so
    /// where they are outside.
    fn together(&self, cases: &mut [Case], run: &Run<'_>) -> Vec<Warning> {
        let mut limits: Option<AllLimits> = None;
        let mut asked: BTreeSet<String> = BTreeSet::new();
        for case in cases {
            let key = &case.report.key;
            let Some(namespace) = key.namespace.clone() else {
                continue;
            };
            let replicas = case.candidates.iter().find(|one| is_undecided(one));
            let Some(replicas) = replicas.map(|one| one.finding.change.live.clone()) else {
                continue;
            };
            let limits = limits.get_or_insert_with(|| AllLimits::known(run));
            let scaled = (namespace.clone(), key.kind.clone(), key.name.clone());
            let is_within =
                |limits: Limits| replicas.as_ref().is_some_and(|live| limits.admit(live));
            if !limits.of(&scaled).is_some_and(is_within) && asked.insert(namespace.clone()) {
                let related =
                    |(version, kind): (&str, &str)| run.live.related(version, kind, &namespace);
                let autoscalers = AUTOSCALERS.into_iter().filter_map(related).flatten();
                autoscalers.for_each(|autoscaler| limits.add(&autoscaler));
            }
            if let Some(limits) = limits.of(&scaled) {
                for candidate in &mut case.candidates {
                    review(candidate, limits);
                }
            }
        }
        Vec::new()
    }
}

/// The limits of every scaled object.
#[derive(Debug, Default)]
struct AllLimits(BTreeMap<Scaled, Limits>);

impl AllLimits {
    /// Those of the autoscalers that are declared, or were read anyway.
    fn known(run: &Run<'_>) -> Self {
        let mut limits = Self::default();
        let declared = run.manifests.iter();
        for manifest in declared.filter(|manifest| scales(&manifest.kind)) {
            limits.add(&manifest.value());
        }
        let found = run
            .fetched
            .answers
            .values()
            .filter_map(|answer| match answer {
                Answer::Found(object) => Some(object),
                _ => None,
            });
        let scalers = found
            .chain(&run.fetched.extra)
            .filter(|object| scales(&object.key.kind));
        for autoscaler in scalers {
            if let Ok(autoscaler) = autoscaler.value() {
                limits.add(&autoscaler);
            }
        }
        limits
    }

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

/// Whether a finding is about replicas that no person owns.
fn is_undecided(candidate: &Candidate) -> bool {
    let is_machine = |owner: &Owner| SCALERS.iter().any(|scaler| glob(scaler, &owner.manager));
    let finding = &candidate.finding;
    finding.change.path == FieldPath::of_fields(&["spec", "replicas"])
        && (is_by_rule(candidate) || candidate.is_open())
        && finding.owners.iter().all(is_machine)
}

/// Whether the built-in rule about autoscalers explains a finding.
fn is_by_rule(candidate: &Candidate) -> bool {
    let reason = candidate.finding.reason.as_ref();
    reason.is_some_and(|reason| reason.rule.as_deref() == Some(AUTOSCALER_RULE))
}

fn review(candidate: &mut Candidate, limits: Limits) {
    if !is_undecided(candidate) {
        return;
    }
    let Some(replicas) = &candidate.finding.change.live else {
        return;
    };
    if limits.admit(replicas) {
        candidate.finding.reason = Some(Reason {
            by: Explanation::ControllerOwned,
            rule: Some(AUTOSCALER_RULE.to_owned()),
        });
    } else {
        candidate.finding.reason = None;
        candidate.note = Some(format!(
            "outside its autoscaler's limits, {} to {}",
            limits.min, limits.max
        ));
    }
}
