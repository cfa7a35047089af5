//! `driftctl rules`

use std::io::Write;
use std::path::Path;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::cli::args::{LiveArgs, RulesCommandArgs, RulesFormat};
use crate::cli::comparison::{self, NoLive, Search};
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message};
use crate::config::rule_text;
use crate::model::Warning;
use crate::output::escape;
use crate::policy::{Audited, Rule, RuleOrigin, RuleSet, audit, rules_of};

/// Lists every rule, and where it is written.
///
/// # Errors
/// When a file of rules is broken.
pub fn run(args: &RulesCommandArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    let rules = comparison::rules(
        &args.rules,
        &args.source.paths,
        Search::of(args.source.untrusted.untrusted),
        settings.now,
    )?;
    if args.rules.argocd_cm.as_deref() == Some(Path::new("live")) {
        bail!("this command reads no cluster; name a file for --argocd-cm");
    }
    let mut warnings = rules.warnings;
    let mut of_objects = Vec::new();
    let mut of_sources = Vec::new();
    for source in comparison::sources(&args.source, &LiveArgs::default())? {
        let loaded = source.load(&NoLive);
        warnings.extend(loaded.errors);
        of_sources.extend(loaded.rules);
        for manifest in loaded.manifests {
            let name = format!("{} {}", manifest.kind, manifest.name);
            let place = format!("{} ({name})", manifest.origin);
            let own = rules_of(Some(&manifest.value()), None, &place);
            of_objects.extend(own.rules.into_iter().map(|rule| rule.by(settings.now)));
            warnings.extend(own.problems.into_iter().map(broken));
        }
    }
    let set = rules.set.joined(of_sources);
    warnings.extend(audit(&set, &Audited::default(), args.rules.strict_rules));
    let listed: Vec<&Rule> = of_objects
        .iter()
        .chain(set.rules())
        .chain(set.extra())
        .collect();
    match args.output {
        RulesFormat::Text => text(&listed, streams)?,
        RulesFormat::Json => {
            let rules: Vec<Value> = listed.iter().map(|rule| entry(rule)).collect();
            let document = json!({ "schema": "driftctl.rules/v1", "rules": rules });
            writeln!(streams.out, "{}", escape::text(&format!("{document:#}")))?;
        }
        RulesFormat::Yaml => yaml(&listed, &set, streams)?,
    }
    let failed = warnings.iter().any(|warning| warning.fatal);
    message::warnings(streams, settings, &warnings);
    Ok(if failed { Exit::Trouble } else { Exit::Clean })
}

fn broken(message: String) -> Warning {
    Warning {
        place: String::new(),
        message,
        fatal: false,
    }
}

/// What the rule does with what it speaks of.
fn effect(rule: &Rule) -> &'static str {
    match rule.explains {
        Some(_) => "explains",
        None if rule.is_about_extras() && rule.origin == RuleOrigin::BuiltIn => "leaves out",
        None => "ignores",
    }
}

fn entry(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "origin": rule.origin.to_string(),
        "effect": effect(rule),
        "expired": rule.expired,
        "rule": rule.spec(),
    })
}

fn text(rules: &[&Rule], streams: &mut Streams) -> Result<()> {
    let out = &mut streams.out;
    for rule in rules {
        let mut first = format!("{}  {}", rule.id, rule.origin);
        if let Some(expires) = &rule.expires {
            let word = if rule.expired { "EXPIRED" } else { "until" };
            first.push_str(&format!("  {word} {expires}"));
        }
        writeln!(out, "{}", escape::line(&first))?;
        writeln!(out, "  {} {}", effect(rule), escape::line(&rule.summary()))?;
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

/// The rules in the schema of a configuration.
fn yaml(rules: &[&Rule], set: &RuleSet, streams: &mut Streams) -> Result<()> {
    let out = &mut streams.out;
    let (extras, changes): (Vec<&Rule>, Vec<&Rule>) =
        rules.iter().partition(|rule| rule.is_about_extras());
    for (key, rules) in [("ignoreDifferences", changes), ("ignoreExtra", extras)] {
        writeln!(out, "{key}:")?;
        for rule in rules {
            writeln!(out, "  # {}", escape::line(&rule.origin.to_string()))?;
            let text = match rule.extra_spec() {
                Some(spec) => rule_text(&spec),
                None => rule_text(&rule.spec()),
            };
            for line in escape::text(&text).lines() {
                writeln!(out, "  {line}")?;
            }
        }
    }
    writeln!(out, "severity:")?;
    for spec in set.severities() {
        for line in escape::text(&rule_text(spec)).lines() {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(())
}
