//! Writes a guard as objects: for Kubernetes itself, Kyverno or Gatekeeper.

use serde_json::{Value, json};

use super::place::text;
use super::{AUTOSCALER, Guard, GuardForm, GuardRule};

impl Guard {
    /// Returns the ValidatingAdmissionPolicy and its binding.
    pub fn policy_and_binding(&self) -> [Value; 2] {
        let policy = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": self.name},
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": [self.resource_rule()]},
                "matchConditions": self.conditions(),
                "validations": self.rules.iter().map(validation).collect::<Vec<_>>(),
            }
        });
        let actions = match self.enforces {
            true => json!(["Deny", "Audit"]),
            false => json!(["Warn", "Audit"]),
        };
        let mut named = self.resource_rule();
        if let Some(name) = self.only_name() {
            named["resourceNames"] = json!([name]);
        }
        let mut matched = json!({"resourceRules": [named]});
        if let Some(namespace) = self.only_namespace() {
            matched["namespaceSelector"] =
                json!({"matchLabels": {"kubernetes.io/metadata.name": namespace}});
        }
        let binding = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": self.name},
            "spec": {
                "policyName": self.name,
                "validationActions": actions,
                "matchResources": matched,
            }
        });
        [without_empty(policy), binding]
    }

    /// Returns a Kyverno ClusterPolicy with the same expressions.
    pub fn kyverno(&self) -> Value {
        let kind = format!("{}/{}", self.api_version, self.key.kind);
        let scaled = self.is_scaled().then(|| format!("{kind}/scale"));
        let kinds: Vec<String> = std::iter::once(kind).chain(scaled).collect();
        let mut resources = json!({
            "kinds": kinds,
            "operations": self.operations(),
        });
        if let Some(name) = self.only_name() {
            resources["names"] = json!([name]);
        }
        if let Some(namespace) = self.only_namespace() {
            resources["namespaces"] = json!([namespace]);
        }
        let action = if self.enforces { "Enforce" } else { "Audit" };
        let rule = json!({
            "name": "guard",
            "match": {"any": [{"resources": resources}]},
            "celPreconditions": self.conditions(),
            "validate": {
                "failureAction": action,
                "cel": {
                    "expressions": self.rules.iter().map(expression).collect::<Vec<_>>(),
                }
            }
        });
        json!({
            "apiVersion": "kyverno.io/v1",
            "kind": "ClusterPolicy",
            "metadata": {
                "name": self.name,
                // The rule matches only this kind, and only writes.
                "annotations": {"pod-policies.kyverno.io/autogen-controllers": "none"},
            },
            "spec": {"background": false, "rules": [without_empty(rule)]}
        })
    }

    /// Returns a Gatekeeper ConstraintTemplate with the same expressions, and its constraint.
    pub fn gatekeeper(&self) -> [Value; 2] {
        let kind: String = self
            .name
            .split(['-', '.'])
            .map(|word| {
                let mut chars = word.chars();
                let first = chars.next().map(|c| c.to_ascii_uppercase());
                first.into_iter().chain(chars).collect::<String>()
            })
            .collect();
        // In an audit there is no oldObject and no requester.
        let conditions = self.conditions().into_iter().map(|mut condition| {
            if let Some(expression) = condition.get("expression").and_then(Value::as_str) {
                condition["expression"] =
                    json!(format!("!has(request.userInfo) || ({expression})"));
            }
            condition
        });
        let validations = self.rules.iter().map(|rule| {
            let expression = match rule.form {
                GuardForm::Lock => format!("oldObject == null || ({})", rule.expression),
                _ => rule.expression.clone(),
            };
            json!({"expression": expression, "message": rule.message})
        });
        let source = json!({
            "failurePolicy": "Fail",
            "matchConditions": conditions.collect::<Vec<_>>(),
            "validations": validations.collect::<Vec<_>>(),
        });
        let template = json!({
            "apiVersion": "templates.gatekeeper.sh/v1",
            "kind": "ConstraintTemplate",
            "metadata": {"name": kind.to_ascii_lowercase()},
            "spec": {
                "crd": {"spec": {"names": {"kind": kind}}},
                "targets": [{
                    "target": "admission.k8s.gatekeeper.sh",
                    "code": [{"engine": "K8sNativeValidation", "source": without_empty(source)}],
                }]
            }
        });
        let action = if self.enforces { "deny" } else { "dryrun" };
        let mut matched = json!({
            "kinds": [{"apiGroups": [self.key.group], "kinds": [self.key.kind]}],
        });
        if let Some(name) = self.only_name() {
            matched["name"] = json!(name);
        }
        if let Some(namespace) = self.only_namespace() {
            matched["namespaces"] = json!([namespace]);
        }
        let constraint = json!({
            "apiVersion": "constraints.gatekeeper.sh/v1beta1",
            "kind": kind,
            "metadata": {"name": self.name},
            "spec": {"enforcementAction": action, "match": matched}
        });
        [template, constraint]
    }

    fn resource_rule(&self) -> Value {
        let scaled = self.is_scaled().then(|| format!("{}/scale", self.plural));
        let resources: Vec<String> = std::iter::once(self.plural.clone()).chain(scaled).collect();
        let version = self.api_version.rsplit('/').next().unwrap_or_default();
        json!({
            "apiGroups": [self.key.group],
            "apiVersions": [version],
            "operations": self.operations(),
            "resources": resources,
        })
    }

    /// Excludes the exempt users and groups.
    fn conditions(&self) -> Vec<Value> {
        let list = |names: &[String]| {
            let names: Vec<String> = names.iter().map(|name| text(name)).collect();
            format!("[{}]", names.join(", "))
        };
        let condition =
            |name: &str, expression: String| json!({"name": name, "expression": expression});
        let mut conditions = Vec::new();
        if !self.users.is_empty() {
            conditions.push(condition(
                "not-the-deployer",
                format!("!(request.userInfo.username in {})", list(&self.users)),
            ));
        }
        if !self.groups.is_empty() {
            conditions.push(condition(
                "not-an-allowed-group",
                format!(
                    "!request.userInfo.groups.exists(g, g in {})",
                    list(&self.groups)
                ),
            ));
        }
        if self.is_scaled() {
            conditions.push(condition(
                "not-the-autoscaler",
                format!("request.userInfo.username != {}", text(AUTOSCALER)),
            ));
        }
        conditions
    }
}

fn validation(rule: &GuardRule) -> Value {
    json!({"expression": rule.expression, "message": rule.message, "reason": "Forbidden"})
}

fn expression(rule: &GuardRule) -> Value {
    json!({"expression": rule.expression, "message": rule.message})
}

/// Removes empty lists from an object.
fn without_empty(mut value: Value) -> Value {
    fn clean(value: &mut Value) {
        if let Value::Object(fields) = value {
            fields.retain(|_, value| value.as_array().is_none_or(|items| !items.is_empty()));
            fields.values_mut().for_each(clean);
        }
    }
    clean(&mut value);
    value
}
