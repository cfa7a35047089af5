//! Tests properties that hold for every object, on real ones: nothing differs from itself, every
//! edit of a person is reported, order does not matter where it has no meaning, and nothing panics.
//!
//! `DRIFTCTL_PROPERTY_CASES` sets the number of edits.

#![allow(clippy::unwrap_used)]

pub mod cluster;
mod deep;
mod dice;
mod edit;
mod large;
mod managers;
mod order;
mod spot;
use crate::support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use cluster::Cluster;
use dice::Dice;
use driftctl::model::{FieldPath, JudgedChange, PathElement};
use edit::Edit;
use rayon::prelude::*;

/// One scenario for each way to apply, with everything in sync.
const SCENARIOS: &[&str] = &[
    "shop-create-clean",
    "shop-csa-clean",
    "shop-admission-argo-clean",
    "shop-argo-clean",
    "shop-flux-clean",
    "shop-helm-clean",
    "shop-laptop-csa-clean",
];

/// All scenarios if many edits are tested, otherwise the three most different. Reading them uses
/// the thread pool, so a test forces them before it enters the pool: a worker that waited for them
/// there could be the one that they need.
static CLUSTERS: LazyLock<Vec<Cluster>> = LazyLock::new(|| {
    let count = if cases() > 1000 { SCENARIOS.len() } else { 3 };
    SCENARIOS[..count]
        .par_iter()
        .map(|name| Cluster::read(name))
        .collect()
});

fn cases() -> usize {
    let cases = std::env::var("DRIFTCTL_PROPERTY_CASES").ok();
    cases.map_or(300, |cases| cases.parse().unwrap())
}

#[test]
fn real_objects_are_in_sync() {
    for cluster in CLUSTERS.iter() {
        assert!(
            cluster.pairs.len() > 50,
            "{}: {}",
            cluster.name,
            cluster.pairs.len()
        );
    }
}

#[test]
fn reports_every_edit_of_a_person() {
    LazyLock::force(&CLUSTERS);
    let found: Vec<Option<Result<Edit, String>>> =
        (0..cases()).into_par_iter().map(try_edit).collect();
    let tried: Vec<_> = found.into_iter().flatten().collect();
    let mut counts = BTreeMap::new();
    let mut silent = BTreeMap::new();
    for result in tried {
        match result {
            Ok(edit) => *counts.entry(format!("{edit:?}")).or_insert(0) += 1,
            Err(what) => *silent.entry(what).or_insert(0) += 1,
        }
    }
    let mut text = String::new();
    for (what, times) in silent.iter() {
        writeln!(text, "{times} x {what}").unwrap();
    }
    assert!(silent.is_empty(), "{}:\n{text}", silent.len());
    assert_eq!(counts.len(), 3, "every kind of edit is tried: {counts:?}");
    println!("edits that were reported: {counts:?}");
}

/// Tests one edit. Returns an error if it was not reported.
fn try_edit(case: usize) -> Option<Result<Edit, String>> {
    let mut dice = Dice::new(case as u64);
    let cluster = dice.pick(&CLUSTERS)?;
    let pair = dice.pick(&cluster.pairs)?;
    let edit = *dice.pick(&[Edit::Flip, Edit::Add, Edit::Drop])?;
    // Sometimes the chosen place cannot be edited.
    let edited = (0..20).find_map(|_| edit::make(cluster, pair, edit, &mut dice))?;
    let found = cluster.found(&edited.pair);
    let is_near = |path: &FieldPath| {
        let (a, b) = (names(path), names(&edited.path));
        a.iter().zip(&b).all(|(a, b)| a == b)
    };
    let near: Vec<&JudgedChange> = found.iter().filter(|d| is_near(&d.change.path)).collect();
    if near.iter().any(|drift| drift.is_reported()) {
        return Some(Ok(edit));
    }
    let found: Vec<String> = near
        .iter()
        .map(|drift| format!("{} {:?}", drift.change.path, drift.verdict()))
        .collect();
    Some(Err(format!(
        "{edit:?} {} {} {}: {}; found: {found:?}",
        cluster.name, pair.key, edited.path, edited.what
    )))
}

