//! Every fault at every place, each with its expected verdict.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::Result;
use driftctl::model::{Manifest, ObjectReport, Origin, Report, Status};
use serde_json::{Value, json};

use crate::observe::{Outcome, Patience, Truth, judge, observe, observe_these, said};
use crate::server::{Cluster, Discovery, Fault, Server};
use crate::shop;

/// The expected report on the shop.
pub static TRUTH: LazyLock<Truth> = LazyLock::new(|| {
    let report = observe(&shop().start(), Patience::default()).unwrap();
    assert!(!report.is_incomplete(), "{:?}", report.warnings);
    let truth = said(&report);
    assert!(truth.len() > 50);
    truth
});

/// A list of several pages, each of which is worth reading: objects of which every other drifted.
static LONG: LazyLock<(Vec<Manifest>, Cluster, Truth)> = LazyLock::new(|| {
    let object = |number: usize, value: &str| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": value},
            "metadata": {"name": format!("c-{number:03}"), "namespace": "long"}})
    };
    let manifest = |number| Manifest {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        namespace: Some("long".to_owned()),
        name: format!("c-{number:03}"),
        object: object(number, "declared").into(),
        origin: Origin::file("long.yaml", number + 1, number * 7 + 1),
        source_map: None,
    };
    let value = |number| if number % 2 == 0 { "live" } else { "declared" };
    let manifests: Vec<Manifest> = (0..90).map(manifest).collect();
    let objects: Vec<Value> = (0..90).map(|n| object(n, value(n))).collect();
    let mut cluster = Cluster::with_objects(&objects);
    cluster.page = 30;
    let run = observe_these(&manifests, &cluster.clone().start(), Patience::default());
    let truth = said(&run.unwrap());
    assert_eq!(truth.len(), 90);
    (manifests, cluster, truth)
});

/// Short, because many cells wait until it ends.
const PATIENCE: Patience = Patience {
    request: Duration::from_millis(700),
    run: Duration::from_millis(2500),
};

/// How much longer than its deadline a run may take on a machine that is busy.
const GRACE: Duration = Duration::from_secs(30);

/// Faults that no retry fixes: whatever is requested at the place cannot be read.
const FATAL: &[Fault] = &[
    Fault::Code(400),
    Fault::Code(401),
    Fault::Code(403),
    Fault::Code(409),
    Fault::Code(422),
    Fault::Code(429),
    Fault::Code(500),
    Fault::Code(503),
    Fault::RetryAfter(429, "86400"),
    Fault::RetryAfter(503, "soon"),
    Fault::Html,
    Fault::Page(403),
    Fault::Page(502),
    Fault::Redirect,
    Fault::Empty,
    Fault::EmptyObject,
    Fault::Null,
    Fault::StatusAs200,
    Fault::WrongKind,
    Fault::Garbage,
    Fault::Truncated,
    Fault::CutMidway,
    Fault::Reset,
    Fault::Hang,
    Fault::HangMidway,
    Fault::Drip,
    Fault::BrokenGzip,
    Fault::UnknownEncoding,
];

/// Other faults that no retry fixes, for a document as for a list.
const NO_ANSWER: &[Fault] = &[Fault::Code(404), Fault::Endless, Fault::GzipBomb];

/// Other faults that no retry fixes, for a list.
const NO_LIST: &[Fault] = &[
    Fault::Code(410),
    Fault::LostPages,
    Fault::StrayItem,
    Fault::NamelessItem,
];

/// Other faults that no retry fixes, for pages after the first.
const NO_PAGE: &[Fault] = &[
    Fault::Code(410),
    Fault::LostPages,
    Fault::SamePage,
    Fault::PagesInACircle,
    Fault::MixedPages,
];

/// What may not be listed is read one by one, and the other way round.
const FORBIDDEN: &[Fault] = &[Fault::Code(403), Fault::Page(403)];

