//! Draws what is browsed into the cells of a terminal.

use crossterm::style::Color;

use super::cells::{Area, Cells, Style};
use super::state::{Browser, Input, Row};
use crate::model::Severity;

/// From so many columns on, the explanation stands beside the list.
const WIDE: u16 = 110;

const KEYS: &str =
    "r revert  b backport  a accept  i ignore  x carry out  / filter  ? help  q quit";

const HELP: &[&str] = &[
    "up down j k, PgUp PgDn, Home End   move",
    "r b a i      mark: revert, backport, accept, ignore",
    "space        take the mark away",
    "x            show the plan of all marks, and carry it out",
    "/            filter by words; Esc shows all",
    "J K          scroll the explanation",
    "o            open the manifest at its line in $VISUAL or $EDITOR",
    "y            copy the path",
    "R            compare again",
    "q            quit",
    "",
    "any key closes this",
];

const BOLD: Style = Style {
    color: None,
    bold: true,
    dim: false,
    reversed: false,
};

/// Where things stand in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panes {
    list: Area,
    line: Area,
    /// Where the explanation stands.
    pub explanation: Area,
}

impl Panes {
    /// Lays a window out.
    pub fn of(window: Area) -> Self {
        let body = Area {
            y: window.y + 1,
            height: window.height.saturating_sub(2),
            ..window
        };
        let part = |x: u16, y: u16, width: u16, height: u16| Area {
            x: body.x + x,
            y: body.y + y,
            width,
            height,
        };
        if window.width >= WIDE {
            let left = window.width * 9 / 20;
            Self {
                list: part(0, 0, left, body.height),
                line: part(left, 0, 1, body.height),
                explanation: part(left + 2, 0, window.width - left - 2, body.height),
            }
        } else {
            let top = (body.height * 2 / 5).max(3).min(body.height);
            let rest = body.height - top;
            Self {
                list: part(0, 0, window.width, top),
                line: part(0, top, window.width, rest.min(1)),
                explanation: part(0, top + rest.min(1), window.width, rest.saturating_sub(1)),
            }
        }
    }
}

/// Draws everything.
pub fn draw(cells: &mut Cells, browser: &Browser, explained: &[String]) {
    let window = cells.area();
    if window.height < 5 || window.width < 20 {
        cells.write(window, 0, "the window is too small", Style::default());
        return;
    }
    let panes = Panes::of(window);
    title(cells, window, browser);
    list(cells, panes.list, browser);
    divider(cells, panes.line, browser);
    match browser.input {
        Input::Help => {
            for (at, line) in HELP.iter().enumerate() {
                cells.write(panes.explanation, at, line, Style::default());
            }
        }
        _ => explanation(cells, panes.explanation, browser, explained),
    }
    cells.cursor = last_line(cells, window, browser);
}

fn title(cells: &mut Cells, window: Area, browser: &Browser) {
    let style = Style {
        reversed: true,
        ..Style::default()
    };
    let line = Area {
        height: 1,
        ..window
    };
    cells.fill(line, " ", style);
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
    cells.write(window, 0, &what, style);
}

fn divider(cells: &mut Cells, area: Area, browser: &Browser) {
    let symbol = match (area.width > 1, browser.ascii) {
        (true, false) => "─",
        (true, true) => "-",
        (false, false) => "│",
        (false, true) => "|",
    };
    let style = Style {
        dim: true,
        ..Style::default()
    };
    cells.fill(area, symbol, style);
}

