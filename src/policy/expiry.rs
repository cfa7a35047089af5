//! Parses and compares the expiry dates of rules.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The time at which a rule expires.
///
/// It is written as a date, which is the rule's last day in UTC, or as a time (RFC 3339).
///
/// ```
/// use driftctl::policy::Expiry;
/// let expiry: Expiry = "2026-12-31".parse().unwrap();
/// assert!(!expiry.is_over("2026-12-31T23:59:59Z".parse().unwrap()));
/// assert!(expiry.is_over("2027-01-01T00:00:00Z".parse().unwrap()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    text: String,
    at: Timestamp,
}

/// An error about a text that is neither a date nor a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("neither a date such as 2026-12-31 nor a time such as 2026-12-31T18:00:00Z")]
pub struct ExpiryError;

impl FromStr for Expiry {
    type Err = ExpiryError;

    fn from_str(text: &str) -> Result<Self, ExpiryError> {
        let at = text.parse::<Timestamp>().or_else(|_| end_of(text))?;
        Ok(Self {
            text: text.to_owned(),
            at,
        })
    }
}

/// Parses a date, as the end of that day.
fn end_of(text: &str) -> Result<Timestamp, ExpiryError> {
    // Parse strictly, because a date and time without an offset would be parsed as a date.
    if text.len() != "2026-12-31".len() {
        return Err(ExpiryError);
    }
    let date: Date = text.parse().map_err(|_| ExpiryError)?;
    let next = date.tomorrow().map_err(|_| ExpiryError)?;
    let midnight = next.to_zoned(TimeZone::UTC).map_err(|_| ExpiryError)?;
    Ok(midnight.timestamp())
}

impl Expiry {
    /// Returns an expiry at a time.
    pub fn at(at: Timestamp) -> Self {
        Self {
            text: at.to_string(),
            at,
        }
    }

    /// Returns whether the rule has expired.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.at
    }

    /// Returns the time.
    pub fn timestamp(&self) -> Timestamp {
        self.at
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times() {
        let at = |text: &str| text.parse::<Expiry>().map(|expiry| expiry.at.to_string());
        assert_eq!(at("2026-12-31").unwrap(), "2027-01-01T00:00:00Z");
        assert_eq!(
            at("2026-12-31T18:00:00+02:00").unwrap(),
            "2026-12-31T16:00:00Z"
        );
        for text in [
            "",
            "soon",
            "2026-13-01",
            "2026-12-31T18:00",
            "24h",
            "20261231",
        ] {
            assert_eq!(at(text), Err(ExpiryError), "{text}");
        }
    }
}
