//! Both sides of a change, in as few lines as they need.

use serde_json::Value;

use crate::model::{Change, ChangeKind, JudgedChange, PathElement};
use crate::output::RenderOptions;
use crate::output::hunk::{self, Hunk, Side};
use crate::output::paint::{Line, Paint};
use crate::output::view;
use crate::output::yaml_text::{self, Style};

/// Lines of a block or of hunks that are shown without `--verbose`.
const MOST_LINES: usize = 40;

/// Characters of one unchanged stretch of a long line that are shown around a change.
const AROUND: usize = 60;

/// Lines longer than this, in characters, are cut around their changes.
const LONG_LINE: usize = 600;

/// What there is to show of a change.
pub(super) enum Sides {
    /// One line says it all: `3 → 5`.
    Short(Line),
    /// Lines with a sign each.
    Long(Vec<Line>),
}

/// Lays out both sides of a change.
pub(super) fn sides(change: &Change, options: &RenderOptions) -> Sides {
    let room = options.width.saturating_sub(12).max(20);
    match (&change.declared, &change.live) {
        // The path names the item of a set by its value.
        (Some(value), None) | (None, Some(value))
            if change.path.0.last() == Some(&PathElement::Value(value.clone())) =>
        {
            Sides::Short(Line::default())
        }
        (Some(declared), Some(live)) => both(declared, live, room, options),
        (Some(value), None) | (None, Some(value)) => {
            let side = if change.kind == ChangeKind::Removed {
                Side::Declared
            } else {
                Side::Live
            };
            one(value, side, room, options)
        }
        (None, None) => Sides::Long(Vec::new()),
    }
}

/// All three values of a change in conflict, below one another.
pub(super) fn three(drift: &JudgedChange, options: &RenderOptions) -> Sides {
    let mut lines = Vec::new();
    for (name, value) in view::three(drift) {
        let side = if name == "live" {
            Side::Live
        } else {
            Side::Declared
        };
        let paint = if name == "base" {
            Paint::Plain
        } else {
            Paint::of_side(side)
        };
        let label = |text: &str| {
            let mut line = Line::of(Paint::Dim, &format!("{name:<7} "));
            line.push(paint, text);
            line
        };
        match value {
            None => lines.push(label(if name == "live" {
                "not live"
            } else {
                "not declared"
            })),
            Some(value) if is_one_line(value) => lines.push(label(&yaml_text::scalar(value))),
            Some(value) => {
                lines.push(label(""));
                if let Sides::Long(block) = one(value, side, 0, options) {
                    lines.extend(block);
                }
            }
        }
    }
    Sides::Long(lines)
}

/// A value that only one side has.
fn one(value: &Value, side: Side, room: usize, options: &RenderOptions) -> Sides {
    if is_one_line(value) {
        let line = Line::of(Paint::of_side(side), &yaml_text::scalar(value));
        if line.width() <= room {
            return Sides::Short(line);
        }
    }
    let text = match value {
        Value::String(text) => text.clone(),
        value => yaml_text::document(value, Style::Readable),
    };
    let lines = text
        .lines()
        .map(|line| {
            let mut out = Line::of(Paint::of_side(side), &format!("{} ", side.sign()));
            out.push(Paint::of_side(side), &with_tabs(&shortened(line, options)));
            out
        })
        .collect();
    Sides::Long(capped(lines, options))
}

fn both(declared: &Value, live: &Value, room: usize, options: &RenderOptions) -> Sides {
    if is_one_line(declared) && is_one_line(live) {
        let (ours, theirs) = (yaml_text::scalar(declared), yaml_text::scalar(live));
        let short = arrow(&ours, &theirs);
        if short.width() <= room {
            return Sides::Short(short);
        }
        return Sides::Long(signed(&hunk::hunks(&ours, &theirs), options));
    }
    let (ours, theirs) = match (declared, live) {
        // Texts are compared as they are, anything else as YAML.
        (Value::String(declared), Value::String(live)) => (declared.clone(), live.clone()),
        _ => (
            yaml_text::document(declared, Style::Readable),
            yaml_text::document(live, Style::Readable),
        ),
    };
    Sides::Long(signed(&hunk::hunks(&ours, &theirs), options))
}

