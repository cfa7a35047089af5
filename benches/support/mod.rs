//! What the benchmarks share: the shop many times over, and how time and memory are measured.

// Each benchmark uses its own part of this.
#![allow(dead_code, clippy::unwrap_used, clippy::print_stdout)]

pub mod copies;
pub mod measure;
pub mod table;
