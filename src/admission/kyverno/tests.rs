use serde_json::{Value, json};

use super::*;

fn policy(validate: Value) -> Value {
    json!({"apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy", "metadata": {"name": "p"},
        "spec": {"rules": [{"name": "r", "match": {"any": [{"resources": {"kinds": ["Pod"]}}]},
            "validate": validate}]}})
}

fn pod(container: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "cart", "namespace": "shop"},
        "spec": {"containers": [container]}})
}

fn deployment(container: Value) -> Value {
    let pod = pod(container);
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": pod["metadata"],
        "spec": {"replicas": 2, "template": {"metadata": {}, "spec": pod["spec"]}}})
}

fn result(policy: &Value, object: &Value) -> String {
    let input = json!({"object": object, "oldObject": null,
        "request": {"operation": "CREATE", "namespace": "shop", "name": "cart"}});
    let all = answers(policy, &input);
    let all = all.iter().filter(|one| one.says != RuleOutcome::NotMatched);
    let all: Vec<String> = all
        .map(|one| format!("{}: {:?} {}", one.rule, one.says, one.message))
        .collect();
    all.join("; ").trim_end().to_owned()
}

#[test]
fn a_rule_for_pods_also_applies_to_pod_controllers() {
    let tags = policy(json!({"message": "a tag is needed",
        "pattern": {"spec": {"containers": [{"image": "*:*"}]}}}));
    assert_eq!(result(&tags, &pod(json!({"image": "nginx:1"}))), "r: Pass");
    assert_eq!(
        result(&tags, &deployment(json!({"image": "nginx"}))),
        "autogen-r: Violates a tag is needed"
    );
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}});
    assert_eq!(result(&tags, &service), "");
    let mut only = tags.clone();
    only["metadata"]["annotations"] =
        json!({"pod-policies.kyverno.io/autogen-controllers": "StatefulSet"});
    assert_eq!(result(&only, &deployment(json!({"image": "nginx"}))), "");
}

#[test]
fn a_conditional_anchor_skips_what_it_names() {
    // It looks like a rule against privileged containers, but it blocks none.
    let conditional = policy(json!({"message": "no",
        "pattern": {"spec": {"containers": [{"(securityContext)": {"(privileged)": false}}]}}}));
    let privileged = pod(json!({"securityContext": {"privileged": true}}));
    assert_eq!(result(&conditional, &privileged), "");
    let equality = policy(json!({"message": "no",
        "pattern": {"spec": {"containers": [{"=(securityContext)": {"=(privileged)": false}}]}}}));
    assert_eq!(result(&equality, &privileged), "r: Violates no");
}

#[test]
fn evaluates_deny_conditions_with_variables() {
    let deny = policy(
        json!({"message": "{{ request.object.metadata.name }} is too large",
        "deny": {"conditions": {"any": [
            {"key": "{{ length(request.object.spec.containers) }}", "operator": "GreaterThan", "value": 1},
            {"key": "{{ request.object.metadata.labels.team || '' }}", "operator": "AnyNotIn", "value": ["a", "b", ""]}]}}}),
    );
    assert_eq!(result(&deny, &pod(json!({}))), "r: Pass");
    let mut two = pod(json!({}));
    two["spec"]["containers"] = json!([{}, {}]);
    assert_eq!(result(&deny, &two), "r: Violates cart is too large");
    let mut other = pod(json!({}));
    other["metadata"]["labels"] = json!({"team": "c"});
    assert_eq!(result(&deny, &other), "r: Violates cart is too large");
}

#[test]
fn loops_check_each_item() {
    let each = policy(json!({"message": "latest", "foreach": [
        {"list": "request.object.spec.containers", "pattern": {"image": "!*:latest"}},
        {"list": "request.object.spec.initContainers", "pattern": {"image": "!*:latest"}},
        {"list": "request.object.spec.containers[].ports[]",
            "preconditions": {"all": [{"key": "{{ element.protocol }}", "operator": "Equals", "value": "UDP"}]},
            "deny": {"conditions": {"all": [{"key": "{{ element.containerPort }}", "operator": "LessThan", "value": 1024}]}}}]}));
    assert_eq!(result(&each, &pod(json!({"image": "a:1"}))), "r: Pass");
    assert_eq!(
        result(&each, &pod(json!({"image": "a:latest"}))),
        "r: Violates latest"
    );
    let udp = json!({"image": "a:1", "ports": [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}]});
    assert_eq!(
        result(&each, &deployment(udp)),
        "autogen-r: Violates latest"
    );
}

