//! Finds values in messages that were masked elsewhere.

use std::collections::HashSet;

use aho_corasick::{AhoCorasick, MatchKind};

use super::{DIFFERS, HIDDEN, MASK};

/// Shorter masked texts are not searched for in messages: they would be found everywhere.
const SHORTEST: usize = 6;

/// Placeholders for values.
const MASKS: [&str; 3] = [MASK, DIFFERS, HIDDEN];

/// The values that messages may quote.
pub(super) struct Echoes {
    values: Option<AhoCorasick>,
    /// Which of them are plain words.
    words: Vec<bool>,
}

impl Echoes {
    /// Prepares to search for masked values in messages. Few of a million values are in any
    /// message: values whose beginning is in no message are dropped first.
    pub(super) fn of(messages: &[&mut String], mut found: Vec<String>) -> Self {
        let mut starts: HashSet<&[u8]> = HashSet::new();
        for message in messages {
            starts.extend(message.as_bytes().windows(SHORTEST));
        }
        let longest = messages.iter().map(|message| message.len()).max();
        found.retain(|text| {
            (SHORTEST..=longest.unwrap_or_default()).contains(&text.len())
                && starts.contains(&text.as_bytes()[..SHORTEST])
                && !MASKS.contains(&text.as_str())
        });
        found.sort_unstable();
        found.dedup();
        Self {
            words: found.iter().map(|text| is_plain_word(text)).collect(),
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

    /// Masks them in a message.
    pub(super) fn mask(&self, message: &mut String) {
        let Some(values) = &self.values else { return };
        let mut masked = String::new();
        let mut from = 0;
        for found in values.find_iter(message.as_str()) {
            let quoted = message[..found.start()].ends_with(is_quote)
                && message[found.end()..].starts_with(is_quote);
            if self.words[found.pattern().as_usize()] && !quoted {
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

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '“' | '”')
}

/// Returns whether text that contains this value was probably made from it.
pub(super) fn is_telling(value: &str) -> bool {
    value.len() >= SHORTEST && !is_plain_word(value) && !MASKS.contains(&value)
}

/// Returns whether a value is an ordinary word. Masking it everywhere would remove words from
/// driftctl's own sentences, and thereby reveal it; it is masked only where it is quoted.
fn is_plain_word(text: &str) -> bool {
    text.chars().all(char::is_alphabetic) && !text.chars().skip(1).any(char::is_uppercase)
}
