//! Rates changes and whole objects by the severity rules.

use serde_json::Value;

use super::severity::SeverityRule;
use super::{RuleSet, SeveritySpec};
use crate::model::{Change, FieldPath, ObjectStatus, PathElement, ResourceKey, Severity};

impl RuleSet {
    /// Returns the severity rules, in the order in which they are applied.
    pub fn severities(&self) -> impl Iterator<Item = &SeveritySpec> {
        self.all_severity().map(|rule| &rule.spec)
    }

    /// Returns the severity of a change. The first matching rule decides; without one, it is
    /// medium. A block that was added or removed has the severity of its most severe field.
    pub fn severity(&self, key: &ResourceKey, change: &Change) -> Severity {
        let sides = [change.declared.as_ref(), change.live.as_ref()];
        let images = match sides.map(|side| side.and_then(Value::as_str)) {
            [Some(declared), Some(live)] => Some([declared, live]),
            _ => None,
        };
        let rules = self.rating(key);
        let own = rated(&rules, &change.path, change.live.as_ref(), images);
        let mut worst = None;
        let mut path = change.path.clone();
        if let [Some(block), None] | [None, Some(block)] = sides {
            let is_live = change.live.is_some();
            worst_within(&rules, &mut path, block, is_live, &mut worst);
        }
        own.max(worst).unwrap_or(Severity::Medium)
    }

    /// Returns the severity of a whole object being missing or extra; `None` for other objects.
    /// Rules without paths also rate whole objects. If none matches, a missing object is high, and
    /// an extra one is medium.
    pub fn whole_severity(&self, key: &ResourceKey, status: ObjectStatus) -> Option<Severity> {
        let otherwise = match status {
            ObjectStatus::Missing => Severity::High,
            ObjectStatus::Extra => Severity::Medium,
            ObjectStatus::InSync
            | ObjectStatus::Drifted
            | ObjectStatus::Unknown
            | ObjectStatus::Pending
            | ObjectStatus::Conflict => return None,
        };
        let whole = rated(&self.rating(key), &FieldPath::root(), None, None);
        Some(whole.unwrap_or(otherwise))
    }

    /// Returns the severity rules for an object. Its kind is matched once, and not at each leaf.
    fn rating(&self, key: &ResourceKey) -> Vec<&SeverityRule> {
        let rules = self.all_severity();
        rules.filter(|rule| rule.is_about(key)).collect()
    }
}

/// Returns the worst severity in a block. A boolean that is false counts as absent: a container
/// that is *not* privileged is not severe.
fn worst_within(
    rules: &[&SeverityRule],
    path: &mut FieldPath,
    value: &Value,
    is_live: bool,
    worst: &mut Option<Severity>,
) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                path.0.push(PathElement::Field(name.clone()));
                worst_within(rules, path, value, is_live, worst);
                path.0.pop();
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.0.push(PathElement::Index(index));
                worst_within(rules, path, item, is_live, worst);
                path.0.pop();
            }
        }
        Value::Null | Value::Bool(false) => {}
        Value::Bool(true) | Value::Number(_) | Value::String(_) => {
            let live = Some(value).filter(|_| is_live);
            *worst = (*worst).max(rated(rules, path, live, None));
        }
    }
}

