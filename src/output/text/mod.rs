//! `text`: the report to read in an incident.
//!
//! ```text
//! ~ Deployment shop/cart  manifests/cart.yaml:1
//!     9 │ ~ .spec.replicas  3 → 5
//!       │   medium · kubectl (through scale), time not recorded
//! ```
//!
//! An object has a header with its standing, each change a path, both sides, and who holds it. The
//! gutter leads to the line in the manifest. The verdict comes last, where the eye is when the
//! program ends.

mod change;
mod explain;
mod plan;
mod sides;
mod summary;

pub use explain::explanation;
pub use plan::{outcome, plan};

use std::io::{self, Write};

use super::paint::{Line, Paint};
use super::several::Cluster;
use super::{Format, RenderOptions, escape, several, view, words};
use crate::model::{ObjectReport, Status};
use crate::redact::Redacted;

/// The report to read.
pub struct Text;

impl Format for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn description(&self) -> &'static str {
        "For reading, in colour on a terminal"
    }

    fn render(
        &self,
        report: &Redacted,
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut page = Page { options, out };
        let objects = view::by_urgency(report, options.show);
        let (objects, alike) = match options.verbose {
            true => (objects, Vec::new()),
            false => view::alike(objects),
        };
        for group in &alike {
            render_alike(&mut page, group)?;
        }
        for (deployer, objects) in view::by_deployer(objects) {
            if let Some(deployer) = deployer {
                page.line(&Line::of(Paint::Bold, &words::deployer(deployer)))?;
            }
            let mut in_sync = Vec::new();
            for object in objects {
                let quiet = object.status() == Status::InSync
                    && view::drifts(object, options.show).next().is_none();
                if quiet {
                    in_sync.push(object);
                } else {
                    render_object(&mut page, object)?;
                }
            }
            for object in &in_sync {
                header(&mut page, object)?;
            }
            if !in_sync.is_empty() {
                page.blank()?;
            }
        }
        summary::render(&mut page, report)
    }

    fn render_several(
        &self,
        clusters: &[Cluster<'_>],
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        several::sections(self, "━━", clusters, options, out)
    }
}

/// Where lines go.
struct Page<'p> {
    options: &'p RenderOptions,
    out: &'p mut dyn Write,
}

impl Page<'_> {
    fn line(&mut self, line: &Line) -> io::Result<()> {
        let text = line.render(self.options.colour);
        let text = text.trim_end_matches(' ');
        if self.options.colour {
            writeln!(self.out, "{text}")
        } else {
            // Pieces that are harmless one by one may not be next to each other.
            writeln!(self.out, "{}", escape::line(text))
        }
    }

    fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// A line that is broken where the page ends; what follows is indented.
    fn wrapped(&mut self, first: &Line, indent: usize, text: Line) -> io::Result<()> {
        let columns = self.options.width.saturating_sub(indent.max(first.width()));
        for (i, part) in text.wrap(columns).into_iter().enumerate() {
            let mut line = if i == 0 {
                first.clone()
            } else {
                Line::default()
            };
            line.pad_to(indent).append(part);
            self.line(&line)?;
        }
        Ok(())
    }
}

fn render_object(page: &mut Page<'_>, object: &ObjectReport) -> io::Result<()> {
    header(page, object)?;
    let indent = Line::of(Paint::Plain, "  ");
    if let Some(standing) = words::standing(object) {
        let mut line = Line::of(Paint::of_status(object.status()), &standing);
        if let Some(weight) = object.whole_severity {
            line.push(Paint::Plain, "   ")
                .push(Paint::of_severity(weight), weight.as_str());
        }
        page.wrapped(&indent, 2, line)?;
    }
    // Who deleted what is missing has been said.
    let owners = words::owners(&object.owners, page.options.now);
    if let Some(owners) = owners.filter(|_| object.status() != Status::Missing) {
        page.wrapped(&indent, 2, Line::of(Paint::Dim, &owners))?;
    }
    change::render_all(page, object)?;
    page.blank()
}

/// Objects of one kind that could not be compared for one reason, on few lines.
fn render_alike(page: &mut Page<'_>, group: &[&ObjectReport]) -> io::Result<()> {
    /// How many are named.
    const NAMED: usize = 3;
    let Some(first) = group.first() else {
        return Ok(());
    };
    let named = group.iter().take(NAMED);
    let named: Vec<String> = named.map(|object| words::object(object)).collect();
    let more = group.len().saturating_sub(NAMED);
    let said = format!("{} and {more} more", named.join(", "));
    let mut line = Line::of(Paint::of_status(first.status()), "?");
    line.push(Paint::Plain, " ");
    page.wrapped(&line, 2, Line::of(Paint::Bold, &said))?;
    let indent = Line::of(Paint::Plain, "  ");
    if let Some(standing) = words::standing(first) {
        let standing = Line::of(Paint::of_status(first.status()), &standing);
        page.wrapped(&indent, 2, standing)?;
    }
    page.blank()
}

/// `~ Deployment shop/cart  manifests/cart.yaml:1`
fn header(page: &mut Page<'_>, object: &ObjectReport) -> io::Result<()> {
    let mark = match object.status() {
        Status::InSync => "=",
        Status::Drifted => "~",
        Status::Missing => "-",
        Status::Extra => "+",
        Status::Unknown => "?",
        Status::Pending => ">",
        Status::Conflict => "!",
    };
    let mut line = Line::of(Paint::of_status(object.status()), mark);
    line.push(Paint::Plain, " ")
        .push(Paint::Bold, &words::object(object));
    let Some(origin) = words::origin(object) else {
        return page.line(&line);
    };
    if line.width() + 2 + super::paint::width(&origin) <= page.options.width {
        line.push(Paint::Plain, "  ").push(Paint::Dim, &origin);
        return page.line(&line);
    }
    page.line(&line)?;
    let indent = Line::of(Paint::Plain, "  ");
    page.wrapped(&indent, 2, Line::of(Paint::Dim, &origin))
}
