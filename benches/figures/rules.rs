//! Measures what a thousand rules cost for ten thousand objects, relative to the comparison itself.
//!
//! The ratio should stay below one.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use driftctl::cluster::Dump;
use driftctl::config;
use driftctl::engine::{self, Options};
use driftctl::policy::RuleSet;
use driftctl::source::{FilesSource, Source};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::table;

const OBJECTS: usize = 10_000;
const RULES: usize = 1_000;
const RUNS: usize = 5;

fn object(number: usize, replicas: usize) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": format!("app-{number}"), "namespace": format!("team-{}", number % 50)},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": format!("app-{number}")}},
            "template": {
                "metadata": {"labels": {"app": format!("app-{number}")}},
                "spec": {"containers": [{
                    "name": "app",
                    "image": format!("registry.example/app-{number}:1"),
                    "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                }]},
            },
        },
    })
}

fn list(replicas: usize) -> String {
    let items: Vec<Value> = (0..OBJECTS)
        .map(|number| object(number, replicas))
        .collect();
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}

/// Rules of every kind but jq, most of them about the kind of the objects.
fn rules() -> RuleSet {
    let mut text = String::from("ignoreDifferences:\n");
    for number in 0..RULES {
        let what = match number % 4 {
            0 => format!(
                "namespace: team-{}, paths: ['.spec.template.spec.containers[*].image']",
                number % 50
            ),
            1 => format!("name: app-{number}, jsonPointers: [/spec/replicas]"),
            2 => format!("labelSelector: app=app-{number}, kinds: [added]"),
            _ => format!("managers: [scaler-{number}], paths: [.spec.paused]"),
        };
        writeln!(
            text,
            "  - {{group: 'a*', kind: Deployment, reason: x, {what}}}"
        )
        .unwrap();
    }
    let config = config::read("bench.yaml", &text, &|_| Ok(())).unwrap();
    RuleSet::with(config.users, Timestamp::UNIX_EPOCH)
}

/// Returns the fastest of several runs.
fn time(folder: &Path, rules: &RuleSet) -> Duration {
    let sources: [Box<dyn Source>; 1] =
        [Box::new(FilesSource::new([folder.join("declared.json")]))];
    let live = Dump::read(&[folder.join("live.json")]).unwrap();
    let run = || {
        let began = Instant::now();
        let report = engine::run(&sources, &live, rules, &Options::default()).unwrap();
        assert_eq!(report.coverage.compared, OBJECTS);
        began.elapsed()
    };
    (0..RUNS).map(|_| run()).min().unwrap()
}

/// Measures and prints.
pub fn measure() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("declared.json"), list(3)).unwrap();
    fs::write(folder.path().join("live.json"), list(5)).unwrap();
    let without = time(folder.path(), RuleSet::builtin());
    let with = time(folder.path(), &rules());
    let cost = with.saturating_sub(without);
    let title = format!("{RULES} rules over {OBJECTS} objects, each of which drifted");
    table::title(&title);
    let what = "added time (floor: comparing without rules)";
    table::ratio(what, cost, without, 1.0);
}
