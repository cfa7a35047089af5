//! `driftctl revert`: makes live objects what their manifests declare.
//!
//! compare → select → plan → ask the server (a dry run) → ask the person → write → read again. What
//! is said in the end is what was read again.

mod attempt;
mod carry;
mod event;
mod question;
mod record;
mod say;
mod undo;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail, ensure};

use crate::cli::args::{CompareArgs, IncludedCause, RevertArgs};
use crate::cli::comparison::Session;
use crate::cli::selected::Selected;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message};
use crate::cluster::{Answer, Overlay, Writer};
use crate::engine::revert::{Planned, Wish, plan};
use crate::model::{Cause, How, ObjectReport, Plan, Progress, Report, ResourceKey, Status};
use crate::redact::Redactor;
use carry::{Carrier, Judge, Manner};
use record::Recorder;

/// Plans, asks, and carries out.
///
/// # Errors
/// When nothing can be compared, the words contradict one another, or too much would be written.
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

/// Checks words that contradict one another.
fn check(args: &RevertArgs, settings: &Settings) -> Result<()> {
    ensure!(
        args.live.live.is_empty(),
        "--live reads a recording, and nothing can be written to one; name a cluster with \
         --kubeconfig and --context"
    );
    ensure!(
        !args.source.untrusted.untrusted,
        "what untrusted manifests declare is not written to a cluster; leave out --untrusted"
    );
    ensure!(
        args.source.base.is_none(),
        "--base tells a branch's changes from those made live, and revert makes live what the \
         manifests declare; leave out --base"
    );
    ensure!(
        !args.prune || args.extra != crate::cli::args::Extra::None,
        "--prune deletes what --extra finds; add --extra namespace or --extra managed"
    );
    let will_write = !args.dry_run && !args.list_undo;
    ensure!(
        !will_write || args.yes || settings.can_ask,
        "there is no terminal to ask at; --yes writes without a question, --dry-run only shows \
         what would be done"
    );
    Ok(())
}

fn revert(args: &RevertArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    let mut source = args.source.clone();
    if args.to.is_some() {
        source.revision.clone_from(&args.to);
    }
    let selection = &args.selection;
    let (selected, source) = Selected::of(&selection.object, &selection.path, &source)?;
    if args.yes && selected.is_everything() && !args.all && !args.dry_run {
        bail!(
            "--yes without a selection would undo all drift; name an object (deploy/shop/cart), or \
             add --all"
        );
    }
    if args.all && !selected.is_everything() {
        bail!("--all means all drift, and {selected} is less; leave out one of them");
    }
    let compare = CompareArgs {
        extra: args.extra,
        audit_log: args.audit_log.clone(),
        ..CompareArgs::default()
    };
    let session = Session::begin(&source, &args.live, &compare, &args.rules, settings.now)?;
    let overlay = Overlay::of(session.cluster());
    let report = session.report(&overlay)?;
    let redactor = Redactor {
        also: session.secret(),
        ..Redactor::default()
    };
    let shown = redactor.redact(report.clone());
    selected.check(&report, changes)?;
    let is_to = args.to.is_some();
    let selects = |object: &ObjectReport, path: &str| selected.selects(&report, object, path);
    let names = |object: &ObjectReport, path: &str| selected.names(&report, object, path);
    let names_object = |object: &ObjectReport| selected.names_object(&report, object);
    let planned = plan(&Wish {
        report: &report,
        shown: &shown,
        live: &overlay,
        selects: &selects,
        names: &names,
        names_object: &names_object,
        include: included(args),
        create: args.create,
        prune: args.prune,
        field_manager: args.field_manager.as_deref(),
        is_rollback: is_to,
    });
    limits(args, &planned.plan)?;
    let incomplete = report.is_incomplete();
    let again = |answers: BTreeMap<ResourceKey, Answer>| -> Result<Report> {
        overlay.show(answers);
        session.report(&overlay)
    };
    let judge = Judge::Comparison(&again);
    let writer = Writer::of(session.cluster());
    let exit = carry_out(args, planned, &judge, &redactor, &writer, settings, streams)?;
    if incomplete {
        message::what_failed(streams, settings, &shown, None);
        return Ok(Exit::Trouble);
    }
    Ok(exit)
}

