//! `text`: the report for reading in an incident.
//!
//! ```text
//! - manifest   + live
//!
//! ~ Deployment shop/cart  medium  kubectl (scale)  manifests/cart.yaml:1
//!     9 │ ~ .spec.replicas  3 → 5   medium · kubectl (through scale), time not recorded
//! ```
//!
//! An object has a header with its worst severity and its last writer. Each change has a path, both
//! sides, and its author; the worst comes first. The gutter shows the line in the manifest. The
//! verdict comes last, where the cursor is when the program ends: what was compared, and the worst
//! changes again in a line each.

mod carried;
mod change;
mod decided;
mod explain;
mod fleet;
mod groups;
mod plan;
mod sides;
mod summary;
mod urgent;

pub use decided::{DecisionResult, decided};
pub use explain::explanation;
pub use plan::{outcome, plan};

use std::io::{self, Write};

use super::paint::{Paint, StyledLine};
use super::several::ClusterReport;
use super::{Format, GroupBy, RenderOptions, escape, gist, view, words};
use crate::model::{JudgedChange, MergeClass, ObjectReport, ObjectStatus, Report};
use crate::redact::Redacted;
use carried::CommonAdditions;

/// The number of lines up to which a report fits on one screen with its verdict.
const SHORT: usize = 16;

/// The text report.
pub struct TextReport;

impl Format for TextReport {
    fn name(&self) -> &'static str {
        "text"
    }

    fn description(&self) -> &'static str {
        "Text for reading, in colour on a terminal"
    }

    fn render(
        &self,
        report: &Redacted,
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut body = Vec::new();
        let mut page = TextPage {
            options,
            out: &mut body,
        };
        match options.group_by {
            GroupBy::Object => render_objects(&mut page, report)?,
            GroupBy::Author | GroupBy::Severity | GroupBy::Change => {
                groups::render(&mut page, report)?;
            }
        }
        let lines = body.iter().filter(|byte| **byte == b'\n').count();
        let mut page = TextPage { options, out };
        let is_long = lines > SHORT;
        if is_long && options.paged {
            summary::render(&mut page, report, is_long)?;
            page.blank()?;
        }
        if lines > 0 {
            legend(&mut page, report, is_long && !options.paged)?;
        }
        page.out.write_all(&body)?;
        if is_long && options.paged {
            return summary::last_line(&mut page, report);
        }
        summary::render(&mut page, report, is_long)
    }

    fn render_several(
        &self,
        clusters: &[ClusterReport<'_>],
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        fleet::render(self, clusters, options, out)
    }
}

/// The writer, with the options.
struct TextPage<'p> {
    options: &'p RenderOptions,
    out: &'p mut dyn Write,
}

impl TextPage<'_> {
    fn line(&mut self, line: &StyledLine) -> io::Result<()> {
        let text = line.render(self.options.colour);
        let text = if self.options.ascii {
            super::paint::ascii(&text)
        } else {
            text
        };
        let text = text.trim_end_matches(' ');
        if self.options.colour {
            writeln!(self.out, "{text}")
        } else {
            // Pieces that are harmless alone may not be harmless next to each other.
            writeln!(self.out, "{}", escape::line(text))
        }
    }

    fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// Writes a line that is wrapped at the end of the page; continuation lines are indented.
    fn wrapped(&mut self, first: &StyledLine, indent: usize, text: StyledLine) -> io::Result<()> {
        let columns = self.options.width.saturating_sub(indent.max(first.width()));
        for (i, part) in text.wrap(columns).into_iter().enumerate() {
            let mut line = if i == 0 {
                first.clone()
            } else {
                StyledLine::default()
            };
            line.pad_to(indent).append(part);
            self.line(&line)?;
        }
        Ok(())
    }
}

/// Writes what the signs mean, and at the beginning of a long report also what was compared.
fn legend(page: &mut TextPage<'_>, report: &Report, with_target: bool) -> io::Result<()> {
    if let (true, Some(target)) = (with_target, summary::target(report)) {
        page.wrapped(&StyledLine::default(), 0, target)?;
    }
    if !report.objects.iter().any(shows_sides) {
        return Ok(());
    }
    let mut line = StyledLine::of(Paint::Declared, "- manifest");
    line.push(Paint::Plain, "   ").push(Paint::Live, "+ live");
    page.line(&line)?;
    page.blank()
}

