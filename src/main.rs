//! The driftctl command.

use std::process::ExitCode;

use driftctl::cli::{self, Streams, Surroundings};

/// Comparing builds and drops millions of small values on all cores at once, where glibc's
/// allocator is several times slower.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::report_panics_plainly();
    let surroundings = Surroundings::detect();
    let streams = Streams::standard();
    cli::contain_panics(|| cli::run(std::env::args_os(), &surroundings, streams)).into()
}
