//! Turns arguments into a report: the first step of every command that compares.

mod census;
mod clusters;
mod draft;
mod explanation;
mod live_side;
mod policies;
mod repeatable;
mod rules;
mod sources;
mod timeline;

use std::path::PathBuf;

use anyhow::Result;
use jiff::Timestamp;

use super::args::{
    CompareArgs, FilterArgs, LiveArgs, PoliciesArgs, ReadingArgs, RulesArgs, SourceArgs,
    UntrustedArgs,
};
use crate::cluster::audit::Logs;
use crate::cluster::{Live, Overlay};
use crate::engine::history::{self, HistoryRequest};
use crate::engine::{self, Options};
use crate::model::{ObjectReport, ObjectStatus, Report, Warning};
use crate::policy::Allowed;
use crate::redact::Redactor;
use crate::source::{Scheme, Source, blame};

pub use census::census;
pub use clusters::{ContextResults, chosen, run_all};
pub use draft::EditRenderer;
pub use explanation::explain;
pub use live_side::{LiveSide, NoLive, cluster, live_side};
pub use policies::{evaluate, load};
pub use repeatable::{RepeatableComparison, Reports};
pub use rules::{POLICIES, RunRules, accepted, check, jq, rules};
pub use sources::{base_sources, sources};
pub use timeline::{TimelineInputs, timeline};

/// The argument for standard input, on either side.
const STDIN: &str = "-";

/// The result of a comparison, and its rules.
pub struct ComparisonResult {
    /// The result, including secrets.
    pub report: Report,
    /// The rules.
    pub rules: RunRules,
}

/// Further tasks of a run, besides comparing.
#[derive(Clone, Copy, Default)]
pub struct RunOptions<'a> {
    /// Keeps what is explained.
    pub explain: bool,
    /// Reads the warning Events of objects that drifted, masked by this redactor.
    pub events: Option<&'a (dyn Fn(&RunRules) -> Redactor + Sync)>,
}

/// Compares what is declared with the live side.
///
/// # Errors
/// Fails if nothing can be compared.
pub fn run(
    source: &SourceArgs,
    live: &LiveArgs,
    compare: &CompareArgs,
    rule_words: &RulesArgs,
    explain: bool,
    now: Timestamp,
) -> Result<ComparisonResult> {
    let rules = rules(rule_words, source, now)?.within(&live.connection);
    let no_policies = PoliciesArgs::default();
    let also = RunOptions {
        explain,
        ..RunOptions::default()
    };
    run_by(rules, source, live, compare, rule_words, &no_policies, also)
}

/// Compares with rules that were already read.
pub fn run_by(
    rules: RunRules,
    source: &SourceArgs,
    live: &LiveArgs,
    compare: &CompareArgs,
    rule_words: &RulesArgs,
    judged_by: &PoliciesArgs,
    also: RunOptions<'_>,
) -> Result<ComparisonResult> {
    let ComparisonInputs {
        sources,
        side,
        mut rules,
        options,
    } = prepare(rules, source, live, compare, rule_words, also.explain)?;
    let overlay = Overlay::of(side.as_live());
    let has_policies = !judged_by.policies.is_empty();
    let seen: &dyn Live = if has_policies {
        &overlay
    } else {
        side.as_live()
    };
    let mut report = match base_sources(source, live)? {
        Some(base) => engine::run_three_way(&sources, &base, seen, &rules.set, &options)?,
        None => engine::run(&sources, seen, &rules.set, &options)?,
    };
    if has_policies {
        policies::add(&mut report, &overlay, judged_by)?;
    }
    if source.blame {
        report.warnings.extend(blame(&mut report.objects));
    }
    if !compare.allow_empty {
        report
            .warnings
            .extend(no_object_warning(&report, source, &live.filter));
    }
    report.warnings.extend(all_missing_warning(&report, source));
    if let Some(redactor) = also.events {
        let redactor = redactor(&rules).with_secrets(&report.secret_values);
        let asked = HistoryRequest {
            objects: history::drifted(&report),
            report: &report,
            audit_logs: Logs::default(),
            redactor: &redactor,
            helm: false,
        };
        report.events = history::warnings(&asked, side.as_live())?;
    }
    report.warnings.append(&mut rules.warnings);
    report.skipped.append(&mut rules.notes);
    Ok(ComparisonResult { report, rules })
}

/// The inputs of a comparison.
struct ComparisonInputs {
    sources: Vec<Box<dyn Source>>,
    side: LiveSide,
    rules: RunRules,
    options: Options,
}

fn prepare(
    mut rules: RunRules,
    source: &SourceArgs,
    live: &LiveArgs,
    compare: &CompareArgs,
    rule_words: &RulesArgs,
    explain: bool,
) -> Result<ComparisonInputs> {
    let sources = sources(source, live)?;
    let side = live_side(live, &scanned(source))?;
    rules.add_live(rule_words, side.as_live())?;
    let options = Options {
        strict_rules: rule_words.strict_rules,
        ..options(source, live, compare, explain)
    };
    Ok(ComparisonInputs {
        sources,
        side,
        rules,
        options,
    })
}

