//! Writes plans, before they are carried out, and after.
//!
//! ```text
//! ~ Deployment shop/cart  deploy/cart.yaml:12   restarts 7 pods
//!     9 │ ~ .spec.replicas  5 → 3
//!       │   undoes kubectl-edit, last write 3h ago
//! ```

use std::io::{self, Write};

use super::sides::{ShownSides, sides};
use super::{Paint, StyledLine, TextPage};
use crate::model::{
    Action, Change, ChangeKind, Plan, PlanChange, PlanStep, RefusedItem, StepAction, StepProgress,
};
use crate::output::{RenderOptions, words};

/// Writes what a plan will do: every step, what is left alone, and notes.
///
/// # Errors
/// Only those of `out`.
pub fn plan(plan: &Plan, options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
    let page = &mut TextPage { options, out };
    for step in &plan.steps {
        render_step(page, plan.action, step)?;
    }
    left_alone(page, &plan.refused)?;
    for note in &plan.notes {
        page.wrapped(
            &StyledLine::of(Paint::Dim, "note: "),
            2,
            StyledLine::of(Paint::Plain, note),
        )?;
    }
    if !plan.notes.is_empty() {
        page.blank()?;
    }
    Ok(())
}

/// Writes the result of a plan: one line for each step, and the verdict.
///
/// # Errors
/// Only those of `out`.
pub fn outcome(plan: &Plan, options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
    let page = &mut TextPage { options, out };
    for step in &plan.steps {
        let (word, paint) = match step.progress {
            StepProgress::Planned => continue,
            StepProgress::Done => (done(plan.action, step.how), Paint::Good),
            StepProgress::Partly => ("partly done", Paint::Bad),
            StepProgress::Failed => ("not done", Paint::Bad),
            StepProgress::Skipped => ("skipped", Paint::Dim),
        };
        let mut line = StyledLine::of(Paint::Plain, "");
        line.push(Paint::Bold, &step.key.to_string())
            .push(Paint::Plain, "  ");
        let said = match &step.outcome {
            Some(outcome) => outcome.clone(),
            None => words::count(step.weight(), "change"),
        };
        line.push(Paint::Plain, &said);
        let mut first = StyledLine::of(paint, word);
        first.push(Paint::Plain, " ");
        page.wrapped(&first, 2, line)?;
        if step.progress == StepProgress::Done {
            for remark in step.remarks.iter().filter(|remark| is_after(remark)) {
                page.wrapped(
                    &StyledLine::of(Paint::Plain, "  "),
                    2,
                    StyledLine::of(Paint::Dim, remark),
                )?;
            }
        }
    }
    if let Some(undo) = &plan.undo {
        let text = format!("undo it with: driftctl revert --undo {undo}");
        page.line(&StyledLine::of(Paint::Plain, &text))?;
    }
    page.blank()?;
    verdict(page, plan)
}

/// Returns whether a note was added after writing, and so belongs to the result.
fn is_after(remark: &str) -> bool {
    remark.starts_with("note: ")
}

fn done(action: Action, how: StepAction) -> &'static str {
    match how {
        StepAction::Create => "created",
        StepAction::Delete => "deleted",
        StepAction::Edit => "backported",
        StepAction::Accept => "accepted",
        StepAction::Ignore => "ignored",
        StepAction::Patch => match action {
            Action::Undo => "undone",
            Action::Revert | Action::Backport | Action::Triage => "reverted",
        },
    }
}

fn verdict(page: &mut TextPage<'_>, plan: &Plan) -> io::Result<()> {
    let failed = plan.changes(StepProgress::Failed);
    let partly = plan.changes(StepProgress::Partly);
    let skipped = plan.changes(StepProgress::Skipped);
    let made = plan.changes(StepProgress::Done);
    let (word, paint) = if failed + partly > 0 {
        ("INCOMPLETE", Paint::Alarm)
    } else if made > 0 {
        match plan.action {
            Action::Revert => ("REVERTED", Paint::Good),
            Action::Undo => ("UNDONE", Paint::Good),
            Action::Backport => ("BACKPORTED", Paint::Good),
            Action::Triage => ("TRIAGED", Paint::Good),
        }
    } else {
        ("NOTHING DONE", Paint::Note)
    };
    let mut figures = vec![format!(
        "{} of {}",
        words::count(made, "change"),
        words::count(plan.objects(StepProgress::Done), "object")
    )];
    for (n, what) in [
        (partly, "partly done"),
        (failed, "not done"),
        (skipped, "skipped"),
        (plan.refused.len(), "left alone"),
    ] {
        if n > 0 {
            figures.push(format!("{n} {what}"));
        }
    }
    let mut line = StyledLine::of(paint, word);
    line.push(Paint::Plain, "  ")
        .push(Paint::Bold, &figures.join(", "));
    page.line(&line)
}

