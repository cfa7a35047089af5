//! `driftctl debt`

use std::path::PathBuf;

use anyhow::Result;

use crate::cli::args::{CommandFormat, DebtArgs, RulesArgs};
use crate::cli::comparison;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams};
use crate::output;
use crate::policy::Accepted;

/// Lists accepted drift; returns [`Exit::Drift`] if some is overdue.
///
/// # Errors
/// Fails if the baseline cannot be read.
pub fn run(args: &DebtArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    let words = RulesArgs {
        config: args.config.clone(),
        baseline: args.baseline.clone(),
        ..RulesArgs::default()
    };
    let paths: [PathBuf; 1] = [args.path.clone()];
    let baseline = comparison::accepted(&words, &paths, settings.now)?;
    let accepted: Vec<&Accepted> = baseline.debt.entries().collect();
    let (file, out) = (&baseline.file.name, &mut streams.out);
    match args.output {
        CommandFormat::Json => output::debt_json(&accepted, file, settings.now, out)?,
        _ => output::debt_text(&accepted, file, settings.now, out)?,
    }
    Ok(if accepted.iter().any(|entry| entry.overdue) {
        Exit::Drift
    } else {
        Exit::Clean
    })
}
