//! Tests recorded clusters with known authors: every named author is right.
//!
//! A removed field has no owner any more, so its author is known only with an audit log. A named
//! manager must own the field, or have written to the object.

#![allow(clippy::unwrap_used)]

use crate::driftbench::{Object, is_below, items, object_of, path_of};
use crate::support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;
use support::{TestFolder, fixture, fixture_arg};

/// The appliers of some scenarios, which own what nobody changed.
const APPLIERS: &[&str] = &[
    "argocd-controller",
    "helm",
    "kubectl-client-side-apply",
    "kubectl-create",
    "kustomize-controller",
];

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}

/// Returns the drifted objects of a scenario, according to the expected result.
fn truth(scenario: &str) -> Value {
    let expected = fixture(&format!("driftbench/{scenario}")).join("expected.json");
    serde_json::from_slice(&fs::read(expected).unwrap()).unwrap()
}

/// Returns the reported changes of each object.
fn reported(scenario: &str, more: &[&str]) -> BTreeMap<Object, Vec<Value>> {
    let live = fixture_arg(&format!("driftbench/{scenario}/live.json.gz"));
    let place = TestFolder::new();
    let mut command = place.driftctl();
    command.args(["diff", &fixture_arg("shop/manifests"), "--live", &live]);
    let output = command.args(["-o", "json"]).args(more).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let objects = items(&report, "objects").iter();
    objects
        .map(|object| (object_of(object), items(object, "changes").to_vec()))
        .collect()
}

/// Returns the owners of the changes at or below a path.
fn named(changes: &[Value], at: &Value, field: &str) -> BTreeSet<String> {
    let at = path_of(at);
    let below = |change: &&Value| is_below(&path_of(change), &at);
    let owners = changes.iter().filter(below);
    let owners = owners.flat_map(|change| items(change, "owners"));
    let names = owners.map(|owner| text(owner, field).to_owned());
    names.filter(|name| !name.is_empty()).collect()
}

fn of_operations(object: &Value, field: &str) -> BTreeSet<String> {
    let operations = items(object, "ops").iter();
    operations.map(|one| text(one, field).to_owned()).collect()
}

#[test]
fn names_owners_of_changes_and_only_writers() {
    let scenarios = fs::read_dir(fixture("driftbench")).unwrap();
    let names = scenarios.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let (mut held, mut missed) = (0, Vec::new());
    for scenario in names.filter(|name| name.ends_with("-drift")) {
        let found = reported(&scenario, &[]);
        let truth = truth(&scenario);
        for object in items(&truth, "drifted") {
            let Some(changes) = found.get(&object_of(object)) else {
                continue;
            };
            let writers = of_operations(object, "manager");
            for change in items(object, "changes") {
                let holders: BTreeSet<String> = items(change, "managers")
                    .iter()
                    .filter_map(|name| Some(name.as_str()?.to_owned()))
                    .collect();
                let owners = named(changes, change, "manager");
                let place = format!("{scenario} {} {}", object["name"], change["path"]);
                let is_known = |name: &String| {
                    holders.contains(name)
                        || writers.contains(name)
                        || APPLIERS.contains(&name.as_str())
                };
                assert!(owners.iter().all(is_known), "{place}: {owners:?}");
                let reported = changes
                    .iter()
                    .any(|one| is_below(&path_of(one), &path_of(change)));
                if !reported || holders.is_empty() || change["kind"] == "removed" {
                    continue;
                }
                held += 1;
                if holders.is_disjoint(&owners) {
                    missed.push(place);
                }
            }
        }
    }
    assert!(held > 400, "{held}");
    assert!(
        missed.len() * 100 <= held,
        "{} of {held}: {missed:#?}",
        missed.len()
    );
}

#[test]
fn users_from_the_audit_log_wrote_to_the_object() {
    let log = fixture_arg("audit/shop-csa.log.gz");
    let found = reported("shop-csa-drift", &["--audit-log", &log]);
    let truth = truth("shop-csa-drift");
    let (mut right, mut unnamed) = (0, 0);
    for object in items(&truth, "drifted") {
        let Some(changes) = found.get(&object_of(object)) else {
            continue;
        };
        let users = of_operations(object, "user");
        for change in items(object, "changes") {
            let owners = named(changes, change, "user");
            let place = format!("{} {}", object["name"], change["path"]);
            assert!(owners.is_subset(&users), "{place}: {owners:?} of {users:?}");
            match owners.is_empty() {
                true => unnamed += 1,
                false => right += 1,
            }
        }
    }
    assert!(
        right > 70 && unnamed * 20 <= right,
        "{right}, {unnamed} unnamed"
    );
}
