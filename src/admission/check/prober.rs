//! Evaluates a policy together with generated bindings, namespaces and parameters.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Base, PolicyExpressions, Variant};
use crate::admission::{Evaluate, Policies, PolicyInput, RequestUser, RuleResult};
use crate::model::{ResourceKey, group_of, text_or_empty};

/// Evaluates a policy and its conditions.
pub struct Prober<'p> {
    /// The policy, and everything that it may refer to.
    pub policies: Policies,
    /// Evaluates policies.
    pub evaluate: &'p Evaluate<'p>,
    /// Whether it refers to `oldObject`.
    pub uses_old_object: bool,
}

impl Prober<'_> {
    /// Returns whether the policy and its binding match an object, apart from its match conditions.
    pub fn matches(&self, base: &Base<'_>) -> bool {
        let always = |_: &str, _: &Value| Ok(Vec::new());
        let asked = std::cell::Cell::new(false);
        let ask = |policy: &str, input: &Value| {
            asked.set(true);
            always(policy, input)
        };
        for old in [None, Some(&base.object)] {
            self.policies
                .verdicts(subject(base, &key_of(base), &base.object, old), &ask);
        }
        asked.get()
    }

    /// Returns the requests to test: create, update and delete.
    pub fn requests(&self, base: &Base<'_>, variant: &Variant) -> Vec<(Value, Option<Value>)> {
        let object = &variant.object;
        let mut all = vec![
            (object.clone(), None),
            (object.clone(), Some(object.clone())),
        ];
        if self.uses_old_object && variant.path.is_some() {
            all.push((object.clone(), Some(base.object.clone())));
            all.push((base.object.clone(), Some(object.clone())));
        }
        all.push((Value::Null, Some(object.clone())));
        all
    }

    /// Evaluates the policy. Returns the reason if it does not match, or may not match.
    pub fn ask(
        &self,
        base: &Base<'_>,
        object: &Value,
        old: Option<&Value>,
    ) -> Result<Vec<RuleResult>, Option<String>> {
        let heard = std::cell::RefCell::new(None);
        let ask = |policy: &str, input: &Value| {
            let answers = (self.evaluate)(policy, input);
            let answers = answers.unwrap_or_else(|why| {
                vec![RuleResult {
                    rule: "validations[0]".to_owned(),
                    ..RuleResult::cannot(why)
                }]
            });
            heard.replace(Some(answers));
            Ok(Vec::new())
        };
        let present = if object.is_null() {
            old.unwrap_or(object)
        } else {
            object
        };
        let of = Base {
            object: present.clone(),
            ..base.clone()
        };
        let verdicts = self
            .policies
            .verdicts(subject(base, &key_of(&of), object, old), &ask);
        let heard = heard.into_inner();
        heard.ok_or_else(|| {
            verdicts
                .violations
                .first()
                .and_then(|one| one.message.clone())
        })
    }
}

fn subject<'a>(
    base: &'a Base<'_>,
    key: &'a ResourceKey,
    object: &'a Value,
    old: Option<&'a Value>,
) -> PolicyInput<'a> {
    static ANYBODY: std::sync::LazyLock<RequestUser> =
        std::sync::LazyLock::new(|| RequestUser::named("driftctl:anybody"));
    PolicyInput {
        key,
        api_version: text_or_empty(&base.object, "/apiVersion"),
        plural: Some(&base.plural),
        object,
        old,
        subresource: "",
        user: Some(&ANYBODY),
    }
}

/// Returns the key of an object.
pub fn key_of(base: &Base<'_>) -> ResourceKey {
    let object = &base.object;
    let namespace = match text_or_empty(object, "/metadata/namespace") {
        "" => "default",
        namespace => namespace,
    };
    ResourceKey::new(
        group_of(text_or_empty(object, "/apiVersion")).to_owned(),
        text_or_empty(object, "/kind").to_owned(),
        base.namespaced.then(|| namespace.to_owned()),
        text_or_empty(object, "/metadata/name").to_owned(),
    )
}

