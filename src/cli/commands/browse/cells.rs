//! A window of cells, each of which holds one character, and the lines of it that changed.

use std::borrow::Cow;
use std::io::{self, Write};

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::queue;
use crossterm::style::{Attribute, Color, Print, SetAttribute, SetForegroundColor};
use crossterm::terminal::{Clear, ClearType};
use unicode_width::UnicodeWidthChar;

/// No window is drawn larger than this, whatever its terminal claims.
const MOST: u16 = 1000;

/// A part of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// The column of its left edge.
    pub x: u16,
    /// The line of its upper edge.
    pub y: u16,
    /// Its columns.
    pub width: u16,
    /// Its lines.
    pub height: u16,
}

/// How a cell looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// The colour of its text, unless it is the terminal's own.
    pub color: Option<Color>,
    /// Whether it is bold.
    pub bold: bool,
    /// Whether it is dim.
    pub dim: bool,
    /// Whether its text and its background have changed places.
    pub reversed: bool,
}

impl Style {
    fn queue(self, out: &mut impl Write) -> io::Result<()> {
        queue!(out, SetAttribute(Attribute::Reset))?;
        if let Some(color) = self.color {
            queue!(out, SetForegroundColor(color))?;
        }
        for (is, attribute) in [
            (self.bold, Attribute::Bold),
            (self.dim, Attribute::Dim),
            (self.reversed, Attribute::Reverse),
        ] {
            if is {
                queue!(out, SetAttribute(attribute))?;
            }
        }
        Ok(())
    }
}

/// A character with what combines with it. Behind a wide one stands an empty cell.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cell {
    text: Cow<'static, str>,
    style: Style,
}

impl Cell {
    const BLANK: Self = Self {
        text: Cow::Borrowed(" "),
        style: Style {
            color: None,
            bold: false,
            dim: false,
            reversed: false,
        },
    };
}

/// A window of cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells {
    width: u16,
    height: u16,
    cells: Vec<Cell>,
    /// Where the cursor stands, if it is shown.
    pub cursor: Option<(u16, u16)>,
}

impl Cells {
    /// Returns an empty window.
    pub fn new(width: u16, height: u16) -> Self {
        let (width, height) = (width.min(MOST), height.min(MOST));
        Self {
            width,
            height,
            cells: vec![Cell::BLANK; usize::from(width) * usize::from(height)],
            cursor: None,
        }
    }

    /// Returns the whole window.
    pub fn area(&self) -> Area {
        Area {
            x: 0,
            y: 0,
            width: self.width,
            height: self.height,
        }
    }

