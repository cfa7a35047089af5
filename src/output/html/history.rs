//! The page of `driftctl timeline`.

use std::io::{self, Write};

use jiff::tz::TimeZone;

use super::{HtmlText, close, open};
use crate::model::History;
use crate::output::timeline::TimelineLine;

/// Writes the timeline as a page.
pub(in crate::output) fn timeline(
    entries: &[TimelineLine],
    history: &History,
    out: &mut dyn Write,
) -> io::Result<()> {
    open("timeline", &[""], out)?;
    writeln!(out, "<header><h1>driftctl timeline</h1></header>\n<main>")?;
    table(entries, out)?;
    unread(history, out)?;
    writeln!(out, "</main>")?;
    close(out)
}

/// Writes a row for each entry, under a heading for each day. Those without a time come first.
pub(super) fn table(entries: &[TimelineLine], out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<table class=\"times\">\n\
         <tr><th>Time (UTC)</th><th>Source</th><th>Object</th><th>Who</th><th>What</th></tr>"
    )?;
    let mut heading = None;
    for entry in entries {
        let at = entry.at.map(|at| at.to_zoned(TimeZone::UTC));
        let day = at.as_ref().map_or("time not recorded".to_owned(), |at| {
            at.strftime("%Y-%m-%d").to_string()
        });
        if heading.as_ref() != Some(&day) {
            writeln!(out, "<tr><th colspan=\"5\" class=\"day\">{day}</th></tr>")?;
            heading = Some(day);
        }
        let time = at.map_or(String::new(), |at| at.strftime("%H:%M:%S").to_string());
        let (class, source) = match entry.severity.as_str() {
            "" if entry.is_warning => ("alarm", entry.evidence.as_str().to_owned()),
            "" => ("", entry.evidence.as_str().to_owned()),
            severity => (
                severity,
                format!("{} ({severity})", entry.evidence.as_str()),
            ),
        };
        let sign = entry.sign.map_or(String::new(), |sign| format!("{sign} "));
        writeln!(
            out,
            "<tr><td>{time}</td><td><span class=\"{class}\">{}</span></td><td>{}</td>\
             <td>{}</td><td>{}</td></tr>",
            HtmlText(&source),
            HtmlText(&entry.object),
            HtmlText(entry.who.as_deref().unwrap_or_default()),
            HtmlText(&format!("{sign}{}", entry.what)),
        )?;
    }
    writeln!(out, "</table>")
}

/// Names the sources that could not be read.
pub(super) fn unread(history: &History, out: &mut dyn Write) -> io::Result<()> {
    for (source, why) in &history.unread {
        writeln!(
            out,
            "<p class=\"message warning\"><b>not read</b> <code>{}</code> {}</p>",
            HtmlText(source),
            HtmlText(why)
        )?;
    }
    Ok(())
}
