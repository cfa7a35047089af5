//! `html`: one page that needs no network.
//!
//! Everything that comes from a manifest or a cluster goes through [`HtmlText`] or [`Code`]. The
//! page's content security policy also forbids loading anything, and every script except
//! [`SCRIPT`], whose hash it names. Without scripts (Jenkins, for example, forbids them), the page
//! lacks only the text filter, which that script adds.

mod clusters;
mod facets;
mod history;
mod sides;

use std::fmt;
use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::digest;

use super::several::{ClusterReport, verdict};
use super::{
    Format, GroupBy, RenderOptions, escape, fleet, gist, groups, ignored, timeline, view, words,
    yaml_text,
};
use crate::model::{
    JudgedChange, Lifecycle, ObjectReport, ObjectStatus, Report, Severity, Verdict,
};
use crate::redact::Redacted;
use facets::Facets;
pub(super) use history::timeline as timeline_page;

const STYLE: &str = include_str!("style.css");

/// Adds the text filter. It is a constant: nothing from a manifest or a cluster gets into it.
const SCRIPT: &str = include_str!("filter.js");

/// The first lines of the style sheet, which hide unselected objects.
const FILTER: &str = "#show-";

/// One page.
pub struct Html;

impl Format for Html {
    fn name(&self) -> &'static str {
        "html"
    }

    fn description(&self) -> &'static str {
        "One self-contained page with side-by-side diffs and filters"
    }

    fn render(
        &self,
        report: &Redacted,
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        open(report.verdict(), &[""], out)?;
        body(report, "", options, out)?;
        close(out)
    }

    fn render_several(
        &self,
        clusters: &[ClusterReport<'_>],
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let scopes: Vec<String> = (0..clusters.len()).map(|at| format!("c{at}-")).collect();
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        open(verdict(clusters), &scopes, out)?;
        let alike = fleet::common_drift(clusters, options.show);
        clusters::overview(clusters, out)?;
        clusters::common(&alike, clusters.len(), out)?;
        for (at, (cluster, scope)) in clusters.iter().zip(scopes).enumerate() {
            let name = HtmlText(&cluster.name);
            writeln!(
                out,
                "<section class=\"cluster\" id=\"cluster-{at}\">\n<h1>Cluster {name}</h1>"
            )?;
            let (own, left_out) = fleet::without_common(cluster.report, &alike, options.show);
            if let Some(said) = fleet::left_out(left_out) {
                writeln!(out, "<p>{said}</p>")?;
            }
            body(&own, scope, options, out)?;
            writeln!(out, "</section>")?;
        }
        close(out)
    }
}

/// Text from outside, in element content or in a quoted attribute.
struct HtmlText<'t>(&'t str);

impl fmt::Display for HtmlText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(f, &escape::line(self.0))
    }
}

/// A line of text, which keeps its tabs.
struct Code<'t>(&'t str);

impl fmt::Display for Code<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(f, &escape::text(self.0))
    }
}

/// Writes markup characters as entities.
fn write_escaped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let mut from = 0;
    for (at, c) in text.char_indices() {
        let entity = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\'' => "&#39;",
            // Text that a log reader would take for a command is escaped, wherever the page ends
            // up.
            '#' if text.get(at..).is_some_and(|rest| rest.starts_with("##[")) => "&#35;",
            _ => continue,
        };
        f.write_str(&text[from..at])?;
        f.write_str(entity)?;
        from = at + 1;
    }
    f.write_str(&text[from..])
}

/// Writes the page down to its body. A scope is the prefix of the names of one cluster's filters.
fn open(verdict: &str, scopes: &[&str], out: &mut dyn Write) -> io::Result<()> {
    let (filters, style): (Vec<_>, Vec<_>) =
        STYLE.lines().partition(|line| line.starts_with(FILTER));
    let (filters, style) = (filters.join("\n"), style.join("\n"));
    let hash = BASE64.encode(digest::digest(&digest::SHA256, SCRIPT.as_bytes()));
    writeln!(
        out,
        "<!DOCTYPE html>\n\
         <html lang=\"en\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>driftctl: {verdict}</title>\n\
         <style>\n{style}"
    )?;
    for scope in scopes {
        let filter = format!("#{scope}show-");
        writeln!(out, "{}", filters.replace(FILTER, &filter))?;
    }
    writeln!(out, "</style>\n</head>\n<body>")
}

/// Ends the page.
fn close(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<script>{SCRIPT}</script>\n</body>\n</html>")
}

/// Writes the results of one cluster.
fn body(
    report: &Report,
    scope: &str,
    options: &RenderOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    // A page is read later than it is written: it shows times, not ages.
    let options = &RenderOptions {
        now: None,
        ..*options
    };
    let objects = view::by_urgency(report, options.show);
    let facets = Facets::of(&objects);
    head(report, out)?;
    facets.style(scope, out)?;
    filters(&objects, scope, out)?;
    facets.boxes(scope, out)?;
    writeln!(out, "<main>")?;
    messages(report, options, out)?;
    if options.group_by == GroupBy::Object {
        for object in &objects {
            render_object(object, report, &facets, options, out)?;
        }
    } else {
        grouped(report, options, out)?;
    }
    time_line(report, options, out)?;
    writeln!(out, "</main>")?;
    rules(report, out)
}

