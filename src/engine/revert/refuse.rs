//! Decides which drift is left alone, and why.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::engine::selected::is_debug_container;
use crate::judge::immutable_field;
use crate::model::{
    Action, ChangeCause, FieldPath, JudgedChange, ObjectReport, PathElement, RefusalReason,
    RefusedItem, ResourceKey,
};
use crate::redact::{DIFFERS, HIDDEN, MASK};

/// Decides on each change of one object.
pub(super) struct Refusals<'a> {
    pub include: &'a BTreeSet<ChangeCause>,
    pub live: &'a Value,
    pub declared: &'a Value,
    /// Returns the autoscaler that scales an object.
    pub autoscaler: &'a dyn Fn(&ResourceKey) -> Option<String>,
}

impl Refusals<'_> {
    /// Returns why a change is left alone.
    pub fn change(
        &self,
        key: &ResourceKey,
        drift: &JudgedChange,
        is_named: bool,
    ) -> Option<(RefusalReason, String)> {
        let is_included = drift
            .cause
            .is_some_and(|cause| self.include.contains(&cause));
        let by_cause = Action::Revert.refusal(drift.cause);
        if let Some(why) = by_cause.filter(|_| !is_included) {
            return Some((why, why.meaning().to_owned()));
        }
        if let Some(message) = drift.change.declared.as_ref().and_then(unknown_in) {
            return Some((RefusalReason::UnknownValue, message));
        }
        if is_debug_container(key, &drift.change.path) {
            return Some((RefusalReason::Impossible, KEEPS_DEBUG_CONTAINERS.to_owned()));
        }
        let immutable = immutable_field(key, &drift.change.path, self.live);
        if let Some(field) = immutable.filter(|_| !is_named) {
            let message = format!("{field} {IMMUTABLE}");
            return Some((RefusalReason::Impossible, message));
        }
        if !is_named && is_dangerous(key, &drift.change.path) {
            return Some((
                RefusalReason::Dangerous,
                RefusalReason::Dangerous.meaning().to_owned(),
            ));
        }
        if !is_named && drift.change.declared.is_none() && self.is_helms(&drift.change.path) {
            return Some((RefusalReason::UnknownValue, SET_BY_HELM.to_owned()));
        }
        if drift.change.declared.is_none()
            && is_kept_by_server(key, self.declared, &drift.change.path)
        {
            return Some((RefusalReason::Impossible, KEEPS_NODE_PORT.to_owned()));
        }
        if !is_named
            && drift.change.declared.is_none()
            && drift.change.path == FieldPath::of_fields(&["spec", "replicas"])
            && let Some(autoscaler) = (self.autoscaler)(key)
        {
            let message = format!(
                "{autoscaler} sets the replicas; without the field they would fall to 1 until it \
                 acts. Name the object and the path to remove it"
            );
            return Some((RefusalReason::Controlled, message));
        }
        match crate::patch::find(self.live, &drift.change.path) {
            Err(unfit) => Some((RefusalReason::Impossible, unfit.to_string())),
            Ok(_) => None,
        }
    }

    /// Returns whether a field tells Helm that the object belongs to a release. The chart does not
    /// declare it, and without it the next upgrade fails.
    fn is_helms(&self, path: &FieldPath) -> bool {
        const RELEASE: [&str; 2] = [
            "meta.helm.sh/release-name",
            "meta.helm.sh/release-namespace",
        ];
        const LABEL: [&str; 3] = ["metadata", "labels", "app.kubernetes.io/managed-by"];
        let is_annotation =
            |name: &&str| *path == FieldPath::of_fields(&["metadata", "annotations", name]);
        let annotations = self.live.pointer("/metadata/annotations");
        let has = |name: &&str| annotations.is_some_and(|all| all.get(name).is_some());
        RELEASE.iter().any(is_annotation)
            || *path == FieldPath::of_fields(&LABEL) && RELEASE.iter().any(has)
    }
}

/// The note on a field that Helm sets.
const SET_BY_HELM: &str = "Helm sets this field, and no manifest declares its value. Without it, the \
    next upgrade fails. Set it by hand, or name the object and the path to remove it";

