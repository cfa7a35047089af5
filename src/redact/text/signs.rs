//! Finds secrets by what they look like.

use super::tokens::is_word_byte;
use super::{SecretSpan, span};
use crate::redact::literals::Literals;

/// Texts that contain these repeat whole objects, including Secrets.
pub(super) const WHOLE_OBJECTS: &[&str] = &["kubectl.kubernetes.io/last-applied-configuration"];

/// The length limit of the label of a PEM block.
const LONGEST_LABEL: usize = 64;

/// The length limit of a user name before the password of a URL.
const LONGEST_USER: usize = 512;

/// Returns whether text contains whole objects that may be Secrets: a manifest within a ConfigMap,
/// a copy of an object in an annotation.
pub(super) fn repeats_objects(text: &str) -> bool {
    WHOLE_OBJECTS.iter().any(|sign| text.contains(sign))
        || text
            .match_indices("kind")
            .any(|(at, _)| is_secret(&text[at + 4..]))
}

/// Returns whether the text after the word `kind` says that the object is a Secret, or a list of
/// them.
fn is_secret(rest: &str) -> bool {
    let rest = skip(rest, &['"', '\'', '\\']);
    let Some(rest) = skip(rest, &[' ', '\t']).strip_prefix(':') else {
        return false;
    };
    let mut rest = skip(rest, &[' ', '\t', '"', '\'', '\\']);
    // A tag and an anchor may come before the value.
    for _ in 0..2 {
        if rest.starts_with(['!', '&']) {
            let word = rest
                .bytes()
                .take(64)
                .take_while(|b| !b.is_ascii_whitespace());
            rest = skip(&rest[word.count()..], &[' ', '\t', '"', '\'', '\\']);
        }
    }
    let word = rest
        .bytes()
        .take(16)
        .take_while(|b| is_word_byte(*b))
        .count();
    ["secret", "secrets", "secretlist"]
        .iter()
        .any(|kind| rest[..word].eq_ignore_ascii_case(kind))
}

/// Skips a limited number of characters: nobody writes more.
fn skip<'t>(text: &'t str, any_of: &[char]) -> &'t str {
    let mut rest = text;
    for _ in 0..32 {
        match rest.strip_prefix(any_of) {
            Some(shorter) => rest = shorter,
            None => break,
        }
    }
    rest
}

/// The parts of labels of blocks that are secret: private keys, and the shared keys of OpenVPN.
const LABELS: [&str; 2] = ["PRIVATE KEY", "Static key"];

/// Finds the bodies of private keys.
pub(super) fn pem_blocks<'t>(text: &'t str, spans: &mut Vec<SecretSpan<'t>>) {
    const BEGIN: &str = "-----BEGIN ";
    let mut from = 0;
    while let Some(start) = text[from..].find(BEGIN).map(|at| from + at) {
        let label = start + BEGIN.len();
        from = label;
        let len = text.as_bytes()[label..]
            .iter()
            .take(LONGEST_LABEL)
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b' ')
            .count();
        let body = label + len + "-----".len();
        if !text[label + len..].starts_with("-----")
            || !LABELS
                .iter()
                .any(|sign| text[label..label + len].contains(sign))
        {
            continue;
        }
        let end = text[body..]
            .find("-----END ")
            .map_or(text.len(), |at| body + at);
        spans.push(span(body..end, "private key"));
        from = end;
    }
}

