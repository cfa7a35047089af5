//! `duration(…)` and `timestamp(…)`.

use std::cmp::Ordering;

use cel::common::traits::{Adder, Comparer, Subtractor};
use cel::common::types::{CelInt, STRING_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{
    Args, FunctionAnswer, Members, add_global, arg, invalid, opaque, owned, string, text,
    unexpected,
};
use crate::schema::nanos;

/// Defines a type that can be compared, added and subtracted.
macro_rules! time_type {
    ($name:ident($inner:ty), $cel:ident = $text:literal) => {
        opaque!(
            $name($inner),
            $cel = $text,
            fn as_comparer(&self) -> Option<&dyn Comparer> {
                Some(self)
            },
            fn as_adder<'b, 'w>(&'b self) -> Option<&'b (dyn Adder + 'w)>
            where
                Self: 'w,
            {
                Some(self)
            },
            fn as_subtractor<'b, 'w>(&'b self) -> Option<&'b (dyn Subtractor + 'w)>
            where
                Self: 'w,
            {
                Some(self)
            }
        );

        impl Comparer for $name {
            fn compare(&self, other: &dyn Val) -> Result<Ordering, ExecutionError> {
                let other = other.downcast_ref::<Self>();
                let order = other.map(|other| self.0.cmp(&other.0));
                order.ok_or_else(|| unexpected("the same type"))
            }
        }
    };
}

time_type!(Duration(i64), DURATION = "google.protobuf.Duration");
time_type!(Moment(Timestamp), TIMESTAMP = "google.protobuf.Timestamp");

/// Adds the functions to an environment.
///
/// # Errors
/// Fails if it already has one of them.
pub fn add(env: &mut Env) -> Result<(), DeclarationError> {
    add_global(env, "duration", &[&STRING_TYPE], duration)?;
    add_global(env, "timestamp", &[&STRING_TYPE], timestamp)?;
    add_global(env, "duration", &[&DURATION], identity)?;
    add_global(env, "timestamp", &[&TIMESTAMP], identity)?;
    add_global(env, "string", &[&DURATION], |args| {
        string(seconds(arg::<Duration>(&args, 0)?.0))
    })?;
    add_global(env, "int", &[&TIMESTAMP], |args| {
        owned(CelInt::from(arg::<Moment>(&args, 0)?.0.as_second()))
    })?;
    let mut members = Members(env, &DURATION);
    members.add("getHours", &[], |args| in_units(&args, 3_600_000_000_000))?;
    members.add("getMinutes", &[], |args| in_units(&args, 60_000_000_000))?;
    members.add("getSeconds", &[], |args| in_units(&args, 1_000_000_000))?;
    let mut members = Members(env, &TIMESTAMP);
    members.add("getFullYear", &[], |args| {
        of_date(&args, |at| at.year().into())
    })?;
    members.add("getMonth", &[], |args| {
        of_date(&args, |at| i64::from(at.month()) - 1)
    })?;
    members.add("getDate", &[], |args| of_date(&args, |at| at.day().into()))?;
    members.add("getDayOfMonth", &[], |args| {
        of_date(&args, |at| i64::from(at.day()) - 1)
    })?;
    members.add("getDayOfWeek", &[], |args| {
        of_date(&args, |at| at.weekday().to_sunday_zero_offset().into())
    })?;
    members.add("getHours", &[], |args| {
        of_date(&args, |at| at.hour().into())
    })?;
    members.add("getMinutes", &[], |args| {
        of_date(&args, |at| at.minute().into())
    })?;
    members.add("getSeconds", &[], |args| {
        of_date(&args, |at| at.second().into())
    })
}

fn identity<'b, 'v>(mut args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    args.pop().ok_or_else(|| unexpected("argument"))
}

fn duration<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    let length = nanos(text(&args, 0)?).and_then(|nanos| i64::try_from(nanos).ok());
    owned(Duration(
        length.ok_or_else(|| invalid("duration", "it is not a duration"))?,
    ))
}

fn timestamp<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    let given = text(&args, 0)?;
    let at: Option<Timestamp> = given.parse().ok().filter(|_| is_rfc_3339(given));
    owned(Moment(at.ok_or_else(|| {
        invalid("timestamp", "it is not a timestamp")
    })?))
}

/// Returns whether text has the one layout that Go accepts: `2026-01-02T03:04:05Z`, with an
/// optional fraction, or an offset.
fn is_rfc_3339(text: &str) -> bool {
    let is_like = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text
                .bytes()
                .zip(shape.bytes())
                .all(|(b, shape)| match shape {
                    b'0' => b.is_ascii_digit(),
                    other => b == other,
                })
    };
    let Some((head, tail)) = text.split_at_checked(19) else {
        return false;
    };
    let zone = match tail.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if zone.len() == fraction.len() {
                return false;
            }
            zone
        }
        None => tail,
    };
    is_like(head, "0000-00-00T00:00:00")
        && (zone == "Z" || is_like(zone, "+00:00") || is_like(zone, "-00:00"))
}

