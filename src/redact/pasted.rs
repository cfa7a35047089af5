//! Finds the values of Secrets where they were pasted: under a plain name, in an object of any
//! kind.
//!
//! Only values that look generated are searched for: those under a name such as `password`, and
//! those that mix letters and digits as no name of a host or a database does. They are found as
//! they are, in base64 at any offset, percent-encoded, and escaped as in JSON.

use std::collections::HashSet;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::echoes::is_distinctive;
use super::{DIFFERS, MASK, is_sensitive_name, text};
use crate::model::SecretValue;

/// Shorter values are not searched for: they could be anything.
const SHORTEST: usize = 8;

/// How many bytes of a value are compared. What follows the beginning of a longer one is masked up
/// to the next space or quote.
const LONGEST: usize = 256;

/// How many lines of a value are searched for by themselves.
const LINES: usize = 64;

/// How many values are searched for, so that a cluster full of Secrets costs bounded memory.
const MOST: usize = 200_000;

/// The values to search for.
#[derive(Clone, Default)]
pub(super) struct PastedValues {
    /// Those that look generated.
    index: Option<Arc<PastedIndex>>,
    /// All of them, for messages.
    all: Arc<[String]>,
    /// Parts of those that are not known as a whole, for messages.
    parts: Arc<HashSet<[u8; SHORTEST]>>,
}

struct PastedIndex {
    /// Sorted, and each once.
    values: Vec<String>,
    /// A bit for each beginning of a value.
    starts: Vec<u64>,
}

impl PastedValues {
    /// Prepares to search for the values of Secrets.
    pub fn of(secrets: &[SecretValue]) -> Self {
        let broken = secrets.iter().filter(|secret| !secret.is_whole);
        let broken = broken.filter(|secret| is_unlike_a_name(&secret.value));
        let parts = broken.flat_map(|secret| secret.value.as_bytes().windows(SHORTEST));
        Self {
            index: PastedIndex::of(secrets).map(Arc::new),
            all: secrets.iter().map(|secret| secret.value.clone()).collect(),
            parts: Arc::new(
                parts
                    .filter_map(|part| part.first_chunk().copied())
                    .collect(),
            ),
        }
    }

    /// Returns all values.
    pub fn all(&self) -> &[String] {
        &self.all
    }

    /// Masks the words of a message that contain a part of a value that is not known as a whole.
    pub fn mask_parts(&self, message: &mut String) {
        if self.parts.is_empty() {
            return;
        }
        let is_end = |c: char| c.is_whitespace() || "\"'`,;()[]{}<>=|:".contains(c);
        let mut masked = String::new();
        let mut rest = message.as_str();
        while !rest.is_empty() {
            let (word, after) = rest.split_at(rest.find(is_end).unwrap_or(rest.len()));
            let mut parts = word.as_bytes().windows(SHORTEST);
            let is_secret = parts.any(|part| {
                let part: Option<&[u8; SHORTEST]> = part.first_chunk();
                part.is_some_and(|part| self.parts.contains(part))
            });
            masked.push_str(if is_secret { MASK } else { word });
            let end = after.len() - after.trim_start_matches(is_end).len();
            let (signs, next) = after.split_at(end);
            masked.push_str(signs);
            rest = next;
        }
        *message = masked;
    }

    /// Masks the values in one text. Returns `None` if it contains none of them.
    pub fn mask(&self, text: &str) -> Option<String> {
        self.index.as_ref()?.mask(text)
    }

    /// Masks the values in two texts that differ; if no other difference is left, the second says
    /// that it differs.
    pub fn mask_both(&self, declared: &mut String, live: &mut String) -> bool {
        let differ = declared != live;
        let ours = self.mask(declared);
        let theirs = self.mask(live);
        let is_found = ours.is_some() || theirs.is_some();
        if let Some(masked) = ours {
            *declared = masked;
        }
        if let Some(masked) = theirs {
            *live = masked;
        }
        if is_found && differ && declared == live {
            *live = live.replace(MASK, DIFFERS);
        }
        is_found
    }
}

