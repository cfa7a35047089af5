//! Writes the explanation of paths as text.
//!
//! A single path is explained in full. For an object or a prefix, drift and ignored changes are
//! shown in full; explained and equal paths in a line each, by reason.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::Value;

use super::{Paint, StyledLine, TextPage};
use crate::model::{
    Equality, ObjectExplanation, ObjectStatus, PathDecision, PathExplanation, Verdict,
};
use crate::output::yaml_text::{self, ControlCharacters};
use crate::output::{RenderOptions, gist, why, words};
use crate::redact::RedactedExplanation;

/// The column of the text about a path.
const COLUMN: usize = 14;

/// How many lines of a value are shown.
const MOST_LINES: usize = 20;

/// Writes an explanation as text.
///
/// # Errors
/// Only those of `out`.
pub fn explanation(
    explanation: &RedactedExplanation,
    options: &RenderOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = TextPage { options, out };
    header(&mut page, explanation)?;
    let alone = explanation.entries.len() == 1;
    let in_full =
        |entry: &&PathExplanation| alone || matches!(why::verdict(entry), "drift" | "ignored");
    for entry in explanation.entries.iter().filter(in_full) {
        page.blank()?;
        block(&mut page, explanation, entry)?;
    }
    if alone {
        return Ok(());
    }
    explained(&mut page, explanation)?;
    equal(&mut page, explanation)
}

fn header(page: &mut TextPage<'_>, explanation: &ObjectExplanation) -> io::Result<()> {
    let mut line = StyledLine::of(Paint::Bold, &explanation.key.to_string());
    if let Some(origin) = &explanation.origin {
        line.push(Paint::Plain, "  ")
            .push(Paint::Dim, &origin.to_string());
    }
    page.line(&line)?;
    let note = match (explanation.status, &explanation.reason) {
        (ObjectStatus::Missing, None) => Some("missing in the cluster".to_owned()),
        (ObjectStatus::Extra, None) => Some("extra: not in any manifest".to_owned()),
        (ObjectStatus::Missing | ObjectStatus::Extra, Some(reason)) => {
            Some(format!("{}: {reason}", explanation.status.as_str()))
        }
        (_, reason) => reason.clone(),
    };
    if let Some(note) = note {
        let severity = explanation.severity;
        let severity = severity.map_or(String::new(), |it| format!(" ({})", it.as_str()));
        let note = format!("{note}{severity}");
        labelled(page, "", Paint::of_status(explanation.status), &note)?;
    }
    if matches!(
        explanation.status,
        ObjectStatus::Missing | ObjectStatus::Extra
    ) {
        return origin_and_content(page, explanation);
    }
    for applier in &explanation.appliers {
        labelled(page, "applier", Paint::Plain, &why::applier(applier))?;
    }
    if explanation.appliers.is_empty() {
        labelled(page, "applier", Paint::Plain, why::no_applier(explanation))?;
    }
    labelled(
        page,
        "types",
        Paint::Plain,
        &why::schema(&explanation.schema),
    )
}

/// Writes who made an extra object or deleted a missing one, and what an extra object does.
fn origin_and_content(page: &mut TextPage<'_>, explanation: &ObjectExplanation) -> io::Result<()> {
    let mut name = match explanation.status {
        ObjectStatus::Missing => "deleted by",
        _ => "written by",
    };
    for owner in &explanation.owners {
        let by = words::owner(owner, page.options.now);
        labelled(page, name, Paint::Plain, &by)?;
        name = "";
    }
    let mut name = "content";
    for line in explanation
        .live
        .iter()
        .flat_map(|live| gist::of_live(&explanation.key, live))
    {
        labelled(page, name, Paint::Plain, &line)?;
        name = "";
    }
    Ok(())
}

/// Writes a labelled text.
fn labelled(page: &mut TextPage<'_>, name: &str, paint: Paint, text: &str) -> io::Result<()> {
    let first = StyledLine::of(Paint::Dim, &format!("  {name}"));
    let mut first = first;
    first.pad_to(COLUMN);
    page.wrapped(&first, COLUMN, StyledLine::of(paint, text))
}

