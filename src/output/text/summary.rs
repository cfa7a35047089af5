//! The end of the report: warnings and errors, and the verdict.

use std::io;

use super::{Paint, StyledLine, TextPage, urgent, words};
use crate::model::{Report, Warning, after_an_apply};
use crate::output::{ShowLevel, ignored};
use crate::policy::ACCEPTED;

/// How many rules are named without `--show ignored`.
const MOST_RULES: usize = 12;

/// Writes the summary. `is_long` means that the worst changes are no longer on the screen.
pub(super) fn render(page: &mut TextPage<'_>, report: &Report, is_long: bool) -> io::Result<()> {
    let verbose = page.options.verbose;
    for skipped in report.skipped.iter().filter(|_| verbose) {
        message(page, "skipped", Paint::Dim, skipped)?;
    }
    if page.options.show >= ShowLevel::Ignored {
        for rule in &report.rules {
            let hid = words::count(rule.hid, "change");
            let label = match rule.rule.as_str() {
                ACCEPTED => "",
                _ => "rule ",
            };
            let mut text = StyledLine::of(Paint::Plain, &rule.rule);
            text.push(
                Paint::Dim,
                &match rule.reason.as_str() {
                    "" => format!(" hid {hid}"),
                    reason => format!(" hid {hid}: {reason}"),
                },
            );
            page.wrapped(&StyledLine::of(Paint::Dim, label), 2, text)?;
        }
    }
    // Errors come last, next to the verdict that they cause.
    for warning in report.warnings.iter().filter(|warning| !warning.fatal) {
        message(page, "warning", Paint::Drift, warning)?;
    }
    for error in report.warnings.iter().filter(|warning| warning.fatal) {
        message(page, "error", Paint::Bad, error)?;
    }
    let shown = !report.warnings.is_empty() || (verbose && !report.skipped.is_empty());
    if shown || (page.options.show >= ShowLevel::Ignored && !report.rules.is_empty()) {
        page.blank()?;
    }
    verdict(page, report, is_long)
}

/// Writes `error: cart.yaml:7:3: …`.
fn message(
    page: &mut TextPage<'_>,
    label: &str,
    paint: Paint,
    warning: &Warning,
) -> io::Result<()> {
    let mut first = StyledLine::of(paint, label);
    first.push(paint, ": ");
    let mut text = StyledLine::default();
    if !warning.place.is_empty() {
        text.push(Paint::Bold, &warning.place)
            .push(Paint::Plain, ": ");
    }
    text.push(Paint::Plain, &warning.message);
    page.wrapped(&first, 2, text)
}

/// Returns the word for the result, in its colour.
fn word(report: &Report) -> StyledLine {
    let (word, paint) = if report.is_incomplete() {
        ("INCOMPLETE", Paint::Alarm)
    } else {
        match report.verdict() {
            "conflict" => ("CONFLICT", Paint::Alarm),
            "drifted" => ("DRIFTED", Paint::Drift),
            "pending" => ("PENDING", Paint::Note),
            _ => ("IN SYNC", Paint::Good),
        }
    };
    let mut line = StyledLine::of(paint, word);
    line.push(Paint::Plain, "  ");
    line
}

/// Returns the verdict in one line, to repeat at the end.
pub(super) fn last_line(page: &mut TextPage<'_>, report: &Report) -> io::Result<()> {
    let mut line = word(report);
    line.push(Paint::Bold, &words::tally(report));
    page.line(&line)
}

/// Writes what was compared, beginning with the context.
pub(super) fn target(report: &Report) -> Option<StyledLine> {
    const UNVERIFIED: &str = "certificate NOT verified";
    let said = words::sides(report)?;
    let (before, after) = match said.split_once(UNVERIFIED) {
        Some((before, after)) => (before, Some(after)),
        None => (said.as_str(), None),
    };
    let mut line = match before.split_once(',') {
        Some((first, rest)) => {
            let mut line = StyledLine::of(Paint::Bold, first);
            line.push(Paint::Plain, &format!(",{rest}"));
            line
        }
        None => StyledLine::of(Paint::Bold, before),
    };
    if let Some(after) = after {
        line.push(Paint::Caution, UNVERIFIED)
            .push(Paint::Plain, after);
    }
    Some(line)
}

fn verdict(page: &mut TextPage<'_>, report: &Report, is_long: bool) -> io::Result<()> {
    let mut first = word(report);
    // The details are aligned next to the word, unless the page is narrow.
    let indent = if page.options.width >= 60 {
        first.width()
    } else {
        2
    };
    let severities = words::severities(report);
    let tally = words::tally(report);
    let head = severities.as_ref().unwrap_or(&tally);
    let mut lines = vec![StyledLine::of(Paint::Bold, head)];
    if let Some(meaning) = words::incomplete(report) {
        lines.push(StyledLine::of(Paint::Unknown, meaning));
    }
    if let Some(meaning) = words::conflict(report) {
        lines.push(StyledLine::of(Paint::Bad, &meaning));
    }
    lines.extend(target(report));
    for line in lines {
        page.wrapped(&first, indent, line)?;
        first = StyledLine::default();
    }
    if is_long {
        urgent::render(page, report)?;
    }
    let mut lines = Vec::new();
    let totals = report.totals();
    let mut counted: Vec<String> = severities.map(|_| tally).into_iter().collect();
    if totals.reported + totals.ignored > 0 || report.three_way {
        let hint = match page.options.show {
            ShowLevel::Drift if totals.ignored > 0 => " (--show ignored lists them)",
            _ => "",
        };
        counted.push(format!("{}{hint}", ignored::changes(report)));
    }
    if !counted.is_empty() {
        lines.push(StyledLine::of(Paint::Plain, &counted.join("; ")));
    }
    // With --show ignored, each already has its own line.
    let by = ignored::brief(report, MOST_RULES).filter(|_| page.options.show < ShowLevel::Ignored);
    if let Some(by) = by {
        lines.push(StyledLine::of(Paint::Plain, &format!("ignored: {by}")));
    }
    if let Some(after) = after_an_apply(report).filter(|_| page.options.verbose) {
        lines.push(StyledLine::of(Paint::Plain, &after));
    }
    lines.push(StyledLine::of(Paint::Plain, &words::coverage(report)));
    for line in lines {
        page.wrapped(&StyledLine::default(), indent, line)?;
    }
    Ok(())
}
