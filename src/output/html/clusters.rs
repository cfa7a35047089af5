//! Several clusters on one page: a table of them, and the drift that they have alike.

use std::io::{self, Write};

use super::Text;
use crate::model::Severity;
use crate::output::fleet::{self, Alike};
use crate::output::several::Cluster;
use crate::output::words;

/// Writes one row for each cluster, which leads to its section.
pub(super) fn overview(clusters: &[Cluster<'_>], out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<header>\n<h1>driftctl: {} clusters</h1>\n<table class=\"clusters\">\n\
         <tr><th>Cluster</th><th>Verdict</th><th>Worst</th><th>Drifted</th><th>Missing</th>\
         <th>Extra</th><th>Unknown</th></tr>",
        clusters.len()
    )?;
    for (at, row) in fleet::standings(clusters).into_iter().enumerate() {
        let worst = row.worst.map_or("", Severity::as_str);
        let numbers = row.counts.map(|n| format!("<td>{n}</td>")).concat();
        writeln!(
            out,
            "<tr><td><a href=\"#cluster-{at}\">{}</a></td>\
             <td><span class=\"verdict {}\">{}</span></td>\
             <td><span class=\"{worst}\">{worst}</span></td>{numbers}</tr>",
            Text(row.name),
            row.verdict,
            row.verdict
        )?;
    }
    writeln!(out, "</table>\n</header>")
}

/// Writes what several clusters have alike, an entry each.
pub(super) fn common(alike: &[Alike<'_>], all: usize, out: &mut dyn Write) -> io::Result<()> {
    if alike.is_empty() {
        return Ok(());
    }
    let changes = words::count(alike.len(), "change");
    writeln!(
        out,
        "<section>\n<h1>The same in several clusters: {changes}</h1>\n<ul class=\"common\">"
    )?;
    for one in alike {
        let row = &one.row;
        let severity = row.severity();
        writeln!(
            out,
            "<li><span class=\"{severity}\">{severity}</span> {} <code>{}</code><br/>\
             <span class=\"owners\">{}</span></li>",
            Text(&words::object(row.object)),
            Text(&format!("{} {}", row.sign(), row.what(false, 400))),
            Text(&one.places(all))
        )?;
    }
    writeln!(out, "</ul>\n</section>")
}
