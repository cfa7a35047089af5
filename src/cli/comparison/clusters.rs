//! Several clusters, compared with the same manifests side by side.

use std::panic::resume_unwind;
use std::thread;

use anyhow::{Result, ensure};
use jiff::Timestamp;

use super::{Compared, Rules, rules, run_by};
use crate::cli::args::{CompareArgs, LiveArgs, RulesArgs, SourceArgs};
use crate::model::{Coverage, Report, Warning};

/// What comparisons with all contexts found.
pub struct All {
    /// One for each context.
    pub reports: Vec<Report>,
    /// The rules, which are the same for all.
    pub rules: Rules,
}

/// Compares with each context that is named, in the order of the words; with the one live side
/// that there is, where fewer than two are.
///
/// # Errors
/// When nothing can be compared with the only live side. Of several, one that fails has a report
/// that says so.
pub fn run_all(
    source: &SourceArgs,
    live: &LiveArgs,
    compare: &CompareArgs,
    rule_words: &RulesArgs,
    explain: bool,
    now: Timestamp,
) -> Result<All> {
    let rules = rules(rule_words, source, now)?;
    if live.connection.context.len() < 2 {
        let Compared { report, rules } = run_by(rules, source, live, compare, rule_words, explain)?;
        return Ok(All {
            reports: vec![report],
            rules,
        });
    }
    let of_context = |context: &String| {
        let live = LiveArgs {
            connection: live.connection.of_context(context),
            ..live.clone()
        };
        let compared = run_by(rules.clone(), source, &live, compare, rule_words, explain);
        let report = compared.map(|compared| compared.report);
        let mut report = report.unwrap_or_else(|error| unread(&error));
        report.target.context = Some(context.clone());
        report
    };
    let contexts = &live.connection.context;
    for (at, context) in contexts.iter().enumerate() {
        ensure!(
            !contexts[..at].contains(context),
            "the context {context} is named twice"
        );
    }
    let reports = thread::scope(|scope| {
        let runs: Vec<_> = contexts
            .iter()
            .map(|context| scope.spawn(|| of_context(context)))
            .collect();
        let joined = runs.into_iter().map(|run| run.join());
        joined
            .map(|report| report.unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    Ok(All { reports, rules })
}

/// The report on a cluster with which nothing could be compared.
fn unread(error: &anyhow::Error) -> Report {
    Report {
        coverage: Coverage {
            failed: 1,
            ..Coverage::default()
        },
        warnings: vec![Warning {
            place: String::new(),
            message: format!("{error:#}"),
            fatal: true,
        }],
        ..Report::default()
    }
}
