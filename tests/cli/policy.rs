//! Tests `driftctl policy`: what admission policies would refuse, without a cluster.

use serde_json::Value;

use crate::support::TestFolder;

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

fn place() -> TestFolder {
    TestFolder::new()
        .file("p/policy.yaml", POLICY)
        .file("m/cart.yaml", CART)
}

#[test]
fn reports_a_violation_with_its_line_and_fails_the_run() {
    insta::assert_snapshot!(place().run(["policy", "m", "--policies", "p", "-n", "shop"]));
}

#[test]
fn ci_formats_have_the_line_of_the_field() {
    let shown = place().run(["policy", "m", "--policies", "p", "-o", "github"]);
    insta::assert_snapshot!(shown);
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
fn a_policy_that_was_not_evaluated_fails_the_run_only_with_strict_policies() {
    let place = place().file("m/cart.yaml", CART.replace("21", "2"));
    let words = ["policy", "m", "--policies", "p"];
    let shown = place.run(words);
    assert!(shown.starts_with("exit code: 0"), "{shown}");
    insta::assert_snapshot!(shown);
    let shown = place.run([&words[..], &["--strict-policies"]].concat());
    assert!(shown.starts_with("exit code: 2"), "{shown}");
}

#[test]
fn an_audit_policy_fails_the_run_only_on_request() {
    let place = place().file("p/policy.yaml", POLICY.replace("[Deny]", "[Audit]"));
    let words = ["policy", "m", "--policies", "p"];
    assert!(place.run(words).starts_with("exit code: 0"));
    let shown = place.run([&words[..], &["--fail-on", "violation-audit"]].concat());
    assert!(shown.starts_with("exit code: 1"), "{shown}");
}

#[test]
fn no_objects_or_no_policies_is_an_error() {
    for words in [
        ["policy", "m", "--policies", "m"],
        ["policy", "m", "--policies", "nothing"],
        ["policy", "nothing", "--policies", "p"],
    ] {
        let shown = place().run(words);
        assert!(shown.starts_with("exit code: 2"), "{shown}");
    }
}

/// Five nested loops over twenty items take minutes.
#[test]
fn an_endless_expression_does_not_stop_the_run() {
    let list = format!("[{}]", vec!["1"; 20].join(","));
    let all = |inner: String, name: &str| format!("{list}.all({name}, {inner})");
    let endless = ["a", "b", "c", "d", "e", "f"]
        .iter()
        .fold("true".to_owned(), |inner, name| all(inner, name));
    let policy = POLICY.replace("object.spec.replicas <= 20", &format!("\"{endless}\""));
    let shown = place()
        .file("p/policy.yaml", policy)
        .run(["policy", "m", "--policies", "p"]);
    insta::assert_snapshot!(shown);
    assert!(shown.starts_with("exit code: 0"), "{shown}");
}

/// Returns the live side of the manifests above: scaled to 30, before the policy existed or through
/// the subresource.
fn live(more: Value) -> String {
    let mut deployment = serde_json::json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "cart", "namespace": "default", "managedFields": [
            {"manager": "kubectl-client-side-apply", "operation": "Update", "apiVersion": "apps/v1",
                "time": "2026-11-29T10:00:00Z", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:spec": {"f:template": {}, "f:selector": {}}}},
            {"manager": "kubectl", "operation": "Update", "apiVersion": "apps/v1",
                "subresource": "scale", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:spec": {"f:replicas": {}}}},
        ]},
        "spec": {
            "replicas": 30,
            "selector": {"matchLabels": {"app": "cart"}},
            "template": {
                "metadata": {"labels": {"app": "cart"}},
                "spec": {"securityContext": {}, "containers": [{"name": "api", "image": "cart"}]}
            }
        }
    });
    for (name, value) in more.as_object().unwrap() {
        deployment[name] = value.clone();
    }
    serde_json::json!({"apiVersion": "v1", "kind": "List", "items": [deployment]}).to_string()
}

