//! Secrets within text: configuration files in a ConfigMap, command lines, URLs, PEM blocks.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::names::{is_credential_header, is_sensitive_name};
use super::{DIFFERS, MASK};

/// A secret within a text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    at: Range<usize>,
    /// What it is called there; the same secret of two texts goes by the same name.
    name: String,
}

/// Texts with these in them repeat whole objects, Secrets among them.
const WHOLE_OBJECTS: &[&str] = &["kubectl.kubernetes.io/last-applied-configuration"];

/// What tokens of well-known services start with, and how many characters follow at least.
const TOKEN_PREFIXES: &[(&str, usize)] = &[
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

fn may_hold_secret(text: &str) -> bool {
    static HINTED: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(HINTS)
            .ok()
    });
    HINTED.as_ref().is_none_or(|hints| hints.is_match(text))
}

/// Masks the secrets in one text. `None` when there are none.
pub(super) fn mask_one(text: &str, found: &mut Vec<String>) -> Option<String> {
    let spans = spans(text);
    if spans.is_empty() {
        return None;
    }
    note(text, &spans, found);
    Some(apply(text, &spans, |_| MASK))
}

/// Masks the secrets in both sides of a comparison. A secret of the live side whose namesake on
/// the declared side is another says that it differs, and nothing more.
pub(super) fn mask_both(
    declared: &str,
    live: &str,
    found: &mut Vec<String>,
) -> Option<(String, String)> {
    let (ours, theirs) = (spans(declared), spans(live));
    if ours.is_empty() && theirs.is_empty() {
        return None;
    }
    note(declared, &ours, found);
    note(live, &theirs, found);
    let masked = apply(live, &theirs, |i| match counterpart(&ours, &theirs, i) {
        Some(other) if declared[other.at.clone()] == live[theirs[i].at.clone()] => MASK,
        Some(_) => DIFFERS,
        None => MASK,
    });
    Some((apply(declared, &ours, |_| MASK), masked))
}

/// The span of the other side with the same name, and as many namesakes before it.
fn counterpart<'s>(ours: &'s [Span], theirs: &[Span], index: usize) -> Option<&'s Span> {
    let span = theirs.get(index)?;
    let nth = theirs[..index]
        .iter()
        .filter(|s| s.name == span.name)
        .count();
    ours.iter().filter(|s| s.name == span.name).nth(nth)
}

fn note(text: &str, spans: &[Span], found: &mut Vec<String>) {
    found.extend(spans.iter().map(|span| text[span.at.clone()].to_owned()));
}

fn apply(text: &str, spans: &[Span], mask: impl Fn(usize) -> &'static str) -> String {
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

/// The secrets of a text, in order and apart from each other.
fn spans(text: &str) -> Vec<Span> {
    if !may_hold_secret(text) {
        return Vec::new();
    }
    if repeats_objects(text) {
        return vec![span(0..text.len(), "")];
    }
    let mut spans = Vec::new();
    pem_blocks(text, &mut spans);
    url_passwords(text, &mut spans);
    well_known_tokens(text, &mut spans);
    let mut at = 0;
    let mut block = None;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        assignments(content, at, &mut block, &mut spans);
        at += line.len();
    }
    apart(spans)
}

fn span(at: Range<usize>, name: &str) -> Span {
    Span {
        at,
        name: name.to_owned(),
    }
}

/// Sorts, and joins what overlaps.
fn apart(mut spans: Vec<Span>) -> Vec<Span> {
    spans.retain(|span| !span.at.is_empty());
    spans.sort_by_key(|span| (span.at.start, std::cmp::Reverse(span.at.end)));
    let mut out: Vec<Span> = Vec::new();
    for span in spans {
        match out.last_mut() {
            Some(last) if span.at.start < last.at.end => {
                last.at.end = last.at.end.max(span.at.end);
            }
            _ => out.push(span),
        }
    }
    out
}

