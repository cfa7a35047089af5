//! Tells Kubernetes objects from everything else that lies in a tree of manifests. What is no
//! object is named with the reason, and what looks like one and cannot be one is an error. The
//! reasons never quote the document, which may be a Secret.

use serde_json::{Map, Value};

use super::kustomize;
use crate::model::{Step, group_of};

/// What a document is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// An object that a cluster can hold.
    Object,
    /// A list of objects, whose `items` are to be looked at one by one.
    List,
    /// Nothing at all.
    Empty,
    /// No object, and why.
    Skip(String),
    /// Meant to be an object, and not readable as one: why, and at which field.
    Error(&'static str, Vec<Step>),
}

fn skip(reason: &str) -> Class {
    Class::Skip(reason.to_owned())
}

fn error(message: &'static str) -> Class {
    Class::Error(message, Vec::new())
}

fn error_at(message: &'static str, fields: &[&str]) -> Class {
    let steps = fields.iter().map(|field| Step::Field((*field).to_owned()));
    Class::Error(message, steps.collect())
}

/// Kinds that only programs on somebody's machine read: group, kind (empty for all of the group)
/// and what they are. A group may stand for its subgroups with a leading dot.
const CLIENT_SIDE: &[(&str, &str, &str)] = &[
    (kustomize::GROUP, "", "a file of kustomize itself"),
    ("builtin", "", "a transformer of kustomize"),
    ("kind.x-k8s.io", "", "a configuration of kind"),
    ("k3d.io", "", "a configuration of k3d"),
    ("ctlptl.dev", "", "a configuration of ctlptl"),
    ("eksctl.io", "", "a configuration of eksctl"),
    ("skaffold", "", "a configuration of skaffold"),
    ("kubeadm.k8s.io", "", "a configuration of kubeadm"),
    ("kpt.dev", "Kptfile", "a file of kpt itself"),
    ("backstage.io", "", "an entry of a Backstage catalogue"),
    (
        "audit.k8s.io",
        "",
        "a file that the API server reads from disk",
    ),
    (
        "apiserver.config.k8s.io",
        "",
        "a file that the API server reads from disk",
    ),
    (
        "apiserver.k8s.io",
        "",
        "a file that the API server reads from disk",
    ),
    (
        "kubelet.config.k8s.io",
        "",
        "a file that the kubelet reads from disk",
    ),
    (
        "credentialprovider.kubelet.k8s.io",
        "",
        "a file that the kubelet reads from disk",
    ),
    (
        "kubescheduler.config.k8s.io",
        "",
        "a file that the scheduler reads from disk",
    ),
    (
        "kubeproxy.config.k8s.io",
        "",
        "a file that kube-proxy reads from disk",
    ),
    (
        "kubecontrollermanager.config.k8s.io",
        "",
        "a file that the controller manager reads from disk",
    ),
    (
        "client.authentication.k8s.io",
        "",
        "an answer of a credential plugin",
    ),
    ("cli.kyverno.io", "", "a test of Kyverno"),
    ("chainsaw.kyverno.io", "", "a test of Chainsaw"),
    ("kuttl.dev", "", "a test of kuttl"),
    ("test.gatekeeper.sh", "", "a test of Gatekeeper"),
    (
        "mirror.openshift.io",
        "ImageSetConfiguration",
        "a configuration of oc-mirror",
    ),
];

/// What a document is; `file_name` is the last part of its path.
pub(super) fn classify(value: &Value, file_name: &str) -> Class {
    let fields = match value {
        Value::Null => return Class::Empty,
        Value::Object(fields) => fields,
        Value::Array(items) => return sequence(items),
        Value::String(text) if text.contains("apiVersion") => {
            return error("the whole document reads as one text, and not as the object it holds");
        }
        _ => return skip("a single value, and no mapping"),
    };
    let (kind, api_version) = (fields.get("kind"), fields.get("apiVersion"));
    if let Some(class) = without_type(fields, kind, api_version, file_name) {
        return class;
    }
    let (Some(kind), Some(api_version)) = (
        kind.and_then(Value::as_str),
        api_version.and_then(Value::as_str),
    ) else {
        return error("apiVersion and kind must be text: quote them");
    };
    if kind.is_empty() || api_version.is_empty() {
        return error("apiVersion and kind must not be empty");
    }
    if let Some(what) = client_side(fields, kind, api_version) {
        return Class::Skip(format!("{what}, which never is in a cluster"));
    }
    if is_list(fields, kind) {
        return Class::List;
    }
    if is_of_kubernetes(api_version) && is_message(kind) {
        return skip("a request to the API server or an answer of it, which no cluster keeps");
    }
    if holds_placeholder(kind) || holds_placeholder(api_version) {
        return skip(TEMPLATE);
    }
    object(fields, api_version)
}

