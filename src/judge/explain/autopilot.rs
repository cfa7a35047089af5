//! Explains what GKE Autopilot changes in Pods and in the workloads that create them: resources,
//! and settings that every Pod there has.
//!
//! Autopilot's webhook records in an annotation of the object what resources each container
//! requested (`input`) and what it made of them (`output`). Resources are explained field by field:
//! the declared value must be the input, and the live value the output. A change that someone makes
//! later passes the webhook again, which then records another input. The annotation is evidence only
//! if admission wrote it, so that nobody owns it. Beside it, only additions with known values are
//! explained that allow a Pod less: a seccomp profile, a dropped capability, and tolerations of nodes
//! that the Pod requests.

use serde_json::{Map, Value, json};

use crate::compare::{ComparisonInput, Difference};
use crate::facts;
use crate::judge::{Explainer, ExplainerInput, Knowledge};
use crate::model::{ChangeKind, Explanation, FieldPath, PathElement, ResourceKey};
use crate::schema::{self, ScalarType};

/// The domain of Autopilot's annotations.
const DOMAIN: &str = "autopilot.gke.io/";

/// The annotation with the requested and the resulting resources.
const ADJUSTMENT: &str = "autopilot.gke.io/resource-adjustment";

/// The lists of containers in the annotation, named as in a Pod.
const LISTS: [&str; 2] = ["containers", "initContainers"];

/// What a container requests that declares nothing. Its limits are its requests.
/// (<https://cloud.google.com/kubernetes-engine/docs/concepts/autopilot-resource-requests>)
const DEFAULTS: [(&str, &str); 3] = [
    ("cpu", "500m"),
    ("memory", "2Gi"),
    ("ephemeral-storage", "1Gi"),
];

/// Explains what GKE Autopilot changes.
pub struct Autopilot;

impl Explainer for Autopilot {
    fn id(&self) -> &'static str {
        "gke-autopilot"
    }

    fn about(&self) -> &'static str {
        "GKE Autopilot adjusts the resources of Pods, and records on them what it adjusted."
    }

    fn learn(&self, run: &ExplainerInput<'_>) -> Option<Box<dyn Knowledge>> {
        let mut workloads = run.declared.iter();
        workloads.find_map(|one| pod_spec_of(&one.key))?;
        Some(Box::new(Self))
    }
}

impl Knowledge for Autopilot {
    fn review(
        &self,
        key: &ResourceKey,
        subject: &ComparisonInput<'_>,
        mut findings: Vec<Difference>,
    ) -> Vec<Difference> {
        let is_open = |finding: &Difference| finding.reason.is_none();
        let Some(spec) = pod_spec_of(key).filter(|_| findings.iter().any(is_open)) else {
            return findings;
        };
        let Some(adjustment) = Adjustment::of(subject, spec) else {
            return findings;
        };
        for finding in findings.iter_mut().filter(|finding| is_open(finding)) {
            if adjustment.explains(finding) {
                finding.reason = Some(Explanation::AdmissionChanged.into());
                finding.cause = None;
            }
        }
        findings
    }
}

/// Returns the path of the Pod specification in the objects of a kind.
fn pod_spec_of(key: &ResourceKey) -> Option<FieldPath> {
    let workload = facts::workload(&key.kind).filter(|workload| workload.group == key.group)?;
    let spec = [workload.template, &["spec"]].concat();
    Some(FieldPath::of_fields(&spec))
}

/// What Autopilot recorded on an object.
struct Adjustment<'a> {
    subject: &'a ComparisonInput<'a>,
    /// The path of the Pod specification.
    spec: FieldPath,
    /// The annotation.
    record: Value,
}

