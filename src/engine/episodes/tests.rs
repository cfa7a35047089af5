use proptest::prelude::*;

use super::*;
use crate::model::Severity;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn key(name: &str) -> ResourceKey {
    ResourceKey::new("", "ConfigMap", Some("shop".to_owned()), name.to_owned())
}

fn sight(written: Option<i64>) -> DriftSighting {
    DriftSighting {
        severity: Severity::High,
        written: written.map(at),
        who: None,
        declared: Some(1),
        live: Some(2),
    }
}

fn object(standing: ObjectState) -> RoundObject {
    RoundObject {
        standing,
        sights: BTreeMap::new(),
        hidden: BTreeMap::new(),
    }
}

fn drifted(path: &str, written: Option<i64>) -> RoundObject {
    let mut object = object(ObjectState::Compared);
    let place = (path.to_owned(), Deviation::Changed);
    object.sights.insert(place, sight(written));
    object
}

/// Returns a complete round with one object named `a`.
fn round(second: i64, object: RoundObject) -> RoundResult {
    RoundResult {
        began: at(second),
        at: at(second),
        is_complete: true,
        objects: BTreeMap::from([(key("a"), object)]),
        declared: BTreeMap::new(),
    }
}

fn episode(path: &str, deviation: Deviation) -> EpisodeKey {
    EpisodeKey {
        object: key("a"),
        path: path.to_owned(),
        deviation,
    }
}

/// Returns a ledger in which `.data.x` of `a` has drifted since second 0.
fn open() -> EpisodeLog {
    let mut ledger = EpisodeLog::default();
    let events = ledger.advance(&round(0, drifted(".data.x", None)));
    assert_eq!(events.len(), 1);
    ledger
}

/// Returns how the open episode ends in a round.
fn ends(round: RoundResult) -> Option<Ending> {
    let events = open().advance(&round);
    events.iter().find_map(|event| match event {
        EpisodeEvent::Closed(closed) => Some(closed.how),
        _ => None,
    })
}

/// Returns how the open episode ends in a round in which the manifest declares another value.
fn ends_with(now: Option<u16>) -> Option<Ending> {
    let mut round = round(60, object(ObjectState::Compared));
    let key = episode(".data.x", Deviation::Changed);
    round.declared.insert(key, now);
    ends(round)
}

#[test]
fn the_side_that_changed_decides_how_an_episode_ended() {
    assert_eq!(ends_with(Some(1)), Some(Ending::Reverted));
    assert_eq!(ends_with(Some(2)), Some(Ending::Backported));
    assert_eq!(ends_with(Some(3)), Some(Ending::Changed));
    let hidden = |by| {
        let mut object = object(ObjectState::Compared);
        let place = (".data.x".to_owned(), Deviation::Changed);
        object.hidden.insert(place, by);
        ends(round(60, object))
    };
    assert_eq!(hidden(HiddenReason::Accepted), Some(Ending::Accepted));
    assert_eq!(hidden(HiddenReason::Ignored), Some(Ending::Ignored));
    let gone = ends(round(60, object(ObjectState::Missing)));
    assert_eq!(gone, Some(Ending::Deleted));
    let wider = ends(round(60, drifted(".data", None)));
    assert_eq!(wider, Some(Ending::Changed));
    let mut beside = round(60, drifted(".data.xy", None));
    let key = episode(".data.x", Deviation::Changed);
    beside.declared.insert(key, Some(1));
    assert_eq!(ends(beside), Some(Ending::Reverted));
}

#[test]
fn an_unknown_object_closes_no_episode() {
    assert_eq!(ends(round(60, object(ObjectState::Unknown))), None);
    let nothing = RoundResult {
        at: at(60),
        ..RoundResult::default()
    };
    assert_eq!(ends(nothing.clone()), None);
    let complete = RoundResult {
        is_complete: true,
        ..nothing
    };
    assert_eq!(ends(complete), Some(Ending::Changed), "no longer declared");
}

