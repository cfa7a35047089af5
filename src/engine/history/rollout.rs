//! Reads the pod templates of a workload's past: its ReplicaSets and ControllerRevisions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{HistoryReader, LiveObjects, namespaces, text};
use crate::cluster::{ObjectRequest, Query};
use crate::facts::workload;
use crate::model::{HistorySource, ResourceKey, items_at};

/// The namespace of Events about objects without one (client-go's `tools/record`).
const CLUSTER_EVENTS: &str = "default";

/// The declared objects that ReplicaSets and pods belong to.
#[derive(Debug, Default)]
pub(super) struct Family {
    /// The declared object by uid: of the object itself, its ReplicaSets and its pods.
    pub of_uid: BTreeMap<String, ResourceKey>,
    /// The declared object by namespace, kind and name of a ReplicaSet or pod.
    pub of_name: BTreeMap<(String, String, String), ResourceKey>,
}

impl Family {
    fn add(&mut self, member: &Value, kind: &str, root: &ResourceKey) {
        if let Some(uid) = text(member, "/metadata/uid") {
            self.of_uid.insert(uid.to_owned(), root.clone());
        }
        if let Some(name) = text(member, "/metadata/name") {
            self.name(text(member, "/metadata/namespace"), kind, name, root);
        }
    }

    fn name(&mut self, namespace: Option<&str>, kind: &str, name: &str, root: &ResourceKey) {
        let namespace = namespace.unwrap_or(CLUSTER_EVENTS);
        let name = (namespace.to_owned(), kind.to_owned(), name.to_owned());
        self.of_name.insert(name, root.clone());
    }

    /// Returns the namespaces that hold the Events.
    pub fn namespaces(&self) -> BTreeSet<String> {
        let names = self.of_name.keys();
        names.map(|(namespace, ..)| namespace.clone()).collect()
    }

    /// Returns the declared object whose controller reference leads to `member`.
    fn root_of(&self, member: &Value) -> Option<&ResourceKey> {
        let owners = items_at(member, "/metadata/ownerReferences").iter();
        let mut uids = owners.filter_map(|owner| text(owner, "/uid"));
        uids.find_map(|uid| self.of_uid.get(uid))
    }
}

/// A pod template, with the revision at which a workload began to use it.
struct RolloutRevision<'v> {
    number: u64,
    /// The earlier revisions that used the template.
    before: Vec<u64>,
    template: Value,
    object: &'v Value,
    /// Whether its object is written only when it gets its number.
    keeps_time: bool,
}

/// Reads the rollouts of workloads; returns which objects belong to them.
pub(super) fn read(
    reader: &mut HistoryReader<'_>,
    found: &LiveObjects,
    wanted: &[ObjectRequest],
) -> Family {
    let mut family = Family::default();
    // Events outlive the object that they are about.
    for key in wanted.iter().map(|one| &one.key) {
        family.name(key.namespace.as_deref(), &key.kind, &key.name, key);
    }
    for (key, object) in found {
        family.add(object, &key.kind, key);
    }
    let is = |kind: &dyn Fn(&str) -> bool, namespace: &str| {
        found
            .keys()
            .any(|key| kind(&key.kind) && key.namespace.as_deref() == Some(namespace))
    };
    for namespace in namespaces(found) {
        if is(&|kind| kind == "Deployment", &namespace) {
            let sets = all(reader, "ReplicaSets", "apps/v1", "ReplicaSet", &namespace);
            rollouts(reader, &mut family, &sets, "ReplicaSet", replica_set);
        }
        if is(
            &|kind| matches!(kind, "StatefulSet" | "DaemonSet"),
            &namespace,
        ) {
            let kind = "ControllerRevision";
            let revisions = all(reader, "ControllerRevisions", "apps/v1", kind, &namespace);
            rollouts(reader, &mut family, &revisions, kind, controller_revision);
        }
        if is(&|kind| workload(kind).is_some(), &namespace) {
            let pods = all(reader, "Pods", "v1", "Pod", &namespace);
            for pod in &pods {
                restarts(reader, &mut family, pod);
            }
        }
    }
    family
}

fn all(
    reader: &mut HistoryReader<'_>,
    called: &str,
    api_version: &str,
    kind: &str,
    namespace: &str,
) -> Vec<Value> {
    let query = Query {
        api_version,
        kind,
        namespace: Some(namespace),
        labels: &[],
        metadata_only: false,
    };
    reader.list(called, &query)
}

