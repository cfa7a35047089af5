//! The clusters of Applications. One file may contain Applications for several clusters, and each
//! is compared only with its own cluster.

use serde_json::Value;

use crate::source::gitops::Found;

/// The address of the cluster that Argo CD itself runs in, and its name there
/// (`argo-cd/pkg/apis/application/v1alpha1`, `KubernetesInternalAPIServerAddr`).
pub(in crate::source) const IN_CLUSTER: [&str; 2] =
    ["https://kubernetes.default.svc", "in-cluster"];

/// Returns the address or the name of an Application's cluster.
pub(in crate::source) fn cluster(found: &Found) -> &str {
    let destination = found.value.pointer("/spec/destination");
    let text = |field: &str| {
        destination
            .and_then(|d| d.get(field))
            .and_then(Value::as_str)
    };
    let filled = |text: &&str| !text.is_empty();
    let cluster = text("server").filter(filled).or_else(|| text("name"));
    cluster.filter(filled).unwrap_or(IN_CLUSTER[1])
}

/// Returns whether two names or addresses mean the same cluster.
pub(in crate::source) fn is_same(wanted: &str, cluster: &str) -> bool {
    let wanted = wanted.trim_end_matches('/');
    let cluster = cluster.trim_end_matches('/');
    wanted == cluster || IN_CLUSTER.contains(&wanted) && IN_CLUSTER.contains(&cluster)
}
