//! Prints decisions.

use anyhow::{Context, Result};

use super::resolve::{Fate, Resolved};
use super::todo::{Decision, Line, Todo};
use crate::cli::Streams;
use crate::cli::args::{CommandFormat, WriteArgs};
use crate::cli::commands::revert::{self, End};
use crate::cli::settings::Settings;
use crate::model::{Action, Plan, Progress, Target};
use crate::output::{self, Decided};

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
    let plan = Plan::new(Action::Triage, Target::default());
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
pub fn end(
    end: End,
    todo: &Todo,
    resolved: &Resolved<'_>,
    words: &WriteArgs,
    plan: &Plan,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<()> {
    let says_lines = matches!(end, End::Done | End::NothingToDo);
    if words.output == CommandFormat::Json || !says_lines {
        return revert::say_end(end, words, plan, settings, streams);
    }
    let lines = resolved.lines.iter().zip(&resolved.fates);
    let decided: Vec<Decided> = lines
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
fn outcome_of(todo: &Todo, line: &Line, fate: &Fate) -> Option<Decided> {
    let (progress, word, said) = match fate {
        Fate::Kept | Fate::Meant(_) => return None,
        Fate::Over(said) => (Progress::Planned, "no drift", Some(said.clone())),
        Fate::Skipped(_, said) => (Progress::Skipped, "skipped", Some(said.clone())),
        Fate::Acted(progress, said) => {
            let word = match progress {
                Progress::Done => done(&line.decision),
                Progress::Partly => "partly done",
                Progress::Failed => "not done",
                Progress::Planned | Progress::Skipped => "skipped",
            };
            let progress = match progress {
                Progress::Planned => Progress::Skipped,
                other => *other,
            };
            (progress, word, said.clone())
        }
    };
    Some(Decided {
        place: format!("{}:{}", todo.file, line.number),
        word,
        progress,
        object: line.object.clone(),
        path: line.path.clone(),
        said,
    })
}

fn done(decision: &Decision) -> &'static str {
    match decision {
        Decision::Keep => "kept",
        Decision::Revert => "reverted",
        Decision::Backport => "backported",
        Decision::Accept { .. } => "accepted",
        Decision::Ignore { .. } => "ignored",
    }
}
