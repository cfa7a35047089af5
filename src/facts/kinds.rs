//! Kinds and API groups.

/// The API groups whose types are built in (`kubectl api-resources` on Kubernetes 1.36), and
/// `extensions`, which old manifests still use.
pub const BUILT_IN_GROUPS: &[&str] = &[
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// Kinds that occur only in requests and responses, and are never stored, like kinds whose names
/// end in `Options` or `Review`.
pub const REQUEST_MESSAGES: &[&str] = &[
    "APIGroup",
    "APIVersions",
    "Binding",
    "DeploymentRollback",
    "Eviction",
    "Scale",
    "SerializedReference",
    "Status",
    "TokenRequest",
];

/// The objects that built-in kinds create: the group and kind of the owner, and the kinds of the
/// objects.
pub const MAKES: &[(&str, &str, &[&str])] = &[
    ("", "Endpoints", &["EndpointSlice"]),
    ("", "Node", &["Lease", "Pod", "CSINode"]),
    (
        "",
        "Pod",
        &["PersistentVolumeClaim", "ResourceClaim", "CiliumEndpoint"],
    ),
    ("", "ReplicationController", &["Pod"]),
    ("", "Service", &["EndpointSlice"]),
    ("apps", "DaemonSet", &["ControllerRevision", "Pod"]),
    ("apps", "Deployment", &["ReplicaSet"]),
    ("apps", "ReplicaSet", &["Pod"]),
    (
        "apps",
        "StatefulSet",
        &["ControllerRevision", "PersistentVolumeClaim", "Pod"],
    ),
    ("batch", "CronJob", &["Job"]),
    ("batch", "Job", &["Pod"]),
];

/// The API groups of objects that grant permissions or change what others apply. A label, a name or
/// an owner that anyone can write explains none of them.
const GUARDED_GROUPS: &[&str] = &[
    "admissionregistration.k8s.io",
    "authorization.openshift.io",
    "rbac.authorization.k8s.io",
    "security.openshift.io",
];

/// Returns whether the objects of an API group grant permissions or change what others apply.
pub fn is_guarded(group: &str) -> bool {
    GUARDED_GROUPS.contains(&group)
}