impl PastedIndex {
    /// Returns the values that look generated, if there are any.
    fn of(secrets: &[SecretValue]) -> Option<Self> {
        let mut plain: HashSet<String> = HashSet::new();
        for secret in secrets {
            searchable_parts(secret, &mut plain);
        }
        let mut plain: Vec<String> = plain.into_iter().collect();
        plain.sort_unstable();
        let mut values: Vec<String> = Vec::new();
        for value in &plain {
            if values.len() >= MOST {
                break;
            }
            forms(value, &mut values);
        }
        if values.is_empty() {
            return None;
        }
        for value in &mut values {
            value.truncate(compared_prefix(value).len());
        }
        values.sort_unstable();
        values.dedup();
        let bits = (values.len() * 16).next_power_of_two().max(4096);
        let mut index = Self {
            starts: vec![0; bits / 64],
            values,
        };
        for value in &index.values {
            if let Some(bit) = bit_of(value.as_bytes(), bits)
                && let Some(word) = index.starts.get_mut(bit / 64)
            {
                *word |= 1 << (bit % 64);
            }
        }
        Some(index)
    }

    /// Masks the values in one text. Returns `None` if it contains none of them.
    fn mask(&self, text: &str) -> Option<String> {
        let bytes = text.as_bytes();
        let bits = self.starts.len() * 64;
        let mut masked = String::new();
        let (mut at, mut from) = (0, 0);
        while let Some(rest) = bytes.get(at..).filter(|rest| rest.len() >= SHORTEST) {
            let found = bit_of(rest, bits)
                .filter(|bit| {
                    self.starts
                        .get(bit / 64)
                        .is_some_and(|word| word >> (bit % 64) & 1 == 1)
                })
                .and_then(|_| self.longest(rest));
            let Some(length) = found else {
                at += 1;
                continue;
            };
            masked.push_str(text.get(from..at)?);
            masked.push_str(MASK);
            at += length;
            if length + 4 > LONGEST {
                let is_over = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<');
                let rest = text.get(at..)?;
                at += rest.find(is_over).unwrap_or(rest.len());
            }
            from = at;
        }
        if masked.is_empty() {
            return None;
        }
        masked.push_str(text.get(from..)?);
        Some(masked)
    }

    /// Returns the length of the longest value that the text begins with.
    fn longest(&self, text: &[u8]) -> Option<usize> {
        let mut start = text.get(..LONGEST).unwrap_or(text);
        loop {
            let next = self.values.partition_point(|one| one.as_bytes() <= start);
            let last = self.values.get(next.checked_sub(1)?)?.as_bytes();
            let common = last.iter().zip(start).take_while(|(a, b)| a == b).count();
            if common == last.len() {
                return Some(common);
            }
            // Whatever begins the text and is shorter begins what both have in common.
            start = start.get(..common).filter(|it| it.len() >= SHORTEST)?;
        }
    }
}

/// Returns the bit for the beginning of a text.
fn bit_of(text: &[u8], bits: usize) -> Option<usize> {
    let start: [u8; SHORTEST] = text.get(..SHORTEST)?.try_into().ok()?;
    let mixed = u64::from_le_bytes(start).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(mixed >> 32)
        .ok()
        .map(|hash| hash & (bits - 1))
}

/// Adds what is worth searching for of a value: all of it, its lines, and the secrets in its text.
fn searchable_parts(secret: &SecretValue, found: &mut HashSet<String>) {
    let value = secret.value.trim();
    let is_named = is_sensitive_name(&secret.name);
    let is_one_line = !value.contains('\n');
    if is_one_line && is_secret(value, is_named) {
        found.insert(value.to_owned());
    }
    let is_text = |c: char| c.is_whitespace() || matches!(c, ':' | '=' | '{' | '"');
    if value.contains(is_text) {
        let mut within = Vec::new();
        text::mask_one(value, &mut within);
        let telling = within.iter().map(|one| one.trim());
        let telling = telling.filter(|one| !one.contains('\n') && is_secret(one, true));
        found.extend(telling.map(str::to_owned));
    }
    if !is_one_line && !value.contains("-----BEGIN ") {
        let lines = value.lines().take(LINES).map(str::trim);
        found.extend(
            lines
                .filter(|line| is_secret(line, false))
                .map(str::to_owned),
        );
    }
}

/// Returns whether a value is secret: its name says so, or it looks generated.
fn is_secret(value: &str, is_named: bool) -> bool {
    value.len() >= SHORTEST
        && is_distinctive(value)
        && !is_public(value)
        && (is_named && !is_reference(value) || is_made_up(value))
}

/// Returns whether a part of a value cannot be a part of a name, an address or a sentence.
fn is_unlike_a_name(value: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "./:_-".contains(c);
    value.len() >= SHORTEST
        && !value.contains("://")
        && !value.contains(char::is_whitespace)
        && !value.chars().all(is_of_name)
        && is_distinctive(value)
}