/// Finds passwords in `scheme://user:password@host`, even with unencoded slashes, and keys alone
/// before the `@`.
pub(super) fn url_passwords<'t>(text: &'t str, spans: &mut Vec<SecretSpan<'t>>) {
    let mut word_end = 0;
    let mut last_at = None;
    for (at, _) in text.match_indices("://") {
        let start = at + 3;
        if start > word_end {
            // All addresses of one word end with it.
            word_end = text[start..]
                .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`'))
                .map_or(text.len(), |len| start + len);
            last_at = text[start..word_end].rfind('@').map(|at| start + at);
        }
        let Some(sign) = last_at.filter(|sign| *sign > start) else {
            continue;
        };
        // `registry:5000/cart@sha256:…` has a port there.
        let host = &text[sign + 1..word_end];
        if host.starts_with("sha256:") || host.starts_with("sha512:") {
            continue;
        }
        let before = &text[start..sign];
        let user = before
            .bytes()
            .take(LONGEST_USER)
            .take_while(|b| !matches!(b, b':' | b'/' | b'?'))
            .count();
        if before.as_bytes().get(user) == Some(&b':') {
            spans.push(span(start + user + 1..sign, "url password"));
        } else if user == before.len() && is_key(before) {
            spans.push(span(start..sign, "url password"));
        }
    }
    driver_passwords(text, spans);
}

/// Finds passwords in the addresses of Go's database drivers: `user:password@tcp(host:3306)/db`.
fn driver_passwords<'t>(text: &'t str, spans: &mut Vec<SecretSpan<'t>>) {
    for sign in ["@tcp(", "@unix(", "@cloudsql("] {
        let mut done = 0;
        for (at, _) in text.match_indices(sign) {
            let mut from = at.saturating_sub(LONGEST_USER).max(done);
            done = at + sign.len();
            while !text.is_char_boundary(from) {
                from += 1;
            }
            let word = text[from..at]
                .rfind(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`'))
                .map_or(from, |len| from + len + 1);
            if let Some(colon) = text.get(word..at).and_then(|word| word.find(':')) {
                spans.push(span(word + colon + 1..at, "url password"));
            }
        }
    }
}

fn is_key(text: &str) -> bool {
    text.len() >= 16 && text.bytes().any(|b| b.is_ascii_digit()) && text.bytes().all(is_word_byte)
}

/// Finds credentials after the name of an HTTP authorization scheme: `Bearer …`, `Basic …`.
pub(super) fn authorizations<'t>(text: &'t str, spans: &mut Vec<SecretSpan<'t>>) {
    const SCHEMES: &[&str] = &["bearer ", "basic ", "bearer%20", "bearer\\ "];
    static FOUND: Literals = Literals::of(SCHEMES, true);
    let mut from = 0;
    while let Some((found, _)) =
        FOUND.find(text.as_bytes(), from, |scheme| SCHEMES.get(scheme).copied())
    {
        from = found.end;
        let run = text.as_bytes()[from..]
            .iter()
            .take_while(|b| is_word_byte(**b) || matches!(b, b'+' | b'/' | b'=' | b'~'))
            .count();
        let value = &text[from..from + run];
        if run >= 8 && is_credential(value) {
            spans.push(span(from..from + run, "authorization"));
        }
    }
}

/// Returns whether a word looks like a credential and not like a natural word: it contains digits
/// or signs, or capitals after small letters.
pub(super) fn is_credential(word: &str) -> bool {
    let word = word.trim_matches(|c: char| {
        matches!(
            c,
            '.' | ',' | ';' | ':' | '!' | '?' | '(' | ')' | '"' | '\'' | '`'
        )
    });
    let bytes = word.as_bytes();
    if bytes.len() < 4 || word.contains("://") || word.starts_with(['/', '.', '~', '<', '[']) {
        return false;
    }
    if bytes.iter().all(|b| b.is_ascii_digit()) {
        return bytes.len() >= 6;
    }
    if is_version(bytes) || word.ends_with("()") {
        return false;
    }
    let sign = |b: &u8| b"!@#$%^&*+=~".contains(b);
    bytes.iter().any(u8::is_ascii_digit)
        || bytes.iter().any(sign)
        || bytes
            .windows(2)
            .any(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase())
}

/// Returns whether it is a number with little around it: `v1.2.3`, `1.27`, `30s`, `2024-05-01`.
fn is_version(bytes: &[u8]) -> bool {
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    let marks = bytes.iter().filter(|b| b".-:/%".contains(b)).count();
    digits > 0
        && bytes.len() - digits - marks <= 2
        && bytes.len() <= 12
        && (marks > 0 || digits <= 4)
}
