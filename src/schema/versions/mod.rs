//! Removed API versions, and conversions of objects between versions.

mod apiextensions;
mod autoscaling;
mod networking;
mod others;

use std::fmt;

use serde_json::{Map, Value};

use crate::model::group_of;

use super::{builtin_kind, builtin_kind_of_group};

/// The replacement of a kind at a version that API servers no longer serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replacement {
    /// The first minor version of Kubernetes that does not serve it, such as `1.25`, if known.
    pub removed_in: Option<&'static str>,
    /// The `apiVersion` to write instead; `None` if the kind was removed altogether.
    pub use_instead: Option<&'static str>,
}

/// Writes the text after the kind's name in a message: `was removed in Kubernetes 1.25; use
/// policy/v1`.
impl fmt::Display for Replacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.removed_in {
            Some(version) => write!(f, "was removed in Kubernetes {version}; ")?,
            None => f.write_str("is not served by current Kubernetes; ")?,
        }
        match self.use_instead {
            Some(version) => write!(f, "use {version}"),
            None => f.write_str("it has no replacement"),
        }
    }
}

/// Returns the replacement of a built-in kind at a removed version; `None` for served versions and
/// for kinds that Kubernetes never had.
///
/// The versions are those of the deprecated API migration guide
/// (<https://kubernetes.io/docs/reference/using-api/deprecation-guide/>).
///
/// ```
/// use driftctl::schema::replacement;
/// let gone = replacement("policy/v1beta1", "PodDisruptionBudget").unwrap();
/// assert_eq!((gone.removed_in, gone.use_instead), (Some("1.25"), Some("policy/v1")));
/// assert_eq!(replacement("policy/v1", "PodDisruptionBudget"), None);
/// ```
pub fn replacement(api_version: &str, kind: &str) -> Option<Replacement> {
    if builtin_kind(api_version, kind).is_some() {
        return None;
    }
    let known = REMOVED
        .iter()
        .find(|removed| removed.api_version == api_version && removed.kinds.contains(&kind));
    if let Some(removed) = known {
        return Some(Replacement {
            removed_in: Some(removed.in_version),
            use_instead: removed.use_instead,
        });
    }
    // The shortest name is that of the stable version.
    let served = builtin_kind_of_group(group_of(api_version), kind);
    let stable = served.iter().min_by_key(|kind| kind.api_version.len())?;
    Some(Replacement {
        removed_in: None,
        use_instead: Some(stable.api_version),
    })
}

/// Kinds that were removed from a version at the same time.
struct Removed {
    api_version: &'static str,
    kinds: &'static [&'static str],
    in_version: &'static str,
    use_instead: Option<&'static str>,
}

const fn removed(
    api_version: &'static str,
    kinds: &'static [&'static str],
    in_version: &'static str,
    use_instead: &'static str,
) -> Removed {
    Removed {
        api_version,
        kinds,
        in_version,
        use_instead: if use_instead.is_empty() {
            None
        } else {
            Some(use_instead)
        },
    }
}

const RBAC: &[&str] = &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];
const WEBHOOKS: &[&str] = &[
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];
const POLICIES: &[&str] = &[
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
];
const MUTATING_POLICIES: &[&str] = &["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"];
const REVIEWS: &[&str] = &[
    "LocalSubjectAccessReview",
    "SelfSubjectAccessReview",
    "SelfSubjectRulesReview",
    "SubjectAccessReview",
];
const STORAGE: &[&str] = &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"];
const WORKLOADS: &[&str] = &[
    "ControllerRevision",
    "DaemonSet",
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
];
const FLOW: &[&str] = &["FlowSchema", "PriorityLevelConfiguration"];

