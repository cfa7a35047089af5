//! `driftctl revert`: changes live objects to match their manifests.
//!
//! compare → select → plan → dry run on the server → ask the user → write → read again. The result
//! that is reported is what was read again.

mod attempt;
mod confirm;
mod end;
mod event;
mod flow;
mod record;
mod runner;
mod say;
mod undo;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};

use crate::cli::args::{ExtraArg, IncludedCause, RevertArgs, WriteArgs};
use crate::cli::comparison::{RepeatableComparison, Reports};
use crate::cli::selected::changes;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message};
use crate::cluster::{Overlay, ReadResult};
use crate::engine::revert::{RevertPlan, RevertRequest, plan};
use crate::model::{ChangeCause, Plan, ResourceKey, StepAction};
use crate::output;
pub(super) use end::End;
pub(super) use flow::{PlanExecutor, check as check_words, run as carry_out};
pub(super) use runner::{PlanRunner, StateCheck};
pub(super) use say::print_revert_result;

/// Plans, asks, and carries out.
///
/// # Errors
/// Fails if nothing can be compared, the arguments contradict each other, or too much would be
/// written.
pub fn run(args: &RevertArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    check(args, settings)?;
    if args.list_undo {
        return undo::list(settings, streams);
    }
    if let Some(id) = &args.undo {
        return undo::run(args, id.as_deref(), settings, streams);
    }
    revert(args, settings, streams)
}

/// Checks for arguments that contradict each other.
fn check(args: &RevertArgs, settings: &Settings) -> Result<()> {
    let drift = &args.act.drift;
    ensure!(drift.live.live.is_empty(), NO_CLUSTER);
    ensure!(
        !drift.source.untrusted.untrusted,
        "revert does not write untrusted manifests to a cluster; leave out --untrusted"
    );
    ensure!(
        drift.source.base.is_none(),
        "--base cannot be used with revert, which restores what the manifests declare; leave out \
         --base"
    );
    ensure!(
        !args.prune || args.act.extra.within != ExtraArg::None,
        "--prune deletes what --extra finds; add --extra namespace or --extra managed"
    );
    if args.list_undo {
        return Ok(());
    }
    flow::check(&args.act.write, settings)
}

/// The error for writing to a recording.
pub(super) const NO_CLUSTER: &str = "--live reads a recording, which revert cannot write to; name \
    a cluster with --kubeconfig and --context";

fn revert(args: &RevertArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    let act = &args.act;
    let mut drift = act.drift.clone();
    if args.to.is_some() {
        drift.source.revision.clone_from(&args.to);
    }
    let (selected, source) = drift.selected()?;
    let words = &act.write;
    if words.yes && selected.is_everything() && !args.all && !words.dry_run {
        bail!(
            "--yes without a selection would revert all drift; name an object (deploy/shop/cart), \
             or add --all"
        );
    }
    if args.all && !selected.is_everything() {
        bail!("--all cannot be combined with {selected}; leave out one of them");
    }
    let again = RepeatableComparison::begin(&source, &drift, act.extra.within, settings.now)?;
    let api = again.cluster().context(NO_CLUSTER)?;
    let overlay = Overlay::of(api);
    let Reports { report, shown } = again.reports(&overlay)?;
    let redactor = again.redactor().with_secrets(&report.secret_values);
    selected.check(&report, changes)?;
    let RevertPlan {
        mut plan,
        jobs,
        falls_short,
    } = plan(&RevertRequest {
        report: &report,
        shown: &shown,
        live: &overlay,
        selects: &|object, path| selected.selects(&report, object, path),
        names: &|object, path| selected.names(&report, object, path),
        names_object: &|object| selected.names_object(&report, object),
        include: included(&words.include, args.to.is_some()),
        create: args.create,
        prune: args.prune,
        field_manager: words.field_manager.as_deref(),
        is_rollback: args.to.is_some(),
    });
    // What an apply would leave matters before a decision, not after it.
    if words.yes && !words.dry_run {
        plan.notes.clear();
    }
    let objects = plan.steps.len();
    ensure!(
        objects <= args.max_objects,
        "this would write to {}, but --max-objects allows {}; select fewer, or raise the limit",
        output::count(objects, "object"),
        args.max_objects
    );
    limit_deletions(words, &plan)?;
    let compare_again = |answers: BTreeMap<ResourceKey, ReadResult>| {
        overlay.show(answers);
        again.report(&overlay)
    };
    let judge = StateCheck::Comparison(&compare_again);
    let mut carrier =
        PlanRunner::undoable(plan, jobs, api, (&redactor, &judge), words, settings.now);
    let end = flow::run(&mut carrier, words, settings, streams)?;
    say::print_revert_result(
        (end, report.is_incomplete()),
        words,
        &carrier.plan,
        settings,
        streams,
    )?;
    if report.is_incomplete() {
        message::what_failed(streams, settings, &shown, None);
        return Ok(Exit::Trouble);
    }
    let short = match falls_short {
        true => Exit::Trouble,
        false => Exit::Clean,
    };
    Ok(end.exit(&carrier.plan, short))
}

/// Returns the causes that are reverted although Git is ahead of the cluster.
pub(super) fn included(words: &[IncludedCause], is_rollback: bool) -> BTreeSet<ChangeCause> {
    const AHEAD: [ChangeCause; 2] = [ChangeCause::Unapplied, ChangeCause::SetByApplier];
    let named = words.iter().flat_map(|cause| match cause {
        IncludedCause::Unapplied => AHEAD.to_vec(),
        IncludedCause::Dropped => vec![ChangeCause::Dropped],
    });
    let by_revision = is_rollback.then(|| AHEAD.into_iter().chain([ChangeCause::Dropped]));
    named.chain(by_revision.into_iter().flatten()).collect()
}

/// Refuses to delete more than was probably meant.
///
/// # Errors
/// Fails if it would.
pub(super) fn limit_deletions(words: &WriteArgs, plan: &Plan) -> Result<()> {
    let deleted = plan
        .steps
        .iter()
        .filter(|step| step.how == StepAction::Delete);
    let deleted = deleted.count();
    ensure!(
        deleted <= words.max_delete,
        "this would delete {}, but --max-delete allows {}; select fewer, or raise the limit",
        output::count(deleted, "object"),
        words.max_delete
    );
    Ok(())
}