const TEMPLATE: &str = "a template: a placeholder stands where its identity is to be";

/// What an object is whose type is known.
fn object(fields: &Map<String, Value>, api_version: &str) -> Class {
    const NO_NAME: &str = "metadata.name is missing";
    let metadata = match fields.get("metadata") {
        Some(Value::Object(metadata)) => metadata,
        Some(Value::Null) | None if is_of_kubernetes(api_version) => return error(NO_NAME),
        Some(Value::Null) | None => {
            return skip("no metadata.name, which every object of a cluster has");
        }
        Some(_) => return error_at("metadata must be a mapping", &["metadata"]),
    };
    if let Some(class) = not_text(metadata) {
        return class;
    }
    let text = |field: &str| metadata.get(field).and_then(Value::as_str).unwrap_or("");
    let (name, namespace) = (text("name"), text("namespace"));
    if let Some(reason) = never_applied(metadata, name) {
        return skip(reason);
    }
    if name.is_empty() {
        return error_at(NO_NAME, &["metadata"]);
    }
    if holds_placeholder(name) || namespace.contains('$') || holds_placeholder(namespace) {
        return skip(TEMPLATE);
    }
    if has_patch_directive(fields) {
        return skip("a strategic merge patch (it holds `$patch` or the like), and no object");
    }
    if fields.get("sops").is_some_and(Value::is_object) {
        return skip("encrypted by SOPS, so that its values cannot be compared: decrypt it first");
    }
    Class::Object
}

/// Whether a group is one of Kubernetes' own, so that an object without a name is a mistake. The
/// groups of other programs are domains of theirs, and not all of their files are objects.
fn is_of_kubernetes(api_version: &str) -> bool {
    let group = group_of(api_version);
    !group.contains('.') || group.ends_with(".k8s.io")
}

/// Whether a kind is only ever sent, and never stored.
fn is_message(kind: &str) -> bool {
    const MESSAGES: [&str; 9] = [
        "APIGroup",
        "APIVersions",
        "Binding",
        "DeploymentRollback",
        "Eviction",
        "Scale",
        "SerializedReference",
        "Status",
        "TokenRequest",
    ];
    MESSAGES.contains(&kind) || kind.ends_with("Options") || kind.ends_with("Review")
}

/// The error of metadata that the API server would refuse, since it must be text and is not.
fn not_text(metadata: &Map<String, Value>) -> Option<Class> {
    let is_text = |value: &Value| value.is_string() || value.is_null();
    for (field, message) in [
        ("name", "metadata.name must be text: quote it"),
        ("namespace", "metadata.namespace must be text: quote it"),
        (
            "generateName",
            "metadata.generateName must be text: quote it",
        ),
    ] {
        if !metadata.get(field).is_none_or(is_text) {
            return Some(error_at(message, &["metadata", field]));
        }
    }
    for (field, message) in [
        ("labels", "labels must be text: quote the value"),
        ("annotations", "annotations must be text: quote the value"),
    ] {
        match metadata.get(field) {
            None | Some(Value::Null) => {}
            Some(Value::Object(values)) => {
                if let Some((key, _)) = values.iter().find(|(_, value)| !is_text(value)) {
                    return Some(error_at(message, &["metadata", field, key]));
                }
            }
            Some(_) => return Some(error_at(message, &["metadata", field])),
        }
    }
    None
}

/// Why an object that is applied like any other is not to be found in the cluster afterwards.
fn never_applied(metadata: &Map<String, Value>, name: &str) -> Option<&'static str> {
    let annotation = |key: &str| metadata.get("annotations").and_then(|all| all.get(key));
    if annotation("argocd.argoproj.io/hook").is_some() {
        return Some("a hook of Argo CD, which comes and goes with a sync");
    }
    if annotation("helm.sh/hook").is_some() {
        return Some("a hook of Helm, which comes and goes with a release");
    }
    // https://kpt.dev/book/04-using-functions/#specifying-functions-in-the-kptfile
    if annotation("config.kubernetes.io/local-config").is_some_and(|value| value == "true") {
        return Some("marked as local configuration, which is not applied");
    }
    if name.is_empty() && metadata.contains_key("generateName") {
        return Some("generateName without a name: the cluster names each copy anew");
    }
    None
}