#[test]
fn the_declared_value_decides_how_added_and_removed_fields_end() {
    let ends = |deviation, now| {
        let mut object = object(ObjectState::Compared);
        object
            .sights
            .insert((".x".to_owned(), deviation), sight(None));
        let mut ledger = EpisodeLog::default();
        ledger.advance(&round(0, object));
        let mut next = round(60, self::object(ObjectState::Compared));
        next.declared.insert(episode(".x", deviation), now);
        match &ledger.advance(&next)[..] {
            [EpisodeEvent::Closed(closed)] => closed.how,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(ends(Deviation::Added, None), Ending::Reverted);
    assert_eq!(ends(Deviation::Added, Some(2)), Ending::Backported);
    assert_eq!(ends(Deviation::Removed, None), Ending::Backported);
    assert_eq!(ends(Deviation::Removed, Some(1)), Ending::Reverted);
}

#[test]
fn episodes_of_whole_objects_end_with_the_object() {
    let ends = |deviation, first, next: Option<ObjectState>| {
        let mut object = object(first);
        object
            .sights
            .insert((String::new(), deviation), sight(None));
        let mut ledger = EpisodeLog::default();
        ledger.advance(&round(0, object));
        let mut next_round = round(60, self::object(next.unwrap_or(ObjectState::Unknown)));
        if next.is_none() {
            next_round.objects.clear();
        }
        match &ledger.advance(&next_round)[..] {
            [EpisodeEvent::Closed(closed)] => Some(closed.how),
            _ => None,
        }
    };
    let missing = |next| ends(Deviation::Missing, ObjectState::Missing, next);
    assert_eq!(missing(Some(ObjectState::Compared)), Some(Ending::Reverted));
    assert_eq!(missing(None), Some(Ending::Backported));
    assert_eq!(missing(Some(ObjectState::Unknown)), None);
    let extra = |next| ends(Deviation::Extra, ObjectState::Extra, next);
    assert_eq!(extra(None), Some(Ending::Reverted));
    assert_eq!(extra(Some(ObjectState::Compared)), Some(Ending::Backported));
}

#[test]
fn an_episode_begins_at_the_write_that_caused_it() {
    let begins = |ledger: &mut EpisodeLog, second, written| match &ledger
        .advance(&round(second, drifted(".data.x", written)))[..]
    {
        [EpisodeEvent::Opened(episode)] => (episode.opened, episode.onset),
        other => panic!("{other:?}"),
    };
    let mut new = EpisodeLog::default();
    assert_eq!(begins(&mut new, 0, Some(-90)), (at(-90), Onset::Written));
    let compared = || {
        let mut ledger = EpisodeLog::default();
        ledger.advance(&round(0, object(ObjectState::Compared)));
        ledger
    };
    let second = |written| begins(&mut compared(), 60, written);
    assert_eq!(second(Some(20)), (at(20), Onset::Written));
    assert_eq!(
        second(Some(0)),
        (at(0), Onset::Written),
        "seconds are coarse"
    );
    // The manager last wrote before the object was found in sync, so its write did not begin this.
    assert_eq!(second(Some(-90)), (at(60), Onset::Seen));
    assert_eq!(second(Some(61)), (at(60), Onset::Seen), "clocks differ");
    assert_eq!(second(None), (at(60), Onset::Seen));
}

#[test]
fn counts_each_duration_under_every_bound_that_it_is_within() {
    let mut ledger = open();
    ledger.advance(&round(120, object(ObjectState::Missing)));
    let durations = &ledger.tallies().durations[&Severity::High];
    assert_eq!(durations.within[..3], [0, 1, 1]);
    assert_eq!((durations.sum, durations.count), (120.0, 1));
}

/// One object in one round: absent, unknown, missing, or compared with some drifting fields.
#[derive(Debug, Clone)]
enum RoundStep {
    Absent,
    Unknown,
    Missing,
    Compared(Vec<u8>),
}

fn steps() -> impl Strategy<Value = Vec<(bool, Vec<RoundStep>)>> {
    let step = prop_oneof![
        Just(RoundStep::Absent),
        Just(RoundStep::Unknown),
        Just(RoundStep::Missing),
        prop::collection::vec(0_u8..3, 0..3).prop_map(RoundStep::Compared),
    ];
    let of_round = (any::<bool>(), prop::collection::vec(step, 3));
    prop::collection::vec(of_round, 1..12)
}

fn round_of(second: i64, is_complete: bool, steps: &[RoundStep]) -> RoundResult {
    let objects = steps.iter().enumerate().filter_map(|(at, step)| {
        let object = match step {
            RoundStep::Absent => return None,
            RoundStep::Unknown => object(ObjectState::Unknown),
            RoundStep::Missing => {
                let mut object = object(ObjectState::Missing);
                let place = (String::new(), Deviation::Missing);
                object.sights.insert(place, sight(None));
                object
            }
            RoundStep::Compared(fields) => {
                let mut object = object(ObjectState::Compared);
                for field in fields {
                    let place = (format!(".data.f{field}"), Deviation::Changed);
                    object.sights.insert(place, sight(None));
                }
                object
            }
        };
        Some((key(&at.to_string()), object))
    });
    RoundResult {
        began: at(second),
        at: at(second),
        is_complete,
        objects: objects.collect(),
        declared: BTreeMap::new(),
    }
}

#[test]
fn what_is_written_while_a_round_reads_begins_with_its_write() {
    let mut ledger = EpisodeLog::default();
    let mut first = round(10, object(ObjectState::Compared));
    // It read from second 0 to second 10, and `.data.x` was written at second 5, after it was read.
    first.began = at(0);
    ledger.advance(&first);
    let events = ledger.advance(&round(40, drifted(".data.x", Some(5))));
    let [EpisodeEvent::Opened(episode)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!((episode.opened, episode.onset), (at(5), Onset::Written));
}

#[test]
fn what_is_first_seen_begins_at_the_end_of_the_round() {
    let mut ledger = EpisodeLog::default();
    let mut slow = round(10, drifted(".data.x", None));
    slow.began = at(0);
    let events = ledger.advance(&slow);
    let [EpisodeEvent::Opened(episode)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(episode.opened, at(10));
}

proptest! {
    #[test]
    fn the_ledger_changes_only_for_compared_objects(rounds in steps()) {
        let mut ledger = EpisodeLog::default();
        let mut all = Vec::new();
        for (n, (is_complete, steps)) in rounds.iter().enumerate() {
            let round = round_of(n as i64 * 30, *is_complete, steps);
            let before: Vec<EpisodeKey> = ledger.open().map(|e| e.key.clone()).collect();
            let events = ledger.advance(&round);
            let after: Vec<EpisodeKey> = ledger.open().map(|e| e.key.clone()).collect();
            let sights: Vec<EpisodeKey> = round.sights().map(|(key, _)| key).collect();
            // All drift that was found is open, and episodes of objects that were not compared are
            // unchanged.
            for key in &sights {
                prop_assert!(after.contains(key));
            }
            for key in before.iter().filter(|key| !after.contains(key)) {
                let object = round.objects.get(&key.object);
                let standing = object.map(|object| object.standing);
                prop_assert!(standing.is_some() || round.is_complete);
                prop_assert_ne!(standing, Some(ObjectState::Unknown));
            }
            for key in after.iter().filter(|key| !before.contains(key)) {
                prop_assert!(sights.contains(key));
            }
            all.extend(events);
        }
        // A restart in between changes nothing: the written events lead to the same ledger.
        let again = EpisodeLog::restore(Tallies::default(), Vec::new(), &all);
        prop_assert_eq!(&again.open, &ledger.open);
        prop_assert_eq!(&again.tallies, &ledger.tallies);
        let opened: u64 = ledger.tallies.opened.values().sum();
        let closed: u64 = ledger.tallies.closed.values().sum();
        prop_assert_eq!(opened, closed + ledger.open.len() as u64);
    }
}
