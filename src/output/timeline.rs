//! `timeline`: the changes in the order of their last write, by day and hour. With a [`History`],
//! entries of other sources come between them.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::paint::{Paint, StyledLine, ascii};
use super::rows::{self, ReportRow};
use super::{Format, RenderOptions, ShowLevel, escape, ignored, words};
use crate::model::{History, HistoryEntry, HistorySource, Report};
use crate::redact::Redacted;

/// The indentation of continuation lines.
const INDENT: usize = 12;

/// The length limit of a value.
const LONGEST_VALUE: usize = 80;

/// The changes in the order of their last write.
pub struct TimelineReport;

impl Format for TimelineReport {
    fn name(&self) -> &'static str {
        "timeline"
    }

    fn description(&self) -> &'static str {
        "Changes in the order of their last write, by day and hour, with who made them"
    }

    fn render(
        &self,
        report: &Redacted,
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let entries = entries(report, &report.events, options.show, !options.verbose);
        write_entries(&entries, options, out)?;
        for (source, why) in &report.events.unread {
            let said = format!("# not read: {source}: {why}");
            writeln!(out, "{}", escape::line(&said))?;
        }
        for warning in &report.warnings {
            let level = if warning.fatal { "error" } else { "warning" };
            let place = match warning.place.as_str() {
                "" => String::new(),
                place => format!("{place}: "),
            };
            let message = format!("# {level}: {place}{}", warning.message);
            let line = StyledLine::of(Paint::Plain, &message);
            writeln!(out, "{}", line.render(options.colour))?;
        }
        for line in ignored::lines(report, options.show) {
            writeln!(out, "# {line}")?;
        }
        writeln!(out, "# {}", words::verdict(report))
    }
}

/// One line of a timeline.
pub(super) struct TimelineLine {
    /// The time, if recorded.
    pub at: Option<Timestamp>,
    /// The source.
    pub evidence: HistorySource,
    /// `high`; empty for an entry that is not a change of the comparison.
    pub severity: String,
    /// Whether it is a warning or a failure.
    pub is_warning: bool,
    /// `Deployment shop/cart`
    pub object: String,
    /// `bob (kubectl-edit)`
    pub who: Option<String>,
    /// The sign of a change.
    pub sign: Option<char>,
    /// What happened.
    pub what: String,
    paint: Paint,
}

/// Merges the changes of a report with entries of other sources, in order of time. `short` cuts
/// long values.
pub(super) fn entries(
    report: &Report,
    history: &History,
    show: ShowLevel,
    short: bool,
) -> Vec<TimelineLine> {
    let most = if short { LONGEST_VALUE } else { usize::MAX };
    let rows = rows::of(report, show);
    let changes = rows.iter().map(|row| change(row, short, most));
    let mut entries: Vec<TimelineLine> = changes
        .chain(history.moments.iter().map(entry_line))
        .collect();
    // Most sources record times to the second: within it, the consequences of a write come after
    // it. The sort is stable: entries of the same time, and those without a time, stay the worst
    // first.
    entries.sort_by_key(|entry| {
        let second = entry.at.map(Timestamp::as_second);
        (second, follows(entry.evidence), entry.at)
    });
    entries
}

/// Returns whether a source reports consequences of a write, and not the write itself.
fn follows(evidence: HistorySource) -> u8 {
    match evidence {
        HistorySource::Git
        | HistorySource::AuditLog
        | HistorySource::ManagedFields
        | HistorySource::Drift => 0,
        HistorySource::Deployer => 1,
        HistorySource::Rollout => 2,
        HistorySource::Event | HistorySource::Pod => 3,
    }
}

fn change(row: &ReportRow<'_>, short: bool, most: usize) -> TimelineLine {
    let writer = row.writer();
    TimelineLine {
        at: writer
            .as_ref()
            .and_then(|writer| writer.time.as_ref()?.parse().ok()),
        evidence: HistorySource::Drift,
        severity: row.severity().to_owned(),
        is_warning: false,
        object: words::object(row.object),
        who: writer.map(|writer| author_text(writer.user.as_deref(), Some(&writer.manager))),
        sign: Some(row.sign()),
        what: row.what(short, most),
        paint: row.severity.map_or(Paint::Unknown, Paint::of_severity),
    }
}

