//! Kyverno's functions about times.
//!
//! Expressions that depend on the time of the request (`time_now`) are not evaluated, because
//! today's result says nothing about the time of a deployment. Of Go's layouts, only RFC 3339 is
//! supported.

use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};
use serde_json::{Value, json};

use super::jmes::JmesFailure;
use crate::schema::nanos;

/// RFC 3339 as Go writes it as a layout.
const RFC_3339: &str = "2006-01-02T15:04:05Z07:00";

/// Calls a function.
pub fn call(name: &str, args: &[&str]) -> Result<Value, JmesFailure> {
    let wrong = || JmesFailure::Error(format!("{name} does not take these arguments"));
    let cannot = || JmesFailure::Cannot(format!("the function {name} is not supported"));
    let text = |at: usize| args.get(at).copied().ok_or_else(wrong);
    let time = |at: usize| parse(text(at)?).ok_or_else(wrong);
    let length = |at: usize| nanos(text(at)?).ok_or_else(wrong);
    let wanted = match name {
        "time_to_cron" | "time_utc" => 1,
        "time_add" | "time_parse" | "time_diff" | "time_before" | "time_after"
        | "time_truncate" => 2,
        "time_since" | "time_between" => 3,
        _ => return Err(cannot()),
    };
    if args.len() != wanted {
        return Err(wrong());
    }
    match name {
        "time_to_cron" => {
            let time = time(0)?;
            let weekday = time.weekday().to_sunday_zero_offset();
            let (minute, hour) = (time.minute(), time.hour());
            Ok(json!(format!(
                "{minute} {hour} {} {} {weekday}",
                time.day(),
                time.month()
            )))
        }
        "time_utc" => Ok(written(&time(0)?.with_time_zone(TimeZone::UTC))),
        "time_add" => {
            let length = i64::try_from(length(1)?).map_err(|_| cannot())?;
            let sum = time(0)?.checked_add(SignedDuration::from_nanos(length));
            Ok(written(&sum.map_err(|_| cannot())?))
        }
        "time_parse" => match text(0)? {
            RFC_3339 => Ok(written(&time(1)?)),
            layout if layout.parse::<i64>().is_ok() => {
                let seconds: i64 = text(1)?.parse().map_err(|_| wrong())?;
                let time = Timestamp::from_second(seconds).map_err(|_| cannot())?;
                Ok(written(&time.to_zoned(TimeZone::UTC)))
            }
            _ => Err(cannot()),
        },
        "time_diff" => duration_between(&time(0)?, &time(1)?).ok_or_else(cannot),
        "time_since" => match (text(0)?, text(2)?) {
            (_, "") => Err(JmesFailure::Cannot(
                "the result depends on the time of the request".to_owned(),
            )),
            ("" | RFC_3339, _) => duration_between(&time(1)?, &time(2)?).ok_or_else(cannot),
            _ => Err(cannot()),
        },
        "time_before" => Ok(json!(time(0)?.timestamp() < time(1)?.timestamp())),
        "time_after" => Ok(json!(time(0)?.timestamp() > time(1)?.timestamp())),
        "time_between" => {
            let (time, start, end) = (time(0)?, time(1)?, time(2)?);
            let at = time.timestamp();
            Ok(json!(at > start.timestamp() && at < end.timestamp()))
        }
        // Go truncates since the year 1, in which days and weeks begin elsewhere than since 1970.
        _ => Err(cannot()),
    }
}

/// Reads a time as Go does by RFC 3339.
fn parse(text: &str) -> Option<Zoned> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    let is_shaped = text.is_ascii() && text.get(10..11) == Some("T") && text.len() >= 20;
    let time = PARSER.parse_timestamp(text).ok().filter(|_| is_shaped)?;
    let offset = match text.get(text.len() - 6..)? {
        zone if text.ends_with('Z') || zone.ends_with('z') => Offset::UTC,
        zone => {
            let sign = match zone.get(..1)? {
                "+" => 1,
                "-" => -1,
                _ => return None,
            };
            let hours: i32 = zone.get(1..3)?.parse().ok()?;
            let minutes: i32 = zone.get(4..6)?.parse().ok()?;
            Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()?
        }
    };
    Some(time.to_zoned(offset.to_time_zone()))
}

