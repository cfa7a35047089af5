//! Runs the jq expressions of ignore rules, in a child process with a deadline.
//!
//! Expressions are what Argo CD's `jqPathExpressions` are: the text that goes between the
//! parentheses of `del(…)`.

/// The word that makes driftctl the child.
pub const WORKER: &str = "jq-worker";

mod delete;
mod process;
mod program;
mod watch;
mod worker;

pub use process::{DEADLINE, Jq, JqError};
pub use program::{Program, ProgramError};
pub use worker::serve;
