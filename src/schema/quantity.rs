//! `resource.Quantity`: numbers with units, compared exactly.
//!
//! The server reads `1000m` and writes `1`. A quantity is a decimal number with any number of
//! digits and any exponent, which floats cannot represent. The rules are those of
//! `k8s.io/apimachinery/pkg/api/resource/quantity.go`.

/// The value of a quantity as the server stores it: `±digits × 10^exponent`.
///
/// There are no zeros at either end of the digits, so that equal values are equal structs; zero has
/// no digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    negative: bool,
    /// Decimal digits, most significant first.
    digits: Vec<u8>,
    exponent: i64,
}

/// The smallest power of ten of a value; smaller fractions are rounded away from zero.
const NANO: i64 = -9;

/// The smallest power of ten in resource lists (requests, limits, capacities).
const MILLI: i64 = -3;

/// The largest value with a binary suffix. Larger values are capped.
const BINARY_MAX: &[u8; 19] = b"9223372036854775807";

impl Quantity {
    /// Parses a quantity; returns `None` for text that the server would refuse.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, rest) = split_digits(rest);
        let (fraction, suffix) = match rest.strip_prefix('.') {
            Some(rest) => split_digits(rest),
            None => ("", rest),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let unit = SuffixFactor::of(suffix)?;
        let mut quantity = Self {
            negative,
            digits: whole
                .bytes()
                .chain(fraction.bytes())
                .map(|b| b - b'0')
                .collect(),
            exponent: -i64::try_from(fraction.len()).ok()?,
        };
        match unit {
            SuffixFactor::Decimal(exponent) => {
                quantity.exponent = quantity.exponent.checked_add(exponent)?;
            }
            SuffixFactor::Binary(kilos) => (0..kilos).for_each(|_| quantity.multiply(1024)),
        }
        quantity.trim();
        quantity.round(NANO);
        if matches!(unit, SuffixFactor::Binary(_)) && quantity.exceeds_binary() {
            quantity.digits = BINARY_MAX.iter().map(|b| b - b'0').collect();
            quantity.exponent = 0;
        }
        Some(quantity)
    }

    /// Returns whether the server stores this declared quantity as that live one: the same number,
    /// or the number that it is rounded to in resource lists, away from zero to thousandths
    /// (`SetDefaults_ResourceList`).
    pub fn kept_as(mut self, live: &Self) -> bool {
        if self == *live {
            return true;
        }
        self.round(MILLI);
        self == *live
    }

    /// Parses a quantity without surrounding blanks.
    pub fn parse_exact(text: &str) -> Option<Self> {
        Self::parse(text).filter(|_| text.trim() == text)
    }

