//! Computes defaults that depend on other fields.
//!
//! The rules are those of `SetDefaults_*` in `pkg/apis/*/*/defaults.go` of Kubernetes, of its
//! conversions, and of the admission plugins that every API server runs. Defaults that do not
//! depend on other fields are in the table ([`Field::default`](super::Field)).

use serde_json::{Map, Value, json};

mod image;

use super::{Schema, TypeId, is_empty};
use image::pull_policy;

/// Returns the server's default for an omitted field, if it depends on sibling fields.
///
/// `declared` and `live` are the two sides of the object that contains the field; if the manifest
/// does not declare that object, both are the live one. The default follows the declared siblings:
/// a default that follows from a live change (the traffic policy of a Service that was made a
/// NodePort) is part of that change. Live siblings are used only for values that the server
/// generates.
///
/// The result is the default of the whole field, even if a part of it is declared: the `requests`
/// of a container are the declared ones and those that its limits imply.
pub fn conditional_default(
    schema: &Schema,
    parent: TypeId,
    field: &str,
    declared: &Map<String, Value>,
    live: &Map<String, Value>,
) -> Option<Value> {
    let (ty, place) = split_name(schema.name(parent));
    let siblings = SiblingFields { declared, live };
    siblings.default_of(ty, place, field)
}

/// Splits a type's name from the suffix of types with their own defaults (`core.v1.PodSpec@Pod`).
fn split_name(name: &str) -> (&str, &str) {
    name.split_once('@').unwrap_or((name, ""))
}

/// The sibling fields, on both sides.
struct SiblingFields<'v> {
    declared: &'v Map<String, Value>,
    live: &'v Map<String, Value>,
}

impl<'v> SiblingFields<'v> {
    fn default_of(&self, ty: &str, place: &str, field: &str) -> Option<Value> {
        let (group, name) = ty.split_once('.')?;
        match group {
            "core" => self.of_core(name.strip_prefix("v1.")?, place, field),
            "apps" => self.of_apps(name, field),
            "batch" => self.of_batch(name, place, field),
            "resource" => self.of_resource(name, field),
            _ => self.of_others(ty, field),
        }
    }

    fn of_core(&self, name: &str, place: &str, field: &str) -> Option<Value> {
        match (name, field) {
            ("Container" | "EphemeralContainer", "imagePullPolicy") => {
                self.text("image").map(pull_policy)
            }
            ("ImageVolumeSource", "pullPolicy") => self.text("reference").map(pull_policy),
            ("ServicePort", "targetPort") => self.get("port").cloned(),
            ("ServiceSpec", _) => self.of_service(field),
            ("PodSpec", "serviceAccount") => {
                let account = self.get("serviceAccountName").cloned();
                account.or_else(|| (place == "Pod").then(|| json!("default")))
            }
            ("PodSpec", "serviceAccountName") => {
                let account = self.get("serviceAccount").cloned();
                account.or_else(|| (place == "Pod").then(|| json!("default")))
            }
            ("PersistentVolumeClaimSpec", "dataSource") => {
                let source = self.get("dataSourceRef")?;
                source.get("namespace").is_none().then(|| source.clone())
            }
            ("PersistentVolumeClaimSpec", "dataSourceRef") => self.get("dataSource").cloned(),
            // Admission sets these when a Pod is created, and they are immutable afterwards.
            ("PodSpec", "overhead" | "preemptionPolicy" | "priority") if place == "Pod" => {
                self.live(field).cloned()
            }
            // Claim templates of a StatefulSet are stored as whole objects.
            ("PersistentVolumeClaim", "apiVersion") => Some(json!("v1")),
            ("PersistentVolumeClaim", "kind") => Some(json!("PersistentVolumeClaim")),
            ("PersistentVolumeClaim", "status") => Some(json!({"phase": "Pending"})),
            ("Volume", "emptyDir") => {
                let is_source = |name: &&String| !matches!(name.as_str(), "name" | "emptyDir");
                let sources = self.declared.iter().filter(|(name, _)| is_source(name));
                let bare = sources.into_iter().all(|(_, value)| value.is_null());
                bare.then(|| json!({}))
            }
            ("LimitRangeItem", _) => self.of_limit_range(field),
            ("ResourceRequirements", "requests") if place == "Pod" => {
                self.merged("requests", &["limits"])
            }
            // With host networking, which is immutable in a Pod.
            ("ContainerPort", "hostPort") if place == "Pod" => self.get("containerPort").cloned(),
            ("ReplicationControllerSpec", "selector") => {
                let labels = self.get("template")?.pointer("/metadata/labels")?;
                (!is_empty(labels)).then(|| labels.clone())
            }
            _ => None,
        }
    }

