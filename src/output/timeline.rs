//! `timeline`: the changes in the order of their last write, by day and hour: what happened, and
//! when.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::paint::{Line, Paint, ascii};
use super::rows::{self, Row};
use super::{Format, RenderOptions, ignored, words};
use crate::redact::Redacted;

/// Where what does not fit on one line goes on.
const INDENT: usize = 12;

/// Characters of a value.
const LONGEST_VALUE: usize = 80;

/// The changes in the order of their last write.
pub struct Timeline;

impl Format for Timeline {
    fn name(&self) -> &'static str {
        "timeline"
    }

    fn description(&self) -> &'static str {
        "The changes in the order of their last write, by day and hour, with who made them"
    }

    fn render(
        &self,
        report: &Redacted,
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut rows: Vec<(Option<Timestamp>, Row<'_>)> = rows::of(report, options.show)
            .into_iter()
            .map(|row| (moment(&row), row))
            .collect();
        // Stable: what was written at once, and what has no time, keeps the worst first.
        rows.sort_by_key(|(moment, _)| *moment);
        let mut heading = None;
        for (moment, row) in &rows {
            let now = hour(*moment);
            if heading.as_ref() != Some(&now) {
                if heading.is_some() {
                    writeln!(out)?;
                }
                let line = Line::of(Paint::Bold, &now);
                writeln!(out, "{}", line.render(options.colour))?;
                heading = Some(now);
            }
            let line = entry(*moment, row, options);
            let columns = options.width.saturating_sub(INDENT);
            for (at, part) in line.wrap(columns).into_iter().enumerate() {
                let mut indented = Line::default();
                indented.pad_to(if at == 0 { 2 } else { INDENT });
                let part = indented.append(part);
                let text = part.render(options.colour);
                let text = if options.ascii { ascii(&text) } else { text };
                writeln!(out, "{}", text.trim_end_matches(' '))?;
            }
        }
        if !rows.is_empty() {
            writeln!(out)?;
        }
        for warning in &report.warnings {
            let level = if warning.fatal { "error" } else { "warning" };
            let place = match warning.place.as_str() {
                "" => String::new(),
                place => format!("{place}: "),
            };
            let message = format!("# {level}: {place}{}", warning.message);
            let line = Line::of(Paint::Plain, &message);
            writeln!(out, "{}", line.render(options.colour))?;
        }
        for line in ignored::lines(report, options.show) {
            writeln!(out, "# {line}")?;
        }
        writeln!(out, "# {}", words::verdict(report))
    }
}

/// When the latest writer wrote, as far as it is recorded.
fn moment(row: &Row<'_>) -> Option<Timestamp> {
    row.writer()?.time.as_ref()?.parse().ok()
}

/// `2026-11-21 09:00 UTC`
fn hour(moment: Option<Timestamp>) -> String {
    match moment {
        Some(moment) => {
            let time = moment.to_zoned(TimeZone::UTC);
            time.strftime("%Y-%m-%d %H:00 UTC").to_string()
        }
        None => "time not recorded".to_owned(),
    }
}

/// `  09:12:03  bob  high  Deployment shop/cart  ~ .spec.replicas 3 to 0`
fn entry(moment: Option<Timestamp>, row: &Row<'_>, options: &RenderOptions) -> Line {
    let time = match moment {
        Some(moment) => moment
            .to_zoned(TimeZone::UTC)
            .strftime("%H:%M:%S")
            .to_string(),
        None => " ".repeat(8),
    };
    let severity = row.severity.map_or(Paint::Unknown, Paint::of_severity);
    let sign = match row.sign() {
        '+' => Paint::Live,
        '-' => Paint::Declared,
        '!' => Paint::Bad,
        _ => Paint::Drift,
    };
    let most = if options.verbose {
        usize::MAX
    } else {
        LONGEST_VALUE
    };
    let mut line = Line::of(Paint::Dim, &format!("{time}  "));
    line.push(severity, &format!("{:<8}  ", row.severity()))
        .push(Paint::Bold, &words::object(row.object))
        .push(Paint::Plain, "  ");
    if let Some(writer) = row.writer() {
        let who = match &writer.user {
            Some(user) => format!("{user} ({})", writer.manager),
            None => writer.manager.clone(),
        };
        line.push(Paint::Dim, &format!("{who}  "));
    }
    line.push(sign, &row.sign().to_string())
        .push(Paint::Plain, " ")
        .push(Paint::Plain, &row.what(!options.verbose, most));
    line
}
