//! Decides which objects a policy or webhook matches.

use serde_json::Value;

use crate::model::{ResourceKey, group_of};
use crate::policy::{LabelSelector, glob};

/// The label of each namespace that contains its name.
const NAME: &str = "kubernetes.io/metadata.name";

/// An object, as policies see it.
#[derive(Clone, Copy)]
pub struct PolicyCandidate<'a> {
    /// The object.
    pub key: &'a ResourceKey,
    /// The API version that it is declared at.
    pub api_version: &'a str,
    /// Its resource.
    pub plural: &'a str,
    /// The subresource that is written to, such as `scale`; empty for the object itself.
    pub subresource: &'a str,
    /// Its declared labels.
    pub labels: Option<&'a Value>,
    /// The object before an update: an object selector may match it instead.
    pub old: Option<&'a Value>,
    /// The labels of its namespace, if known.
    pub namespace_labels: Option<&'a Value>,
    /// The operation, such as `CREATE`; `None` for any write.
    pub operation: Option<&'a str>,
}

/// The conditions for a policy to match an object.
#[derive(Debug, Clone, Default)]
pub struct Constraints {
    /// `resourceRules`; `None` for any resource.
    rules: Option<Vec<ResourceRule>>,
    /// `excludeResourceRules`.
    excluded: Vec<ResourceRule>,
    namespaces: Option<Selector>,
    objects: Option<Selector>,
    /// Kyverno's kinds, as globs; `None` for any.
    kinds: Option<Vec<String>>,
}

/// A label selector; `None` if it cannot be parsed, and so matches nothing.
type Selector = Option<LabelSelector>;

#[derive(Debug, Clone)]
struct ResourceRule {
    groups: Vec<String>,
    versions: Vec<String>,
    resources: Vec<String>,
    names: Vec<String>,
    scope: String,
    operations: Vec<String>,
}

impl Constraints {
    /// Reads `spec.matchConstraints` of a policy, which must name resources.
    pub fn of_policy(constraints: Option<&Value>) -> Self {
        let mut read = Self::of_binding(constraints);
        read.rules.get_or_insert_default();
        read
    }

    /// Reads `spec.matchResources` of a binding.
    pub fn of_binding(constraints: Option<&Value>) -> Self {
        let list = |name: &str| constraints.and_then(|c| c.get(name)?.as_array());
        let rules =
            |name: &str| list(name).map(|rules| rules.iter().map(ResourceRule::of).collect());
        Self {
            rules: rules("resourceRules"),
            excluded: rules("excludeResourceRules").unwrap_or_default(),
            ..Self::selectors(constraints.unwrap_or(&Value::Null))
        }
    }

    /// Reads a webhook, which must name resources.
    pub fn of_webhook(webhook: &Value) -> Self {
        let rules = webhook.get("rules").and_then(Value::as_array);
        Self {
            rules: Some(rules.into_iter().flatten().map(ResourceRule::of).collect()),
            ..Self::selectors(webhook)
        }
    }

    /// Returns constraints that match kinds as Kyverno names them.
    pub fn of_kinds(kinds: &[String]) -> Self {
        // `apps/v1/Deployment` includes the version.
        let kinds = kinds.iter().filter_map(|kind| kind.rsplit('/').next());
        Self {
            kinds: Some(kinds.map(str::to_owned).collect()),
            ..Self::default()
        }
    }

    fn selectors(from: &Value) -> Self {
        let selector = |name: &str| from.get(name).map(LabelSelector::from_object);
        Self {
            namespaces: selector("namespaceSelector"),
            objects: selector("objectSelector"),
            ..Self::default()
        }
    }

