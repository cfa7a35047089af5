//! `diff`: a unified diff that `delta`, `less` and editors understand.

use std::io::{self, Write};

use serde_json::Value;

use super::hunk::{self, Hunk};
use super::paint::{Paint, paint};
use super::yaml_text::{self, Style};
use super::{Format, RenderOptions, escape, words};
use crate::model::{ObjectReport, Status};
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

    fn render(
        &self,
        report: &Redacted,
        options: &RenderOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        for object in &report.objects {
            render_object(object, options, out)?;
        }
        // Whatever reads diffs passes over lines that are none.
        for warning in &report.warnings {
            let level = if warning.fatal { "error" } else { "warning" };
            let place = escape::line(&warning.place);
            let message = escape::line(&warning.message);
            writeln!(out, "# {level}: {place}: {message}")?;
        }
        let (verdict, coverage) = (report.verdict(), words::coverage(report));
        writeln!(out, "# {verdict}: {}; {coverage}", words::tally(report))
    }
}

fn render_object(
    object: &ObjectReport,
    options: &RenderOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (declared, live) = match object.status {
        Status::InSync => return Ok(()),
        Status::Unknown => {
            let what = words::standing(object).unwrap_or_default();
            return writeln!(out, "# {}: {what}", words::object(object));
        }
        Status::Drifted => (object.declared.as_ref(), object.live.as_ref()),
        Status::Missing => (object.declared.as_ref(), None),
        Status::Extra => (None, object.live.as_ref()),
    };
    let hunks = hunk::hunks(&text(declared), &text(live));
    if hunks.is_empty() {
        let standing = words::standing(object).unwrap_or_else(|| object.status.as_str().to_owned());
        return writeln!(out, "# {}: {standing}", words::object(object));
    }
    let name = file_name(object);
    let mut header = |sign: &str, side: &str, is_there: bool, note: String| {
        let header = if is_there {
            format!("{sign} {side}/{name}\t{note}")
        } else {
            format!("{sign} /dev/null")
        };
        writeln!(out, "{}", paint(options.colour, Paint::Bold, &header))
    };
    let origin = words::origin(object).unwrap_or_default();
    let live_note = words::standing(object).unwrap_or_else(|| object.status.as_str().to_owned());
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
        yaml_text::document(value, Style::Readable)
    })
}

/// `shop/Deployment.apps/cart.yaml`: one file for each object, below one directory whatever the
/// names hold.
fn file_name(object: &ObjectReport) -> String {
    let key = &object.key;
    let parts = [
        key.namespace.as_deref().unwrap_or(""),
        &key.group_kind().to_string(),
        &key.name,
    ]
    .map(file_part);
    let [namespace, kind, name] = parts;
    let slash = if namespace.is_empty() { "" } else { "/" };
    format!("{namespace}{slash}{kind}/{name}.yaml")
}

/// A name as a part of a path: percent-encoded where it could be something else.
fn file_part(name: &str) -> String {
    let mut part = String::with_capacity(name.len());
    for b in name.bytes() {
        match b {
            b'.' if part.is_empty() => part.push_str("%2E"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b':' => {
                part.push(b as char);
            }
            b => part.push_str(&format!("%{b:02X}")),
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::file_part;

    #[test]
    fn names_stay_below_their_directory() {
        assert_eq!(file_part("cart-1.example"), "cart-1.example");
        assert_eq!(file_part("system:node"), "system:node");
        assert_eq!(file_part("../etc"), "%2E.%2Fetc");
        assert_eq!(file_part("a\tb c"), "a%09b%20c");
    }
}
