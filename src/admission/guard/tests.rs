use serde_json::{Value, json};

use super::*;
use crate::admission::{RuleResult, run};
use crate::model::ResourceKey;

const DEPLOYER: &str = "system:serviceaccount:argocd:argocd-application-controller";

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "cart", "namespace": "shop", "labels": {"app": "cart"}},
        "spec": {
            "replicas": 2,
            "template": {"spec": {
                "securityContext": {"runAsNonRoot": true},
                "containers": [
                    {"name": "api", "image": "reg.example.com/cart:1.4",
                        "env": [{"name": "MODE", "value": "it's"}],
                        "resources": {"limits": {"cpu": "500m"}},
                        "ports": [{"containerPort": 80, "protocol": "TCP"}]},
                ],
            }}
        }
    })
}

fn evaluate(policy: &str, input: &Value) -> Result<Vec<RuleResult>, String> {
    serde_json::from_str(&run(policy, &input.to_string())).map_err(|error| error.to_string())
}

/// Returns a change of the deployment, with both sides as they are at the path.
fn change(path: &str, live: &Value) -> Change {
    let path: FieldPath = path.parse().unwrap();
    let at = |object: &Value| -> Option<Value> {
        crate::patch::find(object, &path)
            .unwrap()
            .map(|(_, value)| value.clone())
    };
    let (declared, live) = (at(&deployment()), at(live));
    Change::between(path, declared, live)
}

fn guard(rule: GuardRule, allows_declared: bool) -> Guard {
    Guard {
        scope: GuardedObjects::default(),
        name: "driftctl-test".to_owned(),
        key: ResourceKey::new("apps", "Deployment", Some("shop".to_owned()), "cart"),
        api_version: "apps/v1".to_owned(),
        plural: "deployments".to_owned(),
        rules: vec![rule],
        users: vec![DEPLOYER.to_owned()],
        groups: vec!["sre".to_owned()],
        enforces: true,
        allows_declared,
    }
}

fn made(path: &str, form: Option<GuardForm>, edit: impl Fn(&mut Value)) -> (GuardForm, GuardProof) {
    let mut live = deployment();
    edit(&mut live);
    let change = change(path, &live);
    for allow_declared in [false, true] {
        let rule = rule(GuardRequest {
            change: &change,
            before: &deployment(),
            form,
            bound: None,
            allow_declared,
            place: "deploy/cart.yaml:8",
        });
        let rule = rule.unwrap_or_else(|why| panic!("{path}: {why}"));
        let form = rule.form;
        let is_lock = allow_declared && form == GuardForm::Lock;
        let guard = guard(rule, is_lock);
        let proof = prove(&guard, &deployment(), &[live.clone()], &evaluate);
        assert!(
            proof.holds(),
            "{path} {form:?}: {}\n{proof:#?}",
            guard.rules[0].expression
        );
        if allow_declared {
            return (form, proof);
        }
    }
    unreachable!()
}

fn container(object: &mut Value) -> &mut Value {
    &mut object["spec"]["template"]["spec"]["containers"][0]
}

const API: &str = ".spec.template.spec.containers[name=\"api\"]";