    /// Returns why it is unknown whether an object matches: the labels of its namespace are
    /// unknown, or the policy names another version of the kind.
    pub fn doubt(&self, object: &PolicyCandidate<'_>) -> Option<String> {
        if !self.match_object(object) {
            // A namespace with other labels might match.
            let without = Self {
                namespaces: None,
                ..self.clone()
            };
            let decides = self.is_by_unknown_labels(object) && without.match_object(object);
            return decides.then(|| labels_unknown(object));
        }
        if self.is_by_unknown_labels(object) {
            return Some(labels_unknown(object));
        }
        let version = object.api_version.rsplit('/').next().unwrap_or_default();
        let rules = self.rules.iter().flatten();
        let mut matching = rules.filter(|rule| rule.matches(object)).peekable();
        let is_other = matching.peek().is_some()
            && !matching.any(|rule| rule.versions.iter().any(|v| v == "*" || v == version));
        is_other.then(|| format!("it matches versions of the kind other than {version}"))
    }

    fn is_by_unknown_labels(&self, object: &PolicyCandidate<'_>) -> bool {
        object.key.namespace.is_some()
            && object.namespace_labels.is_none()
            && self.needs_labels_of_namespaces()
    }

    /// Returns whether a selector cannot be parsed.
    pub fn is_broken(&self) -> bool {
        [&self.namespaces, &self.objects]
            .into_iter()
            .flatten()
            .any(Option::is_none)
    }

    /// Returns whether an object matches. CEL conditions are not evaluated: they only narrow the
    /// match.
    pub fn match_object(&self, object: &PolicyCandidate<'_>) -> bool {
        let is_meant = |rule: &ResourceRule| rule.matches(object);
        self.rules
            .as_ref()
            .is_none_or(|rules| rules.iter().any(is_meant))
            && !self.excluded.iter().any(is_meant)
            && self.matches_labels(object)
            && self.matches_namespace(object)
            && self.matches_kind(object)
    }

    fn matches_labels(&self, object: &PolicyCandidate<'_>) -> bool {
        let old = object.old.map(|old| old.pointer("/metadata/labels"));
        let both = [Some(object.labels), old];
        let is_meant = |selector: &LabelSelector| {
            let mut both = both.into_iter().flatten();
            both.any(|labels| selector.matches(labels))
        };
        let selector = self.objects.as_ref();
        selector.is_none_or(|selector| selector.as_ref().is_some_and(is_meant))
    }

    fn matches_kind(&self, object: &PolicyCandidate<'_>) -> bool {
        let is_it = |wanted: &String| glob(wanted, &object.key.kind);
        let kinds = self.kinds.as_ref();
        kinds.is_none_or(|kinds| kinds.iter().any(is_it))
    }

    /// Returns whether the namespace selector matches. It never excludes cluster-scoped objects.
    fn matches_namespace(&self, object: &PolicyCandidate<'_>) -> bool {
        let (Some(selector), Some(namespace)) = (&self.namespaces, &object.key.namespace) else {
            return true;
        };
        let mut labels = object.namespace_labels.cloned().unwrap_or_default();
        if !labels.is_object() {
            labels = Value::Object(serde_json::Map::new());
        }
        if let Some(labels) = labels.as_object_mut() {
            labels.insert(NAME.to_owned(), namespace.clone().into());
        }
        let selector = selector.as_ref();
        selector.is_some_and(|selector| selector.matches(Some(&labels)))
    }

    /// Returns whether the labels of namespaces are needed, in addition to their names.
    pub fn needs_labels_of_namespaces(&self) -> bool {
        let text = self.namespaces.as_ref().and_then(Option::as_ref);
        let text = text.map(ToString::to_string).unwrap_or_default();
        let keys = text.matches("\"key\":").count();
        let names = text.matches(&format!("\"key\":\"{NAME}\"")).count();
        let by_label = text.contains("\"matchLabels\":{\"")
            && !text.contains(&format!("\"matchLabels\":{{\"{NAME}\""));
        keys > names || by_label
    }
}

fn labels_unknown(object: &PolicyCandidate<'_>) -> String {
    let namespace = object.key.namespace.as_deref().unwrap_or_default();
    format!("the labels of namespace {namespace} are unknown")
}

impl ResourceRule {
    fn of(rule: &Value) -> Self {
        let texts = |name: &str| {
            let list = rule.get(name).and_then(Value::as_array);
            let texts = list.into_iter().flatten().filter_map(Value::as_str);
            texts.map(str::to_owned).collect::<Vec<_>>()
        };
        let operations = texts("operations");
        let scope = rule.get("scope").and_then(Value::as_str);
        Self {
            groups: texts("apiGroups"),
            versions: texts("apiVersions"),
            resources: texts("resources"),
            names: texts("resourceNames"),
            scope: scope.unwrap_or("*").to_owned(),
            operations,
        }
    }

