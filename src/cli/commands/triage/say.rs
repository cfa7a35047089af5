//! Prints decisions.

use anyhow::{Context, Result};

use super::resolve::{LineOutcome, TriagePlan};
use super::todo::{Todo, TodoDecision, TodoLine};
use crate::cli::Streams;
use crate::cli::args::{CommandFormat, WriteArgs};
use crate::cli::commands::revert::{self, End};
use crate::cli::settings::Settings;
use crate::model::{Action, Plan, ReportTarget, StepProgress};
use crate::output::{self, DecisionResult};

/// Reports that every line says keep.
///
/// # Errors
/// Fails if standard output cannot be written to.
pub fn nothing_decided(
    todo: &Todo,
    words: &WriteArgs,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<()> {
    let plan = Plan::new(Action::Triage, ReportTarget::default());
    let kept = todo.lines.len();
    let written = match words.output {
        CommandFormat::Json => output::plan_json(&plan, &mut streams.out),
        _ => output::decided_text(
            &[],
            kept,
            &plan,
            &settings.render_options(),
            &mut streams.out,
        ),
    };
    written.context("cannot write to standard output")
}

/// Prints how a run ended: the plan if it was not carried out, else a line for each decision.
///
/// # Errors
/// Fails if standard output cannot be written to.
pub fn print_triage_result(
    end: End,
    todo: &Todo,
    resolved: &TriagePlan<'_>,
    words: &WriteArgs,
    plan: &Plan,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<()> {
    let says_lines = matches!(end, End::Done | End::NothingToDo);
    if words.output == CommandFormat::Json || !says_lines {
        return revert::print_revert_result((end, false), words, plan, settings, streams);
    }
    let lines = resolved.lines.iter().zip(&resolved.fates);
    let decided: Vec<DecisionResult> = lines
        .filter_map(|(line, fate)| outcome_of(todo, line, fate))
        .collect();
    let kept = resolved.lines.len() - decided.len();
    let written = output::decided_text(
        &decided,
        kept,
        plan,
        &settings.render_options(),
        &mut streams.out,
    );
    written.context("cannot write to standard output")
}

/// Returns the text for a line; nothing for one that says keep.
fn outcome_of(todo: &Todo, line: &TodoLine, fate: &LineOutcome) -> Option<DecisionResult> {
    let (progress, word, said) = match fate {
        LineOutcome::Kept | LineOutcome::Meant(_) => return None,
        LineOutcome::Over(said) => (StepProgress::Planned, "no drift", Some(said.clone())),
        LineOutcome::Skipped(_, said) => (StepProgress::Skipped, "skipped", Some(said.clone())),
        LineOutcome::Acted(progress, said) => {
            let word = match progress {
                StepProgress::Done => done(&line.decision),
                StepProgress::Partly => "partly done",
                StepProgress::Failed => "not done",
                StepProgress::Planned | StepProgress::Skipped => "skipped",
            };
            let progress = match progress {
                StepProgress::Planned => StepProgress::Skipped,
                other => *other,
            };
            (progress, word, said.clone())
        }
    };
    Some(DecisionResult {
        place: format!("{}:{}", todo.file, line.number),
        word,
        progress,
        object: line.object.clone(),
        path: line.path.clone(),
        said,
    })
}

fn done(decision: &TodoDecision) -> &'static str {
    match decision {
        TodoDecision::Keep => "kept",
        TodoDecision::Revert => "reverted",
        TodoDecision::Backport => "backported",
        TodoDecision::Accept { .. } => "accepted",
        TodoDecision::Ignore { .. } => "ignored",
    }
}
