//! Compares several clusters with the same manifests, in parallel.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;

use super::{ComparisonResult, RunOptions, RunRules, rules, run_by};
use crate::cli::args::{
    CompareArgs, ConnectionArgs, LiveArgs, PoliciesArgs, RulesArgs, SourceArgs,
};
use crate::cluster::contexts_of;
use crate::model::{Coverage, Report, Warning};
use crate::policy::glob;

/// How many clusters are compared at a time.
const AT_ONCE: usize = 16;

/// The results for all contexts.
pub struct ContextResults {
    /// One for each context.
    pub reports: Vec<Report>,
    /// The rules, which are the same for all.
    pub rules: RunRules,
}

/// Compares with each named context, in the order of the arguments; with the only live side if
/// fewer than two are named.
///
/// # Errors
/// Fails if nothing can be compared with the only live side. With several, a cluster that fails has
/// a report that says so.
pub fn run_all(
    source: &SourceArgs,
    live: &LiveArgs,
    compare: &CompareArgs,
    rule_words: &RulesArgs,
    policies: &PoliciesArgs,
    also: RunOptions<'_>,
    now: Timestamp,
) -> Result<ContextResults> {
    let rules = rules(rule_words, source, now)?.within(&live.connection);
    let live = &LiveArgs {
        connection: chosen(&live.connection)?,
        ..live.clone()
    };
    if live.connection.context.len() < 2 {
        let ComparisonResult { report, rules } =
            run_by(rules, source, live, compare, rule_words, policies, also)?;
        return Ok(ContextResults {
            reports: vec![report],
            rules,
        });
    }
    let of_context = |context: &String| {
        let live = LiveArgs {
            connection: live.connection.of_context(context),
            ..live.clone()
        };
        let compared = run_by(
            rules.clone(),
            source,
            &live,
            compare,
            rule_words,
            policies,
            also,
        );
        let report = compared.map(|compared| compared.report);
        let mut report = report.unwrap_or_else(|error| unread(&error));
        report.target.context = Some(context.clone());
        report
    };
    let contexts = &live.connection.context;
    for (at, context) in contexts.iter().enumerate() {
        ensure!(
            !contexts[..at].contains(context),
            "context {context} is named twice"
        );
    }
    let (next, of_context) = (&AtomicUsize::new(0), &of_context);
    let reports = thread::scope(|scope| {
        // Each worker takes the next context when it is done, so that only a few reports are in
        // memory at a time.
        let workers = contexts.len().min(AT_ONCE);
        let workers: Vec<_> = (0..workers)
            .map(|_| {
                scope.spawn(move || {
                    let mut made = Vec::new();
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(context) = contexts.get(at) else {
                            return made;
                        };
                        made.push((at, of_context(context)));
                    }
                })
            })
            .collect();
        let joined = workers.into_iter().map(|worker| worker.join());
        let mut made: Vec<(usize, Report)> = joined
            .flat_map(|made| made.unwrap_or_else(|panic| resume_unwind(panic)))
            .collect();
        made.sort_by_key(|(at, _)| *at);
        made.into_iter().map(|(_, report)| report).collect()
    });
    Ok(ContextResults { reports, rules })
}

/// Returns the connection with the contexts that the patterns select, in the order of the
/// kubeconfig.
///
/// # Errors
/// Fails if a pattern selects none, or the kubeconfig cannot be read.
pub fn chosen(connection: &ConnectionArgs) -> Result<ConnectionArgs> {
    let connection = &ConnectionArgs {
        context: words_of(&connection.context)?,
        ..connection.clone()
    };
    let is_pattern = |word: &String| word.contains(['*', '?']);
    if !connection.context.iter().any(is_pattern) {
        return Ok(connection.clone());
    }
    let known = contexts_of(connection.kubeconfig.as_deref())?;
    let mut context: Vec<String> = Vec::new();
    for word in &connection.context {
        if !is_pattern(word) || known.contains(word) {
            context.push(word.clone());
            continue;
        }
        let meant: Vec<&String> = known.iter().filter(|name| glob(word, name)).collect();
        ensure!(
            !meant.is_empty(),
            "--context {word}: no context in the kubeconfig matches; contexts: {}",
            known.join(", ")
        );
        for name in meant {
            if !context.contains(name) {
                context.push(name.clone());
            }
        }
    }
    Ok(ConnectionArgs {
        context,
        ..connection.clone()
    })
}

/// Expands `@FILE` to the names in the file: one per line, `#` starts a comment.
///
/// # Errors
/// Fails if a file cannot be read, or is empty.
fn words_of(words: &[String]) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for word in words {
        let Some(file) = word.strip_prefix('@') else {
            all.push(word.clone());
            continue;
        };
        let text = std::fs::read_to_string(file);
        let text = text.with_context(|| format!("--context {word}: cannot read {file}"))?;
        let lines = text.lines().filter_map(|line| line.split('#').next());
        let before = all.len();
        all.extend(
            lines
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .map(str::to_owned),
        );
        ensure!(
            all.len() > before,
            "--context {word}: {file} names no context; write one per line"
        );
    }
    Ok(all)
}

/// Returns the report for a cluster that could not be compared at all.
fn unread(error: &anyhow::Error) -> Report {
    Report {
        coverage: Coverage {
            failed: 1,
            ..Coverage::default()
        },
        warnings: vec![Warning::error("", format!("{error:#}"))],
        ..Report::default()
    }
}
