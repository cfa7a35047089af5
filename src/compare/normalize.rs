//! Normalizes manifests before any schema is used.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// Rewrites a manifest into the form in which the API server stores it, as far as that depends on
/// the kind rather than on the type of a field.
///
/// - A Secret's `stringData` becomes `data`, and wins over a key of the same name
///   (`k8s.io/api/core/v1`, `Secret.StringData`).
/// - A namespace on a cluster-scoped object is dropped, as kubectl does.
/// - A ReplicationController or Job without labels gets those of its template
///   (`pkg/apis/core/v1/defaults.go`, `pkg/apis/batch/v1/defaults.go`).
pub fn normalize(mut declared: Value, namespaced: bool) -> Value {
    if !namespaced && let Some(Value::Object(metadata)) = declared.get_mut("metadata") {
        metadata.remove("namespace");
    }
    let is = |field: &str, value: &str| declared.get(field).is_some_and(|v| v == value);
    let is_secret = is("kind", "Secret") && is("apiVersion", "v1");
    let takes_labels = (is("kind", "ReplicationController") && is("apiVersion", "v1"))
        || (is("kind", "Job") && is("apiVersion", "batch/v1"));
    if is_secret {
        encode_string_data(&mut declared);
    }
    if takes_labels {
        take_template_labels(&mut declared);
    }
    declared
}

/// Sorts the metrics of a HorizontalPodAutoscaler as an API server does that stores it at
/// `autoscaling/v1`, if the live object has that order: v1 has a field of its own for the CPU
/// utilization, which becomes the last metric when it is converted back
/// (`pkg/apis/autoscaling/v1/conversion.go`). Kubernetes 1.25 does this. The order has no meaning,
/// because the largest recommendation is used.
pub fn order_metrics(declared: &mut Value, live: &Value) {
    const METRICS: &str = "/spec/metrics";
    if declared
        .get("kind")
        .is_none_or(|kind| kind != "HorizontalPodAutoscaler")
    {
        return;
    }
    let live = live.pointer(METRICS).and_then(Value::as_array);
    let is_last_live = live.is_some_and(|live| {
        let of_cpu = live.iter().filter(|metric| is_cpu_utilization(metric));
        of_cpu.count() == 1 && live.last().is_some_and(is_cpu_utilization)
    });
    let Some(Value::Array(metrics)) = declared.pointer_mut(METRICS) else {
        return;
    };
    let metrics_of_cpu = metrics.iter().enumerate();
    let mut of_cpu = metrics_of_cpu.filter(|(_, metric)| is_cpu_utilization(metric));
    if let (true, Some((at, _)), None) = (is_last_live, of_cpu.next(), of_cpu.next()) {
        let metric = metrics.remove(at);
        metrics.push(metric);
    }
}

/// Returns whether an object has labels of its own.
pub fn is_labelled(object: &Value) -> bool {
    labels(object).is_some_and(|labels| !labels.is_empty())
}

fn labels(object: &Value) -> Option<&Map<String, Value>> {
    object.get("metadata")?.get("labels")?.as_object()
}

/// Removes the labels that a ReplicationController or Job that is not [labelled](is_labelled()) got
/// from its template, if the live object has none of them: its deployer set other labels, so the
/// API server set none.
pub fn drop_template_labels(declared: &mut Value, live: &Value) {
    let (Some(taken), Some(live)) = (labels(declared), labels(live)) else {
        return;
    };
    let is_taken = taken.keys().any(|label| live.contains_key(label));
    if let (false, Some(Value::Object(metadata))) = (is_taken, declared.get_mut("metadata")) {
        metadata.remove("labels");
    }
}

fn is_cpu_utilization(metric: &Value) -> bool {
    let resource = &metric["resource"];
    let utilization = &resource["targetAverageUtilization"]; // as autoscaling/v2beta1 has it
    metric["type"] == "Resource"
        && resource["name"] == "cpu"
        && (resource["target"]["type"] == "Utilization" || utilization.is_number())
}

