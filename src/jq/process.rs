//! The parent's side: a child process that can be killed at a deadline.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use serde_json::value::RawValue;

use super::WORKER;
use super::watch::TIMED_OUT;
use super::worker::{JqRequest, READY, Response};
use crate::policy::{DeleteByJq, JqFailure};

/// How long an expression may run on one object by default: twice Argo CD's limit of 1 s of
/// wall-clock time.
pub const DEADLINE: Duration = Duration::from_secs(2);

/// How long the child may take to start, which does not depend on the expression.
const START: Duration = Duration::from_secs(60);

/// The child ends itself after too much CPU time. On a busy machine that takes longer in wall-clock
/// time, but at most this many times as long.
const PATIENCE: u32 = 5;

/// How long to wait for all expressions that do not finish, together: a file with a thousand of
/// them would otherwise take half an hour. A longer limit of a single expression still applies.
const ALL_TOGETHER: Duration = Duration::from_secs(6);

/// How long all expressions of a run may take together, including those that finish: each may take
/// long on each of ten thousand objects.
const WHOLE_RUN: Duration = Duration::from_secs(60);

/// Why an expression has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JqError {
    /// The text is not a jq expression.
    #[error("not a jq expression: {0}")]
    Syntax(String),
    /// The expression fails on this object.
    #[error("{0}")]
    Failed(String),
    /// The expression took too long, on this object or an earlier one.
    #[error("it did not end within {0:?}")]
    Deadline(Duration),
    /// Earlier expressions took so long that no more are run.
    #[error("it was not run: other expressions took {0:?} without finishing")]
    Together(Duration),
    /// All expressions of the run together took so long that no more are run.
    #[error("it was not run: all jq expressions of this run may take {0:?} together")]
    Spent(Duration),
    /// The expression used up its memory or stack, on this object or an earlier one.
    #[error("it exceeded its memory limit")]
    Exhausted,
    /// No expression can be run.
    #[error("cannot run jq expressions: {0}")]
    Unavailable(String),
}

/// Runs jq expressions in a child process.
///
/// The engine has no limits of its own: `def f: f; f` never ends, and deep recursion crashes the
/// process. So it runs in another process, which can be killed.
pub struct Jq {
    executable: PathBuf,
    deadline: Duration,
    state: Mutex<ProcessState>,
}

struct ProcessState {
    /// How long all expressions may take.
    whole_run: Duration,
    child: Option<RunningJq>,
    /// Expressions that killed a child are not tried again: on ten thousand objects they would take
    /// hours.
    given_up: BTreeMap<String, JqError>,
    /// How long the run has waited for them.
    lost: Duration,
    /// How long all expressions took, including those that finished.
    spent: Duration,
}

impl Jq {
    /// Returns an engine whose child is `executable jq-worker`; it starts with the first
    /// expression.
    pub fn new(executable: PathBuf) -> Self {
        Self {
            executable,
            deadline: DEADLINE,
            state: Mutex::new(ProcessState {
                whole_run: WHOLE_RUN,
                child: None,
                given_up: BTreeMap::new(),
                lost: Duration::ZERO,
                spent: Duration::ZERO,
            }),
        }
    }

    /// Sets the time limit for one expression on one object.
    pub fn set_deadline(&mut self, deadline: Duration) {
        self.deadline = deadline;
    }

    /// Lowers the time limit for all expressions together.
    pub fn limit_whole_run(&self, whole_run: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.whole_run = state.whole_run.min(whole_run);
    }

    /// Checks whether the text can be put into `del(…)`.
    ///
    /// # Errors
    /// Fails if the text is not a jq expression.
    pub fn check(&self, expression: &str) -> Result<(), JqError> {
        self.ask(expression, None, false).map(|_| ())
    }

    /// Returns the object after `del(EXPRESSION)`.
    ///
    /// # Errors
    /// Fails if it has no result; then the object is used unchanged.
    pub fn delete(&self, expression: &str, object: &Value) -> Result<Value, JqError> {
        let broken = |_| JqError::Failed("its result is not JSON".to_owned());
        let input = serde_json::value::to_raw_value(object).map_err(broken)?;
        let output = self.ask(expression, Some(input), false)?;
        let output = output.as_deref().map_or("null", RawValue::get);
        serde_json::from_str(output).map_err(broken)
    }

    /// Returns the result of [`admission::run`](crate::admission::run) for a policy and its input.
    ///
    /// # Errors
    /// Fails if it does not finish in time, or uses too much memory.
    pub fn evaluate(&self, policy: &str, input: &Value) -> Result<Value, JqError> {
        let broken = |_| JqError::Failed("its result is not JSON".to_owned());
        let input = serde_json::value::to_raw_value(input).map_err(broken)?;
        let output = self.ask(policy, Some(input), true)?;
        let output = output.as_deref().map_or("null", RawValue::get);
        serde_json::from_str(output).map_err(broken)
    }

