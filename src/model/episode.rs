//! Episodes of drift, from their onset to their end.

use std::collections::BTreeMap;

use jiff::Timestamp;
use strum::{IntoStaticStr, VariantArray};

use super::{ChangeKind, ResourceKey, Severity};

/// How an object or a field of it differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Deviation {
    /// The field has another live value.
    Changed,
    /// The field is declared but not live.
    Removed,
    /// The field is live but not declared.
    Added,
    /// The object is declared but not live.
    Missing,
    /// The object is live but not declared.
    Extra,
}

impl Deviation {
    /// Returns the word that reports use.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl From<ChangeKind> for Deviation {
    fn from(kind: ChangeKind) -> Self {
        match kind {
            ChangeKind::Modified => Self::Changed,
            ChangeKind::Removed => Self::Removed,
            ChangeKind::Added => Self::Added,
        }
    }
}

/// The identity of an episode: the object, the path and how it differs. If a path drifts again,
/// that is another episode.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpisodeKey {
    /// The object.
    pub object: ResourceKey,
    /// The path, as reports write it; empty for the whole object.
    pub path: String,
    /// How it differs.
    pub deviation: Deviation,
}

/// How the onset of an episode is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Onset {
    /// The last write of the field manager that owns the value.
    Written,
    /// The first round that found the drift.
    Seen,
}

impl Onset {
    /// Returns the word that metrics use.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// How an episode ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Ending {
    /// The live value became the declared one.
    Reverted,
    /// The manifest declares the live value.
    Backported,
    /// It was accepted.
    Accepted,
    /// A rule ignores it.
    Ignored,
    /// The object was deleted.
    Deleted,
    /// It drifted differently, or both sides changed.
    Changed,
}

impl Ending {
    /// Returns the word that reports use.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// An open episode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Episode {
    /// What drifted.
    pub key: EpisodeKey,
    /// The severity.
    pub severity: Severity,
    /// The onset.
    pub opened: Timestamp,
    /// How the onset is known.
    pub onset: Onset,
    /// The last writer of the live value.
    pub who: Option<String>,
    /// The digest of the declared value, too short to confirm a guess.
    pub declared: Option<u16>,
    /// The digest of the live value.
    pub live: Option<u16>,
}

/// An episode that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedEpisode {
    /// What drifted.
    pub key: EpisodeKey,
    /// The severity.
    pub severity: Severity,
    /// The onset.
    pub opened: Timestamp,
    /// The end.
    pub closed: Timestamp,
    /// How it ended.
    pub how: Ending,
}

impl ClosedEpisode {
    /// Returns how long it was open.
    pub fn seconds(&self) -> f64 {
        let seconds = self.closed.duration_since(self.opened).as_secs_f64();
        seconds.max(0.0)
    }
}

/// A change to the open episodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EpisodeEvent {
    /// The episode began.
    Opened(Episode),
    /// The episode continues, with another severity or other values.
    Altered(Episode),
    /// The episode ended.
    Closed(ClosedEpisode),
}

/// The bounds of durations, in seconds: 1m 3m 10m 30m 1h 4h 12h 24h 3d 7d.
pub const BOUNDS: [u32; 10] = [
    60, 180, 600, 1_800, 3_600, 14_400, 43_200, 86_400, 259_200, 604_800,
];

/// How long episodes were open.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Durations {
    /// How many ended within each of the [`BOUNDS`].
    pub within: [u64; BOUNDS.len()],
    /// The sum of all durations, in seconds.
    pub sum: f64,
    /// How many episodes there were.
    pub count: u64,
}

/// How many episodes began and ended since counting started.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tallies {
    /// By severity, namespace and how the onset is known.
    pub opened: BTreeMap<(Severity, String, Onset), u64>,
    /// By severity, namespace and how.
    pub closed: BTreeMap<(Severity, String, Ending), u64>,
    /// By severity.
    pub durations: BTreeMap<Severity, Durations>,
}

impl Tallies {
    /// Counts an event.
    pub fn count(&mut self, event: &EpisodeEvent) {
        let namespace = |key: &EpisodeKey| key.object.namespace.clone().unwrap_or_default();
        match event {
            EpisodeEvent::Opened(episode) => {
                let place = (episode.severity, namespace(&episode.key), episode.onset);
                *self.opened.entry(place).or_default() += 1;
            }
            EpisodeEvent::Closed(closed) => {
                let place = (closed.severity, namespace(&closed.key), closed.how);
                *self.closed.entry(place).or_default() += 1;
                let seconds = closed.seconds();
                let durations = self.durations.entry(closed.severity).or_default();
                for (within, bound) in durations.within.iter_mut().zip(BOUNDS) {
                    *within += u64::from(seconds <= f64::from(bound));
                }
                durations.sum += seconds;
                durations.count += 1;
            }
            EpisodeEvent::Altered(_) => {}
        }
    }
}