    fn of_service(&self, field: &str) -> Option<Value> {
        let ty = self
            .text("type")
            .filter(|ty| !ty.is_empty())
            .unwrap_or("ClusterIP");
        match field {
            "sessionAffinityConfig" => (self.text("sessionAffinity") == Some("ClientIP"))
                .then(|| json!({"clientIP": {"timeoutSeconds": 10800}})),
            "externalTrafficPolicy" => {
                let has_addresses = self.get("externalIPs").is_some_and(|ips| !is_empty(ips));
                let outside = matches!(ty, "NodePort" | "LoadBalancer")
                    || (ty == "ClusterIP" && has_addresses);
                outside.then(|| json!("Cluster"))
            }
            "internalTrafficPolicy" => (ty != "ExternalName").then(|| json!("Cluster")),
            "allocateLoadBalancerNodePorts" => (ty == "LoadBalancer").then_some(Value::Bool(true)),
            "ipFamilyPolicy" => (ty != "ExternalName").then(|| json!(self.family_policy())),
            "clusterIPs" => {
                let address = self.get("clusterIP").or_else(|| self.live("clusterIP"));
                Some(json!([address?]))
            }
            _ => None,
        }
    }

    /// Returns the default of a headless Service without a selector, which gets addresses of every
    /// family (`pkg/registry/core/service/storage/alloc.go`).
    fn family_policy(&self) -> &'static str {
        let is_headless = self.text("clusterIP") == Some("None");
        let selects = self.get("selector").is_some_and(|labels| !is_empty(labels));
        if is_headless && !selects {
            "RequireDualStack"
        } else {
            "SingleStack"
        }
    }

    /// Returns the defaults of a LimitRange item: default limits of a container come from the
    /// maxima, and default requests from the default limits or else from the minima.
    fn of_limit_range(&self, field: &str) -> Option<Value> {
        if self.text("type") != Some("Container") {
            return None;
        }
        match field {
            "default" => self.merged("default", &["max"]),
            "defaultRequest" => self.merged("defaultRequest", &["default", "max", "min"]),
            _ => None,
        }
    }

    fn of_apps(&self, name: &str, field: &str) -> Option<Value> {
        let ty = self.text("type").filter(|ty| !ty.is_empty());
        let rolls = ty.is_none_or(|ty| ty == "RollingUpdate");
        match (name, field) {
            ("v1.DeploymentStrategy", "rollingUpdate") => {
                rolls.then(|| json!({"maxSurge": "25%", "maxUnavailable": "25%"}))
            }
            ("v1.DaemonSetUpdateStrategy", "rollingUpdate") => {
                rolls.then(|| json!({"maxSurge": 0, "maxUnavailable": 1}))
            }
            // This applies only if the type is absent too, as it is if nothing is declared.
            ("v1.StatefulSetUpdateStrategy", "rollingUpdate") => {
                let undeclared = std::ptr::eq(self.declared, self.live);
                (ty.is_none() || undeclared).then(|| json!({"partition": 0}))
            }
            _ => None,
        }
    }

    fn of_batch(&self, name: &str, place: &str, field: &str) -> Option<Value> {
        if (name, place) != ("v1.JobSpec", "Job") {
            return None;
        }
        match field {
            "completions" => present(self.declared, "parallelism")
                .is_none()
                .then(|| json!(1)),
            "backoffLimit" => {
                let per_index = self.get("backoffLimitPerIndex").is_some();
                Some(json!(if per_index { i32::MAX } else { 6 }))
            }
            "podReplacementPolicy" => {
                let fails = self.get("podFailurePolicy").is_some();
                Some(json!(if fails {
                    "Failed"
                } else {
                    "TerminatingOrFailed"
                }))
            }
            "selector" => self.generated_selector(),
            _ => None,
        }
    }

    /// Returns the selector that the server generates for a Job: it selects the Job's uid, a label
    /// that the server also adds to the template.
    fn generated_selector(&self) -> Option<Value> {
        let selector = self.live.get("selector")?;
        let labels = self.live.get("template")?.pointer("/metadata/labels")?;
        let wanted = selector.get("matchLabels")?.as_object()?;
        let generated = ["batch.kubernetes.io/controller-uid", "controller-uid"];
        let is_generated = wanted.len() == 1
            && wanted.iter().all(|(label, uid)| {
                generated.contains(&label.as_str()) && labels.get(label) == Some(uid)
            });
        let alone = selector.as_object().is_some_and(|fields| fields.len() == 1);
        (is_generated && alone).then(|| selector.clone())
    }

    fn of_resource(&self, name: &str, field: &str) -> Option<Value> {
        let (version, name) = name.split_once('.')?;
        let requests = matches!(
            (version, name),
            (_, "ExactDeviceRequest" | "DeviceSubRequest") | ("v1beta1", "DeviceRequest")
        );
        // A v1beta1 request with a list of alternatives has no class of its own.
        if !requests || self.text("deviceClassName").is_none_or(str::is_empty) {
            return None;
        }
        let mode = self.text("allocationMode").filter(|mode| !mode.is_empty());
        match field {
            "allocationMode" => Some(json!("ExactCount")),
            "count" => mode
                .is_none_or(|mode| mode == "ExactCount")
                .then(|| json!(1)),
            _ => None,
        }
    }

    fn of_others(&self, ty: &str, field: &str) -> Option<Value> {
        match (ty, field) {
            ("networking.v1.NetworkPolicySpec", "policyTypes") => {
                let out = self.get("egress").is_some_and(|rules| !is_empty(rules));
                Some(if out {
                    json!(["Ingress", "Egress"])
                } else {
                    json!(["Ingress"])
                })
            }
            ("rbac.v1.Subject", "apiGroup") => matches!(self.text("kind")?, "User" | "Group")
                .then(|| json!("rbac.authorization.k8s.io")),
            ("apiextensions.v1.CustomResourceDefinitionNames", "singular") => {
                Some(json!(self.text("kind")?.to_lowercase()))
            }
            ("apiextensions.v1.CustomResourceDefinitionNames", "listKind") => {
                Some(json!(format!("{}List", self.text("kind")?)))
            }
            // This applies only without other metrics, for which v1 has no field.
            ("autoscaling.v1.HorizontalPodAutoscalerSpec", "targetCPUUtilizationPercentage") => {
                Some(json!(80))
            }
            _ => None,
        }
    }

    fn get(&self, name: &str) -> Option<&'v Value> {
        present(self.declared, name)
    }

    fn live(&self, name: &str) -> Option<&'v Value> {
        present(self.live, name)
    }

    fn text(&self, name: &str) -> Option<&'v str> {
        self.get(name)?.as_str()
    }

    /// Returns a resource list with missing entries taken from others, the earlier ones first.
    fn merged(&self, name: &str, others: &[&str]) -> Option<Value> {
        let mut merged = Map::new();
        for name in std::iter::once(&name).chain(others) {
            let resources = present(self.declared, name).and_then(Value::as_object);
            for (resource, amount) in resources.into_iter().flatten() {
                if !merged.contains_key(resource) {
                    merged.insert(resource.clone(), amount.clone());
                }
            }
        }
        (!merged.is_empty()).then(|| merged.into())
    }
}

fn present<'v>(fields: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    fields.get(name).filter(|value| !value.is_null())
}

#[cfg(test)]
mod tests;
