//! Pods, and the kinds that create them.

/// A Pod, or a built-in kind that creates Pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workload {
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// The field names that lead to the pod template; empty for a Pod, which is its own template.
    pub template: &'static [&'static str],
    /// The JSON pointer to the number of running Pods in the status; `None` if a changed template
    /// restarts no Pods.
    pub running: Option<&'static str>,
}

/// The workloads, sorted by kind (`k8s.io/api/{apps,batch,core}`).
pub const WORKLOADS: &[Workload] = &[
    Workload {
        group: "batch",
        kind: "CronJob",
        template: &["spec", "jobTemplate", "spec", "template"],
        running: None,
    },
    Workload {
        group: "apps",
        kind: "DaemonSet",
        template: &["spec", "template"],
        running: Some("/status/currentNumberScheduled"),
    },
    Workload {
        group: "apps",
        kind: "Deployment",
        template: &["spec", "template"],
        running: Some("/status/replicas"),
    },
    Workload {
        group: "batch",
        kind: "Job",
        template: &["spec", "template"],
        running: None,
    },
    Workload {
        group: "",
        kind: "Pod",
        template: &[],
        running: None,
    },
    Workload {
        group: "apps",
        kind: "ReplicaSet",
        template: &["spec", "template"],
        running: None,
    },
    Workload {
        group: "",
        kind: "ReplicationController",
        template: &["spec", "template"],
        running: None,
    },
    Workload {
        group: "apps",
        kind: "StatefulSet",
        template: &["spec", "template"],
        running: Some("/status/replicas"),
    },
];

/// JSON pointers to the Pod specs of [`WORKLOADS`], the deepest first.
pub const POD_SPECS: [&str; 3] = [
    "/spec/jobTemplate/spec/template/spec",
    "/spec/template/spec",
    "/spec",
];

/// Returns the workload of this kind, whatever its group.
///
/// ```
/// assert!(driftctl::facts::workload("Deployment").is_some());
/// assert!(driftctl::facts::workload("Service").is_none());
/// ```
pub fn workload(kind: &str) -> Option<&'static Workload> {
    WORKLOADS.iter().find(|workload| workload.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pod_specs_has_the_path_of_every_workload() {
        assert!(WORKLOADS.is_sorted_by_key(|workload| workload.kind));
        for workload in WORKLOADS {
            let spec: String = workload.template.iter().map(|f| format!("/{f}")).collect();
            assert!(POD_SPECS.contains(&format!("{spec}/spec").as_str()));
        }
    }
}
