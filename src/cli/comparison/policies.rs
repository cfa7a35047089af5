//! Evaluates admission policies for the compared objects.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{NoLive, jq, sources};
use crate::admission::{Policies, RuleResult};
use crate::cli::args::{LiveArgs, PoliciesArgs, SourceArgs};
use crate::cluster::Overlay;
use crate::engine::policies::{add_reports, judge, not_evaluated, read_live};
use crate::jq::Jq;
use crate::model::{Manifest, Report, Warning};

/// The argument for the policies in the cluster.
const LIVE: &str = "live";

/// The argument for results of policy engines in the cluster.
const REPORTS: &str = "reports";

/// Reads manifests without a cluster. Errors are among the warnings.
///
/// # Errors
/// Fails if the arguments contradict each other.
pub fn load(source: &SourceArgs, warnings: &mut Vec<Warning>) -> Result<Vec<Arc<Manifest>>> {
    let mut manifests = Vec::new();
    for source in sources(source, &LiveArgs::default())? {
        let loaded = source.load(&NoLive);
        warnings.extend(loaded.errors);
        warnings.extend(loaded.warnings);
        manifests.extend(loaded.manifests.into_iter().map(Arc::new));
    }
    Ok(manifests)
}

/// Evaluates a policy in a process that can be stopped.
///
/// # Errors
/// Fails if it does not finish in time, or uses too much memory.
pub fn evaluate(engine: &Jq, policy: &str, input: &Value) -> Result<Vec<RuleResult>, String> {
    let answer = engine.evaluate(policy, input);
    let answer = answer.map_err(|error| error.to_string())?;
    serde_json::from_value(answer).map_err(|error| error.to_string())
}

/// Adds the results of the named policies to each object of a report.
///
/// # Errors
/// Fails if policies cannot be read: an unknown policy is never a pass.
pub fn add(report: &mut Report, live: &Overlay<'_>, words: &PoliciesArgs) -> Result<()> {
    let is = |word: &Path, name: &str| word == Path::new(name) && word.symlink_metadata().is_err();
    let mut objects: Vec<Value> = Vec::new();
    let mut files = Vec::new();
    for word in &words.policies {
        if is(word, REPORTS) {
            add_reports(report, live, words.strict_policies);
        } else if is(word, LIVE) {
            let read = read_live(live);
            objects.extend(read.context("--policies live: cannot read the policies")?);
        } else {
            files.push(word.clone());
        }
    }
    let from_files = !files.is_empty();
    if from_files {
        let of_policies = SourceArgs {
            paths: files,
            ..SourceArgs::default()
        };
        let read = load(&of_policies, &mut report.warnings)?;
        objects.extend(read.iter().map(|manifest| manifest.value()));
    }
    let asks = words.policies.iter().any(|word| !is(word, REPORTS));
    if asks {
        let policies = Policies::of(objects);
        ensure!(
            !policies.is_empty() || !from_files,
            "no ValidatingAdmissionPolicy and no policy of Kyverno in what --policies names; \
             others are not evaluated here (--policies reports reads the results of their \
             engines)"
        );
        let engine = jq();
        judge(report, live, &policies, &|policy, input| {
            evaluate(&engine, policy, input)
        });
    }
    if words.strict_policies {
        report.warnings.extend(not_evaluated(report));
    }
    report.warnings.sort();
    Ok(())
}
