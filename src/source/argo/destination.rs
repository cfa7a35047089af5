//! The clusters that Applications go to. One file may hold Applications for many, and each belongs
//! to the comparison with its own cluster alone.

use serde_json::Value;

use crate::source::gitops::Found;

/// The address of the cluster that Argo CD itself runs in, and its name there
/// (`argo-cd/pkg/apis/application/v1alpha1`, `KubernetesInternalAPIServerAddr`).
pub(in crate::source) const IN_CLUSTER: [&str; 2] =
    ["https://kubernetes.default.svc", "in-cluster"];

/// Returns the address or the name of the cluster that an Application goes to.
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

/// Returns whether two names or addresses are those of one cluster.
pub(in crate::source) fn is_same(wanted: &str, cluster: &str) -> bool {
    let wanted = wanted.trim_end_matches('/');
    let cluster = cluster.trim_end_matches('/');
    wanted == cluster || IN_CLUSTER.contains(&wanted) && IN_CLUSTER.contains(&cluster)
}
