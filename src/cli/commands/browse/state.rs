//! The state of the browser: the changes, the marks, and what keys do. It does not use the
//! terminal.

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::cli::selection::EndTime;
use crate::model::Severity;

/// A change, or an object as a whole, as text without secrets and control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowseRow {
    /// The severity.
    pub severity: Severity,
    /// `Deployment.apps/shop/cart`
    pub object: String,
    /// `.spec.replicas`
    pub path: String,
    /// The change: `~ 2 to 7`
    pub what: String,
    /// Who wrote it: `bob with kubectl-edit 2m ago`
    pub who: String,
    /// A digest that differs as soon as either value changes.
    pub digest: String,
    /// The file and the line that declare the field.
    pub location: Option<(String, usize)>,
}

impl BrowseRow {
    /// Returns the key under which a mark survives another comparison.
    fn name(&self) -> String {
        format!("{} {} {}", self.digest, self.object, self.path)
    }
}

/// The decision on a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowDecision {
    /// Change the live object to match the manifest.
    Revert,
    /// Change the manifest to match the live object.
    Backport,
    /// Accept it until a deadline, for a reason.
    Accept(String, String),
    /// Ignore it by a rule, for a reason.
    Ignore(String),
}

impl RowDecision {
    /// Returns the letter in the list.
    pub const fn letter(&self) -> char {
        match self {
            Self::Revert => 'r',
            Self::Backport => 'b',
            Self::Accept(..) => 'a',
            Self::Ignore(_) => 'i',
        }
    }

    /// Returns the decision as `driftctl triage` writes it.
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

/// The use of the last line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrowseInput {
    /// Nothing is typed: keys are commands.
    Commands,
    /// Typing a filter.
    Filter(String),
    /// Typing a deadline and a reason to accept drift.
    Accept(String),
    /// Typing a reason to ignore drift.
    Ignore(String),
    /// Asking whether to quit although there are marks.
    Leave,
    /// Showing the help; any key closes it.
    Help,
}

/// A request that the browser itself cannot fulfil.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrowseRequest {
    /// Carry out the decisions.
    CarryOut,
    /// Open the manifest in the editor.
    Open,
    /// Copy the path to the clipboard.
    Copy,
    /// Compare again.
    Read,
    /// Stop the process until the shell continues it.
    Suspend,
    /// Quit.
    Leave,
}

/// The changes, and what is shown of them.
#[derive(Debug)]
pub struct Browser {
    /// The title: what is compared.
    pub title: String,
    /// The changes, the worst first.
    pub rows: Vec<BrowseRow>,
    /// The decisions, by the names of rows.
    marks: BTreeMap<String, RowDecision>,
    /// The position of the cursor among the shown rows.
    pub at: usize,
    /// Words that shown rows contain.
    pub filter: String,
    /// The current input.
    pub input: BrowseInput,
    /// Whether the live side is a recording, which nothing can be written to.
    pub is_recording: bool,
    /// A message in the last line.
    pub message: Option<String>,
    /// How many lines the explanation is scrolled.
    pub scroll: usize,
    /// Whether to use colours.
    pub colour: bool,
    /// Whether to draw lines with ASCII only.
    pub ascii: bool,
}

/// How many rows a page key moves.
const PAGE: usize = 10;

impl Browser {
    /// Returns a browser of these rows.
    pub fn new(title: String, rows: Vec<BrowseRow>) -> Self {
        Self {
            title,
            rows,
            marks: BTreeMap::new(),
            at: 0,
            filter: String::new(),
            input: BrowseInput::Commands,
            is_recording: false,
            message: None,
            scroll: 0,
            colour: true,
            ascii: false,
        }
    }

    /// Replaces the rows after another comparison. Marks of unchanged rows stay.
    pub fn replace(&mut self, title: String, rows: Vec<BrowseRow>) {
        let names: Vec<String> = rows.iter().map(BrowseRow::name).collect();
        self.marks.retain(|name, _| names.contains(name));
        (self.title, self.rows) = (title, rows);
        self.move_to(self.at);
    }

