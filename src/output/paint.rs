//! Colour and width of text.

use std::borrow::Cow;

use owo_colors::{OwoColorize, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::escape;
use super::hunk::HunkSide;
use crate::model::{MergeClass, ObjectStatus, Severity};

/// The role of a piece of text; only this module decides how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// As it is.
    Plain,
    /// Names of objects, headings.
    Bold,
    /// Secondary text: gutters, places, rules.
    Dim,
    /// Paths of fields.
    Path,
    /// Declared values.
    Declared,
    /// The words of it that are not live.
    DeclaredWord,
    /// Live values.
    Live,
    /// The words of it that are not declared.
    LiveWord,
    /// A note.
    Note,
    /// Success.
    Good,
    /// A warning.
    Caution,
    /// Drift.
    Drift,
    /// An error.
    Bad,
    /// Unknown.
    Unknown,
    /// A verdict that must not be missed.
    Alarm,
}

impl Paint {
    fn style(self) -> Style {
        let style = Style::new();
        match self {
            Self::Plain => style,
            Self::Bold => style.bold(),
            Self::Dim => style.dimmed(),
            Self::Path => style.cyan(),
            Self::Declared => style.red(),
            Self::DeclaredWord => style.red().bold().underline(),
            Self::Live => style.green(),
            Self::LiveWord => style.green().bold().underline(),
            Self::Note => style.blue(),
            Self::Good => style.green().bold(),
            Self::Caution => style.yellow(),
            Self::Drift => style.yellow().bold(),
            Self::Bad => style.red().bold(),
            Self::Unknown => style.magenta().bold(),
            Self::Alarm => style.white().on_red().bold(),
        }
    }

    /// Returns the style of a line of a comparison.
    pub fn of_side(side: HunkSide) -> Self {
        match side {
            HunkSide::Both => Self::Plain,
            HunkSide::Declared => Self::Declared,
            HunkSide::Live => Self::Live,
        }
    }

    /// Returns the style of the changed words within such a line.
    pub fn of_words(side: HunkSide) -> Self {
        match side {
            HunkSide::Both => Self::Plain,
            HunkSide::Declared => Self::DeclaredWord,
            HunkSide::Live => Self::LiveWord,
        }
    }

    /// Returns the style of an object's status.
    pub fn of_status(status: ObjectStatus) -> Self {
        match status {
            ObjectStatus::InSync => Self::Good,
            ObjectStatus::Drifted | ObjectStatus::Extra => Self::Drift,
            ObjectStatus::Missing => Self::Bad,
            ObjectStatus::Unknown => Self::Unknown,
            ObjectStatus::Pending => Self::Note,
            ObjectStatus::Conflict => Self::Alarm,
        }
    }

    /// Returns the style of a change's class.
    pub fn of_class(class: MergeClass) -> Self {
        match class {
            MergeClass::Conflict => Self::Alarm,
            MergeClass::Drift => Self::Drift,
            MergeClass::Pending => Self::Note,
            MergeClass::Backport => Self::Good,
        }
    }

    /// Returns the style of a severity.
    pub fn of_severity(severity: Severity) -> Self {
        match severity {
            Severity::Low | Severity::Medium => Self::Dim,
            Severity::High => Self::Drift,
            Severity::Critical => Self::Bad,
        }
    }
}

/// Returns escaped text, with colour if wanted.
pub fn paint(colour: bool, paint: Paint, text: &str) -> String {
    if colour && paint != Paint::Plain && !text.is_empty() {
        text.style(paint.style()).to_string()
    } else {
        text.to_owned()
    }
}

/// Returns text with ASCII instead of line-drawing characters.
pub fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '│' => out.push('|'),
            '→' => out.push_str("->"),
            '…' => out.push_str("..."),
            '⋮' => out.push(':'),
            '·' => out.push('-'),
            '⇥' => out.push('>'),
            '━' => out.push('='),
            other => out.push(other),
        }
    }
    out
}

/// Returns the width of text on a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Returns the end of a text that fits into so many columns, with an ellipsis before it.
pub fn end_of(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut left = columns.saturating_sub(1);
    let fits = text.char_indices().rev().take_while(|(at, c)| {
        let wide = width(&text[*at..*at + c.len_utf8()]);
        let fits = wide <= left;
        left = left.saturating_sub(wide);
        fits
    });
    let end = fits.last().map_or("", |(at, _)| &text[at..]);
    // The ellipsis of a path that is shortened already.
    Cow::Owned(format!("…{}", end.trim_start_matches('…')))
}