/// Adds when each template of each workload was rolled out.
fn rollouts(
    reader: &mut HistoryReader<'_>,
    family: &mut Family,
    objects: &[Value],
    kind: &str,
    revision: impl Fn(&Value) -> Option<RolloutRevision<'_>>,
) {
    let mut by_root: BTreeMap<ResourceKey, Vec<RolloutRevision<'_>>> = BTreeMap::new();
    for object in objects {
        let Some(root) = family.root_of(object).cloned() else {
            continue;
        };
        family.add(object, kind, &root);
        if let Some(revision) = revision(object) {
            by_root.entry(root).or_default().push(revision);
        }
    }
    for (root, mut revisions) in by_root {
        revisions.sort_by_key(|revision| revision.number);
        add_entries(reader, &root, &revisions);
    }
}

fn add_entries(
    reader: &mut HistoryReader<'_>,
    root: &ResourceKey,
    revisions: &[RolloutRevision<'_>],
) {
    // Each template, by every revision number that it has had.
    let mut numbers: Vec<(u64, &RolloutRevision<'_>)> = Vec::new();
    for revision in revisions {
        let own = std::iter::once(revision.number);
        let all = own.chain(revision.before.iter().copied());
        numbers.extend(all.map(|number| (number, revision)));
    }
    numbers.sort_by_key(|(number, _)| *number);
    // The number of a ControllerRevision changes when its template is used again.
    let created = |revision: &RolloutRevision<'_>| {
        text(revision.object, "/metadata/creationTimestamp").map(str::to_owned)
    };
    for (at, (number, revision)) in numbers.iter().enumerate() {
        let earlier = numbers[..at].iter().rfind(|(_, other)| {
            std::ptr::eq(*other, *revision) || other.template == revision.template
        });
        let previous = at.checked_sub(1).map(|at| &numbers[at]);
        let mut what = format!("rolled out revision {number}");
        let older = previous.is_some_and(|(_, other)| created(revision) < created(other));
        let mut time = created(revision);
        if let Some((earlier, _)) = earlier {
            what.push_str(&format!(": the template of revision {earlier} again"));
            time = last_write(revision.object);
        } else if older {
            what.push_str(": the template of an earlier revision again");
            let first = format!("rolled out the template of what is now revision {number}");
            reader.add(time.as_deref(), root, HistorySource::Rollout, first);
            time = last_write(revision.object);
        }
        if let Some((number, other)) = previous {
            let images = images(&other.template, &revision.template);
            match images.as_slice() {
                [] if other.template != revision.template => {
                    let changed = differing(&other.template, &revision.template);
                    what.push_str(&format!("; since {number}: {changed}"));
                }
                [] => {}
                images => what.push_str(&format!("; {}", images.join("; "))),
            }
        }
        if let Some(cause) = text(
            revision.object,
            "/metadata/annotations/kubernetes.io~1change-cause",
        ) {
            let cause = reader.message(root, Some(revision.object), cause);
            what.push_str(&format!(" ({cause})"));
        }
        // Later writes, such as scaling, move the time.
        let again = earlier.is_some() || older;
        let is_newest = at + 1 == numbers.len();
        if again && !is_newest && !revision.keeps_time {
            // It came before the next template that was new.
            let next = numbers
                .iter()
                .enumerate()
                .skip(at + 1)
                .find(|(at, (_, next))| {
                    !numbers[..*at]
                        .iter()
                        .any(|(_, other)| std::ptr::eq(*other, *next))
                });
            let next = next.and_then(|(_, (_, next))| created(next));
            time = time.into_iter().chain(next).min();
            what.push_str(" (then or earlier)");
        }
        reader.add(time.as_deref(), root, HistorySource::Rollout, what);
    }
}

/// Returns when a controller last wrote an object, other than its status.
fn last_write(object: &Value) -> Option<String> {
    let entries = items_at(object, "/metadata/managedFields").iter();
    let own = entries.filter(|entry| text(entry, "/subresource").is_none());
    let times = own.filter_map(|entry| text(entry, "/time"));
    times.max().map(str::to_owned)
}

fn replica_set(object: &Value) -> Option<RolloutRevision<'_>> {
    let annotation = |name: &str| {
        let annotations = object.pointer("/metadata/annotations")?;
        annotations
            .get(format!("deployment.kubernetes.io/{name}"))?
            .as_str()
    };
    let history = annotation("revision-history").unwrap_or_default();
    Some(RolloutRevision {
        number: annotation("revision")?.parse().ok()?,
        before: history
            .split(',')
            .filter_map(|one| one.parse().ok())
            .collect(),
        template: without_template_hash(object.pointer("/spec/template")?),
        object,
        // Scaling writes it too.
        keeps_time: false,
    })
}

