//! Converts HorizontalPodAutoscalers. The metrics of `autoscaling/v2` are one number and
//! annotations in `v1`, and fields with other names in `v2beta1`
//! (`pkg/apis/autoscaling/v1/conversion.go`, `k8s.io/api/autoscaling/v2beta1`).

use serde_json::{Map, Value, json};

use super::{object_at, objects_in, rename, take};

const TARGET_CPU: &str = "targetCPUUtilizationPercentage";
const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
/// Annotations with status, which other versions do not have.
const STATUS: [&str; 2] = [
    "autoscaling.alpha.kubernetes.io/conditions",
    "autoscaling.alpha.kubernetes.io/current-metrics",
];

/// Converts the annotations to metrics and behaviour, then the target CPU utilization to a metric.
pub(super) fn from_v1(fields: &mut Map<String, Value>) -> Option<()> {
    let (metrics, behavior) = match object_at(fields, &["metadata", "annotations"]) {
        Some(annotations) => {
            STATUS
                .iter()
                .for_each(|name| drop(annotations.remove(*name)));
            (take(annotations, METRICS), take(annotations, BEHAVIOR))
        }
        None => (None, None),
    };
    let parse = |text: Value| serde_json::from_str::<Value>(text.as_str()?).ok();
    let spec = object_at(fields, &["spec"])?;
    let mut all = Vec::new();
    if let Some(metrics) = metrics {
        let mut wrapped = Map::from_iter([("metrics".to_owned(), parse(metrics)?)]);
        objects_in(&mut wrapped, "metrics").try_for_each(metric_from_v2beta1)?;
        all.extend(take(&mut wrapped, "metrics")?.as_array()?.iter().cloned());
    }
    if let Some(utilization) = take(spec, TARGET_CPU) {
        all.push(cpu_metric(&utilization));
    }
    if !all.is_empty() {
        spec.insert("metrics".to_owned(), Value::Array(all));
    }
    if let Some(behavior) = behavior {
        spec.insert("behavior".to_owned(), parse(behavior)?);
    }
    Some(())
}

/// Converts only fields that `v1` has: the server writes others into annotations, as JSON text.
pub(super) fn to_v1(fields: &mut Map<String, Value>) -> Option<()> {
    let spec = object_at(fields, &["spec"])?;
    if take(spec, "behavior").is_some() {
        return None;
    }
    let metrics = take(spec, "metrics");
    let metrics = metrics.as_ref().and_then(Value::as_array);
    match metrics.map_or(&[][..], Vec::as_slice) {
        [] => Some(()),
        [only] => {
            let utilization = only.pointer("/resource/target/averageUtilization")?.clone();
            if *only != cpu_metric(&utilization) {
                return None;
            }
            spec.insert(TARGET_CPU.to_owned(), utilization);
            Some(())
        }
        _ => None,
    }
}

pub(super) fn from_v2beta1(fields: &mut Map<String, Value>) -> Option<()> {
    let spec = object_at(fields, &["spec"])?;
    objects_in(spec, "metrics").try_for_each(metric_from_v2beta1)
}

fn cpu_metric(utilization: &Value) -> Value {
    let target = json!({"type": "Utilization", "averageUtilization": utilization});
    json!({"type": "Resource", "resource": {"name": "cpu", "target": target}})
}

/// Converts `targetAverageValue` and similar fields to a `target`, names and selectors to a
/// `metric`.
fn metric_from_v2beta1(metric: &mut Map<String, Value>) -> Option<()> {
    for source in ["resource", "containerResource"] {
        if let Some(source) = object_at(metric, &[source]) {
            set_target(source);
        }
    }
    if let Some(pods) = object_at(metric, &["pods"]) {
        set_metric(pods, "selector");
        set_target(pods);
    }
    if let Some(external) = object_at(metric, &["external"]) {
        set_metric(external, "metricSelector");
        set_target(external);
    }
    if let Some(object) = object_at(metric, &["object"]) {
        // The average has another name in this metric.
        rename(object, "averageValue", "targetAverageValue");
        rename(object, "target", "describedObject");
        set_metric(object, "selector");
        let average = take(object, "targetAverageValue");
        let value = take(object, "targetValue");
        let target = match (average, value) {
            (Some(average), _) => json!({"type": "AverageValue", "averageValue": average}),
            (None, value) => json!({"type": "Value", "value": value?}),
        };
        object.insert("target".to_owned(), target);
    }
    Some(())
}

fn set_metric(source: &mut Map<String, Value>, selector: &str) {
    let Some(name) = take(source, "metricName") else {
        return;
    };
    let mut metric = Map::from_iter([("name".to_owned(), name)]);
    if let Some(selector) = take(source, selector) {
        metric.insert("selector".to_owned(), selector);
    }
    source.insert("metric".to_owned(), metric.into());
}

fn set_target(source: &mut Map<String, Value>) {
    const TARGETS: [(&str, &str, &str); 3] = [
        (
            "targetAverageUtilization",
            "Utilization",
            "averageUtilization",
        ),
        ("targetAverageValue", "AverageValue", "averageValue"),
        ("targetValue", "Value", "value"),
    ];
    for (old, ty, new) in TARGETS {
        if let Some(value) = take(source, old) {
            source.insert("target".to_owned(), json!({"type": ty, new: value}));
        }
    }
}