    /// Returns the indexes of the rows that match the filter.
    pub fn shown(&self) -> Vec<usize> {
        let words: Vec<String> = self
            .filter
            .split_whitespace()
            .map(str::to_lowercase)
            .collect();
        let has = |row: &BrowseRow| {
            let severity = row.severity.as_str();
            let parts = [severity, &row.object, &row.path, &row.what, &row.who];
            let text = parts.join(" ").to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        let rows = self.rows.iter().enumerate();
        rows.filter(|(_, row)| has(row)).map(|(at, _)| at).collect()
    }

    /// Returns the row under the cursor.
    pub fn current(&self) -> Option<&BrowseRow> {
        let shown = self.shown();
        self.rows.get(*shown.get(self.at)?)
    }

    /// Returns the decision on a row.
    pub fn mark(&self, row: &BrowseRow) -> Option<&RowDecision> {
        self.marks.get(&row.name())
    }

    /// Returns the number of marks.
    pub fn marked(&self) -> usize {
        self.marks.len()
    }

    /// Returns the decisions as `driftctl triage` writes them.
    pub fn decisions(&self) -> String {
        let lines = self.rows.iter().filter_map(|row| {
            let decision = self.mark(row)?.decision();
            let severity = row.severity.as_str();
            let (digest, object, path) = (&row.digest, &row.object, &row.path);
            Some(format!("{decision} {digest} {severity} {object} {path}\n"))
        });
        lines.collect()
    }

    /// Handles a key.
    pub fn key(&mut self, key: KeyEvent) -> Option<BrowseRequest> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        self.message = None;
        let with_control = key.modifiers.contains(KeyModifiers::CONTROL);
        if with_control && key.code == KeyCode::Char('c') {
            return Some(BrowseRequest::Leave);
        }
        if with_control && key.code == KeyCode::Char('z') {
            return Some(BrowseRequest::Suspend);
        }
        match &self.input {
            BrowseInput::Commands => self.command(key.code, with_control),
            BrowseInput::Help => {
                self.input = BrowseInput::Commands;
                None
            }
            BrowseInput::Leave => {
                self.input = BrowseInput::Commands;
                matches!(key.code, KeyCode::Char('y' | 'Y')).then_some(BrowseRequest::Leave)
            }
            BrowseInput::Filter(_) | BrowseInput::Accept(_) | BrowseInput::Ignore(_) => {
                match (with_control, key.code) {
                    // Some terminals send it for Backspace.
                    (true, KeyCode::Char('h')) => self.type_key(KeyCode::Backspace),
                    (true, KeyCode::Char('u')) => self.clear_line(),
                    (true, KeyCode::Char(_)) => {}
                    (_, code) => self.type_key(code),
                }
                None
            }
        }
    }

    fn command(&mut self, code: KeyCode, with_control: bool) -> Option<BrowseRequest> {
        match code {
            KeyCode::Char('d') if with_control => self.move_to(self.at + PAGE),
            KeyCode::Char('u') if with_control => self.move_to(self.at.saturating_sub(PAGE)),
            KeyCode::Char('l') if with_control => return Some(BrowseRequest::Read),
            KeyCode::Char(_) if with_control => {}
            KeyCode::Down | KeyCode::Char('j') => self.move_to(self.at + 1),
            KeyCode::Up | KeyCode::Char('k') => self.move_to(self.at.saturating_sub(1)),
            KeyCode::PageDown => self.move_to(self.at + PAGE),
            KeyCode::PageUp => self.move_to(self.at.saturating_sub(PAGE)),
            KeyCode::Home => self.move_to(0),
            KeyCode::End => self.move_to(usize::MAX),
            KeyCode::Char('J') => self.scroll += 1,
            KeyCode::Char('K') => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Char('r') if self.is_recording => {
                let message = "a recording cannot be reverted; browse the cluster, without --live";
                self.message = Some(message.to_owned());
            }
            KeyCode::Char('r') => self.set(RowDecision::Revert),
            KeyCode::Char('b') => self.set(RowDecision::Backport),
            KeyCode::Char('a') if self.current().is_some() => {
                self.input = BrowseInput::Accept("24h ".to_owned());
            }
            KeyCode::Char('i') if self.current().is_some() => {
                self.input = BrowseInput::Ignore(String::new());
            }
            KeyCode::Char(' ') => {
                if let Some(name) = self.current().map(BrowseRow::name) {
                    self.marks.remove(&name);
                    self.move_to(self.at + 1);
                }
            }
            KeyCode::Char('/') => {
                self.input = BrowseInput::Filter(std::mem::take(&mut self.filter))
            }
            KeyCode::Esc => {
                self.filter.clear();
                self.move_to(self.at);
            }
            KeyCode::Char('?') => self.input = BrowseInput::Help,
            KeyCode::Char('R') => return Some(BrowseRequest::Read),
            KeyCode::Char('o') => return self.current().and(Some(BrowseRequest::Open)),
            KeyCode::Char('y') => return self.current().and(Some(BrowseRequest::Copy)),
            KeyCode::Char('x') if self.marks.is_empty() => {
                self.message =
                    Some("nothing is marked; press r, b, a or i to mark a change".to_owned());
            }
            KeyCode::Char('x') => return Some(BrowseRequest::CarryOut),
            KeyCode::Char('q') if self.marks.is_empty() => return Some(BrowseRequest::Leave),
            KeyCode::Char('q') => self.input = BrowseInput::Leave,
            _ => {}
        }
        None
    }

    fn move_to(&mut self, to: usize) {
        let before = self.at;
        self.at = to.min(self.shown().len().saturating_sub(1));
        if self.at != before {
            self.scroll = 0;
        }
    }

