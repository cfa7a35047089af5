//! Alerts on the metrics of a watch, as a `PrometheusRule`.

use serde_json::{Value, json};

use crate::output::yaml_text::{ControlCharacters, document};

/// An alert: its name, expression, duration, severity, summary and runbook command.
type Alert = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const ALERTS: &[Alert] = &[
    (
        "DriftCritical",
        "sum by (severity, namespace) (driftctl_drift_open{severity=~\"critical|high\"}) > 0",
        "5m",
        "critical",
        "{{ $value }} {{ $labels.severity }} drift is open in {{ $labels.namespace }}",
        "driftctl diff PATH -n NAMESPACE --severity high",
    ),
    (
        "DriftOverdue",
        "time() - driftctl_drift_oldest_timestamp_seconds > 24 * 3600",
        "15m",
        "warning",
        "{{ $labels.severity }} drift has been open for more than a day",
        "driftctl diff PATH -o timeline",
    ),
    (
        "DriftctlIncomplete",
        "time() - driftctl_last_complete_timestamp_seconds > 15 * 60 or \
         absent(driftctl_last_complete_timestamp_seconds)",
        "5m",
        "warning",
        "driftctl has not compared everything for 15 minutes, so drift may go unnoticed",
        "driftctl doctor PATH",
    ),
    (
        "DriftDebtOverdue",
        "driftctl_debt_overdue > 0",
        "15m",
        "warning",
        "{{ $value }} accepted changes are overdue",
        "driftctl debt PATH",
    ),
    (
        "DriftMassMissing",
        "sum(driftctl_objects{status=\"missing\"}) > 10",
        "2m",
        "critical",
        "{{ $value }} declared objects are missing in the cluster: it may be the wrong cluster, \
         or they were deleted",
        "driftctl diff PATH -o name",
    ),
];

/// Returns a `PrometheusRule` with the alerts.
pub fn watch_alerts() -> String {
    let rules = ALERTS.iter().map(|alert| {
        let (name, expression, hold, severity, summary, command) = alert;
        json!({
            "alert": name,
            "expr": expression,
            "for": hold,
            "labels": {"severity": severity},
            "annotations": {"summary": summary, "runbook": format!("Run: {command}")},
        })
    });
    let rules: Vec<Value> = rules.collect();
    let rule = json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "driftctl", "labels": {"app.kubernetes.io/name": "driftctl"}},
        "spec": {"groups": [{"name": "driftctl", "rules": rules}]},
    });
    document(&rule, ControlCharacters::Exact)
}
