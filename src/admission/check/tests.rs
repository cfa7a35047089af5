use serde_json::{Value, json};

use super::*;
use crate::admission::{RuleResult, run, stored};
use crate::schema::{Schema, builtin_kinds};

fn evaluate(policy: &str, input: &Value) -> Result<Vec<RuleResult>, String> {
    serde_json::from_str(&run(policy, &input.to_string())).map_err(|error| error.to_string())
}

fn kinds(namespace: &str) -> Vec<Base<'static>> {
    let wanted = ["Deployment", "Pod", "Service"];
    let kinds = builtin_kinds()
        .iter()
        .filter(|kind| wanted.contains(&kind.kind));
    let each = kinds.map(|kind| Base {
        schema: Schema::builtin(),
        plural: kind.plural.to_owned(),
        namespaced: kind.namespaced,
        object: stored(
            Schema::builtin(),
            &smallest(kind.api_version, kind.kind, Some(namespace)),
        )
        .unwrap(),
    });
    each.collect()
}

fn policy(resource: &str, expression: &str) -> Value {
    let group = if resource.starts_with("deployments") {
        "apps"
    } else {
        ""
    };
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "p"},
        "spec": {
            "matchConstraints": {"resourceRules": [{"apiGroups": [group], "apiVersions": ["v1"],
                "operations": ["CREATE", "UPDATE"], "resources": [resource]}]},
            "validations": [{"expression": expression}]
        }
    })
}

fn binding() -> Value {
    json!({"spec": {"policyName": "p", "validationActions": ["Deny"]}})
}

fn checked(policy: &Value, bindings: &[Value]) -> Vec<CheckedRule> {
    let tools = PolicyFunctions {
        evaluate: &evaluate,
        analyze: &|policy, expressions| Ok(analyze(policy, expressions)),
    };
    check(policy, bindings, &[], &[], &kinds, &tools)
}

/// Returns what is wrong with a rule; empty if nothing is.
fn flaws(resource: &str, expression: &str) -> String {
    let policy = policy(resource, expression);
    let checked = checked(&policy, &[binding()]);
    let flaws = checked.iter().flat_map(|one| &one.flaws);
    let words: Vec<&str> = flaws.map(|(flaw, _)| flaw.as_str()).collect();
    words.join(" ")
}

#[test]
fn working_rules_have_no_flaws() {
    for expression in [
        "has(object.spec.template.spec.securityContext.runAsNonRoot)",
        "object.spec.template.spec.containers.all(c, has(c.securityContext) && \
         has(c.securityContext.privileged) && c.securityContext.privileged == false)",
        "object.spec.template.spec.containers.all(c, !has(c.securityContext) || \
         !has(c.securityContext.privileged) || !c.securityContext.privileged)",
        "object.metadata.namespace.startsWith('prod-') ? \
         has(object.spec.template.spec.priorityClassName) : true",
        "has(object.metadata.labels) && 'team' in object.metadata.labels",
        "object.metadata.?labels[?'team'].hasValue()",
        "object.spec.template.spec.containers.all(c, c.image.startsWith('reg.example.com/'))",
        "object.spec.template.spec.containers.all(c, c.image.matches('^reg[.]example[.]com/.*$'))",
        "!has(object.spec.template.spec.hostNetwork) || !object.spec.template.spec.hostNetwork",
        "object.spec.template.spec.containers.all(c, has(c.resources.limits) && \
         'memory' in c.resources.limits)",
        "request.operation == 'CREATE' || object.spec.paused == oldObject.spec.paused",
    ] {
        assert_eq!(flaws("deployments", expression), "", "{expression}");
    }
    assert_eq!(flaws("services", "object.spec.type != 'LoadBalancer'"), "");
    assert_eq!(
        flaws(
            "pods",
            "!has(object.spec.hostPID) || object.spec.hostPID == false"
        ),
        ""
    );
}