fn entry_line(moment: &HistoryEntry) -> TimelineLine {
    let (user, manager) = (moment.user.as_deref(), moment.manager.as_deref());
    let is_known = user.is_some() || manager.is_some();
    TimelineLine {
        at: moment.at,
        evidence: moment.evidence,
        severity: String::new(),
        is_warning: moment.is_warning,
        object: escape::line(&moment.object.to_string()).into_owned(),
        who: is_known.then(|| author_text(user, manager)),
        sign: None,
        what: escape::line(&moment.what).into_owned(),
        paint: if moment.is_warning {
            Paint::Bad
        } else {
            Paint::Dim
        },
    }
}

fn author_text(user: Option<&str>, manager: Option<&str>) -> String {
    let said = match (user, manager) {
        (Some(user), Some(manager)) => format!("{user} ({manager})"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => String::new(),
    };
    escape::line(&said).into_owned()
}

/// Writes the lines under a heading for each hour.
pub(super) fn write_entries(
    entries: &[TimelineLine],
    options: &RenderOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut heading = None;
    for entry in entries {
        let now = hour(entry.at);
        if heading.as_ref() != Some(&now) {
            if heading.is_some() {
                writeln!(out)?;
            }
            let line = StyledLine::of(Paint::Bold, &now);
            writeln!(out, "{}", line.render(options.colour))?;
            heading = Some(now);
        }
        let columns = options.width.saturating_sub(INDENT);
        for (at, part) in lines(entry, columns).into_iter().enumerate() {
            let mut indented = StyledLine::default();
            indented.pad_to(if at == 0 { 2 } else { INDENT });
            let part = indented.append(part);
            let text = part.render(options.colour);
            let text = if options.ascii { ascii(&text) } else { text };
            writeln!(out, "{}", text.trim_end_matches(' '))?;
        }
    }
    if !entries.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

/// Returns `2026-11-21 09:00 UTC`.
fn hour(moment: Option<Timestamp>) -> String {
    match moment {
        Some(moment) => {
            let time = moment.to_zoned(TimeZone::UTC);
            time.strftime("%Y-%m-%d %H:00 UTC").to_string()
        }
        None => "time not recorded".to_owned(),
    }
}

/// Returns `09:12:03  high  Deployment shop/cart  bob  ~ .spec.replicas 3 to 0`, wrapped. What
/// happened begins a line of its own if it does not fit on the first.
fn lines(entry: &TimelineLine, columns: usize) -> Vec<StyledLine> {
    let (mut head, what) = (head(entry), change_text(entry));
    if head.width() + what.width() <= columns {
        head.append(what);
        return vec![head];
    }
    let mut lines = head.wrap(columns);
    lines.extend(what.wrap(columns));
    lines
}

/// Returns `09:12:03  high  Deployment shop/cart  bob  `.
fn head(entry: &TimelineLine) -> StyledLine {
    let time = match entry.at {
        Some(at) => at.to_zoned(TimeZone::UTC).strftime("%H:%M:%S").to_string(),
        None => " ".repeat(8),
    };
    let label = match entry.evidence {
        HistorySource::Drift => entry.severity.as_str(),
        HistorySource::ManagedFields => "write",
        HistorySource::AuditLog => "request",
        HistorySource::Deployer => "deploy",
        other => other.as_str(),
    };
    let mut line = StyledLine::of(Paint::Dim, &format!("{time}  "));
    line.push(entry.paint, &format!("{label:<8}  "))
        .push(Paint::Bold, &entry.object)
        .push(Paint::Plain, "  ");
    if let Some(who) = &entry.who {
        line.push(Paint::Dim, &format!("{who}  "));
    }
    line
}

/// Returns `~ .spec.replicas 3 to 0`.
fn change_text(entry: &TimelineLine) -> StyledLine {
    let mut line = StyledLine::default();
    if let Some(sign) = entry.sign {
        let paint = match sign {
            '+' => Paint::Live,
            '-' => Paint::Declared,
            '!' => Paint::Bad,
            _ => Paint::Drift,
        };
        line.push(paint, &sign.to_string()).push(Paint::Plain, " ");
    }
    line.push(Paint::Plain, &entry.what);
    line
}