fn controller_revision(object: &Value) -> Option<RolloutRevision<'_>> {
    Some(RolloutRevision {
        number: object.get("revision")?.as_u64()?,
        before: Vec::new(),
        template: without_template_hash(object.pointer("/data/spec/template")?),
        object,
        keeps_time: true,
    })
}

/// Returns a template without the `pod-template-hash` label that the controller adds.
fn without_template_hash(template: &Value) -> Value {
    let mut template = template.clone();
    let labels = template.pointer_mut("/metadata/labels");
    if let Some(labels) = labels.and_then(Value::as_object_mut) {
        labels.remove("pod-template-hash");
    }
    template
}

/// Returns `image of api reg/cart:1.4 to reg/cart:1.5` for each container whose image changed.
fn images(before: &Value, after: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for place in ["/spec/initContainers", "/spec/containers"] {
        for container in items_at(after, place) {
            let name = text(container, "/name").unwrap_or_default();
            let same = |other: &&Value| text(other, "/name") == Some(name);
            let old = items_at(before, place).iter().find(same);
            let (Some(old), Some(new)) = (
                old.and_then(|old| text(old, "/image")),
                text(container, "/image"),
            ) else {
                continue;
            };
            if old != new {
                found.push(format!("image of {name} {old} to {new}"));
            }
        }
    }
    found
}

/// Returns the paths at which two templates differ, without the values.
fn differing(before: &Value, after: &Value) -> String {
    let mut paths = Vec::new();
    differ(before, after, String::new(), &mut paths);
    let more = paths.len().saturating_sub(3);
    paths.truncate(3);
    let mut said = format!("changed {}", paths.join(", "));
    if more > 0 {
        said.push_str(&format!(" and {more} more"));
    }
    said
}

fn differ(before: &Value, after: &Value, path: String, paths: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            let names: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
            for name in names {
                let at = |fields: &serde_json::Map<String, Value>| {
                    fields.get(name).cloned().unwrap_or_default()
                };
                differ(&at(a), &at(b), format!("{path}.{name}"), paths);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                let name = text(b, "/name").map_or(at.to_string(), |name| format!("name={name:?}"));
                differ(a, b, format!("{path}[{name}]"), paths);
            }
        }
        (a, b) if a != b => paths.push(path),
        _ => {}
    }
}

/// Adds how the containers of a pod ended.
fn restarts(reader: &mut HistoryReader<'_>, family: &mut Family, pod: &Value) {
    let itself = text(pod, "/metadata/uid").and_then(|uid| family.of_uid.get(uid));
    let Some(root) = itself.or_else(|| family.root_of(pod)).cloned() else {
        return;
    };
    family.add(pod, "Pod", &root);
    let name = text(pod, "/metadata/name").unwrap_or_default();
    for place in ["/status/initContainerStatuses", "/status/containerStatuses"] {
        for status in items_at(pod, place) {
            let container = text(status, "/name").unwrap_or_default();
            let count = status
                .get("restartCount")
                .and_then(Value::as_u64)
                .unwrap_or(0);
            for state in ["/lastState/terminated", "/state/terminated"] {
                let Some(ended) = status.pointer(state) else {
                    continue;
                };
                let code = ended.get("exitCode").and_then(Value::as_i64).unwrap_or(0);
                let reason = text(ended, "/reason").unwrap_or("ended");
                let restarts = match count {
                    0 => String::new(),
                    1 => ", restarted once".to_owned(),
                    count => format!(", restarted {count} times"),
                };
                let what = format!(
                    "container {container} of pod {name}: {reason}, exit code {code}{restarts}"
                );
                reader.add(text(ended, "/finishedAt"), &root, HistorySource::Pod, what);
                if let Some(moment) = reader.history.moments.last_mut() {
                    moment.is_warning = code != 0;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(image: &str, memory: &str) -> Value {
        json!({"spec": {"containers": [
            {"name": "api", "image": image, "resources": {"limits": {"memory": memory}}}]}})
    }

    #[test]
    fn templates_differ_by_image_or_by_path() {
        let (a, b) = (template("cart:1", "1Gi"), template("cart:2", "1Gi"));
        assert_eq!(images(&a, &b), ["image of api cart:1 to cart:2"]);
        let c = template("cart:1", "2Gi");
        assert!(images(&a, &c).is_empty());
        let expected = "changed .spec.containers[name=\"api\"].resources.limits.memory";
        assert_eq!(differing(&a, &c), expected);
    }
}
