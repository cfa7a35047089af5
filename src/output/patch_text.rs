//! Writes changes of files as patches for `git apply`.

use std::io::{self, Write};
use std::ops::Range;

use similar::TextDiff;

/// Writes the change of one file as a patch; `name` is its path from the root of the repository.
///
/// # Errors
/// Only those of `out`.
pub fn patch_text(
    name: &str,
    before: &str,
    after: &str,
    context: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let diff = TextDiff::from_lines(before, after);
    let (old, new) = (quoted(&format!("a/{name}")), quoted(&format!("b/{name}")));
    // The patch contains the text unescaped: escaped text would not apply.
    let mut unified = diff.unified_diff();
    let unified = unified.context_radius(context).header(&old, &new);
    write!(out, "{unified}")
}

/// Returns the lines of the original that a patch shows with `context` lines of context, counted
/// from 1.
pub fn shown_lines(before: &str, after: &str, context: usize) -> Vec<Range<usize>> {
    let diff = TextDiff::from_lines(before, after);
    let groups = diff.grouped_ops(context);
    let ranges = groups.iter().filter_map(|group| {
        let (first, last) = (group.first()?, group.last()?);
        Some(first.old_range().start + 1..last.old_range().end + 1)
    });
    ranges.collect()
}

/// Returns a name quoted as Git does.
fn quoted(name: &str) -> String {
    let is_plain = |c: char| !c.is_control() && c != '"' && c != '\\';
    if name.chars().all(is_plain) {
        return match name.contains(' ') {
            true => format!("{name}\t"),
            false => name.to_owned(),
        };
    }
    let mut quoted = String::from("\"");
    for byte in name.bytes() {
        match byte {
            b'"' => quoted.push_str("\\\""),
            b'\\' => quoted.push_str("\\\\"),
            b' '..=b'~' => quoted.push(char::from(byte)),
            byte => quoted.push_str(&format!("\\{byte:03o}")),
        }
    }
    quoted.push('"');
    quoted
}
