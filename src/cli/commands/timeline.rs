//! `driftctl timeline`

use anyhow::{Context, Result, bail};

use crate::cli::args::TimelineArgs;
use crate::cli::comparison;
use crate::cli::progress::ProgressDisplay;
use crate::cli::selected::ChangeSelection;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message, secrecy};
use crate::output::{self, RenderOptions};
use crate::redact::WholeObjects;

/// Compares, reads the history of the objects, and writes everything in order of time.
///
/// # Errors
/// Fails if nothing can be compared, or nothing is selected.
pub fn run(args: &TimelineArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    if args.source.base.is_some() {
        bail!("--base is for 'driftctl diff'; leave it out");
    }
    if args.live.connection.context.len() > 1 {
        bail!("a timeline shows one cluster; pass one --context");
    }
    if args.source.untrusted.untrusted {
        bail!(
            "timeline is not allowed with --untrusted, because it shows who changed what; use 'driftctl diff'"
        );
    }
    let selection = &args.selection;
    let (selected, source) = ChangeSelection::of(&selection.object, &selection.path, &args.source)?;
    let progress = ProgressDisplay::begin(settings, false);
    let made = comparison::timeline(
        &source,
        &args.live,
        &args.compare,
        &args.rules,
        &selected,
        |rules| secrecy::redactor(&args.redact, false, rules.secret()),
        settings.now,
    );
    drop(progress);
    let comparison::TimelineInputs {
        report,
        rules,
        history,
    } = made?;
    let report = secrecy::redact(
        report,
        &args.redact,
        false,
        rules.secret(),
        WholeObjects::Extra,
    );
    let options = RenderOptions {
        ascii: settings.ascii,
        ..settings.render_options()
    };
    let since = args.since.map(|since| since.before(settings.now));
    output::history(
        &report,
        &history,
        since,
        args.output,
        &options,
        &mut streams.out,
    )
    .context("cannot write to standard output")?;
    message::what_failed(streams, settings, &report, None);
    Ok(if report.is_incomplete() {
        Exit::Trouble
    } else {
        Exit::Clean
    })
}
