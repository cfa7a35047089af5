//! Explains objects that Kyverno's policies generate.
//!
//! Labels name the policy and the rule, but prove little by themselves: the policy must exist, its rule
//! must generate such objects, and the object must contain what the rule writes. What the rule copies or
//! computes is not known, so that it explains nothing that could hurt (see [`harm`](crate::judge::harm)).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cluster::{Live, LiveObject};
use crate::facts::{is_guarded, workload};
use crate::judge::harm::{harms, is_harmful};
use crate::judge::{Explainer, ExplainerInput, Knowledge, ObjectExplainer};
use crate::model::{Explanation, Owner, Ownership, text_at};
use crate::policy::RuleSet;

/// Explains objects that Kyverno's policies generate.
pub struct GeneratedObjects;

/// Its name.
pub const GENERATED: &str = "kyverno-generated";

/// The label that names the policy.
const POLICY: &str = "generate.kyverno.io/policy-name";

/// The label that names the rule.
const RULE: &str = "generate.kyverno.io/rule-name";

/// The label with the namespace of a namespaced policy.
const NAMESPACE: &str = "generate.kyverno.io/policy-namespace";

/// The version at which policies are read.
const VERSION: &str = "kyverno.io/v1";

impl Explainer for GeneratedObjects {
    fn id(&self) -> &'static str {
        GENERATED
    }

    fn about(&self) -> &'static str {
        "Kyverno generates objects by the rules of its policies."
    }

    fn learn(&self, run: &ExplainerInput<'_>) -> Option<Box<dyn Knowledge>> {
        let mut extra = run.fetched.extra.iter();
        let is_labelled = |object: &LiveObject| {
            let value = object.may_mention(POLICY).then(|| object.value());
            value
                .and_then(Result::ok)
                .is_some_and(|value| label(&value, POLICY).is_some())
        };
        extra.any(is_labelled).then_some(())?;
        let mut generated = Generated::read(run.live);
        let labelled = run.fetched.extra.iter();
        let labelled = labelled.filter(|object| object.may_mention(POLICY));
        // Secrets are not read: their metadata has to do.
        for object in labelled.filter(|object| object.is_partial() && !is_secret(object)) {
            generated.add_content(object, run.live);
        }
        (!generated.rules.is_empty()).then(|| Box::new(generated) as _)
    }
}

/// What generates objects, and what the objects contain whose content matters.
#[derive(Debug, Default)]
struct Generated {
    /// The rules, by the policy's namespace and name and the rule's name.
    rules: BTreeMap<(String, String, String), Value>,
    /// Objects of which only the metadata was read, in full, by version, kind and namespace.
    contents: BTreeMap<(String, String, String), Vec<Value>>,
}

impl Generated {
    fn read(live: &dyn Live) -> Self {
        let mut generated = Self::default();
        for kind in ["ClusterPolicy", "Policy"] {
            for policy in live.related(VERSION, kind, "").unwrap_or_default() {
                generated.add(&policy);
            }
        }
        generated
    }

    /// Reads the objects of a kind in full: of undeclared objects only the metadata may be known.
    fn add_content(&mut self, object: &LiveObject, live: &dyn Live) {
        let namespace = object.key.namespace.clone().unwrap_or_default();
        let (version, kind) = (object.api_version.clone(), object.key.kind.clone());
        let read = |(version, kind, namespace): &(String, String, String)| {
            let objects = live.related(version, kind, namespace);
            objects.unwrap_or_default()
        };
        let place = self.contents.entry((version, kind, namespace));
        place.or_insert_with_key(read);
    }

    /// Returns an object in full; `None` if only its metadata is known.
    fn whole<'v>(&'v self, object: &LiveObject, value: &'v Value) -> Option<&'v Value> {
        if !object.is_partial() {
            return Some(value);
        }
        let namespace = object.key.namespace.clone().unwrap_or_default();
        let (version, kind) = (object.api_version.clone(), object.key.kind.clone());
        let mut all = self.contents.get(&(version, kind, namespace))?.iter();
        all.find(|one| text_at(one, "/metadata/name") == Some(object.key.name.as_str()))
    }

