//! Secrets that are known by the name that stands before them.

use std::ops::Range;

use super::signs::is_token_byte;
use super::{DIFFERS, MASK, Span, span};
use crate::redact::names::{is_credential_header, is_sensitive_name};

/// `password=…`, `"token": "…"`, `--api-key=…` on one line, and the lines of the block that a
/// sensitive name opened on a line before (`block` is its indentation).
pub(super) fn assignments(
    line: &str,
    offset: usize,
    block: &mut Option<usize>,
    spans: &mut Vec<Span>,
) {
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
