//! `driftctl guard --check`: finds rules that do not work.

use std::io::Write;
use std::sync::Arc;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use strum::VariantArray as _;

use crate::admission::check::{
    Base, CheckedRule, ExpressionNames, PolicyFlaw, PolicyFunctions, check, check_kyverno, smallest,
};
use crate::admission::{Policies, analysis, stored};
use crate::cli::args::{CommandFormat, GuardArgs, SourceArgs};
use crate::cli::commands::policy::PolicyKinds;
use crate::cli::comparison::{self, load};
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message};
use crate::model::{Manifest, ManifestStep};
use crate::output::{CheckedPolicyDocument, checks, escape};
use crate::schema::{Schema, builtin_kinds};

/// Kinds that most policies match: they are tested first.
const COMMON: [&str; 8] = [
    "Deployment",
    "Pod",
    "StatefulSet",
    "DaemonSet",
    "CronJob",
    "Service",
    "ConfigMap",
    "Namespace",
];

/// A policy with the findings about its rules.
struct CheckedPolicy {
    manifest: Arc<Manifest>,
    rules: Vec<CheckedRule>,
    count: usize,
    /// Whether its bindings only warn or audit.
    only_warns: bool,
}

/// Tests policies.
///
/// # Errors
/// Fails if there is no policy, or nothing can be read.
pub fn run(args: &GuardArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    let mut warnings = Vec::new();
    let of_policies = SourceArgs {
        paths: args.check.clone(),
        ..SourceArgs::default()
    };
    let read = load(&of_policies, &mut warnings)?;
    let declared = match args.drift.source.paths.is_empty() {
        true => Vec::new(),
        false => load(&args.drift.source, &mut warnings)?,
    };
    message::warnings(streams, settings, &warnings);
    let failed = warnings.iter().any(|warning| warning.fatal);
    let policies = try_all(&read, &declared)?;
    if policies.is_empty() {
        let named = args.check.iter().map(|path| path.display().to_string());
        bail!(
            "no policy in {}: it contains no ValidatingAdmissionPolicy and no Kyverno \
             ClusterPolicy",
            named.collect::<Vec<_>>().join(", ")
        );
    }
    match args.output {
        CommandFormat::Json => json(&policies, &mut streams.out)?,
        _ => text(&policies, &mut streams.out)?,
    }
    let rules = || policies.iter().flat_map(|one| &one.rules);
    let mut flaws = rules().flat_map(|rule| &rule.flaws);
    Ok(
        match flaws.any(|(flaw, _)| *flaw != PolicyFlaw::NotDecided) {
            _ if failed => Exit::Trouble,
            true => Exit::Drift,
            false => Exit::Clean,
        },
    )
}

fn try_all(read: &[Arc<Manifest>], declared: &[Arc<Manifest>]) -> Result<Vec<CheckedPolicy>> {
    let kinds = PolicyKinds::of(read.iter().chain(declared));
    let is_policy = |manifest: &&Arc<Manifest>| {
        !manifest.kind.starts_with("ValidatingAdmissionPolicy") && !is_kyverno(manifest)
    };
    let others: Vec<Value> = (read.iter().chain(declared))
        .filter(is_policy)
        .map(|manifest| manifest.value())
        .collect();
    let policies = Policies::of(read.iter().map(|manifest| manifest.value()));
    let hand: Vec<Base<'_>> = (declared.iter())
        .filter_map(|manifest| base_of(manifest, &kinds))
        .collect();
    let engine = comparison::jq();
    engine.limit_whole_run(comparison::POLICIES);
    let evaluate = |policy: &str, input: &Value| comparison::evaluate(&engine, policy, input);
    let analyze =
        |policy: &Value, expressions: &[String]| -> Result<Vec<ExpressionNames>, String> {
            let answer = engine.evaluate(&policy.to_string(), &analysis(expressions));
            let answer = answer.map_err(|error| error.to_string())?;
            serde_json::from_value(answer).map_err(|error| error.to_string())
        };
    let tools = PolicyFunctions {
        evaluate: &evaluate,
        analyze: &analyze,
    };
    let mut checked = Vec::new();
    for manifest in read {
        let value = manifest.value();
        if is_kyverno(manifest) {
            let rules = check_kyverno(&value);
            checked.push(CheckedPolicy {
                count: rules.len(),
                rules,
                manifest: Arc::clone(manifest),
                only_warns: false,
            });
        }
        if manifest.kind != "ValidatingAdmissionPolicy" {
            continue;
        }
        let bindings = policies.bindings_of(&value);
        let denies = |binding: &Value| {
            let actions = binding.pointer("/spec/validationActions");
            let actions = actions.and_then(Value::as_array);
            actions.is_some_and(|actions| actions.iter().any(|action| action == "Deny"))
        };
        let only_warns = !bindings.is_empty() && !bindings.iter().any(denies);
        let validations = value.pointer("/spec/validations").and_then(Value::as_array);
        checked.push(CheckedPolicy {
            count: validations.map_or(0, Vec::len),
            rules: check(&value, &bindings, &others, &hand, &all_kinds, &tools),
            manifest: Arc::clone(manifest),
            only_warns,
        });
    }
    Ok(checked)
}

