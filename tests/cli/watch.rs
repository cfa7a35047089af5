//! Tests `driftctl watch --once`: a scripted day of rounds, each in a new process.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};

use crate::support::{TestFolder, fixture_arg};

/// The first round of the day.
const MORNING: i64 = 1_795_330_800; // 2026-11-22T07:00:00Z

fn instant(second: i64) -> String {
    jiff::Timestamp::from_second(second).unwrap().to_string()
}

fn config_map(name: &str, value: &str, at: i64) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop", "uid": name,
            "creationTimestamp": "2026-11-01T08:00:00Z", "managedFields": [
                {"manager": "kubectl-edit", "operation": "Update", "apiVersion": "v1",
                 "time": instant(at), "fieldsType": "FieldsV1",
                 "fieldsV1": {"f:data": {"f:x": {}}}}]},
        "data": {"x": value}})
}

fn manifest(name: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: shop}}\n\
         data: {{x: '{value}'}}\n"
    )
}

/// The expected result: which drift is open since when, and how the rest ended.
#[derive(Default)]
struct Day {
    declared: BTreeMap<String, String>,
    live: BTreeMap<String, (String, i64)>,
    accepted: BTreeSet<String>,
    open: BTreeMap<String, i64>,
    closed: Vec<(String, &'static str, i64, i64)>,
}

impl Day {
    fn write(&self, place: &TestFolder) {
        for (name, value) in &self.declared {
            fs::write(
                place.path().join(format!("m/{name}.yaml")),
                manifest(name, value),
            )
            .unwrap();
        }
        let live = self.live.iter();
        let live: Vec<Value> = live
            .map(|(name, (value, at))| config_map(name, value, *at))
            .collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": live});
        fs::write(place.path().join("live.json"), list.to_string()).unwrap();
    }

    fn end(&mut self, name: &str, how: &'static str, at: i64) {
        if let Some(since) = self.open.remove(name) {
            self.closed.push((name.to_owned(), how, since, at));
        }
    }
}

fn round(place: &TestFolder, at: i64) -> i32 {
    let mut command = place.driftctl();
    command
        .env("SOURCE_DATE_EPOCH", at.to_string())
        .args(["watch", "m", "--live", "live.json", "--once"])
        .args(["--state", "state.jsonl", "--metrics", "day.prom"]);
    command.output().unwrap().status.code().unwrap()
}

/// A small random number generator, so that the day is the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % sides
    }
}

#[test]
fn follows_a_scripted_day() {
    const EVERY: i64 = 30;
    let place = TestFolder::new().folder("m");
    let mut day = Day::default();
    for n in 0..12 {
        let name = format!("c{n}");
        day.declared.insert(name.clone(), "0".to_owned());
        day.live.insert(name, ("0".to_owned(), MORNING - 86_400));
    }
    let mut dice = Dice(7);
    let mut counts = BTreeMap::<&str, usize>::new();
    for n in 0..160 {
        let now = MORNING + n * EVERY;
        let name = format!("c{}", dice.roll(12));
        let is_open = day.open.contains_key(&name);
        let is_outage = n % 50 == 49;
        let kind = match (is_open, dice.roll(10)) {
            (false, _) if day.accepted.contains(&name) => "nothing",
            (false, 0..8) => "edit",
            (true, 0..6) => "revert",
            (true, 6 | 7) => "backport",
            (true, 8) => "accept",
            _ => "nothing",
        };
        *counts
            .entry(if is_outage { "outage" } else { kind })
            .or_default() += 1;
        if is_outage {
            day.write(&place);
            fs::remove_file(place.path().join("live.json")).unwrap();
            let before = fs::read(place.path().join("state.jsonl")).unwrap();
            assert_eq!(round(&place, now), 2);
            let after = fs::read(place.path().join("state.jsonl")).unwrap();
            assert!(before == after, "an outage changed the state");
            continue;
        }
        let (written, declared) = (now - 1 - (n % 28), day.declared[&name].clone());
        match kind {
            "edit" if n > 0 => {
                day.live.insert(name.clone(), (format!("{n}"), written));
                day.open.insert(name, written);
            }
            "revert" => {
                day.live.insert(name.clone(), (declared, written));
                day.end(&name, "reverted", now);
            }
            "backport" => {
                let live = day.live[&name].0.clone();
                day.declared.insert(name.clone(), live);
                day.end(&name, "backported", now);
            }
            "accept" => {
                day.write(&place);
                let object = format!("ConfigMap/shop/{name}");
                let mut command = place.driftctl();
                command.env("SOURCE_DATE_EPOCH", now.to_string());
                command.args([
                    "accept",
                    "m",
                    &object,
                    "--live",
                    "live.json",
                    "--expires",
                    "7d",
                    "--reason",
                    "known",
                ]);
                let output = command.output().unwrap();
                assert!(output.status.success(), "{}", place.shown(&output));
                day.accepted.insert(name.clone());
                day.end(&name, "accepted", now);
            }
            _ => {}
        }
        day.write(&place);
        assert_eq!(round(&place, now), 0, "round {n}");
        if n == 77 {
            // The process ended during the last write.
            let path = place.path().join("state.jsonl");
            let mut text = fs::read(&path).unwrap();
            text.extend(b"{\"opened\":{\"kind\":\"Conf");
            fs::write(&path, text).unwrap();
        }
    }
    for (what, least) in [
        ("edit", 40),
        ("revert", 25),
        ("backport", 5),
        ("accept", 3),
        ("outage", 3),
    ] {
        assert!(counts.get(what).is_some_and(|n| *n >= least), "{counts:?}");
    }
    let (open, closed) = state(&place);
    assert_eq!(open, day.open);
    assert_eq!(closed, day.closed);
    let metrics = fs::read_to_string(place.path().join("day.prom")).unwrap();
    let sum: i64 = day
        .closed
        .iter()
        .map(|(_, _, since, until)| until - since)
        .sum();
    let all = format!("driftctl_drift_duration_seconds_sum{{severity=\"medium\"}} {sum}\n");
    assert!(metrics.contains(&all), "{all}{metrics}");
}

