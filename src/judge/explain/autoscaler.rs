//! Explains replicas that an autoscaler sets.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use crate::cluster::Live;
use crate::compare::Reason;
use crate::facts::SCALERS;
use crate::judge::{Case, Explainer, ExplainerInput, JudgeInput, Knowledge};
use crate::model::{Explanation, FieldPath, Owner, ResourceKey, Warning};
use crate::policy::glob;

/// The kinds of autoscalers, with the versions at which they are read.
const AUTOSCALERS: [(&str, &str); 2] = [
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("keda.sh/v1alpha1", "ScaledObject"),
];

/// The name in reports, in place of a rule.
const RULE: &str = "autoscaler-replicas";

/// An autoscaler's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ReplicaLimits {
    min: u64,
    max: u64,
}

impl ReplicaLimits {
    fn admit(self, replicas: &Value) -> bool {
        let replicas = replicas.as_u64();
        replicas.is_some_and(|replicas| (self.min..=self.max).contains(&replicas))
    }

    /// Returns whether these limits, which differ from the `declared` ones, caused the number of
    /// replicas: it is at a limit that was changed.
    fn decides_alone(self, declared: Self, replicas: &Value) -> bool {
        let replicas = replicas.as_u64();
        (self.min > declared.min && replicas == Some(self.min))
            || (self.max < declared.max && replicas == Some(self.max))
    }
}

/// Formats limits as `2 to 5`.
impl fmt::Display for ReplicaLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.min, self.max)
    }
}

/// `(namespace, kind, name)` of a scaled object.
type Scaled = (String, String, String);

/// Explains replicas that an autoscaler sets.
pub struct Autoscalers;

impl Explainer for Autoscalers {
    fn id(&self) -> &'static str {
        "autoscalers"
    }

    fn about(&self) -> &'static str {
        "An autoscaler sets replicas within its limits."
    }

    fn learn(&self, _: &ExplainerInput<'_>) -> Option<Box<dyn Knowledge>> {
        Some(Box::new(Self))
    }
}

impl Knowledge for Autoscalers {
    /// Explains replicas within the limits of a declared autoscaler that targets the object. Adds a
    /// note if they are outside the limits, or if the autoscaler is not declared.
    fn explain_together(&self, cases: &mut [Case], run: &ExplainerInput<'_>) -> Vec<Warning> {
        let mut known: Option<[AllLimits; 2]> = None;
        let mut asked: BTreeSet<String> = BTreeSet::new();
        for case in cases {
            let key = &case.report.key;
            let Some(namespace) = key.namespace.clone() else {
                continue;
            };
            if !case.candidates.iter().any(is_undecided) {
                continue;
            }
            let [declared, found] =
                known.get_or_insert_with(|| [AllLimits::declared(run), AllLimits::found(run)]);
            let scaled = (namespace.clone(), key.kind.clone(), key.name.clone());
            // If no known autoscaler targets the object, others are looked up once per namespace.
            let is_known = declared.of(&scaled).is_some() || found.of(&scaled).is_some();
            if !is_known && asked.insert(namespace.clone()) {
                let related =
                    |(version, kind): (&str, &str)| run.live.related(version, kind, &namespace);
                let autoscalers = AUTOSCALERS.into_iter().filter_map(related).flatten();
                autoscalers.for_each(|autoscaler| found.add(&autoscaler));
            }
            let scaling = Scaling {
                declared: declared.of(&scaled),
                found: found.of(&scaled),
            };
            for candidate in &mut case.candidates {
                scaling.review(candidate);
            }
        }
        Vec::new()
    }
}

/// The limits and the autoscaler of every scaled object.
#[derive(Debug, Default)]
struct AllLimits(BTreeMap<Scaled, (ReplicaLimits, String)>);

impl AllLimits {
    /// Returns the limits of the declared autoscalers.
    fn declared(run: &ExplainerInput<'_>) -> Self {
        let mut limits = Self::default();
        let declared = run.manifests.iter();
        for manifest in declared.filter(|manifest| scales(&manifest.kind)) {
            limits.add(&manifest.value());
        }
        limits
    }

