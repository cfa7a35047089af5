//! Decides whether two scalars have the same meaning.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Number, Value};

use super::quantity::Quantity;

/// The meaning of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScalarType {
    /// Text, compared byte by byte.
    String,
    /// A boolean.
    Boolean,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// `resource.Quantity`: `1000m` is `1`.
    Quantity,
    /// `intstr.IntOrString`: text is the name of a port or a percentage, so `80` and `"80"` differ.
    /// The server refuses `"80"` in built-in types.
    IntOrString,
    /// `metav1.Duration`: `60s` is `1m0s`.
    Duration,
    /// `metav1.Time` and `metav1.MicroTime`: compared as instants.
    Time,
    /// Base64; line breaks in it have no meaning.
    Bytes,
}

/// Returns whether the server stores a declared value as this live one.
///
/// Values that are not of their type (a number for a string, an invalid quantity) are compared as
/// written.
///
/// ```
/// use driftctl::schema::{ScalarType, equal};
/// use serde_json::json;
/// assert!(equal(ScalarType::Quantity, &json!("1000m"), &json!("1")));
/// assert!(!equal(ScalarType::String, &json!("1000m"), &json!("1")));
/// ```
pub fn equal(scalar: ScalarType, declared: &Value, live: &Value) -> bool {
    if declared == live {
        return true;
    }
    let same = match scalar {
        ScalarType::String | ScalarType::Boolean => Some(false),
        ScalarType::Integer | ScalarType::Number | ScalarType::IntOrString => None,
        ScalarType::Quantity => quantities(declared, live),
        ScalarType::Duration => {
            texts(declared, live).and_then(|(a, b)| Some(nanos(a)? == nanos(b)?))
        }
        ScalarType::Time => texts(declared, live).and_then(|(a, b)| instants(a, b)),
        ScalarType::Bytes => {
            texts(declared, live).and_then(|(a, b)| Some(decoded(a)? == decoded(b)?))
        }
    };
    same.unwrap_or_else(|| equal_untyped(declared, live))
}

/// Returns whether two values of unknown type are equal: numbers by value, everything else as
/// written.
///
/// This is the rule for custom resources without a schema. The server stores what it is sent, and
/// only JSON itself has two notations (`1` and `1.0`) for one value.
pub fn equal_untyped(declared: &Value, live: &Value) -> bool {
    match (declared, live) {
        (Value::Number(a), Value::Number(b)) => equal_numbers(a, b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal_untyped(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| equal_untyped(a, b)))
        }
        (a, b) => a == b,
    }
}

/// Returns what the server stores for a `null` in a list or a map of such scalars: the zero value
/// of the Go type.
pub fn zero_of(scalar: ScalarType) -> Value {
    match scalar {
        ScalarType::Boolean => Value::Bool(false),
        ScalarType::Integer | ScalarType::Number | ScalarType::IntOrString => Value::from(0),
        ScalarType::Quantity => Value::from("0"),
        ScalarType::String | ScalarType::Duration | ScalarType::Time | ScalarType::Bytes => {
            Value::from("")
        }
    }
}

/// Returns whether this is a zero value in Go: `false`, `0`, `""`, and `null`, which counts as
/// unset.
pub fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(_) | Value::Object(_) => false,
    }
}

/// Returns whether this is an empty list or map, or `null`, which counts as unset.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Compares numbers by value and without rounding: a float equals an integer only if it is exactly
/// that integer.
fn equal_numbers(a: &Number, b: &Number) -> bool {
    match (integer(a), integer(b)) {
        (Some(a), Some(b)) => {
            // Numbers beyond 64-bit integers are stored as floats, and so rounded.
            let is_stored_as_float = i64::try_from(a).is_err();
            a == b || is_stored_as_float && a as f64 == b as f64
        }
        (None, None) => a.as_f64() == b.as_f64(),
        _ => false,
    }
}

/// Returns a number without a fraction as an integer; floats of this size are exact.
fn integer(number: &Number) -> Option<i128> {
    if let Some(integer) = number.as_i128() {
        return Some(integer);
    }
    let float = number.as_f64()?;
    // Larger floats are all integers, but none of them can be written in JSON in a form that is
    // parsed as an integer.
    let whole = float.fract() == 0.0 && float.abs() < 1e30;
    whole.then_some(float as i128)
}

