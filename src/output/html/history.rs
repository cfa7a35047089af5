//! The page of `driftctl timeline`.

use std::io::{self, Write};

use super::{Text, open};
use crate::model::History;
use crate::output::timeline::Entry;

/// Writes the timeline as a page.
pub(in crate::output) fn timeline(
    entries: &[Entry],
    history: &History,
    out: &mut dyn Write,
) -> io::Result<()> {
    open("timeline", &[""], out)?;
    writeln!(
        out,
        "<header><h1>driftctl timeline</h1></header>\n<main>\n<table class=\"times\">\n\
         <tr><th>Time</th><th>Source</th><th>Object</th><th>Who</th><th>What</th></tr>"
    )?;
    for entry in entries {
        let at = entry
            .at
            .map_or("not recorded".to_owned(), |at| at.to_string());
        let source = match entry.severity.as_str() {
            "" => entry.evidence.as_str().to_owned(),
            severity => format!("{} ({severity})", entry.evidence.as_str()),
        };
        let sign = entry.sign.map_or(String::new(), |sign| format!("{sign} "));
        writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            Text(&at),
            Text(&source),
            Text(&entry.object),
            Text(entry.who.as_deref().unwrap_or_default()),
            Text(&format!("{sign}{}", entry.what)),
        )?;
    }
    writeln!(out, "</table>")?;
    for (source, why) in &history.unread {
        writeln!(
            out,
            "<p class=\"message warning\"><b>not read</b> <code>{}</code> {}</p>",
            Text(source),
            Text(why)
        )?;
    }
    writeln!(out, "</main>\n</body>\n</html>")
}
