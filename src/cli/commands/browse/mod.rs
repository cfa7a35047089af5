//! `driftctl browse`: lists drift in the terminal, and acts on it.
//!
//! compare → list → mark → carry out as `driftctl triage` does → compare again

mod draw;
#[cfg(test)]
mod example;
mod screen;
mod state;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use crossterm::event::Event;
use jiff::Timestamp;

use super::explain::redacted;
use super::triage;
use crate::cli::args::BrowseArgs;
use crate::cli::comparison::{RepeatableComparison, Reports};
use crate::cli::selected::changes;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message};
use crate::cluster::Overlay;
use crate::engine::ExplainRequest;
use crate::engine::triage::TriageItem;
use crate::model::{FieldPath, ReportTarget};
use crate::output::{self, RenderOptions, escape};
use draw::Panes;
use screen::Screen;
use state::{BrowseRequest, BrowseRow, Browser};

/// How long to wait for another key before the change under the cursor is explained.
const PAUSE: Duration = Duration::from_millis(80);

/// Shows drift, and carries out decisions, until the user quits.
///
/// # Errors
/// Fails if there is no terminal, or nothing can be compared.
pub fn run(args: &BrowseArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    ensure!(
        settings.is_terminal && settings.can_ask,
        "there is no terminal to browse in; 'driftctl triage PATH > todo' writes a file of decisions \
         instead"
    );
    let words = args.as_triage();
    triage::check(&words)?;
    let mut settings = settings.clone();
    let mut browser = Browser::new(String::new(), Vec::new());
    (browser.colour, browser.ascii) = (settings.color, settings.ascii);
    let mut exit = Exit::Clean;
    loop {
        let (request, is_incomplete) = read(args, &settings, &mut browser, streams)?;
        if is_incomplete {
            exit = exit.max(Exit::Trouble);
        }
        match request {
            BrowseRequest::Leave => return Ok(exit),
            BrowseRequest::CarryOut => {
                let done = triage::decide(&words, &browser.decisions(), &settings, streams);
                let done = done.unwrap_or_else(|error| message::failed(streams, &settings, &error));
                exit = exit.max(done);
                if !pause(streams)? {
                    return Ok(exit);
                }
            }
            BrowseRequest::Read
            | BrowseRequest::Open
            | BrowseRequest::Copy
            | BrowseRequest::Suspend => {}
        }
        settings.now = Timestamp::now();
    }
}

/// Waits until the user has read the result, before the list covers it. Returns whether there is
/// still someone to wait for.
fn pause(streams: &mut Streams) -> Result<bool> {
    // Results are buffered; without this, they would appear after the answer.
    streams.out.flush()?;
    write!(streams.err, "press Enter to continue")?;
    streams.err.flush()?;
    let mut line = String::new();
    Ok(streams.answers.read_line(&mut line)? > 0)
}

/// Compares, and shows the result until the user quits or a new comparison is needed.
fn read(
    args: &BrowseArgs,
    settings: &Settings,
    browser: &mut Browser,
    streams: &mut Streams,
) -> Result<(BrowseRequest, bool)> {
    let act = &args.act;
    let (selected, source) = act.drift.selected()?;
    let again = RepeatableComparison::begin(&source, &act.drift, act.extra.within, settings.now)?;
    let overlay = Overlay::of(again.live());
    let reports = again.reports(&overlay)?;
    let Reports { report, shown } = &reports;
    selected.check(report, changes)?;
    let items = reports.items(&selected);
    let rows = items.iter().map(|item| row(item, settings.now)).collect();
    browser.replace(title(&shown.target), rows);
    browser.is_recording = shown.target.dump.is_some();
    let is_incomplete = report.is_incomplete();
    if is_incomplete {
        let message = "not everything could be compared; 'driftctl diff' shows why";
        browser.message = Some(message.to_owned());
    }
    let explain = |at: usize, width: u16| {
        let item = items.get(at)?;
        Some(explanation(item, &again, &overlay, width, settings))
    };
    let request = show(browser, &explain, settings, streams)?;
    Ok((request, is_incomplete))
}

