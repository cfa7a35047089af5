//! `prometheus`: metrics for a textfile collector or a push gateway.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>

mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use jiff::Timestamp;
use strum::VariantArray as _;

use super::several::ClusterReport;
use super::{Format, RenderOptions, ignored};
use crate::model::{ChangeCause, JudgedChange, MergeClass, Owner, Report, Severity};
use crate::redact::Redacted;
pub(super) use page::MetricsPage;

/// Gauges: a report describes the current state.
pub struct Prometheus;

impl Format for Prometheus {
    fn name(&self) -> &'static str {
        "prometheus"
    }

    fn description(&self) -> &'static str {
        "Metrics for Prometheus (textfile collector, push gateway)"
    }

    fn render(
        &self,
        report: &Redacted,
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut page = MetricsPage::default();
        add(&mut page, report, options);
        page.write(out)
    }

    fn render_several(
        &self,
        clusters: &[ClusterReport<'_>],
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut page = MetricsPage::default();
        for cluster in clusters {
            page.cluster = Some(&cluster.name);
            add(&mut page, cluster.report, options);
        }
        page.write(out)
    }
}

/// Adds the metrics of a report to a page.
pub(super) fn add(page: &mut MetricsPage<'_>, report: &Report, options: &RenderOptions) {
    verdict(page, report);
    figures(page, report);
    ages(page, report, options);
}

fn verdict(page: &mut MetricsPage<'_>, report: &Report) {
    let verdicts = ["in-sync", "pending", "drifted", "conflict", "incomplete"];
    page.gauge(
        "verdict",
        "The overall result of the run; 1 for the verdict that applies.",
        verdicts.map(|verdict| {
            let this = f64::from(u8::from(report.verdict() == verdict));
            (vec![("verdict", verdict)], this)
        }),
    );
    let target = &report.target;
    let labels = vec![
        ("context", target.context.as_deref().unwrap_or("")),
        ("server", target.server.as_deref().unwrap_or("")),
        ("version", target.version.as_deref().unwrap_or("")),
    ];
    page.gauge(
        "target_info",
        "The cluster or recording that was compared.",
        [(labels, 1.0)],
    )
}

fn figures(page: &mut MetricsPage<'_>, report: &Report) {
    let totals = report.totals();
    page.gauge(
        "objects",
        "Objects by status.",
        [
            (vec![("status", "in-sync")], totals.in_sync as f64),
            (vec![("status", "drifted")], totals.drifted as f64),
            (vec![("status", "missing")], totals.missing as f64),
            (vec![("status", "extra")], totals.extra as f64),
            (vec![("status", "unknown")], totals.unknown as f64),
            (vec![("status", "pending")], totals.pending as f64),
            (vec![("status", "conflict")], totals.conflict as f64),
        ],
    );
    changes(page, report);
    rules(page, report);
    run(page, report);
}

/// Writes the changes by severity, by cause and by what merging does to them.
fn changes(page: &mut MetricsPage<'_>, report: &Report) {
    let drifts = || report.objects.iter().flat_map(|object| &object.drifts);
    let counting = |is_one: &dyn Fn(&JudgedChange) -> bool| {
        let counted = drifts().filter(|drift| drift.is_drift() && is_one(drift));
        counted.count() as f64
    };
    page.gauge(
        "changes",
        "Reported changes by severity.",
        Severity::VARIANTS.iter().map(|&severity| {
            let n = counting(&|drift| drift.severity == severity);
            (vec![("severity", severity.as_str())], n)
        }),
    );
    page.gauge(
        "changes_by_cause",
        "Reported changes by cause, where it is known.",
        ChangeCause::VARIANTS.iter().map(|&cause| {
            let n = counting(&|drift| drift.cause == Some(cause));
            (vec![("cause", cause.as_str())], n)
        }),
    );
    page.gauge(
        "policy_violations",
        "Objects that violate policies, by policy and by its action.",
        violations(report)
            .iter()
            .map(|((policy, action), n)| (vec![("policy", *policy), ("action", *action)], *n)),
    );
    if report.three_way {
        page.gauge(
            "merge_changes",
            "Changes by the effect of merging the branch.",
            MergeClass::VARIANTS.iter().rev().map(|&class| {
                let n = report.changes_of(class);
                (vec![("class", class.as_str())], n as f64)
            }),
        );
    }
}

