//! From words to a report: what every command that compares does first.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::args::{CompareArgs, Extra, LiveArgs};
use crate::cluster::{Api, ConnectOptions, Dump, Live};
use crate::engine::{self, Options};
use crate::model::{Report, Warning};
use crate::policy::RuleSet;
use crate::source::{Files, Source};

/// What stands for standard input, on either side.
const STDIN: &str = "-";

/// Compares what is declared in `paths` with the live side.
///
/// # Errors
/// When nothing can be compared.
pub fn run(
    paths: &[PathBuf],
    live: &LiveArgs,
    compare: &CompareArgs,
    explain: bool,
) -> Result<Report> {
    let is_stdin = |path: &PathBuf| path == Path::new(STDIN);
    if paths
        .iter()
        .chain(&live.live)
        .filter(|path| is_stdin(path))
        .count()
        > 1
    {
        bail!("standard input can be read once; name files for all but one '-'");
    }
    let sources: [Box<dyn Source>; 1] = [Box::new(Files::new(paths))];
    let options = Options {
        namespace: live.namespace.clone(),
        extra: match compare.extra {
            Extra::None => engine::Extra::None,
            Extra::Namespace => engine::Extra::Namespace,
        },
        field_managers: compare.field_manager.clone(),
        explain,
        strict_rules: false,
    };
    let side = live_side(live, paths)?;
    let mut report = engine::run(&sources, side.as_ref(), RuleSet::builtin(), &options)?;
    if !compare.allow_empty {
        report.warnings.extend(emptiness(&report, paths));
    }
    Ok(report)
}

/// The cluster, or a recording of it.
fn live_side(args: &LiveArgs, paths: &[PathBuf]) -> Result<Box<dyn Live>> {
    if args.live.is_empty() {
        return Ok(Box::new(Api::connect(&ConnectOptions {
            kubeconfig: args.kubeconfig.clone(),
            context: args.context.clone(),
            scanned: paths.to_vec(),
            request_timeout: Duration::from_secs(args.request_timeout),
            timeout: Duration::from_secs(args.timeout),
            concurrency: usize::from(args.concurrency),
        })?));
    }
    Ok(Box::new(
        Dump::read(&args.live).context("cannot read the recording that --live names")?,
    ))
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
