//! `driftctl guard`: writes policies that block the same live change next time.
//!
//! compare → select → write the policy → prove it → print it.

mod check;
mod say;

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::admission::guard::{GuardForm, GuardedObjects};
use crate::cli::args::{ExtraArg, FormArgs, GuardArgs, GuardScope};
use crate::cli::comparison::{self, RepeatableComparison, Reports};
use crate::cli::selected::changes;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message};
use crate::cluster::Overlay;
use crate::cluster::audit;
use crate::engine::guard::{GuardParameters, plan};

/// Writes policies, proves them and prints them.
///
/// # Errors
/// Fails if nothing can be compared, or nothing is selected.
pub fn run(args: &GuardArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    if !args.check.is_empty() {
        return check::run(args, settings, streams);
    }
    ensure!(
        args.drift.source.base.is_none(),
        "--base cannot be used with guard, which blocks only live changes; leave out --base"
    );
    ensure!(
        !args.drift.source.untrusted.untrusted,
        "guard is not allowed with --untrusted, because a policy shows live values; use 'driftctl diff'"
    );
    let drift = &args.drift;
    let (selected, source) = drift.selected()?;
    ensure!(
        !selected.is_everything(),
        "name what to guard: an object (deploy/shop/cart), and optionally paths in it \
         (.spec.replicas)"
    );
    let again = RepeatableComparison::begin(&source, drift, ExtraArg::None, settings.now)?;
    let overlay = Overlay::of(again.live());
    let Reports { report, shown } = again.reports(&overlay)?;
    selected.check(&report, changes)?;
    let writes = match drift.audit_log.is_empty() {
        true => None,
        false => {
            let seconds = drift.live.connection.timeout;
            let logs = audit::Logs::within(&drift.audit_log, seconds);
            Some(audit::read(&logs, &|_| true)?)
        }
    };
    let engine = comparison::jq();
    engine.limit_whole_run(Duration::from_secs(drift.live.connection.timeout));
    let evaluate = |policy: &str, input: &Value| comparison::evaluate(&engine, policy, input);
    let (form, bound) = form(&args.form);
    let planned = plan(&GuardParameters {
        report: &report,
        shown: &shown,
        live: &overlay,
        selects: &|object, path| selected.selects(&report, object, path),
        names: &|object, path| selected.names(&report, object, path),
        form,
        bound: bound.as_deref(),
        users: &args.allow,
        groups: &args.allow_group,
        allow_declared: args.allow_declared,
        enforces: args.enforce,
        scope: match args.scope {
            GuardScope::Object => GuardedObjects::Object,
            GuardScope::Namespace => GuardedObjects::Namespace,
            GuardScope::Cluster => GuardedObjects::Cluster,
        },
        writes: writes.as_ref(),
        evaluate: &evaluate,
    });
    let exit = say::result(args.format, &planned, settings, streams)?;
    if report.is_incomplete() {
        message::what_failed(streams, settings, &shown, None);
        return Ok(Exit::Trouble);
    }
    Ok(exit)
}

/// Returns the requested form, and its bound.
fn form(args: &FormArgs) -> (Option<GuardForm>, Option<String>) {
    match args {
        FormArgs { lock: true, .. } => (Some(GuardForm::Lock), None),
        FormArgs { closed: true, .. } => (Some(GuardForm::Closed), None),
        FormArgs {
            max: Some(bound), ..
        } => (Some(GuardForm::Max), bound.clone()),
        FormArgs {
            min: Some(bound), ..
        } => (Some(GuardForm::Min), bound.clone()),
        FormArgs { require: true, .. } => (Some(GuardForm::Require), None),
        FormArgs { origin: true, .. } => (Some(GuardForm::Origin), None),
        _ => (None, None),
    }
}
