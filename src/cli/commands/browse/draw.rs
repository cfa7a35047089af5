//! Draws the browser on a terminal.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::{Position, Rect};
use ratatui_core::style::{Color, Modifier, Style};
use ratatui_core::terminal::Frame;

use super::state::{BrowseInput, BrowseRow, Browser};
use crate::model::Severity;
use crate::output::{end_of, width};

/// The width from which the explanation is next to the list.
const WIDE: u16 = 110;

const KEYS: &str =
    "r revert  b backport  a accept  i ignore  x carry out  / filter  ? help  q quit";

const HELP: &[&str] = &[
    "up down j k, PgUp PgDn, Home End   move",
    "r b a i      mark: revert, backport, accept, ignore",
    "space        remove the mark",
    "x            show the plan for all marks, and carry it out",
    "/            filter by text; Esc shows all",
    "J K          scroll the explanation",
    "o            open the manifest at its line in $VISUAL or $EDITOR",
    "y            copy the path",
    "R            compare again",
    "q            quit",
    "",
    "any key closes this",
];

/// The areas of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panes {
    list: Rect,
    line: Rect,
    /// The area of the explanation.
    pub explanation: Rect,
}

impl Panes {
    /// Divides a window into its areas.
    pub fn of(window: Rect) -> Self {
        let body = Rect {
            y: window.y + 1,
            height: window.height.saturating_sub(2),
            ..window
        };
        let area = |x: u16, y: u16, width: u16, height: u16| Rect {
            x: body.x + x,
            y: body.y + y,
            width,
            height,
        };
        if window.width >= WIDE {
            let left = window.width * 9 / 20;
            Self {
                list: area(0, 0, left, body.height),
                line: area(left, 0, 1, body.height),
                explanation: area(left + 2, 0, window.width - left - 2, body.height),
            }
        } else {
            let top = (body.height * 2 / 5).max(3).min(body.height);
            let rest = body.height - top;
            Self {
                list: area(0, 0, window.width, top),
                line: area(0, top, window.width, rest.min(1)),
                explanation: area(0, top + rest.min(1), window.width, rest.saturating_sub(1)),
            }
        }
    }
}

/// Draws the window.
pub fn draw(frame: &mut Frame<'_>, browser: &Browser, explained: &[String]) {
    let window = frame.area();
    if window.height < 5 || window.width < 20 {
        text(
            frame.buffer_mut(),
            window,
            0,
            "the window is too small",
            Style::new(),
        );
        return;
    }
    let panes = Panes::of(window);
    let buffer = frame.buffer_mut();
    title(buffer, window, browser);
    list(buffer, panes.list, browser);
    divider(buffer, panes.line, browser);
    match browser.input {
        BrowseInput::Help => {
            for (at, line) in HELP.iter().enumerate() {
                text(buffer, panes.explanation, at, line, Style::new());
            }
        }
        _ => explanation(buffer, panes.explanation, browser, explained),
    }
    if let Some(cursor) = last_line(buffer, window, browser) {
        frame.set_cursor_position(cursor);
    }
}

/// Writes a line into an area, cut to fit. Returns the column after it.
fn text(buffer: &mut Buffer, area: Rect, line: usize, what: &str, style: Style) -> u16 {
    let Some(line) = u16::try_from(line).ok().filter(|line| *line < area.height) else {
        return area.x;
    };
    let width = usize::from(area.width);
    buffer
        .set_stringn(area.x, area.y + line, what, width, style)
        .0
}

fn title(buffer: &mut Buffer, window: Rect, browser: &Browser) {
    let style = Style::new().add_modifier(Modifier::REVERSED);
    buffer.set_style(
        Rect {
            height: 1,
            ..window
        },
        style,
    );
    let shown = browser.shown().len();
    let mut what = match shown == browser.rows.len() {
        true => format!(" driftctl  {}  {shown} changes", browser.title),
        false => format!(
            " driftctl  {}  {shown} of {} changes",
            browser.title,
            browser.rows.len()
        ),
    };
    if browser.marked() > 0 {
        what.push_str(&format!(", {} marked", browser.marked()));
    }
    if !browser.filter.is_empty() {
        what.push_str(&format!("  /{}", browser.filter));
    }
    text(buffer, window, 0, &what, style);
}

fn divider(buffer: &mut Buffer, area: Rect, browser: &Browser) {
    let symbol = match (area.width > 1, browser.ascii) {
        (true, false) => "─",
        (true, true) => "-",
        (false, false) => "│",
        (false, true) => "|",
    };
    for position in area.positions() {
        buffer.set_string(
            position.x,
            position.y,
            symbol,
            Style::new().add_modifier(Modifier::DIM),
        );
    }
}