/// Writes what rules hid.
fn rules(page: &mut MetricsPage<'_>, report: &Report) {
    page.gauge(
        "ignored_changes",
        "Changes hidden by rules, by rule.",
        ignored::by_rule(report)
            .into_iter()
            .map(|(rule, hid)| (vec![("rule", rule)], hid as f64)),
    );
    page.gauge(
        "rules_expired",
        "Expired rules: what they hid is reported again.",
        [(Vec::new(), report.expired_rules as f64)],
    );
}

/// Writes how much was compared, and the messages.
fn run(page: &mut MetricsPage<'_>, report: &Report) {
    let coverage = report.coverage;
    page.gauge(
        "coverage",
        "Declared objects by whether they were compared.",
        [
            (vec![("state", "declared")], coverage.declared as f64),
            (vec![("state", "compared")], coverage.compared as f64),
            (vec![("state", "skipped")], coverage.skipped as f64),
            (vec![("state", "filtered")], coverage.filtered as f64),
            (vec![("state", "failed")], coverage.failed as f64),
        ],
    );
    if coverage.unread_releases > 0 {
        page.gauge(
            "helm_releases_unread",
            "HelmReleases whose objects were not compared.",
            [(Vec::new(), coverage.unread_releases as f64)],
        );
    }
    if let Some(extra) = coverage.extra {
        page.gauge(
            "extra_kinds",
            "Kinds searched for undeclared objects.",
            [
                (vec![("state", "looked-for")], extra.kinds as f64),
                (vec![("state", "unread")], extra.unread as f64),
            ],
        );
    }
    let fatal = report.warnings.iter().filter(|w| w.fatal).count();
    page.gauge(
        "messages",
        "Errors and warnings of the run.",
        [
            (vec![("level", "error")], fatal as f64),
            (
                vec![("level", "warning")],
                (report.warnings.len() - fatal) as f64,
            ),
        ],
    )
}

/// Returns how many objects violate each policy.
fn violations(report: &Report) -> BTreeMap<(&str, &'static str), f64> {
    let mut counts = BTreeMap::new();
    for object in &report.objects {
        let all = object.violations.iter();
        let all = all.map(|one| (one.policy.as_str(), one.enforcement.as_str()));
        for policy in all.collect::<BTreeSet<_>>() {
            *counts.entry(policy).or_insert(0.0) += 1.0;
        }
    }
    counts
}

fn ages(page: &mut MetricsPage<'_>, report: &Report, options: &RenderOptions) {
    let seconds = |time: Timestamp| time.as_millisecond() as f64 / 1000.0;
    if let Some(oldest) = oldest_drift(report) {
        page.gauge(
            "oldest_drift_timestamp_seconds",
            "Oldest last write of the field managers behind the drift.",
            [(Vec::new(), seconds(oldest))],
        );
        if let Some(now) = options.now {
            page.gauge(
                "oldest_drift_age_seconds",
                "Time since the oldest last write of the field managers behind the drift.",
                [(Vec::new(), (seconds(now) - seconds(oldest)).max(0.0))],
            );
        }
    }
    if let Some(now) = options.now {
        page.gauge(
            "report_timestamp_seconds",
            "When the report was made.",
            [(Vec::new(), seconds(now))],
        );
    }
    if let Some(duration) = options.duration {
        page.gauge(
            "run_duration_seconds",
            "How long the run took.",
            [(Vec::new(), duration.as_secs_f64())],
        );
    }
}

/// Returns the earliest of the last writes behind the changes and extra objects.
fn oldest_drift(report: &Report) -> Option<Timestamp> {
    let latest = |owners: &[Owner]| -> Option<Timestamp> {
        owners
            .iter()
            .filter_map(|owner| owner.time.as_deref()?.parse().ok())
            .max()
    };
    let drifts = report.objects.iter().flat_map(|object| &object.drifts);
    let drifts = drifts.filter(|drift| drift.is_drift());
    let changes = drifts.filter_map(|drift| latest(&drift.owners));
    let extra = report.objects.iter().filter_map(|o| latest(&o.owners));
    changes.chain(extra).min()
}
