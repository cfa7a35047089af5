//! `driftctl rules`

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use anyhow::{Result, bail};

use crate::cli::args::{CommandFormat, LiveArgs, RulesCommandArgs};
use crate::cli::comparison::{self, NoLive};
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message};
use crate::config::rule_text;
use crate::model::{Manifest, Warning, group_of};
use crate::output::{self, escape};
use crate::policy::{
    ExtraSpec, Objects, Rule, RuleOrigin, RuleSet, RuleSpec, RuleUsage, audit, literally, rules_of,
};

/// Lists every rule, and where it is defined.
///
/// # Errors
/// Fails if a file of rules is broken.
pub fn run(args: &RulesCommandArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    let rules = comparison::rules(&args.rules, &args.source, settings.now)?;
    if args.rules.argocd_cm.as_deref() == Some(Path::new("live")) {
        bail!("this command does not read a cluster; give --argocd-cm a file");
    }
    let mut warnings = rules.warnings;
    let mut of_objects = Vec::new();
    let mut of_sources = Vec::new();
    for source in comparison::sources(&args.source, &LiveArgs::default())? {
        let loaded = source.load(&NoLive);
        warnings.extend(loaded.errors);
        if args.source.untrusted.untrusted {
            continue; // rules of Applications apply to other objects
        }
        of_sources.extend(loaded.rules);
        for manifest in loaded.manifests {
            let name = format!("{} {}", manifest.kind, manifest.name);
            let place = format!("{} ({name})", manifest.origin);
            let own = rules_of(Some(&manifest.value()), None, &place);
            let own_rules = own.rules.into_iter().map(|rule| Rule {
                objects: objects_of(&manifest),
                ..rule.by(settings.now)
            });
            of_objects.extend(own_rules);
            warnings.extend(own.problems.into_iter().map(broken));
        }
    }
    let set = rules.set.joined(of_sources);
    warnings.extend(audit(&set, &RuleUsage::default(), args.rules.strict_rules));
    let listed: Vec<&Rule> = of_objects
        .iter()
        .chain(set.rules())
        .chain(set.extra())
        .collect();
    match args.output {
        CommandFormat::Json => output::rules_json(&listed, &mut streams.out)?,
        CommandFormat::Yaml => yaml(&listed, &set, streams)?,
        _ => output::rules_text(&listed, &mut streams.out)?,
    }
    let failed = warnings.iter().any(|warning| warning.fatal);
    message::warnings(streams, settings, &warnings);
    Ok(if failed { Exit::Trouble } else { Exit::Clean })
}

/// Returns the object of a rule that is written on an object.
fn objects_of(manifest: &Manifest) -> Objects {
    Objects {
        group: group_of(&manifest.api_version).to_owned(),
        kind: literally(&manifest.kind),
        namespace: manifest
            .namespace
            .as_deref()
            .map(literally)
            .unwrap_or_default(),
        name: literally(&manifest.name),
    }
}

fn broken(message: String) -> Warning {
    Warning::new("", message)
}

/// The comment above rules that are printed as a user's file.
const HEAD: &str = "\
# Every rule of this run, in the schema of .driftctl.yaml. Copied into your file, a rule that explains
# becomes one that ignores: it hides drift. To change a rule, copy it and list its id in disable.
";

/// Returns the rules in the schema of a configuration file.
fn yaml(rules: &[&Rule], set: &RuleSet, streams: &mut Streams) -> Result<()> {
    let out = &mut streams.out;
    write!(out, "{HEAD}")?;
    let mut ids = BTreeSet::new();
    let (extras, changes): (Vec<&Rule>, Vec<&Rule>) =
        rules.iter().partition(|rule| rule.is_about_extras());
    for (key, rules) in [("ignoreDifferences", changes), ("ignoreExtra", extras)] {
        writeln!(out, "{key}:")?;
        for rule in rules {
            for line in yaml_rule(rule, &mut ids) {
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
    let mut builtin = rules.iter().filter(|rule| is_switchable(rule)).peekable();
    if builtin.peek().is_some() {
        writeln!(out, "disable:")?;
    }
    for rule in builtin {
        writeln!(out, "  - {}", rule.id)?;
    }
    Ok(())
}

/// Returns whether a rule is in the list of built-in rules.
fn is_switchable(rule: &Rule) -> bool {
    rule.origin == RuleOrigin::BuiltIn && RuleSet::switchable().any(|id| id == rule.id)
}

/// Returns a rule as the lines of an entry. What an entry cannot express is a comment.
fn yaml_rule(rule: &Rule, ids: &mut BTreeSet<String>) -> Vec<String> {
    let mut lines = vec![format!("# {}", escape::line(&rule.origin.to_string()))];
    if let Some(explains) = rule.explains {
        lines.push(format!("# explains: {}", explains.as_str()));
    }
    if !rule.selectors.written.is_empty() {
        let summary = rule.summary();
        lines.push(format!("# {}: {}", rule.id, escape::line(&summary)));
        return lines;
    }
    // Rules on several objects have the same ID.
    let numbered = (2..).map(|n| format!("{}-{n}", rule.id));
    let mut names = std::iter::once(rule.id.clone()).chain(numbered);
    let id = names.find(|name| ids.insert(name.clone()));
    let id = id.unwrap_or_default();
    let text = match rule.extra_spec() {
        Some(spec) => rule_text(&ExtraSpec { id, ..spec }),
        None => rule_text(&RuleSpec {
            id,
            explains: None,
            ..rule.spec()
        }),
    };
    lines.extend(escape::text(&text).lines().map(str::to_owned));
    lines
}
