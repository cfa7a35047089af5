//! Three-way comparison: the base, the branch, and the live objects.
//!
//! Both declared sides are compared with one read of the live side ([`Overlay`]), as in any other
//! run, so "the same" means the same everywhere. If live differs from the base, someone changed it
//! live; if the manifests differ, the branch changes it; [`classify`] combines the two.
//!
//! | base and branch | base and live | branch and live | class |
//! |---|---|---|---|
//! | the same | the same | the same | in sync |
//! | the same | differ | differ | drift |
//! | differ | the same | differ | pending |
//! | differ | differ | the same | backport |
//! | differ | differ | differ | conflict |

mod classify;
mod intent;
mod objects;

use std::collections::BTreeSet;

use anyhow::Result;

use super::{Extra, Options, RunResult};
use crate::cluster::{Live, Overlay};
use crate::model::{Report, SourceRevision, Warning};
use crate::policy::RuleSet;
use crate::source::Source;

use objects::Merger;

/// Compares a branch with the live objects, and separates the branch's changes since its base from
/// live changes.
///
/// # Errors
/// Fails like [`run`](super::run).
pub fn run(
    branch: &[Box<dyn Source>],
    base: &[Box<dyn Source>],
    live: &dyn Live,
    rules: &RuleSet,
    options: &Options,
) -> Result<Report> {
    let snapshot = Overlay::of(live);
    let base_options = Options {
        extra: Extra::None,
        explain: false,
        ..options.clone()
    };
    let base = super::run(base, &snapshot, rules, &base_options)?;
    let RunResult {
        mut report,
        schemas,
        ..
    } = super::pipeline(branch, &snapshot, rules, options, None)?;

    let faults = faults_of_base(&base, &report);
    let merger = Merger {
        snapshot: &snapshot,
        rules,
        schemas: &schemas,
    };
    let objects = merger.merge(base.objects, std::mem::take(&mut report.objects));
    report.coverage.broken += faults.len();
    report.coverage = report.coverage.over(&objects);
    report.rules = super::report::count_per_rule(report.rules, &objects);
    report.objects = objects;
    report.warnings.extend(faults);
    report.warnings.sort();
    report.interrupted |= base.interrupted;
    report
        .revisions
        .extend(base.revisions.into_iter().map(|revision| SourceRevision {
            name: format!("base {}", revision.name),
            ..revision
        }));
    report.secret.extend(base.secret);
    report.secret_values.extend(base.secret_values);
    report.three_way = true;
    Ok(report)
}

/// Returns errors about the base, without which branch changes and live changes cannot be
/// separated.
fn faults_of_base(base: &Report, branch: &Report) -> Vec<Warning> {
    let known: BTreeSet<&Warning> = branch.warnings.iter().collect();
    let faults = base.warnings.iter().filter(|warning| warning.fatal);
    faults
        .filter(|warning| !known.contains(warning))
        .map(|warning| Warning {
            message: format!("in the base: {}", warning.message),
            ..warning.clone()
        })
        .collect()
}
