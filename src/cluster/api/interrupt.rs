//! SIGINT and SIGTERM: a run that is reading stops and shows what it has.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

/// How many runs are reading.
static READING: AtomicUsize = AtomicUsize::new(0);

/// While one of these lives, a first signal interrupts the reading rather than the process.
pub(super) struct Reading;

impl Reading {
    pub fn begin() -> Self {
        READING.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        READING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Turns true at the first signal. There is one watcher for the process, as signals are the
/// process's; when it cannot be set up, signals do what they do by default.
pub(super) fn signals() -> watch::Receiver<bool> {
    static SIGNALS: OnceLock<watch::Receiver<bool>> = OnceLock::new();
    SIGNALS
        .get_or_init(|| {
            let (interrupted, receiver) = watch::channel(false);
            let watcher = std::thread::Builder::new().name("signals".to_owned());
            // Without a watcher nothing is ever sent, and waiting for it waits for ever.
            let _ = watcher.spawn(move || watch_signals(&interrupted));
            receiver
        })
        .clone()
}

fn watch_signals(interrupted: &watch::Sender<bool>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build();
    let Ok(runtime) = runtime else { return };
    runtime.block_on(async {
        while let Some(code) = next_signal().await {
            // Asked first: a run that is told to stop may be done with reading a moment later.
            let is_reading = READING.load(Ordering::SeqCst) > 0;
            let first = !interrupted.send_replace(true);
            if !first || !is_reading {
                // Nothing is being read that could be shown, or somebody insists.
                std::process::exit(code);
            }
        }
    });
}

/// Waits for a signal and gives the exit code that shells expect after it.
#[cfg(unix)]
async fn next_signal() -> Option<i32> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).ok()?;
    let mut terminate = signal(SignalKind::terminate()).ok()?;
    let kind = tokio::select! {
        _ = interrupt.recv() => SignalKind::interrupt(),
        _ = terminate.recv() => SignalKind::terminate(),
    };
    Some(128 + kind.as_raw_value())
}

/// Waits for a signal and gives the exit code of an interrupted run.
#[cfg(not(unix))]
async fn next_signal() -> Option<i32> {
    tokio::signal::ctrl_c().await.ok()?;
    Some(130)
}
