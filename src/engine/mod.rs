//! The pipeline: load → resolve → fetch → compare → judge.

mod attribution;
pub mod backport;
mod coverage;
mod created;
mod deviations;
pub mod episodes;
mod explain;
mod extra;
mod filter;
mod gather;
pub mod guard;
pub mod history;
mod managed;
mod marks;
mod needs;
mod object;
mod options;
mod outcome;
pub mod policies;
mod rbac;
mod report;
mod resolve;
pub mod revert;
mod schemas;
mod secrets;
mod selected;
#[cfg(test)]
mod tests;
mod three_way;
mod trace;
pub mod triage;
mod unknown_fields;

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::Result;

use crate::cluster::Live;
use crate::model::{Manifest, Report, ResourceKey};
use crate::policy::RuleSet;
use crate::source::{LoadedSource, Source};

pub use coverage::{Counting, count};
pub use explain::{ExplainAnswer, ExplainRequest, NoExplanation, explain};
pub use needs::{Needs, RightUse, required_rights};
pub use options::{Extra, Options};
pub use rbac::roles;
pub use three_way::run as run_three_way;

use gather::Facts;
use outcome::ObjectResults;
use report::LoadNotes;
use schemas::Schemas;
use trace::{ObjectTrace, TraceRequest};

/// Runs a comparison.
///
/// # Errors
/// Fails if nothing at all can be compared: no connection, no credentials, or an unreadable
/// recording.
/// Errors in single files and objects are in the report.
pub fn run(
    sources: &[Box<dyn Source>],
    live: &dyn Live,
    rules: &RuleSet,
    options: &Options,
) -> Result<Report> {
    Ok(pipeline(sources, live, rules, options, None)?.report)
}

/// The result of a run.
struct RunResult {
    /// The report.
    report: Report,
    /// The traces of the requested objects.
    traces: Vec<ObjectTrace>,
    /// The schemas that were used.
    schemas: Schemas,
}

/// Runs a comparison, and returns the traces of the requested objects.
fn pipeline(
    sources: &[Box<dyn Source>],
    live: &dyn Live,
    rules: &RuleSet,
    options: &Options,
    watch: Option<TraceRequest<'_>>,
) -> Result<RunResult> {
    let mut loaded = load(sources, live);
    let notes = LoadNotes::take(&mut loaded);
    let rules = &rules_of_run(rules, &loaded, options);
    let manifests = take_manifests(&mut loaded);
    let mut facts = Facts::gather(&loaded, &manifests, live, rules, options)?;
    facts.deviations = created::deviations(&facts, live, rules, options);
    let mut outcome = ObjectResults::of(&mut facts, live, rules, options, watch)?;
    facts.note_cut_short(live);
    let traces = std::mem::take(&mut outcome.traces);
    let target = live.target();
    let report = report::report(target, notes, &mut facts, outcome, rules, options);
    Ok(RunResult {
        report,
        traces,
        schemas: facts.schemas,
    })
}

/// Reads all sources; an error in one does not stop the others.
fn load(sources: &[Box<dyn Source>], live: &dyn Live) -> LoadedSource {
    let mut all = LoadedSource::default();
    for source in sources {
        all.append(source.load(live));
    }
    all
}

/// Takes the manifests out of the loaded sources. They are shared: the report of each object has
/// its manifest.
fn take_manifests(loaded: &mut LoadedSource) -> Vec<Arc<Manifest>> {
    let manifests = std::mem::take(&mut loaded.manifests);
    let mut shared: Vec<Arc<Manifest>> = manifests.into_iter().map(Arc::new).collect();
    // Collecting reuses the memory of the manifests themselves, which is thirty times as much.
    shared.shrink_to_fit();
    shared
}

/// Returns the rules of the run, with those in manifests unless their author is not trusted.
fn rules_of_run<'r>(
    rules: &'r RuleSet,
    loaded: &LoadedSource,
    options: &Options,
) -> Cow<'r, RuleSet> {
    let mut more = loaded.unknown.clone();
    if !options.untrusted {
        more.extend(loaded.rules.iter().cloned());
    }
    match more.is_empty() {
        true => Cow::Borrowed(rules),
        false => Cow::Owned(rules.joined(more)),
    }
}

/// Returns the key of an object whose scope is unknown.
fn key_as_written(manifest: &Manifest) -> ResourceKey {
    let kind = crate::model::GroupKind::new(&manifest.api_version, &manifest.kind);
    ResourceKey::new(
        kind.group,
        kind.kind,
        manifest.namespace.clone(),
        manifest.name.clone(),
    )
}
