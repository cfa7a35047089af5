//! `markdown`: a comment on a pull request.
//!
//! Verdict and table come first, details are folded, and the size stays within the limit of hosts.
//! Text from a manifest or a cluster is always code, inline or fenced: nothing in it can be a link,
//! a mention, an image, HTML or the end of the fence.

use std::io::{self, Write};

use serde_json::Value;

use super::fleet::{self, CommonDrift};
use super::hunk::{self, HunkSide};
use super::several::ClusterReport;
use super::{
    Format, GroupBy, RenderOptions, escape, finding, gist, groups, ignored, view, words, yaml_text,
};
use crate::model::{JudgedChange, ObjectReport, ObjectStatus, Report, Severity, Verdict};
use crate::redact::Redacted;

/// The size limit of a comment, in bytes. GitHub refuses more than 65,536 characters.
const BUDGET: usize = 65_000;

/// With at most this many clusters, half of a comment may be about the drift that they have in
/// common.
const FEW: usize = 20;

/// How many lines one change has.
const MOST_LINES: usize = 60;

/// How many characters one line has.
const LONGEST_LINE: usize = 500;

/// Marks the comment for later updates. No renderer shows it.
const MARK: &str = "<!-- driftctl -->";

/// A comment on a pull request.
pub struct Markdown;

impl Format for Markdown {
    fn name(&self) -> &'static str {
        "markdown"
    }

    fn description(&self) -> &'static str {
        "A comment on a pull request: verdict and table, details folded"
    }

    fn render(
        &self,
        report: &Redacted,
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let comment = comment(report, options, BUDGET);
        write!(out, "{MARK}\n{comment}")
    }

    fn render_several(
        &self,
        clusters: &[ClusterReport<'_>],
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let alike = fleet::common_drift(clusters, options.show);
        let mut page = format!("{MARK}\n{}", overview(clusters));
        page.push_str(&common(&alike, clusters.len()));
        for (at, ClusterReport { name, report }) in clusters.iter().enumerate() {
            page.push_str(&format!("\n## Cluster {}\n", code(name)));
            let (own, left_out) = fleet::without_common(report, &alike, options.show);
            let mut comment =
                fleet::left_out(left_out).map_or_else(String::new, |said| format!("\n{said}\n\n"));
            let room = BUDGET.saturating_sub(page.len()) / (clusters.len() - at);
            comment.push_str(&self::comment(&own, options, room));
            if comment.len() <= room {
                page.push_str(&comment);
            } else {
                let verdict = report.verdict();
                page.push_str(&format!("\n**{verdict}**; the details do not fit\n"));
            }
        }
        out.write_all(page.as_bytes())
    }
}

