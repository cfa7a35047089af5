//! Every fault at every place, each with the verdict that it must lead to.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::Result;
use driftctl::model::{Manifest, ObjectReport, Origin, Report, Status};
use serde_json::{Value, json};

use crate::observe::{Outcome, Patience, Truth, judge, observe, observe_these, said};
use crate::server::{Cluster, Discovery, Fault};
use crate::shop;

/// What is to be said of the shop.
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

/// Short, since many cells wait for its end.
const PATIENCE: Patience = Patience {
    request: Duration::from_millis(700),
    run: Duration::from_millis(2500),
};

/// How much longer than its deadline a run may take on a machine that is busy.
const GRACE: Duration = Duration::from_secs(30);

/// What no retry heals: whatever is asked for at the place cannot be read.
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

/// What heals, or does no harm.
const HARMLESS: &[Fault] = &[
    Fault::Once(429),
    Fault::Once(500),
    Fault::Once(503),
    Fault::Delay(100),
    Fault::Gzip,
    Fault::WrongType,
];

/// Runs one cell for each of the faults, side by side since most of them wait.
fn check(place: &'static str, faults: &[Fault], discovery: Discovery, expected: &[Outcome]) {
    let _ = TRUTH.len();
    std::thread::scope(|scope| {
        for fault in faults {
            scope.spawn(move || {
                let mut cluster = shop().failing(place, *fault);
                cluster.discovery = discovery;
                let began = Instant::now();
                let run = observe(&cluster.start(), PATIENCE);
                let cell = (place, *fault);
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
fn check_later_pages(faults: &[Fault], expected: &[Outcome]) {
    let (manifests, cluster, truth) = &*LONG;
    std::thread::scope(|scope| {
        for fault in faults {
            scope.spawn(move || {
                let place = match fault {
                    Fault::SamePage | Fault::PagesInACircle | Fault::MixedPages => "?limit",
                    _ => "&continue=",
                };
                let server = cluster.clone().failing(place, *fault).start();
                let run = observe_these(manifests, &server, PATIENCE);
                assert!(
                    server
                        .seen()
                        .iter()
                        .any(|(_, path)| path.contains("&continue="))
                );
                assert_cell((place, *fault), &run, truth, expected);
            });
        }
    });
}

const SAID: &[Outcome] = &[Outcome::Incomplete, Outcome::Error];
const NOTHING_LOST: &[Outcome] = &[Outcome::Whole];

#[test]
fn discovery_of_the_core_group() {
    check("/api?", FATAL, Discovery::Aggregated, SAID);
    check(
        "/api?",
        &[Fault::Code(404), Fault::Endless, Fault::GzipBomb],
        Discovery::Aggregated,
        SAID,
    );
}

#[test]
fn discovery_of_the_other_groups() {
    check("/apis?", FATAL, Discovery::Aggregated, SAID);
    check(
        "/apis?",
        &[Fault::Code(404), Fault::Endless, Fault::GzipBomb],
        Discovery::Aggregated,
        SAID,
    );
}

#[test]
fn discovery_of_one_version() {
    check("/apis/apps/v1?", FATAL, Discovery::Legacy, SAID);
    check(
        "/apis/apps/v1?",
        &[Fault::Code(404)],
        Discovery::Legacy,
        SAID,
    );
}

#[test]
fn the_first_page_of_a_list() {
    check(
        "/deployments?limit",
        &without(403),
        Discovery::Aggregated,
        SAID,
    );
    let more = [
        Fault::Code(404),
        Fault::Code(410),
        Fault::Endless,
        Fault::GzipBomb,
        Fault::LostPages,
        Fault::StrayItem,
        Fault::NamelessItem,
    ];
    check("/deployments?limit", &more, Discovery::Aggregated, SAID);
}

#[test]
fn a_later_page_of_a_list() {
    check_later_pages(&without(403), SAID);
    let more = [
        Fault::Code(404),
        Fault::Code(410),
        Fault::Endless,
        Fault::GzipBomb,
        Fault::LostPages,
        Fault::SamePage,
        Fault::PagesInACircle,
        Fault::MixedPages,
    ];
    check_later_pages(&more, SAID);
    let harmless = [
        Fault::Once(410),
        Fault::Once(503),
        Fault::Delay(100),
        Fault::Code(403),
    ];
    check_later_pages(&harmless, NOTHING_LOST);
}

/// What no retry heals, but for one status code: what may not be listed is read one by one.
fn without(code: u16) -> Vec<Fault> {
    let refused = [Fault::Code(code), Fault::Page(code)];
    let faults = FATAL.iter().copied();
    faults.filter(|fault| !refused.contains(fault)).collect()
}

#[test]
fn a_single_object() {
    let forbids = |fault: &Fault| matches!(fault, Fault::Code(403) | Fault::Page(403));
    let (forbidden, fatal): (Vec<Fault>, Vec<Fault>) = FATAL.iter().copied().partition(forbids);
    let place = "/statefulsets/orders-db?";
    check(place, &fatal, Discovery::Aggregated, SAID);
    // What may not be read one by one is listed.
    let whole = &[Outcome::Whole];
    check(place, &forbidden, Discovery::Aggregated, whole);
    let more = [
        Fault::Code(404),
        Fault::Code(410),
        Fault::Endless,
        Fault::GzipBomb,
    ];
    check(
        "/statefulsets/orders-db?",
        &more,
        Discovery::Aggregated,
        SAID,
    );
}

#[test]
fn what_heals_or_does_no_harm_loses_nothing() {
    for place in [
        "/api?",
        "/apis?",
        "/deployments?limit",
        "/statefulsets/orders-db?",
    ] {
        check(place, HARMLESS, Discovery::Aggregated, NOTHING_LOST);
    }
    check(
        "/deployments?limit",
        &[
            Fault::RepeatedItems,
            Fault::ItemReplaced,
            Fault::Code(403),
            Fault::Page(403),
        ],
        Discovery::Aggregated,
        NOTHING_LOST,
    );
}

#[test]
fn the_version_is_only_nice_to_know() {
    let faults = [Fault::Code(403), Fault::Html, Fault::Reset, Fault::Hang];
    check("/version?", &faults, Discovery::Aggregated, NOTHING_LOST);
}

#[test]
fn older_servers_are_asked_group_by_group() {
    let mut cluster = shop();
    cluster.discovery = Discovery::Legacy;
    let server = cluster.start();
    let run = observe(&server, Patience::default());
    assert_eq!(judge(&run, &TRUTH, &"legacy"), Outcome::Whole);
    assert!(
        server
            .seen()
            .iter()
            .any(|(_, path)| path.starts_with("/apis/apps/v1?"))
    );
}

#[test]
fn a_stale_group_makes_its_own_kinds_unknown() {
    let mut cluster = shop();
    cluster.discovery = Discovery::Stale;
    let run = observe(&cluster.start(), Patience::default());
    assert_eq!(judge(&run, &TRUTH, &"stale"), Outcome::Incomplete);
    let report = run.unwrap();
    let is_unknown = |object: &&ObjectReport| object.status == Status::Unknown;
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