/// Writes everything that is known about one path.
fn block(
    page: &mut TextPage<'_>,
    explanation: &ObjectExplanation,
    entry: &PathExplanation,
) -> io::Result<()> {
    // Not wrapped, so that it can be copied.
    page.line(&StyledLine::of(Paint::Path, &entry.path.to_string()))?;
    let mut verdict = why::decision_reason(entry);
    if let PathDecision::Differs {
        severity,
        verdict: Verdict::Reported,
        ..
    } = &entry.decision
    {
        verdict.push_str(&format!(" ({})", severity.as_str()));
    }
    labelled(page, why::verdict(entry), paint_of(entry), &verdict)?;
    if let PathDecision::Differs { cause, note, .. } = &entry.decision {
        if let Some(cause) = cause {
            let cause = format!("{}: {}", cause.as_str(), cause.meaning());
            labelled(page, "cause", Paint::Note, &cause)?;
        }
        if let Some(note) = note {
            labelled(page, "note", Paint::Note, note)?;
        }
    }
    let place = entry.position.zip(explanation.origin.as_ref());
    let place = place.map(|(position, origin)| format!("{}:{}", origin.file, position.line));
    value(
        page,
        "declared",
        Paint::Declared,
        entry.declared.as_ref(),
        place,
    )?;
    value(page, "live", Paint::Live, entry.live.as_ref(), None)?;
    owners(page, explanation, entry)?;
    types(page, entry)?;
    if let Some(rule) = &entry.rule {
        labelled(page, "rule", Paint::Plain, &why::rule(rule))?;
    }
    Ok(())
}

fn paint_of(entry: &PathExplanation) -> Paint {
    match &entry.decision {
        PathDecision::Differs { verdict, .. } => match verdict {
            Verdict::Reported => Paint::Drift,
            Verdict::Ignored { .. } | Verdict::Explained { .. } => Paint::Note,
        },
        PathDecision::Equal(_) => Paint::Good,
        PathDecision::Absent => Paint::Dim,
    }
}

fn value(
    page: &mut TextPage<'_>,
    name: &str,
    paint: Paint,
    value: Option<&Value>,
    place: Option<String>,
) -> io::Result<()> {
    let mut first = StyledLine::of(Paint::Dim, &format!("  {name}"));
    first.pad_to(COLUMN);
    let Some(value) = value else {
        let nothing = StyledLine::of(Paint::Dim, "nothing");
        let nearest = place.map(|place| format!("nearest: {place}"));
        return placed(page, &first, nothing, nearest.as_deref());
    };
    if is_one_line(value) {
        let line = StyledLine::of(paint, &yaml_text::scalar(value));
        return placed(page, &first, line, place.as_deref());
    }
    let text = yaml_text::document(value, ControlCharacters::Readable);
    let lines: Vec<&str> = text.lines().collect();
    if let Some(place) = place {
        first.push(Paint::Dim, &place);
        page.line(&first)?;
        first = StyledLine::default();
    }
    for line in lines.iter().take(MOST_LINES) {
        first.pad_to(COLUMN).push(paint, line);
        page.line(&first)?;
        first = StyledLine::default();
    }
    let more = lines.len().saturating_sub(MOST_LINES);
    if more > 0 {
        let more = format!("… {} (-o yaml shows all)", words::count(more, "more line"));
        labelled(page, "", Paint::Dim, &more)?;
    }
    Ok(())
}

/// Writes text and its place: next to each other, or below if there is no room. A place is never
/// wrapped, so that it can be opened.
fn placed(
    page: &mut TextPage<'_>,
    first: &StyledLine,
    mut line: StyledLine,
    place: Option<&str>,
) -> io::Result<()> {
    let Some(place) = place else {
        return page.wrapped(first, COLUMN, line);
    };
    let beside = format!("  {place}");
    let width = StyledLine::of(Paint::Plain, &beside).width();
    if COLUMN + line.width() + width <= page.options.width {
        line.push(Paint::Dim, &beside);
        return page.wrapped(first, COLUMN, line);
    }
    page.wrapped(first, COLUMN, line)?;
    let mut below = StyledLine::default();
    below.pad_to(COLUMN).push(Paint::Dim, place);
    page.line(&below)
}

fn is_one_line(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => true,
    }
}