/// Faults that a retry fixes, or that do no harm.
const HARMLESS: &[Fault] = &[
    Fault::Once(429),
    Fault::Once(500),
    Fault::Once(503),
    Fault::Delay(100),
    Fault::Gzip,
    Fault::WrongType,
];

/// Runs one cell for each of the faults, side by side since most of them wait.
fn check(place: &'static str, faults: &[&[Fault]], discovery: Discovery, expected: &[Outcome]) {
    let _ = TRUTH.len();
    std::thread::scope(|scope| {
        for fault in faults.concat() {
            scope.spawn(move || {
                let mut cluster = shop().failing(place, fault);
                cluster.discovery = discovery;
                let began = Instant::now();
                let run = observe(&cluster.start(), PATIENCE);
                let cell = (place, fault);
                assert_cell(cell, &run, &TRUTH, expected);
                assert!(began.elapsed() < PATIENCE.run + GRACE, "{cell:?} hangs");
            });
        }
    });
}

#[track_caller]
fn assert_cell(cell: (&str, Fault), run: &Result<Report>, truth: &Truth, expected: &[Outcome]) {
    let outcome = judge(run, truth, &cell);
    let said = run.as_ref().map(|report| &report.warnings);
    assert!(
        expected.contains(&outcome),
        "{cell:?}: {outcome:?} {said:?}"
    );
}

/// The same for the pages of a long list behind the first.
fn check_later_pages(faults: &[&[Fault]], expected: &[Outcome]) {
    let (manifests, cluster, truth) = &*LONG;
    std::thread::scope(|scope| {
        for fault in faults.concat() {
            scope.spawn(move || {
                let place = match fault {
                    Fault::SamePage | Fault::PagesInACircle | Fault::MixedPages => "?limit",
                    _ => "&continue=",
                };
                let server = cluster.clone().failing(place, fault).start();
                let run = observe_these(manifests, &server, PATIENCE);
                assert!(asked_for_pages(&server) > 0, "{fault:?}");
                assert_cell((place, fault), &run, truth, expected);
            });
        }
    });
}

/// Returns how often a page behind the first was asked for.
fn asked_for_pages(server: &Server) -> usize {
    let seen = server.seen().into_iter();
    seen.filter(|(_, path)| path.contains("&continue=")).count()
}

const SAID: &[Outcome] = &[Outcome::Incomplete, Outcome::Error];
const NOTHING_LOST: &[Outcome] = &[Outcome::Whole];

#[test]
fn discovery_of_the_core_group() {
    check("/api?", &[FATAL, NO_ANSWER], Discovery::Aggregated, SAID);
}

#[test]
fn discovery_of_the_other_groups() {
    check("/apis?", &[FATAL, NO_ANSWER], Discovery::Aggregated, SAID);
}

#[test]
fn discovery_of_one_version() {
    let missing = &[Fault::Code(404)];
    check("/apis/apps/v1?", &[FATAL, missing], Discovery::Legacy, SAID);
}

#[test]
fn the_first_page_of_a_list() {
    let faults = [&readable()[..], NO_ANSWER, NO_LIST];
    check("/deployments?limit", &faults, Discovery::Aggregated, SAID);
}

#[test]
fn a_later_page_of_a_list() {
    check_later_pages(&[&readable(), NO_ANSWER, NO_PAGE], SAID);
    let heals = [Fault::Once(410), Fault::Once(503), Fault::Delay(100)];
    check_later_pages(&[&heals, &[Fault::Code(403)]], NOTHING_LOST);
}

/// Faults that no retry fixes, and no other way of reading either.
fn readable() -> Vec<Fault> {
    let faults = FATAL.iter().copied();
    faults.filter(|fault| !FORBIDDEN.contains(fault)).collect()
}

