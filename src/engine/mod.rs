//! The pipeline: load → resolve → fetch → compare → judge.

mod aggregation;
mod attribution;
mod claims;
mod extra;
mod filter;
mod hidden;
mod managed;
mod needs;
mod object;
mod pods;
mod prediction;
mod prevalent;
mod rbac;
mod resolve;
mod scaling;
mod schemas;
mod three_way;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use std::path::PathBuf;

use anyhow::Result;
use rayon::prelude::*;

use crate::cluster::{Answer, FetchRequest, Live, Places};
use crate::model::{
    Coverage, Drift, ObjectReport, Report, ResourceKey, RuleCount, Verdict, Warning,
};
use crate::policy::{Allowed, Audited, Filter, Rule, RuleOrigin, RuleSet, audit};
use crate::source::{Loaded, Source};

pub use needs::{Needs, Use, needs};
pub use three_way::run as run_three_way;

use aggregation::Aggregated;
use managed::Scope;
use object::{Compared, Comparison};
use pods::PodAdmission;
pub use rbac::roles;
use resolve::Resolved;

/// Whether live objects that nobody declares are looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Extra {
    /// They are not.
    #[default]
    None,
    /// In the namespaces that the manifests cover.
    Namespace,
    /// Those that the tools which the sources stand for hold to be their own.
    Managed,
}

/// What a run is asked for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `--namespace`: where namespaced objects that name no namespace belong, and the only
    /// namespace that is looked at.
    pub namespace: Option<String>,
    /// `--all-namespaces`: all are looked at, declared or not.
    pub all_namespaces: bool,
    /// What the run is limited to.
    pub filter: Filter,
    /// The objects that may be read.
    pub allowed: Allowed,
    /// `--untrusted`: whether rules that come with the manifests are left aside, because whoever
    /// wrote them could hide what they like.
    pub untrusted: bool,
    /// Whether undeclared objects are looked for.
    pub extra: Extra,
    /// `--field-manager`: who declares the manifests; empty to find out for each object.
    pub field_managers: Vec<String>,
    /// `--audit-log`: logs of the API server that tell who wrote what.
    pub audit_logs: Vec<PathBuf>,
    /// `--server-dry-run`: whether the server is asked what applying would change.
    pub server_dry_run: bool,
    /// Whether paths that are explained are wanted in the report.
    pub explain: bool,
    /// `--strict-rules`: whether what is to be said of rules makes the run incomplete.
    pub strict_rules: bool,
}

impl Options {
    /// Whether `--namespace` leaves out what lies in a namespace. What lies in none stays in.
    fn is_elsewhere(&self, namespace: Option<&str>) -> bool {
        let only = self.namespace.as_deref().filter(|_| !self.all_namespaces);
        only.is_some() && namespace.is_some() && namespace != only
    }
}

/// Runs a comparison.
///
/// # Errors
/// When nothing at all can be compared: no connection, no credentials, a recording that cannot be
/// read. What is wrong with single files and objects is in the report.
pub fn run(
    sources: &[Box<dyn Source>],
    live: &dyn Live,
    rules: &RuleSet,
    options: &Options,
) -> Result<Report> {
    let loaded = load(sources, live);
    let rules_of_sources: &[Rule] = if options.untrusted {
        &[]
    } else {
        &loaded.rules
    };
    let rules = &with_rules_of_sources(rules, rules_of_sources);
    let resolved = resolve::resolve(&loaded.manifests, live, options)?;
    let mut request = request(&resolved, options);
    let managed = match options.extra {
        Extra::Managed => Some(Scope::of(&loaded.managed, &resolved, live, options)?),
        Extra::None | Extra::Namespace => None,
    };
    if let Some(managed) = &managed {
        managed.add_to(&mut request);
    }
    let mut fetched = live.fetch(&request)?;
    if let Some(managed) = managed {
        managed.settle(&mut fetched);
    }
    fetched
        .extra
        .retain(|object| !resolved.spoken_of.contains(&object.key));
    let schemas = schemas::gather(&resolved.declared, &loaded.manifests, live);

    let predictions = prediction::predict(&resolved.declared, &fetched, live, options);
    let aggregated = Aggregated::gather(&resolved.declared, &fetched, live);
    let pods = PodAdmission::gather(&resolved.declared, &loaded.manifests, &fetched, live);

    let comparison = Comparison {
        schemas: &schemas,
        predictions: &predictions,
        rules,
        pods: &pods,
        aggregated: &aggregated,
        options,
    };
    let unread = Answer::Unread("the live side gave no answer".to_owned());
    let compared: Vec<Compared> = resolved
        .declared
        .par_iter()
        .map(|declared| {
            let answer = fetched.answers.get(&declared.key).unwrap_or(&unread);
            comparison.report(declared, answer)
        })
        .collect();
    let bare = object::without_managed_fields(&compared);
    let troubles: BTreeSet<&String> = compared.iter().flat_map(|c| &c.troubles).collect();
    let troubles: Vec<Warning> = troubles.into_iter().map(|t| trouble(t, options)).collect();
    let mut objects: Vec<ObjectReport> = compared.into_iter().map(|c| c.report).collect();
    scaling::explain(&mut objects, &loaded.manifests, &fetched, live);
    let supposed = prevalent::explain(&mut objects, rules);
    if !options.explain {
        objects.iter_mut().for_each(drop_explained);
    }
    let of_new_kinds = resolved.of_new_kinds.into_iter();
    let of_new_kinds = of_new_kinds.map(|object| object.settle(&fetched.answers));
    let unresolved = resolved.unresolved.into_iter().chain(of_new_kinds);
    objects.extend(unresolved.map(|report| {
        let declared = report.declared.clone();
        hidden::hide(report, declared.as_ref(), rules, options.untrusted)
    }));
    let claims = claims::of_stateful_sets(&loaded.manifests, &fetched);
    let extra = extra::reports(&fetched.extra, &claims, rules, &options.filter);
    objects.extend(extra);
    objects.sort_by(|a, b| a.key.cmp(&b.key));
    for object in &mut objects {
        object.weight = rules.weight(&object.key, object.status);
    }
    let unattributed =
        attribution::attribute(&mut objects, &resolved.declared, &options.audit_logs)?;

    let mut warnings = loaded.errors;
    warnings.extend(loaded.warnings);
    warnings.extend(resolved.remarks);
    warnings.extend(fetched.warnings);
    warnings.extend(schemas.warnings);
    warnings.extend(predictions.warnings);
    warnings.extend(bare);
    warnings.extend(filter::unknown_kinds(
        &options.filter,
        &resolved.kinds_found,
        &fetched.extra_kinds,
    ));
    warnings.extend(supposed);
    warnings.extend(troubles);
    warnings.extend(unattributed);
    let coverage = coverage(&objects, &warnings, loaded.skipped.len(), resolved.filtered);
    let counts = counts(&objects, rules);
    let whole = coverage.failed == 0 && coverage.filtered == 0 && coverage.compared > 0;
    let judged = Audited {
        counts: &counts,
        objects: &objects,
        whole,
        with_extras: options.extra != Extra::None,
    };
    warnings.extend(audit(rules, &judged, options.strict_rules));
    warnings.sort();
    warnings.dedup();
    Ok(Report {
        target: live.target(),
        revisions: loaded.revisions,
        coverage,
        rules: counts,
        expired_rules: rules.rules().iter().filter(|rule| rule.expired).count(),
        objects,
        warnings,
        skipped: loaded.skipped,
        interrupted: fetched.interrupted,
        three_way: false,
        secret: loaded.secret,
    })
}

