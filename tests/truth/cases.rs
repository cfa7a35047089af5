//! Tests recorded cases, each a folder of `fixtures/cases` with manifests, a live side and the
//! expected result: changes that were once reported incorrectly, and similar ones that must stay
//! correct.

use crate::support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use driftctl::model::FieldPath;
use regex::Regex;
use serde_json::Value;
use support::TestFolder;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases")
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}

fn list<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

fn name(object: &Value) -> [String; 3] {
    ["kind", "namespace", "name"].map(|field| text(object, field).to_owned())
}

fn path(value: &Value) -> FieldPath {
    let text = text(value, "path");
    text.parse()
        .unwrap_or_else(|_| panic!("{text} is not a path"))
}

/// Returns the changes of a report that count as drift, with their objects.
fn changes(report: &Value) -> Vec<(&Value, &Value)> {
    let objects = list(report, "objects").iter();
    let compared = objects.filter(|object| {
        !["missing", "extra", "unknown", "in-sync"].contains(&text(object, "status"))
    });
    let of = compared.flat_map(|object| list(object, "changes").iter().map(move |c| (object, c)));
    of.filter(|(_, change)| change["ignored"].is_null() && change["explained"].is_null())
        .collect()
}

fn is_at(wanted: &Value, (object, change): (&Value, &Value)) -> bool {
    name(wanted) == name(object) && path(change).starts_with(&path(wanted))
}

fn fits(wanted: &Value, found: (&Value, &Value)) -> bool {
    let change = found.1;
    let owners = list(change, "owners");
    let named = |field: &str| {
        let wanted = wanted[field].as_str();
        wanted.is_none_or(|wanted| owners.iter().any(|owner| text(owner, field) == wanted))
    };
    let users: BTreeSet<&str> = owners.iter().filter_map(|o| o["user"].as_str()).collect();
    let not_only = wanted["not_only_user"].as_str();
    let same = |field: &str| wanted[field].is_null() || wanted[field] == change[field];
    is_at(wanted, found)
        && (wanted["change"].is_null() || wanted["change"] == change["kind"])
        && named("manager")
        && named("user")
        && not_only.is_none_or(|user| users != BTreeSet::from([user]))
        && (wanted["not_cause"].is_null() || wanted["not_cause"] != change["cause"])
        && ["severity", "cause", "class", "line"].into_iter().all(same)
}

/// Returns the differences from the expected report.
fn faults_of_report(run: &Value, report: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let changes = changes(report);
    let wanted = list(run, "drifted");
    for one in wanted {
        if !changes.iter().any(|found| fits(one, *found)) {
            faults.push(format!("not reported as expected: {one}"));
        }
    }
    for one in list(run, "not_drifted") {
        if changes.iter().any(|found| is_at(one, *found)) {
            faults.push(format!("reported: {one}"));
        }
    }
    let nothing_else = run["nothing_else"] == true;
    for found in changes.iter().filter(|_| nothing_else) {
        if !wanted.iter().any(|one| is_at(one, *found)) {
            faults.push(format!("too much: {:?} {}", name(found.0), found.1["path"]));
        }
    }
    for status in ["missing", "extra", "unknown"] {
        let objects = list(report, "objects").iter();
        let have = objects.filter(|object| text(object, "status") == status);
        let have: BTreeSet<_> = have.map(name).collect();
        let wanted: BTreeSet<_> = list(run, status).iter().map(name).collect();
        let right = match nothing_else {
            true => have == wanted,
            false => have.is_superset(&wanted),
        };
        if !right {
            faults.push(format!("{status}: {have:?} and not {wanted:?}"));
        }
    }
    faults
}

/// Copies a folder elsewhere, so that nothing around the fixtures affects the case.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn faults_of_run(case: &Path, run: &Value) -> Vec<String> {
    let place = TestFolder::new();
    let case_here = place.path().join("case");
    copy(case, &case_here);
    let at = case_here.to_string_lossy();
    let args = list(run, "args").iter();
    let args = args.map(|word| word.as_str().unwrap_or_default().replace("{case}", &at));
    let output = place.driftctl().args(args).output().unwrap();
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let mut faults = Vec::new();
    let exit = output.status.code().map(i64::from);
    if run["exit"]
        .as_i64()
        .is_some_and(|wanted| Some(wanted) != exit)
    {
        faults.push(format!("exit {exit:?}: {stderr}"));
    }
    let both = format!("{stdout}\n{stderr}");
    for (field, wanted) in [("output_matches", true), ("output_lacks", false)] {
        for pattern in list(run, field).iter().filter_map(Value::as_str) {
            if Regex::new(pattern).unwrap().is_match(&both) != wanted {
                faults.push(format!("{field}: {pattern}"));
            }
        }
    }
    for (field, stream, wanted) in [
        ("stdout_has", &stdout, true),
        ("stdout_lacks", &stdout, false),
        ("stderr_has", &stderr, true),
        ("stderr_lacks", &stderr, false),
    ] {
        for part in list(run, field).iter().filter_map(Value::as_str) {
            if stream.contains(part) != wanted {
                faults.push(format!("{field}: {part}"));
            }
        }
    }
    let asks_report = ["drifted", "not_drifted", "missing", "extra", "nothing_else"];
    if asks_report.iter().any(|field| !run[*field].is_null()) {
        match serde_json::from_str(&stdout) {
            Ok(report) => faults.extend(faults_of_report(run, &report)),
            Err(_) => faults.push(format!("no report: {stderr}")),
        }
    }
    faults
}

#[test]
fn every_case_has_the_expected_result() {
    let mut cases: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("case.json").is_file())
        .collect();
    cases.sort();
    assert!(cases.len() > 30, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let written = fs::read_to_string(case.join("case.json")).unwrap();
        let written: Value = serde_json::from_str(&written).unwrap();
        let runs = match list(&written, "runs") {
            [] => vec![written.clone()],
            runs => runs.to_vec(),
        };
        for run in runs {
            let faults = faults_of_run(&case, &run);
            if !faults.is_empty() {
                let name = case.file_name().unwrap_or_default().to_string_lossy();
                wrong.push(format!("{name}: {}", faults.join("; ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
