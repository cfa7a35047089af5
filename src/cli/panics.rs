//! Reports bugs in driftctl itself.

use std::io::Write;
use std::panic::{self, Location};
use std::sync::{Mutex, PoisonError};

use super::Exit;
use crate::signals;

/// A function to run before the message of a panic is written.
static BEFORE: Mutex<Option<fn()>> = Mutex::new(None);

/// Runs a function before the message of a panic is written, as long as the value lives. A terminal
/// in its alternate screen would lose the message.
pub struct PanicHook(());

impl PanicHook {
    /// Registers the function.
    pub fn message(work: fn()) -> Self {
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(work);
        Self(())
    }
}

impl Drop for PanicHook {
    fn drop(&mut self) {
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Makes a panic on any thread end the process with [`Exit::Trouble`], never with Rust's own code
/// 101, and never with a report that lacks the thread's results. The message replaces Rust's, whose
/// payload may quote values from a cluster, even of a Secret.
pub fn end_at_panics() {
    panic::set_hook(Box::new(|info| {
        let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(work) = before {
            work();
        }
        let place = info.location().map(Location::to_string);
        let place = place.as_deref().unwrap_or("an unknown location");
        // If standard error cannot be written to, nothing can be done.
        let _ = writeln!(
            std::io::stderr(),
            "error: driftctl failed at {place}; the comparison was not completed\n  \
             This is a bug. Please report it with this line and the output of 'driftctl version'."
        );
        signals::end(Exit::Trouble.code().into());
    }));
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::process::{Command, exit};
    use std::thread;

    use rayon::prelude::*;
    use tokio::runtime::Runtime;
    use tokio::task::JoinSet;

    use super::*;

    const PANIC_VARIABLE: &str = "DRIFTCTL_TEST_PANIC";
    const PAYLOAD: &str = "payload of a panic";
    const RESTORED: &str = "[the terminal is restored]";

    /// Runs work that panics, on every kind of thread; on some, a panic would go unnoticed.
    const PANICS: &[(&str, fn())] = &[
        ("here", || panic!("{PAYLOAD}")),
        ("caught", || {
            let _ = panic::catch_unwind(|| panic!("{PAYLOAD}"));
        }),
        ("thread", || {
            let _ = thread::spawn(|| panic!("{PAYLOAD}")).join();
        }),
        ("items", || {
            (0..9)
                .into_par_iter()
                .for_each(|n| assert!(n < 5, "{PAYLOAD}"));
        }),
        ("drawing", || {
            let _before = PanicHook::message(|| {
                let _ = std::io::stderr().write_all(RESTORED.as_bytes());
            });
            panic!("{PAYLOAD}");
        }),
        ("tasks", || {
            let mut tasks = JoinSet::new();
            Runtime::new().unwrap().block_on(async {
                tasks.spawn(async { panic!("{PAYLOAD}") });
                let _ = tasks.join_next().await;
            });
        }),
    ];

    /// The process ends, so each case is a separate run of this test.
    #[test]
    fn a_panic_on_any_thread_exits_with_2() {
        if let Ok(chosen) = env::var(PANIC_VARIABLE) {
            end_at_panics();
            let (_, work) = PANICS.iter().find(|(name, _)| *name == chosen).unwrap();
            work();
            exit(0);
        }
        for (name, _) in PANICS {
            let this = "cli::panics::tests::a_panic_on_any_thread_exits_with_2";
            let output = Command::new(env::current_exe().unwrap())
                .args([this, "--exact", "--nocapture"])
                .env(PANIC_VARIABLE, name)
                .output()
                .unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{name}: {said}");
            assert!(said.contains("driftctl failed at src"), "{name}: {said}");
            assert!(!said.contains(PAYLOAD), "{name}: {said}");
            if *name == "drawing" {
                let first = format!("{RESTORED}error: driftctl failed");
                assert!(said.contains(&first), "{name}: {said}");
            }
        }
    }
}