fn texts<'v>(declared: &'v Value, live: &'v Value) -> Option<(&'v str, &'v str)> {
    Some((declared.as_str()?, live.as_str()?))
}

/// Compares two quantities, which may be numbers; the server reads their digits.
fn quantities(declared: &Value, live: &Value) -> Option<bool> {
    let parse = |value: &Value| match value {
        Value::String(text) => Quantity::parse(text),
        Value::Number(number) => Quantity::parse(&number.to_string()),
        _ => None,
    };
    Some(parse(declared)?.kept_as(&parse(live)?))
}

/// Compares two times as instants, with the declared one truncated to the precision of the live
/// one: seconds for `metav1.Time`, microseconds for `metav1.MicroTime`.
fn instants(declared: &str, live: &str) -> Option<bool> {
    let (a, b): (jiff::Timestamp, jiff::Timestamp) = (declared.parse().ok()?, live.parse().ok()?);
    let precision = if live.contains('.') {
        1_000
    } else {
        1_000_000_000
    };
    let a = a.as_nanosecond();
    Some(a == b.as_nanosecond() || a - a.rem_euclid(precision) == b.as_nanosecond())
}

/// Decodes base64. Go's decoder skips line breaks and ignores the unused bits of the last digit, so
/// two texts may have the same value.
fn decoded(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
    );
    let text = if text.contains(|c: char| c.is_ascii_whitespace()) {
        Cow::Owned(text.split_ascii_whitespace().collect::<String>())
    } else {
        Cow::Borrowed(text)
    };
    LENIENT.decode(text.as_bytes()).ok()
}

