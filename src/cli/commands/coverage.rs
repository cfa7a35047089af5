//! `driftctl coverage`

use anyhow::{Context, Result, bail};

use crate::cli::args::CoverageArgs;
use crate::cli::comparison;
use crate::cli::progress::ProgressDisplay;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message};
use crate::model::Census;
use crate::output::{self, CensusOptions, CommandFormat, RenderOptions};

/// Compares, counts the live objects by who declares them, and returns the exit code.
///
/// # Errors
/// Fails if nothing can be compared.
pub fn run(args: &CoverageArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    if args.source.base.is_some() {
        bail!("--base is for 'driftctl diff'; leave it out");
    }
    if args.source.untrusted.untrusted {
        bail!(
            "coverage lists every object in the namespaces, which --untrusted does not allow; use \
             'driftctl diff'"
        );
    }
    let progress = ProgressDisplay::begin(settings, false);
    let counted = comparison::census(&args.source, &args.live, &args.rules, settings.now);
    drop(progress);
    let census = counted?;
    let options = RenderOptions {
        verbose: args.verbose,
        ascii: settings.ascii,
        ..settings.render_options()
    };
    let asked = CensusOptions {
        counts_elsewhere: args.count_elsewhere,
        least: args.min,
    };
    output::census(&census, asked, args.output, &options, &mut streams.out)
        .context("cannot write to standard output")?;
    if args.output != CommandFormat::Text {
        message::warnings(streams, settings, &census.warnings);
    }
    let (exit, said) = outcome(&census, args);
    if let Some(said) = said {
        message::print_message(streams, settings, &said);
    }
    Ok(exit)
}

/// Returns the exit code, with a message if there is something to explain.
fn outcome(census: &Census, args: &CoverageArgs) -> (Exit, Option<String>) {
    if census.is_incomplete() {
        return (Exit::Trouble, None);
    }
    let share = census.total().share(args.count_elsewhere).percent();
    match (args.min, share) {
        (None, _) => (Exit::Clean, None),
        (Some(min), Some(percent)) if percent < min => (Exit::Drift, None),
        (Some(min), _) if census.is_at_most() => {
            let hint = match census.target.dump {
                Some(_) => "",
                None => "; 'driftctl doctor --extra namespace' prints the missing Role",
            };
            let said = format!(
                "cannot check --min {min}: not all kinds could be listed: {}{hint}",
                census.unlisted.join(", ")
            );
            (Exit::Trouble, Some(said))
        }
        (Some(_), Some(_)) => (Exit::Clean, None),
        (Some(min), None) => {
            let said = format!(
                "cannot check --min {min}: the cluster has no object that a manifest could declare"
            );
            (Exit::Trouble, Some(said))
        }
    }
}
