//! Prints a plan, before and after it is carried out.

use std::io::{self, Write as _};

use anyhow::{Context, Result};

use super::end::End;
use crate::cli::Streams;
use crate::cli::args::{CommandFormat, WriteArgs};
use crate::cli::settings::Settings;
use crate::model::{Plan, StepProgress};
use crate::output::{self, RenderOptions, escape};

/// Prints how a run ended, and whether some objects could not be compared before it.
///
/// # Errors
/// Fails if standard output cannot be written to.
pub fn print_revert_result(
    (end, is_incomplete): (End, bool),
    words: &WriteArgs,
    plan: &Plan,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<()> {
    let written = match (end, words.output) {
        (End::Declined, _) => Ok(()),
        (_, CommandFormat::Json) => output::plan_json(plan, &mut streams.out),
        (End::Done, _) => outcome(words, plan, settings, streams),
        (end, _) => planned(end, is_incomplete, plan, settings, streams),
    };
    written.context("cannot write to standard output")
}

/// Prints a plan that is not carried out.
fn planned(
    end: End,
    is_incomplete: bool,
    plan: &Plan,
    settings: &Settings,
    streams: &mut Streams,
) -> io::Result<()> {
    let out = &mut streams.out;
    output::plan_text(plan, &settings.render_options(), out)?;
    for step in &plan.steps {
        if let (StepProgress::Failed, Some(outcome)) = (step.progress, &step.outcome) {
            let name = step.key.to_string();
            let (name, outcome) = (escape::line(&name), escape::line(outcome));
            writeln!(out, "not possible: {name}  {outcome}")?;
        }
    }
    match end {
        End::NothingToDo if is_incomplete => {
            writeln!(out, "nothing was changed: not everything could be compared")
        }
        End::NothingToDo => writeln!(out, "nothing to {}", plan.action.as_str()),
        End::Refused => writeln!(out, "the server does not accept this; nothing was changed"),
        _ if !plan.writes_to_cluster() => writeln!(out, "nothing was changed"),
        _ => writeln!(
            out,
            "the server accepts this (dry run)\n{}\nnothing was changed",
            target(plan)
        ),
    }
}

/// Prints a plan next to the question.
///
/// # Errors
/// Fails if standard error cannot be written to.
pub fn before_question(
    plan: &Plan,
    without_dry_run: bool,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<()> {
    let options = RenderOptions {
        colour: settings.message_color,
        ..settings.render_options()
    };
    output::plan_text(plan, &options, &mut streams.err)?;
    if !plan.writes_to_cluster() {
        return Ok(());
    }
    let asked = if without_dry_run {
        "the server was not asked (--skip-dry-run)"
    } else {
        "the server accepts this (dry run)"
    };
    writeln!(streams.err, "{asked}\n{}", target(plan))?;
    Ok(())
}

/// Prints the outcome of a plan. A user who was not asked has not seen the plan yet.
fn outcome(
    words: &WriteArgs,
    plan: &Plan,
    settings: &Settings,
    streams: &mut Streams,
) -> io::Result<()> {
    let out = &mut streams.out;
    let options = settings.render_options();
    if words.yes {
        output::plan_text(plan, &options, out)?;
    }
    output::outcome_text(plan, &options, out)
}

/// Returns `context prod, https://10.0.0.1:6443, v1.36.2`.
fn target(plan: &Plan) -> String {
    let target = &plan.target;
    let context = target.context.as_ref();
    let context = context.map(|context| format!("context {context}"));
    let parts = [context, target.server.clone(), target.version.clone()];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    escape::line(&parts.join(", ")).into_owned()
}
