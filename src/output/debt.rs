//! Writes the output of `driftctl debt`.

use std::io::{self, Write};

use jiff::{SignedDuration, Timestamp};

use super::document::DebtDocument;
use super::words::count;
use super::{escape, json_text};
use crate::policy::Accepted;

/// Writes what `file` accepts as text, worst first as in the baseline.
///
/// # Errors
/// Only those of `out`.
pub fn debt_text(
    accepted: &[&Accepted],
    file: &str,
    now: Timestamp,
    out: &mut dyn Write,
) -> io::Result<()> {
    for entry in accepted {
        let line = format!("{}  {}  {}", entry.key, entry.path, entry.kind.as_str());
        writeln!(out, "{}", escape::line(&line))?;
        writeln!(out, "  {}", escape::line(&details(entry, now)))?;
    }
    let file = escape::line(file);
    if accepted.is_empty() {
        return writeln!(out, "no accepted drift in {file}");
    }
    let overdue = accepted.iter().filter(|entry| entry.overdue).count();
    let changes = count(accepted.len(), "change");
    writeln!(out, "{changes} accepted in {file}, {overdue} overdue")
}

/// Writes one JSON document (`driftctl.debt/v1`).
///
/// # Errors
/// Only those of `out`.
pub fn debt_json(
    accepted: &[&Accepted],
    file: &str,
    now: Timestamp,
    out: &mut dyn Write,
) -> io::Result<()> {
    json_text::write(out, &DebtDocument::new(file, accepted, now))
}

/// Returns `5d left · accepted 2d ago by bob · Scaled for the sale · INC-12`.
fn details(accepted: &Accepted, now: Timestamp) -> String {
    let age = accepted
        .accepted_at()
        .map(|at| format!(" {} ago", rough_duration(now.duration_since(at))))
        .unwrap_or_default();
    let by = accepted
        .by
        .as_ref()
        .map(|by| format!(" by {by}"))
        .unwrap_or_default();
    let mut details = vec![deadline(accepted, now), format!("accepted{age}{by}")];
    details.extend(Some(accepted.reason.clone()).filter(|reason| !reason.is_empty()));
    details.extend(accepted.ticket.clone());
    details.join(" · ")
}

fn deadline(accepted: &Accepted, now: Timestamp) -> String {
    match &accepted.expires {
        None => "with no expiry".to_owned(),
        Some(at) if accepted.overdue => {
            format!(
                "OVERDUE for {}",
                rough_duration(now.duration_since(at.timestamp()))
            )
        }
        Some(at) => format!(
            "{} left",
            rough_duration(at.timestamp().duration_since(now))
        ),
    }
}

/// Returns `5d`, `3h`, `12m`.
fn rough_duration(duration: SignedDuration) -> String {
    let minutes = duration.as_mins().max(0);
    match minutes {
        0..120 => format!("{minutes}m"),
        120..2880 => format!("{}h", minutes / 60),
        _ => format!("{}d", minutes / 1440),
    }
}