#[rustfmt::skip]
const REMOVED: &[Removed] = &[
    removed("admissionregistration.k8s.io/v1beta1", POLICIES, "1.34", "admissionregistration.k8s.io/v1"),
    removed("admissionregistration.k8s.io/v1beta1", WEBHOOKS, "1.22", "admissionregistration.k8s.io/v1"),
    removed("apiextensions.k8s.io/v1beta1", &["CustomResourceDefinition"], "1.22", "apiextensions.k8s.io/v1"),
    removed("apiregistration.k8s.io/v1beta1", &["APIService"], "1.22", "apiregistration.k8s.io/v1"),
    removed("apps/v1beta1", WORKLOADS, "1.16", "apps/v1"),
    removed("apps/v1beta2", WORKLOADS, "1.16", "apps/v1"),
    removed("authentication.k8s.io/v1beta1", &["TokenReview"], "1.22", "authentication.k8s.io/v1"),
    removed("authorization.k8s.io/v1beta1", REVIEWS, "1.22", "authorization.k8s.io/v1"),
    removed("autoscaling/v2beta1", &["HorizontalPodAutoscaler"], "1.25", "autoscaling/v2"),
    removed("autoscaling/v2beta2", &["HorizontalPodAutoscaler"], "1.26", "autoscaling/v2"),
    removed("batch/v1beta1", &["CronJob"], "1.25", "batch/v1"),
    removed("batch/v2alpha1", &["CronJob"], "1.21", "batch/v1"),
    removed("certificates.k8s.io/v1beta1", &["CertificateSigningRequest"], "1.22", "certificates.k8s.io/v1"),
    removed("coordination.k8s.io/v1beta1", &["Lease"], "1.22", "coordination.k8s.io/v1"),
    removed("discovery.k8s.io/v1beta1", &["EndpointSlice"], "1.25", "discovery.k8s.io/v1"),
    removed("events.k8s.io/v1beta1", &["Event"], "1.25", "events.k8s.io/v1"),
    removed("extensions/v1beta1", &["DaemonSet", "Deployment", "ReplicaSet"], "1.16", "apps/v1"),
    removed("extensions/v1beta1", &["Ingress"], "1.22", "networking.k8s.io/v1"),
    removed("extensions/v1beta1", &["NetworkPolicy"], "1.16", "networking.k8s.io/v1"),
    removed("extensions/v1beta1", &["PodSecurityPolicy"], "1.16", ""),
    removed("flowcontrol.apiserver.k8s.io/v1beta1", FLOW, "1.26", "flowcontrol.apiserver.k8s.io/v1"),
    removed("flowcontrol.apiserver.k8s.io/v1beta2", FLOW, "1.29", "flowcontrol.apiserver.k8s.io/v1"),
    removed("flowcontrol.apiserver.k8s.io/v1beta3", FLOW, "1.32", "flowcontrol.apiserver.k8s.io/v1"),
    removed("networking.k8s.io/v1beta1", &["Ingress", "IngressClass"], "1.22", "networking.k8s.io/v1"),
    removed("node.k8s.io/v1beta1", &["RuntimeClass"], "1.25", "node.k8s.io/v1"),
    removed("policy/v1beta1", &["PodDisruptionBudget"], "1.25", "policy/v1"),
    removed("policy/v1beta1", &["PodSecurityPolicy"], "1.25", ""),
    removed("rbac.authorization.k8s.io/v1beta1", RBAC, "1.22", "rbac.authorization.k8s.io/v1"),
    removed("scheduling.k8s.io/v1beta1", &["PriorityClass"], "1.22", "scheduling.k8s.io/v1"),
    removed("storage.k8s.io/v1beta1", &["CSIStorageCapacity"], "1.27", "storage.k8s.io/v1"),
    removed("storage.k8s.io/v1beta1", STORAGE, "1.22", "storage.k8s.io/v1"),
];

/// Returns an object, converted to another version of its kind.
///
/// Every older version can be converted to the current one, and some can be converted back. Returns
/// `None` if the changes between the two versions are unknown, or if this object contains something
/// that the other version cannot express: a comparison would then show the differences between
/// versions instead of real changes.
///
/// ```
/// use serde_json::json;
/// let old = json!({"apiVersion": "batch/v1beta1", "kind": "CronJob", "spec": {"schedule": "@daily"}});
/// let new = driftctl::schema::convert(&old, "batch/v1").unwrap();
/// assert_eq!(new["apiVersion"], "batch/v1");
/// ```
pub fn convert(object: &Value, api_version: &str) -> Option<Value> {
    let from = object.get("apiVersion")?.as_str()?;
    let kind = object.get("kind")?.as_str()?;
    if from == api_version {
        return Some(object.clone());
    }
    let (source, target) = (form(from, kind)?, form(api_version, kind)?);
    if source.current != target.current {
        return None;
    }
    let mut fields = object.as_object()?.clone();
    (source.up)(&mut fields)?;
    (target.down)(&mut fields)?;
    fields.insert("apiVersion".to_owned(), api_version.into());
    Some(Value::Object(fields))
}

