//! From a report to the exit code.

use anyhow::{Result, bail};

use super::Exit;
use super::args::{Extra, FailOn, GateArgs};
use crate::model::{ObjectReport, Report, Status, Warning};

/// What a report means for whoever reads the exit code alone.
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

/// Whether an object is something that `what` names.
fn fails(object: &ObjectReport, what: FailOn) -> bool {
    let is_drift = matches!(
        object.status,
        Status::Drifted | Status::Missing | Status::Extra
    );
    match what {
        FailOn::Drift => is_drift,
        FailOn::Missing => object.status == Status::Missing,
        FailOn::Extra => object.status == Status::Extra,
        FailOn::Unknown => object.status == Status::Unknown,
        FailOn::Low | FailOn::Medium | FailOn::High | FailOn::Critical => {
            is_drift && object.severity() >= what.severity()
        }
    }
}

/// Checks that what the words ask for is looked for.
///
/// # Errors
/// When a limit could never be reached.
pub fn check(args: &GateArgs, extra: Extra) -> Result<()> {
    if extra == Extra::None {
        if args.max_extra.is_some() {
            bail!("--max-extra counts what --extra finds; add --extra namespace");
        }
        if args.fail_on.contains(&FailOn::Extra) {
            bail!("--fail-on extra fails on what --extra finds; add --extra namespace");
        }
    }
    Ok(())
}

/// Adds an error to the report for each limit that it exceeds. So many missing or extra objects
/// are rarely drift: what was compared with what is wrong, and the report must not be acted on.
pub fn apply_limits(report: &mut Report, args: &GateArgs) {
    let totals = report.totals();
    let count = |n: usize| match n {
        1 => "1 object".to_owned(),
        n => format!("{n} objects"),
    };
    if let Some(limit) = args.max_missing.filter(|limit| totals.missing > *limit) {
        report.warnings.push(error(format!(
            "{} missing, and --max-missing allows {limit}: check the context, the cluster and the \
             namespace, or raise --max-missing",
            count(totals.missing)
        )));
    }
    if let Some(limit) = args.max_extra.filter(|limit| totals.extra > *limit) {
        report.warnings.push(error(format!(
            "{} declared nowhere, and --max-extra allows {limit}: an apply that prunes would delete \
             them; check that the path holds all manifests, or raise --max-extra",
            count(totals.extra)
        )));
    }
}

fn error(message: String) -> Warning {
    Warning {
        place: String::new(),
        message,
        fatal: true,
    }
}
