//! `sarif`: SARIF 2.1.0, which code scanning services read.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use rayon::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use strum::VariantArray as _;

use super::finding::{FindingClass, ReportFinding, findings};
use super::several::ClusterReport;
use super::{Format, RenderOptions, escape, ignored, json_text, words};
use crate::model::Severity;
use crate::redact::Redacted;

/// How many results GitHub accepts in one run.
const MOST_RESULTS: usize = 25_000;

/// The size that GitHub accepts for a file, in bytes, compressed with gzip.
const MOST_BYTES: usize = 10_000_000;

/// One log, with a run for each cluster.
pub struct Sarif;

#[derive(Serialize)]
struct SarifLog {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: Vec<SarifRun>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifRun {
    tool: Value,
    /// Distinguishes the runs on several clusters.
    #[serde(skip_serializing_if = "Option::is_none")]
    automation_details: Option<Value>,
    invocations: [Value; 1],
    results: Vec<Value>,
    column_kind: &'static str,
    properties: Value,
}

impl Format for Sarif {
    fn name(&self) -> &'static str {
        "sarif"
    }

    fn description(&self) -> &'static str {
        "SARIF 2.1.0 for code scanning"
    }

    fn render(
        &self,
        report: &Redacted,
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        write(vec![SarifRun::of(report, options, MOST_BYTES)?], out)
    }

    fn render_several(
        &self,
        clusters: &[ClusterReport<'_>],
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let room = MOST_BYTES / clusters.len().max(1);
        let mut runs = Vec::new();
        for cluster in clusters {
            let mut run = SarifRun::of(cluster.report, options, room)?;
            let id = format!("driftctl/{}/", escape::line(&cluster.name));
            run.automation_details = Some(json!({"id": id}));
            runs.push(run);
        }
        write(runs, out)
    }
}

fn write(runs: Vec<SarifRun>, out: &mut dyn Write) -> io::Result<()> {
    let log = SarifLog {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs,
    };
    json_text::write(out, &log)
}

impl SarifRun {
    /// Returns the results of one cluster, in no more than `room` compressed bytes.
    fn of(report: &Redacted, options: &RenderOptions, room: usize) -> io::Result<Self> {
        let (about_the_run, drift): (Vec<_>, Vec<_>) = findings(report, options.show)
            .into_iter()
            .partition(|finding| {
                matches!(finding.class, FindingClass::Error | FindingClass::Warning)
            });
        let mut notifications: Vec<Value> = about_the_run.iter().map(notification).collect();
        let mut results: Vec<Value> = drift.par_iter().take(MOST_RESULTS).map(result).collect();
        results.truncate(fitting(&results, room)?);
        let (shown, total) = (results.len(), drift.len());
        if shown < total {
            let text = format!("showing {shown} of {total} results, the worst first");
            notifications.push(json!({"level": "warning", "message": {"text": text}}));
        }
        Ok(Self {
            tool: tool(),
            automation_details: None,
            invocations: [json!({
                "executionSuccessful": !report.is_incomplete(),
                "toolExecutionNotifications": notifications,
            })],
            results,
            column_kind: "unicodeCodePoints",
            properties: properties(report),
        })
    }
}

fn properties(report: &Redacted) -> Value {
    let coverage = report.coverage;
    json!({
        "verdict": report.verdict(),
        "summary": words::tally(report),
        "coverage": {
            "declared": coverage.declared,
            "compared": coverage.compared,
            "skipped": coverage.skipped,
            "failed": coverage.failed,
        },
        "target": words::sides(report).unwrap_or_default(),
        "ignored": ignored(report),
    })
}

/// Returns how many of the results fit into `room` compressed bytes.
fn fitting(results: &[Value], room: usize) -> io::Result<usize> {
    let mut count = results.len();
    loop {
        let plain = serde_json::to_vec(results.get(..count).unwrap_or_default())?;
        // Results that fit uncompressed need not be compressed to measure them.
        if count == 0 || plain.len() < room {
            return Ok(count);
        }
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&plain)?;
        if packed.finish()?.len() < room {
            return Ok(count);
        }
        count /= 2;
    }
}