/// What a top-level sequence is.
fn sequence(items: &[Value]) -> Class {
    let all_have = |field: &str| items.iter().all(|item| item.get(field).is_some());
    if items.is_empty() {
        skip("an empty list")
    } else if all_have("op") && all_have("path") {
        skip("a JSON patch (RFC 6902), and no object")
    } else if all_have("apiVersion") && all_have("kind") {
        error(
            "kubectl reads no bare list of objects: separate them with `---`, or put them under \
             `items` of a `kind: List`",
        )
    } else {
        skip("a list, and no mapping")
    }
}

/// What a mapping is that lacks `kind` or `apiVersion`; `None` when it has both.
fn without_type(
    fields: &Map<String, Value>,
    kind: Option<&Value>,
    api_version: Option<&Value>,
    file_name: &str,
) -> Option<Class> {
    let has_name = fields
        .get("metadata")
        .is_some_and(|metadata| metadata.get("name").is_some());
    match (kind, api_version) {
        (Some(_), Some(_)) => None,
        (None, Some(_)) if has_name => Some(error("kind is missing")),
        (Some(_), None) if has_name => Some(error("apiVersion is missing")),
        _ => Some(Class::Skip(format!(
            "{}, without apiVersion and kind",
            what_it_may_be(fields, file_name)
        ))),
    }
}

/// A guess that helps to recognize a file, from its name and its fields.
fn what_it_may_be(fields: &Map<String, Value>, file_name: &str) -> &'static str {
    let has = |field: &str| fields.contains_key(field);
    match file_name {
        "Chart.yaml" | "Chart.lock" | "requirements.yaml" => return "a description of a Helm chart",
        "kustomization.yaml" | "kustomization.yml" | kustomize::BARE_NAME => {
            return "a file of kustomize itself";
        }
        name if name.starts_with("values") || name.ends_with("values.yaml") => {
            return "values of a Helm chart";
        }
        _ => {}
    }
    if fields.is_empty() {
        "an empty mapping"
    } else if has("services") {
        "a compose file"
    } else if has("jobs") || has("runs") {
        "a CI workflow"
    } else {
        "a mapping"
    }
}

/// What an object is that only a program on somebody's machine reads.
fn client_side(fields: &Map<String, Value>, kind: &str, api_version: &str) -> Option<&'static str> {
    if api_version == "v1" && kind == "Config" && fields.contains_key("clusters") {
        return Some("a kubeconfig");
    }
    let group = match group_of(api_version) {
        "" => api_version,
        group => group,
    };
    CLIENT_SIDE
        .iter()
        .find(|(of_group, of_kind, _)| {
            group == *of_group && (of_kind.is_empty() || kind == *of_kind)
        })
        .map(|(_, _, what)| *what)
}

/// Whether a document is a list of objects: `List`, or a kind's own list as the API server answers
/// with. Some custom kinds end in `List` too and have a name, which no list has.
fn is_list(fields: &Map<String, Value>, kind: &str) -> bool {
    let has_name = fields
        .get("metadata")
        .is_some_and(|metadata| metadata.get("name").is_some());
    let items = fields.get("items");
    kind.ends_with("List")
        && !has_name
        && items.is_none_or(|items| items.is_array() || items.is_null())
}

/// Whether a text still holds what a template engine is to replace.
fn holds_placeholder(text: &str) -> bool {
    text.contains("{{") || text.contains("${") || text.contains("$(") || text.contains("<%")
}

/// Whether a directive of a strategic merge patch stands in an object
/// (`k8s.io/apimachinery/pkg/util/strategicpatch`). Objects that hold whole patches of others, as
/// policies do, keep them under fields that say so.
fn has_patch_directive(fields: &Map<String, Value>) -> bool {
    let mut stack: Vec<&Value> = Vec::new();
    let mut mapping = Some(fields);
    loop {
        for (key, value) in mapping.into_iter().flatten() {
            if is_directive(key) {
                return true;
            }
            if !key.to_ascii_lowercase().contains("patch") {
                stack.push(value);
            }
        }
        mapping = loop {
            match stack.pop() {
                None => return false,
                Some(Value::Array(items)) => stack.extend(items),
                Some(Value::Object(fields)) => break Some(fields),
                Some(_) => {}
            }
        };
    }
}

