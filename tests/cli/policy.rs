//! `driftctl policy`: what admission policies would refuse, without a cluster.

use serde_json::Value;

use crate::support::Place;

const POLICY: &str = "\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: guardrails}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}
  validations:
  - expression: has(object.spec.template.spec.securityContext)
    message: a securityContext is needed
  - expression: object.spec.replicas <= 20
    messageExpression: \"string(object.spec.replicas) + ' replicas are too many'\"
  - expression: request.userInfo.username == 'deployer'
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: guardrails-prod}
spec: {policyName: guardrails, validationActions: [Deny]}
";

const CART: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart}
spec:
  replicas: 21
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers: [{name: api, image: cart}]
";

fn place() -> Place {
    Place::new()
        .file("p/policy.yaml", POLICY)
        .file("m/cart.yaml", CART)
}

#[test]
fn a_violation_is_shown_at_its_line_and_fails_the_run() {
    insta::assert_snapshot!(place().run(["policy", "m", "--policies", "p", "-n", "shop"]));
}

#[test]
fn formats_for_ci_have_the_line_of_the_field() {
    let shown = place().run(["policy", "m", "--policies", "p", "-o", "github"]);
    assert!(
        shown.contains("::error file=m/cart.yaml,line=5,col=3,title=Deployment default/cart::"),
        "{shown}"
    );
    for format in ["sarif", "gitlab", "junit"] {
        let shown = place().run(["policy", "m", "--policies", "p", "-o", format]);
        assert!(shown.contains("policy-violation"), "{format}: {shown}");
        assert!(
            shown.contains("21 replicas are too many"),
            "{format}: {shown}"
        );
    }
    let output = place()
        .driftctl()
        .args(["policy", "m", "--policies", "p", "-o", "json"])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let policies = &report["objects"][0]["policies"];
    assert_eq!(policies[0]["action"], "deny");
    assert_eq!(policies[0]["line"], 5);
    assert_eq!(policies[1]["action"], "cannot");
}

#[test]
fn what_could_not_be_evaluated_fails_the_run_only_when_asked() {
    let place = place().file("m/cart.yaml", CART.replace("21", "2"));
    let words = ["policy", "m", "--policies", "p"];
    let shown = place.run(words);
    assert!(shown.starts_with("exit code: 0"), "{shown}");
    assert!(shown.contains("1 not evaluated"), "{shown}");
    let shown = place.run([&words[..], &["--strict-policies"]].concat());
    assert!(shown.starts_with("exit code: 2"), "{shown}");
}

#[test]
fn a_policy_that_only_audits_fails_the_run_when_asked() {
    let place = place().file("p/policy.yaml", POLICY.replace("[Deny]", "[Audit]"));
    let words = ["policy", "m", "--policies", "p"];
    assert!(place.run(words).starts_with("exit code: 0"));
    let shown = place.run([&words[..], &["--fail-on", "violation-audit"]].concat());
    assert!(shown.starts_with("exit code: 1"), "{shown}");
}

#[test]
fn nothing_to_judge_or_nothing_to_judge_by_is_an_error() {
    for words in [
        ["policy", "m", "--policies", "m"],
        ["policy", "m", "--policies", "nothing"],
        ["policy", "nothing", "--policies", "p"],
    ] {
        let shown = place().run(words);
        assert!(shown.starts_with("exit code: 2"), "{shown}");
    }
}

/// Five loops over twenty items take minutes.
#[test]
fn an_expression_that_does_not_end_stops_nothing() {
    let list = format!("[{}]", vec!["1"; 20].join(","));
    let all = |inner: String, name: &str| format!("{list}.all({name}, {inner})");
    let endless = ["a", "b", "c", "d", "e", "f"]
        .iter()
        .fold("true".to_owned(), |inner, name| all(inner, name));
    let policy = POLICY.replace("object.spec.replicas <= 20", &format!("\"{endless}\""));
    let shown = place()
        .file("p/policy.yaml", policy)
        .run(["policy", "m", "--policies", "p"]);
    assert!(shown.contains("did not end within"), "{shown}");
    assert!(shown.starts_with("exit code: 0"), "{shown}");
}
