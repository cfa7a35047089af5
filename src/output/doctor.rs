//! Writes the output of `driftctl doctor`.

use std::io::{self, Write};

use owo_colors::{OwoColorize as _, Style as Colour};

use super::document::{DoctorDocument, DoctorsDocument};
use super::yaml_text::{ControlCharacters, document as yaml_document};
use super::{escape, json_text};
use crate::model::{Check, CheckState, Examination};

/// The widest name of a check, plus two spaces.
const NAMES: usize = 12;

/// Writes the checklist of each cluster; several have a heading each.
///
/// # Errors
/// Only those of `out`.
pub fn doctor_text(
    examinations: &[Examination],
    colour: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    if let [one] = examinations {
        return checklist(one, colour, out);
    }
    for (at, examination) in examinations.iter().enumerate() {
        let context = examination.context.as_deref().unwrap_or_default();
        let blank = if at == 0 { "" } else { "\n" };
        writeln!(out, "{blank}━━ cluster {}", escape::line(context))?;
        checklist(examination, colour, out)?;
    }
    Ok(())
}

/// Writes one JSON document: `driftctl.doctor/v1`, or `driftctl.doctors/v1` for several clusters.
///
/// # Errors
/// Only those of `out`.
pub fn doctor_json(examinations: &[Examination], out: &mut dyn Write) -> io::Result<()> {
    match examinations {
        [one] => json_text::write(out, &DoctorDocument::new(one)),
        several => json_text::write(out, &DoctorsDocument::new(several)),
    }
}

/// Writes the Roles that a run needs, for `kubectl apply`.
///
/// # Errors
/// Only those of `out`.
pub fn doctor_yaml(examination: &Examination, out: &mut dyn Write) -> io::Result<()> {
    if examination.roles.is_empty() {
        return Ok(());
    }
    let (command, also) = match examination.is_for_revert {
        true => ("revert", " --for revert"),
        false => ("diff", ""),
    };
    match &examination.subject {
        Some(subject) => writeln!(
            out,
            "# The permissions that driftctl {command} needs for these manifests, bound to {}.",
            escape::line(subject)
        )?,
        None => writeln!(
            out,
            "# The permissions that driftctl {command} needs for these manifests. Bind them to the \
             user that runs driftctl,\n# or print them with bindings: driftctl doctor -o \
             yaml{also} --for system:serviceaccount:NAMESPACE:NAME"
        )?,
    }
    for (i, role) in examination.roles.iter().enumerate() {
        let separator = if i == 0 { "" } else { "---\n" };
        write!(
            out,
            "{separator}{}",
            yaml_document(role, ControlCharacters::Exact)
        )?;
    }
    Ok(())
}

fn checklist(examination: &Examination, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    for check in &examination.checks {
        line(check, colour, out)?;
    }
    let (word, style, rest) = match examination.failed().count() {
        0 => (
            "READY",
            Colour::new().green().bold(),
            match examination.is_for_revert {
                true => "a revert can read and write everything".to_owned(),
                false => "a diff can read everything".to_owned(),
            },
        ),
        n => (
            "NOT READY",
            Colour::new().red().bold(),
            format!("{n} of {} checks failed", examination.checks.len()),
        ),
    };
    writeln!(out, "\n{}  {rest}", painted(word, style, colour))
}

fn line(check: &Check, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let (mark, style) = match check.state {
        CheckState::Ok => ("ok  ", Colour::new().green()),
        CheckState::Advice => ("note", Colour::new().yellow()),
        CheckState::Failed => ("FAIL", Colour::new().red().bold()),
    };
    let found = escape::line(&check.found);
    let mark = painted(mark, style, colour);
    writeln!(out, "{mark}  {:<NAMES$}{found}", check.check)?;
    match &check.to_do {
        Some(to_do) => writeln!(out, "      {:<NAMES$}→ {}", "", escape::line(to_do)),
        None => Ok(()),
    }
}

fn painted(text: &str, style: Colour, colour: bool) -> String {
    if colour {
        text.style(style).to_string()
    } else {
        text.to_owned()
    }
}
