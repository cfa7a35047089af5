//! `diff`: a unified diff that `delta`, `less` and editors understand.

use std::io::{self, Write};

use serde_json::Value;

use super::hunk::{self, Hunk};
use super::paint::{Paint, paint};
use super::yaml_text::{self, ControlCharacters};
use super::{Format, RenderOptions, aside, escape, ignored, words};
use crate::model::{ObjectReport, ObjectStatus, PackedObject};
use crate::redact::Redacted;

/// Declared against live, object by object, as YAML.
pub struct Diff;

impl Format for Diff {
    fn name(&self) -> &'static str {
        "diff"
    }

    fn description(&self) -> &'static str {
        "A unified diff of YAML, declared against live, object by object"
    }

    fn shows_objects(&self) -> bool {
        true
    }

    fn render(
        &self,
        report: &Redacted,
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        for object in &report.objects {
            render_object(object, options, out)?;
        }
        // Tools that read diffs skip other lines.
        for warning in &report.warnings {
            let level = if warning.fatal { "error" } else { "warning" };
            let message = escape::line(&warning.message);
            match &*escape::line(&warning.place) {
                "" => writeln!(out, "# {level}: {message}")?,
                place => writeln!(out, "# {level}: {place}: {message}")?,
            }
        }
        for line in ignored::lines(report, options.show) {
            writeln!(out, "# {line}")?;
        }
        if let Some(meaning) = words::conflict(report) {
            writeln!(out, "# CONFLICT: {meaning}")?;
        }
        writeln!(out, "# {}", words::verdict(report))
    }
}

fn render_object(
    object: &ObjectReport,
    options: &RenderOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (declared, live) = match object.status() {
        ObjectStatus::InSync => return Ok(()),
        ObjectStatus::Unknown => {
            let what = words::status_note(object).unwrap_or_default();
            return writeln!(out, "# {}: {what}", words::object(object));
        }
        ObjectStatus::Drifted | ObjectStatus::Pending | ObjectStatus::Conflict => {
            (object.declared.as_ref(), object.live.as_ref())
        }
        ObjectStatus::Missing => (object.declared.as_ref(), None),
        ObjectStatus::Extra => (None, object.live.as_ref()),
    };
    if object.lifecycle.is_some() {
        let what = words::status_note(object).unwrap_or_default();
        writeln!(out, "# {}: {what}", words::object(object))?;
    }
    for line in object.reported().flat_map(aside::lines) {
        writeln!(out, "# {}: {line}", words::object(object))?;
    }
    let unpacked = |view: Option<&PackedObject>| text(view.map(PackedObject::value).as_ref());
    let hunks = hunk::hunks(&unpacked(declared), &unpacked(live));
    if hunks.is_empty() {
        let note =
            words::status_note(object).unwrap_or_else(|| object.status().as_str().to_owned());
        return writeln!(out, "# {}: {note}", words::object(object));
    }
    let name = words::file_name(object);
    let mut header = |sign: &str, side: &str, is_there: bool, note: String| {
        let header = if is_there {
            format!("{sign} {side}/{name}\t{note}")
        } else {
            format!("{sign} /dev/null")
        };
        writeln!(out, "{}", paint(options.colour, Paint::Bold, &header))
    };
    let origin = words::origin(object).unwrap_or_default();
    let live_note =
        words::status_note(object).unwrap_or_else(|| object.status().as_str().to_owned());
    header("---", "declared", declared.is_some(), origin)?;
    header("+++", "live", live.is_some(), live_note)?;
    hunks
        .iter()
        .try_for_each(|hunk| render_hunk(hunk, options.colour, out))
}

fn render_hunk(hunk: &Hunk, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", paint(colour, Paint::Note, &hunk.header()))?;
    for line in &hunk.lines {
        let mut text = line.side.sign().to_string();
        text.extend(line.pieces.iter().map(|(_, piece)| piece.as_str()));
        let text = escape::text(&text);
        writeln!(out, "{}", paint(colour, Paint::of_side(line.side), &text))?;
    }
    Ok(())
}

fn text(value: Option<&Value>) -> String {
    value.map_or_else(String::new, |value| {
        yaml_text::document(value, ControlCharacters::Readable)
    })
}