impl<'a> Adjustment<'a> {
    /// Reads the annotation; `None` if the manifest declares it, or if someone owns it.
    fn of(subject: &'a ComparisonInput<'a>, spec: FieldPath) -> Option<Self> {
        let annotation = |side: &'a Value| side.pointer("/metadata/annotations")?.get(ADJUSTMENT);
        let path = FieldPath::of_fields(&["metadata", "annotations", ADJUSTMENT]);
        let is_owned = !subject.ownership.owners_of(&path, path.0.len()).is_empty();
        let is_declared = annotation(subject.declared).is_some();
        let text = annotation(subject.live).filter(|_| !is_owned && !is_declared)?;
        let record: Value = serde_json::from_str(text.as_str()?).ok()?;
        let has = |side: &str| record.get(side).is_some_and(Value::is_object);
        (has("input") && has("output")).then_some(Self {
            subject,
            spec,
            record,
        })
    }

    fn explains(&self, finding: &Difference) -> bool {
        let (kind, owners) = (finding.change.kind, &finding.owners);
        let by_applier = (owners.iter()).all(|owner| self.subject.appliers.include(&owner.manager));
        let is_possible = match kind {
            ChangeKind::Added => owners.is_empty(),
            ChangeKind::Modified => by_applier,
            ChangeKind::Removed => false,
        };
        let Some(live) = finding.change.live.as_ref().filter(|_| is_possible) else {
            return false;
        };
        let path = &finding.change.path;
        if let Some(name) = annotation_of(path) {
            return kind == ChangeKind::Added && name.starts_with(DOMAIN);
        }
        let Some(below) = path
            .starts_with(&self.spec)
            .then(|| &path.0[self.spec.0.len()..])
        else {
            return false;
        };
        let declared = finding.change.declared.as_ref();
        match below {
            [PathElement::Field(list), PathElement::Key(item), rest @ ..]
                if LISTS.contains(&list.as_str()) =>
            {
                let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
                match within(rest, live) {
                    Some(("resources", live)) => self.made_resources((list, name), &live, declared),
                    Some(("securityContext", live)) => drops_only_raw_packets(&live, declared),
                    _ => false,
                }
            }
            [PathElement::Field(list)] if list == "tolerations" => {
                self.tolerates_only_known(live, declared)
            }
            _ => match within(below, live) {
                Some(("securityContext", live)) => {
                    live == json!({"seccompProfile": {"type": "RuntimeDefault"}})
                }
                _ => false,
            },
        }
    }

    /// Returns what the annotation says about the resources of a container.
    fn resources(&self, side: &str, (list, name): (&str, &str)) -> Option<&Value> {
        let containers = self.record.get(side)?.get(list)?.as_array()?;
        let is_named = |one: &&Value| one.get("name").is_some_and(|it| it == name);
        containers.iter().find(is_named)
    }

    /// Returns whether each of these live resources is the output, and the declared value, if any,
    /// is the input. An undeclared value that was in the input may be of an earlier adjustment, which
    /// is likely if nobody owns it. Without managed fields, it must be a default.
    fn made_resources(
        &self,
        container: (&str, &str),
        live: &Value,
        declared: Option<&Value>,
    ) -> bool {
        let of = |side: &str, kind: &str, resource: &str| {
            self.resources(side, container)?.get(kind)?.get(resource)
        };
        let same = |a: &Value, b: &Value| schema::equal(ScalarType::Quantity, a, b);
        let is_made = |kind: &str, resource: &str, amount: &Value| {
            let (input, output) = (of("input", kind, resource), of("output", kind, resource));
            let follows = match (declared, input) {
                (Some(declared), Some(input)) => same(declared, input),
                (Some(_), None) => false,
                (None, Some(input)) => {
                    !self.subject.ownership.is_empty()
                        || !same(input, amount)
                        || DEFAULTS.contains(&(resource, amount.as_str().unwrap_or_default()))
                        || (kind == "limits"
                            && of("output", "requests", resource)
                                .is_some_and(|request| same(request, amount)))
                }
                (None, None) => true,
            };
            follows && output.is_some_and(|output| same(output, amount))
        };
        let none = Map::new();
        let kinds = live.as_object().unwrap_or(&none);
        let amounts = kinds.iter().flat_map(|(kind, amounts)| {
            let amounts = amounts.as_object().unwrap_or(&none);
            amounts
                .iter()
                .map(move |(name, amount)| (kind, name, amount))
        });
        let mut amounts = amounts.peekable();
        let is_known = |kind: &String| matches!(kind.as_str(), "limits" | "requests");
        amounts.peek().is_some()
            && kinds.keys().all(is_known)
            && amounts.all(|(kind, name, amount)| is_made(kind, name, amount))
    }