    fn is_about(&self, operation: Option<&str>) -> bool {
        let is = |wanted: &String| match operation {
            Some(operation) => wanted == "*" || wanted == operation,
            None => matches!(wanted.as_str(), "*" | "CREATE" | "UPDATE"),
        };
        self.operations.is_empty() || self.operations.iter().any(is)
    }

    fn matches(&self, object: &PolicyCandidate<'_>) -> bool {
        let is = |wanted: &[String], value: &str| wanted.iter().any(|w| w == "*" || w == value);
        let (group, version) = match object.api_version.rsplit_once('/') {
            Some((group, version)) => (group, version),
            None => ("", object.api_version),
        };
        debug_assert_eq!(group, group_of(object.api_version));
        let is_resource = |wanted: &String| {
            let (resource, subresource) = wanted.split_once('/').unwrap_or((wanted, ""));
            (resource == "*" || resource == object.plural)
                && (subresource == "*" || subresource == object.subresource)
        };
        let in_scope = match self.scope.as_str() {
            "Namespaced" => object.key.namespace.is_some(),
            "Cluster" => object.key.namespace.is_none(),
            _ => true,
        };
        self.is_about(object.operation)
            && in_scope
            && is(&self.groups, group)
            // A policy also matches other versions of what it names (`matchPolicy: Equivalent`).
            && (is(&self.versions, version) || !self.versions.is_empty())
            && self.resources.iter().any(is_resource)
            && (self.names.is_empty() || self.names.contains(&object.key.name))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn matches_objects_by_resource_labels_and_namespace() {
        let key = ResourceKey::new("apps", "Deployment", Some("shop".to_owned()), "cart");
        let labels = json!({"app": "cart"});
        let of_namespace = json!({"mesh": "on"});
        let object = PolicyCandidate {
            key: &key,
            api_version: "apps/v1",
            plural: "deployments",
            subresource: "",
            labels: Some(&labels),
            old: None,
            namespace_labels: Some(&of_namespace),
            operation: None,
        };
        let meant =
            |constraints: Value| Constraints::of_policy(Some(&constraints)).match_object(&object);
        let rule = |resource: &str| {
            json!([{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"],
                "resources": [resource]}])
        };
        assert!(meant(json!({"resourceRules": rule("deployments")})));
        assert!(!meant(json!({"resourceRules": rule("statefulsets")})));
        assert!(!meant(json!({})), "a policy names resources");
        for (selector, expected) in [
            (json!({"matchLabels": {"app": "cart"}}), true),
            (json!({"matchLabels": {"app": "x"}}), false),
        ] {
            let constraints = json!({"resourceRules": rule("*"), "objectSelector": selector});
            assert_eq!(meant(constraints), expected);
        }
        let before = json!({"metadata": {"labels": {"app": "x"}}});
        let updated = PolicyCandidate {
            old: Some(&before),
            ..object
        };
        let by_app =
            json!({"resourceRules": rule("*"), "objectSelector": {"matchLabels": {"app": "x"}}});
        let by_app = Constraints::of_policy(Some(&by_app));
        assert!(by_app.match_object(&updated), "it was one of those before");
        assert!(!by_app.match_object(&object));
        for (selector, expected) in [
            (json!({"matchLabels": {NAME: "shop"}}), true),
            (json!({"matchLabels": {NAME: "other"}}), false),
            (json!({"matchLabels": {"mesh": "on"}}), true),
            (
                json!({"matchExpressions": [{"key": "mesh", "operator": "DoesNotExist"}]}),
                false,
            ),
        ] {
            let constraints = json!({"resourceRules": rule("*"), "namespaceSelector": selector});
            assert_eq!(meant(constraints), expected);
        }
        let excluded =
            json!({"resourceRules": rule("*"), "excludeResourceRules": rule("deployments")});
        assert!(!meant(excluded));
    }
}
