//! `github`: annotations of a GitHub Actions run, at the lines of the manifests.
//!
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use std::io::{self, Write};

use super::finding::{FindingClass, ReportFinding, findings};
use super::several::ClusterReport;
use super::{Format, RenderOptions, escape, ignored, several, words};
use crate::model::Severity;
use crate::redact::Redacted;

/// Workflow commands, one per line.
pub struct Github;

impl Format for Github {
    fn name(&self) -> &'static str {
        "github"
    }

    fn description(&self) -> &'static str {
        "Annotations for GitHub Actions, at the lines of the manifests"
    }

    fn render(
        &self,
        report: &Redacted,
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        for finding in findings(report, options.show) {
            writeln!(out, "{}", annotation(&finding))?;
        }
        if let Some(meaning) = words::incomplete(report) {
            writeln!(out, "::error title=driftctl::incomplete: {meaning}")?;
        }
        if let Some(meaning) = words::conflict(report) {
            writeln!(out, "::error title=driftctl::CONFLICT: {meaning}")?;
        }
        // A runner shows only ten notices per step, so rules do not use any.
        let ignored = ignored::brief(report, usize::MAX);
        let ignored = ignored.map_or_else(String::new, |by| format!("; ignored: {by}"));
        writeln!(out, "driftctl: {}{ignored}", words::verdict(report))
    }

    fn render_several(
        &self,
        clusters: &[ClusterReport<'_>],
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        several::sections(self, "driftctl:", clusters, options, out)
    }
}

/// Returns `::error file=cart.yaml,line=20,title=Deployment shop/cart::.spec.replicas …`.
fn annotation(finding: &ReportFinding) -> String {
    let level = match finding.severity {
        _ if finding.ignored.is_some() || finding.class.is_intended() => "notice",
        _ if finding.class == FindingClass::Conflict => "error",
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "notice",
    };
    let mut properties = Vec::new();
    if let Some(place) = &finding.place {
        let file = escape::line(relative(&place.file));
        properties.push(format!("file={}", property(&file)));
        properties.push(format!("line={}", place.line));
        if let Some(column) = place.column {
            properties.push(format!("col={column}"));
        }
    }
    let title = match (finding.subject.as_str(), finding.class) {
        ("", _) => "driftctl",
        (subject, FindingClass::Conflict) => &format!("CONFLICT in {subject}"),
        (subject, _) => subject,
    };
    properties.push(format!("title={}", property(title)));
    let mut message = format!("{} ({})", finding.message, finding.severity.as_str());
    if let Some(rule) = &finding.ignored {
        message.push_str(&format!(" ignored by {rule}"));
    }
    format!("::{level} {}::{}", properties.join(","), data(&message))
}

/// Returns a path from the root of the repository, as GitHub expects it.
fn relative(file: &str) -> &str {
    file.trim_start_matches("./")
}

/// Escapes like the toolkit's `escapeData`.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes like the toolkit's `escapeProperty`.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
