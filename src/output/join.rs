//! The reports on several clusters in one document.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::json::write_json;
use super::{Format, RenderOptions, escape};
use crate::model::Report;
use crate::redact::Redacted;

/// The name and version of the document of several reports.
const SCHEMA: &str = "driftctl.reports/v1";

/// What a format wrote about one cluster.
pub struct Part {
    /// The cluster's name: its context, or what else tells it apart.
    pub cluster: String,
    /// The report's verdict.
    pub verdict: &'static str,
    /// What was written.
    pub text: String,
}

/// Writes the reports on one cluster or several. One is written as it always is.
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
    let mut parts = Vec::new();
    for (at, report) in reports.iter().enumerate() {
        let mut text = Vec::new();
        format.render(report, options, &mut text)?;
        parts.push(Part {
            cluster: cluster(report, at),
            verdict: report.verdict(),
            text: String::from_utf8_lossy(&text).into_owned(),
        });
    }
    format.join(&parts, out)
}

/// What a report's cluster is called.
pub fn cluster(report: &Report, at: usize) -> String {
    let target = &report.target;
    let name = target.context.as_ref().or(target.server.as_ref());
    name.cloned()
        .unwrap_or_else(|| format!("cluster {}", at + 1))
}

/// The worst verdict of all: what was not compared counts most.
fn verdict(parts: &[Part]) -> &'static str {
    let of = |word| parts.iter().any(|part| part.verdict == word);
    ["incomplete", "conflict", "drifted", "pending"]
        .into_iter()
        .find(|word| of(*word))
        .unwrap_or("in-sync")
}

/// One section below the other, each with a line that names the cluster, and the verdicts of all
/// at the end. `mark` begins a line that programs pass over.
pub(super) fn sections(parts: &[Part], mark: &str, out: &mut dyn Write) -> io::Result<()> {
    for part in parts {
        writeln!(out, "{mark} cluster {}", escape::line(&part.cluster))?;
        out.write_all(part.text.as_bytes())?;
        writeln!(out)?;
    }
    let verdicts: Vec<_> = parts
        .iter()
        .map(|part| format!("{} {}", escape::line(&part.cluster), part.verdict))
        .collect();
    let clusters = parts.len();
    writeln!(out, "{mark} {clusters} clusters: {}", verdicts.join(", "))
}

fn value(part: &Part) -> io::Result<Value> {
    Ok(serde_json::from_str(&part.text)?)
}

/// One JSON document with the report on each cluster.
pub(super) fn json(parts: &[Part], out: &mut dyn Write) -> io::Result<()> {
    let reports: Vec<Value> = parts.iter().map(value).collect::<io::Result<_>>()?;
    let document = json!({"schema": SCHEMA, "verdict": verdict(parts), "reports": reports});
    write_json(out, &document)
}

/// The same as YAML.
pub(super) fn yaml(parts: &[Part], out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "schema: {SCHEMA}\nverdict: {}\nreports:",
        verdict(parts)
    )?;
    for part in parts {
        for (at, line) in part.text.lines().enumerate() {
            match (at, line) {
                (0, line) => writeln!(out, "- {line}")?,
                (_, "") => writeln!(out)?,
                (_, line) => writeln!(out, "  {line}")?,
            }
        }
    }
    Ok(())
}

/// One run for each cluster, told apart as SARIF has it, by `automationDetails`.
pub(super) fn sarif(parts: &[Part], out: &mut dyn Write) -> io::Result<()> {
    let mut log = json!({});
    let mut runs = Vec::new();
    for part in parts {
        let mut one = value(part)?;
        let found = one.get_mut("runs").and_then(Value::as_array_mut);
        for mut run in found.map(std::mem::take).unwrap_or_default() {
            run["automationDetails"] = json!({"id": format!("driftctl/{}/", part.cluster)});
            runs.push(run);
        }
        log = one;
    }
    log["runs"] = runs.into();
    write_json(out, &log)
}

/// All issues in one list; each names its cluster, and is an issue of its own.
pub(super) fn gitlab(parts: &[Part], out: &mut dyn Write) -> io::Result<()> {
    let mut issues = Vec::new();
    for part in parts {
        let Value::Array(found) = value(part)? else {
            continue;
        };
        for mut issue in found {
            for (field, sign) in [("description", ": "), ("fingerprint", "-")] {
                let text = issue[field].as_str().unwrap_or_default();
                issue[field] = format!("{}{sign}{text}", part.cluster).into();
            }
            issues.push(issue);
        }
    }
    write_json(out, &issues)
}