/// Returns the field names on a path, without list items.
fn names(path: &FieldPath) -> Vec<&str> {
    fn name(segment: &PathElement) -> &str {
        match segment {
            PathElement::Field(name) => name,
            _ => "",
        }
    }
    path.0.iter().map(name).collect()
}

#[test]
fn nothing_differs_from_itself() {
    for cluster in CLUSTERS.iter() {
        for pair in &cluster.pairs {
            let mut same = pair.clone();
            same.manifest.object = same.live.clone().into();
            let found = cluster.found(&same);
            assert!(
                found.iter().all(|drift| !drift.is_reported()),
                "{} {}: {found:?}",
                cluster.name,
                pair.key
            );
        }
    }
}

/// Returns the findings as text.
fn described(found: &[JudgedChange]) -> Vec<String> {
    let word = |drift: &JudgedChange| {
        let (path, kind) = (&drift.change.path, drift.change.kind);
        format!(
            "{} {path} {:?} {:?}",
            kind.as_str(),
            drift.verdict(),
            drift.owners
        )
    };
    found.iter().map(word).collect()
}

#[test]
fn order_does_not_matter_in_associative_lists_and_sets() {
    LazyLock::force(&CLUSTERS);
    let tried: usize = (0..cases() / 2)
        .into_par_iter()
        .map(|case| {
            let mut dice = Dice::new(case as u64);
            let cluster = dice.pick(&CLUSTERS).unwrap();
            let pair = dice.pick(&cluster.pairs).unwrap();
            let Some(edited) = edit::make(cluster, pair, Edit::Flip, &mut dice) else {
                return 0;
            };
            let mut mixed = edited.pair.clone();
            order::mix(cluster, &mut mixed.live, &mut dice);
            let mut written = mixed.manifest.value();
            order::mix(cluster, &mut written, &mut dice);
            mixed.manifest.object = written.into();
            let found = |pair| described(&cluster.found(pair));
            assert_eq!(
                found(&mixed),
                found(&edited.pair),
                "{} {}",
                cluster.name,
                pair.key
            );
            let is_mixed = mixed.live != edited.pair.live
                || mixed.manifest.value() != edited.pair.manifest.value();
            usize::from(is_mixed)
        })
        .sum();
    assert!(tried > cases() / 20, "{tried} were mixed");
}

#[test]
fn order_matters_in_atomic_lists() {
    let mut reversed = 0;
    for cluster in CLUSTERS.iter().take(1) {
        for pair in &cluster.pairs {
            for live in order::reversed(cluster, pair) {
                let mut pair = pair.clone();
                pair.live = live;
                let found = cluster.found(&pair);
                assert!(found.iter().any(JudgedChange::is_reported), "{}", pair.key);
                reversed += 1;
            }
        }
    }
    assert!(reversed > 20, "{reversed}");
}

#[test]
fn order_of_documents_and_keys_does_not_matter() {
    let cluster = &CLUSTERS[0];
    let mut manifests: Vec<_> = cluster.pairs.iter().map(|p| p.manifest.clone()).collect();
    let live = cluster
        .pairs
        .iter()
        .map(|p| (p.key.clone(), p.live.clone()));
    let live = live.collect();
    let objects = |report: driftctl::model::Report| -> Vec<_> {
        let described_object =
            |o: &driftctl::model::ObjectReport| (o.key.clone(), o.status(), described(&o.drifts));
        report.objects.iter().map(described_object).collect()
    };
    let straight = objects(cluster.compare(&manifests, &live));
    for seed in 0..3 {
        Dice::new(seed).shuffle(&mut manifests);
        assert_eq!(objects(cluster.compare(&manifests, &live)), straight);
    }
    for pair in &cluster.pairs {
        let backwards = order::backwards(&pair.manifest.value());
        let read = driftctl::yaml::parse(&backwards);
        assert_eq!(
            read.documents[0].value,
            pair.manifest.value(),
            "{}",
            pair.key
        );
    }
}