#[test]
fn proves_a_policy_for_each_kind_of_change() {
    let api = |rest: &str| format!("{API}{rest}");
    let pod = |rest: &str| format!(".spec.template.spec{rest}");
    type Edit = fn(&mut Value);
    let cases: [(String, GuardForm, Edit); 13] = [
        (".spec.replicas".to_owned(), GuardForm::Max, |o| {
            o["spec"]["replicas"] = 7.into()
        }),
        (".spec.replicas".to_owned(), GuardForm::Min, |o| {
            o["spec"]["replicas"] = 1.into()
        }),
        (api(".image"), GuardForm::Lock, |o| {
            container(o)["image"] = "reg.example.com/cart:hotfix".into();
        }),
        (api(".image"), GuardForm::Origin, |o| {
            container(o)["image"] = "docker.io/cart:1.4".into()
        }),
        (api(".resources.limits.cpu"), GuardForm::Max, |o| {
            container(o)["resources"]["limits"]["cpu"] = "2".into();
        }),
        (api(".resources.limits.cpu"), GuardForm::Require, |o| {
            container(o)["resources"]["limits"] = json!({});
        }),
        (
            pod(".securityContext.runAsNonRoot"),
            GuardForm::Require,
            |o| {
                o["spec"]["template"]["spec"]["securityContext"] = json!({});
            },
        ),
        (pod(".containers[name=\"debug\"]"), GuardForm::Closed, |o| {
            let containers = &mut o["spec"]["template"]["spec"]["containers"];
            containers
                .as_array_mut()
                .unwrap()
                .push(json!({"name": "debug", "image": "x"}));
        }),
        (api(".env[name=\"DEBUG\"]"), GuardForm::Closed, |o| {
            let env = container(o)["env"].as_array_mut().unwrap();
            env.push(json!({"name": "DEBUG", "value": "1"}));
        }),
        (
            api(".ports[containerPort=9,protocol=\"TCP\"]"),
            GuardForm::Closed,
            |o| {
                let ports = container(o)["ports"].as_array_mut().unwrap();
                ports.push(json!({"containerPort": 9, "protocol": "TCP"}));
            },
        ),
        (api(".env[name=\"MODE\"].value"), GuardForm::Lock, |o| {
            container(o)["env"][0]["value"] = "other".into();
        }),
        (
            ".metadata.labels[\"example.com/x\"]".to_owned(),
            GuardForm::Lock,
            |o| {
                o["metadata"]["labels"]["example.com/x"] = "y".into();
            },
        ),
        (pod(".hostNetwork"), GuardForm::Lock, |o| {
            o["spec"]["template"]["spec"]["hostNetwork"] = true.into();
        }),
    ];
    for (path, expected, edit) in cases {
        let (form, proof) = made(&path, None, edit);
        assert_eq!(form, expected, "{path}");
        assert!(proof.cases.iter().any(|case| case.outcome == "refused"));
        // A change of any kind can be locked.
        made(&path, Some(GuardForm::Lock), edit);
    }
}

#[test]
fn guards_against_scaling_too() {
    let (_, proof) = made(".spec.replicas", Some(GuardForm::Lock), |o| {
        o["spec"]["replicas"] = 7.into();
    });
    let scaled: Vec<_> = proof
        .cases
        .iter()
        .filter(|c| c.case.contains("scale"))
        .collect();
    assert_eq!(scaled.len(), 2);
    assert_eq!(scaled[0].outcome, "refused");
    assert_eq!(scaled[1].outcome, "passes");
}

#[test]
fn a_policy_that_does_not_work_fails_its_proof() {
    let mut live = deployment();
    live["spec"]["replicas"] = 7.into();
    let toothless = |expression: &str| {
        let rule = GuardRule {
            form: GuardForm::Max,
            path: ".spec.replicas".parse().unwrap(),
            expression: expression.to_owned(),
            message: "no".to_owned(),
        };
        prove(
            &guard(rule, false),
            &deployment(),
            &[live.clone()],
            &evaluate,
        )
    };
    assert!(toothless("object.spec.replicas <= 2").holds());
    for expression in [
        "true",
        "false",
        "object.spec.replicas <= 20",
        "object.spec.nothing <= 2",
        "authorizer.requestResource.check('x').allowed()",
        "not cel",
    ] {
        assert!(!toothless(expression).holds(), "{expression}");
    }
}

#[test]
fn explains_why_a_change_has_no_rule() {
    let mut live = deployment();
    live["metadata"]["finalizers"] = json!(["example.com/x"]);
    live["metadata"]["annotations"] = json!({"a": "b"});
    live["spec"]["replicas"] = 7.into();
    let why = |path: &str, form: Option<GuardForm>, bound: Option<&str>| {
        let change = change(path, &live);
        let before = deployment();
        rule(GuardRequest {
            change: &change,
            before: &before,
            form,
            bound,
            allow_declared: false,
            place: "x:1",
        })
        .unwrap_err()
    };
    let finalizer = ".metadata.finalizers[=\"example.com/x\"]";
    assert!(why(finalizer, None, None).contains("controllers write"));
    let annotation = why(".metadata.annotations.a", Some(GuardForm::Closed), None);
    assert!(annotation.contains("use --lock"), "{annotation}");
    assert!(why(".spec.replicas", Some(GuardForm::Max), Some("many")).contains("not a number"));
    assert!(why(".spec.replicas", Some(GuardForm::Origin), None).contains("not a container image"));
}
