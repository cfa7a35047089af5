//! Escapes invisible characters, and text that a terminal or a log reader would interpret.
//!
//! Values, names, keys, paths and messages come from manifests and clusters, whose authors may want
//! to move the cursor, recolour the terminal, or hide or reverse text. Every character that does
//! so, or that is invisible, is written as `\u{202e}`, on a terminal or not: a log may be shown on
//! a terminal later. CI systems interpret commands in logs; those are broken by escaping a
//! character in the same way.

use std::borrow::Cow;
use std::fmt::Write;

pub use crate::facts::{harmful, is_harmful, is_hidden};

/// Escapes multi-line text: everything harmful is escaped, line feeds and tabs stay.
pub fn text(raw: &str) -> Cow<'_, str> {
    escaped(raw, |_| false)
}

/// Escapes text within a line: line feeds and tabs are escaped too.
///
/// ```
/// use driftctl::output::escape;
/// assert_eq!(escape::line("a\u{1b}[31m\nb"), "a\\u{1b}[31m\\nb");
/// ```
pub fn line(raw: &str) -> Cow<'_, str> {
    escaped(raw, |c| matches!(c, '\n' | '\t'))
}

fn escaped(raw: &str, also: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !is_harmful(raw) && !raw.contains(&also) {
        return Cow::Borrowed(raw);
    }
    let mut marked = harmful(raw).map(|(at, _)| at).peekable();
    let mut out = String::with_capacity(raw.len() + 16);
    for (at, c) in raw.char_indices() {
        let harmful = marked.next_if_eq(&at).is_some();
        match c {
            '\n' if also(c) => out.push_str("\\n"),
            '\t' if also(c) => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if harmful => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_ordinary_text_unchanged() {
        for text in ["", "plain ASCII ~", "é ü 日本語 → …", "😀", "a\nb\tc"] {
            assert!(matches!(super::text(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn escapes_characters_that_move_hide_or_reverse_text() {
        let hidden = (0..0x20)
            .chain(0x7f..0xa0)
            .chain(0x200b..=0x200f)
            .chain(0x2028..=0x202e)
            .chain(0x2060..=0x2069)
            .chain([
                0xad, 0x61c, 0x180e, 0xfeff, 0xfe0f, 0xfffe, 0xffff, 0xe0041, 0x10ffff,
            ]);
        for c in hidden.filter_map(char::from_u32) {
            let shown = line(&format!("a{c}b")).into_owned();
            assert!(!shown.contains(c), "{:x}", c as u32);
            assert!(shown.starts_with("a\\") && shown.ends_with('b'), "{shown}");
        }
    }

    #[test]
    fn escapes_line_feeds_within_lines() {
        assert_eq!(line("a\nb\tc\r"), "a\\nb\\tc\\r");
        assert_eq!(text("a\nb\tc\r\n"), "a\nb\tc\\r\n");
    }

    #[test]
    fn escapes_commands_to_ci_systems() {
        for (raw, shown) in [
            ("::set-output name=a::b", "\\u{3a}:set-output name=a::b"),
            ("  ::add-mask::b", "  \\u{3a}:add-mask::b"),
            ("a ##vso[task.complete]b", "a #\\u{23}vso[task.complete]b"),
            ("##[group]x", "#\\u{23}[group]x"),
            ("###[x", "##\\u{23}[x"),
        ] {
            assert_eq!(line(raw), shown);
            assert_eq!(text(&format!("a\n{raw}")), format!("a\n{shown}"));
            assert_eq!(line(shown), shown, "once is enough");
        }
        for raw in [
            "::1",
            "::/0",
            "::ffff:10.0.0.1",
            "## [title]",
            "a::b::c",
            "# [x]",
        ] {
            assert_eq!(line(raw), raw);
        }
    }
}