    fn ask(
        &self,
        expression: &str,
        input: Option<Box<RawValue>>,
        is_policy: bool,
    ) -> Result<Option<Box<RawValue>>, JqError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = state.given_up.get(expression) {
            return Err(error.clone());
        }
        if state.lost >= ALL_TOGETHER.max(self.deadline) {
            return Err(JqError::Together(state.lost));
        }
        if state.spent >= state.whole_run {
            return Err(JqError::Spent(state.whole_run));
        }
        let left = state.whole_run - state.spent;
        let deadline = self.deadline.min(left);
        let begun = Instant::now();
        let request = JqRequest {
            expression: expression.to_owned(),
            is_policy,
            input,
            allowed: deadline.as_millis().try_into().unwrap_or(u64::MAX),
        };
        if state.child.is_none() {
            let child = RunningJq::start(&self.executable)
                .map_err(|error| JqError::Unavailable(error.to_string()))?;
            state.child = Some(child);
        }
        let asked = state
            .child
            .as_mut()
            .map(|child| child.ask(&request, deadline, left));
        state.spent += begun.elapsed();
        match asked {
            Some(Ok(Response::Output(output))) => Ok(Some(output)),
            Some(Ok(Response::Readable)) | None => Ok(None),
            Some(Ok(Response::Syntax(message))) => Err(JqError::Syntax(message)),
            Some(Ok(Response::Failed(message))) => Err(JqError::Failed(message)),
            // The deadline of the whole run ended it, not its own.
            Some(Err(JqError::Deadline(_)))
                if deadline < self.deadline || state.spent >= state.whole_run =>
            {
                state.child = None;
                state.spent = state.whole_run;
                Err(JqError::Spent(state.whole_run))
            }
            Some(Err(error)) => {
                state.child = None;
                // On a busy machine it may take longer in wall-clock time.
                state.lost += begun.elapsed().min(deadline);
                let given_up = &mut state.given_up;
                given_up.insert(expression.to_owned(), error.clone());
                Err(error)
            }
        }
    }
}

/// The functions of the engine that rules need.
impl DeleteByJq for Jq {
    fn delete(&self, expression: &str, object: &Value) -> Result<Value, JqFailure> {
        self.delete(expression, object)
            .map_err(|error| match error {
                // Argo CD, too, ignores an expression that fails on an object.
                JqError::Failed(_) => JqFailure::Unfit,
                broken => JqFailure::Broken(broken.to_string()),
            })
    }

    fn evaluate(&self, policy: &str, input: &Value) -> Result<Value, JqFailure> {
        self.evaluate(policy, input)
            .map_err(|error| JqFailure::Broken(error.to_string()))
    }
}

struct RunningJq {
    child: Child,
    requests: ChildStdin,
    lines: Receiver<String>,
}

impl RunningJq {
    fn start(executable: &PathBuf) -> io::Result<Self> {
        let mut child = Command::new(executable)
            .arg(WORKER)
            .env_clear()
            // The allocator reserves a gigabyte at once by default, all of the child's share of
            // memory: what it needs besides would fail.
            .env("MIMALLOC_ARENA_RESERVE", "64M")
            .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (Some(requests), Some(responses)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the child process has no streams"));
        };
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let mut lines = BufReader::new(responses).lines();
            while let Some(Ok(line)) = lines.next() {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let running = Self {
            child,
            requests,
            lines,
        };
        match running.lines.recv_timeout(START) {
            Ok(line) if line == READY => Ok(running),
            _ => Err(io::Error::other("the child process cannot be started")),
        }
    }

    /// Asks the child. `left` is what is left of the time of the whole run, on any machine.
    fn ask(
        &mut self,
        request: &JqRequest,
        deadline: Duration,
        left: Duration,
    ) -> Result<Response, JqError> {
        let exhausted = |_| JqError::Exhausted;
        let by_the_clock = deadline.saturating_mul(PATIENCE).min(left);
        let mut line = serde_json::to_vec(request).map_err(|_| JqError::Exhausted)?;
        line.push(b'\n');
        self.requests.write_all(&line).map_err(exhausted)?;
        self.requests.flush().map_err(exhausted)?;
        match self.lines.recv_timeout(by_the_clock) {
            Ok(line) => serde_json::from_str(&line).map_err(|_| JqError::Exhausted),
            Err(RecvTimeoutError::Timeout) => Err(JqError::Deadline(deadline)),
            Err(RecvTimeoutError::Disconnected) => Err(match self.child.wait() {
                Ok(status) if status.code() == Some(TIMED_OUT) => JqError::Deadline(deadline),
                _ => JqError::Exhausted,
            }),
        }
    }
}

/// Kills the child, whatever it is doing, and leaves no zombie.
impl Drop for RunningJq {
    fn drop(&mut self) {
        // It may have ended on its own.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