/// One suite for each cluster.
pub(super) fn junit(parts: &[Part], out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>"
    )?;
    for (at, part) in parts.iter().enumerate() {
        let id = format!("id=\"{at}\"");
        let name = format!(
            "name=\"driftctl {}\"",
            quick_xml::escape::escape(&*escape::line(&part.cluster))
        );
        let lines = part.text.lines();
        let inside = lines.filter(|line| {
            let outer = ["<?xml", "<testsuites", "</testsuites"];
            !outer.iter().any(|start| line.starts_with(start))
        });
        for line in inside {
            if line.trim_start().starts_with("<testsuite ") {
                let line = line.replacen("name=\"driftctl\"", &name, 1);
                writeln!(out, "{}", line.replacen("id=\"0\"", &id, 1))?;
            } else {
                writeln!(out, "{line}")?;
            }
        }
    }
    writeln!(out, "</testsuites>")
}

/// Every metric once, its samples with a label `cluster`.
pub(super) fn prometheus(parts: &[Part], out: &mut dyn Write) -> io::Result<()> {
    let mut order: Vec<&str> = Vec::new();
    let mut metrics: BTreeMap<&str, (Vec<&str>, Vec<String>)> = BTreeMap::new();
    for part in parts {
        let label = super::prometheus::label_value(&part.cluster);
        let mut current = "";
        for line in part.text.lines() {
            if let Some(about) = line.strip_prefix("# ") {
                current = about.split(' ').nth(1).unwrap_or_default();
                if !metrics.contains_key(current) {
                    order.push(current);
                }
                let (about, _) = metrics.entry(current).or_default();
                if !about.contains(&line) {
                    about.push(line);
                }
                continue;
            }
            let (_, samples) = metrics.entry(current).or_default();
            let at = line.find(['{', ' ']).unwrap_or(line.len());
            let (name, rest) = line.split_at(at);
            samples.push(match rest.strip_prefix('{') {
                Some(labels) => format!("{name}{{cluster=\"{label}\",{labels}"),
                None => format!("{name}{{cluster=\"{label}\"}}{rest}"),
            });
        }
    }
    for (about, samples) in order.iter().filter_map(|name| metrics.get(name)) {
        for line in about {
            writeln!(out, "{line}")?;
        }
        for line in samples {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// A comment with a heading for each cluster. Those that no longer fit in it keep their verdict.
pub(super) fn markdown(
    parts: &[Part],
    mark: &str,
    budget: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = format!("{mark}\n");
    let mut room = budget.saturating_sub(parts.len() * 600);
    for part in parts {
        let name = escape::line(&part.cluster).replace('`', "'");
        let text = part.text.replacen(mark, "", 1);
        let heading = format!("## Cluster `{name}`\n");
        if let Some(left) = room.checked_sub(text.len() + heading.len()) {
            room = left;
            page.push_str(&format!("{heading}{text}\n"));
        } else {
            let verdict = part.verdict;
            page.push_str(&format!(
                "{heading}\n**{verdict}**; its details are too long for this comment\n\n"
            ));
        }
    }
    out.write_all(page.as_bytes())
}

/// One page; what hides and shows is each cluster's own.
pub(super) fn html(parts: &[Part], out: &mut dyn Write) -> io::Result<()> {
    let style = |text: &str| -> Option<String> {
        let (_, rest) = text.split_once("<style>")?;
        Some(rest.split_once("</style>")?.0.to_owned())
    };
    let body = |text: &str| -> Option<String> {
        let (_, rest) = text.split_once("<body>")?;
        Some(rest.rsplit_once("</body>")?.0.to_owned())
    };
    let first = parts.first().map_or("", |part| part.text.as_str());
    let Some((head, _)) = first.split_once("<style>") else {
        return Ok(());
    };
    let styles: String = (0..parts.len())
        .map(|at| {
            let style = style(first).unwrap_or_default();
            style.replace("#show-", &format!("#c{at}-show-"))
        })
        .collect();
    writeln!(out, "{head}<style>{styles}</style>\n</head>\n<body>")?;
    for (at, part) in parts.iter().enumerate() {
        let mut inside = body(&part.text).unwrap_or_default();
        for attribute in ["id", "for"] {
            inside = inside.replace(
                &format!("{attribute}=\"show-"),
                &format!("{attribute}=\"c{at}-show-"),
            );
        }
        let name = quick_xml::escape::escape(&*escape::line(&part.cluster)).into_owned();
        writeln!(
            out,
            "<section class=\"cluster\">\n<h1>Cluster {name}</h1>\n{inside}</section>"
        )?;
    }
    writeln!(out, "</body>\n</html>")
}