/// Returns the version at which to read an object whose own version was removed: the replacement,
/// if the changes between the two are known.
///
/// ```
/// use driftctl::schema::successor;
/// assert_eq!(successor("extensions/v1beta1", "Deployment"), Some("apps/v1"));
/// assert_eq!(successor("policy/v1beta1", "PodSecurityPolicy"), None);
/// ```
pub fn successor(api_version: &str, kind: &str) -> Option<&'static str> {
    let current = replacement(api_version, kind)?.use_instead?;
    form(api_version, kind)
        .is_some_and(|form| form.current == current)
        .then_some(current)
}

/// Converts an object in place from one version to another; returns `None` if that is not possible.
type ConvertFn = fn(&mut Map<String, Value>) -> Option<()>;

/// How a version of some kinds differs from the current one.
#[derive(Clone, Copy)]
struct VersionConversion {
    current: &'static str,
    up: ConvertFn,
    down: ConvertFn,
}

/// Converts between versions that differ only in their names.
fn unchanged(_: &mut Map<String, Value>) -> Option<()> {
    Some(())
}

fn unknown(_: &mut Map<String, Value>) -> Option<()> {
    None
}

fn form(api_version: &str, kind: &str) -> Option<VersionConversion> {
    let older = FORMS
        .iter()
        .find(|(version, kinds, _)| *version == api_version && kinds.contains(&kind));
    if let Some((.., form)) = older {
        return Some(*form);
    }
    let (.., form) = FORMS
        .iter()
        .find(|(_, kinds, form)| form.current == api_version && kinds.contains(&kind))?;
    Some(VersionConversion {
        current: form.current,
        up: unchanged,
        down: unchanged,
    })
}

const fn equal_to(current: &'static str) -> VersionConversion {
    VersionConversion {
        current,
        up: unchanged,
        down: unchanged,
    }
}

const fn older_than(current: &'static str, up: ConvertFn) -> VersionConversion {
    VersionConversion {
        current,
        up,
        down: unknown,
    }
}

