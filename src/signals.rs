//! Handles SIGINT, SIGTERM and the other signals that end a process. A run that is reading stops
//! and reports what it has read; a run that is writing stops before the next write. Any other process ends, without leaving a program running or a
//! temporary folder behind; so does a process that panics.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// The exit code after an interrupt from the keyboard (SIGINT), as shells expect it.
const INTERRUPTED: i32 = 130;

/// The exit code after the terminal closed (SIGHUP). A service reloads its rules instead.
const HUNG_UP: i32 = 129;

/// Whether this process is a service, which runs until a signal ends it.
static SERVES: AtomicBool = AtomicBool::new(false);

/// The number of runs that are reading.
static READING: AtomicUsize = AtomicUsize::new(0);

/// While a value of this type exists, the first signal interrupts the reading instead of ending the
/// process.
pub struct InterruptibleRead;

impl InterruptibleRead {
    /// Starts to count a run as reading.
    pub fn begin() -> Self {
        READING.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for InterruptibleRead {
    fn drop(&mut self) {
        READING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The number of runs that are writing.
static WRITING: AtomicUsize = AtomicUsize::new(0);

/// While a value of this type exists, the first signal does not end the process, so that the run can
/// say what it has written.
pub struct WritingRun;

/// What an interruption from the keyboard means.
static LOST: Mutex<&'static str> = Mutex::new("no report was written");

/// Sets what an interruption from the keyboard means, from now on.
pub fn if_interrupted(what: &'static str) {
    *LOST.lock().unwrap_or_else(PoisonError::into_inner) = what;
}

impl WritingRun {
    /// Starts to count a run as writing.
    pub fn begin() -> Self {
        WRITING.fetch_add(1, Ordering::SeqCst);
        if_interrupted(
            "changes may have been written; 'driftctl revert --list-undo' lists what can be undone",
        );
        Self
    }
}

impl Drop for WritingRun {
    fn drop(&mut self) {
        WRITING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Receives signals in a service.
pub struct Commands {
    end: watch::Receiver<bool>,
    reread: watch::Receiver<u64>,
    runtime: tokio::runtime::Runtime,
}

/// The meaning of a signal for a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceSignal {
    /// The service should end.
    End,
    /// The service should reload its rules (SIGHUP).
    Reread,
    /// No signal was received.
    Nothing,
}

impl Commands {
    /// Handles signals as commands from now on: the first one no longer ends the process.
    ///
    /// # Errors
    /// Fails if the runtime that waits for signals cannot be built.
    pub fn listen() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let commands = Self {
            end: signals(),
            reread: hangups().subscribe(),
            runtime,
        };
        SERVES.store(true, Ordering::SeqCst);
        Ok(commands)
    }

    /// Returns whether the service should end.
    pub fn told_to_end(&self) -> bool {
        *self.end.borrow()
    }

    /// Waits for a signal until a timeout.
    pub fn wait(&mut self, at_most: Duration) -> ServiceSignal {
        let (end, reread) = (&mut self.end, &mut self.reread);
        self.runtime.block_on(async {
            let ended = async {
                // Without a watcher no signal is ever received.
                if end.wait_for(|end| *end).await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = ended => ServiceSignal::End,
                _ = reread.changed() => ServiceSignal::Reread,
                () = tokio::time::sleep(at_most) => ServiceSignal::Nothing,
            }
        })
    }
}

/// Counts the signals by which a service reloads its rules.
fn hangups() -> &'static watch::Sender<u64> {
    static HANGUPS: OnceLock<watch::Sender<u64>> = OnceLock::new();
    HANGUPS.get_or_init(|| watch::Sender::new(0))
}

type CleanupWork = Box<dyn FnOnce() + Send>;

/// The tasks to run in [`end`], in order of registration.
static LAST: Mutex<BTreeMap<usize, CleanupWork>> = Mutex::new(BTreeMap::new());

/// A task for [`end`], which drops no values. Dropping this cancels it.
#[derive(Debug)]
pub struct AtEnd(usize);

impl AtEnd {
    /// Registers a task. If the process is already ending, the caller waits for its end.
    pub fn run(work: impl FnOnce() + Send + 'static) -> Self {
        static NUMBERS: AtomicUsize = AtomicUsize::new(0);
        signals(); // a watcher is needed
        let number = NUMBERS.fetch_add(1, Ordering::SeqCst);
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        last.insert(number, Box::new(work));
        Self(number)
    }
}

impl Drop for AtEnd {
    fn drop(&mut self) {
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        last.remove(&self.0);
    }
}

/// Returns a receiver that turns true at the first signal. There is one watcher per process,
/// because signals are per process; if it cannot be set up, signals have their default effect.
pub fn signals() -> watch::Receiver<bool> {
    static SIGNALS: OnceLock<watch::Receiver<bool>> = OnceLock::new();
    SIGNALS
        .get_or_init(|| {
            let (interrupted, receiver) = watch::channel(false);
            let watcher = std::thread::Builder::new().name("signals".to_owned());
            // Without a watcher nothing is ever sent, and waiting for it never ends.
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
            if SERVES.load(Ordering::SeqCst) {
                if code == HUNG_UP {
                    hangups().send_modify(|count| *count += 1);
                } else if interrupted.send_replace(true) {
                    // A second signal ends the process.
                    end(code);
                }
                continue;
            }
            // Checked first, because an interrupted run may finish reading a moment later.
            let is_reading = READING.load(Ordering::SeqCst) > 0;
            let first = !interrupted.send_replace(true);
            if first && WRITING.load(Ordering::SeqCst) > 0 {
                if code == INTERRUPTED {
                    // If standard error cannot be written to, nothing can be done.
                    let _ = writeln!(
                        std::io::stderr(),
                        "\ninterrupted: finishing the current write; interrupt again to stop at once"
                    );
                }
                continue;
            }
            // A user at a keyboard wants it to end; a job that is stopped should report its partial
            // result.
            if !first || !is_reading || code == INTERRUPTED {
                if code == INTERRUPTED {
                    // If standard error cannot be written to, nothing can be done.
                    let lost = *LOST.lock().unwrap_or_else(PoisonError::into_inner);
                    let _ = writeln!(std::io::stderr(), "\nerror: interrupted; {lost}");
                }
                // Nothing is being read that could be shown, or this is the second signal.
                end(code);
            }
        }
    });
}

/// Stops the process and those that its shell started with it, until the shell continues them.
pub fn stop() {
    #[cfg(unix)]
    {
        // Without a shell that controls its jobs, nothing stops.
        let _ = rustix::process::kill_current_process_group(rustix::process::Signal::TSTP);
    }
}

/// Does the registered tasks, and ends the process. Nothing new can be registered in the meantime.
pub fn end(code: i32) -> ! {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    while let Some((_, work)) = last.pop_last() {
        work();
    }
    std::process::exit(code)
}

/// Waits for a signal and returns the exit code that shells expect after it.
#[cfg(unix)]
async fn next_signal() -> Option<i32> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).ok()?;
    let mut terminate = signal(SignalKind::terminate()).ok()?;
    let mut quit = signal(SignalKind::quit()).ok()?;
    let mut alarm = signal(SignalKind::alarm()).ok()?;
    let mut first = signal(SignalKind::user_defined1()).ok()?;
    let mut second = signal(SignalKind::user_defined2()).ok()?;
    // Under nohup a run continues after the terminal closed.
    let mut hangup = match is_ignored(SignalKind::hangup()) {
        true => None,
        false => Some(signal(SignalKind::hangup()).ok()?),
    };
    let hung_up = async {
        match &mut hangup {
            Some(hangup) => hangup.recv().await,
            None => std::future::pending().await,
        }
    };
    let kind = tokio::select! {
        _ = interrupt.recv() => SignalKind::interrupt(),
        _ = terminate.recv() => SignalKind::terminate(),
        _ = quit.recv() => SignalKind::quit(),
        _ = alarm.recv() => SignalKind::alarm(),
        _ = first.recv() => SignalKind::user_defined1(),
        _ = second.recv() => SignalKind::user_defined2(),
        _ = hung_up => SignalKind::hangup(),
    };
    Some(128 + kind.as_raw_value())
}

/// Returns whether the parent process made this one ignore a signal. Only Linux reports it; read
/// once, because waiting for the signal ends ignoring it.
#[cfg(unix)]
fn is_ignored(signal: tokio::signal::unix::SignalKind) -> bool {
    static IGNORED: OnceLock<u64> = OnceLock::new();
    let ignored = *IGNORED.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .unwrap_or(0)
    });
    let bit = u32::try_from(signal.as_raw_value() - 1).unwrap_or(u32::MAX);
    ignored.checked_shr(bit).unwrap_or(0) & 1 == 1
}

/// Waits for a signal and returns the exit code of an interrupted run.
#[cfg(not(unix))]
async fn next_signal() -> Option<i32> {
    tokio::signal::ctrl_c().await.ok()?;
    Some(130)
}
