//! The clusters of Applications. One file may contain Applications for several clusters, and each
//! is compared only with its own cluster.

use serde_json::Value;

use crate::source::argo_clusters::{Clusters, IN_CLUSTER, is_same};
use crate::source::gitops::GitOpsObject;

/// Returns the address or the name of an Application's cluster.
pub(in crate::source) fn cluster(found: &GitOpsObject) -> &str {
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

/// Returns the cluster of an Application, if it is not the one that Argo CD runs in: by the name in
/// the cluster's Secret if known, whether the Application has its name or its address.
pub(in crate::source) fn other_cluster(named: &str, known: Option<&Clusters>) -> Option<String> {
    let secret = known.and_then(|known| known.named(named));
    let is_own = |word: &str| IN_CLUSTER.iter().any(|own| is_same(own, word));
    if is_own(named) || secret.is_some_and(|secret| is_own(&secret.server)) {
        return None;
    }
    Some(secret.map_or(named, |secret| &secret.name).to_owned())
}
