//! Runs the rounds of a watch, and keeps their results.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use jiff::Timestamp;

use crate::cli::args::{PoliciesArgs, WatchArgs, WatchLabel};
use crate::cli::comparison::{self, ComparisonResult, RunRules};
use crate::cli::secrecy;
use crate::engine::episodes::{Digester, EpisodeLog, RoundResult};
use crate::model::{EpisodeEvent, FieldPath};
use crate::output::{self, RenderOptions, Rounds, WatchState};
use crate::redact::{Redacted, WholeObjects};
use crate::state::{EpisodeFile, new_salt};

/// How many events a screen can show.
const RECENT: usize = 20;

/// The outcome of a round.
pub enum RoundOutcome {
    /// Everything was compared.
    Complete(Vec<EpisodeEvent>),
    /// Some objects could not be compared.
    Incomplete(Vec<EpisodeEvent>),
    /// Nothing was compared, and why.
    Failed(String),
}

/// A watch between two rounds.
pub struct WatchRun<'a> {
    args: &'a WatchArgs,
    rules: RunRules,
    ledger: EpisodeLog,
    digester: Digester,
    state: Option<EpisodeFile>,
    /// Events that could not be written yet.
    unwritten: Vec<EpisodeEvent>,
    /// Whether the state file had an incomplete last line.
    pub was_torn: bool,
    rounds: Rounds,
    took: Duration,
    last_complete: Option<(Timestamp, Instant)>,
    at: Timestamp,
    report: Option<Redacted>,
    recent: VecDeque<EpisodeEvent>,
    /// Errors other than those of the comparison.
    pub troubles: Vec<String>,
}

impl<'a> WatchRun<'a> {
    /// Reads the rules and the state, and finds both sides.
    ///
    /// # Errors
    /// Fails if anything is wrong with the arguments, the rules or the state file.
    pub fn begin(args: &'a WatchArgs, now: Timestamp) -> Result<Self> {
        let rules =
            comparison::rules(&args.rules, &args.source, now)?.within(&args.live.connection);
        comparison::sources(&args.source, &args.live)?;
        let side = comparison::live_side(&args.live, &comparison::scanned(&args.source))?;
        let target = side.as_live().target();
        let cluster = target.server.or(target.dump).unwrap_or_default();
        let (state, kept) = match &args.state {
            Some(path) => {
                let (state, kept) = EpisodeFile::open(path, &cluster)?;
                (Some(state), kept)
            }
            None => (None, Default::default()),
        };
        let salt = match &state {
            Some(state) => state.salt().to_owned(),
            None => new_salt()?,
        };
        Ok(Self {
            args,
            rules,
            ledger: EpisodeLog::restore(kept.tallies, kept.open, &kept.events),
            digester: Digester::of(&salt),
            state,
            unwritten: Vec::new(),
            was_torn: kept.was_torn,
            rounds: Rounds::default(),
            took: Duration::ZERO,
            last_complete: None,
            at: now,
            report: None,
            recent: VecDeque::new(),
            troubles: Vec::new(),
        })
    }

    /// Compares once, and reads the clock again at the end. An outage changes nothing.
    pub fn round(&mut self, now: Timestamp, clock: &dyn Fn() -> Timestamp) -> RoundOutcome {
        let began = Instant::now();
        self.troubles.clear();
        // Rules are read again: they change, and they expire.
        match comparison::rules(&self.args.rules, &self.args.source, now) {
            Ok(rules) => self.rules = rules.within(&self.args.live.connection),
            Err(error) => self.troubles.push(format!(
                "keeping the rules of the previous round: {error:#}"
            )),
        }
        let args = self.args;
        let rules = self.rules.clone();
        let (live, compare) = (&args.live, &args.compare);
        let no_policies = PoliciesArgs::default();
        let compared = comparison::run_by(
            rules,
            &args.source,
            live,
            compare,
            &args.rules,
            &no_policies,
            comparison::RunOptions::default(),
        );
        self.took = began.elapsed();
        self.at = clock().max(now);
        let outcome = match compared {
            Ok(compared) => self.take(compared, now),
            Err(error) => {
                self.rounds.failed += 1;
                RoundOutcome::Failed(format!("{error:#}"))
            }
        };
        self.write_down();
        outcome
    }