#[test]
fn does_not_evaluate_rules_that_read_from_elsewhere() {
    let mut elsewhere = policy(json!({"deny": {"conditions": {"all": [
        {"key": "{{ allowed }}", "operator": "Equals", "value": "x"}]}}}));
    elsewhere["spec"]["rules"][0]["context"] =
        json!([{"name": "allowed", "apiCall": {"urlPath": "/api/v1/namespaces"}}]);
    let result_of = result(&elsewhere, &pod(json!({})));
    assert!(
        result_of.starts_with("r: Cannot the result depends on allowed"),
        "{result_of}"
    );
    elsewhere["spec"]["rules"][0]["context"][0]["name"] = json!("the-allowed");
    elsewhere["spec"]["rules"][0]["validate"]["deny"]["conditions"]["all"][0]["key"] =
        json!("{{ \"the-allowed\".data.x }}");
    let result_of = result(&elsewhere, &pod(json!({})));
    assert!(
        result_of.contains("which is read from elsewhere"),
        "{result_of}"
    );
    for (key, why) in [
        ("{{ images.containers.a.registry }}", "only Kyverno knows"),
        ("{{ request.userInfo.username }}", "the requester"),
        ("{{ time_now() }}", "time_now is not supported"),
        ("{{ request.object.spec.nothing }}", "does not exist"),
        ("{{ request.object.metadata.name ??? }}", "cannot be parsed"),
    ] {
        let asks = policy(json!({"deny": {"conditions": {"all": [
            {"key": key, "operator": "Equals", "value": "x"}]}}}));
        let result = result(&asks, &pod(json!({})));
        assert!(
            result.starts_with("r: Cannot") && result.contains(why),
            "{key}: {result}"
        );
    }
    let subjects = json!({"any": [{"resources": {"kinds": ["Pod"]}, "subjects": [{"kind": "User", "name": "bob"}]}]});
    let mut for_bob = policy(json!({"pattern": {"metadata": {"name": "x"}}}));
    for_bob["spec"]["rules"][0]["match"] = subjects;
    assert!(result(&for_bob, &pod(json!({}))).starts_with("r: Cannot it depends on the requester"));
}

#[test]
fn evaluates_rules_in_cel() {
    let cel = policy(
        json!({"message": "no host network", "cel": {"expressions": [
        {"expression": "!has(object.spec.hostNetwork) || !object.spec.hostNetwork"}]}}),
    );
    assert_eq!(result(&cel, &pod(json!({}))), "r: Pass");
    let mut host = deployment(json!({}));
    host["spec"]["template"]["spec"]["hostNetwork"] = json!(true);
    assert_eq!(result(&cel, &host), "autogen-r: Violates no host network");
}

#[test]
fn takes_the_action_from_the_rule_the_policy_or_the_namespace() {
    let mut both = policy(json!({"pattern": {}}));
    let of = |policy: &Value| enforcement(policy, "autogen-r", "shop");
    assert_eq!(of(&both), Enforcement::Audit);
    both["spec"]["validationFailureAction"] = json!("enforce");
    assert_eq!(of(&both), Enforcement::Deny);
    both["spec"]["validationFailureActionOverrides"] =
        json!([{"action": "Audit", "namespaces": ["sh*"]}]);
    assert_eq!(of(&both), Enforcement::Audit);
    both["spec"]["validationFailureActionOverrides"] = Value::Null;
    both["spec"]["rules"][0]["validate"]["failureAction"] = json!("Audit");
    assert_eq!(of(&both), Enforcement::Audit);
}

#[test]
fn applies_a_policy_in_cel_to_pod_controllers() {
    let policy = json!({"apiVersion": "policies.kyverno.io/v1", "kind": "ValidatingPolicy",
        "metadata": {"name": "p"}, "spec": {
            "autogen": {"podControllers": {"controllers": ["deployments", "cronjobs"]}},
            "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"],
                "operations": ["CREATE"], "resources": ["pods"]}]},
            "validations": [{"expression": "object.spec.x && object.metadata.namespace != object.metadata.name"}]}});
    assert!(is_validating(&policy) && !is_policy(&policy));
    let all = as_builtin(&policy);
    let expressions: Vec<&str> = all
        .iter()
        .filter_map(|(policy, _)| policy.pointer("/spec/validations/0/expression")?.as_str())
        .collect();
    assert_eq!(
        expressions,
        [
            "object.spec.x && object.metadata.namespace != object.metadata.name",
            "object.spec.template.spec.x && object.metadata.namespace != object.spec.template.metadata.name",
            "object.spec.jobTemplate.spec.template.spec.x && object.metadata.namespace != object.spec.jobTemplate.spec.template.metadata.name",
        ]
    );
    assert_eq!(all[0].1["spec"]["validationActions"], json!(["Deny"]));
}