/// Shows the rows, and explains the one under the cursor, until something is asked for.
fn show(
    browser: &mut Browser,
    explain: &dyn Fn(usize, u16) -> Option<Vec<String>>,
    settings: &Settings,
    streams: &mut Streams,
) -> Result<BrowseRequest> {
    let mut explained: BTreeMap<(usize, u16), Vec<String>> = BTreeMap::new();
    let mut screen = Screen::open(&mut streams.out).context("cannot use the terminal")?;
    loop {
        let mut pane = Panes::of(screen.terminal.get_frame().area()).explanation;
        let at = browser.shown().get(browser.at).copied();
        let known = at.and_then(|at| explained.get(&(at, pane.width)));
        let lines = known.cloned().unwrap_or_default();
        let drawn = screen.terminal.draw(|frame| {
            pane = Panes::of(frame.area()).explanation;
            draw::draw(frame, browser, &lines);
        });
        drawn.context("cannot write to the terminal")?;
        let is_explained = at.is_none_or(|at| explained.contains_key(&(at, pane.width)));
        let wait = if is_explained {
            Duration::from_secs(3600)
        } else {
            PAUSE
        };
        let event = screen.next(wait).context("cannot read from the terminal")?;
        let key = match (event, at) {
            (Some(Event::Key(key)), _) => key,
            (None, Some(at)) if !is_explained => {
                let lines = explain(at, pane.width).unwrap_or_default();
                explained.insert((at, pane.width), lines);
                continue;
            }
            _ => continue,
        };
        match browser.key(key) {
            None => {}
            Some(BrowseRequest::Copy) => {
                if let Some(row) = browser.current() {
                    let path = row.path.clone();
                    screen.copy(&path).context("cannot write to the terminal")?;
                    browser.message = Some(format!("copied {path}"));
                }
            }
            Some(BrowseRequest::Suspend) => {
                screen.suspend().context("cannot use the terminal")?;
            }
            Some(BrowseRequest::Open) => match browser
                .current()
                .and_then(|row| row.location.clone())
            {
                None => browser.message = Some("its manifest is not a local file".to_owned()),
                Some((file, line)) => {
                    drop(screen);
                    if let Err(error) = triage::open_at(&settings.editor, Path::new(&file), line) {
                        browser.message = Some(escape::line(&format!("{error:#}")).into_owned());
                    }
                    return Ok(BrowseRequest::Open);
                }
            },
            Some(request) => return Ok(request),
        }
    }
}

/// Returns the lines that explain a change.
fn explanation(
    item: &TriageItem<'_>,
    again: &RepeatableComparison,
    overlay: &Overlay<'_>,
    width: u16,
    settings: &Settings,
) -> Vec<String> {
    let root = FieldPath::root();
    let path = item.drift.map_or(&root, |drift| &drift.change.path);
    let name = item.shown.key.to_string();
    let question = ExplainRequest {
        object: &name,
        is_meant: &|key, _| *key == item.object.key,
        path,
    };
    let options = RenderOptions {
        width: usize::from(width),
        now: Some(settings.now),
        ascii: settings.ascii,
        ..RenderOptions::default()
    };
    let mut text = Vec::new();
    let answer = again.answer(overlay, question);
    let explanation = answer.and_then(|answer| redacted(answer, again.redactor()));
    let written = explanation.and_then(|explanation| {
        output::explanation_text(&explanation, &options, &mut text).map_err(Into::into)
    });
    if written.is_err() {
        text = describe_whole(item).into_bytes();
    }
    let text = String::from_utf8_lossy(&text);
    text.lines().map(str::to_owned).collect()
}

fn row(item: &TriageItem<'_>, now: Timestamp) -> BrowseRow {
    let text = output::todo_text(item.shown, item.shown_drift, Some(now));
    let origin = item.object.origin.as_ref();
    let origin = origin.filter(|origin| origin.revision.is_none());
    let location = origin.map(|origin| {
        let line = item.drift.and_then(|drift| drift.position);
        let line = line.map_or(origin.line, |position| position.line);
        (origin.file.to_string(), line)
    });
    BrowseRow {
        severity: item.severity,
        object: text.object,
        path: text.path,
        what: text.what,
        who: text.who,
        digest: item.mark.clone(),
        location: location.filter(|(file, _)| Path::new(file).is_file()),
    }
}

/// Describes an object that has no field to explain.
fn describe_whole(item: &TriageItem<'_>) -> String {
    let status = item.object.status().as_str();
    format!(
        "{}\n\n{status}\n",
        escape::line(&item.shown.key.to_string())
    )
}

/// Returns the live side, for the title.
fn title(target: &ReportTarget) -> String {
    let name = match target {
        ReportTarget {
            context: Some(context),
            ..
        } => format!("context {context}"),
        ReportTarget {
            dump: Some(dump), ..
        } => format!("recording {dump}"),
        _ => String::new(),
    };
    escape::line(&name).into_owned()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io::{self, BufWriter, Cursor, Write};
    use std::rc::Rc;

    use super::*;

    /// A terminal, which shows what reaches it from either stream.
    #[derive(Clone, Default)]
    struct Terminal(Rc<RefCell<Vec<u8>>>);

    impl Write for Terminal {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn shows_the_result_before_it_waits() {
        let terminal = Terminal::default();
        let mut streams = Streams {
            out: Box::new(BufWriter::new(terminal.clone())),
            err: Box::new(terminal.clone()),
            answers: Box::new(Cursor::new("\n")),
        };
        writeln!(streams.out, "TRIAGED  1 of 1 decisions carried out").unwrap();
        assert!(pause(&mut streams).unwrap());
        let shown = String::from_utf8(terminal.0.borrow().clone()).unwrap();
        assert_eq!(
            shown,
            "TRIAGED  1 of 1 decisions carried out\npress Enter to continue"
        );
        assert!(!pause(&mut streams).unwrap());
    }
}
