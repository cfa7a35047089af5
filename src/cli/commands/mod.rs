//! The commands, one file each.

mod accept;
mod backport;
mod browse;
mod completions;
mod coverage;
mod debt;
mod diff;
mod doctor;
mod explain;
mod guard;
mod ignore;
mod init;
pub mod jq_worker;
mod man;
mod policy;
mod revert;
mod rewrite;
mod rules;
mod schema;
mod snapshot;
mod timeline;
mod triage;
mod version;
mod watch;

use anyhow::anyhow;
use clap::CommandFactory;

use super::args::{Cli, Command};
use super::selection::EndTime;
use super::settings::Settings;
use super::{Exit, Streams};
use crate::policy::Expiry;

/// Runs the selected command.
///
/// # Errors
/// Fails if the command failed; the message says what happened, where, and what to do.
pub fn run(cli: Cli, settings: &Settings, streams: &mut Streams) -> anyhow::Result<Exit> {
    match cli.command {
        Command::Diff(args) => diff::run(&args, settings, streams),
        Command::Explain(args) => explain::run(&args, settings, streams),
        Command::Watch(args) => watch::run(&args, settings, streams),
        Command::Coverage(args) => coverage::run(&args, settings, streams),
        Command::Timeline(args) => timeline::run(&args, settings, streams),
        Command::Doctor(args) => doctor::run(&args, settings, streams),
        Command::Snapshot(args) => snapshot::run(&args, settings, streams),
        Command::Man(args) => man::run(&args, Cli::command(), streams),
        Command::Version(args) => version::run(args.output, streams),
        Command::Policy(args) => policy::run(&args, settings, streams),
        Command::Guard(args) => guard::run(&args, settings, streams),
        Command::Revert(args) => revert::run(&args, settings, streams),
        Command::Backport(args) => backport::run(&args, settings, streams),
        Command::Browse(args) => browse::run(&args, settings, streams),
        Command::Triage(args) => triage::run(&args, settings, streams),
        Command::Rules(args) => rules::run(&args, settings, streams),
        Command::Accept(args) => accept::run(&args, settings, streams),
        Command::Debt(args) => debt::run(&args, settings, streams),
        Command::Ignore(args) => ignore::run(&args, settings, streams),
        Command::Init(args) => init::run(&args, streams),
        Command::Schema(args) => schema::run(&args.what, streams),
        Command::Completions(args) => completions::run(args.shell, streams),
    }
}

/// Returns the moment that `--expires` names.
///
/// # Errors
/// Fails if it is in the past, or too far in the future.
fn expiry(until: Option<&EndTime>, settings: &Settings) -> anyhow::Result<Option<Expiry>> {
    let moment = until.map(|until| until.from(settings.now));
    moment
        .transpose()
        .map_err(|why| anyhow!("--expires: {why}"))
}