    /// Returns -1, 0 or 1.
    pub fn sign(&self) -> i64 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        }
    }

    /// Returns the value as a whole number.
    pub fn to_integer(&self) -> Option<i64> {
        if self.exponent < 0 || self.exponent > 19 {
            return (self.sign() == 0).then_some(0);
        }
        let digits: String = self.digits.iter().map(|d| char::from(b'0' + d)).collect();
        let zeros = "0".repeat(usize::try_from(self.exponent).ok()?);
        let sign = if self.negative { "-" } else { "" };
        match self.sign() {
            0 => Some(0),
            _ => format!("{sign}{digits}{zeros}").parse().ok(),
        }
    }

    /// Returns the nearest float.
    pub fn to_float(&self) -> f64 {
        let digits: String = self.digits.iter().map(|d| char::from(b'0' + d)).collect();
        let sign = if self.negative { "-" } else { "" };
        let text = format!("{sign}0{digits}e{}", self.exponent);
        text.parse().unwrap_or_default()
    }

    /// Returns the negated value.
    #[must_use]
    pub fn negated(&self) -> Self {
        Self {
            negative: !self.negative && !self.digits.is_empty(),
            ..self.clone()
        }
    }

    /// Returns the sum; `None` if it would have more digits than any resource.
    pub fn plus(&self, other: &Self) -> Option<Self> {
        const MOST_DIGITS: i64 = 36;
        let exponent = match (self.sign(), other.sign()) {
            (0, _) => other.exponent,
            (_, 0) => self.exponent,
            _ => self.exponent.min(other.exponent),
        };
        let number = |one: &Self| -> Option<i128> {
            let zeros = if one.digits.is_empty() {
                0
            } else {
                one.exponent.checked_sub(exponent)?
            };
            let length = i64::try_from(one.digits.len()).ok()?.checked_add(zeros)?;
            if length > MOST_DIGITS {
                return None;
            }
            let digits = one
                .digits
                .iter()
                .fold(0, |n: i128, d| n * 10 + i128::from(*d));
            let size = digits * 10_i128.pow(u32::try_from(zeros).ok()?);
            Some(if one.negative { -size } else { size })
        };
        let sum = number(self)?.checked_add(number(other)?)?;
        let mut sum = Self {
            negative: sum < 0,
            digits: sum
                .unsigned_abs()
                .to_string()
                .bytes()
                .map(|b| b - b'0')
                .collect(),
            exponent,
        };
        sum.trim();
        Some(sum)
    }

    fn multiply(&mut self, factor: u32) {
        let mut carry = 0;
        for digit in self.digits.iter_mut().rev() {
            let product = u32::from(*digit) * factor + carry;
            *digit = (product % 10) as u8;
            carry = product / 10;
        }
        let mut head = Vec::new();
        while carry > 0 {
            head.insert(0, (carry % 10) as u8);
            carry /= 10;
        }
        self.digits.splice(0..0, head);
    }

    /// Removes zeros at both ends.
    fn trim(&mut self) {
        let leading = self.digits.iter().take_while(|d| **d == 0).count();
        self.digits.drain(..leading);
        while self.digits.last() == Some(&0) {
            self.digits.pop();
            self.exponent = self.exponent.saturating_add(1);
        }
        if self.digits.is_empty() {
            self.negative = false;
            self.exponent = 0;
        }
    }

    /// Rounds away from zero to a power of ten, so that a small request never becomes zero.
    fn round(&mut self, to: i64) {
        if self.digits.is_empty() || self.exponent >= to {
            return;
        }
        // The digits do not end in zero, so dropping any of them means rounding up.
        let dropped = usize::try_from(to.saturating_sub(self.exponent)).unwrap_or(usize::MAX);
        self.digits
            .truncate(self.digits.len().saturating_sub(dropped));
        self.exponent = to;
        let mut place = self.digits.len();
        loop {
            let Some(before) = place.checked_sub(1) else {
                self.digits.insert(0, 1);
                break;
            };
            place = before;
            if self.digits[place] < 9 {
                self.digits[place] += 1;
                break;
            }
            self.digits[place] = 0;
        }
        self.trim();
    }

    fn exceeds_binary(&self) -> bool {
        let length = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        let length = length.saturating_add(self.exponent);
        let limit = BINARY_MAX.iter().map(|b| b - b'0');
        match length.cmp(&19) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => self.digits.iter().copied().gt(limit),
        }
    }
}

/// Compares by size.
impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let by_sign = self.sign().cmp(&other.sign());
        if by_sign.is_ne() || self.digits.is_empty() {
            return by_sign;
        }
        let length = |one: &Self| {
            let length = i64::try_from(one.digits.len()).unwrap_or(i64::MAX);
            length.saturating_add(one.exponent)
        };
        let size = length(self)
            .cmp(&length(other))
            .then_with(|| self.digits.cmp(&other.digits));
        if self.negative { size.reverse() } else { size }
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The factor of a suffix.
#[derive(Clone, Copy)]
enum SuffixFactor {
    /// A power of 10.
    Decimal(i64),
    /// A power of 1024.
    Binary(u8),
}

