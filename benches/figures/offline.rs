//! A recording compared offline: 10,000 objects, time and memory.
//!
//! The floor of the time is a bare parse of the same bytes, on one thread: the manifests by
//! `serde_yaml` (`yaml_serde`), the recording by `serde_json`, each into a tree of values. The
//! floor of the memory is the input itself.

use std::fs;
use std::path::Path;

use crate::support::copies::{copies, pairs, recording, write_manifests};
use crate::support::measure::{driftctl, in_turns, peak, run};
use crate::support::table::{self, megabytes};
use serde::Deserialize as _;
use serde_json::Value;

/// Chosen so that an object takes about 4 kB as YAML and 6 kB live, as in clusters.
const KINDS: &[&str] = &[
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "CronJob",
    "ConfigMap",
    "Ingress",
];

/// Measures and prints.
pub fn measure() {
    let place = tempfile::tempdir().unwrap();
    let manifests = place.path().join("manifests");
    let live = place.path().join("live.json");
    fs::create_dir(&manifests).unwrap();
    let (declared, objects) = copies(&pairs(KINDS), 10_000, 100);
    let yaml = write_manifests(&manifests, &declared);
    let recording = recording(&objects);
    let json = recording.len() as u64;
    fs::write(&live, recording).unwrap();
    drop((declared, objects));
    let command = || {
        let mut command = driftctl(place.path());
        command.args(["diff", "manifests", "--live", "live.json"]);
        command
    };
    let compare = || {
        run(&mut command(), 1);
    };
    let (time, floor) = in_turns(compare, || parse(&manifests, &live));
    table::title(&format!(
        "offline: 10,000 objects, {} of YAML, {} of JSON",
        megabytes(yaml),
        megabytes(json)
    ));
    table::ratio("time (floor: a bare parse)", time, floor, 1.5);
    if let Some(peak) = peak(&mut command()) {
        table::size_ratio("peak memory (floor: the input)", peak, yaml + json, 3.0);
    }
}

/// The floor: every byte is parsed, and nothing is done with it.
fn parse(manifests: &Path, live: &Path) {
    let mut count = 0;
    for file in fs::read_dir(manifests).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        for document in serde_yaml::Deserializer::from_str(&text) {
            count += usize::from(Value::deserialize(document).unwrap().is_object());
        }
    }
    let text = fs::read_to_string(live).unwrap();
    let live: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(live["items"].as_array().map(Vec::len), Some(count));
}
