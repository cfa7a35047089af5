//! Asks before anything is written.

use std::io::Write as _;

use anyhow::Result;

use crate::cli::Streams;
use crate::model::{Action, Plan, StepProgress};
use crate::output::{self, escape};

/// Asks whether to carry out the plan: all of it, step by step, or not at all. Marks declined
/// steps. Returns whether anything is left to do.
///
/// # Errors
/// Fails if the answer cannot be read.
pub fn confirm_plan(plan: &mut Plan, streams: &mut Streams) -> Result<bool> {
    let changes = output::count(plan.changes(StepProgress::Planned), "change");
    let objects = output::count(plan.objects(StepProgress::Planned), "object");
    let question = match plan.action {
        Action::Undo => format!("Undo {changes} of {objects}? [y]es, [e]ach, [N]o: "),
        // The user has already decided on each change.
        Action::Triage => {
            let decisions = output::count(plan.changes(StepProgress::Planned), "decision");
            format!("Carry out {decisions}? [y]es, [N]o: ")
        }
        Action::Revert | Action::Backport => {
            format!("Revert {changes} of {objects}? [y]es, [e]ach, [N]o: ")
        }
    };
    match answer(streams, &question)?.as_str() {
        "y" | "yes" => Ok(true),
        "e" | "each" if plan.action != Action::Triage => confirm_steps(plan, streams),
        _ => {
            writeln!(streams.err, "nothing was changed")?;
            Ok(false)
        }
    }
}

fn confirm_steps(plan: &mut Plan, streams: &mut Streams) -> Result<bool> {
    let mut any = false;
    let mut quit = false;
    for step in &mut plan.steps {
        if step.progress != StepProgress::Planned {
            continue;
        }
        if !quit {
            let name = step.key.to_string();
            let what = output::count(step.weight(), "change");
            let question = format!("{}: {what}? [y]es, [N]o, [q]uit: ", escape::line(&name));
            match answer(streams, &question)?.as_str() {
                "y" | "yes" => {
                    any = true;
                    continue;
                }
                "q" | "quit" => quit = true,
                _ => {}
            }
        }
        step.progress = StepProgress::Skipped;
        step.outcome = Some("you answered no".to_owned());
    }
    if !any {
        writeln!(streams.err, "nothing was changed")?;
    }
    Ok(any)
}

/// Reads one answer. The end of input means no.
fn answer(streams: &mut Streams, question: &str) -> Result<String> {
    streams.out.flush()?;
    write!(streams.err, "{question}")?;
    streams.err.flush()?;
    let mut line = String::new();
    if streams.answers.read_line(&mut line)? == 0 {
        writeln!(streams.err)?;
    }
    Ok(line.trim().to_ascii_lowercase())
}
