//! Writes `driftctl timeline`: changes and entries of other sources, in order of time.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::timeline::{TimelineLine, entries, write_entries};
use super::{CommandFormat, RenderOptions, escape, html, json_text};
use crate::model::{History, HistorySource};
use crate::output::document::words;
use crate::redact::Redacted;

const SCHEMA: &str = "driftctl.timeline/v1";

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TimelineDocument<'h> {
    /// The name and version of this format.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// The entries, oldest first; those without a time come before the rest.
    moments: Vec<MomentDocument<'h>>,
    /// The sources that were read.
    read: &'h [String],
    /// The sources that could not be read.
    unread: Vec<UnreadDocument<'h>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct MomentDocument<'h> {
    /// The time, RFC 3339; absent if not recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    /// The source.
    #[schemars(extend("enum" = words::<HistorySource>()))]
    source: &'static str,
    /// The object, such as `Deployment shop/cart`.
    object: &'h str,
    /// The user or the field manager, where the source knows one.
    #[serde(skip_serializing_if = "Option::is_none")]
    who: Option<&'h str>,
    /// What happened.
    what: &'h str,
    /// The severity of a change of the comparison.
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<&'h str>,
    /// Whether it is a warning or a failure.
    warning: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct UnreadDocument<'h> {
    /// The source.
    source: &'h str,
    /// Why it was not read.
    reason: &'h str,
}

/// Returns the JSON Schema of timelines.
pub fn timeline_schema() -> Value {
    super::document::schema_of::<TimelineDocument<'_>>(SCHEMA)
}

/// Writes a timeline.
///
/// # Errors
/// Fails like `out`.
pub fn history(
    report: &Redacted,
    history: &History,
    since: Option<jiff::Timestamp>,
    format: CommandFormat,
    options: &RenderOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut entries = entries(report, history, options.show, !options.verbose);
    if let Some(since) = since {
        // An entry without a time may be recent.
        entries.retain(|entry| entry.at.is_none_or(|at| at >= since));
    }
    match format {
        CommandFormat::Json => json(&entries, history, out),
        CommandFormat::Markdown => markdown(&entries, history, out),
        CommandFormat::Html => html::timeline_page(&entries, history, out),
        _ => text(&entries, history, options, out),
    }
}

fn text(
    entries: &[TimelineLine],
    history: &History,
    options: &RenderOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    write_entries(entries, options, out)?;
    if entries.is_empty() {
        writeln!(out, "# nothing is recorded for this period")?;
    }
    for (source, why) in &history.unread {
        writeln!(
            out,
            "# not read: {}: {}",
            escape::line(source),
            escape::line(why)
        )?;
    }
    Ok(())
}

fn json(entries: &[TimelineLine], history: &History, out: &mut dyn Write) -> io::Result<()> {
    let moments = entries.iter().map(|entry| MomentDocument {
        time: entry.at.map(|at| at.to_string()),
        source: entry.evidence.as_str(),
        object: &entry.object,
        who: entry.who.as_deref(),
        what: &entry.what,
        severity: (entry.evidence == HistorySource::Drift).then_some(entry.severity.as_str()),
        warning: entry.is_warning,
    });
    let unread = history.unread.iter();
    let document = TimelineDocument {
        schema: SCHEMA,
        moments: moments.collect(),
        read: &history.read,
        unread: unread
            .map(|(source, reason)| UnreadDocument { source, reason })
            .collect(),
    };
    json_text::write(out, &document)
}

fn markdown(entries: &[TimelineLine], history: &History, out: &mut dyn Write) -> io::Result<()> {
    let cell = super::markdown::code;
    writeln!(out, "| Time | Source | Object | Who | What |")?;
    writeln!(out, "|---|---|---|---|---|")?;
    for entry in entries {
        let at = entry
            .at
            .map_or("not recorded".to_owned(), |at| at.to_string());
        let sign = entry.sign.map_or(String::new(), |sign| format!("{sign} "));
        writeln!(
            out,
            "| {at} | {} | {} | {} | {} |",
            entry.evidence.as_str(),
            cell(&entry.object),
            entry.who.as_deref().map(cell).unwrap_or_default(),
            cell(&format!("{sign}{}", entry.what)),
        )?;
    }
    if !history.unread.is_empty() {
        writeln!(out, "\nNot read:\n")?;
    }
    for (source, why) in &history.unread {
        writeln!(out, "- {}: {}", cell(source), cell(why))?;
    }
    Ok(())
}
