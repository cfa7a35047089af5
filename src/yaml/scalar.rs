//! The value of a scalar: the rules of Go's yaml.v2 (`resolve.go`, `decode.go`), and the conversion
//! of its result through JSON (`sigs.k8s.io/yaml`, `encoding/json`, `sigs.k8s.io/json`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value};

/// A scalar, resolved.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum YamlScalar {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer beyond 64 bits with sign, as the double that Kubernetes keeps.
    Rounded(f64),
    Float(f64),
    Text,
    /// A string other than the written one: decoded `!!binary`.
    Decoded(String),
}

/// A scalar that is invalid for its tag.
pub(super) type Refusal = &'static str;

const NOT_JSON: Refusal =
    "infinity and not-a-number cannot be sent to Kubernetes: quote it if it is a string";

/// The tags that decide how a scalar is parsed. All others are dropped, and the scalar is a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum YamlTag {
    None,
    Str,
    Bool,
    Int,
    Float,
    Null,
    Timestamp,
    Binary,
    Merge,
    Other,
}

impl YamlTag {
    /// Returns the tag with this suffix in `tag:yaml.org,2002:`.
    pub fn core(suffix: &str) -> Self {
        match suffix {
            "str" => Self::Str,
            "bool" => Self::Bool,
            "int" => Self::Int,
            "float" => Self::Float,
            "null" => Self::Null,
            "timestamp" => Self::Timestamp,
            "binary" => Self::Binary,
            "merge" => Self::Merge,
            _ => Self::Other,
        }
    }
}

/// Returns the value of a scalar with this tag. Quoted scalars without a tag are strings and are
/// not passed here.
pub(super) fn resolve(text: &str, tag: YamlTag) -> Result<YamlScalar, Refusal> {
    match tag {
        YamlTag::None => Ok(resolve_plain(text)),
        YamlTag::Str | YamlTag::Other | YamlTag::Merge => Ok(YamlScalar::Text),
        YamlTag::Binary => binary(text),
        YamlTag::Timestamp => Ok(YamlScalar::Text),
        YamlTag::Bool | YamlTag::Int | YamlTag::Float | YamlTag::Null => {
            match (tag, resolve_plain(text)) {
                (YamlTag::Bool, scalar @ YamlScalar::Bool(_)) => Ok(scalar),
                (YamlTag::Int, scalar @ (YamlScalar::Int(_) | YamlScalar::Rounded(_))) => {
                    Ok(scalar)
                }
                (YamlTag::Float, scalar @ (YamlScalar::Float(_) | YamlScalar::Rounded(_))) => {
                    Ok(scalar)
                }
                // In JSON, 3 and 3.0 are the same.
                (YamlTag::Float, scalar @ YamlScalar::Int(_)) => Ok(scalar),
                (YamlTag::Null, YamlScalar::Null) => Ok(YamlScalar::Null),
                _ => Err("the value does not have the type that its tag names"),
            }
        }
    }
}

/// Resolves a plain scalar without a tag.
fn resolve_plain(text: &str) -> YamlScalar {
    let Some(first) = text.bytes().next() else {
        return YamlScalar::Null;
    };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text),
        b'.' => dotted(text),
        b'+' | b'-' | b'0'..=b'9' => number(text),
        _ => YamlScalar::Text,
    }
}

fn word(text: &str) -> YamlScalar {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            YamlScalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            YamlScalar::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => YamlScalar::Null,
        _ => YamlScalar::Text,
    }
}

/// Resolves what begins with a dot: `.inf`, `.nan`, `.5`.
fn dotted(text: &str) -> YamlScalar {
    match text {
        ".nan" | ".NaN" | ".NAN" => YamlScalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" => YamlScalar::Float(f64::INFINITY),
        _ => float(text).map_or(YamlScalar::Text, YamlScalar::Float),
    }
}

/// Resolves what begins like a number.
fn number(text: &str) -> YamlScalar {
    match text {
        "+.inf" | "+.Inf" | "+.INF" => return YamlScalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return YamlScalar::Float(f64::NEG_INFINITY),
        _ => {}
    }
    let without_underscores;
    let text = if text.contains('_') {
        without_underscores = text.replace('_', "");
        &without_underscores
    } else {
        text
    };
    match integer(text) {
        Some(Ok(value)) => YamlScalar::Int(value),
        Some(Err(rounded)) => YamlScalar::Rounded(rounded),
        None if !looks_like_float(text) => YamlScalar::Text,
        None => match float(text) {
            None => YamlScalar::Text,
            Some(value) if is_decimal_integer(text) => in_64_bits(value, text),
            Some(value) => YamlScalar::Float(value),
        },
    }
}