/// Returns the severity of a value by the first of an object's rules that rates it.
fn rated(
    rules: &[&SeverityRule],
    path: &FieldPath,
    live: Option<&Value>,
    images: Option<[&str; 2]>,
) -> Option<Severity> {
    let rule = rules.iter().find(|rule| rule.rates(path, live, images))?;
    Some(rule.severity)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::tests::key as key_of;

    fn key(kind: &str) -> ResourceKey {
        let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
        key_of(group, kind)
    }

    fn rate(kind: &str, path: &str, declared: Option<Value>, live: Option<Value>) -> Severity {
        let change = Change::between(path.parse().unwrap(), declared, live);
        RuleSet::builtin().severity(&key(kind), &change)
    }

    /// The paths of pod specs, with a kind for each.
    const PODS: [(&str, &str); 4] = [
        ("Pod", ".spec"),
        ("Deployment.apps", ".spec.template.spec"),
        ("DaemonSet.apps", ".spec.template.spec"),
        ("CronJob.batch", ".spec.jobTemplate.spec.template.spec"),
    ];

    #[test]
    fn privileges_and_images_of_pods_are_severe() {
        use Severity::{Critical, High, Medium};
        let cases = [
            (
                ".containers[name=\"a\"].securityContext.privileged",
                Critical,
            ),
            (
                ".initContainers[name=\"a\"].securityContext.privileged",
                Critical,
            ),
            (".hostNetwork", Critical),
            (".hostPID", Critical),
            (".hostIPC", Critical),
            (".containers[name=\"a\"].image", High),
            (".containers[name=\"a\"].command", High),
            (".containers[name=\"a\"].args", High),
            (".initContainers[name=\"a\"].image", High),
            (".containers[name=\"a\"].securityContext.runAsUser", High),
            (
                ".containers[name=\"a\"].volumeMounts[mountPath=\"/\"]",
                High,
            ),
            (".securityContext.runAsNonRoot", High),
            (".serviceAccountName", High),
            (".automountServiceAccountToken", High),
            (".volumes[name=\"a\"].hostPath", Critical),
            (
                ".containers[name=\"a\"].securityContext.capabilities.add",
                Critical,
            ),
            (
                ".containers[name=\"a\"].securityContext.capabilities.drop",
                High,
            ),
            (".volumes[name=\"a\"].emptyDir.medium", High),
            (".containers[name=\"a\"].resources.limits.cpu", Medium),
            (".containers[name=\"a\"].env[name=\"A\"].value", Medium),
            (
                ".containers[name=\"a\"].env[name=\"LD_PRELOAD\"].value",
                High,
            ),
            (".containers[name=\"a\"].livenessProbe.exec.command", High),
            (
                ".containers[name=\"a\"].livenessProbe.periodSeconds",
                Medium,
            ),
            (".containers[name=\"a\"].readinessProbe", Medium),
            (".initContainers[name=\"a\"].resources", Medium),
            (".terminationGracePeriodSeconds", Medium),
            (".nodeSelector.disk", Medium),
        ];
        for (kind, pod) in PODS {
            for (field, expected) in cases {
                let path = format!("{pod}{field}");
                let found = rate(kind, &path, Some(json!(true)), Some(json!(1)));
                assert_eq!(found, expected, "{kind} {path}");
            }
        }
    }

    #[test]
    fn other_kinds_and_fields() {
        use Severity::{Critical, High, Low, Medium};
        for (kind, path, expected) in [
            ("ClusterRole.rbac.authorization.k8s.io", ".rules", Critical),
            (
                "RoleBinding.rbac.authorization.k8s.io",
                ".subjects[0].name",
                Critical,
            ),
            (
                "ClusterRole.rbac.authorization.k8s.io",
                ".metadata.labels.a",
                Low,
            ),
            (
                "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
                ".webhooks[name=\"a\"].failurePolicy",
                Critical,
            ),
            (
                "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io",
                ".spec.validationActions",
                Critical,
            ),
            (
                "ClusterPolicy.kyverno.io",
                ".spec.validationFailureAction",
                Critical,
            ),
            (
                "K8sRequiredLabels.constraints.gatekeeper.sh",
                ".spec.enforcementAction",
                Critical,
            ),
            (
                "Namespace",
                ".metadata.labels[\"pod-security.kubernetes.io/enforce\"]",
                Critical,
            ),
            ("Namespace", ".metadata.labels.team", Low),
            ("Secret", ".data.token", High),
            ("Secret", ".metadata.annotations.a", Low),
            ("NetworkPolicy.networking.k8s.io", ".spec.ingress", High),
            ("Ingress.networking.k8s.io", ".spec.rules", High),
            ("CiliumNetworkPolicy.cilium.io", ".spec.egress", High),
            (
                "CiliumEgressGatewayPolicy.cilium.io",
                ".spec.selectors",
                High,
            ),
            ("CiliumEnvoyConfig.cilium.io", ".spec.resources", High),
            ("CiliumNode.cilium.io", ".spec.ipam", Medium),
            (
                "AuthorizationPolicy.security.istio.io",
                ".spec.action",
                High,
            ),
            ("PeerAuthentication.security.istio.io", ".spec.mtls", High),
            (
                "EnvoyFilter.networking.istio.io",
                ".spec.configPatches",
                High,
            ),
            (
                "ValidatingPolicy.policies.kyverno.io",
                ".spec.validationActions",
                Critical,
            ),
            (
                "SecurityContextConstraints.security.openshift.io",
                ".users",
                Critical,
            ),
            ("Group.user.openshift.io", ".users", Critical),
            (
                "APIService.apiregistration.k8s.io",
                ".spec.service.name",
                High,
            ),
            ("HTTPRoute.gateway.networking.k8s.io", ".spec.rules", High),
            ("Service", ".spec.type", High),
            (
                "Service",
                ".spec.ports[port=80,protocol=\"TCP\"].nodePort",
                High,
            ),
            ("ServiceAccount", ".automountServiceAccountToken", High),
            ("Deployment.apps", ".spec.replicas", Medium),
            ("ConfigMap", ".data.mode", Medium),
            (
                "HorizontalPodAutoscaler.autoscaling",
                ".spec.maxReplicas",
                Medium,
            ),
            ("Deployment.apps", ".metadata.labels.a", Low),
            ("Deployment.apps", ".metadata.annotations.a", Low),
            (
                "Deployment.apps",
                ".spec.template.metadata.annotations.a",
                Low,
            ),
            (
                "CronJob.batch",
                ".spec.jobTemplate.spec.template.metadata.labels.a",
                Low,
            ),
            ("Widget.example.com", ".spec.size", Medium),
        ] {
            let found = rate(kind, path, Some(json!("a")), Some(json!("b")));
            assert_eq!(found, expected, "{kind} {path}");
        }
    }

    #[test]
    fn rates_annotations_by_their_effect() {
        use Severity::{Critical, High, Low};
        for (kind, annotation, expected) in [
            ("ServiceAccount", "eks.amazonaws.com/role-arn", Critical),
            ("ServiceAccount", "iam.gke.io/gcp-service-account", Critical),
            (
                "ServiceAccount",
                "azure.workload.identity/client-id",
                Critical,
            ),
            ("Deployment.apps", "eks.amazonaws.com/role-arn", Low),
            (
                "Service",
                "service.beta.kubernetes.io/aws-load-balancer-scheme",
                High,
            ),
            (
                "Service",
                "service.beta.kubernetes.io/azure-load-balancer-internal",
                High,
            ),
            ("Service", "networking.gke.io/load-balancer-type", High),
            (
                "Ingress.networking.k8s.io",
                "nginx.ingress.kubernetes.io/auth-url",
                High,
            ),
            (
                "Ingress.networking.k8s.io",
                "nginx.ingress.kubernetes.io/whitelist-source-range",
                High,
            ),
            (
                "Ingress.networking.k8s.io",
                "nginx.ingress.kubernetes.io/configuration-snippet",
                High,
            ),
            (
                "Ingress.networking.k8s.io",
                "alb.ingress.kubernetes.io/scheme",
                High,
            ),
            (
                "StorageClass.storage.k8s.io",
                "storageclass.kubernetes.io/is-default-class",
                High,
            ),
            ("Namespace", "sidecar.istio.io/inject", High),
            ("Service", "example.com/ticket", Low),
        ] {
            let path = format!(".metadata.annotations[\"{annotation}\"]");
            let found = rate(kind, &path, Some(json!("a")), Some(json!("b")));
            assert_eq!(found, expected, "{kind} {annotation}");
            let block = Some(json!({ annotation: "a" }));
            let removed = rate(kind, ".metadata.annotations", block, None);
            assert_eq!(removed, expected, "{kind} {annotation} with all others");
        }
    }

    #[test]
    fn a_variable_with_which_programs_load_code_is_high_in_templates() {
        let item = ".spec.template.spec.containers[name=\"a\"].env[name=\"NODE_OPTIONS\"]";
        let changed = rate("Deployment.apps", item, Some(json!("a")), Some(json!("b")));
        assert_eq!(changed, Severity::High);
        let list = ".spec.template.spec.containers[name=\"a\"].env";
        let added = |name: &str| {
            let list_of_one = json!([{"name": name, "value": "a"}]);
            rate("Deployment.apps", list, None, Some(list_of_one))
        };
        assert_eq!(added("JAVA_TOOL_OPTIONS"), Severity::High);
        assert_eq!(added("LOG_LEVEL"), Severity::Medium);
        let in_pod = ".spec.containers[name=\"a\"].env[name=\"NODE_OPTIONS\"]";
        let in_pod = rate("Pod", in_pod, None, Some(json!({"name": "NODE_OPTIONS"})));
        assert_eq!(in_pod, Severity::Medium, "admission adds it to Pods");
    }

    #[test]
    fn scaling_to_zero_is_high_and_other_scaling_is_medium() {
        let scaled = |kind, to: u64| rate(kind, ".spec.replicas", Some(json!(3)), Some(json!(to)));
        for kind in ["Deployment.apps", "StatefulSet.apps", "Kiosk.example.com"] {
            assert_eq!(scaled(kind, 0), Severity::High, "{kind}");
            assert_eq!(scaled(kind, 8), Severity::Medium, "{kind}");
        }
    }

    #[test]
    fn an_image_from_another_registry_is_critical() {
        let path = ".spec.template.spec.containers[name=\"app\"].image";
        let image = |declared, live| {
            rate(
                "Deployment.apps",
                path,
                Some(json!(declared)),
                Some(json!(live)),
            )
        };
        assert_eq!(
            image("ghcr.io/shop/cart:1", "ghcr.io/shop/cart:2"),
            Severity::High
        );
        assert_eq!(
            image("nginx", "docker.io/library/nginx:1.27"),
            Severity::High
        );
        assert_eq!(
            image("ghcr.io/shop/cart:1", "evil.example/shop/cart:1"),
            Severity::Critical
        );
        assert_eq!(
            image("nginx:1.27", "ghcr.io/nginx:1.27"),
            Severity::Critical
        );
    }

    #[test]
    fn a_block_has_the_severity_of_its_worst_field() {
        let container = ".spec.template.spec.containers[name=\"debug\"]";
        let added = |value| rate("Deployment.apps", container, None, Some(value));
        let plain = json!({"name": "debug", "securityContext": {"privileged": false}});
        assert_eq!(added(plain), Severity::High);
        let privileged = json!({"name": "debug", "securityContext": {"privileged": true}});
        assert_eq!(added(privileged), Severity::Critical);
        let metadata = rate(
            "Deployment.apps",
            ".spec.template.metadata",
            None,
            Some(json!({"labels": {"a": "b"}})),
        );
        assert_eq!(metadata, Severity::Low);
    }

    #[test]
    fn rates_whole_objects_by_kind() {
        let rules = RuleSet::builtin();
        for (kind, status, expected) in [
            (
                "Deployment.apps",
                ObjectStatus::Missing,
                Some(Severity::High),
            ),
            ("ConfigMap", ObjectStatus::Extra, Some(Severity::Medium)),
            ("Secret", ObjectStatus::Extra, Some(Severity::High)),
            (
                "NetworkPolicy.networking.k8s.io",
                ObjectStatus::Missing,
                Some(Severity::High),
            ),
            (
                "ClusterRoleBinding.rbac.authorization.k8s.io",
                ObjectStatus::Extra,
                Some(Severity::Critical),
            ),
            ("Deployment.apps", ObjectStatus::Drifted, None),
        ] {
            assert_eq!(
                rules.whole_severity(&key(kind), status),
                expected,
                "{kind} {status:?}"
            );
        }
    }
}
