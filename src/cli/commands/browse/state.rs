//! What is browsed, what is marked, and what keys do. It knows no terminal.

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::cli::selection::Until;
use crate::model::Severity;

/// A change, or an object as a whole, in words without secrets and control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// How much it matters.
    pub severity: Severity,
    /// `Deployment.apps/shop/cart`
    pub object: String,
    /// `.spec.replicas`
    pub path: String,
    /// `~ 2 to 7`
    pub what: String,
    /// `bob with kubectl-edit 2m ago`
    pub who: String,
    /// Digits that are others as soon as either side has another value.
    pub digest: String,
    /// The file and the line that declare it.
    pub place: Option<(String, usize)>,
}

impl Row {
    /// What a mark is remembered by when all is read again.
    fn name(&self) -> String {
        format!("{} {} {}", self.digest, self.object, self.path)
    }
}

/// What is decided about a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Put it back.
    Revert,
    /// Take it over into the manifest.
    Backport,
    /// Accept it for a time, for a reason.
    Accept(String, String),
    /// Ignore it by a rule, for a reason.
    Ignore(String),
}

impl Mark {
    /// The letter in the list.
    pub const fn letter(&self) -> char {
        match self {
            Self::Revert => 'r',
            Self::Backport => 'b',
            Self::Accept(..) => 'a',
            Self::Ignore(_) => 'i',
        }
    }

    /// The words of a file of decisions.
    fn decision(&self) -> String {
        let quoted = |reason: &str| serde_json::Value::from(reason).to_string();
        match self {
            Self::Revert => "revert".to_owned(),
            Self::Backport => "backport".to_owned(),
            Self::Accept(time, reason) => format!("accept {time} {}", quoted(reason)),
            Self::Ignore(reason) => format!("ignore {}", quoted(reason)),
        }
    }
}

/// What is typed into the last line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Nothing: keys are commands.
    Commands,
    /// A filter; and the one before it.
    Filter(String),
    /// For how long drift is accepted, and why.
    Accept(String),
    /// Why drift is ignored.
    Ignore(String),
    /// Whether to leave with marks that are not carried out.
    Leave,
    /// Any key closes the help.
    Help,
}

/// What a key asks for that is more than another view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Carry out what is marked.
    CarryOut,
    /// Open the manifest in the editor.
    Open,
    /// Copy the path.
    Copy,
    /// Compare again.
    Read,
    /// End.
    Leave,
}

/// What is browsed.
#[derive(Debug)]
pub struct Browser {
    /// What is compared with what.
    pub title: String,
    /// The changes, what matters most first.
    pub rows: Vec<Row>,
    /// The decisions, by the names of rows.
    marks: BTreeMap<String, Mark>,
    /// Which of the rows that are shown the cursor is on.
    pub at: usize,
    /// Words that rows must have.
    pub filter: String,
    /// What is typed.
    pub input: Input,
    /// Whether the live side is a recording, which nothing can be written to.
    pub is_recording: bool,
    /// What there is to say.
    pub said: Option<String>,
    /// Lines of the explanation above the window.
    pub scroll: usize,
    /// Whether there are colours.
    pub colour: bool,
    /// Whether lines are drawn with ASCII only.
    pub ascii: bool,
}

/// Rows that a page key moves by.
const PAGE: usize = 10;

impl Browser {
    /// Browses these rows.
    pub fn new(title: String, rows: Vec<Row>) -> Self {
        Self {
            title,
            rows,
            marks: BTreeMap::new(),
            at: 0,
            filter: String::new(),
            input: Input::Commands,
            is_recording: false,
            said: None,
            scroll: 0,
            colour: true,
            ascii: false,
        }
    }

    /// Takes what was read again; the marks of changes that are as they were stay.
    pub fn replace(&mut self, title: String, rows: Vec<Row>) {
        let names: Vec<String> = rows.iter().map(Row::name).collect();
        self.marks.retain(|name, _| names.contains(name));
        (self.title, self.rows) = (title, rows);
        self.go(self.at);
    }