/// Resolves digits that are not an integer in Go: `08`, which is not octal, and too many digits.
fn in_64_bits(value: f64, digits: &str) -> YamlScalar {
    match digits.parse::<i64>() {
        Ok(value) => YamlScalar::Int(value),
        Err(_) => YamlScalar::Rounded(value),
    }
}

fn is_decimal_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Parses like Go's `strconv.ParseInt(text, 0, 64)`, then `ParseUint`; what only the latter accepts
/// becomes a double when Kubernetes decodes the JSON.
fn integer(text: &str) -> Option<Result<i64, f64>> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (digits, radix) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&unsigned[2..], 16),
        [b'0', b'o' | b'O', ..] => (&unsigned[2..], 8),
        [b'0', b'b' | b'B', ..] => (&unsigned[2..], 2),
        [b'0', _, ..] => (&unsigned[1..], 8),
        _ => (unsigned, 10),
    };
    if !digits.as_bytes().first()?.is_ascii_alphanumeric() {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return 0_i64.checked_sub_unsigned(magnitude).map(Ok);
    }
    match i64::try_from(magnitude) {
        Ok(value) => Some(Ok(value)),
        // ParseUint accepts no sign.
        Err(_) if text.starts_with('+') => None,
        #[allow(clippy::cast_precision_loss)]
        Err(_) => Some(Err(magnitude as f64)),
    }
}

/// Matches yaml.v2's `yamlStyleFloat`: `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`.
fn looks_like_float(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_is_right = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    let mantissa_is_right =
        all_digits(whole) && all_digits(fraction) && (!whole.is_empty() || !fraction.is_empty());
    mantissa_is_right && exponent_is_right
}

/// Parses like Go's `strconv.ParseFloat`, which refuses what is out of range; `1e1000` is a string.
fn float(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

fn binary(text: &str) -> Result<YamlScalar, Refusal> {
    let packed: String = text.split(['\n', '\r']).collect();
    let bytes = STANDARD
        .decode(packed)
        .map_err(|_| "the value of !!binary is not base64")?;
    String::from_utf8(bytes)
        .map(YamlScalar::Decoded)
        .map_err(|_| "the decoded value of !!binary is not UTF-8, which JSON requires")
}

/// Returns the JSON value of a number that was written as a double: Go writes 3.0 as `3`, which
/// Kubernetes reads as an integer.
pub(super) fn number_value(value: f64) -> Option<Value> {
    // Up to here Go writes no exponent; Kubernetes reads an integer if it fits.
    const NO_EXPONENT: f64 = 1e21;
    if value.trunc() == value && value.abs() < NO_EXPONENT {
        #[allow(clippy::cast_possible_truncation)]
        let integer = value as i64;
        #[allow(clippy::cast_precision_loss)]
        if integer as f64 == value && integer != i64::MAX {
            return Some(Value::from(integer));
        }
    }
    Number::from_f64(value).map(Value::Number)
}

impl YamlScalar {
    /// Returns the JSON value; `text` is the written scalar.
    pub fn into_value(self, text: &str) -> Result<Value, Refusal> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::from(value),
            Self::Rounded(value) | Self::Float(value) => number_value(value).ok_or(NOT_JSON)?,
            Self::Text => Value::String(text.to_owned()),
            Self::Decoded(text) => Value::String(text),
        })
    }

    /// Returns the JSON key (`sigs.k8s.io/yaml`, `convertToJSONableObject`).
    pub fn into_key(self, text: &str) -> Result<String, Refusal> {
        Ok(match self {
            Self::Null => return Err("null cannot be a key: quote it"),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Rounded(_) => return Err("a number beyond 64 bits cannot be a key: quote it"),
            #[allow(clippy::cast_possible_truncation)]
            Self::Float(value) => format_float(value as f32),
            Self::Text => text.to_owned(),
            Self::Decoded(text) => text,
        })
    }
}