#[test]
fn finds_rules_that_block_nothing() {
    for expression in [
        "has(object.spec.template.spec.securityContext)",
        "object.metadata.namespace.startsWith('prod-') ? \
         has(object.spec.template.spec.securityContext) : true",
        "true",
        "object.spec.replicas >= 0 || object.spec.replicas < 0",
        "has(object.spec.strategy)",
        "object.spec.template.spec.containers.all(c, has(c.imagePullPolicy))",
        "object.spec.template.spec.containers.size() >= 0",
    ] {
        assert_eq!(
            flaws("deployments", expression),
            "blocks-nothing",
            "{expression}"
        );
    }
    let mut open = policy("deployments", "object.spec.nothing == 1");
    open["spec"]["failurePolicy"] = json!("Ignore");
    let found = checked(&open, &[binding()]);
    assert_eq!(found[0].flaws[0].0, PolicyFlaw::BlocksNothing);
    assert!(
        found[0].flaws[0].1.contains("no field .spec.nothing"),
        "{found:?}"
    );
}

#[test]
fn finds_rules_that_nothing_passes() {
    for expression in [
        "false",
        "object.spec.nothing == 1",
        "object.spec.replicas > 5 && object.spec.replicas < 3",
        "!has(object.spec.template.spec.securityContext)",
    ] {
        let found = flaws("deployments", expression);
        assert!(
            found.starts_with("blocks-everything"),
            "{expression}: {found}"
        );
    }
}

#[test]
fn finds_requests_that_bypass_a_rule() {
    assert_eq!(
        flaws("deployments", "object.spec.replicas <= 20"),
        "can-be-bypassed"
    );
    assert_eq!(flaws("deployments/*", "object.spec.replicas <= 20"), "");
    let mut creates = policy("services", "object.spec.type != 'LoadBalancer'");
    creates["spec"]["matchConstraints"]["resourceRules"][0]["operations"] = json!(["CREATE"]);
    assert_eq!(
        checked(&creates, &[binding()])[0].flaws[0].0,
        PolicyFlaw::Bypassed
    );
}

#[test]
fn finds_policies_without_effect() {
    let unbound = checked(&policy("deployments", "object.spec.paused == true"), &[]);
    assert_eq!(unbound[0].flaws[0].0, PolicyFlaw::NotBound);
    let mut elsewhere = policy("deployments", "object.spec.paused == true");
    elsewhere["spec"]["matchConstraints"]["resourceRules"][0]["apiGroups"] = json!([""]);
    let found = checked(&elsewhere, &[binding()]);
    assert_eq!(found[0].flaws[0].0, PolicyFlaw::MatchesNothing);
    let mut conditional = policy("deployments", "object.spec.paused == true");
    conditional["spec"]["matchConditions"] = json!([{"name": "x", "expression": "false"}]);
    let found = checked(&conditional, &[binding()]);
    assert_eq!(found[0].flaws[0].0, PolicyFlaw::MatchesNothing);
}

#[test]
fn does_not_decide_on_rules_that_depend_on_more_than_the_object() {
    for expression in [
        "request.userInfo.username == 'alice'",
        "authorizer.group('').resource('pods').check('get').allowed()",
        "namespaceObject.metadata.labels['x'] == 'y'",
        "nothing(object) || true",
    ] {
        let found = flaws("deployments", expression);
        assert!(found.contains("cannot"), "{expression}: {found}");
    }
}

#[test]
fn finds_kyverno_patterns_that_skip_what_they_should_refuse() {
    let found = |pattern: Value| {
        let policy = json!({"spec": {"rules": [{
            "name": "r",
            "match": {"any": [{"resources": {"kinds": ["Deployment"]}}]},
            "validate": {"pattern": pattern}
        }]}});
        let checked = check_kyverno(&policy);
        checked[0]
            .flaws
            .iter()
            .map(|(flaw, _)| *flaw)
            .collect::<Vec<_>>()
    };
    let container = |context: Value| json!({"spec": {"containers": [context]}});
    let skipped = container(json!({"=(securityContext)": {"(privileged)": false}}));
    assert_eq!(found(skipped), [PolicyFlaw::BlocksNothing]);
    let held = container(json!({"=(securityContext)": {"=(privileged)": false}}));
    assert_eq!(found(held), []);
    let conditional = container(json!({"(image)": "*:latest", "imagePullPolicy": "Always"}));
    assert_eq!(found(conditional), []);
    assert_eq!(
        found(json!({"spec": {"replicas": "<=20"}})),
        [PolicyFlaw::Bypassed]
    );
    assert_eq!(found(container(json!({"X(securityContext)": null}))), []);
}