/// Returns a directory whose manifest declares 2 replicas, which no rule refuses.
fn drifted() -> TestFolder {
    place()
        .file("m/cart.yaml", CART.replace("21", "2"))
        .file("live.json", live(serde_json::json!({})))
}

const DIFF: [&str; 6] = ["diff", "m", "--live", "live.json", "--policies", "p"];

#[test]
fn diff_reports_violated_policies_and_why_they_did_not_block() {
    insta::assert_snapshot!(drifted().run(DIFF));
    let place = drifted().file("m/cart.yaml", CART.replace("21", "30"));
    let shown = place.run(DIFF);
    insta::assert_snapshot!(shown);
}

#[test]
fn every_format_of_diff_shows_the_violation() {
    for format in [
        "json", "yaml", "sarif", "junit", "github", "gitlab", "markdown", "html", "table", "name",
    ] {
        let shown = drifted().run([&DIFF[..], &["-o", format]].concat());
        // A table cuts long texts.
        let said = match format {
            "table" => "violates ValidatingAdmissionPolicy",
            _ => "30 replicas are too many",
        };
        assert!(shown.contains(said), "{format}: {shown}");
    }
    let shown = drifted().run([&DIFF[..], &["-o", "github"]].concat());
    insta::assert_snapshot!(shown);
}

#[test]
fn violations_and_unevaluated_policies_fail_a_diff_on_request() {
    let in_sync = place()
        .file("m/cart.yaml", CART.replace("21", "30"))
        .file("live.json", live(serde_json::json!({})));
    let exit = |words: &[&str]| {
        let shown = in_sync.run([&DIFF[..], words].concat());
        shown.lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(exit(&[]), "exit code: 0");
    assert_eq!(exit(&["--fail-on", "violation"]), "exit code: 1");
    assert_eq!(exit(&["--fail-on", "violation-audit"]), "exit code: 1");
    assert_eq!(exit(&["--strict-policies"]), "exit code: 2");
    let without = in_sync.run(["diff", "m", "--live", "live.json", "--fail-on", "violation"]);
    assert!(without.contains("--policies"), "{without}");
    let nothing = in_sync.run(["diff", "m", "--live", "live.json", "--policies", "m"]);
    assert!(nothing.starts_with("exit code: 2"), "{nothing}");
}

#[test]
fn shows_the_results_of_policy_engines_with_the_object() {
    let items = serde_json::json!([
        serde_json::from_str::<Value>(&live(serde_json::json!({}))).unwrap()["items"][0],
        {
            "apiVersion": "wgpolicyk8s.io/v1alpha2", "kind": "PolicyReport",
            "metadata": {"name": "r", "namespace": "default"},
            "scope": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart",
                "namespace": "default"},
            "results": [
                {"policy": "no-latest", "rule": "tag", "result": "fail", "source": "kyverno",
                    "message": "a tag is needed"},
                {"policy": "other", "rule": "x", "result": "pass", "message": "fine"},
                {"policy": "broken", "rule": "y", "result": "error", "message": "it broke"},
            ]
        },
        {
            "apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": "K8sRequiredLabels",
            "metadata": {"name": "owner"},
            "status": {"auditTimestamp": "2026-11-30T00:00:00Z", "totalViolations": 34,
                "violations": [{"group": "apps", "version": "v1", "kind": "Deployment",
                    "name": "cart", "namespace": "default", "enforcementAction": "deny",
                    "message": "you must provide labels"}]}
        },
    ]);
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": items});
    let place = drifted().file("live.json", list.to_string());
    insta::assert_snapshot!(place.run([
        "diff",
        "m",
        "--live",
        "live.json",
        "--policies",
        "reports",
        "--show",
        "all"
    ]));
}

