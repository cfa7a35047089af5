//! Writes the output of `driftctl rules`.

use std::io::{self, Write};

use super::document::RulesDocument;
use super::{escape, json_text};
use crate::policy::Rule;

/// Writes each rule in a few lines of text.
///
/// # Errors
/// Only those of `out`.
pub fn rules_text(rules: &[&Rule], out: &mut dyn Write) -> io::Result<()> {
    for rule in rules {
        let mut first = format!("{}  {}", rule.id, rule.origin);
        if let Some(expires) = &rule.expires {
            let word = if rule.expired { "EXPIRED" } else { "until" };
            first.push_str(&format!("  {word} {expires}"));
        }
        writeln!(out, "{}", escape::line(&first))?;
        let effect = rule.effect().as_str();
        writeln!(out, "  {effect} {}", escape::line(&rule.summary()))?;
        let mut about = vec![rule.reason.clone()];
        about.extend(rule.owner.clone());
        about.extend(rule.ticket.clone());
        about.retain(|word| !word.is_empty());
        if !about.is_empty() {
            writeln!(out, "  {}", escape::line(&about.join(" · ")))?;
        }
    }
    Ok(())
}

/// Writes one JSON document (`driftctl.rules/v1`).
///
/// # Errors
/// Only those of `out`.
pub fn rules_json(rules: &[&Rule], out: &mut dyn Write) -> io::Result<()> {
    json_text::write(out, &RulesDocument::new(rules))
}
