//! Defaults that depend on what stands beside them.
//!
//! The rules are those of `SetDefaults_*` in `pkg/apis/*/*/defaults.go` of Kubernetes, of its
//! conversions, and of the admission plugins that every API server runs. Defaults that depend on
//! nothing are in the table ([`Field::default`](super::Field)).

use serde_json::{Map, Value, json};

use super::{Schema, TypeId, equal_untyped};

/// The value that the server gives to a field that nobody sets, where that depends on its siblings.
///
/// `declared` and `live` are the two sides of the object that the field is in. The server decides
/// by what it is sent, and so the declared siblings decide, with live ones where nothing is
/// declared. Where somebody changed a live sibling, what follows from that change is a default too
/// (the node ports' policy of a Service that became a NodePort); it is returned when the live
/// value is just that.
///
/// The value is that of the whole field, whatever of it is declared: the `requests` of a Pod's
/// container are those that are declared and those that its limits imply.
pub fn conditional_default(
    schema: &Schema,
    parent: TypeId,
    field: &str,
    declared: &Map<String, Value>,
    live: &Map<String, Value>,
) -> Option<Value> {
    let (ty, place) = split_name(schema.name(parent));
    if ty.is_empty() {
        return None;
    }
    let decide = |seen| {
        let siblings = Siblings {
            seen,
            declared,
            live,
        };
        siblings.default_of(ty, place, field)
    };
    let is_live = |value: &Value| {
        live.get(field)
            .is_some_and(|live| equal_untyped(value, live))
    };
    let intended = decide(declared);
    if intended.as_ref().is_some_and(is_live) {
        return intended;
    }
    decide(live).filter(is_live).or(intended)
}

/// A type's name, and the mark of the place where it has defaults of its own
/// (`core.v1.PodSpec@Pod`).
fn split_name(name: &str) -> (&str, &str) {
    name.split_once('@').unwrap_or((name, ""))
}

/// The fields beside the one in question.
struct Siblings<'v> {
    /// The side that is asked first.
    seen: &'v Map<String, Value>,
    declared: &'v Map<String, Value>,
    live: &'v Map<String, Value>,
}

