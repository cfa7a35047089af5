//! What the controllers of Kubernetes create from the templates of their objects
//! (`pkg/controller` in Kubernetes).

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::facts::MAKES;
use crate::model::{FieldPath, ResourceKey, group_of, items_at, text_at, text_or_empty};
use crate::ownership::ownership_of;
use crate::schema::builtin_kind_of_group;

/// A controlling owner, as an object names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerReference {
    /// Its version.
    pub api_version: String,
    /// Its kind, which has a template for the object.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

impl OwnerReference {
    /// Returns the controlling owners of an object.
    fn all(object: &Value) -> impl Iterator<Item = Self> {
        let references = items_at(object, "/metadata/ownerReferences").iter();
        let controlling = references.filter(|one| one.get("controller") == Some(&true.into()));
        controlling.filter_map(|reference| {
            let text = |name: &str| Some(reference.get(name)?.as_str()?.to_owned());
            Some(Self {
                api_version: text("apiVersion")?,
                kind: text("kind")?,
                name: text("name")?,
                uid: text("uid")?,
            })
        })
    }

    /// Returns the custom resource that an object names as its owner.
    pub fn custom(object: &Value) -> Option<Self> {
        let is_custom = |owner: &Self| {
            let group = group_of(&owner.api_version);
            builtin_kind_of_group(group, &owner.kind).is_empty()
        };
        Self::all(object).find(is_custom)
    }

    /// Returns the owner whose controller creates objects of kind `made` from a template.
    pub fn of(object: &Value, made: &str) -> Option<Self> {
        Self::all(object).find_map(|owner| {
            let group = group_of(&owner.api_version);
            let mut makers = MAKES.iter();
            let makes = makers.any(|(of, kind, makes)| {
                *of == group && *kind == owner.kind && makes.contains(&made)
            });
            // Nodes have no template: a kubelet runs Pods from files.
            (makes && owner.kind != "Node").then_some(owner)
        })
    }
}

/// The specifications from which a controller may have created an object.
#[derive(Debug, Clone)]
pub struct Templates {
    /// What it creates now, and then earlier forms that it may still keep.
    pub specs: Vec<Value>,
    /// Whether the object may be older than the owner's template, in which case only critical
    /// differences are reported.
    pub may_be_older: bool,
}

/// Returns whether a kind keeps the templates of earlier versions as ControllerRevisions.
pub fn keeps_revisions(kind: &str) -> bool {
    matches!(kind, "DaemonSet" | "StatefulSet")
}

/// Returns the path of the Pod specification in an object of a created kind.
pub fn pod_spec_of(kind: &str) -> FieldPath {
    match kind {
        "Pod" => FieldPath::of_fields(&["spec"]),
        _ => FieldPath::of_fields(&["spec", "template", "spec"]),
    }
}

/// Returns what an owner's controller may have created an object from; `None` if nothing runs in it,
/// or if a rollout still replaces objects of an earlier template. `current_since` is when the
/// ReplicaSet of a Deployment's current revision was created.
pub fn templates(
    owner: &Value,
    object: &Value,
    key: &ResourceKey,
    revisions: &[Value],
    current_since: Option<Timestamp>,
) -> Option<Templates> {
    let kind = text_or_empty(owner, "/kind");
    let count = |object: &Value, path: &str| object.pointer(path).and_then(Value::as_u64);
    let may_be_older = match kind {
        "Deployment" => {
            let replicas = |path: &str| count(object, path).unwrap_or_default();
            let is_empty =
                count(object, "/spec/replicas") == Some(0) && replicas("/status/replicas") == 0;
            let rollout = Rollout::of(owner);
            // One that is not newer than the current ReplicaSet is what the rollout replaces.
            let is_replaced = rollout == Rollout::Running && created(object) <= current_since;
            if is_empty || is_replaced {
                return None;
            }
            rollout != Rollout::Done
        }
        "CronJob" if text_at(object, "/status/completionTime").is_some() => return None,
        "CronJob" => is_older(object, owner, &["spec", "jobTemplate"]).unwrap_or_else(|| {
            // Without times, only an owner that never changed has one template.
            owner.pointer("/metadata/generation") != Some(&1.into())
        }),
        // The template of a ReplicaSet that a Deployment owns does not change, but anyone can edit
        // that of another, and its Pods stay.
        "ReplicaSet" | "ReplicationController" => {
            let owners = items_at(owner, "/metadata/ownerReferences");
            owners.is_empty() && is_older(object, owner, &["spec", "template"]).unwrap_or_default()
        }
        _ => false,
    };
    let spec = match kind {
        "CronJob" => owner.pointer("/spec/jobTemplate/spec").cloned(),
        "Deployment" => owner
            .pointer("/spec/template")
            .map(|template| json!({"template": template})),
        _ => owner.pointer("/spec/template/spec").cloned(),
    };
    let mut specs = vec![spec?];
    if keeps_revisions(kind) && Rollout::of(owner) != Rollout::Done {
        let of_revision = revisions
            .iter()
            .find(|one| is_revision_of(one, owner, object));
        let earlier = of_revision.and_then(|one| one.pointer("/data/spec/template/spec"));
        specs.extend(earlier.cloned());
    }
    if kind == "StatefulSet" {
        specs
            .iter_mut()
            .for_each(|spec| add_claims(spec, owner, &key.name));
    }
    Some(Templates {
        specs,
        may_be_older,
    })
}

