//! Lays out both sides of a change, in as few lines as possible.

use serde_json::Value;

use crate::model::{Change, ChangeKind, FieldPath, JudgedChange, PathElement};
use crate::output::RenderOptions;
use crate::output::brief::scalar_at;
use crate::output::differ::{self, DifferingPath, EmbeddedDocument};
use crate::output::hunk::{self, Hunk, HunkSide};
use crate::output::paint::{Paint, StyledLine};
use crate::output::three;
use crate::output::view;
use crate::output::yaml_text::{self, ControlCharacters};

/// How many lines of a block or of hunks are shown without `--verbose`.
const MOST_LINES: usize = 40;

/// Lines longer than this, in characters, are cut around their changes.
const LONG_LINE: usize = 400;

/// Texts with lines longer than this, in characters, are compared by path if they contain JSON or
/// YAML.
const READABLE_LINE: usize = 160;

/// Hunks with more lines than this are also compared by path, if that is shorter.
const READABLE_HUNKS: usize = 24;

/// The length limit of a value next to its path.
const LONGEST_LEAF: usize = 100;

/// The parts of a change to show.
pub(super) enum ShownSides {
    /// One line is enough: `3 → 5`.
    Short(StyledLine),
    /// Lines with a sign each.
    Long(Vec<StyledLine>),
}

/// Lays out both sides of a change.
pub(super) fn sides(change: &Change, options: &RenderOptions) -> ShownSides {
    let room = options.width.saturating_sub(12).max(20);
    match (&change.declared, &change.live) {
        // The path already contains the value of a set's item.
        (Some(value), None) | (None, Some(value))
            if change.path.0.last() == Some(&PathElement::Value(value.clone())) =>
        {
            ShownSides::Short(StyledLine::default())
        }
        (Some(declared), Some(live)) => two_sides(&change.path, declared, live, room, options),
        (Some(value), None) | (None, Some(value)) => {
            let side = if change.kind == ChangeKind::Removed {
                HunkSide::Declared
            } else {
                HunkSide::Live
            };
            single_side(&change.path, value, side, room, options)
        }
        (None, None) => ShownSides::Long(Vec::new()),
    }
}

/// Returns all three values of a change in conflict, one below the other.
pub(super) fn three_sides(drift: &JudgedChange, options: &RenderOptions) -> ShownSides {
    let mut lines = Vec::new();
    let [base, branch, live] = view::three_values(drift).map(|(_, value)| value);
    let most = options.width.saturating_sub(40).max(40);
    if let Some(regions) = three::regions(base, branch, live, most) {
        for region in &regions {
            of_region(region, &mut lines);
        }
        return ShownSides::Long(capped(lines, options));
    }
    for (name, value) in view::three_values(drift) {
        let side = if name == "live" {
            HunkSide::Live
        } else {
            HunkSide::Declared
        };
        let paint = if name == "base" {
            Paint::Plain
        } else {
            Paint::of_side(side)
        };
        let label = |text: &str| {
            let mut line = StyledLine::of(Paint::Dim, &format!("{name:<7} "));
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
                if let ShownSides::Long(block) =
                    single_side(&drift.change.path, value, side, 0, options)
                {
                    lines.extend(block);
                }
            }
        }
    }
    ShownSides::Long(lines)
}

/// Returns the lines of a text that differ between the sides, with equal sides together.
fn of_region(region: &three::ThreeWayRegion, lines: &mut Vec<StyledLine>) {
    let label = format!("line {}", region.line);
    for (at, (names, text)) in region.sides.iter().enumerate() {
        let is_live = names.contains(&"live") && !names.contains(&"base");
        let paint = match () {
            () if is_live => Paint::Live,
            () if names.contains(&"base") => Paint::Plain,
            () => Paint::Declared,
        };
        let names = names.join(", ");
        let nothing = [String::new()];
        let text = if text.is_empty() { &nothing[..] } else { text };
        for (i, one) in text.iter().enumerate() {
            let label = if at == 0 && i == 0 { &label } else { "" };
            let names = if i == 0 { &names } else { "" };
            let mut line = StyledLine::of(Paint::Dim, &format!("{label:<9} {names:<13} "));
            line.push(paint, &with_tabs(one));
            if is_live && i == 0 {
                line.push(Paint::Bad, "   merging overwrites this");
            }
            lines.push(line);
        }
    }
}