fn render_step(page: &mut TextPage<'_>, action: Action, step: &PlanStep) -> io::Result<()> {
    let (sign, paint) = match step.how {
        StepAction::Patch | StepAction::Edit => ("~", Paint::Drift),
        StepAction::Accept | StepAction::Ignore => ("=", Paint::Note),
        StepAction::Create => ("+", Paint::Good),
        StepAction::Delete => ("-", Paint::Bad),
    };
    let mut line = StyledLine::of(paint, sign);
    line.push(Paint::Plain, " ")
        .push(Paint::Bold, &step.key.to_string());
    if let Some(origin) = &step.origin {
        line.push(Paint::Plain, "  ")
            .push(Paint::Dim, &origin.to_string());
    }
    let remarks: Vec<&String> = step
        .remarks
        .iter()
        .filter(|remark| !is_after(remark))
        .collect();
    let mut remarks = remarks.into_iter().peekable();
    let width = |remark: &str| StyledLine::of(Paint::Note, remark).width();
    let fits = |remark: &&String| line.width() + 3 + width(remark) <= page.options.width;
    if let Some(first) = remarks.next_if(fits) {
        line.push(Paint::Plain, "   ").push(Paint::Note, first);
    }
    page.line(&line)?;
    match step.how {
        StepAction::Create => {
            page.line(&StyledLine::of(Paint::Plain, "  creates it as declared"))?
        }
        StepAction::Delete => page.line(&StyledLine::of(Paint::Plain, "  deletes it"))?,
        StepAction::Patch | StepAction::Edit | StepAction::Accept | StepAction::Ignore => {}
    }
    let lines = step.changes.iter().filter_map(|change| change.position);
    let digits = lines.map(|at| at.line.to_string().len()).max();
    let digits = digits.unwrap_or(0).max(4);
    for change in &step.changes {
        render_change(page, (action, step.how), change, digits)?;
    }
    let indent = StyledLine::of(Paint::Plain, "  ");
    for remark in remarks {
        page.wrapped(&indent, 2, StyledLine::of(Paint::Note, remark))?;
    }
    if let Some(by) = &step.written_as {
        let text = format!("written as {}, {}", by.manager, by.why);
        page.wrapped(&indent, 2, StyledLine::of(Paint::Dim, &text))?;
    }
    page.blank()
}

fn render_change(
    page: &mut TextPage<'_>,
    (action, how): (Action, StepAction),
    change: &PlanChange,
    digits: usize,
) -> io::Result<()> {
    let number = change.position.map(|at| at.line.to_string());
    let number = number.unwrap_or_default();
    let blanks = " ".repeat(digits.saturating_sub(number.len()));
    let empty = StyledLine::of(Paint::Dim, &format!("{} │ ", " ".repeat(digits)));
    let mut line = StyledLine::of(Paint::Dim, &format!("{blanks}{number} │ "));
    let (sign, paint) = match change.kind {
        ChangeKind::Modified => ("~ ", Paint::Drift),
        ChangeKind::Added => ("+ ", Paint::Good),
        ChangeKind::Removed => ("- ", Paint::Bad),
    };
    line.push(paint, sign)
        .push(Paint::Path, &change.path.to_string());
    let shown = Change {
        path: change.path.clone(),
        kind: change.kind,
        declared: change.from.clone(),
        live: change.to.clone(),
        at: Vec::new(),
    };
    match sides(&shown, page.options) {
        ShownSides::Short(value) if line.width() + 2 + value.width() <= page.options.width => {
            line.push(Paint::Plain, "  ").append(value);
            page.line(&line)?;
        }
        ShownSides::Short(value) => {
            page.line(&line)?;
            let mut below = empty.clone();
            below.push(Paint::Plain, "    ").append(value);
            page.line(&below)?;
        }
        ShownSides::Long(lines) => {
            page.line(&line)?;
            for part in lines {
                let mut below = empty.clone();
                below.push(Paint::Plain, "    ").append(part);
                page.line(&below)?;
            }
        }
    }
    let verb = match (action, how) {
        (Action::Undo, _) => "undoes ",
        (_, StepAction::Edit | StepAction::Accept | StepAction::Ignore) => "made by ",
        _ => "undoes ",
    };
    if let Some(owners) = words::owners(&change.owners, page.options.now) {
        let mut first = empty;
        first.push(Paint::Plain, "  ");
        let text = StyledLine::of(Paint::Dim, &format!("{verb}{owners}"));
        page.wrapped(&first, first.width(), text)?;
    }
    Ok(())
}

fn left_alone(page: &mut TextPage<'_>, refused: &[RefusedItem]) -> io::Result<()> {
    if refused.is_empty() {
        return Ok(());
    }
    page.line(&StyledLine::of(Paint::Bold, "left alone"))?;
    for refused in refused {
        let mut line = StyledLine::of(Paint::Plain, &refused.key.to_string());
        if !refused.path.0.is_empty() {
            line.push(Paint::Plain, " ")
                .push(Paint::Path, &refused.path.to_string());
        }
        line.push(Paint::Plain, "  ")
            .push(Paint::Dim, &refused.message);
        page.wrapped(&StyledLine::of(Paint::Plain, "  "), 4, line)?;
    }
    page.blank()
}