/// Returns a duration as CEL writes it.
fn seconds(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let (whole, rest) = (
        nanos.unsigned_abs() / 1_000_000_000,
        nanos.unsigned_abs() % 1_000_000_000,
    );
    let fraction = format!("{rest:09}");
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{whole}s"),
        fraction => format!("{sign}{whole}.{fraction}s"),
    }
}

fn in_units<'b, 'v>(args: &Args<'b, 'v>, unit: i64) -> FunctionAnswer<'b, 'v> {
    owned(CelInt::from(arg::<Duration>(args, 0)?.0 / unit))
}

fn of_date<'b, 'v>(args: &Args<'b, 'v>, part: fn(&jiff::Zoned) -> i64) -> FunctionAnswer<'b, 'v> {
    let at = arg::<Moment>(args, 0)?.0.to_zoned(TimeZone::UTC);
    owned(CelInt::from(part(&at)))
}

fn too_far() -> ExecutionError {
    invalid("time", "the result is too far away")
}

impl Adder for Duration {
    fn add<'b, 'v>(&'b self, other: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        if let Some(other) = other.downcast_ref::<Self>() {
            let sum = self.0.checked_add(other.0).ok_or_else(too_far)?;
            return owned(Self(sum));
        }
        let moment = other.downcast_ref::<Moment>();
        shifted(moment.ok_or_else(|| unexpected("duration"))?, self.0)
    }
}

impl Subtractor for Duration {
    fn sub<'b, 'v>(&'b self, other: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let other = other.downcast_ref::<Self>();
        let other = other.ok_or_else(|| unexpected("duration"))?;
        owned(Self(self.0.checked_sub(other.0).ok_or_else(too_far)?))
    }
}

impl Adder for Moment {
    fn add<'b, 'v>(&'b self, other: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let other = other.downcast_ref::<Duration>();
        shifted(self, other.ok_or_else(|| unexpected("duration"))?.0)
    }
}

impl Subtractor for Moment {
    fn sub<'b, 'v>(&'b self, other: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        if let Some(other) = other.downcast_ref::<Self>() {
            let between = self.0.as_nanosecond() - other.0.as_nanosecond();
            return owned(Duration(i64::try_from(between).map_err(|_| too_far())?));
        }
        let other = other.downcast_ref::<Duration>();
        let other = other.ok_or_else(|| unexpected("duration"))?.0;
        shifted(self, other.checked_neg().ok_or_else(too_far)?)
    }
}

fn shifted<'b, 'v>(moment: &Moment, by: i64) -> FunctionAnswer<'b, 'v> {
    let shifted = moment.0.checked_add(SignedDuration::from_nanos(by));
    owned(Moment(shifted.map_err(|_| too_far())?))
}

/// Returns whether text is a timestamp in [RFC 3339](https://www.rfc-editor.org/rfc/rfc3339).
pub fn is_timestamp(text: &str) -> bool {
    is_rfc_3339(text) && text.parse::<Timestamp>().is_ok()
}