    /// The rows that are shown, by their numbers.
    pub fn shown(&self) -> Vec<usize> {
        let words: Vec<String> = self
            .filter
            .split_whitespace()
            .map(str::to_lowercase)
            .collect();
        let has = |row: &Row| {
            let severity = row.severity.as_str();
            let parts = [severity, &row.object, &row.path, &row.what, &row.who];
            let text = parts.join(" ").to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        let rows = self.rows.iter().enumerate();
        rows.filter(|(_, row)| has(row)).map(|(at, _)| at).collect()
    }

    /// The row that the cursor is on.
    pub fn current(&self) -> Option<&Row> {
        let shown = self.shown();
        self.rows.get(*shown.get(self.at)?)
    }

    /// What is decided about a row.
    pub fn mark(&self, row: &Row) -> Option<&Mark> {
        self.marks.get(&row.name())
    }

    /// How many rows are marked.
    pub fn marked(&self) -> usize {
        self.marks.len()
    }

    /// The marks as lines of a file of decisions.
    pub fn decisions(&self) -> String {
        let lines = self.rows.iter().filter_map(|row| {
            let decision = self.mark(row)?.decision();
            let severity = row.severity.as_str();
            let (digest, object, path) = (&row.digest, &row.object, &row.path);
            Some(format!("{decision} {digest} {severity} {object} {path}\n"))
        });
        lines.collect()
    }

    /// Does what a key says.
    pub fn key(&mut self, key: KeyEvent) -> Option<Ask> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        self.said = None;
        let with_control = key.modifiers.contains(KeyModifiers::CONTROL);
        if with_control && key.code == KeyCode::Char('c') {
            return Some(Ask::Leave);
        }
        match &self.input {
            Input::Commands => self.command(key.code, with_control),
            Input::Help => {
                self.input = Input::Commands;
                None
            }
            Input::Leave => {
                self.input = Input::Commands;
                matches!(key.code, KeyCode::Char('y' | 'Y')).then_some(Ask::Leave)
            }
            Input::Filter(_) | Input::Accept(_) | Input::Ignore(_) => {
                self.typed(key.code);
                None
            }
        }
    }

    fn command(&mut self, code: KeyCode, with_control: bool) -> Option<Ask> {
        match code {
            KeyCode::Char('d') if with_control => self.go(self.at + PAGE),
            KeyCode::Char('u') if with_control => self.go(self.at.saturating_sub(PAGE)),
            KeyCode::Char('l') if with_control => return Some(Ask::Read),
            KeyCode::Char(_) if with_control => {}
            KeyCode::Down | KeyCode::Char('j') => self.go(self.at + 1),
            KeyCode::Up | KeyCode::Char('k') => self.go(self.at.saturating_sub(1)),
            KeyCode::PageDown => self.go(self.at + PAGE),
            KeyCode::PageUp => self.go(self.at.saturating_sub(PAGE)),
            KeyCode::Home => self.go(0),
            KeyCode::End => self.go(usize::MAX),
            KeyCode::Char('J') => self.scroll += 1,
            KeyCode::Char('K') => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Char('r') if self.is_recording => {
                let said = "a recording cannot be reverted; browse the cluster, without --live";
                self.said = Some(said.to_owned());
            }
            KeyCode::Char('r') => self.set(Mark::Revert),
            KeyCode::Char('b') => self.set(Mark::Backport),
            KeyCode::Char('a') if self.current().is_some() => {
                self.input = Input::Accept("24h ".to_owned());
            }
            KeyCode::Char('i') if self.current().is_some() => {
                self.input = Input::Ignore(String::new());
            }
            KeyCode::Char(' ') => {
                if let Some(name) = self.current().map(Row::name) {
                    self.marks.remove(&name);
                    self.go(self.at + 1);
                }
            }
            KeyCode::Char('/') => self.input = Input::Filter(std::mem::take(&mut self.filter)),
            KeyCode::Esc => {
                self.filter.clear();
                self.go(self.at);
            }
            KeyCode::Char('?') => self.input = Input::Help,
            KeyCode::Char('R') => return Some(Ask::Read),
            KeyCode::Char('o') => return self.current().and(Some(Ask::Open)),
            KeyCode::Char('y') => return self.current().and(Some(Ask::Copy)),
            KeyCode::Char('x') if self.marks.is_empty() => {
                self.said = Some("nothing is marked; mark with r, b, a or i".to_owned());
            }
            KeyCode::Char('x') => return Some(Ask::CarryOut),
            KeyCode::Char('q') if self.marks.is_empty() => return Some(Ask::Leave),
            KeyCode::Char('q') => self.input = Input::Leave,
            _ => {}
        }
        None
    }

    fn go(&mut self, to: usize) {
        let before = self.at;
        self.at = to.min(self.shown().len().saturating_sub(1));
        if self.at != before {
            self.scroll = 0;
        }
    }

    /// Marks the row that the cursor is on, and goes to the next one.
    fn set(&mut self, mark: Mark) {
        if let Some(name) = self.current().map(Row::name) {
            self.marks.insert(name, mark);
            self.go(self.at + 1);
        }
    }

    fn typed(&mut self, code: KeyCode) {
        let (Input::Filter(text) | Input::Accept(text) | Input::Ignore(text)) = &mut self.input
        else {
            return;
        };
        match code {
            KeyCode::Char(c) if !c.is_control() => text.push(c),
            KeyCode::Backspace => drop(text.pop()),
            KeyCode::Esc => {
                self.input = Input::Commands;
                return;
            }
            KeyCode::Enter => {
                let text = std::mem::take(text);
                self.entered(&text);
                return;
            }
            _ => {}
        }
        // A filter shows what it leaves while it is typed.
        if let Input::Filter(text) = &self.input {
            self.filter = text.clone();
            self.at = 0;
        }
    }

