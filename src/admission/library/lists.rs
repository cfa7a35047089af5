//! `lists` and `sets`: functions of lists.

use std::cmp::Ordering;

use cel::common::types::{CelInt, DYN_TYPE, LIST_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

use super::{
    Args, FunctionAnswer, Members, add_global, boolean, invalid, items, owned, unexpected,
};

/// Adds the functions to an environment.
///
/// # Errors
/// Fails if it already has one of them.
pub fn add(env: &mut Env) -> Result<(), DeclarationError> {
    let mut members = Members(env, &LIST_TYPE);
    members.add("isSorted", &[], is_sorted)?;
    members.add("sum", &[], sum)?;
    members.add("min", &[], min)?;
    members.add("max", &[], max)?;
    members.add("indexOf", &[&DYN_TYPE], index_of)?;
    members.add("lastIndexOf", &[&DYN_TYPE], last_index_of)?;
    add_global(env, "sets.contains", &[&LIST_TYPE, &LIST_TYPE], contains)?;
    add_global(
        env,
        "sets.equivalent",
        &[&LIST_TYPE, &LIST_TYPE],
        equivalent,
    )?;
    add_global(
        env,
        "sets.intersects",
        &[&LIST_TYPE, &LIST_TYPE],
        intersects,
    )
}

/// Compares two items of one list. Items of different types are not supported.
fn compare(one: &dyn Val, other: &dyn Val) -> Result<Ordering, ExecutionError> {
    if one.get_type() != other.get_type() {
        return Err(unexpected("list of one type"));
    }
    let comparer = one.as_comparer();
    comparer
        .ok_or_else(|| unexpected("list of items that compare"))?
        .compare(other)
}

fn is_sorted<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    let items = items(&args, 0)?;
    for pair in items.windows(2) {
        if let [one, other] = pair
            && compare(*one, *other)? == Ordering::Greater
        {
            return Ok(boolean(false));
        }
    }
    Ok(boolean(true))
}

fn sum<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    let items = items(&args, 0)?;
    let Some((first, rest)) = items.split_first() else {
        return owned(CelInt::from(0));
    };
    let mut total = first.clone_as_boxed();
    for item in rest {
        if item.get_type() != total.get_type() {
            return Err(unexpected("list of one type"));
        }
        let adder = total.as_adder().ok_or_else(|| unexpected("numbers"))?;
        let next = adder.add(*item)?.into_owned();
        total = next;
    }
    let is_number = ["int", "uint", "double", "google.protobuf.Duration"];
    match is_number.contains(&total.get_type().name()) {
        true => Ok(CowVal::Owned(total)),
        false => Err(unexpected("numbers")),
    }
}

fn extreme<'b, 'v>(args: &Args<'b, 'v>, name: &str, wanted: Ordering) -> FunctionAnswer<'b, 'v> {
    let items = items(args, 0)?;
    let (first, rest) = items
        .split_first()
        .ok_or_else(|| invalid(name, format!("{name} called on empty list")))?;
    let mut found = *first;
    for item in rest {
        if compare(*item, found)? == wanted {
            found = *item;
        }
    }
    Ok(CowVal::Owned(found.clone_as_boxed()))
}

fn min<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    extreme(&args, "min", Ordering::Less)
}

fn max<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    extreme(&args, "max", Ordering::Greater)
}

fn place<'b, 'v>(found: Option<usize>) -> FunctionAnswer<'b, 'v> {
    let place = found.and_then(|at| i64::try_from(at).ok());
    owned(CelInt::from(place.unwrap_or(-1)))
}

fn index_of<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    let wanted = args.get(1).ok_or_else(|| unexpected("item"))?;
    let items = items(&args, 0)?;
    place(items.iter().position(|item| item.equals(wanted.as_ref())))
}

fn last_index_of<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    let wanted = args.get(1).ok_or_else(|| unexpected("item"))?;
    let items = items(&args, 0)?;
    place(items.iter().rposition(|item| item.equals(wanted.as_ref())))
}

/// Returns whether the first list contains every item of the second.
fn has_all(all: &[&dyn Val], some: &[&dyn Val]) -> bool {
    some.iter()
        .all(|item| all.iter().any(|one| one.equals(*item)))
}

fn contains<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    Ok(boolean(has_all(&items(&args, 0)?, &items(&args, 1)?)))
}

fn equivalent<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    let (one, other) = (items(&args, 0)?, items(&args, 1)?);
    Ok(boolean(has_all(&one, &other) && has_all(&other, &one)))
}

fn intersects<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    let (one, other) = (items(&args, 0)?, items(&args, 1)?);
    let both = one
        .iter()
        .any(|item| other.iter().any(|two| two.equals(*item)));
    Ok(boolean(both))
}
