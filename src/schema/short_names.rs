//! The short names of the built-in kinds.

/// `(group, kind, short names)` as in discovery, sorted.
const SHORT_NAMES: &[(&str, &str, &[&str])] = &[
    ("", "ComponentStatus", &["cs"]),
    ("", "ConfigMap", &["cm"]),
    ("", "Endpoints", &["ep"]),
    ("", "Event", &["ev"]),
    ("", "LimitRange", &["limits"]),
    ("", "Namespace", &["ns"]),
    ("", "Node", &["no"]),
    ("", "PersistentVolume", &["pv"]),
    ("", "PersistentVolumeClaim", &["pvc"]),
    ("", "Pod", &["po"]),
    ("", "ReplicationController", &["rc"]),
    ("", "ResourceQuota", &["quota"]),
    ("", "Service", &["svc"]),
    ("", "ServiceAccount", &["sa"]),
    (
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        &["crd", "crds"],
    ),
    ("apps", "DaemonSet", &["ds"]),
    ("apps", "Deployment", &["deploy"]),
    ("apps", "ReplicaSet", &["rs"]),
    ("apps", "StatefulSet", &["sts"]),
    ("autoscaling", "HorizontalPodAutoscaler", &["hpa"]),
    ("batch", "CronJob", &["cj"]),
    ("certificates.k8s.io", "CertificateSigningRequest", &["csr"]),
    ("events.k8s.io", "Event", &["ev"]),
    ("networking.k8s.io", "IPAddress", &["ip"]),
    ("networking.k8s.io", "Ingress", &["ing"]),
    ("networking.k8s.io", "NetworkPolicy", &["netpol"]),
    ("policy", "PodDisruptionBudget", &["pdb"]),
    ("scheduling.k8s.io", "PriorityClass", &["pc"]),
    ("storage.k8s.io", "StorageClass", &["sc"]),
    ("storage.k8s.io", "VolumeAttributesClass", &["vac"]),
];

/// Returns the short names of a built-in kind, such as `deploy`; none for other kinds.
///
/// ```
/// assert_eq!(driftctl::schema::short_names("apps", "Deployment"), ["deploy"]);
/// assert!(driftctl::schema::short_names("", "Secret").is_empty());
/// ```
pub fn short_names(group: &str, kind: &str) -> &'static [&'static str] {
    let found = SHORT_NAMES.binary_search_by(|(g, k, _)| (*g, *k).cmp(&(group, kind)));
    found
        .ok()
        .and_then(|at| SHORT_NAMES.get(at))
        .map_or(&[], |(_, _, names)| names)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use serde_json::Value;

    use super::*;

    #[test]
    fn short_names_are_those_of_discovery() {
        let mut found = Vec::new();
        for file in ["api", "apis"] {
            let path = format!("fixtures/apiserver/{file}.aggregated.json.gz");
            let mut text = String::new();
            flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap())
                .read_to_string(&mut text)
                .unwrap();
            let document: Value = serde_json::from_str(&text).unwrap();
            for group in document["items"].as_array().unwrap() {
                let name = group["metadata"]["name"].as_str().unwrap_or_default();
                let versions = group["versions"].as_array().unwrap();
                let resources = versions.iter().flat_map(|v| v["resources"].as_array());
                for resource in resources.flatten() {
                    let kind = resource["responseKind"]["kind"].as_str().unwrap();
                    let short = resource["shortNames"].as_array().cloned();
                    let known = short_names(name, kind);
                    assert_eq!(short.unwrap_or_default(), known, "{kind}.{name}");
                    found.push(!known.is_empty());
                }
            }
        }
        assert!(found.len() > 50 && SHORT_NAMES.is_sorted());
    }
}
