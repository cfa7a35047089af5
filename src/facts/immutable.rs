//! Fields of existing objects that the API server does not change.

use serde_json::Value;

/// Immutable fields of one kind.
#[derive(Debug)]
pub struct ImmutableField {
    /// The API group.
    pub group: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// The path to the field.
    pub path: &'static [&'static str],
    /// What can be changed in it, as paths from the field.
    pub except: &'static [&'static [&'static str]],
}

const fn field(
    group: &'static str,
    kind: &'static str,
    path: &'static [&'static str],
) -> ImmutableField {
    ImmutableField {
        group,
        kind,
        path,
        except: &[],
    }
}

/// The immutable fields of the built-in kinds, by group and kind (the functions `Validate…Update` in
/// `k8s.io/kubernetes/pkg/apis/*/validation`).
pub const IMMUTABLE_FIELDS: &[ImmutableField] = &[
    field("", "Node", &["spec", "podCIDR"]),
    field("", "Node", &["spec", "podCIDRs"]),
    field("", "Node", &["spec", "providerID"]),
    ImmutableField {
        except: &[
            &["accessModes"],
            &["capacity"],
            &["claimRef"],
            &["mountOptions"],
            &["persistentVolumeReclaimPolicy"],
            &["storageClassName"],
            &["volumeAttributesClassName"],
        ],
        ..field("", "PersistentVolume", &["spec"])
    },
    ImmutableField {
        except: &[&["resources", "requests"], &["volumeAttributesClassName"]],
        ..field("", "PersistentVolumeClaim", &["spec"])
    },
    ImmutableField {
        except: &[
            &["activeDeadlineSeconds"],
            &["containers", "image"],
            &["initContainers", "image"],
            &["terminationGracePeriodSeconds"],
            &["tolerations"],
        ],
        ..field("", "Pod", &["spec"])
    },
    field("", "Secret", &["type"]),
    field("", "Service", &["spec", "clusterIP"]),
    field("", "Service", &["spec", "clusterIPs"]),
    field("apps", "ControllerRevision", &["data"]),
    field("apps", "DaemonSet", &["spec", "selector"]),
    field("apps", "Deployment", &["spec", "selector"]),
    field("apps", "ReplicaSet", &["spec", "selector"]),
    ImmutableField {
        except: &[
            &["minReadySeconds"],
            &["ordinals"],
            &["persistentVolumeClaimRetentionPolicy"],
            &["replicas"],
            &["revisionHistoryLimit"],
            &["template"],
            &["updateStrategy"],
        ],
        ..field("apps", "StatefulSet", &["spec"])
    },
    field("batch", "Job", &["spec", "backoffLimitPerIndex"]),
    field("batch", "Job", &["spec", "completionMode"]),
    field("batch", "Job", &["spec", "managedBy"]),
    field("batch", "Job", &["spec", "podFailurePolicy"]),
    field("batch", "Job", &["spec", "selector"]),
    field("batch", "Job", &["spec", "successPolicy"]),
    field("batch", "Job", &["spec", "template"]),
    field(
        "certificates.k8s.io",
        "CertificateSigningRequest",
        &["spec"],
    ),
    field("discovery.k8s.io", "EndpointSlice", &["addressType"]),
    field("networking.k8s.io", "IngressClass", &["spec", "controller"]),
    field("node.k8s.io", "RuntimeClass", &["handler"]),
    field(
        "rbac.authorization.k8s.io",
        "ClusterRoleBinding",
        &["roleRef"],
    ),
    field("rbac.authorization.k8s.io", "RoleBinding", &["roleRef"]),
    field("resource.k8s.io", "ResourceClaim", &["spec"]),
    field("resource.k8s.io", "ResourceClaimTemplate", &["spec"]),
    field("scheduling.k8s.io", "PriorityClass", &["preemptionPolicy"]),
    field("scheduling.k8s.io", "PriorityClass", &["value"]),
    field("storage.k8s.io", "CSIDriver", &["spec", "attachRequired"]),
    field(
        "storage.k8s.io",
        "CSIDriver",
        &["spec", "volumeLifecycleModes"],
    ),
    field("storage.k8s.io", "StorageClass", &["parameters"]),
    field("storage.k8s.io", "StorageClass", &["provisioner"]),
    field("storage.k8s.io", "StorageClass", &["reclaimPolicy"]),
    field("storage.k8s.io", "StorageClass", &["volumeBindingMode"]),
    field("storage.k8s.io", "VolumeAttachment", &["spec"]),
    field("storage.k8s.io", "VolumeAttributesClass", &["driverName"]),
    field("storage.k8s.io", "VolumeAttributesClass", &["parameters"]),
];

/// The fields of a ConfigMap or Secret that `immutable: true` protects.
const SEALED: &[&str] = &["binaryData", "data", "immutable"];

/// What can be changed in the template of a suspended Job (`validatePodTemplateUpdate` in
/// `pkg/apis/batch/validation`).
const OF_SUSPENDED: &[&[&str]] = &[
    &["metadata", "annotations"],
    &["metadata", "labels"],
    &["spec", "affinity"],
    &["spec", "containers", "resources"],
    &["spec", "initContainers", "resources"],
    &["spec", "nodeSelector"],
    &["spec", "schedulingGates"],
    &["spec", "tolerations"],
];

/// Returns the immutable field of a live object that a path is in, as a path without the keys of list
/// items, like the given one.
///
/// ```
/// use driftctl::facts::immutable_field;
/// let live = serde_json::json!({"immutable": true});
/// let of_set = |path: &[&str]| immutable_field("apps", "StatefulSet", path, &live);
/// assert_eq!(of_set(&["spec", "replicas"]), None);
/// let claims = of_set(&["spec", "volumeClaimTemplates", "spec"]);
/// assert_eq!(claims.as_deref(), Some(".spec.volumeClaimTemplates"));
/// let data = immutable_field("", "ConfigMap", &["data", "mode"], &live);
/// assert_eq!(data.as_deref(), Some(".data"));
/// ```
pub fn immutable_field(group: &str, kind: &str, path: &[&str], live: &Value) -> Option<String> {
    let is_sealed = live.get("immutable") == Some(&Value::Bool(true));
    if is_sealed && group.is_empty() && matches!(kind, "ConfigMap" | "Secret") {
        let sealed = path.first().filter(|name| SEALED.contains(name));
        if let Some(name) = sealed {
            return Some(format!(".{name}"));
        }
    }
    let of_kind = IMMUTABLE_FIELDS
        .iter()
        .filter(|field| field.group == group && field.kind == kind);
    let is_suspended = live.pointer("/spec/suspend") == Some(&Value::Bool(true));
    let mut found = of_kind.filter_map(|field| Some((field, path.strip_prefix(field.path)?)));
    let (field, _) = found.find(|(field, below)| {
        let is_open = |open: &&[&str]| below.starts_with(open);
        let is_template = field.path.last() == Some(&"template");
        let waits = is_suspended && is_template && OF_SUSPENDED.iter().any(is_open);
        !waits && !field.except.iter().any(is_open)
    })?;
    let depth = field.path.len() + usize::from(!field.except.is_empty());
    let names = path.iter().take(depth);
    Some(names.map(|name| format!(".{name}")).collect())
}
