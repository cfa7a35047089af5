//! Finds values in messages that were masked elsewhere.

use std::collections::{BTreeSet, HashSet};

use aho_corasick::{AhoCorasick, Match, MatchKind};

use super::{DIFFERS, HIDDEN, MASK};

/// Shorter masked texts are not searched for in messages: they would be found everywhere.
const SHORTEST: usize = 6;

/// Placeholders for values.
const MASKS: [&str; 3] = [MASK, DIFFERS, HIDDEN];

/// The values that messages may quote.
pub(super) struct QuotableValues {
    values: Option<AhoCorasick>,
    /// Whether each is a plain word.
    words: Vec<bool>,
    /// API groups, which the report shows anyway.
    groups: BTreeSet<String>,
}

impl QuotableValues {
    /// Prepares to search for masked values in messages. Few of a million values are in any
    /// message: values whose beginning is in no message are dropped first. `also` are further values.
    pub(super) fn of(messages: &[&mut String], mut found: Vec<String>, also: &[String]) -> Self {
        let mut starts: HashSet<&[u8]> = HashSet::new();
        for message in messages {
            starts.extend(message.as_bytes().windows(SHORTEST));
        }
        let longest = messages.iter().map(|message| message.len()).max();
        let may_be_quoted = |text: &String| {
            (SHORTEST..=longest.unwrap_or_default()).contains(&text.len())
                && starts.contains(&text.as_bytes()[..SHORTEST])
                && !MASKS.contains(&text.as_str())
        };
        found.retain(may_be_quoted);
        found.extend(also.iter().filter(|text| may_be_quoted(text)).cloned());
        found.sort_unstable();
        found.dedup();
        Self {
            words: found.iter().map(|text| is_plain_word(text)).collect(),
            groups: BTreeSet::new(),
            values: match found.is_empty() {
                true => None,
                // The longest first, so that a part of one does not break up another.
                false => AhoCorasick::builder()
                    .match_kind(MatchKind::LeftmostLongest)
                    .build(&found)
                    .ok(),
            },
        }
    }

    /// Exempts API groups from masking where a message contains the whole name.
    pub(super) fn exempting(mut self, groups: BTreeSet<String>) -> Self {
        self.groups = groups;
        self
    }

    /// Returns whether a match is part of the name of an API group.
    fn is_in_group(&self, message: &str, found: &Match) -> bool {
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        let before = message[..found.start()].trim_end_matches(is_of_name).len();
        let after = &message[found.end()..];
        let end = message.len() - after.trim_start_matches(is_of_name).len();
        let name = message[before..end].trim_end_matches('.');
        let mut groups = self.groups.iter();
        groups.any(|group| {
            let at = name.strip_suffix(group.as_str());
            // `ExternalSecret.external-secrets.io`
            at.is_some_and(|kind| {
                (kind.is_empty() || kind.ends_with('.')) && before + kind.len() <= found.start()
            })
        })
    }

    /// Masks the values in a message.
    pub(super) fn mask(&self, message: &mut String) {
        let Some(values) = &self.values else { return };
        let mut masked = String::new();
        let mut from = 0;
        for found in values.find_iter(message.as_str()) {
            let quoted = message[..found.start()].ends_with(is_quote)
                && message[found.end()..].starts_with(is_quote);
            let is_word = self.words[found.pattern().as_usize()] && !quoted;
            if is_word || self.is_in_group(message, &found) {
                continue;
            }
            masked.push_str(&message[from..found.start()]);
            masked.push_str(MASK);
            from = found.end();
        }
        if from > 0 {
            masked.push_str(&message[from..]);
            *message = masked;
        }
    }
}

/// The length of a part of a masked value that a message must not contain.
const PART: usize = 8;

/// Returns whether a message contains a part of a masked value, in any case and either direction.
/// Policies compute messages from objects, and may cut or reverse a value or change its case.
pub(super) fn contains_part(message: &str, found: &[String]) -> bool {
    let message = message.to_lowercase();
    let parts: HashSet<&[u8]> = message.as_bytes().windows(PART).collect();
    if parts.is_empty() {
        return false;
    }
    found.iter().any(|value| {
        if !is_distinctive(value) {
            return false;
        }
        let value = value.to_lowercase();
        let turned: String = value.chars().rev().collect();
        [value, turned].iter().any(|value| {
            let mut windows = value.as_bytes().windows(PART);
            windows.any(|part| parts.contains(part))
        })
    })
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '“' | '”')
}

/// Returns whether text that contains this value was probably made from it.
pub(super) fn is_distinctive(value: &str) -> bool {
    value.len() >= SHORTEST && !is_plain_word(value) && !MASKS.contains(&value)
}

/// Returns whether a value is an ordinary word. Masking it everywhere would remove words from
/// driftctl's own sentences, and thereby reveal it; it is masked only where it is quoted.
fn is_plain_word(text: &str) -> bool {
    text.chars().all(char::is_alphabetic) && !text.chars().skip(1).any(char::is_uppercase)
}
