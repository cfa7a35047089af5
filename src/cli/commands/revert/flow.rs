//! Runs every plan that writes: the server checks it, then the user confirms it; then it is carried
//! out.

use anyhow::{Result, ensure};

use super::end::End;
use super::{confirm, say};
use crate::cli::Streams;
use crate::cli::args::WriteArgs;
use crate::cli::settings::Settings;
use crate::model::{Plan, StepProgress};
use crate::signals::if_interrupted;

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
    if_interrupted("nothing was changed");
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
