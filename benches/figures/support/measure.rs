//! Measures time and memory.
//!
//! Times vary on a busy machine, so everything that is compared runs in turns within one program,
//! and the fastest of several turns counts.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The default number of turns, unless `DRIFTCTL_BENCH_TURNS` is set.
const TURNS: usize = 5;

/// Returns the number of turns.
pub fn turns() -> usize {
    let turns = std::env::var("DRIFTCTL_BENCH_TURNS").ok();
    turns.and_then(|turns| turns.parse().ok()).unwrap_or(TURNS)
}

/// Returns the fastest turn of each of two functions, which run in turns.
pub fn in_turns(mut one: impl FnMut(), mut other: impl FnMut()) -> (Duration, Duration) {
    let mut fastest = (Duration::MAX, Duration::MAX);
    for _ in 0..turns() {
        fastest.0 = fastest.0.min(timed(&mut one));
        fastest.1 = fastest.1.min(timed(&mut other));
    }
    fastest
}

fn timed(mut run: impl FnMut()) -> Duration {
    let began = Instant::now();
    run();
    began.elapsed()
}

/// Returns the path of the binary: that of this build, unless `DRIFTCTL_BENCH_BINARY` is set.
pub fn binary() -> PathBuf {
    let named = std::env::var_os("DRIFTCTL_BENCH_BINARY");
    named.map_or_else(|| env!("CARGO_BIN_EXE_driftctl").into(), PathBuf::from)
}

/// Returns the command, without the settings of this machine.
pub fn driftctl(home: &Path) -> Command {
    let mut command = Command::new(binary());
    command
        .current_dir(home)
        .env_clear()
        .env("HOME", home)
        .stdin(Stdio::null());
    command
}

/// Runs a command, which must exit with this code.
///
/// # Panics
/// Panics if the exit code is another one: then the time means nothing.
pub fn run(command: &mut Command, code: i32) -> Output {
    let output = command.output().unwrap();
    let shown = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{command:?}: {shown}");
    output
}

/// Returns the peak memory of a command, in bytes; `None` on systems that do not report it.
///
/// The memory is read while the command runs. `getrusage` would not help: a child begins with the
/// peak of its parent, which may hold a whole cluster.
pub fn peak(command: &mut Command) -> Option<u64> {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = None;
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(high_water(child.id()));
        std::thread::sleep(Duration::from_millis(1));
    }
    peak
}

/// Returns the peak memory of a process so far (Linux).
fn high_water(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes << 10)
}
