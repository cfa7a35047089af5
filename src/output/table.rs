//! `table` and `wide`: one change per line, in columns, as kubectl lists objects.

use std::io::{self, Write};

use super::paint::{Paint, StyledLine, ascii, width};
use super::rows::{self, ReportRow};
use super::{Format, RenderOptions, ignored, words};
use crate::model::Report;
use crate::redact::Redacted;

/// The column of the object.
const OBJECT: usize = 1;

/// The column of the author.
const WHO: usize = 2;

/// The length limit of a value, before the line is cut to the width of the page.
const LONGEST_VALUE: usize = 80;

/// Writes one change per line, cut to the width of the page.
pub struct TableReport;

/// Writes one change per line, in full, with its place.
pub struct WideTable;

impl Format for TableReport {
    fn name(&self) -> &'static str {
        "table"
    }

    fn description(&self) -> &'static str {
        "One change per line in columns, cut to the width of a terminal"
    }

    fn render(
        &self,
        report: &Redacted,
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        render(report, options, false, out)
    }
}

impl Format for WideTable {
    fn name(&self) -> &'static str {
        "wide"
    }

    fn description(&self) -> &'static str {
        "The same without cutting, with full paths and the file and line in the manifests"
    }

    fn render(
        &self,
        report: &Redacted,
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        render(report, options, true, out)
    }
}

fn render(
    report: &Report,
    options: &RenderOptions,
    wide: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let rows = rows::of(report, options.show);
    let cuts = options.cut && !wide;
    if !rows.is_empty() {
        let heads: &[&str] = match wide {
            true => &[
                "SEVERITY",
                "OBJECT",
                "WHO",
                "LAST WRITE",
                "MANIFEST",
                "CHANGE",
            ],
            false => &["SEVERITY", "OBJECT", "WHO", "LAST WRITE", "CHANGE"],
        };
        let lines: Vec<Vec<(Paint, String)>> =
            rows.iter().map(|row| cells(row, options, wide)).collect();
        let widths: Vec<usize> = (0..heads.len())
            .map(|at| {
                let cells = lines.iter().map(|line| width(&line[at].1));
                let widest = cells.chain([heads[at].len()]).max().unwrap_or(0);
                match (cuts, at) {
                    (true, OBJECT) => widest.min(options.width * 2 / 5),
                    (true, WHO) => widest.min(options.width / 5),
                    _ => widest,
                }
            })
            .collect();
        let heads = heads.iter().map(|head| (Paint::Dim, (*head).to_owned()));
        for line in std::iter::once(heads.collect()).chain(lines) {
            let line = laid_out(&line, &widths);
            let line = if cuts { line.cut(options.width) } else { line };
            let text = line.render(options.colour);
            let text = if options.ascii { ascii(&text) } else { text };
            writeln!(out, "{}", text.trim_end_matches(' '))?;
        }
    }
    for warning in &report.warnings {
        let level = if warning.fatal { "error" } else { "warning" };
        let place = match warning.place.as_str() {
            "" => String::new(),
            place => format!("{place}: "),
        };
        let line = StyledLine::of(
            Paint::Plain,
            &format!("# {level}: {place}{}", warning.message),
        );
        writeln!(out, "{}", line.render(options.colour))?;
    }
    for line in ignored::lines(report, options.show) {
        writeln!(out, "# {line}")?;
    }
    writeln!(out, "# {}", words::verdict(report))
}

fn laid_out(cells: &[(Paint, String)], widths: &[usize]) -> StyledLine {
    let mut line = StyledLine::default();
    let mut column = 0;
    for (at, ((paint, text), width)) in cells.iter().zip(widths).enumerate() {
        let cell = StyledLine::of(*paint, text);
        let is_last = at + 1 == cells.len();
        line.pad_to(column)
            .append(if is_last { cell } else { cell.cut(*width) });
        column += width + 2;
    }
    line
}

fn cells(row: &ReportRow<'_>, options: &RenderOptions, wide: bool) -> Vec<(Paint, String)> {
    let severity = row.severity();
    let paint = row.severity.map_or(Paint::Unknown, Paint::of_severity);
    let time = row.writer().and_then(|writer| writer.time);
    let age = time.map_or_else(
        || "-".to_owned(),
        |time| words::relative_time(&time, options.now),
    );
    let dash = || "-".to_owned();
    let mut cells = vec![
        (paint, severity.to_owned()),
        (Paint::Bold, words::object(row.object)),
        (Paint::Dim, row.who().unwrap_or_else(dash)),
        (Paint::Dim, age),
    ];
    if wide {
        cells.push((Paint::Dim, row.place().unwrap_or_else(dash)));
    }
    let most = if wide { usize::MAX } else { LONGEST_VALUE };
    let what = format!("{} {}", row.sign(), row.what(!wide, most));
    let paint = match row.sign() {
        '+' => Paint::Live,
        '-' => Paint::Declared,
        '!' => Paint::Bad,
        _ => Paint::Plain,
    };
    cells.push((paint, what));
    cells
}