/// A line of the list.
enum Line<'b> {
    Object(&'b str),
    Change(&'b Row, bool),
}

fn list(cells: &mut Cells, area: Area, browser: &Browser) {
    let mut lines = Vec::new();
    let mut cursor = 0;
    let mut object = None;
    for (at, row) in browser.shown().into_iter().enumerate() {
        let Some(row) = browser.rows.get(row) else {
            continue;
        };
        if object != Some(&row.object) {
            lines.push(Line::Object(&row.object));
            object = Some(&row.object);
        }
        if at == browser.at {
            cursor = lines.len();
        }
        lines.push(Line::Change(row, at == browser.at));
    }
    if lines.is_empty() {
        let what = match browser.rows.is_empty() {
            true => "no drift",
            false => "nothing has these words; Esc shows all",
        };
        cells.write(area, 0, what, Style::default());
        return;
    }
    let height = usize::from(area.height);
    let last = lines.len().saturating_sub(height);
    let first = cursor.saturating_sub(height / 2).min(last);
    for (at, line) in lines.iter().skip(first).take(height).enumerate() {
        match line {
            Line::Object(object) => {
                cells.write(area, at, object, BOLD);
            }
            Line::Change(row, is_current) => change(cells, area, at, (row, *is_current), browser),
        }
    }
}

fn change(
    cells: &mut Cells,
    area: Area,
    at: usize,
    (row, is_current): (&Row, bool),
    browser: &Browser,
) {
    let mark = browser.mark(row).map_or(' ', super::state::Mark::letter);
    let what = format!(
        "{mark} {:<8} {}  {}",
        row.severity.as_str(),
        row.path,
        row.what
    );
    let mut style = Style::default();
    if browser.colour {
        style.color = match row.severity {
            Severity::Critical | Severity::High => Some(Color::DarkRed),
            Severity::Medium => Some(Color::DarkYellow),
            Severity::Low => None,
        };
    }
    style.bold = mark != ' ';
    style.reversed = is_current;
    if is_current {
        let line = Area {
            y: area.y + u16::try_from(at).unwrap_or_default(),
            height: 1,
            ..area
        };
        cells.fill(line, " ", style);
    }
    cells.write(area, at, &what, style);
}

fn explanation(cells: &mut Cells, area: Area, browser: &Browser, explained: &[String]) {
    let height = usize::from(area.height);
    let first = browser.scroll.min(explained.len().saturating_sub(height));
    let lines = explained.iter().skip(first).take(height);
    for (at, line) in lines.enumerate() {
        cells.write(area, at, line, Style::default());
    }
}

/// The last line: what is typed, what there is to say, or the keys. Gives where the cursor stands.
fn last_line(cells: &mut Cells, window: Area, browser: &Browser) -> Option<(u16, u16)> {
    let area = Area {
        y: window.y + window.height - 1,
        height: 1,
        ..window
    };
    let ask = match &browser.input {
        Input::Filter(typed) => Some(("/", typed)),
        Input::Accept(typed) => Some(("accept, for how long and why: ", typed)),
        Input::Ignore(typed) => Some(("ignore, why: ", typed)),
        _ => None,
    };
    if let Some((ask, typed)) = ask {
        let what = format!("{ask}{typed}");
        let behind = cells.write(area, 0, &what, BOLD);
        let x = behind.min(window.x + window.width - 1);
        if let Some(said) = &browser.said {
            let rest = Area {
                x,
                width: window.x + window.width - x,
                ..area
            };
            cells.write(rest, 0, &format!("  ({said})"), Style::default());
        }
        return Some((x, area.y));
    }
    let leave;
    let what: &str = match (&browser.input, &browser.said) {
        (Input::Leave, _) => {
            leave = format!(
                "{} marked and not carried out; quit? [y/N]",
                browser.marked()
            );
            &leave
        }
        (_, Some(said)) => said,
        _ => KEYS,
    };
    cells.write(area, 0, what, BOLD);
    None
}

#[cfg(test)]
mod tests {
    use super::super::cells::tests::text;
    use super::super::example::{browser, press};
    use super::*;

    fn screen(browser: &Browser, width: u16, height: u16) -> String {
        let mut cells = Cells::new(width, height);
        let explained = [
            "Deployment shop/cart",
            "",
            "  .spec.replicas  2 → 7",
            "    made by bob",
        ];
        let explained = explained.map(str::to_owned);
        draw(&mut cells, browser, &explained);
        text(&cells)
    }

    #[test]
    fn the_explanation_stands_below_the_list_or_beside_it() {
        let mut browser = browser();
        press(&mut browser, "rj");
        insta::assert_snapshot!("browse_80", screen(&browser, 80, 14));
        insta::assert_snapshot!("browse_120", screen(&browser, 120, 10));
    }

    #[test]
    fn the_last_line_asks() {
        let mut browser = browser();
        press(&mut browser, "/cart");
        insta::assert_snapshot!("browse_filter", screen(&browser, 80, 12));
        press(&mut browser, "\na\u{8}\u{8}\u{8}\u{8}soon x\n");
        insta::assert_snapshot!("browse_accept", screen(&browser, 80, 12));
        press(&mut browser, "\u{1b}?");
        insta::assert_snapshot!("browse_help", screen(&browser, 80, 24));
    }

    #[test]
    fn every_size_can_be_drawn() {
        let mut browser = browser();
        press(&mut browser, "/");
        for width in [1, 2, 19, 20, 21, 79, 110, 111, 300] {
            for height in [1, 2, 4, 5, 6, 7, 50] {
                screen(&browser, width, height);
            }
        }
    }

    #[test]
    fn wide_characters_and_long_texts_stay_in_their_columns() {
        let mut browser = browser();
        browser.rows[0].path = "界".repeat(200);
        browser.rows[1].what = "x".repeat(5000);
        insta::assert_snapshot!("browse_wide_characters", screen(&browser, 40, 10));
    }
}
