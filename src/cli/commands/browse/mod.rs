//! `driftctl browse`: drift in the terminal, decided about and acted on.
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

use super::explain::told;
use super::triage;
use crate::cli::args::BrowseArgs;
use crate::cli::comparison::{Again, Reports};
use crate::cli::selected::changes;
use crate::cli::settings::Settings;
use crate::cli::{Exit, Streams, message};
use crate::cluster::Overlay;
use crate::engine::Question;
use crate::engine::triage::Item;
use crate::model::{FieldPath, Target};
use crate::output::{self, RenderOptions, escape};
use draw::Panes;
use screen::Screen;
use state::{Ask, Browser, Row};

/// How long keys are waited for before the change under the cursor is explained.
const PAUSE: Duration = Duration::from_millis(80);

/// Shows drift, and carries out what is marked, until the user leaves.
///
/// # Errors
/// When there is no terminal, or nothing can be compared.
pub fn run(args: &BrowseArgs, settings: &Settings, streams: &mut Streams) -> Result<Exit> {
    ensure!(
        settings.is_terminal && settings.can_ask,
        "there is no terminal to browse in; 'driftctl triage PATH > todo' writes drift as a file of \
         decisions"
    );
    let words = args.as_triage();
    triage::check(&words)?;
    let mut settings = settings.clone();
    let mut browser = Browser::new(String::new(), Vec::new());
    (browser.colour, browser.ascii) = (settings.color, settings.ascii);
    let mut exit = Exit::Clean;
    loop {
        let (asked, is_incomplete) = read(args, &settings, &mut browser, streams)?;
        if is_incomplete {
            exit = exit.max(Exit::Trouble);
        }
        match asked {
            Ask::Leave => return Ok(exit),
            Ask::CarryOut => {
                let ended = triage::decide(&words, &browser.decisions(), &settings, streams);
                let ended =
                    ended.unwrap_or_else(|error| message::failed(streams, &settings, &error));
                exit = exit.max(ended);
                write!(streams.err, "press Enter to go on")?;
                streams.err.flush()?;
                let mut line = String::new();
                if streams.answers.read_line(&mut line)? == 0 {
                    return Ok(exit);
                }
            }
            Ask::Read | Ask::Open | Ask::Copy => {}
        }
        settings.now = Timestamp::now();
    }
}

/// Compares, and shows what was found until something is asked for that changes it.
fn read(
    args: &BrowseArgs,
    settings: &Settings,
    browser: &mut Browser,
    streams: &mut Streams,
) -> Result<(Ask, bool)> {
    let act = &args.act;
    let (selected, source) = act.drift.selected()?;
    let again = Again::begin(&source, &act.drift, act.extra.within, settings.now)?;
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
        let said = "not everything could be compared; 'driftctl diff' says what and why";
        browser.said = Some(said.to_owned());
    }
    let mut explained: BTreeMap<(usize, u16), Vec<String>> = BTreeMap::new();
    let explain = |at: usize, width: u16| -> Vec<String> {
        let Some(item) = items.get(at) else {
            return Vec::new();
        };
        let root = FieldPath::root();
        let path = item.drift.map_or(&root, |drift| &drift.change.path);
        let name = item.shown.key.to_string();
        let question = Question {
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
        let answer = again.answer(&overlay, question);
        let account = answer.and_then(|answer| told(answer, &again.redactor()));
        let written = account.and_then(|account| {
            output::explanation_text(&account, &options, &mut text).map_err(Into::into)
        });
        if written.is_err() {
            text = whole(item).into_bytes();
        }
        let text = String::from_utf8_lossy(&text);
        text.lines().map(str::to_owned).collect()
    };
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
                explained.insert((at, pane.width), explain(at, pane.width));
                continue;
            }
            _ => continue,
        };
        match browser.key(key) {
            None => {}
            Some(Ask::Copy) => {
                if let Some(row) = browser.current() {
                    let path = row.path.clone();
                    screen.copy(&path).context("cannot write to the terminal")?;
                    browser.said = Some(format!("copied {path}"));
                }
            }
            Some(Ask::Open) => match browser.current().and_then(|row| row.place.clone()) {
                None => browser.said = Some("no file of this machine declares it".to_owned()),
                Some((file, line)) => {
                    drop(screen);
                    if let Err(error) = triage::open_at(&settings.editor, Path::new(&file), line) {
                        browser.said = Some(escape::line(&format!("{error:#}")).into_owned());
                    }
                    return Ok((Ask::Open, is_incomplete));
                }
            },
            Some(asked) => return Ok((asked, is_incomplete)),
        }
    }
}

fn row(item: &Item<'_>, now: Timestamp) -> Row {
    let text = output::todo_text(item.shown, item.shown_drift, Some(now));
    let origin = item.object.origin.as_ref();
    let origin = origin.filter(|origin| origin.revision.is_none());
    let place = origin.map(|origin| {
        let line = item.drift.and_then(|drift| drift.position);
        let line = line.map_or(origin.line, |position| position.line);
        (origin.file.to_string(), line)
    });
    Row {
        severity: item.severity,
        object: text.object,
        path: text.path,
        what: text.what,
        who: text.who,
        digest: item.mark.clone(),
        place: place.filter(|(file, _)| Path::new(file).is_file()),
    }
}

/// What is said of an object of which there is nothing to compare.
fn whole(item: &Item<'_>) -> String {
    let status = item.object.status().as_str();
    format!(
        "{}\n\n{status}\n",
        escape::line(&item.shown.key.to_string())
    )
}

/// What is compared with.
fn title(target: &Target) -> String {
    let name = match target {
        Target {
            context: Some(context),
            ..
        } => format!("context {context}"),
        Target {
            dump: Some(dump), ..
        } => format!("recording {dump}"),
        _ => String::new(),
    };
    escape::line(&name).into_owned()
}
