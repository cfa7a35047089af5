//! What happens when driftctl itself is wrong.

use std::io::Write;
use std::panic::{self, AssertUnwindSafe, Location};
use std::sync::atomic::{AtomicBool, Ordering};

use super::Exit;

/// Whether anything has panicked, on any thread. A library may catch a panic, and a thread's end
/// with nobody; what the run says then may lack what that thread was for.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// Replaces Rust's panic message by one without the payload, which may quote what came from a
/// cluster, a Secret's value included.
pub fn report_panics_plainly() {
    panic::set_hook(Box::new(|info| {
        PANICKED.store(true, Ordering::SeqCst);
        let place = info.location().map(Location::to_string);
        let place = place.as_deref().unwrap_or("an unknown place");
        // Nothing can be done about a standard error that cannot be written to.
        let _ = writeln!(
            std::io::stderr(),
            "error: driftctl failed at {place}; nothing can be said about drift\n  \
             This is a bug. Please report it with this line and the output of 'driftctl version'."
        );
    }));
}

/// Runs `work`; a panic in it, or on a thread that it started, is [`Exit::Trouble`], never Rust's
/// own code 101 and never an all-clear.
pub fn contain_panics(work: impl FnOnce() -> Exit) -> Exit {
    let exit = panic::catch_unwind(AssertUnwindSafe(work));
    if PANICKED.load(Ordering::SeqCst) {
        return Exit::Trouble;
    }
    exit.unwrap_or(Exit::Trouble)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use rayon::prelude::*;

    use super::*;

    fn tasks() -> Exit {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            tasks.spawn(async { panic!("on purpose") });
            tasks.join_all().await;
        });
        Exit::Clean
    }

    /// Each way in which work is spread, and two in which nobody would notice. The hook and what
    /// it keeps are the process's, so this is one test.
    #[test]
    fn a_panic_anywhere_is_trouble() {
        assert_eq!(contain_panics(|| Exit::Drift), Exit::Drift);
        assert_eq!(contain_panics(|| panic!("on purpose")), Exit::Trouble);
        let items = || {
            (0..9).into_par_iter().for_each(|n| assert!(n < 5));
            Exit::Clean
        };
        assert_eq!(contain_panics(items), Exit::Trouble);
        assert_eq!(contain_panics(tasks), Exit::Trouble);

        let usual = panic::take_hook();
        report_panics_plainly();
        let nobody_waits = || {
            let _ = thread::spawn(|| panic!("on purpose")).join();
            Exit::Clean
        };
        let exit = contain_panics(nobody_waits);
        PANICKED.store(false, Ordering::SeqCst);
        assert_eq!(exit, Exit::Trouble);
        let caught = || {
            let _ = panic::catch_unwind(|| panic!("on purpose"));
            Exit::Clean
        };
        let exit = contain_panics(caught);
        PANICKED.store(false, Ordering::SeqCst);
        panic::set_hook(usual);
        assert_eq!(exit, Exit::Trouble);
    }
}