/// A line of the list.
enum ListLine<'b> {
    Object(&'b str),
    Change(&'b BrowseRow, bool),
}

fn list(buffer: &mut Buffer, area: Rect, browser: &Browser) {
    let mut lines = Vec::new();
    let mut cursor = 0;
    let mut object = None;
    for (at, row) in browser.shown().into_iter().enumerate() {
        let Some(row) = browser.rows.get(row) else {
            continue;
        };
        if object != Some(&row.object) {
            lines.push(ListLine::Object(&row.object));
            object = Some(&row.object);
        }
        if at == browser.at {
            cursor = lines.len();
        }
        lines.push(ListLine::Change(row, at == browser.at));
    }
    if lines.is_empty() {
        let what = match browser.rows.is_empty() {
            true => "no drift",
            false => "nothing matches the filter; Esc shows all",
        };
        text(buffer, area, 0, what, Style::new());
        return;
    }
    let height = usize::from(area.height);
    let last = lines.len().saturating_sub(height);
    let first = cursor.saturating_sub(height / 2).min(last);
    for (at, line) in lines.iter().skip(first).take(height).enumerate() {
        match line {
            ListLine::Object(object) => {
                text(
                    buffer,
                    area,
                    at,
                    object,
                    Style::new().add_modifier(Modifier::BOLD),
                );
            }
            ListLine::Change(row, is_current) => {
                change(buffer, area, at, (row, *is_current), browser)
            }
        }
    }
}

fn change(
    buffer: &mut Buffer,
    area: Rect,
    at: usize,
    (row, is_current): (&BrowseRow, bool),
    browser: &Browser,
) {
    let mark = browser
        .mark(row)
        .map_or(' ', super::state::RowDecision::letter);
    let begin = format!("{mark} {:<8} ", row.severity.as_str());
    let room = usize::from(area.width).saturating_sub(width(&begin));
    // The end of a path says which field it is.
    let for_path = room.saturating_sub((width(&row.what) + 2).min(room / 3));
    let path = match browser.ascii {
        true => row.path.as_str().into(),
        false => end_of(&row.path, for_path),
    };
    let what = format!("{begin}{path}  {}", row.what);
    let mut style = Style::new();
    if browser.colour {
        style = match row.severity {
            Severity::Critical | Severity::High => style.fg(Color::Red),
            Severity::Medium => style.fg(Color::Yellow),
            Severity::Low => style,
        };
    }
    if mark != ' ' {
        style = style.add_modifier(Modifier::BOLD);
    }
    if is_current {
        style = style.add_modifier(Modifier::REVERSED);
        let line = Rect {
            y: area.y + u16::try_from(at).unwrap_or_default(),
            height: 1,
            ..area
        };
        buffer.set_style(line, style);
    }
    text(buffer, area, at, &what, style);
}

fn explanation(buffer: &mut Buffer, area: Rect, browser: &Browser, explained: &[String]) {
    let height = usize::from(area.height);
    let first = browser.scroll.min(explained.len().saturating_sub(height));
    let lines = explained.iter().skip(first).take(height);
    for (at, line) in lines.enumerate() {
        text(buffer, area, at, line, Style::new());
    }
}

/// Draws the last line: the input, a message, or the keys. Returns the position of the cursor.
fn last_line(buffer: &mut Buffer, window: Rect, browser: &Browser) -> Option<Position> {
    let area = Rect {
        y: window.y + window.height - 1,
        height: 1,
        ..window
    };
    let ask = match &browser.input {
        BrowseInput::Filter(typed) => Some(("/", typed)),
        BrowseInput::Accept(typed) => Some(("accept until when, and why: ", typed)),
        BrowseInput::Ignore(typed) => Some(("ignore, why: ", typed)),
        _ => None,
    };
    if let Some((ask, typed)) = ask {
        let what = format!("{ask}{typed}");
        let end = text(
            buffer,
            area,
            0,
            &what,
            Style::new().add_modifier(Modifier::BOLD),
        );
        let x = end.min(window.x + window.width - 1);
        if let Some(message) = &browser.message {
            let rest = Rect {
                x,
                width: window.x + window.width - x,
                ..area
            };
            text(buffer, rest, 0, &format!("  ({message})"), Style::new());
        }
        return Some(Position { x, y: area.y });
    }
    let leave;
    let what: &str = match (&browser.input, &browser.message) {
        (BrowseInput::Leave, _) => {
            leave = format!(
                "{} marked and not carried out; quit? [y/N]",
                browser.marked()
            );
            &leave
        }
        (_, Some(message)) => message,
        _ => KEYS,
    };
    text(
        buffer,
        area,
        0,
        what,
        Style::new().add_modifier(Modifier::BOLD),
    );
    None
}

#[cfg(test)]
mod tests {
    use ratatui_core::backend::TestBackend;
    use ratatui_core::terminal::Terminal;

    use super::super::example::{browser, press};
    use super::*;

    fn screen(browser: &Browser, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let explained = [
            "Deployment shop/cart",
            "",
            "  .spec.replicas  2 → 7",
            "    made by bob",
        ];
        let explained = explained.map(str::to_owned);
        terminal
            .draw(|frame| draw(frame, browser, &explained))
            .unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn shows_the_explanation_below_the_list_or_next_to_it() {
        let mut browser = browser();
        press(&mut browser, "rj");
        insta::assert_snapshot!("browse_80", screen(&browser, 80, 14));
        insta::assert_snapshot!("browse_120", screen(&browser, 120, 10));
    }

    #[test]
    fn asks_in_the_last_line() {
        let mut browser = browser();
        press(&mut browser, "/cart");
        insta::assert_snapshot!("browse_filter", screen(&browser, 80, 12));
        press(&mut browser, "\na\u{8}\u{8}\u{8}\u{8}soon x\n");
        insta::assert_snapshot!("browse_accept", screen(&browser, 80, 12));
        press(&mut browser, "\u{1b}?");
        insta::assert_snapshot!("browse_help", screen(&browser, 80, 24));
    }

    #[test]
    fn draws_windows_of_every_size() {
        let mut browser = browser();
        press(&mut browser, "/");
        for width in [1, 2, 19, 20, 21, 79, 110, 111, 300] {
            for height in [1, 2, 4, 5, 6, 7, 50] {
                screen(&browser, width, height);
            }
        }
    }

    #[test]
    fn keeps_wide_characters_and_long_text_in_their_columns() {
        let mut browser = browser();
        browser.rows[0].path = "界".repeat(200);
        browser.rows[1].what = "x".repeat(5000);
        insta::assert_snapshot!("browse_wide_characters", screen(&browser, 40, 10));
    }
}
