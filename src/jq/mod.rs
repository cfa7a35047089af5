//! Runs the jq expressions of ignore rules, in a child process with a deadline.
//!
//! Expressions are those of Argo CD's `jqPathExpressions`: the text between the parentheses of
//! `del(…)`.

/// The argument that makes driftctl the child process.
pub const WORKER: &str = "jq-worker";

mod delete;
mod process;
mod program;
mod watch;
mod worker;

pub use process::{DEADLINE, Jq, JqError};
pub use program::{JqProgram, ProgramError};
pub use worker::serve;
