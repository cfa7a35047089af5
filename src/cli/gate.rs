//! Turns a report into the exit code.

use anyhow::{Result, bail};

use super::Exit;
use super::args::{ExtraArg, FailOn, GateArgs};
use crate::model::{
    Enforcement, JudgedChange, MergeClass, ObjectReport, ObjectStatus, Report, Severity, Warning,
};

/// Turns a report into an exit code.
pub fn answer(report: &Report, args: &GateArgs) -> Exit {
    let fails = |what: &FailOn| report.objects.iter().any(|object| fails(object, *what));
    let exit = if report.is_incomplete() {
        Exit::Trouble
    } else if args.fail_on.iter().any(fails) {
        Exit::Drift
    } else {
        Exit::Clean
    };
    if args.exit_zero {
        exit.without_drift()
    } else {
        exit
    }
}

/// Returns whether `what` matches an object.
fn fails(object: &ObjectReport, what: FailOn) -> bool {
    match what {
        // An object in conflict may also have other drift.
        FailOn::Drift if object.status() == ObjectStatus::Conflict => object
            .drifts
            .iter()
            .any(|d| d.is_drift() && !d.is_conflict()),
        FailOn::Drift => object.is_drift(),
        FailOn::Conflict => object.status() == ObjectStatus::Conflict,
        FailOn::DriftOnBranch => touches(object) && fails(object, FailOn::Drift),
        FailOn::Pending => {
            object.status() == ObjectStatus::Pending
                || object.reported().any(JudgedChange::is_pending)
        }
        FailOn::Missing => object.status() == ObjectStatus::Missing,
        FailOn::Extra => object.status() == ObjectStatus::Extra,
        FailOn::Denied => has(object, |one| one == Enforcement::Denied),
        FailOn::Violation => has(object, |one| one == Enforcement::Deny),
        FailOn::ViolationAudit => has(object, |one| {
            matches!(
                one,
                Enforcement::Deny | Enforcement::Warn | Enforcement::Audit
            )
        }),
        FailOn::Unknown => object.status() == ObjectStatus::Unknown,
        FailOn::Any => {
            object.status() != ObjectStatus::InSync
                || object.reported().next().is_some()
                || !object.violations.is_empty()
        }
        FailOn::Low | FailOn::Medium | FailOn::High | FailOn::Critical => {
            object.is_drift() && severity_of_drift(object) >= what.severity()
        }
    }
}

/// Returns whether some policy takes this action on an object.
fn has(object: &ObjectReport, matches: impl Fn(Enforcement) -> bool) -> bool {
    let mut all = object.violations.iter();
    all.any(|violation| matches(violation.enforcement))
}

/// Returns whether the branch changes an object in any way.
fn touches(object: &ObjectReport) -> bool {
    let by_branch = |drift: &JudgedChange| {
        let class = drift.merge.as_ref().map(|merge| merge.class);
        class.is_some_and(|class| class != MergeClass::Drift)
    };
    object.lifecycle.is_some()
        || object.status() == ObjectStatus::Conflict
        || object.reported().any(by_branch)
}

/// Returns the worst severity of drift, without changes that only the branch makes.
fn severity_of_drift(object: &ObjectReport) -> Option<Severity> {
    let drifts = object.drifts.iter().filter(|drift| drift.is_drift());
    object
        .whole_severity
        .max(drifts.map(|drift| drift.severity).max())
}

/// Checks that the run looks for what the flags ask for.
///
/// # Errors
/// Fails if a limit could never be reached.
pub fn check(
    args: &GateArgs,
    extra: ExtraArg,
    has_base: bool,
    asks_server: bool,
    has_policies: bool,
) -> Result<()> {
    let by_policies = [FailOn::Violation, FailOn::ViolationAudit];
    if !has_policies && args.fail_on.iter().any(|what| by_policies.contains(what)) {
        bail!("--fail-on violation needs policies; name them with --policies");
    }
    if !asks_server && args.fail_on == [FailOn::Denied] {
        bail!("--fail-on denied needs a server dry run; add --server-dry-run");
    }
    if !has_base && args.fail_on.contains(&FailOn::DriftOnBranch) {
        bail!("--fail-on drift-on-branch needs the base of the branch; name it with --base");
    }
    if !has_base && args.fail_on.contains(&FailOn::Pending) {
        bail!("--fail-on pending needs the base of the branch; name it with --base");
    }
    if !has_base && args.fail_on == [FailOn::Conflict] {
        bail!("--fail-on conflict needs the base of the branch; name it with --base");
    }
    if extra == ExtraArg::None {
        if args.max_extra.is_some() {
            bail!("--max-extra needs a search for undeclared objects; add --extra namespace");
        }
        if args.fail_on.contains(&FailOn::Extra) {
            bail!("--fail-on extra needs a search for undeclared objects; add --extra namespace");
        }
    }
    Ok(())
}

/// Adds an error to the report for each limit that it exceeds. Many missing or extra objects are
/// rarely drift: the wrong things were probably compared, and nobody should act on the report.
pub fn apply_limits(report: &mut Report, args: &GateArgs) {
    let totals = report.totals();
    let count = |n: usize| match n {
        1 => "1 object".to_owned(),
        n => format!("{n} objects"),
    };
    if let Some(limit) = args.max_missing.filter(|limit| totals.missing > *limit) {
        report.warnings.push(error(format!(
            "{} missing, but --max-missing allows {limit}: check the context, the cluster and the \
             namespace, or raise --max-missing",
            count(totals.missing)
        )));
    }
    if let Some(limit) = args.max_extra.filter(|limit| totals.extra > *limit) {
        report.warnings.push(error(format!(
            "{} not in any manifest, but --max-extra allows {limit}: an apply that prunes would \
             delete them; check that the path contains all manifests, or raise --max-extra",
            count(totals.extra)
        )));
    }
}

fn error(message: String) -> Warning {
    Warning::error("", message)
}
