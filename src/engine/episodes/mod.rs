//! Tracks drift over time: which episodes a round of a watch opens and closes.
//!
//! An episode ends only in a round in which its object was compared: an unknown object closes
//! nothing. A round that could not compare opens nothing.

mod round;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    ClosedEpisode, Deviation, Ending, Episode, EpisodeEvent, EpisodeKey, Onset, ResourceKey,
    Tallies,
};

pub use round::{Digester, DriftSighting, HiddenReason, ObjectState, RoundObject, RoundResult};

/// The precision of times in managedFields: one second.
const GRAIN: SignedDuration = SignedDuration::from_secs(1);

/// The open episodes, with counts of all episodes.
#[derive(Debug, Clone, Default)]
pub struct EpisodeLog {
    open: BTreeMap<EpisodeKey, Episode>,
    tallies: Tallies,
    /// When each object was last compared.
    compared: BTreeMap<ResourceKey, Timestamp>,
    /// When everything, including undeclared objects, was last compared.
    complete: Option<Timestamp>,
}

impl EpisodeLog {
    /// Restores a ledger: applies `events` to the `open` episodes. `tallies` count earlier
    /// episodes.
    pub fn restore(tallies: Tallies, open: Vec<Episode>, events: &[EpisodeEvent]) -> Self {
        let open = open.into_iter();
        let mut ledger = Self {
            open: open.map(|episode| (episode.key.clone(), episode)).collect(),
            tallies,
            ..Self::default()
        };
        for event in events {
            ledger.note(event);
        }
        ledger
    }

    /// Returns the open episodes.
    pub fn open(&self) -> impl Iterator<Item = &Episode> {
        self.open.values()
    }

    /// Returns how many episodes began and ended.
    pub fn tallies(&self) -> &Tallies {
        &self.tallies
    }

    /// Applies the result of a round, and returns the events: episodes that end, then those that
    /// begin.
    pub fn advance(&mut self, round: &RoundResult) -> Vec<EpisodeEvent> {
        let open = self.open.values();
        let ends = open.filter_map(|episode| {
            let how = round.ending(episode)?;
            Some(EpisodeEvent::Closed(ClosedEpisode {
                key: episode.key.clone(),
                severity: episode.severity,
                opened: episode.opened,
                closed: round.at,
                how,
            }))
        });
        let mut events: Vec<EpisodeEvent> = ends.collect();
        for (key, sight) in round.sights() {
            match self.open.get(&key) {
                None => events.push(EpisodeEvent::Opened(self.begin(key, sight, round))),
                Some(known) => {
                    let now = Episode {
                        severity: sight.severity,
                        who: sight.who.clone(),
                        declared: sight.declared,
                        live: sight.live,
                        ..known.clone()
                    };
                    if now != *known {
                        events.push(EpisodeEvent::Altered(now));
                    }
                }
            }
        }
        for event in &events {
            self.note(event);
        }
        for (key, object) in &round.objects {
            if object.standing != ObjectState::Unknown {
                self.compared.insert(key.clone(), round.began);
            }
        }
        if round.is_complete {
            // Forget objects that no longer exist.
            self.compared
                .retain(|key, _| round.objects.contains_key(key));
            self.complete = Some(round.began);
        }
        events
    }

    /// Returns an episode that begins in this round.
    fn begin(&self, key: EpisodeKey, sight: &DriftSighting, round: &RoundResult) -> Episode {
        let before = match key.deviation {
            Deviation::Extra => self.complete,
            _ => self.compared.get(&key.object).copied(),
        };
        // A write before the object was last in sync did not begin this episode.
        let is_new = |written: &Timestamp| {
            *written <= round.at && before.is_none_or(|before| *written + GRAIN > before)
        };
        let written = sight.written.filter(is_new);
        Episode {
            key,
            severity: sight.severity,
            opened: written.unwrap_or(round.at),
            onset: match written {
                Some(_) => Onset::Written,
                None => Onset::Seen,
            },
            who: sight.who.clone(),
            declared: sight.declared,
            live: sight.live,
        }
    }

    fn note(&mut self, event: &EpisodeEvent) {
        self.tallies.count(event);
        match event {
            EpisodeEvent::Opened(episode) | EpisodeEvent::Altered(episode) => {
                self.open.insert(episode.key.clone(), episode.clone());
            }
            EpisodeEvent::Closed(closed) => {
                self.open.remove(&closed.key);
            }
        }
    }
}

impl RoundResult {
    /// Returns how an open episode ended; `None` if it goes on, or if that is unknown.
    fn ending(&self, episode: &Episode) -> Option<Ending> {
        let EpisodeKey {
            object,
            path,
            deviation,
        } = &episode.key;
        let Some(object) = self.objects.get(object) else {
            return self.is_complete.then_some(match deviation {
                Deviation::Extra => Ending::Reverted,
                // It is neither declared nor live any more.
                Deviation::Missing => Ending::Backported,
                _ => Ending::Changed,
            });
        };
        let place = (path.clone(), *deviation);
        if object.standing == ObjectState::Unknown || object.sights.contains_key(&place) {
            return None;
        }
        if let Some(hidden) = object.hidden.get(&place) {
            return Some(match hidden {
                HiddenReason::Accepted => Ending::Accepted,
                HiddenReason::Ignored => Ending::Ignored,
            });
        }
        Some(match (deviation, object.standing) {
            (Deviation::Missing, ObjectState::Compared) => Ending::Reverted,
            (Deviation::Missing, ObjectState::Missing) | (Deviation::Extra, ObjectState::Extra) => {
                Ending::Ignored
            }
            (Deviation::Extra, ObjectState::Compared) => Ending::Backported,
            (Deviation::Changed | Deviation::Removed | Deviation::Added, ObjectState::Missing) => {
                Ending::Deleted
            }
            (Deviation::Changed | Deviation::Removed | Deviation::Added, ObjectState::Compared) => {
                self.ending_of_field(episode, object)
            }
            _ => Ending::Changed,
        })
    }

    /// Returns how a field came to be in sync, judged by the value that is declared now.
    fn ending_of_field(&self, episode: &Episode, object: &RoundObject) -> Ending {
        let path = &episode.key.path;
        if object.sights.keys().any(|(other, _)| overlap(path, other)) {
            return Ending::Changed;
        }
        let now = self.declared.get(&episode.key).copied().flatten();
        let (declared, live) = (episode.declared, episode.live);
        match episode.key.deviation {
            Deviation::Removed if now.is_none() => Ending::Backported,
            Deviation::Added if now.is_none() => Ending::Reverted,
            Deviation::Added if now == live => Ending::Backported,
            _ if now == declared => Ending::Reverted,
            _ if now == live => Ending::Backported,
            _ => Ending::Changed,
        }
    }
}

/// Returns whether one path equals the other or is below it.
fn overlap(one: &str, other: &str) -> bool {
    let within = |part: &str, whole: &str| {
        part.strip_prefix(whole)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    within(one, other) || within(other, one)
}

#[cfg(test)]
mod tests;