/// Formats like Go's `strconv.FormatFloat(value, 'g', -1, 32)`.
fn format_float(value: f32) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    // The shortest form counts as six digits in this decision.
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{mantissa}e{sign}{:02}", exponent.abs())
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Value {
        resolve_plain(text).into_value(text).unwrap()
    }

    #[test]
    fn resolves_words() {
        for text in ["y", "Yes", "on", "TRUE"] {
            assert_eq!(read(text), json!(true), "{text}");
        }
        for text in ["n", "NO", "Off", "false"] {
            assert_eq!(read(text), json!(false), "{text}");
        }
        for text in ["", "~", "null", "NULL"] {
            assert_eq!(read(text), Value::Null, "{text}");
        }
        for text in ["yEs", "nulL", "oN", "tru", "<<", "=", "é"] {
            assert_eq!(read(text), json!(text), "{text}");
        }
    }

    #[test]
    fn resolves_integers() {
        for (text, value) in [
            ("0644", 420),
            ("0o755", 493),
            ("0O17", 15),
            ("08", 8),
            ("-08", -8),
            ("0899", 899),
            ("007", 7),
            ("1_000", 1000),
            ("0x1E", 30),
            ("-0x_1e", -30),
            ("0b101", 5),
            ("-0b11", -3),
            ("+5", 5),
            ("0", 0),
            ("-0", 0),
            ("00", 0),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(read(text), json!(value), "{text}");
        }
    }

    #[test]
    fn converts_floats_that_are_integers() {
        for (text, value) in [
            ("3.0", 3),
            ("1e1", 10),
            ("1.e2", 100),
            ("-0.0", 0),
            ("+2E3", 2000),
        ] {
            assert_eq!(read(text), json!(value), "{text}");
        }
        assert_eq!(read("1.10"), json!(1.1));
        assert_eq!(read(".5"), json!(0.5));
        assert_eq!(read("1e21"), json!(1e21));
    }

    #[test]
    fn reads_some_numbers_as_text() {
        for text in [
            "1:30",
            "22:22",
            "1e1000",
            "0x",
            "0b2",
            "0o8",
            "-",
            "+",
            ".",
            "-.",
            "1.2.3",
            "1e",
            "1e+",
            "0x1.8p1",
            "++1",
            "-+1",
            "1-2",
            "2001-01-01",
            "12h",
            "1 2",
            "_",
            "._5",
            ".e3",
            "+0b",
            "0x-1",
            "0-1",
            "1٣",
        ] {
            assert_eq!(read(text), json!(text), "{text}");
        }
    }

    #[test]
    fn distinguishes_integers_beyond_64_bits() {
        assert_eq!(
            resolve_plain("12345678901234567890"),
            YamlScalar::Rounded(12_345_678_901_234_567_890.0)
        );
        assert_eq!(
            resolve_plain("123456789012345678901234567890"),
            YamlScalar::Rounded(1.234_567_890_123_456_8e29)
        );
        assert_eq!(resolve_plain("1e30"), YamlScalar::Float(1e30));
        assert!(matches!(
            resolve_plain("-9223372036854775809"),
            YamlScalar::Rounded(_)
        ));
    }

    #[test]
    fn rejects_infinity() {
        for text in [".inf", "-.INF", "+.Inf", ".NaN"] {
            assert!(resolve_plain(text).into_value(text).is_err(), "{text}");
        }
        assert_eq!(read("-.nan"), json!("-.nan"));
    }

    #[test]
    fn applies_tags() {
        let read = |text: &str, tag| resolve(text, tag).and_then(|s| s.into_value(text));
        assert_eq!(read("123", YamlTag::Str).unwrap(), json!("123"));
        assert_eq!(read("", YamlTag::Str).unwrap(), json!(""));
        assert_eq!(read("123", YamlTag::Other).unwrap(), json!("123"));
        assert_eq!(read("5", YamlTag::Int).unwrap(), json!(5));
        assert_eq!(read("5", YamlTag::Float).unwrap(), json!(5));
        assert_eq!(read("yes", YamlTag::Bool).unwrap(), json!(true));
        assert_eq!(read("aGVs\nbG8=", YamlTag::Binary).unwrap(), json!("hello"));
        for (text, tag) in [
            ("x", YamlTag::Int),
            ("1.5", YamlTag::Int),
            ("5", YamlTag::Bool),
            ("%", YamlTag::Binary),
            ("/w==", YamlTag::Binary),
        ] {
            assert!(read(text, tag).is_err(), "{text} {tag:?}");
        }
    }

    #[test]
    fn resolves_keys() {
        let key = |text: &str| resolve_plain(text).into_key(text);
        for (text, expected) in [
            ("on", "true"),
            ("y", "true"),
            ("off", "false"),
            ("8080", "8080"),
            ("0x10", "16"),
            ("1.5", "1.5"),
            ("1e6", "1e+06"),
            ("123456.0", "123456"),
            ("1234567.0", "1.234567e+06"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            (".inf", ".inf"),
            ("a b", "a b"),
        ] {
            assert_eq!(key(text).unwrap(), expected, "{text}");
        }
        assert!(key("~").is_err());
        assert!(key("18446744073709551615").is_err());
    }
}
