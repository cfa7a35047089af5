//! Helpers that the benchmarks share.

#![allow(clippy::print_stdout)]

pub mod copies;
pub mod measure;
pub mod table;