/// What has a plan, from the server's answer to a dry run to what was read again.
fn carry_out(
    args: &RevertArgs,
    planned: Planned,
    judge: &Judge<'_>,
    redactor: &Redactor,
    writer: &Writer<'_>,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<Exit> {
    let Planned {
        plan,
        jobs,
        falls_short,
    } = planned;
    let short = if falls_short {
        Exit::Trouble
    } else {
        Exit::Clean
    };
    let mut carrier = Carrier {
        plan,
        jobs,
        writer,
        redactor,
        judge,
        manner: Manner {
            keep_going: args.keep_going,
            events: !args.no_event,
            now: settings.now,
        },
    };
    if carrier.plan.steps.is_empty() {
        say::plan(
            args.output,
            &carrier.plan,
            settings,
            streams,
            say::End::NothingToDo,
        )?;
        return Ok(short);
    }
    if !args.skip_dry_run {
        carrier.rehearse()?;
    }
    let refused = carrier.plan.objects(Progress::Failed) > 0;
    let may_go_on = !refused || (args.keep_going && carrier.plan.objects(Progress::Planned) > 0);
    if args.dry_run || !may_go_on {
        if !may_go_on {
            carrier.skip_rest("nothing was sent, since another change was refused");
        }
        let end = if refused {
            say::End::Refused
        } else {
            say::End::Accepted
        };
        say::plan(args.output, &carrier.plan, settings, streams, end)?;
        let found = if refused { Exit::Trouble } else { Exit::Drift };
        return Ok(found.max(short));
    }
    if !args.yes {
        say::before_question(&carrier.plan, args.skip_dry_run, settings, streams)?;
        if !question::ask(&mut carrier.plan, streams)? {
            return Ok(Exit::Drift);
        }
        writer.begin_anew();
    }
    let records = crate::state::UndoRecords::of_user()?;
    let mut recorder = Recorder::begin(records, writer, &carrier.plan, settings.now)?;
    carrier.send(&mut recorder)?;
    carrier.verify()?;
    carrier.plan.undo = recorder.end();
    say::outcome(args.output, args.yes, &carrier.plan, settings, streams)?;
    let is_whole = carrier.plan.objects(Progress::Failed) + carrier.plan.objects(Progress::Partly);
    Ok(if is_whole > 0 { Exit::Trouble } else { short })
}

/// The paths at which an object has drift, ignored and accepted drift among it.
fn changes(object: &ObjectReport) -> Vec<String> {
    let drifts = object.drifts.iter();
    let drifts = drifts.map(|drift| drift.change.path.to_string());
    let whole = matches!(object.status(), Status::Missing | Status::Extra);
    drifts.chain(whole.then(|| ".".to_owned())).collect()
}

fn included(args: &RevertArgs) -> BTreeSet<Cause> {
    const AHEAD: [Cause; 2] = [Cause::Unapplied, Cause::SetByApplier];
    let named = args.include.iter().flat_map(|cause| match cause {
        IncludedCause::Unapplied => AHEAD.to_vec(),
        IncludedCause::Dropped => vec![Cause::Dropped],
    });
    let by_revision = args.to.iter();
    let by_revision = by_revision.flat_map(|_| AHEAD.into_iter().chain([Cause::Dropped]));
    named.chain(by_revision).collect()
}

/// Refuses to write more than was meant, most likely.
fn limits(args: &RevertArgs, plan: &Plan) -> Result<()> {
    let objects = plan.steps.len();
    ensure!(
        objects <= args.max_objects,
        "this would write to {objects} objects, and --max-objects allows {}; select fewer, or raise \
         it",
        args.max_objects
    );
    let deleted = plan.steps.iter().filter(|step| step.how == How::Delete);
    let deleted = deleted.count();
    ensure!(
        deleted <= args.max_delete,
        "this would delete {deleted} objects, and --max-delete allows {}; select fewer, or raise it",
        args.max_delete
    );
    Ok(())
}