fn head(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let verdict = report.verdict();
    let tally = words::tally(report);
    let tally = match words::severities(report) {
        Some(severities) => format!("{severities}</p>\n<p>{tally}"),
        None => tally,
    };
    writeln!(
        out,
        "<header>\n\
         <h1>driftctl <span class=\"verdict {verdict}\">{verdict}</span></h1>\n\
         <p class=\"tally\">{tally}</p>"
    )?;
    if let Some(meaning) = words::incomplete(report) {
        writeln!(out, "<p class=\"alarm\">{meaning}</p>")?;
    }
    if let Some(meaning) = words::conflict(report) {
        writeln!(out, "<p class=\"alarm\">{meaning}</p>")?;
    }
    let (changes, coverage) = (ignored::changes(report), words::coverage(report));
    writeln!(out, "<p>{changes}; {coverage}</p>")?;
    if let Some(target) = words::sides(report) {
        writeln!(out, "<p class=\"target\">{}</p>", HtmlText(&target))?;
    }
    writeln!(out, "</header>")
}

/// Writes check boxes before everything that they hide; the style sheet does the rest.
fn filters(objects: &[&ObjectReport], scope: &str, out: &mut dyn Write) -> io::Result<()> {
    let statuses = [
        ObjectStatus::Unknown,
        ObjectStatus::Conflict,
        ObjectStatus::Missing,
        ObjectStatus::Drifted,
        ObjectStatus::Extra,
        ObjectStatus::Pending,
        ObjectStatus::InSync,
    ];
    let severities = [
        Severity::Critical,
        Severity::High,
        Severity::Medium,
        Severity::Low,
    ];
    let of_status = |status| objects.iter().filter(|o| o.status() == status).count();
    let of_severity = |severity| {
        let has = |o: &&&ObjectReport| o.severity() == Some(severity);
        objects.iter().filter(has).count()
    };
    let boxes = statuses
        .map(|status| (status.as_str(), of_status(status)))
        .into_iter()
        .chain(severities.map(|severity| (severity.as_str(), of_severity(severity))));
    for (word, count) in boxes.filter(|(_, count)| *count > 0) {
        writeln!(
            out,
            "<input type=\"checkbox\" id=\"{scope}show-{word}\" checked>\
             <label for=\"{scope}show-{word}\">{word} ({count})</label>"
        )?;
    }
    Ok(())
}

/// Writes groups of changes.
fn grouped(report: &Report, options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
    for group in groups::of(report, options.show, options.group_by) {
        let severity = group.severity.map_or("unknown", Severity::as_str);
        let count = words::count(group.rows.len(), "change");
        writeln!(
            out,
            "<article class=\"{severity}\">\n<h2><code>{}</code></h2>\n\
             <p class=\"owners\"><span class=\"{severity}\">{severity}</span> · {count}</p>\n<ul>",
            HtmlText(&group.title)
        )?;
        for row in &group.rows {
            let object = words::object(row.object);
            let what = match options.group_by {
                GroupBy::Change => String::new(),
                _ => format!(
                    " <code>{}</code>",
                    HtmlText(&format!("{} {}", row.sign(), row.what(false, 400)))
                ),
            };
            writeln!(out, "<li>{}{what}</li>", HtmlText(&object))?;
        }
        writeln!(out, "</ul>\n</article>")?;
    }
    Ok(())
}

/// Writes the changes by the time of their last write, with warning Events, folded.
fn time_line(report: &Report, options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
    let mut entries = timeline::entries(report, &report.events, options.show, true);
    entries.retain(|entry| entry.at.is_some());
    if entries.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<details class=\"timeline\"><summary>Time line</summary>"
    )?;
    history::table(&entries, out)?;
    history::unread(&report.events, out)?;
    writeln!(out, "</details>")
}

fn messages(report: &Report, options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
    let skipped = report.skipped.iter().filter(|_| options.verbose);
    let faults = report.warnings.iter().filter(|warning| warning.fatal);
    let warnings = report.warnings.iter().filter(|warning| !warning.fatal);
    let all = faults
        .map(|warning| ("error", warning))
        .chain(warnings.map(|warning| ("warning", warning)))
        .chain(skipped.map(|warning| ("skipped", warning)));
    for (level, warning) in all {
        let (place, message) = (HtmlText(&warning.place), HtmlText(&warning.message));
        writeln!(
            out,
            "<p class=\"message {level}\"><b>{level}</b> <code>{place}</code> {message}</p>"
        )?;
    }
    Ok(())
}

