//! Several clusters on one page: a table of them, and the drift that they have in common.

use std::io::{self, Write};

use super::HtmlText;
use crate::model::Severity;
use crate::output::fleet::{self, CommonDrift};
use crate::output::several::ClusterReport;
use crate::output::words;

/// Writes one row for each cluster, with a link to its section.
pub(super) fn overview(clusters: &[ClusterReport<'_>], out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<header>\n<h1>driftctl: {} clusters</h1>\n<table class=\"clusters\">\n\
         <tr><th>Cluster</th><th>Verdict</th><th>Worst</th><th>Drifted</th><th>Missing</th>\
         <th>Extra</th><th>Unknown</th></tr>",
        clusters.len()
    )?;
    for (at, row) in fleet::cluster_rows(clusters).into_iter().enumerate() {
        let worst = row.worst.map_or("", Severity::as_str);
        let numbers = row.counts.map(|n| format!("<td>{n}</td>")).concat();
        writeln!(
            out,
            "<tr><td><a href=\"#cluster-{at}\">{}</a></td>\
             <td><span class=\"verdict {}\">{}</span></td>\
             <td><span class=\"{worst}\">{worst}</span></td>{numbers}</tr>",
            HtmlText(row.name),
            row.verdict,
            row.verdict
        )?;
    }
    writeln!(out, "</table>\n</header>")
}

/// Writes the drift that several clusters have in common, one entry each.
pub(super) fn common(
    common: &[CommonDrift<'_>],
    all: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    if common.is_empty() {
        return Ok(());
    }
    let changes = words::count(common.len(), "change");
    writeln!(
        out,
        "<section>\n<h1>The same in several clusters: {changes}</h1>\n<ul class=\"common\">"
    )?;
    for one in common {
        let row = &one.row;
        let severity = row.severity();
        writeln!(
            out,
            "<li><span class=\"{severity}\">{severity}</span> {} <code>{}</code><br/>\
             <span class=\"owners\">{}</span></li>",
            HtmlText(&words::object(row.object)),
            HtmlText(&format!("{} {}", row.sign(), row.what(false, 400))),
            HtmlText(&one.cluster_names(all))
        )?;
    }
    writeln!(out, "</ul>\n</section>")
}