/// Returns whether a value is a certificate, which is not secret.
fn is_public(value: &str) -> bool {
    value.starts_with("-----BEGIN CERTIFICATE")
        || value.starts_with("LS0tLS1CRUdJTiBDRVJUSUZJQ0FUR")
}

/// Returns whether a value says where a secret is: a file or a URL.
fn is_reference(value: &str) -> bool {
    value.starts_with(['/', '$', '.']) || value.contains("://")
}

/// Returns whether a value looks as if no person had thought of it. Hosts, addresses, versions and
/// identifiers do not, nor do words with a number behind them.
fn is_made_up(value: &str) -> bool {
    let is_other = value.contains(char::is_whitespace)
        || value.contains("://")
        || value.starts_with("sha256:")
        || is_uuid(value);
    if is_other {
        return false;
    }
    let mut parts = value.split(['.', '/', ',', ':', '@']);
    parts.any(|part| is_mixed(part) || part.split(['-', '_']).any(is_dense))
}

/// Returns whether a text has letters of both cases, and digits between them.
fn is_mixed(part: &str) -> bool {
    let has = |is: fn(&u8) -> bool| part.bytes().any(|byte| is(&byte));
    part.len() >= SHORTEST
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && letter_digit_changes(part) >= 2
}

/// Returns whether a long text goes from letters to digits and back, as hexadecimal numbers do.
fn is_dense(part: &str) -> bool {
    part.len() >= 20 && letter_digit_changes(part) * 6 >= part.len()
}

/// Returns how often a text goes from a letter to a digit or back.
fn letter_digit_changes(part: &str) -> usize {
    let pairs = part.as_bytes().windows(2);
    let turns = pairs.filter(|pair| match pair {
        [a, b] => {
            a.is_ascii_digit() && b.is_ascii_alphabetic()
                || a.is_ascii_alphabetic() && b.is_ascii_digit()
        }
        _ => false,
    });
    turns.count()
}

