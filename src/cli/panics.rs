//! What happens when driftctl itself is wrong.

use std::io::Write;
use std::panic::{self, AssertUnwindSafe, Location};

use super::Exit;

/// Replaces Rust's panic message by one without the payload, which may quote what came from a
/// cluster, a Secret's value included.
pub fn report_panics_plainly() {
    panic::set_hook(Box::new(|info| {
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

/// Runs `work`; a panic in it is [`Exit::Trouble`], never Rust's own code 101.
pub fn contain_panics(work: impl FnOnce() -> Exit) -> Exit {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or(Exit::Trouble)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_trouble() {
        assert_eq!(contain_panics(|| panic!("on purpose")), Exit::Trouble);
        assert_eq!(contain_panics(|| Exit::Drift), Exit::Drift);
    }
}