impl SuffixFactor {
    fn of(suffix: &str) -> Option<Self> {
        Some(match suffix {
            "" => Self::Decimal(0),
            "n" => Self::Decimal(-9),
            "u" => Self::Decimal(-6),
            "m" => Self::Decimal(-3),
            "k" => Self::Decimal(3),
            "M" => Self::Decimal(6),
            "G" => Self::Decimal(9),
            "T" => Self::Decimal(12),
            "P" => Self::Decimal(15),
            "E" => Self::Decimal(18),
            "Ki" => Self::Binary(1),
            "Mi" => Self::Binary(2),
            "Gi" => Self::Binary(3),
            "Ti" => Self::Binary(4),
            "Pi" => Self::Binary(5),
            "Ei" => Self::Binary(6),
            _ => Self::Decimal(suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
        })
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantities_are_ordered_and_added_as_numbers() {
        let of = |text: &str| Quantity::parse(text).unwrap();
        for (less, more) in [
            ("500m", "1"),
            ("-1", "0"),
            ("-2", "-1"),
            ("1000Ki", "1Mi"),
            ("1M", "1Mi"),
            ("99", "100"),
            ("1.5", "1.50001"),
        ] {
            assert!(of(less) < of(more), "{less} {more}");
        }
        assert_eq!(of("1.5").plus(&of("500m")), Some(of("2")));
        assert_eq!(of("1").plus(&of("2").negated()), Some(of("-1")));
        assert_eq!(of("1").plus(&of("1").negated()), Some(of("0")));
        assert_eq!(of("1e40").plus(&of("1n")), None);
        assert_eq!(of("1Ki").to_integer(), Some(1024));
        assert_eq!(of("1500m").to_integer(), None);
        assert!((of("1500m").to_float() - 1.5).abs() < 1e-12);
    }

    #[track_caller]
    fn assert_kept(declared: &str, live: &str) {
        let (a, b) = (Quantity::parse(declared), Quantity::parse(live));
        let (a, b) = (a.expect(declared), b.expect(live));
        assert!(a.clone().kept_as(&b), "{declared} {a:?} is {live} {b:?}");
    }

    #[test]
    fn every_notation_equals_the_number_that_the_server_writes() {
        for (declared, live) in [
            ("1000m", "1"),
            ("0.5", "500m"),
            (".5", "500m"),
            ("+0.50", "500m"),
            ("250e-3", "250m"),
            ("1.5", "1500m"),
            ("1.50", "1500m"),
            ("0.0005", "1m"),
            ("4e1", "40"),
            ("1024Mi", "1Gi"),
            ("0.5Gi", "512Mi"),
            ("1.5Gi", "1536Mi"),
            ("1024Gi", "1Ti"),
            ("0.25Ti", "256Gi"),
            ("4194304Ki", "4Gi"),
            ("64.0Gi", "64Gi"),
            ("1e9", "1G"),
            ("1e6", "1M"),
            ("1e3", "1k"),
            ("500000000", "500M"),
            ("2000M", "2G"),
            ("256000k", "256M"),
            (" 250M ", "250M"),
            ("0", "0"),
            ("0m", "0"),
            ("-0", "0"),
            ("1", "1"),
            ("268435456", "256Mi"),
            ("04", "4"),
            ("10e9", "10G"),
            ("+1Gi", "1Gi"),
            ("1000Ki", "1024000"),
            ("0.001", "1m"),
            ("5.", "5"),
            ("1E", "1e18"),
            ("1E3", "1k"),
            ("1Ei", "1024Pi"),
            ("-1.5", "-1500m"),
            ("2500m", "2.5"),
            ("0.1n", "1n"),
            ("-0.1n", "-1n"),
            ("1e-400", "1n"),
            ("9.9999999999", "10"),
            ("1u", "1000n"),
            ("100Ei", "9223372036854775807"),
            ("0.1Ki", "102.4"),
            ("1e+2", "100"),
        ] {
            assert_kept(declared, live);
        }
    }

    #[test]
    fn different_numbers_differ() {
        for (declared, live) in [
            ("1", "2"),
            ("1M", "1Mi"),
            ("1k", "1Ki"),
            ("500m", "501m"),
            ("1", "-1"),
            ("1m", "1"),
            ("9007199254740993", "9007199254740992"),
            ("1e30", "1e31"),
            ("100m", "1"),
            ("1", "1n"),
            ("9223372036854775807", "9223372036854775806"),
        ] {
            let (a, b) = (Quantity::parse(declared), Quantity::parse(live));
            assert!(!a.unwrap().kept_as(&b.unwrap()), "{declared} is not {live}");
        }
    }

    #[test]
    fn rejects_text_that_the_server_refuses() {
        for text in [
            "",
            " ",
            ".",
            "-",
            "+",
            "m",
            "Ki",
            "1K",
            "1ki",
            "1mi",
            "1e",
            "1e1.5",
            "1.2.3",
            "1 Gi",
            "--1",
            "1GiB",
            "0x10",
            "1e99999999999999999999",
            "NaN",
            "१",
            "1é",
        ] {
            assert_eq!(Quantity::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_large_exponent_takes_no_time() {
        assert_kept("1e999999999", "10e999999998");
        assert_kept("0e999999999", "0");
        assert_eq!(
            Quantity::parse(&format!("1e{}", i64::MAX)),
            Quantity::parse(&format!("1e{}", i64::MAX))
        );
        assert_kept(&format!("0.1e{}", i64::MIN + 1), "1n");
        let long = "9".repeat(100_000);
        assert_kept(&format!("{long}Ei"), "9223372036854775807");
    }

    /// Returns a quantity of moderate size as a number of nanos.
    fn nanos(mantissa: i64, places: u32, unit: (i128, i128)) -> i128 {
        let (numerator, denominator) = unit;
        let divisor = 10i128.pow(places) * denominator;
        let value = i128::from(mantissa) * numerator * 1_000_000_000;
        let (quotient, rest) = (value / divisor, value % divisor);
        quotient + if rest == 0 { 0 } else { value.signum() }
    }

    const UNITS: [(&str, (i128, i128)); 12] = [
        ("", (1, 1)),
        ("n", (1, 1_000_000_000)),
        ("u", (1, 1_000_000)),
        ("m", (1, 1000)),
        ("k", (1000, 1)),
        ("M", (1_000_000, 1)),
        ("G", (1_000_000_000, 1)),
        ("Ki", (1 << 10, 1)),
        ("Mi", (1 << 20, 1)),
        ("Gi", (1 << 30, 1)),
        ("e2", (100, 1)),
        ("e-2", (1, 100)),
    ];

    fn written(mantissa: i64, places: u32, suffix: &str) -> String {
        let digits = format!(
            "{:0>width$}",
            mantissa.unsigned_abs(),
            width = places as usize + 1
        );
        let (whole, fraction) = digits.split_at(digits.len() - places as usize);
        let sign = if mantissa < 0 { "-" } else { "" };
        format!("{sign}{whole}.{fraction}{suffix}")
    }

    fn quantity_of(nanos: i128) -> Quantity {
        Quantity::parse(&format!("{nanos}n")).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

        #[test]
        fn values_are_exact_rationals(
            mantissa in -1_000_000_000_000i64..1_000_000_000_000, places in 0u32..12, unit in 0..UNITS.len(),
        ) {
            let (suffix, factor) = UNITS[unit];
            let quantity = Quantity::parse(&written(mantissa, places, suffix)).unwrap();
            let exact = nanos(mantissa, places, factor);
            // Binary values above the largest 64-bit number are capped, decimal ones are not.
            let limit = i128::from(i64::MAX) * 1_000_000_000;
            prop_assume!(!suffix.ends_with('i') || exact.abs() <= limit);
            prop_assert_eq!(&quantity, &quantity_of(exact));
            prop_assert_ne!(&quantity, &quantity_of(exact + 1));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = Quantity::parse(&text);
        }

        #[test]
        fn nothing_near_a_quantity_panics(text in "[+-]?[0-9]{0,30}[.]?[0-9]{0,30}[eEinumkMGTP]{0,2}[+-]?[0-9]{0,22}") {
            let _ = Quantity::parse(&text);
        }
    }
}