#[rustfmt::skip]
const FORMS: &[(&str, &[&str], VersionConversion)] = &[
    ("admissionregistration.k8s.io/v1alpha1", MUTATING_POLICIES, equal_to("admissionregistration.k8s.io/v1")),
    ("admissionregistration.k8s.io/v1beta1", MUTATING_POLICIES, equal_to("admissionregistration.k8s.io/v1")),
    ("admissionregistration.k8s.io/v1beta1", POLICIES, equal_to("admissionregistration.k8s.io/v1")),
    ("admissionregistration.k8s.io/v1beta1", WEBHOOKS, older_than("admissionregistration.k8s.io/v1", others::webhooks)),
    ("apiextensions.k8s.io/v1beta1", &["CustomResourceDefinition"], older_than("apiextensions.k8s.io/v1", apiextensions::definition)),
    ("apiregistration.k8s.io/v1beta1", &["APIService"], equal_to("apiregistration.k8s.io/v1")),
    ("apps/v1beta1", WORKLOADS, older_than("apps/v1", others::workload)),
    ("apps/v1beta2", WORKLOADS, older_than("apps/v1", others::workload)),
    ("autoscaling/v1", &["HorizontalPodAutoscaler"], VersionConversion { current: "autoscaling/v2", up: autoscaling::from_v1, down: autoscaling::to_v1 }),
    ("autoscaling/v2beta1", &["HorizontalPodAutoscaler"], older_than("autoscaling/v2", autoscaling::from_v2beta1)),
    ("autoscaling/v2beta2", &["HorizontalPodAutoscaler"], equal_to("autoscaling/v2")),
    ("batch/v1beta1", &["CronJob"], equal_to("batch/v1")),
    ("batch/v2alpha1", &["CronJob"], equal_to("batch/v1")),
    ("certificates.k8s.io/v1beta1", &["CertificateSigningRequest"], older_than("certificates.k8s.io/v1", others::signing_request)),
    ("coordination.k8s.io/v1beta1", &["Lease"], equal_to("coordination.k8s.io/v1")),
    ("discovery.k8s.io/v1beta1", &["EndpointSlice"], older_than("discovery.k8s.io/v1", networking::endpoint_slice)),
    ("events.k8s.io/v1beta1", &["Event"], equal_to("events.k8s.io/v1")),
    ("extensions/v1beta1", &["DaemonSet", "Deployment", "ReplicaSet"], older_than("apps/v1", others::workload)),
    ("extensions/v1beta1", &["Ingress"], older_than("networking.k8s.io/v1", networking::ingress)),
    ("extensions/v1beta1", &["NetworkPolicy"], equal_to("networking.k8s.io/v1")),
    ("flowcontrol.apiserver.k8s.io/v1beta1", FLOW, older_than("flowcontrol.apiserver.k8s.io/v1", others::flow_control)),
    ("flowcontrol.apiserver.k8s.io/v1beta2", FLOW, older_than("flowcontrol.apiserver.k8s.io/v1", others::flow_control)),
    ("flowcontrol.apiserver.k8s.io/v1beta3", FLOW, equal_to("flowcontrol.apiserver.k8s.io/v1")),
    ("networking.k8s.io/v1beta1", &["IPAddress", "IngressClass", "ServiceCIDR"], equal_to("networking.k8s.io/v1")),
    ("networking.k8s.io/v1beta1", &["Ingress"], older_than("networking.k8s.io/v1", networking::ingress)),
    ("node.k8s.io/v1beta1", &["RuntimeClass"], equal_to("node.k8s.io/v1")),
    ("policy/v1beta1", &["PodDisruptionBudget"], VersionConversion { current: "policy/v1", up: others::disruption_budget, down: others::disruption_budget }),
    ("rbac.authorization.k8s.io/v1beta1", RBAC, equal_to("rbac.authorization.k8s.io/v1")),
    ("resource.k8s.io/v1beta1", &["DeviceClass", "ResourceClaim", "ResourceClaimTemplate"], older_than("resource.k8s.io/v1", others::resource_claim)),
    ("resource.k8s.io/v1beta2", &["DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"], equal_to("resource.k8s.io/v1")),
    ("scheduling.k8s.io/v1alpha1", &["PriorityClass"], equal_to("scheduling.k8s.io/v1")),
    ("scheduling.k8s.io/v1beta1", &["PriorityClass"], equal_to("scheduling.k8s.io/v1")),
    ("storage.k8s.io/v1beta1", &["CSIStorageCapacity", "VolumeAttributesClass"], equal_to("storage.k8s.io/v1")),
    ("storage.k8s.io/v1beta1", STORAGE, equal_to("storage.k8s.io/v1")),
];

// ---- Handling fields ----

/// Returns the object at a path of fields, if all of them are objects.
fn object_at<'v>(
    fields: &'v mut Map<String, Value>,
    path: &[&str],
) -> Option<&'v mut Map<String, Value>> {
    path.iter().try_fold(fields, |fields, name| {
        fields.get_mut(*name)?.as_object_mut()
    })
}

/// Returns the objects in a list; none if the field is not a list.
fn objects_in<'v>(
    fields: &'v mut Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = &'v mut Map<String, Value>> {
    let items = fields.get_mut(name).and_then(Value::as_array_mut);
    items.into_iter().flatten().filter_map(Value::as_object_mut)
}

/// Removes a field; `null` counts as absent.
fn take(fields: &mut Map<String, Value>, name: &str) -> Option<Value> {
    fields.remove(name).filter(|value| !value.is_null())
}

/// Renames a field.
fn rename(fields: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = take(fields, from) {
        fields.insert(to.to_owned(), value);
    }
}

/// Sets a field that is absent or `null`.
fn set_default(fields: &mut Map<String, Value>, name: &str, value: Value) {
    if fields.get(name).is_none_or(Value::is_null) {
        fields.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests;