    fn take(&mut self, compared: ComparisonResult, began: Timestamp) -> RoundOutcome {
        let ComparisonResult { report, rules } = compared;
        if report.interrupted {
            self.rounds.incomplete += 1;
            return RoundOutcome::Incomplete(Vec::new());
        }
        let mut round = RoundResult::of(&report, &self.ledger, &self.digester, (began, self.at));
        let objects = report.objects.iter();
        let paths: Vec<Vec<FieldPath>> = objects
            .map(|object| object.drifts.iter().map(|one| one.change.path.clone()))
            .map(Iterator::collect)
            .collect();
        let untrusted = self.args.source.untrusted.untrusted;
        let report = secrecy::redact(
            report,
            &self.args.redact,
            untrusted,
            rules.secret(),
            WholeObjects::Extra,
        );
        // Keys of maps and lists may be secrets.
        round.show_as(&paths, &report);
        let events = self.ledger.advance(&round);
        self.unwritten.extend(events.iter().cloned());
        for event in &events {
            if self.recent.len() == RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back(event.clone());
        }
        self.report = Some(report);
        if round.is_complete && self.troubles.is_empty() {
            self.rounds.complete += 1;
            self.last_complete = Some((self.at, Instant::now()));
            RoundOutcome::Complete(events)
        } else {
            self.rounds.incomplete += 1;
            RoundOutcome::Incomplete(events)
        }
    }

    /// Writes the events to the state file. What could not be written is retried in the next round.
    fn write_down(&mut self) {
        let Some(state) = &mut self.state else {
            self.unwritten.clear();
            return;
        };
        match state.add(&self.unwritten) {
            Ok(()) => self.unwritten.clear(),
            Err(error) => self
                .troubles
                .push(format!("{error:#}; trying again in the next round")),
        }
    }

    /// Returns when everything was last compared, if its events were written.
    pub fn well_since(&self) -> Option<Instant> {
        let complete = self.last_complete.filter(|_| self.unwritten.is_empty());
        complete.map(|(_, at)| at)
    }

    /// Returns the last report.
    pub fn report(&self) -> Option<&Redacted> {
        self.report.as_ref()
    }

    /// Returns the last events.
    pub fn recent(&self) -> Vec<EpisodeEvent> {
        self.recent.iter().cloned().collect()
    }

    /// Returns the episodes.
    pub fn watched(&self) -> WatchState<'_> {
        let debt = self.rules.baseline.debt.entries();
        WatchState {
            open: self.ledger.open().collect(),
            tallies: self.ledger.tallies(),
            rounds: self.rounds,
            took: self.took,
            last_complete: self.last_complete.map(|(at, _)| at),
            overdue: debt.filter(|accepted| accepted.overdue).count(),
            names_objects: self.args.label == Some(WatchLabel::Object),
        }
    }

    /// Returns the page of metrics.
    ///
    /// # Errors
    /// Fails if there is not enough memory.
    pub fn metrics(&self) -> Result<Vec<u8>> {
        let mut page = Vec::new();
        let options = RenderOptions {
            now: Some(self.at),
            ..RenderOptions::default()
        };
        output::watch_metrics(&self.watched(), self.report(), &options, &mut page)
            .context("cannot write the metrics")?;
        Ok(page)
    }

    /// Returns the last report as JSON.
    ///
    /// # Errors
    /// Fails if it cannot be written.
    pub fn report_json(&self) -> Result<Option<Vec<u8>>> {
        let (Some(report), Some(format)) = (self.report(), output::find("json")) else {
            return Ok(None);
        };
        let mut page = Vec::new();
        let options = RenderOptions {
            now: Some(self.at),
            ..RenderOptions::default()
        };
        format
            .render(report, &options, &mut page)
            .context("cannot write the report")?;
        Ok(Some(page))
    }
}
