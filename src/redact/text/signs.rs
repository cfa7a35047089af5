//! Secrets that are known by what they look like, wherever they stand.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::{Span, span};

/// Texts with these in them repeat whole objects, Secrets among them.
pub(super) const WHOLE_OBJECTS: &[&str] = &["kubectl.kubernetes.io/last-applied-configuration"];

/// What tokens of well-known services start with, and how many characters follow at least.
pub(super) const TOKEN_PREFIXES: &[(&str, usize)] = &[
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("ghp_", 20),
    ("gho_", 20),
    ("ghs_", 20),
    ("ghu_", 20),
    ("github_pat_", 20),
    ("glpat-", 20),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("sk_live_", 10),
    ("rk_live_", 10),
    ("eyJ", 30),
];

/// A text without any of these, in whatever case, holds nothing that is looked for. Most texts are
/// such, and one pass tells.
const HINTS: &[&str] = &[
    "pass",
    "pwd",
    "secret",
    "token",
    "cred",
    "key",
    "dsn",
    "connection",
    "auth",
    "cookie",
    "://",
    "last-applied",
    "akia",
    "asia",
    "aiza",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "_live_",
    "eyj",
];

/// Whether it is worth looking.
pub(super) fn may_hold_secret(text: &str) -> bool {
    static HINTED: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(HINTS)
            .ok()
    });
    HINTED.as_ref().is_none_or(|hints| hints.is_match(text))
}

/// Whether a text holds whole objects that may be Secrets: a manifest within a ConfigMap, a copy
/// of an object in an annotation.
pub(super) fn repeats_objects(text: &str) -> bool {
    WHOLE_OBJECTS.iter().any(|sign| text.contains(sign))
        || text.match_indices("kind").any(|(at, _)| {
            let rest = text[at + 4..].trim_start_matches(['"', '\'', '\\']);
            let rest = rest.trim_start_matches([' ', '\t']);
            rest.strip_prefix(':').is_some_and(|rest| {
                let rest = rest.trim_start_matches([' ', '\t', '"', '\'', '\\']);
                rest.strip_prefix("Secret").is_some_and(|rest| {
                    !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-' || c == '_')
                })
            })
        })
}

/// The bodies of private keys.
pub(super) fn pem_blocks(text: &str, spans: &mut Vec<Span>) {
    const BEGIN: &str = "-----BEGIN ";
    let mut from = 0;
    while let Some(start) = text[from..].find(BEGIN).map(|at| from + at) {
        let label = &text[start + BEGIN.len()..];
        let Some(dashes) = label.find("-----") else {
            return;
        };
        let body = start + BEGIN.len() + dashes + 5;
        if label[..dashes].ends_with("PRIVATE KEY") {
            let end = text[body..]
                .find("-----END ")
                .map_or(text.len(), |at| body + at);
            spans.push(span(body..end, "private key"));
        }
        from = body;
    }
}

/// `scheme://user:password@host`: the password, also where slashes in it ought to be encoded.
pub(super) fn url_passwords(text: &str, spans: &mut Vec<Span>) {
    for (at, _) in text.match_indices("://") {
        let start = at + 3;
        let end = text[start..]
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`'))
            .map_or(text.len(), |len| start + len);
        let url = &text[start..end];
        let Some((before, host)) = url.rsplit_once('@') else {
            continue;
        };
        let Some((user, password)) = before.split_once(':') else {
            continue;
        };
        // `registry:5000/cart@sha256:…` has a port there.
        let digest = host.starts_with("sha256:") || host.starts_with("sha512:");
        if !user.contains(['/', '?']) && !digest {
            let from = start + user.len() + 1;
            spans.push(span(from..from + password.len(), "url password"));
        }
    }
}

/// Tokens that say by their first letters whose they are.
pub(super) fn well_known_tokens(text: &str, spans: &mut Vec<Span>) {
    for (prefix, least) in TOKEN_PREFIXES {
        for (at, _) in text.match_indices(prefix) {
            let fresh = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
            let rest = &text[at + prefix.len()..];
            let len = rest.bytes().take_while(|b| is_token_byte(*b)).count();
            if fresh && len >= *least {
                spans.push(span(at..at + prefix.len() + len, prefix));
            }
        }
    }
}

/// Whether names and tokens are made of it.
pub(super) fn is_token_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')
}