/// Returns whether an object has changes whose sides are both shown.
fn shows_sides(object: &ObjectReport) -> bool {
    object.reported().next().is_some()
}

fn render_objects(page: &mut TextPage<'_>, report: &Report) -> io::Result<()> {
    let show = page.options.show;
    let objects = view::by_urgency(report, show);
    let (objects, alike) = match page.options.verbose {
        true => (objects, Vec::new()),
        false => view::by_reason(objects),
    };
    let carried = CommonAdditions::of(report, page);
    carried.render(page)?;
    for group in &alike {
        render_group(page, group)?;
    }
    let mut aside = Vec::new();
    for (deployer, objects) in view::by_deployer(objects) {
        if let Some(deployer) = deployer {
            page.line(&StyledLine::of(Paint::Bold, &words::deployer(deployer)))?;
        }
        let mut in_sync = Vec::new();
        for object in objects {
            let quiet = object.status() == ObjectStatus::InSync
                && object.violations.is_empty()
                && view::drifts(object, show).next().is_none();
            if carried.covers_all(object, show) {
                continue;
            } else if quiet {
                in_sync.push(object);
            } else if report.three_way && is_aside(page, object) {
                aside.push(object);
            } else {
                render_object(page, object, &carried)?;
            }
        }
        for object in &in_sync {
            header(page, object, None)?;
        }
        if !in_sync.is_empty() {
            page.blank()?;
        }
    }
    if !aside.is_empty() {
        let objects = words::count(aside.len(), "object");
        let heading = format!("drift of {objects} that this branch does not touch (-v shows it)");
        page.wrapped(
            &StyledLine::default(),
            2,
            StyledLine::of(Paint::Dim, &heading),
        )?;
        for object in &aside {
            header(page, object, Some(&changes_in_short(object)))?;
        }
        page.blank()?;
    }
    Ok(())
}

/// Returns whether an object drifted in a way that is unrelated to the branch.
fn is_aside(page: &TextPage<'_>, object: &ObjectReport) -> bool {
    let untouched = |drift: &JudgedChange| {
        (drift.merge.as_ref()).is_none_or(|merge| merge.class == MergeClass::Drift)
    };
    !page.options.verbose
        && page.options.show != super::ShowLevel::All
        && object.lifecycle.is_none()
        && object.status() == ObjectStatus::Drifted
        && object.violations.is_empty()
        && object.drifts.iter().all(untouched)
}

/// Returns `.spec.replicas and 2 more`.
fn changes_in_short(object: &ObjectReport) -> String {
    let changes: Vec<_> = view::worst_first(object, super::ShowLevel::Drift);
    match &changes[..] {
        [] => object.status().as_str().to_owned(),
        [only] => only.change.path.to_string(),
        [first, rest @ ..] => format!("{} and {} more", first.change.path, rest.len()),
    }
}

fn render_object(
    page: &mut TextPage<'_>,
    object: &ObjectReport,
    carried: &CommonAdditions<'_>,
) -> io::Result<()> {
    header(page, object, None)?;
    let indent = StyledLine::of(Paint::Plain, "  ");
    if let Some(note) = words::status_note_at(object, page.options.now) {
        let line = StyledLine::of(Paint::of_status(object.status()), &note);
        page.wrapped(&indent, 2, line)?;
    }
    // The deleter of a missing object is already shown.
    let owners = words::owners(&object.owners, page.options.now);
    if let Some(owners) = owners.filter(|_| object.status() != ObjectStatus::Missing) {
        page.wrapped(&indent, 2, StyledLine::of(Paint::Dim, &owners))?;
    }
    for (violation, line) in object.violations.iter().zip(words::violations(object)) {
        let paint = match violation.enforcement.refuses() {
            true => Paint::Bad,
            false => Paint::Drift,
        };
        page.wrapped(&indent, 4, StyledLine::of(paint, &line))?;
    }
    for line in gist::of(object) {
        let mut text = StyledLine::of(Paint::Live, "+ ");
        text.push(Paint::Live, &line);
        page.wrapped(&indent, 4, text)?;
    }
    change::render_all(page, object, carried)?;
    page.blank()
}

