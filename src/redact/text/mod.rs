//! Secrets within text: configuration files in a ConfigMap, command lines, URLs, PEM blocks.

mod assignments;
mod signs;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::names::is_sensitive_name;
use super::{DIFFERS, MASK};
use assignments::assignments;
use signs::{may_hold_secret, pem_blocks, repeats_objects, url_passwords, well_known_tokens};

/// A secret within a text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    at: Range<usize>,
    /// What it is called there; the same secret of two texts goes by the same name.
    name: String,
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

/// Whether an argument is a flag whose value is the next argument, and secret: `--password`.
pub(super) fn is_secret_flag(argument: &str) -> bool {
    argument.starts_with('-')
        && !argument.contains(['=', ' ', '\n'])
        && is_sensitive_name(argument.trim_start_matches('-'))
}
