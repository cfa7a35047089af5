//! How a run ends, and its exit code.

use crate::cli::Exit;
use crate::model::{Plan, StepProgress};

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
