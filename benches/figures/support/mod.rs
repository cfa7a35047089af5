//! What the benchmarks share: the shop many times over, and how time and memory are measured.

#![allow(clippy::print_stdout)]

pub mod copies;
pub mod measure;
pub mod table;