/// Returns `unknown: not compared, you may not get secrets and services in namespace shop`: the
/// permissions that all these objects lack.
fn rights(group: &[&ObjectReport]) -> Option<String> {
    /// How many permissions are named.
    const NAMED: usize = 6;
    let missing = group.iter().map(|object| view::missing_right(object));
    let missing: Vec<(&str, &str)> = missing.collect::<Option<_>>()?;
    let (_, place) = missing.first()?;
    let mut what: Vec<&str> = missing.iter().map(|(what, _)| *what).collect();
    what.sort_unstable();
    what.dedup();
    let more = what.len().saturating_sub(NAMED);
    what.truncate(NAMED);
    // A verb that is the same for all is written once.
    let mut before = "";
    let said: Vec<&str> = what
        .iter()
        .map(|right| match right.split_once(' ') {
            Some((verb, resource)) if verb == before => resource,
            Some((verb, _)) => {
                before = verb;
                *right
            }
            None => *right,
        })
        .collect();
    let more = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "unknown: not compared, you may not {}{more} in {place} (driftctl doctor prints the Role \
         that is missing)",
        said.join(", ")
    ))
}

/// Writes the objects that could not be compared for the same reason, on few lines.
fn render_group(page: &mut TextPage<'_>, group: &[&ObjectReport]) -> io::Result<()> {
    /// How many objects are named.
    const NAMED: usize = 3;
    let Some(first) = group.first() else {
        return Ok(());
    };
    let named = group.iter().take(NAMED);
    let named: Vec<String> = named.map(|object| words::object(object)).collect();
    let said = match group.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    };
    let mut line = StyledLine::of(Paint::of_status(first.status()), "?");
    line.push(Paint::Plain, " ");
    page.wrapped(&line, 2, StyledLine::of(Paint::Bold, &said))?;
    let indent = StyledLine::of(Paint::Plain, "  ");
    let note = rights(group).or_else(|| words::status_note(first));
    if let Some(note) = note {
        let note = StyledLine::of(Paint::of_status(first.status()), &note);
        page.wrapped(&indent, 2, note)?;
    }
    page.blank()
}

/// Returns where the manifest of an object is on this machine, for a terminal that opens it.
fn link(page: &TextPage<'_>, object: &ObjectReport) -> Option<String> {
    let origin = object.origin.as_ref();
    let origin =
        origin.filter(|origin| origin.revision.is_none() && origin.rendered_by.is_none())?;
    if !(page.options.links && page.options.colour) {
        return None;
    }
    let file = std::path::absolute(&*origin.file).ok()?;
    let path = file.to_str()?;
    let mut url = String::from("file://");
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => url.push(byte as char),
            byte if byte.is_ascii_alphanumeric() => url.push(byte as char),
            byte => url.push_str(&format!("%{byte:02X}")),
        }
    }
    Some(url)
}

/// Writes `~ Deployment shop/cart  HIGH  kubectl-edit 3h ago  manifests/cart.yaml:1`.
fn header(page: &mut TextPage<'_>, object: &ObjectReport, more: Option<&str>) -> io::Result<()> {
    let mark = match object.status() {
        ObjectStatus::InSync => "=",
        ObjectStatus::Drifted => "~",
        ObjectStatus::Missing => "-",
        ObjectStatus::Extra => "+",
        ObjectStatus::Unknown => "?",
        ObjectStatus::Pending => ">",
        ObjectStatus::Conflict => "!",
    };
    let mut line = StyledLine::of(Paint::of_status(object.status()), mark);
    line.push(Paint::Plain, " ")
        .push(Paint::Bold, &words::object(object));
    let fits = |line: &StyledLine, text: &str| {
        line.width() + 2 + super::paint::width(text) <= page.options.width
    };
    if let Some(severity) = object.severity().filter(|_| object.is_drift()) {
        line.push(Paint::Plain, "  ").push(
            Paint::of_severity(severity),
            &words::severity_label(severity),
        );
    }
    // The creator of an extra object has its own line.
    let writer = words::last_writer(object, page.options.now);
    let writer = writer.filter(|_| object.status() != ObjectStatus::Extra);
    for text in writer.iter().map(String::as_str).chain(more) {
        if fits(&line, text) {
            line.push(Paint::Plain, "  ").push(Paint::Dim, text);
        }
    }
    let Some(origin) = words::origin(object) else {
        return page.line(&line);
    };
    if fits(&line, &origin) {
        let url = link(page, object);
        line.push(Paint::Plain, "  ")
            .push_link(Paint::Dim, &origin, url);
        return page.line(&line);
    }
    page.line(&line)?;
    let indent = StyledLine::of(Paint::Plain, "  ");
    page.wrapped(&indent, 2, StyledLine::of(Paint::Dim, &origin))
}
