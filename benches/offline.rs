//! A recording compared offline: 10,000 objects, time and memory.
//!
//! The floor of the time is a bare parse of the same bytes, on one thread: the manifests by
//! `serde_yaml` (`yaml_serde`), the recording by `serde_json`, each into a tree of values. The
//! floor of the memory is the input itself.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::fs;
use std::path::Path;

use serde::Deserialize as _;
use serde_json::Value;
use support::copies::{copies, pairs, recording, write_manifests};
use support::measure::{driftctl, in_turns, mib, peak_of_children, report, report_ratio, run};

/// Chosen so that an object takes about 4 kB as YAML and 6 kB live, as in clusters.
const KINDS: &[&str] = &[
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "CronJob",
    "ConfigMap",
    "Ingress",
];

fn main() {
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
    println!(
        "offline: 10,000 objects, {} of YAML, {} of JSON",
        mib(yaml),
        mib(json)
    );

    let compare = || {
        let mut command = driftctl(place.path());
        run(
            command.args(["diff", "manifests", "--live", "live.json"]),
            1,
        );
    };
    let (time, floor) = in_turns(compare, || parse(&manifests, &live));
    report_ratio("time over that of a bare parse", time, floor, "<= 1.5");
    let peak = peak_of_children();
    report("peak memory", mib(peak), "");
    let ratio = peak as f64 / (yaml + json) as f64;
    report(
        "  over the bytes of the input",
        format!("{ratio:.2}"),
        "<= 3",
    );
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