/// `shop/cart:1.4.2 → shop/cart:1.5.0`, with the words that changed.
fn arrow(declared: &str, live: &str) -> Line {
    if declared == live {
        return Line::of(Paint::Note, declared); // secret on both sides
    }
    let hunks = hunk::hunks(declared, live);
    let pieces = |side: Side| {
        let mut line = Line::default();
        let found = hunks
            .iter()
            .flat_map(|hunk| &hunk.lines)
            .find(|l| l.side == side);
        let pieces = found.map_or(&[][..], |line| &line.pieces[..]);
        // Where everything changed, marking it says nothing.
        let some_stayed = pieces.iter().any(|(changed, _)| !changed);
        for (changed, text) in pieces {
            let paint = if *changed && some_stayed {
                Paint::of_words(side)
            } else {
                Paint::of_side(side)
            };
            line.push(paint, text);
        }
        line
    };
    let mut line = pieces(Side::Declared);
    line.push(Paint::Dim, " → ").append(pieces(Side::Live));
    line
}

/// The lines of hunks, with a gap between them.
fn signed(hunks: &[Hunk], options: &RenderOptions) -> Vec<Line> {
    let mut lines = Vec::new();
    for (i, hunk) in hunks.iter().enumerate() {
        let starts_later = hunk.declared_start.max(hunk.live_start) > 1;
        if i > 0 || starts_later {
            lines.push(Line::of(Paint::Dim, "⋮"));
        }
        for line in &hunk.lines {
            lines.push(signed_line(line, options));
            if line.unterminated && line.side != Side::Both && ends_differently(hunk) {
                lines.push(Line::of(Paint::Dim, "\\ no line feed at the end"));
            }
        }
    }
    capped(lines, options)
}

/// Whether one side ends in a line feed and the other does not.
fn ends_differently(hunk: &Hunk) -> bool {
    let ends = |side: Side| {
        hunk.lines
            .iter()
            .any(|line| line.unterminated && (line.side == side || line.side == Side::Both))
    };
    ends(Side::Declared) != ends(Side::Live)
}

fn signed_line(line: &hunk::Line, options: &RenderOptions) -> Line {
    let (plain, word) = (Paint::of_side(line.side), Paint::of_words(line.side));
    let mut out = Line::of(plain, &format!("{} ", line.side.sign()));
    let long = line
        .pieces
        .iter()
        .map(|(_, text)| text.len())
        .sum::<usize>()
        > LONG_LINE;
    let last = line.pieces.len().saturating_sub(1);
    for (i, (changed, text)) in line.pieces.iter().enumerate() {
        let text = match (*changed, long && !options.verbose) {
            (false, true) => around(text, i == 0, i == last),
            _ => text.clone(),
        };
        let text = if i == last && line.side != Side::Both {
            visible_end(&text)
        } else {
            text
        };
        out.push(if *changed { word } else { plain }, &with_tabs(&text));
    }
    out
}

/// Tabs within the lines of a text, to be seen and to keep its shape.
fn with_tabs(text: &str) -> String {
    text.replace('\t', "⇥   ")
}

/// Blanks at the end of a line that changed are what nobody sees.
fn visible_end(text: &str) -> String {
    let kept = text.trim_end_matches(' ');
    format!("{kept}{}", "·".repeat(text.len() - kept.len()))
}

/// The ends of an unchanged stretch, or its one end that is next to a change.
fn around(text: &str, first: bool, last: bool) -> String {
    let total = text.chars().count();
    if total <= 3 * AROUND {
        return text.to_owned();
    }
    let head: String = text.chars().take(AROUND).collect();
    let tail: String = text.chars().skip(total - AROUND).collect();
    match (first, last) {
        (true, false) => format!("…{tail}"),
        (false, true) => format!("{head}…"),
        _ => format!("{head}…{tail}"),
    }
}

fn shortened(line: &str, options: &RenderOptions) -> String {
    let total = line.chars().count();
    if options.verbose || total <= LONG_LINE {
        return line.to_owned();
    }
    let head: String = line.chars().take(LONG_LINE).collect();
    format!("{head}… ({} more characters)", total - LONG_LINE)
}

fn capped(mut lines: Vec<Line>, options: &RenderOptions) -> Vec<Line> {
    if !options.verbose && lines.len() > MOST_LINES {
        let more = lines.len() - MOST_LINES;
        lines.truncate(MOST_LINES);
        lines.push(Line::of(
            Paint::Dim,
            &format!("… {more} more lines (-v shows them)"),
        ));
    }
    lines
}

fn is_one_line(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.contains('\n') && text.len() <= LONG_LINE,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}