/// A line being built: pieces of text with their styles.
#[derive(Debug, Clone, Default)]
pub struct StyledLine {
    pieces: Vec<(Paint, String)>,
    width: usize,
    /// The piece that is a link, and its target.
    link: Option<(usize, String)>,
}

impl StyledLine {
    /// Returns a line of one piece.
    pub fn of(paint: Paint, text: &str) -> Self {
        let mut line = Self::default();
        line.push(paint, text);
        line
    }

    /// Adds text, escaped for use within a line.
    pub fn push(&mut self, paint: Paint, text: &str) -> &mut Self {
        // Escaping again changes nothing.
        let text = escape::line(text).into_owned();
        if !text.is_empty() {
            self.width += width(&text);
            self.pieces.push((paint, text));
        }
        self
    }

    /// Adds text that is a link, if there is a target. A line has one link.
    pub fn push_link(&mut self, paint: Paint, text: &str, url: Option<String>) -> &mut Self {
        self.push(paint, text);
        let last = self.pieces.len().checked_sub(1);
        self.link = last.zip(url);
        self
    }

    /// Adds another line.
    pub fn append(&mut self, other: Self) -> &mut Self {
        self.width += other.width;
        self.pieces.extend(other.pieces);
        self
    }

    /// Adds blanks up to a column.
    pub fn pad_to(&mut self, column: usize) -> &mut Self {
        let blanks = column.saturating_sub(self.width);
        self.push(Paint::Plain, &" ".repeat(blanks))
    }