/// Writes a time as Go does by RFC 3339: whole seconds, and `Z` for UTC.
fn written(time: &Zoned) -> Value {
    let zone = match time.offset().is_zero() {
        true => "Z".to_owned(),
        false => time.strftime("%:z").to_string(),
    };
    json!(format!("{}{zone}", time.strftime("%FT%T")))
}

/// Writes the time between two as Go writes a duration.
fn duration_between(start: &Zoned, end: &Zoned) -> Option<Value> {
    let nanos = start.duration_until(end).as_nanos();
    let seconds = nanos.checked_div(1_000_000_000)?;
    if nanos % 1_000_000_000 != 0 {
        return None;
    }
    let sign = if seconds < 0 { "-" } else { "" };
    let seconds = seconds.unsigned_abs();
    let (hours, minutes, left) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let text = match (hours, minutes) {
        (0, 0) => format!("{left}s"),
        (0, minutes) => format!("{minutes}m{left}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{left}s"),
    };
    Some(json!(format!("{sign}{text}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written_as_go_does() {
        for (name, args, expected) in [
            (
                "time_add",
                &["2021-01-02T15:04:05-07:00", "3h"][..],
                json!("2021-01-02T18:04:05-07:00"),
            ),
            (
                "time_to_cron",
                &["2023-02-02T15:04:05Z"],
                json!("4 15 2 2 4"),
            ),
            (
                "time_utc",
                &["2021-01-02T18:04:05-07:00"],
                json!("2021-01-03T01:04:05Z"),
            ),
            (
                "time_parse",
                &["1702691171", "1683022430"],
                json!("2023-05-02T10:13:50Z"),
            ),
            (
                "time_parse",
                &[RFC_3339, "2021-01-02T15:04:05Z"],
                json!("2021-01-02T15:04:05Z"),
            ),
            (
                "time_diff",
                &["2021-01-02T15:04:05-07:00", "2021-01-10T03:14:05-07:00"],
                json!("180h10m0s"),
            ),
            (
                "time_diff",
                &["2021-01-02T15:04:05Z", "2021-01-02T15:04:00Z"],
                json!("-5s"),
            ),
            (
                "time_since",
                &["", "2021-01-02T15:04:05Z", "2021-01-02T15:05:05Z"],
                json!("1m0s"),
            ),
            (
                "time_before",
                &["2021-01-02T15:04:05-07:00", "2021-01-10T03:14:05Z"],
                json!(true),
            ),
            (
                "time_after",
                &["2021-01-02T15:04:05Z", "2021-01-02T15:04:05Z"],
                json!(false),
            ),
            (
                "time_between",
                &[
                    "2021-01-02T15:04:06Z",
                    "2021-01-02T15:04:05Z",
                    "2021-01-02T15:04:07Z",
                ],
                json!(true),
            ),
        ] {
            assert_eq!(call(name, args), Ok(expected), "{name}");
        }
    }

    #[test]
    fn what_depends_on_today_is_not_evaluated() {
        let cannot =
            |name: &str, args: &[&str]| matches!(call(name, args), Err(JmesFailure::Cannot(_)));
        assert!(cannot("time_now", &[]));
        assert!(cannot("time_now_utc", &[]));
        assert!(cannot("time_since", &["", "2021-01-02T15:04:05Z", ""]));
        assert!(cannot(
            "time_parse",
            &["Mon Jan 02 2006", "Fri Jun 22 2022"]
        ));
        assert!(matches!(
            call("time_add", &["yesterday", "1h"]),
            Err(JmesFailure::Error(_))
        ));
    }
}
