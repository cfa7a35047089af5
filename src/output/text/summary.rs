//! The end of the report: what the reader must know, and the verdict.

use std::io;

use super::{Line, Page, Paint, words};
use crate::model::{Report, Warning, after_an_apply};
use crate::output::{Show, ignored};

/// Rules that are named without `--show ignored`.
const MOST_RULES: usize = 12;

pub(super) fn render(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let verbose = page.options.verbose;
    for skipped in report.skipped.iter().filter(|_| verbose) {
        message(page, "skipped", Paint::Dim, skipped)?;
    }
    if page.options.show >= Show::Ignored {
        for rule in &report.rules {
            let hid = words::count(rule.hid, "change");
            let mut text = Line::of(Paint::Plain, &rule.rule);
            text.push(Paint::Dim, &format!(" hid {hid}: {}", rule.reason));
            page.wrapped(&Line::of(Paint::Dim, "rule "), 2, text)?;
        }
    }
    // Errors last, next to the verdict that they are the reason for.
    for warning in report.warnings.iter().filter(|warning| !warning.fatal) {
        message(page, "warning", Paint::Drift, warning)?;
    }
    for error in report.warnings.iter().filter(|warning| warning.fatal) {
        message(page, "error", Paint::Bad, error)?;
    }
    let shown = !report.warnings.is_empty() || (verbose && !report.skipped.is_empty());
    if shown || (page.options.show >= Show::Ignored && !report.rules.is_empty()) {
        page.blank()?;
    }
    verdict(page, report)
}

/// `error: cart.yaml:7:3: …`
fn message(page: &mut Page<'_>, label: &str, paint: Paint, warning: &Warning) -> io::Result<()> {
    let mut first = Line::of(paint, label);
    first.push(paint, ": ");
    let mut text = Line::default();
    if !warning.place.is_empty() {
        text.push(Paint::Bold, &warning.place)
            .push(Paint::Plain, ": ");
    }
    text.push(Paint::Plain, &warning.message);
    page.wrapped(&first, 2, text)
}

fn verdict(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
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
    let mut first = Line::of(paint, word);
    first.push(Paint::Plain, "  ");
    let mut lines = vec![Line::of(Paint::Bold, &words::tally(report))];
    if let Some(meaning) = words::incomplete(report) {
        lines.push(Line::of(Paint::Unknown, meaning));
    }
    if let Some(meaning) = words::conflict(report) {
        lines.push(Line::of(Paint::Bad, &meaning));
    }
    let totals = report.totals();
    if totals.reported + totals.ignored > 0 || report.three_way {
        let hint = match page.options.show {
            Show::Drift if totals.ignored > 0 => " (--show ignored lists them)",
            _ => "",
        };
        lines.push(Line::of(
            Paint::Plain,
            &format!("{}{hint}", words::changes(report)),
        ));
    }
    // With --show ignored, each has had a line of its own.
    let by = ignored::brief(report, MOST_RULES).filter(|_| page.options.show < Show::Ignored);
    if let Some(by) = by {
        lines.push(Line::of(Paint::Plain, &format!("ignored: {by}")));
    }
    if let Some(after) = after_an_apply(report).filter(|_| page.options.verbose) {
        lines.push(Line::of(Paint::Plain, &after));
    }
    lines.push(Line::of(Paint::Plain, &words::coverage(report)));
    if let Some(target) = words::sides(report) {
        let paint = if report.target.insecure {
            Paint::Drift
        } else {
            Paint::Dim
        };
        lines.push(Line::of(paint, &target));
    }
    // The details stand below one another, next to the word, unless the page is narrow.
    let indent = if page.options.width >= 60 {
        first.width()
    } else {
        2
    };
    for line in lines {
        page.wrapped(&first, indent, line)?;
        first = Line::default();
    }
    Ok(())
}