const KYVERNO: &str = "\
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: images}
spec:
  validationFailureAction: Audit
  rules:
  - name: tag
    match: {any: [{resources: {kinds: [Pod]}}]}
    validate:
      failureAction: Enforce
      message: images have a tag
      foreach:
      - {list: request.object.spec.containers, pattern: {image: '*:*'}}
  - name: pull-secret
    match: {any: [{resources: {kinds: [Pod]}}]}
    validate:
      message: an image of {{ request.namespace }} needs a pull secret
      pattern:
        spec:
          containers: [{<(image): 'cart*'}]
          imagePullSecrets: [{name: '?*'}]
  - name: registry
    match: {any: [{resources: {kinds: [Pod]}}]}
    validate:
      deny: {conditions: {any: [{key: '{{ images.containers.api.registry }}', operator: NotEquals, value: reg}]}}
---
apiVersion: policies.kyverno.io/v1
kind: ValidatingPolicy
metadata: {name: labels}
spec:
  validationActions: [Audit]
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]
  validations:
  - {expression: \"has(object.metadata.labels)\", message: labels are needed}
";

#[test]
fn evaluates_kyverno_policies_with_autogen_rules() {
    let place = TestFolder::new()
        .file("p/policy.yaml", KYVERNO)
        .file("m/cart.yaml", CART);
    insta::assert_snapshot!(place.run(["policy", "m", "--policies", "p", "-n", "shop"]));
}

/// A policy of Kyverno that asks who writes, and one in CEL.
const BY_USER: &str = "\
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: by-user}
spec:
  rules:
  - name: only-ci
    match: {any: [{resources: {kinds: [Deployment]}}]}
    exclude: {any: [{subjects: [{kind: User, name: ci-*}, {kind: ServiceAccount, name: ci, namespace: ci}]}]}
    validate: {failureAction: Enforce, message: only CI deploys, deny: {}}
";

#[test]
fn rules_about_who_writes_are_evaluated_for_a_named_user() {
    let place = place().file("k/policy.yaml", BY_USER);
    let shown = |policies: &str, more: &[&str]| {
        let words = ["policy", "m", "--policies", policies];
        place.run(words.iter().chain(more).copied())
    };
    assert!(shown("k", &[]).contains("not evaluated"), "nobody is named");
    for (user, refused) in [
        ("alice", true),
        ("ci-7", false),
        ("system:serviceaccount:ci:ci", false),
        ("system:serviceaccount:shop:ci", true),
    ] {
        let said = shown("k", &["--as", user]);
        assert_eq!(said.contains("only CI deploys"), refused, "{user}: {said}");
        assert!(said.contains("0 not evaluated"), "{user}: {said}");
    }
    let said = shown("p", &["--as", "alice"]);
    assert!(said.contains("validations[2]"), "{said}");
    let said = shown("p", &["--as", "deployer"]);
    assert!(!said.contains("validations[2]"), "{said}");
}

#[test]
fn an_exception_among_the_policies_exempts_and_one_among_the_manifests_does_not() {
    let exception = "\
apiVersion: kyverno.io/v2
kind: PolicyException
metadata: {name: carts, namespace: shop}
spec:
  exceptions: [{policyName: by-user, ruleNames: [only-ci]}]
  match: {any: [{resources: {kinds: [Deployment], names: [cart]}}]}
";
    for (at, refused) in [("k/exception.yaml", false), ("m/exception.yaml", true)] {
        let place = place().file("k/policy.yaml", BY_USER).file(at, exception);
        let said = place.run(["policy", "m", "--policies", "k", "--as", "alice"]);
        assert_eq!(said.contains("only CI deploys"), refused, "{at}: {said}");
    }
}

#[test]
fn deletions_are_evaluated_where_they_are_asked_for() {
    let policy = POLICY.replace("[CREATE, UPDATE]", "[DELETE]").replace(
        "object.spec.replicas <= 20",
        "oldObject.spec.replicas <= 20",
    );
    let place = TestFolder::new()
        .file("p/policy.yaml", policy)
        .file("m/cart.yaml", CART);
    let said = place.run(["policy", "m", "--policies", "p"]);
    assert!(
        said.contains("0 violations") || !said.contains("violates"),
        "{said}"
    );
    let said = place.run(["policy", "m", "--policies", "p", "--delete"]);
    assert!(said.contains("violates"), "{said}");
}
