//! Decides whether the API server would accept the manifest of a drifted object.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::compare::live_view;
use crate::facts::{self, workload};
use crate::model::{
    Change, FieldPath, JudgedChange, ObjectReport, PathElement, ResourceKey, Verdict,
};
use crate::schema::Quantity;

/// Returns why the API server would refuse the manifest: it changes an immutable field, or it does
/// not fit together with what others added, which an apply does not remove.
pub(super) fn refusal_of_an_apply(report: &ObjectReport, declared: &Value) -> Option<String> {
    let drifts = report.drifts.iter();
    let drifts: Vec<&JudgedChange> = drifts
        .filter(|drift| !matches!(drift.verdict(), Verdict::Explained { .. }))
        .collect();
    let live = live_view(declared, drifts.iter().map(|drift| &drift.change));
    let is_written = |drift: &&&JudgedChange| drift.is_undone_by_an_apply();
    let (written, kept): (Vec<&JudgedChange>, Vec<&JudgedChange>) =
        drifts.iter().partition(is_written);
    let written: Vec<&Change> = written.iter().map(|drift| &drift.change).collect();
    let kept = kept.iter().map(|drift| &drift.change);
    let immutable = written
        .iter()
        .find_map(|change| immutable_field(&report.key, &change.path, &live));
    if let Some(field) = immutable {
        return Some(format!("{field} is immutable"));
    }
    if report.key.kind == "PersistentVolumeClaim" && written.iter().any(|change| shrinks(change)) {
        return Some("its size only grows".to_owned());
    }
    let applied = live_view(declared, kept);
    unfit_ports(&report.key.kind, &applied)
}

/// Returns the immutable field of a live object that a path is in.
pub fn immutable_field(key: &ResourceKey, path: &FieldPath, live: &Value) -> Option<String> {
    let names = path.0.iter().filter_map(|element| match element {
        PathElement::Field(name) => Some(name.as_str()),
        _ => None,
    });
    facts::immutable_field(&key.group, &key.kind, &names.collect::<Vec<_>>(), live)
}

/// Returns whether applying a manifest makes a quantity smaller.
fn shrinks(change: &Change) -> bool {
    let of = |value: &Option<Value>| Quantity::parse(value.as_ref()?.as_str()?);
    let sides = of(&change.declared).zip(of(&change.live));
    change
        .path
        .starts_with(&FieldPath::of_fields(&["spec", "resources", "requests"]))
        && sides.is_some_and(|(declared, live)| declared < live)
}

/// Returns what is wrong with the ports of an object (`ValidateService` and
/// `validateContainerPorts` in `pkg/apis/core/validation`).
fn unfit_ports(kind: &str, applied: &Value) -> Option<String> {
    if kind == "Service" {
        let ports = applied.pointer("/spec/ports")?.as_array()?;
        let unnamed = ports.iter().filter(|port| name_of(port).is_none()).count();
        if ports.len() > 1 && unnamed > 0 {
            return Some("each of its ports would need a name".to_owned());
        }
        return same_name(ports).or_else(|| same_node_port(ports));
    }
    let template = workload(kind)?.template;
    let template = template
        .iter()
        .try_fold(applied, |value, name| value.get(*name))?;
    let lists = ["initContainers", "containers"];
    let lists = lists
        .iter()
        .filter_map(|list| template.get("spec")?.get(*list)?.as_array());
    lists.flatten().find_map(|container| {
        let ports = container.get("ports")?.as_array()?;
        same_name(ports)
    })
}

fn name_of(port: &Value) -> Option<&str> {
    port.get("name")?.as_str().filter(|name| !name.is_empty())
}

fn same_name(ports: &[Value]) -> Option<String> {
    let mut seen = BTreeSet::new();
    let mut names = ports.iter().filter_map(name_of);
    let twice = names.find(|name| !seen.insert(*name))?;
    Some(format!("two of its ports would have the name {twice:?}"))
}

