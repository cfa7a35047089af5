//! The child's side: reads one request per line and answers each.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::watch::JqWatchdog;
use super::{JqProgram, ProgramError};
use crate::admission;

/// The line that the child prints when it is ready.
pub const READY: &str = "ready";

/// One request.
#[derive(Serialize, Deserialize)]
pub struct JqRequest {
    /// The expression, which is run as `del(EXPRESSION)`; or the policy.
    pub expression: String,
    /// Whether to evaluate an admission policy with its CEL expressions instead.
    #[serde(default)]
    pub is_policy: bool,
    /// The object; without one, the expression is only parsed.
    pub input: Option<Box<RawValue>>,
    /// The limit on CPU time, in milliseconds.
    pub allowed: u64,
}

/// One response.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Response {
    /// The resulting object.
    Output(Box<RawValue>),
    /// The expression can be parsed.
    Readable,
    /// It is not a jq expression.
    Syntax(String),
    /// It fails on this object.
    Failed(String),
}

/// Answers requests until there are no more.
///
/// # Errors
/// Fails if a stream breaks or contains something else: then the parent process is gone.
pub fn serve(requests: impl BufRead, mut responses: impl Write) -> io::Result<()> {
    let watch = JqWatchdog::begin();
    limit_memory();
    writeln!(responses, "{READY}")?;
    responses.flush()?;
    let mut programs = HashMap::new();
    for line in requests.lines() {
        let request: JqRequest = serde_json::from_str(&line?)?;
        let allowed = Duration::from_millis(request.allowed);
        let response = watch.over(allowed, || answer(&mut programs, &request))?;
        serde_json::to_writer(&mut responses, &response)?;
        responses.write_all(b"\n")?;
        responses.flush()?;
    }
    Ok(())
}

type Programs = HashMap<String, Result<JqProgram, ProgramError>>;

fn answer(programs: &mut Programs, request: &JqRequest) -> io::Result<Response> {
    if request.is_policy {
        let input = request.input.as_ref().map_or("null", |input| input.get());
        let output = admission::run(&request.expression, input);
        return Ok(Response::Output(RawValue::from_string(output)?));
    }
    // Parsing a program takes fifty times as long as running it.
    let program = programs
        .entry(request.expression.clone())
        .or_insert_with(|| JqProgram::deletion(&request.expression));
    let program = match program {
        Ok(program) => program,
        Err(error) => return Ok(Response::Syntax(error.to_string())),
    };
    let Some(input) = &request.input else {
        return Ok(Response::Readable);
    };
    Ok(match program.run(input.get()) {
        Ok(output) => Response::Output(RawValue::from_string(output)?),
        Err(error) => Response::Failed(error.to_string()),
    })
}

/// Limits the memory: an expression such as `[range(1e9)]` uses up the child's share and ends it.
fn limit_memory() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        const SHARE: u64 = 1 << 30;
        let limit = Rlimit {
            current: Some(SHARE),
            maximum: Some(SHARE),
        };
        // If the system does not allow it, the deadline still holds.
        let _ = setrlimit(Resource::Data, limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_one_line_per_request() {
        let requests = concat!(
            "{\"expression\":\".a\",\"allowed\":9,\"input\":{\"a\":1,\"b\":2}}\n",
            "{\"expression\":\".a\",\"allowed\":9,\"input\":[]}\n",
            "{\"expression\":\".a\",\"allowed\":9,\"input\":null}\n",
            "{\"expression\":\".a |\",\"allowed\":9}\n",
        );
        let programs = &mut Programs::new();
        let shown: Vec<String> = requests
            .lines()
            .map(|line| {
                let request = serde_json::from_str(line).unwrap();
                serde_json::to_string(&answer(programs, &request).unwrap()).unwrap()
            })
            .collect();
        assert_eq!(
            shown,
            [
                "{\"output\":{\"b\":2}}",
                "{\"failed\":\"it fails on this object\"}",
                "\"readable\"",
                "{\"syntax\":\"expected term before ')'\"}",
            ]
        );
        assert_eq!(programs.len(), 2);
    }
}
