//! The metrics of a watch.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::WatchState;
use crate::model::{BOUNDS, Durations, Ending, Onset, Severity};
use crate::output::RenderOptions;
use crate::output::prometheus::{MetricsPage, add};
use crate::redact::Redacted;

const SEVERITIES: [Severity; 4] = [
    Severity::Low,
    Severity::Medium,
    Severity::High,
    Severity::Critical,
];

/// Writes metrics: those of the watch, and those of the last report.
///
/// # Errors
/// Fails like `out`.
pub fn watch_metrics(
    watched: &WatchState<'_>,
    report: Option<&Redacted>,
    options: &RenderOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = MetricsPage::default();
    open(&mut page, watched);
    counts(&mut page, watched);
    rounds(&mut page, watched);
    if let Some(report) = report {
        add(&mut page, report, options);
    }
    page.write(out)
}

fn open(page: &mut MetricsPage<'_>, watched: &WatchState<'_>) {
    // A series that was once above zero becomes zero, and does not disappear.
    let mut open: BTreeMap<(Severity, &str, &str, &str), f64> = BTreeMap::new();
    if !watched.names_objects {
        let once = watched.tallies.opened.keys();
        open.extend(once.map(|(severity, namespace, _)| ((*severity, &**namespace, "", ""), 0.0)));
    }
    for episode in &watched.open {
        let object = &episode.key.object;
        let (kind, name) = match watched.names_objects {
            true => (object.kind.as_str(), object.name.as_str()),
            false => ("", ""),
        };
        let namespace = object.namespace.as_deref().unwrap_or_default();
        let place = (episode.severity, namespace, kind, name);
        *open.entry(place).or_default() += 1.0;
    }
    page.gauge(
        "drift_open",
        "Open drift by severity and namespace.",
        open.iter().map(|((severity, namespace, kind, name), n)| {
            let mut labels = vec![("severity", severity.as_str()), ("namespace", *namespace)];
            if watched.names_objects {
                labels.extend([("kind", *kind), ("name", *name)]);
            }
            (labels, *n)
        }),
    );
    page.gauge(
        "drift_oldest_timestamp_seconds",
        "When the oldest open drift of each severity began.",
        SEVERITIES.iter().filter_map(|severity| {
            let of_it = watched.open.iter().filter(|one| one.severity == *severity);
            let oldest = of_it.map(|episode| episode.opened).min()?;
            let labels = vec![("severity", severity.as_str())];
            Some((labels, oldest.as_second() as f64))
        }),
    );
}

fn counts(page: &mut MetricsPage<'_>, watched: &WatchState<'_>) {
    let tallies = watched.tallies;
    page.counter(
        "drift_opened_total",
        "Drift that began, by severity, namespace and how its start is known.",
        tallies
            .opened
            .iter()
            .map(|((severity, namespace, onset), n)| {
                let labels = vec![
                    ("severity", severity.as_str()),
                    ("namespace", namespace.as_str()),
                    ("onset", Onset::as_str(*onset)),
                ];
                (labels, *n as f64)
            }),
    );
    page.counter(
        "drift_closed_total",
        "Drift that ended, by severity, namespace and how it ended.",
        tallies
            .closed
            .iter()
            .map(|((severity, namespace, how), n)| {
                let labels = vec![
                    ("severity", severity.as_str()),
                    ("namespace", namespace.as_str()),
                    ("how", Ending::as_str(*how)),
                ];
                (labels, *n as f64)
            }),
    );
    let none = Durations::default();
    for severity in SEVERITIES {
        let durations = tallies.durations.get(&severity).unwrap_or(&none);
        let bounds = BOUNDS.iter().zip(durations.within);
        let buckets: Vec<_> = bounds.map(|(bound, n)| (f64::from(*bound), n)).collect();
        page.histogram(
            "drift_duration_seconds",
            "How long ended drift was open, by severity.",
            &[("severity", severity.as_str())],
            &buckets,
            (durations.sum, durations.count),
        );
    }
}

fn rounds(page: &mut MetricsPage<'_>, watched: &WatchState<'_>) {
    let rounds = watched.rounds;
    let by_result = [
        ("complete", rounds.complete),
        ("incomplete", rounds.incomplete),
        ("failed", rounds.failed),
    ];
    page.counter(
        "rounds_total",
        "Rounds of this process: complete, incomplete or failed.",
        by_result.map(|(result, n)| (vec![("result", result)], n as f64)),
    );
    page.gauge(
        "round_duration_seconds",
        "How long the last round took.",
        [(Vec::new(), watched.took.as_secs_f64())],
    );
    let complete = watched.last_complete.map_or(0, |at| at.as_second());
    page.gauge(
        "last_complete_timestamp_seconds",
        "When everything was last compared; 0 if never.",
        [(Vec::new(), complete as f64)],
    );
    page.gauge(
        "debt_overdue",
        "Accepted drift past its expiry.",
        [(Vec::new(), watched.overdue as f64)],
    );
}