/// Returns the rules that hid something, and how much each hid.
fn ignored(report: &Redacted) -> Vec<Value> {
    ignored::rules(report)
        .map(|rule| {
            json!({
                "rule": escape::line(&rule.rule),
                "reason": escape::line(&rule.reason),
                "changes": rule.hid,
            })
        })
        .collect()
}

fn tool() -> Value {
    let rules: Vec<Value> = FindingClass::VARIANTS
        .iter()
        .map(|class| {
            json!({
                "id": class.id(),
                "name": class.id(),
                "shortDescription": {"text": class.description()},
                "defaultConfiguration": {"level": default_level(*class)},
            })
        })
        .collect();
    json!({"driver": {
        "name": "driftctl",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": rules,
    }})
}

fn result(finding: &ReportFinding) -> Value {
    let rule_index = FindingClass::VARIANTS
        .iter()
        .position(|class| *class == finding.class);
    let (uri, region) = match &finding.place {
        Some(place) => {
            let mut region = json!({"startLine": place.line});
            if let Some(column) = place.column {
                region["startColumn"] = column.into();
            }
            (uri(&place.file), region)
        }
        // Services refuse results without a file.
        None => (uri(&finding.stand_in), json!({"startLine": 1})),
    };
    let mut name = finding.subject.clone();
    if let Some(path) = &finding.path {
        name.push_str(&format!(" {path}"));
    }
    let mut result = json!({
        "ruleId": finding.class.id(),
        "ruleIndex": rule_index,
        "level": level(finding),
        "message": {"text": format!("{}: {}", finding.subject, finding.message)},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": uri},
                "region": region,
            },
            "logicalLocations": [{"fullyQualifiedName": name, "kind": "resource"}],
        }],
        "partialFingerprints": {"driftctl/v1": finding.fingerprint},
        "properties": {"severity": finding.severity.as_str()},
    });
    if let Some(rule) = &finding.ignored {
        result["suppressions"] = json!([{"kind": "external", "justification": rule}]);
    }
    result
}

fn notification(finding: &ReportFinding) -> Value {
    let text = if finding.subject.is_empty() {
        finding.message.clone()
    } else {
        format!("{}: {}", finding.subject, finding.message)
    };
    let mut notification = json!({
        "descriptor": {"id": finding.class.id()},
        "level": level(finding),
        "message": {"text": text},
    });
    if let Some(place) = &finding.place {
        notification["locations"] = json!([{"physicalLocation": {
            "artifactLocation": {"uri": uri(&place.file)},
            "region": {"startLine": place.line},
        }}]);
    }
    notification
}

fn default_level(class: FindingClass) -> &'static str {
    match class {
        FindingClass::Conflict => "error",
        class if class.is_fault() => "error",
        class if class.is_intended() => "note",
        _ => "warning",
    }
}

fn level(finding: &ReportFinding) -> &'static str {
    match finding.severity {
        _ if finding.class.is_intended() => "note",
        _ if finding.class == FindingClass::Conflict => "error",
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// Returns a path as a URI reference (RFC 3986): relative ones stay relative.
fn uri(path: &str) -> String {
    let path = path.trim_start_matches("./");
    let mut uri = String::with_capacity(path.len());
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    for b in path.bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(b as char);
            }
            b => uri.push_str(&format!("%{b:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_as_many_results_as_fit() {
        let alike: Vec<Value> = (0..1000).map(|_| json!({"text": "the same"})).collect();
        assert_eq!(fitting(&alike, 10_000).unwrap(), 1000, "they compress well");
        // A sequence of digits that does not repeat compresses to less than half.
        let mut state = 1_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state
        };
        let apart: Vec<Value> = (0..1000).map(|_| json!({"text": next()})).collect();
        let kept = fitting(&apart, 10_000).unwrap();
        assert!((250..1000).contains(&kept), "{kept}");
        assert_eq!(fitting(&apart, 2).unwrap(), 0);
    }
}
