//! Describes what an undeclared object does: what it grants, runs or opens.

use serde_json::Value;

use super::differ::{cut, rbac_rule};
use super::escape;
use crate::facts::POD_SPECS;
use crate::model::{ObjectReport, ObjectStatus, ResourceKey, items_at, text_at};

/// How many lines describe one object.
const MOST: usize = 6;

/// How many characters one line has.
const LONGEST: usize = 160;

/// Returns a description of an extra object, one phrase per line, escaped for use within a line;
/// nothing for other objects, and for kinds whose name says enough.
pub fn of(object: &ObjectReport) -> Vec<String> {
    let Some(live) = object
        .live
        .as_ref()
        .filter(|_| object.status() == ObjectStatus::Extra)
    else {
        return Vec::new();
    };
    of_live(&object.key, &live.value())
}

/// Returns the same for a single live object.
pub fn of_live(key: &ResourceKey, live: &Value) -> Vec<String> {
    if is_bare(live) {
        return Vec::new();
    }
    let mut said = match (key.group.as_str(), key.kind.as_str()) {
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => binding(live),
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => role(live),
        ("", "Service") => service(live),
        ("", "ConfigMap") => keys(live, "keys"),
        ("", "Secret") => {
            let kind = text_at(live, "/type").unwrap_or("Opaque");
            let mut said = keys(live, "keys");
            said.insert(0, format!("type {kind}"));
            said
        }
        ("networking.k8s.io", "Ingress") => ingress(live),
        ("networking.k8s.io", "NetworkPolicy") => policy(live),
        ("admissionregistration.k8s.io", _) => webhooks(live),
        ("autoscaling", "HorizontalPodAutoscaler") => scaler(live),
        ("", "PersistentVolumeClaim") => claim(live),
        _ => pods(live),
    };
    if said.len() > MOST {
        let more = said.len() - (MOST - 1);
        said.truncate(MOST - 1);
        said.push(format!("{more} more"));
    }
    let said = said.into_iter();
    said.map(|line| escape::line(&cut(&line, LONGEST)).into_owned())
        .collect()
}

/// Returns whether only the metadata of an object is known.
fn is_bare(live: &Value) -> bool {
    let mut fields = live.as_object().into_iter().flatten();
    fields.all(|(name, _)| matches!(name.as_str(), "apiVersion" | "kind" | "metadata"))
}

/// Returns a scalar as text.
fn scalar_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Returns `roleRef admin → User bob@example.com`.
fn binding(live: &Value) -> Vec<String> {
    let kind = text_at(live, "/roleRef/kind").unwrap_or("role");
    let name = text_at(live, "/roleRef/name").unwrap_or("?");
    let subjects: Vec<String> = items_at(live, "/subjects")
        .iter()
        .map(|subject| {
            let part = |key: &str| subject.get(key).and_then(Value::as_str);
            let name = part("name").unwrap_or("?");
            let kind = part("kind").unwrap_or("subject");
            match part("namespace") {
                Some(namespace) => format!("{kind} {namespace}/{name}"),
                None => format!("{kind} {name}"),
            }
        })
        .collect();
    let to = match &subjects[..] {
        [] => "nobody".to_owned(),
        some => some.join(", "),
    };
    vec![format!("grants {kind} {name} to {to}")]
}

fn role(live: &Value) -> Vec<String> {
    let rules = items_at(live, "/rules").iter().filter_map(rbac_rule);
    rules.map(|rule| format!("grants {rule}")).collect()
}

fn service(live: &Value) -> Vec<String> {
    let kind = text_at(live, "/spec/type").unwrap_or("ClusterIP");
    let ports: Vec<String> = items_at(live, "/spec/ports")
        .iter()
        .filter_map(|port| {
            let number = scalar_text(port.get("port")?);
            let target = port.get("targetPort").map(scalar_text);
            let target = target.filter(|target| *target != number);
            let node = port.get("nodePort").map(scalar_text);
            let node = node.map_or(String::new(), |node| format!(" (node port {node})"));
            Some(match target {
                Some(target) => format!("{number} to {target}{node}"),
                None => format!("{number}{node}"),
            })
        })
        .collect();
    vec![format!(
        "type {kind}, port {}{}",
        ports.join(", "),
        selector(live, "/spec/selector")
    )]
}

/// Returns `, to app=cart`.
fn selector(live: &Value, pointer: &str) -> String {
    let labels = live.pointer(pointer).and_then(Value::as_object);
    let labels: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", scalar_text(value)))
        .collect();
    match labels.is_empty() {
        true => String::new(),
        false => format!(", to pods with {}", labels.join(",")),
    }
}

fn keys(live: &Value, word: &str) -> Vec<String> {
    let parts = ["/data", "/binaryData", "/stringData"];
    let maps = parts
        .iter()
        .filter_map(|part| live.pointer(part)?.as_object());
    let keys: Vec<&str> = maps
        .flat_map(|map| map.keys().map(String::as_str))
        .collect();
    match keys.is_empty() {
        true => Vec::new(),
        false => vec![format!("{word} {}", keys.join(", "))],
    }
}

fn ingress(live: &Value) -> Vec<String> {
    let rules = items_at(live, "/spec/rules").iter().map(|rule| {
        let host = rule.get("host").map_or("any host".to_owned(), scalar_text);
        let backends: Vec<String> = items_at(rule, "/http/paths")
            .iter()
            .filter_map(|path| {
                let service = text_at(path, "/backend/service/name")?;
                let at = path.get("path").map_or("/".to_owned(), scalar_text);
                Some(format!("{at} to Service {service}"))
            })
            .collect();
        format!("{host}: {}", backends.join(", "))
    });
    rules.collect()
}