    /// Returns the limits of the autoscalers that were read for other reasons.
    fn found(run: &ExplainerInput<'_>) -> Self {
        let mut limits = Self::default();
        let found = run.fetched.found();
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

    /// Adds an autoscaler. If several target one object, any of them may have set the replicas:
    /// KEDA scales to zero itself, and leaves the rest to a HorizontalPodAutoscaler that it
    /// creates.
    fn add(&mut self, autoscaler: &Value) {
        if let Some((scaled, ReplicaLimits { min, max })) = limits_of(autoscaler) {
            let name = name_of(autoscaler);
            let (all, _) = self
                .0
                .entry(scaled)
                .or_insert((ReplicaLimits { min, max }, name));
            all.min = all.min.min(min);
            all.max = all.max.max(max);
        }
    }

    fn of(&self, scaled: &Scaled) -> Option<(ReplicaLimits, &str)> {
        let (limits, name) = self.0.get(scaled)?;
        Some((*limits, name))
    }
}

/// Returns the live autoscaler that scales an object, such as `HorizontalPodAutoscaler web`.
pub fn autoscaler_of(key: &ResourceKey, live: &dyn Live) -> Option<String> {
    let namespace = key.namespace.clone()?;
    let related = |(version, kind): (&str, &str)| live.related(version, kind, &namespace);
    let mut autoscalers = AUTOSCALERS.into_iter().filter_map(related).flatten();
    let scaled = (namespace.clone(), key.kind.clone(), key.name.clone());
    let own = autoscalers.find(|one| limits_of(one).is_some_and(|(target, _)| target == scaled))?;
    Some(name_of(&own))
}

/// Returns `HorizontalPodAutoscaler web`.
fn name_of(autoscaler: &Value) -> String {
    let text = |path: &str| autoscaler.pointer(path).and_then(Value::as_str);
    let (kind, name) = (text("/kind"), text("/metadata/name"));
    format!("{} {}", kind.unwrap_or_default(), name.unwrap_or_default())
}

/// Returns whether a kind is an autoscaler.
fn scales(kind: &str) -> bool {
    AUTOSCALERS.iter().any(|(_, scaler)| *scaler == kind)
}

/// Returns the target and limits of an autoscaler: a HorizontalPodAutoscaler (`autoscaling/v1`,
/// `v2`), or KEDA's ScaledObject, whose limits default to 0 and 100 and which may idle below its
/// minimum.
fn limits_of(object: &Value) -> Option<(Scaled, ReplicaLimits)> {
    let number = |field: &str| object.pointer(field).and_then(Value::as_u64);
    let text = |field: &str| {
        object
            .pointer(field)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let limits = match object.get("kind")?.as_str()? {
        "HorizontalPodAutoscaler" => ReplicaLimits {
            min: number("/spec/minReplicas").unwrap_or(1),
            max: number("/spec/maxReplicas")?,
        },
        "ScaledObject" => ReplicaLimits {
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

/// Returns whether a finding is about replicas that no person is known to have set.
fn is_undecided(candidate: &JudgeInput) -> bool {
    let is_machine = |owner: &Owner| SCALERS.iter().any(|scaler| glob(scaler, &owner.manager));
    let finding = &candidate.finding;
    finding.change.path == FieldPath::of_fields(&["spec", "replicas"])
        && candidate.is_open()
        && finding.owners.iter().all(is_machine)
}

/// The autoscaler of one object, on both sides.
struct Scaling<'s> {
    /// Its declared limits.
    declared: Option<(ReplicaLimits, &'s str)>,
    /// Its live limits.
    found: Option<(ReplicaLimits, &'s str)>,
}

impl Scaling<'_> {
    fn review(&self, candidate: &mut JudgeInput) {
        if !is_undecided(candidate) {
            return;
        }
        let Some(replicas) = candidate.finding.change.live.clone() else {
            return;
        };
        let outside = |limits: ReplicaLimits| format!("outside its autoscaler's limits, {limits}");
        let note = match (self.declared, self.found) {
            (Some((limits, _)), Some((moved, name))) if moved.decides_alone(limits, &replicas) => {
                format!("a limit of {name} was changed live, from {limits} to {moved}")
            }
            (Some((limits, _)), _) if limits.admit(&replicas) => {
                candidate.finding.reason = Some(Reason {
                    by: Explanation::ControllerOwned,
                    rule: Some(RULE.to_owned()),
                });
                candidate.finding.cause = None;
                return;
            }
            (None, Some((limits, name))) if limits.admit(&replicas) => {
                format!("{name} sets it, but no manifest in this run declares that autoscaler")
            }
            (Some((limits, _)), _) | (None, Some((limits, _))) => outside(limits),
            (None, None) => return,
        };
        candidate.note = Some(note);
    }
}
