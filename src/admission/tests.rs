use serde_json::{Value, json};

use super::*;
use crate::schema::Schema;

fn policy(expression: &str) -> Value {
    json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "p"},
        "spec": {
            "matchConstraints": {"resourceRules": [{"apiGroups": ["apps"], "apiVersions": ["v1"],
                "operations": ["CREATE", "UPDATE"], "resources": ["deployments"]}]},
            "variables": [
                {"name": "missing", "expression": "object.spec.nothing"},
                {"name": "most", "expression": "20"},
                {"name": "twice", "expression": "variables.most * 2"}],
            "validations": [{"expression": expression, "message": "no"}]}})
}

fn binding(more: Value) -> Value {
    let mut binding = json!({"apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": "b"},
        "spec": {"policyName": "p", "validationActions": ["Deny"]}});
    for (name, value) in more.as_object().unwrap() {
        binding["spec"][name] = value.clone();
    }
    binding
}

fn deployment() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "cart", "namespace": "shop"},
        "spec": {"replicas": 21, "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}},
                "spec": {"hostname": null, "containers": [{"name": "api", "image": "x"}]}}}})
}

fn evaluate(policy: &str, input: &Value) -> Result<Vec<RuleResult>, String> {
    serde_json::from_str(&run(policy, &input.to_string())).map_err(|error| error.to_string())
}

fn verdicts(objects: Vec<Value>) -> PolicyResults {
    let key = ResourceKey::new("apps", "Deployment", Some("shop".to_owned()), "cart");
    let object = stored(Schema::builtin(), &deployment()).unwrap();
    let subject = PolicyInput {
        key: &key,
        api_version: "apps/v1",
        plural: Some("deployments"),
        object: &object,
        old: None,
        subresource: "",
        user: None,
    };
    Policies::of(objects).verdicts(subject, &evaluate)
}

/// Returns what a policy with this expression says: `pass`, or its action and message.
fn says(expression: &str) -> String {
    result(verdicts(vec![policy(expression), binding(json!({}))]))
}

fn result(verdicts: PolicyResults) -> String {
    match &verdicts.violations[..] {
        [] if verdicts.passed > 0 => "pass".to_owned(),
        [] => "not matched".to_owned(),
        [one] => format!(
            "{}: {}",
            one.enforcement.as_str(),
            one.message.as_deref().unwrap_or_default()
        ),
        many => panic!("{many:?}"),
    }
}

/// The server fills these in before it evaluates policies.
#[test]
fn evaluates_policies_on_what_the_server_stores() {
    for expression in [
        "has(object.spec.template.spec.securityContext)",
        "object.spec.strategy.type == 'RollingUpdate'",
        "object.spec.template.spec.containers.all(c, c.imagePullPolicy == 'Always')",
        "!has(object.spec.template.spec.hostname)",
        "has(object.spec.template.spec.containers[0].resources)",
    ] {
        assert_eq!(says(expression), "pass", "{expression}");
    }
}

#[test]
fn a_policy_that_cannot_be_evaluated_never_passes() {
    assert_eq!(says("object.spec.replicas <= 20"), "deny: no");
    assert_eq!(says("object.spec.replicas <= variables.twice"), "pass");
    for expression in [
        "request.userInfo.username == 'x'",
        "authorizer.group('').resource('pods').check('get').allowed()",
        "nothing('1') == 2",
        "namespaceObject.metadata.name == 'shop'",
        "this is not an expression",
        "has(object.metadata.uid)",
        "'text'",
    ] {
        let result = says(expression);
        assert!(result.starts_with("cannot: "), "{expression}: {result}");
    }
}

#[test]
fn an_expression_that_fails_follows_the_failure_policy() {
    let failing = "object.spec.nothing == 1";
    assert!(says(failing).starts_with("deny: the expression fails"));
    let mut ignoring = policy(failing);
    ignoring["spec"]["failurePolicy"] = json!("Ignore");
    assert_eq!(result(verdicts(vec![ignoring, binding(json!({}))])), "pass");
    // No expression uses the variable.
    assert_eq!(says("true || variables.missing == 1"), "pass");
    assert!(says("variables.missing == 1").starts_with("deny: the expression fails"));
}

