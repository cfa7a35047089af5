//! Colour and width.

use owo_colors::{OwoColorize, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::escape;
use super::hunk::Side;
use crate::model::{MergeClass, Severity, Status};

/// What a piece of text is; what it looks like is decided here alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// As it is.
    Plain,
    /// Names of objects, headings.
    Bold,
    /// What is there to be found, not to be read: gutters, places, rules.
    Dim,
    /// Paths of fields.
    Path,
    /// What the manifest declares.
    Declared,
    /// The words of it that are not live.
    DeclaredWord,
    /// What is live.
    Live,
    /// The words of it that are not declared.
    LiveWord,
    /// A remark.
    Note,
    /// All is well.
    Good,
    /// Drift.
    Drift,
    /// What is wrong.
    Bad,
    /// What nobody knows.
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
            Self::Drift => style.yellow().bold(),
            Self::Bad => style.red().bold(),
            Self::Unknown => style.magenta().bold(),
            Self::Alarm => style.white().on_red().bold(),
        }
    }

    /// How a line of a comparison looks.
    pub fn of_side(side: Side) -> Self {
        match side {
            Side::Both => Self::Plain,
            Side::Declared => Self::Declared,
            Side::Live => Self::Live,
        }
    }

    /// How the words look that changed within such a line.
    pub fn of_words(side: Side) -> Self {
        match side {
            Side::Both => Self::Plain,
            Side::Declared => Self::DeclaredWord,
            Side::Live => Self::LiveWord,
        }
    }

    /// How the standing of an object looks.
    pub fn of_status(status: Status) -> Self {
        match status {
            Status::InSync => Self::Good,
            Status::Drifted | Status::Extra => Self::Drift,
            Status::Missing => Self::Bad,
            Status::Unknown => Self::Unknown,
            Status::Pending => Self::Note,
            Status::Conflict => Self::Alarm,
        }
    }

    /// How the class of a change looks.
    pub fn of_class(class: MergeClass) -> Self {
        match class {
            MergeClass::Conflict => Self::Alarm,
            MergeClass::Drift => Self::Drift,
            MergeClass::Pending => Self::Note,
            MergeClass::Backport => Self::Good,
        }
    }

    /// How a severity looks.
    pub fn of_severity(severity: Severity) -> Self {
        match severity {
            Severity::Low | Severity::Medium => Self::Dim,
            Severity::High => Self::Drift,
            Severity::Critical => Self::Bad,
        }
    }
}

/// A text that is already escaped, in its colour if colour is wanted.
pub fn paint(colour: bool, paint: Paint, text: &str) -> String {
    if colour && paint != Paint::Plain && !text.is_empty() {
        text.style(paint.style()).to_string()
    } else {
        text.to_owned()
    }
}

/// The columns that a text takes on a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// A line in the making: pieces of text with what they are.
#[derive(Debug, Clone, Default)]
pub struct Line {
    pieces: Vec<(Paint, String)>,
    width: usize,
}

impl Line {
    /// A line of one piece.
    pub fn of(paint: Paint, text: &str) -> Self {
        let mut line = Self::default();
        line.push(paint, text);
        line
    }

    /// Adds a text, escaped for the middle of a line.
    pub fn push(&mut self, paint: Paint, text: &str) -> &mut Self {
        // Escaping what is already escaped changes nothing.
        let text = escape::line(text).into_owned();
        if !text.is_empty() {
            self.width += width(&text);
            self.pieces.push((paint, text));
        }
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

    /// The columns it takes.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The line as text.
    pub fn render(&self, colour: bool) -> String {
        self.pieces
            .iter()
            .map(|(piece, text)| paint(colour, *piece, text))
            .collect()
    }

    /// The line in lines of at most `columns` each, broken after a blank where there is one near
    /// the end.
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
            rest = later;
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

/// How many characters go on a line of `columns`.
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
    let mut at = blank.map_or(fit, |blank| near + blank + 1);
    // A line that starts with two colons may be obeyed.
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
    fn colour_is_there_when_it_is_wanted() {
        assert_eq!(paint(false, Paint::Bad, "x"), "x");
        assert_eq!(paint(true, Paint::Plain, "x"), "x");
        assert!(paint(true, Paint::Bad, "x").starts_with("\u{1b}["));
    }

    #[test]
    fn lines_break_after_blanks_and_lose_nothing() {
        let line = Line::of(Paint::Plain, "one two three four");
        let parts: Vec<_> = line.wrap(10).iter().map(|l| l.render(false)).collect();
        assert_eq!(parts, ["one two ", "three four"]);
        let long = "x".repeat(25);
        let parts = Line::of(Paint::Plain, &long).wrap(10);
        assert_eq!(parts.len(), 3);
        let back: String = parts.iter().map(|l| l.render(false)).collect();
        assert_eq!(back, long);
    }

    #[test]
    fn wide_characters_count_twice() {
        let parts = Line::of(Paint::Plain, &"日".repeat(10)).wrap(10);
        assert_eq!(parts.len(), 2);
    }

    #[test]
    fn what_is_pushed_is_escaped() {
        assert_eq!(
            Line::of(Paint::Plain, "a\u{1b}[1m\n").render(false),
            "a\\u{1b}[1m\\n"
        );
    }
}
