//! SIGINT, SIGTERM and the other signals that end a process: a run that is reading stops and shows what it has. Any other ends, and
//! leaves neither a program running nor a folder behind; so does one that ends by a panic.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// The exit code that shells expect after an interrupt from the keyboard.
const INTERRUPTED: i32 = 130;

/// The same after the terminal is gone, which tells a service to read its rules again.
const HUNG_UP: i32 = 129;

/// Whether this process goes on until it is told to end.
static SERVES: AtomicBool = AtomicBool::new(false);

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

/// What a process that goes on until it is told to end is told by signals.
pub struct Commands {
    end: watch::Receiver<bool>,
    reread: watch::Receiver<u64>,
    runtime: tokio::runtime::Runtime,
}

/// What a signal says to such a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// To end.
    End,
    /// To read its rules again (SIGHUP).
    Reread,
    /// Nothing yet.
    Nothing,
}

impl Commands {
    /// Takes signals for commands from now on: a first one no longer ends the process.
    ///
    /// # Errors
    /// Fails if nothing can wait for them.
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

    /// Returns whether the process is to end.
    pub fn told_to_end(&self) -> bool {
        *self.end.borrow()
    }

    /// Waits until a signal says something, at most so long.
    pub fn wait(&mut self, at_most: Duration) -> Told {
        let (end, reread) = (&mut self.end, &mut self.reread);
        self.runtime.block_on(async {
            let ended = async {
                // Without a watcher nobody ever says so.
                if end.wait_for(|end| *end).await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = ended => Told::End,
                _ = reread.changed() => Told::Reread,
                () = tokio::time::sleep(at_most) => Told::Nothing,
            }
        })
    }
}

/// Counts the signals that tell a service to read its rules again.
fn hangups() -> &'static watch::Sender<u64> {
    static HANGUPS: OnceLock<watch::Sender<u64>> = OnceLock::new();
    HANGUPS.get_or_init(|| watch::Sender::new(0))
}

type Work = Box<dyn FnOnce() + Send>;

/// What is to be done before [`end`], in the order in which it came up.
static LAST: Mutex<BTreeMap<usize, Work>> = Mutex::new(BTreeMap::new());

/// Something to be done by [`end`], which drops nothing. It is called off when this is dropped.
#[derive(Debug)]
pub struct AtEnd(usize);

impl AtEnd {
    /// Notes it. A caller that comes while the process is ending waits for its end.
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
            if SERVES.load(Ordering::SeqCst) {
                if code == HUNG_UP {
                    hangups().send_modify(|count| *count += 1);
                } else if interrupted.send_replace(true) {
                    // Someone insists.
                    end(code);
                }
                continue;
            }
            // Asked first: a run that is told to stop may be done with reading a moment later.
            let is_reading = READING.load(Ordering::SeqCst) > 0;
            let first = !interrupted.send_replace(true);
            // Someone at a keyboard wants it to end; what tells a job to end wants what there is.
            if !first || !is_reading || code == INTERRUPTED {
                if code == INTERRUPTED {
                    // Nothing can be done about a standard error that cannot be written to.
                    let _ = writeln!(
                        std::io::stderr(),
                        "\nerror: interrupted; no report was written"
                    );
                }
                // Nothing is being read that could be shown, or someone insists.
                end(code);
            }
        }
    });
}

/// Does what is left to do, and ends the process. Nobody notes anything new in the meantime.
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

/// Returns whether the parent process had it ignore a signal. Asked of Linux, which says so; once,
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