fn policy(live: &Value) -> Vec<String> {
    let types: Vec<String> = items_at(live, "/spec/policyTypes")
        .iter()
        .map(scalar_text)
        .collect();
    let of = selector(live, "/spec/podSelector/matchLabels");
    let of = of.strip_prefix(", to ").unwrap_or("all pods");
    vec![format!("limits {} of {of}", types.join(" and "))]
}

fn webhooks(live: &Value) -> Vec<String> {
    let hooks = items_at(live, "/webhooks").iter().map(|hook| {
        let name = hook.get("name").map_or("webhook".to_owned(), scalar_text);
        let to = match (
            text_at(hook, "/clientConfig/url"),
            text_at(hook, "/clientConfig/service/name"),
        ) {
            (Some(url), _) => url.to_owned(),
            (None, Some(service)) => format!(
                "Service {}/{service}",
                text_at(hook, "/clientConfig/service/namespace").unwrap_or("?")
            ),
            (None, None) => "?".to_owned(),
        };
        let resources: Vec<String> = items_at(hook, "/rules")
            .iter()
            .flat_map(|rule| items_at(rule, "/resources").iter().map(scalar_text))
            .collect();
        format!("{name} asks {to} about {}", resources.join(", "))
    });
    hooks.collect()
}

fn scaler(live: &Value) -> Vec<String> {
    let part = |pointer: &str| live.pointer(pointer).map_or("?".to_owned(), scalar_text);
    let least = live
        .pointer("/spec/minReplicas")
        .map_or("1".to_owned(), scalar_text);
    vec![format!(
        "scales {}/{} between {least} and {}",
        part("/spec/scaleTargetRef/kind"),
        part("/spec/scaleTargetRef/name"),
        part("/spec/maxReplicas")
    )]
}

fn claim(live: &Value) -> Vec<String> {
    let size = live.pointer("/spec/resources/requests/storage");
    let class = text_at(live, "/spec/storageClassName");
    let size = size.map(|size| format!("requests {}", scalar_text(size)));
    let class = class.map(|class| format!("of class {class}"));
    let said: Vec<String> = size.into_iter().chain(class).collect();
    match said.is_empty() {
        true => Vec::new(),
        false => vec![said.join(" ")],
    }
}

/// Returns what pods run, and which unusual privileges they have.
fn pods(live: &Value) -> Vec<String> {
    let has_containers = |spec: &&Value| spec.get("containers").is_some_and(Value::is_array);
    let mut specs = POD_SPECS.iter().filter_map(|place| live.pointer(place));
    let Some(spec) = specs.find(has_containers) else {
        return Vec::new();
    };
    let mut said = Vec::new();
    for part in ["/initContainers", "/containers"] {
        for container in items_at(spec, part) {
            let image = container.get("image").map_or("?".to_owned(), scalar_text);
            let mut line = format!("runs {image}");
            let command: Vec<String> = items_at(container, "/command")
                .iter()
                .chain(items_at(container, "/args"))
                .map(scalar_text)
                .collect();
            if !command.is_empty() {
                line.push_str(&format!(" ({})", cut(&command.join(" "), 60)));
            }
            if container.pointer("/securityContext/privileged") == Some(&Value::Bool(true)) {
                line.push_str(", privileged");
            }
            let added: Vec<String> = items_at(container, "/securityContext/capabilities/add")
                .iter()
                .map(scalar_text)
                .collect();
            if !added.is_empty() {
                line.push_str(&format!(", with {}", added.join(", ")));
            }
            said.push(line);
        }
    }
    let mut powers: Vec<String> = ["hostNetwork", "hostPID", "hostIPC"]
        .into_iter()
        .filter(|power| spec.get(*power) == Some(&Value::Bool(true)))
        .map(str::to_owned)
        .collect();
    powers.extend(
        items_at(spec, "/volumes")
            .iter()
            .filter_map(|volume| text_at(volume, "/hostPath/path"))
            .map(|path| format!("hostPath {path}")),
    );
    if let Some(account) = text_at(spec, "/serviceAccountName").filter(|name| *name != "default") {
        powers.push(format!("as ServiceAccount {account}"));
    }
    if !powers.is_empty() {
        said.push(format!("with {}", powers.join(", ")));
    }
    if let Some(schedule) = text_at(live, "/spec/schedule") {
        said.push(format!("at {schedule}"));
    }
    said
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn describes_what_an_object_grants_and_runs() {
        assert_eq!(
            binding(&json!({
                "roleRef": {"kind": "ClusterRole", "name": "admin"},
                "subjects": [
                    {"kind": "User", "name": "bob@example.com"},
                    {"kind": "ServiceAccount", "namespace": "ci", "name": "runner"}
                ]
            })),
            ["grants ClusterRole admin to User bob@example.com, ServiceAccount ci/runner"]
        );
        assert_eq!(
            pods(&json!({"spec": {"template": {"spec": {
                "hostNetwork": true,
                "containers": [{"image": "busybox", "command": ["sh", "-c", "id"],
                                "securityContext": {"privileged": true}}],
                "volumes": [{"name": "a", "hostPath": {"path": "/"}}]
            }}}})),
            [
                "runs busybox (sh -c id), privileged",
                "with hostNetwork, hostPath /"
            ]
        );
        assert_eq!(
            service(
                &json!({"spec": {"type": "LoadBalancer", "selector": {"app": "x"},
                                     "ports": [{"port": 80, "targetPort": 8080}]}})
            ),
            ["type LoadBalancer, port 80 to 8080, to pods with app=x"]
        );
        assert!(pods(&json!({"spec": {"size": 3}})).is_empty());
    }
}