#[test]
fn a_list_that_expires_again_and_again_is_begun_anew_twice() {
    let (manifests, cluster, _) = &*LONG;
    let server = cluster
        .clone()
        .failing("&continue=", Fault::Code(410))
        .start();
    let run = observe_these(manifests, &server, PATIENCE);
    assert!(run.unwrap().is_incomplete());
    assert_eq!(asked_for_pages(&server), 3);
}

#[test]
fn a_single_object() {
    let place = "/statefulsets/orders-db?";
    let faults = [&readable()[..], NO_ANSWER, &[Fault::Code(410)]];
    check(place, &faults, Discovery::Aggregated, SAID);
    check(place, &[FORBIDDEN], Discovery::Aggregated, NOTHING_LOST);
}

#[test]
fn what_heals_or_does_no_harm_loses_nothing() {
    let list = "/deployments?limit";
    for place in ["/api?", "/apis?", list, "/statefulsets/orders-db?"] {
        check(place, &[HARMLESS], Discovery::Aggregated, NOTHING_LOST);
    }
    let faults = [&[Fault::ItemReplaced], FORBIDDEN];
    check(list, &faults, Discovery::Aggregated, NOTHING_LOST);
    // Which of two answers for one object is the live one cannot be told.
    check(
        list,
        &[&[Fault::RepeatedItems]],
        Discovery::Aggregated,
        SAID,
    );
}

#[test]
fn the_version_is_only_nice_to_know() {
    let faults = [Fault::Code(403), Fault::Html, Fault::Reset, Fault::Hang];
    check("/version?", &[&faults], Discovery::Aggregated, NOTHING_LOST);
}

#[test]
fn older_servers_are_asked_group_by_group() {
    let mut cluster = shop();
    cluster.discovery = Discovery::Legacy;
    let server = cluster.start();
    let run = observe(&server, Patience::default());
    assert_eq!(judge(&run, &TRUTH, &"legacy"), Outcome::Whole);
    let asked = |path: &str| path.starts_with("/apis/apps/v1?");
    assert!(server.seen().iter().any(|(_, path)| asked(path)));
}

#[test]
fn a_stale_group_makes_its_own_kinds_unknown() {
    let mut cluster = shop();
    cluster.discovery = Discovery::Stale;
    let run = observe(&cluster.start(), Patience::default());
    assert_eq!(judge(&run, &TRUTH, &"stale"), Outcome::Incomplete);
    let report = run.unwrap();
    let is_unknown = |object: &&ObjectReport| object.status() == Status::Unknown;
    for object in report.objects.iter().filter(is_unknown) {
        assert_eq!(
            object.key.group, "store.brindlewick.example",
            "{}",
            object.key
        );
        assert!(
            object
                .reason
                .as_deref()
                .is_some_and(|why| why.contains("Stale"))
        );
    }
    assert!(report.objects.iter().any(|object| is_unknown(&object)));
}

/// etcd takes objects of up to 1.5 MiB.
#[test]
fn the_largest_objects_are_compared() {
    let value = "x".repeat(1_500_000);
    let object = |number: usize, last: &str| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": format!("{value}{last}")},
            "metadata": {"name": format!("c-{number}"), "namespace": "large"}})
    };
    let manifests: Vec<Manifest> = (0..4)
        .map(|number| Manifest {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            namespace: Some("large".to_owned()),
            name: format!("c-{number}"),
            object: object(number, "").into(),
            origin: Origin::file("large.yaml", 1, 1),
            source_map: None,
        })
        .collect();
    let live: Vec<Value> = (0..4)
        .map(|number| object(number, if number == 3 { "!" } else { "" }))
        .collect();
    let server = Cluster::with_objects(&live).start();
    let report = observe_these(&manifests, &server, Patience::default()).unwrap();
    assert!(!report.is_incomplete(), "{:?}", report.warnings);
    let drifted = said(&report).into_iter();
    let drifted: Vec<_> = drifted.filter(|(_, said)| !said.1.is_empty()).collect();
    assert_eq!(drifted.len(), 1);
    assert_eq!(drifted[0].0.name, "c-3");
}
