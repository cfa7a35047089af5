//! Writes several clusters: a table of them, the drift that they have in common, and the rest of
//! each.

use std::io::{self, Write};

use super::{Paint, StyledLine, TextPage, TextReport, words};
use crate::output::fleet::{self, ClusterRow, CommonDrift};
use crate::output::several::ClusterReport;
use crate::output::{Format as _, RenderOptions};

/// The prefix of a line about a cluster.
const MARK: &str = "━━";

/// How many lines of names are shown below a change.
const MOST_LINES: usize = 2;

/// How many clusters the last line names; if there are more, it shows the number of each verdict.
const MOST_NAMED: usize = 8;

/// The length limit of a value, in characters.
const LONGEST_VALUE: usize = 100;

pub(super) fn render(
    text: &TextReport,
    clusters: &[ClusterReport<'_>],
    options: &RenderOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let cluster_rows = fleet::cluster_rows(clusters);
    let alike = fleet::common_drift(clusters, options.show);
    let mut page = TextPage {
        options,
        out: &mut *out,
    };
    table(&mut page, &cluster_rows)?;
    page.blank()?;
    common(&mut page, &alike, clusters.len())?;
    for cluster in clusters {
        let mut page = TextPage {
            options,
            out: &mut *out,
        };
        page.line(&StyledLine::of(
            Paint::Plain,
            &format!("{MARK} cluster {}", cluster.name),
        ))?;
        let (own, left_out) = fleet::without_common(cluster.report, &alike, options.show);
        if let Some(said) = fleet::left_out(left_out) {
            page.wrapped(&StyledLine::default(), 2, StyledLine::of(Paint::Dim, &said))?;
            page.blank()?;
        }
        text.render(&own, options, out)?;
        writeln!(out)?;
    }
    let verdicts = if cluster_rows.len() > MOST_NAMED {
        let words = ["incomplete", "conflict", "drifted", "pending", "in-sync"];
        let of = |word: &&str| {
            cluster_rows
                .iter()
                .filter(|one| one.verdict == *word)
                .count()
        };
        let counts = words.iter().map(|word| (of(word), word));
        let counts = counts.filter(|(n, _)| *n > 0);
        counts.map(|(n, word)| format!("{n} {word}")).collect()
    } else {
        let verdicts = cluster_rows.iter();
        let verdicts = verdicts.map(|one| format!("{} {}", one.name, one.verdict));
        verdicts.collect::<Vec<_>>()
    };
    let mut page = TextPage {
        options,
        out: &mut *out,
    };
    let count = clusters.len();
    let said = format!("{MARK} {count} clusters: {}", verdicts.join(", "));
    page.line(&StyledLine::of(Paint::Plain, &said))
}

/// Writes one line for each cluster.
fn table(page: &mut TextPage<'_>, cluster_rows: &[ClusterRow<'_>]) -> io::Result<()> {
    let heads = [
        "CLUSTER", "VERDICT", "WORST", "DRIFTED", "MISSING", "EXTRA", "UNKNOWN",
    ];
    let heads = heads.map(|head| (Paint::Dim, head.to_owned()));
    let rows = cluster_rows.iter().map(|one| {
        let verdict = match one.verdict {
            "incomplete" | "conflict" => Paint::Bad,
            "drifted" => Paint::Drift,
            _ => Paint::Good,
        };
        let worst = match one.worst {
            Some(severity) => (Paint::of_severity(severity), severity.as_str().to_owned()),
            None => (Paint::Dim, "-".to_owned()),
        };
        let [drifted, missing, extra, unknown] = one.counts;
        let count = |n: usize| (Paint::Plain, n.to_string());
        [
            (Paint::Bold, one.name.to_owned()),
            (verdict, one.verdict.to_owned()),
            worst,
            count(drifted),
            count(missing),
            count(extra),
            count(unknown),
        ]
    });
    let rows: Vec<_> = std::iter::once(heads).chain(rows).collect();
    let mut widths = [0; 7];
    for row in &rows {
        for (widest, (paint, text)) in widths.iter_mut().zip(row) {
            *widest = StyledLine::of(*paint, text).width().max(*widest);
        }
    }
    for row in &rows {
        let mut line = StyledLine::default();
        let mut column = 0;
        for (at, ((paint, text), wide)) in row.iter().zip(widths).enumerate() {
            let cell = StyledLine::of(*paint, text);
            let is_number = at > 2;
            let start = if is_number {
                column + wide - cell.width()
            } else {
                column
            };
            line.pad_to(start).append(cell);
            column += wide + 2;
        }
        page.line(&line)?;
    }
    Ok(())
}

/// Writes the drift that several clusters have in common, one entry each.
fn common(page: &mut TextPage<'_>, alike: &[CommonDrift<'_>], all: usize) -> io::Result<()> {
    if alike.is_empty() {
        return Ok(());
    }
    let changes = words::count(alike.len(), "change");
    let head = format!("{MARK} the same in several clusters: {changes}");
    page.line(&StyledLine::of(Paint::Plain, &head))?;
    let verbose = page.options.verbose;
    let most = if verbose { usize::MAX } else { LONGEST_VALUE };
    for one in alike {
        let row = &one.row;
        let paint = row.severity.map_or(Paint::Unknown, Paint::of_severity);
        let mut line = StyledLine::of(Paint::Bold, &words::object(row.object));
        line.push(Paint::Plain, "  ").push(paint, row.severity());
        line.push(
            Paint::Plain,
            &format!("  {} {}", row.sign(), row.what(!verbose, most)),
        );
        page.wrapped(&StyledLine::default(), 2, line)?;
        let names = one.cluster_names(all);
        let columns = page.options.width.saturating_sub(4);
        let lines = StyledLine::of(Paint::Dim, &names).wrap(columns);
        let shown = if verbose { lines.len() } else { MOST_LINES };
        let more = lines.len().saturating_sub(shown);
        for part in lines.into_iter().take(shown) {
            page.line(StyledLine::of(Paint::Plain, "    ").append(part))?;
        }
        if more > 0 {
            let more = format!("    … {} (-v lists all)", words::count(more, "more line"));
            page.line(&StyledLine::of(Paint::Dim, &more))?;
        }
    }
    page.blank()
}
