//! Compares with a recording offline: 10,000 objects, time and memory.
//!
//! The floor of the time is a parser that reads the same bytes on one thread and keeps nothing:
//! libyaml for the manifests, `serde_json` for the recording. The floor of the memory is the input
//! itself.

use std::fs;

use crate::instructions;
use crate::support::copies::{copies, pairs, recording, write_manifests};
use crate::support::measure::{driftctl, in_turns, peak, run};
use crate::support::table::{self, megabytes};

/// Chosen so that an object takes about 4 kB as YAML and 6 kB live, as in real clusters.
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
    let (time, floor) = in_turns(compare, || instructions::parse(&manifests, &live));
    table::title(&format!(
        "offline: 10,000 objects, {} of YAML, {} of JSON",
        megabytes(yaml),
        megabytes(json)
    ));
    table::ratio("time (floor: libyaml and serde_json)", time, floor, 1.5);
    if let Some(peak) = peak(&mut command()) {
        table::size_ratio("peak memory (floor: the input)", peak, yaml + json, 3.0);
    }
}
