//! Writes the output of `driftctl watch`: events, a screen, metrics and alerts.

mod alerts;
mod figures;
mod screen;

use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Episode, Tallies};

pub use alerts::watch_alerts;
pub use figures::watch_metrics;
pub use screen::{event_line, watch_screen};

/// The state of a watch after a round.
#[derive(Debug, Clone)]
pub struct WatchState<'w> {
    /// The open episodes.
    pub open: Vec<&'w Episode>,
    /// How many episodes began and ended.
    pub tallies: &'w Tallies,
    /// Rounds by result.
    pub rounds: Rounds,
    /// How long the last round took.
    pub took: Duration,
    /// When everything was last compared.
    pub last_complete: Option<Timestamp>,
    /// Accepted drift past its expiry.
    pub overdue: usize,
    /// Whether metrics name objects.
    pub names_objects: bool,
}

/// Rounds by result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rounds {
    /// Everything was compared.
    pub complete: u64,
    /// Something could not be compared.
    pub incomplete: u64,
    /// Nothing could be compared.
    pub failed: u64,
}

impl Rounds {
    /// Returns the number of all rounds.
    pub fn all(self) -> u64 {
        self.complete + self.incomplete + self.failed
    }
}

/// Returns `45s`, `12m`, `3h`, `2d`.
fn span(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    match seconds.max(0) {
        s if s < 2 * MINUTE => format!("{s}s"),
        s if s < 2 * HOUR => format!("{}m", s / MINUTE),
        s if s < 2 * DAY => format!("{}h", s / HOUR),
        s => format!("{}d", s / DAY),
    }
}