/// The note on what `kubectl debug` added.
const KEEPS_DEBUG_CONTAINERS: &str =
    "a Pod keeps its ephemeral containers as long as it exists; delete the Pod to remove them";

/// The note on an immutable field.
const IMMUTABLE: &str = "is immutable; to change it, delete the object and create it again";

/// The note on a node port that the manifest leaves to the server.
const KEEPS_NODE_PORT: &str =
    "the manifest names no node port, so the API server keeps this one; declare the one you want";

/// Returns whether the server puts a field back as it was when it is removed. A Service whose type
/// has no node ports loses them.
fn is_kept_by_server(key: &ResourceKey, declared: &Value, path: &FieldPath) -> bool {
    let service_type = declared.pointer("/spec/type").and_then(Value::as_str);
    let has_node_ports = matches!(service_type, Some("NodePort" | "LoadBalancer"));
    let is = |element: &PathElement, name: &str| matches!(element, PathElement::Field(field) if field == name);
    match &path.0[..] {
        [spec, ports, PathElement::Key(_), port] => {
            key.group.is_empty()
                && key.kind == "Service"
                && has_node_ports
                && is(spec, "spec")
                && is(ports, "ports")
                && is(port, "nodePort")
        }
        _ => false,
    }
}

/// Returns whether a field can destroy objects and data.
fn is_dangerous(key: &ResourceKey, path: &FieldPath) -> bool {
    let names: Vec<&str> = path
        .0
        .iter()
        .map_while(|element| match element {
            PathElement::Field(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    match names[..] {
        ["metadata", "finalizers" | "ownerReferences", ..] => true,
        ["spec", "claimRef", ..] => key.kind == "PersistentVolume",
        _ => false,
    }
}

/// Returns why an extra object is not deleted unless the user names it: other objects or data would
/// be lost with it.
pub(super) fn dangerous_to_delete(object: &ObjectReport) -> Option<String> {
    let takes_along = match object.key.kind.as_str() {
        "CustomResourceDefinition" => "every object of its kind",
        "Namespace" => "everything in it",
        "PersistentVolume" | "PersistentVolumeClaim" => "the data on it",
        _ => return None,
    };
    Some(format!(
        "deleting it also deletes {takes_along}; name the object to do it anyway"
    ))
}

/// Returns why no field of an object is written: the object is being deleted, or a controller
/// writes it.
pub(super) fn object(key: &ResourceKey, live: &Value) -> Option<RefusedItem> {
    let root = FieldPath::root();
    if live.pointer("/metadata/deletionTimestamp").is_some() {
        return Some(RefusedItem::new(key, &root, RefusalReason::BeingDeleted));
    }
    let owners = live.pointer("/metadata/ownerReferences")?.as_array()?;
    let controller = owners.iter().find(|owner| owner["controller"] == true)?;
    let text = |field: &str| controller[field].as_str().unwrap_or_default();
    let message = format!(
        "its {} is written by its controller, {} {}; change the controller instead",
        key.kind,
        text("kind"),
        text("name")
    );
    Some(RefusedItem::because(
        key,
        &root,
        RefusalReason::Controlled,
        message,
    ))
}

/// Returns why a declared value cannot be written: it is encrypted or masked.
pub(super) fn unknown_in(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.starts_with("ENC[AES") => Some(
            "the declared value is encrypted (SOPS); decrypt it first, or let its deployer apply it"
                .to_owned(),
        ),
        Value::String(text) if [MASK, DIFFERS, HIDDEN].contains(&text.as_str()) => {
            Some("the declared value is masked; the manifest does not contain the real \
                one".to_owned())
        }
        Value::Array(items) => items.iter().find_map(unknown_in),
        Value::Object(fields) => fields.values().find_map(unknown_in),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::tests::drift;

    #[test]
    fn what_marks_an_object_as_part_of_a_helm_release_is_not_removed() {
        let mark = "meta.helm.sh/release-name";
        let of_helm = json!({"metadata": {"annotations": {mark: "x"}}});
        let is_helms = |live: &Value, path: &str| {
            let include = BTreeSet::new();
            let refusals = Refusals {
                include: &include,
                live,
                declared: &Value::Null,
                autoscaler: &|_| None,
            };
            refusals.is_helms(&path.parse().unwrap())
        };
        assert!(is_helms(
            &of_helm,
            &format!(".metadata.annotations[\"{mark}\"]")
        ));
        let label = ".metadata.labels[\"app.kubernetes.io/managed-by\"]";
        assert!(is_helms(&of_helm, label));
        assert!(!is_helms(&json!({}), label));
        assert!(!is_helms(&of_helm, ".metadata.labels.app"));
    }

    #[test]
    fn replicas_that_an_autoscaler_sets_are_not_removed() {
        let live = json!({"spec": {"replicas": 4}});
        let key = ResourceKey::new("apps", "Deployment", Some("shop".to_owned()), "cart");
        let added = drift(".spec.replicas", None, Some(json!(4)));
        let include = BTreeSet::new();
        let refused = |autoscaler: Option<&str>, is_named: bool| {
            let refusals = Refusals {
                include: &include,
                live: &live,
                declared: &Value::Null,
                autoscaler: &|_| autoscaler.map(str::to_owned),
            };
            refusals.change(&key, &added, is_named)
        };
        let autoscaler = Some("HorizontalPodAutoscaler cart");
        let (why, message) = refused(autoscaler, false).unwrap();
        assert_eq!(why, RefusalReason::Controlled);
        assert!(message.starts_with("HorizontalPodAutoscaler cart sets the replicas"));
        assert_eq!(refused(autoscaler, true), None);
        assert_eq!(refused(None, false), None);
    }

    #[test]
    fn an_immutable_field_is_left_alone_unless_it_is_named() {
        let live = json!({"spec": {"serviceName": "b"}});
        let key = ResourceKey::new("apps", "StatefulSet", Some("shop".to_owned()), "cart");
        let changed = drift(".spec.serviceName", Some(json!("a")), Some(json!("b")));
        let include = BTreeSet::new();
        let refusals = Refusals {
            include: &include,
            live: &live,
            declared: &Value::Null,
            autoscaler: &|_| None,
        };
        let message = format!(".spec.serviceName {IMMUTABLE}");
        let expected = (RefusalReason::Impossible, message);
        assert_eq!(refusals.change(&key, &changed, false), Some(expected));
        assert_eq!(refusals.change(&key, &changed, true), None);
    }

    #[test]
    fn what_kubectl_debug_added_stays_in_the_pod() {
        let live = json!({"spec": {"ephemeralContainers": [{"name": "debugger"}]}});
        let include = BTreeSet::new();
        let refusals = Refusals {
            include: &include,
            live: &live,
            declared: &Value::Null,
            autoscaler: &|_| None,
        };
        let added = drift(
            r#".spec.ephemeralContainers[name="debugger"]"#,
            None,
            Some(json!({"name": "debugger"})),
        );
        let refused = |kind: &str| {
            let key = ResourceKey::new("", kind, Some("shop".to_owned()), "tool");
            refusals.change(&key, &added, true)
        };
        let expected = (RefusalReason::Impossible, KEEPS_DEBUG_CONTAINERS.to_owned());
        assert_eq!(refused("Pod"), Some(expected));
        assert_eq!(refused("Widget"), None);
    }

    #[test]
    fn a_node_port_of_a_service_is_kept_by_the_server() {
        let node_port = json!({"spec": {"type": "NodePort"}});
        let is_kept = |kind: &str, path: &str| {
            let key = ResourceKey::new("", kind, Some("shop".to_owned()), "cart");
            is_kept_by_server(&key, &node_port, &path.parse().unwrap())
        };
        let port = r#".spec.ports[port=80,protocol="TCP"]"#;
        assert!(is_kept("Service", &format!("{port}.nodePort")));
        assert!(!is_kept("Service", port));
        assert!(!is_kept("Service", &format!("{port}.name")));
        assert!(!is_kept("Widget", &format!("{port}.nodePort")));
        let key = ResourceKey::new("", "Service", Some("shop".to_owned()), "cart");
        let path = format!("{port}.nodePort").parse().unwrap();
        let internal = json!({"spec": {"ports": []}});
        assert!(!is_kept_by_server(&key, &internal, &path));
    }
}
