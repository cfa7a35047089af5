//! The terminal while it is browsed in: every key is read, and what stood there comes back at the
//! end, however that comes about.

use std::io::{self, Write};
use std::time::Duration;

use crossterm::cursor::{Hide, Show};
use crossterm::event::{self, Event};
use crossterm::execute;
use crossterm::terminal::{self, EnterAlternateScreen, LeaveAlternateScreen};

use super::cells::{Area, Cells};
use crate::cli::panics;
use crate::signals::AtEnd;

/// A terminal that is browsed in.
pub struct Screen<'w> {
    out: &'w mut Box<dyn Write>,
    shown: Cells,
    _at_end: AtEnd,
    _at_panic: panics::Before,
}

impl<'w> Screen<'w> {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When there is none, or it cannot be written to.
    pub fn open(out: &'w mut Box<dyn Write>) -> io::Result<Self> {
        let at_end = AtEnd::run(restore);
        let at_panic = panics::Before::message(restore);
        terminal::enable_raw_mode()?;
        execute!(out, EnterAlternateScreen, Hide)?;
        Ok(Self {
            out,
            shown: Cells::new(0, 0),
            _at_end: at_end,
            _at_panic: at_panic,
        })
    }

    /// Returns the window as it is now.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn area(&self) -> io::Result<Area> {
        Ok(self.blank()?.area())
    }

    fn blank(&self) -> io::Result<Cells> {
        terminal::size().map(|(width, height)| Cells::new(width, height))
    }

    /// Shows what is drawn into an empty window.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Cells)) -> io::Result<()> {
        let mut cells = self.blank()?;
        draw(&mut cells);
        cells.show(&self.shown, self.out)?;
        self.shown = cells;
        Ok(())
    }

    /// The next key, or that the window has another size; `None` if nothing comes for so long.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn next(&mut self, at_most: Duration) -> io::Result<Option<Event>> {
        match event::poll(at_most)? {
            true => event::read().map(Some),
            false => Ok(None),
        }
    }

    /// Hands a text to the terminal's clipboard (OSC 52).
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        use base64::Engine as _;
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        write!(self.out, "\u{1b}]52;c;{encoded}\u{7}")?;
        self.out.flush()
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        let _ = execute!(self.out, Show, LeaveAlternateScreen);
        let _ = terminal::disable_raw_mode();
    }
}

/// Gives the terminal back where nothing is dropped any more.
fn restore() {
    let _ = terminal::disable_raw_mode();
    let _ = execute!(io::stdout(), Show, LeaveAlternateScreen);
}
