//! Shows a watch: as lines, or on a terminal as a screen that is redrawn.

use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;

use super::rounds::{RoundOutcome, WatchRun};
use super::service::WatchServer;
use crate::cli::args::WatchArgs;
use crate::cli::settings::Settings;
use crate::cli::{Streams, message};
use crate::model::EpisodeEvent;
use crate::output::{self, RenderOptions};

/// The display of a watch, and its current content.
pub struct WatchDisplay<'s> {
    settings: &'s Settings,
    every: Duration,
    /// The rows of the terminal; `None` without a terminal.
    rows: Option<usize>,
    /// How many lines fit on the screen.
    drawn: usize,
    /// The last message about a round, so that it is not repeated.
    shown_messages: Vec<String>,
}

impl<'s> WatchDisplay<'s> {
    /// Returns a screen on a terminal, or else lines.
    pub fn new(args: &WatchArgs, settings: &'s Settings) -> Self {
        Self {
            settings,
            every: args.every,
            rows: settings.rows.filter(|_| !args.once),
            drawn: 0,
            shown_messages: Vec::new(),
        }
    }

    fn options(&self, now: Timestamp) -> RenderOptions {
        RenderOptions {
            colour: self.settings.color,
            width: self.settings.columns,
            ascii: self.settings.ascii,
            now: Some(now),
            ..RenderOptions::default()
        }
    }

    /// Reports what was restored from the state file.
    ///
    /// # Errors
    /// Fails if nothing can be written.
    pub fn begin(&mut self, watch: &WatchRun<'_>, streams: &mut Streams) -> Result<()> {
        if watch.was_torn {
            let message = "the last line of the state file was incomplete and has been dropped";
            writeln!(streams.err, "warning: {message}").context("cannot write a message")?;
        }
        Ok(())
    }

    /// Reports the address of the pages.
    ///
    /// # Errors
    /// Fails if nothing can be written.
    pub fn listens(&self, service: &WatchServer, streams: &mut Streams) -> Result<()> {
        let address = service.address;
        let message =
            format!("serving http://{address}/metrics, /healthz, /livez and /report.json");
        writeln!(streams.err, "{message}").context("cannot write a message")?;
        Ok(())
    }

    /// Reports an error other than those of the comparison.
    pub fn trouble(&mut self, what: &str, streams: &mut Streams) {
        message::print_message(streams, self.settings, what);
    }

    /// Shows a round.
    ///
    /// # Errors
    /// Fails if nothing can be written.
    pub fn round(
        &mut self,
        watch: &WatchRun<'_>,
        outcome: &RoundOutcome,
        now: Timestamp,
        streams: &mut Streams,
    ) -> Result<()> {
        match self.rows {
            Some(rows) => self.draw(watch, outcome, now, rows, streams)?,
            None => self.write(watch, outcome, now, streams)?,
        }
        streams
            .out
            .flush()
            .context("cannot write to standard output")
    }

    fn draw(
        &mut self,
        watch: &WatchRun<'_>,
        outcome: &RoundOutcome,
        now: Timestamp,
        rows: usize,
        streams: &mut Streams,
    ) -> Result<()> {
        let state = self.state(watch, outcome, now);
        let options = self.options(now);
        let recent = watch.recent();
        let watched = watch.watched();
        // The last row stays free, so that the terminal does not scroll.
        let rows = rows.saturating_sub(1);
        let lines = output::watch_screen(&watched, watch.report(), &state, &recent, rows, &options);
        let mut text = String::new();
        if self.drawn > 0 {
            text.push_str(&format!("\u{1b}[{}A\r", self.drawn));
        }
        for line in &lines {
            text.push_str(line);
            text.push_str("\u{1b}[K\n");
        }
        text.push_str("\u{1b}[J");
        self.drawn = lines.len();
        write!(streams.out, "{text}").context("cannot write to standard output")
    }

    /// Returns `round 3 at 10:00:05 UTC compared everything in 0.2s; the next in 30s`.
    fn state(&self, watch: &WatchRun<'_>, outcome: &RoundOutcome, now: Timestamp) -> String {
        let watched = watch.watched();
        let took = watched.took.as_secs_f64();
        let at = now.strftime("%H:%M:%S UTC");
        let mut state = format!("round {} at {at} ", watched.rounds.all());
        state.push_str(&match outcome {
            RoundOutcome::Complete(_) => format!("compared everything in {took:.1}s"),
            RoundOutcome::Incomplete(_) => {
                let why = why_incomplete(watch).into_iter().next();
                let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                format!("is INCOMPLETE{why}")
            }
            RoundOutcome::Failed(why) => format!("FAILED: {why}"),
        });
        if let Some(trouble) = watch.troubles.first() {
            state.push_str(&format!("; error: {trouble}"));
        }
        state.push_str(&format!("; one every {}s", self.every.as_secs()));
        state
    }

    fn write(
        &mut self,
        watch: &WatchRun<'_>,
        outcome: &RoundOutcome,
        now: Timestamp,
        streams: &mut Streams,
    ) -> Result<()> {
        let options = self.options(now);
        let mut messages: Vec<String> = watch.troubles.clone();
        let (events, result): (&[EpisodeEvent], &str) = match outcome {
            RoundOutcome::Complete(events) => (events, "everything was compared"),
            RoundOutcome::Incomplete(events) => {
                messages.extend(why_incomplete(watch));
                (
                    events,
                    "not everything was compared; drift that could not be checked stays open",
                )
            }
            RoundOutcome::Failed(why) => {
                messages.push(why.clone());
                (&[], "nothing was compared; open drift stays open")
            }
        };
        if messages != self.shown_messages {
            for what in &messages {
                message::print_message(streams, self.settings, what);
            }
        }
        let at = now.strftime("%Y-%m-%dT%H:%M:%SZ");
        let lines = events.iter();
        let lines: Vec<String> = lines
            .filter_map(|event| output::event_line(event, &options))
            .collect();
        for line in &lines {
            writeln!(streams.out, "{at}  {line}").context("cannot write to standard output")?;
        }
        // A round without events prints nothing.
        let is_first = watch.watched().rounds.all() == 1;
        if is_first || !lines.is_empty() || messages != self.shown_messages {
            let open = watch.watched().open.len();
            writeln!(streams.out, "{at}  {open} open; {result}")
                .context("cannot write to standard output")?;
        }
        self.shown_messages = messages;
        Ok(())
    }
}

/// Returns what made a round incomplete.
fn why_incomplete(watch: &WatchRun<'_>) -> Vec<String> {
    let Some(report) = watch.report() else {
        return Vec::new();
    };
    let fatal = report.warnings.iter().filter(|warning| warning.fatal);
    let mut messages: Vec<String> = fatal
        .map(|warning| match warning.place.as_str() {
            "" => warning.message.clone(),
            place => format!("{place}: {}", warning.message),
        })
        .collect();
    let unknown = report.objects.iter();
    let unknown = unknown.filter(|object| object.status() == crate::model::ObjectStatus::Unknown);
    messages.extend(unknown.map(|object| {
        let reason = object.reason.as_deref().unwrap_or("it could not be read");
        format!("{}: {reason}", object.key)
    }));
    messages.truncate(10);
    messages
}
