//! Writes the results of decisions, one per line.
//!
//! ```text
//! todo:9   reverted    Deployment shop/cart .spec.replicas
//! todo:12  skipped     Service shop/cart .spec.ports  changed since: 80 to 82
//! ```

use std::io::{self, Write};

use super::{Paint, StyledLine, TextPage};
use crate::model::{Plan, StepProgress};
use crate::output::{RenderOptions, words};

/// The result of one decision.
#[derive(Debug, Clone)]
pub struct DecisionResult {
    /// Where the decision is written: `todo:9`
    pub place: String,
    /// The result: `reverted`, `skipped`
    pub word: &'static str,
    /// The progress; [`StepProgress::Planned`] if there was nothing left to do.
    pub progress: StepProgress,
    /// The object.
    pub object: String,
    /// The field; `.` for the whole object.
    pub path: String,
    /// A note.
    pub said: Option<String>,
}

/// Writes the result of each decision, how to undo it, and the verdict.
///
/// # Errors
/// Only those of `out`.
pub fn decided(
    decided: &[DecisionResult],
    kept: usize,
    plan: &Plan,
    options: &RenderOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let page = &mut TextPage { options, out };
    let widest = |width: fn(&DecisionResult) -> usize| decided.iter().map(width).max().unwrap_or(0);
    let place = widest(|one| StyledLine::of(Paint::Dim, &one.place).width());
    let word = widest(|one| one.word.len());
    for one in decided {
        let paint = match one.progress {
            StepProgress::Done => Paint::Good,
            StepProgress::Partly | StepProgress::Failed => Paint::Bad,
            StepProgress::Planned => Paint::Note,
            StepProgress::Skipped => Paint::Drift,
        };
        let mut first = StyledLine::of(Paint::Dim, &one.place);
        first.pad_to(place + 2).push(paint, one.word);
        first.pad_to(place + 2 + word + 2);
        let mut line = StyledLine::of(Paint::Bold, &one.object);
        if one.path != "." {
            line.push(Paint::Plain, " ").push(Paint::Path, &one.path);
        }
        if let Some(said) = &one.said {
            line.push(Paint::Plain, "  ").push(Paint::Plain, said);
        }
        page.wrapped(&first, place + 4, line)?;
    }
    if let Some(undo) = &plan.undo {
        let text = format!("undo the reverts with: driftctl revert --undo {undo}");
        page.line(&StyledLine::of(Paint::Plain, &text))?;
    }
    if !decided.is_empty() {
        page.blank()?;
    }
    let of = |progress: StepProgress| {
        decided
            .iter()
            .filter(|one| one.progress == progress)
            .count()
    };
    let (done, skipped) = (of(StepProgress::Done), of(StepProgress::Skipped));
    let not_done = of(StepProgress::Failed) + of(StepProgress::Partly);
    let over = of(StepProgress::Planned);
    let (verdict, paint) = match (not_done + skipped, done) {
        (0, 0) => ("NOTHING DONE", Paint::Note),
        (0, _) => ("TRIAGED", Paint::Good),
        _ => ("INCOMPLETE", Paint::Alarm),
    };
    let all = words::count(decided.len(), "decision");
    let mut said = format!("{done} of {all} carried out");
    let figures = [
        (over, "no longer drifted"),
        (skipped, "skipped"),
        (not_done, "not done"),
        (kept, "kept"),
    ];
    for (n, what) in figures {
        if n > 0 {
            said.push_str(&format!(", {n} {what}"));
        }
    }
    let mut line = StyledLine::of(paint, verdict);
    line.push(Paint::Plain, "  ").push(Paint::Bold, &said);
    page.line(&line)
}
