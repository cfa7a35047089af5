//! Distinguishes Kubernetes objects from everything else in a tree of manifests. Anything else is
//! skipped with a reason; something that looks like an object but cannot be one is an error. The
//! reasons never quote the document, which may be a Secret.

mod client_side;
mod metadata;
mod patch;
mod template;

use serde_json::{Map, Value};

use super::sops::ENCRYPTED;
use crate::cluster::SNAPSHOT;
use crate::facts::REQUEST_MESSAGES;
use crate::model::{ManifestStep, group_of};
use client_side::{client_side, what_it_may_be};
use metadata::not_text;
use patch::has_patch_directive;
use template::holds_placeholder;

pub(super) use client_side::is_other_json;
pub use metadata::never_applied;
pub(super) use template::is_template;

/// The class of a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DocumentClass {
    /// An object that a cluster can store.
    Object,
    /// A list of objects, whose `items` are classified one by one.
    List,
    /// Empty.
    Empty,
    /// Not an object, for this reason.
    Skip(String),
    /// An object that is marked as not to be applied, and how.
    Aside(&'static str),
    /// A document that may be an object but cannot be compared, for this reason.
    Doubtful(&'static str),
    /// An object with a template placeholder in its identity.
    Template,
    /// An invalid object: the error, and the field with it.
    Error(&'static str, Vec<ManifestStep>),
}

fn skip(reason: &str) -> DocumentClass {
    DocumentClass::Skip(reason.to_owned())
}

fn error(message: &'static str) -> DocumentClass {
    DocumentClass::Error(message, Vec::new())
}

fn error_at(message: &'static str, fields: &[&str]) -> DocumentClass {
    let steps = fields
        .iter()
        .map(|field| ManifestStep::Field((*field).to_owned()));
    DocumentClass::Error(message, steps.collect())
}

/// Classifies a document; `file_name` is the last part of its path.
pub(super) fn classify(value: &Value, file_name: &str) -> DocumentClass {
    let fields = match value {
        Value::Null => return DocumentClass::Empty,
        Value::Object(fields) => fields,
        Value::Array(items) => return sequence(items),
        Value::String(text) if text.contains("apiVersion") => {
            return error("the whole document parses as one string, not as an object");
        }
        _ => return skip("a single value, not a mapping"),
    };
    let (kind, api_version) = (fields.get("kind"), fields.get("apiVersion"));
    if let Some(class) = without_type(fields, kind, api_version, file_name) {
        return class;
    }
    let (Some(kind), Some(api_version)) = (
        kind.and_then(Value::as_str),
        api_version.and_then(Value::as_str),
    ) else {
        return error("apiVersion and kind must be strings: quote them");
    };
    if kind.is_empty() || api_version.is_empty() {
        return error("apiVersion and kind must not be empty");
    }
    if let Some(what) = client_side(fields, kind, api_version) {
        return DocumentClass::Skip(format!("{what}, which is never in a cluster"));
    }
    if let Some(class) = no_items(fields, kind) {
        return class;
    }
    if is_list(fields, kind) {
        return match fields.contains_key(SNAPSHOT) {
            true => DocumentClass::Doubtful(
                "a snapshot of live objects that driftctl wrote: compare with it with --live",
            ),
            false => DocumentClass::List,
        };
    }
    if is_of_kubernetes(api_version) && is_message(kind) {
        return skip("a request to the API server or its response, which no cluster stores");
    }
    if holds_placeholder(kind) || holds_placeholder(api_version) {
        return DocumentClass::Template;
    }
    object(fields, api_version)
}

/// The reason for a template.
pub(super) const TEMPLATE: &str = "a template: its identity contains a placeholder";

/// Classifies an object whose type is known.
fn object(fields: &Map<String, Value>, api_version: &str) -> DocumentClass {
    const NO_NAME: &str = "metadata.name is missing";
    let metadata = match fields.get("metadata") {
        Some(Value::Object(metadata)) => metadata,
        Some(Value::Null) | None if is_of_kubernetes(api_version) => return error(NO_NAME),
        Some(Value::Null) | None => {
            return skip("no metadata.name, which every object in a cluster has");
        }
        Some(_) => return error_at("metadata must be a mapping", &["metadata"]),
    };
    if let Some(class) = not_text(metadata) {
        return class;
    }
    let text = |field: &str| metadata.get(field).and_then(Value::as_str).unwrap_or("");
    let (name, namespace) = (text("name"), text("namespace"));
    let aside = never_applied(metadata);
    if name.is_empty() {
        return match aside {
            Some(reason) => skip(reason),
            None if metadata.contains_key("generateName") => {
                skip("generateName without a name: the cluster gives each copy a new name")
            }
            None => error_at(NO_NAME, &["metadata"]),
        };
    }
    if let Some(reason) = aside {
        return DocumentClass::Aside(reason);
    }
    if holds_placeholder(name) || namespace.contains('$') || holds_placeholder(namespace) {
        return DocumentClass::Template;
    }
    if has_patch_directive(fields) {
        return DocumentClass::Doubtful(
            "a strategic merge patch (it contains `$patch` or similar), not an object",
        );
    }
    if fields.get("sops").is_some_and(Value::is_object) && name.starts_with(ENCRYPTED) {
        return DocumentClass::Doubtful("encrypted by SOPS down to its name: decrypt it first");
    }
    DocumentClass::Object
}

/// Returns whether a group is one of Kubernetes, so that an object without a name is a mistake.
/// Other groups are domains, and files with them need not be objects.
fn is_of_kubernetes(api_version: &str) -> bool {
    let group = group_of(api_version);
    !group.contains('.') || group.ends_with(".k8s.io")
}

/// Returns whether objects of a kind are only sent, and never stored.
fn is_message(kind: &str) -> bool {
    REQUEST_MESSAGES.contains(&kind) || kind.ends_with("Options") || kind.ends_with("Review")
}

/// Classifies a top-level sequence.
fn sequence(items: &[Value]) -> DocumentClass {
    let all_have = |field: &str| items.iter().all(|item| item.get(field).is_some());
    if items.is_empty() {
        skip("an empty list")
    } else if all_have("op") && all_have("path") {
        skip("a JSON patch (RFC 6902), not an object")
    } else if all_have("apiVersion") && all_have("kind") {
        error(
            "kubectl does not read a bare list of objects: separate them with `---`, or put them \
             under \
             `items` of a `kind: List`",
        )
    } else {
        skip("a list, not a mapping")
    }
}

/// Classifies a mapping that lacks `kind` or `apiVersion`; `None` if it has both.
fn without_type(
    fields: &Map<String, Value>,
    kind: Option<&Value>,
    api_version: Option<&Value>,
    file_name: &str,
) -> Option<DocumentClass> {
    let has_name = fields
        .get("metadata")
        .is_some_and(|metadata| metadata.get("name").is_some());
    match (kind, api_version) {
        (Some(_), Some(_)) => None,
        (None, Some(_)) if has_name => Some(error("kind is missing")),
        (Some(_), None) if has_name => Some(error("apiVersion is missing")),
        _ => Some(DocumentClass::Skip(format!(
            "{}, without apiVersion and kind",
            what_it_may_be(fields, file_name)
        ))),
    }
}

/// Returns the error for a list without `items`, in which nothing would be compared.
fn no_items(fields: &Map<String, Value>, kind: &str) -> Option<DocumentClass> {
    let has_name = fields
        .get("metadata")
        .is_some_and(|metadata| metadata.get("name").is_some());
    match fields.get("items") {
        Some(Value::Array(_) | Value::Null) => return None,
        Some(_) if kind == "List" => {
            return Some(error_at("the items of a List must be a list", &["items"]));
        }
        Some(_) => return None,
        None if has_name || !kind.ends_with("List") => return None,
        None => {}
    }
    let misspelt = fields.iter().find(|(_, value)| value.is_array());
    match misspelt {
        Some((field, _)) => Some(error_at(
            "a list keeps its objects in `items`, but this one has none: did you mean `items` \
             here?",
            &[field],
        )),
        None if kind == "List" => Some(error(
            "a List keeps its objects in `items`, but this one \
            has none",
        )),
        None => None,
    }
}

/// Returns whether a document is a list of objects: `List`, or a kind's list as in API server
/// responses. Some custom kinds end in `List` too, but have a name, which lists do not.
fn is_list(fields: &Map<String, Value>, kind: &str) -> bool {
    let has_name = fields
        .get("metadata")
        .is_some_and(|metadata| metadata.get("name").is_some());
    let items = fields.get("items");
    kind.ends_with("List")
        && !has_name
        && items.is_none_or(|items| items.is_array() || items.is_null())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object_with(key: &str, value: Value) -> Value {
        let mut object = json!({
            "apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"},
        });
        object[key] = value;
        object
    }

    #[test]
    fn a_list_without_items_is_an_error() {
        let of = |list: Value| classify(&list, "a.yaml");
        let misspelt = of(json!({"apiVersion": "v1", "kind": "List", "item": [{"kind": "Pod"}]}));
        assert!(matches!(&misspelt, DocumentClass::Error(why, at)
            if why.contains("did you mean") && *at == [ManifestStep::Field("item".to_owned())]));
        let typed = of(json!({"apiVersion": "v1", "kind": "ConfigMapList", "Items": [{}]}));
        assert!(matches!(typed, DocumentClass::Error(..)), "{typed:?}");
        for wrong in [json!({"a": 1}), json!("text")] {
            let list = of(json!({"apiVersion": "v1", "kind": "List", "items": wrong}));
            assert!(matches!(list, DocumentClass::Error(..)), "{list:?}");
        }
        assert!(matches!(
            of(json!({"apiVersion": "v1", "kind": "List"})),
            DocumentClass::Error(..)
        ));
        let empty = of(json!({"apiVersion": "v1", "kind": "List", "items": []}));
        assert_eq!(empty, DocumentClass::List);
        let snapshot = of(json!({"apiVersion": "v1", "kind": "List", "items": [],
            "driftctl": {"schema": "driftctl.snapshot/v1"}}));
        assert!(matches!(snapshot, DocumentClass::Doubtful(why) if why.contains("--live")));
    }

    #[test]
    fn directives_outside_patch_fields_make_a_patch() {
        let is_patch = |spec| {
            let class = classify(&object_with("spec", spec), "a.yaml");
            matches!(class, DocumentClass::Doubtful(reason) if reason.contains("strategic"))
        };
        assert!(is_patch(json!([{"x": {"$patch": "delete"}}])));
        assert!(is_patch(json!({"$setElementOrder/ports": []})));
        assert!(!is_patch(
            json!({"patchStrategicMerge": {"$patch": "delete"}})
        ));
        assert!(!is_patch(json!({"$ref": "#/definitions/a"})));
    }

    #[test]
    fn kustomizations_of_flux_are_objects() {
        let of_group = |group: &str| {
            let api_version = format!("{group}/v1");
            let mut object = object_with("kind", json!("Kustomization"));
            object["apiVersion"] = json!(api_version);
            classify(&object, "kustomization.yaml")
        };
        assert_eq!(
            of_group("kustomize.toolkit.fluxcd.io"),
            DocumentClass::Object
        );
        assert!(matches!(
            of_group("kustomize.config.k8s.io"),
            DocumentClass::Skip(_)
        ));
    }

    #[test]
    fn requests_and_responses_are_not_objects() {
        let of_kind = |kind: &str, api_version: &str| {
            let mut object = object_with("kind", json!(kind));
            object["apiVersion"] = json!(api_version);
            classify(&object, "a.yaml")
        };
        for kind in ["Status", "DeleteOptions", "SubjectAccessReview", "Eviction"] {
            assert!(
                matches!(of_kind(kind, "v1"), DocumentClass::Skip(_)),
                "{kind}"
            );
            assert_eq!(
                of_kind(kind, "example.com/v1"),
                DocumentClass::Object,
                "{kind}"
            );
        }
    }
}
