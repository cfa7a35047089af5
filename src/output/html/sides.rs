//! Shows the declared value on the left and the live one on the right.

use std::io::{self, Write};

use serde_json::Value;

use super::{Code, HtmlText};
use crate::model::{Change, JudgedChange, MergeClass};
use crate::output::hunk::{self, Hunk, HunkLine, HunkSide};
use crate::output::three;
use crate::output::view;
use crate::output::yaml_text::{self, ControlCharacters};

/// How many characters of a line of a text in conflict are shown.
const LONGEST_LINE: usize = 400;

/// Returns the titles of the two columns of a change.
pub(super) fn heads(drift: &JudgedChange) -> [&'static str; 2] {
    match drift.merge.as_ref().map(|merge| merge.class) {
        Some(MergeClass::Pending) => ["live", "branch"],
        Some(MergeClass::Backport) => ["base", "live and branch"],
        Some(MergeClass::Drift | MergeClass::Conflict) | None => ["declared", "live"],
    }
}

/// Writes base, branch and live next to each other.
pub(super) fn three_columns(drift: &JudgedChange, out: &mut dyn Write) -> io::Result<()> {
    let columns = view::three_values(drift);
    let [base, branch, live] = columns.map(|(_, value)| value);
    if let Some(regions) = three::regions(base, branch, live, LONGEST_LINE) {
        writeln!(out, "<table>")?;
        for region in regions {
            for (at, (names, lines)) in region.sides.iter().enumerate() {
                let label = if at == 0 {
                    format!("line {}", region.line)
                } else {
                    String::new()
                };
                writeln!(
                    out,
                    "<tr><td>{label} {}</td><td>{}</td></tr>",
                    names.join(", "),
                    Code(&lines.join("\n"))
                )?;
            }
        }
        return writeln!(out, "</table>");
    }
    writeln!(out, "<table class=\"three\">")?;
    let heads = columns.map(|(name, _)| format!("<th>{name}</th>"));
    writeln!(out, "<tr>{}</tr>", heads.concat())?;
    let cells = columns.map(|(_, value)| {
        let text = text(&value.cloned());
        format!("<td>{}</td>", Code(text.trim_end()))
    });
    writeln!(out, "<tr>{}</tr>\n</table>", cells.concat())
}

pub(super) fn render(
    change: &Change,
    [left, right]: [&str; 2],
    out: &mut dyn Write,
) -> io::Result<()> {
    let [declared, live] = [&change.declared, &change.live].map(text);
    writeln!(out, "<table>")?;
    writeln!(out, "<tr><th>{left}</th><th>{right}</th></tr>")?;
    let hunks = hunk::hunks(&declared, &live);
    for (i, hunk) in hunks.iter().enumerate() {
        if i > 0 {
            writeln!(
                out,
                "<tr class=\"gap\"><td colspan=\"2\">{}</td></tr>",
                HtmlText(&hunk.header())
            )?;
        }
        rows(hunk, out)?;
    }
    if hunks.is_empty() {
        let both = Code(declared.trim_end());
        writeln!(out, "<tr><td>{both}</td><td>{both}</td></tr>")?;
    }
    writeln!(out, "</table>")
}

fn text(side: &Option<Value>) -> String {
    match side {
        None => String::new(),
        Some(Value::String(text)) if text.contains('\n') => text.clone(),
        Some(value) => yaml_text::document(value, ControlCharacters::Readable),
    }
}

/// Returns the lines of a hunk in pairs: replaced lines next to their replacements.
fn rows(hunk: &Hunk, out: &mut dyn Write) -> io::Result<()> {
    let mut rest = &hunk.lines[..];
    while let Some(first) = rest.first() {
        if first.side == HunkSide::Both {
            row(Some(first), Some(first), out)?;
            rest = &rest[1..];
            continue;
        }
        let changed = rest.iter().take_while(|line| line.side != HunkSide::Both);
        let (block, later) = rest.split_at(changed.count());
        let of = |side: HunkSide| block.iter().filter(move |line| line.side == side);
        let (declared, live): (Vec<_>, Vec<_>) = (
            of(HunkSide::Declared).collect(),
            of(HunkSide::Live).collect(),
        );
        for i in 0..declared.len().max(live.len()) {
            row(declared.get(i).copied(), live.get(i).copied(), out)?;
        }
        rest = later;
    }
    Ok(())
}

fn row(
    declared: Option<&HunkLine>,
    live: Option<&HunkLine>,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "<tr>{}{}</tr>", cell(declared), cell(live))
}

fn cell(line: Option<&HunkLine>) -> String {
    let Some(line) = line else {
        return "<td class=\"none\"></td>".to_owned();
    };
    let class = match line.side {
        HunkSide::Both => "both",
        HunkSide::Declared => "declared",
        HunkSide::Live => "live",
    };
    let mut cell = format!("<td class=\"{class}\">");
    for (changed, piece) in &line.pieces {
        let text = Code(piece);
        cell.push_str(&if *changed {
            format!("<mark>{text}</mark>")
        } else {
            text.to_string()
        });
    }
    cell.push_str("</td>");
    // Adjacent pieces of a line may form a command for log readers.
    cell = cell.replace("##[", "#&#35;[");
    cell
}