    /// Returns whether only known tolerations were added to the declared ones: of the node's
    /// architecture, of nodes that the Pod selects, and those that every Pod gets.
    fn tolerates_only_known(&self, live: &Value, declared: Option<&Value>) -> bool {
        let none = Vec::new();
        let ours = declared.and_then(Value::as_array).unwrap_or(&none);
        let mut ours = ours.iter().peekable();
        let spec = self.spec.to_string().replace('.', "/");
        let selects = |key: &str, value: &str| {
            let selected = self
                .subject
                .declared
                .pointer(&format!("{spec}/nodeSelector"));
            selected.and_then(|selected| selected.get(key)?.as_str()) == Some(value)
        };
        let is_known = |toleration: &Value| {
            let text = |field: &str| toleration.get(field).and_then(Value::as_str);
            let (key, value) = (text("key").unwrap_or_default(), text("value"));
            let of_node = match key.split_once('/') {
                Some(("kubernetes.io", "arch")) => matches!(value, Some("amd64" | "arm64")),
                Some(("cloud.google.com" | "sandbox.gke.io", _)) => {
                    value.is_some_and(|value| selects(key, value))
                }
                _ => false,
            };
            let on_node = |name: &str| {
                *toleration
                    == json!({"key": format!("node.kubernetes.io/{name}"), "operator": "Exists",
                        "effect": "NoExecute", "tolerationSeconds": 300})
            };
            (of_node && text("effect") == Some("NoSchedule"))
                || on_node("not-ready")
                || on_node("unreachable")
        };
        let mut live = live.as_array().unwrap_or(&none).iter();
        let only_known = live.all(|toleration| {
            ours.next_if(|declared| *declared == toleration).is_some() || is_known(toleration)
        });
        only_known && ours.next().is_none()
    }
}

/// Returns the name of the annotation at a path, of the object or of its Pods.
fn annotation_of(path: &FieldPath) -> Option<&str> {
    match path.0.as_slice() {
        [
            ..,
            PathElement::Field(metadata),
            PathElement::Field(annotations),
            PathElement::Field(name),
        ] if metadata == "metadata" && annotations == "annotations" => Some(name),
        _ => None,
    }
}

/// Returns the first field of a path, and a value at the end of the path as the content of that
/// field.
fn within<'p>(path: &'p [PathElement], value: &Value) -> Option<(&'p str, Value)> {
    let (first, rest) = path.split_first()?;
    let (PathElement::Field(first), mut content) = (first, value.clone()) else {
        return None;
    };
    for step in rest.iter().rev() {
        let PathElement::Field(name) = step else {
            return None;
        };
        content = json!({ name: content });
    }
    Some((first, content))
}

/// Returns whether a container's security context differs only in that it may not send raw packets.
fn drops_only_raw_packets(live: &Value, declared: Option<&Value>) -> bool {
    const RAW: &str = "NET_RAW";
    let dropped = live.pointer("/capabilities/drop").and_then(Value::as_array);
    let Some((last, before)) = dropped.and_then(|dropped| dropped.split_last()) else {
        return false;
    };
    let declared = declared.and_then(Value::as_array);
    let is_only = *live == json!({"capabilities": {"drop": dropped}});
    is_only && last == RAW && before == declared.map_or(&[][..], Vec::as_slice)
}