fn same_node_port(ports: &[Value]) -> Option<String> {
    let mut seen = BTreeSet::new();
    let mut taken = ports.iter().filter_map(|port| {
        let protocol = port.get("protocol").and_then(Value::as_str);
        let number = port
            .get("nodePort")?
            .as_u64()
            .filter(|number| *number > 0)?;
        Some((number, protocol.unwrap_or("TCP")))
    });
    let (twice, _) = taken.find(|port| !seen.insert(*port))?;
    Some(format!("two of its ports would have the node port {twice}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::tests::drift;

    fn refusal(
        (group, kind): (&str, &str),
        declared: &Value,
        drifts: Vec<JudgedChange>,
    ) -> Option<String> {
        let key = ResourceKey::new(group, kind, Some("shop".to_owned()), "cart");
        let mut report = ObjectReport::new(key, "v1".to_owned());
        report.drifts = drifts;
        refusal_of_an_apply(&report, declared)
    }

    #[test]
    fn a_changed_port_stays_and_makes_the_service_invalid() {
        let service = ("", "Service");
        let declared = |port: Value| json!({"spec": {"ports": [port]}});
        let moved = |port: Value, live: Value| {
            vec![
                drift(r#".spec.ports[port=80,protocol="TCP"]"#, Some(port), None),
                drift(r#".spec.ports[port=81,protocol="TCP"]"#, None, Some(live)),
            ]
        };
        let refused =
            |port: Value, live: Value| refusal(service, &declared(port.clone()), moved(port, live));
        let port =
            |number: u16, name: &str| json!({"port": number, "protocol": "TCP", "name": name});
        let same_name = "two of its ports would have the name \"http\"";
        let found = refused(port(80, "http"), port(81, "http"));
        assert_eq!(found.as_deref(), Some(same_name));
        assert_eq!(refused(port(80, "http"), port(81, "other")), None);
        let unnamed = |number: u16| json!({"port": number, "protocol": "TCP"});
        let found = refused(unnamed(80), unnamed(81));
        let no_name = "each of its ports would need a name";
        assert_eq!(found.as_deref(), Some(no_name));
        let at = |number: u16, name: &str| json!({"port": number, "protocol": "TCP", "name": name, "nodePort": 30080});
        let found = refused(at(80, "http"), at(81, "other"));
        let same_node_port = "two of its ports would have the node port 30080";
        assert_eq!(found.as_deref(), Some(same_node_port));
    }

    #[test]
    fn a_changed_container_port_does_not_replace_the_declared_one() {
        let declared = json!({"spec": {"template": {"spec": {"containers": [
            {"name": "app", "ports": [{"containerPort": 8080, "name": "http"}]}]}}}});
        let ports = r#".spec.template.spec.containers[name="app"].ports"#;
        let at = |port: u16| format!(r#"{ports}[containerPort={port},protocol="TCP"]"#);
        let port = |number: u16| Some(json!({"containerPort": number, "name": "http"}));
        let drifts = vec![
            drift(&at(8080), port(8080), None),
            drift(&at(9090), None, port(9090)),
        ];
        let found = refusal(("apps", "Deployment"), &declared, drifts);
        let same_name = "two of its ports would have the name \"http\"";
        assert_eq!(found.as_deref(), Some(same_name));
    }

    #[test]
    fn an_immutable_field_is_not_applied() {
        let changed = |path: &str| vec![drift(path, Some(json!("a")), Some(json!("b")))];
        let cases = [
            (
                ("batch", "Job"),
                ".spec.template.spec.restartPolicy",
                Some(".spec.template"),
            ),
            (("batch", "Job"), ".spec.parallelism", None),
            (
                ("apps", "StatefulSet"),
                ".spec.serviceName",
                Some(".spec.serviceName"),
            ),
            (
                ("apps", "StatefulSet"),
                ".spec.template.spec.hostname",
                None,
            ),
            (
                ("rbac.authorization.k8s.io", "RoleBinding"),
                ".roleRef.name",
                Some(".roleRef"),
            ),
            (("example.com", "RoleBinding"), ".roleRef.name", None),
        ];
        for (kind, path, field) in cases {
            let found = refusal(kind, &json!({}), changed(path));
            let expected = field.map(|field| format!("{field} is immutable"));
            assert_eq!(found, expected, "{path}");
        }
        let added = drift(".spec.volumeName", None, Some(json!("b")));
        assert_eq!(
            refusal(("apps", "StatefulSet"), &json!({}), vec![added]),
            None
        );
        let sealed = json!({"immutable": true, "data": {"mode": "a"}});
        let found = refusal(("", "ConfigMap"), &sealed, changed(".data.mode"));
        assert_eq!(found.as_deref(), Some(".data is immutable"));
    }

    #[test]
    fn a_volume_claim_only_grows() {
        let claim = ("", "PersistentVolumeClaim");
        let resized = |declared: &str, live: &str| {
            let path = ".spec.resources.requests.storage";
            let drifts = vec![drift(path, Some(json!(declared)), Some(json!(live)))];
            refusal(claim, &json!({}), drifts)
        };
        assert_eq!(
            resized("8Gi", "10Gi").as_deref(),
            Some("its size only grows")
        );
        assert_eq!(resized("10Gi", "8Gi"), None);
    }
}
