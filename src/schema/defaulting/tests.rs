use serde_json::{Value, json};

use super::conditional_default;
use crate::schema::{Schema, TypeId};

/// Returns the default of a field for these declared siblings.
fn default_of(ty: &str, field: &str, declared: Value) -> Option<Value> {
    default_between(ty, field, declared.clone(), declared)
}

fn default_between(ty: &str, field: &str, declared: Value, live: Value) -> Option<Value> {
    let (declared, live) = (declared.as_object().unwrap(), live.as_object().unwrap());
    let id = type_named(ty);
    let schema = Schema::builtin();
    conditional_default(schema, id, field, declared, live)
}

fn type_named(name: &str) -> TypeId {
    Schema::builtin().named(name).expect(name)
}

#[test]
fn headless_services_without_selector_get_every_family() {
    let of = |spec| default_of("core.v1.ServiceSpec", "ipFamilyPolicy", spec);
    let (single, both) = (Some(json!("SingleStack")), Some(json!("RequireDualStack")));
    assert_eq!(of(json!({})), single);
    assert_eq!(of(json!({"clusterIP": "None"})), both);
    assert_eq!(of(json!({"clusterIP": "None", "selector": {}})), both);
    assert_eq!(
        of(json!({"clusterIP": "None", "selector": {"a": "b"}})),
        single
    );
    assert_eq!(of(json!({"type": "ExternalName"})), None);
}

#[test]
fn defaults_of_services_depend_on_their_type() {
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
fn values_that_follow_from_a_live_change_are_not_defaults() {
    let live = json!({"type": "NodePort", "externalTrafficPolicy": "Cluster"});
    for declared in [json!({}), json!({"type": "ClusterIP"})] {
        let ty = "core.v1.ServiceSpec";
        let default = default_between(ty, "externalTrafficPolicy", declared, live.clone());
        assert_eq!(default, None);
    }
    // The pull policy stays that of the first image.
    let live = json!({"image": "a:latest", "imagePullPolicy": "IfNotPresent"});
    let declared = json!({"image": "a:1"});
    let default = default_between("core.v1.Container", "imagePullPolicy", declared, live);
    assert_eq!(default, Some(json!("IfNotPresent")));
}

#[test]
fn copied_defaults_follow_the_declared_value() {
    let account = |field, declared| {
        let live = json!({"serviceAccountName": "cart", "serviceAccount": "cart"});
        default_between("core.v1.PodSpec", field, declared, live)
    };
    let named = json!({"serviceAccountName": "cart"});
    assert_eq!(account("serviceAccount", named), Some(json!("cart")));
    let old = json!({"serviceAccount": "cart"});
    assert_eq!(account("serviceAccountName", old), Some(json!("cart")));
    assert_eq!(account("serviceAccount", json!({})), None);
    let pod = |field| default_of("core.v1.PodSpec@Pod", field, json!({}));
    assert_eq!(pod("serviceAccount"), Some(json!("default")));
    assert_eq!(pod("serviceAccountName"), Some(json!("default")));
    let claim = json!({"dataSource": {"kind": "PersistentVolumeClaim", "name": "a"}});
    let copy = default_of(
        "core.v1.PersistentVolumeClaimSpec",
        "dataSourceRef",
        claim.clone(),
    );
    assert_eq!(copy.as_ref(), claim.get("dataSource"));
}

#[test]
fn generated_values_are_taken_from_the_live_side() {
    let between = |ty, field, live| default_between(ty, field, json!({}), live);
    let ip = json!({"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"]});
    let ips = between("core.v1.ServiceSpec", "clusterIPs", ip);
    assert_eq!(ips, Some(json!(["10.0.0.1"])));
    let pod = json!({"priority": 900});
    let priority = between("core.v1.PodSpec@Pod", "priority", pod.clone());
    assert_eq!(priority, Some(json!(900)));
    assert_eq!(between("core.v1.PodSpec", "priority", pod), None);
}

#[test]
fn requests_and_limits_default_to_each_other() {
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
    let resources = json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}});
    let of = |ty| default_of(ty, "requests", resources.clone());
    assert_eq!(
        of("core.v1.ResourceRequirements@Pod"),
        Some(json!({"cpu": "500m", "memory": "1Gi"}))
    );
    assert_eq!(of("core.v1.ResourceRequirements"), None);
}

#[test]
fn defaults_of_jobs_and_strategies() {
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
fn an_undeclared_strategy_is_defaulted_as_a_whole() {
    let live = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}});
    let live = live.as_object().unwrap();
    let schema = Schema::builtin();
    let ty = type_named("apps.v1.StatefulSetUpdateStrategy");
    let default = conditional_default(schema, ty, "rollingUpdate", live, live);
    assert_eq!(default, Some(json!({"partition": 0})));
}

#[test]
fn other_defaults() {
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
