//! Kyverno's ValidatingPolicies (`policies.kyverno.io`): CEL, in the shape of Kubernetes' own
//! policies.

use serde_json::{Value, json};

use crate::model::group_of;

/// Pod controllers: the resource, its group, and the path of its Pod template.
const CONTROLLERS: [(&str, &str, &str); 6] = [
    ("daemonsets", "apps", "spec.template"),
    ("deployments", "apps", "spec.template"),
    ("replicasets", "apps", "spec.template"),
    ("statefulsets", "apps", "spec.template"),
    ("jobs", "batch", "spec.template"),
    ("cronjobs", "batch", "spec.jobTemplate.spec.template"),
];

/// Returns whether an object is such a policy.
pub fn is_validating(object: &Value) -> bool {
    let text = |field: &str| {
        object
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    group_of(text("apiVersion")) == "policies.kyverno.io" && text("kind") == "ValidatingPolicy"
}

/// Returns a policy as Kubernetes' own policies and bindings, including those that Kyverno
/// generates for Pod controllers.
pub fn as_builtin(policy: &Value) -> Vec<(Value, Value)> {
    let spec = policy.get("spec").unwrap_or(&Value::Null);
    if spec.pointer("/evaluation/mode").and_then(Value::as_str) == Some("JSON") {
        return Vec::new();
    }
    let actions = spec.get("validationActions").and_then(Value::as_array);
    let actions = actions.filter(|actions| !actions.is_empty());
    let actions = actions.map_or_else(|| json!(["Deny"]), |actions| json!(actions));
    let binding = json!({"spec": {"validationActions": actions}});
    let of = |spec: Value| {
        let policy = json!({"metadata": policy.get("metadata"), "spec": spec});
        (policy, binding.clone())
    };
    let fields = [
        "matchConstraints",
        "matchConditions",
        "variables",
        "validations",
        "failurePolicy",
    ];
    let given = fields.into_iter().filter_map(|field| {
        let value = spec.get(field).filter(|value| !value.is_null())?;
        Some((field.to_owned(), value.clone()))
    });
    let own = Value::Object(given.collect());
    let made = made(spec, &own).into_iter().map(of);
    std::iter::once(of(own.clone())).chain(made).collect()
}

fn made(spec: &Value, own: &Value) -> Vec<Value> {
    let matched = own.get("matchConstraints").unwrap_or(&Value::Null);
    if !is_of_pods(matched) {
        return Vec::new();
    }
    let named = spec.pointer("/autogen/podControllers/controllers");
    let named = named.and_then(Value::as_array);
    let is_wanted =
        |resource: &str| named.is_none_or(|named| named.iter().any(|one| one == resource));
    let makers = CONTROLLERS
        .iter()
        .filter(|(resource, ..)| is_wanted(resource));
    makers
        .filter_map(|(resource, group, template)| {
            let rule = matched.pointer("/resourceRules/0")?;
            let mut made: Value =
                serde_json::from_str(&for_pod_template(&own.to_string(), template)).ok()?;
            made["matchConstraints"] = json!({"resourceRules": [{
                "apiGroups": [group],
                "apiVersions": ["v1"],
                "resources": [resource],
                "operations": rule.get("operations"),
            }]});
            if let Some(selector) = matched.get("namespaceSelector") {
                made["matchConstraints"]["namespaceSelector"] = selector.clone();
            }
            Some(made)
        })
        .collect()
}

/// Returns whether only Pods are matched, by their kind alone.
fn is_of_pods(matched: &Value) -> bool {
    let is = |value: Option<&Value>, one: &str| value == Some(&json!([one]));
    let is_blank = |value: &Value| {
        value
            .as_object()
            .is_none_or(|fields| fields.values().all(is_empty))
    };
    let rules = matched.get("resourceRules").and_then(Value::as_array);
    let excluded = matched.get("excludeResourceRules");
    matched.get("objectSelector").is_none_or(is_blank)
        && excluded.is_none_or(is_empty)
        && matches!(rules.map(Vec::as_slice), Some([rule])
            if is(rule.get("apiGroups"), "")
                && is(rule.get("apiVersions"), "v1")
                && is(rule.get("resources"), "pods")
                && rule.get("resourceNames").is_none_or(is_empty))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Rewrites expressions about a Pod as expressions about a Pod template. The namespace of the
/// object itself stays.
fn for_pod_template(text: &str, template: &str) -> String {
    let mut text = text.to_owned();
    for part in ["spec", "metadata"] {
        for object in ["object", "oldObject"] {
            let from = format!("{object}.{part}");
            let to = format!("{object}.{template}.{part}");
            let mut moved = String::new();
            let mut rest = text.as_str();
            while let Some((before, after)) = rest.split_once(from.as_str()) {
                moved.push_str(before);
                let own = after.strip_prefix(".namespace");
                let stays = own.is_some_and(|own| {
                    !own.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                });
                moved.push_str(if stays { &from } else { &to });
                rest = after;
            }
            moved.push_str(rest);
            text = moved;
        }
    }
    text
}
