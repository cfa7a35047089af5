//! Tests recorded clusters with known drift: all changes that people made are found, and nothing
//! else.
//!
//! A reported path is right if it is a path of the expected result, or below one; a path above it
//! is wrong, because it hides what changed. Changes that the expected result calls optional may be
//! reported or not.
//!
//! The same must hold if the live objects do not record who wrote what: `kubectl get -o yaml` omits
//! managed fields, and not everyone applies with `kubectl apply`.

#![allow(clippy::unwrap_used)]

use crate::support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use driftctl::model::{FieldPath, PathElement};
use serde_json::Value;
use support::{TestFolder, fixture, fixture_arg};

/// Differences from the expected result, in the words of [`Score::faults`]. A line that is no
/// longer true must be removed.
///
/// The expected result is structural: each of these is another spelling of the same value (`1G` and
/// `1e9`, `null` and absent), which is not drift.
const NOT_YET: &[(&str, &str)] = &[
    (
        "shop-laptop-argo-drift",
        "not found: HorizontalPodAutoscaler shop/cart .spec.metrics",
    ),
    (
        "shop-laptop-argo-drift",
        "not found: Job shop/settlement-backfill .spec.template.spec.containers[name=\"settle\"].resources.limits.memory",
    ),
    (
        "shop-laptop-argo-drift",
        "not found: Promotion shop/loyalty-tiers .spec.creative.nothing",
    ),
    (
        "shop-laptop-argo-drift",
        "not found: Promotion shop/loyalty-tiers .spec.schedule.endsAt",
    ),
    (
        "shop-laptop-csa-drift",
        "not found: Promotion shop/spring-lamps .spec.limits.perDay",
    ),
];

/// `apiVersion`, kind, namespace, name.
pub type Object = (String, String, String, String);

#[derive(Default)]
struct Truth {
    changes: BTreeMap<Object, Vec<FieldPath>>,
    optional: BTreeMap<Object, Vec<FieldPath>>,
    missing: BTreeSet<Object>,
    extra: BTreeSet<Object>,
}

pub fn object_of(value: &Value) -> Object {
    let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
    (
        text("apiVersion"),
        text("kind"),
        text("namespace"),
        text("name"),
    )
}

pub fn items<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

