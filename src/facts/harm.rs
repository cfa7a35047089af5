//! Content of undeclared objects that grants access or redirects traffic.
//!
//! The severity of a change does not show this: each change to a Service is severe, but a Service that
//! only names Pods inside the cluster gives nobody anything.

/// What a field must contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HarmfulValue {
    /// Anything but nothing.
    Any,
    /// One of these texts.
    OneOf(&'static [&'static str]),
}

/// A field with which an object grants access or redirects traffic.
#[derive(Debug, Clone, Copy)]
pub struct HarmfulField {
    /// The API group.
    pub group: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// The path of the field.
    pub path: &'static [&'static str],
    /// What it contains.
    pub value: HarmfulValue,
}

const fn core(
    kind: &'static str,
    path: &'static [&'static str],
    value: HarmfulValue,
) -> HarmfulField {
    HarmfulField {
        group: "",
        kind,
        path,
        value,
    }
}

/// The fields.
pub const HARMFUL_FIELDS: &[HarmfulField] = &[
    // Tokens of service accounts and of joining nodes, and Helm's records
    // (`k8s.io/api/core/v1/types.go`, `cluster-bootstrap/token/api`, `helm/pkg/storage/driver`).
    core(
        "Secret",
        &["type"],
        HarmfulValue::OneOf(&[
            "bootstrap.kubernetes.io/token",
            "helm.sh/release.v1",
            "kubernetes.io/service-account-token",
        ]),
    ),
    core(
        "Secret",
        &[
            "metadata",
            "annotations",
            "kubernetes.io/service-account.name",
        ],
        HarmfulValue::Any,
    ),
    // Clusters, repositories and credentials of Argo CD (`argo-cd/common/common.go`).
    core(
        "Secret",
        &["metadata", "labels", "argocd.argoproj.io/secret-type"],
        HarmfulValue::Any,
    ),
    // Keys with which sealed-secrets decrypts (`sealed-secrets/pkg/controller/keys.go`).
    core(
        "Secret",
        &[
            "metadata",
            "labels",
            "sealedsecrets.bitnami.com/sealed-secrets-key",
        ],
        HarmfulValue::Any,
    ),
    // Services that are reachable from outside, or lead there.
    core("Service", &["spec", "externalIPs"], HarmfulValue::Any),
    core("Service", &["spec", "externalName"], HarmfulValue::Any),
    core(
        "Service",
        &["spec", "type"],
        HarmfulValue::OneOf(&["ExternalName", "LoadBalancer", "NodePort"]),
    ),
    core("PersistentVolume", &["spec", "hostPath"], HarmfulValue::Any),
    core("PersistentVolume", &["spec", "local"], HarmfulValue::Any),
];

/// The group and kind of objects that direct traffic as a whole.
pub const HARMFUL_KINDS: &[(&str, &str)] = &[
    ("", "Endpoints"),
    ("discovery.k8s.io", "EndpointSlice"),
    ("route.openshift.io", "Route"),
    ("traefik.io", "IngressRoute"),
    ("traefik.io", "IngressRouteTCP"),
    ("traefik.io", "IngressRouteUDP"),
];

/// The group and kind of severe objects that are harmless without the fields above or, of a
/// NetworkPolicy, without a rule for everyone.
pub const HARMLESS_BY_CONTENT: &[(&str, &str)] = &[
    ("", "Secret"),
    ("", "ServiceAccount"),
    ("networking.k8s.io", "NetworkPolicy"),
];

/// Returns whether the metadata of an object of this kind does not show whether it is harmful.
/// Secrets are not read: their annotations and labels have to do.
pub fn content_decides_harm(group: &str, kind: &str) -> bool {
    let is_it = |field: &HarmfulField| (field.group, field.kind) == (group, kind);
    let is_secret = (group, kind) == ("", "Secret");
    (group, kind) == ("networking.k8s.io", "NetworkPolicy")
        || (!is_secret && HARMFUL_FIELDS.iter().any(is_it))
}
