//! Writes `driftctl policy` as text.

use std::io::{self, Write};

use super::{escape, words};
use crate::model::Enforcement;
use crate::redact::Redacted;

/// Writes the results of `policies` policies for the objects of a report. `passed` is the number of
/// rules that passed.
///
/// # Errors
/// Fails if it cannot be written.
pub fn policies_text(
    report: &Redacted,
    policies: usize,
    passed: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    for warning in &report.warnings {
        let level = if warning.fatal { "error" } else { "warning" };
        let place = match warning.place.as_str() {
            "" => String::new(),
            place => format!("{place}: "),
        };
        let line = format!("{level}: {place}{}", warning.message);
        writeln!(out, "{}", escape::line(&line))?;
    }
    if !report.warnings.is_empty() {
        writeln!(out)?;
    }
    let mut counts = [0; 3];
    for object in &report.objects {
        if object.violations.is_empty() {
            continue;
        }
        let origin = words::origin(object).unwrap_or_default();
        writeln!(out, "{}  {origin}", words::object(object))?;
        for violation in &object.violations {
            counts[match violation.enforcement {
                Enforcement::Denied | Enforcement::Deny => 0,
                Enforcement::Warn | Enforcement::Audit => 1,
                Enforcement::Cannot => 2,
            }] += 1;
            let line = violation
                .position
                .map_or_else(String::new, |at| at.line.to_string());
            writeln!(out, "{line:>4} │ {}", words::violation(violation))?;
        }
        writeln!(out)?;
    }
    let [refused, warned, cannot] = counts;
    let word = match (report.is_incomplete(), refused, warned + cannot) {
        (true, _, _) => "INCOMPLETE",
        (false, 0, 0) => "PASSED",
        (false, 0, _) => "NOT REFUSED",
        (false, _, _) => "REFUSED",
    };
    writeln!(
        out,
        "{word}  {} by {}: {}, {} only warned or audited, {passed} passed, {cannot} not evaluated",
        words::count(report.objects.len(), "object"),
        policies_in_words(policies),
        words::count(refused, "violation"),
        warned,
    )
}

fn policies_in_words(n: usize) -> String {
    match n {
        1 => "1 policy".to_owned(),
        n => format!("{n} policies"),
    }
}