pub fn path_of(change: &Value) -> FieldPath {
    let text = change["path"].as_str().unwrap();
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

impl Truth {
    fn read(expected: &Value) -> Self {
        let objects = |field| items(expected, field).iter().map(object_of).collect();
        let mut truth = Self {
            missing: objects("missing"),
            extra: objects("extra"),
            ..Self::default()
        };
        for object in items(expected, "drifted") {
            for change in items(object, "changes") {
                let optional = change["optional"] == true;
                let side = if optional {
                    &mut truth.optional
                } else {
                    &mut truth.changes
                };
                side.entry(object_of(object))
                    .or_default()
                    .push(path_of(change));
            }
        }
        for object in items(expected, "in_sync") {
            for change in items(object, "optional") {
                let paths = truth.optional.entry(object_of(object)).or_default();
                paths.push(path_of(change));
            }
        }
        truth
    }
}

#[derive(Default)]
struct Score {
    truth: usize,
    faults: Vec<String>,
}

/// Compares a report with the expected result.
fn score(truth: &Truth, report: &Value) -> Score {
    let mut score = Score::default();
    let mut reported: BTreeMap<Object, Vec<FieldPath>> = BTreeMap::new();
    let mut by_status: BTreeMap<&str, BTreeSet<Object>> = BTreeMap::new();
    for object in items(report, "objects") {
        let status = object["status"].as_str().unwrap();
        by_status
            .entry(status)
            .or_default()
            .insert(object_of(object));
        if matches!(status, "missing" | "extra") {
            continue;
        }
        let counted = items(object, "changes")
            .iter()
            .filter(|change| change["ignored"].is_null());
        let paths = reported.entry(object_of(object)).or_default();
        paths.extend(counted.map(path_of));
    }
    let none = Vec::new();
    for (object, paths) in &truth.changes {
        let found = reported.get(object).unwrap_or(&none);
        for path in paths {
            score.truth += 1;
            if !found.iter().any(|found| is_below(found, path)) {
                score.fault("not found", object, Some(path));
            }
        }
    }
    for (object, paths) in &reported {
        let right = [&truth.changes, &truth.optional].map(|side| side.get(object).unwrap_or(&none));
        for path in paths {
            if !right
                .iter()
                .flat_map(|paths| *paths)
                .any(|right| is_below(path, right))
            {
                score.fault("wrong", object, Some(path));
            }
        }
    }
    for (status, expected) in [("missing", &truth.missing), ("extra", &truth.extra)] {
        let found = by_status.remove(status).unwrap_or_default();
        for object in expected.difference(&found) {
            score.fault(&format!("not {status}"), object, None);
        }
        for object in found.difference(expected) {
            score.fault(&format!("{status}, wrongly"), object, None);
        }
    }
    score
}

impl Score {
    fn fault(&mut self, what: &str, (_, kind, namespace, name): &Object, path: Option<&FieldPath>) {
        let path = path.map(ToString::to_string).unwrap_or_default();
        let fault = format!("{what}: {kind} {namespace}/{name} {path}");
        self.faults.push(fault.trim_end().to_owned());
    }
}

/// Returns whether `path` is `above` or below it. The values of keys are compared as text.
pub fn is_below(path: &FieldPath, above: &FieldPath) -> bool {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    path.0.len() >= above.0.len()
        && path.0.iter().zip(&above.0).all(|(a, b)| match (a, b) {
            (PathElement::Key(a), PathElement::Key(b)) => {
                a.keys().eq(b.keys()) && a.values().map(text).eq(b.values().map(text))
            }
            (a, b) => a == b,
        })
}

/// How much the live objects record about their writers.
#[derive(Clone, Copy, PartialEq)]
enum Recorded {
    All,
    LastApplied,
    Nothing,
}

/// Returns the live side of a scenario, without part of its records.
fn live(folder: &str, recorded: Recorded) -> Value {
    let packed = fs::File::open(fixture(folder).join("live.json.gz")).unwrap();
    let mut live: Value = serde_json::from_reader(flate2::read::GzDecoder::new(packed)).unwrap();
    for object in live["items"].as_array_mut().unwrap() {
        let metadata = object["metadata"].as_object_mut().unwrap();
        metadata.remove("managedFields");
        if recorded == Recorded::Nothing
            && let Some(Value::Object(annotations)) = metadata.get_mut("annotations")
        {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    live
}

/// Returns the faults of one scenario, and its number of changes.
fn run(scenario: &str, recorded: Recorded) -> Score {
    let folder = format!("driftbench/{scenario}");
    let expected = fs::read(fixture(&folder).join("expected.json")).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let (place, recording) = match recorded {
        Recorded::All => (
            TestFolder::new(),
            fixture_arg(&format!("{folder}/live.json.gz")),
        ),
        recorded => {
            let live = live(&folder, recorded).to_string();
            (
                TestFolder::new().file("live.json", live),
                "live.json".to_owned(),
            )
        }
    };
    let output = place
        .driftctl()
        .args(["diff", &fixture_arg("shop/manifests")])
        .args(["--live", &recording])
        .args(["--extra", "namespace", "-o", "json"])
        .output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| {
        panic!(
            "{scenario}: {e}: {}",
            String::from_utf8_lossy(&output.stderr)
        )
    });
    let mut score = score(&Truth::read(&expected), &report);
    let code = i32::from(expected["kind"] != "clean");
    if output.status.code() != Some(code) {
        let fault = format!("exit code {:?}, expected {code}", output.status.code());
        score.faults.push(fault);
    }
    score
}

fn check(recorded: Recorded) {
    let mut scenarios: Vec<String> = fs::read_dir(fixture("driftbench"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    scenarios.sort();
    assert!(scenarios.len() >= 18);
    let (mut truth, mut table) = (0, String::new());
    let mut not_yet: BTreeSet<(&str, &str)> = NOT_YET.iter().copied().collect();
    for scenario in &scenarios {
        let score = run(scenario, recorded);
        truth += score.truth;
        for fault in &score.faults {
            let before = not_yet.len();
            not_yet.retain(|(of, known)| of != scenario || known != fault);
            if not_yet.len() == before {
                writeln!(table, "    (\"{scenario}\", {fault:?}),").unwrap();
            }
        }
    }
    assert!(truth > 700, "the truth was not read");
    assert!(table.is_empty(), "of {truth} changes:\n{table}");
    assert!(not_yet.is_empty(), "better than NOT_YET says: {not_yet:?}");
}

#[test]
fn finds_all_drift_and_nothing_else() {
    check(Recorded::All);
}

#[test]
fn finds_all_drift_without_managed_fields() {
    check(Recorded::LastApplied);
}

#[test]
fn finds_all_drift_without_managed_fields_and_last_applied() {
    check(Recorded::Nothing);
}