/// Reads all sources; each goes on where another fails.
fn load(sources: &[Box<dyn Source>], live: &dyn Live) -> Loaded {
    let mut all = Loaded::default();
    for source in sources {
        let loaded = source.load(live);
        all.manifests.extend(loaded.manifests);
        all.skipped.extend(loaded.skipped);
        all.errors.extend(loaded.errors);
        all.warnings.extend(loaded.warnings);
        all.rules.extend(loaded.rules);
        all.revisions.extend(loaded.revisions);
        all.managed.extend(loaded.managed);
        all.secret.extend(loaded.secret);
    }
    all
}

/// Takes out what is explained, where nobody asked for it.
fn drop_explained(object: &mut ObjectReport) {
    let is_explained = |drift: &Drift| matches!(drift.verdict, Verdict::Explained { .. });
    object.drifts.retain(|drift| !is_explained(drift));
}

/// Rules that come with the declared state join those of the run.
fn with_rules_of_sources<'r>(rules: &'r RuleSet, more: &[Rule]) -> Cow<'r, RuleSet> {
    if more.is_empty() {
        Cow::Borrowed(rules)
    } else {
        Cow::Owned(rules.joined(more.to_vec()))
    }
}

fn request(resolved: &Resolved<'_>, options: &Options) -> FetchRequest {
    FetchRequest {
        wanted: resolved.wanted(),
        extra_in: match options.extra {
            Extra::None | Extra::Managed => Places::default(),
            Extra::Namespace if options.all_namespaces => Places::All,
            Extra::Namespace => Places::Only(resolved.covered.clone()),
        },
        extra_kinds: options.filter.kinds.clone(),
    }
}

fn coverage(
    objects: &[ObjectReport],
    warnings: &[Warning],
    skipped: usize,
    filtered: usize,
) -> Coverage {
    use crate::model::Status;
    let declared = objects.iter().filter(|object| object.origin.is_some());
    let unknown = objects
        .iter()
        .filter(|object| object.status == Status::Unknown)
        .count();
    let declared = declared.count();
    let broken = warnings.iter().filter(|warning| warning.fatal).count();
    Coverage {
        declared: declared + filtered,
        compared: declared - unknown,
        skipped,
        filtered,
        failed: unknown + broken,
    }
}

/// Something that is wrong with a rule; what it would have hidden is reported.
fn trouble(message: &str, options: &Options) -> Warning {
    Warning {
        place: String::new(),
        message: message.to_owned(),
        fatal: options.strict_rules,
    }
}

/// How much each rule hid; of the users' rules also those that hid nothing.
fn counts(objects: &[ObjectReport], rules: &RuleSet) -> Vec<RuleCount> {
    let users = rules
        .rules()
        .iter()
        .filter(|rule| rule.origin != RuleOrigin::BuiltIn);
    let mut counts: BTreeMap<(String, String), usize> = users
        .map(|rule| ((rule.id.clone(), rule.reason.clone()), 0))
        .collect();
    for drift in objects.iter().flat_map(|object| &object.drifts) {
        if let Verdict::Ignored { rule, reason } = &drift.verdict {
            *counts.entry((rule.clone(), reason.clone())).or_default() += 1;
        }
    }
    let count = |((rule, reason), hid)| RuleCount { rule, reason, hid };
    counts.into_iter().map(count).collect()
}

/// The key that stands for an object whose scope could not be found out.
fn key_as_written(manifest: &crate::model::Manifest) -> ResourceKey {
    let kind = crate::model::GroupKind::new(&manifest.api_version, &manifest.kind);
    ResourceKey {
        group: kind.group,
        kind: kind.kind,
        namespace: manifest.namespace.clone(),
        name: manifest.name.clone(),
    }
}