    fn lines(&self) -> std::slice::Chunks<'_, Cell> {
        self.cells.chunks(usize::from(self.width.max(1)))
    }

    fn at(&mut self, x: u16, y: u16) -> Option<&mut Cell> {
        let is_inside = x < self.width && y < self.height;
        let at = usize::from(y) * usize::from(self.width) + usize::from(x);
        self.cells.get_mut(at).filter(|_| is_inside)
    }

    /// Writes a line into an area, as much of it as fits, and returns the column behind it.
    pub fn write(&mut self, area: Area, line: usize, text: &str, style: Style) -> u16 {
        let Some(line) = u16::try_from(line).ok().filter(|line| *line < area.height) else {
            return area.x;
        };
        let y = area.y.saturating_add(line);
        let end = area.x.saturating_add(area.width).min(self.width);
        let mut x = area.x;
        for character in text.chars() {
            let Some(width) = character
                .width()
                .and_then(|width| u16::try_from(width).ok())
            else {
                continue; // a control character
            };
            if width == 0 {
                let before = (x > area.x).then(|| self.base(x - 1, y)).flatten();
                if let Some(before) = before {
                    before.text.to_mut().push(character);
                }
                continue;
            }
            if x.saturating_add(width) > end {
                break;
            }
            for offset in 0..width {
                let text = match offset {
                    0 => Cow::Owned(character.to_string()),
                    _ => Cow::Borrowed(""),
                };
                if let Some(cell) = self.at(x + offset, y) {
                    *cell = Cell { text, style };
                }
            }
            x += width;
        }
        x
    }

    /// Returns the cell of the character that reaches this column.
    fn base(&mut self, x: u16, y: u16) -> Option<&mut Cell> {
        let is_behind_a_wide_one = self.at(x, y).is_some_and(|cell| cell.text.is_empty());
        self.at(x - u16::from(is_behind_a_wide_one && x > 0), y)
    }

    /// Fills an area with one character.
    pub fn fill(&mut self, area: Area, symbol: &'static str, style: Style) {
        for y in area.y..area.y.saturating_add(area.height) {
            for x in area.x..area.x.saturating_add(area.width) {
                if let Some(cell) = self.at(x, y) {
                    let text = Cow::Borrowed(symbol);
                    *cell = Cell { text, style };
                }
            }
        }
    }

    /// Writes to a terminal what differs from what it shows.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn show(&self, shown: &Self, out: &mut impl Write) -> io::Result<()> {
        let is_resized = (self.width, self.height) != (shown.width, shown.height);
        queue!(out, Hide, SetAttribute(Attribute::Reset))?;
        if is_resized {
            queue!(out, Clear(ClearType::All))?;
        }
        let mut lines = shown.lines();
        for (y, line) in (0..self.height).zip(self.lines()) {
            if lines.next() == Some(line) && !is_resized {
                continue;
            }
            queue!(out, MoveTo(0, y))?;
            for run in line.chunk_by(|a, b| a.style == b.style) {
                if let Some(first) = run.first() {
                    first.style.queue(out)?;
                }
                for cell in run {
                    queue!(out, Print(&cell.text))?;
                }
            }
        }
        queue!(out, SetAttribute(Attribute::Reset))?;
        if let Some((x, y)) = self.cursor {
            queue!(out, MoveTo(x, y), Show)?;
        }
        out.flush()
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// The texts of a window, a line each, in quotes.
    pub fn text(cells: &Cells) -> String {
        let line = |line: &[Cell]| {
            let text: String = line.iter().map(|cell| &*cell.text).collect();
            format!("\"{text}\"\n")
        };
        cells.lines().map(line).collect()
    }

    const RED: Style = Style {
        color: Some(Color::DarkRed),
        bold: false,
        dim: false,
        reversed: false,
    };

    #[test]
    fn a_line_ends_at_the_edge_and_never_in_half_a_character() {
        let mut cells = Cells::new(5, 2);
        let area = cells.area();
        assert_eq!(cells.write(area, 0, "ab界界", RED), 4);
        assert_eq!(cells.write(area, 1, "e\u{301}\u{7}界\u{301}xyz", RED), 5);
        assert_eq!(cells.write(area, 2, "below", RED), 0);
        assert_eq!(text(&cells), "\"ab界 \"\n\"e\u{301}界\u{301}xy\"\n");
    }

    #[test]
    fn only_lines_that_changed_are_written() {
        let mut before = Cells::new(9, 3);
        let area = before.area();
        before.write(area, 0, "one", Style::default());
        let mut after = before.clone();
        after.write(area, 2, "three", RED);
        after.cursor = Some((5, 2));
        let mut out = Vec::new();
        after.show(&before, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("three") && !out.contains("one"), "{out:?}");
        assert!(out.ends_with("\u{1b}[3;6H\u{1b}[?25h"), "{out:?}");
    }

    #[test]
    fn a_window_of_another_size_is_drawn_anew() {
        let mut before = Cells::new(9, 3);
        before.write(before.area(), 0, "one", Style::default());
        let mut after = Cells::new(9, 2);
        after.write(after.area(), 0, "one", Style::default());
        let mut out = Vec::new();
        after.show(&before, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("\u{1b}[2J") && out.contains("one"), "{out:?}");
    }

    #[test]
    fn no_size_is_too_small_or_too_large() {
        for (width, height) in [(0, 0), (0, 9), (9, 0), (u16::MAX, u16::MAX)] {
            let mut cells = Cells::new(width, height);
            let area = Area {
                x: 3,
                y: 5,
                width: u16::MAX,
                height: u16::MAX,
            };
            cells.write(area, 0, "text", RED);
            cells.fill(cells.area(), "-", RED);
            cells.show(&Cells::new(1, 1), &mut Vec::new()).unwrap();
        }
    }
}