    fn entered(&mut self, text: &str) {
        let input = std::mem::replace(&mut self.input, Input::Commands);
        let trimmed = text.trim();
        match input {
            Input::Filter(_) => self.filter = trimmed.to_owned(),
            Input::Accept(_) => {
                let (time, reason) = trimmed.split_once(' ').unwrap_or((trimmed, ""));
                let until: Result<Until, String> = time.parse();
                match until {
                    Err(why) => self.said = Some(format!("{time:?}: {why}")),
                    Ok(_) if reason.trim().is_empty() => {
                        self.said = Some("write a reason behind the time".to_owned());
                    }
                    Ok(_) => self.set(Mark::Accept(time.to_owned(), reason.trim().to_owned())),
                }
                if self.said.is_some() {
                    self.input = Input::Accept(text.to_owned());
                }
            }
            Input::Ignore(_) if trimmed.is_empty() => {
                self.said = Some("write a reason".to_owned());
                self.input = Input::Ignore(String::new());
            }
            Input::Ignore(_) => self.set(Mark::Ignore(trimmed.to_owned())),
            Input::Commands | Input::Leave | Input::Help => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::example::{browser, press};
    use super::*;

    #[test]
    fn marks_become_lines_of_a_file_of_decisions() {
        let mut browser = browser();
        press(&mut browser, "r");
        press(&mut browser, "aIncident \"12\"\n");
        press(&mut browser, "iNoise\n");
        let lines: Vec<String> = browser.decisions().lines().map(str::to_owned).collect();
        assert_eq!(
            lines,
            [
                "revert 0123456789 critical Deployment.apps/shop/cart \
                 .spec.template.spec.containers[name=\"debug\"]",
                "accept 24h \"Incident \\\"12\\\"\" 0123456789 medium Deployment.apps/shop/cart \
                 .spec.replicas",
                "ignore \"Noise\" 0123456789 low ConfigMap/shop/cart .data.LOG_LEVEL",
            ]
        );
        assert_eq!(press(&mut browser, "x"), Some(Ask::CarryOut));
    }

    #[test]
    fn a_recording_has_no_marks_to_revert() {
        let mut browser = browser();
        browser.is_recording = true;
        press(&mut browser, "r");
        assert_eq!(browser.marked(), 0);
        assert!(browser.said.is_some_and(|said| said.contains("--live")));
    }

    #[test]
    fn a_time_that_is_none_is_asked_for_again() {
        let mut browser = browser();
        press(&mut browser, "a\u{8}\u{8}\u{8}\u{8}soon Incident\n");
        assert!(browser.said.is_some());
        assert_eq!(browser.input, Input::Accept("soon Incident".to_owned()));
        assert_eq!(browser.marked(), 0);
        press(&mut browser, "\u{1b}");
        assert_eq!(browser.input, Input::Commands);
    }

    #[test]
    fn a_filter_narrows_what_is_shown_and_the_cursor_stays_inside() {
        let mut browser = browser();
        press(&mut browser, "jj/debug low\n");
        assert_eq!(browser.current().unwrap().path, ".data.LOG_LEVEL");
        press(&mut browser, "j");
        assert_eq!(browser.at, 0);
        press(&mut browser, "\u{1b}");
        assert_eq!(browser.shown().len(), 3);
        press(&mut browser, "/no such thing\n");
        assert_eq!(browser.current(), None);
        assert_eq!(press(&mut browser, "rbai o"), None);
        assert_eq!(browser.marked(), 0);
    }

    #[test]
    fn leaving_with_marks_asks_first() {
        let mut browser = browser();
        press(&mut browser, "b");
        assert_eq!(press(&mut browser, "q"), None);
        assert_eq!(press(&mut browser, "n"), None);
        assert_eq!(press(&mut browser, "q"), None);
        assert_eq!(press(&mut browser, "y"), Some(Ask::Leave));
        press(&mut browser, "k ");
        assert_eq!(press(&mut browser, "q"), Some(Ask::Leave));
    }

    #[test]
    fn marks_of_changes_that_have_another_value_go() {
        let mut browser = browser();
        press(&mut browser, "rr");
        let mut rows = browser.rows.clone();
        rows[0].digest = "9876543210".to_owned();
        browser.replace("prod".to_owned(), rows);
        assert_eq!(browser.marked(), 1);
        browser.replace("prod".to_owned(), Vec::new());
        assert_eq!((browser.marked(), browser.at), (0, 0));
    }
}
