//! Counts instructions, which do not depend on how busy the machine is.
//!
//! valgrind's callgrind counts them. Each count is compared with the last recorded one of its name
//! in `benches/instructions.tsv`: a count that is more than 5 % higher, or was never recorded, is
//! an error. `.ci/instructions` measures the recorded runs, and documents how to record.
//!
//! The floor is a parser that reads the same bytes and keeps nothing: libyaml for the manifests,
//! `serde_json` for the recording. It is counted in this program, called with [`FLOOR`].

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::Timestamp;
use serde::Deserialize as _;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::scale::object;
use crate::support::copies::{applied, copies, fixtures, pairs, recording, write_manifests};
use crate::support::measure::binary;
use crate::support::table;

/// The limit on a count, relative to the recorded one.
const MOST: f64 = 1.05;

/// The limit on a comparison, relative to the floor.
const MOST_OVER_FLOOR: f64 = 2.5;

/// The argument with which this program only parses: `figures floor MANIFESTS RECORDING`.
pub const FLOOR: &str = "floor";

/// A measured run: its name, the manifests and the recording.
type Figure = (&'static str, PathBuf, PathBuf);

/// Measures and prints.
pub fn measure() {
    let place = tempfile::tempdir().unwrap();
    let shop = fixtures().join("shop");
    let figures = [
        one_object(place.path()),
        (
            "diff of the shop, with drift",
            shop.join("manifests"),
            shop.join("live.json"),
        ),
        thousand_in_sync(place.path()),
        thousand_objects(place.path()),
    ];
    table::title("instructions (floor: what was recorded last)");
    let mut counts = Vec::new();
    for (what, manifests, live) in &figures {
        let diff = Command::new(binary());
        let words = [Path::new("diff"), manifests, Path::new("--live"), live];
        let Some(count) = instructions(place.path(), diff, &words) else {
            println!("  valgrind is not installed, so nothing was counted");
            std::process::exit(1);
        };
        table::instructions(what, count, recorded(what).unwrap_or(count), MOST);
        counts.push(count);
    }
    let too_many = figures.iter().zip(&counts).any(|((what, ..), count)| {
        let recorded = recorded(what);
        if recorded.is_none() {
            println!("  {what}: nothing is recorded to compare it with");
        }
        recorded.is_none_or(|recorded| *count as f64 > recorded as f64 * MOST)
    });
    let is_recording = std::env::var_os("DRIFTCTL_WRITE_FIGURES").is_some();
    if is_recording {
        for ((what, ..), count) in figures.iter().zip(&counts) {
            record(what, *count);
        }
    }
    table::title("instructions (floor: libyaml and serde_json, which keep nothing)");
    let [.., (what, manifests, live)] = &figures;
    let parse = Command::new(std::env::current_exe().unwrap());
    let floor = instructions(place.path(), parse, &[Path::new(FLOOR), manifests, live]);
    if let (Some(count), Some(floor)) = (counts.last(), floor) {
        table::instructions(what, *count, floor, MOST_OVER_FLOOR);
    }
    if too_many && !is_recording {
        std::process::exit(1);
    }
}

/// A run with almost nothing to do.
fn one_object(place: &Path) -> Figure {
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "default"}});
    let manifest = place.join("one.yaml");
    fs::write(&manifest, serde_yaml::to_string(&object).unwrap()).unwrap();
    let live = place.join("one.json");
    fs::write(&live, recording(&[object])).unwrap();
    ("diff of one object in sync", manifest, live)
}

/// Deployments and ConfigMaps without drift.
fn thousand_in_sync(place: &Path) -> Figure {
    let declared: Vec<Value> = (0..1_000).map(object).collect();
    let objects: Vec<Value> = declared.iter().map(applied).collect();
    let manifests = place.join("in-sync");
    fs::create_dir(&manifests).unwrap();
    write_manifests(&manifests, &declared);
    let live = place.join("in-sync.json");
    fs::write(&live, recording(&objects)).unwrap();
    ("diff of 1,000 objects in sync", manifests, live)
}

/// Deployments and ConfigMaps, one in fifty with drift.
fn thousand_objects(place: &Path) -> Figure {
    let (mut declared, mut objects) = copies(&pairs(&["Deployment"]), 500, 10);
    let (configs, live) = copies(&pairs(&["ConfigMap"]), 500, 10);
    declared.extend(configs);
    objects.extend(live);
    let manifests = place.join("manifests");
    fs::create_dir(&manifests).unwrap();
    write_manifests(&manifests, &declared);
    let live = place.join("live.json");
    fs::write(&live, recording(&objects)).unwrap();
    ("diff of 1,000 objects", manifests, live)
}

/// Returns the instructions that a program takes; `None` without valgrind.
fn instructions(home: &Path, program: Command, words: &[&Path]) -> Option<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program.get_program())
        .args(words)
        .current_dir(home)
        .env("HOME", home)
        .env_remove("KUBECONFIG")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let count = said.lines().find_map(|line| line.split_once("Collected :"));
    let Some((_, count)) = count else {
        panic!("valgrind counted nothing: {said}");
    };
    Some(count.trim().parse().unwrap())
}

/// Parses every byte, and keeps nothing.
pub fn parse(manifests: &Path, live: &Path) {
    let files = fs::read_dir(manifests).unwrap();
    for file in files {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        for document in serde_yaml::Deserializer::from_str(&text) {
            IgnoredAny::deserialize(document).unwrap();
        }
    }
    let text = fs::read_to_string(live).unwrap();
    let _: IgnoredAny = serde_json::from_str(&text).unwrap();
}

fn history() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions.tsv")
}

/// Returns the last count of this name: lines are `DAY<tab>FIGURE<tab>INSTRUCTIONS`.
fn recorded(what: &str) -> Option<u64> {
    let text = fs::read_to_string(history()).unwrap();
    let mut figures = text
        .lines()
        .rev()
        .map(|line| line.split('\t').collect::<Vec<_>>());
    let figure = figures.find(|columns| columns.get(1) == Some(&what))?;
    figure.get(2)?.parse().ok()
}

fn record(what: &str, count: u64) {
    let day = Timestamp::now().strftime("%Y-%m-%d");
    let mut file = fs::OpenOptions::new().append(true).open(history()).unwrap();
    writeln!(file, "{day}\t{what}\t{count}").unwrap();
}
