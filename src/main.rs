//! The driftctl command.

use std::process::ExitCode;

use driftctl::cli::{self, CliEnvironment, Streams};

/// A comparison allocates and frees millions of small values on all cores at once, for which
/// glibc's allocator is several times slower.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    use_small_pages();
    cli::end_at_panics();
    let surroundings = CliEnvironment::detect();
    let streams = Streams::standard();
    cli::run(std::env::args_os(), &surroundings, streams).into()
}

/// Turns huge pages off. If the kernel uses them, each first touch of one clears two megabytes:
/// half of the time and memory of a short run.
#[cfg(target_os = "linux")]
fn use_small_pages() {
    // A kernel that does not support this is merely slower.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

#[cfg(not(target_os = "linux"))]
fn use_small_pages() {}