fn take_template_labels(workload: &mut Value) {
    let of_template = workload.pointer("/spec/template/metadata/labels").cloned();
    let metadata = workload.get_mut("metadata").and_then(Value::as_object_mut);
    if let (Some(labels @ Value::Object(_)), Some(metadata)) = (of_template, metadata) {
        let own = metadata.get("labels").and_then(Value::as_object);
        if own.is_none_or(Map::is_empty) {
            metadata.insert("labels".to_owned(), labels);
        }
    }
}

fn encode_string_data(secret: &mut Value) {
    let Some(secret) = secret.as_object_mut() else {
        return;
    };
    let Some(Value::Object(plain)) = secret.remove("stringData") else {
        return;
    };
    let data = secret
        .entry("data")
        .or_insert_with(|| Value::Object(Map::new()));
    if data.is_null() {
        *data = Value::Object(Map::new());
    }
    let Some(data) = data.as_object_mut() else {
        return;
    };
    for (key, value) in plain {
        if value.is_null() {
            // `kubectl apply` omits `null`, and the server stores an empty string.
            data.entry(key).or_insert(Value::Null);
            continue;
        }
        // The server refuses anything but a string, so the value is kept and reported.
        let encoded = match value {
            Value::String(text) => Value::String(STANDARD.encode(text)),
            other => other,
        };
        data.insert(key, encoded);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn string_data_wins_over_data() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret",
            "data": {"a": "eA==", "b": "eA=="}, "stringData": {"b": "y"}});
        let meant = normalize(secret, true);
        assert_eq!(meant["data"], json!({"a": "eA==", "b": "eQ=="}));
        assert!(meant.get("stringData").is_none());
    }

    #[test]
    fn malformed_secrets_do_not_panic() {
        for secret in [
            json!({"apiVersion": "v1", "kind": "Secret", "stringData": 3}),
            json!({"apiVersion": "v1", "kind": "Secret", "data": 3, "stringData": {"a": "b"}}),
            json!({"apiVersion": "v1", "kind": "Secret", "data": null, "stringData": {"a": 1}}),
            json!({"kind": "Secret"}),
            json!(null),
        ] {
            normalize(secret, false);
        }
    }

    #[test]
    fn sorts_metrics_as_an_old_server_does() {
        let cpu = json!({"type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}});
        let memory = json!({"type": "Resource",
            "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 60}}});
        let rate = json!({"type": "Pods", "pods": {"metric": {"name": "rate"}}});
        let scaler = |metrics: &[&Value]| json!({"kind": "HorizontalPodAutoscaler", "spec": {"metrics": metrics}});
        for (declared, live, expected) in [
            (
                &[&cpu, &rate, &memory][..],
                &[&rate, &memory, &cpu][..],
                &[&rate, &memory, &cpu][..],
            ),
            (&[&cpu, &rate], &[&cpu, &rate], &[&cpu, &rate]),
            // Someone chose an order other than the server's.
            (
                &[&cpu, &rate, &memory],
                &[&memory, &rate, &cpu],
                &[&rate, &memory, &cpu],
            ),
            (&[&rate, &memory], &[&memory, &rate], &[&rate, &memory]),
            (&[&cpu, &cpu], &[&rate, &cpu], &[&cpu, &cpu]),
        ] {
            let mut meant = scaler(declared);
            order_metrics(&mut meant, &scaler(live));
            assert_eq!(meant, scaler(expected));
        }
        let old_cpu = json!({"type": "Resource",
            "resource": {"name": "cpu", "targetAverageUtilization": 60}});
        let mut meant = scaler(&[&old_cpu, &rate]);
        order_metrics(&mut meant, &scaler(&[&rate, &old_cpu]));
        assert_eq!(meant, scaler(&[&rate, &old_cpu]));
        let mut other = json!({"kind": "Courier", "spec": {"metrics": [cpu, rate]}});
        let same = other.clone();
        order_metrics(&mut other, &scaler(&[&rate, &cpu]));
        assert_eq!(other, same);
    }

    #[test]
    fn a_namespace_on_a_cluster_scoped_object_is_dropped() {
        let role = json!({"kind": "ClusterRole", "metadata": {"name": "a", "namespace": "b"}});
        assert_eq!(
            normalize(role.clone(), false)["metadata"],
            json!({"name": "a"})
        );
        assert_eq!(normalize(role.clone(), true), role);
    }
}
