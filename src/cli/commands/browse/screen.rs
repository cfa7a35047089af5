//! The terminal while it shows the browser: reads every key, and restores the previous content
//! however the process ends.

use std::io::{self, Write};
use std::time::Duration;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{self, Event};
use crossterm::style::{
    Attribute, Color as TerminalColor, Print, SetAttribute, SetForegroundColor,
};
use crossterm::terminal::{
    self, Clear, ClearType as TerminalClear, EnterAlternateScreen, LeaveAlternateScreen,
};
use crossterm::{execute, queue};
use ratatui_core::backend::{Backend, ClearType, WindowSize};
use ratatui_core::buffer::Cell;
use ratatui_core::layout::{Position, Size};
use ratatui_core::style::{Color, Modifier};
use ratatui_core::terminal::Terminal;

use crate::cli::panics;
use crate::signals::{self, AtEnd};

/// A terminal in its alternate screen.
pub struct Screen<'w> {
    /// The terminal to draw on.
    pub terminal: Terminal<Cells<'w>>,
    _at_end: AtEnd,
    _at_panic: panics::PanicHook,
}

impl<'w> Screen<'w> {
    /// Switches to the alternate screen.
    ///
    /// # Errors
    /// Fails if there is no terminal, or it cannot be written to.
    pub fn open(out: &'w mut Box<dyn Write>) -> io::Result<Self> {
        let at_end = AtEnd::run(restore);
        let at_panic = panics::PanicHook::message(restore);
        enter(out)?;
        let mut terminal = Terminal::new(Cells { out })?;
        terminal.clear()?;
        Ok(Self {
            terminal,
            _at_end: at_end,
            _at_panic: at_panic,
        })
    }

    /// Returns the next key press or resize; `None` if nothing happened in this time.
    ///
    /// # Errors
    /// Fails if the terminal is gone.
    pub fn next(&mut self, at_most: Duration) -> io::Result<Option<Event>> {
        match event::poll(at_most)? {
            true => event::read().map(Some),
            false => Ok(None),
        }
    }

    /// Gives the terminal back to the shell and stops the process, as Ctrl-Z does elsewhere. Shows the
    /// screen again when the shell continues it.
    ///
    /// # Errors
    /// Fails if the terminal is gone.
    pub fn suspend(&mut self) -> io::Result<()> {
        leave(self.terminal.backend_mut().out);
        signals::stop();
        enter(self.terminal.backend_mut().out)?;
        self.terminal.clear()
    }

    /// Copies text to the terminal's clipboard (OSC 52).
    ///
    /// # Errors
    /// Fails if the terminal cannot be written to.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        use base64::Engine as _;
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        let out = &mut self.terminal.backend_mut().out;
        write!(out, "\u{1b}]52;c;{encoded}\u{7}")?;
        out.flush()
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        leave(self.terminal.backend_mut().out);
    }
}

/// Switches to the alternate screen.
fn enter(out: &mut impl Write) -> io::Result<()> {
    terminal::enable_raw_mode()?;
    execute!(out, EnterAlternateScreen, Hide)
}

/// Switches back. If the terminal is gone, nothing can be done.
fn leave(out: &mut impl Write) {
    let _ = execute!(out, Show, LeaveAlternateScreen);
    let _ = terminal::disable_raw_mode();
}

/// Restores the terminal where destructors no longer run.
fn restore() {
    leave(&mut io::stdout());
}

/// The cells of the terminal.
pub struct Cells<'w> {
    out: &'w mut Box<dyn Write>,
}

impl Cells<'_> {
    fn style(&mut self, color: Color, modifier: Modifier) -> io::Result<()> {
        queue!(self.out, SetAttribute(Attribute::Reset))?;
        let color = match color {
            Color::Red => Some(TerminalColor::DarkRed),
            Color::Yellow => Some(TerminalColor::DarkYellow),
            _ => None,
        };
        if let Some(color) = color {
            queue!(self.out, SetForegroundColor(color))?;
        }
        for (is, attribute) in [
            (Modifier::BOLD, Attribute::Bold),
            (Modifier::DIM, Attribute::Dim),
            (Modifier::REVERSED, Attribute::Reverse),
        ] {
            if modifier.contains(is) {
                queue!(self.out, SetAttribute(attribute))?;
            }
        }
        Ok(())
    }
}

impl Backend for Cells<'_> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut last: Option<(u16, u16)> = None;
        let mut style = None;
        for (x, y, cell) in content {
            if last != Some((x.wrapping_sub(1), y)) {
                queue!(self.out, MoveTo(x, y))?;
            }
            last = Some((x, y));
            if style != Some((cell.fg, cell.modifier)) {
                style = Some((cell.fg, cell.modifier));
                self.style(cell.fg, cell.modifier)?;
            }
            queue!(self.out, Print(cell.symbol()))?;
        }
        queue!(self.out, SetAttribute(Attribute::Reset))
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        execute!(self.out, Hide)
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        execute!(self.out, Show)
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        crossterm::cursor::position().map(|(x, y)| Position { x, y })
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let Position { x, y } = position.into();
        execute!(self.out, MoveTo(x, y))
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, what: ClearType) -> io::Result<()> {
        let what = match what {
            ClearType::All => TerminalClear::All,
            ClearType::AfterCursor => TerminalClear::FromCursorDown,
            ClearType::BeforeCursor => TerminalClear::FromCursorUp,
            ClearType::CurrentLine => TerminalClear::CurrentLine,
            ClearType::UntilNewLine => TerminalClear::UntilNewLine,
        };
        execute!(self.out, Clear(what))
    }

    fn size(&self) -> io::Result<Size> {
        terminal::size().map(|(width, height)| Size { width, height })
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize {
            columns_rows: self.size()?,
            pixels: Size::default(),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