/// Returns when an object was created. Only the API server writes this time.
pub fn created(object: &Value) -> Option<Timestamp> {
    text_at(object, "/metadata/creationTimestamp")?.parse().ok()
}

/// Returns whether a ReplicaSet is of a Deployment's current revision, according to both.
pub fn is_of_current_revision(replica_set: &Value, deployment: &Value) -> bool {
    let revision = |object: &Value| {
        let annotations = object.pointer("/metadata/annotations")?;
        annotations
            .get("deployment.kubernetes.io/revision")
            .cloned()
    };
    let uid = text_at(deployment, "/metadata/uid");
    let mut owners = items_at(replica_set, "/metadata/ownerReferences").iter();
    owners.any(|owner| text_at(owner, "/uid") == uid)
        && revision(deployment).is_some()
        && revision(replica_set) == revision(deployment)
}

/// Returns whether an owner runs nothing although the Pod runs and is not being deleted: a ReplicaSet
/// without replicas would have deleted it, and a Job is complete only when its Pods have ended.
pub fn is_at_rest(owner: &Value, pod: &Value) -> bool {
    let has_ended = matches!(text_at(pod, "/status/phase"), Some("Succeeded" | "Failed"));
    let is_at_rest = match text_or_empty(owner, "/kind") {
        "ReplicaSet" => owner.pointer("/spec/replicas") == Some(&0.into()),
        "Job" => text_at(owner, "/status/completionTime").is_some() && !has_ended,
        _ => false,
    };
    is_at_rest && pod.pointer("/metadata/deletionTimestamp").is_none()
}

/// Returns whether an object was created before someone last wrote its owner's template; `None` if
/// that is not recorded.
fn is_older(object: &Value, owner: &Value, template: &[&str]) -> Option<bool> {
    let created = created(object)?;
    let ownership = ownership_of(owner);
    let path = FieldPath::of_fields(template);
    let writers = ownership.owners_of(&path, path.0.len()).into_iter();
    let times = writers.filter_map(|owner| owner.time.as_deref()?.parse::<Timestamp>().ok());
    Some(created <= times.max()?)
}

/// Whether an owner's Pods come from its current template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rollout {
    /// All of them.
    Done,
    /// Some may come from an earlier one.
    Running,
    /// The status does not say.
    Unknown,
}

impl Rollout {
    fn of(owner: &Value) -> Self {
        let number = |path: &str| owner.pointer(path).and_then(Value::as_i64);
        let Some(observed) = number("/status/observedGeneration") else {
            return Self::Unknown;
        };
        let generation = number("/metadata/generation").unwrap_or(observed);
        if observed < generation {
            return Self::Unknown;
        }
        let is_done = match text_or_empty(owner, "/kind") {
            "Deployment" => {
                let conditions = items_at(owner, "/status/conditions").iter();
                let progress =
                    conditions.filter(|one| text_at(one, "/type") == Some("Progressing"));
                let mut reasons = progress.filter_map(|one| text_at(one, "/reason"));
                let Some(reason) = reasons.next() else {
                    return Self::Unknown;
                };
                reason == "NewReplicaSetAvailable"
            }
            "StatefulSet" => {
                let partition = number("/spec/updateStrategy/rollingUpdate/partition");
                text_at(owner, "/status/currentRevision")
                    == text_at(owner, "/status/updateRevision")
                    && partition.unwrap_or_default() == 0
            }
            _ => {
                number("/status/updatedNumberScheduled") == number("/status/desiredNumberScheduled")
            }
        };
        let is_manual = text_at(owner, "/spec/updateStrategy/type") == Some("OnDelete");
        match is_done && !is_manual {
            true => Self::Done,
            false => Self::Running,
        }
    }
}

/// Returns whether a ControllerRevision has the template that a Pod was created from.
fn is_revision_of(revision: &Value, owner: &Value, pod: &Value) -> bool {
    let uid = text_at(owner, "/metadata/uid");
    let mut owners = items_at(revision, "/metadata/ownerReferences").iter();
    let name = text_or_empty(revision, "/metadata/name");
    let labels = pod.pointer("/metadata/labels");
    let hash = labels.and_then(|labels| labels.get("controller-revision-hash")?.as_str());
    let owner_name = text_or_empty(owner, "/metadata/name");
    let is_named = hash.is_some_and(|hash| name == hash || name == format!("{owner_name}-{hash}"));
    is_named
        && uid.is_some()
        && owners.any(|owner| text_at(owner, "/uid") == uid)
        && created(revision) <= created(pod)
}

/// Adds the volumes of a StatefulSet's claims to a Pod, in place of volumes of the same name
/// (`pkg/controller/statefulset/stateful_set_utils.go`, `updateStorage`).
fn add_claims(spec: &mut Value, owner: &Value, pod: &str) {
    let claims = items_at(owner, "/spec/volumeClaimTemplates").iter();
    let names: Vec<&str> = claims
        .filter_map(|claim| text_at(claim, "/metadata/name"))
        .collect();
    let Some(spec) = spec.as_object_mut().filter(|_| !names.is_empty()) else {
        return;
    };
    let volumes = spec.entry("volumes").or_insert_with(|| json!([]));
    if volumes.is_null() {
        *volumes = json!([]);
    }
    if let Some(volumes) = volumes.as_array_mut() {
        volumes.retain(|volume| text_at(volume, "/name").is_none_or(|name| !names.contains(&name)));
        volumes.extend(names.iter().map(|name| {
            json!({"name": name, "persistentVolumeClaim": {"claimName": format!("{name}-{pod}")}})
        }));
    }
}