/// Returns the policy with its conditions as additional validations, its binding, and everything
/// that it may refer to.
pub fn policies(
    policy: &Value,
    bindings: &[Value],
    others: &[Value],
    rules: &PolicyExpressions,
    places: &[String],
) -> Policies {
    let mut probed = policy.clone();
    let atoms = rules.atoms.iter().map(|atom| json!({"expression": atom}));
    if let Some(validations) = probed
        .pointer_mut("/spec/validations")
        .and_then(Value::as_array_mut)
    {
        validations.extend(atoms);
    }
    // This shows how the policy fails.
    if let Some(spec) = probed.get_mut("spec").and_then(Value::as_object_mut) {
        spec.insert("failurePolicy".to_owned(), json!("Fail"));
    }
    let mut all = vec![probed];
    all.extend(bindings.iter().cloned().map(|mut binding| {
        binding["apiVersion"] = json!("admissionregistration.k8s.io/v1");
        binding["kind"] = json!("ValidatingAdmissionPolicyBinding");
        binding
    }));
    all.extend(others.iter().cloned());
    let known: BTreeSet<&str> = others
        .iter()
        .filter(|object| text_or_empty(object, "/kind") == "Namespace")
        .map(|object| text_or_empty(object, "/metadata/name"))
        .collect();
    let labels = labels(policy, bindings);
    let missing = places
        .iter()
        .filter(|place| !known.contains(place.as_str()));
    all.extend(missing.map(|place| {
        let mut labels = labels.clone();
        labels.insert("kubernetes.io/metadata.name".to_owned(), json!(place));
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place, "labels": labels}})
    }));
    Policies::of(all)
}

/// Returns labels that satisfy namespace selectors.
pub fn labels(policy: &Value, bindings: &[Value]) -> serde_json::Map<String, Value> {
    let mut labels = serde_json::Map::new();
    for selector in selectors(policy, bindings) {
        let by_label = selector.get("matchLabels").and_then(Value::as_object);
        labels.extend(
            by_label
                .into_iter()
                .flatten()
                .map(|(k, v)| (k.clone(), v.clone())),
        );
        let expressions = selector.get("matchExpressions").and_then(Value::as_array);
        for one in expressions.into_iter().flatten() {
            let value = match text_or_empty(one, "/operator") {
                "In" => one.pointer("/values/0").cloned(),
                "Exists" => Some(json!("x")),
                _ => None,
            };
            if let Some(value) = value {
                labels.insert(text_or_empty(one, "/key").to_owned(), value);
            }
        }
    }
    labels
}

fn selectors<'v>(policy: &'v Value, bindings: &'v [Value]) -> impl Iterator<Item = &'v Value> {
    let of_policy = policy.pointer("/spec/matchConstraints/namespaceSelector");
    let of_bindings = bindings.iter();
    let of_bindings =
        of_bindings.filter_map(|one| one.pointer("/spec/matchResources/namespaceSelector"));
    of_policy.into_iter().chain(of_bindings)
}

/// Returns namespaces that may matter: those that selectors name, and those that expressions
/// mention.
pub fn namespaces(policy: &Value, bindings: &[Value], literals: &[Value]) -> Vec<String> {
    const MOST: usize = 8;
    let is_name = |name: &str| {
        let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !name.is_empty() && name.len() <= 63 && name.chars().all(is_inner)
    };
    let mut found: Vec<String> = Vec::new();
    for (key, value) in labels(policy, bindings) {
        if key == "kubernetes.io/metadata.name"
            && let Some(name) = value.as_str()
        {
            found.push(name.to_owned());
        }
    }
    // A selector by name matches no other namespace.
    if found.is_empty() {
        found.push("default".to_owned());
        if policy.to_string().contains("namespace") {
            for literal in literals.iter().filter_map(Value::as_str) {
                for name in [
                    literal.to_owned(),
                    format!("{literal}x"),
                    format!("x{literal}"),
                ] {
                    let name = name.trim_matches('-').to_owned();
                    if is_name(&name) && !found.contains(&name) {
                        found.push(name);
                    }
                }
            }
        }
    }
    found.truncate(MOST);
    found
}

/// Collects the scalars in a parameter.
pub fn scalars(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| scalars(item, found)),
        Value::Object(fields) => {
            let is_object = fields.contains_key("apiVersion");
            let own = fields.iter();
            let own = own.filter(|(name, _)| {
                !is_object || !matches!(name.as_str(), "apiVersion" | "kind" | "metadata")
            });
            own.for_each(|(_, value)| scalars(value, found));
        }
        Value::Null => {}
        single => found.push(single.clone()),
    }
}
