//! The reports on several clusters in one document.

use std::io::{self, Write};

use super::{Format, RenderOptions, escape};
use crate::model::Report;
use crate::redact::Redacted;

/// The report on one of several clusters.
#[derive(Debug, Clone)]
pub struct ClusterReport<'r> {
    /// The name of the cluster: its context, or another identifier.
    pub name: String,
    /// The report.
    pub report: &'r Redacted,
}

/// Writes the reports on one cluster or several. A single report has its usual form.
///
/// # Errors
/// Only those of `out`.
pub fn render_all(
    format: &dyn Format,
    reports: &[Redacted],
    options: &RenderOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    if let [report] = reports {
        return format.render(report, options, out);
    }
    let clusters: Vec<ClusterReport<'_>> = reports
        .iter()
        .enumerate()
        .map(|(at, report)| ClusterReport {
            name: cluster(report, at),
            report,
        })
        .collect();
    format.render_several(&clusters, options, out)
}

/// Returns the name of a report's cluster; `at` is its index among several.
pub fn cluster(report: &Report, at: usize) -> String {
    let target = &report.target;
    let name = target.context.as_ref().or(target.server.as_ref());
    name.cloned()
        .unwrap_or_else(|| format!("cluster {}", at + 1))
}

/// Returns the worst verdict of all; `incomplete` is the worst.
pub(super) fn verdict(clusters: &[ClusterReport<'_>]) -> &'static str {
    let any = |word| clusters.iter().any(|one| one.report.verdict() == word);
    ["incomplete", "conflict", "drifted", "pending"]
        .into_iter()
        .find(|word| any(*word))
        .unwrap_or("in-sync")
}

/// Writes one section after the other, each under a line with the name of the cluster, and the
/// verdicts of all at the end. `mark` begins a line that programs ignore.
pub(super) fn sections(
    format: &(impl Format + ?Sized),
    mark: &str,
    clusters: &[ClusterReport<'_>],
    options: &RenderOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut verdicts = Vec::new();
    for ClusterReport { name, report } in clusters {
        let name = escape::line(name);
        writeln!(out, "{mark} cluster {name}")?;
        format.render(report, options, out)?;
        writeln!(out)?;
        verdicts.push(format!("{name} {}", report.verdict()));
    }
    let count = clusters.len();
    writeln!(out, "{mark} {count} clusters: {}", verdicts.join(", "))
}
