//! Time and memory.
//!
//! Times of a busy machine vary, so everything that is compared runs in turns within one program,
//! and the fastest of several turns counts: what slows a turn down is not the program's.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The turns of each measurement, unless `DRIFTCTL_BENCH_TURNS` says otherwise.
const TURNS: usize = 5;

/// How many turns to take.
pub fn turns() -> usize {
    let turns = std::env::var("DRIFTCTL_BENCH_TURNS").ok();
    turns.and_then(|turns| turns.parse().ok()).unwrap_or(TURNS)
}

/// The fastest turn of each of two things that take turns.
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

/// The binary under test: that of this build, unless `DRIFTCTL_BENCH_BINARY` names another one.
pub fn binary() -> PathBuf {
    let named = std::env::var_os("DRIFTCTL_BENCH_BINARY");
    named.map_or_else(|| env!("CARGO_BIN_EXE_driftctl").into(), PathBuf::from)
}

/// The command under test, with nothing of the machine's settings.
pub fn driftctl(home: &Path) -> Command {
    let mut command = Command::new(binary());
    command
        .current_dir(home)
        .env_clear()
        .env("HOME", home)
        .stdin(Stdio::null());
    command
}

/// Runs a command, which is to end with this exit code.
///
/// # Panics
/// When it ends otherwise: what it did then is not worth measuring.
pub fn run(command: &mut Command, code: i32) -> Output {
    let output = command.output().unwrap();
    let shown = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{command:?}: {shown}");
    output
}

/// The most memory that a command takes, in bytes; `None` where it is not known how to tell.
///
/// It is looked at while the command runs. What `getrusage` says of children would be of no use:
/// a child begins with the peak of its parent, and this one may hold a whole cluster.
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

/// The most memory that a process has taken so far, as Linux tells it.
fn high_water(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes << 10)
}