/// Returns the paths in which nothing is trusted.
pub fn scanned(source: &SourceArgs) -> Vec<PathBuf> {
    let is_path = |path: &&PathBuf| Scheme::of(path).is_none();
    let mut scanned: Vec<PathBuf> = source.paths.iter().filter(is_path).cloned().collect();
    scanned.extend(source.app.iter().chain(&source.kustomization).cloned());
    if source.untrusted.untrusted {
        scanned.push(PathBuf::from("."));
    }
    scanned
}

fn options(source: &SourceArgs, live: &LiveArgs, compare: &CompareArgs, explain: bool) -> Options {
    Options {
        allowed: allowed(&source.untrusted),
        untrusted: source.untrusted.untrusted,
        extra: compare.extra.within.into(),
        field_managers: compare.field_manager.clone(),
        server_dry_run: compare.server_dry_run,
        audit_logs: Logs::within(&compare.audit_log, live.connection.timeout),
        strict_fields: compare.strict_fields,
        explain,
        ..filters(&live.filter)
    }
}

/// Returns the options for reading objects.
pub fn read_options(args: &ReadingArgs) -> Options {
    Options {
        extra: args.extra.within.into(),
        ..filters(&args.filter)
    }
}

/// Returns the limits of a run.
fn filters(filter: &FilterArgs) -> Options {
    Options {
        namespace: filter.namespace.clone(),
        all_namespaces: filter.all_namespaces,
        filter: filter.filter(),
        ..Options::default()
    }
}

fn allowed(args: &UntrustedArgs) -> Allowed {
    let namespaces = args.allow_namespace.clone();
    Allowed {
        namespaces: Some(namespaces).filter(|namespaces| !namespaces.is_empty()),
        kinds: args.allow_kind.clone(),
    }
}

/// Makes sure that an empty or wrong path does not look like "no drift".
pub fn no_object_warning(
    report: &Report,
    source: &SourceArgs,
    filter: &FilterArgs,
) -> Option<Warning> {
    let coverage = &report.coverage;
    // When searching for undeclared objects, a filter may leave only those.
    let found_extra = coverage.filtered > 0 && !report.objects.is_empty();
    if coverage.declared > coverage.filtered
        || found_extra
        || report.warnings.iter().any(|warning| warning.fatal)
    {
        return None;
    }
    let files = source.app.iter().chain(&source.kustomization);
    let paths = source.paths.iter().chain(files);
    let paths: Vec<_> = paths.map(|path| path.display().to_string()).collect();
    let paths = paths.join(", ");
    let message = if coverage.filtered > 0 {
        format!(
            "none of the {} objects in {paths} matches {}; check the filter, or pass --allow-empty",
            coverage.filtered,
            flags(filter)
        )
    } else if let Some(template) = first_template(report) {
        format!(
            "{template} is a template and is not rendered: pipe the rendered manifests into \
             driftctl, such as `helm template . | driftctl diff -`"
        )
    } else {
        format!("no Kubernetes object was found in {paths}; check the path, or pass --allow-empty")
    };
    Some(Warning::error("", message))
}

/// Returns the first file that was skipped because it is a template.
fn first_template(report: &Report) -> Option<&str> {
    let mut skipped = report.skipped.iter();
    let found = skipped.find(|skipped| skipped.message.starts_with("a template"))?;
    let place = found.place.as_str();
    Some(place.split(':').next().unwrap_or(place))
}

/// Warns if no declared object exists: a wrong cluster, namespace or release is more likely than
/// the deletion of everything.
fn all_missing_warning(report: &Report, source: &SourceArgs) -> Option<Warning> {
    let objects = &report.objects;
    let is_missing = |object: &ObjectReport| object.status() == ObjectStatus::Missing;
    if objects.len() < 2 || !objects.iter().all(is_missing) {
        return None;
    }
    let by_helm = |object: &ObjectReport| {
        let rendered_by = object
            .origin
            .as_ref()
            .and_then(|it| it.rendered_by.as_ref());
        rendered_by.is_some_and(|command| command.starts_with("helm"))
    };
    let suspects = if source.render.release.is_none() && objects.iter().all(by_helm) {
        "the context, the cluster, the namespace, and the name of the release (--release)"
    } else {
        "the context, the cluster and the namespace"
    };
    Some(Warning::new(
        "",
        format!(
            "none of the {} declared objects exists in the cluster: check {suspects}",
            objects.len()
        ),
    ))
}

/// Returns the flags that filter objects, as given.
fn flags(filter: &FilterArgs) -> String {
    let namespace = filter.namespace.as_ref().filter(|_| !filter.all_namespaces);
    let kinds: Vec<String> = filter.kind.iter().map(ToString::to_string).collect();
    let kinds = (!kinds.is_empty()).then(|| kinds.join(","));
    let given = [
        namespace.map(|namespace| format!("--namespace {namespace}")),
        kinds.map(|kinds| format!("--kind {kinds}")),
        filter
            .selector
            .as_ref()
            .map(|labels| format!("--selector {labels}")),
    ];
    given
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" and ")
}