    /// Returns whether an object contains what a rule writes, and nothing in addition that could hurt.
    fn has_content(
        &self,
        part: &Value,
        object: &LiveObject,
        value: &Value,
        rules: &RuleSet,
    ) -> bool {
        let key = &object.key;
        let whole = self.whole(object, value);
        let Some(data) = part.get("data").filter(|data| data.is_object()) else {
            let copies = part.get("clone").is_some() || part.get("cloneList").is_some();
            return copies && !is_guarded(&key.group) && !is_harmful(key, value, whole, rules);
        };
        let Some(content) = whole else {
            return is_secret(object) && !is_harmful(key, value, None, rules);
        };
        let fields = data.as_object().into_iter().flatten();
        let mut fields = fields.filter(|(name, _)| *name != "metadata");
        let (found, written) = (harms(key, content, rules), harms(key, data, rules));
        let may_be_computed =
            !is_guarded(&key.group) && workload(&key.kind).is_none() && found.is_empty();
        fields.all(|(name, wanted)| agrees(wanted, content.get(name), may_be_computed))
            && (is_guarded(&key.group) || found.is_subset(&written))
    }

    fn add(&mut self, policy: &Value) {
        let text = |value: &Value, pointer: &str| {
            let text = value.pointer(pointer).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let rules = policy.pointer("/spec/rules").and_then(Value::as_array);
        for rule in rules.into_iter().flatten() {
            if let Some(generate) = rule.get("generate") {
                let key = (
                    text(policy, "/metadata/namespace"),
                    text(policy, "/metadata/name"),
                    text(rule, "/name"),
                );
                self.rules.insert(key, generate.clone());
            }
        }
    }

    /// Returns a sentence that names the policy and rule that generated an object.
    fn maker(&self, object: &LiveObject, value: &Value, rules: &RuleSet) -> Option<String> {
        let policy = label(value, POLICY)?;
        let rule = label(value, RULE)?;
        let namespace = label(value, NAMESPACE).unwrap_or_default();
        let key = (namespace.to_owned(), policy.to_owned(), rule.to_owned());
        let generate = self.rules.get(&key)?;
        let foreach = generate.get("foreach").and_then(Value::as_array);
        let mut parts = std::iter::once(generate).chain(foreach.into_iter().flatten());
        let is_its =
            parts.any(|part| makes(part, object) && self.has_content(part, object, value, rules));
        let kind = match namespace {
            "" => "ClusterPolicy",
            _ => "Policy",
        };
        is_its.then(|| format!("Kyverno generates objects by {kind} {policy}, rule {rule}."))
    }
}

impl Knowledge for Generated {
    fn undeclared(
        &self,
        object: &LiveObject,
        value: &Value,
        ownership: &Ownership,
        rules: &RuleSet,
    ) -> Option<ObjectExplainer> {
        let by_kubectl = |owner: &Owner| owner.manager.starts_with("kubectl");
        let mut owners = ownership.entries.iter().map(|entry| &entry.owner);
        if owners.any(by_kubectl) {
            // Someone changed the object, or set the labels by hand.
            return None;
        }
        Some(ObjectExplainer {
            explanation: Explanation::ControllerOwned,
            by: GeneratedObjects.id().to_owned(),
            about: self.maker(object, value, rules)?,
        })
    }
}

/// Returns whether a part of a rule generates objects of this kind, namespace and name.
fn makes(part: &Value, object: &LiveObject) -> bool {
    let text = |name: &str| part.get(name).and_then(Value::as_str);
    let is = |name: &str, has: &str| {
        text(name).is_none_or(|wanted| wanted.contains("{{") || wanted == has)
    };
    let kinds = part.pointer("/cloneList/kinds").and_then(Value::as_array);
    let is_kind = match kinds {
        Some(kinds) => kinds
            .iter()
            .filter_map(Value::as_str)
            .any(|kind| kind.rsplit('/').next() == Some(object.key.kind.as_str())),
        None => text("kind") == Some(object.key.kind.as_str()),
    };
    is_kind
        && (kinds.is_some() || is("name", &object.key.name))
        && is(
            "namespace",
            object.key.namespace.as_deref().unwrap_or_default(),
        )
}

/// Returns whether a value is what a policy writes, where the policy writes it literally. Nothing may
/// be added to a list. A computed text stands for a text, a number or a boolean, and if it
/// `may_be_computed`, for a block.
fn agrees(wanted: &Value, found: Option<&Value>, may_be_computed: bool) -> bool {
    match (wanted, found) {
        (Value::String(text), Some(found)) if text.contains("{{") => match found {
            Value::Object(_) | Value::Array(_) => may_be_computed,
            _ => true,
        },
        (Value::Object(wanted), Some(Value::Object(found))) => {
            let mut fields = wanted.iter();
            fields.all(|(name, wanted)| agrees(wanted, found.get(name), may_be_computed))
        }
        (Value::Array(wanted), Some(Value::Array(found))) => {
            let mut pairs = wanted.iter().zip(found);
            wanted.len() == found.len()
                && pairs.all(|(wanted, found)| agrees(wanted, Some(found), may_be_computed))
        }
        (wanted, found) => found == Some(wanted),
    }
}

fn is_secret(object: &LiveObject) -> bool {
    object.key.kind == "Secret" && object.key.group.is_empty()
}

fn label<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    let labels = value.pointer("/metadata/labels")?;
    labels.get(name)?.as_str().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::ResourceKey;

