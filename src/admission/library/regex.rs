//! `find` and `findAll`: matches of a regular expression in a text.

use cel::common::types::{INT_TYPE, STRING_TYPE};
use cel::common::value::CowVal;
use cel::{DeclarationError, Env, ExecutionError};
use regex::Regex;

use super::{Args, FunctionAnswer, Members, int, list_of_strings, owned, string, text, unexpected};

/// Adds the functions to an environment.
///
/// # Errors
/// Fails if it already has one of them.
pub fn add(env: &mut Env) -> Result<(), DeclarationError> {
    let mut members = Members(env, &STRING_TYPE);
    members.add("find", &[&STRING_TYPE], find)?;
    members.add("findAll", &[&STRING_TYPE], find_all)?;
    members.add("findAll", &[&STRING_TYPE, &INT_TYPE], find_most)
}

/// Parses the expression of a call. Go may accept an expression that is rejected here.
fn expression(args: &[CowVal<'_, '_>]) -> Result<Regex, ExecutionError> {
    // Beyond ASCII, `\d` and similar classes differ from Go's.
    let is_same = text(args, 0)?.is_ascii() || !text(args, 1)?.contains('\\');
    let expression = Regex::new(text(args, 1)?).ok().filter(|_| is_same);
    expression.ok_or_else(|| unexpected("regular expression"))
}

fn find<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    let found = expression(&args)?;
    let found = found.find(text(&args, 0)?);
    string(found.map_or("", |found| found.as_str()))
}

fn found(args: &Args<'_, '_>, most: usize) -> Result<Vec<String>, ExecutionError> {
    let expression = expression(args)?;
    let found = expression.find_iter(text(args, 0)?).take(most);
    Ok(found.map(|found| found.as_str().to_owned()).collect())
}

fn find_all<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    owned(list_of_strings(found(&args, usize::MAX)?))
}

fn find_most<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    // A negative number means no limit.
    let most = usize::try_from(int(&args, 2)?).unwrap_or(usize::MAX);
    owned(list_of_strings(found(&args, most)?))
}