    /// Marks the row under the cursor, and moves to the next one.
    fn set(&mut self, mark: RowDecision) {
        if let Some(name) = self.current().map(BrowseRow::name) {
            self.marks.insert(name, mark);
            self.move_to(self.at + 1);
        }
    }

    fn type_key(&mut self, code: KeyCode) {
        let (BrowseInput::Filter(text) | BrowseInput::Accept(text) | BrowseInput::Ignore(text)) =
            &mut self.input
        else {
            return;
        };
        match code {
            KeyCode::Char(c) if !c.is_control() => text.push(c),
            KeyCode::Backspace => drop(text.pop()),
            KeyCode::Esc => {
                self.input = BrowseInput::Commands;
                return;
            }
            KeyCode::Enter => {
                let text = std::mem::take(text);
                self.submit(&text);
                return;
            }
            _ => {}
        }
        self.apply_filter();
    }

    /// Removes all that was typed.
    fn clear_line(&mut self) {
        if let BrowseInput::Filter(text) | BrowseInput::Accept(text) | BrowseInput::Ignore(text) =
            &mut self.input
        {
            text.clear();
        }
        self.apply_filter();
    }

    /// Applies the filter while it is typed.
    fn apply_filter(&mut self) {
        if let BrowseInput::Filter(text) = &self.input {
            self.filter = text.clone();
            self.at = 0;
        }
    }

    fn submit(&mut self, text: &str) {
        let input = std::mem::replace(&mut self.input, BrowseInput::Commands);
        let trimmed = text.trim();
        match input {
            BrowseInput::Filter(_) => self.filter = trimmed.to_owned(),
            BrowseInput::Accept(_) => {
                let (time, reason) = trimmed.split_once(' ').unwrap_or((trimmed, ""));
                let until: Result<EndTime, String> = time.parse();
                match until {
                    Err(why) => self.message = Some(format!("{time:?}: {why}")),
                    Ok(_) if reason.trim().is_empty() => {
                        self.message = Some("add a reason after the deadline".to_owned());
                    }
                    Ok(_) => self.set(RowDecision::Accept(
                        time.to_owned(),
                        reason.trim().to_owned(),
                    )),
                }
                if self.message.is_some() {
                    self.input = BrowseInput::Accept(text.to_owned());
                }
            }
            BrowseInput::Ignore(_) if trimmed.is_empty() => {
                self.message = Some("write a reason".to_owned());
                self.input = BrowseInput::Ignore(String::new());
            }
            BrowseInput::Ignore(_) => self.set(RowDecision::Ignore(trimmed.to_owned())),
            BrowseInput::Commands | BrowseInput::Leave | BrowseInput::Help => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::example::{browser, press};
    use super::*;

    #[test]
    fn writes_marks_as_a_file_of_decisions() {
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
        assert_eq!(press(&mut browser, "x"), Some(BrowseRequest::CarryOut));
    }

    #[test]
    fn keys_with_control_type_nothing() {
        let control = |key: char| KeyEvent::new(KeyCode::Char(key), KeyModifiers::CONTROL);
        let mut browser = browser();
        press(&mut browser, "/cart");
        assert_eq!(browser.key(control('a')), None);
        assert_eq!(browser.filter, "cart");
        browser.key(control('h'));
        assert_eq!(browser.filter, "car");
        browser.key(control('u'));
        assert_eq!(browser.filter, "");
        assert_eq!(browser.key(control('z')), Some(BrowseRequest::Suspend));
    }

    #[test]
    fn a_recording_has_no_marks_to_revert() {
        let mut browser = browser();
        browser.is_recording = true;
        press(&mut browser, "r");
        assert_eq!(browser.marked(), 0);
        assert!(
            browser
                .message
                .is_some_and(|message| message.contains("--live"))
        );
    }

    #[test]
    fn asks_again_for_an_invalid_deadline() {
        let mut browser = browser();
        press(&mut browser, "a\u{8}\u{8}\u{8}\u{8}soon Incident\n");
        assert!(browser.message.is_some());
        assert_eq!(
            browser.input,
            BrowseInput::Accept("soon Incident".to_owned())
        );
        assert_eq!(browser.marked(), 0);
        press(&mut browser, "\u{1b}");
        assert_eq!(browser.input, BrowseInput::Commands);
    }

    #[test]
    fn keeps_the_cursor_on_a_row_that_matches_the_filter() {
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
    fn asks_before_quitting_with_marks() {
        let mut browser = browser();
        press(&mut browser, "b");
        assert_eq!(press(&mut browser, "q"), None);
        assert_eq!(press(&mut browser, "n"), None);
        assert_eq!(press(&mut browser, "q"), None);
        assert_eq!(press(&mut browser, "y"), Some(BrowseRequest::Leave));
        press(&mut browser, "k ");
        assert_eq!(press(&mut browser, "q"), Some(BrowseRequest::Leave));
    }

    #[test]
    fn drops_marks_of_changes_whose_value_changed() {
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
