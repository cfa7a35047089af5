//! Writes the report grouped by author, severity or change.

use std::io;

use super::{Paint, StyledLine, TextPage, words};
use crate::model::Report;
use crate::output::GroupBy;
use crate::output::groups::{self, ChangeGroup};
use crate::output::rows::ReportRow;

/// How many lines of names are shown below a change.
const MOST_LINES: usize = 2;

/// The length limit of a value.
const LONGEST_VALUE: usize = 80;

pub(super) fn render(page: &mut TextPage<'_>, report: &Report) -> io::Result<()> {
    let by = page.options.group_by;
    for group in groups::of(report, page.options.show, by) {
        let severity = group.severity.map_or(Paint::Unknown, Paint::of_severity);
        if by == GroupBy::Change {
            of_change(page, &group, severity)?;
            continue;
        }
        let title = match (by, group.severity) {
            (GroupBy::Severity, Some(severity)) => words::severity_label(severity),
            _ => group.title.clone(),
        };
        let paint = if by == GroupBy::Severity {
            severity
        } else {
            Paint::Bold
        };
        let mut heading = StyledLine::of(paint, &title);
        let changes = words::count(group.rows.len(), "change");
        heading.push(Paint::Dim, &format!("  {changes}"));
        page.line(&heading.cut(page.options.width))?;
        for row in &group.rows {
            let line = line(page, row, by);
            let line = if page.options.verbose {
                line
            } else {
                line.cut(page.options.width)
            };
            page.wrapped(&StyledLine::default(), 2, line)?;
        }
        page.blank()?;
    }
    Ok(())
}

/// Writes one change, and its objects.
fn of_change(page: &mut TextPage<'_>, group: &ChangeGroup<'_>, severity: Paint) -> io::Result<()> {
    let mut line = StyledLine::of(Paint::Bold, &group.title);
    let word = group.rows.first().map_or("", |row| row.severity());
    line.push(Paint::Plain, "   ").push(severity, word);
    let objects = words::count(group.rows.len(), "object");
    line.push(Paint::Dim, &format!(" · in {objects}"));
    let owners = group.rows.iter().flat_map(|row| row.owners());
    if let Some(who) = words::latest_writer(owners, page.options.now) {
        line.push(Paint::Dim, &format!(" · last by {who}"));
    }
    page.wrapped(&StyledLine::default(), 2, line)?;
    let columns = page.options.width.saturating_sub(4);
    let mut names = StyledLine::default();
    for (at, row) in group.rows.iter().enumerate() {
        let comma = if at > 0 { ", " } else { "" };
        names.push(
            Paint::Plain,
            &format!("{comma}{}", words::object(row.object)),
        );
    }
    let lines = names.wrap(columns);
    let more = lines.len().saturating_sub(MOST_LINES);
    let shown = if page.options.verbose {
        lines.len()
    } else {
        MOST_LINES
    };
    for part in lines.into_iter().take(shown) {
        let mut line = StyledLine::of(Paint::Plain, "    ");
        page.line(line.append(part))?;
    }
    if more > 0 && !page.options.verbose {
        let more = format!("    … {} (-v lists all)", words::count(more, "more line"));
        page.line(&StyledLine::of(Paint::Dim, &more))?;
    }
    page.blank()
}

fn line(page: &TextPage<'_>, row: &ReportRow<'_>, by: GroupBy) -> StyledLine {
    let mut line = StyledLine::of(Paint::Plain, "  ");
    if by != GroupBy::Severity {
        let paint = row.severity.map_or(Paint::Unknown, Paint::of_severity);
        line.push(paint, &format!("{:<8}  ", row.severity()));
    }
    line.push(Paint::Bold, &words::object(row.object))
        .push(Paint::Plain, "  ");
    let paint = match row.sign() {
        '+' => Paint::Live,
        '-' => Paint::Declared,
        '!' => Paint::Bad,
        _ => Paint::Drift,
    };
    line.push(paint, &format!("{} ", row.sign()));
    let most = if page.options.verbose {
        usize::MAX
    } else {
        LONGEST_VALUE
    };
    line.push(Paint::Plain, &row.what(!page.options.verbose, most));
    if let Some(who) = words::latest_writer(row.owners().iter(), page.options.now) {
        line.push(Paint::Dim, &format!("  {who}"));
    }
    line
}
