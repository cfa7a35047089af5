//! Finds tokens of known services by their prefix.

use std::sync::LazyLock;

use super::{SecretSpan, span};
use crate::redact::literals::Literals;

/// The forms of tokens, one per line.
const FORMS: &str = include_str!("tokens.txt");

/// The form of one service's tokens.
#[derive(Debug)]
pub(super) struct TokenForm {
    /// The prefix.
    pub(super) start: &'static str,
    characters: Characters,
    /// The minimum number of characters after it.
    least: usize,
}

/// The characters of a token.
#[derive(Debug, Clone, Copy)]
enum Characters {
    Upper,
    Hex,
    Alnum,
    Word,
    Base64,
    Address,
    Hash,
}

impl Characters {
    fn holds(self, byte: u8) -> bool {
        match self {
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Word => is_word_byte(byte),
            Self::Base64 => is_word_byte(byte) || matches!(byte, b'+' | b'/' | b'='),
            Self::Address => Self::Base64.holds(byte) || matches!(byte, b':' | b'%'),
            Self::Hash => Self::Base64.holds(byte) || matches!(byte, b'$' | b','),
        }
    }
}

/// Returns whether it is a character of names and most tokens.
pub(super) fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Returns every known form.
pub(super) fn forms() -> &'static [TokenForm] {
    static KNOWN: LazyLock<Vec<TokenForm>> =
        LazyLock::new(|| FORMS.lines().filter_map(form).collect());
    &KNOWN
}

fn form(line: &'static str) -> Option<TokenForm> {
    let mut words = line.split_ascii_whitespace();
    let start = words.next().filter(|start| !start.starts_with('#'))?;
    let characters = match words.next()? {
        "upper" => Characters::Upper,
        "hex" => Characters::Hex,
        "alnum" => Characters::Alnum,
        "word" => Characters::Word,
        "base64" => Characters::Base64,
        "address" => Characters::Address,
        "hash" => Characters::Hash,
        _ => return None,
    };
    Some(TokenForm {
        start,
        characters,
        least: words.next()?.parse().ok()?,
    })
}

/// Finds the tokens of well-known services. Each byte is checked a limited number of times: a run
/// that is long enough is skipped, and a shorter one costs little.
pub(super) fn well_known_tokens<'t>(text: &'t str, spans: &mut Vec<SecretSpan<'t>>) {
    static STARTS: Literals = Literals::of_lines(FORMS);
    let bytes = text.as_bytes();
    let (mut from, mut done) = (0, 0);
    while let Some((found, form)) = STARTS.find(bytes, from, |form| Some(forms().get(form)?.start))
    {
        from = found.end;
        let form = &forms()[form];
        let fresh = found.start == 0 || !bytes[found.start - 1].is_ascii_alphanumeric();
        if found.start < done || !fresh {
            continue;
        }
        let run = bytes[found.end..]
            .iter()
            .take_while(|byte| form.characters.holds(**byte))
            .count();
        if run < form.least || !is_random(&bytes[found.end..found.end + run]) {
            // A longer run that is not a token contains each prefix only once.
            done = found.end + if run < form.least { 0 } else { run };
            continue;
        }
        // The rest of the token, in a form newer than the list.
        let more = bytes[found.end + run..]
            .iter()
            .take_while(|byte| Characters::Base64.holds(**byte))
            .count();
        done = found.end + run + more;
        spans.push(span(found.start..done, form.start));
    }
}

/// Returns whether text is more than words joined by dashes.
fn is_random(run: &[u8]) -> bool {
    run.iter().any(u8::is_ascii_digit)
        || (run.iter().any(u8::is_ascii_uppercase) && run.iter().any(u8::is_ascii_lowercase))
        || !run.iter().any(|byte| matches!(byte, b'-' | b'_' | b'.'))
}
