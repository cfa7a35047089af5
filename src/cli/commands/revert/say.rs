//! What is said of a plan, before and after.

use std::io::Write as _;

use anyhow::{Context, Result};

use crate::cli::Streams;
use crate::cli::args::CommandFormat;
use crate::cli::settings::Settings;
use crate::model::{Plan, Progress};
use crate::output::{self, RenderOptions, escape};

/// How a run ends that writes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// There is no drift to undo.
    NothingToDo,
    /// The server would do it.
    Accepted,
    /// The server would not.
    Refused,
}

fn options(settings: &Settings) -> RenderOptions {
    RenderOptions {
        colour: settings.color,
        width: settings.columns,
        now: Some(settings.now),
        ..RenderOptions::default()
    }
}

/// Shows a plan that is not carried out.
///
/// # Errors
/// When standard output cannot be written to.
pub fn plan(
    format: CommandFormat,
    plan: &Plan,
    settings: &Settings,
    streams: &mut Streams,
    end: End,
) -> Result<()> {
    let out = &mut streams.out;
    let written = (|| {
        if format == CommandFormat::Json {
            return output::plan_json(plan, out);
        }
        output::plan_text(plan, &options(settings), out)?;
        for step in &plan.steps {
            if let (Progress::Failed, Some(outcome)) = (step.progress, &step.outcome) {
                let name = step.key.to_string();
                let (name, outcome) = (escape::line(&name), escape::line(outcome));
                writeln!(out, "not possible: {name}  {outcome}")?;
            }
        }
        match end {
            End::NothingToDo => writeln!(out, "there is nothing to {}", plan.action.as_str()),
            End::Accepted => writeln!(
                out,
                "the server accepts it (dry run); {}\nnothing was changed",
                target(plan)
            ),
            End::Refused => writeln!(out, "the server refuses it; nothing was changed"),
        }
    })();
    written.context("cannot write to standard output")
}

/// Shows a plan before a person is asked, next to the question.
///
/// # Errors
/// When standard error cannot be written to.
pub fn before_question(
    plan: &Plan,
    without_dry_run: bool,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<()> {
    let options = RenderOptions {
        colour: settings.message_color,
        ..options(settings)
    };
    output::plan_text(plan, &options, &mut streams.err)?;
    let asked = if without_dry_run {
        "the server was not asked (--skip-dry-run)"
    } else {
        "the server accepts it (dry run)"
    };
    writeln!(streams.err, "{asked}; {}", target(plan))?;
    Ok(())
}

/// Shows what became of a plan. Who was not asked has not seen it yet.
///
/// # Errors
/// When standard output cannot be written to.
pub fn outcome(
    format: CommandFormat,
    was_not_shown: bool,
    plan: &Plan,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<()> {
    let out = &mut streams.out;
    let options = options(settings);
    let written = match format {
        CommandFormat::Json => output::plan_json(plan, out),
        _ => {
            let shown = match was_not_shown {
                true => output::plan_text(plan, &options, out),
                false => Ok(()),
            };
            shown.and_then(|()| output::outcome_text(plan, &options, out))
        }
    };
    written.context("cannot write to standard output")
}

/// `context prod, https://10.0.0.1:6443, v1.36.2`
fn target(plan: &Plan) -> String {
    let target = &plan.target;
    let context = target.context.as_ref();
    let context = context.map(|context| format!("context {context}"));
    let parts = [context, target.server.clone(), target.version.clone()];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    escape::line(&parts.join(", ")).into_owned()
}
