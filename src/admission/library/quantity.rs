//! `quantity(…)`: numbers with units.

use std::cmp::Ordering;

use cel::common::types::{CelDouble, CelInt, INT_TYPE, STRING_TYPE};
use cel::common::value::CowVal;
use cel::{DeclarationError, Env, ExecutionError};

use super::{
    Args, FunctionAnswer, Members, add_global, arg, boolean, int, invalid, opaque, owned, text,
    unexpected,
};
use crate::schema::Quantity;

opaque!(Amount(Quantity), QUANTITY = "kubernetes.Quantity");

/// Adds the functions to an environment.
///
/// # Errors
/// Fails if it already has one of them.
pub fn add(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_type(QUANTITY.to_owned())?;
    add_global(env, "quantity", &[&STRING_TYPE], of)?;
    add_global(env, "isQuantity", &[&STRING_TYPE], is)?;
    let mut members = Members(env, &QUANTITY);
    members.add("compareTo", &[&QUANTITY], compare_to)?;
    members.add("isLessThan", &[&QUANTITY], is_less)?;
    members.add("isGreaterThan", &[&QUANTITY], is_greater)?;
    members.add("sign", &[], sign)?;
    members.add("isInteger", &[], is_integer)?;
    members.add("asInteger", &[], as_integer)?;
    members.add("asApproximateFloat", &[], as_float)?;
    members.add("add", &[&QUANTITY], plus)?;
    members.add("add", &[&INT_TYPE], plus_int)?;
    members.add("sub", &[&QUANTITY], minus)?;
    members.add("sub", &[&INT_TYPE], minus_int)
}

fn amount<'a>(args: &'a [CowVal<'_, '_>], at: usize) -> Result<&'a Quantity, ExecutionError> {
    Ok(&arg::<Amount>(args, at)?.0)
}

fn of<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    let parsed = Quantity::parse_exact(text(&args, 0)?);
    owned(Amount(
        parsed.ok_or_else(|| invalid("quantity", "it is not a quantity"))?,
    ))
}

fn is<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    Ok(boolean(Quantity::parse_exact(text(&args, 0)?).is_some()))
}

fn ordering(args: &[CowVal<'_, '_>]) -> Result<Ordering, ExecutionError> {
    Ok(amount(args, 0)?.cmp(amount(args, 1)?))
}

fn compare_to<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    owned(CelInt::from(ordering(&args)? as i64))
}

fn is_less<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    Ok(boolean(ordering(&args)? == Ordering::Less))
}

fn is_greater<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    Ok(boolean(ordering(&args)? == Ordering::Greater))
}

fn sign<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    owned(CelInt::from(amount(&args, 0)?.sign()))
}

fn is_integer<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    Ok(boolean(amount(&args, 0)?.to_integer().is_some()))
}

fn as_integer<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    let whole = amount(&args, 0)?.to_integer();
    let whole = whole.ok_or_else(|| invalid("asInteger", "it is not a whole number"))?;
    owned(CelInt::from(whole))
}

fn as_float<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    owned(CelDouble::from(amount(&args, 0)?.to_float()))
}

fn sum<'b, 'v>(a: &Quantity, b: &Quantity) -> FunctionAnswer<'b, 'v> {
    // Adding numbers of such different sizes would need too many digits.
    let sum = a
        .plus(b)
        .ok_or_else(|| unexpected("quantity of a similar size"))?;
    owned(Amount(sum))
}

fn whole(args: &[CowVal<'_, '_>]) -> Result<Quantity, ExecutionError> {
    let text = int(args, 1)?.to_string();
    Quantity::parse(&text).ok_or_else(|| unexpected("int"))
}

fn plus<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    sum(amount(&args, 0)?, amount(&args, 1)?)
}

fn plus_int<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    sum(amount(&args, 0)?, &whole(&args)?)
}

fn minus<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    sum(amount(&args, 0)?, &amount(&args, 1)?.negated())
}

fn minus_int<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    sum(amount(&args, 0)?, &whole(&args)?.negated())
}