/// Returns a value that only one side has.
fn single_side(
    path: &FieldPath,
    value: &Value,
    side: HunkSide,
    room: usize,
    options: &RenderOptions,
) -> ShownSides {
    if is_one_line(value) {
        let line = StyledLine::of(Paint::of_side(side), &scalar_at(path, value));
        if line.width() <= room {
            return ShownSides::Short(line);
        }
    }
    let text = match value {
        Value::String(text) => text.clone(),
        value => yaml_text::document(value, ControlCharacters::Readable),
    };
    let lines = text
        .lines()
        .map(|line| {
            let mut out = StyledLine::of(Paint::of_side(side), &format!("{} ", side.sign()));
            out.push(Paint::of_side(side), &with_tabs(&shortened(line, options)));
            out
        })
        .collect();
    ShownSides::Long(capped(lines, options))
}

fn two_sides(
    path: &FieldPath,
    declared: &Value,
    live: &Value,
    room: usize,
    options: &RenderOptions,
) -> ShownSides {
    if is_one_line(declared) && is_one_line(live) {
        let (ours, theirs) = (scalar_at(path, declared), scalar_at(path, live));
        let short = arrow(&ours, &theirs);
        // A separating arrow would be ambiguous if a value contains one.
        let is_clear = !ours.contains('→') && !theirs.contains('→');
        if short.width() <= room && is_clear {
            return ShownSides::Short(short);
        }
        if let Some(lines) = by_path(declared, live, &[], options) {
            return ShownSides::Long(lines);
        }
        return ShownSides::Long(signed(&hunk::hunks(&ours, &theirs), options));
    }
    let (ours, theirs) = match (declared, live) {
        // Strings are compared as they are, anything else as YAML.
        (Value::String(declared), Value::String(live)) => (declared.clone(), live.clone()),
        _ => (
            yaml_text::document(declared, ControlCharacters::Readable),
            yaml_text::document(live, ControlCharacters::Readable),
        ),
    };
    let hunks = hunk::hunks(&ours, &theirs);
    if let Some(lines) = by_path(declared, live, &hunks, options) {
        return ShownSides::Long(lines);
    }
    ShownSides::Long(signed(&hunks, options))
}

/// Returns JSON and YAML within a string, compared by path if the text itself is hard to read.
fn by_path(
    declared: &Value,
    live: &Value,
    hunks: &[Hunk],
    options: &RenderOptions,
) -> Option<Vec<StyledLine>> {
    let (declared, live) = (declared.as_str()?, live.as_str()?);
    let is_long = |text: &str| text.lines().any(|line| line.len() > READABLE_LINE);
    let shown: usize = hunks.iter().map(|hunk| hunk.lines.len()).sum();
    let is_long = is_long(declared) || is_long(live);
    if options.verbose || !(is_long || shown > READABLE_HUNKS) {
        return None;
    }
    let EmbeddedDocument { format, leaves } = differ::embedded(declared, live)?;
    if leaves.is_empty() {
        let same = format!("the same {format}, written differently (-v shows the text)");
        return Some(vec![StyledLine::of(Paint::Note, &same)]);
    }
    if !is_long && leaves.len() >= shown {
        return None;
    }
    let lines = leaves.iter().map(|leaf| of_leaf(leaf, format));
    Some(capped(lines.collect(), options))
}

/// Returns `~ [81].title  "panel-81" → "panel-REWIRED"`.
fn of_leaf(leaf: &DifferingPath, format: &str) -> StyledLine {
    let values = match (&leaf.declared, &leaf.live) {
        (Some(declared), Some(live)) => {
            let texts = [declared, live].map(|value| differ::flow(value, usize::MAX));
            let [ours, theirs] = differ::cut_around(&texts[0], &texts[1], LONGEST_LEAF);
            arrow(&ours, &theirs)
        }
        (Some(value), None) => StyledLine::of(Paint::Declared, &differ::flow(value, LONGEST_LEAF)),
        (None, Some(value)) => StyledLine::of(Paint::Live, &differ::flow(value, LONGEST_LEAF)),
        (None, None) => StyledLine::default(),
    };
    let (sign, paint) = match (&leaf.declared, &leaf.live) {
        (Some(_), None) => ("- ", Paint::Declared),
        (None, _) => ("+ ", Paint::Live),
        (Some(_), Some(_)) => ("~ ", Paint::Drift),
    };
    let mut line = StyledLine::of(paint, sign);
    line.push(Paint::Dim, &format!("{format} "))
        .push(Paint::Path, &leaf.path.to_string())
        .push(Paint::Plain, "  ")
        .append(values);
    line
}

