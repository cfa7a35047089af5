//! SIGINT, SIGTERM and the other signals that end a process: a run that is reading stops and shows what it has. Any other ends, and
//! leaves neither a program running nor a folder behind; so does one that ends by a panic.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use tokio::sync::watch;

/// The exit code that shells expect after an interrupt from the keyboard.
const INTERRUPTED: i32 = 130;

/// How many runs are reading.
static READING: AtomicUsize = AtomicUsize::new(0);

/// While one of these lives, a first signal interrupts the reading rather than the process.
pub struct Reading;

impl Reading {
    /// Begins to read.
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

type Work = Box<dyn FnOnce() + Send>;

/// What is to be done before [`end`], in the order in which it came up.
static LAST: Mutex<BTreeMap<usize, Work>> = Mutex::new(BTreeMap::new());

/// Something to be done by [`end`], which drops nothing. It is called off when this is dropped.
#[derive(Debug)]
pub struct AtEnd(usize);

impl AtEnd {
    /// Notes it. Whoever comes when the process is ending waits for its end.
    pub fn run(work: impl FnOnce() + Send + 'static) -> Self {
        static NUMBERS: AtomicUsize = AtomicUsize::new(0);
        signals(); // somebody has to watch
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

/// Turns true at the first signal. There is one watcher for the process, as signals are the
/// process's; when it cannot be set up, signals do what they do by default.
pub fn signals() -> watch::Receiver<bool> {
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
            // Somebody at a keyboard wants it to end; what tells a job to end wants what there is.
            if !first || !is_reading || code == INTERRUPTED {
                if code == INTERRUPTED {
                    // Nothing can be done about a standard error that cannot be written to.
                    let _ = writeln!(
                        std::io::stderr(),
                        "\nerror: interrupted; nothing is reported"
                    );
                }
                // Nothing is being read that could be shown, or somebody insists.
                end(code);
            }
        }
    });
}

/// Does what is left to do, and ends the process. Nobody notes anything new meanwhile.
pub fn end(code: i32) -> ! {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    while let Some((_, work)) = last.pop_last() {
        work();
    }
    std::process::exit(code)
}

/// Waits for a signal and gives the exit code that shells expect after it.
#[cfg(unix)]
async fn next_signal() -> Option<i32> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).ok()?;
    let mut terminate = signal(SignalKind::terminate()).ok()?;
    let mut quit = signal(SignalKind::quit()).ok()?;
    let mut alarm = signal(SignalKind::alarm()).ok()?;
    let mut first = signal(SignalKind::user_defined1()).ok()?;
    let mut second = signal(SignalKind::user_defined2()).ok()?;
    // Under nohup a run goes on when the terminal is gone.
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

/// Whether whoever started the process had it ignore a signal. Asked of Linux, which says so; once,
/// as it is not ignored any more when it is waited for.
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

/// Waits for a signal and gives the exit code of an interrupted run.
#[cfg(not(unix))]
async fn next_signal() -> Option<i32> {
    tokio::signal::ctrl_c().await.ok()?;
    Some(130)
}