/// Whether a text holds whole objects that may be Secrets: a manifest within a ConfigMap, a copy
/// of an object in an annotation.
fn repeats_objects(text: &str) -> bool {
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

fn pem_blocks(text: &str, spans: &mut Vec<Span>) {
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
fn url_passwords(text: &str, spans: &mut Vec<Span>) {
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

fn well_known_tokens(text: &str, spans: &mut Vec<Span>) {
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

fn is_token_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')
}

/// `password=…`, `"token": "…"`, `--api-key=…` on one line, and the lines of the block that a
/// sensitive name opened on a line before (`block` is its indentation).
fn assignments(line: &str, offset: usize, block: &mut Option<usize>, spans: &mut Vec<Span>) {
    let indent = line.len() - line.trim_start().len();
    if line.trim().is_empty() {
        return;
    }
    if let Some(outer) = *block {
        if indent > outer || line[indent..].starts_with("- ") {
            spans.push(span(offset + indent..offset + line.len(), "block"));
            return;
        }
        *block = None;
    }
    let mut from = 0;
    for (at, sign) in line.match_indices([':', '=']) {
        if at < from {
            continue;
        }
        let Some(name) = name_before(&line[..at]) else {
            continue;
        };
        if !is_sensitive_name(name) && !is_credential_header(name) {
            continue;
        }
        let first = line[..at].trim_start_matches([' ', '\t', '-']).len()
            <= name.len() + "export ".len() + 2;
        let flag = line[..at].trim_start().starts_with('-') && sign == "=";
        let value = value_after(line, at + 1, first && !flag);
        if matches!(
            line[value.clone()].trim_end_matches(['+', '-']),
            "" | "|" | ">"
        ) {
            if first && value.end == line.len() {
                *block = Some(indent);
            }
            continue;
        }
        from = value.end;
        spans.push(span(offset + value.start..offset + value.end, name));
    }
}

/// The name that an assignment's left side ends in.
fn name_before(left: &str) -> Option<&str> {
    let left = left.trim_end_matches([' ', '\t', '?', '+', ':']);
    let left = left.trim_end_matches(['"', '\'', '\\']);
    let start = left
        .rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')))
        .map_or(0, |at| {
            at + left[at..].chars().next().map_or(1, char::len_utf8)
        });
    let name = left[start..].trim_start_matches('-');
    (!name.is_empty()).then_some(name)
}

/// Where the value of an assignment lies: within its quotes, else up to the end of the line when
/// the assignment is all of it, else up to what separates it from the next.
fn value_after(line: &str, from: usize, whole_line: bool) -> Range<usize> {
    let gap = line[from..].len() - line[from..].trim_start_matches([' ', '\t']).len();
    let start = from + gap;
    let rest = &line[start..];
    if let Some(mask) = [DIFFERS, MASK].iter().find(|mask| rest.starts_with(**mask)) {
        return start..start + mask.len(); // masked before
    }
    let escaped = rest.starts_with("\\\"");
    if let (Some(quote @ ('"' | '\'')), false) | (Some(quote @ '\\'), true) =
        (rest.chars().next(), escaped)
    {
        let open = start + if escaped { 2 } else { 1 };
        let len = quoted_len(&line[open..], if escaped { '\\' } else { quote });
        return open..open + len;
    }
    if whole_line {
        return start..line.trim_end().len().max(start);
    }
    start..start + bare_len(rest)
}

/// How far a value without quotes reaches: up to a blank, or to a separator that is followed by
/// another assignment. A password may well have such characters in it.
fn bare_len(text: &str) -> usize {
    let ends = |at: usize, c: char| match c {
        c if c.is_whitespace() => true,
        ',' | ';' | '&' => starts_assignment(&text[at + 1..]),
        _ => false,
    };
    text.char_indices()
        .find(|(at, c)| ends(*at, *c))
        .map_or(text.len(), |(at, _)| at)
}

fn starts_assignment(text: &str) -> bool {
    let text = text.trim_start_matches([' ', '"', '\'', '\\']);
    let name = text.bytes().take_while(|b| is_token_byte(*b)).count();
    let after = text[name..].trim_start_matches(['"', '\'', '\\', ' ']);
    name > 0 && after.starts_with(['=', ':'])
}

/// How far a quoted text reaches, with backslashes escaping what follows them. `'\\'` stands for
/// the quote `\"` of JSON within JSON.
fn quoted_len(text: &str, quote: char) -> usize {
    if quote == '\\' {
        return text.find("\\\"").unwrap_or(text.len());
    }
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            c if c == quote => return at,
            _ => {}
        }
    }
    text.len()
}

/// Whether an argument is a flag whose value is the next argument, and secret: `--password`.
pub(super) fn is_secret_flag(argument: &str) -> bool {
    argument.starts_with('-')
        && !argument.contains(['=', ' ', '\n'])
        && is_sensitive_name(argument.trim_start_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn masks(text: &str, expected: &str) {
        let masked = mask_one(text, &mut Vec::new());
        assert_eq!(masked.as_deref().unwrap_or(text), expected);
    }

    #[test]
    fn assignments_of_every_style() {
        masks("db.password=hunter2", "db.password=(redacted)");
        masks(
            "user: a\npassword: hunter 2\nhost: b",
            "user: a\npassword: (redacted)\nhost: b",
        );
        masks(
            r#"{"user":"a","password":"hun\"ter2","x":1}"#,
            r#"{"user":"a","password":"(redacted)","x":1}"#,
        );
        masks(
            r#"{\"password\":\"hunter2\"}"#,
            r#"{\"password\":\"(redacted)\"}"#,
        );
        masks(
            "--db-password=hunter2 --verbose",
            "--db-password=(redacted) --verbose",
        );
        masks("export TOKEN='a b'", "export TOKEN='(redacted)'");
        masks("Authorization: Bearer abc", "Authorization: (redacted)");
        masks(
            "https://a.example/x?token=abc&y=1",
            "https://a.example/x?token=(redacted)&y=1",
        );
    }

    #[test]
    fn blocks_below_a_sensitive_name() {
        masks(
            "password: |\n  hunter2\n  hunter3\nuser: a",
            "password: |\n  (redacted)\n  (redacted)\nuser: a",
        );
        masks(
            "tokens:\n- abc\n- def\nuser: a",
            "tokens:\n(redacted)\n(redacted)\nuser: a",
        );
    }

    #[test]
    fn urls_keys_and_tokens() {
        masks(
            "postgres://shop:hunter2@db:5432/shop",
            "postgres://shop:(redacted)@db:5432/shop",
        );
        masks("amqp://a:b/c@d@mq/x", "amqp://a:(redacted)@mq/x");
        masks("oci://a:80/b@sha256:c", "oci://a:80/b@sha256:c");
        masks("http://a/b:c@d", "http://a/b:c@d");
        masks(
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----(redacted)-----END RSA PRIVATE KEY-----",
        );
        masks("use AKIAABCDEFGHIJKLMNOP here", "use (redacted) here");
    }

    #[test]
    fn copies_of_objects_are_masked_whole() {
        masks("apiVersion: v1\nkind: Secret\ndata: {a: b}", "(redacted)");
        masks(r#"{"kind": "Secret","data":{"a":"b"}}"#, "(redacted)");
        masks(
            r#"{"kubectl.kubernetes.io/last-applied-configuration":"{}"}"#,
            "(redacted)",
        );
    }

    #[test]
    fn nothing_that_is_looked_for_goes_without_a_hint() {
        let names = super::super::names::all();
        let tokens = TOKEN_PREFIXES.iter().map(|(prefix, _)| *prefix);
        let signs = WHOLE_OBJECTS.iter().copied();
        for wanted in names
            .chain(tokens)
            .chain(signs)
            .chain(["PRIVATE KEY", "Secret"])
        {
            assert!(may_hold_secret(wanted), "{wanted}");
        }
    }

    #[test]
    fn innocent_text_stays() {
        for text in [
            "kind: SecretStore",
            "image: shop/cart:1.4",
            "http://shop.example:8080/path",
            "passwordFile: /run/secrets/db",
            "a: b = c",
        ] {
            masks(text, text);
        }
    }

    #[test]
    fn a_secret_that_differs_says_just_that() {
        let (declared, live) = mask_both(
            "a=1\npassword=one\ntoken=t",
            "a=2\npassword=two\ntoken=t",
            &mut Vec::new(),
        )
        .unwrap();
        assert_eq!(declared, "a=1\npassword=(redacted)\ntoken=(redacted)");
        assert_eq!(live, "a=2\npassword=(redacted, differs)\ntoken=(redacted)");
    }
}
