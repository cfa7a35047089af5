//! Benchmarks, each as a ratio to a floor of the same run: `cargo bench`.
//!
//! `cargo bench -- offline startup` runs only these two. `DRIFTCTL_BENCH_TURNS` sets the number of
//! turns of each, and `DRIFTCTL_BENCH_BINARY` another binary than that of this build.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod cluster;
mod instructions;
mod offline;
mod real;
mod rules;
mod scale;
#[path = "../../tests/cluster/server/mod.rs"]
mod server;
mod startup;
mod support;

use std::path::Path;

/// The benchmarks, by name.
const ALL: &[(&str, fn())] = &[
    ("startup", startup::measure),
    ("cluster", cluster::measure),
    ("offline", offline::measure),
    ("rules", rules::measure),
    ("scale", scale::measure),
    ("instructions", instructions::measure),
    ("real", real::measure),
];

fn main() {
    // Cargo itself passes flags.
    let words = std::env::args().skip(1);
    let wanted: Vec<String> = words.filter(|word| !word.starts_with('-')).collect();
    if let [word, manifests, live] = wanted.as_slice()
        && word == instructions::FLOOR
    {
        return instructions::parse(Path::new(manifests), Path::new(live));
    }
    for (name, measure) in ALL {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            measure();
        }
    }
}