fn owners(
    page: &mut TextPage<'_>,
    explanation: &ObjectExplanation,
    entry: &PathExplanation,
) -> io::Result<()> {
    if entry.owners.is_empty() {
        return match entry.decision {
            PathDecision::Absent => Ok(()),
            _ => labelled(
                page,
                "written by",
                Paint::Plain,
                why::no_owner(explanation, entry),
            ),
        };
    }
    for (i, owner) in entry.owners.iter().enumerate() {
        let name = if i == 0 { "written by" } else { "" };
        let is_applier = explanation
            .appliers
            .iter()
            .any(|a| a.manager == owner.manager);
        let role = if is_applier { ", the applier" } else { "" };
        let by = words::owner(owner, page.options.now);
        labelled(page, name, Paint::Plain, &format!("{by}{role}"))?;
    }
    Ok(())
}

fn types(page: &mut TextPage<'_>, entry: &PathExplanation) -> io::Result<()> {
    let mut compared = why::form(&entry.form);
    if !entry.type_name.is_empty() {
        compared = format!("{compared} ({})", entry.type_name);
    }
    labelled(page, "compared", Paint::Plain, &compared)?;
    for matched in &entry.matched {
        labelled(page, "", Paint::Plain, &why::matched(matched))?;
    }
    if let Some((value, from)) = &entry.default {
        let shown = if is_one_line(value) {
            yaml_text::scalar(value)
        } else {
            value.to_string()
        };
        let default = format!("{shown}, {}", why::default_from(*from));
        labelled(page, "default", Paint::Plain, &default)?;
    }
    Ok(())
}

/// Writes the explained paths, by reason and rule.
fn explained(page: &mut TextPage<'_>, explanation: &ObjectExplanation) -> io::Result<()> {
    let mut by_reason: BTreeMap<String, Vec<&PathExplanation>> = BTreeMap::new();
    for entry in &explanation.entries {
        if why::verdict(entry) == "explained" {
            let rule = entry.rule.as_ref().map(why::rule);
            let rule = rule.map_or_else(String::new, |rule| format!(", by {rule}"));
            by_reason
                .entry(format!("{}{rule}", why::decision_reason(entry)))
                .or_default()
                .push(entry);
        }
    }
    for (reason, entries) in by_reason {
        page.blank()?;
        let line = StyledLine::of(Paint::Note, &format!("explained · {reason}"));
        page.wrapped(&StyledLine::default(), 0, line)?;
        for entry in entries {
            one_line(page, entry, &shown(entry.live.as_ref()))?;
        }
    }
    Ok(())
}

/// Writes the equal paths: those that are written differently, and how many are identical.
fn equal(page: &mut TextPage<'_>, explanation: &ObjectExplanation) -> io::Result<()> {
    let mut by_reason: BTreeMap<Equality, Vec<&PathExplanation>> = BTreeMap::new();
    for entry in &explanation.entries {
        if let PathDecision::Equal(how) = entry.decision {
            by_reason.entry(how).or_default().push(entry);
        }
    }
    let same = [Equality::Same, Equality::Identity];
    let same = same.map(|how| by_reason.remove(&how).map_or(0, |entries| entries.len()));
    for (how, entries) in by_reason {
        page.blank()?;
        let line = StyledLine::of(Paint::Good, &format!("equal · {}", how.meaning()));
        page.wrapped(&StyledLine::default(), 0, line)?;
        for entry in entries {
            let (declared, live) = (shown(entry.declared.as_ref()), shown(entry.live.as_ref()));
            one_line(page, entry, &format!("{declared} and {live}"))?;
        }
    }
    let same: usize = same.iter().sum();
    if same > 0 {
        page.blank()?;
        let same = words::count(same, "path");
        let line = format!("equal · {same}, the same on both sides");
        page.line(&StyledLine::of(Paint::Good, &line))?;
    }
    Ok(())
}

fn one_line(page: &mut TextPage<'_>, entry: &PathExplanation, values: &str) -> io::Result<()> {
    let mut line = StyledLine::of(Paint::Path, &entry.path.to_string());
    line.push(Paint::Plain, "  ").push(Paint::Dim, values);
    page.wrapped(&StyledLine::of(Paint::Plain, "  "), 4, line)
}

/// Returns a value in a few characters.
fn shown(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::Object(fields)) if !fields.is_empty() => words::count(fields.len(), "field"),
        Some(Value::Array(items)) if !items.is_empty() => words::count(items.len(), "item"),
        Some(value) => {
            let text = yaml_text::scalar(value);
            match text.char_indices().nth(60) {
                Some((cut, _)) => format!("{}…", &text[..cut]),
                None => text,
            }
        }
    }
}