/// Parses a duration as `time.ParseDuration` does, in nanoseconds: `1h30m`, `1.5h`, `-20ms`, `0`.
pub fn nanos(text: &str) -> Option<i128> {
    const UNITS: [(&str, i128); 8] = [
        ("ns", 1),
        ("us", 1_000),
        ("µs", 1_000),
        ("μs", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(scaled(number, *unit)?)?;
        rest = tail;
    }
    // Go uses 64 bits, and refuses larger values.
    let total = if negative { -total } else { total };
    i64::try_from(total).ok().map(i128::from)
}

/// Returns whether a live text is Go's notation (`time.Duration.String`) of a duration that is
/// declared in another notation: `2160h` is written as `2160h0m0s`.
pub fn is_canonical_duration(declared: &str, live: &str) -> bool {
    let has_unit = declared.ends_with(|c: char| c.is_ascii_alphabetic());
    has_unit && nanos(declared).is_some_and(|nanos| in_go_spelling(nanos) == live)
}

/// Returns whether a live text is Go's notation (`metav1.Time`) of a time that is declared in
/// another notation: `2026-01-01T01:00:00+01:00` is written as `2026-01-01T00:00:00Z`.
pub fn is_canonical_time(declared: &str, live: &str) -> bool {
    live.ends_with('Z') && declared.contains('T') && instants(declared, live) == Some(true)
}

fn in_go_spelling(nanos: i128) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let all = nanos.unsigned_abs();
    let decimal = |amount: u128, unit: u128, name: &str| {
        let (whole, rest) = (amount / unit, amount % unit);
        let digits = unit.ilog10() as usize;
        let fraction = format!("{rest:0digits$}");
        match fraction.trim_end_matches('0') {
            "" => format!("{whole}{name}"),
            fraction => format!("{whole}.{fraction}{name}"),
        }
    };
    let text = match all {
        0 => "0s".to_owned(),
        1..1_000 => format!("{all}ns"),
        1_000..1_000_000 => decimal(all, 1_000, "µs"),
        1_000_000..1_000_000_000 => decimal(all, 1_000_000, "ms"),
        _ => {
            let minutes = all / 60_000_000_000;
            let seconds = decimal(all % 60_000_000_000, 1_000_000_000, "s");
            match (minutes / 60, minutes % 60) {
                (0, 0) => seconds,
                (0, minutes) => format!("{minutes}m{seconds}"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
            }
        }
    };
    format!("{sign}{text}")
}

/// Parses a decimal number of units, in whole nanoseconds; smaller fractions are cut off.
fn scaled(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole: i128 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    // No unit has more than 18 digits of nanoseconds.
    let fraction = fraction.get(..18).unwrap_or(fraction);
    let part: i128 = if fraction.is_empty() {
        0
    } else {
        fraction.parse().ok()?
    };
    let places = u32::try_from(fraction.len()).ok()?;
    whole
        .checked_mul(unit)?
        .checked_add(part * unit / 10i128.pow(places))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn same(scalar: ScalarType, declared: Value, live: Value) {
        assert!(equal(scalar, &declared, &live), "{declared} is {live}");
    }

    #[track_caller]
    fn differs(scalar: ScalarType, declared: Value, live: Value) {
        assert!(!equal(scalar, &declared, &live), "{declared} is not {live}");
    }

    #[test]
    fn recognizes_the_notation_of_go_for_durations() {
        for (declared, live) in [
            ("2160h", "2160h0m0s"),
            ("90s", "1m30s"),
            ("1.5h", "1h30m0s"),
            ("1500ms", "1.5s"),
            ("60s", "1m0s"),
            ("0s", "0s"),
            ("250us", "250µs"),
            ("-1m", "-1m0s"),
        ] {
            assert!(is_canonical_duration(declared, live), "{declared} {live}");
        }
        for (declared, live) in [
            ("60s", "60"),
            ("1m0s", "60s"),
            ("60", "1m0s"),
            ("1h", "1h1m0s"),
        ] {
            assert!(!is_canonical_duration(declared, live), "{declared} {live}");
        }
    }

    #[test]
    fn numbers_are_compared_by_value_and_exactly() {
        same(ScalarType::Integer, json!(1.0), json!(1));
        same(ScalarType::Number, json!(-0.0), json!(0));
        same(ScalarType::Integer, json!(u64::MAX), json!(u64::MAX));
        same(ScalarType::Number, json!(0.1), json!(0.1));
        differs(
            ScalarType::Integer,
            json!(9_007_199_254_740_993u64),
            json!(9_007_199_254_740_992u64),
        );
        differs(
            ScalarType::Integer,
            json!(9_007_199_254_740_993u64),
            json!(9_007_199_254_740_992.0),
        );
        differs(ScalarType::Integer, json!(i64::MIN), json!(u64::MAX));
        let stored = json!(12_345_678_901_234_567_000u64);
        same(
            ScalarType::Number,
            json!(12_345_678_901_234_567_890u64),
            stored.clone(),
        );
        differs(
            ScalarType::Number,
            json!(12_345_678_901_234_599_890u64),
            stored,
        );
        // The API server keeps no integers beyond 64 bits with a sign.
        same(
            ScalarType::Integer,
            json!(u64::MAX),
            json!(18_446_744_073_709_551_615.0),
        );
        differs(ScalarType::Integer, json!(1), json!("1"));
        differs(ScalarType::Number, json!(1e300), json!(2e300));
        assert!(equal_untyped(
            &json!({"a": [1, {"b": 2.0}]}),
            &json!({"a": [1.0, {"b": 2}]})
        ));
        assert!(!equal_untyped(&json!({"a": 1}), &json!({"b": 1})));
        assert!(!equal_untyped(&json!([1, 2]), &json!([2, 1])));
        assert!(!equal_untyped(&json!("1000m"), &json!("1")));
    }

    #[test]
    fn strings_and_booleans_are_strict() {
        differs(ScalarType::String, json!("true"), json!(true));
        differs(ScalarType::String, json!("a"), json!("a "));
        differs(ScalarType::Boolean, json!("true"), json!(true));
        same(ScalarType::Boolean, json!(true), json!(true));
    }

    #[test]
    fn quantities_may_be_numbers() {
        same(ScalarType::Quantity, json!(2), json!("2"));
        same(ScalarType::Quantity, json!(0.5), json!("500m"));
        same(ScalarType::Quantity, json!(1e3), json!("1k"));
        differs(ScalarType::Quantity, json!("lots"), json!("1"));
        same(ScalarType::Quantity, json!("lots"), json!("lots"));
        differs(ScalarType::Quantity, json!(true), json!("1"));
    }

    #[test]
    fn a_number_and_its_text_are_different_ints_or_strings() {
        differs(ScalarType::IntOrString, json!(80), json!("80"));
        differs(ScalarType::IntOrString, json!("80"), json!(80));
        same(ScalarType::IntOrString, json!(80.0), json!(80));
        same(ScalarType::IntOrString, json!("25%"), json!("25%"));
        differs(ScalarType::IntOrString, json!(25), json!("25%"));
        differs(ScalarType::IntOrString, json!(80), json!("080"));
        differs(ScalarType::IntOrString, json!("http"), json!("https"));
    }

    #[test]
    fn durations_are_compared_by_length() {
        for (declared, live) in [
            ("60s", "1m0s"),
            ("1.5h", "1h30m0s"),
            ("90m", "1h30m"),
            ("0", "0s"),
            ("-0s", "0"),
            (".5s", "500ms"),
            ("1us", "1µs"),
            ("1μs", "1000ns"),
            ("+1m", "1m"),
            ("0.0000000001s", "0s"),
            ("-1.5s", "-1500ms"),
        ] {
            same(ScalarType::Duration, json!(declared), json!(live));
        }
        for (declared, live) in [
            ("1m", "1h"),
            ("60", "1m"),
            ("", "0s"),
            ("1 m", "1m"),
            (".s", "0s"),
            ("1d", "24h"),
        ] {
            differs(ScalarType::Duration, json!(declared), json!(live));
        }
        differs(
            ScalarType::Duration,
            json!("9999999999h"),
            json!("99999999990h"),
        );
    }

    #[test]
    fn times_are_instants() {
        same(
            ScalarType::Time,
            json!("2026-01-02T03:04:05+02:00"),
            json!("2026-01-02T01:04:05Z"),
        );
        same(
            ScalarType::Time,
            json!("2026-01-02T03:04:05.999Z"),
            json!("2026-01-02T03:04:05Z"),
        );
        same(
            ScalarType::Time,
            json!("2026-01-02T05:04:05.5+02:00"),
            json!("2026-01-02T03:04:05.500000Z"),
        );
        same(
            ScalarType::Time,
            json!("2026-01-02T03:04:05.1234567Z"),
            json!("2026-01-02T03:04:05.123456Z"),
        );
        differs(
            ScalarType::Time,
            json!("2026-01-02T03:04:05Z"),
            json!("2026-01-02T03:04:06Z"),
        );
        differs(
            ScalarType::Time,
            json!("2026-01-02T03:04:05Z"),
            json!("2026-01-02T03:04:05.000001Z"),
        );
        differs(
            ScalarType::Time,
            json!("yesterday"),
            json!("2026-01-02T03:04:05Z"),
        );
    }

    #[test]
    fn base64_is_compared_by_decoded_value() {
        same(ScalarType::Bytes, json!("aGVs\nbG8=\n"), json!("aGVsbG8="));
        same(ScalarType::Bytes, json!("aGVs\r\nbG8="), json!("aGVsbG8="));
        same(ScalarType::Bytes, json!("YR=="), json!("YQ=="));
        differs(ScalarType::Bytes, json!("aGVsbG8="), json!("aGVsbG9v"));
        differs(ScalarType::Bytes, json!("aGVsbG8"), json!("aGVsbG8="));
        differs(ScalarType::Bytes, json!("not base64!"), json!("aGVsbG8="));
    }

    #[test]
    fn zero_and_empty() {
        for value in [
            json!(null),
            json!(false),
            json!(0),
            json!(0.0),
            json!(-0.0),
            json!(""),
        ] {
            assert!(is_zero(&value), "{value}");
        }
        for value in [json!(true), json!(1), json!("0"), json!([]), json!({})] {
            assert!(!is_zero(&value), "{value}");
        }
        for value in [json!(null), json!([]), json!({})] {
            assert!(is_empty(&value), "{value}");
        }
        for value in [json!(""), json!(0), json!([null]), json!({"a": null})] {
            assert!(!is_empty(&value), "{value}");
        }
    }
}