impl<'v> Siblings<'v> {
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
            // Only from what is declared: a person who sets either of them sets both.
            ("PodSpec", "serviceAccountName") => {
                let account = present(self.declared, "serviceAccount").cloned();
                account.or_else(|| (place == "Pod").then(|| json!("default")))
            }
            ("PersistentVolumeClaimSpec", "dataSource") => {
                let source = self.get("dataSourceRef")?;
                source.get("namespace").is_none().then(|| source.clone())
            }
            ("PersistentVolumeClaimSpec", "dataSourceRef") => {
                present(self.declared, "dataSource").cloned()
            }
            // Claims in a StatefulSet's templates are stored as whole objects.
            ("PersistentVolumeClaim", "apiVersion") => Some(json!("v1")),
            ("PersistentVolumeClaim", "kind") => Some(json!("PersistentVolumeClaim")),
            ("PersistentVolumeClaim", "status") => Some(json!({"phase": "Pending"})),
            ("Volume", "emptyDir") => {
                let is_source = |name: &&String| !matches!(name.as_str(), "name" | "emptyDir");
                let sources = self.seen.iter().filter(|(name, _)| is_source(name));
                let bare = sources.into_iter().all(|(_, value)| value.is_null());
                bare.then(|| json!({}))
            }
            ("LimitRangeItem", _) => self.of_limit_range(field),
            ("ResourceRequirements", "requests") if place == "Pod" => {
                self.merged("requests", &["limits"])
            }
            // With the host's network, which a Pod cannot leave once it is made.
            ("ContainerPort", "hostPort") if place == "Pod" => self.get("containerPort").cloned(),
            ("ReplicationControllerSpec", "selector") => {
                let labels = self.get("template")?.pointer("/metadata/labels")?;
                (!super::is_empty(labels)).then(|| labels.clone())
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
                let has_addresses = self
                    .get("externalIPs")
                    .is_some_and(|ips| !super::is_empty(ips));
                let outside = matches!(ty, "NodePort" | "LoadBalancer")
                    || (ty == "ClusterIP" && has_addresses);
                outside.then(|| json!("Cluster"))
            }
            "internalTrafficPolicy" => (ty != "ExternalName").then(|| json!("Cluster")),
            "allocateLoadBalancerNodePorts" => (ty == "LoadBalancer").then(|| json!(true)),
            "ipFamilyPolicy" => (ty != "ExternalName").then(|| json!("SingleStack")),
            "clusterIPs" => {
                let address = self
                    .text("clusterIP")
                    .filter(|address| !address.is_empty())?;
                Some(json!([address]))
            }
            _ => None,
        }
    }

    /// A container's default limits come from the maxima; its default requests from the default
    /// limits, and else from the minima.
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
            // Here the type has to be absent too.
            ("v1.StatefulSetUpdateStrategy", "rollingUpdate") => {
                ty.is_none().then(|| json!({"partition": 0}))
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

    /// The selector that the server generates for a Job, which selects by the Job's own uid; it
    /// writes the same label into the template.
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
        // A request of v1beta1 that is split into alternatives has no class of its own.
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
                let out = self
                    .get("egress")
                    .is_some_and(|rules| !super::is_empty(rules));
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
            // Without any metric; v1 has no word for others than this one.
            ("autoscaling.v1.HorizontalPodAutoscalerSpec", "targetCPUUtilizationPercentage") => {
                Some(json!(80))
            }
            _ => None,
        }
    }

    fn get(&self, name: &str) -> Option<&'v Value> {
        present(self.seen, name).or_else(|| present(self.live, name))
    }

    fn text(&self, name: &str) -> Option<&'v str> {
        self.get(name)?.as_str()
    }

    /// A resource list with what it lacks taken from others, the earlier ones first.
    fn merged(&self, name: &str, others: &[&str]) -> Option<Value> {
        let mut merged = Map::new();
        for name in std::iter::once(&name).chain(others) {
            let resources = present(self.seen, name).and_then(Value::as_object);
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

/// `Always` for an image that names no version or `latest`.
///
/// The server reads the name as Docker does (`pkg/util/parsers`); what it cannot read has no tag,
/// and what has no tag is not `latest`.
fn pull_policy(image: &str) -> Value {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    let (repository, tag) = match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (name, None),
    };
    let latest = match tag {
        Some(tag) => tag == "latest",
        None => digest.is_none(),
    };
    json!(if latest && is_repository(repository) {
        "Always"
    } else {
        "IfNotPresent"
    })
}

/// Whether this is a repository's name: lower case, after the registry's host if there is one.
fn is_repository(name: &str) -> bool {
    let path = match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => path,
        Some((host, path)) if host.bytes().any(|b| b.is_ascii_uppercase()) => path,
        _ => name,
    };
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    path.split('/')
        .all(|part| !part.is_empty() && part.bytes().all(is_plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The default of a field, given one side only.
    fn default_of(ty: &str, field: &str, siblings: Value) -> Option<Value> {
        default_between(ty, field, siblings.clone(), siblings)
    }

    fn default_between(ty: &str, field: &str, declared: Value, live: Value) -> Option<Value> {
        let schema = Schema::builtin();
        let id = schema
            .names
            .iter()
            .position(|name| &**name == ty)
            .expect(ty);
        let id = TypeId(u32::try_from(id).unwrap());
        let sides = (declared.as_object().unwrap(), live.as_object().unwrap());
        conditional_default(schema, id, field, sides.0, sides.1)
    }

    #[test]
    fn the_pull_policy_follows_the_tag() {
        for (image, policy) in [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("registry.example:5000/shop/cart", "Always"),
            ("registry.example:5000/shop/cart:latest", "Always"),
            ("nginx:latest@sha256:00", "Always"),
            ("nginx:1.27", "IfNotPresent"),
            ("registry.example:5000/shop/cart:4.12.1", "IfNotPresent"),
            ("nginx@sha256:00", "IfNotPresent"),
            ("", "IfNotPresent"),
            ("UPPER", "IfNotPresent"),
            ("HOST/app", "Always"),
        ] {
            let default = default_of(
                "core.v1.Container",
                "imagePullPolicy",
                json!({"image": image}),
            );
            assert_eq!(default, Some(json!(policy)), "{image:?}");
        }
        assert_eq!(
            default_of("core.v1.Container", "imagePullPolicy", json!({})),
            None
        );
    }

    #[test]
    fn services_by_type() {
        let of = |field, spec| default_of("core.v1.ServiceSpec", field, spec);
        assert_eq!(of("externalTrafficPolicy", json!({})), None);
        assert_eq!(
            of("externalTrafficPolicy", json!({"type": "NodePort"})),
            Some(json!("Cluster"))
        );
        let addressed = json!({"externalIPs": ["192.0.2.1"]});
        assert_eq!(
            of("externalTrafficPolicy", addressed),
            Some(json!("Cluster"))
        );
        assert_eq!(
            of("internalTrafficPolicy", json!({})),
            Some(json!("Cluster"))
        );
        assert_eq!(
            of("internalTrafficPolicy", json!({"type": "ExternalName"})),
            None
        );
        assert_eq!(
            of("allocateLoadBalancerNodePorts", json!({"type": "NodePort"})),
            None
        );
        assert_eq!(
            of(
                "allocateLoadBalancerNodePorts",
                json!({"type": "LoadBalancer"})
            ),
            Some(json!(true))
        );
        assert_eq!(of("sessionAffinityConfig", json!({})), None);
        assert_eq!(
            of(
                "sessionAffinityConfig",
                json!({"sessionAffinity": "ClientIP"})
            ),
            Some(json!({"clientIP": {"timeoutSeconds": 10800}}))
        );
        assert_eq!(
            of("clusterIPs", json!({"clusterIP": "None"})),
            Some(json!(["None"]))
        );
        assert_eq!(
            default_of("core.v1.ServicePort", "targetPort", json!({"port": 80})),
            Some(json!(80))
        );
    }

    #[test]
    fn what_follows_from_a_live_change_is_a_default_too() {
        let declared = json!({"type": "ClusterIP"});
        let live = json!({"type": "NodePort", "externalTrafficPolicy": "Cluster"});
        let default = default_between(
            "core.v1.ServiceSpec",
            "externalTrafficPolicy",
            declared.clone(),
            live,
        );
        assert_eq!(default, Some(json!("Cluster")));
        let live = json!({"type": "NodePort", "externalTrafficPolicy": "Local"});
        let default = default_between(
            "core.v1.ServiceSpec",
            "externalTrafficPolicy",
            declared,
            live,
        );
        assert_eq!(default, None);
        // The policy stays what the first image made it.
        let live = json!({"image": "a:latest", "imagePullPolicy": "IfNotPresent"});
        let declared = json!({"image": "a:1"});
        let default = default_between("core.v1.Container", "imagePullPolicy", declared, live);
        assert_eq!(default, Some(json!("IfNotPresent")));
    }

    #[test]
    fn copies_follow_what_is_declared() {
        let spec = json!({"serviceAccountName": "cart", "serviceAccount": "cart"});
        let of =
            |field, declared| default_between("core.v1.PodSpec", field, declared, spec.clone());
        assert_eq!(
            of("serviceAccount", json!({"serviceAccountName": "cart"})),
            Some(json!("cart"))
        );
        assert_eq!(
            of("serviceAccountName", json!({"serviceAccount": "cart"})),
            Some(json!("cart"))
        );
        // Neither is declared: one of the two has to show.
        assert_eq!(of("serviceAccount", json!({})), Some(json!("cart")));
        assert_eq!(of("serviceAccountName", json!({})), None);
        let pod = |field| default_of("core.v1.PodSpec@Pod", field, json!({}));
        assert_eq!(
            (pod("serviceAccount"), pod("serviceAccountName")),
            (Some(json!("default")), Some(json!("default")))
        );
        let claim = json!({"dataSource": {"kind": "PersistentVolumeClaim", "name": "a"}});
        let copy = default_of(
            "core.v1.PersistentVolumeClaimSpec",
            "dataSourceRef",
            claim.clone(),
        );
        assert_eq!(copy.as_ref(), claim.get("dataSource"));
    }

    #[test]
    fn resources_are_filled_from_one_another() {
        let item = json!({"type": "Container", "max": {"cpu": "2", "memory": "1Gi"}, "min": {"disk": "1"}, "default": {"cpu": "1"}});
        let of = |field| default_of("core.v1.LimitRangeItem", field, item.clone());
        assert_eq!(of("default"), Some(json!({"cpu": "1", "memory": "1Gi"})));
        assert_eq!(
            of("defaultRequest"),
            Some(json!({"cpu": "1", "disk": "1", "memory": "1Gi"}))
        );
        let of_pods = json!({"type": "Pod", "max": {"cpu": "2"}});
        assert_eq!(
            default_of("core.v1.LimitRangeItem", "default", of_pods),
            None
        );
        let resources =
            json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}});
        let of = |ty| default_of(ty, "requests", resources.clone());
        assert_eq!(
            of("core.v1.ResourceRequirements@Pod"),
            Some(json!({"cpu": "500m", "memory": "1Gi"}))
        );
        assert_eq!(of("core.v1.ResourceRequirements"), None);
    }

    #[test]
    fn jobs_and_strategies() {
        let job = |field, spec| default_of("batch.v1.JobSpec@Job", field, spec);
        assert_eq!(job("completions", json!({})), Some(json!(1)));
        assert_eq!(job("completions", json!({"parallelism": 2})), None);
        assert_eq!(job("backoffLimit", json!({})), Some(json!(6)));
        assert_eq!(
            job("backoffLimit", json!({"backoffLimitPerIndex": 1})),
            Some(json!(2_147_483_647))
        );
        assert_eq!(
            job("podReplacementPolicy", json!({"podFailurePolicy": {}})),
            Some(json!("Failed"))
        );
        let generated = json!({"selector": {"matchLabels": {"controller-uid": "u"}},
            "template": {"metadata": {"labels": {"controller-uid": "u"}}}});
        assert_eq!(
            job("selector", generated),
            Some(json!({"matchLabels": {"controller-uid": "u"}}))
        );
        let own = json!({"selector": {"matchLabels": {"app": "u"}}, "template": {"metadata": {"labels": {"app": "u"}}}});
        assert_eq!(job("selector", own), None);
        assert_eq!(
            default_of("batch.v1.JobSpec", "backoffLimit", json!({})),
            None
        );
        let strategy = |ty, spec| default_of(ty, "rollingUpdate", spec);
        assert_eq!(
            strategy("apps.v1.DeploymentStrategy", json!({"type": "Recreate"})),
            None
        );
        assert!(strategy("apps.v1.DeploymentStrategy", json!({})).is_some());
        assert!(
            strategy(
                "apps.v1.StatefulSetUpdateStrategy",
                json!({"type": "RollingUpdate"})
            )
            .is_none()
        );
    }

    #[test]
    fn the_rest() {
        let policy = |spec| default_of("networking.v1.NetworkPolicySpec", "policyTypes", spec);
        assert_eq!(policy(json!({"ingress": [{}]})), Some(json!(["Ingress"])));
        assert_eq!(
            policy(json!({"egress": [{}]})),
            Some(json!(["Ingress", "Egress"]))
        );
        assert_eq!(policy(json!({"egress": []})), Some(json!(["Ingress"])));
        let subject = |kind| default_of("rbac.v1.Subject", "apiGroup", json!({"kind": kind}));
        assert_eq!(subject("Group"), Some(json!("rbac.authorization.k8s.io")));
        assert_eq!(subject("ServiceAccount"), None);
        let names = |field| {
            default_of(
                "apiextensions.v1.CustomResourceDefinitionNames",
                field,
                json!({"kind": "HTTPRoute"}),
            )
        };
        assert_eq!(names("singular"), Some(json!("httproute")));
        assert_eq!(names("listKind"), Some(json!("HTTPRouteList")));
        let volume = |volume| default_of("core.v1.Volume", "emptyDir", volume);
        assert_eq!(volume(json!({"name": "a"})), Some(json!({})));
        assert_eq!(volume(json!({"name": "a", "secret": {}})), None);
        let request = |field, request| default_of("resource.v1beta1.DeviceRequest", field, request);
        assert_eq!(request("count", json!({"firstAvailable": []})), None);
        assert_eq!(
            request("count", json!({"deviceClassName": "gpu"})),
            Some(json!(1))
        );
    }
}
