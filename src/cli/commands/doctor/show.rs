//! The examination on paper.

use std::io::{self, Write};

use owo_colors::{OwoColorize as _, Style as Colour};
use serde_json::{Value, json};

use super::checks::{Check, Examination, State};
use crate::cli::settings::Settings;
use crate::output::{Style, escape, yaml_document};

/// The widest name of a check, and two spaces.
const NAMES: usize = 12;

/// A checklist.
pub(super) fn text(
    examination: &Examination,
    settings: &Settings,
    out: &mut dyn Write,
) -> io::Result<()> {
    for check in &examination.checks {
        line(check, settings, out)?;
    }
    let failed = examination.failed().count();
    let (word, colour, rest) = match failed {
        0 => (
            "READY",
            Colour::new().green().bold(),
            "a diff reads everything".to_owned(),
        ),
        n => (
            "NOT READY",
            Colour::new().red().bold(),
            format!("{n} of {} checks failed", examination.checks.len()),
        ),
    };
    writeln!(out, "\n{}  {rest}", painted(word, colour, settings))
}

/// The checklists of several clusters, each below a line that names it.
pub(super) fn texts(
    examinations: &[Examination],
    settings: &Settings,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (at, examination) in examinations.iter().enumerate() {
        let context = examination.context.as_deref().unwrap_or_default();
        let blank = if at == 0 { "" } else { "\n" };
        writeln!(out, "{blank}━━ cluster {}", escape::line(context))?;
        text(examination, settings, out)?;
    }
    Ok(())
}

fn line(check: &Check, settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
    let (mark, colour) = match check.state {
        State::Ok => ("ok  ", Colour::new().green()),
        State::Advice => ("note", Colour::new().yellow()),
        State::Failed => ("FAIL", Colour::new().red().bold()),
    };
    let found = escape::line(&check.found);
    let mark = painted(mark, colour, settings);
    writeln!(out, "{mark}  {:<NAMES$}{found}", check.check)?;
    match &check.to_do {
        Some(to_do) => writeln!(out, "      {:<NAMES$}→ {}", "", escape::line(to_do)),
        None => Ok(()),
    }
}

fn painted(text: &str, colour: Colour, settings: &Settings) -> String {
    if settings.color {
        text.style(colour).to_string()
    } else {
        text.to_owned()
    }
}

/// One JSON object.
pub(super) fn json(examination: &Examination, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{:#}", document(examination))
}

/// One JSON object with an examination of each cluster.
pub(super) fn jsons(examinations: &[Examination], out: &mut dyn Write) -> io::Result<()> {
    let clusters = examinations.iter().map(|examination| {
        let mut document = document(examination);
        document["context"] = json!(examination.context);
        document
    });
    let document = json!({
        "schema": "driftctl.doctors/v1",
        "ready": examinations.iter().all(is_ready),
        "clusters": clusters.collect::<Vec<_>>(),
    });
    writeln!(out, "{document:#}")
}

fn document(examination: &Examination) -> Value {
    json!({
        "schema": "driftctl.doctor/v1",
        "ready": is_ready(examination),
        "checks": examination.checks,
        "roles": examination.roles,
    })
}

fn is_ready(examination: &Examination) -> bool {
    examination.failed().next().is_none()
}

/// The Roles, as kubectl apply takes them.
pub(super) fn yaml(examination: &Examination, out: &mut dyn Write) -> io::Result<()> {
    if examination.roles.is_empty() {
        return Ok(());
    }
    match &examination.subject {
        Some(subject) => writeln!(
            out,
            "# What driftctl diff needs for these manifests, bound to {}.",
            escape::line(subject)
        )?,
        None => writeln!(
            out,
            "# What driftctl diff needs for these manifests. Bind it to whoever runs driftctl, or \
             print\n# it with bindings: driftctl doctor -o yaml --for \
             system:serviceaccount:NAMESPACE:NAME"
        )?,
    }
    for (i, role) in examination.roles.iter().enumerate() {
        let separator = if i == 0 { "" } else { "---\n" };
        write!(out, "{separator}{}", yaml_document(role, Style::Exact))?;
    }
    Ok(())
}