#[test]
fn selectors_and_conditions_exclude_objects() {
    let bound = |more: Value| result(verdicts(vec![policy("false"), binding(more)]));
    let in_namespace = |labels: Value| {
        bound(json!({"matchResources": {"namespaceSelector": {"matchLabels": labels}}}))
    };
    assert_eq!(
        in_namespace(json!({"kubernetes.io/metadata.name": "shop"})),
        "deny: no"
    );
    assert_eq!(
        in_namespace(json!({"kubernetes.io/metadata.name": "other"})),
        "not matched"
    );
    assert_eq!(
        in_namespace(json!({"tier": "prod"})),
        "cannot: the labels of namespace shop are unknown"
    );
    let mut conditional = policy("false");
    conditional["spec"]["matchConditions"] =
        json!([{"name": "not-cart", "expression": "object.metadata.name != 'cart'"}]);
    assert_eq!(
        result(verdicts(vec![conditional, binding(json!({}))])),
        "not matched"
    );
    assert_eq!(
        bound(json!({"validationActions": ["Warn", "Audit"]})),
        "warn: no"
    );
    assert_eq!(bound(json!({"validationActions": ["Audit"]})), "audit: no");
}

#[test]
fn reads_parameters_next_to_the_policies() {
    let mut with_params = policy("object.spec.replicas <= int(params.data.most)");
    with_params["spec"]["paramKind"] = json!({"apiVersion": "v1", "kind": "ConfigMap"});
    let bound = binding(
        json!({"paramRef": {"name": "limits", "namespace": "policies",
        "parameterNotFoundAction": "Deny"}}),
    );
    let param = |most: &str| {
        json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "limits", "namespace": "policies"}, "data": {"most": most}})
    };
    let with = |more: Vec<Value>| {
        result(verdicts(
            [vec![with_params.clone(), bound.clone()], more].concat(),
        ))
    };
    assert_eq!(with(vec![param("30")]), "pass");
    assert_eq!(with(vec![param("3")]), "deny: no");
    assert!(with(vec![]).starts_with("cannot: its parameter"));
}

#[test]
fn reports_policies_without_effect() {
    let alone = Policies::of([policy("true")]).problems();
    assert_eq!(
        alone,
        ["ValidatingAdmissionPolicy p has no binding, so it blocks nothing"]
    );
    let lost = Policies::of([binding(json!({}))]).problems();
    assert!(lost[0].contains("names policy p"), "{lost:?}");
}

#[test]
fn an_update_keeps_fields_that_only_the_server_writes() {
    let live = json!({"metadata": {"uid": "u", "generation": 3}, "status": {"replicas": 2}});
    let mut object = stored(Schema::builtin(), &deployment()).unwrap();
    assert_eq!(
        object.pointer("/spec/template/metadata/creationTimestamp"),
        None
    );
    keep_immutable(&mut object, &live);
    assert_eq!(object["metadata"]["uid"], "u");
    assert_eq!(object["metadata"]["generation"], 3);
    assert_eq!(object["status"], json!({"replicas": 2}));
}

#[test]
fn replaces_messages_that_the_server_rejects() {
    let said_of = |expression: &str| {
        let mut policy = policy("false");
        policy["spec"]["validations"][0]["messageExpression"] = json!(expression);
        policy["spec"]["validations"][0]["message"] = json!("plain");
        result(verdicts(vec![policy, binding(json!({}))]))
    };
    assert_eq!(said_of("' padded '"), "deny: padded");
    assert_eq!(said_of(r"'two\nlines'"), "deny: plain");
    assert_eq!(said_of("'  '"), "deny: plain");
}

#[test]
fn selects_the_object_before_an_update_too() {
    let old = json!({"metadata": {"labels": {"tier": "gone"}}});
    let mut policy = policy("false");
    policy["spec"]["matchConstraints"]["objectSelector"] = json!({"matchLabels": {"tier": "gone"}});
    let policies = Policies::of([policy, binding(json!({}))]);
    let key = ResourceKey::new("apps", "Deployment", Some("shop".to_owned()), "cart");
    let object = deployment();
    let ask = |old: Option<&Value>| {
        let subject = PolicyInput {
            key: &key,
            api_version: "apps/v1",
            plural: Some("deployments"),
            object: &object,
            old,
            subresource: "",
            user: None,
        };
        policies.verdicts(subject, &evaluate).violations.len()
    };
    assert_eq!((ask(None), ask(Some(&old))), (0, 1));
}

#[test]
fn stores_host_ports_and_empty_rules_like_the_server() {
    let pod = |host: bool| {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},
            "spec": {"hostNetwork": host, "containers": [{"name": "a", "image": "b",
                "ports": [{"containerPort": 80}]}]}});
        let stored = stored(Schema::builtin(), &pod).unwrap();
        stored
            .pointer("/spec/containers/0/ports/0/hostPort")
            .cloned()
    };
    assert_eq!((pod(false), pod(true)), (None, Some(json!(80))));
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": "a"}, "rules": null});
    assert_eq!(
        stored(Schema::builtin(), &role).unwrap().get("rules"),
        Some(&Value::Null)
    );
}