fn render_object(
    object: &ObjectReport,
    report: &Report,
    facets: &Facets,
    options: &RenderOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let status = object.status().as_str();
    let severity = object.severity().map_or("", |severity| severity.as_str());
    let name = words::object(object);
    let lifecycle = object.lifecycle.map_or("", |lifecycle| match lifecycle {
        Lifecycle::New => ", new",
        Lifecycle::Removed => ", removed",
    });
    let classes = facets.classes(object);
    writeln!(out, "<article class=\"{status} {severity}{classes}\">")?;
    writeln!(
        out,
        "<h2><span class=\"mark\">{status}{lifecycle}</span> {}</h2>",
        HtmlText(&name)
    )?;
    if let Some(origin) = words::origin(object) {
        let page = object.origin.as_ref();
        let page = page.and_then(|origin| report.pages.line(origin, origin.line));
        let origin = linked(&format!("<code>{}</code>", HtmlText(&origin)), page);
        writeln!(out, "<p class=\"origin\">{origin}</p>")?;
    }
    if let Some(note) = words::status_note(object) {
        writeln!(out, "<p>{}</p>", HtmlText(&note))?;
    }
    if let Some(owners) = words::owners(&object.owners, options.now) {
        writeln!(out, "<p class=\"owners\">{}</p>", HtmlText(&owners))?;
    }
    for line in words::violations(object) {
        writeln!(out, "<p class=\"alarm\">{}</p>", HtmlText(&line))?;
    }
    for line in gist::of(object) {
        writeln!(out, "<p><code>{}</code></p>", HtmlText(&line))?;
    }
    if let Some(live) = object
        .live
        .as_ref()
        .filter(|_| object.status() == ObjectStatus::Extra)
    {
        let live = yaml_text::document(&live.value(), yaml_text::ControlCharacters::Readable);
        writeln!(
            out,
            "<details><summary>The object</summary><pre>{}</pre></details>",
            Code(&live)
        )?;
    }
    for drift in view::worst_first(object, options.show) {
        let line = drift.position.map(|position| position.line);
        let page = object.origin.as_ref().zip(line);
        let page = page.and_then(|(origin, line)| report.pages.line(origin, line));
        render_drift(drift, page, options, out)?;
    }
    writeln!(out, "</article>")
}

/// Returns markup as a link, if there is an address.
fn linked(markup: &str, page: Option<String>) -> String {
    match page {
        Some(page) => format!("<a href=\"{}\">{markup}</a>", HtmlText(&page)),
        None => markup.to_owned(),
    }
}

fn render_drift(
    drift: &JudgedChange,
    page: Option<String>,
    options: &RenderOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let kind = drift.change.kind.as_str();
    let line = drift.position.map_or_else(String::new, |position| {
        format!(" {}", linked(&format!("line {}", position.line), page))
    });
    writeln!(
        out,
        "<section class=\"{kind}\">\n<h3><code>{}</code>{line}</h3>",
        HtmlText(&drift.change.path.to_string())
    )?;
    let (class, about) = match drift.verdict() {
        Verdict::Reported => match &drift.merge {
            Some(merge) => {
                let about = format!(
                    "{} · {}",
                    words::class(merge.class),
                    drift.severity.as_str()
                );
                (merge.class.as_str(), about)
            }
            None => (drift.severity.as_str(), drift.severity.as_str().to_owned()),
        },
        Verdict::Ignored { rule, reason } => ("ignored", words::hidden_by(rule, reason)),
        Verdict::Explained { by, .. } => ("explained", by.as_str().to_owned()),
    };
    let mut remark = format!("<span class=\"{class}\">{}</span>", HtmlText(&about));
    if drift.is_conflict() {
        let overwritten = words::overwritten(drift, options.now);
        remark.push_str(&format!(" · <b>{}</b>", HtmlText(&overwritten)));
    } else if let Some(owners) = words::owners(&drift.owners, options.now) {
        remark.push_str(&format!(" · {}", HtmlText(&owners)));
    }
    writeln!(out, "<p class=\"owners\">{remark}</p>")?;
    if let Some(blame) = &drift.blame {
        let blame = words::blame(blame);
        writeln!(out, "<p class=\"owners\">{}</p>", HtmlText(&blame))?;
    }
    if let Some(note) = drift.remark() {
        writeln!(out, "<p class=\"note\">{}</p>", HtmlText(&note))?;
    }
    if drift.is_conflict() {
        sides::three_columns(drift, out)?;
    } else {
        sides::render(&view::shown(drift), sides::heads(drift), out)?;
    }
    writeln!(out, "</section>")
}

/// Writes what each rule hid, whether or not that is shown.
fn rules(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if ignored::rules(report).next().is_none() {
        return Ok(());
    }
    writeln!(out, "<footer>\n<h2>Rules</h2>")?;
    for rule in ignored::rules(report) {
        let hid = words::count(rule.hid, "change");
        let (id, reason) = (HtmlText(&rule.rule), HtmlText(&rule.reason));
        writeln!(out, "<p><code>{id}</code> hid {hid}: {reason}</p>")?;
    }
    writeln!(out, "</footer>")
}
