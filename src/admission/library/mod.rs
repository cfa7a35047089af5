//! The functions that Kubernetes adds to CEL (`k8s.io/apiserver/pkg/cel/library`).
//!
//! A function that is missing here cannot be evaluated, which is never a pass.

mod format;
mod lists;
mod net;
mod pairs;
mod quantity;
mod regex;
mod semver;
mod time;
mod url;

#[cfg(test)]
mod tests;

use cel::common::functions::Function;
use cel::common::traits::Iterable;
use cel::common::types::{CelBool, CelInt, CelList, CelString, Type};
use cel::common::value::{CowVal, FromVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

/// Marks errors that the server reports too: `failurePolicy` decides on them.
const OWN: &str = "kubernetes:";

/// Functions of the `cel` crate that reject the same arguments as the server.
const SAME: [&str; 6] = ["value", "charAt", "substring", "int", "uint", "double"];

/// Adds the functions to an environment.
///
/// # Errors
/// Fails if it already has one of them.
pub fn add(env: &mut Env) -> Result<(), DeclarationError> {
    format::add(env)?;
    lists::add(env)?;
    net::add(env)?;
    pairs::add(env)?;
    quantity::add(env)?;
    regex::add(env)?;
    semver::add(env)?;
    time::add(env)?;
    url::add(env)
}

/// Describes what is wrong with the arguments of such a function; `None` if another function
/// failed.
pub fn failure(function: &str, message: &str) -> Option<String> {
    let is_same = SAME.contains(&function);
    let function = function.strip_prefix(OWN).or(is_same.then_some(function))?;
    Some(format!("{function}: {message}"))
}

/// Arguments and result of a function.
type Args<'b, 'v> = Vec<CowVal<'b, 'v>>;
type FunctionAnswer<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

/// A function of one type of values, called as `value.name(…)`.
struct Members<'e>(&'e mut Env, &'static Type);

impl Members<'_> {
    fn add(
        &mut self,
        name: &str,
        args: &[&'static Type],
        op: Function,
    ) -> Result<(), DeclarationError> {
        let id = id(name, self.1, args);
        self.0
            .add_member_overload(name, &id, self.1.to_owned(), owned_types(args), op)
    }
}

/// Adds a function that is called as `name(…)`.
fn add_global(
    env: &mut Env,
    name: &str,
    args: &[&'static Type],
    op: Function,
) -> Result<(), DeclarationError> {
    let id = id(name, &cel::common::types::DYN_TYPE, args);
    env.add_overload(name, &id, owned_types(args), op)
}

fn id(name: &str, on: &Type, args: &[&'static Type]) -> String {
    let args: Vec<&str> = args.iter().map(|one| one.name()).collect();
    format!("{}.{name}({})", on.name(), args.join(","))
}

fn owned_types(types: &[&'static Type]) -> Vec<Type> {
    types.iter().map(|&one| one.to_owned()).collect()
}

/// Wraps one of our types as a CEL type, with equality and nothing else.
macro_rules! opaque {
    ($(#[$doc:meta])* $name:ident($inner:ty), $cel:ident = $text:literal $(, $more:item)*) => {
        static $cel: cel::common::types::Type =
            cel::common::types::Type::new_unspecified_type($text);

        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        struct $name($inner);

        impl cel::common::value::Val for $name {
            fn get_type(&self) -> &cel::common::types::Type {
                &$cel
            }

            fn cel_type() -> &'static cel::common::types::Type {
                &$cel
            }

            fn equals(&self, other: &dyn cel::common::value::Val) -> bool {
                other.downcast_ref::<Self>().is_some_and(|other| other == self)
            }

            fn clone_as_boxed<'v>(&self) -> Box<dyn cel::common::value::Val + 'v> {
                Box::new(self.clone())
            }

            fn as_any(&self) -> Option<&dyn std::any::Any> {
                Some(self)
            }

            $($more)*
        }

        impl cel::common::value::StaticVal for $name {}
    };
}
use opaque;

/// Returns the error for arguments that the server rejects too.
fn invalid(function: &str, message: impl ToString) -> ExecutionError {
    ExecutionError::function_error(&format!("{OWN}{function}"), message)
}

/// Returns an argument, which must have the type of its overload.
fn arg<'b, 'v, T: FromVal<'b, 'v> + Val>(
    args: &'b [CowVal<'_, 'v>],
    at: usize,
) -> Result<&'b T, ExecutionError> {
    let value = args.get(at).and_then(|arg| arg.downcast_ref::<T>());
    value.ok_or_else(|| unexpected(T::cel_type().name()))
}

fn text<'a>(args: &'a [CowVal<'_, '_>], at: usize) -> Result<&'a str, ExecutionError> {
    Ok(arg::<CelString<'_>>(args, at)?.inner())
}

fn int(args: &[CowVal<'_, '_>], at: usize) -> Result<i64, ExecutionError> {
    Ok(*arg::<CelInt>(args, at)?.inner())
}

/// Returns the items of a list, or the keys of a map.
fn items<'b, 'v>(
    args: &'b [CowVal<'_, 'v>],
    at: usize,
) -> Result<Vec<&'b (dyn Val + 'v)>, ExecutionError> {
    let list: Option<&'b (dyn Iterable + 'v)> = args.get(at).and_then(|arg| arg.as_iterable());
    let mut list = list.ok_or_else(|| unexpected("list"))?.iter();
    let mut items = Vec::new();
    while let Some(item) = list.next() {
        items.push(item);
    }
    Ok(items)
}

/// Returns the error for arguments that are not supported here.
fn unexpected(want: &str) -> ExecutionError {
    ExecutionError::UnexpectedType {
        got: "another type".to_owned(),
        want: want.to_owned(),
    }
}

fn boolean<'b, 'v>(value: bool) -> CowVal<'b, 'v> {
    CowVal::owned(CelBool::from(value))
}

fn owned<'b, 'v, V: Val + 'v>(value: V) -> FunctionAnswer<'b, 'v> {
    Ok(CowVal::owned(value))
}

fn string<'b, 'v>(text: impl Into<String>) -> FunctionAnswer<'b, 'v> {
    owned(CelString::from(text.into()))
}

fn list_of_strings<'v>(texts: impl IntoIterator<Item = String>) -> CelList<'v> {
    let items = texts
        .into_iter()
        .map(|text| Box::new(CelString::from(text)) as Box<dyn Val + 'v>);
    CelList::from(items.collect::<Vec<_>>())
}
