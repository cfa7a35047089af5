//! Recognizes files that look like objects but that only client-side programs read.

use serde_json::{Map, Value};

use crate::model::group_of;
use crate::source::kustomization;

/// Kinds that only client-side programs read: group, kind (empty for all of the group) and a
/// description. A group with a leading dot includes its subgroups.
const CLIENT_SIDE: &[(&str, &str, &str)] = &[
    (kustomization::GROUP, "", "a file of kustomize itself"),
    ("builtin", "", "a transformer of kustomize"),
    ("kind.x-k8s.io", "", "a configuration of kind"),
    ("k3d.io", "", "a configuration of k3d"),
    ("ctlptl.dev", "", "a configuration of ctlptl"),
    ("eksctl.io", "", "a configuration of eksctl"),
    ("skaffold", "", "a configuration of skaffold"),
    ("kubeadm.k8s.io", "", "a configuration of kubeadm"),
    ("kpt.dev", "Kptfile", "a file of kpt itself"),
    ("backstage.io", "", "an entry of a Backstage catalogue"),
    (
        "audit.k8s.io",
        "",
        "a file that the API server reads from disk",
    ),
    (
        "apiserver.config.k8s.io",
        "",
        "a file that the API server reads from disk",
    ),
    (
        "apiserver.k8s.io",
        "",
        "a file that the API server reads from disk",
    ),
    (
        "kubelet.config.k8s.io",
        "",
        "a file that the kubelet reads from disk",
    ),
    (
        "credentialprovider.kubelet.k8s.io",
        "",
        "a file that the kubelet reads from disk",
    ),
    (
        "kubescheduler.config.k8s.io",
        "",
        "a file that the scheduler reads from disk",
    ),
    (
        "kubeproxy.config.k8s.io",
        "",
        "a file that kube-proxy reads from disk",
    ),
    (
        "kubecontrollermanager.config.k8s.io",
        "",
        "a file that the controller manager reads from disk",
    ),
    (
        "client.authentication.k8s.io",
        "",
        "a response of a credential plugin",
    ),
    ("cli.kyverno.io", "", "a test of Kyverno"),
    ("chainsaw.kyverno.io", "", "a test of Chainsaw"),
    ("kuttl.dev", "", "a test of kuttl"),
    ("test.gatekeeper.sh", "", "a test of Gatekeeper"),
    (
        "mirror.openshift.io",
        "ImageSetConfiguration",
        "a configuration of oc-mirror",
    ),
];

/// Returns the description of an object that only a client-side program reads.
pub(super) fn client_side(
    fields: &Map<String, Value>,
    kind: &str,
    api_version: &str,
) -> Option<&'static str> {
    if api_version == "v1" && kind == "Config" && fields.contains_key("clusters") {
        return Some("a kubeconfig");
    }
    let group = match group_of(api_version) {
        "" => api_version,
        group => group,
    };
    CLIENT_SIDE
        .iter()
        .find(|(of_group, of_kind, _)| {
            group == *of_group && (of_kind.is_empty() || kind == *of_kind)
        })
        .map(|(_, _, what)| *what)
}

/// Returns a guess at what a file is, from its name and its fields.
pub(super) fn what_it_may_be(fields: &Map<String, Value>, file_name: &str) -> &'static str {
    let has = |field: &str| fields.contains_key(field);
    match file_name {
        "Chart.yaml" | "Chart.lock" | "requirements.yaml" => return "a description of a Helm chart",
        "kustomization.yaml" | "kustomization.yml" | kustomization::BARE_NAME => {
            return "a file of kustomize itself";
        }
        name if name.starts_with("values") || name.ends_with("values.yaml") => {
            return "values of a Helm chart";
        }
        _ => {}
    }
    if fields.is_empty() {
        "an empty mapping"
    } else if has("services") {
        "a compose file"
    } else if has("jobs") || has("runs") {
        "a CI workflow"
    } else {
        "a mapping"
    }
}

/// Returns whether a file is known by its name not to be a manifest, and may not be valid JSON
/// either.
pub(in crate::source) fn is_other_json(file_name: &str) -> bool {
    let is = |stem: &str| file_name.starts_with(stem) && file_name.ends_with(".json");
    is("tsconfig") || is("jsconfig") || file_name == "devcontainer.json"
}
