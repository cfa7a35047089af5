//! `quantity(…)`: numbers with units.

use std::any::Any;
use std::cmp::Ordering;

use cel::common::types::{CelDouble, CelInt, INT_TYPE, STRING_TYPE, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

use super::{boolean, int, invalid, owned, text, unexpected};
use crate::schema::Quantity;

static QUANTITY: Type = Type::new_unspecified_type("kubernetes.Quantity");

#[derive(Debug, Clone)]
struct Amount(Quantity);

impl Val for Amount {
    fn get_type(&self) -> &Type {
        &QUANTITY
    }

    fn cel_type() -> &'static Type {
        &QUANTITY
    }

    fn equals(&self, other: &dyn Val) -> bool {
        let other = other.downcast_ref::<Self>();
        other.is_some_and(|other| other.0 == self.0)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Amount {}

type Args<'b, 'v> = Vec<CowVal<'b, 'v>>;
type Answer<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

/// Adds the functions to an environment.
///
/// # Errors
/// Fails if it already has one of them.
pub fn add(env: &mut Env) -> Result<(), DeclarationError> {
    let both = || vec![QUANTITY.to_owned()];
    env.add_overload("quantity", "string_to_quantity", vec![STRING_TYPE], of)?;
    env.add_overload("isQuantity", "is_quantity_string", vec![STRING_TYPE], is)?;
    let this = || QUANTITY.to_owned();
    env.add_member_overload(
        "compareTo",
        "quantity_compare_to",
        this(),
        both(),
        compare_to,
    )?;
    env.add_member_overload(
        "isLessThan",
        "quantity_is_less_than",
        this(),
        both(),
        is_less,
    )?;
    env.add_member_overload(
        "isGreaterThan",
        "quantity_is_greater_than",
        this(),
        both(),
        is_greater,
    )?;
    env.add_member_overload("sign", "quantity_sign", this(), vec![], sign)?;
    env.add_member_overload(
        "isInteger",
        "quantity_is_integer",
        this(),
        vec![],
        is_integer,
    )?;
    env.add_member_overload("asInteger", "quantity_get_int", this(), vec![], as_integer)?;
    env.add_member_overload(
        "asApproximateFloat",
        "quantity_get_float",
        this(),
        vec![],
        as_float,
    )?;
    env.add_member_overload("add", "quantity_add", this(), both(), plus)?;
    env.add_member_overload("add", "quantity_add_int", this(), vec![INT_TYPE], plus_int)?;
    env.add_member_overload("sub", "quantity_sub", this(), both(), minus)?;
    env.add_member_overload("sub", "quantity_sub_int", this(), vec![INT_TYPE], minus_int)
}

fn amount<'a>(args: &'a [CowVal<'_, '_>], at: usize) -> Result<&'a Quantity, ExecutionError> {
    let value = args.get(at).and_then(|arg| arg.downcast_ref::<Amount>());
    value
        .map(|amount| &amount.0)
        .ok_or_else(|| unexpected("quantity"))
}

fn of<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    let parsed = Quantity::parse_exact(text(&args, 0)?);
    owned(Amount(
        parsed.ok_or_else(|| invalid("quantity", "it is not a quantity"))?,
    ))
}

fn is<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    Ok(boolean(Quantity::parse_exact(text(&args, 0)?).is_some()))
}

fn ordering(args: &[CowVal<'_, '_>]) -> Result<Ordering, ExecutionError> {
    Ok(amount(args, 0)?.cmp(amount(args, 1)?))
}

fn compare_to<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    owned(CelInt::from(ordering(&args)? as i64))
}

fn is_less<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    Ok(boolean(ordering(&args)? == Ordering::Less))
}

fn is_greater<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    Ok(boolean(ordering(&args)? == Ordering::Greater))
}

fn sign<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    owned(CelInt::from(amount(&args, 0)?.sign()))
}

fn is_integer<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    Ok(boolean(amount(&args, 0)?.to_integer().is_some()))
}

fn as_integer<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    let whole = amount(&args, 0)?.to_integer();
    let whole = whole.ok_or_else(|| invalid("asInteger", "it is not a whole number"))?;
    owned(CelInt::from(whole))
}

fn as_float<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    owned(CelDouble::from(amount(&args, 0)?.to_float()))
}

fn sum<'b, 'v>(a: &Quantity, b: &Quantity) -> Answer<'b, 'v> {
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

fn plus<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    sum(amount(&args, 0)?, amount(&args, 1)?)
}

fn plus_int<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    sum(amount(&args, 0)?, &whole(&args)?)
}

fn minus<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    sum(amount(&args, 0)?, &amount(&args, 1)?.negated())
}

fn minus_int<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    sum(amount(&args, 0)?, &whole(&args)?.negated())
}
