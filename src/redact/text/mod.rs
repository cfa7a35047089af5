//! Secrets within text: configuration files in a ConfigMap, command lines, URLs, PEM blocks.
//!
//! Text is scanned a fixed number of times, whatever it contains: everything that is found is
//! skipped, and looking back or ahead is limited.

mod assignments;
mod commands;
mod cursor;
mod pairs;
mod scan;
mod signs;
mod tokens;
mod values;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::names::is_sensitive_name;
use super::{DIFFERS, MASK};
use assignments::assignments;
pub(super) use assignments::is_header_value;
pub(super) use commands::in_arguments;
use signs::{authorizations, pem_blocks, repeats_objects, url_passwords};
use tokens::well_known_tokens;
pub(super) use values::is_no_secret;

/// A secret within text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SecretSpan<'t> {
    at: Range<usize>,
    /// Its name; the same secret in two texts has the same name.
    name: &'t str,
}

/// The kind of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextKind {
    /// Data: whatever may be a secret counts as one.
    Data,
    /// A message: driftctl's own sentences, which may quote data. Text after the word "secret" and
    /// a colon is usually the rest of the sentence.
    Message,
}

/// Masks the secrets in one text. Returns `None` if it contains no secret.
pub(super) fn mask_one(text: &str, found: &mut Vec<String>) -> Option<String> {
    mask_as(text, TextKind::Data, found)
}

/// Masks the secrets that a message quotes. Returns `None` if it quotes no secret.
pub(super) fn mask_message(text: &str) -> Option<String> {
    mask_as(text, TextKind::Message, &mut Vec::new())
}

fn mask_as(text: &str, voice: TextKind, found: &mut Vec<String>) -> Option<String> {
    let spans = spans(text, voice);
    if spans.is_empty() {
        return None;
    }
    record_secrets(text, &spans, found);
    Some(apply(text, &spans, |_| MASK))
}

/// Masks the secrets in both sides of a comparison. If a live secret differs from the declared one
/// of the same name, the mask says only that it differs.
pub(super) fn mask_both(
    declared: &str,
    live: &str,
    found: &mut Vec<String>,
) -> Option<(String, String)> {
    let (ours, theirs) = (spans(declared, TextKind::Data), spans(live, TextKind::Data));
    if ours.is_empty() && theirs.is_empty() {
        return None;
    }
    record_secrets(declared, &ours, found);
    record_secrets(live, &theirs, found);
    let counterparts = counterparts(&ours, &theirs);
    let masked = apply(live, &theirs, |i| match counterparts[i] {
        Some(other) if declared[other.at.clone()] != live[theirs[i].at.clone()] => DIFFERS,
        _ => MASK,
    });
    Some((apply(declared, &ours, |_| MASK), masked))
}

/// Returns, for each span of the live side, the one of the declared side with the same name and
/// index.
fn counterparts<'s, 't>(
    ours: &'s [SecretSpan<'t>],
    theirs: &[SecretSpan<'t>],
) -> Vec<Option<&'s SecretSpan<'t>>> {
    let mut by_name: HashMap<&str, std::vec::IntoIter<&SecretSpan<'t>>> = HashMap::new();
    let mut grouped: HashMap<&str, Vec<&SecretSpan<'t>>> = HashMap::new();
    for span in ours {
        grouped.entry(span.name).or_default().push(span);
    }
    for (name, spans) in grouped {
        by_name.insert(name, spans.into_iter());
    }
    let next = |span: &SecretSpan<'t>| by_name.get_mut(span.name).and_then(Iterator::next);
    theirs.iter().map(next).collect()
}

