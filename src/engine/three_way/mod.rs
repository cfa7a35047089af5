//! Three-way comparison: the base, the branch, and the live objects.
//!
//! Both declared sides are compared with one [`Cached`] read of the live side, by the usual
//! comparison, so "the same" means the same everywhere. If live differs from the base, someone
//! changed it live; if the manifests differ, the branch changes the object; [`classify`] combines
//! both.
//!
//! | base and branch | base and live | branch and live | class |
//! |---|---|---|---|
//! | the same | the same | the same | in sync |
//! | the same | differ | differ | drift |
//! | differ | the same | differ | pending |
//! | differ | differ | the same | backport |
//! | differ | differ | differ | conflict |

mod cached;
mod classify;
mod intent;
mod objects;

use std::collections::BTreeSet;

use anyhow::Result;

use super::{Extra, Finished, Options};
use crate::cluster::Live;
use crate::model::{Coverage, ObjectReport, Report, Revision, Status, Warning};
use crate::policy::RuleSet;
use crate::source::Source;

use cached::Cached;
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
    let snapshot = Cached::of(live);
    let base_options = Options {
        extra: Extra::None,
        explain: false,
        ..options.clone()
    };
    let base = super::run(base, &snapshot, rules, &base_options)?;
    let Finished {
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
    report.coverage = coverage(&report, &objects, faults.len());
    report.rules = super::report::recounted(report.rules, &objects);
    report.objects = objects;
    report.warnings.extend(faults);
    report.warnings.sort();
    report.interrupted |= base.interrupted;
    report
        .revisions
        .extend(base.revisions.into_iter().map(|revision| Revision {
            name: format!("base {}", revision.name),
            ..revision
        }));
    report.secret.extend(base.secret);
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

/// Returns the coverage of both declared sides together.
fn coverage(branch: &Report, objects: &[ObjectReport], faults: usize) -> Coverage {
    let unknown = |objects: &[ObjectReport]| {
        let unknown = objects.iter().filter(|o| o.status() == Status::Unknown);
        unknown.count()
    };
    let declared = objects
        .iter()
        .filter(|object| object.origin.is_some())
        .count();
    let before = branch.coverage;
    Coverage {
        declared: declared + before.filtered,
        compared: declared.saturating_sub(unknown(objects)),
        failed: (before.failed + unknown(objects) + faults)
            .saturating_sub(unknown(&branch.objects)),
        ..before
    }
}
