//! Tests every fault at every place, each with its expected outcome.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::Result;
use driftctl::model::{Manifest, ObjectReport, ObjectStatus, Origin, Report};
use serde_json::{Value, json};

use crate::observe::{Outcome, Patience, Truth, judge, observe, observe_these, results_of};
use crate::server::{Cluster, Discovery, Fault, Server};
use crate::shop;

/// The expected report on the shop.
pub static TRUTH: LazyLock<Truth> = LazyLock::new(|| {
    let report = observe(&shop().start(), Patience::default()).unwrap();
    assert!(!report.is_incomplete(), "{:?}", report.warnings);
    let truth = results_of(&report);
    assert!(truth.len() > 50);
    truth
});

/// A list with several pages; every second object drifted.
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
    let truth = results_of(&run.unwrap());
    assert_eq!(truth.len(), 90);
    (manifests, cluster, truth)
});

/// Short, because many cells wait for it.
const PATIENCE: Patience = Patience {
    request: Duration::from_millis(700),
    run: Duration::from_millis(2500),
};

/// How much longer than its deadline a run may take on a busy machine.
const GRACE: Duration = Duration::from_secs(30);

/// Faults that no retry fixes: what is requested cannot be read.
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

/// Further faults that no retry fixes, for documents and lists.
const NO_ANSWER: &[Fault] = &[Fault::Code(404), Fault::Endless, Fault::GzipBomb];

/// Further faults that no retry fixes, for lists.
const NO_LIST: &[Fault] = &[
    Fault::Code(410),
    Fault::LostPages,
    Fault::StrayItem,
    Fault::NamelessItem,
];

/// Further faults that no retry fixes, for pages after the first.
const NO_PAGE: &[Fault] = &[
    Fault::Code(410),
    Fault::LostPages,
    Fault::SamePage,
    Fault::PagesInACircle,
    Fault::MixedPages,
];

/// Objects that may not be listed are read one by one, and the other way round.
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

/// Runs one cell for each of the faults, in parallel because most of them wait.
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

/// Does the same for the later pages of a long list.
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

/// Returns how often a page after the first was requested.
fn asked_for_pages(server: &Server) -> usize {
    let seen = server.seen().into_iter();
    seen.filter(|(_, path)| path.contains("&continue=")).count()
}

const REPORTED: &[Outcome] = &[Outcome::Incomplete, Outcome::Error];
const NOTHING_LOST: &[Outcome] = &[Outcome::Whole];

#[test]
fn faults_in_discovery_of_the_core_group() {
    check(
        "/api?",
        &[FATAL, NO_ANSWER],
        Discovery::Aggregated,
        REPORTED,
    );
}

#[test]
fn faults_in_discovery_of_the_other_groups() {
    check(
        "/apis?",
        &[FATAL, NO_ANSWER],
        Discovery::Aggregated,
        REPORTED,
    );
}

#[test]
fn faults_in_discovery_of_one_version() {
    let missing = &[Fault::Code(404)];
    check(
        "/apis/apps/v1?",
        &[FATAL, missing],
        Discovery::Legacy,
        REPORTED,
    );
}

#[test]
fn faults_in_the_first_page_of_a_list() {
    let faults = [&readable()[..], NO_ANSWER, NO_LIST];
    check(
        "/deployments?limit",
        &faults,
        Discovery::Aggregated,
        REPORTED,
    );
}

#[test]
fn faults_in_a_later_page_of_a_list() {
    check_later_pages(&[&readable(), NO_ANSWER, NO_PAGE], REPORTED);
    let heals = [Fault::Once(410), Fault::Once(503), Fault::Delay(100)];
    check_later_pages(&[&heals, &[Fault::Code(403)]], NOTHING_LOST);
}

/// Returns faults after which neither a retry nor another way of reading helps.
fn readable() -> Vec<Fault> {
    let faults = FATAL.iter().copied();
    faults.filter(|fault| !FORBIDDEN.contains(fault)).collect()
}

#[test]
fn restarts_an_expiring_list_twice() {
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
fn faults_in_a_single_object() {
    let place = "/statefulsets/orders-db?";
    let faults = [&readable()[..], NO_ANSWER, &[Fault::Code(410)]];
    check(place, &faults, Discovery::Aggregated, REPORTED);
    check(place, &[FORBIDDEN], Discovery::Aggregated, NOTHING_LOST);
}

#[test]
fn temporary_faults_lose_nothing() {
    let list = "/deployments?limit";
    for place in ["/api?", "/apis?", list, "/statefulsets/orders-db?"] {
        check(place, &[HARMLESS], Discovery::Aggregated, NOTHING_LOST);
    }
    let faults = [&[Fault::ItemReplaced], FORBIDDEN];
    check(list, &faults, Discovery::Aggregated, NOTHING_LOST);
    // It is unknown which of two answers for one object is current.
    check(
        list,
        &[&[Fault::RepeatedItems]],
        Discovery::Aggregated,
        REPORTED,
    );
}

#[test]
fn a_missing_version_does_no_harm() {
    let faults = [Fault::Code(403), Fault::Html, Fault::Reset, Fault::Hang];
    check("/version?", &[&faults], Discovery::Aggregated, NOTHING_LOST);
}

#[test]
fn reads_discovery_of_older_servers_by_group() {
    let mut cluster = shop();
    cluster.discovery = Discovery::Legacy;
    let server = cluster.start();
    let run = observe(&server, Patience::default());
    assert_eq!(judge(&run, &TRUTH, &"legacy"), Outcome::Whole);
    let asked = |path: &str| path.starts_with("/apis/apps/v1?");
    assert!(server.seen().iter().any(|(_, path)| asked(path)));
}

#[test]
fn a_stale_group_makes_only_its_kinds_unknown() {
    let mut cluster = shop();
    cluster.discovery = Discovery::Stale;
    let run = observe(&cluster.start(), Patience::default());
    assert_eq!(judge(&run, &TRUTH, &"stale"), Outcome::Incomplete);
    let report = run.unwrap();
    let is_unknown = |object: &&ObjectReport| object.status() == ObjectStatus::Unknown;
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

/// etcd accepts objects of up to 1.5 MiB.
#[test]
fn compares_the_largest_objects() {
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
    let drifted = results_of(&report).into_iter();
    let drifted: Vec<_> = drifted.filter(|(_, said)| !said.1.is_empty()).collect();
    assert_eq!(drifted.len(), 1);
    assert_eq!(drifted[0].0.name, "c-3");
}