fn record_secrets(text: &str, spans: &[SecretSpan<'_>], found: &mut Vec<String>) {
    found.extend(spans.iter().map(|span| text[span.at.clone()].to_owned()));
}

fn apply(text: &str, spans: &[SecretSpan<'_>], mask: impl Fn(usize) -> &'static str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (i, span) in spans.iter().enumerate() {
        out.push_str(&text[from..span.at.start]);
        out.push_str(mask(i));
        from = span.at.end;
    }
    out.push_str(&text[from..]);
    out
}

/// Returns the secrets in text, in order and without overlaps.
fn spans(text: &str, voice: TextKind) -> Vec<SecretSpan<'_>> {
    // Most texts are short, and lack a sign that every secret of a form has.
    let signs = TextSigns::of(text);
    // A message names the kind of an object as often as it quotes one.
    let quotes_objects = voice == TextKind::Data || text.contains("ata\"") || text.contains("ata:");
    if quotes_objects && (signs.colon || signs.slash) && repeats_objects(text) {
        return vec![span(0..text.len(), "")];
    }
    let mut spans = Vec::new();
    if signs.dash && signs.space {
        pem_blocks(text, &mut spans);
    }
    if signs.at {
        url_passwords(text, &mut spans);
    }
    well_known_tokens(text, &mut spans);
    if signs.space || signs.percent {
        authorizations(text, &mut spans);
    }
    if signs.space {
        commands::passwords(text, &mut spans);
    }
    assignments(text, voice, &mut spans);
    merge_spans(text, spans)
}

/// The kinds of secrets that text may contain.
#[derive(Default)]
struct TextSigns {
    at: bool,
    colon: bool,
    dash: bool,
    percent: bool,
    slash: bool,
    space: bool,
}

impl TextSigns {
    fn of(text: &str) -> Self {
        let mut signs = Self::default();
        for byte in text.bytes() {
            match byte {
                b'@' => signs.at = true,
                b':' => signs.colon = true,
                b'-' => signs.dash = true,
                b'%' => signs.percent = true,
                b'/' => signs.slash = true,
                b' ' => signs.space = true,
                _ => {}
            }
        }
        signs
    }
}

fn span(at: Range<usize>, name: &str) -> SecretSpan<'_> {
    SecretSpan { at, name }
}

/// Sorts, joins overlaps, and leaves out existing masks.
fn merge_spans<'t>(text: &str, mut spans: Vec<SecretSpan<'t>>) -> Vec<SecretSpan<'t>> {
    spans.retain(|span| !span.at.is_empty());
    spans.sort_by_key(|span| (span.at.start, std::cmp::Reverse(span.at.end)));
    let mut out: Vec<SecretSpan<'_>> = Vec::new();
    for span in spans {
        match out.last_mut() {
            Some(last) if span.at.start < last.at.end => {
                last.at.end = last.at.end.max(span.at.end);
            }
            _ => out.push(span),
        }
    }
    out.retain(|span| !matches!(&text[span.at.clone()], MASK | DIFFERS));
    out
}

/// Returns whether an argument is a flag whose value is the next argument, and secret:
/// `--password`.
pub(super) fn is_secret_flag(argument: &str) -> bool {
    argument.starts_with('-')
        && !argument.contains(['=', ' ', '\n'])
        && is_sensitive_name(argument.trim_start_matches('-'))
}

/// Returns whether a field contains the value of a name next to it: `value`, `default`.
pub(super) fn is_value_field(name: &str) -> bool {
    pairs::VALUES
        .iter()
        .any(|field| name.eq_ignore_ascii_case(field))
}

/// Returns the name of a header that decides about its value.
pub(super) fn header_name(name: &str) -> &'static str {
    if name.eq_ignore_ascii_case("auth") {
        "auth"
    } else {
        "authorization"
    }
}

/// Returns whether base64 decodes to text with secrets in it, or to a key store.
pub(super) fn is_binary_secret(encoded: &str) -> bool {
    let joined: String = encoded.split_ascii_whitespace().collect();
    let Ok(bytes) = STANDARD.decode(joined) else {
        return mask_one(encoded, &mut Vec::new()).is_some();
    };
    // Java's key stores, and PKCS #12: a sequence that begins with the version 3.
    let is_store = bytes.starts_with(&[0xfe, 0xed, 0xfe, 0xed])
        || bytes.starts_with(&[0xce, 0xce, 0xce, 0xce])
        || bytes.first() == Some(&0x30) && bytes.get(4..7) == Some(&[2, 1, 3]);
    is_store || !spans(&String::from_utf8_lossy(&bytes), TextKind::Data).is_empty()
}
