//! `gitlab`: a Code Quality report, which GitLab shows in merge requests.
//!
//! <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::finding::{FindingClass, ReportFinding, findings};
use super::several::ClusterReport;
use super::{Format, RenderOptions, escape, ignored, json_text, words};
use crate::model::Severity;
use crate::redact::Redacted;

/// A list of issues.
pub struct Gitlab;

#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: GitlabLocation,
}

#[derive(Serialize)]
struct GitlabLocation {
    path: String,
    lines: GitlabLines,
}

#[derive(Serialize)]
struct GitlabLines {
    begin: usize,
}

impl Format for Gitlab {
    fn name(&self) -> &'static str {
        "gitlab"
    }

    fn description(&self) -> &'static str {
        "A Code Quality report for GitLab merge requests"
    }

    fn render(
        &self,
        report: &Redacted,
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        write(issues_of(report, options), out)
    }

    fn render_several(
        &self,
        clusters: &[ClusterReport<'_>],
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut issues = Vec::new();
        for cluster in clusters {
            let found = issues_of(cluster.report, options).into_iter();
            issues.extend(found.map(|issue| issue.of(&cluster.name)));
        }
        write(issues, out)
    }
}

impl Issue {
    /// Writes the issues of one of several clusters, with its name and distinct fingerprints.
    fn of(self, cluster: &str) -> Self {
        Self {
            description: format!("{}: {}", escape::line(cluster), self.description),
            fingerprint: format!("{}-{}", escape::line(cluster), self.fingerprint),
            ..self
        }
    }
}

fn issues_of(report: &Redacted, options: &RenderOptions) -> Vec<Issue> {
    let findings = findings(report, options.show).into_iter();
    findings.map(issue).chain([verdict(report)]).collect()
}

fn write(mut issues: Vec<Issue>, out: &mut dyn Write) -> io::Result<()> {
    distinguish(&mut issues);
    json_text::write(out, &issues)
}

/// Returns the run as an issue: the format has no other place for the verdict, or for what rules
/// hid. A merge request shows it if it is new: in the first run, or the first incomplete one.
fn verdict(report: &Redacted) -> Issue {
    let mut description = format!("driftctl: {}", words::verdict(report));
    if let Some(meaning) = words::incomplete(report) {
        description.push_str(&format!("; {meaning}"));
    }
    if let Some(by) = ignored::brief(report, usize::MAX) {
        description.push_str(&format!("; ignored: {by}"));
    }
    let (check_name, severity) = match report.is_incomplete() {
        true => ("incomplete", "blocker"),
        false => ("verdict", "info"),
    };
    Issue {
        description,
        check_name,
        fingerprint: format!("driftctl-{check_name}"),
        severity,
        location: location("driftctl".to_owned(), 1),
    }
}

fn issue(finding: ReportFinding) -> Issue {
    let severity = match finding.severity {
        _ if finding.ignored.is_some() => "info",
        _ if finding.class.is_fault() || finding.class == FindingClass::Conflict => "blocker",
        _ if finding.class.is_intended() => "info",
        Severity::Critical => "critical",
        Severity::High => "major",
        Severity::Medium => "minor",
        Severity::Low => "info",
    };
    let location = match finding.place {
        Some(place) => location(place.file.trim_start_matches("./").to_owned(), place.line),
        None => location(finding.stand_in, 1),
    };
    let mut description = finding.message;
    if !finding.subject.is_empty() {
        description = format!("{}: {description}", finding.subject);
    }
    if let Some(rule) = finding.ignored {
        description.push_str(&format!("; ignored by {rule}"));
    }
    Issue {
        description,
        check_name: finding.class.id(),
        fingerprint: finding.fingerprint,
        severity,
        location,
    }
}

fn location(path: String, begin: usize) -> GitlabLocation {
    GitlabLocation {
        path,
        lines: GitlabLines { begin },
    }
}

/// Makes fingerprints unique: GitLab drops issues with a fingerprint that it has already seen.
fn distinguish(issues: &mut [Issue]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for issue in issues {
        let times = seen.entry(issue.fingerprint.clone()).or_default();
        *times += 1;
        if *times > 1 {
            issue.fingerprint = format!("{}-{times}", issue.fingerprint);
        }
    }
}