type Ended = (String, &'static str, i64, i64);

/// Returns the content of the state file: the open drift, and how the rest ended.
fn state(place: &TestFolder) -> (BTreeMap<String, i64>, Vec<Ended>) {
    let text = fs::read_to_string(place.path().join("state.jsonl")).unwrap();
    let (mut open, mut closed) = (BTreeMap::new(), Vec::new());
    let second = |value: &Value| {
        let at: jiff::Timestamp = value.as_str().unwrap().parse().unwrap();
        at.as_second()
    };
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
        if let Some(opened) = line.get("opened") {
            open.insert(name(opened), second(&opened["since"]));
        }
        if let Some(end) = line.get("closed") {
            let how = ["reverted", "backported", "accepted", "changed", "deleted"];
            let how = how.into_iter().find(|how| end["how"] == *how).unwrap();
            let (since, until) = (second(&end["since"]), second(&end["until"]));
            open.remove(&name(end));
            closed.push((name(end), how, since, until));
        }
    }
    (open, closed)
}

fn once(more: &[&str]) -> String {
    let place = TestFolder::new();
    let (manifests, live) = (fixture_arg("shop/manifests"), fixture_arg("shop/live.json"));
    let words = ["watch", "--once", "--live", &live, &manifests];
    let shown = place.run(words.into_iter().chain(more.iter().copied()));
    shown
        .replace(&live, "live.json")
        .replace(&manifests, "manifests")
}

#[test]
fn the_first_round_reports_open_drift() {
    let shown = once(&["--kind", "Deployment"]);
    insta::assert_snapshot!(shown);
}

/// Checks that each line is a comment or a sample of the metric above it, as the format requires.
fn check_metrics(text: &str) {
    let mut name = String::new();
    let mut seen = BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (new, help) = rest.split_once(' ').unwrap();
            assert!(seen.insert(new.to_owned()), "{new} occurs twice");
            assert!(help.ends_with('.'), "{line}");
            name = new.to_owned();
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (of, kind) = rest.split_once(' ').unwrap();
            assert_eq!(of, name);
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            continue;
        }
        let sample = line.split(['{', ' ']).next().unwrap();
        let rest = sample.strip_prefix(&name);
        assert!(
            matches!(rest, Some("" | "_bucket" | "_sum" | "_count")),
            "{line}"
        );
        let value = line.rsplit(' ').next().unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}

#[test]
fn alerts_use_existing_metrics() {
    let place = TestFolder::new();
    let alerts = place.run(["watch", "--print-alerts"]);
    insta::assert_snapshot!(alerts);
    let (manifests, live) = (fixture_arg("shop/manifests"), fixture_arg("shop/live.json"));
    place.run([
        "watch",
        "--once",
        "--live",
        &live,
        &manifests,
        "--metrics",
        "x.prom",
    ]);
    let metrics = fs::read_to_string(place.path().join("x.prom")).unwrap();
    check_metrics(&metrics);
    let words = alerts.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let used: BTreeSet<&str> = words.filter(|word| word.starts_with("driftctl_")).collect();
    assert!(used.len() >= 5, "{used:?}");
    for name in used {
        let head = format!("# TYPE {name} ");
        assert!(metrics.contains(&head), "{name} is on no page");
    }
    assert!(
        !metrics.contains("cart"),
        "no object is named unless asked for"
    );
    place.run([
        "watch",
        "--once",
        "--live",
        &live,
        &manifests,
        "--metrics",
        "x.prom",
        "--label",
        "object",
    ]);
    let metrics = fs::read_to_string(place.path().join("x.prom")).unwrap();
    check_metrics(&metrics);
    assert!(
        metrics.contains("kind=\"Deployment\",name=\"cart\""),
        "{metrics}"
    );
}

#[test]
fn rejects_arguments_that_watch_does_not_support() {
    let place = TestFolder::new().file("m/a.yaml", manifest("a", "0"));
    for (words, said) in [
        (&["watch", "m", "--base", "main"][..], "--base is for"),
        (&["watch", "-", "--live", "x"], "can be read only once"),
        (
            &["watch", "m", "--context", "a", "--context", "b"],
            "one cluster",
        ),
        (&["watch", "m", "--every", "0s"], "from a second to a day"),
        (&["watch", "m", "--listen", "9464"], "ADDRESS:PORT"),
        (&["watch", "m", "--live", "nowhere.json"], "nowhere.json"),
    ] {
        let shown = place.run(words.iter().copied());
        assert!(
            shown.starts_with("exit code: 2") && shown.contains(said),
            "{words:?}: {shown}"
        );
    }
}