/// Returns one line for each cluster.
fn overview(clusters: &[ClusterReport<'_>]) -> String {
    let rows = fleet::cluster_rows(clusters).into_iter().map(|row| {
        let [drifted, missing, extra, unknown] = row.counts;
        let worst = row.worst.map_or("", Severity::as_str);
        format!(
            "| {} | {} | {worst} | {drifted} | {missing} | {extra} | {unknown} |\n",
            code(row.name),
            row.verdict
        )
    });
    let (text, shown, total) = within(rows, BUDGET / 8);
    let more = match total - shown {
        0 => String::new(),
        _ => format!("\nShowing {shown} of {total} clusters.\n"),
    };
    format!(
        "## driftctl: {total} clusters\n\n\
         | Cluster | Verdict | Worst | Drifted | Missing | Extra | Unknown |\n\
         |---|---|---|--:|--:|--:|--:|\n{text}{more}"
    )
}

/// Returns the drift that several clusters have in common, one entry each.
fn common(alike: &[CommonDrift<'_>], all: usize) -> String {
    let lines = alike.iter().map(|one| {
        let row = &one.row;
        format!(
            "- **{}** {} {} {}\n",
            row.severity(),
            code(&row.object.key.to_string()),
            code(&format!("{} {}", row.sign(), row.what(false, LONGEST_LINE))),
            code(&one.cluster_names(all)),
        )
    });
    let head = "\n## The same in several clusters\n\n";
    // These entries are shown nowhere else; many clusters need the space for themselves.
    let share = if all > FEW { 8 } else { 2 };
    match within(lines, BUDGET / share) {
        (_, _, 0) => String::new(),
        (text, shown, total) if shown == total => format!("{head}{text}"),
        (text, shown, total) => format!("{head}{text}\nShowing {shown} of {total} changes.\n"),
    }
}

/// Returns the comment on one cluster, in about `budget` bytes.
fn comment(report: &Report, options: &RenderOptions, budget: usize) -> String {
    let objects = view::by_urgency(report, options.show);
    // A comment is read later than it is written: it shows times, not ages.
    let options = &RenderOptions {
        now: None,
        ..*options
    };
    // The limit for the table, the messages and the conflicts each.
    let share = budget / 4;
    let mut page = head(report);
    page.push_str(&conflicts(report, share));
    page.push_str(&messages(report, share));
    page.push_str(&match options.group_by {
        GroupBy::Object => table(&objects, options, share),
        by => grouped(report, options, by, share),
    });
    page.push_str(&rules(report, share / 2));
    let foot = format!("\n<sub>{}</sub>\n", foot(report));
    let room = budget.saturating_sub(page.len() + foot.len() + 200);
    page.push_str(&details(&objects, options, room));
    page + &foot
}

fn head(report: &Report) -> String {
    let verdict = match report.verdict() {
        "in-sync" => "✅ In sync",
        "conflict" => "🛑 CONFLICT: merging overwrites live changes",
        "drifted" => "⚠️ Drifted",
        "pending" => "✅ No drift; the branch changes live objects",
        _ => "❌ Incomplete",
    };
    let mut head = format!("### driftctl: {verdict}\n\n**{}**", words::tally(report));
    let totals = report.totals();
    if totals.reported + totals.ignored > 0 || report.three_way {
        head.push_str(&format!(" · {}", ignored::changes(report)));
    }
    head.push('\n');
    if let Some(meaning) = words::incomplete(report) {
        head.push_str(&format!("\n> {}: {meaning}.\n", words::coverage(report)));
    }
    head
}

/// Writes what merging overwrites, unfolded, so that nobody misses it.
fn conflicts(report: &Report, room: usize) -> String {
    let Some(meaning) = words::conflict(report) else {
        return String::new();
    };
    let in_conflict = report
        .objects
        .iter()
        .filter(|o| o.status() == ObjectStatus::Conflict);
    let blocks = in_conflict.flat_map(|object| {
        let name = code(&object.key.to_string());
        let whole = object.whole_severity.and(words::status_note(object));
        let whole = whole.map(|note| format!("\n{name}\n- {}\n", code(&note)));
        let fields = object.drifts.iter().filter(|drift| drift.is_conflict());
        let fields = fields.map(move |drift| {
            let path = code(&drift.change.path.to_string());
            let mut block = format!("\n{name} {path}\n");
            for line in finding::in_conflict(drift, "\n") {
                for side in line.split("\\n") {
                    block.push_str(&format!("- {}\n", code(side)));
                }
            }
            if let Some(who) = words::owners(&drift.owners, None) {
                block.push_str(&format!("- changed live by {}\n", code(&who)));
            }
            block
        });
        whole.into_iter().chain(fields)
    });
    let head = format!("\n> [!CAUTION]\n> **{meaning}.**\n");
    match within(blocks, room) {
        (text, shown, total) if shown == total => format!("{head}{text}"),
        (text, shown, total) => format!("{head}{text}\nShowing {shown} of {total} conflicts.\n"),
    }
}

/// Writes warnings and errors, errors first.
fn messages(report: &Report, room: usize) -> String {
    let mut warnings: Vec<_> = report.warnings.iter().collect();
    warnings.sort_by_key(|warning| !warning.fatal);
    let lines = warnings.iter().map(|warning| {
        let level = if warning.fatal { "error" } else { "warning" };
        let place = if warning.place.is_empty() {
            String::new()
        } else {
            format!("{} ", code(&warning.place))
        };
        format!("- **{level}** {place}{}\n", code(&warning.message))
    });
    match within(lines, room) {
        (text, _, 0) => text,
        (text, shown, total) if shown == total => format!("\n{text}"),
        (text, shown, total) => format!("\n{text}- showing {shown} of {total} messages\n"),
    }
}

fn table(objects: &[&ObjectReport], options: &RenderOptions, room: usize) -> String {
    let rows = objects.iter().map(|object| {
        let severity = object.severity().map_or("", |severity| severity.as_str());
        let changes = view::drifts(object, options.show).count();
        let changes = match changes {
            0 => String::new(),
            n => n.to_string(),
        };
        format!(
            "| {} | {} | {severity} | {changes} |\n",
            status(object),
            code(&object.key.to_string()),
        )
    });
    let head = "\n| | Object | Severity | Changes |\n|---|---|---|--:|\n";
    match within(rows, room) {
        (_, _, 0) => String::new(),
        (text, shown, total) if shown == total => format!("{head}{text}"),
        (text, shown, total) => format!("{head}{text}\nShowing {shown} of {total} objects.\n"),
    }
}

/// Writes groups of changes, with the objects folded.
fn grouped(report: &Report, options: &RenderOptions, by: GroupBy, room: usize) -> String {
    let groups = groups::of(report, options.show, by);
    let sections = groups.iter().map(|group| {
        let rows = group.rows.iter().map(|row| match by {
            GroupBy::Change => format!("- {}\n", code(&row.object.key.to_string())),
            _ => format!(
                "- {} {} {}\n",
                row.severity(),
                code(&row.object.key.to_string()),
                code(&format!("{} {}", row.sign(), row.what(false, LONGEST_LINE)))
            ),
        });
        let (list, shown, total) = within(rows, room / 4);
        let more = match total - shown {
            0 => String::new(),
            more => format!("- {more} more\n"),
        };
        let severity = group
            .severity
            .map_or("unknown", |severity| severity.as_str());
        format!(
            "<details><summary>{} ({severity}, {})</summary>\n\n{list}{more}\n</details>\n",
            code(&group.title),
            words::count(
                total,
                if by == GroupBy::Change {
                    "object"
                } else {
                    "change"
                }
            ),
        )
    });
    match within(sections, room) {
        (_, _, 0) => String::new(),
        (text, shown, total) if shown == total => format!("\n{text}"),
        (text, shown, total) => format!("\n{text}\nShowing {shown} of {total} groups.\n"),
    }
}

/// Writes what each rule hid, folded.
fn rules(report: &Report, room: usize) -> String {
    let lines = ignored::rules(report).map(|rule| {
        let mut line = format!("- {} by {}", rule.hid, code(&rule.rule));
        if !rule.reason.is_empty() {
            line.push_str(&format!(": {}", code(&rule.reason)));
        }
        line + "\n"
    });
    let (text, shown, total) = within(lines, room);
    if total == 0 {
        return String::new();
    }
    let more = match total - shown {
        0 => String::new(),
        _ => format!("- showing {shown} of {total} rules\n"),
    };
    let ignored = words::count(report.totals().ignored, "change");
    let by = words::count(total, "rule");
    format!("\n<details><summary>{ignored} ignored by {by}</summary>\n\n{text}{more}\n</details>\n")
}

/// Returns `drifted`, `pending (new)`, **conflict**.
fn status(object: &ObjectReport) -> String {
    let status = match object.status() {
        ObjectStatus::Conflict => "**CONFLICT**",
        status => status.as_str(),
    };
    match object.lifecycle {
        Some(lifecycle) => format!("{status} ({})", lifecycle.as_str()),
        None => status.to_owned(),
    }
}

fn details(objects: &[&ObjectReport], options: &RenderOptions, room: usize) -> String {
    let sections = objects
        .iter()
        .filter(|object| {
            view::drifts(object, options.show).next().is_some()
                || !gist::of(object).is_empty()
                || !object.violations.is_empty()
        })
        .map(|object| section(object, options));
    match within(sections, room) {
        (text, _, 0) => text,
        (text, shown, total) if shown == total => format!("\n{text}"),
        (text, shown, total) => {
            format!("\n{text}\nShowing the details of {shown} of {total} objects.\n")
        }
    }
}

/// Returns as many texts as fit, how many those are, and how many there were.
fn within(texts: impl Iterator<Item = String>, room: usize) -> (String, usize, usize) {
    let (mut all, mut shown, mut total, mut full) = (String::new(), 0, 0, false);
    for text in texts {
        total += 1;
        full = full || all.len() + text.len() > room;
        if !full {
            all.push_str(&text);
            shown += 1;
        }
    }
    (all, shown, total)
}

fn section(object: &ObjectReport, options: &RenderOptions) -> String {
    let mut lines: Vec<String> = gist::of(object)
        .iter()
        .map(|line| format!("+ {line}"))
        .collect();
    let denied = words::violations(object).into_iter();
    lines.extend(denied.map(|line| format!("! {line}")));
    let drifts = view::worst_first(object, options.show);
    for drift in &drifts {
        change(drift, options, &mut lines);
    }
    let fence = fence(&lines);
    let what = match drifts.len() {
        0 => object.status().as_str().to_owned(),
        n => words::count(n, "change"),
    };
    let mut summary = format!("{}: {what}", code(&object.key.to_string()));
    if let Some(origin) = words::origin(object) {
        summary.push_str(&format!(" · {}", code(&origin)));
    }
    format!(
        "<details><summary>{summary}</summary>\n\n{fence}diff\n{}\n{fence}\n\n</details>\n",
        lines.join("\n")
    )
}

/// Returns a run of backticks longer than any within the lines.
pub(super) fn fence(lines: &[String]) -> String {
    let longest = lines
        .iter()
        .flat_map(|line| line.split(|c| c != '`'))
        .map(str::len)
        .max();
    "`".repeat(longest.unwrap_or(0).max(2) + 1)
}

/// Writes one change as lines of a diff.
fn change(drift: &JudgedChange, options: &RenderOptions, lines: &mut Vec<String>) {
    let mut about = match drift.verdict() {
        Verdict::Reported => match &drift.merge {
            Some(merge) => format!("{}, {}", words::class(merge.class), drift.severity.as_str()),
            None => drift.severity.as_str().to_owned(),
        },
        Verdict::Ignored { rule, reason } => words::hidden_by(rule, reason),
        Verdict::Explained { by, .. } => by.as_str().to_owned(),
    };
    if let Some(position) = drift.position {
        about.push_str(&format!(", line {}", position.line));
    }
    if let Some(owners) = words::owners(&drift.owners, options.now) {
        about.push_str(&format!(", {owners}"));
    }
    lines.push(one_line(&format!("@@ {} @@ {about}", drift.change.path)));
    if let Some(blame) = &drift.blame {
        lines.push(one_line(&format!("# {}", words::blame(blame))));
    }
    if let Some(note) = drift.remark() {
        lines.push(one_line(&format!("# {note}")));
    }
    let shown = view::shown(drift);
    let texts = [&shown.declared, &shown.live].map(|side| {
        side.as_ref().map_or_else(String::new, |value| match value {
            Value::String(text) if text.contains('\n') => text.clone(),
            value => yaml_text::document(value, yaml_text::ControlCharacters::Readable),
        })
    });
    let body: Vec<String> = if texts[0] == texts[1] {
        texts[0].lines().map(|line| format!("! {line}")).collect()
    } else {
        hunk::hunks(&texts[0], &texts[1])
            .iter()
            .flat_map(|hunk| &hunk.lines)
            .map(signed)
            .collect()
    };
    let more = body.len().saturating_sub(MOST_LINES);
    // Lines of text keep their tabs.
    lines.extend(
        body.iter()
            .take(MOST_LINES)
            .map(|line| cut(&escape::text(line))),
    );
    if more > 0 {
        lines.push(format!("# {more} more lines"));
    }
}

fn signed(line: &hunk::HunkLine) -> String {
    let line = line.cut(LONGEST_LINE);
    let text: String = line
        .pieces
        .iter()
        .map(|(_, piece)| piece.as_str())
        .collect();
    match line.side {
        HunkSide::Both => format!("  {text}"),
        side => format!("{} {text}", side.sign()),
    }
}

/// Returns text escaped, and cut if it is too long.
fn one_line(text: &str) -> String {
    cut(&escape::line(text))
}

fn cut(escaped: &str) -> String {
    let mut shown: String = escaped.chars().take(LONGEST_LINE).collect();
    if shown.len() < escaped.len() {
        shown.push('…');
    }
    shown
}

/// Returns text as inline code that neither Markdown in it nor a table cell can end.
pub(super) fn code(text: &str) -> String {
    let mut code = String::from("<code>");
    for c in one_line(text).chars() {
        match c {
            // Letters, digits and characters without special meaning.
            c if c.is_alphanumeric() || matches!(c, ' ' | '/' | '.' | '-') => code.push(c),
            c if c.is_ascii() => code.push_str(&format!("&#{};", c as u32)),
            c => code.push(c),
        }
    }
    code.push_str("</code>");
    code
}

fn foot(report: &Report) -> String {
    let mut foot = words::coverage(report);
    if let Some(target) = words::sides_in_public(report) {
        foot.push_str(&format!(" · {}", code(&target)));
    }
    foot
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_code_contains_any_text() {
        assert_eq!(code("cart-1.yaml:3"), "<code>cart-1.yaml&#58;3</code>");
        assert_eq!(
            code("a`|</code>\n@b"),
            "<code>a&#96;&#124;&#60;/code&#62;&#92;n&#64;b</code>"
        );
    }

    #[test]
    fn fences_are_longer_than_those_in_their_content() {
        assert_eq!(fence(&["a".to_owned()]), "```");
        assert_eq!(fence(&["- ````` x".to_owned(), "``".to_owned()]), "``````");
    }

    #[test]
    fn counts_what_does_not_fit() {
        let texts = || ["aaaa", "bbbb", "c"].map(str::to_owned).into_iter();
        assert_eq!(within(texts(), 100), ("aaaabbbbc".to_owned(), 3, 3));
        assert_eq!(within(texts(), 6), ("aaaa".to_owned(), 1, 3));
    }
}
