//! Runs every plan that writes: the server checks it, then the user confirms it; then it is carried
//! out.

use anyhow::{Result, ensure};

use super::{confirm, say};
use crate::cli::args::WriteArgs;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams};
use crate::model::{Plan, StepProgress};

/// Carries out a plan.
pub trait PlanExecutor {
    /// Returns the plan with the progress of each step.
    fn plan(&mut self) -> &mut Plan;

    /// Asks the server, and marks the steps that it would refuse.
    ///
    /// # Errors
    /// Fails if its responses cannot be compared with the manifests.
    fn rehearse(&mut self) -> Result<()>;

    /// Carries out the plan, and marks the outcome of each step.
    ///
    /// # Errors
    /// Fails if it cannot continue.
    fn carry_out(&mut self) -> Result<()>;
}

/// The end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// There is nothing to do.
    NothingToDo,
    /// The server would accept it; nothing was changed.
    Accepted,
    /// The server would refuse it; nothing was changed.
    Refused,
    /// The user answered no.
    Declined,
    /// It was carried out, as far as the plan says.
    Done,
}

impl End {
    /// Returns the exit code; at least `short`, for what was left out before the plan was made.
    pub fn exit(self, plan: &Plan, short: Exit) -> Exit {
        match self {
            Self::NothingToDo => short,
            Self::Accepted => Exit::Drift.max(short),
            Self::Refused => Exit::Trouble,
            Self::Declined => Exit::Drift,
            Self::Done => {
                let unfinished = [StepProgress::Failed, StepProgress::Partly];
                match unfinished.iter().any(|it| plan.objects(*it) > 0) {
                    true => Exit::Trouble,
                    false => short,
                }
            }
        }
    }
}

/// Checks that driftctl can ask for confirmation, if it has to.
///
/// # Errors
/// Fails if it has to ask and no terminal is attached.
pub fn check(words: &WriteArgs, settings: &Settings) -> Result<()> {
    ensure!(
        words.dry_run || words.yes || settings.can_ask,
        "no terminal to ask for confirmation; use --yes to write without asking, or --dry-run to \
         show what would be done"
    );
    Ok(())
}

/// Runs the plan as far as possible.
///
/// # Errors
/// Fails like the methods of `hands`, or if the answer cannot be read.
pub fn run(
    hands: &mut dyn PlanExecutor,
    words: &WriteArgs,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<End> {
    if hands.plan().steps.is_empty() {
        return Ok(End::NothingToDo);
    }
    if !words.skip_dry_run {
        hands.rehearse()?;
    }
    let plan = hands.plan();
    let refused = plan.objects(StepProgress::Failed) > 0;
    let may_go_on = !refused || (words.keep_going && plan.objects(StepProgress::Planned) > 0);
    if !may_go_on {
        plan.skip_rest("nothing was sent, because another change was refused");
    }
    if words.dry_run || !may_go_on {
        return Ok(if refused { End::Refused } else { End::Accepted });
    }
    if !words.yes {
        say::before_question(plan, words.skip_dry_run, settings, streams)?;
        if !confirm::confirm_plan(plan, streams)? {
            return Ok(End::Declined);
        }
    }
    hands.carry_out()?;
    Ok(End::Done)
}
