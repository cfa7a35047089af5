//! The clusters that Applications go to. One file may hold Applications for many, and each belongs
//! to the comparison with its own cluster alone.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::source::Loaded;
use crate::source::gitops::Found;

/// The address of the cluster that Argo CD itself runs in, and its name there
/// (`argo-cd/pkg/apis/application/v1alpha1`, `KubernetesInternalAPIServerAddr`).
const IN_CLUSTER: [&str; 2] = ["https://kubernetes.default.svc", "in-cluster"];

/// How many clusters are named in a message; some fleets have hundreds.
const NAMED: usize = 4;

/// Leaves out the Applications of clusters that are not wanted; nothing wanted means all of them,
/// and then it is said if they are for more than one.
pub(super) fn choose(applications: &mut Vec<Found>, wanted: &[String], loaded: &mut Loaded) {
    let Some(place) = applications.first().map(|first| first.place.clone()) else {
        return;
    };
    let clusters: BTreeSet<&str> = applications.iter().map(cluster).collect();
    let named = named(&clusters);
    if wanted.is_empty() {
        if clusters.len() > 1 {
            let message = format!(
                "the Applications here go to {} clusters ({named}), and all of them are compared \
                 with one: say with --destination which of them it is",
                clusters.len()
            );
            loaded.warning(place, message);
        }
        return;
    }
    let is_wanted = |found: &Found| wanted.iter().any(|wanted| is_same(wanted, cluster(found)));
    if !applications.iter().any(is_wanted) {
        let wanted = wanted.join(" or ");
        let message = format!("no Application here goes to the cluster {wanted}, but to {named}");
        loaded.error(place, message);
    }
    for found in applications.iter().filter(|found| !is_wanted(found)) {
        let (name, cluster) = (found.metadata("name"), cluster(found));
        let reason = format!("the Application {name} goes to another cluster: {cluster}");
        loaded.skip(&found.place, reason);
    }
    applications.retain(is_wanted);
}

/// The address or the name of the cluster that an Application goes to.
fn cluster(found: &Found) -> &str {
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

fn is_same(wanted: &str, cluster: &str) -> bool {
    let wanted = wanted.trim_end_matches('/');
    let cluster = cluster.trim_end_matches('/');
    wanted == cluster || IN_CLUSTER.contains(&wanted) && IN_CLUSTER.contains(&cluster)
}

fn named(clusters: &BTreeSet<&str>) -> String {
    let mut named: Vec<&str> = clusters.iter().take(NAMED).copied().collect();
    if clusters.len() > NAMED {
        named.push("…");
    }
    named.join(", ")
}
