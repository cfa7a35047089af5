//! The figures that driftctl is held to, each as a ratio to a floor of the same run: `cargo bench`.
//!
//! `cargo bench -- offline startup` measures these two only. `DRIFTCTL_BENCH_TURNS` says how many
//! turns each takes.

#![allow(clippy::unwrap_used)]

mod cluster;
mod offline;
mod rules;
#[path = "../../tests/cluster/server/mod.rs"]
mod server;
mod startup;
mod support;

/// What is measured, by name.
const ALL: &[(&str, fn())] = &[
    ("startup", startup::measure),
    ("cluster", cluster::measure),
    ("offline", offline::measure),
    ("rules", rules::measure),
];

fn main() {
    // Cargo itself passes flags.
    let words = std::env::args().skip(1);
    let wanted: Vec<String> = words.filter(|word| !word.starts_with('-')).collect();
    for (name, measure) in ALL {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            measure();
        }
    }
}