fn is_directive(key: &str) -> bool {
    key.starts_with('$')
        && (matches!(key, "$patch" | "$retainKeys")
            || key.starts_with("$setElementOrder/")
            || key.starts_with("$deleteFromPrimitiveList/"))
}

/// Whether a text that is not YAML is a template, which becomes YAML only when it is rendered.
///
/// Text that Prometheus and others expand at run time holds `{{` too, and a mistake in such a
/// manifest is to be an error. So it takes more than that: a line of nothing but template, one of
/// Helm's own objects, or `{{` right where the text stops being YAML (`at`), unless what follows
/// is one of the variables that alert rules use.
pub(super) fn is_template(text: &str, at: &str) -> bool {
    const OBJECTS: [&str; 6] = [
        ".Values",
        ".Release",
        ".Chart",
        ".Capabilities",
        ".Files",
        "include \"",
    ];
    let mut actions = text
        .split("{{")
        .skip(1)
        .filter_map(|rest| rest.split("}}").next());
    let stops_at_action = at.starts_with('{')
        && at.contains("}}")
        && !at.trim_start_matches(['{', '-', ' ']).starts_with('$');
    text.contains("{{")
        && (text.lines().any(|line| line.trim_start().starts_with("{{"))
            || actions.any(|action| OBJECTS.iter().any(|object| action.contains(object)))
            || stops_at_action)
}

/// Whether a file is known by its name to be no manifest, and not quite JSON either.
pub(super) fn is_other_json(file_name: &str) -> bool {
    let is = |stem: &str| file_name.starts_with(stem) && file_name.ends_with(".json");
    is("tsconfig") || is("jsconfig") || file_name == "devcontainer.json"
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
    fn directives_make_a_patch_unless_a_field_says_that_it_holds_one() {
        let is_patch = |spec| {
            let class = classify(&object_with("spec", spec), "a.yaml");
            matches!(class, Class::Skip(reason) if reason.contains("strategic"))
        };
        assert!(is_patch(json!([{"x": {"$patch": "delete"}}])));
        assert!(is_patch(json!({"$setElementOrder/ports": []})));
        assert!(!is_patch(
            json!({"patchStrategicMerge": {"$patch": "delete"}})
        ));
        assert!(!is_patch(json!({"$ref": "#/definitions/a"})));
    }

    #[test]
    fn flux_has_kustomizations_that_are_objects() {
        let of_group = |group: &str| {
            let api_version = format!("{group}/v1");
            let mut object = object_with("kind", json!("Kustomization"));
            object["apiVersion"] = json!(api_version);
            classify(&object, "kustomization.yaml")
        };
        assert_eq!(of_group("kustomize.toolkit.fluxcd.io"), Class::Object);
        assert!(matches!(
            of_group("kustomize.config.k8s.io"),
            Class::Skip(_)
        ));
    }

    #[test]
    fn what_is_only_sent_is_no_object() {
        let of_kind = |kind: &str, api_version: &str| {
            let mut object = object_with("kind", json!(kind));
            object["apiVersion"] = json!(api_version);
            classify(&object, "a.yaml")
        };
        for kind in ["Status", "DeleteOptions", "SubjectAccessReview", "Eviction"] {
            assert!(matches!(of_kind(kind, "v1"), Class::Skip(_)), "{kind}");
            assert_eq!(of_kind(kind, "example.com/v1"), Class::Object, "{kind}");
        }
    }

    #[test]
    fn templates_are_told_from_mistakes() {
        assert!(is_template("a: {{ .Values.a }}", ""));
        assert!(is_template("{{- if true }}\na: 1", ""));
        assert!(is_template("a: {{ .namespace }}", "{ .namespace }}"));
        assert!(!is_template("a: {{ $labels.pod }}", "{ $labels.pod }}"));
        assert!(!is_template("a: '{{ $labels.pod }}'\nb: [", "["));
        assert!(!is_template("a: [", "["));
    }
}
