//! Ends the child process when its CPU time is used up.
//!
//! The time is CPU time: on a busy machine a process may not run for seconds, and a harmless
//! expression would fail. If the system does not report CPU time, it is wall-clock time.

use std::fs::File;
use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// The exit code of a child that computed for too long.
pub(super) const TIMED_OUT: i32 = 124;

/// How often the time is checked.
const PAUSE: Duration = Duration::from_millis(20);

/// Limits the time of one request after the other.
pub(super) struct JqWatchdog {
    /// When the current request must end.
    limit: Arc<Mutex<Option<Duration>>>,
    time: Time,
}

impl JqWatchdog {
    /// Starts to watch. Memory must not be limited yet, because starting a thread needs some.
    pub fn begin() -> Self {
        let limit = Arc::new(Mutex::new(None));
        let time = Time::begin();
        let watched = Arc::clone(&limit);
        let (ready, up) = mpsc::channel();
        let watching = thread::Builder::new().spawn(move || {
            if ready.send(()).is_ok() {
                watch(&watched, time);
            }
        });
        // Without a thread, the parent's deadline still applies.
        if watching.is_ok() {
            let _ = up.recv();
        }
        Self { limit, time }
    }

    /// Runs a request; the process ends if it takes too long.
    pub fn over<T>(&self, allowed: Duration, work: impl FnOnce() -> T) -> T {
        self.set(self.time.now().checked_add(allowed));
        let done = work();
        self.set(None);
        done
    }

    fn set(&self, limit: Option<Duration>) {
        *self.limit.lock().unwrap_or_else(PoisonError::into_inner) = limit;
    }
}

fn watch(limit: &Mutex<Option<Duration>>, time: Time) {
    loop {
        thread::sleep(PAUSE);
        let limit: Option<Duration> = *limit.lock().unwrap_or_else(PoisonError::into_inner);
        if limit.is_some_and(|limit| time.now() >= limit) {
            std::process::exit(TIMED_OUT);
        }
    }
}

/// Returns how much time has passed.
#[derive(Clone, Copy)]
struct Time {
    began: Instant,
    /// Returns whether the system reports the CPU time of the process.
    of_processor: bool,
}

impl Time {
    fn begin() -> Self {
        Self {
            began: Instant::now(),
            of_processor: processor_time().is_some(),
        }
    }

    fn now(self) -> Duration {
        let of_processor = processor_time().filter(|_| self.of_processor);
        of_processor.unwrap_or_else(|| self.began.elapsed())
    }
}

/// Returns the CPU time of the working thread, which is the process's first (Linux,
/// `Documentation/scheduler/sched-stats.rst`). Allocates no memory, because there may be none left.
fn processor_time() -> Option<Duration> {
    let mut file = File::open("/proc/self/schedstat").ok()?;
    let mut bytes = [0; 64];
    let length = file.read(&mut bytes).ok()?;
    let text = std::str::from_utf8(bytes.get(..length)?).ok()?;
    let nanoseconds = text.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}
