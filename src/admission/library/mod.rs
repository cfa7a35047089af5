//! The functions that Kubernetes adds to CEL (`k8s.io/apiserver/pkg/cel/library`).
//!
//! A function that is missing here cannot be evaluated, which is never a pass.

mod quantity;

use cel::common::types::{CelBool, CelInt, CelString};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

/// Marks errors that also occur in the server: `failurePolicy` decides on them.
const OWN: &str = "kubernetes:";

/// Adds the functions to an environment.
///
/// # Errors
/// Fails if it already has one of them.
pub fn add(env: &mut Env) -> Result<(), DeclarationError> {
    quantity::add(env)
}

/// Describes what is wrong with the arguments of such a function; `None` if another function
/// failed.
pub fn failure(function: &str, message: &str) -> Option<String> {
    let function = function.strip_prefix(OWN)?;
    Some(format!("{function}: {message}"))
}

fn invalid(function: &str, message: impl ToString) -> ExecutionError {
    ExecutionError::function_error(&format!("{OWN}{function}"), message)
}

/// Returns an argument of the type that its overload requires.
fn text<'a>(args: &'a [CowVal<'_, '_>], at: usize) -> Result<&'a str, ExecutionError> {
    let value = args
        .get(at)
        .and_then(|arg| arg.downcast_ref::<CelString<'_>>());
    value
        .map(|text| text.inner())
        .ok_or_else(|| unexpected("string"))
}

fn int(args: &[CowVal<'_, '_>], at: usize) -> Result<i64, ExecutionError> {
    let value = args.get(at).and_then(|arg| arg.downcast_ref::<CelInt>());
    value
        .map(|int| *int.inner())
        .ok_or_else(|| unexpected("int"))
}

fn unexpected(want: &str) -> ExecutionError {
    ExecutionError::UnexpectedType {
        got: "another type".to_owned(),
        want: want.to_owned(),
    }
}

fn boolean<'b, 'v>(value: bool) -> CowVal<'b, 'v> {
    CowVal::owned(CelBool::from(value))
}

fn owned<'b, 'v, V: Val + 'v>(value: V) -> Result<CowVal<'b, 'v>, ExecutionError> {
    Ok(CowVal::owned(value))
}