fn is_kyverno(manifest: &Manifest) -> bool {
    manifest.api_version.starts_with("kyverno.io/")
        && matches!(manifest.kind.as_str(), "ClusterPolicy" | "Policy")
}

fn base_of<'k>(manifest: &Manifest, kinds: &'k PolicyKinds) -> Option<Base<'k>> {
    let (plural, namespaced, schema) = kinds.find(manifest)?;
    let mut value = manifest.value();
    if namespaced && manifest.namespace.is_none() {
        let metadata = value.get_mut("metadata")?.as_object_mut()?;
        metadata.insert("namespace".to_owned(), json!("default"));
    }
    Some(Base {
        object: stored(schema, &value)?,
        schema,
        plural,
        namespaced,
    })
}

/// Returns a minimal object of each built-in kind, in a namespace.
fn all_kinds(namespace: &str) -> Vec<Base<'static>> {
    let schema = Schema::builtin();
    let mut kinds: Vec<_> = builtin_kinds().iter().collect();
    let rank = |kind: &str| COMMON.iter().position(|common| *common == kind);
    kinds.sort_by_key(|kind| rank(kind.kind).unwrap_or(COMMON.len()));
    let each = kinds.into_iter().filter_map(|kind| {
        let place = kind.namespaced.then_some(namespace);
        let object = smallest(kind.api_version, kind.kind, place);
        Some(Base {
            object: stored(schema, &object)?,
            schema,
            plural: kind.plural.to_owned(),
            namespaced: kind.namespaced,
        })
    });
    each.collect()
}

fn line_of(manifest: &Manifest, rule: &CheckedRule) -> Option<usize> {
    let steps: Vec<ManifestStep> = rule
        .at
        .iter()
        .map(|part| match part.parse() {
            Ok(index) => ManifestStep::Index(index),
            Err(_) => ManifestStep::Field(part.clone()),
        })
        .collect();
    let position = manifest.locate(&steps).filter(|_| !steps.is_empty());
    Some(position?.line)
}

fn text(policies: &[CheckedPolicy], out: &mut dyn Write) -> Result<()> {
    for one in policies {
        let manifest = &one.manifest;
        let warns = if one.only_warns {
            "  (only warns or audits)"
        } else {
            ""
        };
        let head = format!(
            "{} {}  {}{warns}",
            manifest.kind, manifest.name, manifest.origin
        );
        writeln!(out, "{}", escape::line(&head))?;
        for rule in &one.rules {
            let line = line_of(manifest, rule).map_or_else(String::new, |line| line.to_string());
            let finding = match rule.rule.as_str() {
                "" => finding(rule),
                name => format!("{name}  {}", finding(rule)),
            };
            writeln!(out, "{line:>4} │ {}", escape::line(&finding))?;
        }
        writeln!(out)?;
    }
    let all: usize = policies.iter().map(|one| one.count).sum();
    let rules = || policies.iter().flat_map(|one| &one.rules);
    let with = |flaw: PolicyFlaw| {
        rules()
            .filter(|rule| rule.flaws.iter().any(|(f, _)| *f == flaw))
            .count()
    };
    let unbound = |one: &CheckedPolicy| one.rules.first().is_some_and(|rule| rule.rule.is_empty());
    let hold: usize = policies
        .iter()
        .filter(|one| !unbound(one))
        .map(|one| one.rules.iter().filter(|rule| rule.holds()).count())
        .sum();
    let noun = if all == 1 { "rule" } else { "rules" };
    let work = if hold == 1 { "works" } else { "work" };
    let mut parts = vec![format!("{hold} of {all} {noun} {work}")];
    for &flaw in PolicyFlaw::VARIANTS {
        let count = with(flaw);
        if count > 0 {
            parts.push(format!("{count} {}", flaw.words_of(count)));
        }
    }
    writeln!(out, "{}", parts.join(", "))?;
    Ok(())
}

/// Returns the finding about a rule, on one line.
fn finding(rule: &CheckedRule) -> String {
    /// How many objects are named.
    const MOST: usize = 5;
    let mut parts: Vec<String> = Vec::new();
    for (flaw, why) in &rule.flaws {
        parts.push(format!("{}: {why}", flaw.words()));
    }
    if rule.flaws.is_empty() {
        parts.push("holds".to_owned());
    }
    if rule.pass + rule.fail.len() > 0 {
        let mut names = rule.fail.clone();
        let more = names.len().saturating_sub(MOST);
        names.truncate(MOST);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        parts.push(match names.is_empty() {
            true => format!("{} pass", rule.pass),
            false => format!(
                "{} pass, {} fail: {}{more}",
                rule.pass,
                rule.fail.len(),
                names.join(", ")
            ),
        });
    }
    parts.join("; ")
}

fn json(policies: &[CheckedPolicy], out: &mut dyn Write) -> Result<()> {
    let policies = policies.iter().map(|one| {
        let rules = one.rules.iter();
        CheckedPolicyDocument {
            manifest: &one.manifest,
            only_warns: one.only_warns,
            rules: rules
                .map(|rule| (rule, line_of(&one.manifest, rule)))
                .collect(),
        }
    });
    checks(&policies.collect::<Vec<_>>(), out)?;
    Ok(())
}
