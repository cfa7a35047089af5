//! Names of field managers, and how the tools behind them write.

use serde_json::Value;

/// The field manager of client-side `kubectl apply` (`kubectl/pkg/cmd/apply`).
pub const CLIENT_SIDE_APPLY: &str = "kubectl-client-side-apply";

/// The field manager of `kubectl apply --server-side`, and of every kubectl command that names
/// none.
pub const KUBECTL: &str = "kubectl";

/// The prefixes of the taints that controllers of the control plane put on nodes
/// (`k8s.io/api/core/v1/well_known_taints.go`, `k8s.io/cloud-provider/api`).
const TAINTS_OF_CONTROLLERS: &[&str] =
    &["node.kubernetes.io/", "node.cloudprovider.kubernetes.io/"];

/// The taints of the node lifecycle controller, and the condition of the node that each stands for
/// (`pkg/controller/nodelifecycle/node_lifecycle_controller.go`).
const TAINTS_OF_CONDITIONS: &[(&str, &str, &str)] = &[
    ("node.kubernetes.io/disk-pressure", "DiskPressure", "True"),
    (
        "node.kubernetes.io/memory-pressure",
        "MemoryPressure",
        "True",
    ),
    (
        "node.kubernetes.io/network-unavailable",
        "NetworkUnavailable",
        "True",
    ),
    ("node.kubernetes.io/not-ready", "Ready", "False"),
    ("node.kubernetes.io/pid-pressure", "PIDPressure", "True"),
    ("node.kubernetes.io/unreachable", "Ready", "Unknown"),
];

/// The taint of a cordoned node, by the same controller.
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// Returns whether a field manager may have put a taint with this key on a live node. Controllers of
/// the control plane write the list of taints as a whole, and so come to own the taints of others:
/// theirs are those whose condition the node has.
pub fn may_taint(manager: &str, key: &str, node: &Value) -> bool {
    let is_controller = matches!(
        manager,
        "kube-controller-manager" | "cloud-controller-manager"
    );
    if !is_controller {
        return true;
    }
    if key == UNSCHEDULABLE {
        return node.pointer("/spec/unschedulable") == Some(&Value::Bool(true));
    }
    let conditions = node.pointer("/status/conditions").and_then(Value::as_array);
    let of_condition = TAINTS_OF_CONDITIONS
        .iter()
        .find(|(taint, ..)| *taint == key);
    if let (Some((_, condition, status)), Some(conditions)) = (of_condition, conditions) {
        return conditions
            .iter()
            .any(|it| it["type"] == *condition && it["status"] == *status);
    }
    TAINTS_OF_CONTROLLERS
        .iter()
        .any(|prefix| key.starts_with(prefix))
}

/// How a tool applies manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applies {
    /// A controller that applies repeatedly.
    Unattended,
    /// A command that a person or a pipeline runs.
    AtHand,
}

/// The field managers of controllers and tools that apply manifests. A person may run a tool, but
/// never a controller.
const APPLIERS: &[(&str, Applies)] = &[
    ("argocd-controller", Applies::Unattended),
    ("argocd-application-controller", Applies::Unattended),
    ("kustomize-controller", Applies::Unattended),
    ("helm-controller", Applies::Unattended),
    ("fleetagent", Applies::Unattended),
    ("helm", Applies::AtHand),
    (CLIENT_SIDE_APPLY, Applies::AtHand),
    (KUBECTL, Applies::AtHand),
    ("kapp", Applies::AtHand),
    ("kapp-server-side-apply", Applies::AtHand),
    ("kluctl", Applies::AtHand),
    ("pulumi-kubernetes", Applies::AtHand),
    ("Terraform", Applies::AtHand),
    ("terraform-provider-kubernetes", Applies::AtHand),
    ("ansible", Applies::AtHand),
    ("skaffold", Applies::AtHand),
];

/// The field managers under which kubectl changes single fields, and under which driftctl reverts
/// them. They never declare a manifest, however many fields they own.
pub const EDITORS: &[&str] = &[
    "driftctl",
    "driftctl-undo",
    "kubectl-annotate",
    "kubectl-autoscale",
    "kubectl-edit",
    "kubectl-label",
    "kubectl-patch",
    "kubectl-rollout",
    "kubectl-scale",
    "kubectl-set",
    "kubectl-taint",
];

/// The field manager of `kubectl replace`. A pipeline that deploys with it declares manifests; beside
/// another applier, it is the edit of a person.
pub const REPLACE: &str = "kubectl-replace";

/// The field managers that write replicas for an autoscaler, as globs: through the `scale`
/// subresource, or without an owner after a server-side apply.
pub const SCALERS: &[&str] = &[
    "kube-controller-manager",
    "horizontal-pod-autoscaler",
    "keda-*",
    "vpa-*",
];

/// Returns how the tool behind a field manager applies, if known.
pub fn how_it_applies(manager: &str) -> Option<Applies> {
    let known = APPLIERS.iter().find(|(name, _)| *name == manager);
    known.map(|(_, how)| *how)
}

/// Returns the GitOps tool whose controller writes under this field manager.
///
/// ```
/// assert_eq!(driftctl::facts::gitops_controller("kustomize-controller"), Some("Flux"));
/// ```
pub fn gitops_controller(manager: &str) -> Option<&'static str> {
    match manager {
        "argocd-controller" | "argocd-application-controller" => Some("Argo CD"),
        "kustomize-controller" | "helm-controller" => Some("Flux"),
        _ => None,
    }
}
/// The service accounts of GitOps controllers, as their own manifests install them.
const ACCOUNTS: [(&str, &str); 5] = [
    (
        "argocd-controller",
        "system:serviceaccount:argocd:argocd-application-controller",
    ),
    (
        "argocd-application-controller",
        "system:serviceaccount:argocd:argocd-application-controller",
    ),
    (
        "kustomize-controller",
        "system:serviceaccount:flux-system:kustomize-controller",
    ),
    (
        "helm-controller",
        "system:serviceaccount:flux-system:helm-controller",
    ),
    (
        "fleetagent",
        "system:serviceaccount:cattle-fleet-system:fleet-agent",
    ),
];

/// Returns the user that a GitOps controller is by default.
pub fn service_account(manager: &str) -> Option<&'static str> {
    let account = ACCOUNTS.iter().find(|(name, _)| *name == manager);
    account.map(|(_, user)| *user)
}
