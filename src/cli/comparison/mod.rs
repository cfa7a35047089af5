//! From words to a report: what every command that compares does first.

mod live_side;
mod sources;

use std::path::PathBuf;

use anyhow::Result;

use super::args::{CompareArgs, Extra, LiveArgs, SourceArgs};
use crate::engine::{self, Options};
use crate::model::{Report, Warning};
use crate::policy::RuleSet;

pub use live_side::live_side;
pub use sources::sources;

/// What stands for standard input, on either side.
const STDIN: &str = "-";

/// Compares what is declared with the live side.
///
/// # Errors
/// When nothing can be compared.
pub fn run(
    source: &SourceArgs,
    live: &LiveArgs,
    compare: &CompareArgs,
    explain: bool,
) -> Result<Report> {
    let sources = sources(source, &live.live)?;
    let side = live_side(live, &source.paths)?;
    let options = options(live, compare, explain);
    let mut report = engine::run(&sources, side.as_ref(), RuleSet::builtin(), &options)?;
    if !compare.allow_empty {
        report.warnings.extend(emptiness(&report, &source.paths));
    }
    Ok(report)
}

fn options(live: &LiveArgs, compare: &CompareArgs, explain: bool) -> Options {
    Options {
        namespace: live.namespace.clone(),
        extra: match compare.extra {
            Extra::None => engine::Extra::None,
            Extra::Namespace => engine::Extra::Namespace,
        },
        field_managers: compare.field_manager.clone(),
        explain,
        strict_rules: false,
    }
}

/// An empty or wrong path must not look like "no drift".
fn emptiness(report: &Report, paths: &[PathBuf]) -> Option<Warning> {
    let coverage = &report.coverage;
    if coverage.declared > coverage.filtered || report.warnings.iter().any(|warning| warning.fatal)
    {
        return None;
    }
    let paths: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let paths = paths.join(", ");
    let message = if coverage.filtered > 0 {
        format!(
            "none of the {} objects in {paths} belongs to the namespace; check --namespace, or pass --allow-empty",
            coverage.filtered
        )
    } else {
        format!("no Kubernetes object was found in {paths}; check the path, or pass --allow-empty")
    };
    Some(Warning {
        place: String::new(),
        message,
        fatal: true,
    })
}