/// Returns `shop/cart:1.4.2 → shop/cart:1.5.0`, with the changed words marked.
fn arrow(declared: &str, live: &str) -> StyledLine {
    if declared == live {
        return StyledLine::of(Paint::Note, declared); // secret on both sides
    }
    let hunks = hunk::hunks(declared, live);
    let pieces = |side: HunkSide| {
        let mut line = StyledLine::default();
        let found = hunks
            .iter()
            .flat_map(|hunk| &hunk.lines)
            .find(|l| l.side == side);
        let pieces = found.map_or(&[][..], |line| &line.pieces[..]);
        // If everything changed, marking it says nothing.
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
    let mut line = pieces(HunkSide::Declared);
    line.push(Paint::Dim, " → ").append(pieces(HunkSide::Live));
    line
}

/// Returns the lines of hunks, with a gap between them.
fn signed(hunks: &[Hunk], options: &RenderOptions) -> Vec<StyledLine> {
    let mut lines = Vec::new();
    for (i, hunk) in hunks.iter().enumerate() {
        let starts_later = hunk.declared_start.max(hunk.live_start) > 1;
        if i > 0 || starts_later {
            lines.push(StyledLine::of(Paint::Dim, "⋮"));
        }
        for line in &hunk.lines {
            lines.push(signed_line(line, options));
            if line.unterminated && line.side != HunkSide::Both && ends_differently(hunk) {
                lines.push(StyledLine::of(Paint::Dim, "\\ No newline at end of file"));
            }
        }
    }
    capped(lines, options)
}

/// Returns whether only one side ends in a line feed.
fn ends_differently(hunk: &Hunk) -> bool {
    let ends = |side: HunkSide| {
        hunk.lines
            .iter()
            .any(|line| line.unterminated && (line.side == side || line.side == HunkSide::Both))
    };
    ends(HunkSide::Declared) != ends(HunkSide::Live)
}

fn signed_line(line: &hunk::HunkLine, options: &RenderOptions) -> StyledLine {
    let (plain, word) = (Paint::of_side(line.side), Paint::of_words(line.side));
    let mut out = StyledLine::of(plain, &format!("{} ", line.side.sign()));
    let cut;
    let line = if options.verbose {
        line
    } else {
        cut = line.cut(LONG_LINE);
        &cut
    };
    let last = line.pieces.len().saturating_sub(1);
    for (i, (changed, text)) in line.pieces.iter().enumerate() {
        let text = text.clone();
        let text = if i == last && line.side != HunkSide::Both {
            visible_end(&text)
        } else {
            text
        };
        out.push(if *changed { word } else { plain }, &with_tabs(&text));
    }
    out
}

/// Makes tabs within lines visible and keeps their width.
fn with_tabs(text: &str) -> String {
    text.replace('\t', "⇥   ")
}

/// Makes blanks at the end of a changed line visible.
fn visible_end(text: &str) -> String {
    let kept = text.trim_end_matches(' ');
    format!("{kept}{}", "·".repeat(text.len() - kept.len()))
}

fn shortened(line: &str, options: &RenderOptions) -> String {
    let total = line.chars().count();
    if options.verbose || total <= LONG_LINE {
        return line.to_owned();
    }
    let head: String = line.chars().take(LONG_LINE).collect();
    format!("{head}… ({} more characters)", total - LONG_LINE)
}

fn capped(mut lines: Vec<StyledLine>, options: &RenderOptions) -> Vec<StyledLine> {
    if !options.verbose && lines.len() > MOST_LINES {
        let more = lines.len() - MOST_LINES;
        lines.truncate(MOST_LINES);
        lines.push(StyledLine::of(
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
