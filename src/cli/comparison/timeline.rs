//! Compares, and collects what else is known about the objects.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use jiff::Timestamp;

use super::{ComparisonInputs, RunRules, no_object_warning, prepare, rules};
use crate::cli::args::{CompareArgs, LiveArgs, RulesArgs, SourceArgs};
use crate::cli::selected::ChangeSelection;
use crate::cluster::audit::Logs;
use crate::engine;
use crate::engine::history::{self, HistoryRequest};
use crate::model::{History, HistoryEntry, HistorySource, Report};
use crate::redact::Redactor;
use crate::source::blame;

/// The inputs of a timeline.
pub struct TimelineInputs {
    /// The comparison, of the selected objects.
    pub report: Report,
    /// The rules.
    pub rules: RunRules,
    /// The entries of other sources.
    pub history: History,
}

/// Compares, and reads the history of the selected objects.
///
/// # Errors
/// Fails if nothing can be compared, nothing is selected, or an audit log cannot be read.
pub fn timeline(
    source: &SourceArgs,
    live: &LiveArgs,
    compare: &CompareArgs,
    rule_words: &RulesArgs,
    selected: &ChangeSelection,
    redactor: impl FnOnce(&RunRules) -> Redactor,
    now: Timestamp,
) -> Result<TimelineInputs> {
    let rules = rules(rule_words, source, now)?.within(&live.connection);
    let ComparisonInputs {
        sources,
        side,
        mut rules,
        options,
    } = prepare(rules, source, live, compare, rule_words, false)?;
    let mut report = engine::run(&sources, side.as_live(), &rules.set, &options)?;
    if !compare.allow_empty {
        let empty = no_object_warning(&report, source, &live.filter);
        report.warnings.extend(empty);
    }
    report.warnings.append(&mut rules.warnings);
    if !selected.is_everything() {
        let objects = report.objects.iter();
        let meant: BTreeSet<_> = objects
            .filter(|object| selected.names_object(&report, object))
            .map(|object| object.key.clone())
            .collect();
        if meant.is_empty() {
            bail!("no object in these manifests is selected; check the kind and the name");
        }
        report.objects.retain(|object| meant.contains(&object.key));
    }
    let redactor = redactor(&rules).with_secrets(&report.secret_values);
    let asked = HistoryRequest {
        objects: history::objects_of(&report),
        report: &report,
        audit_logs: Logs::within(&compare.audit_log, live.connection.timeout),
        redactor: &redactor,
        helm: true,
    };
    let mut history = history::history(&asked, side.as_live())?;
    let unread = blame(&mut report.objects).into_iter();
    history.unread.extend(
        unread.map(|warning| (format!("Git history of {}", warning.place), warning.message)),
    );
    commits(&report, &mut history);
    Ok(TimelineInputs {
        report,
        rules,
        history,
    })
}

/// Returns the commits of the declared lines that drifted.
fn commits(report: &Report, history: &mut History) {
    for object in &report.objects {
        for drift in object.drifts.iter().filter(|drift| drift.is_reported()) {
            let Some(blame) = &drift.blame else { continue };
            let Some(commit) = &blame.commit else {
                continue;
            };
            let short = commit.get(..7).unwrap_or(commit);
            let what = format!("commit {short} declares {}", drift.change.path);
            let moment = HistoryEntry {
                at: blame.time.as_ref().and_then(|time| time.parse().ok()),
                object: object.key.clone(),
                evidence: HistorySource::Git,
                user: blame.author.clone(),
                manager: None,
                what,
                is_warning: false,
            };
            if !history.moments.contains(&moment) {
                history.moments.push(moment);
            }
        }
    }
}