/// Returns whether a value is a UUID, as tenants and clients have them.
fn is_uuid(value: &str) -> bool {
    value.len() == 36
        && value.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Returns the part of a value that is compared.
fn compared_prefix(value: &str) -> &str {
    let mut ends = (0..=LONGEST.min(value.len())).rev();
    ends.find_map(|end| value.get(..end)).unwrap_or(value)
}

/// Adds the forms in which a value may be written.
fn forms(value: &str, into: &mut Vec<String>) {
    into.push(value.to_owned());
    let start = compared_prefix(value);
    for offset in 0..3 {
        // What precedes a value in base64 decides how it is written; only the middle is its own.
        let mut bytes = vec![0; offset];
        bytes.extend_from_slice(start.as_bytes());
        let encoded = STANDARD_NO_PAD.encode(&bytes);
        let own = encoded.get((offset * 4).div_ceil(3)..bytes.len() / 3 * 4);
        let Some(own) = own.filter(|own| own.len() >= SHORTEST) else {
            continue;
        };
        let for_urls = own.replace('+', "-").replace('/', "_");
        if for_urls != own {
            into.push(for_urls);
        }
        if offset == 0 {
            // A value of `data`, encoded once more.
            let twice = STANDARD_NO_PAD.encode(own);
            into.extend(twice.get(..own.len() / 3 * 4).map(str::to_owned));
        }
        into.push(own.to_owned());
    }
    into.push(start.bytes().map(|byte| format!("{byte:02x}")).collect());
    let percent = percent_encoding::utf8_percent_encode(start, percent_encoding::NON_ALPHANUMERIC);
    let percent = percent.to_string();
    if percent != start {
        into.push(percent);
    }
    let escaped = serde_json::Value::from(start).to_string();
    let escaped = escaped.trim_matches('"');
    if escaped != start && escaped.len() >= SHORTEST {
        into.push(escaped.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn secret(name: &str, value: &str) -> SecretValue {
        SecretValue {
            name: name.to_owned(),
            value: value.to_owned(),
            is_whole: true,
        }
    }

    const VALUE: &str = "Zx9hunter2CANARYq7Wvv4";

    #[test]
    fn a_value_is_found_as_it_is_and_encoded() {
        let pasted = PastedValues::of(&[secret("value", "Zx9hun/ter2CANARYq7\"Wvv4")]);
        let value = "Zx9hun/ter2CANARYq7\"Wvv4";
        let mut shown = vec![value.to_owned(), value.replace('"', "\\\"")];
        shown.push(value.replace('/', "%2F").replace('"', "%22"));
        for before in ["", "a", "ab", "admin:"] {
            shown.push(STANDARD.encode(format!("{before}{value}")));
        }
        shown.push(STANDARD.encode(STANDARD.encode(value)));
        shown.push(value.bytes().map(|byte| format!("{byte:02x}")).collect());
        for text in shown {
            let text = format!("see {text} there");
            let masked = pasted.mask(&text).unwrap();
            assert!(masked.starts_with("see "), "{masked}");
            assert!(masked.contains(MASK) && masked.len() < 40, "{masked}");
        }
        assert_eq!(pasted.mask("see nothing there"), None);
    }

    #[test]
    fn words_with_a_part_of_a_broken_value_are_masked_in_messages() {
        let broken = |value: &str| SecretValue {
            is_whole: false,
            ..secret("", value)
        };
        let values = [
            "$^g$u1w0p7I~",
            "https://cart.example.com/A",
            "cart-database",
        ];
        let pasted = PastedValues::of(&values.map(broken));
        let mut message =
            "denied by \"w\": \"$^g$u1w0p7I~5u*$5Z\" at https://cart.example.com".to_owned();
        pasted.mask_parts(&mut message);
        assert_eq!(
            message,
            "denied by \"w\": \"(redacted)\" at https://cart.example.com"
        );
        let mut message = "é cart-database, $^g$u1w is too short".to_owned();
        pasted.mask_parts(&mut message);
        assert_eq!(message, "é cart-database, $^g$u1w is too short");
    }

    #[test]
    fn names_of_things_are_not_secrets() {
        for value in [
            "cart-db.shop.svc",
            "cart-database-01",
            "cart-7d9f8b6c5d-x2x9z",
            "arn:aws:iam::123456789012:role/AppRole",
            "https://Cart1.example.com/A2b3",
            "9f86d081-884c-4d65-a2fe-aa0c55ad015a",
            "production",
            "registry.example.com/cart:1.4.2",
            "10.0.12.13",
            "CartServiceName",
            "2026-11-21T20:00:00Z",
            "1234567890",
        ] {
            let pasted = PastedValues::of(&[secret("host", value)]);
            assert_eq!(pasted.mask(value), None, "{value}");
        }
        for (name, value) in [
            ("password", "correct-horse-battery"),
            ("value", VALUE),
            ("value", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"),
            ("config.yaml", "host: cart\npassword: some-thing-long\n"),
            ("url", "postgres://cart:some-thing-long@db/cart"),
        ] {
            let pasted = PastedValues::of(&[secret(name, value)]);
            let asked = if value.contains("some-thing") {
                "some-thing-long"
            } else {
                value
            };
            assert_eq!(pasted.mask(asked).as_deref(), Some(MASK), "{value}");
        }
    }

    #[test]
    fn masks_the_longest_of_values_with_a_common_prefix() {
        let longer = format!("{VALUE}A1b2");
        let other = format!("{VALUE}A1b9zz");
        let pasted = PastedValues::of(&[
            secret("a", VALUE),
            secret("b", &longer),
            secret("c", &other),
        ]);
        for (text, expected) in [
            (format!("<{longer}>"), "<(redacted)>"),
            (format!("<{VALUE}>"), "<(redacted)>"),
            (format!("<{VALUE}A1b5>"), "<(redacted)A1b5>"),
        ] {
            assert_eq!(pasted.mask(&text).as_deref(), Some(expected));
        }
    }

    #[test]
    fn long_values_are_masked_to_their_end() {
        let long = VALUE.repeat(100);
        let pasted = PastedValues::of(&[secret("token", &long)]);
        let masked = pasted.mask(&format!("a '{long}' b")).unwrap();
        assert_eq!(masked, "a '(redacted)' b");
    }

    #[test]
    fn reports_that_masked_values_in_the_same_text_differ() {
        let pasted = PastedValues::of(&[secret("a", VALUE), secret("b", "Ty8winter3KANARIp6Xuu5")]);
        let mut declared = format!("x {VALUE}");
        let mut live = "x Ty8winter3KANARIp6Xuu5".to_owned();
        assert!(pasted.mask_both(&mut declared, &mut live));
        assert_eq!([declared, live], ["x (redacted)", "x (redacted, differs)"]);
    }
}