    fn policy() -> Value {
        json!({"metadata": {"name": "quota"}, "spec": {"rules": [{"name": "limit", "generate":
            {"apiVersion": "v1", "kind": "ResourceQuota", "name": "default",
                "namespace": "{{request.object.metadata.name}}", "synchronize": true,
                "data": {"spec": {"hard": {"pods": "{{ request.object.metadata.labels.pods }}"}}}}}]}})
    }

    fn says(kind: &str, name: &str, labels: Value) -> Option<String> {
        let mut generated = Generated::default();
        generated.add(&policy());
        let value = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name,
            "namespace": "shop", "labels": labels}, "spec": {"hard": {"pods": 5}}});
        let key = ResourceKey::new("", kind, Some("shop".to_owned()), name);
        let object = LiveObject::new(key, "v1", value.to_string());
        generated.maker(&object, &value, RuleSet::builtin())
    }

    #[test]
    fn an_object_that_grants_permissions_must_have_the_content_of_the_policy() {
        let rbac = "rbac.authorization.k8s.io/v1";
        let mut generated = Generated::default();
        generated.add(&json!({"metadata": {"name": "p"}, "spec": {"rules": [{"name": "r",
            "generate": {"apiVersion": rbac, "kind": "RoleBinding", "name": "team",
                "namespace": "{{request.object.metadata.name}}", "data": {
                    "roleRef": {"kind": "ClusterRole", "name": "view"},
                    "subjects": [{"kind": "Group", "name": "{{request.object.metadata.labels.team}}"}]}}}]}}));
        let binding = |role: &str, subjects: usize| {
            json!({"metadata": {"name": "team", "namespace": "shop",
                "labels": {POLICY: "p", RULE: "r"}},
                "roleRef": {"apiGroup": "x", "kind": "ClusterRole", "name": role},
                "subjects": vec![json!({"kind": "Group", "name": "cart"}); subjects]})
        };
        let key = ResourceKey::new(
            "rbac.authorization.k8s.io",
            "RoleBinding",
            Some("shop".to_owned()),
            "team",
        );
        let is_explained = |value: Value| {
            let object = LiveObject::new(key.clone(), rbac, value.to_string());
            let maker = generated.maker(&object, &value, RuleSet::builtin());
            maker.is_some()
        };
        assert!(is_explained(binding("view", 1)));
        assert!(!is_explained(binding("admin", 1)));
        assert!(!is_explained(binding("view", 2)));
    }

    /// A policy that computes or copies what it generates does not show what that is.
    #[test]
    fn a_rule_explains_nothing_harmful_that_it_does_not_write() {
        let found = |kind: &str, group: &str, rule: Value, content: Value| {
            let mut generate = json!({"apiVersion": "v1", "kind": kind, "name": "{{ a }}",
                "namespace": "{{ b }}"});
            for (name, value) in rule.as_object().unwrap() {
                generate[name] = value.clone();
            }
            let mut generated = Generated::default();
            generated.add(&json!({"metadata": {"name": "p"}, "spec": {"rules": [
                {"name": "r", "generate": generate}]}}));
            let mut value = content;
            value["metadata"] = json!({"name": "x", "namespace": "shop",
                "labels": {POLICY: "p", RULE: "r"}});
            let key = ResourceKey::new(group, kind, Some("shop".to_owned()), "x");
            let object = LiveObject::new(key, "v1", value.to_string());
            let maker = generated.maker(&object, &value, RuleSet::builtin());
            maker.is_some()
        };
        let computed = json!({"data": {"spec": "{{ c }}"}});
        let cloned = json!({"clone": {"name": "a", "namespace": "b"}});
        let open = json!({"spec": {"podSelector": {}, "ingress": [{}]}});
        let closed = json!({"spec": {"podSelector": {}, "policyTypes": ["Ingress"]}});
        let networking = "networking.k8s.io";
        for rule in [&computed, &cloned] {
            let policy =
                |content: &Value| found("NetworkPolicy", networking, rule.clone(), content.clone());
            assert!(policy(&closed), "{rule}");
            assert!(!policy(&open), "{rule}");
        }
        let literal = json!({ "data": open });
        assert!(found("NetworkPolicy", networking, literal, open.clone()));
        let literal = json!({ "data": closed });
        assert!(!found("NetworkPolicy", networking, literal, open));
        let ingress = json!({"spec": {"defaultBackend": {"service": {"name": "a"}}}});
        assert!(!found("Ingress", networking, computed.clone(), ingress));
        let opaque = json!({"type": "Opaque", "data": {"a": "b"}});
        let token = json!({"type": "kubernetes.io/service-account-token"});
        assert!(found("Secret", "", cloned.clone(), opaque.clone()));
        assert!(!found("Secret", "", cloned.clone(), token));
        assert!(
            !found("Secret", "", json!({}), opaque),
            "a rule without content"
        );
        let pod = json!({"spec": {"containers": [{"name": "a", "image": "b"}]}});
        assert!(!found("Pod", "", computed, pod.clone()));
        let hidden = json!({"spec": {"hostPID": true, "containers": []}});
        assert!(!found("Pod", "", cloned, hidden));
        assert!(found("Pod", "", json!({ "data": pod }), pod));
    }

    #[test]
    fn the_policy_must_exist_and_generate_such_objects() {
        let labels = json!({POLICY: "quota", RULE: "limit"});
        assert_eq!(
            says("ResourceQuota", "default", labels.clone()).as_deref(),
            Some("Kyverno generates objects by ClusterPolicy quota, rule limit.")
        );
        assert_eq!(
            says("Secret", "default", labels.clone()),
            None,
            "another kind"
        );
        assert_eq!(says("ResourceQuota", "other", labels), None, "another name");
        let gone = json!({POLICY: "gone", RULE: "limit"});
        assert_eq!(
            says("ResourceQuota", "default", gone),
            None,
            "no such policy"
        );
        assert_eq!(says("ResourceQuota", "default", json!({})), None);
    }
}