    /// Returns its width.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns the line as text.
    pub fn render(&self, colour: bool) -> String {
        let pieces = self.pieces.iter().enumerate();
        pieces
            .map(|(at, (piece, text))| {
                let text = paint(colour, *piece, text);
                match &self.link {
                    Some((link, url)) if *link == at => {
                        format!("\u{1b}]8;;{url}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\")
                    }
                    _ => text,
                }
            })
            .collect()
    }

    /// Returns the line, cut if it is wider than `columns`.
    #[must_use]
    pub fn cut(self, columns: usize) -> Self {
        if self.width <= columns {
            return self;
        }
        let mut chars: Vec<(Paint, char)> = Vec::new();
        let mut used = 1;
        for (paint, text) in &self.pieces {
            for c in text.chars() {
                used += c.width().unwrap_or(0);
                if used > columns {
                    let mut line = Self::of_chars(&chars);
                    line.push(Paint::Dim, "…");
                    return line;
                }
                chars.push((*paint, c));
            }
        }
        self
    }

    /// Returns the line in lines of at most `columns` each. It breaks after a blank, before an
    /// element of a path or after a comma, if one is near the end.
    pub fn wrap(self, columns: usize) -> Vec<Self> {
        let columns = columns.max(8);
        if self.width <= columns {
            return vec![self];
        }
        let chars: Vec<(Paint, char)> = self
            .pieces
            .iter()
            .flat_map(|(paint, text)| text.chars().map(|c| (*paint, c)))
            .collect();
        let mut lines = Vec::new();
        let mut rest = &chars[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(break_at(rest, columns));
            lines.push(Self::of_chars(now));
            // A single blank after a full line ends that line.
            rest = match (now, later) {
                ([.., (_, last)], [(_, ' '), after @ ..])
                    if *last != ' ' && !matches!(after, [(_, ' '), ..]) =>
                {
                    after
                }
                _ => later,
            };
        }
        lines
    }

    fn of_chars(chars: &[(Paint, char)]) -> Self {
        let mut line = Self::default();
        for run in chars.chunk_by(|a, b| a.0 == b.0) {
            let text: String = run.iter().map(|(_, c)| c).collect();
            line.push(run[0].0, &text);
        }
        line
    }
}

/// Returns how many characters fit on a line of `columns`.
fn break_at(chars: &[(Paint, char)], columns: usize) -> usize {
    let mut used = 0;
    let mut fit = 0;
    for (_, c) in chars {
        used += c.width().unwrap_or(0);
        if used > columns {
            break;
        }
        fit += 1;
    }
    if fit == chars.len() {
        return fit;
    }
    let near = fit.saturating_sub(columns / 3);
    let blank = chars[near..fit].iter().rposition(|(_, c)| *c == ' ');
    // A path without a blank breaks before one of its elements, and JSON after a comma.
    let element = || {
        let starts = |at: &usize| match chars[*at].1 {
            '[' => *at > near,
            '.' => *at > near && chars[*at - 1].1 == ']',
            _ => *at > near && chars[*at - 1].1 == ',',
        };
        (near..=fit).rev().find(starts)
    };
    // A word that fits on a line of its own is not split.
    let word = || {
        let far = fit / 3;
        let blank = far + chars[far..fit].iter().rposition(|(_, c)| *c == ' ')?;
        let rest = chars[blank + 1..].iter();
        let word = rest.map(|(_, c)| *c).take_while(|c| *c != ' ');
        let width: usize = word.map(|c| c.width().unwrap_or(0)).sum();
        (width <= columns).then_some(blank + 1)
    };
    let at = blank.map(|blank| near + blank + 1);
    let mut at = at.or_else(element).or_else(word).unwrap_or(fit);
    // A line does not start with what ends a phrase.
    while at > 1 && matches!(chars[at].1, ',' | ';' | ')') {
        at -= 1;
    }
    // A line that starts with two colons may be interpreted as a command.
    while at > 1
        && chars[at..]
            .iter()
            .take(2)
            .filter(|(_, c)| *c == ':')
            .count()
            == 2
    {
        at -= 1;
    }
    at.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_keeps_its_end() {
        assert_eq!(end_of(".spec.replicas", 14), ".spec.replicas");
        assert_eq!(end_of(".spec.replicas", 10), "….replicas");
        assert_eq!(end_of("….spec.replicas", 14), "…spec.replicas");
        assert_eq!(end_of(".spec.replicas", 0), "…");
    }

    #[test]
    fn adds_colour_only_on_request() {
        assert_eq!(paint(false, Paint::Bad, "x"), "x");
        assert_eq!(paint(true, Paint::Plain, "x"), "x");
        assert!(paint(true, Paint::Bad, "x").starts_with("\u{1b}["));
    }

    #[test]
    fn breaks_lines_after_blanks_and_loses_nothing() {
        let line = StyledLine::of(Paint::Plain, "one two three four");
        let parts: Vec<_> = line.wrap(10).iter().map(|l| l.render(false)).collect();
        assert_eq!(parts, ["one two ", "three four"]);
        let path = StyledLine::of(Paint::Plain, ".spec.containers[name=\"web\"].image");
        let parts: Vec<_> = path.wrap(18).iter().map(|l| l.render(false)).collect();
        assert_eq!(parts, [".spec.containers", "[name=\"web\"].image"]);
        let name = StyledLine::of(Paint::Plain, "a job in the shop, kubectl-client-side-apply");
        let parts: Vec<_> = name.wrap(40).iter().map(|l| l.render(false)).collect();
        assert_eq!(parts, ["a job in the shop, ", "kubectl-client-side-apply"]);
        let list = StyledLine::of(Paint::Plain, "of .spec.containers[name=\"web\"], a.b");
        let parts: Vec<_> = list.wrap(32).iter().map(|l| l.render(false)).collect();
        assert_eq!(parts, ["of .spec.containers[name=\"web\"],", "a.b"]);
        let long = "x".repeat(25);
        let parts = StyledLine::of(Paint::Plain, &long).wrap(10);
        assert_eq!(parts.len(), 3);
        let back: String = parts.iter().map(|l| l.render(false)).collect();
        assert_eq!(back, long);
    }

    #[test]
    fn a_location_may_be_a_link() {
        let mut line = StyledLine::of(Paint::Plain, "a ");
        line.push_link(Paint::Plain, "b.yaml:3", Some("file:///b.yaml".to_owned()));
        assert_eq!(
            line.render(false),
            "a \u{1b}]8;;file:///b.yaml\u{1b}\\b.yaml:3\u{1b}]8;;\u{1b}\\"
        );
        assert_eq!(line.width(), 10);
    }

    #[test]
    fn draws_lines_with_ascii_on_request() {
        assert_eq!(ascii("  9 │ ~ a → b … ⋮"), "  9 | ~ a -> b ... :");
    }

    #[test]
    fn wide_characters_count_twice() {
        let parts = StyledLine::of(Paint::Plain, &"日".repeat(10)).wrap(10);
        assert_eq!(parts.len(), 2);
    }

    #[test]
    fn escapes_pushed_text() {
        assert_eq!(
            StyledLine::of(Paint::Plain, "a\u{1b}[1m\n").render(false),
            "a\\u{1b}[1m\\n"
        );
    }
}
