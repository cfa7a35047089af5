//! Tests the engine against known results: recorded clusters, rules of equality, the sources of the
//! schema table, and properties that hold for every object.

#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod attribution;
mod cases;
mod driftbench;
mod facts;
mod fuzz_corpus;
mod kinds;
mod meaning;
mod nothing_disappears;
mod properties;
mod schema_sources;
mod schema_table;
mod yaml_hostile;
mod yaml_like_kubectl;
