//! Compares text as Kyverno does: wildcards, numbers with units, durations, ranges.

use serde_json::Value;

use crate::schema::{Quantity, nanos};

/// Returns whether a text matches a pattern of `*` and `?`.
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // The position of the last star, and how much it matches so far.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some('?') => {
                p += 1;
                t += 1;
            }
            Some(c) if text.get(t) == Some(c) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

/// Returns whether text has wildcards.
pub fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Returns a value as Go prints it; `None` if that is not plain text.
pub fn printed(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => {
            let whole = number.as_i64().or_else(|| {
                let float = number.as_f64()?;
                (float.fract() == 0.0 && float.abs() < 1e6).then_some(float as i64)
            })?;
            // Larger numbers are printed with an exponent in some places.
            (whole.abs() < 1_000_000).then(|| whole.to_string())
        }
        _ => None,
    }
}

/// An operator at the start of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    More,
    MoreEqual,
    Less,
    LessEqual,
    InRange,
    NotInRange,
}

impl Operator {
    /// Returns the operator of a pattern, and the rest.
    pub fn of(pattern: &str) -> (Self, &str) {
        if pattern.len() < 2 {
            return (Self::Equal, pattern);
        }
        let signs = [
            (">=", Self::MoreEqual),
            ("<=", Self::LessEqual),
            (">", Self::More),
            ("<", Self::Less),
            ("!", Self::NotEqual),
        ];
        let found = signs.iter().find_map(|(sign, operator)| {
            pattern
                .strip_prefix(sign)
                .map(|rest| (*operator, rest.trim()))
        });
        if let Some(found) = found {
            return found;
        }
        if range(pattern, "!-").is_some() {
            return (Self::NotInRange, pattern);
        }
        match range(pattern, "-") {
            Some(_) => (Self::InRange, pattern),
            None => (Self::Equal, pattern),
        }
    }

    fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::More => order.is_gt(),
            Self::MoreEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessEqual => order.is_le(),
            Self::InRange | Self::NotInRange => false,
        }
    }
}

/// Returns both ends of a range such as `10-32` or `1Gi!-2Gi`.
fn range<'p>(pattern: &'p str, sign: &str) -> Option<(&'p str, &'p str)> {
    let mut places = pattern.match_indices(sign);
    places.find_map(|(at, _)| {
        let (left, right) = (pattern.get(..at)?, pattern.get(at + sign.len()..)?);
        (is_amount(left) && is_amount(right)).then_some((left, right))
    })
}

/// Returns whether text is a number with an optional sign, fraction and unit, as in a range.
fn is_amount(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+', '|']).unwrap_or(text);
    let unit = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match unit.split_once('.') {
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction),
        None => is_digits(unit),
    }
}

/// Returns whether a value matches a scalar of a pattern; `Err` if that cannot be determined here.
pub fn matches(value: &Value, pattern: &Value) -> Result<bool, String> {
    match pattern {
        Value::Bool(wanted) => Ok(value == &Value::Bool(*wanted)),
        Value::Null => Ok(match value {
            Value::Null => true,
            Value::Bool(value) => !value,
            Value::String(text) => text.is_empty(),
            Value::Number(number) => number.as_f64() == Some(0.0),
            _ => false,
        }),
        Value::Number(wanted) => Ok(match value {
            Value::Number(number) => number.as_f64() == wanted.as_f64(),
            Value::String(text) if wanted.is_f64() => text.parse::<f64>().ok() == wanted.as_f64(),
            Value::String(text) => text
                .parse::<i64>()
                .is_ok_and(|number| Some(number) == wanted.as_i64()),
            _ => false,
        }),
        Value::Object(_) => Ok(value.is_object()),
        Value::Array(_) => Ok(false),
        Value::String(pattern) => matches_text(value, pattern),
    }
}

fn matches_text(value: &Value, pattern: &str) -> Result<bool, String> {
    if value.as_str() == Some(pattern) {
        return Ok(true);
    }
    for either in pattern.split('|') {
        let mut all = true;
        for part in either.trim_matches(' ').split('&') {
            if !matches_part(value, part.trim_matches(' '))? {
                all = false;
                break;
            }
        }
        if all {
            return Ok(true);
        }
    }
    Ok(false)
}

fn matches_part(value: &Value, pattern: &str) -> Result<bool, String> {
    let (operator, rest) = Operator::of(pattern);
    match operator {
        Operator::InRange => {
            let (left, right) = range(pattern, "-").unwrap_or_default();
            Ok(compared(value, left, Operator::MoreEqual)?
                && compared(value, right, Operator::LessEqual)?)
        }
        Operator::NotInRange => {
            let (left, right) = range(pattern, "!-").unwrap_or_default();
            Ok(compared(value, left, Operator::Less)? || compared(value, right, Operator::More)?)
        }
        operator => compared(value, rest, operator),
    }
}

fn compared(value: &Value, pattern: &str, operator: Operator) -> Result<bool, String> {
    let as_text = match value {
        Value::Null => Some("0".to_owned()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    if let (Some(wanted), Some(text)) = (nanos(pattern), &as_text)
        && let Some(length) = nanos(text)
    {
        return Ok(operator.holds(length.cmp(&wanted)));
    }
    if let (Some(wanted), Some(text)) = (Quantity::parse_exact(pattern), &as_text)
        && let Some(amount) = Quantity::parse_exact(text)
    {
        return Ok(operator.holds(amount.cmp(&wanted)));
    }
    if !matches!(operator, Operator::Equal | Operator::NotEqual) || value.is_null() {
        return Ok(false);
    }
    let text = match value {
        Value::Number(number) if number.is_f64() => {
            return Err("a fraction is compared with text".to_owned());
        }
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        _ => return Ok(false),
    };
    Ok(wildcard(pattern, &text) == (operator == Operator::Equal))
}
